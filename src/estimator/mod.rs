//! How an expectation becomes a weighted sum: every estimator turns a density into [`Draws`].

mod config;
mod gauss_hermite;
mod grid;
mod monte_carlo;
mod quadrature;
mod quasi_monte_carlo;
mod rows;

use burn::tensor::Tensor;

pub use config::{EstimatorConfig, GradientRule, NoiseRule, RuleConfig};
pub use gauss_hermite::{GaussHermite, GaussHermiteConfig};
pub use grid::Grid;
pub use monte_carlo::{MonteCarlo, MonteCarloConfig};
pub use quadrature::{Quadrature, QuadratureConfig};
pub use quasi_monte_carlo::{QuasiMonteCarlo, QuasiMonteCarloConfig};
pub(crate) use quasi_monte_carlo::{normal_quantile, scrambled};
pub use rows::{Rows, RowsConfig};

use crate::density::{Density, Draws};
use crate::device::Numerics;
use crate::noise::Noise;

/// Where and for whom draws are made.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The device and precision.
    pub numerics: &'a Numerics,
    /// D.
    pub dim: usize,
    /// Which noise, for estimators that use any: each of its runs gets points of its own.
    pub noise: Noise<'a>,
}

/// A way to approximate expectations under a density.
pub trait Estimator: std::fmt::Debug + Send + Sync {
    /// Points and weights for expectations under `density`.
    ///
    /// The points follow the density: where it depends on θ, so do they, and gradients flow
    /// through points and weights both (Kingma and Welling 2014).
    fn draws(&self, density: &dyn Density, context: Context) -> Draws;

    /// Whether the points depend on the noise.
    fn is_random(&self) -> bool;

    /// A finer rule to take where the error of this one is too large; `None` where this is the
    /// finest, or the one that was asked for.
    fn refined(&self) -> Option<Box<dyn Estimator>>;
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
