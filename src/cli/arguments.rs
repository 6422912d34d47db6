//! The arguments that several commands share.

use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;
use clap::{ArgAction, Args};

use super::output::{to_stderr, to_stdout};
use crate::Result;
use crate::config::Override;
use crate::density::target::{MissingRule, TableOptions};
use crate::run_folder::{Existing, RunFolder};
use crate::text::brief;

/// What the command line changes of a config.
#[derive(Debug, Args)]
pub struct Changes {
    /// The seed of all random numbers
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(i64).range(0..))]
    seed: Option<i64>,
    /// Steps of every fit
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(i64).range(1..))]
    steps: Option<i64>,
    /// Where to compute: flex, or ndarray, wgpu or cuda if compiled in
    #[arg(long, value_name = "NAME")]
    backend: Option<String>,
    /// Set any key of the config; a key of a shared section is set for every fit
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = Override::parse)]
    set: Vec<Override>,
}

impl Changes {
    /// These as they are put over the config, the last on top.
    pub fn overrides(&self) -> Vec<Override> {
        let mut overrides = self.set.clone();
        if let Some(seed) = self.seed {
            overrides.push(Override::new("seed", seed, format!("--seed {seed}")));
        }
        overrides.extend(steps_override(self.steps));
        if let Some(backend) = &self.backend {
            let from = format!("--backend {backend}");
            overrides.push(Override::new("device.backend", backend.as_str(), from));
        }
        overrides
    }
}

/// The override of `--steps`.
pub fn steps_override(steps: Option<i64>) -> Vec<Override> {
    let steps = steps.into_iter();
    steps
        .map(|steps| Override::new("optimizer.steps", steps, format!("--steps {steps}")))
        .collect()
}

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

    /// Says how far a run has come that is not finished, and how to go on.
    ///
    /// # Errors
    /// If that cannot be read.
    pub fn unfinished(self, folder: &RunFolder) -> Result<()> {
        if !self.quiet
            && let Some(unfinished) = folder.unfinished()?
        {
            let place = folder.path().display();
            self.notes(&[format!(
                "the run in {place} is {unfinished}; `klfit resume {place}` goes on with it"
            )]);
        }
        Ok(())
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

/// What is taken of a table.
#[derive(Debug, Args)]
pub struct Table {
    /// Whether the first line of a .csv names its columns [default: if none of its cells is a number]
    #[arg(long, value_name = "true|false")]
    pub header: Option<bool>,
    /// The columns that are coordinates, by their names or as x1, x2, … [default: all]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub columns: Option<Vec<String>>,
    /// What becomes of rows with a missing value [default: refuse]
    #[arg(long, value_name = "RULE", value_parser = missing_names())]
    pub missing: Option<String>,
}

fn missing_names() -> PossibleValuesParser {
    PossibleValuesParser::new(MissingRule::ALL.map(MissingRule::name))
}

impl Table {
    /// As a reader takes it.
    pub fn options(&self) -> TableOptions {
        let missing = self.missing.as_deref().and_then(MissingRule::from_name);
        TableOptions {
            header: self.header,
            columns: self.columns.clone(),
            missing: missing.unwrap_or_default(),
            weights: None,
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
    #[command(flatten)]
    pub form: Form,
}

/// What is made of what came out.
#[derive(Debug, Clone, Copy, Args)]
pub struct Form {
    /// Leave the figures out; `klfit plot` draws them later
    #[arg(long)]
    pub no_figures: bool,
    /// Print what came out as JSON in place of tables
    #[arg(long)]
    pub json: bool,
}

impl Results {
    /// The folder of the experiment of this name.
    pub fn folder(&self, name: &str) -> PathBuf {
        (self.out.clone()).unwrap_or_else(|| Path::new("outputs").join(name))
    }

    /// What asks for the folder, where it was asked for.
    pub fn asked_folder(&self) -> Vec<String> {
        let out = self.out.iter().map(|out| out.display().to_string());
        out.flat_map(|out| ["--out".to_owned(), out]).collect()
    }

    /// Whether what is there is replaced.
    pub fn replaces(&self) -> bool {
        self.force
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
