//! Reverse KL, exclusive and mode-seeking: KL(q‖p) = E_q[log q − log p] (Kullback and Leibler 1951).

use super::{Certified, Divergence, Estimate, Integrand, Names, Side, Values, gaussian_kl};
use crate::density::target::Tails;
use crate::mixture::Mixture;

/// KL(q‖p) in nats.
#[derive(Debug, Clone, Copy)]
pub struct ReverseKl;

impl Integrand for ReverseKl {
    #[inline(always)]
    fn value<V: Values>(&self, _: Side, log_p: V, log_q: V) -> V {
        log_q - log_p
    }
}

impl Divergence for ReverseKl {
    fn names(&self) -> Names {
        Names::new("reverse-kl", "reverse KL", "KL(q‖p)")
    }

    fn sides(&self) -> &'static [Side] {
        &[Side::Family]
    }

    fn exchanged(&self) -> Option<String> {
        Some("forward-kl".to_owned())
    }

    fn infinite_for(&self, _: Tails) -> Option<&'static str> {
        None
    }

    fn certified(&self) -> Option<Certified> {
        Some(Certified::ExchangedKl)
    }

    fn averages_logs(&self) -> bool {
        true
    }

    fn closed_form(&self, p: &Mixture, q: &Mixture) -> Option<Estimate> {
        gaussian_kl(q, p)
    }
}
