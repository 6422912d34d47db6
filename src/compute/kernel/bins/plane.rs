//! The mass of a rectangle under a Gaussian in the plane.

use super::interval::{LOG_ROOT_TAU, Legendre, Mass, NOTHING, SIXTEEN, mass};
use super::{Interval, PLANE};

/// Nats below its largest value at which the integrand is cut off.
const DROP: f64 = 42.0;
/// Longer panels than this see too much of φ.
const LONGEST: f64 = 4.0;

/// A Gaussian in the plane: x = μ + L z.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plane {
    pub mean: [f64; 2],
    /// L₁₁, L₂₁ and L₂₂.
    pub factor: [f64; 3],
}

impl Interval {
    /// Its mass under a Gaussian on a line.
    pub(super) fn mass(self, mean: f64, std: f64) -> Mass {
        let Self { lower, upper } = self;
        mass(
            (lower - mean) / std,
            (upper - mean) / std,
            (upper - lower) / std,
        )
    }
}

impl Plane {
    /// log m of a rectangle in nats, and its slopes by μ₁, μ₂, L₁₁, L₁₂ (which is 0), L₂₁ and L₂₂, from the masses
    /// of its sides where the coordinates are independent.
    pub fn of_sides(&self, sides: [Mass; 2]) -> (f64, [f64; PLANE]) {
        let [first, second] = sides;
        let [wide, _, high] = self.factor;
        let slopes = [
            -first.shift / wide,
            -second.shift / high,
            -first.stretch / wide,
            0.0,
            first.shift * second.shift / high,
            -second.stretch / high,
        ];
        (first.log + second.log, slopes)
    }

    /// The same of dependent ones: ∫ φ(e) (Φ(u(e)) − Φ(l(e))) de over the first coordinate in its standard units,
    /// by 16 nodes on each panel.
    ///
    /// The integrand is log-concave. Panels reach as far as it has anything, and are short where l or u is near 0,
    /// where it bends.
    pub fn of_rectangle(&self, sides: [Interval; 2]) -> (f64, [f64; PLANE]) {
        self.with_rule(sides, &SIXTEEN)
    }

    fn with_rule(&self, sides: [Interval; 2], rule: &Legendre) -> (f64, [f64; PLANE]) {
        let ([first, second], [wide, slant, high]) = (sides, self.factor);
        let standard = |x: f64| (x - self.mean[0]) / wide;
        let strip = Strip {
            ends: [standard(first.lower), standard(first.upper)],
            length: (first.upper - first.lower) / wide,
            at_zero: [second.lower, second.upper].map(|x| (x - self.mean[1]) / high),
            tilt: slant / high,
        };
        let Some(panels) = strip.panels() else {
            return (NOTHING.log, [0.0; PLANE]);
        };
        let nodes = panels.iter().flat_map(|&(from, length)| {
            (rule.nodes.iter().zip(&rule.weights))
                .map(move |(node, weight)| (from + length * node, length * weight))
        });
        let values: Vec<(f64, f64, Mass)> = nodes
            .map(|(e, weight)| {
                let within = second.mass(self.mean[1] + slant * e, high);
                (e, weight.ln() - 0.5 * e * e + within.log, within)
            })
            .collect();
        let most = (values.iter()).fold(f64::NEG_INFINITY, |most, (_, log, _)| most.max(*log));
        if most == f64::NEG_INFINITY {
            return (NOTHING.log, [0.0; PLANE]);
        }
        let (mut sum, mut slopes) = (0.0, [0.0; PLANE]);
        for (e, log, within) in values {
            let part = (log - most).exp();
            sum += part;
            let inward = e + strip.tilt * within.shift;
            let of_node = [
                inward,
                -within.shift,
                e * inward - 1.0,
                0.0,
                -within.shift * e,
                -within.stretch,
            ];
            for (slope, of_node) in slopes.iter_mut().zip(of_node) {
                *slope += part * of_node;
            }
        }
        let units = [wide, high, wide, 1.0, high, high];
        for (slope, unit) in slopes.iter_mut().zip(units) {
            *slope /= sum * unit;
        }
        (most + sum.ln() - LOG_ROOT_TAU, slopes)
    }
}

/// A rectangle in the standard units of the first coordinate, e, and the ends of the second in those that it has
/// given the first: l and u are `at_zero − tilt · e`.
struct Strip {
    ends: [f64; 2],
    /// How far the ends are apart.
    length: f64,
    at_zero: [f64; 2],
    tilt: f64,
}

impl Strip {
    /// Nats by which the integrand is less than at the middle of a Gaussian, but for a factor that changes slowly.
    fn depth(&self, e: f64) -> f64 {
        let [l, u] = self.at_zero.map(|end| end - self.tilt * e);
        let off = l.max(0.0) + u.min(0.0);
        0.5 * (e * e + off * off)
    }

    /// Where there is something to integrate: panels with their lengths; none where numbers overflow.
    fn panels(&self) -> Option<Vec<(f64, f64)>> {
        let [from, to] = self.ends;
        let nearest = 0.0f64.clamp(self.at_zero[0], self.at_zero[1]);
        let top = (self.tilt * nearest / (1.0 + self.tilt * self.tilt)).clamp(from, to);
        let least = self.depth(top);
        if !least.is_finite() {
            return None;
        }
        let deepest = least + DROP;
        let farthest = (2.0 * deepest).sqrt();
        let end = |bound: f64| {
            if self.depth(bound) <= deepest {
                return bound;
            }
            let (mut inside, mut outside) = (top, bound);
            for _ in 0..40 {
                let middle = 0.5 * (inside + outside);
                if self.depth(middle) <= deepest {
                    inside = middle;
                } else {
                    outside = middle;
                }
            }
            outside
        };
        let (low, high) = (end(from.max(-farthest)), end(to.min(farthest)));
        let falls = self.depth(low).max(self.depth(high)) - least;
        let pieces = match falls {
            ..=6.0 => 1,
            ..=14.0 => 2,
            ..=25.0 => 3,
            _ => 4,
        };
        let mut knots: Vec<f64> = (1..pieces)
            .map(|i| low + (high - low) * f64::from(i) / f64::from(pieces))
            .collect();
        // Where the second coordinate enters or leaves its side, in the units in which it does.
        if self.tilt.abs() > 0.3 {
            let bends = self.at_zero.iter().map(|end| end / self.tilt);
            for bend in bends.filter(|bend| bend.is_finite()) {
                let around = [-9.0, -4.5, 0.0, 4.5, 9.0].map(|z| bend + z / self.tilt.abs());
                knots.extend(around.into_iter().filter(|at| (low..high).contains(at)));
            }
        }
        knots.push(high);
        knots.sort_by(f64::total_cmp);
        if knots.len() == 1 && [low, high] == self.ends && self.length <= LONGEST {
            return Some(vec![(low, self.length)]);
        }
        let (mut panels, mut from) = (Vec::new(), low);
        for knot in knots {
            let parts = ((knot - from) / LONGEST).ceil();
            for part in 0..parts as usize {
                let length = (knot - from) / parts;
                panels.push((from + length * part as f64, length));
            }
            from = knot;
        }
        Some(panels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ρ, both sides, and log ∫∫ φ₂ by 40 digits (mpmath 1.3); the first two also by SciPy 1.17.1.
    const REFERENCE: [(f64, [[f64; 2]; 2], f64); 9] = [
        (0.5, [[-1.0, 1.0], [-1.0, 1.0]], -0.6972118745689527),
        (0.99, [[0.0, 1.0], [0.0, 1.0]], -1.1868983389938312),
        (0.99, [[0.5, 1.0], [-0.5, 0.25]], -7.112122970161341),
        (-0.9, [[1.0, 2.5], [1.0, 3.0]], -15.744476013165182),
        (0.8, [[40.0, 41.0], [20.0, 21.0]], -976.9726967170382),
        (0.95, [[-3.0, 3.0], [0.25, 0.2578125]], -5.8032053681965055),
        (
            0.99,
            [[-1.0, 4.0], [f64::NEG_INFINITY, 0.5]],
            -0.6295956325528635,
        ),
        (
            -0.6,
            [[3.0, f64::INFINITY], [2.0, f64::INFINITY]],
            -21.152676985719857,
        ),
        (
            0.3,
            [[-10.0, -9.0], [9.0, f64::INFINITY]],
            -122.62782689156955,
        ),
    ];

    const LINE: Interval = Interval {
        lower: f64::NEG_INFINITY,
        upper: f64::INFINITY,
    };

    fn interval(lower: f64, upper: f64) -> Interval {
        Interval { lower, upper }
    }

    fn correlated(rho: f64) -> Plane {
        Plane {
            mean: [0.0; 2],
            factor: [1.0, rho, (1.0 - rho * rho).sqrt()],
        }
    }

    #[test]
    fn a_quadrant_has_a_quarter_and_the_arc_sine() {
        let above = interval(0.0, f64::INFINITY);
        for rho in [
            -0.999, -0.99, -0.5, -0.1, 1e-9, 0.2, 0.7, 0.95, 0.99, 0.999, 0.99999,
        ] {
            let (log, _) = correlated(rho).of_rectangle([above; 2]);
            // Sheppard 1899.
            let expected = 0.25 + f64::asin(rho) / std::f64::consts::TAU;
            assert!(
                (log.exp() / expected - 1.0).abs() < 1e-11,
                "{rho}: {}",
                log.exp()
            );
        }
    }

    #[test]
    fn rectangles_have_the_masses_of_many_digits() {
        for (rho, sides, expected) in REFERENCE {
            let (log, _) = correlated(rho).of_rectangle(sides.map(|[a, b]| interval(a, b)));
            let tolerance = 1e-11 * expected.abs().max(1.0);
            assert!(
                (log - expected).abs() < tolerance,
                "{rho} {sides:?}: {log} {expected}"
            );
        }
    }

    #[test]
    fn more_nodes_say_the_same() {
        let finer = Legendre::new(40);
        for rho in [-0.99, -0.7, 0.4, 0.9, 0.99] {
            let gaussian = Plane {
                mean: [0.3, -0.2],
                ..correlated(rho)
            };
            let edges = [
                f64::NEG_INFINITY,
                -6.0,
                -2.0,
                -1.9,
                -0.5,
                0.0,
                0.01,
                1.0,
                5.0,
                40.0,
                f64::INFINITY,
            ];
            for a in edges.windows(2) {
                for b in edges.windows(2) {
                    let sides = [interval(a[0], a[1]), interval(b[0], b[1])];
                    let (log, slopes) = gaussian.of_rectangle(sides);
                    let (expected, of_finer) = gaussian.with_rule(sides, &finer);
                    let tolerance = 1e-11 * expected.abs().max(1.0);
                    assert!(
                        (log - expected).abs() < tolerance,
                        "{rho} {sides:?} {log} {expected}"
                    );
                    for (slope, expected) in slopes.iter().zip(of_finer) {
                        let tolerance = 1e-9 * expected.abs().max(1.0);
                        assert!((slope - expected).abs() < tolerance, "{rho} {sides:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn all_rectangles_together_have_all() {
        let edges = [f64::NEG_INFINITY, -1.0, 0.5, 2.0, f64::INFINITY];
        let (mut all, mut strip) = (0.0, 0.0);
        for a in edges.windows(2) {
            for b in edges.windows(2) {
                let (log, _) =
                    correlated(0.8).of_rectangle([interval(a[0], a[1]), interval(b[0], b[1])]);
                all += log.exp();
            }
            strip += correlated(0.8)
                .of_rectangle([interval(a[0], a[1]), LINE])
                .0
                .exp();
        }
        assert!(
            (all - 1.0).abs() < 1e-13 && (strip - 1.0).abs() < 1e-13,
            "{all} {strip}"
        );
    }

    #[test]
    fn slopes_are_those_of_differences() {
        let gaussian = Plane {
            mean: [0.3, -0.7],
            factor: [1.3, -0.9, 0.6],
        };
        let with = |place: usize, by: f64| {
            let mut moved = gaussian;
            match place {
                0 | 1 => moved.mean[place] += by,
                2 => moved.factor[0] += by,
                _ => moved.factor[place - 3] += by,
            }
            moved
        };
        let cases = [
            [interval(-0.5, 0.75), interval(0.0, 1.0)],
            [
                interval(3.0, f64::INFINITY),
                interval(f64::NEG_INFINITY, 0.25),
            ],
            [interval(40.0, 41.0), interval(20.0, 20.5)],
            [LINE, interval(1.0, 1.25)],
        ];
        for sides in cases {
            let (_, slopes) = gaussian.of_rectangle(sides);
            for place in [0, 1, 2, 4, 5] {
                let at = |by: f64| with(place, by).of_rectangle(sides).0;
                let h = 1e-4;
                let expected = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
                let tolerance = 1e-7 * expected.abs().max(1.0);
                assert!(
                    (slopes[place] - expected).abs() < tolerance,
                    "{sides:?} {place}: {} {expected}",
                    slopes[place]
                );
            }
            // Independent coordinates are a case of dependent ones.
            let straight = Plane {
                factor: [1.3, 0.0, 0.6],
                ..gaussian
            };
            let (log, slopes) = straight.of_rectangle(sides);
            let [a, b] = sides;
            let (expected, of_sides) = straight.of_sides([a.mass(0.3, 1.3), b.mass(-0.7, 0.6)]);
            assert!((log - expected).abs() < 1e-11 * expected.abs().max(1.0));
            for (slope, expected) in slopes.iter().zip(of_sides) {
                assert!(
                    (slope - expected).abs() < 1e-9 * expected.abs().max(1.0),
                    "{sides:?}"
                );
            }
        }
    }
}
