//! Bounds beyond the last piece between mixtures of Gaussians, where p is next to nothing.

use super::component::Term;
use super::crude::upper_tail;
use super::integrand::Tail;
use super::rounding::UNIT;
use crate::mixture::log_sum_exp;

impl<'a> Tail<'a> {
    /// The line to the right of `from` or, `mirrored`, to the left of −`from`.
    pub fn new(from: f64, mirrored: bool, p: &'a [Term], q: &'a [Term]) -> Self {
        let (end, sign) = if mirrored { (-from, -1.0) } else { (from, 1.0) };
        Self {
            end,
            sign,
            p,
            q,
            masses: [p, q].map(|mixture| mass(mixture, end, sign)),
        }
    }
}

fn mass(mixture: &[Term], end: f64, sign: f64) -> [f64; 2] {
    let (mut mass, mut rounding) = (0.0, 0.0);
    for one in mixture {
        let z = sign * one.z(end);
        let [part, error] = if z >= 0.0 {
            upper_tail(z)
        } else {
            let [part, error] = upper_tail(-z);
            [1.0 - part, error + UNIT]
        };
        mass += one.weight * part;
        rounding += one.weight * error;
    }
    let slack = rounding + UNIT * (mixture.len() as f64 + 8.0) * mass;
    [(mass - slack).max(0.0), mass + slack]
}

/// Bound on ∫ p log(p/q), but for a share of the mass of p that is far more than its rounding. All
/// means of p are on the near side of the end.
pub(super) fn kl_integral(tail: &Tail) -> f64 {
    let mass_p = tail.masses[0][1];
    // log p falls from the end on, and log q ≥ that of any one component.
    let highest = log_sum_exp(tail.p.iter().map(|one| one.log_density(tail.end)));
    let upper = tail.q.iter().map(|g| {
        let drop: f64 = tail.p.iter().map(|f| half_square(f, g, tail)).sum();
        (highest - g.log_height).max(0.0) * mass_p + drop
    });
    upper.fold(f64::INFINITY, f64::min)
}

/// Bound on ½ ∫ w N(x; μ, σ²) ((x − m) / s)² over the tail, for a component f of p and one of q
/// with mean m and standard deviation s.
fn half_square(f: &Term, g: &Term, tail: &Tail) -> f64 {
    let y = tail.sign * f.z(tail.end);
    let [mass, error] = upper_tail(y);
    let mass = mass + error;
    // Where it is no less than the least number its rounding is far less than 1e-9.
    let density = (-0.5 * y * y).exp() * 0.4 + f64::MIN_POSITIVE;
    let scale = f.std / g.std;
    // (x − m) / s = scale (t − y) + z with t the standard normal and z that of the end under g;
    // E[(t − y)²; t > y] = (1 + y²) mass − y φ ≤ mass and E[t − y; t > y] = φ − y mass ≤ φ.
    let z = g.z(tail.end).abs();
    0.5 * f.weight * (scale * scale * mass + 2.0 * scale * z * density + z * z * mass)
}

/// Bound on ∫ p^α q^β times exp(−shift), α + β = 1 and α > 0.
///
/// A power below 1 of a sum is at most the sum of the powers; one above 1 of n terms is at most
/// n^(α − 1) times that; and q is no less than any one of its components.
pub(super) fn power(tail: &Tail, powers: [f64; 2], shift: f64) -> f64 {
    let pairs = |f: &Term| {
        let pair = |g: &Term| power_of_pair(tail, [f, g], powers, shift);
        let each: Vec<f64> = tail.q.iter().map(pair).collect();
        if powers[1] > 0.0 {
            each.iter().sum()
        } else {
            each.into_iter().fold(f64::INFINITY, f64::min)
        }
    };
    let all: f64 = tail.p.iter().map(pairs).sum();
    all * (tail.p.len() as f64).powf((powers[0] - 1.0).max(0.0))
}

/// The log of f^α g^β is concave, so that it falls beyond the end no slower than there.
fn power_of_pair(tail: &Tail, [f, g]: [&Term; 2], [alpha, beta]: [f64; 2], shift: f64) -> f64 {
    let square = (f.std / g.std).powi(2);
    let bend = alpha + beta * square;
    let parts =
        [(alpha, f), (beta, g)].map(|(power, one)| power * tail.sign * one.z(tail.end) / one.std);
    let slope = parts[0] + parts[1] - 16.0 * UNIT * (parts[0].abs() + parts[1].abs());
    if bend <= 1e-9 * (alpha + beta.abs() * square) || slope.is_nan() || slope <= 0.0 {
        return f64::INFINITY;
    }
    let logs = [(alpha, f), (beta, g)].map(|(power, one)| power * one.log_density(tail.end));
    let size = alpha * f.log_size + beta.abs() * g.log_size + shift.abs();
    let slack = 32.0 * UNIT * (logs[0].abs() + logs[1].abs() + size);
    (logs[0] + logs[1] - shift + slack).exp() / slope * (1.0 + 1e-9) + f64::MIN_POSITIVE
}
