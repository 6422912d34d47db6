//! R mixtures on a device.

use burn::tensor::{Tensor, TensorData};
use nalgebra::{DMatrix, DVector};
use rayon::prelude::*;

use super::cpu::{self, Prepared, Scale, Width};
use super::{broadcast, cholesky, indices};
use crate::compute::device::Numerics;
use crate::error::{Refusal, Result};
use crate::mixture::{Mixture, is_diagonal};

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
    /// Σ = diag(σ²) + U Uᵀ, `[R, K, D, 1 + r]`: in each row σ, then the row of U.
    LowRank(Tensor<4>),
}

impl ScaleTensor {
    fn map(
        self,
        matrices: impl Fn(Tensor<4>) -> Tensor<4>,
        diagonal: impl Fn(Tensor<3>) -> Tensor<3>,
    ) -> Self {
        match self {
            Self::Tril(factors) => Self::Tril(matrices(factors)),
            Self::Diagonal(stds) => Self::Diagonal(diagonal(stds)),
            Self::LowRank(rows) => Self::LowRank(matrices(rows)),
        }
    }

    /// L `[R, K, D, D]` in any case.
    pub fn tril(self) -> Tensor<4> {
        match self {
            Self::Tril(factors) => factors,
            Self::Diagonal(stds) => {
                let identity = identity(&stds);
                stds.unsqueeze_dim::<4>(3) * identity
            }
            Self::LowRank(rows) => {
                let [runs, k, dim, columns] = rows.dims();
                let stds = (rows.clone())
                    .slice([0..runs, 0..k, 0..dim, 0..1])
                    .reshape([runs, k, dim]);
                let factors = rows.slice([0..runs, 0..k, 0..dim, 1..columns]);
                let identity = identity(&stds);
                let variances = stds.square().unsqueeze_dim::<4>(3) * identity;
                let shared = factors.clone().matmul(factors.swap_dims(2, 3));
                cholesky(variances + shared)
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
    pub fn read(self) -> Result<Vec<std::result::Result<Mixture, Refusal>>> {
        let [runs, k, d] = self.means.dims();
        let log_weights = Numerics::read(self.log_weights.expand([runs, k]))?;
        let means = Numerics::read(self.means)?;
        let (factors, entries) = match self.scale {
            ScaleTensor::Tril(factors) => (Numerics::read(factors)?, d * d),
            ScaleTensor::Diagonal(stds) => (Numerics::read(stds)?, d),
            low_rank @ ScaleTensor::LowRank(_) => (Numerics::read(low_rank.tril())?, d * d),
        };
        let mixtures = (log_weights.chunks(k).zip(means.chunks(k * d)))
            .zip(factors.chunks(k * entries))
            .map(|((log_weights, means), factors)| written([log_weights, means, factors], d))
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

    /// The same R densities, with the places of components that have no weight shared out evenly among those that have:
    /// rules that give every component its own points lose none.
    pub fn filled(self) -> Self {
        let [runs, k, _] = self.dims();
        let logs = Numerics::read(self.log_weights.clone().expand([runs, k]).detach());
        // What fails here fails where it is read.
        let Ok(logs) = logs else { return self };
        if logs.iter().all(|log| log.exp() > 0.0 || log.is_nan()) {
            return self;
        }
        let (mut places, mut shares) = (Vec::new(), Vec::new());
        for (run, logs) in logs.chunks(k).enumerate() {
            let there: Vec<usize> = (0..k).filter(|&at| logs[at].exp() > 0.0).collect();
            let there = if there.is_empty() { vec![0] } else { there };
            // Each stays in its own place, or points would change with what came and went elsewhere.
            let mut others = there.iter().copied().cycle();
            let of_run: Vec<usize> = (0..k)
                .map(|at| match there.contains(&at) {
                    true => at,
                    false => others.next().unwrap_or(at),
                })
                .collect();
            for &place in &of_run {
                let times = of_run.iter().filter(|&&other| other == place).count();
                shares.push((times as f64).ln());
                places.push(run * k + place);
            }
        }
        let device = self.means.device();
        let chosen = |part: Tensor<4>| {
            let [_, _, rows, columns] = part.dims();
            let flat = part.reshape([runs * k, rows, columns]);
            let flat = flat.select(0, indices(&places, &device));
            flat.reshape([runs, k, rows, columns])
        };
        let shares = TensorData::new(shares, [runs, k]).convert_dtype(self.means.dtype());
        let shares: Tensor<2> = Tensor::from_data(shares, (&device, self.means.dtype()));
        let flat = |part: Tensor<3>| {
            let [_, _, columns] = part.dims();
            chosen(part.unsqueeze_dim::<4>(2)).reshape([runs, k, columns])
        };
        let log_weights = self.log_weights.expand([runs, k]).unsqueeze_dim::<3>(2);
        Self {
            log_weights: flat(log_weights).reshape([runs, k]) - shares,
            means: flat(self.means),
            scale: self.scale.map(chosen, flat),
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

    /// How many standard normal numbers make a sample of a component: of low rank one for each
    /// coordinate and one for each factor, else D.
    pub fn standard_dim(&self) -> usize {
        match &self.scale {
            ScaleTensor::LowRank(rows) => rows.dims()[2] + rows.dims()[3] - 1,
            _ => self.dims()[2],
        }
    }

    /// Carries standard points into every component: x = μₖ + Lₖ z, of low rank μₖ + σₖ z + Uₖ z′.
    ///
    /// `z` is `[R or 1, K or 1, M, D′]`, with z′ after z; the result is `[R, K, M, D]`.
    pub fn place(&self, z: Tensor<4>) -> Tensor<4> {
        let scaled = match &self.scale {
            ScaleTensor::Diagonal(stds) => z * stds.clone().unsqueeze_dim::<4>(2),
            ScaleTensor::LowRank(rows) => {
                let [runs, k, d, columns] = rows.dims();
                let [z_runs, z_k, m, all] = z.dims();
                let part =
                    |from: usize, to: usize| z.clone().slice([0..z_runs, 0..z_k, 0..m, from..to]);
                let column =
                    |from: usize, to: usize| rows.clone().slice([0..runs, 0..k, 0..d, from..to]);
                let runs = runs.max(z_runs);
                let stds = column(0, 1).swap_dims(2, 3);
                let factors = column(1, columns).swap_dims(2, 3);
                let shared = (part(d, all).expand([runs, k, m, all - d])).matmul(factors);
                part(0, d) * stds + shared
            }
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

/// A mixture in D dimensions from its K log weights, K × D means and K factors of D × D numbers, row after row, or of the
/// D numbers of a diagonal.
pub(crate) fn written(
    [log_weights, means, factors]: [&[f64]; 3],
    dim: usize,
) -> std::result::Result<Mixture, Refusal> {
    let entries = factors.len() / log_weights.len().max(1);
    let factor = |numbers: &[f64]| match entries == dim {
        true => DMatrix::from_diagonal(&DVector::from_column_slice(numbers)),
        false => DMatrix::from_row_slice(dim, dim, numbers),
    };
    Mixture::new(
        log_weights.iter().map(|w| w.exp()).collect(),
        means.chunks(dim).map(<[f64]>::to_vec).collect(),
        factors.chunks(entries).map(factor).collect(),
    )
}

/// Points that are taken at once.
const BLOCK: usize = 4096;

/// log p in nats of N points `[N, D]`, on all cores: N numbers, or as many as there are whole points.
pub fn log_densities(mixture: &Mixture, x: &[f64]) -> Vec<f64> {
    let dim = mixture.dim();
    let mut logs = vec![f64::NAN; x.len() / dim];
    if let Some(prepared) = prepared(mixture) {
        let blocks = logs.par_chunks_mut(BLOCK).zip(x.par_chunks(BLOCK * dim));
        // The numbers of points agree, which is all that could be wrong.
        blocks.for_each(|(logs, x)| _ = prepared.log_density(&x[..logs.len() * dim], logs));
    }
    logs
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

/// The identity `[1, 1, D, D]` beside standard deviations `[R, K, D]`.
fn identity(stds: &Tensor<3>) -> Tensor<4> {
    let [_, _, dim] = stds.dims();
    let ones = (0..dim * dim).map(|at| f32::from(u8::from(at / dim == at % dim)));
    let data = TensorData::new(ones.collect::<Vec<f32>>(), [1, 1, dim, dim]);
    Tensor::from_data(
        data.convert_dtype(stds.dtype()),
        (&stds.device(), stds.dtype()),
    )
}
