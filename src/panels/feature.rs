//! What a mesh must resolve: components, and corners between them.

use super::bump::Bump;

/// What a mesh must resolve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Feature {
    center: f64,
    /// What it looks like changes over this length.
    unit: f64,
    /// It ends this many units from its centre.
    reach: f64,
}

/// Gaussians end here: beyond are 2e-21 of one.
pub(super) const GAUSSIAN: f64 = 9.5;
/// Corners end here: log(1 + e^(−12 π)) is 4e-17.
const CORNER: f64 = 12.0;
/// Power laws end here at the latest.
const FARTHEST: f64 = 1e12;
/// A density is cut off where so little of it, with the square of its argument, is left.
const NEGLIGIBLE: f64 = 1e-17;

/// The panels around a feature end at its centre, here, in its units …
const ENDS: [f64; 2] = [2.0, 5.0];
/// … and beyond by this factor.
const GROWTH: f64 = 1.75;

impl Feature {
    pub fn gaussian(center: f64, unit: f64) -> Self {
        Self {
            center,
            unit,
            reach: GAUSSIAN,
        }
    }

    pub fn new(bump: &Bump) -> Self {
        let reach = if bump.dof.is_infinite() {
            GAUSSIAN
        } else {
            // The mean of x² beyond z falls like z^(2 − ν).
            let power = (bump.dof - 2.0).max(0.1);
            NEGLIGIBLE
                .powf(-1.0 / power)
                .clamp(2.0 * GAUSSIAN, FARTHEST)
        };
        Self {
            center: bump.center,
            unit: bump.scale,
            reach,
        }
    }

    /// As [`Feature::gaussian`], of which only the part within `reach` standard deviations counts.
    pub fn within(self, reach: f64) -> Self {
        Self {
            reach: self.reach.min(reach),
            ..self
        }
    }

    pub fn corner(center: f64, steepness: f64) -> Self {
        Self {
            center,
            unit: std::f64::consts::PI / steepness,
            reach: CORNER,
        }
    }

    pub fn span(&self) -> [f64; 2] {
        let reach = self.reach * self.unit;
        [self.center - reach, self.center + reach]
    }

    pub fn center(&self) -> f64 {
        self.center
    }

    pub fn unit(&self) -> f64 {
        self.unit
    }

    /// Whether any of it counts.
    pub fn is_there(&self) -> bool {
        self.reach > 0.0
    }

    /// As if it were this many times as wide, as far as it reaches.
    pub fn widened(self, by: f64) -> Self {
        Self {
            unit: by * self.unit,
            reach: self.reach / by,
            ..self
        }
    }

    /// The ends of its panels.
    pub fn ends(&self, mut emit: impl FnMut(f64)) {
        emit(self.center);
        let mut both = |z: f64| {
            emit(self.center - self.unit * z);
            emit(self.center + self.unit * z);
        };
        let [_, last] = ENDS;
        ENDS.into_iter()
            .filter(|&z| z < self.reach)
            .for_each(&mut both);
        let mut z = last * GROWTH;
        // The last panel is not cut where little more than half of one is left.
        while z * GROWTH.sqrt() < self.reach {
            both(z);
            z *= GROWTH;
        }
        both(self.reach);
    }
}
