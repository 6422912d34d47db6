//! A formula as a list of operations, in the order they are done.

use super::number::{Binary, Reduction, Unary};

/// Operations on rows: the first D are the coordinates, and each operation makes new ones.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Program {
    /// D.
    pub inputs: usize,
    /// All rows.
    pub rows: usize,
    pub constants: Vec<f64>,
    pub instructions: Vec<Instruction>,
    /// The row, or the constant, of the value.
    pub value: Operand,
}

/// What an operation is done on: `len` numbers at each point, or the same numbers at all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operand {
    Rows { first: usize, len: usize },
    Constants { first: usize, len: usize },
}

impl Default for Operand {
    fn default() -> Self {
        Self::Constants { first: 0, len: 0 }
    }
}

impl Operand {
    pub fn len(self) -> usize {
        match self {
            Self::Rows { len, .. } | Self::Constants { len, .. } => len,
        }
    }

    /// Entry i, or the only one there is.
    pub fn entry(self, i: usize) -> Self {
        let i = if self.len() == 1 { 0 } else { i };
        match self {
            Self::Rows { first, .. } => Self::Rows {
                first: first + i,
                len: 1,
            },
            Self::Constants { first, .. } => Self::Constants {
                first: first + i,
                len: 1,
            },
        }
    }
}

/// An operation, done on each of the `len` entries; those of a single one are the same for all.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Instruction {
    pub operation: Operation,
    /// The first row of what it makes.
    pub to: usize,
    /// How many rows it makes.
    pub len: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operation {
    Unary(Unary, Operand),
    Binary(Binary, Operand, Operand),
    /// `if(c, a, b)`.
    Choose(Operand, [Operand; 2]),
    Reduce(Reduction, Operand),
    /// The entries of all, one after the other.
    Join(Vec<Operand>),
}
