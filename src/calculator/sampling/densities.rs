//! Both log-densities at many points, prepared once.

use crate::kernel::cpu::{self, Prepared, Scale, Width};
use crate::mixture::Mixture;
use crate::target::TargetModel;

/// A density to evaluate again and again.
#[derive(Debug)]
pub(super) enum LogDensity<'a> {
    /// A mixture of Gaussians, by the kernel.
    Mixture(Prepared<f64>),
    /// Another, point by point.
    Other(&'a TargetModel),
}

impl<'a> LogDensity<'a> {
    pub fn new(model: &'a TargetModel) -> Self {
        (model.as_mixture().and_then(prepared)).map_or(Self::Other(model), Self::Mixture)
    }

    /// log p in nats at N points of D coordinates.
    pub fn at(&self, x: &[f64], dim: usize) -> Vec<f64> {
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

/// `None` if the kernel cannot take it, which it can.
fn prepared(mixture: &Mixture) -> Option<Prepared<f64>> {
    let log_weights: Vec<f64> = mixture.weights().iter().map(|weight| weight.ln()).collect();
    let means: Vec<f64> = (mixture.means().iter())
        .flat_map(|mean| mean.iter().copied())
        .collect();
    let factors = mixture.scale_trils();
    let is_diagonal = (factors.iter())
        .all(|factor| factor.iter().filter(|x| **x != 0.0).count() == factor.nrows());
    // Row after row, or the diagonals alone.
    let scale: Vec<f64> = if is_diagonal {
        factors
            .iter()
            .flat_map(|factor| factor.diagonal().iter().copied().collect::<Vec<_>>())
            .collect()
    } else {
        factors
            .iter()
            .flat_map(|factor| factor.transpose().as_slice().to_vec())
            .collect()
    };
    let mixture = cpu::Mixture {
        components: mixture.components(),
        dim: mixture.dim(),
        log_weights: &log_weights,
        means: &means,
        scale: if is_diagonal {
            Scale::Diagonal(&scale)
        } else {
            Scale::Tril(&scale)
        },
    };
    Prepared::new(Width::Widest, &mixture).ok()
}
