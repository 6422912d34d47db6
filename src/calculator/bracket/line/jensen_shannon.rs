//! Jensen–Shannon: ½ p log(p/m) + ½ q log(q/m), m = ½p + ½q, which is nowhere negative.

use std::f64::consts::LN_2;

use super::ellipse::{Ellipse, INFLATION};
use super::integrand::{Analytic, Crude, Tail, TailBounds, by_masses};
use super::power_tail::{PowerTails, around};
use super::rounding::UNIT;
use super::view::View;

/// JS(p, q).
#[derive(Debug, Clone, Copy)]
pub(super) struct JsIntegrand;

/// (1 − t) log(1 − t) + (1 + t) log(1 + t) for |t| < ¼.
fn near(t: f64) -> f64 {
    let square = t * t;
    let terms = (1..=14).rev().map(f64::from);
    terms.fold(0.0, |sum, k| (sum + 1.0 / (k * (2.0 * k - 1.0))) * square)
}

/// The integrand as a share of m where |log q − log p| is this, and the greater of it.
fn share(log_ratio: f64) -> f64 {
    if log_ratio < 0.5 {
        return 0.5 * near((0.5 * log_ratio).tanh());
    }
    let less = 2.0 / (1.0 + log_ratio.exp());
    let logs = [
        if less > 0.0 { less.ln() } else { 0.0 },
        (1.0 - less).ln_1p(),
    ];
    0.5 * (less * logs[0] + (2.0 - less) * logs[1])
}

impl Analytic for JsIntegrand {
    fn value(&self, [log_p, error_p]: [f64; 2], [log_q, error_q]: [f64; 2]) -> [f64; 2] {
        let apart = (log_q - log_p).abs();
        let [p, q] = [log_p.exp(), log_q.exp()];
        let middle = 0.5 * (p + q);
        let value = middle * share(apart);
        // The derivative by log p is ½ p log(p/m), and |log(p/m)| is at most |log p − log q| and, of
        // the greater one, ln 2.
        let slip = error_p + error_q;
        let [less, more] = [apart, apart.min(LN_2)].map(|log| log + slip);
        let [by_p, by_q] = if p < q { [less, more] } else { [more, less] };
        let error = 0.5 * (p * by_p * error_p + q * by_q * error_q);
        // Where the two terms cancel, they are at most 16 times their sum.
        [value, 2.0 * (error + 64.0 * UNIT * value)]
    }

    fn size(&self, ellipse: &Ellipse, p: &View, q: &View) -> Option<f64> {
        let middle = ellipse.bounds_between(p, q)?;
        let sizes = [p, q].map(|view| {
            let bounds = ellipse.bounds(view)?;
            Some(bounds.size() * ellipse.log_ratio(&bounds, &middle))
        });
        Some(0.5 * (sizes[0]? + sizes[1]?) * (1.0 + INFLATION))
    }

    fn crude(&self, on: &Crude) -> [f64; 2] {
        let [low, high] = on.log_ratio();
        let [p, q] = on.masses;
        let farthest = share(low.abs().max(high.abs()));
        let nearest = share(low.max(-high).max(0.0));
        [
            by_masses(self, on.masses).max(0.5 * (p[0] + q[0]) * nearest * (1.0 - 1e-12)),
            0.5 * (p[1] + q[1]) * farthest * (1.0 + 1e-12),
        ]
    }
}

impl TailBounds for JsIntegrand {
    fn beyond(&self, tail: &Tail) -> [f64; 2] {
        self.bounds_by_masses(tail.masses)
    }

    fn beyond_far(&self, tails: &PowerTails) -> [f64; 2] {
        match (tails.p, tails.q) {
            (Some(p), Some(q)) if p.dof == q.dof => {
                // The ratio of the two does not change.
                let [log_p, log_q] =
                    [p, q].map(|tail| [tail.log_scale - tail.dof.ln(), tail.slack + 8.0 * UNIT]);
                let [value, error] = self.value(log_p, log_q);
                around(value, 2.0 * error)
            }
            (Some(p), Some(q)) => self.bounds_by_masses([p.mass(), q.mass()]),
            (Some(one), None) | (None, Some(one)) => one.mass().map(|mass| 0.5 * LN_2 * mass),
            (None, None) => [0.0, f64::INFINITY],
        }
    }
}

impl JsIntegrand {
    fn bounds_by_masses(&self, masses: [[f64; 2]; 2]) -> [f64; 2] {
        let most = 0.5 * LN_2 * (masses[0][1] + masses[1][1]);
        [by_masses(self, masses), most * (1.0 + 8.0 * UNIT)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_forms_meet() {
        let [near, far] = [0.5_f64.next_down(), 0.5].map(share);
        assert!((near / far - 1.0).abs() < 1e-14, "{near} {far}");
    }

    /// With 30 digits in mpmath: ½ p log(p/m) + ½ q log(q/m) for p = 1, as a share of m.
    #[test]
    fn agrees_with_mpmath() {
        for (log_ratio, expected) in SHARES {
            let found = share(log_ratio);
            assert!(
                f64::abs(found / expected - 1.0) < 4e-15,
                "{log_ratio}: {found}"
            );
        }
    }

    const SHARES: [(f64, f64); 5] = [
        (1e-08, 1.25e-17),
        (0.3, 0.011124691134915887),
        (0.7, 0.05769257219220368),
        (5.0, 0.6529675774494029),
        (50.0, std::f64::consts::LN_2),
    ];
}
