//! `klfit landscape`: what fits go down on.

use std::path::{Path, PathBuf};

use clap::Args;
use klfit::Result;
use klfit::config::Experiment;
use klfit::landscape::{Axis, Survey, survey};

use super::{Outcome, Voice};

/// Options of `klfit landscape`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  klfit landscape configs/bimodal.toml
  klfit landscape configs/bimodal.toml --basins --across mean=-5:5:60 --up std=0.2:4:60
  klfit landscape configs/plane.toml --across mean_1_x1=-4:4 --up mean_2_x1=-4:4")]
pub struct Options {
    /// The experiment, a TOML file
    config: PathBuf,
    /// The parameter across, from the least to the greatest value, with so many of them
    #[arg(long, value_name = "NAME=LOW:HIGH[:COUNT]", value_parser = axis)]
    across: Option<Axis>,
    /// The parameter up
    #[arg(long, value_name = "NAME=LOW:HIGH[:COUNT]", value_parser = axis)]
    up: Option<Axis>,
    /// Points on each side that a cell is evaluated with [default: 400]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(16..=100_000))]
    points: Option<u32>,
    /// Run each fit from every cell, and colour the cells by the optimum it reaches
    #[arg(long)]
    basins: bool,
    /// The folder for the files [default: outputs/NAME-landscape]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// The most values of a parameter.
const MOST: usize = 1000;

fn axis(text: &str) -> std::result::Result<Axis, String> {
    let example = "give NAME=LOW:HIGH or NAME=LOW:HIGH:COUNT, as in mean=-5:5:100";
    let (name, range) = text.split_once('=').ok_or(example)?;
    let parts: Vec<&str> = range.split(':').collect();
    let number = |text: &str| {
        let number = text
            .trim()
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite());
        number.ok_or_else(|| format!("\"{text}\" is not a number: {example}"))
    };
    let (low, high, count) = match parts[..] {
        [low, high] => (number(low)?, number(high)?, 100),
        [low, high, count] => {
            let count = count
                .trim()
                .parse()
                .ok()
                .filter(|count| (2..=MOST).contains(count));
            let count = count.ok_or_else(|| format!("a count is from 2 to {MOST}: {example}"))?;
            (number(low)?, number(high)?, count)
        }
        _ => return Err(example.to_owned()),
    };
    if low >= high {
        return Err(format!("{low} is not below {high}: {example}"));
    }
    Ok(Axis::even(name.trim(), low..=high, count))
}

/// Runs the fits, evaluates the grid and draws it.
pub fn landscape(options: &Options, voice: Voice) -> Result<Outcome> {
    let experiment = Experiment::load(&options.config, Vec::new())?;
    super::print_notes(&experiment, voice);
    let wanted = Survey {
        axes: [options.across.clone(), options.up.clone()],
        points: options.points.map(|points| points as usize),
        basins: options.basins,
    };
    let name = format!("{}-landscape", experiment.config.name);
    let out = (options.out.clone()).unwrap_or_else(|| Path::new("outputs").join(name));
    let (files, seconds) = survey(&experiment, &wanted, &out)?;
    if !voice.quiet {
        anstream::eprintln!("all cells evaluated in {:.1} ms", 1e3 * seconds);
        for file in files {
            anstream::println!("{}", file.display());
        }
    }
    Ok(Outcome::Success)
}
