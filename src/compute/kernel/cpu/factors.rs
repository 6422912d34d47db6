//! The factors of a mixture, worked out once for all samples.

use super::components::{Components, factors_len};
use super::inputs::{Mixture, Scale, ShapeError, mixture_runs};
use super::low_rank;
use super::real::Real;

/// What every run's `Components` are slices of; each part has a run axis of R or 1.
#[derive(Debug, Clone)]
pub(crate) struct Factors<T> {
    components: usize,
    dim: usize,
    constants: Vec<T>,
    means: Vec<T>,
    reciprocals: Vec<T>,
    factors: Vec<T>,
    /// r, of a scale of low rank; else 0.
    rank: usize,
}

impl<T: Real> Factors<T> {
    /// Takes O(K D²) time a run: substitution needs no inverse.
    pub fn new(mixture: &Mixture<'_, T>) -> Result<Self, ShapeError> {
        let (k, dim) = (mixture.components, mixture.dim);
        let [weight_runs, _, scale_runs] = mixture_runs(mixture)?;
        let mut reciprocals = Vec::with_capacity(scale_runs * k * dim);
        let mut factors = Vec::new();
        let mut log_dets = Vec::new();
        let rank = mixture.scale.rank();
        match mixture.scale {
            // In one dimension every scale is diagonal.
            Scale::Tril(tril) if dim > 1 => {
                factors = vec![T::ZERO; tril.len()];
                for (rows, factors) in
                    (tril.chunks_exact(dim * dim)).zip(factors.chunks_exact_mut(dim * dim))
                {
                    for (i, (row, factors)) in (rows.chunks_exact(dim))
                        .zip(factors.chunks_exact_mut(dim))
                        .enumerate()
                    {
                        let reciprocal = T::ONE / row[i];
                        reciprocals.push(reciprocal);
                        for (factor, &value) in factors[..i].iter_mut().zip(row) {
                            *factor = -(value * reciprocal);
                        }
                    }
                }
            }
            Scale::Tril(stds) | Scale::Diagonal(stds) => {
                reciprocals.extend(stds.iter().map(|&std| T::ONE / std));
            }
            Scale::Isotropic(stds) => {
                for &std in stds {
                    reciprocals.extend(std::iter::repeat_n(T::ONE / std, dim));
                }
            }
            Scale::LowRank { values, rank } => {
                for rows in values.chunks_exact(dim * (1 + rank)) {
                    reciprocals.extend(rows.iter().step_by(1 + rank).map(|&std| T::ONE / std));
                    log_dets.push(low_rank::factorise(rows, rank, &mut factors));
                }
            }
        }
        let half_log_tau = 0.5 * std::f64::consts::TAU.ln();
        let log_normalizers: Vec<f64> = (reciprocals.chunks_exact(dim))
            .enumerate()
            .map(|(k, reciprocals)| {
                let log_det = log_product(reciprocals);
                // What the factors add, for a scale that has any.
                let of_factors = log_dets.get(k).copied().unwrap_or(0.0);
                log_det - of_factors - dim as f64 * half_log_tau
            })
            .collect();
        let constant_runs = if weight_runs == 1 {
            scale_runs
        } else {
            weight_runs
        };
        let constants = (0..constant_runs)
            .flat_map(|run| {
                let log_weights = &mixture.log_weights[run % weight_runs * k..][..k];
                let log_normalizers = &log_normalizers[run % scale_runs * k..][..k];
                log_weights.iter().zip(log_normalizers)
            })
            .map(|(&log_weight, &log_normalizer)| {
                if log_weight == T::NEG_INFINITY {
                    log_weight
                } else {
                    T::from_f64(log_weight.to_f64() + log_normalizer)
                }
            })
            .collect();
        Ok(Self {
            components: k,
            dim,
            constants,
            means: mixture.means.to_vec(),
            reciprocals,
            factors,
            rank,
        })
    }

    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The mixture of a run.
    pub fn run(&self, run: usize) -> Components<'_, T> {
        let (k, dim) = (self.components, self.dim);
        Components {
            dim,
            constants: of_run(&self.constants, run, k),
            means: of_run(&self.means, run, k * dim),
            reciprocals: of_run(&self.reciprocals, run, k * dim),
            factors: of_run(&self.factors, run, k * factors_len(dim, self.rank)),
            rank: self.rank,
        }
    }
}

impl Factors<f64> {
    /// In 32 bits.
    pub fn single(&self) -> Factors<f32> {
        Factors {
            components: self.components,
            dim: self.dim,
            constants: single(&self.constants),
            means: single(&self.means),
            reciprocals: single(&self.reciprocals),
            factors: single(&self.factors),
            rank: self.rank,
        }
    }
}

/// Numbers in 32 bits.
pub(crate) fn single(numbers: &[f64]) -> Vec<f32> {
    numbers.iter().map(|&number| number as f32).collect()
}

/// The part of a slice with one or R runs that belongs to a run.
pub(crate) fn of_run<T>(all: &[T], run: usize, per_run: usize) -> &[T] {
    if all.len() <= per_run {
        all
    } else {
        &all[run * per_run..][..per_run]
    }
}

/// ln of a product of positive numbers; NaN if one is negative, infinite or NaN.
fn log_product<T: Real>(factors: &[T]) -> f64 {
    factors.iter().map(|factor| factor.to_f64().ln()).sum()
}
