//! RMSProp: steps scaled by a running average of the squared gradient (Tieleman and Hinton 2012).

use serde::{Deserialize, Serialize};

use super::averages::Average;
use super::{Direction, OptimizerSettings, Steps, check_decay, check_epsilon};
use crate::compute::device::Numerics;
use crate::compute::snapshot::Snapshot;
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
        Steps::Along(Box::new(RmsProp {
            config: *self,
            square: Average::default(),
            mean: Average::default(),
            velocity: Average::default(),
        }))
    }
}

struct RmsProp {
    config: RmsPropConfig,
    square: Average,
    mean: Average,
    velocity: Average,
}

impl Direction for RmsProp {
    fn direction(&mut self, _: &[f64], gradient: Vec<f64>, _: &[f64]) -> Result<Vec<f64>> {
        // burn's rule has its settings in 32 bits.
        let (decay, epsilon) = (
            self.config.decay as f32,
            f64::from(self.config.epsilon as f32),
        );
        self.square.take_in(decay, gradient.iter().map(|g| g * g));
        let square = self.square.numbers().iter();
        let scaled = |(g, spread): (&f64, f64)| g / (spread.sqrt() + epsilon);
        let scaled: Vec<f64> = match self.config.centered {
            true => {
                self.mean.take_in(decay, gradient.iter().copied());
                let spread = square
                    .zip(self.mean.numbers())
                    .map(|(square, mean)| square - mean * mean);
                gradient.iter().zip(spread).map(scaled).collect()
            }
            false => gradient.iter().zip(square.copied()).map(scaled).collect(),
        };
        let momentum = f64::from(self.config.momentum as f32);
        if momentum == 0.0 {
            return Ok(scaled);
        }
        self.velocity.roll(momentum, scaled.into_iter());
        Ok(self.velocity.numbers().to_vec())
    }

    fn snapshot(&self, shape: [usize; 2]) -> Snapshot {
        let mut snapshot = Snapshot::default();
        self.square.put("square", shape, &mut snapshot);
        self.mean.put("mean", shape, &mut snapshot);
        self.velocity.put("velocity", shape, &mut snapshot);
        snapshot
    }

    fn restore(&mut self, snapshot: &Snapshot, shape: [usize; 2]) -> Result<()> {
        self.square = Average::found("square", shape, snapshot)?;
        self.mean = Average::found("mean", shape, snapshot)?;
        self.velocity = Average::found("velocity", shape, snapshot)?;
        Ok(())
    }
}
