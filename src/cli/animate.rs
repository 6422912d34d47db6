//! `klfit animate`: the fits of a run in motion.

use std::path::PathBuf;

use clap::Args;

use super::{Command, Outcome, Verbosity};
use crate::Result;
use crate::plot::Motion;
use crate::run_folder::RunFolder;

/// Draw the fits of a run in motion
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  klfit animate outputs/bimodal
  klfit animate outputs/plane --seconds 10 --width 1600")]
pub struct Animate {
    /// The folder of a run in one or two dimensions
    run: PathBuf,
    /// How long it takes, without the rest at the end
    #[arg(long, value_name = "S", default_value_t = 5.0, value_parser = seconds)]
    seconds: f64,
    /// Its width in pixels
    #[arg(long, value_name = "PIXELS", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(200..=4000))]
    width: u32,
    /// The file [default: figures/animation.gif of the run]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

fn seconds(text: &str) -> std::result::Result<f64, String> {
    let seconds = text.parse().ok();
    (seconds.filter(|seconds| (0.5..=60.0).contains(seconds)))
        .ok_or_else(|| "give a number from 0.5 to 60".to_owned())
}

impl Command for Animate {
    const EXAMPLE: [&str; 2] = ["animate outputs/NAME", "draw its fits in motion"];

    /// Writes a GIF.
    fn run(&self, verbosity: Verbosity) -> Result<Outcome> {
        let folder = RunFolder::open(&self.run)?;
        verbosity.unfinished(&folder)?;
        let drawing = verbosity.working("drawing frames");
        let motion = Motion {
            seconds: self.seconds,
            width: self.width,
        };
        let path = crate::plot::animate(&folder, motion, self.out.as_deref())?;
        drop(drawing);
        verbosity.written(&[path]);
        Ok(Outcome::Success)
    }
}
