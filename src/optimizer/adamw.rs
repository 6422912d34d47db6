//! AdamW: Adam, with θ pulled towards 0 beside the gradient rather than through it (Loshchilov and
//! Hutter 2019).

use serde::{Deserialize, Serialize};

use super::adam::Moments;
use super::{Direction, OptimizerSettings, Steps, check_decay, check_epsilon, refused};
use crate::compute::device::Numerics;
use crate::compute::snapshot::Snapshot;
use crate::density::family::Family;
use crate::error::{Refusal, Result};

/// Settings of AdamW.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdamWConfig {
    /// Decay of the average gradient.
    pub beta1: f64,
    /// Decay of the average squared gradient.
    pub beta2: f64,
    /// Added to the root of the average squared gradient.
    pub epsilon: f64,
    /// How much of θ a step takes away, times the learning rate: it pulls means to 0 and standard
    /// deviations to 1.
    pub weight_decay: f64,
}

impl Default for AdamWConfig {
    fn default() -> Self {
        Self {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 1e-4,
        }
    }
}

impl OptimizerSettings for AdamWConfig {
    fn default_learning_rate(&self) -> Option<f64> {
        Some(0.05)
    }

    fn check(&self) -> Result<(), Refusal> {
        check_decay("beta1", self.beta1)?;
        check_decay("beta2", self.beta2)?;
        check_epsilon(self.epsilon)?;
        if (0.0..f64::from(f32::MAX)).contains(&self.weight_decay) {
            return Ok(());
        }
        let message = format!("is {}; it must be at least 0", self.weight_decay);
        Err(refused("weight_decay", message))
    }

    fn build(&self, _: &Family, _: &Numerics) -> Steps {
        Steps::Along(Box::new(AdamW {
            moments: Moments::new([self.beta1, self.beta2]),
            epsilon: f64::from(self.epsilon as f32),
            weight_decay: self.weight_decay,
        }))
    }
}

struct AdamW {
    moments: Moments,
    epsilon: f64,
    weight_decay: f64,
}

impl Direction for AdamW {
    fn direction(&mut self, theta: &[f64], gradient: Vec<f64>, _: &[f64]) -> Result<Vec<f64>> {
        self.moments.take_in(&gradient);
        let [first, second] = self.moments.shares().map(f64::from);
        let downhill =
            (self.moments.pairs()).map(|(m, v)| m / first / ((v / second).sqrt() + self.epsilon));
        let pulled = theta.iter().map(|theta| theta * self.weight_decay);
        Ok(downhill.zip(pulled).map(|(a, b)| a + b).collect())
    }

    fn snapshot(&self, shape: [usize; 2]) -> Snapshot {
        self.moments.snapshot(shape)
    }

    fn restore(&mut self, snapshot: &Snapshot, shape: [usize; 2]) -> Result<()> {
        self.moments.restore(snapshot, shape)
    }
}
