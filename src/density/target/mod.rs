//! The density p that is fitted.

mod empirical;
mod model;
pub mod network;
mod samples;
mod student_t;

use burn::tensor::Tensor;

pub use model::{Tails, TargetModel};
pub use samples::{Dependence, Relation, Samples, SamplesFile, read_samples};
pub use student_t::StudentT;

use crate::compute::device::Numerics;
use crate::compute::kernel::{MixtureTensors, cpu::Prepared, prepared};
use crate::density::{Density, Draws, Nodes};
use empirical::Empirical;
use student_t::StudentTDensity;

/// A target p: what is known of it on the host, and the density on the device.
#[derive(Debug)]
pub struct Target {
    model: TargetModel,
    density: Box<dyn Density>,
    /// It for the kernel on the CPU, where it has one.
    prepared: Option<Prepared<f64>>,
}

impl Target {
    /// Uploads a target.
    pub fn new(model: impl Into<TargetModel>, numerics: &Numerics) -> Self {
        let model = model.into();
        let density: Box<dyn Density> = match &model {
            TargetModel::Mixture(mixture) => Box::new(MixtureTensors::constant(mixture, numerics)),
            TargetModel::StudentT(student_t) => Box::new(StudentTDensity::new(student_t, numerics)),
            TargetModel::Samples(samples) => Box::new(Empirical::new(samples, numerics)),
        };
        let prepared = model.as_mixture().and_then(prepared);
        Self {
            model,
            density,
            prepared,
        }
    }

    /// It for the kernel on the CPU, if it is a mixture of Gaussians.
    pub(crate) fn prepared(&self) -> Option<&Prepared<f64>> {
        self.prepared.as_ref()
    }

    /// What is known of it on the host.
    pub fn model(&self) -> &TargetModel {
        &self.model
    }
}

impl Density for Target {
    fn log_density(&self, x: Tensor<3>) -> Tensor<2> {
        self.density.log_density(x)
    }

    fn strata(&self) -> usize {
        self.density.strata()
    }

    fn standard_dim(&self, dim: usize) -> usize {
        self.density.standard_dim(dim)
    }

    fn place(&self, nodes: Nodes) -> Draws {
        self.density.place(nodes)
    }

    fn rows(&self) -> Option<Draws> {
        self.density.rows()
    }
}
