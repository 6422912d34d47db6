//! Bounds beyond the last piece, where p is next to nothing.

use super::crude::{log_sum_bound, upper_tail};
use super::mixture::{Component, UNIT, log_sum_exp};

/// Bounds on ∫ (p log(p/q) − p + q) over x > `from` ≥ all means of p, or on x < −`from` with
/// `mirrored`.
pub(super) fn bracket(from: f64, mirrored: bool, p: &[Component], q: &[Component]) -> [f64; 2] {
    let end = if mirrored { -from } else { from };
    let sign = if mirrored { -1.0 } else { 1.0 };
    let [mass_p, mass_q] = [p, q].map(|mixture| mass(mixture, end, sign));
    // log p falls from the end on, and log q ≥ that of any one component. The −P that is left out
    // is far more than the rounding of the logs times P.
    let highest = log_sum_exp(p.iter().map(|one| one.log_density(end)));
    let upper = (q.iter())
        .map(|g| {
            let drop: f64 = p.iter().map(|f| half_square(f, g, end, sign)).sum();
            (highest - g.log_height).max(0.0) * mass_p[1] + drop
        })
        .fold(f64::INFINITY, f64::min);
    let upper = mass_q[1] * (1.0 + 2.0 * UNIT) + upper * (1.0 + 1e-9);
    [log_sum_bound(mass_p, mass_q), upper]
}

fn mass(mixture: &[Component], end: f64, sign: f64) -> [f64; 2] {
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

/// Bound on ½ ∫ w N(x; μ, σ²) ((x − m) / s)² over the tail, for a component f of p and one of q
/// with mean m and standard deviation s.
fn half_square(f: &Component, g: &Component, end: f64, sign: f64) -> f64 {
    let y = sign * f.z(end);
    let [mass, error] = upper_tail(y);
    let mass = mass + error;
    // Where it is no less than the least number its rounding is far less than 1e-9.
    let density = (-0.5 * y * y).exp() * 0.4 + f64::MIN_POSITIVE;
    let scale = f.std / g.std;
    // (x − m) / s = scale (t − y) + z with t the standard normal and z that of the end under g;
    // E[(t − y)²; t > y] = (1 + y²) mass − y φ ≤ mass and E[t − y; t > y] = φ − y mass ≤ φ.
    let z = g.z(end).abs();
    0.5 * f.weight * (scale * scale * mass + 2.0 * scale * z * density + z * z * mass)
}
