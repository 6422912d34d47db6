//! RMSProp: steps scaled by a running average of the squared gradient (Tieleman and Hinton 2012).

use serde::{Deserialize, Serialize};

use super::from_burn::FromBurn;
use super::{OptimizerSettings, Steps, check_decay, check_epsilon};
use crate::compute::device::Numerics;
use crate::density::family::Family;
use crate::error::{Refusal, Result};

/// Settings of RMSProp.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RmsPropConfig {
    /// Decay of the average squared gradient.
    pub decay: f64,
    /// The share of the last step that goes into the next.
    pub momentum: f64,
    /// Added to the root of the average squared gradient.
    pub epsilon: f64,
    /// Whether the gradient is scaled by its standard deviation rather than its size.
    pub centered: bool,
}

impl Default for RmsPropConfig {
    fn default() -> Self {
        Self {
            decay: 0.99,
            momentum: 0.0,
            epsilon: 1e-8,
            centered: false,
        }
    }
}

impl OptimizerSettings for RmsPropConfig {
    fn default_learning_rate(&self) -> Option<f64> {
        Some(0.01)
    }

    fn check(&self) -> Result<(), Refusal> {
        check_decay("decay", self.decay)?;
        check_decay("momentum", self.momentum)?;
        check_epsilon(self.epsilon)
    }

    fn build(&self, _: &Family, _: &Numerics) -> Steps {
        let optimizer = burn::optim::RmsPropConfig::new()
            .with_alpha(self.decay as f32)
            .with_momentum(self.momentum as f32)
            .with_epsilon(self.epsilon as f32)
            .with_centered(self.centered)
            .build();
        Steps::Along(Box::new(FromBurn::new(optimizer)))
    }
}
