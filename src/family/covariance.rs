//! The structure of a component's covariance, as a map from θ to the Cholesky factor.

use burn::tensor::{Int, Tensor};
use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

use crate::device::Numerics;

/// How the covariances of a family are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Covariance {
    /// Any covariance: D log-diagonal entries of L, then its rows below the diagonal.
    #[default]
    Full,
    /// Independent coordinates: D log standard deviations.
    Diagonal,
    /// One standard deviation for all coordinates.
    Isotropic,
}

impl Covariance {
    /// Every structure there is.
    pub const ALL: [Self; 3] = [Self::Full, Self::Diagonal, Self::Isotropic];

    /// Its name in a config.
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Diagonal => "diagonal",
            Self::Isotropic => "isotropic",
        }
    }

    /// S, how many numbers of θ a component's covariance takes in D dimensions.
    pub fn scales(self, dim: usize) -> usize {
        match self {
            Self::Full => dim * (dim + 1) / 2,
            Self::Diagonal => dim,
            Self::Isotropic => 1,
        }
    }

    /// L `[R, K, D, D]` from θ `[R, K, S]`.
    pub fn scale_tril(self, theta: Tensor<3>, dim: usize, numerics: &Numerics) -> Tensor<4> {
        let [runs, k, scales] = theta.dims();
        if dim == 1 {
            return theta.exp().unsqueeze_dim::<4>(3);
        }
        let log_diagonal = theta.clone().slice([0..runs, 0..k, 0..scales.min(dim)]);
        let identity = mask(dim, |i, j| i == j, numerics);
        let diagonal = log_diagonal.exp().unsqueeze_dim::<4>(3) * identity;
        if self != Self::Full {
            return diagonal;
        }
        let positions: Vec<i32> = (0..dim * dim)
            .map(|entry| below_diagonal(entry / dim, entry % dim).unwrap_or(0) as i32)
            .collect();
        let positions = Tensor::<1, Int>::from_data(positions.as_slice(), numerics.device());
        let below = theta
            .slice([0..runs, 0..k, dim..scales])
            .select(2, positions)
            .reshape([runs, k, dim, dim]);
        diagonal + below * mask(dim, |i, j| i > j, numerics)
    }

    /// θ of L; `None` if L does not have this structure.
    pub fn theta_of(self, factor: &DMatrix<f64>) -> Option<Vec<f64>> {
        let dim = factor.nrows();
        let diagonal = (0..dim).map(|i| factor[(i, i)].ln());
        let below = || (0..dim).flat_map(|i| (0..i).map(move |j| (i, j)));
        match self {
            Self::Full => Some(diagonal.chain(below().map(|at| factor[at])).collect()),
            _ if below().any(|at| factor[at] != 0.0) => None,
            Self::Diagonal => Some(diagonal.collect()),
            Self::Isotropic => {
                let first = factor[(0, 0)];
                (0..dim)
                    .all(|i| (factor[(i, i)] - first).abs() <= 1e-12 * first)
                    .then(|| vec![first.ln()])
            }
        }
    }

    /// The covariance of this structure that minimises forward KL to a Gaussian of `covariance`.
    pub fn nearest(self, covariance: &DMatrix<f64>) -> DMatrix<f64> {
        let dim = covariance.nrows();
        match self {
            Self::Full => covariance.clone(),
            Self::Diagonal => DMatrix::from_diagonal(&covariance.diagonal()),
            Self::Isotropic => DMatrix::identity(dim, dim) * (covariance.trace() / dim as f64),
        }
    }
}

/// Where entry (i, j) below the diagonal stands in θ after the diagonal.
fn below_diagonal(i: usize, j: usize) -> Option<usize> {
    (i > j).then(|| i * (i - 1) / 2 + j)
}

fn mask(dim: usize, keep: impl Fn(usize, usize) -> bool, numerics: &Numerics) -> Tensor<4> {
    let entries = (0..dim * dim)
        .map(|entry| f64::from(keep(entry / dim, entry % dim)))
        .collect();
    numerics.tensor(entries, [1, 1, dim, dim])
}
