//! What the target and the approximation have in common: a log-density, and points to integrate at.

use burn::tensor::Tensor;

use crate::kernel::{MixtureTensors, log_density};

/// A density on a device, on the run axis.
pub trait Density {
    /// log density in nats at `x` `[R, S, D]`, as `[R, S]`.
    fn log_density(&self, x: Tensor<3>) -> Tensor<2>;

    /// How many pieces it is drawn from, each with points of its own: the components of a mixture.
    fn strata(&self) -> usize;

    /// Turns standard points into points of this density, stratum by stratum.
    fn place(&self, nodes: Nodes) -> Draws;
}

/// Points and weights of a rule for expectations under a standard normal in D dimensions.
#[derive(Debug, Clone)]
pub struct Nodes {
    /// `[R or 1, strata or 1, M, D]`.
    pub z: Tensor<4>,
    /// `[M]`, summing to 1.
    pub weights: Tensor<1>,
    /// How to tell the error.
    pub error: ErrorRule,
}

/// How the error of a weighted sum over the nodes is told.
#[derive(Debug, Clone)]
pub enum ErrorRule {
    /// The rules of twice and four times the spacing on the same M points, `[M]` each.
    Embedded(Box<[Tensor<1>; 2]>),
    /// The points are random: the standard error follows from the spread within each stratum.
    Random,
}

/// Points x and weights w with Σ w f(x) ≈ E f(x) under one side.
#[derive(Debug, Clone)]
pub struct Draws {
    /// `[R, S, D]` or `[1, S, D]`, stratum after stratum.
    pub x: Tensor<3>,
    /// `[R, S]` or `[1, S]`.
    pub weights: Tensor<2>,
    /// How the error of the weighted sum is told.
    pub error: DrawsError,
}

/// As [`ErrorRule`], for the weights of [`Draws`].
#[derive(Debug, Clone)]
pub enum DrawsError {
    /// The weights of the two coarser rules, shaped as the weights.
    Embedded(Box<[Tensor<2>; 2]>),
    /// Random points in this many strata of equal size.
    Random {
        /// The number of strata.
        strata: usize,
    },
}

impl Draws {
    /// Σ w f for `values` f `[R, S]`, as `[R]`.
    pub fn expectation(&self, values: Tensor<2>) -> Tensor<1> {
        (self.weights.clone() * values).sum_dim(1).squeeze_dim(1)
    }

    /// The error of [`Draws::expectation`], `[R]`.
    ///
    /// Of a rule with spacing h, |I(h) − I(2h)|, which overestimates where it converges
    /// exponentially. Where a function bends within a spacing it converges like h² with a factor
    /// that depends on where the points fall, and two rules may agree by chance: the difference
    /// of the two coarser ones, which is then 12 times the error of the finest, guards against that.
    ///
    /// Of random points, one standard error √(Σₖ wₖ² sₖ² / M) of a stratified mean (Cochran 1977,
    /// §5.3).
    pub fn error(&self, values: Tensor<2>) -> Tensor<1> {
        match &self.error {
            DrawsError::Embedded(coarser) => {
                let [half, quarter] = &**coarser;
                let difference = |a: &Tensor<2>, b: &Tensor<2>| {
                    ((a.clone() - b.clone()) * values.clone()).sum_dim(1).abs()
                };
                difference(&self.weights, half)
                    .max_pair(difference(half, quarter).div_scalar(12.0))
                    .squeeze_dim(1)
            }
            DrawsError::Random { strata } => {
                let [runs, points] = values.dims();
                let per_stratum = points / strata;
                let variance = values
                    .reshape([runs, *strata, per_stratum])
                    .var(2)
                    .div_scalar(per_stratum as f64);
                let [weight_runs, _] = self.weights.dims();
                let share = self
                    .weights
                    .clone()
                    .reshape([weight_runs, *strata, per_stratum])
                    .sum_dim(2);
                (share.square() * variance)
                    .sum_dim(1)
                    .sqrt()
                    .reshape([runs])
            }
        }
    }
}

impl Density for MixtureTensors {
    fn log_density(&self, x: Tensor<3>) -> Tensor<2> {
        log_density(x, self)
    }

    fn strata(&self) -> usize {
        self.dims()[1]
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
            ErrorRule::Embedded(coarser) => DrawsError::Embedded(Box::new(coarser.map(spread))),
            ErrorRule::Random => DrawsError::Random { strata: k },
        };
        Draws {
            x: x.reshape([runs, k * m, d]),
            weights: spread(nodes.weights),
            error,
        }
    }
}
