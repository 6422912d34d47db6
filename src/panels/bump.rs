//! One component of a density on a line: where it is, how wide, and how steep.

use std::f64::consts::TAU;

use statrs::function::gamma::ln_gamma;

/// w N(center, scale²), or w times Student's t with ν degrees of freedom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bump {
    /// The log of its density at the centre, weight included.
    pub log_peak: f64,
    pub center: f64,
    pub scale: f64,
    /// 1 / scale: a bump is looked at in many places.
    inverse: f64,
    /// ν; infinite for a Gaussian.
    pub dof: f64,
}

impl Bump {
    /// A component of weight e^`log_weight`.
    pub fn new(log_weight: f64, center: f64, scale: f64, dof: f64) -> Self {
        let log_height = if dof.is_infinite() {
            -0.5 * TAU.ln()
        } else {
            ln_gamma(0.5 * (dof + 1.0))
                - ln_gamma(0.5 * dof)
                - 0.5 * (dof * std::f64::consts::PI).ln()
        };
        Self {
            log_peak: log_weight + log_height - scale.ln(),
            center,
            scale,
            inverse: scale.recip(),
            dof,
        }
    }

    /// So many times as wide, of the same weight.
    pub fn stretched(self, by: f64) -> Self {
        Self {
            log_peak: self.log_peak - by.ln(),
            scale: self.scale * by,
            inverse: self.inverse / by,
            ..self
        }
    }

    /// The log of its density.
    pub fn log_density(&self, x: f64) -> f64 {
        let z = (x - self.center) * self.inverse;
        self.log_peak + log_profile(z * z, self.dof)
    }

    /// The derivative of that.
    pub fn slope(&self, x: f64) -> f64 {
        let z = (x - self.center) * self.inverse;
        let steep = if self.dof.is_infinite() {
            1.0
        } else {
            (self.dof + 1.0) / (self.dof + z * z)
        };
        -z * steep * self.inverse
    }
}

/// The log of a density at |z|², relative to its peak.
pub(super) fn log_profile(squared: f64, dof: f64) -> f64 {
    if dof.is_infinite() {
        -0.5 * squared
    } else {
        -0.5 * (dof + 1.0) * (squared / dof).ln_1p()
    }
}

/// The real roots of a t² + b t + c, without cancellation.
pub(super) fn roots(a: f64, b: f64, c: f64) -> [Option<f64>; 2] {
    let square = b * b - 4.0 * a * c;
    if square.is_nan() || square < 0.0 {
        return [None, None];
    }
    let sum = -0.5 * (b + square.sqrt().copysign(b));
    let finite = |root: f64| Some(root).filter(|root| root.is_finite());
    [finite(sum / a), finite(c / sum)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_is_that_of_the_log_density() {
        for dof in [3.0, f64::INFINITY] {
            let bump = Bump::new(-1.0, 0.5, 0.7, dof);
            for x in [-2.0, 0.4, 3.0] {
                let step = 1e-5;
                let [above, below] = [x + step, x - step].map(|x| bump.log_density(x));
                let slope = (above - below) / (2.0 * step);
                assert!((bump.slope(x) - slope).abs() < 1e-8, "{dof} {x}");
            }
        }
    }

    #[test]
    fn the_peak_makes_a_density() {
        for dof in [1.0, 4.5, f64::INFINITY] {
            let bump = Bump::new(0.0, 1.0, 0.5, dof);
            // By x = 1 + tan u.
            let n = 20_000;
            let sum: f64 = (0..n)
                .map(|i| {
                    let u = (f64::from(i) + 0.5) / f64::from(n) * std::f64::consts::PI
                        - std::f64::consts::FRAC_PI_2;
                    bump.log_density(1.0 + u.tan()).exp() / u.cos().powi(2)
                })
                .sum();
            let integral = sum * std::f64::consts::PI / f64::from(n);
            assert!((integral - 1.0).abs() < 1e-6, "{dof}: {integral}");
        }
    }
}
