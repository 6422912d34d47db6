//! Points with weights, the mean of a function over them, and its error.

use burn::tensor::Tensor;

/// Points and weights of a rule for expectations under a standard normal.
#[derive(Debug, Clone)]
pub struct Nodes {
    /// `[R or 1, strata or 1, M, D′]`, in as many dimensions as the density takes.
    pub z: Tensor<4>,
    /// `[M]`, summing to 1.
    pub weights: Tensor<1>,
    /// How to estimate the error.
    pub error: ErrorRule,
}

/// How the error of a weighted sum over the nodes is estimated.
#[derive(Debug, Clone)]
pub enum ErrorRule {
    /// Other rules on the same M points, `[M]` each.
    Embedded(Box<Embedded<Tensor<1>>>),
    /// The points are random: the standard error follows from the spread within each stratum.
    Random {
        /// Points that follow each other in groups of this size belong together; the groups are
        /// independent. 1 for independent points.
        group: usize,
    },
}

/// The weights that estimate the error of a rule that is not random.
#[derive(Debug, Clone)]
pub struct Embedded<T> {
    /// Those of the rules of twice and four times the spacing.
    pub coarser: [T; 2],
    /// Of the rule itself, those of the points of its two outermost shells, the outer one first, if
    /// it ends somewhere.
    pub shells: Option<[T; 2]>,
}

impl<T> Embedded<T> {
    pub(super) fn map<U>(self, mut f: impl FnMut(T) -> U) -> Embedded<U> {
        Embedded {
            coarser: self.coarser.map(&mut f),
            shells: self.shells.map(|shells| shells.map(f)),
        }
    }
}

/// Points x and weights w with Σ w f(x) ≈ E f(x) under one side.
#[derive(Debug, Clone)]
pub struct Draws {
    /// `[R, S, D]` or `[1, S, D]`, stratum after stratum.
    pub x: Tensor<3>,
    /// `[R, S]` or `[1, S]`.
    pub weights: Tensor<2>,
    /// How the error of the weighted sum is estimated.
    pub error: DrawsError,
    /// log p at x in nats, shaped as the weights, where those took it: 0 where a point has no weight, and not tracked for
    /// gradients.
    pub log_p: Option<Tensor<2>>,
}

/// As [`ErrorRule`], for the weights of [`Draws`].
#[derive(Debug, Clone)]
pub enum DrawsError {
    /// Weights of other rules, shaped as the weights.
    Embedded(Box<Embedded<Tensor<2>>>),
    /// Random points in this many strata of equal size.
    Random {
        /// The number of strata.
        strata: usize,
        /// The size of the groups that are independent of each other.
        group: usize,
    },
    /// Random points that count by their weights, which sum to 1, in groups of this size that are independent of
    /// each other: draws of another density.
    Weighted {
        /// The size of the groups.
        group: usize,
    },
    /// All rows of a file, which are themselves a sample.
    Rows,
    /// Such rows with weights: what the squared difference of each from the mean adds to the squared standard
    /// error, shaped as the weights.
    WeightedRows(Box<Tensor<2>>),
}

impl Draws {
    /// Σ w f for `values` f `[R, S]`, as `[R]`.
    pub fn expectation(&self, values: Tensor<2>) -> Tensor<1> {
        (self.weights.clone() * values).sum_dim(1).squeeze_dim(1)
    }

    /// The weight of each stratum, `[R or 1, strata]`.
    fn shares(&self, strata: usize) -> Tensor<2> {
        let [runs, points] = self.weights.dims();
        (self.weights.clone())
            .reshape([runs, strata, points / strata])
            .sum_dim(2)
            .reshape([runs, strata])
    }

    /// As [`Draws::expectation`] of points drawn from the density that `log_density` `[R, S]` is
    /// of, with the gradient of the score function: E[f ∇log q + ∇f], the points staying where
    /// they are (Williams 1992).
    ///
    /// From each f the mean of f over the other points is taken, which changes no expectation and
    /// lowers the variance (Kool, van Hoof and Welling 2019). The draws must not be tracked.
    pub fn expectation_by_score(&self, values: Tensor<2>, log_density: Tensor<2>) -> Tensor<1> {
        let fixed = values.clone().detach();
        // It is 0, and its gradient is the score.
        let score = log_density.clone() - log_density.detach();
        let surplus = fixed.clone() - self.mean_of_others(fixed);
        self.expectation(values + surplus * score)
    }

    /// For each point, the mean over the other points, `[R, S]`; points of a rule that is not
    /// random get the mean over all.
    fn mean_of_others(&self, values: Tensor<2>) -> Tensor<2> {
        let [runs, points] = values.dims();
        let mean = self.expectation(values.clone()).reshape([runs, 1]);
        let DrawsError::Random { strata, .. } = self.error else {
            return mean.expand([runs, points]);
        };
        // Leaving point i out of the n of stratum k moves the mean by wₖ (fₖ − fᵢ) / (n − 1).
        let per_stratum = points / strata;
        let values = values.reshape([runs, strata, per_stratum]);
        let inside = values.clone().mean_dim(2) - values;
        let share = self.shares(strata).unsqueeze_dim::<3>(2);
        let moved = (inside * share).div_scalar(per_stratum as f64 - 1.0);
        moved.reshape([runs, points]) + mean
    }

    /// The same points and weights, none of them tracked for gradients.
    pub fn detached(self) -> Self {
        Self {
            x: self.x.detach(),
            weights: self.weights.detach(),
            ..self
        }
    }
}
