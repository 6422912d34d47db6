//! When a run stops before its steps are used up.
//!
//! A deterministic objective comes to rest: its gradient or the progress of its loss falls below a
//! tolerance. A random one never does, and neither tolerance means anything there. Its iterates
//! wander around the optimum instead; their average is far closer to it than any of them (Polyak and
//! Juditsky 1992). So the run goes on until the iterates have settled, as the split R̂ of a window
//! tells, and then until the Monte Carlo standard error of their average is small: the rule of FASO
//! (Dhaka et al. 2020; Welandawe et al. 2022).

mod monitor;
mod path;

use serde::{Deserialize, Serialize};

pub use monitor::{StopMonitor, Verdict};

/// The most iterates of a run that are kept; older ones are forgotten.
const KEPT: usize = 8000;

/// `[stop]` of a config. Steps always stop a run; these may stop it earlier.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a section")]
pub struct StopConfig {
    /// Of a deterministic objective: the norm of the gradient in θ is below this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gradient_norm: Option<f64>,
    /// Of a deterministic objective: over `window` steps the loss has neither fallen nor risen by more
    /// than this, relative to the loss or to 1 nat, whichever is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss_change: Option<f64>,
    /// Of a random objective: the standard error of the averaged parameters is below this, in
    /// standard deviations of q for means and as it is for logarithms. The average is the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precision: Option<f64>,
    /// Steps that are looked back on: 10 for `loss_change`, and the shortest window for
    /// `precision`, 200.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<usize>,
}

impl Default for StopConfig {
    fn default() -> Self {
        Self::NEVER
    }
}

impl StopConfig {
    /// Only the steps stop a run.
    pub const NEVER: Self = Self {
        gradient_norm: None,
        loss_change: None,
        precision: None,
        window: None,
    };
    /// The gradient at which L-BFGS stops where a config does not say: below it there is only
    /// rounding to descend.
    pub const QUASI_NEWTON: f64 = 1e-8;

    /// Whether there is nothing to watch.
    pub fn is_never(&self) -> bool {
        self.gradient_norm.is_none() && self.loss_change.is_none() && self.precision.is_none()
    }

    /// Whether one of the tolerances of a deterministic objective is set: its key.
    pub fn deterministic_key(&self) -> Option<&'static str> {
        let of = |set: bool, key| set.then_some(key);
        of(self.gradient_norm.is_some(), "gradient_norm")
            .or(of(self.loss_change.is_some(), "loss_change"))
    }

    /// Writes down the defaults it takes.
    pub(crate) fn fill(&mut self) {
        if self.loss_change.is_some() || self.precision.is_some() {
            self.window = Some(self.window());
        }
    }

    /// The key of a setting that makes no sense, with the reason.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let tolerances = [
            ("gradient_norm", self.gradient_norm),
            ("loss_change", self.loss_change),
            ("precision", self.precision),
        ];
        for (key, tolerance) in tolerances {
            if let Some(tolerance) = tolerance
                && !(tolerance > 0.0 && tolerance.is_finite())
            {
                return Err((key, format!("is {tolerance}; it must be positive")));
            }
        }
        match self.window {
            Some(window) if self.loss_change.is_none() && self.precision.is_none() => {
                let reason = format!("is {window}, and no tolerance is told from a window");
                Err(("window", reason))
            }
            Some(window) if window < self.least_window() || window > KEPT => {
                let range = format!("from {} to {KEPT}", self.least_window());
                Err(("window", format!("is {window}; it must be {range}")))
            }
            _ => Ok(()),
        }
    }

    fn least_window(&self) -> usize {
        if self.precision.is_some() { 40 } else { 1 }
    }

    fn window(&self) -> usize {
        let default = if self.precision.is_some() { 200 } else { 10 };
        self.window.unwrap_or(default)
    }
}

/// Why a run stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Stop {
    /// It took all its steps.
    Steps,
    /// Its gradient fell below the tolerance.
    Gradient {
        /// The step it happened at.
        step: usize,
    },
    /// Its loss neither fell nor rose any more.
    Loss {
        /// The step it happened at.
        step: usize,
    },
    /// The average of its iterates is precise enough, and was taken.
    Averaged {
        /// The step it happened at.
        step: usize,
    },
    /// The optimizer found no better θ.
    NoProgress {
        /// The step it happened at.
        step: usize,
    },
    /// It was asked to stop, and can be resumed.
    Interrupted {
        /// The step it had reached.
        step: usize,
    },
    /// Its loss or gradient was no longer finite, or its parameters no longer a density.
    Failed {
        /// The step it happened at.
        step: usize,
        /// What happened.
        what: String,
    },
}

impl Stop {
    /// The step it happened at, if that is not the last.
    pub fn step(&self) -> Option<usize> {
        match self {
            Self::Steps => None,
            Self::Gradient { step }
            | Self::Loss { step }
            | Self::Averaged { step }
            | Self::NoProgress { step }
            | Self::Interrupted { step }
            | Self::Failed { step, .. } => Some(*step),
        }
    }

    /// Whether the run broke down.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Failed { .. })
    }
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            Self::Steps => f.write_str("all steps taken"),
            Self::Gradient { step } => write!(f, "gradient below tolerance at step {step}"),
            Self::Loss { step } => write!(f, "loss at rest at step {step}"),
            Self::Averaged { step } => write!(f, "average precise at step {step}"),
            Self::NoProgress { step } => write!(f, "no better point from step {step}"),
            Self::Interrupted { step } => write!(f, "interrupted at step {step}"),
            Self::Failed { step, what } => write!(f, "failed at step {step}: {what}"),
        }
    }
}
