//! Cross-entropy: H(p, q) = −E_p[log q], forward KL without the entropy of p (Shannon 1948).
//!
//! It is what is left of forward KL where p is known by its draws alone: it has the same gradients
//! and the same minimiser, and minus it is the mean log-likelihood of a row.

use std::ops::RangeInclusive;

use super::tails::no_variance;
use super::{Certified, Divergence, Integrand, Names, Side, Values};
use crate::density::target::Tails;

/// H(p, q) in nats.
#[derive(Debug, Clone, Copy)]
pub struct CrossEntropy;

impl Integrand for CrossEntropy {
    #[inline(always)]
    fn value<V: Values>(&self, _: Side, _: V, log_q: V) -> V {
        -log_q
    }
}

impl Divergence for CrossEntropy {
    fn names(&self) -> Names {
        Names::new("cross-entropy", "cross-entropy", "H(p, q)")
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

    fn infinite_for(&self, tails: Tails) -> Option<&'static str> {
        no_variance(tails)
    }

    fn certified(&self) -> Option<Certified> {
        None
    }

    fn averages_logs(&self) -> bool {
        true
    }

    fn range(&self) -> RangeInclusive<f64> {
        f64::NEG_INFINITY..=f64::INFINITY
    }
}
