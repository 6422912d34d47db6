//! How far densities and rows reach along an axis.

use crate::density::target::TargetModel;
use crate::mixture::Mixture;

/// Components with less weight than this do not widen a view.
const VISIBLE: f64 = 1e-3;
/// Heavy tails are shown this much farther than those of a Gaussian.
const HEAVY: f64 = 1.6;
/// Air around rows, as a share of their range.
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

    /// So many standard deviations around every component, along coordinate `d`.
    pub fn of_mixture(mixture: &Mixture, d: usize, stds: f64) -> Self {
        (0..mixture.components())
            .filter(|&k| mixture.weights()[k] > VISIBLE)
            .map(|k| {
                let (mean, std) = (mixture.means()[k][d], mixture.component_stds(k)[d]);
                Self {
                    low: mean - stds * std,
                    high: mean + stds * std,
                }
            })
            .fold(Self::NONE, Self::and)
    }

    /// A target along coordinate `d`: of rows, all of them.
    pub fn of_target(target: &TargetModel, d: usize, stds: f64) -> Self {
        match target {
            TargetModel::Mixture(mixture) => Self::of_mixture(mixture, d, stds),
            TargetModel::StudentT(student_t) => {
                Self::of_mixture(student_t.scales(), d, HEAVY * stds)
            }
            TargetModel::Samples(samples) => {
                let rows = samples.points().map(|x| Self {
                    low: x[d],
                    high: x[d],
                });
                let all = rows.fold(Self::NONE, Self::and);
                let air = AIR * (all.high - all.low);
                Self {
                    low: all.low - air,
                    high: all.high + air,
                }
            }
        }
    }
}
