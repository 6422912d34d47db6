//! Expectation–maximisation from the gradient of a likelihood.

use nalgebra::{DMatrix, DVector};

use super::Family;
use super::covariance::{Covariance, ScaleMap};
use crate::mixture::Mixture;

/// A component that has less than this has its place and its shape no more from what it has, but from rounding.
const GONE: f64 = 1e-13;
/// A variance below this share of what it was before others were taken into account is rounding.
const SINGULAR: f64 = 1e-13;
/// How far above its floor a standard deviation stays, as a share of that: the logarithm of it is a number, and its slope
/// is none.
const ABOVE: f64 = 1e-10;

impl Family {
    /// Why there is no step of expectation–maximisation for this family, and what to do; `None` if there is one.
    pub fn refuses_em(&self) -> Option<(&'static str, &'static str)> {
        if self.covariance() == Covariance::LowRank {
            return Some((
                "no maximum over low-rank covariances has a closed form",
                "use covariance = \"full\" or \"diagonal\", or choose \"lbfgs\"",
            ));
        }
        (self.fixed_weights().is_some() && self.components() > 1).then_some((
            "weights that are given leave open how much each component has",
            "remove weights under [family], or choose \"lbfgs\"",
        ))
    }

    /// θ after one step of expectation–maximisation (Dempster, Laird and Rubin 1977) for a loss −E log q, from θ,
    /// q and the gradient there, P numbers; `None` if a covariance would be singular, or there is no such step.
    ///
    /// The gradient tells all that such a step needs (Fisher's identity): with rₖ the share of component k in q(x)
    /// and z = L⁻¹(x − μ), the gradient of the logits is wₖ − E rₖ, that of μₖ is −L⁻ᵀ E rₖ z, and Lᵀ times that of L
    /// is E rₖ (1 − z zᵀ) on and below its diagonal (Xu and Jordan 1996).
    pub fn em_step(&self, theta: &[f64], q: &Mixture, gradient: &[f64]) -> Option<Vec<f64>> {
        if self.refuses_em().is_some() {
            return None;
        }
        let (k, d) = (self.components(), self.dim());
        let logits = self.logits();
        let mut next = theta.to_vec();
        let shares: Vec<f64> = (0..k)
            .map(|k| match logits {
                0 => 1.0,
                // What rounding makes of nothing may be less than that.
                _ => (q.weights()[k] - gradient[k]).max(f64::EPSILON * GONE),
            })
            .collect();
        for (next, share) in next[..logits].iter_mut().zip(&shares) {
            *next = share.ln();
        }
        for (k, share) in shares.into_iter().enumerate() {
            if share < GONE {
                continue;
            }
            let [means, scales] = self.places(k);
            let factor = &q.scale_trils()[k];
            // E rₖ z / E rₖ.
            let slope = DVector::from_column_slice(&gradient[means.clone()]);
            let moved = factor.tr_mul(&slope) * (-1.0 / share);
            for (next, moved) in next[means].iter_mut().zip((factor * &moved).iter()) {
                *next += moved;
            }
            let turned = (self.scale).turned(factor, &gradient[scales.clone()]) / share;
            let spread = DMatrix::identity(d, d) - turned - &moved * moved.transpose();
            let spread = self.scale.nearest(&spread);
            next[scales].copy_from_slice(&self.scale.spread(factor, &spread)?);
        }
        next.iter().all(|number| number.is_finite()).then_some(next)
    }
}

impl ScaleMap {
    /// θ `[S]` of a component with the factor L of which the covariance has become L C Lᵀ, kept above the floor; `None`
    /// if that is singular.
    pub(super) fn spread(
        &self,
        factor: &DMatrix<f64>,
        covariance: &DMatrix<f64>,
    ) -> Option<Vec<f64>> {
        let least = factor.diagonal();
        let least = least.map(|std| self.floor * (1.0 + ABOVE) / std);
        self.theta_of(&(factor * factor_above(covariance, &least)?))
    }

    /// The symmetric matrix E rₖ (1 − z zᵀ), of which the gradient `[S]` in θ tells Lᵀ G on and below the diagonal:
    /// of independent coordinates the diagonal alone, and of one standard deviation for all its mean.
    pub(super) fn turned(&self, factor: &DMatrix<f64>, gradient: &[f64]) -> DMatrix<f64> {
        let dim = self.dim;
        // σ = floor + exp θ, so that dσ = (σ − floor) dθ.
        let along = |i: usize, g: f64| g / (factor[(i, i)] - self.floor);
        match self.covariance {
            Covariance::Full => {
                let in_factor = DMatrix::from_fn(dim, dim, |i, j| match i.cmp(&j) {
                    std::cmp::Ordering::Equal => along(i, gradient[i]),
                    std::cmp::Ordering::Greater => gradient[dim + i * (i - 1) / 2 + j],
                    std::cmp::Ordering::Less => 0.0,
                });
                let mut turned = factor.tr_mul(&in_factor);
                turned.fill_upper_triangle_with_lower_triangle();
                turned
            }
            Covariance::Isotropic => {
                let mean = along(0, gradient[0]) * factor[(0, 0)] / dim as f64;
                DMatrix::from_diagonal_element(dim, dim, mean)
            }
            Covariance::Diagonal | Covariance::LowRank => {
                let entries = (0..dim).map(|i| along(i, gradient[i]) * factor[(i, i)]);
                DMatrix::from_diagonal(&DVector::from_iterator(dim, entries))
            }
        }
    }
}

/// The Cholesky factor of a covariance, of which what lies below the least on its diagonal is raised to that; `None` if
/// the covariance is singular, and nothing is to be raised.
///
/// Given the coordinates before, each keeps its slopes on those: the likelihood is the largest there is with such a
/// standard deviation.
fn factor_above(covariance: &DMatrix<f64>, least: &DVector<f64>) -> Option<DMatrix<f64>> {
    let dim = covariance.nrows();
    let mut left = covariance.clone();
    let mut factor = DMatrix::zeros(dim, dim);
    for j in 0..dim {
        let variance = left[(j, j)];
        let is_known = variance > SINGULAR * covariance[(j, j)];
        let std = variance.max(0.0).sqrt().max(least[j]);
        if !(std > 0.0 && variance.is_finite()) || !is_known && least[j] == 0.0 {
            return None;
        }
        factor[(j, j)] = std;
        // Of nothing but rounding there are no slopes.
        if !is_known {
            continue;
        }
        for i in j + 1..dim {
            factor[(i, j)] = left[(i, j)] / variance * std;
        }
        for k in j + 1..dim {
            let slope = left[(k, j)] / variance;
            for i in k..dim {
                left[(i, k)] -= slope * left[(i, j)];
            }
        }
    }
    Some(factor)
}
