//! What is on screen as a config that `klfit run` takes.

use std::fmt::Write;
use std::path::Path;

use super::state::{MixtureState, State};
use crate::config::Experiment;
use crate::error::{ConfigError, Error, Result};
use crate::optimizer::OptimizerRule;

/// The config of a state.
///
/// # Errors
/// If the state makes no sense.
pub(super) fn config(state: &State) -> Result<String> {
    state.check()?;
    let list = |numbers: &[f64]| {
        let numbers: Vec<String> = numbers.iter().map(|x| format!("{x:?}")).collect();
        format!("[{}]", numbers.join(", "))
    };
    let rows = |rows: &[Vec<f64>]| {
        let rows: Vec<String> = rows.iter().map(|row| list(row)).collect();
        format!("[{}]", rows.join(", "))
    };
    let mixture = |text: &mut String, name: &str, mixture: &MixtureState| -> Result<()> {
        // Writing to a string does not fail.
        _ = writeln!(text, "weights = {}", list(&mixture.weights));
        _ = writeln!(text, "means = {}", rows(&mixture.means));
        if mixture.correlations.iter().all(|&one| one == 0.0) {
            _ = writeln!(text, "stds = {}\n", rows(&mixture.stds));
            return Ok(());
        }
        let covariances = (0..mixture.components())
            .map(|k| Ok(rows(&mixture.covariance(name, k, state.dim)?)))
            .collect::<Result<Vec<_>>>()?;
        _ = writeln!(text, "covariances = [{}]\n", covariances.join(", "));
        Ok(())
    };
    let mut text = String::from("# Saved by klfit explore.\n\nname = \"explored\"\n");
    if state.restarts > 1 {
        _ = writeln!(text, "restarts = {}", state.restarts);
    }
    text += "\n[target]\n";
    mixture(&mut text, "the target", &state.target)?;
    if state.restarts == 1 {
        text += "[init]\n";
        mixture(&mut text, "q", &state.q)?;
    }
    if state.q.components() > 1 {
        _ = writeln!(text, "[family]\ncomponents = {}\n", state.q.components());
    }
    _ = writeln!(text, "[optimizer]\ntype = \"{}\"", state.optimizer.rule);
    let rule = OptimizerRule::from_name(&state.optimizer.rule);
    if rule.is_none_or(|rule| rule.has_learning_rate()) {
        _ = writeln!(text, "learning_rate = {:?}", state.optimizer.learning_rate);
    }
    _ = writeln!(text, "steps = {}", state.optimizer.steps);
    // As the page looks at it: what ends worse than it was is reported where it was best.
    _ = writeln!(text, "\n[log]\nevery = {}", state.stride());
    for fit in &state.fits {
        let kind = fit.kind()?;
        _ = writeln!(text, "\n[[fit]]\ndivergence = \"{}\"", kind.names().config);
        if let Some(order) = kind.alpha() {
            _ = writeln!(text, "alpha = {order:?}");
        }
        if fit.id != fit.divergence {
            _ = writeln!(text, "label = \"{}\"", fit.id);
        }
        if let Some(estimator) = fit.estimator.in_config() {
            _ = writeln!(text, "estimator = {estimator}");
        }
    }
    Ok(text)
}

/// The experiment of a state.
///
/// # Errors
/// If the state makes no sense, or an optimizer does not go with it.
pub(super) fn experiment(state: &State) -> Result<Experiment> {
    let parsed = Experiment::parse(Path::new("explored.toml"), &config(state)?, Vec::new());
    parsed.map_err(|error| match error {
        // Where it stands in a file that nobody has seen says nothing.
        Error::Config(ConfigError { message, help, .. }) => Error::usage(
            message,
            help.unwrap_or_else(|| "choose other settings".to_owned()),
        ),
        error => error,
    })
}
