//! A number and how sure it is.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Divergence, DivergenceKind, Summed};
use crate::text::{by_formula, fixed, with_error};

/// A number and how sure it is, both in nats.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The estimate.
    #[serde(with = "crate::files::extended")]
    pub value: f64,
    /// Its error: one standard error of a sample, the error estimate of a quadrature, or a bound of
    /// that of a formula.
    #[serde(with = "crate::files::extended")]
    pub error: f64,
    /// What kind of error that is.
    pub method: EstimateMethod,
}

/// With as many digits as the error leaves, eight at most.
impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self {
            value,
            error,
            method,
        } = *self;
        if value.is_nan() {
            return f.pad("not known");
        }
        if value.is_infinite() && error == 0.0 && method != EstimateMethod::ClosedForm {
            return f.pad("∞, one is 0 where the other is not");
        }
        if value.is_infinite() {
            return f.pad(&format!("{value}, beyond the range of numbers"));
        }
        let text = match method {
            EstimateMethod::ClosedForm => by_formula(value, error),
            // The error of an average over given rows is that of the rows as a sample; the average
            // itself is known to every digit.
            EstimateMethod::Data => {
                // Two decimals of the error, or its first digit where that comes later.
                let decimals = (-error.log10().floor()).clamp(2.0, 6.0) as usize;
                format!("{} ± {error:.decimals$}", fixed(value, 6))
            }
            _ => with_error(value, error),
        };
        f.pad(&text)
    }
}

/// An estimate by one rule, and whether a finer one is worth trying.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Attempt {
    /// What came of it.
    pub estimate: Estimate,
    /// The share of the error that a finer rule would keep: rounding, and what lies beyond the last
    /// points.
    pub floor: f64,
}

/// A value above this is not worth refining: it is far from any optimum, or infinite, where no rule
/// ends.
const VAST: f64 = 1e6;

impl Attempt {
    /// A mean of the logarithms themselves is infinite where one density is 0 and the other is not, and nowhere else:
    /// then that is sure.
    pub fn certainly(self, of: &dyn Divergence) -> Self {
        if !of.averages_logs() || self.estimate.value != f64::INFINITY {
            return self;
        }
        Self {
            estimate: Estimate {
                error: 0.0,
                ..self.estimate
            },
            floor: 0.0,
        }
    }

    /// Whether a finer rule could bring the error under a tolerance: what lies beyond the last points of this one may
    /// lie within those of that. Not if the value is lost (NaN).
    pub fn needs_finer_rule(self, tolerance: f64) -> bool {
        let Estimate { value, error, .. } = self.estimate;
        value.abs() <= VAST && (error - self.floor > tolerance || self.floor == f64::INFINITY)
    }

    /// The more certain of this and the same number worked out in another way.
    pub fn more_certain(self, other: Self) -> Self {
        let is_number = |attempt: Self| attempt.estimate.value.is_finite();
        let as_sure = self.estimate.error <= other.estimate.error;
        if !is_number(other) || (as_sure && is_number(self)) {
            self
        } else {
            other
        }
    }

    /// Whether the same number worked out in another way is as near as both errors allow.
    pub fn agrees(self, other: Self) -> bool {
        let apart = (self.estimate.value - other.estimate.value).abs();
        apart.is_nan() || apart <= self.estimate.error + other.estimate.error
    }

    /// With the same number by other points: the more certain of the two, and at least their difference as its
    /// error, none of which more points of its kind would take away.
    pub fn reconciled(self, other: Self) -> Self {
        let error = |attempt: Self| match attempt.estimate.error {
            error if error.is_nan() => f64::INFINITY,
            error => error,
        };
        let (surer, less_sure) = if error(other) < error(self) {
            (other, self)
        } else {
            (self, other)
        };
        let apart = (surer.estimate.value - less_sure.estimate.value).abs();
        let agree = apart <= error(surer) || apart.is_nan();
        // Where no error explains the difference, either may be the one that is wrong.
        let known = if !self.agrees(other) {
            apart
        } else {
            error(less_sure).min(apart)
        };
        if agree || known <= error(surer) {
            return surer;
        }
        Self {
            estimate: Estimate {
                error: error(surer) + known,
                ..surer.estimate
            },
            floor: surer.floor + known,
        }
    }
}

/// How a divergence was obtained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EstimateMethod {
    /// A formula; the error is a bound of what rounding did.
    ClosedForm,
    /// A deterministic rule; the error is its difference from a coarser one.
    Quadrature,
    /// Random points; the error is one standard error.
    MonteCarlo,
    /// An average over the rows of a file; the error is that of the rows as a sample.
    Data,
}

impl EstimateMethod {
    /// Whether the error is a standard error.
    pub fn is_random(self) -> bool {
        matches!(self, Self::MonteCarlo | Self::Data)
    }
}

impl Estimate {
    /// Nothing is known.
    pub const UNKNOWN: Self = Self {
        value: f64::NAN,
        error: f64::NAN,
        method: EstimateMethod::Quadrature,
    };

    /// By points that may have missed something, beside the same number by points that did not: at least as
    /// much error as they differ by, where that is more than their errors make likely.
    pub fn with_discrepancy(self, other: Self) -> Self {
        let likely = if self.method.is_random() { 2.0 } else { 1.0 };
        let apart = (self.value - other.value).abs();
        // What is NaN or infinite says by itself that it is not known.
        if !apart.is_finite() || apart <= likely * self.error + other.error {
            return self;
        }
        Self {
            error: apart + other.error,
            ..self
        }
    }

    /// Beside the same number with its error, where there is nothing else to tell how far it is off.
    pub fn held_to(self, other: Self) -> Self {
        Self {
            error: (self.value - other.value).abs() + other.error,
            ..self
        }
    }

    /// It, a divergence found side by side, where log p is off by as much everywhere, in nats.
    pub(crate) fn with_log_density_off(self, kind: DivergenceKind, off: f64) -> Self {
        Self {
            error: self.error + kind.misplaced(self.value, [off, 0.0], Summed::BySide),
            ..self
        }
    }

    /// How far it is above another number of the same target. What rows leave open is the same of both, and
    /// leaves their difference alone.
    pub fn minus(self, other: Self) -> Self {
        let are_of_rows = [self.method, other.method] == [EstimateMethod::Data; 2];
        let error = match are_of_rows {
            true => 0.0,
            false => self.error.hypot(other.error),
        };
        Self {
            value: self.value - other.value,
            error,
            ..self
        }
    }

    /// Whether it is above another of the same target by more than their errors, and by more than a fit that has
    /// arrived is off.
    pub fn is_above(self, other: Self) -> bool {
        let error = match self.method {
            EstimateMethod::Data => 0.0,
            // The draws are the same, and most of the error is.
            EstimateMethod::MonteCarlo => 2.0 * self.error.max(other.error),
            EstimateMethod::ClosedForm | EstimateMethod::Quadrature => self.error + other.error,
        };
        let error = if error.is_finite() { error } else { 0.0 };
        self.value - other.value > error + 1e-6 * other.value.abs() + 1e-9
    }

    /// The same as if log p were off nowhere: what is so far off everywhere does not part two numbers of one p.
    pub(crate) fn without_log_density_off(self, kind: DivergenceKind, off: f64) -> Self {
        let error = self.error - kind.misplaced(self.value, [off, 0.0], Summed::BySide);
        Self {
            error: error.max(0.0),
            ..self
        }
    }

    /// A number that is known, such as 0 or ∞.
    pub fn exact(value: f64) -> Self {
        Self::closed_form(value, 0.0)
    }

    /// What a formula gives, and what that is off by at most.
    pub fn closed_form(value: f64, error: f64) -> Self {
        Self {
            value,
            error,
            method: EstimateMethod::ClosedForm,
        }
    }

    /// The same of a function of the number: its value there, and a bound of its slope as far as
    /// the error reaches.
    pub(crate) fn map(self, value: f64, slope: f64) -> Self {
        if value.is_infinite() {
            return Self::exact(value);
        }
        Self {
            value,
            error: slope.abs() * self.error + 4.0 * f64::EPSILON * value.abs(),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(value: f64, error: f64) -> Attempt {
        let estimate = Estimate {
            value,
            error,
            method: EstimateMethod::Quadrature,
        };
        Attempt {
            estimate,
            floor: 0.0,
        }
    }

    #[test]
    fn two_numbers_of_the_same_rows_are_compared_without_the_error_of_the_rows() {
        let of = |value, method| Estimate {
            value,
            error: 0.1,
            method,
        };
        let [low, high] = [1.20, 1.32].map(|value| of(value, EstimateMethod::Data));
        assert!(high.is_above(low) && !low.is_above(high) && !low.is_above(low));
        assert_eq!(high.minus(low).error, 0.0);
        let [low, high] = [1.20, 1.32].map(|value| of(value, EstimateMethod::MonteCarlo));
        assert!(!high.is_above(low));
    }

    #[test]
    fn numbers_that_no_error_explains_have_their_difference_as_one() {
        let told = |one: (f64, f64), other: (f64, f64)| {
            let [one, other] = [one, other].map(|(value, error)| attempt(value, error));
            assert_eq!(one.reconciled(other), other.reconciled(one));
            let Estimate { value, error, .. } = one.reconciled(other).estimate;
            (value, error)
        };
        assert_eq!(told((1.0, 0.25), (1.125, 0.5)), (1.0, 0.25));
        assert_eq!(told((1.0, 0.25), (1.5, 1.0)), (1.0, 0.75));
        assert_eq!(told((1.0, 0.125), (9.0, 0.25)), (1.0, 8.125));
        assert_eq!(told((1.0, 0.125), (9.0, f64::NAN)), (1.0, 8.125));
    }
}
