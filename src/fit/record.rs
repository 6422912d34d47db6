//! What a fit says of itself at a logged step.

use std::ops::Range;

use crate::divergence::Estimate;
use crate::evaluate::Evaluation;
use crate::mixture::Mixture;
use crate::stop::Stop;

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
}

impl RunRecord {
    /// The step this is about, in a record of `step`: a run stays where it stopped.
    pub fn step_of(&self, step: usize) -> usize {
        self.stop.as_ref().and_then(Stop::step).unwrap_or(step)
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
