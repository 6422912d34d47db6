//! When a run stops before its steps are used up.
//!
//! A deterministic objective comes to rest: its gradient or the progress of its loss falls below a
//! tolerance. A random one never does, and neither tolerance means anything there. Its iterates
//! wander around the optimum instead; their average is far closer to it than any of them (Polyak and
//! Juditsky 1992). So the run continues until the iterates have settled, as the split R̂ of a window
//! tells, and then until the Monte Carlo standard error of their average is small: the rule of FASO
//! (Dhaka et al. 2020; Welandawe et al. 2022).

mod monitor;
mod path;

use serde::{Deserialize, Serialize};

pub use monitor::{StopMonitor, Verdict};

use crate::error::Refusal;

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

    /// The tolerances that are given, with their numbers.
    fn given(&self) -> impl Iterator<Item = (&'static Tolerance, f64)> {
        (TOLERANCES.iter()).filter_map(|tolerance| Some((tolerance, (tolerance.of)(self)?)))
    }

    /// Whether there is nothing to watch.
    pub fn is_never(&self) -> bool {
        self.given().next().is_none()
    }

    /// Writes down the defaults it takes.
    pub(crate) fn fill(&mut self) {
        if self.windows().is_some() {
            self.window = Some(self.window());
        }
    }

    /// Checks that it makes sense for an objective that is deterministic or not.
    ///
    /// # Errors
    /// With the first setting that makes none.
    pub fn check(&self, is_deterministic: bool) -> Result<(), Refusal> {
        for (tolerance, number) in self.given() {
            if !(number > 0.0 && number.is_finite()) {
                let message = format!("is {number}; it must be positive");
                return Err(Refusal::new(tolerance.key, message, tolerance.help));
            }
        }
        self.check_window()?;
        let other = |(tolerance, _): &(&Tolerance, f64)| tolerance.is_of_noise == is_deterministic;
        match self.given().find(other) {
            Some((tolerance, _)) if is_deterministic => Err(Refusal::new(
                tolerance.key,
                "is for random objectives, whose iterates wander; this one is deterministic",
                "use gradient_norm = 1e-6 or loss_change = 1e-9",
            )),
            Some((tolerance, _)) => Err(Refusal::new(
                tolerance.key,
                "cannot be told of a random objective: its gradient and its loss never come to rest",
                "use precision = 0.01, which averages the iterates, or set noise = \"fixed\" under \
                 [estimator]",
            )),
            None => Ok(()),
        }
    }

    fn check_window(&self) -> Result<(), Refusal> {
        let Some(window) = self.window else {
            return Ok(());
        };
        let message = match self.windows() {
            None => format!("is {window}, and no tolerance is told from a window"),
            Some((least, _)) if !(least..=KEPT).contains(&window) => {
                format!("is {window}; it must be from {least} to {KEPT}")
            }
            Some(_) => return Ok(()),
        };
        let help = "remove it, or give loss_change or precision, which look back on so many steps";
        Err(Refusal::new("window", message, help))
    }

    /// The shortest window and that taken by default, if a tolerance is estimated from one.
    fn windows(&self) -> Option<(usize, usize)> {
        (self.given().filter_map(|(tolerance, _)| tolerance.windows)).max()
    }

    fn window(&self) -> usize {
        let default = self.windows().map_or(0, |(_, default)| default);
        self.window.unwrap_or(default)
    }
}

/// A number at which a run stops.
struct Tolerance {
    key: &'static str,
    of: fn(&StopConfig) -> Option<f64>,
    /// Whether it is for random objectives rather than for those that come to rest.
    is_of_noise: bool,
    /// The shortest window and that taken by default, if it is estimated from one.
    windows: Option<(usize, usize)>,
    /// What to do about one that is no tolerance.
    help: &'static str,
}

const TOLERANCES: [Tolerance; 3] = [
    Tolerance {
        key: "gradient_norm",
        of: |config| config.gradient_norm,
        is_of_noise: false,
        windows: None,
        help: "give a small number such as 1e-6, or remove it",
    },
    Tolerance {
        key: "loss_change",
        of: |config| config.loss_change,
        is_of_noise: false,
        windows: Some((1, 10)),
        help: "give a small number such as 1e-6, or remove it",
    },
    Tolerance {
        key: "precision",
        of: |config| config.precision,
        is_of_noise: true,
        windows: Some((40, 200)),
        help: "0.01 is a hundredth of a standard deviation of q; or remove it",
    },
];

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
