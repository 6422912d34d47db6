//! The trapezoidal rule on a fixed interval of x, as tutorials write it: Σ p(x) f(x) dx.

use super::{Context, Estimator};
use crate::density::{Density, Draws, DrawsError};

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

impl Estimator for Grid {
    fn draws(&self, density: &dyn Density, context: Context) -> Draws {
        let n = self.points;
        let spacing = (self.upper - self.lower) / (n - 1) as f64;
        let end = |i: usize| if i == 0 || i == n - 1 { 0.5 } else { 1.0 };
        let row = |numbers: Vec<f64>| context.numerics.tensor(numbers, [1, n]);
        let x = row((0..n).map(|i| self.lower + spacing * i as f64).collect());
        let fine = row((0..n).map(|i| spacing * end(i)).collect());
        // Twice the spacing on every second point; with an even count the last piece is left out.
        let coarse = row((0..n)
            .map(|i| {
                if i % 2 == 0 {
                    2.0 * spacing * end(i)
                } else {
                    0.0
                }
            })
            .collect());
        let x = x.unsqueeze_dim::<3>(2);
        let density = density.log_density(x.clone()).exp();
        Draws {
            x,
            weights: density.clone() * fine,
            error: DrawsError::Embedded(density * coarse),
        }
    }

    fn is_deterministic(&self) -> bool {
        true
    }

    fn refined(&self) -> Option<Box<dyn Estimator>> {
        None
    }
}
