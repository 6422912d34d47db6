//! Integrands written down as formulas, for devices that make code of them.

use std::cell::RefCell;
use std::ops::{Add, Mul, Neg, Sub};
use std::rc::Rc;

use super::values::Values;
use crate::compute::kernel::{Formula, Step};

/// A step of a formula that is being written.
#[derive(Debug, Clone)]
pub(super) struct Symbol {
    steps: Rc<RefCell<Vec<Step>>>,
    at: usize,
}

impl Symbol {
    /// log p and log q.
    pub fn logs() -> [Self; 2] {
        let steps = Rc::new(RefCell::new(vec![Step::LogP, Step::LogQ]));
        [0, 1].map(|at| Self {
            steps: Rc::clone(&steps),
            at,
        })
    }

    /// All that leads to this step.
    pub fn formula(self) -> Formula {
        let steps = self.steps.take();
        Formula::new(steps, self.at)
    }

    fn then(&self, step: Step) -> Self {
        let mut steps = self.steps.borrow_mut();
        steps.push(step);
        Self {
            steps: Rc::clone(&self.steps),
            at: steps.len() - 1,
        }
    }

    fn constant(&self, number: f64) -> Self {
        self.then(Step::Constant(number.to_bits()))
    }
}

impl Add for Symbol {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.then(Step::Add(self.at, other.at))
    }
}

impl Sub for Symbol {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Mul for Symbol {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        self.then(Step::Multiply(self.at, other.at))
    }
}

impl Neg for Symbol {
    type Output = Self;

    fn neg(self) -> Self {
        self * -1.0
    }
}

impl Add<f64> for Symbol {
    type Output = Self;

    fn add(self, number: f64) -> Self {
        let number = self.constant(number);
        self + number
    }
}

impl Mul<f64> for Symbol {
    type Output = Self;

    fn mul(self, number: f64) -> Self {
        let number = self.constant(number);
        self * number
    }
}

impl Values for Symbol {
    fn exp(self) -> Self {
        self.then(Step::Exp(self.at))
    }

    fn log_sigmoid(self) -> Self {
        self.then(Step::LogSigmoid(self.at))
    }

    fn tanh(self) -> Self {
        self.then(Step::Tanh(self.at))
    }

    fn abs(self) -> Self {
        self.then(Step::Abs(self.at))
    }
}

#[cfg(test)]
mod tests {
    use crate::divergence::DivergenceKind;

    #[test]
    fn every_integrand_is_what_its_formula_says() {
        let (log_p, log_q) = ([-1.0, 0.25, -7.0, 4.0], [-3.5, 2.0, 0.0, 3.0]);
        let mut compared = 0;
        for kind in DivergenceKind::all() {
            let divergence = kind.build();
            for &side in divergence.sides() {
                let mut found = [[0.0; 4]; 3];
                let [values, by_p, by_q] = &mut found;
                divergence.slopes(side, &log_p, &log_q, [values, by_p, by_q]);
                let formula = divergence.formula(side);
                for at in 0..4 {
                    let said = formula.at(log_p[at], log_q[at]);
                    for (found, said) in found.iter().zip(said) {
                        let off = (found[at] - said).abs();
                        assert!(
                            off <= 1e-14 * said.abs().max(1.0),
                            "{} {off:e}",
                            kind.name()
                        );
                        compared += 1;
                    }
                }
            }
        }
        assert!(compared >= 13 * 4 * 3, "{compared}");
    }
}
