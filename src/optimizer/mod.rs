//! θ and its gradient in, θ out: one file for each rule, all on the run axis, so that the runs of
//! a fit never mix.

pub mod adam;
pub mod adamw;
mod averages;
pub mod batch_and_match;
mod config;
pub mod em;
mod kind;
pub mod lbfgs;
pub mod natural_gradient;
pub mod rmsprop;
mod rows;
mod schedule;
pub mod sgd;
pub mod vips;

use burn::tensor::Tensor;

pub use config::OptimizerConfig;
pub use kind::OptimizerRule;
pub use schedule::Schedule;

use crate::compute::device::Numerics;
use crate::compute::snapshot::Snapshot;
use crate::density::family::Family;
use crate::error::{Refusal, Result};

/// Where the runs are, with the loss and its gradient there.
#[derive(Debug, Clone)]
pub struct Iterate {
    /// Steps taken so far.
    pub step: usize,
    /// θ `[R, P]`.
    pub theta: Vec<f64>,
    /// `[R]`, in nats.
    pub loss: Vec<f64>,
    /// `[R, P]`.
    pub gradient: Vec<f64>,
    /// Of rules that need them.
    pub scores: Option<Scores>,
}

impl Iterate {
    /// `[R, P]`.
    fn shape(&self) -> [usize; 2] {
        let runs = self.loss.len();
        [runs, self.theta.len() / runs.max(1)]
    }
}

/// The points of q that a loss was averaged over, with the scores of p there.
#[derive(Debug, Clone)]
pub struct Scores {
    /// x `[R, S, D]`.
    pub points: Tensor<3>,
    /// ∇ log p `[R, S, D]`, in nats per unit of x.
    pub scores: Tensor<3>,
    /// `[R, S]` or `[1, S]`, which sum to 1.
    pub weights: Tensor<2>,
}

/// Where the runs are after a step.
#[derive(Debug, Clone)]
pub struct Moved {
    /// θ `[R, P]`.
    pub theta: Vec<f64>,
    /// The runs that found no better θ and never will.
    pub stuck: Vec<usize>,
}

/// The loss at any θ, for rules that look around before they step.
pub trait LossFunction {
    /// The loss `[R]` and its gradient `[R, P]` at θ `[R, P]`.
    ///
    /// # Errors
    /// If the device failed.
    fn value_and_gradient(&self, theta: &[f64]) -> Result<(Vec<f64>, Vec<f64>)>;
}

/// One step of a descent.
pub trait Optimizer {
    /// Takes a step.
    ///
    /// # Errors
    /// If the device failed.
    fn step(&mut self, from: Iterate, loss_function: &dyn LossFunction) -> Result<Moved>;

    /// What it has learnt so far about a θ of `[R, P]`.
    fn snapshot(&self, shape: [usize; 2]) -> Snapshot;

    /// Takes up what one like it had learnt about a θ of `[R, P]`: its steps continue to the bit.
    ///
    /// # Errors
    /// If the snapshot is not of such an optimizer.
    fn restore(&mut self, snapshot: &Snapshot, shape: [usize; 2]) -> Result<()>;
}

/// A rule whose step is its learning rate times a direction.
trait Direction {
    /// The direction `[R, P]` to step against, at θ `[R, P]` with its gradient `[R, P]`, both in a
    /// point where the learning rates of the runs are `rates` `[R]`.
    ///
    /// # Errors
    /// If the device failed.
    fn direction(&mut self, theta: &[f64], gradient: Vec<f64>, rates: &[f64]) -> Result<Vec<f64>>;

    /// As [`Optimizer::snapshot`].
    fn snapshot(&self, shape: [usize; 2]) -> Snapshot;

    /// As [`Optimizer::restore`].
    fn restore(&mut self, snapshot: &Snapshot, shape: [usize; 2]) -> Result<()>;
}

/// How a rule takes its steps.
enum Steps {
    /// As far as its learning rate says.
    Along(Box<dyn Direction>),
    /// By itself.
    Own(Box<dyn Optimizer>),
}

/// What is to be minimised.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Problem<'a> {
    /// Where.
    pub family: &'a Family,
    /// Whether the same θ has the same loss at every step.
    pub is_deterministic: bool,
    /// Whether the loss is a mean of −log q under the target, but for a constant.
    pub is_likelihood: bool,
    /// Whether the loss is reverse KL.
    pub is_reverse_kl: bool,
    /// Whether the points that it is averaged over are drawn.
    pub has_draws: bool,
    /// Whether log p has a gradient.
    pub has_gradient: bool,
}

/// A rule with its settings, as a config gives them.
trait OptimizerSettings {
    /// The learning rate where a config gives none; of a rule that steps by itself there is none.
    fn default_learning_rate(&self) -> Option<f64>;

    /// Whether it steps by the scores of p at points of q.
    fn needs_scores(&self) -> bool {
        false
    }

    /// What makes no sense among its settings.
    fn check(&self) -> Result<(), Refusal>;

    /// Why it does not suit a problem; a config calls it `_name`.
    fn suits(&self, _name: &str, _: Problem) -> Result<(), Refusal> {
        Ok(())
    }

    /// The norm of the gradient at which it has arrived, if it gets so far.
    fn arrival(&self) -> Option<f64> {
        None
    }

    /// Makes it.
    fn build(&self, family: &Family, numerics: &Numerics) -> Steps;
}

/// Refuses a setting that has a default.
fn refused(key: &'static str, message: String) -> Refusal {
    let help = "remove it: there is a default; docs/config.md lists them";
    Refusal::new(key, message, help)
}

/// A share of the past that an average keeps: at least 0 and below 1.
fn check_decay(key: &'static str, decay: f64) -> Result<(), Refusal> {
    // burn keeps it in 32 bits, where numbers just below 1 become 1.
    if decay >= 0.0 && (decay as f32) < 1.0 {
        return Ok(());
    }
    let message = format!("is {decay}; it must be at least 0 and below 1");
    Err(refused(key, message))
}

fn check_positive(key: &'static str, number: f64) -> Result<(), Refusal> {
    if number > 0.0 && number.is_finite() {
        return Ok(());
    }
    let message = format!("is {number}; it must be positive and finite");
    Err(refused(key, message))
}

/// A number that burn adds in 32 bits, where the smallest become 0.
fn check_epsilon(epsilon: f64) -> Result<(), Refusal> {
    if (epsilon as f32).is_normal() && epsilon > 0.0 {
        return Ok(());
    }
    let message = format!("is {epsilon}; it must be positive, as 1e-8 is");
    Err(refused("epsilon", message))
}

#[cfg(test)]
mod tests;
