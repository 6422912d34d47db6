//! ∫ p^α q^(1−α) itself, for α ≥ ½: what Rényi's divergence is the log of.
//!
//! Of densities far apart it is too small, or too large, for a difference from 1 to tell its log.

use super::Mixture1D;
use super::ellipse::{Ellipse, INFLATION};
use super::integrand::{Analytic, Crude, Tail, TailBounds};
use super::power_tail::{PowerTails, around};
use super::rounding::UNIT;
use super::tail;
use super::view::View;

/// ∫ p^α q^(1−α) times exp(−shift).
#[derive(Debug, Clone, Copy)]
pub(super) struct Affinity {
    alpha: f64,
    beta: f64,
    /// About the log of the greatest value.
    pub shift: f64,
}

impl Affinity {
    /// For ½ ≤ α ≤ 1e6, with a shift that leaves it a number near 1; `None` if p or q is no mixture.
    pub fn between(alpha: f64, p: &Mixture1D, q: &Mixture1D) -> Option<Self> {
        let beta = 1.0 - alpha;
        let log = |x: f64| alpha * p.log_density(x) + beta * q.log_density(x);
        // Where the product of a component of each is greatest, and how wide it is there.
        let mut peaks = Vec::new();
        for (mean, std) in p.means.iter().zip(&p.stds) {
            peaks.push([log(*mean), *mean, *std]);
            for (other_mean, other_std) in q.means.iter().zip(&q.stds).take(MOST_PEAKS) {
                let [own, other] = [alpha / std / std, beta / other_std / other_std];
                let precision = own + other;
                if precision > 0.0 {
                    let x = mean + other / precision * (other_mean - mean);
                    peaks.push([log(x), x, precision.sqrt().recip()]);
                }
            }
        }
        peaks.retain(|[log, ..]| log.is_finite());
        peaks.sort_by(|a, b| b[0].total_cmp(&a[0]));
        peaks.truncate(MOST_PEAKS);
        let heights = peaks
            .into_iter()
            .map(|[height, x, width]| climb(log, height, x, width) + width.ln());
        let shift = heights.fold(f64::NEG_INFINITY, f64::max);
        shift.is_finite().then_some(Self { alpha, beta, shift })
    }
}

/// This many peaks are looked at.
const MOST_PEAKS: usize = 64;

/// About the greatest value uphill of x.
fn climb(log: impl Fn(f64) -> f64, mut height: f64, mut x: f64, mut step: f64) -> f64 {
    for _ in 0..60 {
        let sides = [x - step, x + step].map(|x| (x, log(x)));
        match sides.into_iter().find(|(_, other)| *other > height) {
            Some((there, higher)) => {
                (x, height) = (there, higher);
                step *= 2.0;
            }
            None => step *= 0.5,
        }
    }
    height
}

impl Analytic for Affinity {
    const SEES_BOTH: bool = true;

    fn value(&self, [log_p, error_p]: [f64; 2], [log_q, error_q]: [f64; 2]) -> [f64; 2] {
        let parts = [self.alpha * log_p, self.beta * log_q];
        let value = (parts[0] + parts[1] - self.shift).exp();
        let size = parts[0].abs() + parts[1].abs() + self.shift.abs() + 1.0;
        let error = self.alpha * error_p + self.beta.abs() * error_q + 4.0 * UNIT * size;
        [value, 2.0 * value * error]
    }

    fn size(&self, ellipse: &Ellipse, p: &View, q: &View) -> Option<f64> {
        let [p, q] = [ellipse.bounds(p)?, ellipse.bounds(q)?];
        let log = ellipse.log_power([self.alpha, self.beta], &p, &q) - self.shift;
        Some(log.exp() * (1.0 + INFLATION))
    }

    fn crude(&self, on: &Crude) -> [f64; 2] {
        on.power([self.alpha, self.beta], self.shift)
    }
}

impl TailBounds for Affinity {
    fn beyond(&self, tail: &Tail) -> [f64; 2] {
        [0.0, tail::power(tail, [self.alpha, self.beta], self.shift)]
    }

    fn beyond_far(&self, tails: &PowerTails) -> [f64; 2] {
        match (tails.p, tails.q) {
            (Some(p), Some(q)) => {
                let fall = p.dof + self.beta * (q.dof - p.dof);
                let lost = UNIT * (self.alpha * p.dof + self.beta.abs() * q.dof);
                if fall <= 8.0 * lost {
                    return [0.0, f64::INFINITY];
                }
                let mass = p.power_mass(q, [self.alpha, self.beta], fall, self.shift);
                let logs = p.log_scale.abs() + q.log_scale.abs() + 1.0;
                let relative = (self.alpha + self.beta.abs())
                    * (p.slack + q.slack + 16.0 * UNIT * logs)
                    + 8.0 * (lost / fall + UNIT * self.shift.abs());
                around(mass, 2.0 * mass * relative)
            }
            (Some(_), None) if self.beta < 0.0 => [0.0, f64::INFINITY],
            _ => [0.0; 2],
        }
    }
}
