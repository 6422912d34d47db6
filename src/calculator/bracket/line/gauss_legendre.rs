//! The Gauss–Legendre rule of 24 points, with a bound on its rounding.

use super::mixture::{UNIT, View};

/// How many points the rule has.
pub(super) const POINTS: usize = 24;

/// The positive points and their weights, from Newton's method on the Legendre polynomial in mpmath
/// with 40 digits.
const RULE: [[f64; 2]; POINTS / 2] = [
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

/// The rule for ∫ (p log(p/q) − p + q) dτ over [−1, 1], and a bound on its rounding.
pub(super) fn integrate(p: &View, q: &View) -> [f64; 2] {
    let (mut sum, mut rounding) = (0.0, 0.0);
    for [tau, weight] in RULE {
        for tau in [-tau, tau] {
            let [value, error] = integrand(p.log_density(tau), q.log_density(tau));
            sum += weight * value;
            rounding += weight * error;
        }
    }
    // None of the values is negative, so each of the sums is off by a few units of the result.
    [sum, rounding + UNIT * (POINTS as f64 + 8.0) * sum]
}

/// p log(p/q) − p + q and a bound on its rounding, from log p and log q and theirs.
fn integrand([log_p, error_p]: [f64; 2], [log_q, error_q]: [f64; 2]) -> [f64; 2] {
    let log_ratio = log_q - log_p;
    let [p, q] = [log_p.exp(), log_q.exp()];
    let [value, evaluation] = excess(p, q, log_ratio);
    // The derivative by log p is p (log p − log q) and that by log q is q − p, which is at most
    // max(p, q) min(1, |log q − log p|): where p and q agree, little is lost.
    let apart = log_ratio.abs() + error_p + error_q;
    let error = p * apart * error_p + p.max(q) * apart.min(1.0) * error_q;
    // Twice, for products of errors.
    [value, 2.0 * (error + evaluation)]
}

/// p log(p/q) − p + q from log(q/p), never negative, and a bound on the rounding this adds.
pub(super) fn excess(p: f64, q: f64, log_ratio: f64) -> [f64; 2] {
    if log_ratio.abs() < 0.5 {
        // p (e^L − 1 − L) = p L² Σ L^k / (k + 2)!, whose terms do not cancel.
        let series = (3..=17)
            .rev()
            .fold(0.0, |sum, k| (sum + 1.0) * log_ratio / f64::from(k));
        let value = 0.5 * p * log_ratio * log_ratio * (1.0 + series);
        [value, 8.0 * UNIT * value]
    } else {
        let weighted = p * (1.0 + log_ratio);
        let value = (q - weighted).max(0.0);
        [value, 4.0 * UNIT * (q + weighted.abs() + p)]
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

    #[test]
    fn the_two_forms_of_the_excess_meet() {
        for log_ratio in [-0.5_f64, 0.5] {
            let inside = log_ratio * (1.0 - 1e-15);
            let [series, direct] = [inside, log_ratio].map(|log| excess(1.0, log.exp(), log)[0]);
            assert!((series - direct).abs() < 1e-15, "{series} {direct}");
        }
        // exp(x) - 1 - x with 30 digits in mpmath, x = 1e-8.
        let found = excess(1.0, 1e-8_f64.exp(), 1e-8)[0];
        assert!(
            (found / 5.000_000_016_666_667e-17 - 1.0).abs() < 1e-15,
            "{found}"
        );
    }
}
