//! `klfit mixture condition`: the other coordinates, where some are known.

use clap::Args;
use statrs::distribution::{ChiSquared, ContinuousCDF};

use super::input::Input;
use super::output::Out;
use crate::Result;
use crate::cli::Verbosity;
use crate::cli::output::to_stderr;
use crate::error::Error;
use crate::text::{fixed, significant};

/// What all components but this share lie nearer to is in a tail.
const TAIL: f64 = 1e-4;

/// Fix some coordinates, and see what the others are then
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  klfit mixture condition q.json --given x2=1.5
  klfit mixture condition q.json --given x2=1.5,x3=-1 --out given.json")]
pub struct Condition {
    /// The mixture
    mixture: String,
    /// What is known of which coordinates
    #[arg(
        long,
        value_name = "NAME=VALUE",
        value_delimiter = ',',
        required = true
    )]
    given: Vec<String>,
    #[command(flatten)]
    out: Out,
}

impl Condition {
    /// Writes the conditional density.
    pub fn run(&self, verbosity: Verbosity) -> Result<()> {
        self.out.kind()?;
        let input = Input::read(&self.mixture, verbosity)?;
        let given = (self.given.iter().map(|text| known(&input, text)))
            .collect::<Result<Vec<(usize, f64)>>>()?;
        let found = input.mixture.condition(&given)?;
        let is_left = |i: &usize| given.iter().all(|(known, _)| known != i);
        let left: Vec<usize> = (0..input.mixture.dim()).filter(is_left).collect();
        if !verbosity.quiet {
            to_stderr(format_args!(
                "log-density of what is given: {} nats",
                fixed(found.log_density, 6)
            ));
            let beyond = share_beyond(found.distance, given.len());
            if beyond < TAIL {
                to_stderr(format_args!(
                    "note: what is given is in a tail, {} standard deviations from the nearest component, of which \
                     {} lies farther out: there a mixture says what its form is, not what it was fitted to",
                    significant(found.distance, 2),
                    match beyond > 0.0 {
                        true => significant(beyond, 1),
                        false => "nothing in numbers".to_owned(),
                    }
                ));
            }
        }
        (self.out).mixture(&found.mixture, &input.names_of(&left), verbosity)
    }
}

/// The share of a Gaussian in so many dimensions that is more standard deviations from its mean.
fn share_beyond(distance: f64, dim: usize) -> f64 {
    // There is such a distribution of any whole number from 1 on.
    ChiSquared::new(dim as f64).map_or(0.0, |squared| squared.sf(distance * distance))
}

/// A coordinate with its value, from `name=value`.
fn known(input: &Input, text: &str) -> Result<(usize, f64)> {
    let refused = |message: String| Err(Error::usage(message, "write it as in --given x2=1.5"));
    let Some((name, value)) = text.rsplit_once('=') else {
        return refused(format!("--given {text} has no value"));
    };
    let Ok(value) = value.trim().parse::<f64>() else {
        return refused(format!("--given {text}: {} is no number", value.trim()));
    };
    Ok((input.coordinate(name.trim())?, value))
}
