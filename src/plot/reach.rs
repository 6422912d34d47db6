//! How far densities and rows reach along an axis.

use crate::density::target::{Elliptical, TargetModel};
use crate::mixture::Mixture;

/// Components with less weight than this do not widen a view.
const VISIBLE: f64 = 1e-3;
/// Heavy tails are shown this much farther than those of a Gaussian.
const HEAVY: f64 = 1.6;
/// Air around rows and bins, as a share of their range.
const AIR: f64 = 0.06;

/// The lowest and the highest coordinate shown.
#[derive(Debug, Clone, Copy)]
pub struct Reach {
    pub low: f64,
    pub high: f64,
}

impl Reach {
    pub const NONE: Self = Self {
        low: f64::INFINITY,
        high: f64::NEG_INFINITY,
    };

    /// What holds both.
    pub fn and(self, other: Self) -> Self {
        Self {
            low: self.low.min(other.low),
            high: self.high.max(other.high),
        }
    }

    /// This many standard deviations around every component, along coordinate `d`.
    pub fn of_mixture(mixture: &Mixture, d: usize, stds: f64) -> Self {
        (0..mixture.components())
            .filter(|&k| mixture.weights()[k] > VISIBLE)
            .map(|k| Self::around(mixture.means()[k][d], stds * mixture.component_stds(k)[d]))
            .fold(Self::NONE, Self::and)
    }

    /// A target along coordinate `d`: of rows and of bins, all of them.
    pub fn of_target(target: &TargetModel, d: usize, stds: f64) -> Self {
        if let Some(samples) = target.as_samples() {
            let (low, high) = samples.range(d);
            let all = Self { low, high };
            return all.widened(AIR * (all.high - all.low));
        }
        if let Some(histogram) = target.as_histogram() {
            let [low, high] = histogram.reach(d);
            return Self { low, high }.widened(AIR * (high - low));
        }
        if let Some(Elliptical { scales, dof }) = target.elliptical() {
            let farther = if dof.is_some() { HEAVY } else { 1.0 };
            return Self::of_mixture(scales, d, farther * stds);
        }
        let (mean, covariance) = target.extent();
        Self::around(mean[d], stds * covariance[(d, d)].sqrt())
    }

    /// So far to both sides of a number.
    pub fn around(middle: f64, reach: f64) -> Self {
        let middle = Self {
            low: middle,
            high: middle,
        };
        middle.widened(reach)
    }

    fn widened(self, by: f64) -> Self {
        Self {
            low: self.low - by,
            high: self.high + by,
        }
    }
}
