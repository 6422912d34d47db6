//! χ² (Pearson's): χ²(p‖q) = ∫ (p − q)² / q dx = ∫ p² / q dx − 1 (Pearson 1900).
//!
//! It is the variance of the importance weights p / q under q, so minimising it makes q the best
//! proposal for p (Dieng et al. 2017). It is infinite where p² / q does not fall off.

use super::midpoint::SIDES;
use super::power::{Power, PowerFunction};
use super::tails;
use super::{
    Certified, Divergence, Estimate, Integrand, Names, Side, Values, power_excess,
    power_integral_diverges,
};
use crate::density::target::Tails;
use crate::mixture::Mixture;

/// χ²(p‖q).
#[derive(Debug, Clone, Copy)]
pub struct Chi2;

impl Integrand for Chi2 {
    #[inline(always)]
    fn value<V: Values>(&self, _: Side, log_p: V, log_q: V) -> V {
        // ½ (p − q)² / (q m) = tanh²(r / 2) (1 + p / q), r = log p − log q.
        let ratio = log_p - log_q;
        (ratio.clone() * 0.5).tanh().square() * (ratio.exp() + 1.0)
    }
}

impl Divergence for Chi2 {
    fn names(&self) -> Names {
        Names::new("chi2", "χ²", "χ²(p‖q)").without_unit()
    }

    fn sides(&self) -> &'static [Side] {
        SIDES
    }

    fn exchanged(&self) -> Option<String> {
        None
    }

    fn infinite_for(&self, tails: Tails) -> Option<&'static str> {
        tails::no_power(2.0, tails)
    }

    fn certified(&self) -> Option<Certified> {
        // It is twice D_2.
        Some(Certified::Amari {
            order: 2.0,
            times: 2.0,
            most: None,
        })
    }

    fn power(&self) -> Option<Power> {
        Some(Power {
            order: 2.0,
            scale: 1.0,
            of: PowerFunction::Excess { divisor: 1.0 },
            cancellation: 0.0,
        })
    }

    fn closed_form(&self, p: &Mixture, q: &Mixture) -> Option<Estimate> {
        if power_integral_diverges(p, q, 2.0) {
            return Some(Estimate::exact(f64::INFINITY));
        }
        power_excess(p, q, 2.0, 1.0)
    }
}
