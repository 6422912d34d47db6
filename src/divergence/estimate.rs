//! A number and how sure it is.

use serde::{Deserialize, Serialize};

/// A number and how sure it is, both in nats.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The estimate.
    #[serde(with = "crate::run_folder::extended")]
    pub value: f64,
    /// Its error: one standard error of a sample, or the error estimate of a quadrature.
    #[serde(with = "crate::run_folder::extended")]
    pub error: f64,
    /// What kind of error that is.
    pub method: Method,
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
    /// Whether a finer rule could bring the error under a tolerance. Not if the value is lost (NaN).
    pub fn calls_for_a_finer_rule(self, tolerance: f64) -> bool {
        let Estimate { value, error, .. } = self.estimate;
        value.abs() <= VAST && error - self.floor > tolerance
    }
}

/// How a divergence was obtained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Exact up to rounding.
    ClosedForm,
    /// A deterministic rule; the error is its difference from a coarser one.
    Quadrature,
    /// Random points; the error is one standard error.
    MonteCarlo,
    /// An average over the rows of a file; the error is that of the rows as a sample.
    Data,
}

impl Method {
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
        method: Method::Quadrature,
    };

    /// A number in closed form, without error but for rounding.
    pub fn exact(value: f64) -> Self {
        Self {
            value,
            error: 0.0,
            method: Method::ClosedForm,
        }
    }
}
