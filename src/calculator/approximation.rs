//! The approximations of the literature to KL(p‖q) between mixtures, each without integration.
//!
//! Only one of them is a bound. The others can be on either side of the truth, and two of them can
//! be negative (Hershey and Olsen 2007).

use nalgebra::SymmetricEigen;

use super::pairs::Pairs;
use crate::mixture::{Mixture, log_sum_exp};

/// The change of the variational upper bound at rest, in nats.
const AT_REST: f64 = 1e-13;
/// Its rounds at least and at most, and the most terms in all of them.
const ROUNDS: (usize, usize) = (20, 10_000);
const TERMS: usize = 100_000_000;

/// An approximation to KL(p‖q) in nats.
pub(super) type Approximation = fn(&Mixture, &Mixture) -> f64;

/// Averages log p − log q over 2D sigma points of every component of p: μ ± √(D λᵢ) eᵢ, of
/// the eigenvalues and eigenvectors of its covariance (Goldberger, Gordon and Greenspan 2003).
/// Exact where log q is quadratic.
pub(super) fn unscented(p: &Mixture, q: &Mixture) -> f64 {
    let dim = p.dim();
    let of_component = |a: usize| {
        let eigen = SymmetricEigen::new(p.component_covariance(a));
        let mean = &p.means()[a];
        let at = |i: usize, sign: f64| {
            let reach = sign * (dim as f64 * eigen.eigenvalues[i].max(0.0)).sqrt();
            let x = mean + eigen.eigenvectors.column(i) * reach;
            p.log_density(x.as_slice()) - q.log_density(x.as_slice())
        };
        (0..dim).map(|i| at(i, 1.0) + at(i, -1.0)).sum::<f64>() / (2 * dim) as f64
    };
    (p.weights().iter().enumerate())
        .filter(|(_, weight)| **weight > 0.0)
        .map(|(a, weight)| weight * of_component(a))
        .sum()
}

/// Σ_a π_a ln( Σ_a′ π_a′ ∫ f_a f_a′ / Σ_b ω_b ∫ f_a g_b ) (Hershey and Olsen 2007, §4).
pub(super) fn product(p: &Mixture, q: &Mixture) -> f64 {
    let (own, other) = (Pairs::new(p, p), Pairs::new(p, q));
    own.mean(|a| own.log_mean_overlap(a) - other.log_mean_overlap(a))
}

/// Σ_a π_a ln( Σ_a′ π_a′ e^(−KL(f_a‖f_a′)) / Σ_b ω_b e^(−KL(f_a‖g_b)) ) (Hershey and Olsen 2007, §7).
pub(super) fn variational(p: &Mixture, q: &Mixture) -> f64 {
    let (own, other) = (Pairs::new(p, p), Pairs::new(p, q));
    own.mean(|a| own.log_mean_exp_kl(a) - other.log_mean_exp_kl(a))
}

/// Every component of p matched with one of q: Σ_a π_a min_b ( KL(f_a‖g_b) + ln(π_a/ω_b) )
/// (Goldberger, Gordon and Greenspan 2003).
pub(super) fn goldberger(p: &Mixture, q: &Mixture) -> f64 {
    let pairs = Pairs::new(p, q);
    pairs.mean(|a| {
        let matched = (pairs.kl[a].iter().zip(&pairs.log_weights))
            .map(|(kl, log_weight)| kl - log_weight)
            .fold(f64::INFINITY, f64::min);
        matched + pairs.weights[a].ln()
    })
}

/// The least of Σ_ab φ_ab ( ln(φ_ab/ψ_ab) + KL(f_a‖g_b) ) over φ ≥ 0 with Σ_b φ_ab = π_a and ψ ≥ 0
/// with Σ_a ψ_ab = ω_b: an upper bound of KL(p‖q) by convexity (Hershey and Olsen 2007, §8).
///
/// φ and ψ are chosen in turns until the bound rests; it holds wherever they are left.
pub(super) fn variational_upper(p: &Mixture, q: &Mixture) -> f64 {
    upper_from(&Pairs::new(p, q))
}

/// As [`variational_upper`], from the pairs of p and q.
pub(super) fn upper_from(pairs: &Pairs) -> f64 {
    let (rows, columns) = (pairs.weights.len(), pairs.log_weights.len());
    // ln φ_ab, from the product of the weights.
    let mut log_phi: Vec<Vec<f64>> = (pairs.weights.iter())
        .map(|weight| {
            (pairs.log_weights.iter())
                .map(|log| weight.ln() + log)
                .collect()
        })
        .collect();
    let mut bound = f64::INFINITY;
    let rounds = (TERMS / (rows * columns).max(1)).clamp(ROUNDS.0, ROUNDS.1);
    for _ in 0..rounds {
        let totals: Vec<f64> = (0..columns)
            .map(|b| log_sum_exp((0..rows).map(|a| log_phi[a][b])))
            .collect();
        let mut next = 0.0;
        for (a, log_phi) in log_phi.iter_mut().enumerate() {
            // ln(ψ_ab e^(−KL)), where ψ_ab = ω_b φ_ab / Σ_a φ_ab; φ_ab follows it. A column that no
            // row uses any more has no share to give.
            for (b, log_phi) in log_phi.iter_mut().enumerate() {
                let share = if totals[b] == f64::NEG_INFINITY {
                    f64::NEG_INFINITY
                } else {
                    *log_phi - totals[b]
                };
                // The greatest KL it may be, so that the bound is one.
                let kl = pairs.kl[a][b] + pairs.kl_errors[a][b];
                *log_phi = pairs.log_weights[b] + share - kl;
            }
            let total = log_sum_exp(log_phi.iter().copied());
            let log_weight = pairs.weights[a].ln();
            log_phi
                .iter_mut()
                .for_each(|entry| *entry += log_weight - total);
            // With this φ the sum over b is π_a (ln π_a − ln Σ_b ψ_ab e^(−KL)).
            next += pairs.weights[a] * (log_weight - total);
        }
        let rests = bound - next <= AT_REST * next.abs().max(1.0);
        bound = bound.min(next);
        if rests {
            break;
        }
    }
    bound
}
