//! How long steps of a fit take, told from the first ones.

use std::time::{Duration, Instant};

use super::Fit;
use super::evaluations::Evaluations;
use crate::error::Result;

/// Steps that are taken to tell how long one takes; the first aside, which makes what later ones find there.
const MOST_STEPS: usize = 100;

/// How fast the runs of a fit go together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Seconds of a step of all runs.
    pub step: f64,
    /// Seconds that the loss of all runs takes in a record, with its error.
    pub settle: f64,
    /// Seconds that the rest of a record takes, beside its step.
    pub examine: f64,
    /// What a step takes of the target, all runs together …
    pub evaluations: Evaluations,
    /// … and what the first one did, which pays for points that stay where they are.
    pub first: Evaluations,
}

impl Fit<'_> {
    /// Takes steps and logs none, until so much time has passed, and one at least that is measured if the most has not:
    /// a step that has begun then ends. None where it has.
    ///
    /// # Errors
    /// If the device failed.
    pub(crate) fn pace(&mut self, time: Duration, most: Duration) -> Result<Option<Pace>> {
        let (begun, at_start) = (Instant::now(), self.spent());
        self.objective.settle(&self.tensor(&self.theta), 0)?;
        let settled = begun.elapsed();
        self.take_unlogged_step(0)?;
        let (since, before) = (Instant::now(), self.spent());
        let mut taken = 0;
        let is_over = |taken| begun.elapsed() >= if taken == 0 { most } else { time };
        while !is_over(taken) && taken < MOST_STEPS && !self.all_stopped() {
            taken += 1;
            self.take_unlogged_step(taken)?;
        }
        if taken == 0 {
            return Ok(None);
        }
        let (seconds, after) = (since.elapsed().as_secs_f64(), self.spent());
        let of_step = |after: u64, before: u64| (after - before).div_ceil(taken as u64);
        let first = Evaluations {
            log_density: before.log_density - at_start.log_density,
            gradient: before.gradient - at_start.gradient,
        };
        let examining = Instant::now();
        self.examine(taken)?;
        Ok(Some(Pace {
            step: seconds / taken as f64,
            settle: settled.as_secs_f64(),
            examine: examining.elapsed().as_secs_f64(),
            evaluations: Evaluations {
                log_density: of_step(after.log_density, before.log_density),
                gradient: of_step(after.gradient, before.gradient),
            },
            first,
        }))
    }

    /// A step as it is taken where no record is due.
    fn take_unlogged_step(&mut self, step: usize) -> Result<()> {
        self.step = Some(step);
        let mut from = self.evaluate_step(step)?;
        if self.runs.iter().any(|run| run.monitor.is_some()) {
            if self.check_stops(step)? {
                from = self.evaluate_step(step)?;
            }
            self.deactivate();
        }
        let spent = self.descend(from)?;
        self.spend(spent);
        self.deactivate();
        Ok(())
    }

    /// What all runs have taken of the target by now.
    fn spent(&self) -> Evaluations {
        let mut all = Evaluations::default();
        for run in &self.runs {
            all += run.evaluations;
        }
        all
    }
}
