//! The constant as the mean of f over draws of a proposal.

use nalgebra::{DMatrix, DVector};

use super::adapt::{Weighted, weights};
use super::problem::Problem;
use super::rounding::rounding;
use crate::judge::diagnostics::psis;

/// Above this k̂ the mean of ratios is not known from draws (Vehtari et al. 2024).
pub(super) const HEAVY: f64 = 0.7;

/// The integral, and the first two moments.
#[derive(Debug, Clone)]
pub(super) struct Moments {
    /// Its logarithm, in nats.
    pub log_normalizer: f64,
    /// How far that may be off.
    pub error: f64,
    pub mean: DVector<f64>,
    pub covariance: DMatrix<f64>,
    /// How far those may be off, in standard deviations and squares of them.
    pub moments_error: f64,
}

/// From draws of the proposal.
pub(super) struct Sampled {
    pub moments: Moments,
    pub k_hat: f64,
    /// One standard error of the constant, as a share of it, as far as the draws that were drawn tell.
    pub spread: f64,
    /// How far rounding moves log f where these draws say that it is, in nats.
    pub rounding: f64,
}

impl Sampled {
    pub fn new(problem: Problem, draws: &Weighted) -> Self {
        let dim = problem.dim();
        let ratios = draws.log_ratios();
        let n = ratios.len() as f64;
        let top = ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mean = ratios.iter().map(|ratio| (ratio - top).exp()).sum::<f64>() / n;
        let squares: f64 = (ratios.iter())
            .map(|ratio| ((ratio - top).exp() / mean - 1.0).powi(2))
            .sum();
        let k_hat = psis(&ratios).k_hat.min(heaviest(1.0 / mean, n));
        let spread = (squares / n / (n - 1.0)).sqrt();
        let weights = weights(&ratios);
        let points = || draws.x.chunks_exact(dim).zip(&weights);
        let mut centre = DVector::zeros(dim);
        for (x, weight) in points() {
            centre.axpy(*weight, &DVector::from_column_slice(x), 1.0);
        }
        let mut covariance = DMatrix::zeros(dim, dim);
        for (x, weight) in points() {
            let off = DVector::from_column_slice(x) - &centre;
            covariance.ger(*weight, &off, &off, 1.0);
        }
        let rounding = rounding(problem, draws, &weights, &covariance);
        Self {
            rounding,
            moments: Moments {
                log_normalizer: top + mean.ln(),
                // Where the largest ratios are too heavy those that were drawn tell nothing.
                error: match k_hat {
                    k_hat if k_hat > HEAVY || k_hat.is_nan() => f64::INFINITY,
                    // Rounding is not less for many draws.
                    k_hat => spread.hypot(beyond(mean, n, k_hat)) + rounding,
                },
                mean: centre,
                covariance,
                moments_error: spread,
            },
            k_hat,
            spread,
        }
    }
}

/// The heaviest tail that n ratios may have, the largest of which is `largest` times their mean.
///
/// Among ratios that differ little those that lie apart look like a tail, however much there is of them. Of n draws
/// of a Pareto distribution of shape k the largest is (n/e)^k (1 − k) times the mean, where e, exponential, is below
/// 4 in 98 of 100.
fn heaviest(largest: f64, n: f64) -> f64 {
    let n = n / 4.0;
    // Beyond, a mean that comes from the largest alone takes over.
    let last = 1.0 - 1.0 / n.ln();
    let reaches = |k: f64| n.powf(k) * (1.0 - k);
    if largest >= reaches(last) {
        return f64::INFINITY;
    }
    let (mut low, mut high) = (0.0, last);
    for _ in 0..40 {
        let middle = 0.5 * (low + high);
        match reaches(middle) < largest {
            true => low = middle,
            false => high = middle,
        }
    }
    high
}

/// What ratios above the largest of n draws add to their mean, as a share of it, if they fall like a Pareto
/// distribution of shape k.
///
/// One of n is above it, by 1/(1 − k) times as much on average.
fn beyond(mean: f64, n: f64, k: f64) -> f64 {
    1.0 / (mean * n * (1.0 - k.max(0.0)))
}
