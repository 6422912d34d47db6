//! How far rounding moves the value of a program.

use super::super::number::Number;
use super::super::program::{Operand, Operation, Program, joined};
use super::super::rounded::Rounded;

impl Program {
    /// The value at one point of D coordinates, with how far rounding may move it.
    pub fn rounded(&self, u: &[f64]) -> Rounded {
        let mut rows: Vec<Rounded> = u.iter().copied().map(Rounded::exactly).collect();
        for instruction in &self.instructions {
            for j in 0..instruction.len {
                let made = self.entry_made(&instruction.operation, j, &rows);
                rows.push(made);
            }
        }
        self.rounded_at(self.value, &rows)
    }

    /// The first entry of an operand.
    fn rounded_at(&self, at: Operand, rows: &[Rounded]) -> Rounded {
        match at {
            Operand::Rows { first, .. } => rows[first],
            Operand::Constants { first, .. } => self.constants[first],
        }
    }

    /// Entry j of what an operation makes.
    fn entry_made(&self, operation: &Operation, j: usize, rows: &[Rounded]) -> Rounded {
        let at = |operand: Operand, j: usize| self.rounded_at(operand.entry(j), rows);
        match operation {
            Operation::Unary(op, x) => op.value(at(*x, j)),
            Operation::Binary(op, a, b) => op.value(at(*a, j), at(*b, j)),
            Operation::Choose(c, [a, b]) => at(*c, j).choose(at(*a, j), at(*b, j)),
            Operation::Reduce(op, x) => {
                (op.of_all((0..x.len()).map(|k| at(*x, k)))).unwrap_or_default()
            }
            Operation::Join(parts) => self.rounded_at(joined(parts, j), rows),
        }
    }
}
