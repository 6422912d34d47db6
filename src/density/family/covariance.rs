//! The structure of a component's covariance, as a map from θ to the Cholesky factor.

use burn::tensor::{Int, Tensor};
use nalgebra::DMatrix;

use super::low_rank;
use crate::choice::choices;
use crate::compute::device::Numerics;
use crate::compute::kernel::{ScaleTensor, cpu::MOST_FACTORS, indices};

/// Up to this many coordinates for each factor, factors counted in fours, a low-rank covariance is taken
/// as a full one: that is faster there, and rules with points on every axis are for few dimensions.
const FEW_PER_FACTOR: usize = 6;
/// A low-rank decomposition that misses a covariance by more than this, relative to its standard
/// deviations, is not one.
const LOW_RANK_TOLERANCE: f64 = 1e-8;

choices! {
    /// How the covariances of a family are built.
    #[derive(Default)]
    pub enum Covariance {
        /// Any covariance: D log-diagonal entries of L, then its rows below the diagonal.
        #[default]
        Full = "full",
        /// Independent coordinates: D log standard deviations.
        Diagonal = "diagonal",
        /// One standard deviation for all coordinates.
        Isotropic = "isotropic",
        /// Σ = diag(σ²) + U Uᵀ with U of D × r: D log σ, then the rows of U (Ong, Nott and Smith 2018).
        LowRank = "low-rank",
    }
}

impl Covariance {
    /// Whether a member may have a correlation.
    pub fn has_correlations(self) -> bool {
        match self {
            Self::Full | Self::LowRank => true,
            Self::Diagonal | Self::Isotropic => false,
        }
    }
}

/// A covariance structure with all that defines it: the map from S numbers of θ to L.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ScaleMap {
    pub covariance: Covariance,
    pub dim: usize,
    /// r, of a low-rank covariance.
    pub rank: usize,
    /// What the diagonal of L, or σ of a low-rank covariance, stays above.
    pub floor: f64,
}

impl ScaleMap {
    /// S, how many numbers of θ a component's covariance takes.
    pub fn len(&self) -> usize {
        let dim = self.dim;
        match self.covariance {
            Covariance::Full => dim * (dim + 1) / 2,
            Covariance::Diagonal => dim,
            Covariance::Isotropic => 1,
            Covariance::LowRank => dim * (1 + self.rank),
        }
    }

    /// How many of them are the logarithms of standard deviations; they come first.
    pub fn logs(&self) -> usize {
        match self.covariance {
            Covariance::Isotropic => 1,
            Covariance::Full | Covariance::Diagonal | Covariance::LowRank => self.dim,
        }
    }

    /// Which of the S numbers of a component, once the logarithms are standard deviations, each number of its scale is,
    /// as the kernel takes that: D standard deviations, rows of L, or σ and the row of U of each coordinate. `None` is 0.
    pub fn sources(&self) -> Vec<Option<usize>> {
        let (dim, rank) = (self.dim, self.rank);
        match self.covariance {
            Covariance::Isotropic => vec![Some(0); dim],
            Covariance::Diagonal => (0..dim).map(Some).collect(),
            Covariance::Full => (0..dim * dim)
                .map(|at| (at / dim, at % dim))
                .map(|(i, j)| match i == j {
                    true => Some(i),
                    false => below_diagonal(i, j).map(|place| dim + place),
                })
                .collect(),
            Covariance::LowRank => (0..dim * (1 + rank))
                .map(|at| (at / (1 + rank), at % (1 + rank)))
                .map(|(i, column)| match column {
                    0 => Some(i),
                    _ => Some(dim + i * rank + column - 1),
                })
                .collect(),
        }
    }

    /// Whether a covariance of low rank is taken as a full one.
    pub fn is_written_out(&self) -> bool {
        let few = FEW_PER_FACTOR * self.rank.next_multiple_of(4);
        self.covariance == Covariance::LowRank && (self.dim <= few || self.rank > MOST_FACTORS)
    }

    /// L from θ `[R, K, S]`.
    pub fn scale(&self, theta: Tensor<3>, numerics: &Numerics) -> ScaleTensor {
        let [runs, k, _] = theta.dims();
        let dim = self.dim;
        if self.covariance == Covariance::LowRank {
            let low_rank = ScaleTensor::LowRank(self.low_rank_rows(theta, numerics));
            return match self.is_written_out() {
                true => ScaleTensor::Tril(low_rank.tril()),
                false => low_rank,
            };
        }
        let numbers = self.placed(theta, numerics);
        match self.covariance == Covariance::Full && dim > 1 {
            true => ScaleTensor::Tril(numbers.reshape([runs, k, dim, dim])),
            false => ScaleTensor::Diagonal(numbers),
        }
    }

    /// The numbers of every scale in their places, from θ `[R, K, S]`.
    fn placed(&self, theta: Tensor<3>, numerics: &Numerics) -> Tensor<3> {
        let [runs, k, scales] = theta.dims();
        let (places, logs) = (self.sources(), self.logs());
        let stds = self.stds(theta.clone());
        let numbers = match scales > logs {
            true => Tensor::cat(vec![stds, theta.slice([0..runs, 0..k, logs..scales])], 2),
            false => stds,
        };
        let from: Vec<usize> = places.iter().map(|place| place.unwrap_or(0)).collect();
        if from.iter().copied().eq(0..scales) {
            return numbers;
        }
        let placed = numbers.select(2, indices(&from, numerics.device()));
        if places.iter().all(Option::is_some) {
            return placed;
        }
        let count = places.len();
        let there = (places.iter()).map(|place| f64::from(place.is_some()));
        placed * numerics.tensor(there.collect(), [1, 1, count])
    }

    /// The standard deviations that θ `[R, K, S]` begins with, above their floor.
    fn stds(&self, theta: Tensor<3>) -> Tensor<3> {
        let [runs, k, _] = theta.dims();
        let above_floor = theta.slice([0..runs, 0..k, 0..self.logs()]).exp();
        above_floor.add_scalar(self.floor)
    }

    /// σ and the row of U of every coordinate, `[R, K, D, 1 + r]`, of a low-rank covariance.
    pub fn low_rank_rows(&self, theta: Tensor<3>, numerics: &Numerics) -> Tensor<4> {
        let [runs, k, _] = theta.dims();
        let shape = [runs, k, self.dim, 1 + self.rank];
        self.placed(theta, numerics).reshape(shape)
    }

    /// θ of L; `None` if L does not have this structure or does not stay above the floor.
    pub fn theta_of(&self, factor: &DMatrix<f64>) -> Option<Vec<f64>> {
        let dim = self.dim;
        let log = |std: f64| (std > self.floor).then(|| (std - self.floor).ln());
        let diagonal = || {
            (0..dim)
                .map(|i| log(factor[(i, i)]))
                .collect::<Option<Vec<f64>>>()
        };
        let below = || (0..dim).flat_map(|i| (0..i).map(move |j| (i, j)));
        match self.covariance {
            Covariance::Full => {
                let mut theta = diagonal()?;
                theta.extend(below().map(|at| factor[at]));
                Some(theta)
            }
            Covariance::LowRank => {
                let found = low_rank::decompose(&(factor * factor.transpose()), self.rank);
                if found.residual > LOW_RANK_TOLERANCE {
                    return None;
                }
                let stds = found.variances.iter().map(|variance| log(variance.sqrt()));
                let mut theta = stds.collect::<Option<Vec<f64>>>()?;
                theta.extend(found.factors.transpose().iter());
                Some(theta)
            }
            _ if below().any(|at| factor[at] != 0.0) => None,
            Covariance::Diagonal => diagonal(),
            Covariance::Isotropic => {
                let first = factor[(0, 0)];
                (0..dim)
                    .all(|i| (factor[(i, i)] - first).abs() <= 1e-12 * first)
                    .then(|| Some(vec![log(first)?]))?
            }
        }
    }

    /// The covariance of this structure that minimises forward KL to a Gaussian of `covariance`,
    /// the floor aside.
    pub fn nearest(&self, covariance: &DMatrix<f64>) -> DMatrix<f64> {
        let dim = self.dim;
        match self.covariance {
            Covariance::Full => covariance.clone(),
            Covariance::Diagonal => DMatrix::from_diagonal(&covariance.diagonal()),
            Covariance::Isotropic => {
                DMatrix::identity(dim, dim) * (covariance.trace() / dim as f64)
            }
            Covariance::LowRank => low_rank::nearest(covariance, self.rank),
        }
    }

    /// The natural gradient `[R, K, S]` of a Gaussian's scale: the inverse Fisher metric times the
    /// gradient `[R, K, S]`, at L `[R, K, D, D]`; `None` where there is no closed form.
    ///
    /// With dL = L A, A lower triangular, the metric is 2 Σᵢ Aᵢᵢ² + Σᵢ﹥ⱼ Aᵢⱼ² (from
    /// ½ tr((Σ⁻¹ dΣ)²)), and the differential of the loss is ⟨Lᵀ G, A⟩ with G its gradient in L.
    pub fn natural_gradient(
        &self,
        gradient: Tensor<3>,
        scale_tril: Tensor<4>,
        numerics: &Numerics,
    ) -> Option<Tensor<3>> {
        let [runs, k, scales] = gradient.dims();
        let dim = self.dim;
        let identity = || mask(dim, |i, j| i == j, numerics);
        // σ = floor + exp θ, so dσ = (σ − floor) dθ.
        let stds = (scale_tril.clone() * identity())
            .sum_dim(3)
            .reshape([runs, k, dim]);
        let slope = stds.clone().sub_scalar(self.floor);
        match self.covariance {
            Covariance::LowRank => None,
            Covariance::Diagonal => Some(gradient * (stds / slope).square().div_scalar(2.0)),
            Covariance::Isotropic => {
                let ratio = (stds / slope).slice([0..runs, 0..k, 0..1]);
                Some(gradient * ratio.square().div_scalar(2.0 * dim as f64))
            }
            Covariance::Full => {
                let diagonal = gradient.clone().slice([0..runs, 0..k, 0..dim]) / slope.clone();
                let mut in_factor = diagonal.unsqueeze_dim::<4>(3) * identity();
                if dim > 1 {
                    let rest = gradient.slice([0..runs, 0..k, dim..scales]);
                    in_factor = in_factor + below(rest, dim, numerics);
                }
                let halved = |i: usize, j: usize| match i.cmp(&j) {
                    std::cmp::Ordering::Less => 0.0,
                    std::cmp::Ordering::Equal => 0.5,
                    std::cmp::Ordering::Greater => 1.0,
                };
                let lower = entries(dim, halved, numerics);
                let turned = scale_tril.clone().swap_dims(2, 3).matmul(in_factor) * lower;
                let moved = scale_tril.matmul(turned);
                let logs = (moved.clone() * identity())
                    .sum_dim(3)
                    .reshape([runs, k, dim])
                    / slope;
                if dim == 1 {
                    return Some(logs);
                }
                let places: Vec<usize> = (0..dim)
                    .flat_map(|i| (0..i).map(move |j| i * dim + j))
                    .collect();
                let rest = moved
                    .reshape([runs, k, dim * dim])
                    .select(2, indices(&places, numerics.device()));
                Some(Tensor::cat(vec![logs, rest], 2))
            }
        }
    }
}

/// Strictly lower triangular matrices `[R, K, D, D]` from their rows `[R, K, D(D−1)/2]`.
fn below(rows: Tensor<3>, dim: usize, numerics: &Numerics) -> Tensor<4> {
    let [runs, k, _] = rows.dims();
    let positions: Vec<i32> = (0..dim * dim)
        .map(|entry| below_diagonal(entry / dim, entry % dim).unwrap_or(0) as i32)
        .collect();
    let positions = Tensor::<1, Int>::from_data(positions.as_slice(), numerics.device());
    rows.select(2, positions).reshape([runs, k, dim, dim]) * mask(dim, |i, j| i > j, numerics)
}

/// Where entry (i, j) below the diagonal stands in θ after the diagonal.
fn below_diagonal(i: usize, j: usize) -> Option<usize> {
    (i > j).then(|| i * (i - 1) / 2 + j)
}

fn mask(dim: usize, keep: impl Fn(usize, usize) -> bool, numerics: &Numerics) -> Tensor<4> {
    entries(dim, |i, j| f64::from(keep(i, j)), numerics)
}

fn entries(dim: usize, entry: impl Fn(usize, usize) -> f64, numerics: &Numerics) -> Tensor<4> {
    let entries = (0..dim * dim).map(|at| entry(at / dim, at % dim)).collect();
    numerics.tensor(entries, [1, 1, dim, dim])
}
