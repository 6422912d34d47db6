//! Where the runs of a fit start.

pub mod k_means;
pub mod moments;

use nalgebra::{Cholesky, DMatrix, DVector};
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};

use crate::family::{Covariance, Family};
use crate::mixture::{Mixture, MixtureError};
use crate::noise::{NoiseKey, Stream};

/// Random starts have standard deviations between these multiples of the target's.
const STD_RANGE: (f64, f64) = (0.2, 1.2);

/// How the runs of a fit start.
#[derive(Debug, Clone, PartialEq)]
pub enum Start {
    /// This many random members of the family around the target's mean and scale.
    Random {
        /// R.
        restarts: usize,
    },
    /// One run from a given member of the family.
    Given(Box<Mixture>),
}

impl Start {
    /// R.
    pub fn runs(&self) -> usize {
        match self {
            Self::Random { restarts } => *restarts,
            Self::Given(_) => 1,
        }
    }

    /// The start of every run.
    ///
    /// A random component has a mean drawn from the Gaussian with the target's moments, and
    /// independent coordinates whose standard deviations are the target's times a log-uniform
    /// number between 0.2 and 1.2. Run r depends on the seed and r alone.
    ///
    /// # Errors
    /// If the target's covariance is too near singular to draw from.
    pub fn mixtures(
        &self,
        family: &Family,
        target: &Mixture,
        seed: u64,
    ) -> Result<Vec<Mixture>, MixtureError> {
        match self {
            Self::Given(mixture) => Ok(vec![(**mixture).clone()]),
            Self::Random { restarts } => {
                let key = NoiseKey {
                    seed,
                    stream: Stream::Init,
                    step: 0,
                };
                (0..*restarts)
                    .map(|run| random_member(family, target, &mut key.generator(run)))
                    .collect()
            }
        }
    }
}

fn random_member(
    family: &Family,
    target: &Mixture,
    generator: &mut impl rand::Rng,
) -> Result<Mixture, MixtureError> {
    let (k, d) = (family.components(), target.dim());
    let (mean, covariance) = (target.mean(), target.covariance());
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
        means.push((&mean + &factor * z).as_slice().to_vec());
        let mut multiple = || generator.random_range(low..high).exp();
        scales.push(match family.covariance() {
            Covariance::Isotropic => vec![rms * multiple(); d],
            _ => stds.iter().map(|std| std * multiple()).collect(),
        });
    }
    Mixture::from_stds(vec![1.0 / k as f64; k], means, scales)
}
