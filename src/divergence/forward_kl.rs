//! Forward KL, inclusive and mass-covering: KL(p‖q) = E_p[log p − log q] (Kullback and Leibler 1951).

use super::tails::no_variance;
use super::{Certified, Divergence, Estimate, Integrand, Names, Side, Values, gaussian_kl};
use crate::density::target::Tails;
use crate::mixture::Mixture;

/// KL(p‖q) in nats.
#[derive(Debug, Clone, Copy)]
pub struct ForwardKl;

impl Integrand for ForwardKl {
    #[inline(always)]
    fn value<V: Values>(&self, _: Side, log_p: V, log_q: V) -> V {
        log_p - log_q
    }
}

impl Divergence for ForwardKl {
    fn names(&self) -> Names {
        Names::new("forward-kl", "forward KL", "KL(p‖q)")
    }

    fn sides(&self) -> &'static [Side] {
        &[Side::Target]
    }

    fn exchanged(&self) -> Option<String> {
        Some("reverse-kl".to_owned())
    }

    fn infinite_for(&self, tails: Tails) -> Option<&'static str> {
        no_variance(tails)
    }

    fn certified(&self) -> Option<Certified> {
        Some(Certified::Kl)
    }

    fn averages_logs(&self) -> bool {
        true
    }

    fn closed_form(&self, p: &Mixture, q: &Mixture) -> Option<Estimate> {
        gaussian_kl(p, q)
    }
}
