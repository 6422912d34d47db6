//! Bounds of KL(p‖q) from pairs of components, in any dimension.

use super::Bracket;
use crate::calculator::approximation::upper_from;
use crate::calculator::pairs::{Pairs, log_sum_exp};
use crate::mixture::Mixture;

/// KL(p‖q) in nats lies in here whatever p and q are.
///
/// By Jensen's inequality E_f[log g] ≤ ln ∫ f g, and by the variational bound
/// E_f[log Σ_b ω_b g_b] ≥ lse_b(ln ω_b − H(f, g_b)), H being the cross-entropy; both are used on
/// log p and on log q under every component of p (Durrieu, Thiran and Kelly 2012). The upper end
/// is the least of that and the variational upper bound of Hershey and Olsen 2007; the lower is
/// never below 0.
pub(super) fn kl(p: &Mixture, q: &Mixture) -> Bracket {
    let (own, other) = (Pairs::new(p, p), Pairs::new(p, q));
    // H(f_a, g_b) = KL(f_a‖g_b) + H(f_a).
    let least = |pairs: &Pairs, a: usize| {
        let terms = pairs.log_weights.iter().zip(&pairs.kl[a]);
        log_sum_exp(terms.map(|(log, kl)| log - kl - pairs.entropies[a]))
    };
    let lower = own.mean(|a| least(&own, a) - other.log_mean_overlap(a));
    let upper = own.mean(|a| own.log_mean_overlap(a) - least(&other, a));
    Bracket {
        lower: lower.max(0.0),
        upper: upper.min(upper_from(&other)).max(0.0),
    }
}
