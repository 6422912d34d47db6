//! Jeffreys: KL(p‖q) + KL(q‖p), the symmetric sum (Jeffreys 1946).

use super::tails::no_variance;
use super::{Certified, Divergence, Estimate, Integrand, Names, Side, Values, gaussian_kl};
use crate::density::target::Tails;
use crate::mixture::Mixture;

/// J(p, q) in nats.
#[derive(Debug, Clone, Copy)]
pub struct Jeffreys;

impl Integrand for Jeffreys {
    #[inline(always)]
    fn value<V: Values>(&self, side: Side, log_p: V, log_q: V) -> V {
        match side {
            Side::Target => log_p - log_q,
            Side::Family => log_q - log_p,
        }
    }
}

impl Divergence for Jeffreys {
    fn names(&self) -> Names {
        Names::new("jeffreys", "Jeffreys", "J(p, q)")
    }

    fn sides(&self) -> &'static [Side] {
        &[Side::Target, Side::Family]
    }

    fn exchanged(&self) -> Option<String> {
        Some(self.names().file)
    }

    fn infinite_for(&self, tails: Tails) -> Option<&'static str> {
        no_variance(tails)
    }

    fn certified(&self) -> Option<Certified> {
        Some(Certified::Jeffreys)
    }

    fn averages_logs(&self) -> bool {
        true
    }

    fn closed_form(&self, p: &Mixture, q: &Mixture) -> Option<Estimate> {
        let (forward, reverse) = (gaussian_kl(p, q)?, gaussian_kl(q, p)?);
        let error = forward.error + reverse.error;
        Some(Estimate { error, ..forward }.map(forward.value + reverse.value, 1.0))
    }
}
