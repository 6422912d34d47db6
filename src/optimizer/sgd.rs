//! Gradient descent, with Polyak's heavy ball (Polyak 1964) or Nesterov's momentum (Nesterov 1983;
//! Sutskever et al. 2013) where asked.

use serde::{Deserialize, Serialize};

use super::averages::Average;
use super::{Direction, OptimizerSettings, Steps, check_decay};
use crate::compute::device::Numerics;
use crate::compute::snapshot::Snapshot;
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
        Steps::Along(Box::new(Sgd {
            config: *self,
            velocity: Average::default(),
        }))
    }
}

struct Sgd {
    config: SgdConfig,
    velocity: Average,
}

impl Direction for Sgd {
    fn direction(&mut self, _: &[f64], gradient: Vec<f64>, _: &[f64]) -> Result<Vec<f64>> {
        let SgdConfig { momentum, nesterov } = self.config;
        // burn's rule has its settings in 32 bits.
        let momentum = f64::from(momentum as f32);
        if momentum == 0.0 {
            return Ok(gradient);
        }
        self.velocity.roll(momentum, gradient.iter().copied());
        let velocity = self.velocity.numbers();
        Ok(match nesterov {
            true => (velocity.iter().zip(gradient))
                .map(|(velocity, gradient)| velocity * momentum + gradient)
                .collect(),
            false => velocity.to_vec(),
        })
    }

    fn snapshot(&self, shape: [usize; 2]) -> Snapshot {
        let mut snapshot = Snapshot::default();
        self.velocity.put("velocity", shape, &mut snapshot);
        snapshot
    }

    fn restore(&mut self, snapshot: &Snapshot, shape: [usize; 2]) -> Result<()> {
        self.velocity = Average::found("velocity", shape, snapshot)?;
        Ok(())
    }
}
