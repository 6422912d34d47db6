//! Where a line is cut into panels: at the features of what is integrated, graded around each.
//!
//! A panel is resolved by a rule of 16 points if the features that reach it are not much finer than
//! the panel is long. The finest are the components themselves, and where one takes over from
//! another the corner of the logarithm of their sum: log(1 + eᵗ) has poles at ± iπ, so a corner is
//! as wide as π over the difference of the slopes.

use super::bump::Bump;

/// What a mesh must resolve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Feature {
    center: f64,
    /// What it looks like changes over this length.
    unit: f64,
    /// It ends this many units from its centre.
    reach: f64,
}

/// Gaussians end here: beyond are 2e-21 of one.
pub(super) const GAUSSIAN: f64 = 9.5;
/// Corners end here: log(1 + e^(−12 π)) is 4e-17.
const CORNER: f64 = 12.0;
/// Power laws end here at the latest.
const FARTHEST: f64 = 1e12;
/// A density is cut off where so little of it, with the square of its argument, is left.
const NEGLIGIBLE: f64 = 1e-17;

/// The panels around a feature end here, in its units …
const ENDS: [f64; 3] = [0.0, 2.0, 5.0];
/// … and beyond by this factor.
const GROWTH: f64 = 1.75;
/// A panel may be this many units long at the centre, and so much longer for each unit of distance.
const LENGTH: f64 = 2.0;
const GRADING: f64 = 0.75;
/// A corner is known to this share of its unit, or after this many halvings.
const NEAR: f64 = 0.05;
const HALVINGS: usize = 60;
/// A component this many nats below another of its density does not matter.
pub(super) const HIDDEN: f64 = 3.0;

impl Feature {
    pub fn gaussian(center: f64, unit: f64) -> Self {
        Self {
            center,
            unit,
            reach: GAUSSIAN,
        }
    }

    fn new(bump: &Bump) -> Self {
        let reach = if bump.dof.is_infinite() {
            GAUSSIAN
        } else {
            // The mean of x² beyond z falls like z^(2 − ν).
            let power = (bump.dof - 2.0).max(0.1);
            NEGLIGIBLE
                .powf(-1.0 / power)
                .clamp(2.0 * GAUSSIAN, FARTHEST)
        };
        Self {
            center: bump.center,
            unit: bump.scale,
            reach,
        }
    }

    /// As [`Feature::gaussian`], of which only the part within `reach` standard deviations counts.
    pub fn within(self, reach: f64) -> Self {
        Self {
            reach: self.reach.min(reach),
            ..self
        }
    }

    pub fn corner(center: f64, steepness: f64) -> Self {
        Self {
            center,
            unit: std::f64::consts::PI / steepness,
            reach: CORNER,
        }
    }

    pub fn span(&self) -> [f64; 2] {
        let reach = self.reach * self.unit;
        [self.center - reach, self.center + reach]
    }

    /// The ends of its panels.
    fn ends(&self, mut emit: impl FnMut(f64)) {
        let mut both = |z: f64| {
            emit(self.center - self.unit * z);
            emit(self.center + self.unit * z);
        };
        let [_, _, last] = ENDS;
        ENDS.into_iter()
            .filter(|&z| z < self.reach)
            .for_each(&mut both);
        let mut z = last * GROWTH;
        // The last panel is not cut where little more than half of one is left.
        while z * GROWTH.sqrt() < self.reach {
            both(z);
            z *= GROWTH;
        }
        both(self.reach);
    }
}

/// The components of two densities on a line that are not known by them alone, as far as these and `others`
/// reach: panels are twice as long as where nothing else is there, and shortened where that is too long.
pub(super) fn components(
    p: &[Bump],
    q: &[Bump],
    others: impl Iterator<Item = Feature>,
    reach: impl Fn(usize) -> f64,
) -> Vec<Feature> {
    let mut features = bumps(p, q, others, reach);
    for feature in &mut features {
        feature.unit *= 2.0;
        feature.reach /= 2.0;
    }
    features
}

/// The components of two densities on a line, as far as these and `others` reach. `reach` shortens them, each
/// by its place in `p` and `q` joined.
fn bumps(
    p: &[Bump],
    q: &[Bump],
    others: impl Iterator<Item = Feature>,
    reach: impl Fn(usize) -> f64,
) -> Vec<Feature> {
    (p.iter().chain(q).enumerate())
        .map(|(place, bump)| Feature::new(bump).within(reach(place)))
        .chain(others)
        .filter(|feature| feature.reach > 0.0)
        .collect()
}

/// All components, with the corners of the logarithm of each density, and those where one density falls below
/// the other.
pub(super) fn features(
    p: &[Bump],
    q: &[Bump],
    others: impl Iterator<Item = Feature>,
    reach: impl Fn(usize) -> f64,
) -> Vec<Feature> {
    let mut features = bumps(p, q, others, reach);
    if let Some([low, high]) = span(&features) {
        // A component without reach has no panels, and may still be the densest around its centre.
        let mut places = ends(&features, [low, high]);
        let centers = p.iter().chain(q).map(|bump| bump.center);
        places.extend(centers.filter(|&center| low < center && center < high));
        places.sort_by(f64::total_cmp);
        corners(&places, p, q, &mut features);
    }
    features
}

/// From the first to the last of all features; `None` if that is not finite.
pub(super) fn span(features: &[Feature]) -> Option<[f64; 2]> {
    let [low, high] = (features.iter().map(Feature::span)).fold(
        [f64::INFINITY, f64::NEG_INFINITY],
        |[low, high], [from, to]| [low.min(from), high.max(to)],
    );
    (low < high && (high - low).is_finite()).then_some([low, high])
}

/// The densest component at a place, and the log of its density there.
fn top(bumps: &[Bump], x: f64) -> (usize, f64) {
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

/// Adds the corners between places that are ascending.
fn corners(places: &[f64], p: &[Bump], q: &[Bump], found: &mut Vec<Feature>) {
    let tops: Vec<[(usize, f64); 2]> = (places.iter()).map(|&x| [top(p, x), top(q, x)]).collect();
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
    let x = corner.center;
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
        if to - from <= NEAR * Feature::corner(middle, steepness(middle)).unit {
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

/// A feature as seen by the panels it reaches.
#[derive(Debug, Clone, Copy)]
struct Reaching {
    from: f64,
    to: f64,
    center: f64,
    /// How long a panel at its centre may be.
    length: f64,
}

impl Reaching {
    fn new(feature: &Feature) -> Self {
        let [from, to] = feature.span();
        Self {
            from,
            to,
            center: feature.center,
            length: LENGTH * feature.unit * (1.0 + 1e-9),
        }
    }

    /// Whether it is resolved on a panel that it reaches.
    fn is_resolved(&self, from: f64, to: f64) -> bool {
        let distance = (from - self.center).max(self.center - to).max(0.0);
        to - from <= self.length + GRADING * distance
    }
}

/// The ends of the panels, ascending, from `low` to `high`: of those that the features ask for as few
/// as resolve all of them.
pub(super) fn ends(features: &[Feature], [low, high]: [f64; 2]) -> Vec<f64> {
    let mut wanted = vec![low, high];
    for feature in features {
        feature.ends(|end| {
            if low < end && end < high {
                wanted.push(end);
            }
        });
    }
    wanted.sort_by(f64::total_cmp);
    wanted.dedup();
    // Those that reach a panel: of the features in the order they begin, the ones begun and not ended.
    let mut coming: Vec<Reaching> = features.iter().map(Reaching::new).collect();
    coming.sort_by(|a, b| b.from.total_cmp(&a.from));
    let mut here: Vec<Reaching> = Vec::with_capacity(coming.len());
    let mut ends = vec![low];
    let mut from = low;
    for pair in wanted[1..].windows(2) {
        while let Some(next) = coming.pop_if(|next| next.from < pair[1]) {
            here.push(next);
        }
        if !here.iter().all(|one| one.is_resolved(from, pair[1])) {
            from = pair[0];
            ends.push(from);
            here.retain(|one| one.to > from);
        }
    }
    ends.push(high);
    ends
}

/// Places to look for equal densities at, on a panel.
const LOOKS: usize = 16;

/// The ends of panels with those added where both densities are equal: there |p − q| has a corner, which
/// no rule may have inside a panel. Looked for are changes of sign between places on each panel, and where
/// there is none, whether the difference that comes nearest to 0 gets there in between.
pub(super) fn cut_where_equal(ends: Vec<f64>, p: &[Bump], q: &[Bump]) -> Vec<f64> {
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
    let mut all = ends.clone();
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
    all.sort_by(f64::total_cmp);
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spike_on_a_slab_takes_a_few_panels_more_than_either() {
        let slab = Feature::gaussian(0.0, 1.0);
        let count = |features: &[Feature]| ends(features, slab.span()).len() - 1;
        let alone = count(&[slab]);
        for unit in [1e-2, 1e-5, 1e-9] {
            let spike = Feature::gaussian(0.3, unit);
            let both = count(&[slab, spike]);
            assert!(
                (alone + 6..=alone + 9).contains(&both),
                "{unit}: {alone} {both}"
            );
        }
        assert!(alone <= 8, "{alone}");
    }

    #[test]
    fn corners_are_found_where_one_component_takes_over_from_another() {
        let bump = |log_weight, center, scale, dof| Bump::new(log_weight, center, scale, dof);
        let p = [
            bump(-0.7, -1.0, 1.0, f64::INFINITY),
            bump(-0.7, 1.0, 1.0, f64::INFINITY),
            bump(-3.0, 0.2, 1e-4, f64::INFINITY),
        ];
        let q = [bump(0.0, 0.0, 2.0, 4.0)];
        let found = features(&p, &q, std::iter::empty(), |_| f64::INFINITY);
        let corners: Vec<f64> = found[4..].iter().map(|corner| corner.center).collect();
        // The spike takes over and gives back; the two wide ones meet at 0; p falls below q twice.
        let near =
            |x: f64, tolerance: f64| corners.iter().any(|corner| (corner - x).abs() < tolerance);
        assert!(
            near(0.2 - 4.6e-4, 1e-4) && near(0.2 + 4.6e-4, 1e-4),
            "{corners:?}"
        );
        assert!(near(0.0, 0.1), "{corners:?}");
        assert!(corners.iter().any(|x| *x < -1.5) && corners.iter().any(|x| *x > 1.5));
        assert!(corners.len() < 12, "{corners:?}");
    }

    #[test]
    fn every_feature_is_resolved_on_every_panel_or_was_cut_as_it_asks() {
        let features = [
            Feature::gaussian(0.0, 1.0),
            Feature::gaussian(0.4, 0.3),
            Feature::gaussian(0.41, 0.29),
            Feature::corner(1.0, 40.0),
        ];
        let ends = ends(&features, [-9.5, 9.5]);
        assert!(ends.is_sorted() && ends.len() < 30, "{ends:?}");
        for pair in ends.windows(2) {
            for feature in &features {
                let one = Reaching::new(feature);
                if pair[1] <= one.from || one.to <= pair[0] {
                    continue;
                }
                let longest = 1.5 * (LENGTH + GRADING * feature.reach) * feature.unit;
                assert!(
                    one.is_resolved(pair[0], pair[1]) || pair[1] - pair[0] <= longest,
                    "{pair:?} {feature:?}"
                );
            }
        }
    }
}
