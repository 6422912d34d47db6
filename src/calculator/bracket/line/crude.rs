//! Bounds that hold on any piece, however long: from the masses of p and q on it and the ranges of
//! their logs.

use std::f64::consts::SQRT_2;

use libm::{erf, erfc};

use super::gauss_legendre::excess;
use super::mixture::{Component, Piece, UNIT, View};

/// Bounds on ∫ (p log(p/q) − p + q) over the piece.
pub(super) fn bracket(
    piece: Piece,
    p: &[Component],
    q: &[Component],
    views: [&View; 2],
) -> [f64; 2] {
    let [log_p, log_q] = views.map(View::range);
    let mass_p = mass_between(p, piece, log_p);
    let mass_q = mass_between(q, piece, log_q);
    let [most, least] = [log_p[1] - log_q[0], log_p[0] - log_q[1]].map(|log_ratio| log_ratio - 1.0);
    let upper = most * mass_p[usize::from(most > 0.0)];
    let lower = least * mass_p[usize::from(least < 0.0)];
    let [upper_slack, lower_slack] =
        [upper, lower].map(|part| 8.0 * UNIT * (part.abs() + mass_p[1] + mass_q[1]));
    [
        (mass_q[0] + lower - lower_slack).max(log_sum_bound(mass_p, mass_q)),
        mass_q[1] + upper + upper_slack,
    ]
}

/// P log(P/Q) − P + Q from below, for masses within bounds: the log-sum inequality.
pub(super) fn log_sum_bound(p: [f64; 2], q: [f64; 2]) -> f64 {
    // It is convex, and 0 where the masses agree.
    let (p, q) = if p[0] > q[1] {
        (p[0], q[1])
    } else if q[0] > p[1] {
        (p[1], q[0])
    } else {
        return 0.0;
    };
    if p == 0.0 {
        return q;
    }
    if q == 0.0 {
        return 0.0;
    }
    let [value, rounding] = excess(p, q, q.ln() - p.ln());
    let logs = UNIT * (p.ln().abs() + q.ln().abs() + 4.0) * p.max(q);
    (value - 2.0 * (rounding + logs)).max(0.0)
}

/// Bounds on the mass of a mixture on a piece on which the log of its density has the range.
fn mass_between(mixture: &[Component], piece: Piece, log_range: [f64; 2]) -> [f64; 2] {
    let [mut mass, mut rounding] = [0.0, 0.0];
    for one in mixture {
        let [from, to] = piece.ends().map(|end| one.z(end));
        let [part, error] = if from > 0.0 {
            let [near, far] = [upper_tail(from), upper_tail(to)];
            [near[0] - far[0], near[1] + far[1]]
        } else if to < 0.0 {
            let [near, far] = [upper_tail(-to), upper_tail(-from)];
            [near[0] - far[0], near[1] + far[1]]
        } else {
            [0.5 * (erf(to / SQRT_2) - erf(from / SQRT_2)), 12.0 * UNIT]
        };
        mass += one.weight * part;
        rounding += one.weight * error;
    }
    let slack = rounding + UNIT * (mixture.len() as f64 + 8.0) * mass;
    let [least, most] = log_range.map(|log| 2.0 * piece.half * log.exp());
    [
        (mass - slack).max(least * (1.0 - 8.0 * UNIT)).max(0.0),
        (mass + slack).min(most * (1.0 + 8.0 * UNIT)),
    ]
}

/// The standard normal mass above z ≥ 0 and a bound on its rounding.
///
/// z is off by 6 roundings, which change the mass by φ(z) z times as much, and
/// z φ(z) ≤ (z² + 1) times the mass (Gordon 1941).
pub(super) fn upper_tail(z: f64) -> [f64; 2] {
    let mass = 0.5 * erfc(z / SQRT_2);
    let relative = if mass > 0.0 {
        UNIT * (8.0 * z * z + 16.0)
    } else {
        0.0
    };
    [mass, mass * relative + f64::MIN_POSITIVE]
}
