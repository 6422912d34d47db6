//! Gradient descent, with Polyak's heavy-ball momentum where asked (Polyak 1964).

use burn::optim::momentum::MomentumConfig;
use serde::{Deserialize, Serialize};

use super::{FromBurn, Optimizer, check_decay};

/// Settings of gradient descent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SgdConfig {
    /// The learning rate.
    pub learning_rate: f64,
    /// How many steps are taken.
    pub steps: usize,
    /// The share of the last step that goes into the next; 0 is plain gradient descent.
    pub momentum: f64,
}

impl Default for SgdConfig {
    fn default() -> Self {
        Self {
            learning_rate: 0.1,
            steps: 1000,
            momentum: 0.0,
        }
    }
}

impl SgdConfig {
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        check_decay("momentum", self.momentum)
    }

    pub(super) fn build(&self) -> Box<dyn Optimizer> {
        // burn dampens the gradient by default; the heavy ball does not.
        let momentum = (self.momentum > 0.0).then(|| {
            MomentumConfig::new()
                .with_momentum(self.momentum)
                .with_dampening(0.0)
        });
        let optimizer = burn::optim::SgdConfig::new()
            .with_momentum(momentum)
            .build();
        Box::new(FromBurn::new(optimizer, self.learning_rate))
    }
}
