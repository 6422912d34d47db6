//! The one hot operation: the log-density of a mixture of Gaussians, on the run axis.

pub mod cpu;
mod fused;

use burn::tensor::{DType, Device, Int, Tensor, s};
use nalgebra::DMatrix;

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
    /// Lₖ, lower triangular with a positive diagonal, `[R, K, D, D]`.
    pub scale_tril: Tensor<4>,
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
        let flat = |matrix: &DMatrix<f64>| matrix.transpose().as_slice().to_vec();
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
            scale_tril: numerics.tensor(factors, [r, k, d, d]),
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
        let factors = Numerics::read(self.scale_tril)?;
        let mixtures = (log_weights.chunks(k).zip(means.chunks(k * d)))
            .zip(factors.chunks(k * d * d))
            .map(|((log_weights, means), factors)| {
                Mixture::new(
                    log_weights.iter().map(|w| w.exp()).collect(),
                    means.chunks(d).map(<[f64]>::to_vec).collect(),
                    factors
                        .chunks(d * d)
                        .map(|rows| DMatrix::from_row_slice(d, d, rows))
                        .collect(),
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
            scale_tril: self.scale_tril.clone().select(0, indices),
        }
    }

    /// The same mixtures, not tracked for gradients.
    pub fn detached(self) -> Self {
        Self {
            log_weights: self.log_weights.detach(),
            means: self.means.detach(),
            scale_tril: self.scale_tril.detach(),
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
        let [_, _, d] = self.dims();
        let scaled = if d == 1 {
            z * self.scale_tril.clone()
        } else {
            let [runs, k, _, _] = broadcast(z.dims(), self.scale_tril.dims());
            let [_, _, m, _] = z.dims();
            z.expand([runs, k, m, d])
                .matmul(self.scale_tril.clone().swap_dims(2, 3))
        };
        scaled + self.means.clone().unsqueeze_dim::<4>(2)
    }
}

/// Places on an axis as a tensor.
pub(crate) fn indices(places: &[usize], device: &Device) -> Tensor<1, Int> {
    let places: Vec<i32> = places.iter().map(|&place| place as i32).collect();
    Tensor::from_data(places.as_slice(), device)
}

/// log Σₖ wₖ N(x; μₖ, Lₖ Lₖᵀ) in nats.
///
/// `x` is `[R, S, D]`; either side may have R = 1 and is broadcast. The result is `[R, S]`.
pub fn log_density(x: Tensor<3>, mixture: &MixtureTensors) -> Tensor<2> {
    if fused::is_there(&x) {
        return fused::log_density(
            x,
            mixture.log_weights.clone(),
            mixture.means.clone(),
            mixture.scale_tril.clone(),
        );
    }
    log_density_by_operations(x, mixture)
}

/// As [`log_density`], in plain operations of burn: what backends without a kernel do, and what the
/// kernel is held against.
pub fn log_density_by_operations(x: Tensor<3>, mixture: &MixtureTensors) -> Tensor<2> {
    let [_, _, d] = mixture.dims();
    let constant = 0.5 * d as f64 * std::f64::consts::TAU.ln();
    log_density_of(x, mixture, |squared| {
        -squared.mul_scalar(0.5).add_scalar(constant)
    })
}

/// log Σₖ wₖ fₖ(x) in nats for fₖ(x) = exp(profile(|L⁻¹(x − μₖ)|²)) / |Lₖ|: `profile` maps
/// `[R, K, S]` to the same shape.
///
/// `x` is `[R, S, D]`; either side may have R = 1 and is broadcast. The result is `[R, S]`.
pub(crate) fn log_density_of(
    x: Tensor<3>,
    mixture: &MixtureTensors,
    profile: impl Fn(Tensor<3>) -> Tensor<3>,
) -> Tensor<2> {
    let [_, k, d] = mixture.dims();
    let offset = x.unsqueeze_dim::<4>(1) - mixture.means.clone().unsqueeze_dim::<4>(2);
    let [runs, _, points, _] = offset.dims();
    let (squared, log_det) = if d == 1 {
        let z = offset / mixture.scale_tril.clone();
        (
            z.square(),
            mixture.scale_tril.clone().log().squeeze_dim::<3>(3),
        )
    } else {
        let inverse = inverse_lower(mixture.scale_tril.clone());
        let z = offset.matmul(inverse.swap_dims(2, 3));
        let diagonal = diagonal(mixture.scale_tril.clone());
        (z.square().sum_dim(3), diagonal.log().sum_dim(2))
    };
    // [R, K, S] and [R, K, 1].
    let squared = squared.reshape([runs, k, points]);
    let [scale_runs, ..] = mixture.scale_tril.dims();
    let constant =
        mixture.log_weights.clone().unsqueeze_dim::<3>(2) - log_det.reshape([scale_runs, k, 1]);
    let terms = constant + profile(squared);
    if k == 1 {
        return terms.reshape([runs, points]);
    }
    log_sum_exp(terms).reshape([runs, points])
}

/// log Σ exp over dimension 1, exact for terms of any size; all terms −∞ give −∞.
fn log_sum_exp(terms: Tensor<3>) -> Tensor<3> {
    // Where every term is −∞ the maximum must not be, or −∞ − (−∞) would be NaN.
    let lowest = match terms.dtype() {
        DType::F32 => f32::MIN.into(),
        _ => f64::MIN,
    };
    let max = terms.clone().detach().max_dim(1).clamp_min(lowest);
    (terms - max.clone()).exp().sum_dim(1).log() + max
}

/// The Euclidean norms of the rows of `[R, P]`, as `[R, 1]`, also where squares would overflow.
pub(crate) fn norms(rows: Tensor<2>) -> Tensor<2> {
    let largest = rows.clone().abs().max_dim(1);
    // A row of zeros is divided by 1.
    let divisor = largest
        .clone()
        .mask_fill(largest.clone().equal_elem(0.0), 1.0);
    (rows / divisor).square().sum_dim(1).sqrt() * largest
}

/// The diagonals of `[R, K, D, D]`, as `[R, K, D]`.
fn diagonal(matrices: Tensor<4>) -> Tensor<3> {
    let [runs, k, d, _] = matrices.dims();
    matrices
        .reshape([runs, k, d * d])
        .slice(s![.., .., ..;(d as isize + 1)])
}

/// The inverses of lower triangular `[R, K, D, D]`, by blocks:
/// [A 0; C B]⁻¹ = [A⁻¹ 0; −B⁻¹ C A⁻¹ B⁻¹], which is as stable as forward substitution.
fn inverse_lower(factors: Tensor<4>) -> Tensor<4> {
    let [runs, k, d, _] = factors.dims();
    if d == 1 {
        return factors.recip();
    }
    let half = d / 2;
    let block = |rows: std::ops::Range<usize>, columns: std::ops::Range<usize>| {
        factors.clone().slice([0..runs, 0..k, rows, columns])
    };
    let a = inverse_lower(block(0..half, 0..half));
    let b = inverse_lower(block(half..d, half..d));
    let c = b
        .clone()
        .matmul(block(half..d, 0..half))
        .matmul(a.clone())
        .neg();
    let zeros = Tensor::zeros([runs, k, half, d - half], (&a.device(), a.dtype()));
    Tensor::cat(
        vec![Tensor::cat(vec![a, zeros], 3), Tensor::cat(vec![c, b], 3)],
        2,
    )
}

/// The lower Cholesky factors of positive definite `[R, K, D, D]`, by blocks:
/// chol [A Cᵀ; C B] = [L 0; M chol(B − M Mᵀ)] with L = chol A and M = C L⁻ᵀ.
pub(crate) fn cholesky(matrices: Tensor<4>) -> Tensor<4> {
    let [runs, k, d, _] = matrices.dims();
    if d == 1 {
        return matrices.sqrt();
    }
    let half = d / 2;
    let block = |rows: std::ops::Range<usize>, columns: std::ops::Range<usize>| {
        matrices.clone().slice([0..runs, 0..k, rows, columns])
    };
    let upper = cholesky(block(0..half, 0..half));
    let inverse = inverse_lower(upper.clone());
    let corner = block(half..d, 0..half).matmul(inverse.swap_dims(2, 3));
    let rest = block(half..d, half..d) - corner.clone().matmul(corner.clone().swap_dims(2, 3));
    let lower = cholesky(rest);
    let zeros = Tensor::zeros([runs, k, half, d - half], (&upper.device(), upper.dtype()));
    Tensor::cat(
        vec![
            Tensor::cat(vec![upper, zeros], 3),
            Tensor::cat(vec![corner, lower], 3),
        ],
        2,
    )
}

fn broadcast<const N: usize>(a: [usize; N], b: [usize; N]) -> [usize; N] {
    std::array::from_fn(|i| a[i].max(b[i]))
}
