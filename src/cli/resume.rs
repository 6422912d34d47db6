//! `klfit resume`: go on with a run that was interrupted, or with more steps.

use std::path::PathBuf;

use clap::Args;

use super::arguments::steps_override;
use super::ranks::together;
use super::{Command, Form, Outcome, Verbosity, run};
use crate::Result;
use crate::config::{Experiment, Override};
use crate::run_folder::{Existing, RunFolder};

/// Go on with a run that was interrupted, or with more steps
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  klfit resume outputs/bimodal
  klfit resume outputs/bimodal --steps 5000")]
pub struct Resume {
    /// The folder of the run
    run: PathBuf,
    /// Steps of every fit, no fewer than it began with
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(i64).range(1..))]
    steps: Option<i64>,
    /// Set a key of the config; but for log.max_rows it must say what it said
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = Override::parse)]
    set: Vec<Override>,
    #[command(flatten)]
    form: Form,
}

impl Command for Resume {
    const EXAMPLE: [&str; 2] = ["resume outputs/NAME", "go on with it after an interruption"];

    /// Goes on from the newest checkpoint, and prints and draws what came out.
    fn run(&self, verbosity: Verbosity) -> Result<Outcome> {
        let config = RunFolder::open(&self.run)?.config_path();
        let mut overrides = self.set.clone();
        overrides.extend(steps_override(self.steps));
        together(&config, &overrides, |rank| {
            let experiment = Experiment::load(&config, overrides.clone())?;
            run::run_in(
                rank.place(&self.run, Existing::Resume)?.path(),
                experiment,
                Existing::Resume,
                rank.form(self.form),
                rank.verbosity(verbosity),
            )
        })
    }
}
