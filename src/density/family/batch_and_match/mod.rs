//! Batch and match: the Gaussian whose scores match those of a density at a batch of points.
//!
//! Cai, Modi, Pillaud-Vivien, Margossian, Gower, Blei and Saul 2024. Everything is done in coordinates where q is a
//! standard normal, in which the step is the same: it does not depend on the coordinates of the target. Of a low-rank
//! covariance the part of its factors is left in, and what the step gives is brought back to that form (Modi, Cai and
//! Saul 2025).

mod full;
mod low_rank;
mod spread;

use nalgebra::{DMatrix, DVector};

use super::Family;
use super::covariance::Covariance;
use crate::compute::device::Numerics;
use crate::error::Result;

/// How far above its floor a standard deviation stays, as a share of that: the logarithm of what is above is a number.
const ABOVE: f64 = 1e-10;

/// B points of a density q with the scores of another, p.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Batch<'a> {
    /// x, point after point: B·D numbers.
    pub points: &'a [f64],
    /// ∇ log p there, alike.
    pub scores: &'a [f64],
    /// The share of each in an expectation under q: B numbers that sum to 1.
    pub weights: &'a [f64],
}

impl Batch<'_> {
    /// x − μ and the scores, D × B each, and the weights.
    fn around(&self, mean: &DVector<f64>) -> (DMatrix<f64>, DMatrix<f64>, DVector<f64>) {
        let (dim, points) = (mean.len(), self.weights.len());
        let mut off = DMatrix::from_column_slice(dim, points, self.points);
        for mut point in off.column_iter_mut() {
            point -= mean;
        }
        let scores = DMatrix::from_column_slice(dim, points, self.scores);
        (off, scores, DVector::from_column_slice(self.weights))
    }
}

/// A Gaussian of a family as a step takes it.
#[derive(Debug)]
pub(crate) enum Unmatched {
    /// Any covariance, by its Cholesky factor L.
    Full {
        mean: DVector<f64>,
        factor: DMatrix<f64>,
    },
    /// diag(σ²) + U Uᵀ.
    LowRank {
        mean: DVector<f64>,
        stds: DVector<f64>,
        factors: DMatrix<f64>,
    },
}

impl Family {
    /// Why there is no such step for this family, and what to do; `None` if there is one.
    pub(crate) fn refuses_batch_and_match(&self) -> Option<(&'static str, &'static str)> {
        if self.components() > 1 {
            return Some((
                "it matches one Gaussian, and the family has several components",
                "use components = 1, or choose \"vips\", which moves each component by itself",
            ));
        }
        match self.covariance() {
            Covariance::Full | Covariance::LowRank => None,
            Covariance::Diagonal | Covariance::Isotropic => Some((
                "independent coordinates that match scores are far from those of reverse KL where p has correlations",
                "use covariance = \"full\" or \"low-rank\", or choose \"vips\"",
            )),
        }
    }

    /// The members at θ `[R, P]`, run after run, for [`Family::batch_and_match_step`]; `None` where that is no density.
    ///
    /// # Errors
    /// If the device failed.
    pub(crate) fn unmatched(
        &self,
        theta: &[f64],
        numerics: &Numerics,
    ) -> Result<Vec<Option<Unmatched>>> {
        if self.covariance() == Covariance::LowRank {
            return self.unmatched_of_low_rank(theta, numerics);
        }
        let members = self.members(theta, numerics)?.into_iter();
        let unmatched = members.map(|member| {
            let member = member?;
            Some(Unmatched::Full {
                mean: member.means()[0].clone(),
                factor: member.scale_trils()[0].clone(),
            })
        });
        Ok(unmatched.collect())
    }

    /// θ after one step of batch and match, from θ, q and a batch of points of q; `None` if there is none.
    ///
    /// It minimises E_b |∇ log q′ − ∇ log p|² in the norm of Σ′ plus 2/λ KL(q‖q′), E_b over the batch: the larger
    /// λ > 0, the less q counts for. Of a Gaussian p, q = p stays as it is whatever the batch.
    pub(crate) fn batch_and_match_step(
        &self,
        theta: &[f64],
        q: &Unmatched,
        batch: Batch,
        lambda: f64,
    ) -> Option<Vec<f64>> {
        if self.refuses_batch_and_match().is_some() {
            return None;
        }
        let (moved, matched) = match q {
            Unmatched::Full { mean, factor } => self.matched(mean, factor, batch, lambda)?,
            Unmatched::LowRank {
                mean,
                stds,
                factors,
            } => self.matched_by_low_rank(mean, (stds, factors), batch, lambda)?,
        };
        let [means, scales] = self.places(0);
        let mut next = theta.to_vec();
        for (next, moved) in next[means].iter_mut().zip(moved.iter()) {
            *next += moved;
        }
        next[scales].copy_from_slice(&matched);
        next.iter().all(|number| number.is_finite()).then_some(next)
    }
}

#[cfg(test)]
mod tests;
