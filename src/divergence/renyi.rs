//! Rényi: R_α(p‖q) = log ∫ p^α q^(1−α) dx / (α − 1), for α > 0 other than 1 (Rényi 1961; van Erven
//! and Harremoës 2014).
//!
//! α → 1 is KL(p‖q). It is a function of Amari's D_α and has the same minimisers; its values and
//! the sizes of its gradients are those of a KL.

use burn::tensor::{DType, Tensor};

use super::alpha::Alpha;
use super::power::{Power, PowerFunction};
use super::tails;
use super::{
    Certified, Divergence, Estimate, Integrand, Names, Order, Side, Values,
    gaussian_log_power_integral,
};
use super::{midpoint::SIDES, power_integral_diverges};
use crate::density::target::Tails;
use crate::mixture::Mixture;

/// R_α(p‖q) in nats.
///
/// The logarithm of a random integral is biased, by about half its relative variance.
#[derive(Debug, Clone, Copy)]
pub struct Renyi(pub Order);

impl Integrand for Renyi {
    #[inline(always)]
    fn value<V: Values>(&self, side: Side, log_p: V, log_q: V) -> V {
        Alpha(self.0).value(side, log_p, log_q)
    }
}

impl Divergence for Renyi {
    fn names(&self) -> Names {
        let order = self.0;
        Names::new(
            "renyi",
            format!("Rényi α = {order}"),
            format!("R[{order}](p‖q)"),
        )
        .with_order(order)
    }

    fn order_refused(&self) -> Option<&'static str> {
        match self.0.value() {
            1.0 => Some("order 1 is forward KL: divergence = \"forward-kl\""),
            alpha if alpha <= 0.0 => Some("Rényi's order is above 0"),
            _ => None,
        }
    }

    fn sides(&self) -> &'static [Side] {
        SIDES
    }

    fn exchanged(&self) -> Option<String> {
        None
    }

    fn infinite_for(&self, tails: Tails) -> Option<&'static str> {
        tails::no_power(self.0.value(), tails)
    }

    fn certified(&self) -> Option<Certified> {
        Some(Certified::Renyi {
            order: self.0.value(),
        })
    }

    fn power(&self) -> Option<Power> {
        let alpha = self.0.value();
        Some(Power {
            order: alpha,
            scale: 1.0 / (alpha * (alpha - 1.0)),
            of: PowerFunction::Log {
                divisor: alpha - 1.0,
            },
            cancellation: 4.0 / (alpha * (1.0 - alpha)).abs(),
        })
    }

    fn closed_form(&self, p: &Mixture, q: &Mixture) -> Option<Estimate> {
        let alpha = self.0.value();
        if power_integral_diverges(p, q, alpha) {
            return Some(Estimate::exact(f64::INFINITY));
        }
        let log_integral = gaussian_log_power_integral(p, q, alpha)?;
        let factor = 1.0 / (alpha - 1.0);
        Some(log_integral.map(log_integral.value * factor, factor))
    }

    fn is_sum(&self) -> bool {
        false
    }

    fn outer(&self, total: Tensor<1>) -> Tensor<1> {
        let alpha = self.0.value();
        let excess = total.mul_scalar(alpha * (alpha - 1.0));
        // Of densities far apart, the integral is lost in the rounding of the 1 it is taken from.
        // There its tangent continues it, so that the gradient still points the right way.
        let lost: f64 = match excess.dtype() {
            DType::F32 => 1e-6,
            _ => 1e-14,
        };
        let integral = excess.clone() + 1.0;
        let tangent = integral.clone().div_scalar(lost) + (lost.ln() - 1.0);
        let is_lost = integral.lower_elem(lost);
        let excess = excess.mask_fill(is_lost.clone(), 0.0);
        (excess.log1p().mask_where(is_lost, tangent)).div_scalar(alpha - 1.0)
    }
}
