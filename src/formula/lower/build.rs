//! The operations of a formula as they are put together: numbers are computed at once, the same operation is done
//! once, and logarithms of exponentials are undone.

use std::collections::{HashMap, HashSet};

use super::super::number::{Binary, Reduction, Unary};
use super::super::program::{Instruction, Operand, Operation, Program};
use super::bounds::Bounded;

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

    /// Logarithms of what is an exponential, or a share of an interval, without a number that overflows or is
    /// rounded to a bound: log e^u is u, log σ(u) is −softplus(−u), and log(1 − σ(u)) is −softplus(u).
    fn undone(&mut self, op: Unary, x: Operand) -> Option<Operand> {
        let softplus = |lowering: &mut Self, u: Operand| {
            let value = lowering.unary(Unary::Softplus, u);
            lowering.unary(Unary::Neg, value)
        };
        match op {
            Unary::Log => {
                if let Some((part, factor)) = self.multiple(x) {
                    let log = self.undone(Unary::Log, part)?;
                    let more = self.constant(factor.ln());
                    return Some(self.applied(Binary::Add, log, more));
                }
                match (self.made_of(Unary::Exp, x), self.made_of(Unary::Sigmoid, x)) {
                    (Some(u), _) => Some(u),
                    (None, Some(u)) => {
                        let minus = self.unary(Unary::Neg, u);
                        Some(softplus(self, minus))
                    }
                    (None, None) => None,
                }
            }
            Unary::Log1p => {
                let share = self.made_of(Unary::Neg, x)?;
                let u = self.made_of(Unary::Sigmoid, share)?;
                Some(softplus(self, u))
            }
            Unary::Neg => self.made_of(Unary::Neg, x),
            _ => None,
        }
    }

    /// What some rows were made of by an operation, if they were.
    pub(super) fn made_of(&self, op: Unary, x: Operand) -> Option<Operand> {
        match self.source(x)? {
            (Operation::Unary(own, of), at) if *own == op => Some(of.part(at, x.len())),
            _ => None,
        }
    }

    /// A positive multiple of something.
    pub(super) fn multiple(&self, x: Operand) -> Option<(Operand, f64)> {
        let (Operation::Binary(Binary::Mul, a, b), at) = self.source(x)? else {
            return None;
        };
        let (part, factor) = match (self.number(*a), self.number(*b)) {
            (None, Some(factor)) => (a, factor),
            (Some(factor), None) => (b, factor),
            _ => return None,
        };
        (factor > 0.0).then(|| (part.part(at, x.len()), factor))
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
        if let Some(known) = self.beside_bounds(op, a, b) {
            return known;
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
}
