//! Weights of points on values and slopes.

#![allow(
    clippy::needless_range_loop,
    reason = "loops over several arrays at once, to become vector code"
)]

use pulp::{Simd, WithSimd};

use super::super::width::Width;

/// What a sum is made in: so many of them side by side, at any width.
const LANES: usize = 32;

/// Makes weight · weights · slope of the slopes.
pub(super) fn weigh(width: Width, weight: f64, weights: &[f64], slopes: &mut [f64]) {
    width.dispatch(Weigh {
        weight,
        weights,
        slopes,
    });
}

/// Writes factor · weights.
pub(super) fn times(width: Width, factor: f64, weights: &[f64], out: &mut [f64]) {
    width.dispatch(Times {
        factor,
        weights,
        out,
    });
}

/// Σ weights · values, in an order of its own that depends on the length alone.
pub(super) fn dot(width: Width, weights: &[f64], values: &[f64]) -> f64 {
    width.dispatch(Dot {
        weights,
        values: [values, values],
        of: |[value, _]: [f64; 2]| value,
    })
}

/// Σ weights · (a log p + b log q + c), in the same order; what counts for nothing may be infinite or NaN.
pub(super) fn dot_affine(
    width: Width,
    weights: &[f64],
    values: [&[f64]; 2],
    [a, b, c]: [f64; 3],
) -> f64 {
    match (a == 0.0, b == 0.0) {
        (false, false) => {
            let of = |[p, q]: [f64; 2]| a * p + b * q + c;
            width.dispatch(Dot {
                weights,
                values,
                of,
            })
        }
        (true, _) => {
            let of = |[_, q]: [f64; 2]| b * q + c;
            width.dispatch(Dot {
                weights,
                values,
                of,
            })
        }
        (false, true) => {
            let of = |[p, _]: [f64; 2]| a * p + c;
            width.dispatch(Dot {
                weights,
                values,
                of,
            })
        }
    }
}

struct Weigh<'a> {
    weight: f64,
    weights: &'a [f64],
    slopes: &'a mut [f64],
}

impl WithSimd for Weigh<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (slope, &node) in self.slopes.iter_mut().zip(self.weights) {
            *slope *= self.weight * node;
        }
    }
}

struct Times<'a> {
    factor: f64,
    weights: &'a [f64],
    out: &'a mut [f64],
}

impl WithSimd for Times<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (out, &weight) in self.out.iter_mut().zip(self.weights) {
            *out = self.factor * weight;
        }
    }
}

struct Dot<'a, F> {
    weights: &'a [f64],
    values: [&'a [f64]; 2],
    of: F,
}

impl<F: Fn([f64; 2]) -> f64> WithSimd for Dot<'_, F> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        let (weights, weights_rest) = self.weights.as_chunks::<LANES>();
        let [(first, first_rest), (second, second_rest)] =
            self.values.map(|values| values.as_chunks::<LANES>());
        let mut lanes = [0.0; LANES];
        for ((weights, first), second) in weights.iter().zip(first).zip(second) {
            for n in 0..LANES {
                lanes[n] += weights[n] * (self.of)([first[n], second[n]]);
            }
        }
        let mut sum: f64 = lanes.iter().sum();
        for ((weight, &first), &second) in weights_rest.iter().zip(first_rest).zip(second_rest) {
            sum += weight * (self.of)([first, second]);
        }
        sum
    }
}
