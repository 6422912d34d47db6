//! The Gauss–Legendre rule of 24 points, with bounds on its rounding and on how far it is off.
//!
//! For g analytic with |g| ≤ M inside the ellipse with foci ±1 and semiaxes (ρ ± 1/ρ)/2, the rule of
//! n ≥ 2 points misses ∫ g over [−1, 1] by at most 64 M ρ⁻²ⁿ / (15 (1 − ρ⁻²)) (Rabinowitz 1969;
//! Trefethen 2008, Theorem 4.5). Petras (2002) and Johansson (2018) build certified integrators
//! on it.

use super::ellipse::Ellipse;
use super::integrand::Analytic;
use super::rounding::UNIT;
use super::view::View;

/// How many points the rule has.
pub(super) const POINTS: usize = 24;

/// The positive points and their weights, from Newton's method on the Legendre polynomial in mpmath
/// with 40 digits.
pub(in super::super) const RULE: [[f64; 2]; POINTS / 2] = [
    [0.06405689286260563, 0.12793819534675216],
    [0.1911188674736163, 0.1258374563468283],
    [0.3150426796961634, 0.12167047292780339],
    [0.4337935076260451, 0.1155056680537256],
    [0.5454214713888396, 0.10744427011596563],
    [0.6480936519369755, 0.09761865210411388],
    [0.7401241915785544, 0.08619016153195327],
    [0.820001985973903, 0.0733464814110803],
    [0.8864155270044011, 0.05929858491543678],
    [0.9382745520027328, 0.04427743881741981],
    [0.9747285559713095, 0.028531388628933663],
    [0.9951872199970213, 0.0123412297999872],
];

/// The ρ that are tried. Close to 1, fewer pieces are refused; far from 1, fewer points are needed.
const SIZES: [f64; 4] = [1.5, 2.0, 3.0, 5.0];

/// The Lebesgue constant of the Gauss–Legendre points of the rule is below this.
const LEBESGUE: f64 = 12.0;

/// Bounds on the errors of what 24 values of an integrand give; infinite if there is none.
pub(super) struct Errors {
    /// Of the rule for its integral over [−1, 1].
    pub rule: f64,
    /// Of the polynomial through the values, anywhere on [−1, 1].
    pub polynomial: f64,
}

/// The bounds for an integrand on a piece.
pub(super) fn errors(integrand: &impl Analytic, p: &View, q: &View) -> Errors {
    let none = Errors {
        rule: f64::INFINITY,
        polynomial: f64::INFINITY,
    };
    (SIZES.iter())
        .filter_map(|&rho| Some((rho, integrand.size(&Ellipse::new(rho), p, q)?)))
        .filter(|(_, bound)| bound.is_finite())
        .fold(none, |least, (rho, bound)| {
            let shrink = (-2.0 * POINTS as f64 * rho.ln()).exp();
            // The best polynomial of degree n misses by at most 2 M ρ⁻ⁿ / (ρ − 1).
            let best = 2.0 * bound * rho.powi(1 - POINTS as i32) / (rho - 1.0);
            Errors {
                rule: (least.rule).min(bound * shrink * 64.0 / (15.0 * (1.0 - rho.powi(-2)))),
                polynomial: least.polynomial.min((1.0 + LEBESGUE) * best),
            }
        })
}

/// The rule for the integral over [−1, 1], and a bound on its rounding.
pub(super) fn integrate(integrand: &impl Analytic, p: &View, q: &View) -> [f64; 2] {
    let (mut sum, mut rounding) = (0.0, 0.0);
    for [tau, weight] in RULE {
        for tau in [-tau, tau] {
            let [value, error] = integrand.value(p.log_density(tau), q.log_density(tau));
            sum += weight * value;
            rounding += weight * error;
        }
    }
    // None of the values is negative, so each of the sums is off by a few units of the result.
    [sum, rounding + UNIT * (POINTS as f64 + 8.0) * sum]
}

/// The integral over [−1, 1] of the absolute value of what may have both signs.
pub(super) struct Absolute {
    pub value: f64,
    /// How far it is off for want of points.
    pub gap: f64,
    /// How far it is off by rounding.
    pub rounding: f64,
}

/// From the polynomial through the values, in Legendre polynomials: where it is certain which sign
/// there is, the integral is that of the rule. Else the polynomial is a straight line and a
/// rest.
pub(super) fn integrate_absolute(
    integrand: &impl Analytic,
    p: &View,
    q: &View,
    errors: &Errors,
) -> Absolute {
    let mut coefficients = [0.0; POINTS];
    let mut noise = 0.0;
    for [tau, weight] in RULE {
        let values = [-tau, tau].map(|tau| integrand.value(p.log_density(tau), q.log_density(tau)));
        noise += weight
            * values
                .iter()
                .map(|[value, error]| error + 64.0 * UNIT * value.abs())
                .sum::<f64>();
        // Those of even degree are the same at −τ, the others change sign.
        let parts = [1.0, -1.0].map(|sign| weight * (values[1][0] + sign * values[0][0]));
        let (mut before, mut now) = (0.0, 1.0);
        for (k, coefficient) in coefficients.iter_mut().enumerate() {
            let k_number = k as f64;
            *coefficient += (k_number + 0.5) * now * parts[k % 2];
            let next = ((2.0 * k_number + 1.0) * tau * now - k_number * before) / (k_number + 1.0);
            (before, now) = (now, next);
        }
    }
    let [level, slope] = [coefficients[0].abs(), coefficients[1].abs()];
    let rest: f64 = coefficients[2..].iter().map(|c| c.abs()).sum();
    // Each coefficient is off by (k + ½) noise, since no Legendre polynomial is above 1.
    let noise_of_rest = 0.5 * (POINTS * POINTS) as f64 * noise;
    if level > slope + rest + noise_of_rest + errors.polynomial {
        return Absolute {
            value: 2.0 * level,
            gap: 2.0 * errors.rule,
            rounding: noise,
        };
    }
    let value = if slope > level {
        level * (level / slope) + slope
    } else {
        2.0 * level
    };
    Absolute {
        value,
        gap: 4.0 * ((rest - noise_of_rest).max(0.0) + errors.polynomial),
        rounding: 4.0 * noise + 4.0 * noise_of_rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_exact_for_polynomials_of_degree_47() {
        for degree in (0..48).step_by(2) {
            let sum: f64 = (RULE.iter())
                .map(|[tau, weight]| weight * tau.powi(degree))
                .sum();
            assert!(
                (2.0 * sum - 2.0 / f64::from(degree + 1)).abs() < 1e-15,
                "{degree}"
            );
        }
    }

    /// The sum of the absolute values of the polynomials that are 1 at one point and 0 at the others.
    #[test]
    fn the_lebesgue_constant_is_no_more_than_is_said() {
        let points: Vec<f64> = (RULE.iter()).flat_map(|[tau, _]| [-tau, *tau]).collect();
        let basis = |i: usize, x: f64| {
            let others = (0..POINTS).filter(|&j| j != i);
            others
                .map(|j| (x - points[j]) / (points[i] - points[j]))
                .product::<f64>()
        };
        let sums = (0..=2000).map(|n| {
            let x = f64::from(n) / 1000.0 - 1.0;
            (0..POINTS).map(|i| basis(i, x).abs()).sum::<f64>()
        });
        let greatest = sums.fold(0.0, f64::max);
        assert!(
            greatest > 0.5 * LEBESGUE && greatest < LEBESGUE,
            "{greatest}"
        );
    }
}
