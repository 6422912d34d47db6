//! Adam: steps scaled by running averages of the gradient and its square (Kingma and Ba 2015).

use serde::{Deserialize, Serialize};

use super::averages::Average;
use super::{Direction, OptimizerSettings, Steps, check_decay, check_epsilon};
use crate::compute::device::Numerics;
use crate::compute::snapshot::Snapshot;
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
        Steps::Along(Box::new(Adam {
            moments: Moments::new([self.beta1, self.beta2]),
            epsilon: self.epsilon as f32,
        }))
    }
}

/// Running averages of the gradient and of its square. Settings are in 32 bits, as in burn's rules.
#[derive(Debug)]
pub(super) struct Moments {
    betas: [f32; 2],
    averages: [Average; 2],
    steps: u64,
}

impl Moments {
    pub fn new(betas: [f64; 2]) -> Self {
        Self {
            betas: betas.map(|beta| beta as f32),
            averages: Default::default(),
            steps: 0,
        }
    }

    pub fn take_in(&mut self, gradient: &[f64]) {
        let [first, second] = &mut self.averages;
        first.take_in(self.betas[0], gradient.iter().copied());
        second.take_in(self.betas[1], gradient.iter().map(|g| g * g));
        self.steps += 1;
    }

    /// Both averages of each entry.
    pub fn pairs(&self) -> impl Iterator<Item = (f64, f64)> {
        let [first, second] = &self.averages;
        let pairs = first.numbers().iter().zip(second.numbers());
        pairs.map(|(first, second)| (*first, *second))
    }

    /// What each average is of what it will be, having begun at 0.
    pub fn shares(&self) -> [f32; 2] {
        let steps = i32::try_from(self.steps).unwrap_or(i32::MAX);
        self.betas.map(|beta| 1.0 - beta.powi(steps))
    }

    pub fn snapshot(&self, shape: [usize; 2]) -> Snapshot {
        let mut snapshot = Snapshot::default();
        if self.steps > 0 {
            snapshot.put_count("steps", self.steps);
            for (average, name) in self.averages.iter().zip(["first", "second"]) {
                average.put(name, shape, &mut snapshot);
            }
        }
        snapshot
    }

    pub fn restore(&mut self, snapshot: &Snapshot, shape: [usize; 2]) -> Result<()> {
        self.steps = match snapshot.is_empty() {
            true => 0,
            false => snapshot.count("steps")?,
        };
        for (average, name) in self.averages.iter_mut().zip(["first", "second"]) {
            *average = Average::found(name, shape, snapshot)?;
        }
        Ok(())
    }
}

struct Adam {
    moments: Moments,
    epsilon: f32,
}

impl Direction for Adam {
    fn direction(&mut self, _: &[f64], gradient: Vec<f64>, _: &[f64]) -> Result<Vec<f64>> {
        self.moments.take_in(&gradient);
        let [first, second] = self.moments.shares();
        let root = second.sqrt();
        let (factor, epsilon) = (f64::from(root / first), f64::from(self.epsilon * root));
        let pairs = self.moments.pairs();
        Ok(pairs
            .map(|(m, v)| m * factor / (v.sqrt() + epsilon))
            .collect())
    }

    fn snapshot(&self, shape: [usize; 2]) -> Snapshot {
        self.moments.snapshot(shape)
    }

    fn restore(&mut self, snapshot: &Snapshot, shape: [usize; 2]) -> Result<()> {
        self.moments.restore(snapshot, shape)
    }
}
