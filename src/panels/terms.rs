//! What divergences add up at points, as vector code.

#![allow(
    clippy::needless_range_loop,
    reason = "loops over several slices at once, to become vector code"
)]

use pulp::{Simd, WithSimd};

use crate::compute::kernel::cpu::{Width, exp, has_fma};
use crate::divergence::Side;

/// The rounding of a log-density is this many units ε of its size or of 1.
const ROUNDINGS: f64 = 2.0;

/// How far a logarithm is rounded, in units of ε; `more`: by how much more than for its size.
#[inline(always)]
pub(super) fn rounding(log: f64, more: f64) -> f64 {
    // That of nothing is not.
    if log == f64::NEG_INFINITY {
        0.0
    } else {
        ROUNDINGS * (1.0 + log.abs()) + more
    }
}

/// Works out densities from their logarithms.
pub(super) fn densities(logs: &[f64], densities: &mut [f64]) {
    Width::Widest.dispatch(Densities { logs, densities });
}

/// How far each of some logarithms is rounded.
pub(super) fn roundings(logs: &[f64], more: f64, roundings: &mut [f64]) {
    Width::Widest.dispatch(Roundings {
        logs,
        more,
        roundings,
    });
}

struct Densities<'a> {
    logs: &'a [f64],
    densities: &'a mut [f64],
}

impl WithSimd for Densities<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (density, &log) in self.densities.iter_mut().zip(self.logs) {
            *density = match has_fma::<S>() {
                true => exp::<true>(log),
                false => exp::<false>(log),
            };
        }
    }
}

struct Roundings<'a> {
    logs: &'a [f64],
    more: f64,
    roundings: &'a mut [f64],
}

impl WithSimd for Roundings<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (to, &log) in self.roundings.iter_mut().zip(self.logs) {
            *to = rounding(log, self.more);
        }
    }
}

/// Where there is nothing of a density its logarithm may be anything, and the point is left out.
#[inline(always)]
fn unless_nothing(density: f64, term: f64) -> f64 {
    // NaN is not left out.
    if density <= f64::MIN_POSITIVE {
        0.0
    } else {
        term
    }
}

/// Adds what a divergence has under one side to its integrand, and how far rounding moves that, in units of ε.
pub(super) struct AddSide<'a> {
    pub side: Side,
    /// The density of the side.
    pub density: &'a [f64],
    /// How far the logarithms of p and q are rounded.
    pub roundings: [&'a [f64]; 2],
    /// f with its derivatives by log p and log q.
    pub slopes: [&'a [f64]; 3],
    /// How much further rounding goes than that of the logarithms does.
    pub cancellation: f64,
    pub to: [&'a mut [f64]; 2],
}

impl AddSide<'_> {
    pub fn run(self) {
        Width::Widest.dispatch(self);
    }
}

impl WithSimd for AddSide<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let [values, moves] = self.to;
        let n = values.len();
        let (moves, density) = (&mut moves[..n], &self.density[..n]);
        let [of_p, of_q] = self.roundings.map(|all| &all[..n]);
        let [f, by_p, by_q] = self.slopes.map(|all| &all[..n]);
        let own = match self.side {
            Side::Target => of_p,
            Side::Family => of_q,
        };
        // What is not rounded is not moved, however steep.
        let moved = |rounding: f64, slope: f64| {
            if rounding == 0.0 {
                0.0
            } else {
                rounding * slope.abs()
            }
        };
        for i in 0..n {
            let all = moved(own[i], f[i]) + moved(of_p[i], by_p[i]) + moved(of_q[i], by_q[i]);
            values[i] += unless_nothing(density[i], density[i] * f[i]);
            moves[i] += unless_nothing(density[i], density[i] * (self.cancellation + all));
        }
    }
}

/// Adds what a divergence has under one side to its integrand, and to the derivative of that by log q.
pub(super) struct AddSlope<'a> {
    pub side: Side,
    /// The density of the side.
    pub density: &'a [f64],
    /// f and its derivative by log q.
    pub slopes: [&'a [f64]; 2],
    pub to: [&'a mut [f64]; 2],
}

impl AddSlope<'_> {
    pub fn run(self) {
        Width::Widest.dispatch(self);
    }
}

impl WithSimd for AddSlope<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let [values, slopes] = self.to;
        let n = values.len();
        let (slopes, density) = (&mut slopes[..n], &self.density[..n]);
        let [f, by_q] = self.slopes.map(|all| &all[..n]);
        // q itself has the derivative of its logarithm.
        let own = match self.side {
            Side::Target => 0.0,
            Side::Family => 1.0,
        };
        for i in 0..n {
            let slope = if own == 0.0 { by_q[i] } else { by_q[i] + f[i] };
            values[i] += unless_nothing(density[i], density[i] * f[i]);
            slopes[i] += unless_nothing(density[i], density[i] * slope);
        }
    }
}
