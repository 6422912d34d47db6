//! Integrals over x as expectations under the midpoint m = ½p + ½q.
//!
//! ∫ f dx = ½ E_p[f / m] + ½ E_q[f / m]. Half the points come from each side, and the ratios
//! p / m = 2 σ(r) and q / m = 2 σ(−r), with r = log p − log q, never exceed 2: no point can have a
//! weight of its own that swamps the rest (balanced multiple importance sampling, Veach and Guibas
//! 1995).

use super::{Side, Values};

/// Points from both sides.
pub(super) const SIDES: &[Side] = &[Side::Target, Side::Family];

/// log σ(r) and log σ(−r): the logarithms of ½ p / m and ½ q / m.
#[inline(always)]
pub(super) fn log_shares<V: Values>(log_p: V, log_q: V) -> [V; 2] {
    let ratio = log_p - log_q;
    [ratio.clone().log_sigmoid(), (-ratio).log_sigmoid()]
}
