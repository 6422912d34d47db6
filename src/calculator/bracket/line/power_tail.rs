//! Beyond the last piece where p or q is a mixture of Student-t: its density is a power of x there.
//!
//! The last piece ends at 1, so far out that the centres and scales make no more than the slack. A
//! Gaussian is less than any number there, and what is left of it is left out.

use super::component::Term;
use super::rounding::UNIT;
use crate::mixture::log_sum_exp;

/// exp(`log_scale`) x^(−ν − 1) for x > 1, times exp(± `slack`).
#[derive(Debug, Clone, Copy)]
pub(super) struct PowerTail {
    pub log_scale: f64,
    /// ν.
    pub dof: f64,
    pub slack: f64,
}

/// What p and q are beyond 1 or −1; `None` for mixtures of Gaussians.
pub(super) struct PowerTails<'a> {
    pub p: Option<&'a PowerTail>,
    pub q: Option<&'a PowerTail>,
    pub of_q: &'a [Term],
}

impl PowerTail {
    /// The tail of a mixture of Student-t with one ν; `None` for one of Gaussians.
    pub fn new(mixture: &[Term]) -> Option<Self> {
        let dof = mixture.first()?.dof?;
        let exponent = dof + 1.0;
        let mut slack: f64 = 0.0;
        for one in mixture {
            // x² / ((x − μ)² + ν s²) is between 1 / ((1 + |μ|)² + ν s²) and 1 / (1 − |μ|)².
            let (offset, square) = (one.mean[0].abs(), dof * one.std * one.std);
            let roundings = exponent * (2.0 + square.ln().abs()) + one.log_size;
            slack = slack.max(exponent * (2.0 * offset + square) + 4.0 * UNIT * roundings);
        }
        let log_scale = |one: &Term| one.log_height + exponent * (0.5 * dof.ln() + one.std.ln());
        let log_scale = log_sum_exp(mixture.iter().map(log_scale));
        Some(Self {
            log_scale,
            dof,
            slack: slack + UNIT * (mixture.len() as f64 + 8.0 + 4.0 * log_scale.abs()),
        })
    }

    /// ∫ p.
    pub fn mass(&self) -> [f64; 2] {
        let mass = self.log_scale.exp() / self.dof;
        around(mass, mass * (2.0 * self.slack + 8.0 * UNIT))
    }

    /// ∫ p^α q^β times exp(−shift), which falls off like x^(−`fall` − 1).
    pub fn power_mass(&self, other: &Self, [alpha, beta]: [f64; 2], fall: f64, shift: f64) -> f64 {
        (alpha * self.log_scale + beta * other.log_scale - shift).exp() / fall
    }

    /// ∫ (p log(p/q) − p) where q is a mixture of Gaussians: log q is −x² / (2 τ²), τ being its
    /// greatest standard deviation.
    pub fn kl_integral(&self, of_q: &[Term]) -> [f64; 2] {
        if self.dof <= 2.0 {
            return [0.0, f64::INFINITY];
        }
        let widest = of_q.iter().map(|one| one.std).fold(0.0, f64::max);
        let offset = of_q.iter().map(|one| one.mean[0].abs()).fold(0.0, f64::max);
        let scale = self.log_scale.exp();
        let value = 0.5 * scale / (self.dof - 2.0) / widest / widest;
        // What the logs of the heights and of p are.
        let heights: f64 = of_q.iter().map(|one| one.log_height.abs()).sum();
        let rest = heights
            + (of_q.len() as f64)
            + self.log_scale.abs()
            + (self.dof + 1.0) / self.dof
            + 2.0;
        let error = value * (2.0 * self.slack + 16.0 * UNIT + 4.0 * offset)
            + scale / self.dof * rest * (1.0 + 2.0 * self.slack);
        around(value, error)
    }
}

/// Bounds on what is nowhere negative from a value and its error.
pub(super) fn around(value: f64, error: f64) -> [f64; 2] {
    let [low, high] = [value - error, value + error];
    if low.is_nan() || high.is_nan() {
        return [0.0, f64::INFINITY];
    }
    [low.max(0.0), high]
}
