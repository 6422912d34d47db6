//! The operations of a formula as they are put together: numbers are computed at once, the same operation is done
//! once, and logarithms of exponentials are undone.

use std::collections::{HashMap, HashSet};

use super::super::number::{Binary, Reduction, Unary};
use super::super::program::{Instruction, Operand, Operation, Program};
use crate::coordinates::Support;

/// Powers of at most this are products.
const LARGEST_PRODUCT: f64 = 8.0;

/// A program that is being made.
pub(super) struct Builder {
    pub program: Program,
    /// Where each number is, by its bits.
    known_numbers: HashMap<u64, Operand>,
    /// What each operation made: the same one is not done twice.
    known: HashMap<Operation, Operand>,
    /// Rows that are 0 or 1, by the first.
    truths: HashSet<usize>,
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
        }
    }

    pub fn constant(&mut self, value: f64) -> Operand {
        self.constants(&[value])
    }

    pub fn constants(&mut self, values: &[f64]) -> Operand {
        if let [value] = values
            && let Some(known) = self.known_numbers.get(&value.to_bits())
        {
            return *known;
        }
        let first = self.program.constants.len();
        self.program.constants.extend_from_slice(values);
        let len = values.len();
        let made = Operand::Constants { first, len };
        if let [value] = values {
            self.known_numbers.insert(value.to_bits(), made);
        }
        made
    }

    pub fn numbers(&self, at: Operand) -> Option<&[f64]> {
        match at {
            Operand::Constants { first, len } => Some(&self.program.constants[first..first + len]),
            Operand::Rows { .. } => None,
        }
    }

    pub fn number(&self, at: Operand) -> Option<f64> {
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

    /// 1 where it is not 0.
    pub fn truth(&mut self, x: Operand) -> Operand {
        match x {
            Operand::Rows { first, .. } if self.truths.contains(&first) => x,
            _ => {
                let is_false = self.unary(Unary::Not, x);
                self.unary(Unary::Not, is_false)
            }
        }
    }

    pub fn unary(&mut self, op: Unary, x: Operand) -> Operand {
        match self.numbers(x) {
            Some(numbers) => {
                let values: Vec<f64> = numbers.iter().map(|x| op.value(*x)).collect();
                self.constants(&values)
            }
            None => match self.undone(op, x) {
                Some(known) => known,
                None => self.made(Operation::Unary(op, x), x.len()),
            },
        }
    }

    /// Logarithms of what is an exponential, or a coordinate between bounds, without a number that overflows or is
    /// rounded to a bound: log e^u is u, log σ(u) is −softplus(−u), and log(1 − σ(u)) is −softplus(u).
    fn undone(&mut self, op: Unary, x: Operand) -> Option<Operand> {
        let softplus = |lowering: &mut Self, u: Operand| {
            let value = lowering.unary(Unary::Softplus, u);
            lowering.unary(Unary::Neg, value)
        };
        match op {
            Unary::Log => match (self.made_of(Unary::Exp, x), self.made_of(Unary::Sigmoid, x)) {
                (Some(u), _) => Some(u),
                (None, Some(u)) => {
                    let minus = self.unary(Unary::Neg, u);
                    Some(softplus(self, minus))
                }
                (None, None) => None,
            },
            Unary::Log1p => {
                let share = self.made_of(Unary::Neg, x)?;
                let u = self.made_of(Unary::Sigmoid, share)?;
                Some(softplus(self, u))
            }
            _ => None,
        }
    }

    /// What some rows were made of by an operation, if they were.
    fn made_of(&self, op: Unary, x: Operand) -> Option<Operand> {
        let Operand::Rows { first, len } = x else {
            return None;
        };
        let Instruction {
            operation,
            to,
            len: rows,
        } = &self.program.instructions[self.program.source(first)?];
        match operation {
            Operation::Unary(own, Operand::Rows { first: of, .. })
                if *own == op && first + len <= to + rows =>
            {
                let first = of + (first - to);
                Some(Operand::Rows { first, len })
            }
            _ => None,
        }
    }

    /// Of lists as long as each other, or of a list and a number.
    pub fn applied(&mut self, op: Binary, a: Operand, b: Operand) -> Operand {
        let len = a.len().max(b.len());
        if let (Some(of_a), Some(of_b)) = (self.numbers(a), self.numbers(b)) {
            let at = |numbers: &[f64], i: usize| numbers[if numbers.len() == 1 { 0 } else { i }];
            let values: Vec<f64> = (0..len)
                .map(|i| op.value(at(of_a, i), at(of_b, i)))
                .collect();
            return self.constants(&values);
        }
        self.made(Operation::Binary(op, a, b), len)
    }

    pub fn power(&mut self, base: Operand, exponent: f64, as_operand: Operand) -> Operand {
        let size = exponent.abs();
        if self.numbers(base).is_some()
            || !(exponent == 0.5 || exponent.fract() == 0.0 && size <= LARGEST_PRODUCT)
        {
            return self.applied(Binary::Power, base, as_operand);
        }
        if exponent == 0.5 {
            return self.unary(Unary::Sqrt, base);
        }
        // By squares: x⁶ = x⁴ x².
        let (mut left, mut square, mut product) = (size as u32, base, None);
        while left > 0 {
            if left % 2 == 1 {
                product = Some(match product {
                    None => square,
                    Some(product) => self.applied(Binary::Mul, product, square),
                });
            }
            left /= 2;
            if left > 0 {
                square = self.unary(Unary::Square, square);
            }
        }
        match product {
            None => {
                let ones = vec![1.0; base.len()];
                self.constants(&ones)
            }
            Some(product) if exponent < 0.0 => self.unary(Unary::Recip, product),
            Some(product) => product,
        }
    }

    pub fn reduced(&mut self, op: Reduction, x: Operand) -> Operand {
        match self.numbers(x) {
            Some(_) if x.len() == 1 => x,
            Some(numbers) => {
                let fold =
                    |by: Binary, start| numbers.iter().fold(start, |all, one| by.value(all, *one));
                let value = match op {
                    Reduction::Sum => fold(Binary::Add, 0.0),
                    Reduction::Min => fold(Binary::Min, f64::INFINITY),
                    Reduction::Max => fold(Binary::Max, f64::NEG_INFINITY),
                    Reduction::Logsumexp => fold(Binary::Logaddexp, f64::NEG_INFINITY),
                };
                self.constant(value)
            }
            None if x.len() == 1 => x,
            None => self.made(Operation::Reduce(op, x), 1),
        }
    }

    /// x = T(u) for each entry, and the terms of log|T′|.
    pub fn carried(&mut self, u: Operand, support: Support) -> (Operand, Vec<Operand>) {
        let size = |lowering: &mut Self| lowering.unary(Unary::Exp, u);
        match support {
            Support::Real => (u, Vec::new()),
            Support::Above(a) => {
                let size = size(self);
                let x = match a {
                    0.0 => size,
                    _ => {
                        let from = self.constant(a);
                        self.applied(Binary::Add, size, from)
                    }
                };
                (x, vec![self.reduced(Reduction::Sum, u)])
            }
            Support::Below(b) => {
                let (from, size) = (self.constant(b), size(self));
                let x = self.applied(Binary::Sub, from, size);
                (x, vec![self.reduced(Reduction::Sum, u)])
            }
            Support::Between(a, b) => {
                let share = self.unary(Unary::Sigmoid, u);
                let x = match (a, b) {
                    (0.0, 1.0) => share,
                    _ => {
                        let (from, wide) = (self.constant(a), self.constant(b - a));
                        let inside = self.applied(Binary::Mul, share, wide);
                        self.applied(Binary::Add, inside, from)
                    }
                };
                // log σ(u) (1 − σ(u)) = −softplus(u) − softplus(−u).
                let minus = self.unary(Unary::Neg, u);
                let sides = [u, minus].map(|side| {
                    let side = self.unary(Unary::Softplus, side);
                    let side = self.reduced(Reduction::Sum, side);
                    self.unary(Unary::Neg, side)
                });
                let wide = self.constant(u.len() as f64 * (b - a).ln());
                (x, [sides[0], sides[1], wide].to_vec())
            }
        }
    }

    /// Whether x, where there are bounds, lies inside them: it is rounded to a bound, or overflows, where u is
    /// large enough.
    pub fn inside(&mut self, x: Operand, support: Support) -> Option<Operand> {
        let (low, high) = match support {
            Support::Real => return None,
            Support::Above(a) => (a, f64::INFINITY),
            Support::Below(b) => (f64::NEG_INFINITY, b),
            Support::Between(a, b) => (a, b),
        };
        let (low, high) = (self.constant(low), self.constant(high));
        let above = self.applied(Binary::Less, low, x);
        let below = self.applied(Binary::Less, x, high);
        let both = self.applied(Binary::Mul, above, below);
        Some(self.reduced(Reduction::Min, both))
    }
}
