//! What is known beside a bound of a coordinate: how far x is from it, with no difference of numbers that are alike.

use super::super::number::{Binary, Unary};
use super::super::program::{Operand, Operation};
use super::build::Builder;
use crate::coordinates::Support;

/// One of the ends of an interval.
#[derive(Clone, Copy)]
pub(super) enum End {
    Low,
    High,
}

impl Builder {
    /// x − a, or b − x, of a coordinate by its u.
    pub(super) fn distance(&mut self, u: Operand, support: Support, from: End) -> Operand {
        let made = |lowering: &mut Self, op| lowering.made(op, u.len());
        let Support::Between(a, b) = support else {
            return made(self, Operation::Unary(Unary::Exp, u));
        };
        let side = match from {
            End::Low => u,
            End::High => made(self, Operation::Unary(Unary::Neg, u)),
        };
        let share = made(self, Operation::Unary(Unary::Sigmoid, side));
        if b - a == 1.0 {
            return share;
        }
        let wide = self.constant(b - a);
        made(self, Operation::Binary(Binary::Mul, share, wide))
    }

    /// What needs no comparison or subtraction beside a bound, where numbers that are alike would be rounded to it:
    /// x lies above a, and 1 − σ(u) is σ(−u).
    pub fn beside_bounds(&mut self, op: Binary, a: Operand, b: Operand) -> Option<Operand> {
        let (x, number, is_first) = match (self.number(a), self.number(b)) {
            (None, Some(number)) => (a, number, true),
            (Some(number), None) => (b, number, false),
            _ => return None,
        };
        if matches!(op, Binary::Less | Binary::LessOrEqual) {
            let (low, high) = self.range(x)?;
            let is_true = match is_first {
                _ if number <= low => !is_first,
                _ if number >= high => is_first,
                _ => return None,
            };
            return Some(self.constants(&vec![f64::from(u8::from(is_true)); x.len()]));
        }
        let (u, support) = self.bounded(x)?;
        let (low, high) = support.bounds();
        match (op, is_first) {
            (Binary::Sub, true) if number == low => Some(self.distance(u, support, End::Low)),
            (Binary::Add, _) if number == -low => Some(self.distance(u, support, End::Low)),
            (Binary::Sub, false) if number == high => Some(self.distance(u, support, End::High)),
            _ => None,
        }
    }

    /// What lies strictly between two numbers, wherever it is looked at.
    fn range(&self, x: Operand) -> Option<(f64, f64)> {
        if let Some((_, support)) = self.bounded(x) {
            return Some(support.bounds());
        }
        if let Some((part, factor)) = self.multiple(x) {
            let (low, high) = self.range(part)?;
            return Some((factor.value * low, factor.value * high));
        }
        match (self.made_of(Unary::Exp, x), self.made_of(Unary::Sigmoid, x)) {
            (Some(_), _) => Some((0.0, f64::INFINITY)),
            (None, Some(_)) => Some((0.0, 1.0)),
            (None, None) => None,
        }
    }

    /// The u and the support of a coordinate, or of several.
    fn bounded(&self, x: Operand) -> Option<(Operand, Support)> {
        let Operand::Rows { first, len } = x else {
            return None;
        };
        self.bounded.iter().find_map(|one| {
            let Operand::Rows { first: start, .. } = one.x else {
                return None;
            };
            let at = first.checked_sub(start)?;
            (at + len <= one.x.len()).then(|| (one.u.part(at, len), one.support))
        })
    }
}
