//! AdamW: Adam, with θ pulled towards 0 beside the gradient rather than through it (Loshchilov and
//! Hutter 2019).

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::from_burn::FromBurn;
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
        let optimizer = burn::optim::AdamWConfig::new()
            .with_beta_1(self.beta1 as f32)
            .with_beta_2(self.beta2 as f32)
            .with_epsilon(self.epsilon as f32)
            .with_weight_decay(0.0)
            .build();
        Steps::Along(Box::new(AdamW {
            adam: FromBurn::new(optimizer),
            weight_decay: self.weight_decay,
        }))
    }
}

/// burn's rule gives the direction of the gradient; the decay, which is another, goes beside it.
struct AdamW<D> {
    adam: D,
    weight_decay: f64,
}

impl<D: Direction> Direction for AdamW<D> {
    fn direction(
        &mut self,
        theta: &Tensor<2>,
        gradient: Tensor<2>,
        rates: &Tensor<2>,
    ) -> Tensor<2> {
        let downhill = self.adam.direction(theta, gradient, rates);
        downhill + theta.clone().mul_scalar(self.weight_decay)
    }

    fn snapshot(&self) -> Result<Snapshot> {
        self.adam.snapshot()
    }

    fn restore(
        &mut self,
        snapshot: &Snapshot,
        shape: [usize; 2],
        numerics: &Numerics,
    ) -> Result<()> {
        self.adam.restore(snapshot, shape, numerics)
    }
}
