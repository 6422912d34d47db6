//! A formula as a list of operations, in the order they are done.

use super::number::{Binary, Reduction, Unary};
use super::rounded::Rounded;

/// Operations on rows: the first D are the coordinates, and each operation makes new ones.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Program {
    /// D.
    pub inputs: usize,
    /// All rows.
    pub rows: usize,
    /// Numbers that are the same at all points, some of them computed from others.
    pub constants: Vec<Rounded>,
    pub instructions: Vec<Instruction>,
    /// The row, or the constant, of the value.
    pub value: Operand,
}

/// What an operation is done on: `len` numbers at each point, or the same numbers at all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Operand {
    Rows { first: usize, len: usize },
    Constants { first: usize, len: usize },
}

impl Program {
    /// The operation that made a row; `None` for coordinates.
    pub fn source(&self, row: usize) -> Option<usize> {
        let after = self.instructions.partition_point(|one| one.to <= row);
        after.checked_sub(1)
    }

    /// Without the operations that the value is not made of.
    pub fn trimmed(mut self) -> Self {
        let mut is_used = vec![false; self.instructions.len()];
        let tell = |is_used: &mut [bool], at: Operand| {
            if let Operand::Rows { first, .. } = at
                && let Some(source) = self.source(first)
            {
                is_used[source] = true;
            }
        };
        tell(&mut is_used, self.value);
        for i in (0..is_used.len()).rev() {
            if is_used[i] {
                (self.instructions[i].operation.operands()).for_each(|at| tell(&mut is_used, at));
            }
        }
        let old: Vec<usize> = self.instructions.iter().map(|one| one.to).collect();
        let mut new = old.clone();
        let mut rows = self.inputs;
        for (i, one) in self.instructions.iter().enumerate() {
            new[i] = rows;
            rows += if is_used[i] { one.len } else { 0 };
        }
        let moved = |at: &mut Operand| {
            if let Operand::Rows { first, .. } = at
                && let Some(source) = old.partition_point(|to| to <= first).checked_sub(1)
            {
                *first = *first - old[source] + new[source];
            }
        };
        let mut place = 0..old.len();
        self.instructions
            .retain(|_| place.next().is_some_and(|i| is_used[i]));
        let mut to = self.inputs;
        for one in &mut self.instructions {
            one.to = to;
            to += one.len;
            one.operation.operands_mut().into_iter().for_each(moved);
        }
        moved(&mut self.value);
        self.rows = rows;
        self
    }
}

impl Operation {
    /// All it is done on.
    pub fn operands(&self) -> impl Iterator<Item = Operand> + '_ {
        let (some, more): ([Option<Operand>; 3], &[Operand]) = match self {
            Self::Unary(_, x) | Self::Reduce(_, x) => ([Some(*x), None, None], &[]),
            Self::Binary(_, a, b) => ([Some(*a), Some(*b), None], &[]),
            Self::Choose(c, [a, b]) => ([Some(*c), Some(*a), Some(*b)], &[]),
            Self::Join(parts) => ([None; 3], parts),
        };
        some.into_iter().flatten().chain(more.iter().copied())
    }

    fn operands_mut(&mut self) -> Vec<&mut Operand> {
        match self {
            Self::Unary(_, x) | Self::Reduce(_, x) => vec![x],
            Self::Binary(_, a, b) => vec![a, b],
            Self::Choose(c, [a, b]) => vec![c, a, b],
            Self::Join(parts) => parts.iter_mut().collect(),
        }
    }
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
        self.part(i, 1)
    }

    /// As many entries from the one at `from`, counted from 0.
    pub fn part(self, from: usize, len: usize) -> Self {
        match self {
            Self::Rows { first, .. } => Self::Rows {
                first: first + from,
                len,
            },
            Self::Constants { first, .. } => Self::Constants {
                first: first + from,
                len,
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

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Operation {
    Unary(Unary, Operand),
    Binary(Binary, Operand, Operand),
    /// `if(c, a, b)`.
    Choose(Operand, [Operand; 2]),
    Reduce(Reduction, Operand),
    /// The entries of all, one after the other.
    Join(Vec<Operand>),
}

/// Entry j of several lists one after the other.
pub(super) fn joined(parts: &[Operand], mut j: usize) -> Operand {
    for part in parts {
        if j < part.len() {
            return part.entry(j);
        }
        j -= part.len();
    }
    Operand::default()
}
