//! Where the runs of a fit start.

mod alike;
pub mod k_means;
pub mod moments;

pub use alike::{alike, moved_apart};
use nalgebra::{Cholesky, DMatrix, DVector};
use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal};

use crate::compute::noise::{RunKey, Stream};
use crate::density::family::{Covariance, Family};
use crate::density::target::TargetModel;
use crate::error::MixtureError;
use crate::mixture::Mixture;

/// Random starts have standard deviations between these multiples of the target's.
const STD_RANGE: (f64, f64) = (0.2, 1.2);
/// Draws of the target that k-means is given, for each component; of rows, all are taken.
const DRAWS: usize = 500;
/// Multiplications, but for a factor of about ten, that take a moment even for each point of a sweep.
const MOMENT: usize = 1 << 20;

/// How the runs of a fit start.
#[derive(Debug, Clone, PartialEq)]
pub enum Start {
    /// This many random members of the family around the target's mean and scale.
    Random {
        /// R.
        restarts: usize,
    },
    /// This many members with the target's mean and covariance; for one component they are all
    /// the same.
    MomentMatch {
        /// R.
        restarts: usize,
    },
    /// The clusters that k-means++ finds among draws of the target, this many times.
    KMeans {
        /// R.
        restarts: usize,
    },
    /// One run from a given member of the family.
    Given(Box<Mixture>),
    /// A run from each of several members of the family.
    Each(Vec<Mixture>),
}

impl Start {
    /// R.
    pub fn runs(&self) -> usize {
        match self {
            Self::Random { restarts }
            | Self::MomentMatch { restarts }
            | Self::KMeans { restarts } => *restarts,
            Self::Given(_) => 1,
            Self::Each(starts) => starts.len(),
        }
    }

    /// What it is called, with its count.
    pub fn describe(&self) -> String {
        let restarts = |name: &str| crate::text::count(self.runs(), name);
        match self {
            Self::Random { .. } => restarts("random start"),
            Self::MomentMatch { .. } => restarts("moment-matched start"),
            Self::KMeans { .. } => restarts("k-means start"),
            Self::Given(_) => "a given start".to_owned(),
            Self::Each(_) => restarts("given start"),
        }
    }

    /// The start of every run. Run r depends on the seed and r alone.
    ///
    /// A random component has a mean drawn from the Gaussian with the target's moments, and
    /// independent coordinates whose standard deviations are the target's times a log-uniform
    /// number between 0.2 and 1.2. Every start is put into the structure of the family, and of
    /// components that would start as one all but one are moved a little. A given start is taken as it
    /// is.
    ///
    /// # Errors
    /// If the target's covariance is too near singular to start from.
    pub fn mixtures(
        &self,
        family: &Family,
        target: &TargetModel,
        seed: u64,
    ) -> Result<Vec<Mixture>, MixtureError> {
        match self {
            Self::Given(mixture) => return Ok(vec![(**mixture).clone()]),
            Self::Each(mixtures) => return Ok(mixtures.clone()),
            Self::Random { .. } | Self::MomentMatch { .. } | Self::KMeans { .. } => {}
        }
        let extent = target.extent();
        (0..self.runs() as u64)
            .map(|run| self.drawn(family, target, &extent, RunKey { seed, run }))
            .collect()
    }

    /// Tells whether the first run has a start, where that takes no more than a moment: any number
    /// of runs may be asked for, of any size.
    ///
    /// # Errors
    /// As [`Start::mixtures`].
    pub(crate) fn try_first(
        &self,
        family: &Family,
        target: &TargetModel,
        seed: u64,
    ) -> Result<(), MixtureError> {
        let (k, dim) = (family.components(), family.dim());
        let work = match self {
            Self::Given(_) | Self::Each(_) => return Ok(()),
            Self::KMeans { .. } => {
                let rows = target
                    .as_samples()
                    .map_or(DRAWS.saturating_mul(k), |rows| rows.len());
                // In each of some iterations.
                16usize
                    .saturating_mul(rows)
                    .saturating_mul(k)
                    .saturating_mul(dim)
            }
            Self::Random { .. } | Self::MomentMatch { .. } => 0,
        };
        if work.max(k.saturating_mul(dim.saturating_pow(3))) > MOMENT {
            return Ok(());
        }
        let key = RunKey { seed, run: 0 };
        self.drawn(family, target, &target.extent(), key).map(drop)
    }

    /// The start of one run.
    fn drawn(
        &self,
        family: &Family,
        target: &TargetModel,
        extent: &(DVector<f64>, DMatrix<f64>),
        key: RunKey,
    ) -> Result<Mixture, MixtureError> {
        let mut generator = key.generator(Stream::Init, 0);
        let start = match self {
            Self::KMeans { .. } => clusters(family, target, &mut generator)?,
            Self::MomentMatch { .. } => {
                let (mean, covariance) = extent;
                let k = family.components();
                moments::moment_matched(mean, covariance, k, &mut generator)?
            }
            _ => random_member(family, extent, &mut generator)?,
        };
        // Equal points make equal clusters.
        moved_apart(family.project(&start)?, &mut generator)
    }
}

fn clusters(
    family: &Family,
    target: &TargetModel,
    generator: &mut impl Rng,
) -> Result<Mixture, MixtureError> {
    let k = family.components();
    let points = match target.as_samples() {
        Some(samples) => samples.rows().to_vec(),
        None => target.sample(DRAWS * k, generator),
    };
    let found = k_means::k_means(&points, family.dim(), k, generator);
    let means = found.means.iter().map(|mean| mean.as_slice().to_vec());
    Mixture::from_covariances(found.weights, means.collect(), found.covariances)
}

fn random_member(
    family: &Family,
    (mean, covariance): &(DVector<f64>, DMatrix<f64>),
    generator: &mut impl Rng,
) -> Result<Mixture, MixtureError> {
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
