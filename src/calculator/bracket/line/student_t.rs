//! The height of a Student-t density.

use super::rounding::UNIT;

/// log Γ(x + ½) − log Γ(x) − ½ log x, x = ν/2: the log of a Student-t density at its centre less
/// that of the Gaussian of the same scale, and a bound on its error.
///
/// Γ(x + ½) / Γ(x) by the asymptotic series (Tricomi and Erdélyi 1951) where x ≥ 10, and by
/// Γ(x + 1) = x Γ(x) from there below.
pub(super) fn log_height_over_gaussian(dof: f64) -> [f64; 2] {
    /// The coefficients of 1/x, 1/x³, …; each sum is off by less than the first term left out.
    const SERIES: [f64; 7] = [
        -1.0 / 8.0,
        1.0 / 192.0,
        -1.0 / 640.0,
        17.0 / 14_336.0,
        -31.0 / 18_432.0,
        691.0 / 180_224.0,
        -5_461.0 / 425_984.0,
    ];
    let start = 0.5 * dof;
    let (mut x, mut ratio, mut steps) = (start, 1.0, 0.0);
    while x < 10.0 {
        ratio *= x / (x + 0.5);
        x += 1.0;
        steps += 1.0;
    }
    let square = (1.0 / x).powi(2);
    let series = SERIES.iter().rev().fold(0.0, |sum, c| sum * square + c) / x;
    // √(x / start) made up for: Γ(x + ½) / Γ(x) grows like √x.
    let logs = [f64::ln(ratio), 0.5 * (x / start).ln()];
    let value = logs[0] + logs[1] + series;
    let size = 4.0 * steps + 4.0 + logs.iter().map(|log| log.abs()).sum::<f64>();
    [value, UNIT * size]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// log(√2π f(0)) of the standard Student-t, with 25 digits in mpmath.
    #[test]
    fn the_height_agrees_with_mpmath() {
        for (dof, expected) in HEIGHTS {
            let [found, error] = log_height_over_gaussian(dof);
            assert!(
                (found - expected).abs() <= error + f64::EPSILON * f64::abs(expected)
                    && error < 1e-14,
                "{dof}: {found} {expected} {error}"
            );
        }
    }

    const HEIGHTS: [(f64, f64); 8] = [
        (0.001, -3.228779023093662),
        (0.5, -0.39159439270683677),
        (1.0, -0.22579135264472744),
        (2.5, -0.09770106025577727),
        (7.0, -0.03559561736670322),
        (19.5, -0.012814911079594168),
        (100.0, -0.002499958338331816),
        (1e9, -2.5e-10),
    ];
}
