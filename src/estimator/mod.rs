//! How an expectation becomes a weighted sum: every estimator turns a density into [`Draws`].

mod config;
pub mod gauss_hermite;
pub mod grid;
mod kind;
pub mod monte_carlo;
pub mod quadrature;
pub mod quasi_monte_carlo;
pub mod rows;
pub(crate) mod sobol;

use std::sync::Arc;

use burn::tensor::Tensor;

pub use config::{EstimatorConfig, GradientRule, NoiseRule};
pub use kind::EstimatorRule;

use crate::compute::device::Numerics;
use crate::compute::kernel::cpu;
use crate::compute::noise::Noise;
use crate::density::target::TargetModel;
use crate::density::{Density, Draws};
use crate::divergence::DivergenceKind;
use crate::error::Refusal;

/// Where and for whom draws are made.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The device and precision.
    pub numerics: &'a Numerics,
    /// D′ of [`Estimator::standard`]; D where a density is given, which says for itself.
    pub dim: usize,
    /// Which noise, for estimators that use any: each of its runs gets points of its own.
    pub noise: Noise<'a>,
    /// Which chunk of the rows of a density, for the rule that takes all of them.
    pub chunk: usize,
}

impl Context<'_> {
    /// With the dimensions of a density's standard points.
    pub(crate) fn for_density(self, density: &dyn Density) -> Self {
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

    /// The standard points that it places in a density of this many strata, on the host; `None` if its
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

/// What an estimator is for.
#[derive(Debug, Clone, Copy)]
pub struct Problem<'a> {
    /// p.
    pub target: &'a TargetModel,
    /// The rank of the covariances of q besides their diagonals; 0 if they have none.
    pub rank: usize,
    /// What is estimated.
    pub divergence: DivergenceKind,
}

impl Problem<'_> {
    /// Refuses a rule that cannot do without the density of the target.
    fn needs_density(&self, name: &str) -> Result<(), Refusal> {
        if self.target.has_density() {
            return Ok(());
        }
        Err(Refusal::new(
            "type",
            format!("is \"{name}\", and a sample has no density to integrate"),
            "remove the section: all rows are averaged; or use type = \"monte-carlo\" for random \
             batches of rows",
        ))
    }

    /// Refuses a rule that goes up to `most` dimensions.
    fn needs_at_most(&self, most: usize, name: &str, help: &str) -> Result<(), Refusal> {
        let dim = self.target.dim();
        if dim <= most {
            return Ok(());
        }
        let message =
            format!("is \"{name}\", and the target has {dim} dimensions, more than {most}");
        Err(Refusal::new("type", message, help))
    }
}

/// A rule with its settings, as a config gives them.
trait EstimatorSettings {
    /// Points on one side of a mixture of `strata` components in D dimensions; `rows` of a target
    /// that is a sample.
    fn points(&self, strata: usize, dim: usize, rows: usize) -> usize;

    /// Why it does not suit a problem, or what makes no sense among its settings; a config calls it
    /// `name`.
    fn check(&self, name: &str, problem: &Problem) -> Result<(), Refusal>;

    /// Whether its random points depend on each other.
    fn has_nets(&self) -> bool {
        false
    }

    /// Whether points that see both densities may take the place of its own.
    fn is_open(&self) -> bool {
        false
    }

    /// Makes it for D dimensions.
    fn build(&self, dim: usize) -> Box<dyn Estimator>;
}

/// The points of a product rule with this many on each axis.
fn on_axes(points: usize, strata: usize, dim: usize) -> usize {
    points.saturating_pow(dim as u32).saturating_mul(strata)
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
