//! The arguments that several commands share.

use std::path::{Path, PathBuf};

use clap::{ArgAction, Args};

use super::output::{to_stderr, to_stdout};
use crate::run_folder::Existing;
use crate::text::brief;

/// How much is said.
#[derive(Debug, Clone, Copy, Args)]
pub struct Verbosity {
    /// Print nothing but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print every logged step and every optimum
    #[arg(short, long, global = true, action = ArgAction::SetTrue)]
    pub verbose: bool,
}

impl Verbosity {
    /// Says what was taken in a way the user may not have meant.
    pub fn notes<'n>(self, notes: impl IntoIterator<Item = &'n String>) {
        if !self.quiet {
            for note in notes {
                to_stderr(format_args!("note: {}", brief(note)));
            }
        }
    }

    /// Names the files that were written.
    pub fn written(self, files: &[PathBuf]) {
        if !self.quiet {
            for file in files {
                to_stdout(file.display());
            }
        }
    }
}

/// Where results go, and what becomes of those that are there.
#[derive(Debug, Args)]
pub struct Results {
    /// The folder for the results [default: outputs/NAME]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace what an earlier run left in that folder
    #[arg(long)]
    force: bool,
    /// Go on with the run in that folder, or begin where there is none
    #[arg(long, conflicts_with = "force")]
    resume: bool,
    /// Leave the figures out; `klfit plot` draws them later
    #[arg(long)]
    pub no_figures: bool,
}

impl Results {
    /// The folder of the experiment of this name.
    pub fn folder(&self, name: &str) -> PathBuf {
        (self.out.clone()).unwrap_or_else(|| Path::new("outputs").join(name))
    }

    /// What is done with a run that the folder holds.
    pub fn existing(&self) -> Existing {
        match (self.force, self.resume) {
            (true, _) => Existing::Replace,
            (_, true) => Existing::Resume,
            _ => Existing::Refuse,
        }
    }
}
