//! `klfit plot`: draw the figures of a run again.

use std::path::PathBuf;

use clap::Args;

use super::looks::Looks;
use super::{Command, Outcome, Verbosity};
use crate::Result;
use crate::jobs::{draw_figures_as, draw_sweep_as};
use crate::run_folder::{RunFolder, SweepFolder};

/// Draw the figures of a run or sweep again
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  klfit plot outputs/bimodal
  klfit plot outputs/bimodal --only densities,convergence --width column --font serif --format pdf
  klfit plot outputs/bimodal --theme house.toml --set 'labels.step=iteration' --out figures

A run that was interrupted, or still goes on, is drawn as far as it came.")]
pub struct Plot {
    /// The folder of a run or a sweep
    run: PathBuf,
    /// The folder for the figures [default: figures in that of the run]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    looks: Looks,
}

impl Command for Plot {
    const EXAMPLE: [&str; 2] = ["plot outputs/NAME", "draw the figures again"];

    /// Draws every figure from the files of the folder.
    fn run(&self, verbosity: Verbosity) -> Result<Outcome> {
        let looks = self.looks.read()?;
        let out = self.out.as_deref();
        let drawn = match SweepFolder::open(&self.run) {
            Some(sweep) => {
                let _drawing = verbosity.working("drawing figures");
                draw_sweep_as(&sweep, &looks, out)?
            }
            None => {
                let folder = RunFolder::open(&self.run)?;
                verbosity.unfinished(&folder)?;
                let mut drawing = verbosity.counting("drawing figures");
                draw_figures_as(&folder, &looks, out, &mut drawing)?
            }
        };
        verbosity.notes(&drawn.notes);
        verbosity.written(&drawn.files);
        Ok(Outcome::Success)
    }
}
