//! The one hot operation: the log-density of a mixture of Gaussians, on the run axis.

mod bins;
pub mod cpu;
#[cfg(feature = "gpu")]
mod cube;
mod engine;
mod formula;
mod fused;
mod mixture;
mod resident;

use burn::tensor::{DType, Device, Int, Tensor, s};

use crate::compute::device::Numerics;
use cpu::Expectation;
use fused::Form;

pub use bins::{Bins, Interval, Legendre, MOST_BIN_DIM};
pub(crate) use engine::Engine;
pub use formula::{Formula, Step};
pub use mixture::{MixtureTensors, ScaleTensor, log_densities};
pub(crate) use mixture::{prepared, written};
pub use resident::Resident;

/// Places on an axis as a tensor.
pub(crate) fn indices(places: &[usize], device: &Device) -> Tensor<1, Int> {
    let places: Vec<i32> = places.iter().map(|&place| place as i32).collect();
    Tensor::from_data(places.as_slice(), device)
}

/// log Σₖ wₖ N(x; μₖ, Lₖ Lₖᵀ) in nats.
///
/// `x` is `[R, S, D]`; either side may have R = 1 and is broadcast. The result is `[R, S]`.
pub fn log_density(x: Tensor<3>, mixture: &MixtureTensors) -> Tensor<2> {
    let form = match mixture.scale {
        ScaleTensor::Tril(_) => Form::Tril,
        ScaleTensor::Diagonal(_) => Form::Diagonal,
        ScaleTensor::LowRank(_) => Form::LowRank,
    };
    if fused::is_supported(&x, &mixture.log_weights, form) {
        let (log_weights, means) = (mixture.log_weights.clone(), mixture.means.clone());
        return match mixture.scale.clone() {
            ScaleTensor::Tril(scale) | ScaleTensor::LowRank(scale) => {
                fused::log_density(x, log_weights, means, scale, form)
            }
            ScaleTensor::Diagonal(scale) => fused::log_density(x, log_weights, means, scale, form),
        };
    }
    log_density_by_operations(x, mixture)
}

/// Whether the device has [`expectation`]: the CPU in 64 bits does.
pub(crate) fn has_expectation(numerics: &Numerics) -> bool {
    numerics.dtype() == DType::F64 && fused::is_on_host(numerics.device())
}

/// Whether the numbers of tensors are in the memory of this process, to be read at no cost.
pub(crate) fn is_on_host(numerics: &Numerics) -> bool {
    fused::is_on_host(numerics.device())
}

/// Σ w f(log p, log q) of R mixtures q, `[R]`, on a device that [has](has_expectation) it.
pub(crate) fn expectation(q: &MixtureTensors, what: Expectation<'_>) -> Tensor<1> {
    let (log_weights, means) = (q.log_weights.clone(), q.means.clone());
    match q.scale.clone() {
        ScaleTensor::Tril(scale) => fused::expectation(log_weights, means, scale, Form::Tril, what),
        ScaleTensor::Diagonal(scale) => {
            fused::expectation(log_weights, means, scale, Form::Diagonal, what)
        }
        ScaleTensor::LowRank(scale) => {
            fused::expectation(log_weights, means, scale, Form::LowRank, what)
        }
    }
}

/// As [`log_density`], in plain operations of burn: what backends without a kernel do, and what the
/// kernel is compared with.
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
    let [_, k, _] = mixture.dims();
    let scale = match mixture.scale.clone() {
        scale @ (ScaleTensor::Diagonal(_) | ScaleTensor::Tril(_)) => scale,
        low_rank @ ScaleTensor::LowRank(_) => ScaleTensor::Tril(low_rank.tril()),
    };
    let z = standardized(x, mixture.means.clone(), scale.clone());
    let [runs, _, points, _] = z.dims();
    let log_det = match scale {
        ScaleTensor::Diagonal(stds) => stds.log().sum_dim(2),
        scale => diagonal(scale.tril()).log().sum_dim(2),
    };
    // [R, K, S] and [R, K, 1].
    let squared = z.square().sum_dim(3).reshape([runs, k, points]);
    let [scale_runs, ..] = log_det.dims();
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

/// The Euclidean norm of a vector, also where squares would overflow.
pub(crate) fn norm(vector: &[f64]) -> f64 {
    let largest = vector
        .iter()
        .fold(0.0, |largest: f64, x| largest.max(x.abs()));
    let divisor = if largest == 0.0 { 1.0 } else { largest };
    let squares: f64 = vector.iter().map(|x| (x / divisor) * (x / divisor)).sum();
    squares.sqrt() * largest
}

/// The diagonals of `[R, K, D, D]`, as `[R, K, D]`.
fn diagonal(matrices: Tensor<4>) -> Tensor<3> {
    let [runs, k, d, _] = matrices.dims();
    matrices
        .reshape([runs, k, d * d])
        .slice(s![.., .., ..;(d as isize + 1)])
}

/// Lₖ⁻¹ (x − μₖ) `[R, K, S, D]` of points `[R, S, D]`; either side may have R = 1.
pub(crate) fn standardized(x: Tensor<3>, means: Tensor<3>, scale: ScaleTensor) -> Tensor<4> {
    let offset = x.unsqueeze_dim::<4>(1) - means.unsqueeze_dim::<4>(2);
    match scale {
        ScaleTensor::Diagonal(stds) => offset / stds.unsqueeze_dim::<4>(2),
        scale => offset.matmul(inverse_lower(scale.tril()).swap_dims(2, 3)),
    }
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
