//! The function that a density is known by, up to a constant.

use burn::tensor::Tensor;
use nalgebra::DVector;

use super::Grid;
use crate::coordinates::Coordinates;
use crate::error::{Refusal, Result};
use crate::external::External;
use crate::formula::Formula;

/// A log-density in nats, up to a constant, as a function of u in D dimensions.
#[derive(Debug, PartialEq)]
pub enum Function {
    /// By a formula.
    Formula(Formula),
    /// By a program, or a function of another one.
    External(External),
    /// By its values on a grid.
    Grid(Grid),
}

impl Function {
    /// Its coordinates.
    pub fn coordinates(&self) -> &Coordinates {
        match self {
            Self::Formula(formula) => formula.coordinates(),
            Self::External(external) => external.coordinates(),
            Self::Grid(grid) => grid.coordinates(),
        }
    }

    /// D.
    pub fn dim(&self) -> usize {
        self.coordinates().dim()
    }

    /// As it was written: the formula, the command, or where the nodes are.
    pub fn text(&self) -> String {
        match self {
            Self::Formula(formula) => formula.text().to_owned(),
            Self::External(external) => external.text(),
            Self::Grid(grid) => grid.text(),
        }
    }

    /// The key of a config that it stands at.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Formula(_) => "log_density",
            Self::External(external) => external.key(),
            Self::Grid(_) => "file",
        }
    }

    /// What it is, in a word.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Formula(_) => "formula",
            Self::External(external) => external.kind(),
            Self::Grid(_) => "grid",
        }
    }

    /// The number that is added to it everywhere, in nats, and is no part of what is computed.
    pub fn offset(&self) -> f64 {
        match self {
            Self::Formula(formula) => formula.offset(),
            Self::External(_) => 0.0,
            Self::Grid(grid) => grid.top(),
        }
    }

    /// How far rounding may have moved that number, in nats.
    pub fn offset_rounding(&self) -> f64 {
        match self {
            Self::Formula(formula) => formula.offset_rounding(),
            Self::External(_) | Self::Grid(_) => 0.0,
        }
    }

    /// Whether its gradient is known by more than differences.
    pub fn has_gradient(&self) -> bool {
        match self {
            Self::Formula(_) | Self::Grid(_) => true,
            Self::External(external) => external.has_gradient(),
        }
    }

    /// The log-density of u at N points `[N, D]`, and its gradient `[N, D]` where that is asked for.
    pub fn evaluate(&self, u: &[f64], values: &mut [f64], gradient: Option<&mut [f64]>) {
        match self {
            Self::Formula(formula) => formula.evaluate(u, values, gradient),
            Self::External(external) => external.evaluate(u, values, gradient),
            Self::Grid(grid) => grid.evaluate(u, values, gradient),
        }
    }

    /// About how many points it is best asked about at once.
    pub fn at_once(&self) -> usize {
        match self {
            // On all threads by itself.
            Self::Formula(_) | Self::Grid(_) => usize::MAX,
            Self::External(external) => external.at_once(),
        }
    }

    /// The same at u `[R, S, D]` on a device: the value `[R, S]` and the gradient `[R, S, D]`; `None` where it is
    /// computed on the host alone.
    pub fn evaluate_on_device(&self, u: &Tensor<3>) -> Option<(Tensor<2>, Tensor<3>)> {
        match self {
            Self::Formula(formula) => Some(formula.evaluate_on_device(u.clone())),
            Self::External(_) => None,
            Self::Grid(grid) => Some(grid.evaluate_on_device(u)),
        }
    }

    /// It, if it is known on a grid.
    pub fn as_grid(&self) -> Option<&Grid> {
        match self {
            Self::Grid(grid) => Some(grid),
            Self::Formula(_) | Self::External(_) => None,
        }
    }

    /// Places where it is known to be high.
    pub fn peaks(&self) -> Vec<DVector<f64>> {
        self.as_grid().map_or_else(Vec::new, Grid::peaks)
    }

    /// Starts what computes it, where that is a program.
    ///
    /// # Errors
    /// As [`External::start`].
    pub fn start(&self) -> std::result::Result<(), Refusal> {
        match self {
            Self::Formula(_) | Self::Grid(_) => Ok(()),
            Self::External(external) => external.start(),
        }
    }

    /// Whether it can be computed still.
    ///
    /// # Errors
    /// If it is by a program, and that has failed for good.
    pub fn check(&self) -> Result<()> {
        match self {
            Self::Formula(_) | Self::Grid(_) => Ok(()),
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

impl From<Grid> for Function {
    fn from(grid: Grid) -> Self {
        Self::Grid(grid)
    }
}
