//! What the points of one panel tell of an integral over it.

#![allow(
    clippy::needless_range_loop,
    reason = "loops over several arrays at once, to become vector code"
)]

use pulp::{Simd, WithSimd};

use super::legendre::{LegendreRule, MOST_NODES};
use super::placed::{ABREAST, Placed};
use crate::compute::kernel::cpu::{Width, has_fma};

/// A part of an integral, and how it may be off.
#[derive(Debug, Clone, Copy, PartialEq)]
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

impl Partial {
    /// That of nothing.
    pub const NONE: Self = Self {
        value: 0.0,
        error: 0.0,
        floor: 0.0,
        ends: [0.0; 2],
    };
}

impl std::ops::AddAssign for Partial {
    fn add_assign(&mut self, other: Self) {
        self.value += other.value;
        self.error += other.error;
        self.floor += other.floor;
    }
}

/// f at the points of some panels, [`ABREAST`] after [`ABREAST`] of them.
pub(super) struct PanelPoints<'a> {
    pub rule: &'a LegendreRule,
    pub panels: &'a [Placed],
    /// All coordinates.
    pub x: &'a [f64],
    pub values: &'a [f64],
    /// How far f is rounded, in units of ε.
    pub roundings: &'a [f64],
    /// Whether it matters how the parts go on at the ends of panels.
    pub has_seams: bool,
    /// The part of ∫ f dx over each panel, one every so many.
    pub to: &'a mut [Partial],
    pub stride: usize,
}

impl PanelPoints<'_> {
    pub fn tell(self) {
        Width::Widest.dispatch(self);
    }
}

impl WithSimd for PanelPoints<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        if has_fma::<S>() {
            self.run::<true>();
        } else {
            self.run::<false>();
        }
    }
}

impl PanelPoints<'_> {
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let n = self.rule.points();
        let dim = self.x.len() / self.values.len().max(1);
        // The last panels may be fewer.
        let mut rows = [[[0.0; ABREAST]; MOST_NODES]; 2];
        let mut to = self.to.iter_mut().step_by(self.stride);
        for (i, panels) in self.panels.chunks(ABREAST).enumerate() {
            let abreast = panels.len();
            let at = i * ABREAST * n..(i * ABREAST + abreast) * n;
            let all = [&self.values[at.clone()], &self.roundings[at.clone()]];
            let [values, roundings] = if abreast == ABREAST {
                all.map(|all| all.as_chunks().0)
            } else {
                for (rows, from) in rows.iter_mut().zip(all) {
                    for (row, from) in rows.iter_mut().zip(from.chunks_exact(abreast)) {
                        row[..abreast].copy_from_slice(from);
                    }
                }
                rows.each_ref().map(|rows| &rows[..n])
            };
            let told = self.rule.integrate_each::<ABREAST, FMA>(values);
            let rounded = self.rule.sum_each::<ABREAST, FMA>(roundings);
            // A point is rounded too: by so much of its coordinates, which moves f along its slope.
            let mut moved = [0.0; ABREAST];
            for pair in values.windows(2) {
                for l in 0..ABREAST {
                    moved[l] += (pair[1][l] - pair[0][l]).abs();
                }
            }
            let ends = match self.has_seams {
                true => self.rule.each_at_ends::<ABREAST, FMA>(values),
                false => [[0.0; ABREAST]; 2],
            };
            // Along a panel no coordinate is farther out than at both ends.
            let x = &self.x[dim * at.start..dim * at.end];
            let [first, last] = [&x[..abreast * dim], &x[x.len() - abreast * dim..]];
            for (l, (panel, to)) in panels.iter().zip(&mut to).enumerate() {
                let half = 0.5 * (panel.ends[1] - panel.ends[0]);
                let coordinates = l * dim..(l + 1) * dim;
                let farthest = (first[coordinates.clone()].iter().chain(&last[coordinates]))
                    .fold(0.0f64, |far, x| far.max(x.abs()));
                *to = Partial {
                    value: half * told.integrals[l],
                    error: half * told.errors[l],
                    floor: f64::EPSILON * (half * rounded[l] + farthest * moved[l]),
                    ends: [ends[0][l], ends[1][l]],
                };
            }
        }
    }
}

/// How far each of some panels side by side may be off because a corner lies where none of their points look, near an
/// end: there the continuations from both sides do not meet. Of a corner that turns the slope by s at a distance d
/// from the end, s d is seen, and less than s d² missing. Where one is known to lie at the end they need not meet.
/// Panels are told with their part, their ends, and whether they begin at a corner that is known.
pub(super) fn seams<'a>(
    rule: &LegendreRule,
    panels: impl Iterator<Item = (&'a Partial, [f64; 2], bool)> + Clone,
) -> Vec<f64> {
    let mut seams = vec![0.0; panels.clone().count()];
    let gap = |[from, to]: [f64; 2]| 0.5 * (to - from) * rule.gap();
    let two = panels.clone().zip(panels.skip(1)).enumerate();
    for (i, ((before, left, _), (after, right, at_break))) in two {
        if at_break {
            continue;
        }
        let apart = (before.ends[1] - after.ends[0]).abs();
        seams[i] += apart * gap(left);
        seams[i + 1] += apart * gap(right);
    }
    seams
}

/// What may lie beyond the two ends of a line of panels with these points, f there and their weights, by the power law
/// through the last two points: infinite if it does not fall fast enough to have an integral.
pub(super) fn beyond(x: &[f64], weights: &[f64], values: &[f64]) -> f64 {
    let [Some(&first), Some(&last)] = [x.first(), x.last()] else {
        return 0.0;
    };
    let n = values.len();
    if x.len() != n || n < 4 {
        return 0.0;
    }
    let middle = 0.5 * (first + last);
    let size: f64 = (weights.iter().zip(values))
        .map(|(weight, value)| weight * value.abs())
        .sum();
    [(0, 1), (n - 1, n - 2)]
        .map(|(end, before)| {
            let places = [end, before].map(|i| x[i] - middle);
            tail(places, [end, before].map(|i| values[i]), size)
        })
        .iter()
        .sum()
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
