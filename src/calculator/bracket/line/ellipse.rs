//! How far Gauss–Legendre quadrature can be off on a piece: bounds on the integrand in the complex
//! plane.
//!
//! For g analytic with |g| ≤ M inside the ellipse with foci ±1 and semiaxes (ρ ± 1/ρ)/2, the rule of
//! n ≥ 2 points misses ∫ g over [−1, 1] by at most 64 M ρ⁻²ⁿ / (15 (1 − ρ⁻²)) (Rabinowitz 1969;
//! Trefethen 2008, Theorem 4.5). Petras (2002) and Johansson (2018) build certified integrators
//! on it. The integrand here holds log p and log q, so p and q must have no zero in the ellipse.

use super::gauss_legendre::POINTS;
use super::mixture::{UNIT, View};

/// The ρ that are tried. Close to 1, fewer pieces are refused; far from 1, fewer points are needed.
const SIZES: [f64; 4] = [1.5, 2.0, 3.0, 5.0];

/// Terms this far below the density at the centre, in nats, are not followed one by one.
const SMALL: f64 = 50.0;

/// Covers the rounding of sums of exponentials, whose exponents have a slack of their own.
const INFLATION: f64 = 1e-9;

/// Bound on the error of the rule for ∫ (p log(p/q) − p + q) dτ over [−1, 1]; infinite if there is
/// none.
pub(super) fn quadrature_error(p: &View, q: &View) -> f64 {
    (SIZES.iter())
        .filter_map(|&rho| {
            let ellipse = Ellipse::new(rho);
            let bound = ellipse.integrand_bound(p, q)?;
            let shrink = (-2.0 * POINTS as f64 * rho.ln()).exp();
            Some(bound * shrink * 64.0 / (15.0 * (1.0 - rho.powi(-2))))
        })
        .filter(|bound| bound.is_finite())
        .fold(f64::INFINITY, f64::min)
}

struct Ellipse {
    /// Semiaxis along the line.
    along: f64,
    /// Semiaxis across it.
    across: f64,
}

/// Bounds for one mixture on an ellipse.
struct Bounds {
    /// log |p| ≤ this.
    log_size: f64,
    /// |log p − (log + slope τ + bend τ²)| ≤ this, with the coefficients of `View::middle`.
    deviation: f64,
}

impl Ellipse {
    fn new(rho: f64) -> Self {
        Self {
            along: 0.5 * (rho + 1.0 / rho),
            across: 0.5 * (rho - 1.0 / rho),
        }
    }

    /// Bound on |p log(p/q) − p + q|.
    fn integrand_bound(&self, p: &View, q: &View) -> Option<f64> {
        let [of_p, of_q] = [self.bounds(p)?, self.bounds(q)?];
        let (p, q) = (&p.middle, &q.middle);
        let log_ratio = (q.log - p.log).abs()
            + (q.slope - p.slope).abs() * self.along
            + (q.bend - p.bend).abs() * self.along.powi(2)
            + p.rounding
            + q.rounding
            + of_p.deviation
            + of_q.deviation;
        let [p, q] = [of_p, of_q].map(|bounds| bounds.log_size.exp());
        Some((p * (1.0 + log_ratio) + q) * (1.0 + INFLATION))
    }

    /// With W(τ) = p(τ) / exp(log + slope τ + bend τ²) = Σ rₖ exp(δₖ τ + εₖ τ²), Σ rₖ = 1, of which
    /// all terms stay near rₖ on a small piece: if Re W > 0 on the ellipse, W has no zero there,
    /// and |log W| ≤ |log |W|| + π/2. `None` if Re W could vanish.
    fn bounds(&self, view: &View) -> Option<Bounds> {
        let middle = &view.middle;
        let middle_size = middle.log
            + middle.rounding
            + self.highest(middle.slope, middle.bend)
            + 32.0 * UNIT * (middle.slope.abs() * self.along - middle.bend * self.along.powi(2));
        if view.parabolas.len() == 1 {
            // W = 1, however many digits its log has lost.
            return Some(Bounds {
                log_size: middle_size,
                deviation: 0.0,
            });
        }
        let (mut largest, mut least) = (0.0, 0.0);
        for one in &view.parabolas {
            let share = one.log - middle.log;
            let (slope, bend) = (one.slope - middle.slope, one.bend - middle.bend);
            let slack = 4.0 * (one.rounding + middle.rounding)
                + 32.0
                    * UNIT
                    * ((one.slope.abs() + middle.slope.abs()) * self.along
                        + (one.bend.abs() + middle.bend.abs()) * self.along.powi(2)
                        + share.abs());
            let highest = share + self.highest(slope, bend) + slack;
            if highest < -SMALL {
                let size = (-SMALL).exp();
                largest += size;
                least -= size;
                continue;
            }
            // Early, for this is how most attempts on a long piece end.
            let size = highest.exp();
            largest += size;
            let angle = slope.abs() * self.across + bend.abs() * self.along * self.across + slack;
            if angle < std::f64::consts::FRAC_PI_2 {
                let lowest = share - self.highest(slope, -bend) - slack;
                least += lowest.exp() * angle.cos();
            } else {
                least += size * angle.min(std::f64::consts::PI).cos();
            }
        }
        let least = least - INFLATION * (1.0 + largest);
        (least > 1e-3 && largest.is_finite()).then(|| {
            let largest = largest * (1.0 + INFLATION);
            Bounds {
                log_size: middle_size + largest.ln(),
                deviation: least.ln().abs().max(largest.ln().abs()) + std::f64::consts::FRAC_PI_2,
            }
        })
    }

    /// The maximum of Re(slope τ + bend τ²). It lies on the boundary, where
    /// (Im τ / across)² = 1 − (Re τ / along)².
    fn highest(&self, slope: f64, bend: f64) -> f64 {
        let slope = slope.abs();
        let square = self.across.powi(2);
        let curve = bend * (1.0 + square / self.along.powi(2));
        let real = if slope < -2.0 * curve * self.along {
            -0.5 * slope / curve
        } else {
            self.along
        };
        real * (slope + real * curve) - bend * square
    }
}
