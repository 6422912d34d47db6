//! The mass that a standard normal has between two numbers, with its slopes, as far out as they are.

use std::sync::LazyLock;

use libm::erfc;

/// log √(2π).
pub(super) const LOG_ROOT_TAU: f64 = 0.918_938_533_204_672_7;
/// Where log φ falls by no more than this between the ends, the mass is an integral by nodes: a difference of
/// two tails would cancel there.
const NEAR: f64 = 2.0;
/// Where it falls by no more than this, few nodes do.
const FLAT: f64 = 0.3;
/// From here on the ratio of Mills is a continued fraction.
const FAR: f64 = 5.0;

/// The logarithm of a mass in nats, and its slopes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Mass {
    /// log m.
    pub log: f64,
    /// By a number that both ends are moved by: −E[z] between them.
    pub shift: f64,
    /// By the logarithm of a number that both ends are multiplied with: 1 − E[z²] between them.
    pub stretch: f64,
}

/// An interval without mass in 64 bits: more than 1e150 standard deviations away.
pub(super) const NOTHING: Mass = Mass {
    log: f64::NEG_INFINITY,
    shift: 0.0,
    stretch: 0.0,
};

/// Nodes and weights of Gauss and Legendre on (0, 1).
#[derive(Debug)]
pub struct Legendre {
    /// The nodes, rising.
    pub nodes: Vec<f64>,
    /// Their weights, which sum to 1.
    pub weights: Vec<f64>,
}

pub(super) static SIX: LazyLock<Legendre> = LazyLock::new(|| Legendre::new(6));
pub(super) static SIXTEEN: LazyLock<Legendre> = LazyLock::new(|| Legendre::new(16));

impl Legendre {
    /// The zeros of the Legendre polynomial, by Newton's method.
    pub fn new(n: usize) -> Self {
        let (nodes, weights) = (0..n)
            .map(|i| {
                let mut x = -(std::f64::consts::PI * (i as f64 + 0.75) / (n as f64 + 0.5)).cos();
                let mut slope = 1.0;
                for _ in 0..8 {
                    let (mut before, mut value) = (1.0, x);
                    for k in 1..n {
                        let k = k as f64;
                        (before, value) = (
                            value,
                            ((2.0 * k + 1.0) * x * value - k * before) / (k + 1.0),
                        );
                    }
                    slope = n as f64 * (x * value - before) / (x * x - 1.0);
                    x -= value / slope;
                }
                (0.5 * (1.0 + x), 1.0 / ((1.0 - x * x) * slope * slope))
            })
            .unzip();
        Self { nodes, weights }
    }
}

/// The mass between a and b, which are h apart and may be infinite.
///
/// Where both are on one side, far out, it is φ(a) (R(a) − e^(−(b² − a²)/2) R(b)) with R the ratio of Mills,
/// (1 − Φ)/φ: no exponential of a² is ever taken.
pub(super) fn mass(a: f64, b: f64, h: f64) -> Mass {
    if b <= 0.0 {
        let mirrored = mass(-b, -a, h);
        return Mass {
            shift: -mirrored.shift,
            ..mirrored
        };
    }
    if a >= 0.0 {
        let falls = 0.5 * h * (a + b);
        return match falls <= NEAR {
            true => by_nodes(a, h, falls),
            false => by_tails(a, b, falls),
        };
    }
    if b.max(-a) <= 2.0 {
        return by_nodes(a, h, NEAR);
    }
    let outside = 0.5 * (erfc(b / std::f64::consts::SQRT_2) + erfc(-a / std::f64::consts::SQRT_2));
    let density = |z: f64| (-0.5 * z * z - LOG_ROOT_TAU).exp();
    let moment = |z: f64| match z.is_finite() {
        true => z * density(z),
        false => 0.0,
    };
    let all = 1.0 - outside;
    Mass {
        log: (-outside).ln_1p(),
        shift: (density(b) - density(a)) / all,
        stretch: (moment(b) - moment(a)) / all,
    }
}

/// Of a ≥ 0 and b beyond.
fn by_tails(a: f64, b: f64, falls: f64) -> Mass {
    if !(a * a).is_finite() {
        return NOTHING;
    }
    // What the tail beyond b has, in units of φ(a).
    let (beyond, at_end) = match b.is_finite() {
        true => ((-falls).exp() * mills(b), (-falls).exp()),
        false => (0.0, 0.0),
    };
    let ratio = mills(a) - beyond;
    let end = if at_end > 0.0 { b * at_end } else { 0.0 };
    Mass {
        log: -0.5 * a * a - LOG_ROOT_TAU + ratio.ln(),
        shift: (at_end - 1.0) / ratio,
        stretch: (end - a) / ratio,
    }
}

/// By nodes between a and a + h, where φ does not change much.
fn by_nodes(a: f64, h: f64, falls: f64) -> Mass {
    let rule = match falls <= FLAT {
        true => &SIX,
        false => &SIXTEEN,
    };
    // In units of φ where that is largest: at a, or at 0.
    let least = a.max(0.0);
    let [mut sum, mut first, mut second] = [0.0; 3];
    for (node, weight) in rule.nodes.iter().zip(&rule.weights) {
        let z = a + h * node;
        let exponent = match a >= 0.0 {
            true => h * node * (a + 0.5 * h * node),
            false => 0.5 * z * z,
        };
        let part = weight * (-exponent).exp();
        sum += part;
        first += part * z;
        second += part * z * z;
    }
    Mass {
        log: -0.5 * least * least - LOG_ROOT_TAU + h.ln() + sum.ln(),
        shift: -first / sum,
        stretch: 1.0 - second / sum,
    }
}

/// (1 − Φ(x)) / φ(x) for x ≥ 0: Laplace's continued fraction far out (Abramowitz and Stegun 1964, 26.2.14).
fn mills(x: f64) -> f64 {
    if x < FAR {
        let half = std::f64::consts::FRAC_PI_2.sqrt();
        return half * (0.5 * x * x).exp() * erfc(x / std::f64::consts::SQRT_2);
    }
    // The fraction has converged to rounding after as many terms.
    let terms = (14.0 + 900.0 / (x * x)) as usize;
    let tail = (1..=terms).rev().fold(x, |below, k| x + k as f64 / below);
    1.0 / tail
}

#[cfg(test)]
mod tests {
    use super::*;

    /// a, b and log(Φ(b) − Φ(a)).
    const REFERENCE: [(f64, f64, f64); 21] = [
        (-1.0, 1.0, -0.38171514630212605),
        (0.0, 1e-08, -19.339619277157038),
        (0.5, 0.5625, -3.8327573576048897),
        (0.25, 3.0, -0.9164313010399219),
        (-0.5, 9.0, -0.3689464152886564),
        (-1.75, 2.0, -0.06486848363533856),
        (1.0, 2.5, -1.88094754262984),
        (2.0, 2.125, -5.123217574078327),
        (4.9, 6.0, -14.553243705941805),
        (5.0, 5.25, -15.373295898665702),
        (5.1, f64::INFINITY, -15.588487091871466),
        (8.0, 8.5, -35.02879250857975),
        (12.0, f64::INFINITY, -75.4106730015688),
        (40.0, 41.0, -804.6084420137538),
        (40.0, 40.015625, -805.3741327346037),
        (40.0, f64::INFINITY, -804.6084420137538),
        (300.0, 301.0, -45006.62273211866),
        (-2.5, 0.001, -0.7048366835826281),
        (-8.0, 8.0, -1.2441921148543576e-15),
        (0.0, f64::INFINITY, -std::f64::consts::LN_2),
        (3.0, f64::INFINITY, -6.607726221510349),
    ];

    fn of(a: f64, b: f64) -> Mass {
        mass(a, b, b - a)
    }

    #[test]
    fn masses_are_those_of_many_digits() {
        // mpmath 1.3 with 60 digits, by ncdf.
        for (a, b, expected) in REFERENCE {
            let Mass { log, .. } = of(a, b);
            let tolerance = 4e-15 * expected.abs().max(1.0);
            assert!(
                (log - expected).abs() <= tolerance,
                "{a} {b}: {log} {expected}"
            );
            let mirrored = of(-b, -a);
            assert!((mirrored.log - log).abs() < 1e-15, "{a} {b}");
            let off = mirrored.shift + of(a, b).shift;
            assert!(off.abs() < 1e-16, "{a} {b}: {off}");
        }
    }

    #[test]
    fn slopes_are_those_of_differences() {
        let ends = [
            (-0.5, 0.75),
            (0.1, 0.1001),
            (0.5, 3.0),
            (-3.0, 9.0),
            (4.0, 4.5),
            (40.0, 41.0),
            (40.0, 40.01),
            (7.0, f64::INFINITY),
            (f64::NEG_INFINITY, 0.3),
            (f64::NEG_INFINITY, -30.0),
        ];
        for (a, b) in ends {
            let found = of(a, b);
            let width = if (b - a).is_finite() { b - a } else { 1.0 };
            let step = 1e-4 * width.min(1.0);
            // The width is kept apart, as a difference of the ends would round it.
            let shift = |by: f64| mass(a + by, b + by, b - a).log;
            let slope = |of: &dyn Fn(f64) -> f64, h: f64| {
                (8.0 * (of(h) - of(-h)) - (of(2.0 * h) - of(-2.0 * h))) / (12.0 * h)
            };
            let by = slope(&shift, step);
            let tolerance = 1e-7 * (1.0 + by.abs());
            assert!(
                (found.shift - by).abs() < tolerance,
                "{a} {b}: {by} {found:?}"
            );
            let stretch = |by: f64| mass(a * (1.0 + by), b * (1.0 + by), (b - a) * (1.0 + by)).log;
            let by = slope(&stretch, 1e-4 / (1.0 + a.abs().min(b.abs())));
            let tolerance = 1e-7 * (1.0 + by.abs());
            assert!(
                (found.stretch - by).abs() < tolerance,
                "{a} {b}: {by} {found:?}"
            );
        }
    }

    #[test]
    fn an_interval_without_ends_has_all() {
        assert_eq!(of(f64::NEG_INFINITY, f64::INFINITY).log, 0.0);
        assert_eq!(of(1e200, 2e200), NOTHING);
    }
}
