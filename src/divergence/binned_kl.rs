//! Forward KL between the probabilities of bins: Σ s log(s / ∫ q), with s the share of a bin.
//!
//! It is what is left of forward KL where p is known by counts of bins alone. Beside it the cross-entropy of
//! grouped data, −Σ s log ∫ q, has the entropy of the shares, which does not depend on q: gradients and minimiser
//! are those of the largest likelihood of the counts (Kullback and Leibler 1951; Rao 1973, §5d). It is at most the
//! forward KL of the densities: what happens inside a bin adds nothing.

use super::{Certified, Divergence, Integrand, Names, Side, Values};
use crate::density::target::Tails;

/// KL between bins, in nats.
#[derive(Debug, Clone, Copy)]
pub struct BinnedKl;

impl Integrand for BinnedKl {
    #[inline(always)]
    fn value<V: Values>(&self, _: Side, log_p: V, log_q: V) -> V {
        log_p - log_q
    }
}

impl Divergence for BinnedKl {
    fn names(&self) -> Names {
        Names::new("binned-kl", "forward KL between bins", "KL(p‖q) of bins")
    }

    fn is_for_configs(&self) -> bool {
        false
    }

    fn sides(&self) -> &'static [Side] {
        &[Side::Target]
    }

    fn exchanged(&self) -> Option<String> {
        None
    }

    /// A bin has a mass under every q.
    fn infinite_for(&self, _: Tails) -> Option<&'static str> {
        None
    }

    fn certified(&self) -> Option<Certified> {
        None
    }

    fn averages_logs(&self) -> bool {
        true
    }
}
