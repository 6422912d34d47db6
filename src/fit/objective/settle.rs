//! Which rule each run needs, and its value by that one with an error.

use burn::tensor::Tensor;

use super::along::{Along, Members, NoiseKind, PointsRequest};
use super::by_panels::has_own_points;
use super::{Objective, PointRule};
use crate::density::Density;
use crate::divergence::{self, Attempt, Estimate, EstimateMethod, Side};
use crate::error::Result;

/// A rule for the loss is refined until its error is below this share of the loss (or this many
/// nats, for a loss below one): a coarser one would have stationary points of its own.
const TOLERANCE: f64 = 1e-5;
/// Runs whose points go together have about so many in all: those of more would come back from the memory of the
/// machine at each operation.
const POINTS_TOGETHER: usize = 1 << 18;

/// A value that is settled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settled {
    /// It, in nats, with its error.
    pub estimate: Estimate,
    /// What the random points of p are worth, where they count by weights.
    pub effective_sample_size: Option<f64>,
}

impl Settled {
    const UNKNOWN: Self = Self {
        estimate: Estimate::UNKNOWN,
        effective_sample_size: None,
    };
}

/// An attempt, and what random points of p are worth, where they count by weights.
type Found = (Attempt, Option<f64>);

impl Objective<'_> {
    /// Chooses for each run of θ `[R, P]` the coarsest rule that is good enough there, and returns
    /// the R values with their errors.
    ///
    /// Points along one density can miss what the other has between them: such a rule has at least the
    /// error that it differs by from one that sees both.
    ///
    /// # Errors
    /// If the device failed.
    pub fn settle(&mut self, theta: &Tensor<2>, step: usize) -> Result<Vec<Settled>> {
        let [runs, _] = theta.dims();
        let mut settled = vec![Settled::UNKNOWN; runs];
        let of_log_z = self.target.model().log_normalizer_error();
        let mut open: Vec<usize> = (0..runs).collect();
        let coarsest = self.levels_at(theta, &vec![0; runs]);
        for level in 0..self.rules.len() {
            let (now, later): (Vec<usize>, Vec<usize>) =
                open.iter().partition(|&&run| coarsest[run] <= level);
            if now.is_empty() {
                continue;
            }
            open = later;
            let found = match &self.rules[level] {
                PointRule::Panels(panels) => {
                    let q = self.member(self.theta_of(theta, &now));
                    let attempts = self.attempt_by_panels(*panels, &q)?;
                    attempts
                        .into_iter()
                        .map(|attempt| (attempt, None))
                        .collect()
                }
                PointRule::Along(along) => self.found_along(along, theta, &now, step)?,
            };
            for (run, (attempt, effective_sample_size)) in now.into_iter().zip(found) {
                settled[run] = Settled {
                    estimate: attempt.estimate.with_log_density_off(self.kind, of_log_z),
                    effective_sample_size,
                };
                self.levels[run] = level;
                let size = attempt.estimate.value.abs();
                if attempt.needs_finer_rule(TOLERANCE * size.max(1.0)) {
                    open.push(run);
                }
            }
            // The runs of a rule go in their order.
            open.sort_unstable();
            if open.is_empty() {
                break;
            }
        }
        Ok(settled)
    }

    /// Of some runs, a few at a time.
    fn found_along(
        &self,
        along: &Along,
        theta: &Tensor<2>,
        runs: &[usize],
        step: usize,
    ) -> Result<Vec<Found>> {
        // Rows that come in chunks are gone over once.
        if self.chunks() > 1 || self.ranks().is_some() {
            return Ok(self.found_together(along, theta, runs, step)?.0);
        }
        let threads = rayon::current_num_threads();
        let mut found: Vec<Found> = Vec::with_capacity(runs.len());
        // How many points a run has is known once the first ones have them.
        let mut together = threads;
        while found.len() < runs.len() {
            let rest = &runs[found.len()..];
            let some = &rest[..together.min(rest.len())];
            let (more, points) = self.found_together(along, theta, some, step)?;
            found.extend(more);
            together = (POINTS_TOGETHER / points.max(1)).max(threads);
        }
        Ok(found)
    }

    /// Of some runs at once, and how many points each has.
    fn found_together(
        &self,
        along: &Along,
        theta: &Tensor<2>,
        runs: &[usize],
        step: usize,
    ) -> Result<(Vec<Found>, usize)> {
        let q = self.member(self.theta_of(theta, runs));
        let keys = self.keys_of(runs);
        let sampled = |side, chunk| {
            let request = PointsRequest {
                along,
                q: Members::Made(&q),
                keys: &keys,
                noise: NoiseKind::Step(step),
                chunk,
                divergence: &*self.divergence,
            };
            self.sampled(side, request).read()
        };
        let is_random = self.estimator.rule.is_random();
        let (mut points, mut effective) = (0, None);
        // What a rule along one density is held against: panels that see both, or its own points along both.
        let (held_to, along_both) = if is_random || self.target.row_chunks() > 0 {
            (None, None)
        } else if self.host.is_some() {
            let attempts = self.attempt_both(&q)?;
            (Some(attempts), None)
        } else {
            let both = [sampled(Side::Target, 0)?, sampled(Side::Family, 0)?];
            let values = divergence::values_jointly(&*self.divergence, both.each_ref())?;
            let attempts = values.into_iter().map(without_error).collect();
            (Some(attempts), Some(both))
        };
        let attempts = divergence::estimate_in_chunks(
            &*self.divergence,
            self.chunks(),
            self.ranks(),
            |side, chunk| {
                let read = match (&along_both, side) {
                    (Some([of_p, _]), Side::Target) => of_p.clone(),
                    (Some([_, of_q]), Side::Family) => of_q.clone(),
                    (None, _) => sampled(side, chunk)?,
                };
                points = points.max(read.points());
                effective = effective.take().or_else(|| read.effective_sample_sizes());
                Ok(read)
            },
        )?;
        let has_own = has_own_points(self.kind, self.target.model());
        let found = (attempts.into_iter().enumerate())
            .map(|(at, attempt)| {
                let both: Option<&Attempt> =
                    held_to.as_ref().and_then(|both: &Vec<_>| both.get(at));
                let estimate = match both {
                    // What has no error of its own is known as well as what it is held against.
                    Some(both) if has_own => attempt.estimate.held_to(both.estimate),
                    Some(both) => attempt.estimate.with_discrepancy(both.estimate),
                    None => attempt.estimate,
                };
                // One for all where all have the same points.
                let effective = effective.as_ref().and_then(|of| of.get(at).or(of.first()));
                (
                    Attempt {
                        estimate,
                        ..attempt
                    },
                    effective.copied(),
                )
            })
            .collect();
        Ok((found, points))
    }
}

fn without_error(value: f64) -> Attempt {
    Attempt {
        estimate: Estimate {
            value,
            error: 0.0,
            method: EstimateMethod::Quadrature,
        },
        floor: 0.0,
    }
}
