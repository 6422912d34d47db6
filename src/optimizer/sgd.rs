//! Gradient descent, with Polyak's heavy ball (Polyak 1964) or Nesterov's momentum (Nesterov 1983;
//! Sutskever et al. 2013) where asked.

use burn::optim::momentum::MomentumConfig;
use serde::{Deserialize, Serialize};

use super::from_burn::FromBurn;
use super::{OptimizerSettings, Steps, check_decay};
use crate::compute::device::Numerics;
use crate::density::family::Family;
use crate::error::{Refusal, Result};

/// Settings of gradient descent.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SgdConfig {
    /// The share of the last step that goes into the next; 0 is plain gradient descent.
    pub momentum: f64,
    /// Whether the momentum is Nesterov's: the gradient counts where the step would end.
    pub nesterov: bool,
}

impl OptimizerSettings for SgdConfig {
    fn default_learning_rate(&self) -> Option<f64> {
        Some(0.1)
    }

    fn check(&self) -> Result<(), Refusal> {
        check_decay("momentum", self.momentum)?;
        if self.nesterov && self.momentum == 0.0 {
            let help = "add momentum = 0.9, or remove it";
            return Err(Refusal::new("nesterov", "needs a momentum above 0", help));
        }
        Ok(())
    }

    fn build(&self, _: &Family, _: &Numerics) -> Steps {
        // burn dampens the gradient by default; the heavy ball does not.
        let momentum = (self.momentum > 0.0).then(|| {
            MomentumConfig::new()
                .with_momentum(self.momentum)
                .with_dampening(0.0)
                .with_nesterov(self.nesterov)
        });
        let optimizer = burn::optim::SgdConfig::new()
            .with_momentum(momentum)
            .build();
        Steps::Along(Box::new(FromBurn::new(optimizer)))
    }
}
