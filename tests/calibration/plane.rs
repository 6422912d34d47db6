//! JS in a plane of densities with independent coordinates: no sum or product of those on lines.

use super::integrands::{difference, jensen_shannon};
use super::line::{At, Line};
use super::rules::{GAUSS_LEGENDRE, Place, Rule, Sum, TANH_SINH};
use super::truth::Truth;

/// Cuts around a component, in units of its width: where it is narrow enough for the logarithm of
/// a sum to turn, panels are half as wide.
const REACH: i32 = 18;
/// What is smaller than this share of a density's height adds nothing.
const NOTHING: f64 = -50.0;

/// JS(p, q) of p = p₁(x) p₂(y) and q = q₁(x) q₂(y).
pub fn js(p: [&Line; 2], q: [&Line; 2]) -> Truth {
    let by = |rule: &Rule| {
        let [along, across] = [0, 1].map(|d| points(p[d], q[d], rule));
        let (mut sum, mut rounding) = (Sum::default(), 0.0);
        for (w, at_p, at_q) in &along {
            for (v, beside_p, beside_q) in &across {
                let (log_p, log_q) = (at_p.log + beside_p.log, at_q.log + beside_q.log);
                let r = log_p - log_q;
                let weight = w * v;
                if log_p.max(log_q) + weight.ln() < NOTHING {
                    continue;
                }
                let (p, q) = (
                    at_p.density * beside_p.density,
                    at_q.density * beside_q.density,
                );
                let value = weight * jensen_shannon(p, q, r);
                sum.add(value);
                let size = 4.0 + log_p.abs().min(log_q.abs());
                let slope = difference(p, q, r).abs().min(p.min(q) * (1.0 + r.abs()));
                let of_r = 4.0 + log_p.abs() + log_q.abs();
                rounding += 2.0 * f64::EPSILON * (size * value + weight * slope * of_r);
            }
        }
        (sum.value(), rounding)
    };
    let ((value, rounding), (other, _)) = (by(&GAUSS_LEGENDRE), by(&TANH_SINH));
    Truth {
        value,
        error: rounding + (value - other).abs(),
    }
}

/// Weights, and both densities on one line, at points around every component of both.
fn points(p: &Line, q: &Line, rule: &Rule) -> Vec<(f64, At, At)> {
    let mut cuts: Vec<Place> = Vec::new();
    for &(_, mean, std) in p.parts.iter().chain(&q.parts) {
        let center = Place::new(mean);
        cuts.extend((-REACH..=REACH).map(|i| center.plus(0.6 * f64::from(i) * std)));
    }
    cuts.sort_by(|a, b| a.from(*b).total_cmp(&0.0));
    let mut points = Vec::new();
    let mut exponents = Vec::new();
    for ends in cuts.windows(2) {
        let half = 0.5 * ends[1].from(ends[0]);
        let middle = ends[0].plus(half);
        for &(x, w) in rule.iter().filter(|_| half > 0.0) {
            let x = middle.plus(half * x);
            let at = (p.at(x, &mut exponents), q.at(x, &mut exponents));
            points.push((w * half, at.0, at.1));
        }
    }
    points
}

#[test]
fn what_both_share_changes_nothing() {
    use super::truth::truths;
    use klfit::DivergenceKind;
    let p = Line::new(&[(0.6, 0.0, 1.0), (0.4, 1.5, 0.01)]);
    let q = Line::new(&[(1.0, 0.7, 0.8)]);
    let beside = Line::new(&[(1.0, 0.3, 2.0)]);
    let expected = truths(&p, &q).of(DivergenceKind::Js).unwrap();
    for found in [
        js([&p, &beside], [&q, &beside]),
        js([&beside, &p], [&beside, &q]),
    ] {
        assert!((found.value - expected.value).abs() < found.error + expected.error);
        assert!(found.error < 1e-11, "{found:?}");
    }
}
