//! The step of any covariance, by its Cholesky factor.

use nalgebra::{DMatrix, DVector};

use super::spread::{Spread, ThinRoot, share, shrinkage};
use super::{ABOVE, Batch, Family};
use crate::density::family::covariance::ScaleMap;
use crate::mixture::lower_of;

impl Family {
    /// How far the mean moves, and θ of the covariance.
    pub(super) fn matched(
        &self,
        mean: &DVector<f64>,
        factor: &DMatrix<f64>,
        batch: Batch,
        lambda: f64,
    ) -> Option<(DVector<f64>, Vec<f64>)> {
        let (mut z, scores, weights) = batch.around(mean);
        if !factor.solve_lower_triangular_mut(&mut z) {
            return None;
        }
        let scores = factor.tr_mul(&scores);
        let matched = Matched::new(&z, &scores, &weights, lambda)?;
        let scales = lower_of((factor * &matched.root).transpose())?;
        Some((factor * &matched.mean, self.scale.above_floor(scales)?))
    }
}

impl ScaleMap {
    /// θ `[S]` of a factor, of which what lies below the floor on the diagonal is raised to that; `None` if it is
    /// singular, and nothing is to be raised.
    fn above_floor(&self, mut factor: DMatrix<f64>) -> Option<Vec<f64>> {
        let least = self.floor * (1.0 + ABOVE);
        for (j, mut column) in factor.column_iter_mut().enumerate() {
            let std = column[j];
            if std < least {
                // Given the coordinates before, those after keep their slopes on it.
                column *= least / std;
            }
        }
        let is_known = factor.iter().all(|entry| entry.is_finite())
            && factor.diagonal().iter().all(|std| *std > 0.0);
        is_known.then(|| self.theta_of(&factor)).flatten()
    }
}

/// What a standard normal becomes.
struct Matched {
    /// μ′.
    mean: DVector<f64>,
    /// A square F of Σ′ = F Fᵀ.
    root: DMatrix<f64>,
}

impl Matched {
    /// From points z and scores s, both D × B, and their weights; `None` where they are no numbers.
    ///
    /// With means and covariances over the batch,
    ///
    /// U = λ C(s) + λ/(1+λ) s̄ s̄ᵀ, V = I + λ C(z) + λ/(1+λ) z̄ z̄ᵀ, Σ′ U Σ′ + Σ′ = V, μ′ = λ/(1+λ) (Σ′ s̄ + z̄).
    ///
    /// With V = R Rᵀ and Σ′ = R X Rᵀ that is X M X + X = I with M = Rᵀ U R, of which each eigenvalue m makes one of X,
    /// x = 2 / (1 + √(1 + 4m)).
    fn new(
        z: &DMatrix<f64>,
        scores: &DMatrix<f64>,
        weights: &DVector<f64>,
        lambda: f64,
    ) -> Option<Self> {
        let places = Spread::new(z, weights, lambda);
        let slopes = Spread::new(scores, weights, lambda);
        let (dim, points) = z.shape();
        let root = match points <= dim {
            true => ThinRoot::new(&places.columns, &slopes.columns)?.dense(),
            false => wide_root(&places.columns, &slopes.columns)?,
        };
        let pushed = &root * root.tr_mul(&slopes.mean);
        let mean = (pushed + places.mean) * share(lambda);
        Some(Self { mean, root })
    }
}

/// As [`ThinRoot`], at O(D³) for any number of columns that leaves no direction without one.
pub(super) fn wide_root(z: &DMatrix<f64>, q: &DMatrix<f64>) -> Option<DMatrix<f64>> {
    let dim = z.nrows();
    let v = DMatrix::identity(dim, dim) + z * z.transpose();
    let factor = v.cholesky()?.unpack();
    let a = factor.tr_mul(q);
    let square = &a * a.transpose();
    if !square.norm_squared().is_finite() {
        return None;
    }
    let eigen = square.symmetric_eigen();
    let mut root = factor * eigen.eigenvectors;
    for (mut column, m) in root.column_iter_mut().zip(eigen.eigenvalues.iter()) {
        // Rounding may make less than nothing of nothing.
        column *= shrinkage(m.max(0.0));
    }
    Some(root)
}
