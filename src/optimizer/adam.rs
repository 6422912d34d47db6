//! Adam: steps scaled by running averages of the gradient and its square (Kingma and Ba 2015).

use serde::{Deserialize, Serialize};

use super::{FromBurn, Optimizer, check_decay};

/// Settings of Adam.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdamConfig {
    /// The learning rate.
    pub learning_rate: f64,
    /// How many steps are taken.
    pub steps: usize,
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
            learning_rate: 0.05,
            steps: 1000,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
        }
    }
}

impl AdamConfig {
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        check_decay("beta1", self.beta1)?;
        check_decay("beta2", self.beta2)?;
        // burn keeps it in 32 bits, where the smallest numbers become 0.
        if (self.epsilon as f32).is_normal() && self.epsilon > 0.0 {
            return Ok(());
        }
        let reason = format!("is {}; it must be positive, as 1e-8 is", self.epsilon);
        Err(("epsilon", reason))
    }

    pub(super) fn build(&self) -> Box<dyn Optimizer> {
        let optimizer = burn::optim::AdamConfig::new()
            .with_beta_1(self.beta1 as f32)
            .with_beta_2(self.beta2 as f32)
            .with_epsilon(self.epsilon as f32)
            .build();
        Box::new(FromBurn::new(optimizer, self.learning_rate))
    }
}
