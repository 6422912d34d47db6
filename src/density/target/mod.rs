//! The density p that is fitted: one file for each kind, behind one trait.

mod binned;
mod distribution;
mod empirical;
mod function;
mod grid;
mod histogram;
mod kernels;
mod located;
mod mixture;
mod model;
pub mod network;
mod proposal;
mod samples;
mod student_t;
mod unnormalized;
mod watch;

use burn::tensor::Tensor;

pub use binned::HistogramSummary;
pub use distribution::{Distribution, Elliptical, Tails};
pub use empirical::{HeldOutSummary, SamplesSummary, WeightsSummary};
pub use function::Function;
pub use grid::{Grid, GridAxis, GridIntegral, GridValues, read_grid};
pub use histogram::Histogram;
pub use kernels::{Bandwidth, kernel_density};
pub use located::{CoordinateOfX, Located, MomentsOfX, Panels, PointsOf};
pub use model::{TargetModel, TargetSummary};
pub use samples::{
    Dependence, MissingRule, Relation, Residence, Samples, SamplesFile, TableOptions, WeightColumn,
    WeightKind, Weights, open_held_out, open_samples, read_points, read_samples,
};
pub use student_t::{StudentT, StudentTSummary};
pub use unnormalized::{Marginal, Unnormalized, UnnormalizedSummary};
pub(crate) use watch::Lost;

use crate::compute::device::Numerics;
use crate::compute::kernel::{cpu::Prepared, prepared};
use crate::density::{Binned, Density, Draws, Nodes};
use crate::ranks::Communicator;

/// A target p: what is known of it on the host, and the density on the device.
#[derive(Debug)]
pub struct Target {
    model: TargetModel,
    density: Box<dyn Density>,
    /// It for the kernel on the CPU, where it has one.
    prepared: Option<Prepared<f64>>,
    /// Rows that no fit sees, if there are some.
    held_out: Option<Box<dyn Density>>,
}

impl Target {
    /// Uploads a target.
    pub fn new(model: impl Into<TargetModel>, numerics: &Numerics) -> Self {
        let model = model.into();
        Self {
            density: model.upload(numerics),
            prepared: model.as_mixture().and_then(prepared),
            held_out: (model.as_samples())
                .and_then(Samples::held_out)
                .map(|rows| rows.upload(numerics)),
            model,
        }
    }

    /// It for the kernel on the CPU, if it is a mixture of Gaussians.
    pub(crate) fn prepared(&self) -> Option<&Prepared<f64>> {
        self.prepared.as_ref()
    }

    /// Rows that no fit sees, if there are some.
    pub(crate) fn held_out(&self) -> Option<&dyn Density> {
        self.held_out.as_deref()
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

    fn proposal(&self) -> Option<&dyn Density> {
        self.density.proposal()
    }

    fn row_chunks(&self) -> usize {
        self.density.row_chunks()
    }

    fn ranks(&self) -> Option<&dyn Communicator> {
        self.density.ranks()
    }

    fn rows(&self, chunk: usize) -> Option<Draws> {
        self.density.rows(chunk)
    }

    fn binned(&self) -> Option<Binned<'_>> {
        self.density.binned()
    }
}
