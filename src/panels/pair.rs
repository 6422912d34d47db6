//! Two densities as a mesh sees them: where panels end, along a line or in the plane.

use super::corners::HIDDEN;
use super::feature::Feature;
use super::legendre::{LegendreOrder, LegendreRule, place};
use super::mesh::Mesh;
use super::placed::{ABREAST, Placed};
use super::shape::{Frame, Shape, Sliced};
use super::sites::Laid;
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
    /// Panels are this many times as long as features ask for.
    panel_length: f64,
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
    /// For integrating some divergences, by panels of [this length](super::effort::PanelEffort::length). `None` if the densities have no components, numbers that
    /// overflow, components too narrow to have points in them, or too many in a plane.
    pub fn new(p: &Shape, q: &Shape, kinds: &[DivergenceKind], length: f64) -> Option<Self> {
        Self::seen_from(p.frame_with(q), [p, q], kinds, [true; 2], length)
    }

    /// As [`DensityPair::new`], for one divergence, many times over: of a density that no expectation is
    /// taken under only the corners of its logarithm have panels, since between them that is a parabola
    /// where the components are Gaussian.
    pub fn reduced(p: &Shape, q: &Shape, kind: DivergenceKind) -> Option<Self> {
        let sides = kind.build().sides();
        let under = [(Side::Target, p), (Side::Family, q)].map(|(side, shape)| {
            sides.contains(&side) || !shape.is_gaussian() || !shape.is_exact()
        });
        Self::seen_from(p.frame_with(q), [p, q], &[kind], under, 1.0)
    }

    /// As [`DensityPair::new`], with lines along the other direction of the plane: the same integral by
    /// points that have nothing in common with those; `None` on a line.
    pub fn turned(p: &Shape, q: &Shape, kinds: &[DivergenceKind], length: f64) -> Option<Self> {
        let frame = p.frame_with(q)?;
        Self::seen_from(Some(frame.turned()), [p, q], kinds, [true; 2], length)
    }

    fn seen_from(
        frame: Option<Frame>,
        [p, q]: [&Shape; 2],
        kinds: &[DivergenceKind],
        under: [bool; 2],
        length: f64,
    ) -> Option<Self> {
        let is_seen =
            |shape: &Shape, under: bool| shape.is_in_range() && (!under || shape.is_resolved());
        if !(is_seen(p, under[0]) && is_seen(q, under[1])) {
            return None;
        }
        Mesh::with(|mesh| Self::cut_by(mesh, frame, [p, q], kinds, under, length))
    }

    fn cut_by(
        mesh: &mut Mesh,
        frame: Option<Frame>,
        [p, q]: [&Shape; 2],
        kinds: &[DivergenceKind],
        under: [bool; 2],
        length: f64,
    ) -> Option<Self> {
        let powers: Vec<Shape> = (kinds.iter())
            .filter_map(|kind| Some(Shape::powers(p, q, kind.order()?)))
            .collect();
        let is_exact = p.is_exact() && q.is_exact();
        // Where densities are not known by their components, these do not tell where they are equal.
        let is_sharp = is_exact && kinds.iter().any(|kind| kind.build().has_corner());
        let kind = match frame {
            None => {
                mesh.begin(p.bumps(), q.bumps(), length);
                let others = powers.iter().flat_map(Shape::bumps);
                let others = others.map(|one| Feature::gaussian(one.center, one.scale));
                let reach = |place| match under[usize::from(place >= p.components())] {
                    true => f64::INFINITY,
                    false => 0.0,
                };
                match is_exact {
                    true => mesh.add_all(others, reach),
                    false => mesh.add_components(others, reach),
                }
                Kind::Line
            }
            Some(_) if p.components() + q.components() > MOST_IN_PLANE => return None,
            Some(frame) => {
                let [p, q] = [p, q].map(|shape| shape.sliced(frame).collect::<Vec<_>>());
                let others: Vec<Sliced> = powers.iter().flat_map(|one| one.sliced(frame)).collect();
                add_outer(mesh, [&p, &q], &others, under, is_exact, length);
                Kind::Plane {
                    frame,
                    p,
                    q,
                    others,
                    is_sharp,
                    under,
                }
            }
        };
        mesh.cut()?;
        let axes = match frame {
            Some(frame) if frame == Frame::AXES.turned() => [1, 0],
            _ => [0, 1],
        };
        let breaks = axes.map(|axis| {
            let mut all = [p, q].map(|shape| shape.breaks(axis)).concat();
            all.sort_by(f64::total_cmp);
            all
        });
        mesh.cut_at(&breaks[0]);
        if is_sharp && frame.is_none() {
            mesh.cut_where_equal();
        }
        let tops = mesh.ends().to_vec();
        Some(Self {
            kind,
            tops,
            is_exact,
            breaks,
            roundings: [p, q].map(Shape::rounding),
            panel_length: length,
            inner_cut: 1,
        })
    }

    /// With each panel on a line of the plane cut into this many, where densities are not known by their
    /// components.
    pub fn cut_within(self, cut: usize) -> Self {
        Self {
            inner_cut: if self.is_exact { 1 } else { cut },
            ..self
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
    pub fn tops(&self, cut: usize) -> impl Iterator<Item = [f64; 2]> {
        (self.tops.windows(2)).flat_map(move |pair| parts([pair[0], pair[1]], cut))
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

    /// Where a line of the plane has its panels: calls `each` with the ends of every one, and whether it begins where
    /// there is known to be a corner. None on a line.
    pub(super) fn along_line(&self, t: f64, mesh: &mut Mesh, mut each: impl FnMut([f64; 2], bool)) {
        let Kind::Plane {
            p,
            q,
            others,
            is_sharp,
            under,
            ..
        } = &self.kind
        else {
            return;
        };
        mesh.begin(
            p.iter().map(|one| one.slice(t)),
            q.iter().map(|one| one.slice(t)),
            self.panel_length,
        );
        let reach = |place: usize| match place.checked_sub(p.len()) {
            None if under[0] => p[place].reach(t),
            Some(place) if under[1] => q[place].reach(t),
            _ => 0.0,
        };
        let others = others.iter().map(|one| {
            let bump = one.slice(t);
            Feature::gaussian(bump.center, bump.scale).within(one.reach(t))
        });
        match self.is_exact {
            true => mesh.add_all(others, reach),
            false => mesh.add_components(others, reach),
        }
        if mesh.cut().is_none() {
            return;
        }
        let breaks = &self.breaks[1];
        mesh.cut_at(breaks);
        if *is_sharp {
            mesh.cut_where_equal();
        }
        for pair in mesh.ends().windows(2) {
            let is_break = is_among(breaks, pair[0]);
            for (i, ends) in parts([pair[0], pair[1]], self.inner_cut).enumerate() {
                each(ends, i == 0 && is_break);
            }
        }
    }

    /// Writes the point at (t, s) of the plane.
    pub(super) fn tell_point(&self, [t, s]: [f64; 2], x: &mut Vec<f64>) {
        if let Kind::Plane { frame, .. } = &self.kind {
            x.extend(frame.point(t, s));
        }
    }

    /// The directions of the plane.
    pub(super) fn frame(&self) -> Option<Frame> {
        match self.kind {
            Kind::Line => None,
            Kind::Plane { frame, .. } => Some(frame),
        }
    }

    /// The points of some panels as these are worked on: [`ABREAST`] of them at each node, one node after the other.
    pub(super) fn points(&self, rule: &LegendreRule, panels: &[Placed]) -> Vec<f64> {
        let n = rule.points();
        let dim = if self.is_plane() { 2 } else { 1 };
        let mut x = vec![0.0; dim * n * panels.len()];
        let tiles = x.chunks_mut(dim * n * ABREAST);
        for (x, panels) in tiles.zip(panels.chunks(ABREAST)) {
            let rows = x.chunks_exact_mut(dim * panels.len());
            for (x, node) in rows.zip(&rule.nodes) {
                match self.frame() {
                    None => {
                        for (x, panel) in x.iter_mut().zip(panels) {
                            *x = place(*node, panel.ends);
                        }
                    }
                    Some(frame) => {
                        for (x, panel) in x.as_chunks_mut().0.iter_mut().zip(panels) {
                            *x = frame.point(panel.t, place(*node, panel.ends));
                        }
                    }
                }
            }
        }
        x
    }

    /// Some panels of the first level; in the plane the panels of their lines.
    pub fn laid(&self, tops: impl IntoIterator<Item = [f64; 2]>, order: LegendreOrder) -> Laid {
        let rule = order.rule();
        let tops = tops.into_iter();
        let mut panels = Vec::with_capacity(self.tops.len());
        if self.is_plane() {
            Mesh::with(|mesh| {
                for top in tops {
                    for (t, weight) in rule.on(top).zip(rule.weights_on(top)) {
                        self.along_line(t, mesh, |ends, _| {
                            panels.push((Placed { t, ends }, weight));
                        });
                    }
                }
            });
        } else {
            panels.extend(tops.map(|ends| (Placed { t: 0.0, ends }, 1.0)));
        }
        Laid::new(rule, self.frame(), panels)
    }
}

/// The parts of a panel cut into this many.
fn parts([from, to]: [f64; 2], cut: usize) -> impl ExactSizeIterator<Item = [f64; 2]> {
    let at = move |i: usize| {
        let share = i as f64 / cut as f64;
        from * (1.0 - share) + to * share
    };
    (0..cut).map(move |i| [at(i), at(i + 1)])
}

/// Whether a number is one of some that are ascending.
fn is_among(all: &[f64], x: f64) -> bool {
    all.binary_search_by(|at| at.total_cmp(&x)).is_ok()
}

/// Adds the features of the integrals along lines, as a function of where the line is.
fn add_outer(
    mesh: &mut Mesh,
    [p, q]: [&[Sliced]; 2],
    others: &[Sliced],
    under: [bool; 2],
    is_exact: bool,
    length: f64,
) {
    mesh.begin(
        p.iter().map(|one| one.marginal),
        q.iter().map(|one| one.marginal),
        length,
    );
    let others = others.iter().map(|one| one.marginal);
    let others = others.map(|one| Feature::gaussian(one.center, one.scale));
    let reach = |place| match under[usize::from(place >= p.len())] {
        true => f64::INFINITY,
        false => 0.0,
    };
    if !is_exact {
        return mesh.add_components(others, reach);
    }
    mesh.add_all(others, reach);
    let Some([low, high]) = mesh.span() else {
        return;
    };
    let sides = [p, q];
    let both: Vec<(usize, &Sliced)> = (0..2)
        .flat_map(|side| sides[side].iter().map(move |one| (side, one)))
        .collect();
    for (i, &(side, one)) in both.iter().enumerate() {
        for &(other_side, other) in &both[..i] {
            if let Some(crossing) = one.intersection(other) {
                mesh.add(crossing);
            }
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
                    mesh.add(Feature::corner(t, steepness));
                }
            });
        }
    }
}
