//! Where the logarithms of two densities on a line have corners, and where the densities are equal.

use super::bump::Bump;
use super::feature::Feature;

/// A corner is known to this share of its unit, or after this many halvings.
const NEAR: f64 = 0.05;
const HALVINGS: usize = 60;
/// A component this many nats below another of its density does not matter.
pub(super) const HIDDEN: f64 = 3.0;

/// The densest component at a place, and the log of its density there.
pub(super) type Top = (usize, f64);

fn top(bumps: &[Bump], x: f64) -> Top {
    let mut top = (0, f64::NEG_INFINITY);
    for (place, bump) in bumps.iter().enumerate() {
        let log = bump.log_density(x);
        if log > top.1 {
            top = (place, log);
        }
    }
    top
}

/// The log of a density at a place.
fn log_sum(bumps: &[Bump], x: f64) -> f64 {
    let (_, top) = top(bumps, x);
    let sum: f64 = (bumps.iter())
        .map(|bump| (bump.log_density(x) - top).exp())
        .sum();
    top + sum.ln()
}

/// Adds the corners between places that are ascending; `tops` is room to work in.
pub(super) fn corners(
    places: &[f64],
    [p, q]: [&[Bump]; 2],
    tops: &mut Vec<[Top; 2]>,
    found: &mut Vec<Feature>,
) {
    tops.clear();
    tops.extend(places.iter().map(|&x| [top(p, x), top(q, x)]));
    for (interval, tops) in places.windows(2).zip(tops.windows(2)) {
        let [from, to] = [interval[0], interval[1]];
        for (side, bumps) in [p, q].into_iter().enumerate() {
            takeovers([from, to], bumps, tops[0][side].0, tops[1][side].0, found);
        }
        let rises = tops[0][0].1 < tops[0][1].1;
        if rises != (tops[1][0].1 < tops[1][1].1) {
            let steepness = |x: f64| (p[top(p, x).0].slope(x) - q[top(q, x).0].slope(x)).abs();
            let apart = |x: f64| top(p, x).1 - top(q, x).1;
            found.extend(corner([from, to], apart, steepness));
        }
    }
}

/// The corners where one component of a density takes over from another, from the densest at one end to
/// the densest at the other.
fn takeovers(
    [from, to]: [f64; 2],
    bumps: &[Bump],
    first: usize,
    last: usize,
    found: &mut Vec<Feature>,
) {
    if first == last {
        return;
    }
    let (one, other) = (bumps[first], bumps[last]);
    let apart = |x: f64| one.log_density(x) - other.log_density(x);
    let steepness = |x: f64| (one.slope(x) - other.slope(x)).abs();
    let Some(corner) = corner([from, to], apart, steepness) else {
        return;
    };
    let x = corner.center();
    let (third, log) = top(bumps, x);
    if one.log_density(x) >= log - HIDDEN {
        found.push(corner);
    }
    if third != first && third != last && from < x && x < to {
        takeovers([from, x], bumps, first, third, found);
        takeovers([x, to], bumps, third, last, found);
    }
}

/// The corner where a difference of logarithms changes its sign, to a small share of its unit.
fn corner(
    [mut from, mut to]: [f64; 2],
    apart: impl Fn(f64) -> f64,
    steepness: impl Fn(f64) -> f64,
) -> Option<Feature> {
    let rises = apart(from) < 0.0;
    if rises == (apart(to) < 0.0) {
        return None;
    }
    for _ in 0..HALVINGS {
        let middle = 0.5 * (from + to);
        // As Feature::corner has its unit.
        if (to - from) * steepness(middle) <= NEAR * std::f64::consts::PI {
            break;
        }
        if (apart(middle) < 0.0) == rises {
            from = middle;
        } else {
            to = middle;
        }
    }
    let middle = 0.5 * (from + to);
    let steepness = steepness(middle);
    (steepness > 0.0 && steepness.is_finite()).then(|| Feature::corner(middle, steepness))
}

/// Places to look for equal densities at, on a panel.
const LOOKS: usize = 16;

/// Adds ends of panels where both densities are equal: there |p − q| has a corner, which
/// no rule may have inside a panel. Looked for are changes of sign between places on each panel, and where
/// there is none, whether the difference that comes nearest to 0 gets there in between.
pub(super) fn cut_where_equal(ends: &mut Vec<f64>, p: &[Bump], q: &[Bump]) {
    // Of K components the densest makes all of the density but log K nats: no more is needed where the
    // densities are further apart.
    let unsure = (p.len().max(q.len()) as f64).ln();
    let apart = |x: f64| {
        let tops = top(p, x).1 - top(q, x).1;
        if tops.abs() > unsure {
            tops
        } else {
            log_sum(p, x) - log_sum(q, x)
        }
    };
    let mut all = Vec::new();
    let root = |mut from: f64, mut to: f64| {
        let rises = apart(from) < 0.0;
        for _ in 0..HALVINGS {
            let middle = 0.5 * (from + to);
            if (apart(middle) < 0.0) == rises {
                from = middle;
            } else {
                to = middle;
            }
        }
        0.5 * (from + to)
    };
    for pair in ends.windows(2) {
        let at = |i: usize| pair[0] + (pair[1] - pair[0]) * i as f64 / LOOKS as f64;
        let looks: Vec<(f64, f64)> = (0..=LOOKS).map(at).map(|x| (x, apart(x))).collect();
        for two in looks.windows(2) {
            if (two[0].1 < 0.0) != (two[1].1 < 0.0) {
                all.push(root(two[0].0, two[1].0));
            }
        }
        for three in looks.windows(3) {
            let [(left, a), (_, b), (right, c)] = [three[0], three[1], three[2]];
            let same = (a < 0.0) == (b < 0.0) && (b < 0.0) == (c < 0.0);
            if !same || b.abs() > a.abs() || b.abs() > c.abs() {
                continue;
            }
            // A parabola through the three comes nearer to 0 than b by an eighth of this at most.
            if b.abs() > (a - b).abs().max((c - b).abs()) {
                continue;
            }
            // By golden section.
            let (mut low, mut high) = (left, right);
            for _ in 0..HALVINGS {
                let [first, second] = [low + 0.382 * (high - low), high - 0.382 * (high - low)];
                if apart(first).abs() < apart(second).abs() {
                    high = second;
                } else {
                    low = first;
                }
                let nearest = 0.5 * (low + high);
                if (apart(nearest) < 0.0) != (b < 0.0) {
                    all.extend([root(left, nearest), root(nearest, right)]);
                    break;
                }
            }
        }
    }
    ends.extend(all);
    ends.sort_by(f64::total_cmp);
    ends.dedup();
}
