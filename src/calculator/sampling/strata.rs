//! The components of a density as strata of a sample: each has draws of its own, however rare.

use nalgebra::{DMatrix, DVector};

use crate::mixture::Mixture;
use crate::target::TargetModel;

/// A component with weight, and its draws in a block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stratum<'a> {
    pub weight: f64,
    pub mean: &'a DVector<f64>,
    pub factor: &'a DMatrix<f64>,
}

/// The components with weight; none of rows, which are drawn from no component.
pub(super) fn strata(density: &TargetModel) -> Vec<Stratum<'_>> {
    let scales: &Mixture = match density {
        TargetModel::Mixture(mixture) => mixture,
        TargetModel::StudentT(student_t) => student_t.scales(),
        TargetModel::Samples(_) => return Vec::new(),
    };
    (0..scales.components())
        .map(|k| Stratum {
            weight: scales.weights()[k],
            mean: &scales.means()[k],
            factor: &scales.scale_trils()[k],
        })
        .filter(|stratum| stratum.weight > 0.0)
        .collect()
}

impl Stratum<'_> {
    /// x = μ + s L z.
    pub fn place(&self, stretch: f64, z: &[f64], x: &mut [f64]) {
        x.fill(0.0);
        // Column after column, as they lie in memory.
        let dim = x.len();
        for (j, z) in z.iter().enumerate() {
            let column = &self.factor.as_slice()[j * dim..][..dim];
            for (x, l) in x[j..].iter_mut().zip(&column[j..]) {
                *x += l * z;
            }
        }
        for (x, mean) in x.iter_mut().zip(self.mean.iter()) {
            *x = mean + stretch * *x;
        }
    }
}

/// Independent estimates of variances vᵢ with fᵢ degrees of freedom: their sum, and how much of a
/// t-distribution makes 95 % with the degrees of freedom of Welch (1947) and Satterthwaite (1946),
/// (Σ vᵢ)² / Σ (vᵢ²/fᵢ).
pub(super) fn sum_of_variances(parts: impl Iterator<Item = (f64, f64)> + Clone) -> (f64, f64) {
    use statrs::distribution::{ContinuousCDF, StudentsT};
    let total: f64 = parts.clone().map(|(variance, _)| variance).sum();
    // By shares: squares of the variances themselves may overflow.
    let spread: f64 = parts
        .filter(|(variance, _)| *variance > 0.0)
        .map(|(variance, freedom)| (variance / total).powi(2) / freedom)
        .sum();
    let quantile = match 1.0 / spread {
        // Nothing varies, or so much is known that it is a normal distribution.
        freedom if freedom > 1e6 => NORMAL,
        freedom => StudentsT::new(0.0, 1.0, freedom).map_or(f64::NAN, |t| t.inverse_cdf(0.975)),
    };
    (total, quantile)
}

/// 95 % of a normal distribution lie within so many standard deviations.
const NORMAL: f64 = 1.959_963_984_540_054;
