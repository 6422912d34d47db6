//! Numbers that carry how far rounding may have moved them, to first order.
//!
//! Running error analysis (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed. 2002, section 3.3).

use super::number::Number;

/// A number, and how far it may be from what it would be without rounding.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Rounded {
    pub value: f64,
    /// At least 0.
    pub error: f64,
}

/// A sum, a product, a quotient or a root is rounded by half a unit in the last place …
const HALF_UNIT: f64 = 0.5 * f64::EPSILON;
/// … and a function of a library by about one.
const UNIT: f64 = f64::EPSILON;

/// What an error becomes along a slope; none stays none, along an infinite slope too.
fn along(slope: f64, error: f64) -> f64 {
    match error {
        0.0 => 0.0,
        error => slope.abs() * error,
    }
}

impl Rounded {
    /// As it is written.
    pub fn exactly(value: f64) -> Self {
        Self { value, error: 0.0 }
    }

    /// The value of an operation, rounded itself, with what errors of its operands become.
    fn made(value: f64, carried: f64, units: f64) -> Self {
        Self {
            value,
            error: match value {
                0.0 => carried,
                value => carried + units * value.abs(),
            },
        }
    }

    fn through(self, value: f64, slope: f64) -> Self {
        Self::made(value, along(slope, self.error), UNIT)
    }
}

impl Number for Rounded {
    fn of(&self, value: f64) -> Self {
        Self::exactly(value)
    }
    fn add(self, other: Self) -> Self {
        let value = self.value + other.value;
        // What 0 is added to is as it was.
        let units = match self.value == 0.0 || other.value == 0.0 {
            true => 0.0,
            false => HALF_UNIT,
        };
        Self::made(value, self.error + other.error, units)
    }
    fn sub(self, other: Self) -> Self {
        self.add(other.neg())
    }
    fn mul(self, other: Self) -> Self {
        let carried = along(other.value, self.error) + along(self.value, other.error);
        let is_exact = [self, other].iter().any(|one| one.value.abs() == 1.0);
        let units = if is_exact { 0.0 } else { HALF_UNIT };
        Self::made(self.value * other.value, carried, units)
    }
    fn div(self, other: Self) -> Self {
        let value = self.value / other.value;
        let by = 1.0 / other.value;
        let carried = along(by, self.error) + along(value * by, other.error);
        Self::made(value, carried, HALF_UNIT)
    }
    fn neg(self) -> Self {
        Self {
            value: -self.value,
            ..self
        }
    }
    fn exp(self) -> Self {
        let value = self.value.exp();
        self.through(value, value)
    }
    fn expm1(self) -> Self {
        self.through(self.value.exp_m1(), self.value.exp())
    }
    fn log(self) -> Self {
        self.through(self.value.ln(), 1.0 / self.value)
    }
    fn log1p(self) -> Self {
        self.through(self.value.ln_1p(), 1.0 / (1.0 + self.value))
    }
    fn sqrt(self) -> Self {
        let value = self.value.sqrt();
        self.through(value, 0.5 / value)
    }
    fn abs(self) -> Self {
        Self {
            value: self.value.abs(),
            ..self
        }
    }
    fn sin(self) -> Self {
        self.through(self.value.sin(), self.value.cos())
    }
    fn cos(self) -> Self {
        self.through(self.value.cos(), self.value.sin())
    }
    fn tanh(self) -> Self {
        let value = self.value.tanh();
        self.through(value, 1.0 - value * value)
    }
    fn atan(self) -> Self {
        self.through(self.value.atan(), 1.0 / (1.0 + self.value * self.value))
    }
    fn erf(self) -> Self {
        let slope = std::f64::consts::FRAC_2_SQRT_PI * (-self.value * self.value).exp();
        self.through(libm::erf(self.value), slope)
    }
    fn power(self, exponent: Self) -> Self {
        let value = self.value.powf(exponent.value);
        let of_base = along(exponent.value * value / self.value, self.error);
        let of_exponent = along(value * self.value.ln(), exponent.error);
        Self::made(value, of_base + of_exponent, UNIT)
    }
    fn less(self, than: Self) -> Self {
        Self::exactly(self.value.less(than.value))
    }
    fn equal(self, to: Self) -> Self {
        Self::exactly(self.value.equal(to.value))
    }
    fn choose(self, one: Self, other: Self) -> Self {
        if self.value != 0.0 { one } else { other }
    }
}
