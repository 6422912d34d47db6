//! `klfit check`: validate a config without running it.

use std::path::PathBuf;

use clap::Args;

use super::output::to_stdout;
use super::{Command, Outcome, Verbosity};
use crate::Result;
use crate::config::{Experiment, Sweep, space_note};
use crate::text::count;

/// Validate a config without running it
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  klfit check configs/bimodal.toml")]
pub struct Check {
    /// The experiment, a TOML file
    config: PathBuf,
}

impl Command for Check {
    const EXAMPLE: [&str; 2] = ["check my.toml", "validate it without running"];

    /// Reads the config, opens the device, and says what would run.
    fn run(&self, verbosity: Verbosity) -> Result<Outcome> {
        let reading = verbosity.working(format!("reading {}", self.config.display()));
        if let Some(sweep) = Sweep::load(&self.config, &[])? {
            drop(reading);
            verbosity.notes(&sweep.notes());
            if !verbosity.quiet {
                to_stdout(format_args!(
                    "{}: ok, a sweep of {}; `klfit sweep --list` shows them",
                    self.config.display(),
                    count(sweep.points.len(), "point")
                ));
            }
            return Ok(Outcome::Success);
        }
        let experiment = Experiment::load(&self.config, Vec::new())?;
        drop(reading);
        let space = space_note([&experiment]);
        verbosity.notes(experiment.notes.iter().chain(&space));
        experiment.numerics()?;
        if verbosity.quiet {
            return Ok(Outcome::Success);
        }
        let target = &experiment.target;
        to_stdout(format_args!(
            "{}: ok, {} with a target of {} in {}",
            self.config.display(),
            count(experiment.plans.len(), "fit"),
            match target.as_samples() {
                Some(_) => target.describe(),
                None if !target.has_density() => target.describe(),
                None => count(target.components(), "component"),
            },
            count(target.dim(), "dimension"),
        ));
        for plan in &experiment.plans {
            to_stdout(format_args!(
                "  {}: {} of {}{} by {}, {} of {} from {}",
                plan.label,
                plan.divergence.title(),
                if plan.adapt.is_some() { "up to " } else { "" },
                count(plan.family.components(), "component"),
                plan.estimator.rule.name(),
                count(plan.optimizer.steps, "step"),
                plan.optimizer.rule.name(),
                plan.start.describe(),
            ));
        }
        Ok(Outcome::Success)
    }
}
