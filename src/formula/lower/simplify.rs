//! What needs less than it says: numbers are computed at once, and logarithms of exponentials are undone.

use super::super::number::{Binary, Number, Reduction, Unary};
use super::super::program::{Operand, Operation};
use super::super::rounded::Rounded;
use super::build::Builder;

/// Powers of at most this are products.
const LARGEST_PRODUCT: f64 = 8.0;

impl Builder {
    /// 1 where it is not 0.
    pub fn truth(&mut self, x: Operand) -> Operand {
        if self.is_truth(x) {
            return x;
        }
        let is_false = self.unary(Unary::Not, x);
        self.unary(Unary::Not, is_false)
    }

    pub fn unary(&mut self, op: Unary, x: Operand) -> Operand {
        match self.numbers(x) {
            Some(numbers) => {
                let values: Vec<Rounded> = numbers.iter().map(|x| op.value(*x)).collect();
                self.computed(&values)
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
                    let more = self.computed(&[factor.log()]);
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

    /// Of lists as long as each other, or of a list and a number.
    pub fn applied(&mut self, op: Binary, a: Operand, b: Operand) -> Operand {
        let len = a.len().max(b.len());
        if let (Some(of_a), Some(of_b)) = (self.numbers(a), self.numbers(b)) {
            let at =
                |numbers: &[Rounded], i: usize| numbers[if numbers.len() == 1 { 0 } else { i }];
            let values: Vec<Rounded> = (0..len)
                .map(|i| op.value(at(of_a, i), at(of_b, i)))
                .collect();
            return self.computed(&values);
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
                let value = op.of_all(numbers.iter().copied());
                self.computed(&[value.unwrap_or_default()])
            }
            None if x.len() == 1 => x,
            None => self.made(Operation::Reduce(op, x), 1),
        }
    }
}
