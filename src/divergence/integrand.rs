//! Integrands: functions of log p and log q, written once for every kind of values.

use burn::tensor::Tensor;

use super::Side;
use super::affine::Affine;
use super::symbols::Symbol;
use super::values::Values;
use crate::compute::kernel::Formula;
use crate::compute::kernel::cpu::{Jet, Width, evaluate};

/// A function of log p and log q, in nats, written once for every kind of values.
pub trait Integrand {
    /// What is averaged under `side`.
    fn value<V: Values>(&self, side: Side, log_p: V, log_q: V) -> V;
}

/// An integrand, for each kind of values.
pub trait Pointwise {
    /// What is averaged under `side`: `[R, S]` from log p and log q `[R, S]`, in nats.
    fn integrand(&self, side: Side, log_p: Tensor<2>, log_q: Tensor<2>) -> Tensor<2>;

    /// As [`Pointwise::integrand`], on the calling thread: from N numbers each of log p and log q
    /// to N values.
    fn values(&self, side: Side, log_p: &[f64], log_q: &[f64], values: &mut [f64]);

    /// As [`Pointwise::values`], with the derivatives with respect to log p and log q: N numbers
    /// each of values and both derivatives.
    fn slopes(&self, side: Side, log_p: &[f64], log_q: &[f64], values_and_slopes: [&mut [f64]; 3]);

    /// a, b and c, where what is averaged under `side` is a log p + b log q + c.
    fn affine(&self, side: Side) -> Option<[f64; 3]>;

    /// What is averaged under `side`, written down.
    fn formula(&self, side: Side) -> Formula;
}

impl<I: Integrand> Pointwise for I {
    fn integrand(&self, side: Side, log_p: Tensor<2>, log_q: Tensor<2>) -> Tensor<2> {
        self.value(side, log_p, log_q)
    }

    fn values(&self, side: Side, log_p: &[f64], log_q: &[f64], values: &mut [f64]) {
        let of = SidedIntegrand(self, side);
        evaluate::<0, _>(Width::Widest, &of, log_p, log_q, values, []);
    }

    fn slopes(&self, side: Side, log_p: &[f64], log_q: &[f64], values_and_slopes: [&mut [f64]; 3]) {
        let [values, by_p, by_q] = values_and_slopes;
        let of = SidedIntegrand(self, side);
        evaluate::<2, _>(Width::Widest, &of, log_p, log_q, values, [by_p, by_q]);
    }

    fn affine(&self, side: Side) -> Option<[f64; 3]> {
        self.value(side, Affine::LOG_P, Affine::LOG_Q)
            .coefficients()
    }

    fn formula(&self, side: Side) -> Formula {
        let [log_p, log_q] = Symbol::logs();
        self.value(side, log_p, log_q).formula()
    }
}

/// An integrand under one side.
struct SidedIntegrand<'a, I>(&'a I, Side);

impl<I: Integrand> crate::compute::kernel::cpu::BinaryFunction for SidedIntegrand<'_, I> {
    #[inline(always)]
    fn value<const FMA: bool, const TANGENTS: usize>(
        &self,
        [a, b]: [Jet<FMA, TANGENTS>; 2],
    ) -> Jet<FMA, TANGENTS> {
        self.0.value(self.1, a, b)
    }
}
