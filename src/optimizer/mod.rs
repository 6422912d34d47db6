//! θ and its gradient in, θ out: one file for each rule, all on the run axis, so that the runs of
//! a fit never mix.

mod adam;
mod adamw;
mod config;
mod from_burn;
mod lbfgs;
mod natural_gradient;
mod rmsprop;
mod schedule;
mod sgd;

use burn::tensor::Tensor;

pub use adam::AdamConfig;
pub use adamw::AdamWConfig;
pub use config::{OptimizerConfig, RuleConfig};
pub use lbfgs::LbfgsConfig;
pub use natural_gradient::NaturalGradientConfig;
pub use rmsprop::RmsPropConfig;
pub use schedule::Schedule;
pub use sgd::SgdConfig;

use crate::compute::device::Numerics;
use crate::compute::snapshot::Snapshot;
use crate::error::Result;

/// Where the runs are, with the loss and its gradient there.
#[derive(Debug, Clone)]
pub struct Point {
    /// Steps taken so far.
    pub step: usize,
    /// θ `[R, P]`.
    pub theta: Tensor<2>,
    /// `[R]`, in nats.
    pub loss: Tensor<1>,
    /// `[R, P]`.
    pub gradient: Tensor<2>,
}

/// Where the runs are after a step.
#[derive(Debug, Clone)]
pub struct Moved {
    /// θ `[R, P]`.
    pub theta: Tensor<2>,
    /// The runs that found no better θ and never will.
    pub stuck: Vec<usize>,
}

/// The loss at any θ, for rules that look around before they step.
pub trait Landscape {
    /// The loss `[R]` and its gradient `[R, P]` at θ `[R, P]`.
    fn at(&self, theta: &Tensor<2>) -> (Tensor<1>, Tensor<2>);
}

/// One step of a descent.
pub trait Optimizer {
    /// Takes a step.
    ///
    /// # Errors
    /// If the device failed.
    fn step(&mut self, from: Point, landscape: &dyn Landscape) -> Result<Moved>;

    /// What it has learnt so far.
    ///
    /// # Errors
    /// If the device failed.
    fn snapshot(&self) -> Result<Snapshot>;

    /// Takes up what one like it had learnt about a θ of `[R, P]`: its steps go on to the bit.
    ///
    /// # Errors
    /// If the snapshot is not of such an optimizer.
    fn restore(
        &mut self,
        snapshot: &Snapshot,
        shape: [usize; 2],
        numerics: &Numerics,
    ) -> Result<()>;
}

/// A rule whose step is its learning rate times a direction.
trait Direction {
    /// The direction `[R, P]` to step against, at θ `[R, P]` with its gradient `[R, P]`, both in a
    /// point where the learning rates of the runs are `rates` `[R, 1]`.
    fn direction(&mut self, theta: &Tensor<2>, gradient: Tensor<2>, rates: &Tensor<2>)
    -> Tensor<2>;

    /// As [`Optimizer::snapshot`].
    fn snapshot(&self) -> Result<Snapshot>;

    /// As [`Optimizer::restore`].
    fn restore(
        &mut self,
        snapshot: &Snapshot,
        shape: [usize; 2],
        numerics: &Numerics,
    ) -> Result<()>;
}

/// What is wrong with a setting: its key, and the reason.
type Refusal = (&'static str, String);

/// A share of the past that an average keeps: at least 0 and below 1.
fn check_decay(key: &'static str, decay: f64) -> Result<(), Refusal> {
    // burn keeps it in 32 bits, where numbers just below 1 become 1.
    if decay >= 0.0 && (decay as f32) < 1.0 {
        return Ok(());
    }
    let reason = format!("is {decay}; it must be at least 0 and below 1");
    Err((key, reason))
}

fn check_positive(key: &'static str, number: f64) -> Result<(), Refusal> {
    if number > 0.0 && number.is_finite() {
        return Ok(());
    }
    Err((key, format!("is {number}; it must be positive and finite")))
}

/// A number that burn adds in 32 bits, where the smallest become 0.
fn check_epsilon(epsilon: f64) -> Result<(), Refusal> {
    if (epsilon as f32).is_normal() && epsilon > 0.0 {
        return Ok(());
    }
    let reason = format!("is {epsilon}; it must be positive, as 1e-8 is");
    Err(("epsilon", reason))
}

#[cfg(test)]
mod tests;
