//! θ and its gradient in, θ out: burn's optimizers, on the run axis.
//!
//! They work entry by entry, so the runs of a fit never mix.

mod adam;
mod sgd;

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

pub use adam::AdamConfig;
pub use sgd::SgdConfig;

/// One step of gradient descent.
pub trait Optimizer {
    /// θ `[R, P]` after a step along its gradient `[R, P]`.
    fn step(&mut self, theta: Tensor<2>, gradient: Tensor<2>) -> Tensor<2>;
}

/// `[optimizer]` of a config.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", expecting = "a section")]
pub enum OptimizerConfig {
    /// Adam (Kingma and Ba 2015).
    Adam(AdamConfig),
    /// Gradient descent, with momentum where asked.
    Sgd(SgdConfig),
}

impl OptimizerConfig {
    /// The `type` taken when a config names none.
    pub const DEFAULT: &'static str = "adam";

    /// How many steps are taken.
    pub fn steps(&self) -> usize {
        match self {
            Self::Adam(config) => config.steps,
            Self::Sgd(config) => config.steps,
        }
    }

    /// The learning rate.
    pub fn learning_rate(&self) -> f64 {
        match self {
            Self::Adam(config) => config.learning_rate,
            Self::Sgd(config) => config.learning_rate,
        }
    }

    /// The key of a setting that makes no sense, with the reason.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let learning_rate = self.learning_rate();
        if !(learning_rate > 0.0 && learning_rate.is_finite()) {
            let reason = format!("is {learning_rate}; it must be positive and finite");
            return Err(("learning_rate", reason));
        }
        if self.steps() == 0 {
            return Err(("steps", "is 0; a fit takes at least one step".to_owned()));
        }
        match self {
            Self::Adam(config) => config.check(),
            Self::Sgd(config) => config.check(),
        }
    }

    /// A fresh optimizer.
    pub fn build(&self) -> Box<dyn Optimizer> {
        match self {
            Self::Adam(config) => config.build(),
            Self::Sgd(config) => config.build(),
        }
    }
}

/// An optimizer of burn with its state.
struct FromBurn<O: burn::optim::Optimizer> {
    optimizer: O,
    learning_rate: f64,
    state: Option<O::State<2>>,
}

impl<O: burn::optim::Optimizer> FromBurn<O> {
    fn new(optimizer: O, learning_rate: f64) -> Self {
        Self {
            optimizer,
            learning_rate,
            state: None,
        }
    }
}

impl<O: burn::optim::Optimizer> Optimizer for FromBurn<O> {
    fn step(&mut self, theta: Tensor<2>, gradient: Tensor<2>) -> Tensor<2> {
        let state = self.state.take();
        let (theta, state) = (self.optimizer).step(self.learning_rate, theta, gradient, state);
        self.state = state;
        theta
    }
}

/// A share of the past that an average keeps: at least 0 and below 1.
fn check_decay(key: &'static str, decay: f64) -> Result<(), (&'static str, String)> {
    // burn keeps it in 32 bits, where numbers just below 1 become 1.
    if decay >= 0.0 && (decay as f32) < 1.0 {
        return Ok(());
    }
    let reason = format!("is {decay}; it must be at least 0 and below 1");
    Err((key, reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Numerics;

    /// θ after each of five steps down ½(x − 1)² and 2(y + 1)², two runs at once.
    fn path(config: OptimizerConfig) -> Vec<Vec<f64>> {
        let numerics = Numerics::cpu();
        let mut optimizer = config.build();
        let mut theta = vec![3.0, 2.0, -1.0, 0.5];
        (0..5)
            .map(|_| {
                let tensor = numerics.tensor(theta.clone(), [2, 2]);
                let gradient = numerics.tensor(gradient(&theta), [2, 2]);
                theta = Numerics::read(optimizer.step(tensor, gradient)).unwrap();
                theta.clone()
            })
            .collect()
    }

    fn gradient(theta: &[f64]) -> Vec<f64> {
        let one = |(i, x): (usize, &f64)| if i % 2 == 0 { x - 1.0 } else { 4.0 * (x + 1.0) };
        theta.iter().enumerate().map(one).collect()
    }

    fn assert_path(found: Vec<Vec<f64>>, mut step: impl FnMut(usize, &mut Vec<f64>)) {
        let mut theta = vec![3.0, 2.0, -1.0, 0.5];
        for (t, found) in found.iter().enumerate() {
            step(t, &mut theta);
            for (a, b) in found.iter().zip(&theta) {
                // burn works out Adam's bias correction in 32 bits: 1e-4 of a step of 0.1.
                assert!((a - b).abs() < 1e-5, "step {t}: {a} {b}");
            }
        }
    }

    #[test]
    fn adam_takes_the_steps_of_its_paper() {
        let config = AdamConfig {
            learning_rate: 0.1,
            epsilon: 1e-3,
            ..AdamConfig::default()
        };
        let (mut m, mut v) = (vec![0.0; 4], vec![0.0; 4]);
        assert_path(path(OptimizerConfig::Adam(config)), |t, theta| {
            let (b1, b2) = (config.beta1, config.beta2);
            let power = t as i32 + 1;
            for (i, g) in gradient(theta).into_iter().enumerate() {
                m[i] = b1 * m[i] + (1.0 - b1) * g;
                v[i] = b2 * v[i] + (1.0 - b2) * g * g;
                let (m, v): (f64, f64) =
                    (m[i] / (1.0 - b1.powi(power)), v[i] / (1.0 - b2.powi(power)));
                theta[i] -= config.learning_rate * m / (v.sqrt() + config.epsilon);
            }
        });
    }

    #[test]
    fn gradient_descent_rolls_with_its_momentum() {
        for momentum in [0.0, 0.8] {
            let config = SgdConfig {
                learning_rate: 0.1,
                momentum,
                ..SgdConfig::default()
            };
            let mut velocity = [0.0; 4];
            assert_path(path(OptimizerConfig::Sgd(config)), |_, theta| {
                for (i, g) in gradient(theta).into_iter().enumerate() {
                    velocity[i] = momentum * velocity[i] + g;
                    theta[i] -= config.learning_rate * velocity[i];
                }
            });
        }
    }
}
