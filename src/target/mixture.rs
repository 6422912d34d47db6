//! A mixture of Gaussians as the target.

use burn::tensor::Tensor;

use super::Target;
use crate::density::{Density, Draws, Nodes};
use crate::device::Numerics;
use crate::kernel::MixtureTensors;
use crate::mixture::Mixture;

/// A mixture on the host together with its constant tensors.
#[derive(Debug)]
pub struct MixtureTarget {
    host: Mixture,
    tensors: MixtureTensors,
}

impl MixtureTarget {
    /// Uploads the mixture.
    pub fn new(host: Mixture, numerics: &Numerics) -> Self {
        Self {
            tensors: MixtureTensors::constant(&host, numerics),
            host,
        }
    }
}

impl Density for MixtureTarget {
    fn log_density(&self, x: Tensor<3>) -> Tensor<2> {
        self.tensors.log_density(x)
    }

    fn strata(&self) -> usize {
        self.tensors.strata()
    }

    fn place(&self, nodes: Nodes) -> Draws {
        Density::place(&self.tensors, nodes)
    }
}

impl Target for MixtureTarget {
    fn as_mixture(&self) -> &Mixture {
        &self.host
    }
}
