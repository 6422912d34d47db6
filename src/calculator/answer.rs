//! A divergence as the calculator gives it: the number, and all there is to say of it.

use serde::{Deserialize, Serialize};

use super::{Accuracy, Bracket, Claim, Measure, Method};
use crate::divergence::{DivergenceKind, Estimate, Summed};
use crate::files::extended;

/// What was asked of two densities, or of one: a number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// What it is.
    pub divergence: Measure,
    /// The number, in its [unit](Measure::unit).
    #[serde(with = "extended")]
    pub value: f64,
    /// One standard error of a sample, or the error estimate of a quadrature; of a formula, a bound
    /// of what rounding did, and so of MW₂, which is an upper bound; 0 of a number that is known, none of an approximation; infinite where a constant is not
    /// known at all.
    #[serde(with = "extended::option")]
    pub error: Option<f64>,
    /// The 95 % interval of a sample; of a quadrature, the number with its error.
    #[serde(with = "extended::interval")]
    pub interval: Option<[f64; 2]>,
    /// What it lies between for certain, where that is known.
    pub bracket: Option<Bracket>,
    /// How it was found.
    pub method: Method,
    /// What that makes it.
    pub claim: Claim,
    /// Why this method, or why the number is what it is.
    pub reason: String,
    /// Draws, from p, q and bridges together.
    pub samples: u64,
    /// Whether the error that was asked for is reached, and of a sample why it ended.
    pub ending: Option<Ending>,
    /// How long it took, in seconds; what is found together has its time in common.
    pub seconds: f64,
}

/// Why sampling ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// The error that was asked for is reached.
    Reached,
    /// All samples are spent.
    Spent,
    /// What the constant of a density is off by is more than what was asked for, and not less for more draws.
    Normalizer,
}

/// Whether what was asked for is reached, if anything was.
pub(super) fn ended(accuracy: Accuracy, found: &Computed) -> Option<Ending> {
    accuracy
        .is_set()
        .then(|| match accuracy.error_ratio(found) <= 1.0 {
            true => Ending::Reached,
            false => Ending::Spent,
        })
}

/// The number of a method with its error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Computed {
    pub value: f64,
    pub error: Option<f64>,
    pub interval: Option<[f64; 2]>,
    pub samples: u64,
    pub ending: Option<Ending>,
}

impl Computed {
    /// A number that is known, such as 0 or ∞.
    pub fn exact(value: f64) -> Self {
        Self {
            error: Some(0.0),
            interval: Some([value; 2]),
            ..Self::bare(value)
        }
    }

    /// What a formula gives.
    pub fn formula(found: Estimate) -> Self {
        Self::within(found.value, found.error)
    }

    /// A number of which no error is known.
    pub fn bare(value: f64) -> Self {
        Self {
            value,
            error: None,
            interval: None,
            samples: 0,
            ending: None,
        }
    }

    /// Whether it is infinite, and there is no doubt of that.
    pub fn is_surely_infinite(&self) -> bool {
        self.value == f64::INFINITY && self.error == Some(0.0)
    }

    /// A divergence where log p and log q are off by as much everywhere, each by its own: by an error of so many nats,
    /// or a standard error, of which two are in an interval of 95 %.
    pub fn with_log_densities_off(
        self,
        kind: DivergenceKind,
        off: [f64; 2],
        summed: Summed,
    ) -> Self {
        if off == [0.0; 2] || !self.value.is_finite() {
            return self;
        }
        let range = kind.range();
        let apart = kind.misplaced(self.value, off.map(|off| 2.0 * off), summed);
        let [low, high] = self.interval.unwrap_or([self.value; 2]);
        Self {
            error: self
                .error
                .map(|error| error + kind.misplaced(self.value, off, summed)),
            interval: Some([
                (low - apart).max(*range.start()),
                (high + apart).min(*range.end()),
            ]),
            ..self
        }
    }

    /// A number with an error on either side.
    pub fn within(value: f64, error: f64) -> Self {
        Self {
            error: Some(error),
            interval: Some([value - error, value + error]),
            ..Self::bare(value)
        }
    }
}
