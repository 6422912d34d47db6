//! The trapezoidal rule on a fixed interval of x, as tutorials write it: Σ p(x) f(x) dx.

use super::{Context, Estimator, thinned};
use crate::density::target::TargetModel;
use crate::density::{Density, Draws, DrawsError, Embedded};

/// An even grid of points on an interval, 1-D.
#[derive(Debug, Clone, Copy)]
pub struct Grid {
    lower: f64,
    upper: f64,
    points: usize,
}

impl Grid {
    /// `points` points from `lower` to `upper`, both included.
    pub fn new(lower: f64, upper: f64, points: usize) -> Self {
        Self {
            lower,
            upper,
            points,
        }
    }
}

impl Grid {
    /// ∫ p by this rule: 1 if the grid holds p and resolves it.
    pub fn mass(&self, p: &TargetModel) -> f64 {
        let spacing = (self.upper - self.lower) / (self.points - 1) as f64;
        (0..self.points)
            .map(|i| {
                let log_density = p.log_density(&[self.lower + spacing * i as f64]);
                spacing * log_density.unwrap_or(f64::NAN).exp()
            })
            .sum()
    }
}

impl Estimator for Grid {
    fn draws(&self, density: &dyn Density, context: Context) -> Draws {
        let n = self.points;
        let spacing = (self.upper - self.lower) / (n - 1) as f64;
        let end = |i: usize| if i == 0 || i == n - 1 { 0.5 } else { 1.0 };
        let row = |numbers: Vec<f64>| context.numerics.tensor(numbers, [1, n]);
        let x = row((0..n).map(|i| self.lower + spacing * i as f64).collect());
        // With a count that does not divide, the coarser rules leave the last piece out.
        let rule = |which: usize| {
            let weights = (0..n).map(|i| thinned(spacing * end(i), i)[which]);
            row(weights.collect())
        };
        let x = x.unsqueeze_dim::<3>(2);
        let density = density.log_density(x.clone()).exp();
        let [fine, half, quarter] = [0, 1, 2].map(|which| density.clone() * rule(which));
        Draws {
            x,
            weights: fine,
            error: DrawsError::Embedded(Box::new(Embedded {
                coarser: [half, quarter],
                shells: None,
            })),
            log_p: None,
        }
    }

    fn is_random(&self) -> bool {
        false
    }

    fn refined(&self) -> Option<Box<dyn Estimator>> {
        None
    }
}
