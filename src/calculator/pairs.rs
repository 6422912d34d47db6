//! What is known in closed form of every component of one mixture with every component of another.

use nalgebra::{Cholesky, DMatrix};
use rayon::prelude::*;

use crate::divergence::component_kl;
use crate::mixture::Mixture;

/// log Σ exp; −∞ of nothing.
pub(super) fn log_sum_exp(terms: impl Iterator<Item = f64> + Clone) -> f64 {
    let max = terms.clone().fold(f64::NEG_INFINITY, f64::max);
    if max.is_infinite() {
        return max;
    }
    max + terms.map(|term| (term - max).exp()).sum::<f64>().ln()
}

/// The components of a mixture that have weight, in an order of their own.
#[derive(Debug, Clone, Copy)]
struct Component<'a> {
    log_weight: f64,
    weight: f64,
    index: usize,
    of: &'a Mixture,
}

fn components(mixture: &Mixture) -> Vec<Component<'_>> {
    (mixture.weights().iter().enumerate())
        .filter(|(_, weight)| **weight > 0.0)
        .map(|(index, &weight)| Component {
            log_weight: weight.ln(),
            weight,
            index,
            of: mixture,
        })
        .collect()
}

/// Of every component f_a of p, with weights π, and every component g_b of q, with weights ω.
/// Components without weight are left out.
#[derive(Debug, Clone)]
pub(super) struct Pairs {
    /// π_a.
    pub weights: Vec<f64>,
    /// ln ω_b.
    pub log_weights: Vec<f64>,
    /// KL(f_a‖g_b) in nats, a list of b for each a.
    pub kl: Vec<Vec<f64>>,
    /// The entropy of f_a in nats.
    pub entropies: Vec<f64>,
    /// ln ∫ f_a g_b.
    pub log_overlaps: Vec<Vec<f64>>,
}

impl Pairs {
    /// About how many multiplications all pairs of two mixtures are.
    pub fn work(p: &Mixture, q: &Mixture) -> f64 {
        let dim = p.dim() as f64;
        (p.components() * q.components()) as f64 * dim * dim * (dim + 10.0)
    }

    /// Works all of them out.
    pub fn new(p: &Mixture, q: &Mixture) -> Self {
        let (of_p, of_q) = (components(p), components(q));
        let rows: Vec<(Vec<f64>, Vec<f64>)> = (of_p.par_iter())
            .map(|f| {
                (of_q.iter())
                    .map(|g| {
                        (
                            component_kl((f.of, f.index), (g.of, g.index)),
                            log_overlap(f, g),
                        )
                    })
                    .unzip()
            })
            .collect();
        let (kl, log_overlaps) = rows.into_iter().unzip();
        Self {
            weights: of_p.iter().map(|f| f.weight).collect(),
            log_weights: of_q.iter().map(|g| g.log_weight).collect(),
            kl,
            entropies: of_p.iter().map(entropy).collect(),
            log_overlaps,
        }
    }

    /// Σ_a π_a times what `of` gives of each a.
    pub fn mean(&self, of: impl Fn(usize) -> f64) -> f64 {
        (self.weights.iter().enumerate())
            .map(|(a, weight)| weight * of(a))
            .sum()
    }

    /// lse_b(ln ω_b − KL(f_a‖g_b)).
    pub fn log_mean_exp_kl(&self, a: usize) -> f64 {
        log_sum_exp((self.log_weights.iter().zip(&self.kl[a])).map(|(log, kl)| log - kl))
    }

    /// ln Σ_b ω_b ∫ f_a g_b.
    pub fn log_mean_overlap(&self, a: usize) -> f64 {
        log_sum_exp((self.log_weights.iter().zip(&self.log_overlaps[a])).map(|(log, o)| log + o))
    }
}

/// ½ ln |2πe Σ|.
fn entropy(f: &Component) -> f64 {
    let factor = &f.of.scale_trils()[f.index];
    let log_det: f64 = factor.diagonal().iter().map(|l| l.ln()).sum();
    log_det + 0.5 * factor.nrows() as f64 * (std::f64::consts::TAU.ln() + 1.0)
}

/// ln N(μ_f; μ_g, Σ_f + Σ_g).
fn log_overlap(f: &Component, g: &Component) -> f64 {
    let sum: DMatrix<f64> = f.of.component_covariance(f.index) + g.of.component_covariance(g.index);
    let offset = &f.of.means()[f.index] - &g.of.means()[g.index];
    let dim = offset.len() as f64;
    let Some(factor) = Cholesky::new(sum).map(Cholesky::unpack) else {
        return f64::NAN;
    };
    let squared = (factor.solve_lower_triangular(&offset)).map_or(f64::NAN, |z| z.norm_squared());
    let log_det: f64 = factor.diagonal().iter().map(|l| l.ln()).sum();
    -0.5 * squared - log_det - 0.5 * dim * std::f64::consts::TAU.ln()
}
