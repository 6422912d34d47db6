//! Every divergence from integrals on the line.

use std::f64::consts::LN_2;

use super::affinity::Affinity;
use super::jensen_shannon::JsIntegrand;
use super::order::Amari;
use super::refine::Goal;
use super::total_variation::TvIntegrand;
use super::{Mixture1D, bracket};
use crate::calculator::bracket::Bracket;
use crate::divergence::{Certified, DivergenceKind};

/// A divergence between p and q lies in here, narrowed to `tolerance` in its unit if `most_pieces`
/// and the rounding allow; `None` of the cross-entropy, and of orders above 1e6.
pub(in super::super) fn divergence(
    kind: DivergenceKind,
    p: &Mixture1D,
    q: &Mixture1D,
    tolerance: f64,
    most_pieces: usize,
) -> Option<Bracket> {
    let goal = Goal {
        absolute: tolerance,
        relative: 0.0,
        most_pieces,
    };
    let kl = |p, q, goal| Bracket::from(bracket(&Amari::kl(), p, q, goal));
    let at_most = |upper: f64| Bracket { lower: 0.0, upper };
    Some(match kind.build().certified()? {
        Certified::Kl => kl(p, q, goal),
        Certified::ExchangedKl => kl(q, p, goal),
        Certified::Jeffreys => {
            let half = goal.scaled(0.5);
            kl(p, q, half).plus(kl(q, p, half))
        }
        Certified::JensenShannon => {
            Bracket::from(bracket(&JsIntegrand, p, q, goal)).intersect(at_most(LN_2.next_up()))
        }
        Certified::TotalVariation => {
            Bracket::from(bracket(&TvIntegrand, p, q, goal)).intersect(at_most(1.0))
        }
        Certified::Amari { order, times, most } => {
            let scaled = amari(order, p, q, goal.scaled(1.0 / times))?.scaled(times);
            most.map_or(scaled, |most| scaled.intersect(at_most(most)))
        }
        Certified::Renyi { order } => renyi(order, p, q, goal)?,
    })
}

/// The order, p and q of D_α(p‖q) = D_(1−α)(q‖p) with an order of at least ½.
fn exchanged<T>(alpha: f64, p: T, q: T) -> (f64, T, T) {
    if alpha < 0.5 {
        (1.0 - alpha, q, p)
    } else {
        (alpha, p, q)
    }
}

fn amari(alpha: f64, p: &Mixture1D, q: &Mixture1D, goal: Goal) -> Option<Bracket> {
    let (alpha, p, q) = exchanged(alpha, p, q);
    let integrand = Amari::new(alpha)?;
    Some(Bracket::from(bracket(&integrand, p, q, goal)))
}

/// log(1 + α (α − 1) D_α) / (α − 1), which grows with D_α, or from the integral itself where too few
/// digits of that are left.
fn renyi(alpha: f64, p: &Mixture1D, q: &Mixture1D, goal: Goal) -> Option<Bracket> {
    /// The integral that is not taken from 1 …
    const LEAST: f64 = 0.5;
    /// … and the one whose excess over 1 may be no number.
    const MOST: f64 = 1e250;
    let excess = alpha - 1.0;
    let first = Goal {
        absolute: LEAST * goal.absolute / alpha,
        relative: excess.max(0.0) * goal.absolute,
        ..goal
    };
    let of_power = amari(alpha, p, q, first)?;
    let outer = |d: f64, sign: f64| {
        let over = alpha * excess * d;
        let value = over.ln_1p() / excess;
        let slope = over.abs() / (1.0 + over) / excess.abs();
        value + sign * 8.0 * f64::EPSILON * (value.abs() + slope)
    };
    let integral = 1.0 + alpha * excess * of_power.upper;
    let of_excess = Bracket {
        lower: outer(of_power.lower, -1.0).max(0.0),
        upper: if integral > 0.0 {
            outer(of_power.upper, 1.0)
        } else {
            f64::INFINITY
        },
    };
    if (LEAST..MOST).contains(&integral) {
        return Some(of_excess);
    }
    let (order, p, q) = exchanged(alpha, p, q);
    let affinity = Affinity::between(order, p, q)?;
    let second = Goal {
        absolute: 0.0,
        relative: excess.abs() * goal.absolute,
        ..goal
    };
    let logs = bracket(&affinity, p, q, second).map(|end| end.ln() + affinity.shift);
    let mut ends = logs.map(|log| log / excess);
    ends.sort_by(f64::total_cmp);
    let size = logs[1].abs() + affinity.shift.abs();
    let slack = 8.0 * f64::EPSILON * size / excess.abs();
    let [lower, upper] = [ends[0] - slack, ends[1] + slack];
    Some(of_excess.intersect(Bracket {
        lower: if lower.is_nan() { 0.0 } else { lower },
        upper: if upper.is_nan() { f64::INFINITY } else { upper },
    }))
}
