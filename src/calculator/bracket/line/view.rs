//! What a mixture on the line looks like from the centre of a short piece.

use super::component::{Piece, Term};
use super::heavy::Heavy;
use super::rounding::UNIT;
use crate::mixture::log_sum_exp;

/// How far below another term, in nats, one is too small to matter to any digit.
const NEGLIGIBLE: f64 = 60.0;

/// The log of one component at `center` + τ `half` of a piece: log + slope τ + bend τ² of a
/// Gaussian, and that much of the Taylor series of a Student-t.
#[derive(Debug, Clone, Copy)]
pub(super) struct Local {
    pub log: f64,
    pub slope: f64,
    pub bend: f64,
    /// Bound on the rounding of its value for |τ| ≤ 1.
    pub rounding: f64,
    /// Of a Student-t.
    pub heavy: Option<Heavy>,
}

impl Local {
    fn new(component: &Term, piece: Piece) -> Self {
        if let Some(dof) = component.dof {
            let ([log, slope, bend, rounding], heavy) = Heavy::seen_from(component, dof, piece);
            return Self {
                log,
                slope,
                bend,
                rounding,
                heavy: Some(heavy),
            };
        }
        let z = component.z(piece.center);
        let reach = piece.half / component.std;
        let [slope, bend] = [-z * reach, -0.5 * reach * reach];
        Self {
            log: component.log_height - 0.5 * z * z,
            slope,
            bend,
            // z² is off by 11 roundings, the slope by 7, the bend by 3; each sum adds one.
            rounding: UNIT
                * (8.0 * z * z + 12.0 * slope.abs() - 8.0 * bend + 4.0 * component.log_size + 4.0),
            heavy: None,
        }
    }

    fn value(&self, tau: f64) -> f64 {
        match &self.heavy {
            None => self.log + tau * (self.slope + tau * self.bend),
            Some(heavy) => heavy.value(tau),
        }
    }

    /// How far the log may be from log + slope τ + bend τ² for complex |τ| ≤ `radius`.
    pub fn remainder(&self, radius: f64) -> f64 {
        self.heavy.map_or(0.0, |heavy| heavy.remainder(radius))
    }

    /// Bounds on the log over the piece.
    pub fn range(&self) -> [f64; 2] {
        if let Some(heavy) = &self.heavy {
            let [low, high] = heavy.range();
            return [low - self.rounding, high + self.rounding];
        }
        let slope = self.slope.abs();
        let top = if slope < -2.0 * self.bend {
            -0.25 * slope * (slope / self.bend)
        } else {
            slope + self.bend
        };
        [
            self.log - slope + self.bend - self.rounding,
            self.log + top + self.rounding,
        ]
    }
}

/// The logs of all components of a mixture on a piece.
pub(super) struct View {
    pub locals: Vec<Local>,
    /// log density at the centre, and the means of slopes and bends under the shares there.
    pub middle: Local,
}

impl View {
    pub fn new(mixture: &[Term], piece: Piece) -> Self {
        let locals: Vec<_> = (mixture.iter().map(|one| Local::new(one, piece))).collect();
        let middle = middle(&locals);
        Self { locals, middle }
    }

    /// Without the components that change no digit of the density anywhere on the piece.
    pub fn trim(&mut self) {
        let floor = (self.locals.iter())
            .map(|one| one.range()[0])
            .fold(f64::NEG_INFINITY, f64::max);
        (self.locals).retain(|one| one.range()[1] >= floor - NEGLIGIBLE);
    }

    /// log density at τ, and a bound on its rounding.
    pub fn log_density(&self, tau: f64) -> [f64; 2] {
        let at = |one: &Local| one.value(tau);
        let top = self.locals.iter().map(at).fold(f64::NEG_INFINITY, f64::max);
        let (mut sum, mut rounding) = (0.0, 0.0);
        for one in &self.locals {
            let share = (at(one) - top).exp();
            sum += share;
            rounding += share * one.rounding;
        }
        let log = top + sum.ln();
        let count = self.locals.len() as f64;
        let own = UNIT * (count + 8.0 + top.abs() + log.abs());
        [log, rounding / sum + own]
    }

    /// Bounds on log density over the piece.
    pub fn range(&self) -> [f64; 2] {
        let slack = UNIT * (self.locals.len() as f64 + 8.0);
        let ends: Vec<_> = self.locals.iter().map(Local::range).collect();
        let [low, high] = [0, 1].map(|end| log_sum_exp(ends.iter().map(|range| range[end])));
        [
            low - slack - 4.0 * UNIT * low.abs(),
            high + slack + 4.0 * UNIT * high.abs(),
        ]
    }
}

/// Of the whole: log density, and the means of slopes and bends under the shares.
pub(super) fn middle(locals: &[Local]) -> Local {
    let log = log_sum_exp(locals.iter().map(|one| one.log));
    let mut middle = Local {
        log,
        slope: 0.0,
        bend: 0.0,
        rounding: 0.0,
        heavy: None,
    };
    for one in locals {
        let share = (one.log - log).exp();
        // 0 of an infinite slope.
        if share > 0.0 {
            middle.slope += share * one.slope;
            middle.bend += share * one.bend;
            middle.rounding += share * one.rounding;
        }
    }
    middle.rounding += UNIT * (locals.len() as f64 + 8.0 + log.abs());
    middle
}
