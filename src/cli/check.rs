//! `klfit check`: validate a config without running it.

use std::path::PathBuf;

use clap::Args;

use super::arguments::Changes;
use super::output::to_stdout;
use super::{Command, Outcome, Verbosity};
use crate::Result;
use crate::config::{Experiment, Sweep, space_note};
use crate::jobs::{FitCost, Time, cost, cost_of_sweep};
use crate::text::{count, duration, large};

/// Validate a config without running it
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  klfit check configs/bimodal.toml
  klfit check configs/bimodal.toml --steps 5000")]
pub struct Check {
    /// The experiment, a TOML file
    config: PathBuf,
    #[command(flatten)]
    changes: Changes,
}

impl Command for Check {
    const EXAMPLE: [&str; 2] = ["check my.toml", "validate it without running"];

    /// Reads the config, opens the device, and says what would run.
    fn run(&self, verbosity: Verbosity) -> Result<Outcome> {
        let reading = verbosity.working(format!("reading {}", self.config.display()));
        if let Some(sweep) = Sweep::load(&self.config, &self.changes.overrides())? {
            drop(reading);
            verbosity.notes(&sweep.notes());
            if !verbosity.quiet {
                to_stdout(format_args!(
                    "{}: ok, a sweep of {}; `klfit sweep --list` shows them",
                    self.config.display(),
                    count(sweep.points.len(), "point")
                ));
                let trying = verbosity.working("trying a few steps of some points");
                let seconds = cost_of_sweep(&sweep.points)?;
                drop(trying);
                to_stdout(match seconds {
                    Some(seconds) => format!(
                        "  about {} for all points one after the other, figures aside; points that share a loop or \
                         run beside each other take less",
                        duration(seconds)
                    ),
                    None => "  how long that takes was not measured: a step of some point is too much to try"
                        .to_owned(),
                });
            }
            return Ok(Outcome::Success);
        }
        let experiment = Experiment::load(&self.config, self.changes.overrides())?;
        drop(reading);
        let space = space_note([&experiment]);
        verbosity.notes(experiment.notes.iter().chain(&space));
        let numerics = experiment.numerics()?;
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
        let trying = verbosity.working("trying a few steps of each fit");
        let costs = cost(&experiment, &numerics);
        drop(trying);
        for (plan, cost) in experiment.plans.iter().zip(&costs) {
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
            to_stdout(format_args!("    {}", of_fit(cost)));
        }
        to_stdout(format_args!("  {}", of_all(&costs)));
        Ok(Outcome::Success)
    }
}

/// What a fit takes.
fn of_fit(cost: &FitCost) -> String {
    let at_most = if cost.may_stop { "at most " } else { "" };
    let points = match cost.points {
        1 => "1 point".to_owned(),
        points => format!("{points} points"),
    };
    let [steps, runs] = [count(cost.steps, "step"), count(cost.runs, "run")];
    let size = format!("{at_most}{steps} × {runs} × {points}");
    let time = match cost.time {
        Time::About(seconds) if cost.is_scaled => {
            format!("about {}, told from a part of that", duration(seconds))
        }
        Time::About(seconds) => format!("about {}", duration(seconds)),
        Time::OfProgram => "as long as the program takes for that".to_owned(),
        Time::Unknown(why) => format!("time not measured, as {why}"),
    };
    let (all, first) = (cost.evaluations.log_density, cost.first.log_density);
    match all {
        0 => format!("{size}: {time}"),
        // At points that stay where they are log p does not change.
        all if all == first => format!(
            "{at_most}{steps} × {runs} × {points} that stay: {runs} × {points} are {} of log p, {time}",
            evaluations(all)
        ),
        all if first > all / 20 => format!(
            "{size}: {} of log p, {} of them at the first step, {time}",
            evaluations(all),
            large(first as f64)
        ),
        all => format!("{size}: {} of log p, {time}", evaluations(all)),
    }
}

/// What all fits take together.
fn of_all(costs: &[FitCost]) -> String {
    let at_most = match costs.iter().any(|cost| cost.may_stop) {
        true => "at most ",
        false => "",
    };
    let count = costs.iter().fold(0u64, |sum, cost| {
        sum.saturating_add(cost.evaluations.log_density)
    });
    let seconds: Option<f64> = costs.iter().map(|cost| cost.time.seconds()).sum();
    let mut parts = Vec::new();
    if count > 0 {
        parts.push(format!("{} of log p", evaluations(count)));
    }
    parts.extend(seconds.map(|seconds| {
        format!(
            "about {}, the last judgement and figures aside",
            duration(seconds)
        )
    }));
    match parts.is_empty() {
        true => "in all: time not measured".to_owned(),
        false => format!("in all: {at_most}{}", parts.join(", ")),
    }
}

/// A large number of evaluations in a few digits.
fn evaluations(count: u64) -> String {
    format!("{} evaluations", large(count as f64))
}
