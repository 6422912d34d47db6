//! Jensen–Shannon: ½ KL(p‖m) + ½ KL(q‖m) with m = ½p + ½q, at most ln 2 nats (Lin 1991).

use std::ops::RangeInclusive;

use super::{Certified, Divergence, Integrand, Names, Side, Values};
use crate::density::target::Tails;

/// JS(p, q) in nats.
#[derive(Debug, Clone, Copy)]
pub struct JensenShannon;

impl Integrand for JensenShannon {
    #[inline(always)]
    fn value<V: Values>(&self, side: Side, log_p: V, log_q: V) -> V {
        // log p − log m = ln 2 + log σ(log p − log q), which no size of the ratio can overflow.
        let ratio = match side {
            Side::Target => log_p - log_q,
            Side::Family => log_q - log_p,
        };
        (ratio.log_sigmoid() + std::f64::consts::LN_2) * 0.5
    }
}

impl Divergence for JensenShannon {
    fn names(&self) -> Names {
        Names::new("js", "Jensen–Shannon", "JS(p, q)")
    }

    fn sides(&self) -> &'static [Side] {
        &[Side::Target, Side::Family]
    }

    fn exchanged(&self) -> Option<String> {
        Some(self.names().file)
    }

    fn infinite_for(&self, _: Tails) -> Option<&'static str> {
        None
    }

    fn certified(&self) -> Option<Certified> {
        Some(Certified::JensenShannon)
    }

    fn range(&self) -> RangeInclusive<f64> {
        0.0..=std::f64::consts::LN_2
    }
}
