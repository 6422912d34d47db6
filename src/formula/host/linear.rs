//! Rows that take no loop and no memory: what a sum, a product with a number and a list are made of is known, and
//! so they are computed where they are used.

use super::super::number::{Binary, Unary};
use super::super::program::{Operand, Operation, Program, joined};
use super::loops::Line;

/// `number + times · row`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Linear {
    pub number: f64,
    pub times: f64,
    pub row: usize,
}

/// The number that changes no bit of what it is added to.
const NOTHING: f64 = -0.0;

impl Linear {
    /// The row itself.
    pub fn row(row: usize) -> Self {
        Self {
            number: NOTHING,
            times: 1.0,
            row,
        }
    }

    /// With the numbers of its row.
    #[inline(always)]
    pub fn of(self, row: &[f64]) -> Line<'_> {
        let Self { number, times, .. } = self;
        Line { number, times, row }
    }

    fn is_product(self) -> bool {
        self.number.to_bits() == NOTHING.to_bits()
    }

    /// With a number added, if that is the same to the bit.
    fn plus(self, number: f64) -> Option<Self> {
        self.is_product().then_some(Self { number, ..self })
    }

    /// So many times it, if that is the same to the bit: by a half or a quarter nothing is rounded, except next to 0;
    /// of a sum that is 0 a negative multiple is −0.
    fn times(self, by: f64) -> Option<Self> {
        let rounds = ![1.0, 0.5, 0.25].contains(&by.abs());
        let (number, may_round) = match self.is_product() {
            true => (self.number, self.times.abs() == 1.0),
            false if by < 0.0 => return None,
            false => (self.number * by, false),
        };
        (!rounds || may_round).then_some(Self {
            number,
            times: self.times * by,
            ..self
        })
    }
}

/// Each row of a program as that of one that is computed, often itself.
pub(super) fn all(program: &Program) -> Vec<Linear> {
    let mut all: Vec<Linear> = (0..program.inputs).map(Linear::row).collect();
    for instruction in &program.instructions {
        for j in 0..instruction.len {
            let known = known(program, &instruction.operation, j, &all);
            all.push(known.unwrap_or(Linear::row(all.len())));
        }
    }
    all
}

/// Entry j of what an operation makes, if it takes no loop.
fn known(program: &Program, operation: &Operation, j: usize, all: &[Linear]) -> Option<Linear> {
    let entry = |at: Operand| match at.entry(j) {
        Operand::Rows { first, .. } => Ok(all[first]),
        Operand::Constants { first, .. } => Err(program.constants[first].value),
    };
    match operation {
        Operation::Unary(Unary::Neg, x) => entry(*x).ok()?.times(-1.0),
        Operation::Binary(op, a, b) => match (op, entry(*a), entry(*b)) {
            (Binary::Add, Ok(a), Err(b)) | (Binary::Add, Err(b), Ok(a)) => a.plus(b),
            (Binary::Sub, Ok(a), Err(b)) => a.plus(-b),
            (Binary::Sub, Err(a), Ok(b)) => b.times(-1.0)?.plus(a),
            (Binary::Mul, Ok(a), Err(b)) | (Binary::Mul, Err(b), Ok(a)) => a.times(b),
            (Binary::Div, Ok(a), Err(b)) if [1.0, 2.0, 4.0].contains(&b.abs()) => a.times(1.0 / b),
            _ => None,
        },
        Operation::Join(parts) => match joined(parts, j) {
            Operand::Rows { first, .. } => Some(all[first]),
            Operand::Constants { .. } => None,
        },
        _ => None,
    }
}
