//! `klfit plot`: draw the figures of a finished run again.

use std::path::PathBuf;

use clap::Args;
use klfit::Result;
use klfit::run_folder::{RunFolder, SweepFolder};

use super::{Outcome, Verbosity};

/// Options of `klfit plot`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  klfit plot outputs/bimodal")]
pub struct Options {
    /// The folder of a run or a sweep
    run: PathBuf,
}

/// Draws every figure from the files of the folder.
pub fn plot(options: &Options, verbosity: Verbosity) -> Result<Outcome> {
    let drawn = match SweepFolder::open(&options.run) {
        Some(sweep) => klfit::plot::draw_sweep(&sweep)?,
        None => klfit::jobs::draw_all(&RunFolder::open(&options.run)?)?,
    };
    if !verbosity.quiet {
        for path in drawn {
            anstream::println!("{}", path.display());
        }
    }
    Ok(Outcome::Success)
}
