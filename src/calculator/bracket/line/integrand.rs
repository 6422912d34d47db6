//! What is integrated: a function of log p and log q, and what must be known to bound its integral.

use super::component::{Piece, Term};
use super::ellipse::Ellipse;
use super::power_tail::PowerTails;
use super::rounding::UNIT;
use super::view::View;

/// A function of log p and log q that is analytic where neither p nor q is 0.
pub(super) trait Analytic: TailBounds {
    /// Whether it has both signs, and the integral is of its absolute value.
    const SIGNED: bool = false;

    /// Whether it may be large away from p.
    const SEES_BOTH: bool = false;

    /// Its value at a point and a bound on the rounding, from log p and log q and theirs.
    fn value(&self, log_p: [f64; 2], log_q: [f64; 2]) -> [f64; 2];

    /// A bound on its absolute value in an ellipse, in which it is analytic; `None` if it may not
    /// be.
    fn size(&self, ellipse: &Ellipse, p: &View, q: &View) -> Option<f64>;

    /// Bounds on its integral over a piece, however long.
    fn crude(&self, on: &Crude) -> [f64; 2];
}

/// Its integral beyond the last piece.
pub(super) trait TailBounds {
    /// Bounds between mixtures of Gaussians.
    fn beyond(&self, tail: &Tail) -> [f64; 2];

    /// Bounds where p or q is a mixture of Student-t.
    fn beyond_far(&self, tails: &PowerTails) -> [f64; 2];
}

/// What is known of p and q on a piece without looking inside.
#[derive(Debug)]
pub(super) struct Crude {
    pub piece: Piece,
    /// Bounds on the masses of p and q.
    pub masses: [[f64; 2]; 2],
    /// Bounds on log p and log q.
    pub logs: [[f64; 2]; 2],
}

impl Crude {
    /// Bounds on log q − log p.
    pub fn log_ratio(&self) -> [f64; 2] {
        let [p, q] = self.logs;
        [q[0] - p[1], q[1] - p[0]]
    }

    /// Bounds on ∫ p^α q^β times exp(−shift).
    pub fn power(&self, [alpha, beta]: [f64; 2], shift: f64) -> [f64; 2] {
        let [p, q] = self.logs;
        let end = |power: f64, [low, high]: [f64; 2], upper: bool| {
            power * if (power > 0.0) == upper { high } else { low }
        };
        let slack = 8.0
            * UNIT
            * (alpha.abs() * p[0].abs().max(p[1].abs())
                + beta.abs() * q[0].abs().max(q[1].abs())
                + shift.abs()
                + 1.0);
        [false, true].map(|upper| {
            let log = end(alpha, p, upper) + end(beta, q, upper) - shift;
            let log = if upper { log + slack } else { log - slack };
            2.0 * self.piece.half * log.exp()
        })
    }
}

/// The line beyond `end`, to the right or, with `sign` −1, to the left.
pub(super) struct Tail<'a> {
    pub end: f64,
    pub sign: f64,
    pub p: &'a [Term],
    pub q: &'a [Term],
    /// Bounds on the masses of p and q.
    pub masses: [[f64; 2]; 2],
}

/// The integral of a divergence's integrand from below, by the masses of p and q (the data-processing
/// inequality; for KL, the log-sum inequality).
pub(super) fn by_masses(integrand: &impl Analytic, [p, q]: [[f64; 2]; 2]) -> f64 {
    // It is convex, and 0 where the masses agree.
    let masses = if p[0] > q[1] {
        [p[0], q[1]]
    } else if q[0] > p[1] {
        [p[1], q[0]]
    } else {
        return 0.0;
    };
    // To raise the smaller can only lower it.
    let logs = masses.map(|mass| {
        let log = mass.max(f64::MIN_POSITIVE).ln();
        [log, UNIT * (log.abs() + 4.0)]
    });
    let [value, rounding] = integrand.value(logs[0], logs[1]);
    let least = value.abs() - 2.0 * rounding;
    if least > 0.0 { least } else { 0.0 }
}
