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
