//! Coordinates with bounds: how x is made of u.

use super::super::number::{Binary, Number, Reduction, Unary};
use super::super::program::{Operand, Operation};
use super::super::rounded::Rounded;
use super::bounds::End;
use super::build::{Bounded, Builder};
use crate::coordinates::Support;

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
                let width = Rounded::exactly(b).sub(Rounded::exactly(a)).log();
                let wide = self.computed(&[width.mul(Rounded::exactly(u.len() as f64))]);
                (x, [sides[0], sides[1], wide].to_vec())
            }
        };
        self.bounded.push(Bounded { x, u, support });
        (x, terms)
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
