//! The log-density of Gaussian mixtures with all its gradients, on the CPU.
//!
//! - [`log_density`]: log Σₖ wₖ N(x; μₖ, Lₖ Lₖᵀ) for R runs at once.
//! - [`gradients`]: its vector–Jacobian product.
//! - [`Prepared`]: a mixture to evaluate again and again, block by block.
//! - [`normals`]: standard normal numbers that can be made in any order.
//!
//! Results are the same to the bit on any number of threads; they differ in the last bits from one
//! vector [`Width`] to another.

mod backward;
mod block;
mod components;
mod diagonal;
mod factors;
mod forward;
mod full;
mod gradients;
mod inputs;
mod log_density;
mod log_sum_exp;
mod normals;
mod prepared;
mod real;
mod schedule;
mod scratch;
mod width;

pub use gradients::{Gradients, Wanted, gradients};
pub use inputs::{Mixture, Points, Scale, ShapeError};
pub use log_density::{log_density, log_density_into};
pub use normals::{derive_key, normals};
pub use prepared::Prepared;
pub use real::Real;
pub use width::Width;
