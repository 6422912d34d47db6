//! `summary.json`: what came out, in natural parameters, with an error on every divergence.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::choice::{Candidate, Choice};
use crate::compute::device::DeviceConfig;
use crate::density::target::TargetSummary;
use crate::divergence::{DivergenceKind, Estimate, EstimateMethod};
use crate::error::{Error, Result};
use crate::files::folder::Folder;
use crate::files::{extended, names, read};
use crate::fit::optima::AT_REST;
use crate::fit::stop::Stop;
use crate::fit::{BestIterate, Evaluations, Falling};
use crate::judge::criteria::Criteria;
use crate::judge::diagnostics::{Diagnostics, ModesCovered};
use crate::judge::evaluate::Evaluation;
use crate::judge::of_x::OfX;
use crate::mixture::NaturalParameters;
use crate::text;

/// The version of the layout of a run folder.
pub const FORMAT: u32 = 3;

/// The version of burn this klfit is built on.
pub const BURN_VERSION: &str = "0.22.1";

/// Everything that is known after a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// The version of this layout.
    pub format: u32,
    /// The number of the run, which no other has.
    pub id: String,
    /// The experiment.
    pub name: String,
    /// The seed of its noise.
    pub seed: u64,
    /// The versions of what computed it.
    pub versions: Versions,
    /// Where it was computed.
    pub device: DeviceConfig,
    /// Seconds for all fits.
    pub seconds: f64,
    /// p.
    pub target: TargetSummary,
    /// Whether it was asked to stop before its end; the last fit is as far as it came then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interrupted: bool,
    /// The fits, in the order of the config.
    pub fits: Vec<FitSummary>,
    /// Which of several is enough, where that was asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
}

/// What computed a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Versions {
    /// klfit's own version.
    pub klfit: String,
    /// burn's version.
    pub burn: String,
}

impl Default for Versions {
    fn default() -> Self {
        Self {
            klfit: env!("CARGO_PKG_VERSION").to_owned(),
            burn: BURN_VERSION.to_owned(),
        }
    }
}

/// How one fit ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FitSummary {
    /// Its name, which is its folder's too.
    pub label: String,
    /// What it minimised.
    pub divergence: DivergenceKind,
    /// Steps asked for.
    pub steps: usize,
    /// The learning rate it was given; none of a rule that finds its own steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<f64>,
    /// Seconds it took, logging included.
    pub seconds: f64,
    /// R, how many runs it had.
    pub restarts: usize,
    /// How many of them failed.
    pub failed: usize,
    /// Why the first of these did, and at which step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// The run with the least of its divergence; none if all failed.
    pub best: Option<RunSummary>,
    /// The optimum, where it is known without a fit.
    pub known_optimum: Option<KnownOptimumSummary>,
    /// How far log p is off everywhere, in nats, where its constant is known no better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_density_off: Option<f64>,
    /// The optima the runs ended at, the best first.
    pub optima: Vec<Optimum>,
    /// How many modes of p lie where one of the best optima is, where they can be found.
    pub modes: Option<ModesCovered>,
}

impl Summary {
    /// Reads the summary in the folder of a run.
    ///
    /// # Errors
    /// If it is missing, as in a run that did not end, or spoilt.
    pub(crate) fn read(folder: &Folder) -> Result<Self> {
        let path = folder.path_of(names::SUMMARY);
        let Some(bytes) = folder.read(names::SUMMARY, read::LARGEST_JSON)? else {
            let folder = folder.path().display();
            return Err(Error::usage(
                format!(
                    "the run in {folder} did not end: it has no {}",
                    names::SUMMARY
                ),
                format!("go on with `klfit resume {folder}`"),
            ));
        };
        let text = read::text(bytes, &path)?;
        serde_json::from_str(&text).map_err(|error| Error::run_folder(&path, error.to_string()))
    }
}

impl FitSummary {
    /// Its label as it reads where mathematics cannot be set.
    pub(crate) fn name(&self) -> Cow<'_, str> {
        text::plain(&self.label)
    }

    /// What it is as a candidate of a choice; none if all its runs failed.
    pub(crate) fn candidate(&self) -> Option<Candidate> {
        let best = self.best.as_ref()?;
        Some(Candidate {
            label: self.label.clone(),
            components: best.mixture.weights.len(),
            value: best.divergences.estimate(self.divergence),
            held_out: best.divergences.held_out(),
            criteria: best.criteria,
        })
    }

    /// Whether a run that ended here had nowhere to go. A random gradient does not go to zero at rest, unless its noise
    /// is the same at every step: where it has not, the divergence must have stopped falling, as far as the noise lets
    /// that be told.
    pub fn rest_at(&self, end: &Optimum) -> Rest {
        let is_random = |best: &RunSummary| best.loss.method == EstimateMethod::MonteCarlo;
        let is_random = self.best.as_ref().is_none_or(is_random);
        let is_still = end.gradient_norm <= AT_REST;
        match (is_still, is_random) {
            (false, true) if end.falling.is_some() => Rest::Moving,
            (false, true) if end.rest_unknown => Rest::Unknown,
            (false, false) => Rest::Moving,
            _ if self.was_interrupted() => Rest::Unknown,
            _ => Rest::AtRest,
        }
    }

    /// The same of the best run; none if all failed.
    pub fn rest(&self) -> Option<Rest> {
        Some(self.rest_at(self.optima.first()?))
    }

    /// Whether the best run was still on its way when it ended.
    pub fn is_moving(&self) -> bool {
        self.rest() == Some(Rest::Moving)
    }

    /// Whether every end of its runs is shown to be an optimum.
    pub(crate) fn are_all_at_rest(&self) -> bool {
        let mut ends = self.optima.iter();
        ends.all(|end| self.rest_at(end) == Rest::AtRest)
    }

    pub(crate) fn was_interrupted(&self) -> bool {
        let stop = self.best.as_ref().map(|best| &best.stop);
        matches!(stop, Some(Stop::Interrupted { .. }))
    }

    /// Why the best run stopped, in words, and whether it was still on its way then.
    pub fn ending(&self) -> String {
        let Some(best) = &self.best else {
            return "every run failed".to_owned();
        };
        match self.is_moving() {
            false => best.stop.to_string(),
            true => format!("{}, not at rest", best.stop),
        }
    }

    /// A divergence as it is compared with another of the same p: without what is off of both alike.
    pub(crate) fn compared(&self, of: &Evaluation, kind: DivergenceKind) -> Estimate {
        let off = self.log_density_off.unwrap_or(0.0);
        of.estimate(kind).without_log_density_off(kind, off)
    }

    /// The divergence it minimised, at the best run.
    pub fn objective(&self) -> Option<Estimate> {
        Some(self.best.as_ref()?.divergences.estimate(self.divergence))
    }
}

/// Where one run ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunSummary {
    /// Which run, counted from 0.
    pub run: usize,
    /// Steps it took.
    pub steps: usize,
    /// Why it stopped.
    pub stop: Stop,
    /// Where the last step was worse than an earlier one by more than the error: the step that q and
    /// all numbers below are of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best_iterate: Option<BestIterate>,
    /// Its loss there by the estimator of the fit, in nats.
    pub loss: Estimate,
    /// What the random points of p were worth there, where they count by weights: so many independent ones with
    /// equal weights would do as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_sample_size: Option<f64>,
    /// The norm of its gradient there, in θ.
    #[serde(with = "extended")]
    pub gradient_norm: f64,
    /// The variance of its gradient over the noise of the estimator, summed over θ.
    pub gradient_variance: Option<GradientVariance>,
    /// Every divergence with its error, in nats.
    pub divergences: Evaluation,
    /// What the divergences do not show.
    pub diagnostics: Diagnostics,
    /// BIC and ICL, of a fit to rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub criteria: Option<Criteria>,
    /// How often the target was evaluated for it, its start included.
    #[serde(default)]
    pub evaluations: Evaluations,
    /// q.
    pub mixture: NaturalParameters,
    /// q of the coordinates x, where some of them have bounds: `mixture` is that of u then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of_x: Option<OfX>,
}

/// The variance of a gradient, E|g − E g|²; 0 for an estimator without noise.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GradientVariance {
    /// At the first step.
    #[serde(with = "extended")]
    pub start: f64,
    /// At the last.
    #[serde(with = "extended")]
    pub end: f64,
}

/// An optimum that is known without a fit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownOptimumSummary {
    /// Its divergence, in nats.
    pub value: Estimate,
    /// How far above it the best run ended, in nats.
    pub gap: Option<Estimate>,
    /// q there.
    pub mixture: NaturalParameters,
}

/// Whether a run had nowhere to go when it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// It had not: this is an optimum.
    AtRest,
    /// It was still on its way.
    Moving,
    /// That cannot be told.
    Unknown,
}

/// An optimum that runs ended at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Optimum {
    /// How many runs ended there.
    pub runs: usize,
    /// The one of them that came closest, counted from 0.
    pub run: usize,
    /// Where its last step was worse than an earlier one by more than the error: the step that q and
    /// all numbers below are of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best_iterate: Option<BestIterate>,
    /// The norm of its gradient there, in θ: small, or it has not arrived.
    #[serde(with = "extended")]
    pub gradient_norm: f64,
    /// Of a random objective: how far its divergence was still falling, where that shows above the noise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub falling: Option<Falling>,
    /// Of a random objective: whether it cannot be told if it had come to rest there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rest_unknown: bool,
    /// Its divergences, in nats.
    pub divergences: Evaluation,
    /// q there.
    pub mixture: NaturalParameters,
}

#[cfg(test)]
mod tests {
    use super::BURN_VERSION;

    #[test]
    fn the_version_of_burn_is_the_one_that_is_locked() {
        let lock: toml::Table = include_str!("../../Cargo.lock").parse().unwrap();
        let packages = lock["package"].as_array().unwrap();
        let burn = (packages.iter())
            .find(|package| package["name"].as_str() == Some("burn"))
            .unwrap();
        assert_eq!(burn["version"].as_str(), Some(BURN_VERSION));
    }
}
