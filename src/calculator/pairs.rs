//! What is known in closed form of every component of one mixture with every component of another.

use rayon::prelude::*;

use crate::divergence::{Estimate, Factored};
use crate::mixture::Mixture;

/// log Σ exp; −∞ of nothing.
pub(super) fn log_sum_exp(terms: impl Iterator<Item = f64> + Clone) -> f64 {
    let max = terms.clone().fold(f64::NEG_INFINITY, f64::max);
    if max.is_infinite() {
        return max;
    }
    max + terms.map(|term| (term - max).exp()).sum::<f64>().ln()
}

/// The components of a mixture that have weight, with their weights.
fn components(mixture: &Mixture) -> Vec<(f64, Factored<'_>)> {
    (mixture.weights().par_iter().enumerate())
        .filter(|(_, weight)| **weight > 0.0)
        .map(|(k, &weight)| (weight, Factored::new(mixture, k)))
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
    /// Of each a, what the worst of its numbers is off by at most.
    pub errors: Vec<f64>,
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
        let row = |(_, f): &(f64, Factored)| {
            let mut worst = 0.0_f64;
            // NaN is no less than any.
            let mut known = |found: Estimate| {
                worst = if found.error <= worst {
                    worst
                } else {
                    found.error
                };
                found.value
            };
            let (kl, log_overlaps): (Vec<f64>, Vec<f64>) = (of_q.iter())
                .map(|(_, g)| {
                    let whitened = f.beside(g);
                    (
                        known(f.kl(&whitened, g)),
                        known(f.log_overlap(&whitened, g)),
                    )
                })
                .unzip();
            (kl, (log_overlaps, worst))
        };
        let rows: Vec<(Vec<f64>, (Vec<f64>, f64))> = of_p.par_iter().map(row).collect();
        let (kl, rest): (_, Vec<_>) = rows.into_iter().unzip();
        let (log_overlaps, errors) = rest.into_iter().unzip();
        Self {
            weights: of_p.iter().map(|(weight, _)| *weight).collect(),
            log_weights: of_q.iter().map(|(weight, _)| weight.ln()).collect(),
            kl,
            entropies: of_p.iter().map(|(_, f)| f.entropy()).collect(),
            log_overlaps,
            errors,
        }
    }

    /// Σ_a π_a times what `of` gives of each a.
    pub fn mean(&self, of: impl Fn(usize) -> f64) -> f64 {
        (self.weights.iter().enumerate())
            .map(|(a, weight)| weight * of(a))
            .sum()
    }

    /// What a mean over the components is off by where each of its terms is so by an error of a pair.
    pub fn error(&self) -> f64 {
        self.mean(|a| self.errors[a])
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
