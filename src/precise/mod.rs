//! Triangular matrices in ordinary and in doubled precision.
//!
//! A condition number κ takes log₁₀ κ digits off what a factorisation leaves. A covariance may take
//! all 16 of a double; of the 31 that two doubles have, enough are left.

mod doubled;
mod triangle;

use std::ops::{Add, Div, Mul, Sub};

pub(crate) use doubled::Doubled;
pub(crate) use triangle::{
    Conditioning, Triangle, condition_of_correlations, roundings, squared_norm,
};

/// Half a unit in the last place of 1 in a double.
pub(crate) const ROUNDING: f64 = 0.5 * f64::EPSILON;

/// What a factorisation can be worked out in.
pub(crate) trait Number:
    Copy
    + Send
    + Sync
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
{
    /// Each operation is off by at most this share of its result, where nothing overflows.
    const UNIT: f64;

    /// high + low, where low is at most half a unit in the last place of high.
    fn new(high: f64, low: f64) -> Self;

    /// The nearest double.
    fn rounded(self) -> f64;

    /// The square root of a number that is not negative.
    fn sqrt(self) -> Self;

    /// The natural logarithm, rounded to a double.
    fn ln(self) -> f64;
}

impl Number for f64 {
    const UNIT: f64 = ROUNDING;

    fn new(high: f64, _: f64) -> Self {
        high
    }

    fn rounded(self) -> f64 {
        self
    }

    fn sqrt(self) -> Self {
        f64::sqrt(self)
    }

    fn ln(self) -> f64 {
        f64::ln(self)
    }
}
