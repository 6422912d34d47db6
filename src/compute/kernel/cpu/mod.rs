//! The log-density of Gaussian mixtures with all its gradients, on the CPU.
//!
//! - [`log_density()`]: log Σₖ wₖ N(x; μₖ, Lₖ Lₖᵀ) for R runs at once.
//! - [`gradients()`]: its vector–Jacobian product, and [`log_density_and_gradients()`]: both in one pass.
//! - [`expectation()`]: weighted sums of a function of two log-densities, with their gradients, in one
//!   pass over points that are made on the way.
//! - [`Prepared`]: a mixture to evaluate again and again, block by block.
//! - [`normal_quantiles()`]: quantiles of the standard normal distribution.
//! - [`normals()`]: standard normal numbers that can be made in any order; [`place()`]: carried into a
//!   Gaussian.
//!
//! ```
//! use klfit::internals::kernel::cpu::{Mixture, Points, Scale, Wanted, Width, gradients, log_density};
//!
//! # fn main() -> Result<(), klfit::internals::kernel::cpu::ShapeError> {
//! // Two components in two dimensions.
//! let mixture = Mixture {
//!     components: 2,
//!     dim: 2,
//!     log_weights: &[0.3_f64.ln(), 0.7_f64.ln()],
//!     means: &[0.0, 0.0, 3.0, -1.0],
//!     scale: Scale::Tril(&[1.0, 0.0, 0.5, 1.0, 0.8, 0.0, 0.0, 1.2]),
//! };
//! let x = Points { runs: 1, samples: 3, values: &[0.1, 0.2, 2.5, -1.0, 9.0, 9.0] };
//! let value = log_density(Width::Widest, x, &mixture)?;
//! let upstream = [1.0 / 3.0; 3];
//! let g = gradients(Width::Widest, x, &mixture, Some(&value), &upstream, Wanted::ALL)?;
//! assert_eq!((value.len(), g.x.len(), g.scale.len()), (3, 6, 8));
//! # Ok(())
//! # }
//! ```
//!
//! Results are the same to the bit on any number of threads; they differ in the last bits from one
//! vector [`Width`] to another.

mod backward;
mod block;
mod components;
mod diagonal;
mod dispatch;
mod expectation;
mod factors;
mod forward;
mod full;
mod gradients;
mod inputs;
mod jet;
mod log_density;
mod log_sum_exp;
mod low_rank;
mod normals;
mod packed;
mod place;
mod placement;
mod power_tails;
mod prepared;
mod quantiles;
mod real;
mod retained;
mod schedule;
mod scratch;
mod width;

pub use expectation::{
    Expectation, Expected, Fixed, Function, Nodes, Number, PointFunction, Sites, Slopes,
    StandardPoints, Under, expectation,
};
pub use gradients::{Gradients, Wanted, gradients, log_density_and_gradients};
pub use inputs::{MOST_FACTORS, Mixture, Points, Scale, ShapeError};
pub use jet::{BinaryFunction, Jet, evaluate};
pub use log_density::{log_density, log_density_into};
pub use normals::{derive_key, normals};
pub use place::place;
pub use prepared::Prepared;
pub use quantiles::normal_quantiles;
pub use real::Real;
pub use width::Width;

#[cfg(feature = "gpu")]
pub(crate) use components::Components;
#[cfg(feature = "gpu")]
pub(crate) use expectation::{Request, expectation_elsewhere};
pub(crate) use jet::exp;
pub(crate) use power_tails::{MOST_POINTS, log_sum_of_powers};
pub(crate) use real::has_fma;
pub(crate) use scratch::with_scratch;
