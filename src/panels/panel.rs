//! What the points of one panel tell of an integral over it.

use super::legendre::LegendreRule;

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

/// The part of ∫ f dx over a panel, from f at its points and how far it is rounded there, in units of ε. `x`: all
/// coordinates of these.
pub(super) fn part(
    rule: &LegendreRule,
    [from, to]: [f64; 2],
    x: &[f64],
    values: &[f64],
    roundings: &[f64],
) -> Partial {
    // Far out there is nothing on most panels.
    if values.iter().chain(roundings).all(|value| *value == 0.0) {
        return Partial::default();
    }
    let half = 0.5 * (to - from);
    let [value, error] = rule.integrate(values).map(|part| half * part);
    let rounded: f64 = (roundings.iter().zip(&rule.weights))
        .map(|(rounding, weight)| weight * rounding)
        .sum();
    // A point is rounded too: by so much of its coordinates, which moves f along its slope.
    let moved: f64 = (values.windows(2))
        .map(|pair| (pair[1] - pair[0]).abs())
        .sum();
    let farthest = x.iter().fold(0.0f64, |far, x| far.max(x.abs()));
    Partial {
        value,
        error,
        floor: f64::EPSILON * (half * rounded + farthest * moved),
        ends: rule.at_ends(values),
    }
}

/// How far each of some panels side by side may be off because a corner lies where none of their points look, near an
/// end: there the continuations from both sides do not meet. Of a corner that turns the slope by s at a distance d
/// from the end, s d is seen, and less than s d² missing. Where one is known to lie at the end they need not meet.
/// `at_break`: whether each panel begins at one that is known.
pub(super) fn seams<'a>(
    rule: &LegendreRule,
    panels: impl ExactSizeIterator<Item = (&'a Partial, [f64; 2])> + Clone,
    at_break: impl Fn(usize) -> bool,
) -> Vec<f64> {
    let mut seams = vec![0.0; panels.len()];
    let gap = |[from, to]: [f64; 2]| 0.5 * (to - from) * rule.gap();
    let two = panels.clone().zip(panels.skip(1)).enumerate();
    for (i, ((before, left), (after, right))) in two {
        if at_break(i + 1) {
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
