//! The calculator's answers, as commands print them, and the options that ask for them.

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::Verbosity;
use super::output::print;
use crate::Result;
use crate::calculator::{Answer, Claim};
use crate::error::Error;
use crate::text;

/// A number of an answer in a few words.
pub fn number(answer: &Answer) -> String {
    match answer.error {
        _ if answer.value.is_infinite() => "∞".to_owned(),
        Some(error) if answer.claim == Claim::Exact => text::by_formula(answer.value, error),
        Some(error) => text::with_error(answer.value, error),
        None => text::small(answer.value),
    }
}

/// What a number lies between for certain, where that says more than the number.
pub fn within(answer: &Answer) -> String {
    match answer.bracket {
        Some(bracket) if answer.claim != Claim::Exact => {
            text::interval(bracket.lower, bracket.upper)
        }
        _ => String::new(),
    }
}

/// JSON for programs.
pub fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string_pretty(value).map_err(|error| {
        Error::usage(
            format!("cannot write JSON: {error}"),
            "leave --json and --out away",
        )
    })
}

/// Prints JSON for programs.
pub fn print_json(value: &impl Serialize) -> Result<()> {
    print(format!("{}\n", text::json(&to_json(value)?)).as_bytes())
}

/// A bar of how much of the work is done; none where nothing is to be said.
pub fn bar(verbosity: Verbosity) -> ProgressBar {
    if verbosity.quiet {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:30} {msg}  {elapsed}");
    let bar = ProgressBar::new(1);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// A number above 0 that an option is given.
pub fn positive(text: &str) -> std::result::Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number > 0.0 && number.is_finite() => Ok(number),
        _ => Err("give a number above 0, such as 1e-3".to_owned()),
    }
}

/// A number of draws that an option is given, such as 1e6.
pub fn samples(text: &str) -> std::result::Result<u64, String> {
    whole(text, 2)
}

/// A whole number of at least this, as people write large ones: 1e6, 1_000_000.
pub fn whole(text: &str, least: u64) -> std::result::Result<u64, String> {
    let number = text.replace('_', "").parse::<f64>();
    match number {
        Ok(number) if (least as f64..=1e15).contains(&number) && number.fract() == 0.0 => {
            Ok(number as u64)
        }
        _ => Err(format!(
            "give a whole number of at least {least}, such as 1e6"
        )),
    }
}
