//! `klfit resume`: go on with a run that was interrupted, or with more steps.

use std::path::PathBuf;

use clap::Args;
use klfit::Result;
use klfit::config::Experiment;
use klfit::run_folder::{Existing, RunFolder};

use super::{Outcome, Verbosity, run};

/// Options of `klfit resume`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  klfit resume outputs/bimodal
  klfit resume outputs/bimodal --steps 5000")]
pub struct Options {
    /// The folder of the run
    run: PathBuf,
    /// Steps of every fit, no fewer than it began with
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(i64).range(1..))]
    steps: Option<i64>,
    /// Leave the figures out; `klfit plot` draws them later
    #[arg(long)]
    no_figures: bool,
}

/// Goes on from the newest checkpoint, and prints and draws what came out.
pub fn resume(options: &Options, verbosity: Verbosity) -> Result<Outcome> {
    let config = RunFolder::open(&options.run)?.config_path();
    let experiment = Experiment::load(&config, run::steps_override(options.steps))?;
    let existing = Existing::Resume;
    run::run_in(
        &options.run,
        experiment,
        existing,
        !options.no_figures,
        verbosity,
    )
}
