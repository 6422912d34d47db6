//! Cross-entropy: H(p, q) = −E_p[log q], forward KL without the entropy of p (Shannon 1948).
//!
//! It is what is left of forward KL where p is known by its draws alone: it has the same gradients
//! and the same minimiser, and minus it is the mean log-likelihood of a row.

use burn::tensor::Tensor;

use super::{Divergence, Names, Side};

/// H(p, q) in nats.
#[derive(Debug, Clone, Copy)]
pub struct CrossEntropy;

impl Divergence for CrossEntropy {
    fn names(&self) -> Names {
        Names::new("cross-entropy", "cross-entropy", "H(p, q)")
    }

    fn sides(&self) -> &'static [Side] {
        &[Side::Target]
    }

    fn integrand(&self, _: Side, _: Tensor<2>, log_q: Tensor<2>) -> Tensor<2> {
        log_q.neg()
    }
}
