//! `klfit plot`: draw the figures of a finished run again.

use std::path::PathBuf;

use clap::Args;
use klfit::Result;
use klfit::run_folder::RunFolder;

use super::{Outcome, Voice};

/// Options of `klfit plot`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  klfit plot outputs/bimodal")]
pub struct Options {
    /// The folder of a run
    run: PathBuf,
}

/// Draws every figure from the files of the folder.
pub fn plot(options: &Options, voice: Voice) -> Result<Outcome> {
    let folder = RunFolder::open(&options.run)?;
    let drawn = klfit::plot::draw_all(&folder)?;
    if !voice.quiet {
        for path in drawn {
            anstream::println!("{}", path.display());
        }
    }
    Ok(Outcome::Success)
}
