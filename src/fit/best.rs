//! The best iterate of each run, kept beside the last: no fit ends worse than it was before.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::{BestIterate, Fit, Record, RunRecord};
use crate::divergence::{DivergenceKind, Estimate};
use crate::error::Result;
use crate::files::extended;
use crate::fit::stop::StopMonitor;
use crate::judge::evaluate::Evaluation;

/// A divergence that is higher by less than this, in nats or relative to it, is not worse: no table
/// shows it.
pub(super) const NEGLIGIBLE: f64 = 1e-9;

/// A run at the logged step at which the divergence it minimises was least.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Best {
    step: usize,
    loss: Estimate,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    effective_sample_size: Option<f64>,
    #[serde(with = "extended")]
    gradient_norm: f64,
    evaluation: Evaluation,
    gap: Option<Estimate>,
    /// θ there, P numbers.
    pub(super) theta: Vec<f64>,
}

impl Best {
    /// Whether a later estimate of a divergence is higher than here by more than the errors of both.
    fn is_better_than(&self, later: Estimate, own: DivergenceKind) -> bool {
        let here = self.evaluation.estimate(own);
        // The draws of an evaluation are the same at every step, so that most of two standard errors
        // is one and the same error; two rules are off each in its own way.
        let error = match later.method.is_random() {
            true => later.error.max(here.error),
            false => later.error + here.error,
        };
        later.value - here.value > error + NEGLIGIBLE * here.value.abs().max(1.0)
    }
}

impl Fit<'_> {
    /// Takes in a record of a step.
    ///
    /// Iterates of a random objective whose average is the result only wander around it: with
    /// `precision` the start alone is kept. So it is while components come, some of which are only tried.
    pub(super) fn observe(&mut self, step: usize, runs: &[RunRecord]) {
        let is_adapting = self.is_adapting(step);
        for (own, run) in self.runs.iter_mut().zip(runs) {
            let value = run.evaluation.estimate(self.own).value;
            let averages = own.monitor.as_ref().is_some_and(StopMonitor::averages);
            let is_best = match &own.best {
                Some(best) => {
                    !(averages || is_adapting) && value < best.evaluation.estimate(self.own).value
                }
                None => true,
            };
            if is_best && value.is_finite() && !run.has_failed() && !run.repeats {
                own.best = Some(Best {
                    step: run.step_of(step),
                    loss: run.loss,
                    effective_sample_size: run.effective_sample_size,
                    gradient_norm: run.gradient_norm,
                    evaluation: run.evaluation.clone(),
                    gap: run.gap,
                    theta: own.theta.clone(),
                });
            }
        }
    }

    /// The best iterate of a run that is worse now by more than the error.
    fn better(&self, at: usize, run: &RunRecord) -> Option<&Best> {
        let best = self.runs.get(at)?.best.as_ref()?;
        let is_worse = best.is_better_than(run.evaluation.estimate(self.own), self.own);
        (is_worse && !run.has_failed()).then_some(best)
    }

    /// θ `[R, P]` of what is reported of the runs of a record.
    pub(super) fn reported_theta(&self, runs: &[RunRecord]) -> Tensor<2> {
        let better = runs
            .iter()
            .enumerate()
            .map(|(at, run)| self.better(at, run));
        if better.clone().flatten().next().is_none() {
            return self.tensor(&self.finite);
        }
        let rows = (self.runs.iter().zip(better))
            .flat_map(|(own, best)| best.map_or(&own.theta, |best| &best.theta));
        self.tensor(&rows.copied().collect::<Vec<f64>>())
    }

    /// What is reported of the last record of this fit: where a run ended worse than it was at an
    /// earlier logged step by more than the error, that step stands for its end.
    ///
    /// # Errors
    /// If the device failed.
    pub fn reported(&self, last: &Record) -> Result<Record> {
        let mut reported = last.clone();
        let members = self.objective.written(self.reported_theta(&last.runs));
        let pairs = reported.runs.iter_mut().zip(members.read()?);
        for (at, (run, member)) in pairs.enumerate() {
            let (Some(best), Ok(mixture)) = (self.better(at, run), member) else {
                continue;
            };
            let iterate = BestIterate {
                step: best.step,
                last: run.evaluation.estimate(self.own),
            };
            *run = RunRecord {
                loss: best.loss,
                effective_sample_size: best.effective_sample_size,
                gradient_norm: best.gradient_norm,
                evaluation: best.evaluation.clone(),
                gap: best.gap,
                mixture,
                best_iterate: Some(iterate),
                ..run.clone()
            };
        }
        Ok(reported)
    }
}
