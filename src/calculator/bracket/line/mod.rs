//! A certified bracket for KL(p‖q) between two Gaussian mixtures on the line.
//!
//! The integrand is p log(p/q) − p + q, which is nowhere negative and has the same integral, so no
//! digits cancel where p and q agree. The line is cut into pieces, as Nielsen and Sun (2016) do,
//! but the bound on a piece is that of Gauss–Legendre quadrature from the size of the integrand in
//! the complex plane (Petras 2002; Johansson 2018): its width falls geometrically with the number of
//! points instead of with a power of the length. Where that fails, on pieces that are too long,
//! masses and ranges bound the integral; those pieces are halved, the worst first.

mod crude;
mod ellipse;
mod gauss_legendre;
mod mixture;
mod refine;
mod tail;

use mixture::{Component, UNIT, difference};

/// How many standard deviations around each component of p are cut into pieces. The mass beyond is
/// 2e-33.
const REACH: f64 = 12.0;

/// No distance may be more standard deviations than this, whose square is a number.
const WIDEST: f64 = 1e140;

/// A Gaussian mixture on the line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    /// Positive. They are divided by their sum.
    pub weights: Vec<f64>,
    pub means: Vec<f64>,
    /// Positive.
    pub stds: Vec<f64>,
}

/// KL(p‖q) in nats lies between the two numbers returned.
///
/// They are about `tolerance` apart, more if that takes over `most_pieces` pieces or is less than
/// the rounding, which is bounded along with the rest. [0, ∞] if p or q is not a mixture, or there
/// are 1e140 standard deviations from somewhere to somewhere else.
///
/// The rounding is bounded to first order and doubled. A log density is off by a few 2⁻⁵³ of what
/// enters it (z², the logs of weight and standard deviation), averaged over the components by their
/// shares of the density; the integrand by p |log(p/q)| times that of log p and |q − p| times that
/// of log q; a sum, none of which has terms of both signs, by a unit for each term. exp, log, erf
/// and erfc are taken to be within two units of their last place.
pub(super) fn kl_bracket(p: &Line, q: &Line, tolerance: f64, most_pieces: usize) -> [f64; 2] {
    let Some([p, q]) = recentered(p, q) else {
        return [0.0, f64::INFINITY];
    };
    let pieces = refine::pieces(&p, &q, tolerance, most_pieces);
    let tails = [false, true].map(|mirrored| tail::bracket(1.0, mirrored, &p, &q));
    let [mut lower, mut upper] = [0.0; 2];
    let brackets = pieces.iter().map(|piece| piece.bracket(&p, &q));
    for [low, high] in brackets.chain(tails) {
        lower += low.max(0.0);
        upper += high;
    }
    let rounding = 2.0 * UNIT * (pieces.len() + 2) as f64;
    // What underflowed is far less than 1e-290.
    [lower * (1.0 - rounding), upper * (1.0 + rounding) + 1e-290]
}

/// The components in units in which those of p lie within [−1, 1], `REACH` standard deviations
/// included. KL does not depend on origin and scale; an origin in the narrowest component leaves
/// most digits where most are needed, and a scale of a power of two costs none.
fn recentered(p: &Line, q: &Line) -> Option<[Vec<Component>; 2]> {
    let valid = |line: &Line| {
        let count = line.weights.len();
        let total: f64 = line.weights.iter().sum();
        count > 0
            && [line.means.len(), line.stds.len()] == [count; 2]
            && (line.weights.iter()).all(|&weight| weight > 0.0 && (weight / total).is_normal())
            && line.stds.iter().all(|&std| std > 0.0 && std.is_finite())
            && line.means.iter().all(|mean| mean.is_finite())
    };
    if !valid(p) || !valid(q) {
        return None;
    }
    let (&origin, _) = (p.means.iter().zip(&p.stds)).min_by(|a, b| a.1.total_cmp(b.1))?;
    let reach = (p.means.iter().zip(&p.stds))
        .map(|(mean, std)| (mean - origin).abs() + REACH * std)
        .fold(0.0, f64::max);
    let scale = 2.0 * power_of_two_below(reach);
    let seen = |line: &Line| {
        (line.means.iter().zip(&line.stds)).all(|(mean, std)| {
            let farthest = (mean - origin).abs() + scale;
            (farthest / WIDEST..WIDEST * scale).contains(std)
        })
    };
    (scale.is_normal() && seen(p) && seen(q)).then(|| {
        [p, q].map(|line| {
            let total: f64 = line.weights.iter().sum();
            (line.weights.iter().zip(&line.means).zip(&line.stds))
                .map(|((weight, &mean), std)| {
                    let mean = difference(mean, origin).map(|part| part / scale);
                    Component::new(weight / total, mean, std / scale, line.weights.len())
                })
                .collect()
        })
    })
}

fn power_of_two_below(x: f64) -> f64 {
    f64::from_bits(x.to_bits() & f64::INFINITY.to_bits())
}

#[cfg(test)]
mod tests;
