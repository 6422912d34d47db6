//! Bounds of KL(p‖q) from pairs of components, in any dimension.

use super::Bracket;
use crate::calculator::approximation::upper_from;
use crate::calculator::pairs::Pairs;
use crate::mixture::{Mixture, log_sum_exp};

/// Sums and factors are taken to be within this many units of their size, for each dimension.
const ROUNDING: f64 = 64.0 * f64::EPSILON;

/// KL(p‖q) in nats lies in here whatever p and q are.
///
/// By Jensen's inequality E_f[log g] ≤ ln ∫ f g, and by the variational bound
/// E_f[log Σ_b ω_b g_b] ≥ lse_b(ln ω_b − H(f, g_b)), H being the cross-entropy; both are used on
/// log p and on log q under every component of p (Durrieu, Thiran and Kelly 2012). The upper end
/// is the least of that and the variational upper bound of Hershey and Olsen 2007; the lower is
/// never below 0. What the numbers of the pairs are off by widens both.
pub(super) fn kl(p: &Mixture, q: &Mixture) -> Bracket {
    let (own, other) = (Pairs::new(p, p), Pairs::new(p, q));
    // H(f_a, g_b) = KL(f_a‖g_b) + H(f_a).
    let least = |pairs: &Pairs, a: usize| {
        let terms = pairs.log_weights.iter().zip(&pairs.kl[a]);
        log_sum_exp(terms.map(|(log, kl)| log - kl - pairs.entropies[a]))
    };
    let ends = |least: f64, greatest: f64| [least, greatest];
    let terms: Vec<[[f64; 2]; 2]> = (0..own.weights.len())
        .map(|a| {
            [
                ends(least(&own, a), own.log_mean_overlap(a)),
                ends(least(&other, a), other.log_mean_overlap(a)),
            ]
        })
        .collect();
    let lower = own.mean(|a| terms[a][0][0] - terms[a][1][1]);
    let upper = own.mean(|a| terms[a][0][1] - terms[a][1][0]);
    // Every term is rounded, and more so in more dimensions.
    let size = own.mean(|a| terms[a].iter().flatten().map(|term| term.abs()).sum());
    let slack = ROUNDING * p.dim() as f64 * (1.0 + size) + own.error() + other.error();
    let by_variation = upper_from(&other);
    Bracket {
        lower: (lower - slack).max(0.0),
        upper: (upper + slack).min(by_variation + slack).max(0.0),
    }
}
