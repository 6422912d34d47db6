//! Whether one experiment is another one, or its continuation.

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use toml::{Table, Value};

use super::{Experiment, FiguresConfig, FitConfig};
use crate::density::target::{Samples, Weights};
use crate::error::{Error, Result};
use crate::fit::LogConfig;
use crate::optimizer::Schedule;
use crate::record::BURN_VERSION;

impl Experiment {
    /// What is asked of all but the number of steps and of rows, the looks of figures and who does the work, as TOML.
    ///
    /// # Errors
    /// If a number has no form in TOML.
    pub fn settings_without_steps(&self) -> Result<String> {
        let mut other = self.clone();
        other.config.log.max_rows = None;
        other.config.figures = FiguresConfig::default();
        // Who does the work changes nothing of it.
        other.config.distributed = None;
        for fit in &mut other.config.fit {
            fit.optimizer.steps = 0;
        }
        other.to_toml()
    }

    /// A digest of everything that determines what comes out, the steps aside, which may grow: the config,
    /// the rows of the target, and the versions of what computes it.
    ///
    /// # Errors
    /// If a number has no form in TOML.
    pub(crate) fn digest(&self) -> Result<String> {
        let mut digest = Sha256::new();
        digest.update(env!("CARGO_PKG_VERSION"));
        digest.update(BURN_VERSION);
        digest.update(self.settings_without_steps()?);
        let samples = self.target.as_samples();
        for rows in [samples, samples.and_then(Samples::held_out)]
            .into_iter()
            .flatten()
        {
            let weights = rows.weights().map_or(&[][..], Weights::values);
            if let Some(file) = rows.file() {
                digest.update(file.digest());
                continue;
            }
            for number in rows.rows().iter().chain(weights) {
                digest.update(number.to_le_bytes());
            }
        }
        Ok(HEXLOWER.encode(&digest.finalize()))
    }

    /// This experiment as the continuation of one that has begun: the same, or with more steps.
    ///
    /// # Errors
    /// If anything else differs, it has fewer steps, or more of them change what was done already.
    pub fn continuing(mut self, begun: &Self) -> Result<Self> {
        let pairs = || self.config.fit.iter().zip(&begun.config.fit);
        let steps = |fit: &FitConfig| fit.optimizer.steps;
        let is_longer = pairs().any(|(now, before)| steps(now) != steps(before));
        let help = "give the config it began with, where `optimizer.steps` alone may grow; or begin \
                    again with --force";
        if let Some((now, before)) = pairs().find(|(now, before)| steps(now) < steps(before)) {
            let (now, before) = (steps(now), steps(before));
            let message = format!("the run began with {before} steps and cannot end after {now}");
            return Err(Error::usage(message, help));
        }
        if is_longer && begun.config.log.every.is_none() {
            let message = "more steps would change which of them are logged";
            return Err(Error::usage(message, help));
        }
        let follows = |fit: &FitConfig| fit.optimizer.schedule != Schedule::Constant;
        if is_longer && self.config.fit.iter().any(follows) {
            let message = "more steps would change the learning rates of those that were taken: they \
                           follow a schedule over all of them";
            return Err(Error::usage(message, help));
        }
        let before = begun.config.log.every;
        if let (Some(unit), Some(before)) = (self.follows, before)
            && before.is_multiple_of(unit)
        {
            self.config.log.every = Some(before);
        }
        let table = |experiment: &Self| -> Result<Value> {
            let table = experiment.settings_without_steps()?.parse::<Table>();
            Ok(table.map_or(Value::Boolean(false), Value::Table))
        };
        let differs = first_difference("", &table(&self)?, &table(begun)?);
        let differs = differs.or_else(|| {
            (self.target != begun.target).then(|| "the rows of the target differ".to_owned())
        });
        if let Some(what) = differs {
            let message = format!("the run that has begun is another one: {what}");
            return Err(Error::usage(message, help));
        }
        let log = self.config.log;
        let kept = LogConfig {
            max_rows: None,
            ..log
        };
        let rows = self.plans.iter().map(|plan| kept.rows(plan)).max();
        match (rows, log.max_rows) {
            (Some(rows), Some(most)) if rows > most => Err(Error::usage(
                format!(
                    "with so many steps a trajectory has {rows} rows, and `log.max_rows` is {most}"
                ),
                format!(
                    "rows that are logged stay as they are: with --set log.max_rows={rows} the same \
                     command goes on"
                ),
            )),
            _ => Ok(self),
        }
    }
}

/// The first place where two configs differ, in words.
fn first_difference(at: &str, now: &Value, before: &Value) -> Option<String> {
    match (now, before) {
        (Value::Table(now), Value::Table(before)) => {
            let keys = now.keys().chain(before.keys());
            keys.map(|key| {
                let at = match at {
                    "" => key.clone(),
                    at => format!("{at}.{key}"),
                };
                (at, now.get(key), before.get(key))
            })
            .find_map(|(at, now, before)| match (now, before) {
                (Some(now), Some(before)) => first_difference(&at, now, before),
                (Some(now), None) => Some(format!("`{at}` is {now} now and was not given")),
                (None, Some(before)) => Some(format!("`{at}` was {before} and is not given now")),
                (None, None) => None,
            })
        }
        (Value::Array(now), Value::Array(before)) if now.len() == before.len() => {
            let pairs = now.iter().zip(before).enumerate();
            pairs
                .map(|(i, pair)| (format!("{at}[{}]", i + 1), pair))
                .find_map(|(at, (now, before))| first_difference(&at, now, before))
        }
        (now, before) if now == before => None,
        (now, before) => Some(format!("`{at}` is {now} now and was {before}")),
    }
}
