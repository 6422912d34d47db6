//! R mixtures on a device.

use burn::tensor::Tensor;
use nalgebra::{DMatrix, DVector};

use super::cpu::{self, Prepared, Scale, Width};
use super::{broadcast, indices};
use crate::device::Numerics;
use crate::error::Result;
use crate::mixture::{Mixture, MixtureError};

/// R mixtures of K Gaussians in D dimensions, on a device. A constant one has R = 1 and is
/// broadcast over the runs of whatever it meets.
#[derive(Debug, Clone)]
pub struct MixtureTensors {
    /// log wₖ, `[R, K]`.
    pub log_weights: Tensor<2>,
    /// μₖ, `[R, K, D]`.
    pub means: Tensor<3>,
    /// Lₖ.
    pub scale: ScaleTensor,
}

/// L of every component, in a form that costs no more than it must.
#[derive(Debug, Clone)]
pub enum ScaleTensor {
    /// Lower triangular with a positive diagonal, `[R, K, D, D]`.
    Tril(Tensor<4>),
    /// Diagonal: standard deviations, `[R, K, D]`.
    Diagonal(Tensor<3>),
}

impl ScaleTensor {
    fn map(
        self,
        tril: impl Fn(Tensor<4>) -> Tensor<4>,
        diagonal: impl Fn(Tensor<3>) -> Tensor<3>,
    ) -> Self {
        match self {
            Self::Tril(factors) => Self::Tril(tril(factors)),
            Self::Diagonal(stds) => Self::Diagonal(diagonal(stds)),
        }
    }

    /// L `[R, K, D, D]` in any case.
    pub fn tril(self, numerics: &Numerics) -> Tensor<4> {
        match self {
            Self::Tril(factors) => factors,
            Self::Diagonal(stds) => {
                let [_, _, dim] = stds.dims();
                let entry = |at: usize| f64::from(u8::from(at / dim == at % dim));
                let identity = (0..dim * dim).map(entry).collect();
                stds.unsqueeze_dim::<4>(3) * numerics.tensor(identity, [1, 1, dim, dim])
            }
        }
    }
}

impl MixtureTensors {
    /// Uploads one mixture, with R = 1.
    pub fn constant(mixture: &Mixture, numerics: &Numerics) -> Self {
        Self::stacked(&[mixture], numerics)
    }

    /// Uploads R ≥ 1 mixtures of the same shape.
    pub fn stacked(mixtures: &[&Mixture], numerics: &Numerics) -> Self {
        let (r, k, d) = (mixtures.len(), mixtures[0].components(), mixtures[0].dim());
        let all = |numbers: &dyn Fn(&Mixture) -> Vec<f64>| -> Vec<f64> {
            mixtures
                .iter()
                .flat_map(|&mixture| numbers(mixture))
                .collect()
        };
        let is_diagonal = mixtures
            .iter()
            .flat_map(|m| m.scale_trils())
            .all(is_diagonal);
        let flat = |factor: &DMatrix<f64>| match is_diagonal {
            true => factor.diagonal().as_slice().to_vec(),
            false => factor.transpose().as_slice().to_vec(),
        };
        let log_weights = all(&|m| m.weights().iter().map(|w| w.ln()).collect());
        let means = all(&|m| {
            m.means()
                .iter()
                .flat_map(|mean| mean.iter().copied())
                .collect()
        });
        let factors = all(&|m| m.scale_trils().iter().flat_map(flat).collect());
        Self {
            log_weights: numerics.tensor(log_weights, [r, k]),
            means: numerics.tensor(means, [r, k, d]),
            scale: match is_diagonal {
                true => ScaleTensor::Diagonal(numerics.tensor(factors, [r, k, d])),
                false => ScaleTensor::Tril(numerics.tensor(factors, [r, k, d, d])),
            },
        }
    }

    /// Reads the R mixtures back; a run whose numbers are no longer a density gives the reason.
    ///
    /// # Errors
    /// If the device failed.
    pub fn read(self) -> Result<Vec<std::result::Result<Mixture, MixtureError>>> {
        let [runs, k, d] = self.means.dims();
        let log_weights = Numerics::read(self.log_weights.expand([runs, k]))?;
        let means = Numerics::read(self.means)?;
        let (factors, entries) = match self.scale {
            ScaleTensor::Tril(factors) => (Numerics::read(factors)?, d * d),
            ScaleTensor::Diagonal(stds) => (Numerics::read(stds)?, d),
        };
        let factor = |numbers: &[f64]| match entries == d {
            true => DMatrix::from_diagonal(&DVector::from_column_slice(numbers)),
            false => DMatrix::from_row_slice(d, d, numbers),
        };
        let mixtures = (log_weights.chunks(k).zip(means.chunks(k * d)))
            .zip(factors.chunks(k * entries))
            .map(|((log_weights, means), factors)| {
                Mixture::new(
                    log_weights.iter().map(|w| w.exp()).collect(),
                    means.chunks(d).map(<[f64]>::to_vec).collect(),
                    factors.chunks(entries).map(factor).collect(),
                )
            })
            .collect();
        Ok(mixtures)
    }

    /// Some of the R mixtures.
    pub fn select(&self, runs: &[usize]) -> Self {
        let indices = indices(runs, &self.means.device());
        // The weights of a Gaussian are one constant for all runs.
        let log_weights = if self.log_weights.dims()[0] == 1 {
            self.log_weights.clone()
        } else {
            self.log_weights.clone().select(0, indices.clone())
        };
        Self {
            log_weights,
            means: self.means.clone().select(0, indices.clone()),
            scale: (self.scale.clone()).map(
                |factors| factors.select(0, indices.clone()),
                |stds| stds.select(0, indices.clone()),
            ),
        }
    }

    /// The same mixtures, not tracked for gradients.
    pub fn detached(self) -> Self {
        Self {
            log_weights: self.log_weights.detach(),
            means: self.means.detach(),
            scale: self.scale.map(Tensor::detach, Tensor::detach),
        }
    }

    /// `[R, K, D]`.
    pub fn dims(&self) -> [usize; 3] {
        self.means.dims()
    }

    /// Carries standard points into every component: x = μₖ + Lₖ z.
    ///
    /// `z` is `[R or 1, K or 1, M, D]`; the result is `[R, K, M, D]`.
    pub fn place(&self, z: Tensor<4>) -> Tensor<4> {
        let scaled = match &self.scale {
            ScaleTensor::Diagonal(stds) => z * stds.clone().unsqueeze_dim::<4>(2),
            ScaleTensor::Tril(factors) => {
                let [runs, k, _, d] = broadcast(z.dims(), factors.dims());
                let [_, _, m, _] = z.dims();
                z.expand([runs, k, m, d])
                    .matmul(factors.clone().swap_dims(2, 3))
            }
        };
        scaled + self.means.clone().unsqueeze_dim::<4>(2)
    }
}

/// A mixture for the kernel on the CPU; `None` if that cannot take it, which it can.
pub(crate) fn prepared(mixture: &Mixture) -> Option<Prepared<f64>> {
    let log_weights: Vec<f64> = mixture.weights().iter().map(|weight| weight.ln()).collect();
    let means: Vec<f64> = (mixture.means().iter())
        .flat_map(|mean| mean.iter().copied())
        .collect();
    let factors = mixture.scale_trils();
    let is_diagonal = factors.iter().all(is_diagonal);
    // Row after row, or the diagonals alone.
    let scale: Vec<f64> = (factors.iter())
        .flat_map(|factor| match is_diagonal {
            true => factor.diagonal().as_slice().to_vec(),
            false => factor.transpose().as_slice().to_vec(),
        })
        .collect();
    let mixture = cpu::Mixture {
        components: mixture.components(),
        dim: mixture.dim(),
        log_weights: &log_weights,
        means: &means,
        scale: match is_diagonal {
            true => Scale::Diagonal(&scale),
            false => Scale::Tril(&scale),
        },
    };
    Prepared::new(Width::Widest, &mixture).ok()
}

fn is_diagonal(factor: &DMatrix<f64>) -> bool {
    let dim = factor.nrows();
    (0..dim).all(|i| (0..i).all(|j| factor[(i, j)] == 0.0))
}
