//! Points and weights of panels, and the sums over them with their errors.

use super::bump::Bump;
use super::legendre::{LegendreOrder, LegendreRule};
use super::mesh::{Feature, HIDDEN, components, cut_where_equal, ends, features, span};
use super::shape::{Frame, Shape, Sliced};
use crate::divergence::{DivergenceKind, Side};

/// Two densities in one or two dimensions, as far as a mesh must know them.
#[derive(Debug, Clone)]
pub(crate) struct DensityPair {
    kind: Kind,
    /// The panels of a line, or of the outer direction of the plane, end here.
    tops: Vec<f64>,
    /// Whether the corners of both are known.
    is_exact: bool,
    /// Where they are known to have some, ascending: along a line or the outer direction, and along the inner one.
    breaks: [Vec<f64>; 2],
    /// How far rounding moves the logarithm of each beyond what one of its size is rounded by, in units of ε.
    roundings: [f64; 2],
    /// In the plane, every panel on a line is cut into this many.
    inner_cut: usize,
}

#[derive(Debug, Clone)]
enum Kind {
    Line,
    Plane {
        frame: Frame,
        p: Vec<Sliced>,
        q: Vec<Sliced>,
        /// What else must be resolved.
        others: Vec<Sliced>,
        is_sharp: bool,
        under: [bool; 2],
    },
}

/// Points with weights for ∫ f dx over some panels.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sites {
    /// `[S, D]`.
    pub x: Vec<f64>,
    /// `[S]`.
    pub weights: Vec<f64>,
    /// Half the length of each innermost panel; each has n points.
    halves: Vec<f64>,
    /// Whether each begins where there is known to be a corner.
    at_break: Vec<bool>,
    /// In the plane, the panels of each line and its weight; n lines for each outer panel.
    lines: Vec<(std::ops::Range<usize>, f64)>,
    /// Half the length of each panel of the first level.
    tops: Vec<f64>,
    /// Whether there may be corners anywhere.
    has_corners: bool,
    /// Every panel on a line of the plane is cut into this many.
    inner_cut: usize,
}

/// Every two components are looked at, on every line.
const MOST_IN_PLANE: usize = 256;
/// Panels on a line are cut into this many at most.
const MOST_CUTS: usize = 16;

/// A part of an integral, and how it may be off.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Partial {
    pub value: f64,
    /// What more panels of the first level would lessen.
    pub error: f64,
    /// What they would not: rounding, what lies beyond the ends, the panels of the second level.
    pub floor: f64,
    /// In the plane, what is integrated over the first level at the two ends of its panel, as the points
    /// on it have it.
    pub ends: [f64; 2],
}

impl std::ops::AddAssign for Partial {
    fn add_assign(&mut self, other: Self) {
        self.value += other.value;
        self.error += other.error;
        self.floor += other.floor;
    }
}

impl DensityPair {
    /// For integrating some divergences. `None` if the densities have no components, numbers that
    /// overflow, components too narrow to have points in them, or too many in a plane.
    pub fn new(p: &Shape, q: &Shape, kinds: &[DivergenceKind]) -> Option<Self> {
        Self::seen_from(p.frame_with(q), p, q, kinds, [true; 2])
    }

    /// As [`DensityPair::new`], for one divergence, many times over: of a density that no expectation is
    /// taken under only the corners of its logarithm have panels, since between them that is a parabola
    /// where the components are Gaussian.
    pub fn reduced(p: &Shape, q: &Shape, kind: DivergenceKind) -> Option<Self> {
        let sides = kind.build().sides();
        let under = [(Side::Target, p), (Side::Family, q)].map(|(side, shape)| {
            sides.contains(&side) || !shape.is_gaussian() || !shape.is_exact()
        });
        Self::seen_from(p.frame_with(q), p, q, &[kind], under)
    }

    /// As [`DensityPair::new`], with lines along the other direction of the plane: the same integral by
    /// points that have nothing in common with those; `None` on a line.
    pub fn turned(p: &Shape, q: &Shape, kinds: &[DivergenceKind]) -> Option<Self> {
        let frame = p.frame_with(q)?;
        Self::seen_from(Some(frame.turned()), p, q, kinds, [true; 2])
    }

    fn seen_from(
        frame: Option<Frame>,
        p: &Shape,
        q: &Shape,
        kinds: &[DivergenceKind],
        under: [bool; 2],
    ) -> Option<Self> {
        let is_seen =
            |shape: &Shape, under: bool| shape.is_in_range() && (!under || shape.is_resolved());
        if !(is_seen(p, under[0]) && is_seen(q, under[1])) {
            return None;
        }
        let powers: Vec<Shape> = (kinds.iter())
            .filter_map(|kind| Some(Shape::powers(p, q, kind.order()?)))
            .collect();
        let is_exact = p.is_exact() && q.is_exact();
        // Where densities are not known by their components, these do not tell where they are equal.
        let is_sharp = is_exact && kinds.iter().any(|kind| kind.build().has_corner());
        let (kind, features) = match frame {
            None => {
                let (p, q) = (p.bumps(), q.bumps());
                let others = powers.iter().flat_map(Shape::bumps);
                let others = others.map(|one| Feature::gaussian(one.center, one.scale));
                let reach = |place| match under[usize::from(place >= p.len())] {
                    true => f64::INFINITY,
                    false => 0.0,
                };
                let all = match is_exact {
                    true => features(&p, &q, others, reach),
                    false => components(&p, &q, others, reach),
                };
                (Kind::Line, all)
            }
            Some(_) if p.components() + q.components() > MOST_IN_PLANE => return None,
            Some(frame) => {
                let [p, q] = [p, q].map(|shape| shape.sliced(frame));
                let others: Vec<Sliced> = powers.iter().flat_map(|one| one.sliced(frame)).collect();
                let all = outer_features(&p, &q, &others, under, is_exact);
                let kind = Kind::Plane {
                    frame,
                    p,
                    q,
                    others,
                    is_sharp,
                    under,
                };
                (kind, all)
            }
        };
        let mut tops = ends(&features, span(&features)?);
        let axes = match frame {
            Some(frame) if frame == Frame::AXES.turned() => [1, 0],
            _ => [0, 1],
        };
        let breaks = axes.map(|axis| {
            let mut all = [p, q].map(|shape| shape.breaks(axis)).concat();
            all.sort_by(f64::total_cmp);
            all
        });
        tops = with_breaks(tops, &breaks[0]);
        if is_sharp && frame.is_none() {
            tops = cut_where_equal(tops, &p.bumps(), &q.bumps());
        }
        Some(Self {
            kind,
            tops,
            is_exact,
            breaks,
            roundings: [p, q].map(Shape::rounding),
            inner_cut: 1,
        })
    }

    /// With panels half as long on the lines of a plane, where densities are not known by their components: what
    /// the panels of the first level cannot make up for. `None` where that is no way to go on.
    pub fn finer(&self) -> Option<Self> {
        let may = self.is_plane() && !self.is_exact && self.inner_cut < MOST_CUTS;
        may.then(|| self.cut_within(2 * self.inner_cut))
    }

    /// With each panel on a line of the plane cut into this many, where densities are not known by their
    /// components.
    pub fn cut_within(&self, cut: usize) -> Self {
        Self {
            inner_cut: if self.is_exact { 1 } else { cut },
            ..self.clone()
        }
    }

    /// Whether a density is known to have a corner there.
    pub(super) fn is_break(&self, x: f64) -> bool {
        is_among(&self.breaks[0], x)
    }

    /// How far rounding moves the logarithm of each beyond what one of its size is rounded by, in units of ε.
    pub(super) fn roundings(&self) -> [f64; 2] {
        self.roundings
    }

    /// Whether there are lines in a plane.
    pub(super) fn is_plane(&self) -> bool {
        matches!(self.kind, Kind::Plane { .. })
    }

    /// The panels of the first level, each cut into this many.
    pub fn tops(&self, cut: usize) -> Vec<[f64; 2]> {
        (self.tops.windows(2))
            .flat_map(|pair| {
                let at = |i: usize| {
                    let share = i as f64 / cut as f64;
                    pair[0] * (1.0 - share) + pair[1] * share
                };
                (0..cut).map(move |i| [at(i), at(i + 1)])
            })
            .collect()
    }

    /// The points of some panels of the first level.
    pub fn sites(&self, tops: &[[f64; 2]], order: LegendreOrder) -> Sites {
        let rule = order.rule();
        let mut sites = Sites {
            has_corners: !self.is_exact,
            inner_cut: self.inner_cut,
            ..Sites::default()
        };
        for &[from, to] in tops {
            let half = 0.5 * (to - from);
            sites.tops.push(half);
            match &self.kind {
                Kind::Line => {
                    sites.at_break.push(self.is_break(from));
                    sites.panel(rule, [from, to], 1.0, |x, tell| tell.push(x));
                }
                Kind::Plane {
                    frame,
                    p,
                    q,
                    others,
                    is_sharp,
                    under,
                } => {
                    for (node, weight) in rule.nodes.iter().zip(&rule.weights) {
                        let t = from + half * (1.0 + node);
                        let densities: [&[Sliced]; 3] = [p, q, others];
                        let at = [t, half * weight];
                        let how = (*is_sharp, *under, &self.breaks[1][..]);
                        sites.line(rule, *frame, densities, how, at);
                    }
                }
            }
        }
        sites
    }
}

/// The ends of panels, with those that must be.
fn with_breaks(mut ends: Vec<f64>, breaks: &[f64]) -> Vec<f64> {
    if !breaks.is_empty() {
        ends.extend(breaks);
        ends.sort_by(f64::total_cmp);
        ends.dedup();
    }
    ends
}

/// Whether a number is one of some that are ascending.
fn is_among(all: &[f64], x: f64) -> bool {
    all.binary_search_by(|at| at.total_cmp(&x)).is_ok()
}

/// The features of the integrals along lines, as a function of where the line is.
fn outer_features(
    p: &[Sliced],
    q: &[Sliced],
    others: &[Sliced],
    under: [bool; 2],
    is_exact: bool,
) -> Vec<Feature> {
    let marginals =
        |side: &[Sliced]| -> Vec<Bump> { side.iter().map(|one| one.marginal).collect() };
    let others = others.iter().map(|one| one.marginal);
    let others = others.map(|one| Feature::gaussian(one.center, one.scale));
    let reach = |place| match under[usize::from(place >= p.len())] {
        true => f64::INFINITY,
        false => 0.0,
    };
    if !is_exact {
        return components(&marginals(p), &marginals(q), others, reach);
    }
    let mut all = features(&marginals(p), &marginals(q), others, reach);
    let Some([low, high]) = span(&all) else {
        return all;
    };
    let sides = [p, q];
    let both: Vec<(usize, &Sliced)> = (0..2)
        .flat_map(|side| sides[side].iter().map(move |one| (side, one)))
        .collect();
    for (i, &(side, one)) in both.iter().enumerate() {
        for &(other_side, other) in &both[..i] {
            all.extend(one.intersection(other));
            one.touches(other, |t, s, steepness| {
                if !(low..=high).contains(&t) {
                    return;
                }
                let seen = |side: usize, one: &Sliced| {
                    let densest = (sides[side].iter())
                        .map(|other| other.slice(t).log_density(s))
                        .fold(f64::NEG_INFINITY, f64::max);
                    one.slice(t).log_density(s) >= densest - HIDDEN
                };
                if seen(side, one) && seen(other_side, other) {
                    all.push(Feature::corner(t, steepness));
                }
            });
        }
    }
    all
}

impl Sites {
    fn panel(
        &mut self,
        rule: &LegendreRule,
        [from, to]: [f64; 2],
        weight: f64,
        mut place: impl FnMut(f64, &mut Vec<f64>),
    ) {
        let half = 0.5 * (to - from);
        self.halves.push(half);
        for (node, own) in rule.nodes.iter().zip(&rule.weights) {
            // From the nearer end, so that a short panel far out has its points.
            let x = if *node < 0.0 {
                from + half * (1.0 + node)
            } else {
                to - half * (1.0 - node)
            };
            place(x, &mut self.x);
            self.weights.push(weight * half * own);
        }
    }

    fn line(
        &mut self,
        rule: &LegendreRule,
        frame: Frame,
        [p, q, others]: [&[Sliced]; 3],
        (is_sharp, under, breaks): (bool, [bool; 2], &[f64]),
        [t, weight]: [f64; 2],
    ) {
        let at = |side: &[Sliced]| -> Vec<Bump> { side.iter().map(|one| one.slice(t)).collect() };
        let reach = |place: usize| match place.checked_sub(p.len()) {
            None if under[0] => p[place].reach(t),
            Some(place) if under[1] => q[place].reach(t),
            _ => 0.0,
        };
        let others = others.iter().map(|one| {
            let bump = one.slice(t);
            Feature::gaussian(bump.center, bump.scale).within(one.reach(t))
        });
        let all = match self.has_corners {
            false => features(&at(p), &at(q), others, reach),
            true => components(&at(p), &at(q), others, reach),
        };
        let first = self.halves.len();
        if let Some(span) = span(&all) {
            let mut ends = with_breaks(ends(&all, span), breaks);
            if is_sharp {
                ends = cut_where_equal(ends, &at(p), &at(q));
            }
            for pair in ends.windows(2) {
                let cut = self.inner_cut;
                let at = |i: usize| {
                    let share = i as f64 / cut as f64;
                    pair[0] * (1.0 - share) + pair[1] * share
                };
                for i in 0..cut {
                    self.at_break.push(i == 0 && is_among(breaks, pair[0]));
                    self.panel(rule, [at(i), at(i + 1)], weight, |s, tell| {
                        tell.extend(frame.point(t, s));
                    });
                }
            }
        }
        self.lines.push((first..self.halves.len(), weight));
    }

    /// The parts of ∫ f dx over the panels of the first level, from f at the points and how far it is
    /// rounded there, in units of ε.
    pub(super) fn parts(
        &self,
        order: LegendreOrder,
        values: &[f64],
        roundings: &[f64],
    ) -> Vec<Partial> {
        let rule = order.rule();
        let n = rule.points();
        let dim = self.x.len() / self.weights.len().max(1);
        let leaf = |panel: usize| -> Partial {
            let points = panel * n..(panel + 1) * n;
            let f = &values[points.clone()];
            // Far out there is nothing on most panels.
            if f.iter().all(|f| *f == 0.0) && roundings[points.clone()].iter().all(|r| *r == 0.0) {
                return Partial::default();
            }
            let [value, error] = rule.integrate(f).map(|part| self.halves[panel] * part);
            let rounded: f64 = (roundings[points.clone()].iter().zip(&rule.weights))
                .map(|(rounding, weight)| weight * rounding)
                .sum();
            // A point is rounded too: by so much of its coordinates, which moves f along its slope.
            let moved: f64 = f.windows(2).map(|pair| (pair[1] - pair[0]).abs()).sum();
            let farthest = (self.x[points.start * dim..points.end * dim].iter())
                .fold(0.0f64, |far, x| far.max(x.abs()));
            Partial {
                value,
                error,
                floor: f64::EPSILON * (self.halves[panel] * rounded + farthest * moved),
                ends: if self.has_corners {
                    rule.at_ends(f)
                } else {
                    [0.0; 2]
                },
            }
        };
        // Where a corner lies near an end, the continuations from both sides do not meet.
        let seam = |left: usize, right: usize, apart: f64| {
            apart.abs() * rule.gap() * (self.halves[left] + self.halves[right])
        };
        if self.lines.is_empty() {
            return (0..self.halves.len()).map(leaf).collect();
        }
        (self.lines.chunks(n).zip(&self.tops))
            .map(|(lines, half)| {
                let mut floor = 0.0;
                let integrals: Vec<f64> = (lines.iter())
                    .map(|(panels, weight)| {
                        let mut line = Partial::default();
                        for panel in panels.clone() {
                            let part = leaf(panel);
                            let is_seam = panel > panels.start && !self.at_break[panel];
                            if self.has_corners && is_seam {
                                line.error += seam(panel - 1, panel, line.ends[1] - part.ends[0]);
                            }
                            line += part;
                            line.ends = part.ends;
                        }
                        floor += weight * (line.error + line.floor);
                        line.value
                    })
                    .collect();
                let [value, error] = rule.integrate(&integrals).map(|part| half * part);
                Partial {
                    value,
                    error,
                    floor,
                    ends: rule.at_ends(&integrals),
                }
            })
            .collect()
    }

    /// What may lie beyond the two ends of a line of panels, by the power law through the last two
    /// points: infinite if it does not fall fast enough to have an integral.
    pub(super) fn beyond(&self, values: &[f64]) -> f64 {
        let [Some(&first), Some(&last)] = [self.x.first(), self.x.last()] else {
            return 0.0;
        };
        let n = values.len();
        if self.x.len() != n || n < 4 {
            return 0.0;
        }
        let middle = 0.5 * (first + last);
        let size: f64 = (self.weights.iter().zip(values))
            .map(|(weight, value)| weight * value.abs())
            .sum();
        [(0, 1), (n - 1, n - 2)]
            .map(|(end, before)| {
                let places = [end, before].map(|i| self.x[i] - middle);
                tail(places, [end, before].map(|i| values[i]), size)
            })
            .iter()
            .sum()
    }
}

/// ∫ |f| from `end` on, if |f| keeps falling as it does from `before` to `end`. Where it is below the
/// rounding of the whole, f need not fall.
fn tail([end, before]: [f64; 2], [last, inner]: [f64; 2], size: f64) -> f64 {
    let here = (end * last).abs();
    if here <= f64::EPSILON * size {
        return here;
    }
    let power = (inner / last).abs().ln() / (end / before).ln();
    if power > 1.0 {
        here / (power - 1.0)
    } else {
        f64::INFINITY
    }
}
