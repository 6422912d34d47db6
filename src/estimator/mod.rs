//! How an expectation becomes a weighted sum: every estimator turns a density into [`Draws`].

mod grid;
mod monte_carlo;
mod quadrature;

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

pub use grid::Grid;
pub use monte_carlo::{MonteCarlo, MonteCarloConfig};
pub use quadrature::{Quadrature, QuadratureConfig};

use crate::density::{Density, Draws};
use crate::device::Numerics;
use crate::noise::NoiseKey;

/// Where and for whom draws are made.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The device and precision.
    pub numerics: &'a Numerics,
    /// D.
    pub dim: usize,
    /// R: each run gets noise of its own.
    pub runs: usize,
    /// Which noise, for estimators that use any.
    pub key: NoiseKey,
}

/// A way to approximate expectations under a density.
pub trait Estimator: std::fmt::Debug + Send + Sync {
    /// Points and weights for expectations under `density`.
    ///
    /// The points follow the density: where it depends on θ, so do they, and gradients flow
    /// through points and weights both (Kingma and Welling 2014).
    fn draws(&self, density: &dyn Density, context: Context) -> Draws;

    /// Whether the same θ always gives the same value.
    fn is_deterministic(&self) -> bool;

    /// A finer rule to take where the error of this one is too large; `None` where this is the
    /// finest, or the one that was asked for.
    fn refined(&self) -> Option<Box<dyn Estimator>>;
}

/// `[estimator]` of a config.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", expecting = "a section")]
pub enum EstimatorConfig {
    /// A product rule on every component; 1-D and 2-D.
    Quadrature(QuadratureConfig),
    /// Fresh random points at every step; any dimension.
    MonteCarlo(MonteCarloConfig),
}

impl EstimatorConfig {
    /// The `type` taken when a config names none, in D dimensions.
    pub fn default_type(dim: usize) -> &'static str {
        if dim <= Quadrature::MAX_DIM {
            "quadrature"
        } else {
            "monte-carlo"
        }
    }

    /// Its name in a config.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Quadrature(_) => "quadrature",
            Self::MonteCarlo(_) => "monte-carlo",
        }
    }

    /// Points on one side of a mixture of `strata` components in D dimensions.
    pub fn points(&self, strata: usize, dim: usize) -> usize {
        let on_axes = |points: usize| points.saturating_pow(dim as u32);
        match self {
            Self::Quadrature(config) if config.range.is_some() => config.points(dim),
            Self::Quadrature(config) => on_axes(config.points(dim)).saturating_mul(strata),
            Self::MonteCarlo(config) => config.samples.max(strata),
        }
    }

    /// Makes the estimator for D dimensions.
    pub fn build(&self, dim: usize) -> Box<dyn Estimator> {
        match self {
            Self::Quadrature(config) => config.build(dim),
            Self::MonteCarlo(config) => Box::new(MonteCarlo::new(config.samples)),
        }
    }
}

/// Every combination of D entries of a one-dimensional list: the points of a product rule.
fn product<T: Copy>(list: &[T], dim: usize) -> impl Iterator<Item = Vec<T>> {
    let n = list.len();
    (0..n.pow(dim as u32)).map(move |index| {
        (0..dim)
            .map(|d| list[index / n.pow((dim - 1 - d) as u32) % n])
            .collect()
    })
}

/// The weight of the i-th point of an even grid in its rule, and in those of every second and
/// every fourth point.
fn thinned(weight: f64, i: usize) -> [f64; 3] {
    [1, 2, 4].map(|stride| {
        if i.is_multiple_of(stride) {
            weight * stride as f64
        } else {
            0.0
        }
    })
}

fn vector(numbers: Vec<f64>, numerics: &Numerics) -> Tensor<1> {
    let n = numbers.len();
    numerics.tensor(numbers, [n])
}
