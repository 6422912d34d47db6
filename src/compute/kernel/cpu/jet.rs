//! Numbers that carry their derivatives along: forward-mode differentiation, a few points at once.

#![allow(
    clippy::needless_range_loop,
    reason = "loops over several arrays at once, to become vector code"
)]

use std::ops::{Add, Mul, Neg, Sub};

use pulp::{Simd, WithSimd};

use super::real::{Real, has_fma};
use super::width::Width;

/// Points that go together: two vectors of the widest kind.
const TOGETHER: usize = 16;

/// A number at each of a few points, in whole cache lines.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Lanes([f64; TOGETHER]);

impl Lanes {
    const ZERO: Self = Self([0.0; TOGETHER]);
    const ONE: Self = Self([1.0; TOGETHER]);
}

/// Values at a few points with their derivatives along some tangents.
#[derive(Debug, Clone, Copy)]
pub struct Jet<const FMA: bool, const TANGENTS: usize> {
    value: Lanes,
    tangents: [Lanes; TANGENTS],
}

impl<const FMA: bool, const TANGENTS: usize> Jet<FMA, TANGENTS> {
    /// A value of which the derivative along each tangent is 1 or 0.
    #[inline(always)]
    fn variable(value: Lanes, along: usize) -> Self {
        let mut tangents = [Lanes::ZERO; TANGENTS];
        if along < TANGENTS {
            tangents[along] = Lanes::ONE;
        }
        Self { value, tangents }
    }

    /// f(x) from f and its derivative at x.
    #[inline(always)]
    fn chain(self, value: Lanes, slope: Lanes) -> Self {
        let mut tangents = self.tangents;
        for t in 0..TANGENTS {
            for n in 0..TOGETHER {
                tangents[t].0[n] *= slope.0[n];
            }
        }
        Self { value, tangents }
    }

    /// eˣ.
    #[inline(always)]
    pub fn exp(self) -> Self {
        let mut value = Lanes::ZERO;
        for n in 0..TOGETHER {
            value.0[n] = exp::<FMA>(self.value.0[n]);
        }
        self.chain(value, value)
    }

    /// log σ(x) = −log(1 + e⁻ˣ), which no x overflows.
    #[inline(always)]
    pub fn log_sigmoid(self) -> Self {
        let (mut value, mut slope) = (Lanes::ZERO, Lanes::ZERO);
        for n in 0..TOGETHER {
            let x = self.value.0[n];
            let e = Real::exp::<FMA>(-x.abs());
            let low = if x > 0.0 { 0.0 } else { x };
            value.0[n] = low - Real::ln::<FMA>(1.0 + e);
            slope.0[n] = (if x > 0.0 { e } else { 1.0 }) / (1.0 + e);
        }
        self.chain(value, slope)
    }

    /// tanh x, to the rounding of 1.
    #[inline(always)]
    pub fn tanh(self) -> Self {
        let (mut value, mut slope) = (Lanes::ZERO, Lanes::ZERO);
        for n in 0..TOGETHER {
            let x = self.value.0[n];
            let e = Real::exp::<FMA>(-2.0 * x.abs());
            let size = (1.0 - e) / (1.0 + e);
            value.0[n] = if x < 0.0 { -size } else { size };
            slope.0[n] = 4.0 * e / ((1.0 + e) * (1.0 + e));
        }
        self.chain(value, slope)
    }

    /// |x|, with the derivative 0 at 0.
    #[inline(always)]
    pub fn abs(self) -> Self {
        let (mut value, mut slope) = (Lanes::ZERO, Lanes::ZERO);
        for n in 0..TOGETHER {
            let x = self.value.0[n];
            value.0[n] = x.abs();
            let sign = if x > 0.0 { 1.0 } else { -1.0 };
            slope.0[n] = if x == 0.0 { 0.0 } else { sign };
        }
        self.chain(value, slope)
    }
}

/// eˣ for any x.
#[inline(always)]
pub(crate) fn exp<const FMA: bool>(x: f64) -> f64 {
    // The kernel's own ends at e⁷⁰⁰. Above e⁶⁰⁰ the square of the root is as good.
    let is_large = x > 600.0;
    let part = if is_large { 0.5 * x } else { x };
    let part = if part > 700.0 { 700.0 } else { part };
    let power = Real::exp::<FMA>(part);
    if is_large { power * power } else { power }
}

impl<const FMA: bool, const TANGENTS: usize> Add for Jet<FMA, TANGENTS> {
    type Output = Self;

    #[inline(always)]
    fn add(mut self, other: Self) -> Self {
        for n in 0..TOGETHER {
            self.value.0[n] += other.value.0[n];
        }
        for t in 0..TANGENTS {
            for n in 0..TOGETHER {
                self.tangents[t].0[n] += other.tangents[t].0[n];
            }
        }
        self
    }
}

impl<const FMA: bool, const TANGENTS: usize> Sub for Jet<FMA, TANGENTS> {
    type Output = Self;

    #[inline(always)]
    fn sub(mut self, other: Self) -> Self {
        for n in 0..TOGETHER {
            self.value.0[n] -= other.value.0[n];
        }
        for t in 0..TANGENTS {
            for n in 0..TOGETHER {
                self.tangents[t].0[n] -= other.tangents[t].0[n];
            }
        }
        self
    }
}

impl<const FMA: bool, const TANGENTS: usize> Mul for Jet<FMA, TANGENTS> {
    type Output = Self;

    #[inline(always)]
    fn mul(mut self, other: Self) -> Self {
        for t in 0..TANGENTS {
            for n in 0..TOGETHER {
                self.tangents[t].0[n] = self.tangents[t].0[n] * other.value.0[n]
                    + self.value.0[n] * other.tangents[t].0[n];
            }
        }
        for n in 0..TOGETHER {
            self.value.0[n] *= other.value.0[n];
        }
        self
    }
}

impl<const FMA: bool, const TANGENTS: usize> Neg for Jet<FMA, TANGENTS> {
    type Output = Self;

    #[inline(always)]
    fn neg(self) -> Self {
        self * -1.0
    }
}

impl<const FMA: bool, const TANGENTS: usize> Add<f64> for Jet<FMA, TANGENTS> {
    type Output = Self;

    #[inline(always)]
    fn add(mut self, constant: f64) -> Self {
        for n in 0..TOGETHER {
            self.value.0[n] += constant;
        }
        self
    }
}

impl<const FMA: bool, const TANGENTS: usize> Mul<f64> for Jet<FMA, TANGENTS> {
    type Output = Self;

    #[inline(always)]
    fn mul(mut self, constant: f64) -> Self {
        for n in 0..TOGETHER {
            self.value.0[n] *= constant;
        }
        for t in 0..TANGENTS {
            for n in 0..TOGETHER {
                self.tangents[t].0[n] *= constant;
            }
        }
        self
    }
}

/// A function of two numbers.
pub trait BinaryFunction {
    /// Its values, which carry the tangents along.
    ///
    /// To become vector code it must be inlined: `#[inline(always)]`.
    fn value<const FMA: bool, const TANGENTS: usize>(
        &self,
        arguments: [Jet<FMA, TANGENTS>; 2],
    ) -> Jet<FMA, TANGENTS>;
}

/// Evaluates a function at N pairs, with its derivatives by the first `TANGENTS` ≤ 2 arguments.
///
/// What has no partner in every slice is left out.
pub fn evaluate<const TANGENTS: usize, F: BinaryFunction>(
    width: Width,
    function: &F,
    a: &[f64],
    b: &[f64],
    values: &mut [f64],
    slopes: [&mut [f64]; TANGENTS],
) {
    width.dispatch(Evaluate {
        function,
        a,
        b,
        values,
        slopes,
    });
}

struct Evaluate<'a, F, const TANGENTS: usize> {
    function: &'a F,
    a: &'a [f64],
    b: &'a [f64],
    values: &'a mut [f64],
    slopes: [&'a mut [f64]; TANGENTS],
}

impl<F: BinaryFunction, const TANGENTS: usize> WithSimd for Evaluate<'_, F, TANGENTS> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        if has_fma::<S>() {
            self.run::<true>();
        } else {
            self.run::<false>();
        }
    }
}

impl<F: BinaryFunction, const TANGENTS: usize> Evaluate<'_, F, TANGENTS> {
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let mut count = self.a.len().min(self.b.len()).min(self.values.len());
        for t in 0..TANGENTS {
            count = count.min(self.slopes[t].len());
        }
        let mut start = 0;
        while start < count {
            let len = (count - start).min(TOGETHER);
            let (mut a, mut b) = (Lanes::ZERO, Lanes::ZERO);
            if len == TOGETHER {
                a.0.copy_from_slice(&self.a[start..][..TOGETHER]);
                b.0.copy_from_slice(&self.b[start..][..TOGETHER]);
            } else {
                a.0[..len].copy_from_slice(&self.a[start..][..len]);
                b.0[..len].copy_from_slice(&self.b[start..][..len]);
            }
            let arguments = [Jet::variable(a, 0), Jet::variable(b, 1)];
            let result: Jet<FMA, TANGENTS> = self.function.value(arguments);
            if len == TOGETHER {
                self.values[start..][..TOGETHER].copy_from_slice(&result.value.0);
                for t in 0..TANGENTS {
                    self.slopes[t][start..][..TOGETHER].copy_from_slice(&result.tangents[t].0);
                }
            } else {
                self.values[start..][..len].copy_from_slice(&result.value.0[..len]);
                for t in 0..TANGENTS {
                    self.slopes[t][start..][..len].copy_from_slice(&result.tangents[t].0[..len]);
                }
            }
            start += len;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// log σ(a) tanh(b / 2)² + e^(a − b) |b| · 3 − 1.
    struct Everything;

    impl BinaryFunction for Everything {
        #[inline(always)]
        fn value<const FMA: bool, const TANGENTS: usize>(
            &self,
            [a, b]: [Jet<FMA, TANGENTS>; 2],
        ) -> Jet<FMA, TANGENTS> {
            let tanh = (b * 0.5).tanh();
            a.log_sigmoid() * tanh * tanh + (a - b).exp() * b.abs() * 3.0 + -(a * 0.0) + -1.0
        }
    }

    fn everything(a: f64, b: f64) -> f64 {
        let log_sigmoid = -(-a).exp().ln_1p();
        log_sigmoid * (b / 2.0).tanh().powi(2) + (a - b).exp() * b.abs() * 3.0 - 1.0
    }

    #[test]
    fn values_and_slopes_are_those_of_the_function() {
        let count = 2 * TOGETHER + 5;
        let a: Vec<f64> = (0..count).map(|i| i as f64 * 0.4 - 7.0).collect();
        let b: Vec<f64> = (0..count).map(|i| 6.0 - i as f64 * 0.37).collect();
        for width in Width::ALL {
            let mut all = [(); 3].map(|()| vec![f64::NAN; count]);
            let [values, by_a, by_b] = &mut all;
            evaluate::<2, _>(width, &Everything, &a, &b, values, [by_a, by_b]);
            let mut alone = vec![f64::NAN; count];
            evaluate::<0, _>(width, &Everything, &a, &b, &mut alone, []);
            for n in 0..count {
                let (a, b) = (a[n], b[n]);
                let exact = everything(a, b);
                let tolerance = 1e-14 * exact.abs().max(1.0);
                assert!((all[0][n] - exact).abs() < tolerance, "{a} {b}");
                assert!((alone[n] - exact).abs() < tolerance, "{a} {b}");
                // Fourth-order differences: an error of about h⁴ and of 1e-16 / h.
                let h = 1e-3;
                let slope = |f: &dyn Fn(f64) -> f64| {
                    (8.0 * (f(h) - f(-h)) - (f(2.0 * h) - f(-2.0 * h))) / (12.0 * h)
                };
                let by_a = slope(&|h| everything(a + h, b));
                let by_b = slope(&|h| everything(a, b + h));
                let tolerance = 1e-10 * exact.abs().max(1.0);
                assert!((all[1][n] - by_a).abs() < tolerance, "{a} {b}");
                assert!((all[2][n] - by_b).abs() < tolerance, "{a} {b}");
            }
        }
    }

    #[test]
    fn exp_overflows_where_it_must_and_not_before() {
        assert!((exp::<false>(709.7) / 709.7_f64.exp() - 1.0).abs() < 1e-13);
        assert_eq!(exp::<false>(710.0), f64::INFINITY);
        assert_eq!(exp::<false>(f64::INFINITY), f64::INFINITY);
        assert_eq!(exp::<false>(f64::NEG_INFINITY), 0.0);
        assert!(exp::<false>(f64::NAN).is_nan());
    }

    #[test]
    fn nothing_is_lost_at_the_ends() {
        let at = |x: f64, f: fn(Jet<false, 1>) -> Jet<false, 1>| {
            let result = f(Jet::variable(Lanes([x; TOGETHER]), 0));
            [result.value.0[3], result.tangents[0].0[3]]
        };
        assert_eq!(at(1e3, Jet::tanh), [1.0, 0.0]);
        assert_eq!(at(f64::NEG_INFINITY, Jet::tanh), [-1.0, 0.0]);
        assert_eq!(at(1e3, Jet::log_sigmoid), [0.0, 0.0]);
        assert_eq!(at(-1e3, Jet::log_sigmoid), [-1e3, 1.0]);
        assert_eq!(at(0.0, Jet::abs), [0.0, 0.0]);
        assert!(at(f64::NAN, Jet::tanh)[0].is_nan());
        assert!(at(f64::NAN, Jet::log_sigmoid)[0].is_nan());
    }
}
