//! Bounds on a mixture inside an ellipse of the complex plane around a piece.
//!
//! An integrand that holds log p or a power of p is analytic where p has no zero.

use std::f64::consts::{FRAC_PI_2, LN_2, PI};

use super::rounding::UNIT;
use super::view::{Local, View, middle};

/// Terms this far below the density at the centre, in nats, are not followed one by one.
const SMALL: f64 = 50.0;

/// Covers the rounding of sums of exponentials, whose exponents have a slack of their own.
pub(super) const INFLATION: f64 = 1e-9;

/// Inside of which an integrand is bounded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ellipse {
    /// Semiaxis along the line.
    along: f64,
    /// Semiaxis across it.
    across: f64,
}

/// Bounds for one mixture on an ellipse, where it has no zero.
pub(super) struct Bounds {
    middle: Local,
    /// log |p| ≤ this.
    log_size: f64,
    /// With W = p / exp(log + slope τ + bend τ²), the coefficients being those of `View::middle`:
    /// log |W| is between these.
    log_range: [f64; 2],
    /// |log W| ≤ this.
    deviation: f64,
}

impl Bounds {
    /// |p| ≤ this.
    pub fn size(&self) -> f64 {
        self.log_size.exp()
    }
}

impl Ellipse {
    pub fn new(rho: f64) -> Self {
        Self {
            along: 0.5 * (rho + 1.0 / rho),
            across: 0.5 * (rho - 1.0 / rho),
        }
    }

    /// Bounds of a mixture; `None` if it may have a zero.
    pub fn bounds(&self, view: &View) -> Option<Bounds> {
        if let [one] = &view.locals[..] {
            // W = 1, however many digits its log has lost, but for the rest of the Taylor series.
            let remainder = one.remainder(self.along);
            return remainder.is_finite().then(|| Bounds {
                middle: view.middle,
                log_size: self.size_of_middle(&view.middle) + remainder,
                log_range: [-remainder, remainder],
                deviation: remainder,
            });
        }
        self.bounds_of(view.middle, view.locals.iter().map(|one| (one, 0.0)))
    }

    /// Bounds of ½p + ½q.
    pub fn bounds_between(&self, p: &View, q: &View) -> Option<Bounds> {
        let halved = |middle: &Local| Local {
            log: middle.log - LN_2,
            ..*middle
        };
        let middle = middle(&[halved(&p.middle), halved(&q.middle)]);
        let both = p.locals.iter().chain(&q.locals);
        self.bounds_of(middle, both.map(|one| (one, -LN_2)))
    }

    /// With W(τ) = Σ rₖ exp(δₖ τ + εₖ τ²), Σ rₖ = 1, of which all terms stay near rₖ on a small
    /// piece: if Re W > 0 on the ellipse, W has no zero there, and |log W| ≤ |log |W|| + π/2. `None`
    /// if Re W could vanish. Logs are given with what is added to them.
    fn bounds_of<'a>(
        &self,
        middle: Local,
        locals: impl Iterator<Item = (&'a Local, f64)>,
    ) -> Option<Bounds> {
        let (mut largest, mut least) = (0.0, 0.0);
        for (one, added) in locals {
            let share = one.log + added - middle.log;
            let (slope, bend) = (one.slope - middle.slope, one.bend - middle.bend);
            let slack = self.slack(one, &middle) + 32.0 * UNIT * share.abs();
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
            if angle < FRAC_PI_2 {
                let lowest = share - self.highest(slope, -bend) - slack;
                least += lowest.exp() * angle.cos();
            } else {
                least += size * angle.min(PI).cos();
            }
        }
        let least = least - INFLATION * (1.0 + largest);
        (least > 1e-3 && largest.is_finite()).then(|| {
            let largest = largest * (1.0 + INFLATION);
            let log_range = [least.ln(), largest.ln()];
            Bounds {
                log_size: self.size_of_middle(&middle) + log_range[1],
                deviation: log_range[0].abs().max(log_range[1].abs()) + FRAC_PI_2,
                middle,
                log_range,
            }
        })
    }

    /// Bound on |p|, whether it has zeros or not.
    pub fn size(&self, view: &View) -> f64 {
        let middle = &view.middle;
        let sizes = view.locals.iter().map(|one| {
            let slack = self.slack(one, middle);
            let share = one.log - middle.log;
            (share + self.highest(one.slope, one.bend) + slack).exp()
        });
        sizes.sum::<f64>() * middle.log.exp() * (1.0 + INFLATION)
    }

    /// Bound on |log p − log q|.
    pub fn log_ratio(&self, p: &Bounds, q: &Bounds) -> f64 {
        let deviation = p.deviation + q.deviation;
        let (p, q) = (&p.middle, &q.middle);
        (q.log - p.log).abs()
            + (q.slope - p.slope).abs() * self.along
            + (q.bend - p.bend).abs() * self.along.powi(2)
            + p.rounding
            + q.rounding
            + deviation
    }

    /// Bound on log |p^α q^β|.
    pub fn log_power(&self, [alpha, beta]: [f64; 2], p: &Bounds, q: &Bounds) -> f64 {
        let of_deviation = |power: f64, [low, high]: [f64; 2]| (power * low).max(power * high);
        let deviation = of_deviation(alpha, p.log_range) + of_deviation(beta, q.log_range);
        let (p, q) = (&p.middle, &q.middle);
        let mixed = |of: fn(&Local) -> f64| alpha * of(p) + beta * of(q);
        let sizes = |of: fn(&Local) -> f64| alpha.abs() * of(p).abs() + beta.abs() * of(q).abs();
        let rounding = alpha.abs() * (p.rounding + self.rounding_of_middle(p))
            + beta.abs() * (q.rounding + self.rounding_of_middle(q));
        mixed(|local| local.log)
            + self.highest(mixed(|local| local.slope), mixed(|local| local.bend))
            + deviation
            + rounding
            + 8.0 * UNIT * sizes(|local| local.log)
    }

    /// Bound on the log of |exp(log + slope τ + bend τ²)|.
    fn size_of_middle(&self, middle: &Local) -> f64 {
        middle.log
            + middle.rounding
            + self.highest(middle.slope, middle.bend)
            + self.rounding_of_middle(middle)
    }

    fn rounding_of_middle(&self, middle: &Local) -> f64 {
        32.0 * UNIT * (middle.slope.abs() * self.along + middle.bend.abs() * self.along.powi(2))
    }

    /// How far the difference of two logs may be from that of their polynomials.
    fn slack(&self, one: &Local, middle: &Local) -> f64 {
        4.0 * (one.rounding + middle.rounding)
            + self.rounding_of_middle(one)
            + self.rounding_of_middle(middle)
            + one.remainder(self.along)
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
