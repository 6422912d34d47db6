//! Reverse KL to a power of p, but for its constant: E_q[log q − β log p].

use super::{Certified, Divergence, Integrand, Names, ReverseKl, Side, Values};
use crate::density::target::Tails;

/// What is minimised while β rises to 1; no config names it by itself.
#[derive(Debug, Clone, Copy)]
pub struct AnnealedReverseKl {
    /// β.
    pub beta: f64,
}

impl Integrand for AnnealedReverseKl {
    #[inline(always)]
    fn value<V: Values>(&self, _: Side, log_p: V, log_q: V) -> V {
        log_q - log_p * self.beta
    }
}

impl Divergence for AnnealedReverseKl {
    fn names(&self) -> Names {
        ReverseKl.names()
    }

    fn is_for_configs(&self) -> bool {
        false
    }

    fn sides(&self) -> &'static [Side] {
        ReverseKl.sides()
    }

    fn exchanged(&self) -> Option<String> {
        None
    }

    fn infinite_for(&self, tails: Tails) -> Option<&'static str> {
        ReverseKl.infinite_for(tails)
    }

    fn certified(&self) -> Option<Certified> {
        None
    }

    fn averages_logs(&self) -> bool {
        true
    }
}
