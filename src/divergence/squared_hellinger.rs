//! Squared Hellinger: H²(p, q) = ½ ∫ (√p − √q)² dx = 1 − ∫ √(p q) dx, between 0 and 1 (Hellinger
//! 1909).

use std::ops::RangeInclusive;

use super::midpoint::{SIDES, log_shares};
use super::power::{Power, PowerFunction};
use super::tails;
use super::{Certified, Divergence, Estimate, Integrand, Names, Side, Values, power_excess};
use crate::density::target::Tails;
use crate::mixture::Mixture;

/// H²(p, q).
#[derive(Debug, Clone, Copy)]
pub struct SquaredHellinger;

impl Integrand for SquaredHellinger {
    #[inline(always)]
    fn value<V: Values>(&self, _: Side, log_p: V, log_q: V) -> V {
        let [p, q] = log_shares(log_p, log_q);
        ((p * 0.5).exp() - (q * 0.5).exp()).square() * 0.5
    }
}

impl Divergence for SquaredHellinger {
    fn names(&self) -> Names {
        Names::new("squared-hellinger", "squared Hellinger", "H²(p, q)").without_unit()
    }

    fn sides(&self) -> &'static [Side] {
        SIDES
    }

    fn exchanged(&self) -> Option<String> {
        Some(self.names().file)
    }

    fn infinite_for(&self, tails: Tails) -> Option<&'static str> {
        tails::no_power(0.5, tails)
    }

    fn certified(&self) -> Option<Certified> {
        // It is a quarter of D_½.
        Some(Certified::Amari {
            order: 0.5,
            times: 0.25,
            most: Some(1.0),
        })
    }

    fn power(&self) -> Option<Power> {
        Some(Power {
            order: 0.5,
            scale: -1.0,
            of: PowerFunction::Excess { divisor: -1.0 },
            cancellation: 0.0,
        })
    }

    fn range(&self) -> RangeInclusive<f64> {
        0.0..=1.0
    }

    fn closed_form(&self, p: &Mixture, q: &Mixture) -> Option<Estimate> {
        power_excess(p, q, 0.5, -1.0)
    }
}
