//! What the target and the approximation have in common: a log-density, and points to integrate at.

mod averages;
mod defensive;
mod draws;
pub mod family;
pub mod target;

use burn::tensor::Tensor;

pub use averages::Averages;
pub use defensive::Defensive;
use defensive::{counted, where_it_counts};
pub use draws::{Draws, DrawsError, Embedded, ErrorRule, Nodes};

use crate::compute::kernel::{Bins, MixtureTensors, log_density};
use crate::ranks::Communicator;

/// A density on a device, on the run axis.
pub trait Density: std::fmt::Debug {
    /// log density in nats at `x` `[R, S, D]`, as `[R, S]`.
    fn log_density(&self, x: Tensor<3>) -> Tensor<2>;

    /// How many pieces it is drawn from, each with as many random points of its own: the components of a mixture.
    fn strata(&self) -> usize;

    /// How many standard normal numbers make one of its random points in D = `dim` dimensions.
    fn standard_dim(&self, dim: usize) -> usize {
        dim
    }

    /// Turns standard points into points of this density, stratum by stratum.
    fn place(&self, nodes: Nodes) -> Draws;

    /// What its points are drawn from as a whole, if that is not the density itself: they count by weights.
    fn proposal(&self) -> Option<&dyn Density> {
        None
    }

    /// In how many chunks all that it consists of is given, if it is a list of rows rather than a function; 0
    /// if it is a function.
    fn row_chunks(&self) -> usize {
        0
    }

    /// A chunk of its rows, each with its share of all of them.
    fn rows(&self, _chunk: usize) -> Option<Draws> {
        None
    }

    /// The ranks that the rest of its [rows](Density::rows) is with, where it is shared.
    fn ranks(&self) -> Option<&dyn Communicator> {
        None
    }

    /// The bins that its [rows](Density::rows) are, if it is known by those.
    fn binned(&self) -> Option<Binned<'_>> {
        None
    }

    /// log of its integral over each of B bins in nats, `[R, B]`; none of what is no mixture of Gaussians.
    fn log_masses(&self, _: &Bins) -> Option<Tensor<2>> {
        None
    }
}

/// What is known of a density by bins.
#[derive(Debug)]
pub struct Binned<'a> {
    /// B of them.
    pub bins: &'a Bins,
    /// The logarithms of their probabilities, `[1, B]`.
    pub log_shares: &'a Tensor<2>,
}

impl Density for MixtureTensors {
    fn log_density(&self, x: Tensor<3>) -> Tensor<2> {
        log_density(x, self)
    }

    fn log_masses(&self, bins: &Bins) -> Option<Tensor<2>> {
        Some(bins.log_masses(self))
    }

    fn strata(&self) -> usize {
        self.dims()[1]
    }

    fn standard_dim(&self, _: usize) -> usize {
        MixtureTensors::standard_dim(self)
    }

    fn place(&self, nodes: Nodes) -> Draws {
        let x = MixtureTensors::place(self, nodes.z);
        let [runs, k, m, d] = x.dims();
        let [weight_runs, _] = self.log_weights.dims();
        let spread = |per_node: Tensor<1>| {
            (self.log_weights.clone().exp().unsqueeze_dim::<3>(2) * per_node.reshape([1, 1, m]))
                .reshape([weight_runs, k * m])
        };
        let error = match nodes.error {
            ErrorRule::Embedded(rules) => DrawsError::Embedded(Box::new(rules.map(spread))),
            ErrorRule::Random { group } => DrawsError::Random { strata: k, group },
        };
        Draws {
            x: x.reshape([runs, k * m, d]),
            weights: spread(nodes.weights),
            error,
            log_p: None,
        }
    }
}
