//! How far densities and rows reach along an axis.

use crate::density::target::{Elliptical, TargetModel};
use crate::mixture::Mixture;

/// Components with less weight than this do not widen a view.
const VISIBLE: f64 = 1e-3;
/// Heavy tails are shown this much farther than those of a Gaussian.
const HEAVY: f64 = 1.6;
/// Of rows that reach so many times as far as the others, this share is left out.
const FAR: f64 = 4.0;
const OUTSIDE: f64 = 0.02;
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
            return Self::of_rows(samples.points().map(|row| row[d]));
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

    /// Rows along one coordinate: all of them, or most where a few lie so far out that they would leave nothing to see.
    fn of_rows(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        let Some(last) = values.len().checked_sub(1) else {
            return Self::around(0.0, 1.0);
        };
        let at = |share: f64| values[(share * last as f64).round() as usize];
        let all = Self {
            low: values[0],
            high: values[last],
        };
        let (low, high) = (at(0.5 * OUTSIDE), at(1.0 - 0.5 * OUTSIDE));
        let most = Self { low, high }.widened(0.25 * (high - low));
        if high > low && all.high - all.low > FAR * (high - low) {
            return Self {
                low: all.low.max(most.low),
                high: all.high.min(most.high),
            };
        }
        all.widened(AIR * (all.high - all.low))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_rows_far_out_do_not_set_the_scale() {
        let rows =
            |far: f64| (0..1000).map(move |i| if i == 500 { far } else { f64::from(i) / 1000.0 });
        let near = Reach::of_rows(rows(0.5));
        assert!(
            near.low < 0.0 && (near.high - 1.06).abs() < 0.01,
            "{near:?}"
        );
        let far = Reach::of_rows(rows(1e4));
        assert!(far.high < 1.5 && far.low <= 0.0, "{far:?}");
        // What is all there is to see is seen.
        let two = Reach::of_rows([0.0, 7.0].into_iter());
        assert!(two.low < 0.0 && two.high > 7.0, "{two:?}");
    }
}
