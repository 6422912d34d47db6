//! What a fit says of itself at a logged step.

use std::ops::Range;

use super::Fit;
use super::evaluations::Evaluations;
use super::failure::refuted;
use super::objective::Settled;
use serde::{Deserialize, Serialize};

use crate::compute::kernel::MixtureTensors;
use crate::divergence::Estimate;
use crate::error::Result;
use crate::fit::stop::Stop;
use crate::judge::evaluate::Evaluation;
use crate::mixture::Mixture;

/// Of an end that was worse than an earlier logged step by more than the error: the step that is
/// reported instead.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BestIterate {
    /// The step q is of.
    pub step: usize,
    /// The divergence the fit minimises as it was logged at the last step, in nats.
    pub last: Estimate,
}

/// One run at one logged step.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// The loss at this step by the estimator of the fit, in nats.
    pub loss: Estimate,
    /// What the random points of p are worth there, where they count by weights: so many independent ones with
    /// equal weights would do as well.
    pub effective_sample_size: Option<f64>,
    /// How often the target was evaluated to come here, its start included.
    pub evaluations: Evaluations,
    /// The Euclidean norm of its gradient in θ.
    pub gradient_norm: f64,
    /// Every reported divergence of `mixture`.
    pub evaluation: Evaluation,
    /// The variance of its gradient over the noise of the estimator, summed over θ; given at the
    /// first and at the last record.
    pub gradient_variance: Option<f64>,
    /// How far its divergence is above the optimum, where that is known.
    pub gap: Option<Estimate>,
    /// q at this step; of a failed run, the last whose loss and gradient were finite.
    pub mixture: Mixture,
    /// Why the run stopped, if it has.
    pub stop: Option<Stop>,
    /// Whether an earlier record has the same: the run had ended.
    pub repeats: bool,
    /// Where this is what is [reported](super::Fit::reported) of a run that had been better before it
    /// ended: the step that all but `stop` is of.
    pub best_iterate: Option<BestIterate>,
}

impl RunRecord {
    /// The step this is about, in a record of `step`: a run stays where it stopped.
    pub fn step_of(&self, step: usize) -> usize {
        self.stop.as_ref().and_then(Stop::step).unwrap_or(step)
    }

    /// The step its numbers are of, in a record of `step`.
    pub fn from_step(&self, step: usize) -> usize {
        let best = self.best_iterate.as_ref();
        best.map_or_else(|| self.step_of(step), |best| best.step)
    }

    /// Whether the run broke down.
    pub fn has_failed(&self) -> bool {
        self.stop.as_ref().is_some_and(Stop::is_failure)
    }
}

/// All runs at one logged step.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Steps taken so far.
    pub step: usize,
    /// Seconds since the fit began.
    pub seconds: f64,
    /// The R runs.
    pub runs: Vec<RunRecord>,
}

impl Record {
    /// The record of some of the runs.
    pub fn select(&self, runs: Range<usize>) -> Self {
        Self {
            runs: self.runs[runs].to_vec(),
            ..*self
        }
    }
}

impl Fit<'_> {
    /// Every reported divergence of R members.
    fn evaluate(&self, q: &MixtureTensors) -> Result<Vec<Evaluation>> {
        let mut evaluations = Vec::with_capacity(self.runs.len());
        for part in &self.parts {
            let runs: Vec<usize> = part.runs.clone().collect();
            let p = self.objective.target();
            evaluations.extend(part.evaluator.evaluate(p, &q.select(&runs))?);
        }
        Ok(evaluations)
    }

    /// Evaluates every run where it is, and ends those that are no longer well: they have failed, and
    /// stay where they were well at the last record.
    pub(super) fn examine(&mut self, step: usize) -> Result<Vec<Evaluation>> {
        let model = self.objective.target().model();
        let on_device = self.tensor(&self.finite);
        let mut evaluations = self.evaluate(&self.objective.member(on_device.clone()))?;
        let parameters = self.family.parameters();
        let mut fallen = false;
        let written = self.objective.written(on_device);
        for (run, mixture) in written.read()?.into_iter().enumerate() {
            if let Ok(mixture) = &mixture {
                evaluations[run].sharpen(model, &mixture.occupied());
            }
            if self.runs[run].recorded {
                continue;
            }
            let row = run * parameters..(run + 1) * parameters;
            let failure = self.find_failure(&mixture, &evaluations[run], &self.finite[row.clone()]);
            let is_flawed = failure.is_some();
            let failure = match &self.runs[run].stop {
                None if !self.runs[run].is_active => {
                    let step = self.runs[run].reached;
                    let what = self.failure(run, step)?;
                    Some(Stop::Failed { step, what })
                }
                stop => failure.map(|what| Stop::Failed {
                    step: stop.as_ref().and_then(Stop::step).unwrap_or(step),
                    what,
                }),
            };
            let end = self.is_last(step).then_some(Stop::Steps);
            let run = &mut self.runs[run];
            match mixture {
                Ok(mixture) if !is_flawed => {
                    run.mixture = mixture;
                    run.theta.copy_from_slice(&self.finite[row]);
                }
                _ => {
                    self.finite[row].copy_from_slice(&run.theta);
                    fallen = true;
                }
            }
            run.stop = failure.or(run.stop.take()).or(end);
        }
        if fallen {
            evaluations = self.evaluate(&self.objective.member(self.tensor(&self.finite)))?;
            for (evaluation, run) in evaluations.iter_mut().zip(&self.runs) {
                evaluation.sharpen(model, &run.mixture.occupied());
            }
        }
        for (evaluation, run) in evaluations.iter_mut().zip(&self.runs) {
            // A run that never was well has no numbers.
            if run.has_failed() && refuted(evaluation).is_some() {
                *evaluation = Evaluation::default();
            }
        }
        Ok(evaluations)
    }

    /// Reads everything about a step back from the device.
    pub(super) fn record(&mut self, step: usize, losses: &[Settled]) -> Result<Record> {
        let evaluations = self.examine(step)?;
        let mut runs = Vec::with_capacity(self.runs.len());
        for (at, (run, evaluation)) in self.runs.iter().zip(evaluations).enumerate() {
            let optimum = (self.parts.iter())
                .find(|part| part.runs.contains(&at))
                .and_then(|part| part.optimum.as_ref());
            let settled = losses[at];
            // What is reported of a loss that is annealed is the loss itself.
            let is_annealed = self.objective.beta(step) < 1.0 && !run.has_failed();
            let estimate = Estimate {
                value: match is_annealed {
                    true => settled.estimate.value,
                    false => run.loss,
                },
                error: if run.has_failed() {
                    f64::NAN
                } else {
                    settled.estimate.error
                },
                ..settled.estimate
            };
            runs.push(RunRecord {
                // Draws of one density may miss what the other has between them.
                loss: estimate.with_discrepancy(evaluation.estimate(self.objective.kind())),
                effective_sample_size: settled.effective_sample_size,
                evaluations: run.evaluations,
                gradient_norm: run.norm,
                gradient_variance: None,
                gap: optimum.and_then(|optimum| optimum.gap(&run.mixture, &evaluation)),
                evaluation,
                mixture: run.mixture.clone(),
                stop: run.stop.clone(),
                repeats: run.recorded,
                best_iterate: None,
            });
        }
        self.observe(step, &runs);
        if step == 0 || self.all_stopped() {
            let variances = self
                .objective
                .gradient_variance(&self.reported_theta(&runs))?;
            for (run, variance) in runs.iter_mut().zip(variances) {
                run.gradient_variance = Some(variance);
            }
        }
        for run in &mut self.runs {
            run.recorded = run.stop.is_some();
        }
        Ok(Record {
            step,
            seconds: self.started.elapsed().as_secs_f64(),
            runs,
        })
    }
}
