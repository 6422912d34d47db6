//! Squared Hellinger: H²(p, q) = ½ ∫ (√p − √q)² dx = 1 − ∫ √(p q) dx, between 0 and 1 (Hellinger
//! 1909).

use burn::tensor::Tensor;

use super::midpoint::{SIDES, log_shares};
use super::{Divergence, Names, Side, gaussian_log_power_integral};
use crate::mixture::Mixture;

/// H²(p, q).
#[derive(Debug, Clone, Copy)]
pub struct SquaredHellinger;

impl Divergence for SquaredHellinger {
    fn names(&self) -> Names {
        Names::new("squared-hellinger", "squared Hellinger", "H²(p, q)").without_unit()
    }

    fn sides(&self) -> &'static [Side] {
        SIDES
    }

    fn closed_form(&self, p: &Mixture, q: &Mixture) -> Option<f64> {
        Some(-gaussian_log_power_integral(p, q, 0.5)?.exp_m1())
    }

    fn integrand(&self, _: Side, log_p: Tensor<2>, log_q: Tensor<2>) -> Tensor<2> {
        let [root_p, root_q] = log_shares(log_p, log_q).map(|share| (share * 0.5).exp());
        (root_p - root_q).square().mul_scalar(0.5)
    }
}
