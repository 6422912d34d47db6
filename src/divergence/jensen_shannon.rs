//! Jensen–Shannon: ½ KL(p‖m) + ½ KL(q‖m) with m = ½p + ½q, at most ln 2 nats (Lin 1991).

use burn::tensor::{Tensor, activation::log_sigmoid};

use super::{Divergence, Names, Side};

/// JS(p, q) in nats.
#[derive(Debug, Clone, Copy)]
pub struct JensenShannon;

impl Divergence for JensenShannon {
    fn names(&self) -> Names {
        Names::new("js", "Jensen–Shannon", "JS(p, q)")
    }

    fn sides(&self) -> &'static [Side] {
        &[Side::Target, Side::Family]
    }

    fn integrand(&self, side: Side, log_p: Tensor<2>, log_q: Tensor<2>) -> Tensor<2> {
        // log p − log m = ln 2 + log σ(log p − log q), which no size of the ratio can overflow.
        let ratio = match side {
            Side::Target => log_p - log_q,
            Side::Family => log_q - log_p,
        };
        (log_sigmoid(ratio) + std::f64::consts::LN_2).mul_scalar(0.5)
    }
}
