//! Total variation: ½ |p − q|.

use super::ellipse::{Ellipse, INFLATION};
use super::integrand::{Analytic, Crude, Tail, TailBounds, by_masses};
use super::power_tail::PowerTails;
use super::rounding::UNIT;
use super::view::View;

/// TV(p, q).
#[derive(Debug, Clone, Copy)]
pub(super) struct TvIntegrand;

impl Analytic for TvIntegrand {
    const SIGNED: bool = true;

    fn value(&self, [log_p, error_p]: [f64; 2], [log_q, error_q]: [f64; 2]) -> [f64; 2] {
        let [p, q] = [log_p.exp(), log_q.exp()];
        let log_ratio = log_q - log_p;
        let value = if log_ratio.abs() < 0.5 {
            -0.5 * p * log_ratio.exp_m1()
        } else {
            0.5 * (p - q)
        };
        let error = 0.5 * (p * error_p + q * error_q);
        [value, 2.0 * (error + 8.0 * UNIT * value.abs())]
    }

    fn size(&self, ellipse: &Ellipse, p: &View, q: &View) -> Option<f64> {
        Some(0.5 * (ellipse.size(p) + ellipse.size(q)) * (1.0 + INFLATION))
    }

    fn crude(&self, on: &Crude) -> [f64; 2] {
        let [low, high] = on.log_ratio();
        // |p − q| / (p + q) = tanh(|log(p/q)| / 2).
        let share = (0.5 * low.abs().max(high.abs())).tanh() * (1.0 + 8.0 * UNIT);
        let [_, most] = bounds_by_masses(on.masses);
        [by_masses(self, on.masses), most * share.min(1.0)]
    }
}

/// From masses alone.
fn bounds_by_masses(masses: [[f64; 2]; 2]) -> [f64; 2] {
    let most = 0.5 * (masses[0][1] + masses[1][1]);
    [by_masses(&TvIntegrand, masses), most * (1.0 + 4.0 * UNIT)]
}

impl TailBounds for TvIntegrand {
    fn beyond(&self, tail: &Tail) -> [f64; 2] {
        bounds_by_masses(tail.masses)
    }

    fn beyond_far(&self, tails: &PowerTails) -> [f64; 2] {
        let nothing = [0.0; 2];
        let masses = [tails.p, tails.q].map(|tail| tail.map_or(nothing, |tail| tail.mass()));
        let [lower, upper] = bounds_by_masses(masses);
        match (tails.p, tails.q) {
            (Some(p), Some(q)) => {
                // Where the one that is larger at the end falls no faster, it is larger everywhere.
                let ahead = p.log_scale - q.log_scale;
                let is_certain = ahead.abs() > 2.0 * (p.slack + q.slack);
                let stays_ahead = ahead * (q.dof - p.dof) >= 0.0;
                if is_certain && stays_ahead {
                    let [least, most] = [0, 1].map(|i| masses[i]);
                    let apart = (least[1] - most[0]).abs().max((least[0] - most[1]).abs());
                    [lower, 0.5 * apart * (1.0 + 4.0 * UNIT)]
                } else {
                    [lower, upper]
                }
            }
            _ => [lower, upper],
        }
    }
}
