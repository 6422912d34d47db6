//! What is integrated, in forms that lose no digits where p and q are nearly the same.

use std::f64::consts::LN_2;

/// p − q to the accuracy of r = log p − log q.
pub fn difference(p: f64, q: f64, r: f64) -> f64 {
    if r > 0.0 {
        -p * (-r).exp_m1()
    } else {
        q * r.exp_m1()
    }
}

/// Σ xⁿ cₙ from n = 2 on, for small x.
fn series(x: f64, coefficient: impl Fn(i32) -> f64) -> f64 {
    (2..20).rev().fold(0.0, |sum, n| sum * x + coefficient(n)) * x * x
}

fn factorial(n: i32) -> f64 {
    (2..=n).map(f64::from).product()
}

/// Below this |log p − log q|, series take the place of differences.
pub const NEAR: f64 = 0.5;

/// p log(p/q) − p + q, which has the integral of KL and is nowhere negative.
pub fn kl(p: f64, q: f64, r: f64) -> f64 {
    if r.abs() < NEAR {
        // e⁻ʳ − 1 + r
        p * series(-r, |n| factorial(n).recip())
    } else if p == 0.0 {
        q
    } else {
        p * r - p + q
    }
}

/// ½ p log(p/m) + ½ q log(q/m), m = ½p + ½q.
pub fn jensen_shannon(p: f64, q: f64, r: f64) -> f64 {
    let d = (0.5 * r).tanh();
    let m = 0.5 * (p + q);
    if d.abs() < 0.2 {
        // (1 + d) log(1 + d) + (1 − d) log(1 − d), by even powers.
        let even = |n: i32| {
            if n % 2 == 0 {
                2.0 / f64::from(n * (n - 1))
            } else {
                0.0
            }
        };
        return 0.5 * m * series(d, even);
    }
    // log of p/m and q/m: log 2 − log(1 + e^∓r).
    let log_share = |r: f64| {
        LN_2 + if r > 0.0 {
            -(-r).exp().ln_1p()
        } else {
            r - r.exp().ln_1p()
        }
    };
    let part = |density: f64, r: f64| {
        if density == 0.0 {
            0.0
        } else {
            density * log_share(r)
        }
    };
    0.5 * (part(p, r) + part(q, -r))
}

/// (αp + (1 − α)q − p^α q^(1−α)) / (α(1 − α)), which is nowhere negative.
pub fn alpha_divergence(alpha: f64, (p, q, r): (f64, f64, f64), power: f64) -> f64 {
    let scale = alpha * (1.0 - alpha);
    if r.abs() < NEAR {
        let term = |n: i32| (alpha - alpha.powi(n)) / factorial(n) / scale;
        return q * series(r, term);
    }
    (alpha * p + (1.0 - alpha) * q - power) / scale
}
