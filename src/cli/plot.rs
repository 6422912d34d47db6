//! `klfit plot`: draw the figures of a finished run again.

use std::path::PathBuf;

use clap::Args;

use super::{Command, Outcome, Verbosity};
use crate::Result;
use crate::run_folder::{RunFolder, SweepFolder};

/// Draw the figures of a finished run or sweep again
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  klfit plot outputs/bimodal")]
pub struct Plot {
    /// The folder of a run or a sweep
    run: PathBuf,
}

impl Command for Plot {
    const EXAMPLE: [&str; 2] = ["plot outputs/NAME", "draw the figures again"];

    /// Draws every figure from the files of the folder.
    fn run(&self, verbosity: Verbosity) -> Result<Outcome> {
        let drawing = verbosity.working("drawing figures");
        let drawn = match SweepFolder::open(&self.run) {
            Some(sweep) => crate::plot::draw_sweep(&sweep)?,
            None => crate::jobs::draw_figures(&RunFolder::open(&self.run)?)?,
        };
        drop(drawing);
        verbosity.written(&drawn);
        Ok(Outcome::Success)
    }
}
