//! Amari's α-divergences: D_α(p‖q) = (1 − ∫ p^α q^(1−α) dx) / (α (1 − α)) (Amari 1985, in the
//! convention of Minka 2005).
//!
//! α → 1 is KL(p‖q) and α → 0 is KL(q‖p); ½ is four times the squared Hellinger distance, 2 is half
//! of χ²(p‖q) and −1 half of χ²(q‖p). The larger α, the more q covers p.

use std::ops::RangeInclusive;

use super::midpoint::{SIDES, log_shares};
use super::power::{Power, PowerFunction};
use super::tails;
use super::{
    Certified, Divergence, Estimate, Integrand, Names, Order, Side, Values, power_excess,
    power_integral_diverges,
};
use crate::density::target::Tails;
use crate::mixture::Mixture;

/// D_α(p‖q), for α other than 0 and 1.
#[derive(Debug, Clone, Copy)]
pub struct Alpha(pub Order);

impl Integrand for Alpha {
    #[inline(always)]
    fn value<V: Values>(&self, _: Side, log_p: V, log_q: V) -> V {
        let alpha = self.0.value();
        let [p, q] = log_shares(log_p, log_q);
        // α p + (1 − α) q integrates to 1. It stands for the 1 here, so that no term is negative
        // and all are 0 where p = q.
        let mean = p.clone().exp() * alpha + q.clone().exp() * (1.0 - alpha);
        let power = (p * alpha + q * (1.0 - alpha)).exp();
        (mean - power) * (1.0 / (alpha * (1.0 - alpha)))
    }
}

impl Divergence for Alpha {
    fn names(&self) -> Names {
        let order = self.0;
        Names::new(
            "alpha",
            format!("Amari α = {order}"),
            format!("D[{order}](p‖q)"),
        )
        .with_order(order)
        .without_unit()
    }

    fn order_refused(&self) -> Option<&'static str> {
        match self.0.value() {
            1.0 => Some("order 1 is forward KL: divergence = \"forward-kl\""),
            0.0 => Some("order 0 is reverse KL: divergence = \"reverse-kl\""),
            _ => None,
        }
    }

    fn sides(&self) -> &'static [Side] {
        SIDES
    }

    fn exchanged(&self) -> Option<String> {
        Some(format!("alpha-{}", 1.0 - self.0.value()))
    }

    fn infinite_for(&self, tails: Tails) -> Option<&'static str> {
        tails::no_power(self.0.value(), tails)
    }

    fn certified(&self) -> Option<Certified> {
        Some(Certified::Amari {
            order: self.0.value(),
            times: 1.0,
            most: None,
        })
    }

    fn power(&self) -> Option<Power> {
        let alpha = self.0.value();
        Some(Power {
            order: alpha,
            scale: 1.0 / (alpha * (alpha - 1.0)),
            of: PowerFunction::Excess {
                divisor: alpha * (alpha - 1.0),
            },
            cancellation: 4.0 / (alpha * (1.0 - alpha)).abs(),
        })
    }

    fn range(&self) -> RangeInclusive<f64> {
        let alpha = self.0.value();
        // Where the integral is a coefficient of overlap, it is at least 0.
        match alpha > 0.0 && alpha < 1.0 {
            true => 0.0..=1.0 / (alpha * (1.0 - alpha)),
            false => 0.0..=f64::INFINITY,
        }
    }

    fn closed_form(&self, p: &Mixture, q: &Mixture) -> Option<Estimate> {
        let alpha = self.0.value();
        if power_integral_diverges(p, q, alpha) {
            return Some(Estimate::exact(f64::INFINITY));
        }
        let factor = 1.0 / (alpha * (alpha - 1.0));
        power_excess(p, q, alpha, factor)
    }
}
