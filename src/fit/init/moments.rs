//! Mixtures with a given mean and covariance, as a start.

use nalgebra::{DMatrix, DVector};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use super::{FitProblem, StartSettings};
use crate::density::family::Family;
use crate::error::Refusal;
use crate::mixture::Mixture;

/// The largest share of a direction's variance that lies between the components.
const BETWEEN: f64 = 0.5;

/// Members with the target's mean and covariance. It has no settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MomentMatch {}

impl StartSettings for MomentMatch {
    fn title(&self) -> &'static str {
        "moment-matched start"
    }

    fn distinct(&self, runs: usize, family: &Family) -> usize {
        match family.components() {
            1 => 1,
            _ => runs,
        }
    }

    fn draw(&self, fit: &FitProblem, generator: &mut ChaCha8Rng) -> Result<Mixture, Refusal> {
        let (mean, covariance) = &fit.extent;
        moment_matched(mean, covariance, fit.family.components(), generator)
    }
}

/// A mixture of K ≥ 1 equally weighted Gaussians whose own mean m (D) and covariance S (D × D) are
/// those given.
///
/// With S = L Lᵀ and standard normal zₖ, centred and scaled so that B = K⁻¹ Σ zₖ zₖᵀ has the largest
/// eigenvalue ½, the means are m + L zₖ and all covariances L (I − B) Lᵀ: in every direction between
/// half the variance of S and all of it. One component is N(m, S).
///
/// # Errors
/// If S is not symmetric or not positive definite, or a number is not finite.
pub fn moment_matched(
    mean: &DVector<f64>,
    covariance: &DMatrix<f64>,
    k: usize,
    generator: &mut impl rand::Rng,
) -> Result<Mixture, Refusal> {
    let whole = Mixture::gaussian(mean.as_slice().to_vec(), covariance.clone())?;
    if k <= 1 {
        return Ok(whole);
    }
    let dim = mean.len();
    let mut z = DMatrix::from_fn(dim, k, |_, _| StandardNormal.sample(generator));
    let centre: DVector<f64> = z.column_mean();
    for mut column in z.column_iter_mut() {
        column -= &centre;
    }
    let largest = (&z * z.transpose() / k as f64)
        .symmetric_eigenvalues()
        .max();
    z *= (BETWEEN / largest).sqrt();
    let offsets = &whole.scale_trils()[0] * z;
    let within = whole.component_covariance(0) - &offsets * offsets.transpose() / k as f64;
    Mixture::from_covariances(
        vec![1.0 / k as f64; k],
        (offsets.column_iter())
            .map(|offset| (mean + offset).as_slice().to_vec())
            .collect(),
        vec![within; k],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn the_mixture_has_the_moments_given(k in 1usize..9, dim in 1usize..7, seed: u64) {
            let mut generator = ChaCha8Rng::seed_from_u64(seed);
            let mut normal = || -> f64 { StandardNormal.sample(&mut generator) };
            let mean = DVector::from_fn(dim, |_, _| normal());
            let factor = DMatrix::from_fn(dim, dim, |_, _| normal());
            let units = DVector::from_fn(dim, |_, _| (3.0 * normal()).exp());
            let units = DMatrix::from_diagonal(&units);
            let covariance = factor.transpose() * &factor + DMatrix::identity(dim, dim) * 0.01;
            let covariance = &units * covariance * &units;
            let mean = &units * mean;
            let made = moment_matched(&mean, &covariance, k, &mut generator).unwrap();
            prop_assert_eq!(made.components(), k);
            let stds = covariance.diagonal().map(f64::sqrt);
            let difference = (made.mean() - mean).component_div(&stds);
            prop_assert!(difference.amax() < 1e-12, "{}", difference);
            let difference = (made.covariance() - &covariance)
                .component_div(&(&stds * stds.transpose()));
            prop_assert!(difference.amax() < 1e-12, "{}", difference);
            if k > 1 {
                // The generalised eigenvalues of a component's covariance are those of I − B.
                let whole = covariance.cholesky().unwrap().unpack();
                let half = whole.solve_lower_triangular(&made.scale_trils()[0]).unwrap();
                let least = (&half * half.transpose()).symmetric_eigenvalues().min();
                prop_assert!((least - 0.5).abs() < 1e-9, "{}", least);
                prop_assert!(made.means()[0] != made.means()[1]);
            }
        }
    }

    #[test]
    fn a_covariance_that_is_none_is_refused() {
        let singular = DMatrix::from_element(2, 2, 1.0);
        let mut generator = ChaCha8Rng::seed_from_u64(0);
        let error = moment_matched(&DVector::zeros(2), &singular, 3, &mut generator).unwrap_err();
        assert!(
            error.to_string().contains("not positive definite"),
            "{error}"
        );
    }
}
