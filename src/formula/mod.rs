//! Log-densities written as formulas: parsed to a tree once, and computed with their gradients on the host or
//! on a device.

mod device;
mod host;
mod library;
mod lower;
mod number;
mod parse;
mod program;
mod rounded;
mod syntax;
mod token;

use std::collections::BTreeMap;
use std::ops::Range;

use burn::tensor::Tensor;

use crate::coordinates::{Coordinates, Variable};
use program::Program;
use rounded::Rounded;

/// A log-density in nats, up to a constant, as a formula of D coordinates.
///
/// Each coordinate x is carried to the whole line by its [`Support`](crate::coordinates::Support): the formula is computed as a function
/// of u, with log|T′(u)| added.
#[derive(Debug, Clone, PartialEq)]
pub struct Formula {
    text: String,
    coordinates: Coordinates,
    constants: BTreeMap<String, Vec<f64>>,
    program: Program,
    offset: Rounded,
}

/// What is wrong with a formula, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FormulaError {
    /// The bytes of the formula it is about.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

impl FormulaError {
    fn new(span: Range<usize>, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            span,
            message: message.into(),
            help: help.into(),
        }
    }

    /// An error in the formula of a function, for who called it.
    fn within(self, name: &str, span: &Range<usize>) -> Self {
        Self {
            span: span.clone(),
            message: format!("in {name}: {}", self.message),
            ..self
        }
    }
}

impl Formula {
    /// Reads a formula of some variables, with numbers or lists of numbers by name.
    ///
    /// # Errors
    /// If it cannot be read, a name or function is not known, an argument is missing, or lists of different
    /// lengths meet.
    pub fn new(
        text: &str,
        variables: Vec<Variable>,
        constants: BTreeMap<String, Vec<f64>>,
    ) -> Result<Self, FormulaError> {
        let tree = parse::parse(text)?;
        let lower::Lowered { program, offset } = lower::lower(&tree, &variables, &constants)?;
        Ok(Self {
            text: text.to_owned(),
            coordinates: Coordinates::new(variables),
            constants,
            program,
            offset,
        })
    }

    /// Whether a text can be the name of a number in a formula.
    pub fn is_name(text: &str) -> bool {
        token::is_name(text)
    }

    /// The names in a text, as far as it can be read.
    pub fn names_in(text: &str) -> Vec<String> {
        let tokens = token::tokens(text).unwrap_or_default();
        let names = tokens.into_iter().filter_map(|token| match token.kind {
            token::TokenKind::Name(name) => Some(name),
            _ => None,
        });
        names.collect()
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its coordinates.
    pub fn coordinates(&self) -> &Coordinates {
        &self.coordinates
    }

    /// The numbers it has by name.
    pub fn constants(&self) -> &BTreeMap<String, Vec<f64>> {
        &self.constants
    }

    /// D.
    pub fn dim(&self) -> usize {
        self.program.inputs
    }

    /// How many numbers are computed at each point.
    pub fn size(&self) -> usize {
        self.program.rows
    }

    /// The number that is added to it everywhere, in nats. It is not part of what is computed, so that it
    /// changes no digit of that.
    pub fn offset(&self) -> f64 {
        self.offset.value
    }

    /// How far rounding may have moved that number, in nats, to first order.
    pub fn offset_rounding(&self) -> f64 {
        self.offset.error
    }

    /// How far rounding may move the log-density of u (D), without its [offset](Formula::offset), in nats, to first
    /// order; NaN where it is no number.
    pub fn rounding(&self, u: &[f64]) -> f64 {
        self.program.rounded(u).error
    }

    /// The log-density of u in nats, without its [offset](Formula::offset), at N points `[N, D]`, and its
    /// gradient `[N, D]` where that is asked for. It is computed in parallel, and each point alike whatever
    /// is beside it.
    pub fn evaluate(&self, u: &[f64], values: &mut [f64], gradient: Option<&mut [f64]>) {
        self.program.evaluate(u, values, gradient);
    }

    /// As [`Formula::evaluate`], at u `[R, S, D]` on a device: the value `[R, S]` and the gradient
    /// `[R, S, D]`, neither of them tracked.
    pub fn evaluate_on_device(&self, u: Tensor<3>) -> (Tensor<2>, Tensor<3>) {
        self.program.on_device(u)
    }
}

/// A formula as it was read: on as many lines as it has parts, and with more brackets.
///
/// # Errors
/// If it cannot be read. Names are not looked at.
pub fn printed(text: &str) -> Result<String, FormulaError> {
    parse::parse(text).map(|tree| tree.to_string())
}

#[cfg(test)]
mod tests;
