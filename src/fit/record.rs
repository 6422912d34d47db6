//! What a fit says of itself at a logged step.

use std::ops::Range;

use super::Fit;
use super::failure::refuted;
use serde::{Deserialize, Serialize};

use crate::compute::device::Numerics;
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
    /// The Euclidean norm of its gradient in θ.
    pub gradient_norm: f64,
    /// Every reported divergence of `mixture`.
    pub evaluation: Evaluation,
    /// The variance of its gradient over the noise of the estimator, summed over θ; told at the
    /// first and at the last record.
    pub gradient_variance: Option<f64>,
    /// How far its divergence is above the optimum, where that is known.
    pub gap: Option<Estimate>,
    /// q at this step; of a failed run, the last whose loss and gradient were finite.
    pub mixture: Mixture,
    /// Why the run stopped, if it has.
    pub stop: Option<Stop>,
    /// Whether an earlier record has told the same: the run had ended.
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
    pub fn of(&self, runs: Range<usize>) -> Self {
        Self {
            runs: self.runs[runs].to_vec(),
            ..*self
        }
    }
}

impl Fit<'_> {
    /// Every reported divergence of R members.
    fn evaluate(&self, q: &MixtureTensors) -> Result<Vec<Evaluation>> {
        let mut evaluations = Vec::with_capacity(self.last.len());
        for part in &self.parts {
            let runs: Vec<usize> = part.runs.clone().collect();
            let p = self.objective.target();
            evaluations.extend(part.evaluator.evaluate(p, &q.select(&runs))?);
        }
        Ok(evaluations)
    }

    /// Evaluates every run where it is, and ends those that are no longer well: they have failed, and
    /// stay where they were well at the last record.
    fn examine(&mut self, step: usize) -> Result<Vec<Evaluation>> {
        let model = self.objective.target().model();
        let q = self.objective.member(self.health.finite.clone());
        let mut finite = Numerics::read(self.health.finite.clone())?;
        let mut evaluations = self.evaluate(&q)?;
        let active = Numerics::read(self.health.active.clone().float())?;
        let reached = Numerics::read(self.health.reached.clone())?;
        let parameters = self.family.parameters();
        let mut fallen = false;
        for (run, mixture) in q.read()?.into_iter().enumerate() {
            if let Ok(mixture) = &mixture {
                evaluations[run].sharpen(model, mixture);
            }
            if self.told[run] {
                continue;
            }
            let row = run * parameters..(run + 1) * parameters;
            let flaw = self.flaw(&mixture, &evaluations[run], &finite[row.clone()]);
            let is_flawed = flaw.is_some();
            let failure = match &self.last[run].1 {
                None if active[run] == 0.0 => {
                    let step = reached[run] as usize;
                    let what = self.failure(run, step)?;
                    Some(Stop::Failed { step, what })
                }
                stop => flaw.map(|what| Stop::Failed {
                    step: stop.as_ref().and_then(Stop::step).unwrap_or(step),
                    what,
                }),
            };
            let (last, stop) = &mut self.last[run];
            match mixture {
                Ok(mixture) if !is_flawed => {
                    *last = mixture;
                    self.shown[row.clone()].copy_from_slice(&finite[row]);
                }
                _ => {
                    finite[row.clone()].copy_from_slice(&self.shown[row]);
                    fallen = true;
                }
            }
            let end = (step == self.steps).then_some(Stop::Steps);
            *stop = failure.or(stop.take()).or(end);
        }
        if fallen {
            let shape = self.theta.dims();
            self.health.finite = self.objective.numerics().tensor(finite, shape);
            evaluations = self.evaluate(&self.objective.member(self.health.finite.clone()))?;
            for (evaluation, (last, _)) in evaluations.iter_mut().zip(&self.last) {
                evaluation.sharpen(model, last);
            }
        }
        for (evaluation, (_, stop)) in evaluations.iter_mut().zip(&self.last) {
            // A run that never was well has no numbers.
            if stop.as_ref().is_some_and(Stop::is_failure) && refuted(evaluation).is_some() {
                *evaluation = Evaluation::default();
            }
        }
        Ok(evaluations)
    }

    /// Reads everything about a step back from the device.
    pub(super) fn record(&mut self, step: usize, losses: &[Estimate]) -> Result<Record> {
        let evaluations = self.examine(step)?;
        let loss = Numerics::read(self.health.loss.clone())?;
        let norms = Numerics::read(self.health.norm.clone())?;
        let mut runs = Vec::with_capacity(self.last.len());
        for (run, evaluation) in evaluations.into_iter().enumerate() {
            let (last, stop) = &self.last[run];
            let optimum = (self.parts.iter())
                .find(|part| part.runs.contains(&run))
                .and_then(|part| part.optimum.as_ref());
            let failed = stop.as_ref().is_some_and(Stop::is_failure);
            let estimate = Estimate {
                value: loss[run],
                error: if failed { f64::NAN } else { losses[run].error },
                ..losses[run]
            };
            runs.push(RunRecord {
                // Draws of one density may miss what the other has between them.
                loss: estimate.held_against(evaluation.of(self.objective.kind())),
                gradient_norm: norms[run],
                gradient_variance: None,
                gap: optimum.and_then(|optimum| optimum.gap(last, &evaluation)),
                evaluation,
                mixture: last.clone(),
                stop: stop.clone(),
                repeats: self.told[run],
                best_iterate: None,
            });
        }
        self.remember(step, &runs);
        if step == 0 || self.all_stopped() {
            let variances = self
                .objective
                .gradient_variance(&self.reported_theta(&runs))?;
            for (run, variance) in runs.iter_mut().zip(variances) {
                run.gradient_variance = Some(variance);
            }
        }
        for (told, (_, stop)) in self.told.iter_mut().zip(&self.last) {
            *told = stop.is_some();
        }
        Ok(Record {
            step,
            seconds: self.started.elapsed().as_secs_f64(),
            runs,
        })
    }
}
