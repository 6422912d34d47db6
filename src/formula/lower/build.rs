//! The operations of a formula as they are put together: the same operation is done once, and each can be asked what
//! its operands were made of.

use std::collections::{HashMap, HashSet};

use super::super::number::{Binary, Unary};
use super::super::program::{Instruction, Operand, Operation, Program};
use super::super::rounded::Rounded;
use crate::coordinates::Support;

/// Coordinates x = T(u) with bounds.
#[derive(Clone, Copy)]
pub(super) struct Bounded {
    pub x: Operand,
    pub u: Operand,
    pub support: Support,
}

/// A program that is being made.
pub(super) struct Builder {
    pub program: Program,
    /// Where each number is, by the bits of it and of its error.
    known_numbers: HashMap<[u64; 2], Operand>,
    /// What each operation made: the same one is not done twice.
    known: HashMap<Operation, Operand>,
    /// Rows that are 0 or 1, by the first.
    truths: HashSet<usize>,
    /// Coordinates with bounds.
    pub(super) bounded: Vec<Bounded>,
}

impl Builder {
    /// Of D coordinates.
    pub fn new(dim: usize) -> Self {
        Self {
            program: Program {
                inputs: dim,
                rows: dim,
                ..Program::default()
            },
            known_numbers: HashMap::new(),
            known: HashMap::new(),
            truths: HashSet::new(),
            bounded: Vec::new(),
        }
    }

    pub fn constant(&mut self, value: f64) -> Operand {
        self.constants(&[value])
    }

    pub fn constants(&mut self, values: &[f64]) -> Operand {
        let values: Vec<Rounded> = values.iter().copied().map(Rounded::exactly).collect();
        self.computed(&values)
    }

    /// Constants that are computed from others.
    pub fn computed(&mut self, numbers: &[Rounded]) -> Operand {
        let bits = |number: &Rounded| [number.value, number.error].map(f64::to_bits);
        if let [number] = numbers
            && let Some(known) = self.known_numbers.get(&bits(number))
        {
            return *known;
        }
        let first = self.program.constants.len();
        self.program.constants.extend_from_slice(numbers);
        let len = numbers.len();
        let made = Operand::Constants { first, len };
        if let [number] = numbers {
            self.known_numbers.insert(bits(number), made);
        }
        made
    }

    pub fn numbers(&self, at: Operand) -> Option<&[Rounded]> {
        match at {
            Operand::Constants { first, len } => Some(&self.program.constants[first..first + len]),
            Operand::Rows { .. } => None,
        }
    }

    pub fn number(&self, at: Operand) -> Option<f64> {
        self.rounded(at).map(|number| number.value)
    }

    /// A single number with its error.
    pub fn rounded(&self, at: Operand) -> Option<Rounded> {
        match self.numbers(at)? {
            [number] => Some(*number),
            _ => None,
        }
    }

    pub fn made(&mut self, operation: Operation, len: usize) -> Operand {
        if let Some(known) = self.known.get(&operation) {
            return *known;
        }
        let to = self.program.rows;
        self.program.rows += len;
        let made = Operand::Rows { first: to, len };
        self.known.insert(operation.clone(), made);
        self.program
            .instructions
            .push(Instruction { operation, to, len });
        made
    }

    /// Keeps in mind that it is 0 or 1.
    pub fn mark(&mut self, truth: Operand) {
        if let Operand::Rows { first, .. } = truth {
            self.truths.insert(first);
        }
    }

    /// Whether it is known to be 0 or 1.
    pub fn is_truth(&self, x: Operand) -> bool {
        matches!(x, Operand::Rows { first, .. } if self.truths.contains(&first))
    }

    /// What some rows were made of by an operation, if they were.
    pub(super) fn made_of(&self, op: Unary, x: Operand) -> Option<Operand> {
        match self.source(x)? {
            (Operation::Unary(own, of), at) if *own == op => Some(of.part(at, x.len())),
            _ => None,
        }
    }

    /// A positive multiple of something.
    pub(super) fn multiple(&self, x: Operand) -> Option<(Operand, Rounded)> {
        let (Operation::Binary(Binary::Mul, a, b), at) = self.source(x)? else {
            return None;
        };
        let (part, factor) = match (self.rounded(*a), self.rounded(*b)) {
            (None, Some(factor)) => (a, factor),
            (Some(factor), None) => (b, factor),
            _ => return None,
        };
        (factor.value > 0.0).then(|| (part.part(at, x.len()), factor))
    }

    /// As many entries of a list from the one at `from`, counted from 0: where it was joined of parts, those of the
    /// part.
    pub fn entries(&self, list: Operand, from: usize, len: usize) -> Operand {
        let entries = list.part(from, len);
        let Some((Operation::Join(parts), mut at)) = self.source(entries) else {
            return entries;
        };
        for part in parts {
            match at.checked_sub(part.len()) {
                Some(rest) => at = rest,
                None if at + len <= part.len() => return part.part(at, len),
                None => break,
            }
        }
        entries
    }

    /// The operation that made some rows, and which of those it made they are.
    fn source(&self, x: Operand) -> Option<(&Operation, usize)> {
        let Operand::Rows { first, len } = x else {
            return None;
        };
        let made = &self.program.instructions[self.program.source(first)?];
        (first + len <= made.to + made.len).then(|| (&made.operation, first - made.to))
    }
}
