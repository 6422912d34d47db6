//! The function that a density is known by, up to a constant.

use burn::tensor::Tensor;

use crate::coordinates::Coordinates;
use crate::error::{Refusal, Result};
use crate::external::External;
use crate::formula::Formula;

/// A log-density in nats, up to a constant, as a function of u in D dimensions.
#[derive(Debug, PartialEq)]
pub enum Function {
    /// By a formula.
    Formula(Formula),
    /// By a program.
    External(External),
}

impl Function {
    /// Its coordinates.
    pub fn coordinates(&self) -> &Coordinates {
        match self {
            Self::Formula(formula) => formula.coordinates(),
            Self::External(external) => external.coordinates(),
        }
    }

    /// D.
    pub fn dim(&self) -> usize {
        self.coordinates().dim()
    }

    /// As it was written: the formula, or the command.
    pub fn text(&self) -> String {
        match self {
            Self::Formula(formula) => formula.text().to_owned(),
            Self::External(external) => external.invocation().typed(),
        }
    }

    /// What it is, in a word.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Formula(_) => "formula",
            Self::External(_) => "program",
        }
    }

    /// The number that is added to it everywhere, in nats, and is no part of what is computed.
    pub fn offset(&self) -> f64 {
        match self {
            Self::Formula(formula) => formula.offset(),
            Self::External(_) => 0.0,
        }
    }

    /// Whether its gradient is known by more than differences.
    pub fn has_gradient(&self) -> bool {
        match self {
            Self::Formula(_) => true,
            Self::External(external) => external.has_gradient(),
        }
    }

    /// The log-density of u at N points `[N, D]`, and its gradient `[N, D]` where that is asked for.
    pub fn evaluate(&self, u: &[f64], values: &mut [f64], gradient: Option<&mut [f64]>) {
        match self {
            Self::Formula(formula) => formula.evaluate(u, values, gradient),
            Self::External(external) => external.evaluate(u, values, gradient),
        }
    }

    /// The same at u `[R, S, D]` on a device: the value `[R, S]` and the gradient `[R, S, D]`; `None` where it is
    /// computed on the host alone.
    pub fn evaluate_on_device(&self, u: &Tensor<3>) -> Option<(Tensor<2>, Tensor<3>)> {
        match self {
            Self::Formula(formula) => Some(formula.evaluate_on_device(u.clone())),
            Self::External(_) => None,
        }
    }

    /// Starts what computes it, where that is a program.
    ///
    /// # Errors
    /// As [`External::start`].
    pub fn start(&self) -> std::result::Result<(), Refusal> {
        match self {
            Self::Formula(_) => Ok(()),
            Self::External(external) => external.start(),
        }
    }

    /// Whether it can be computed still.
    ///
    /// # Errors
    /// If it is by a program, and that has failed for good.
    pub fn check(&self) -> Result<()> {
        match self {
            Self::Formula(_) => Ok(()),
            Self::External(external) => external.check(),
        }
    }
}

impl From<Formula> for Function {
    fn from(formula: Formula) -> Self {
        Self::Formula(formula)
    }
}

impl From<External> for Function {
    fn from(external: External) -> Self {
        Self::External(external)
    }
}
