//! `klfit check`: validate a config without running it.

use std::path::PathBuf;

use clap::Args;
use klfit::Result;
use klfit::config::Experiment;
use klfit::digest::count;
use klfit::init::Start;

use super::{Outcome, Voice};

/// Options of `klfit check`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  klfit check configs/bimodal.toml")]
pub struct Options {
    /// The experiment, a TOML file
    config: PathBuf,
}

/// Reads the config, opens the device, and says what would run.
pub fn check(options: &Options, voice: Voice) -> Result<Outcome> {
    let experiment = Experiment::load(&options.config, Vec::new())?;
    super::print_notes(&experiment, voice);
    experiment.numerics()?;
    if voice.quiet {
        return Ok(Outcome::Success);
    }
    let target = &experiment.target;
    anstream::println!(
        "{}: ok, {} with a target of {} in {}",
        options.config.display(),
        count(experiment.plans.len(), "fit"),
        count(target.components(), "component"),
        count(target.dim(), "dimension"),
    );
    for plan in &experiment.plans {
        let start = match &plan.start {
            Start::Random { restarts } => count(*restarts, "random start"),
            Start::Given(_) => "a given start".to_owned(),
        };
        anstream::println!(
            "  {}: {} of {} by {}, {} from {start}",
            plan.label,
            plan.divergence.title(),
            count(plan.family.components(), "component"),
            plan.estimator.name(),
            count(plan.optimizer.steps(), "step"),
        );
    }
    Ok(Outcome::Success)
}
