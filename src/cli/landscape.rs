//! `klfit landscape`: what fits go down on.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;

use super::answer::print_json;
use super::looks::Theme;
use super::output::to_stderr;
use super::{Command, Outcome, Verbosity};
use crate::Result;
use crate::config::Experiment;
use crate::config::{LandscapeConfig, ParameterRange};
use crate::files::names::marked_fit;
use crate::jobs::{survey, survey_run};
use crate::run_folder::RunFolder;

/// Draw what the fits of a config go down on, and their ways
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  klfit landscape configs/bimodal.toml
  klfit landscape configs/bimodal.toml --basins --across mean=-5:5:60 --up std=0.2:4:60
  klfit landscape configs/plane.toml --across mean_1_x1=-4:4 --up mean_2_x1=-4:4
  klfit landscape outputs/bimodal

What is not given here is taken from the [landscape] of the config.")]
pub struct Landscape {
    /// The experiment, a TOML file, or the folder of a run
    #[arg(value_name = "CONFIG|RUN")]
    config: PathBuf,
    /// The parameter across, from the least to the greatest value, with so many of them
    #[arg(long, value_name = "NAME=LOW:HIGH[:COUNT]", value_parser = ParameterRange::from_str)]
    across: Option<ParameterRange>,
    /// The parameter up
    #[arg(long, value_name = "NAME=LOW:HIGH[:COUNT]", value_parser = ParameterRange::from_str)]
    up: Option<ParameterRange>,
    /// Points on each side that a cell is evaluated with [default: 400]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(16..=100_000))]
    points: Option<u32>,
    /// Run each fit from every cell, and colour the cells by the optimum it reaches
    #[arg(long)]
    basins: bool,
    /// The folder for the files [default: outputs/NAME-landscape, or the run's figures]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    theme: Theme,
    /// Print the files and the time as JSON
    #[arg(long)]
    json: bool,
}

impl Command for Landscape {
    const EXAMPLE: [&str; 2] = ["landscape my.toml", "draw what its fits go down on"];

    /// Draws the landscape of a config, or of a run that is finished.
    fn run(&self, verbosity: Verbosity) -> Result<Outcome> {
        let wanted = LandscapeConfig {
            across: self.across.clone(),
            up: self.up.clone(),
            points: self.points.map(|points| points as usize),
            basins: self.basins,
        };
        let looks = self.theme.read()?;
        let path = &self.config;
        let mut surveying = verbosity.counting("evaluating cells");
        let drawn = if path.is_dir() || marked_fit(path).is_some() {
            let folder = RunFolder::open(path)?;
            verbosity.unfinished(&folder)?;
            let asked = folder.experiment()?.config.landscape.unwrap_or_default();
            survey_run(
                &folder,
                &wanted.or(asked),
                &looks,
                self.out.as_deref(),
                &mut surveying,
            )?
        } else {
            let experiment = Experiment::load(path, Vec::new())?;
            verbosity.notes(&experiment.notes);
            let name = format!("{}-landscape", experiment.config.name);
            let out = (self.out.clone()).unwrap_or_else(|| Path::new("outputs").join(name));
            let asked = experiment.config.landscape.clone().unwrap_or_default();
            survey(&experiment, &wanted.or(asked), &looks, &out, &mut surveying)?
        };
        drop(surveying);
        if self.json {
            print_json(&drawn)?;
            return Ok(Outcome::Success);
        }
        if !verbosity.quiet {
            to_stderr(format_args!(
                "all cells evaluated in {:.1} ms",
                1e3 * drawn.seconds
            ));
        }
        verbosity.written(&drawn.files);
        Ok(Outcome::Success)
    }
}
