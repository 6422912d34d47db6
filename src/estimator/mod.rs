//! How an expectation becomes a weighted sum: every estimator turns a density into [`Draws`].

mod config;
mod gauss_hermite;
mod grid;
mod monte_carlo;
mod quadrature;
mod quasi_monte_carlo;
mod rows;

use std::sync::Arc;

use burn::tensor::Tensor;

pub use config::{EstimatorConfig, GradientRule, NoiseRule, RuleConfig};
pub use gauss_hermite::{GaussHermite, GaussHermiteConfig};
pub use grid::Grid;
pub use monte_carlo::{MonteCarlo, MonteCarloConfig};
pub use quadrature::{Quadrature, QuadratureConfig};
pub use quasi_monte_carlo::{QuasiMonteCarlo, QuasiMonteCarloConfig};
pub(crate) use quasi_monte_carlo::{normal_quantile, scrambled};
pub use rows::{Rows, RowsConfig};

use crate::compute::device::Numerics;
use crate::compute::kernel::cpu;
use crate::compute::noise::Noise;
use crate::density::{Density, Draws};

/// Where and for whom draws are made.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The device and precision.
    pub numerics: &'a Numerics,
    /// D′ of [`Estimator::standard`]; D where a density is given, which says for itself.
    pub dim: usize,
    /// Which noise, for estimators that use any: each of its runs gets points of its own.
    pub noise: Noise<'a>,
}

impl Context<'_> {
    /// With the dimensions of a density's standard points.
    pub(crate) fn of(self, density: &dyn Density) -> Self {
        Self {
            dim: density.standard_dim(self.dim),
            ..self
        }
    }
}

/// A way to approximate expectations under a density.
pub trait Estimator: std::fmt::Debug + Send + Sync {
    /// Points and weights for expectations under `density`.
    ///
    /// The points follow the density: where it depends on θ, so do they, and gradients flow
    /// through points and weights both (Kingma and Welling 2014).
    fn draws(&self, density: &dyn Density, context: Context) -> Draws;

    /// The standard points that it places in a density of so many strata, on the host; `None` if its
    /// points are those of x itself.
    fn standard(&self, _strata: usize, _context: Context) -> Option<Standard> {
        None
    }

    /// Whether the points depend on the noise.
    fn is_random(&self) -> bool;

    /// A finer rule to take where the error of this one is too large; `None` where this is the
    /// finest, or the one that was asked for.
    fn refined(&self) -> Option<Box<dyn Estimator>>;
}

/// Standard points of a rule on the host, for expectations under a standard normal in D dimensions.
#[derive(Debug, Clone)]
pub struct Standard {
    /// z.
    pub z: StandardPoints,
    /// `[M]`, summing to 1.
    pub weights: Arc<[f64]>,
}

/// z of [`Standard`].
#[derive(Debug, Clone)]
pub enum StandardPoints {
    /// `[M, D]`, the same in every run and stratum.
    Shared(Arc<[f64]>),
    /// `[R or 1, strata, M, D]`.
    Each(Vec<f64>),
    /// Normal numbers `[R or 1, strata, M, D]`, made where they are needed.
    Random {
        /// Of each run, or of all.
        keys: Vec<u64>,
        /// The step.
        step: u64,
    },
}

impl Standard {
    /// As the kernel takes it.
    pub(crate) fn nodes(&self) -> cpu::Nodes<'_> {
        cpu::Nodes {
            z: match &self.z {
                StandardPoints::Shared(z) => cpu::StandardPoints::Shared(z),
                StandardPoints::Each(z) => cpu::StandardPoints::Each(z),
                StandardPoints::Random { keys, step } => cpu::StandardPoints::Random {
                    keys,
                    stream: *step,
                },
            },
            weights: &self.weights,
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
