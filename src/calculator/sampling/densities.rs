//! Both log-densities at many points, prepared once.

use crate::compute::kernel::{cpu::Prepared, prepared};
use crate::density::target::TargetModel;

/// A density to evaluate again and again.
#[derive(Debug)]
pub(super) enum PreparedDensity<'a> {
    /// A mixture of Gaussians, by the kernel.
    Mixture(Box<Prepared<f64>>),
    /// Another, point by point.
    Other(&'a TargetModel),
}

impl<'a> PreparedDensity<'a> {
    pub fn new(model: &'a TargetModel) -> Self {
        (model.as_mixture().and_then(prepared))
            .map_or(Self::Other(model), |of| Self::Mixture(Box::new(of)))
    }

    /// log p in nats at N points of D coordinates.
    pub fn log_densities(&self, x: &[f64], dim: usize) -> Vec<f64> {
        let mut logs = vec![f64::NAN; x.len() / dim];
        match self {
            // The numbers of points agree, which is all that could be wrong.
            Self::Mixture(prepared) => _ = prepared.log_density(x, &mut logs),
            Self::Other(model) => {
                for (log, x) in logs.iter_mut().zip(x.chunks_exact(dim)) {
                    *log = model.log_density(x).unwrap_or(f64::NAN);
                }
            }
        }
        logs
    }
}
