//! How the learning rate changes over a fit.

use serde::{Deserialize, Serialize};

use super::OptimizerConfig;

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
}

impl OptimizerConfig {
    /// The share of the learning rate at a step, counted from 0: a straight rise over the warm-up,
    /// then the schedule, which ends at the last step.
    pub fn share(&self, step: usize) -> f64 {
        if step < self.warmup {
            return (step + 1) as f64 / (self.warmup + 1) as f64;
        }
        let last = (self.steps - 1).saturating_sub(self.warmup).max(1);
        let done = ((step - self.warmup) as f64 / last as f64).min(1.0);
        let end = self.final_rate();
        match self.schedule {
            Schedule::Constant => 1.0,
            Schedule::Linear => 1.0 + (end - 1.0) * done,
            Schedule::Cosine => {
                end + (1.0 - end) * 0.5 * (1.0 + (std::f64::consts::PI * done).cos())
            }
            Schedule::Exponential => end.powf(done),
        }
    }
}
