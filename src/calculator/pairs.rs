//! What is known in closed form of every component of one mixture with every component of another.

use rayon::prelude::*;

use crate::divergence::{Estimate, Factored};
use crate::mixture::{Mixture, log_sum_exp};

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
    /// What those are off by at most.
    pub kl_errors: Vec<Vec<f64>>,
    /// The entropy of f_a in nats.
    pub entropies: Vec<f64>,
    /// What those are off by at most.
    pub entropy_errors: Vec<f64>,
    /// ln ∫ f_a g_b.
    pub log_overlaps: Vec<Vec<f64>>,
    /// What those are off by at most.
    overlap_errors: Vec<Vec<f64>>,
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
        let row = |(_, f): &(f64, Factored)| -> Vec<[Estimate; 2]> {
            let of_pair = |g: &Factored| {
                let whitened = f.whitened_by(g);
                [f.kl(&whitened, g), f.log_overlap(&whitened, g)]
            };
            of_q.iter().map(|(_, g)| of_pair(g)).collect()
        };
        let rows: Vec<Vec<[Estimate; 2]>> = of_p.par_iter().map(row).collect();
        let each = |of: fn(&[Estimate; 2]) -> f64| -> Vec<Vec<f64>> {
            rows.iter()
                .map(|row| row.iter().map(of).collect())
                .collect()
        };
        Self {
            weights: of_p.iter().map(|(weight, _)| *weight).collect(),
            log_weights: of_q.iter().map(|(weight, _)| weight.ln()).collect(),
            kl: each(|[kl, _]| kl.value),
            kl_errors: each(|[kl, _]| kl.error),
            entropies: of_p.iter().map(|(_, f)| f.entropy()).collect(),
            entropy_errors: of_p.iter().map(|(_, f)| f.entropy_error()).collect(),
            log_overlaps: each(|[_, overlap]| overlap.value),
            overlap_errors: each(|[_, overlap]| overlap.error),
        }
    }

    /// Σ_a π_a times what `of` gives of each a.
    pub fn mean(&self, of: impl Fn(usize) -> f64) -> f64 {
        (self.weights.iter().enumerate())
            .map(|(a, weight)| weight * of(a))
            .sum()
    }

    /// What Σ_a π_a of either log-sum-exp below is off by at most.
    ///
    /// It is convex: it rises at least as much where every term does so by its error as it falls
    /// where every term does.
    pub fn error(&self) -> f64 {
        let rise = |a: usize, sign: f64, terms: &[Vec<f64>], errors: &[Vec<f64>]| {
            let terms =
                (self.log_weights.iter().zip(&terms[a])).map(|(log, term)| log + sign * term);
            // What is beyond the range of numbers has no share in the sum.
            let raised = (terms.clone().zip(&errors[a]))
                .filter(|(term, _)| *term != f64::NEG_INFINITY)
                .map(|(term, error)| term + error);
            match log_sum_exp(terms) {
                f64::NEG_INFINITY => 0.0,
                sum => log_sum_exp(raised) - sum,
            }
        };
        self.mean(|a| {
            let of_kl = rise(a, -1.0, &self.kl, &self.kl_errors);
            let of_overlaps = rise(a, 1.0, &self.log_overlaps, &self.overlap_errors);
            of_kl + of_overlaps
        })
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
