//! `klfit estimate`: a Gaussian or a mixture from samples.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::answer::print_json;
use super::mixture::Out;
use super::output::{print, to_stderr, write_file};
use super::{Command, Outcome, Table, Verbosity};
use crate::Result;
use crate::config::MixtureConfig;
use crate::density::target::{SamplesFile, read_samples};
use crate::error::Error;
use crate::export::MixtureFile;
use crate::files::read;
use crate::jobs::estimate;
use crate::mixture::NaturalParameters;
use crate::text::count;

/// Estimate a Gaussian or a mixture from samples
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  klfit estimate data.csv --out model.toml
  klfit estimate data.csv --components 3 --out model.json
  gunzip --stdout data.csv.gz | klfit estimate -

The model is written as .toml, .json or .npz, by the name of the file; without --out it is printed. `klfit divergence`
and the [target] of a config read it.")]
pub struct Estimate {
    /// The samples, a .csv or .npy file with a row for each, or - for standard input
    samples: PathBuf,
    #[command(flatten)]
    table: Table,
    /// How many Gaussians
    #[arg(long, default_value_t = 1, value_name = "K")]
    components: usize,
    #[command(flatten)]
    out: Out,
    /// Print the model and its likelihood as JSON
    #[arg(long)]
    json: bool,
    /// The seed of the k-means starts of a mixture
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Shown<'a> {
    rows: usize,
    names: &'a [String],
    /// The mean of a row, in nats.
    log_likelihood: crate::divergence::Estimate,
    mixture: &'a NaturalParameters,
}

impl Command for Estimate {
    const EXAMPLE: [&str; 2] = [
        "estimate data.csv",
        "estimate a Gaussian or a mixture from samples",
    ];

    /// Estimates the model, and writes or prints it.
    fn run(&self, verbosity: Verbosity) -> Result<Outcome> {
        let reading = verbosity.working(format!("reading {}", read::name(&self.samples)));
        let SamplesFile {
            samples: rows,
            notes,
        } = read_samples(&self.samples, &self.table.options())?;
        drop(reading);
        verbosity.notes(&notes);
        let name = read::name(&self.samples);
        if self.components == 0 {
            return Err(Error::usage(
                "--components is 0",
                "ask for at least one component",
            ));
        }
        let kind = self.out.kind()?;
        let mut estimating = verbosity.counting("estimating");
        let found = estimate::estimate(&name, &rows, self.components, self.seed, &mut estimating)?;
        drop(estimating);
        let natural = NaturalParameters::from(&found.mixture);
        let bytes = match kind {
            // Covariances, which are easier to read than the factors that tell a mixture to the bit.
            MixtureFile::Toml => toml::to_string(&MixtureConfig::from(&natural))
                .map(String::into_bytes)
                .map_err(|error| {
                    Error::usage(format!("cannot write the model: {error}"), "report this")
                })?,
            MixtureFile::Json | MixtureFile::Npz => kind.encode(&found.mixture, rows.names())?,
        };
        let out = self.out.path()?;
        if let Some(out) = out {
            write_file(out, &bytes)?;
        }
        if self.json {
            print_json(&Shown {
                rows: rows.len(),
                names: rows.names(),
                log_likelihood: found.log_likelihood,
                mixture: &natural,
            })?;
        } else if out.is_none() {
            print(&bytes)?;
        }
        if !verbosity.quiet {
            let how = match found.relative_floor {
                None => "mean and covariance of the rows, divided by N − 1".to_owned(),
                Some(least) => format!(
                    "maximum likelihood, the best of 16 k-means starts, no standard deviation below {least} \
                     of all rows'"
                ),
            };
            to_stderr(format_args!("{}: {how}", count(rows.len(), "row")));
            to_stderr(natural);
            let likelihood = found.log_likelihood.to_string();
            to_stderr(format_args!("mean log-likelihood of a row: {likelihood}"));
            self.out.told(verbosity)?;
        }
        Ok(Outcome::Success)
    }
}
