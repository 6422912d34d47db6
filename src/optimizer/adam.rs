//! Adam: steps scaled by running averages of the gradient and its square (Kingma and Ba 2015).

use serde::{Deserialize, Serialize};

use super::from_burn::FromBurn;
use super::{OptimizerSettings, Steps, check_decay, check_epsilon};
use crate::compute::device::Numerics;
use crate::density::family::Family;
use crate::error::{Refusal, Result};

/// Settings of Adam.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdamConfig {
    /// Decay of the average gradient.
    pub beta1: f64,
    /// Decay of the average squared gradient.
    pub beta2: f64,
    /// Added to the root of the average squared gradient.
    pub epsilon: f64,
}

impl Default for AdamConfig {
    fn default() -> Self {
        Self {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
        }
    }
}

impl OptimizerSettings for AdamConfig {
    fn default_learning_rate(&self) -> Option<f64> {
        Some(0.05)
    }

    fn check(&self) -> Result<(), Refusal> {
        check_decay("beta1", self.beta1)?;
        check_decay("beta2", self.beta2)?;
        check_epsilon(self.epsilon)
    }

    fn build(&self, _: &Family, _: &Numerics) -> Steps {
        let optimizer = burn::optim::AdamConfig::new()
            .with_beta_1(self.beta1 as f32)
            .with_beta_2(self.beta2 as f32)
            .with_epsilon(self.epsilon as f32)
            .build();
        Steps::Along(Box::new(FromBurn::new(optimizer)))
    }
}
