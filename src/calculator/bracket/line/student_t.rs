//! A Student-t component as it is seen from the centre of a piece.
//!
//! With log f(z) = h − (ν + 1)/2 · log(1 + z²/ν) and z = z₀ + r τ, log(ν + z²) is the sum of
//! log(z₀ ± i√ν) and of log(1 + u±), u± = r τ / (z₀ ± i√ν): it is analytic as long as
//! |u±| = κ |τ| < 1, and what its Taylor polynomial of the second degree leaves out is at most
//! 2 (κ|τ|)³ / (3 (1 − κ|τ|)).

use super::component::{Component, Piece, UNIT};
use super::view::Local;

/// How the log of a Student-t component runs over a piece.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heavy {
    dof: f64,
    /// (ν + 1) / 2.
    power: f64,
    /// z at the centre.
    z: f64,
    /// Half the piece, in scales.
    reach: f64,
    log_height: f64,
}

impl Heavy {
    /// The component seen from a piece.
    pub fn seen_from(component: &Component, dof: f64, piece: Piece) -> Local {
        let heavy = Self {
            dof,
            power: 0.5 * (dof + 1.0),
            z: component.z(piece.center),
            reach: piece.half / component.std,
            log_height: component.log_height,
        };
        let [near, far] = heavy.distances();
        let Self {
            power, z, reach, ..
        } = heavy;
        // r / (z₀ ± i√ν), squared or not, without overflow.
        let size = heavy.size();
        let [real, imaginary, step] = [z / size, dof.sqrt() / size, reach / size];
        // |d log f / dz| = 2 power |z| / (ν + z²), and z is off by as much as this.
        let moved = UNIT * (8.0 * z.abs() + 6.0 * reach);
        let steepest = (0.5 / dof.sqrt()).min(far / (dof + near * near));
        Local {
            log: heavy.at(0.0),
            slope: -2.0 * power * step * real,
            bend: power * step * step * (real - imaginary) * (real + imaginary),
            rounding: 2.0 * power * steepest * moved
                + UNIT * (10.0 * heavy.fall(far) + 4.0 * component.log_size + 4.0),
            heavy: Some(heavy),
        }
    }

    /// |z₀ ± i√ν|.
    fn size(&self) -> f64 {
        self.z.hypot(self.dof.sqrt())
    }

    /// The least and the greatest |z| on the piece.
    fn distances(&self) -> [f64; 2] {
        let z = self.z.abs();
        [(z - self.reach).max(0.0), z + self.reach]
    }

    /// How far the log is below its greatest value.
    fn fall(&self, z: f64) -> f64 {
        self.power * (z * z / self.dof).ln_1p()
    }

    pub fn at(&self, tau: f64) -> f64 {
        self.log_height - self.fall(self.z + self.reach * tau)
    }

    /// The least and the greatest log on the piece, without rounding.
    pub fn range(&self) -> [f64; 2] {
        let [near, far] = self.distances();
        [far, near].map(|z| self.log_height - self.fall(z))
    }

    /// How far the log is from log + slope τ + bend τ² for complex |τ| ≤ `radius`; infinite where it
    /// may not be analytic.
    pub fn remainder(&self, radius: f64) -> f64 {
        let far = self.reach / self.size() * radius * (1.0 + 1e-9);
        if far >= 1.0 {
            return f64::INFINITY;
        }
        let cubic = 2.0 * far.powi(3) / (3.0 * (1.0 - far));
        // The rounding of slope and bend comes on top.
        self.power * (cubic * (1.0 + 1e-9) + 64.0 * UNIT * far * (1.0 + far))
    }
}

/// log Γ(x + ½) − log Γ(x) − ½ log x, x = ν/2: the log of a Student-t density at its centre beside
/// that of the Gaussian of the same scale, and a bound on its error.
///
/// Γ(x + ½) / Γ(x) by the asymptotic series (Tricomi and Erdélyi 1951) where x ≥ 10, and by
/// Γ(x + 1) = x Γ(x) from there below.
pub(super) fn log_height_beside_gaussian(dof: f64) -> [f64; 2] {
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
            let [found, error] = log_height_beside_gaussian(dof);
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
