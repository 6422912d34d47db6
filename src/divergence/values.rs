//! What an integrand is written in: tensors, or numbers that carry their own derivatives.

use std::ops::{Add, Mul, Neg, Sub};

use burn::tensor::{Tensor, activation};

use crate::compute::kernel::cpu::Jet;

/// Values at many points, with the functions that integrands are made of.
pub trait Values:
    Clone
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Neg<Output = Self>
    + Add<f64, Output = Self>
    + Mul<f64, Output = Self>
{
    /// eˣ.
    fn exp(self) -> Self;
    /// log σ(x) = −log(1 + e⁻ˣ).
    fn log_sigmoid(self) -> Self;
    /// tanh x.
    fn tanh(self) -> Self;
    /// |x|, with the derivative 0 at 0.
    fn abs(self) -> Self;

    /// x².
    fn square(self) -> Self {
        self.clone() * self
    }
}

impl Values for Tensor<2> {
    fn exp(self) -> Self {
        self.exp()
    }

    fn log_sigmoid(self) -> Self {
        activation::log_sigmoid(self)
    }

    fn tanh(self) -> Self {
        self.tanh()
    }

    fn abs(self) -> Self {
        self.abs()
    }

    fn square(self) -> Self {
        self.square()
    }
}

impl<const FMA: bool, const TANGENTS: usize> Values for Jet<FMA, TANGENTS> {
    #[inline(always)]
    fn exp(self) -> Self {
        self.exp()
    }

    #[inline(always)]
    fn log_sigmoid(self) -> Self {
        self.log_sigmoid()
    }

    #[inline(always)]
    fn tanh(self) -> Self {
        self.tanh()
    }

    #[inline(always)]
    fn abs(self) -> Self {
        self.abs()
    }
}
