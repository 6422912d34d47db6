//! A Student-t component as it is seen from the centre of a piece.
//!
//! With log f(z) = h − (ν + 1)/2 · log(1 + z²/ν) and z = z₀ + r τ, log(ν + z²) is the sum of
//! log(z₀ ± i√ν) and of log(1 + u±), u± = r τ / (z₀ ± i√ν): it is analytic as long as
//! |u±| = κ |τ| < 1, and what its Taylor polynomial of the second degree leaves out is at most
//! 2 (κ|τ|)³ / (3 (1 − κ|τ|)).

use super::component::{Piece, Term};
use super::rounding::UNIT;

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
    /// The component seen from a piece: its log, slope, bend and rounding as those of
    /// [`Local`](super::view::Local), and the rest.
    pub fn seen_from(component: &Term, dof: f64, piece: Piece) -> ([f64; 4], Self) {
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
        let log = heavy.value(0.0);
        let slope = -2.0 * power * step * real;
        let bend = power * step * step * (real - imaginary) * (real + imaginary);
        let rounding = 2.0 * power * steepest * moved
            + UNIT * (10.0 * heavy.fall(far) + 4.0 * component.log_size + 4.0);
        ([log, slope, bend, rounding], heavy)
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

    pub fn value(&self, tau: f64) -> f64 {
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
