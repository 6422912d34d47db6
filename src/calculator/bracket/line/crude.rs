//! The masses of p and q on a piece, and the normal mass beyond a point.

use std::f64::consts::SQRT_2;

use libm::{erf, erfc};

use super::component::{Piece, Term};
use super::integrand::Crude;
use super::rounding::UNIT;
use super::view::{Local, View};

/// What is known of p and q on a piece, whose views are given untrimmed.
pub(super) fn bounds(piece: Piece, mixtures: [&[Term]; 2], views: [&View; 2]) -> Crude {
    let logs = views.map(View::range);
    Crude {
        piece,
        masses: [0, 1].map(|i| mass_between(mixtures[i], views[i], piece, logs[i])),
        logs,
    }
}

/// Bounds on the mass of a mixture on a piece on which the log of its density has the range.
fn mass_between(mixture: &[Term], view: &View, piece: Piece, log_range: [f64; 2]) -> [f64; 2] {
    let [mut least, mut most] = [0.0, 0.0];
    for (one, local) in mixture.iter().zip(&view.locals) {
        let [low, high] = if one.dof.is_some() {
            heavy_mass(one, local, piece)
        } else {
            let [mass, error] = normal_mass(piece.ends().map(|end| one.z(end)));
            [mass - error, mass + error].map(|mass| one.weight * mass)
        };
        least += low;
        most += high;
    }
    let slack = UNIT * (mixture.len() as f64 + 8.0) * most;
    let [thin, thick] = log_range.map(|log| 2.0 * piece.half * log.exp());
    [
        (least - slack).max(thin * (1.0 - 8.0 * UNIT)).max(0.0),
        (most + slack).min(thick * (1.0 + 8.0 * UNIT)),
    ]
}

/// The normal mass between two z and a bound on its rounding.
fn normal_mass([from, to]: [f64; 2]) -> [f64; 2] {
    if from > 0.0 {
        let [near, far] = [upper_tail(from), upper_tail(to)];
        [near[0] - far[0], near[1] + far[1]]
    } else if to < 0.0 {
        let [near, far] = [upper_tail(-to), upper_tail(-from)];
        [near[0] - far[0], near[1] + far[1]]
    } else {
        [0.5 * (erf(to / SQRT_2) - erf(from / SQRT_2)), 12.0 * UNIT]
    }
}

/// Bounds on the mass of a Student-t component with its weight: by its range.
fn heavy_mass(one: &Term, local: &Local, piece: Piece) -> [f64; 2] {
    let [low, high] = local.range().map(|log| 2.0 * piece.half * log.exp());
    [
        low * (1.0 - 8.0 * UNIT),
        (high * (1.0 + 8.0 * UNIT)).min(one.weight),
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
