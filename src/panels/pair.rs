//! Two densities as a mesh sees them: where panels end, along a line or in the plane.

use super::bump::Bump;
use super::legendre::LegendreOrder;
use super::mesh::{Feature, HIDDEN, components, cut_where_equal, ends, features, span};
use super::shape::{Frame, Shape, Sliced};
use super::sites::Sites;
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

/// Every two components are looked at, on every line.
const MOST_IN_PLANE: usize = 256;

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

    /// From end to end along the line, or along the outer direction.
    pub(super) fn length(&self) -> f64 {
        match self.tops[..] {
            [first, .., last] => last - first,
            _ => 0.0,
        }
    }

    /// Whether the corners of both are known.
    pub(super) fn is_exact(&self) -> bool {
        self.is_exact
    }

    /// Where a line of the plane has its panels: the ends of them, and whether each begins where there is known to be
    /// a corner. None on a line.
    pub(super) fn along_line(&self, t: f64) -> Vec<([f64; 2], bool)> {
        let Kind::Plane {
            p,
            q,
            others,
            is_sharp,
            under,
            ..
        } = &self.kind
        else {
            return Vec::new();
        };
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
        let all = match self.is_exact {
            true => features(&at(p), &at(q), others, reach),
            false => components(&at(p), &at(q), others, reach),
        };
        let Some(span) = span(&all) else {
            return Vec::new();
        };
        let breaks = &self.breaks[1];
        let mut ends = with_breaks(ends(&all, span), breaks);
        if *is_sharp {
            ends = cut_where_equal(ends, &at(p), &at(q));
        }
        (ends.windows(2))
            .flat_map(|pair| {
                let cut = self.inner_cut;
                let at = move |i: usize| {
                    let share = i as f64 / cut as f64;
                    pair[0] * (1.0 - share) + pair[1] * share
                };
                let is_break = is_among(breaks, pair[0]);
                (0..cut).map(move |i| ([at(i), at(i + 1)], i == 0 && is_break))
            })
            .collect()
    }

    /// Writes the point at (t, s) of the plane.
    pub(super) fn tell_point(&self, [t, s]: [f64; 2], x: &mut Vec<f64>) {
        if let Kind::Plane { frame, .. } = &self.kind {
            x.extend(frame.point(t, s));
        }
    }

    /// The points of some panels of the first level.
    pub fn sites(&self, tops: &[[f64; 2]], order: LegendreOrder) -> Sites {
        let rule = order.rule();
        let mut sites = Sites::default();
        for top in tops {
            match self.is_plane() {
                false => sites.panel(rule, *top, 1.0, |x, all| all.push(x)),
                true => {
                    for (t, weight) in rule.on(*top).into_iter().zip(rule.weights_on(*top)) {
                        for (ends, _) in self.along_line(t) {
                            sites.panel(rule, ends, weight, |s, all| self.tell_point([t, s], all));
                        }
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
