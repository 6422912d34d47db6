//! W₂ between two mixtures on a line.
//!
//! There the cheapest plan keeps the order: W₂² = ∫ (x − T(x))² p(x) dx with T = G⁻¹ ∘ F, F and G being the
//! distribution functions of p and q (Villani 2003, theorem 2.18).

use std::f64::consts::SQRT_2;
use std::num::NonZeroUsize;

use gauss_quad::GaussLegendre;

use crate::divergence::{Estimate, EstimateMethod};
use crate::mixture::Mixture;
use crate::precise::ROUNDING;

/// Standard deviations from the mean of a component as far as which p and q are looked at: 1e-32 lies beyond.
const REACH: f64 = 12.0;
/// Where pieces begin, in standard deviations around every component of p and, carried over, of q.
const ENDS: [f64; 13] = [
    -REACH, -8.0, -6.0, -4.0, -3.0, -1.5, 0.0, 1.5, 3.0, 4.0, 6.0, 8.0, REACH,
];
/// The error to reach, relative to W₂², and the most pieces.
const TOLERANCE: f64 = 1e-13;
const MOST_PIECES: usize = 4000;
/// More components than this of both are too many.
pub(super) const MOST_COMPONENTS: usize = 64;
/// Halvings and Newton steps for one quantile at most.
const MOST_STEPS: usize = 200;

/// Σₖ wₖ N(mₖ, sₖ²), its means from an origin.
struct Line {
    components: Vec<[f64; 3]>,
}

impl Line {
    fn new(mixture: &Mixture, origin: f64) -> Self {
        let component = |k: usize| {
            let (weight, mean) = (mixture.weights()[k], mixture.means()[k][0]);
            [weight, mean - origin, mixture.scale_trils()[k][(0, 0)]]
        };
        let mut components: Vec<_> = (0..mixture.components()).map(component).collect();
        components.retain(|[weight, ..]| *weight > 0.0);
        Self { components }
    }

    /// F(x) and 1 − F(x), each to its own last digits, and the density.
    fn at(&self, x: f64) -> [f64; 3] {
        let mut sums = [0.0; 3];
        for [weight, mean, std] in &self.components {
            let z = (x - mean) / std;
            sums[0] += 0.5 * weight * libm::erfc(-z / SQRT_2);
            sums[1] += 0.5 * weight * libm::erfc(z / SQRT_2);
            sums[2] += weight / std * (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt();
        }
        sums
    }

    /// Where all but what is not seen lies.
    fn ends(&self) -> [f64; 2] {
        let end =
            |sign: f64| (self.components.iter()).map(move |[_, m, s]| m + sign * 3.0 * REACH * s);
        [
            end(-1.0).fold(f64::INFINITY, f64::min),
            end(1.0).fold(f64::NEG_INFINITY, f64::max),
        ]
    }

    /// Where F is this, and 1 − F the other; by Newton's method on their logarithm between two ends.
    fn quantile(&self, below: f64, above: f64) -> f64 {
        let [mut low, mut high] = self.ends();
        // A step of no account beside what rounding F does.
        let least = 1e-2 * f64::EPSILON * (high - low);
        let is_lower = below < above;
        let mut x = 0.5 * low + 0.5 * high;
        let mut before = high - low;
        for _ in 0..MOST_STEPS {
            let [f, s, density] = self.at(x);
            let off = if is_lower {
                (f / below).ln()
            } else {
                -(s / above).ln()
            };
            if off == 0.0 || off.is_nan() {
                break;
            }
            if off > 0.0 {
                high = x;
            } else {
                low = x;
            }
            let slope = density / if is_lower { f } else { s };
            let step = off / slope;
            // A step that is not half of the one before may be of a circle, around a narrow component.
            let is_near = step.abs() <= 0.5 * before && x - step > low && x - step < high;
            let next = match is_near {
                true => x - step,
                false => 0.5 * low + 0.5 * high,
            };
            before = (next - x).abs();
            if (next - x).abs() <= least + f64::EPSILON * x.abs() {
                return next;
            }
            x = next;
        }
        x
    }

    /// Where the other has as much on either side as this at x.
    fn carried(&self, x: f64, to: &Self) -> f64 {
        let [below, above, _] = self.at(x);
        to.quantile(below, above)
    }
}

/// A piece of the line with its part of the integral and what that may be off by.
struct Piece {
    ends: [f64; 2],
    value: f64,
    error: f64,
}

/// W₂ of two mixtures on a line that have few components, with its error: over x of p and over y of q, of which the surer
/// is told, and their difference is the least it may be off by.
pub(super) fn distance(p: &Mixture, q: &Mixture) -> Option<Estimate> {
    if p.dim() != 1 || p.components() + q.components() > MOST_COMPONENTS {
        return None;
    }
    let (one, other) = (over(p, q)?, over(q, p)?);
    let (surer, less_sure) = match other.error < one.error {
        true => (other, one),
        false => (one, other),
    };
    let apart = (surer.value - less_sure.value).abs();
    let is_explained = apart <= surer.error + less_sure.error;
    Some(Estimate {
        error: if is_explained {
            surer.error
        } else {
            surer.error.max(apart)
        },
        ..surer
    })
}

/// The integral over x of p.
fn over(p: &Mixture, q: &Mixture) -> Option<Estimate> {
    let origin = p.mean()[0];
    let [p, q] = [p, q].map(|mixture| Line::new(mixture, origin));
    let rule = GaussLegendre::new(const { NonZeroUsize::new(16).unwrap() });
    let integrand = |x: f64| {
        let [below, above, density] = p.at(x);
        let apart = x - q.quantile(below, above);
        apart * apart * density
    };
    let integral = |[from, to]: [f64; 2]| rule.integrate(from, to, integrand);
    let piece = |ends: [f64; 2], whole: f64| {
        let middle = 0.5 * ends[0] + 0.5 * ends[1];
        let halves = [[ends[0], middle], [middle, ends[1]]].map(integral);
        let value = halves[0] + halves[1];
        (
            Piece {
                ends,
                value,
                error: (value - whole).abs(),
            },
            halves,
        )
    };

    let around = |line: &Line| -> Vec<f64> {
        let ends = |[_, mean, std]: &[f64; 3]| ENDS.map(|end| mean + end * std);
        line.components.iter().flat_map(ends).collect()
    };
    let own = around(&p);
    let seen = |x: &f64| {
        let [below, above, _] = p.at(*x);
        below.min(above) > 1e-33
    };
    let carried = around(&q)
        .into_iter()
        .map(|y| q.carried(y, &p))
        .filter(seen);
    let mut ends: Vec<f64> = own
        .iter()
        .copied()
        .chain(carried)
        .filter(|x| x.is_finite())
        .collect();
    ends.sort_by(f64::total_cmp);
    ends.dedup();

    let mut pieces: Vec<(Piece, [f64; 2])> = (ends.windows(2))
        .map(|ends| [ends[0], ends[1]])
        .map(|ends| piece(ends, integral(ends)))
        .collect();
    // What rounding F does to T is ε / g, which has the integral ε ∫ G over y.
    let extent = {
        let (of_p, of_q) = (p.ends(), q.ends());
        of_p[1].max(of_q[1]) - of_p[0].min(of_q[0])
    };
    let widest = (own.iter())
        .filter(|x| seen(x))
        .map(|&x| (x - p.carried(x, &q)).abs())
        .fold(0.0, f64::max);
    let count = (p.components.len() + q.components.len() + 8) as f64;
    let rounded = |square: f64| count * ROUNDING * (widest * extent + square);
    loop {
        let (value, error) = total(&pieces);
        let least = TOLERANCE * value + rounded(value);
        if error <= least || pieces.len() >= MOST_PIECES || !value.is_finite() {
            break;
        }
        // Those that are off by most of it are halved.
        let share = 0.1 * error / pieces.len() as f64;
        let (rough, fine): (Vec<_>, Vec<_>) = (pieces.into_iter())
            .partition(|(piece, _)| piece.error > share && can_be_halved(piece.ends));
        pieces = fine;
        if rough.is_empty() {
            break;
        }
        for (one, halves) in rough {
            let middle = 0.5 * one.ends[0] + 0.5 * one.ends[1];
            pieces.push(piece([one.ends[0], middle], halves[0]));
            pieces.push(piece([middle, one.ends[1]], halves[1]));
        }
    }
    let (square, error) = total(&pieces);
    // With what is beyond the ends.
    let error = error + rounded(square) + 1e-30 * extent * extent;
    let value = square.sqrt();
    // The root falls by more than it rises.
    let least = (square - error).max(0.0).sqrt();
    let error = if error > 0.0 {
        error / (value + least)
    } else {
        0.0
    };
    value.is_finite().then_some(Estimate {
        value,
        error,
        method: EstimateMethod::Quadrature,
    })
}

fn can_be_halved([from, to]: [f64; 2]) -> bool {
    let middle = 0.5 * from + 0.5 * to;
    from < middle && middle < to
}

fn total(pieces: &[(Piece, [f64; 2])]) -> (f64, f64) {
    let sum = |of: fn(&Piece) -> f64| pieces.iter().map(|(piece, _)| of(piece)).sum();
    (sum(|piece| piece.value), sum(|piece| piece.error))
}
