//! Total variation: TV(p, q) = ½ ∫ |p − q| dx, between 0 and 1.
//!
//! It has no derivative where p = q on a set of points with mass; there the sub-gradient 0 is taken,
//! which is the sign of 0. Its integrand bends where p crosses q, so a quadrature of it converges
//! like the square of the spacing.

use std::ops::RangeInclusive;

use super::midpoint::SIDES;
use super::{
    Certified, Divergence, Estimate, Integrand, Names, Side, Values, gaussian_total_variation,
};
use crate::density::target::Tails;
use crate::mixture::Mixture;

/// TV(p, q).
#[derive(Debug, Clone, Copy)]
pub struct TotalVariation;

impl Integrand for TotalVariation {
    #[inline(always)]
    fn value<V: Values>(&self, _: Side, log_p: V, log_q: V) -> V {
        // |p − q| / m = 2 |tanh(r / 2)|, r = log p − log q.
        ((log_p - log_q) * 0.5).tanh().abs() * 0.5
    }
}

impl Divergence for TotalVariation {
    fn names(&self) -> Names {
        Names::new("total-variation", "total variation", "TV(p, q)").without_unit()
    }

    fn sides(&self) -> &'static [Side] {
        SIDES
    }

    fn exchanged(&self) -> Option<String> {
        Some(self.names().file)
    }

    fn infinite_for(&self, _: Tails) -> Option<&'static str> {
        None
    }

    fn certified(&self) -> Option<Certified> {
        Some(Certified::TotalVariation)
    }

    fn has_corner(&self) -> bool {
        true
    }

    fn range(&self) -> RangeInclusive<f64> {
        0.0..=1.0
    }

    fn closed_form(&self, p: &Mixture, q: &Mixture) -> Option<Estimate> {
        gaussian_total_variation(p, q)
    }
}
