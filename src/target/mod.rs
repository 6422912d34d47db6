//! The density p that is fitted.

mod mixture;
pub mod network;
mod samples;

pub use mixture::MixtureTarget;
pub use samples::{Samples, read_samples};

use crate::density::Density;
use crate::device::Numerics;
use crate::mixture::Mixture;

/// A target p: a density on the device, and what is known of it on the host.
pub trait Target: Density + std::fmt::Debug {
    /// The mixture it is, if it is one: what closed forms and figures need.
    fn as_mixture(&self) -> &Mixture;
}

/// Uploads a mixture as a target.
pub fn mixture(mixture: &Mixture, numerics: &Numerics) -> Box<dyn Target> {
    Box::new(MixtureTarget::new(mixture.clone(), numerics))
}
