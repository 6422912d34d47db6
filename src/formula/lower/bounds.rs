//! What is known of coordinates with bounds: how x is made of u, and how far it is from a bound.

use super::super::number::{Binary, Reduction, Unary};
use super::super::program::{Operand, Operation};
use super::build::Builder;
use crate::coordinates::Support;

/// Coordinates x = T(u) with bounds.
#[derive(Clone, Copy)]
pub(super) struct Bounded {
    x: Operand,
    u: Operand,
    support: Support,
}

/// One of the ends of an interval.
#[derive(Clone, Copy)]
enum End {
    Low,
    High,
}

impl Builder {
    /// x = T(u) for each entry, and the terms of log|T′|.
    pub fn carried(&mut self, u: Operand, support: Support) -> (Operand, Vec<Operand>) {
        let (x, terms) = match support {
            Support::Real => return (u, Vec::new()),
            Support::Above(a) => {
                let size = self.distance(u, support, End::Low);
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
                let (from, size) = (self.constant(b), self.distance(u, support, End::High));
                let x = self.applied(Binary::Sub, from, size);
                (x, vec![self.reduced(Reduction::Sum, u)])
            }
            Support::Between(a, b) => {
                let inside = self.distance(u, support, End::Low);
                let x = match a {
                    0.0 => inside,
                    _ => {
                        let from = self.constant(a);
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
        };
        self.bounded.push(Bounded { x, u, support });
        (x, terms)
    }

    /// x − a, or b − x, of a coordinate by its u.
    fn distance(&mut self, u: Operand, support: Support, from: End) -> Operand {
        let Support::Between(a, b) = support else {
            return self.unary(Unary::Exp, u);
        };
        let side = match from {
            End::Low => u,
            End::High => self.unary(Unary::Neg, u),
        };
        let share = self.unary(Unary::Sigmoid, side);
        if b - a == 1.0 {
            return share;
        }
        let wide = self.constant(b - a);
        self.applied(Binary::Mul, share, wide)
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
            return Some((factor * low, factor * high));
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

    /// Whether x, where there are bounds, lies inside them as a number: it is rounded to a bound, or overflows,
    /// where u is large enough.
    pub fn inside(&mut self, x: Operand, support: Support) -> Option<Operand> {
        if support == Support::Real {
            return None;
        }
        let (low, high) = support.bounds();
        let (low, high) = (self.constant(low), self.constant(high));
        let mut less = |a, b| self.made(Operation::Binary(Binary::Less, a, b), x.len());
        let (above, below) = (less(low, x), less(x, high));
        let both = self.applied(Binary::Mul, above, below);
        Some(self.reduced(Reduction::Min, both))
    }
}
