//! Random members of the family around the target, as starts.

use nalgebra::{Cholesky, DMatrix, DVector};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use super::{FitProblem, StartSettings};
use crate::density::family::Covariance;
use crate::error::Refusal;
use crate::mixture::Mixture;

/// Random starts have standard deviations between these multiples of the target's.
const STD_RANGE: (f64, f64) = (0.2, 1.2);

/// Members whose means are drawn from the Gaussian with the target's moments, with independent
/// coordinates whose standard deviations are the target's times a log-uniform number between 0.2 and
/// 1.2. It has no settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Random {}

impl StartSettings for Random {
    fn title(&self) -> &'static str {
        "random start"
    }

    fn draw(&self, fit: &FitProblem, generator: &mut ChaCha8Rng) -> Result<Mixture, Refusal> {
        let (family, (mean, covariance)) = (fit.family, &fit.extent);
        let (k, d) = (family.components(), family.dim());
        let stds: Vec<f64> = covariance.diagonal().iter().map(|v| v.sqrt()).collect();
        // A factor of the covariance; independent coordinates serve where rounding spoils it.
        let factor = Cholesky::new(covariance.clone()).map_or_else(
            || DMatrix::from_diagonal(&DVector::from_vec(stds.clone())),
            |cholesky| cholesky.unpack(),
        );
        let rms = (covariance.trace() / d as f64).sqrt();
        let (low, high) = (STD_RANGE.0.ln(), STD_RANGE.1.ln());
        let mut means = Vec::with_capacity(k);
        let mut scales = Vec::with_capacity(k);
        for _ in 0..k {
            let z = DVector::from_fn(d, |_, _| StandardNormal.sample(generator));
            means.push((mean + &factor * z).as_slice().to_vec());
            let mut multiple = || generator.random_range(low..high).exp();
            scales.push(match family.covariance() {
                Covariance::Isotropic => vec![rms * multiple(); d],
                _ => stds.iter().map(|std| std * multiple()).collect(),
            });
        }
        Mixture::from_stds(vec![1.0 / k as f64; k], means, scales)
    }
}
