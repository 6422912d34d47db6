//! Amari's D_α(p‖q) for α ≥ ½, of which KL(p‖q) is α = 1: its integrand is
//! (p^α q^β − α p − β q) / (α (α − 1)), β = 1 − α, which is nowhere negative.
//!
//! With L = log(q/p) and e(L) = (e^(βL) − 1) / β, which is L for KL, it is (q − p − p e(L)) / α.

use super::ellipse::{Ellipse, INFLATION};
use super::integrand::{Analytic, Crude, Tail, TailBounds, by_masses};
use super::power_tail::{PowerTail, PowerTails, around};
use super::rounding::UNIT;
use super::tail;
use super::view::View;

/// L² Σ cₖ Lᵏ / 2 ends with this k.
const TERMS: usize = 16;

/// D_α(p‖q).
#[derive(Debug, Clone, Copy)]
pub(super) struct Amari {
    alpha: f64,
    beta: f64,
    /// 2 (1 + β + … + βᵏ) / (k + 2)!.
    series: [f64; TERMS],
}

impl Amari {
    /// `None` for an order below ½, which is that of 1 − α with p and q exchanged, and for one too
    /// large for these bounds.
    pub fn new(alpha: f64) -> Option<Self> {
        /// Sums of powers of β are numbers, and A = p^α q^β is not all rounding.
        const MOST: f64 = 1e6;
        if !(0.5..=MOST).contains(&alpha) {
            return None;
        }
        let beta = 1.0 - alpha;
        let (mut sum, mut factorial) = (0.0, 1.0);
        let series = std::array::from_fn(|k| {
            sum = 1.0 + beta * sum;
            factorial *= (k + 2) as f64;
            2.0 * sum / factorial
        });
        Some(Self {
            alpha,
            beta,
            series,
        })
    }

    /// KL(p‖q).
    pub fn kl() -> Self {
        Self::new(1.0).unwrap_or(Self {
            alpha: 1.0,
            beta: 0.0,
            series: [0.0; TERMS],
        })
    }

    fn is_kl(&self) -> bool {
        self.beta == 0.0
    }

    /// e(L).
    fn e(&self, log_ratio: f64) -> f64 {
        if self.is_kl() {
            log_ratio
        } else {
            (self.beta * log_ratio).exp_m1() / self.beta
        }
    }

    /// The integrand where p and q are so close that its terms cancel.
    fn near(&self, [log_p, error_p]: [f64; 2], [log_q, error_q]: [f64; 2]) -> [f64; 2] {
        let log_ratio = log_q - log_p;
        let [p, q] = [log_p.exp(), log_q.exp()];
        let series = (self.series.iter().rev()).fold(0.0, |sum, c| sum * log_ratio + c);
        let value = 0.5 * p * log_ratio * log_ratio * series;
        // As below, with e(L) ≤ |L| e^|βL| and |q − A| ≤ α q |L| e^|αL|. The second factor is 1 for
        // KL.
        let apart = log_ratio.abs() + error_p + error_q;
        let spread = if self.is_kl() { 1.0 } else { 3.0 };
        let error = spread * (p * apart * error_p + p.max(q) * apart.min(1.0) * error_q);
        [value, 2.0 * (error + 16.0 * UNIT * value)]
    }

    fn far(&self, [log_p, error_p]: [f64; 2], [log_q, error_q]: [f64; 2]) -> [f64; 2] {
        let log_ratio = log_q - log_p;
        let [p, q] = [log_p.exp(), log_q.exp()];
        let exponent = self.beta * log_ratio;
        // p e(L), the rounding this adds, and A = p^α q^β = p + β p e(L).
        let [weighted, own, power] = if self.is_kl() {
            [p * log_ratio, 0.0, p]
        } else if exponent.abs() < 1.0 {
            let weighted = p * self.e(log_ratio);
            [weighted, 8.0 * UNIT * weighted.abs(), 3.0 * p]
        } else {
            let power = (log_p + exponent).exp();
            let lost = power * (log_p.abs() + 2.0 * exponent.abs() + 4.0) + 2.0 * p;
            let beta = self.beta.abs();
            [(power - p) / self.beta, UNIT * lost / beta, power]
        };
        let value = ((q - p - weighted) / self.alpha).max(0.0);
        let evaluation = (own + 4.0 * UNIT * (q + p + weighted.abs())) / self.alpha;
        // The derivative by log p is −p e(L) and that by log q is (q − A) / α.
        let by_q = if self.is_kl() {
            p.max(q)
        } else {
            (q + power) / self.alpha
        };
        let apart = weighted.abs() + (p + power) * (error_p + error_q);
        [value, 2.0 * (apart * error_p + by_q * error_q + evaluation)]
    }
}

impl Analytic for Amari {
    fn value(&self, log_p: [f64; 2], log_q: [f64; 2]) -> [f64; 2] {
        let log_ratio = (log_q[0] - log_p[0]).abs();
        if log_ratio < 0.5 && log_ratio * self.beta.abs() < 0.5 {
            self.near(log_p, log_q)
        } else {
            self.far(log_p, log_q)
        }
    }

    fn size(&self, ellipse: &Ellipse, p: &View, q: &View) -> Option<f64> {
        let [p, q] = [ellipse.bounds(p)?, ellipse.bounds(q)?];
        let log_ratio = ellipse.log_ratio(&p, &q);
        let beta = self.beta.abs();
        let direct = p.size() * log_ratio * (beta * log_ratio).exp();
        let weighted = if self.is_kl() {
            direct
        } else {
            let power = ellipse.log_power([self.alpha, self.beta], &p, &q).exp();
            direct.min((power + p.size()) / beta)
        };
        Some((p.size() + weighted + q.size()) / self.alpha * (1.0 + INFLATION))
    }

    fn crude(&self, on: &Crude) -> [f64; 2] {
        let [p, q] = on.masses;
        let [most, least] = on.log_ratio().map(|log_ratio| -1.0 - self.e(log_ratio));
        let upper = most * p[usize::from(most > 0.0)];
        let lower = least * p[usize::from(least < 0.0)];
        let [upper_slack, lower_slack] =
            [upper, lower].map(|part| 8.0 * UNIT * (part.abs() + p[1] + q[1]));
        let lower = (q[0] + lower - lower_slack) / self.alpha;
        let upper = (q[1] + upper + upper_slack) / self.alpha;
        // Numbers that overflowed bound nothing.
        let upper = if upper.is_nan() { f64::INFINITY } else { upper };
        [
            lower.max(by_masses(self, on.masses)),
            upper.min(self.crude_by_power(on)),
        ]
    }
}

impl Amari {
    /// The upper bound from that on A = p^α q^β.
    fn crude_by_power(&self, on: &Crude) -> f64 {
        if self.is_kl() {
            return f64::INFINITY;
        }
        let [p, q] = on.masses;
        let power = on.power([self.alpha, self.beta], 0.0);
        let beta = self.beta.abs();
        let parts = if self.beta > 0.0 {
            [
                q[1] / self.alpha,
                p[1] / beta,
                -power[0] / (self.alpha * beta),
            ]
        } else {
            [
                q[1] / self.alpha,
                power[1] / (self.alpha * beta),
                -p[0] / beta,
            ]
        };
        let size: f64 = parts.iter().map(|part| part.abs()).sum();
        let upper = parts.iter().sum::<f64>() + 8.0 * UNIT * size;
        if upper.is_nan() { f64::INFINITY } else { upper }
    }
}

impl TailBounds for Amari {
    fn beyond(&self, tail: &Tail) -> [f64; 2] {
        let [p, q] = tail.masses.map(|mass| mass[1]);
        let own = if self.is_kl() {
            tail::kl_integral(tail)
        } else if self.beta > 0.0 {
            p / self.beta
        } else {
            tail::power(tail, [self.alpha, self.beta], 0.0) / (self.alpha * self.beta.abs())
        };
        let upper = (q / self.alpha) * (1.0 + 4.0 * UNIT) + own * (1.0 + 1e-9);
        [by_masses(self, tail.masses), upper]
    }

    fn beyond_far(&self, tails: &PowerTails) -> [f64; 2] {
        match (tails.p, tails.q) {
            (Some(p), Some(q)) => self.between_power_tails(p, q),
            // A = p^α q^β is nothing where either is so small.
            (None, Some(q)) => q.mass().map(|mass| mass / self.alpha),
            (Some(p), None) if self.beta > 0.0 => p.mass().map(|mass| mass / self.beta),
            (Some(p), None) if self.is_kl() => p.kl_integral(tails.of_q),
            _ => [0.0, f64::INFINITY],
        }
    }
}

impl Amari {
    /// Where p is C x^(−a) and q is D x^(−b): all integrals are elementary.
    fn between_power_tails(&self, p: &PowerTail, q: &PowerTail) -> [f64; 2] {
        let (alpha, beta) = (self.alpha, self.beta);
        let apart = q.dof - p.dof;
        // A falls off like x^(−fall − 1).
        let fall = p.dof + beta * apart;
        let lost = UNIT * (alpha * p.dof + beta.abs() * q.dof);
        if fall <= 8.0 * lost {
            return [0.0, f64::INFINITY];
        }
        let log_ratio = q.log_scale - p.log_scale;
        let [mass_p, mass_q] = [p, q].map(|tail| tail.log_scale.exp() / tail.dof);
        let power = p.power_mass(q, [alpha, beta], fall, 0.0);
        let weighted = if self.is_kl() {
            mass_p * (log_ratio - apart / p.dof)
        } else {
            let log = beta * log_ratio - (beta * apart / p.dof).ln_1p();
            if log.abs() < 1.0 {
                mass_p * log.exp_m1() / beta
            } else {
                (power - mass_p) / beta
            }
        };
        let value = (mass_q - mass_p - weighted) / alpha;
        let mean = |dof: f64| log_ratio.abs() + apart.abs() / dof;
        let size = mass_q + mass_p * (1.0 + mean(p.dof)) + power * (1.0 + mean(fall));
        let logs = p.log_scale.abs() + q.log_scale.abs() + 1.0;
        let relative =
            (alpha + beta.abs()) * (p.slack + q.slack + 64.0 * UNIT * logs) + 8.0 * lost / fall;
        around(value, 4.0 * size * relative / alpha)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_forms_meet() {
        for alpha in [0.5, 0.9, 1.0, 1.0 + 1e-9, 1.5, 2.0, 7.0] {
            let order = Amari::new(alpha).unwrap();
            let border = 0.5 / f64::max(1.0, order.beta.abs());
            for log_ratio in [-border, border] {
                let logs = ([0.0; 2], [log_ratio, 0.0]);
                let [near, far] = [order.near(logs.0, logs.1), order.far(logs.0, logs.1)];
                assert!(
                    (near[0] - far[0]).abs() < 1e-14 * far[0].max(0.1),
                    "{alpha}"
                );
            }
        }
    }

    /// (e^(βL) − α − β e^L) / (α (α − 1)) with 30 digits in mpmath, L = 1e-8 and p = 1.
    #[test]
    fn no_digits_cancel_where_p_and_q_agree() {
        for (alpha, expected) in NEAR {
            let found = Amari::new(alpha).unwrap().value([0.0; 2], [1e-8, 0.0])[0];
            assert!(f64::abs(found / expected - 1.0) < 1e-15, "{alpha}: {found}");
        }
    }

    const NEAR: [(f64, f64); 4] = [
        (0.5, 5.0000000250000004e-17),
        (1.0, 5.0000000166666667e-17),
        (1.5, 5.0000000083333336e-17),
        (4.0, 4.999999966666667e-17),
    ];
}
