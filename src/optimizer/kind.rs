//! The table of the rules.

use super::{OptimizerSettings, Problem};
use crate::choice::choices;
use crate::error::Refusal;

choices! {
    /// The rules a config may name.
    #[derive(Copy)]
    pub enum OptimizerRule: OptimizerSettings + Default {
        /// Adam (Kingma and Ba 2015).
        Adam(super::adam::AdamConfig) = "adam",
        /// Adam with decoupled weight decay (Loshchilov and Hutter 2019).
        AdamW(super::adamw::AdamWConfig) = "adamw",
        /// Gradient descent, with momentum where asked.
        Sgd(super::sgd::SgdConfig) = "sgd",
        /// RMSProp (Tieleman and Hinton 2012).
        RmsProp(super::rmsprop::RmsPropConfig) = "rmsprop",
        /// L-BFGS (Liu and Nocedal 1989).
        Lbfgs(super::lbfgs::LbfgsConfig) = "lbfgs",
        /// Expectation–maximisation (Dempster, Laird and Rubin 1977).
        Em(super::em::EmConfig) = "em",
        /// Natural gradient (Amari 1998).
        NaturalGradient(super::natural_gradient::NaturalGradientConfig) = "natural-gradient",
        /// Variational inference by policy search (Arenz, Zhong and Neumann 2020).
        Vips(super::vips::VipsConfig) = "vips",
        /// Batch and match (Cai, Modi, Pillaud-Vivien, Margossian, Gower, Blei and Saul 2024).
        BatchAndMatch(super::batch_and_match::BatchAndMatchConfig) = "batch-and-match",
    }
}

impl OptimizerRule {
    /// Whether it has a learning rate, rather than finding its steps by itself.
    pub fn has_learning_rate(&self) -> bool {
        self.choice().default_learning_rate().is_some()
    }

    /// Whether it steps by the scores of p at points of q.
    pub(crate) fn needs_scores(&self) -> bool {
        self.choice().needs_scores()
    }

    /// Whether it takes the loss of one step for that of the next.
    pub(crate) fn compares_steps(&self) -> bool {
        matches!(self, Self::Lbfgs(_) | Self::Em(_))
    }

    /// The norm of the gradient at which it has arrived, if it gets so far: below it there is only
    /// rounding to descend.
    pub fn arrival(&self) -> Option<f64> {
        self.choice().arrival()
    }

    /// Why it does not suit a problem.
    pub(crate) fn suits(&self, problem: Problem) -> Result<(), Refusal> {
        self.choice().suits(self.name(), problem)
    }
}
