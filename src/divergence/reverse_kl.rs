//! Reverse KL, exclusive and mode-seeking: KL(q‖p) = E_q[log q − log p] (Kullback and Leibler 1951).

use burn::tensor::Tensor;

use super::{Divergence, Names, Side, gaussian_kl};
use crate::mixture::Mixture;

/// KL(q‖p) in nats.
#[derive(Debug, Clone, Copy)]
pub struct ReverseKl;

impl Divergence for ReverseKl {
    fn names(&self) -> Names {
        Names::new("reverse-kl", "reverse KL", "KL(q‖p)")
    }

    fn sides(&self) -> &'static [Side] {
        &[Side::Family]
    }

    fn closed_form(&self, p: &Mixture, q: &Mixture) -> Option<f64> {
        gaussian_kl(q, p)
    }

    fn integrand(&self, _: Side, log_p: Tensor<2>, log_q: Tensor<2>) -> Tensor<2> {
        log_q - log_p
    }
}
