//! A component of a mixture on the line, and the pieces the line is cut into.

use std::f64::consts::PI;

use super::rounding::{UNIT, difference};
use super::student_t;

/// w times the density of a Gaussian or of a Student-t.
#[derive(Debug)]
pub(super) struct Term {
    pub weight: f64,
    /// Standard deviation or, of a Student-t, scale.
    pub std: f64,
    /// Degrees of freedom of a Student-t.
    pub dof: Option<f64>,
    /// μ as an exact sum of two numbers: it was moved to another origin.
    pub mean: [f64; 2],
    /// The log of its greatest value.
    pub log_height: f64,
    /// What the rounding of `log_height` is relative to.
    pub log_size: f64,
}

impl Term {
    /// `roundings` are those behind the weight.
    pub fn new(weight: f64, mean: [f64; 2], std: f64, dof: Option<f64>, roundings: usize) -> Self {
        let [shape, shape_error] = dof.map_or([0.0; 2], student_t::log_height_over_gaussian);
        let parts = [weight.ln(), -std.ln(), -0.5 * (2.0 * PI).ln(), shape];
        let size: f64 = parts.iter().map(|part| part.abs()).sum();
        Self {
            weight,
            std,
            dof,
            mean,
            log_height: parts.iter().sum(),
            log_size: size + roundings as f64 + shape_error / UNIT,
        }
    }

    /// (x − μ) / σ to 5 roundings, however close x is to μ.
    pub fn z(&self, x: f64) -> f64 {
        let [high, low] = difference(x, self.mean[0]);
        (high + (low - self.mean[1])) / self.std
    }

    /// The log of its density at x.
    pub fn log_density(&self, x: f64) -> f64 {
        let z = self.z(x);
        self.log_height
            - match self.dof {
                None => 0.5 * z * z,
                Some(dof) => 0.5 * (dof + 1.0) * (z * z / dof).ln_1p(),
            }
    }
}

/// The points within `half`, a power of two, of `center`; it and the ends have no rounding.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Piece {
    pub center: f64,
    pub half: f64,
}

impl Piece {
    pub fn ends(self) -> [f64; 2] {
        [self.center - self.half, self.center + self.half]
    }

    /// Its two halves; `None` if their ends are no numbers of this precision.
    pub fn halves(self) -> Option<[Self; 2]> {
        let half = 0.5 * self.half;
        (half > self.center.abs() * 4.0 * f64::EPSILON && half > 1e-280)
            .then(|| [self.center - half, self.center + half].map(|center| Self { center, half }))
    }
}
