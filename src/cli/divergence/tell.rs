//! Answers of the calculator as a table with remarks, or as JSON.

use comfy_table::{CellAlignment, Table};
use serde::Serialize;

use super::Divergence;
use crate::Result;
use crate::calculator::{Answer, Claim, Ending, Measure, Operand};
use crate::cli::answer::{number, print_json, within};
use crate::cli::output::to_stdout;
use crate::cli::{Verbosity, layout};
use crate::report::units;
use crate::text;

/// What `--json` prints of two densities, or of one.
#[derive(Serialize)]
struct Report<'a> {
    p: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    q: Option<&'a str>,
    answers: &'a [Answer],
}

/// Prints what was found of the densities.
pub fn tell(
    options: &Divergence,
    operands: &[Operand],
    answers: &[Answer],
    verbosity: Verbosity,
) -> Result<()> {
    if options.json {
        let report = Report {
            p: &operands[0].name,
            q: operands.get(1).map(|q| q.name.as_str()),
            answers,
        };
        print_json(&report)?;
        return Ok(());
    }
    if !verbosity.quiet {
        for (name, operand) in ["p", "q"].iter().zip(operands) {
            to_stdout(format_args!(
                "{name}: {}, {}",
                operand.name,
                operand.describe()
            ));
        }
    }
    to_stdout(table(answers));
    if !verbosity.quiet {
        remarks(answers);
    }
    Ok(())
}

fn table(answers: &[Answer]) -> Table {
    let mut table = layout::table([
        "divergence",
        "value",
        "95 % interval",
        "certainly within",
        "method",
        "time",
    ]);
    for answer in answers {
        let interval = match answer.interval {
            Some([low, high]) if answer.claim == Claim::Sample => text::interval(low, high),
            _ => String::new(),
        };
        table.add_row([
            answer.divergence.symbol(),
            number(answer),
            interval,
            within(answer),
            answer.method.name().to_owned(),
            text::seconds(answer.seconds),
        ]);
    }
    if let Some(column) = table.column_mut(5) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// What there is to say below the table.
fn remarks(answers: &[Answer]) {
    let is_in = |unit| move |answer: &Answer| answer.divergence.unit() == Some(unit);
    if answers.iter().any(is_in("nats")) {
        let mut kinds = (answers.iter())
            .filter_map(|answer| answer.divergence.as_divergence())
            .peekable();
        match kinds.peek() {
            None => to_stdout("In nats."),
            Some(_) => to_stdout(units(kinds, false)),
        }
    }
    if answers.iter().any(is_in("units of x")) {
        to_stdout("W₂ is in the units of x, and not squared.");
    }
    // The same remark of several divergences is made once.
    let mut made: Vec<(String, Vec<String>)> = Vec::new();
    for answer in answers {
        let remark = remark(answer);
        let symbol = answer.divergence.symbol();
        match made.iter_mut().find(|(other, _)| *other == remark) {
            Some((_, symbols)) => symbols.push(symbol),
            None => made.push((remark, vec![symbol])),
        }
    }
    for (remark, symbols) in made {
        to_stdout(format_args!("{}: {remark}", symbols.join(", ")));
    }
}

/// What there is to say of an answer.
pub fn remark(answer: &Answer) -> String {
    if answer.value.is_infinite() {
        return format!("infinite: {}", answer.reason);
    }
    let (method, reason) = (answer.method.name(), &answer.reason);
    match answer.claim {
        Claim::Exact => format!("exact: {reason}"),
        Claim::Rounded => format!("{method}, {reason}; ± is a bound of what rounding did"),
        Claim::Integral => {
            let ending = match answer.ending {
                Some(Ending::Spent | Ending::Normalizer) => "; the error asked for is not reached",
                _ => "",
            };
            format!("{method}, {reason}; ± is what its panels leave, with rounding{ending}")
        }
        Claim::Bracket => format!("{method}, {reason}"),
        Claim::Sample => {
            let ending = match answer.ending {
                Some(Ending::Reached) => "the error asked for is reached",
                Some(Ending::Normalizer) => {
                    "more would not help: log Z is not known well enough for the error asked for"
                }
                Some(Ending::Spent) | None => "all samples are spent",
            };
            format!(
                "{method}, {reason}; {} draws, ± is one standard error; {ending}",
                answer.samples
            )
        }
        Claim::UpperBound if answer.divergence == Measure::Wasserstein2 => format!(
            "{method}, {reason}, an upper bound of W₂; ± is a bound of what rounding did to it"
        ),
        Claim::UpperBound => format!("{method}: an upper bound, not an estimate"),
        Claim::Approximation => {
            format!("{method}: an approximation of unknown error, on either side of the truth")
        }
        Claim::PlugIn => format!("{method}: {reason}"),
    }
}
