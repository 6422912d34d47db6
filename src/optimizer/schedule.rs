//! How the learning rate changes over a fit.

use serde::{Deserialize, Serialize};

/// The shape of the learning rate over the steps, from all of it to `final_rate` of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// It stays.
    #[default]
    Constant,
    /// A straight line.
    Linear,
    /// Half a cosine (Loshchilov and Hutter 2017).
    Cosine,
    /// The same factor at every step.
    Exponential,
}

impl Schedule {
    /// Every schedule there is.
    pub const ALL: [Self; 4] = [
        Self::Constant,
        Self::Linear,
        Self::Cosine,
        Self::Exponential,
    ];

    /// The share of the learning rate when `done` of the fit, from 0 to 1, is over; it ends at `end`.
    pub fn share(self, done: f64, end: f64) -> f64 {
        match self {
            Self::Constant => 1.0,
            Self::Linear => 1.0 + (end - 1.0) * done,
            Self::Cosine => end + (1.0 - end) * 0.5 * (1.0 + (std::f64::consts::PI * done).cos()),
            Self::Exponential => end.powf(done),
        }
    }
}
