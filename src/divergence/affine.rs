//! Integrands that are affine in both log-densities, found by working them out in symbols.

use std::ops::{Add, Mul, Neg, Sub};

use super::values::Values;

/// a log p + b log q + c by a, b and c; nothing of what is no such function.
#[derive(Debug, Clone, Copy)]
pub(super) struct Affine(Option<[f64; 3]>);

impl Affine {
    pub const LOG_P: Self = Self(Some([1.0, 0.0, 0.0]));
    pub const LOG_Q: Self = Self(Some([0.0, 1.0, 0.0]));

    pub fn coefficients(self) -> Option<[f64; 3]> {
        self.0
    }

    fn join(self, other: Self, of: impl Fn(f64, f64) -> f64) -> Self {
        let both = self.0.zip(other.0);
        Self(both.map(|(own, other)| std::array::from_fn(|i| of(own[i], other[i]))))
    }

    /// The number it is, if it is the same everywhere.
    fn constant(self) -> Option<f64> {
        match self.0 {
            Some([0.0, 0.0, constant]) => Some(constant),
            _ => None,
        }
    }

    fn of_constant(self, function: impl Fn(f64) -> f64) -> Self {
        Self(self.constant().map(|x| [0.0, 0.0, function(x)]))
    }
}

impl Add for Affine {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.join(other, |own, other| own + other)
    }
}

impl Sub for Affine {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self.join(other, |own, other| own - other)
    }
}

impl Mul for Affine {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        match (self.constant(), other.constant()) {
            (Some(factor), _) => other * factor,
            (None, Some(factor)) => self * factor,
            (None, None) => Self(None),
        }
    }
}

impl Neg for Affine {
    type Output = Self;

    fn neg(self) -> Self {
        self * -1.0
    }
}

impl Add<f64> for Affine {
    type Output = Self;

    fn add(self, constant: f64) -> Self {
        Self(self.0.map(|[a, b, c]| [a, b, c + constant]))
    }
}

impl Mul<f64> for Affine {
    type Output = Self;

    fn mul(self, factor: f64) -> Self {
        Self(self.0.map(|of| of.map(|x| x * factor)))
    }
}

impl Values for Affine {
    fn exp(self) -> Self {
        self.of_constant(f64::exp)
    }

    fn log_sigmoid(self) -> Self {
        self.of_constant(|x| -(-x).exp().ln_1p())
    }

    fn tanh(self) -> Self {
        self.of_constant(f64::tanh)
    }

    fn abs(self) -> Self {
        self.of_constant(f64::abs)
    }
}

#[cfg(test)]
mod tests {
    use crate::divergence::DivergenceKind;

    #[test]
    fn an_affine_integrand_is_known_as_one_and_no_other_is() {
        let at = [[-1.0, -3.5], [0.25, 2.0], [-700.0, 0.0], [40.0, -2.0]];
        let [log_p, log_q] = [0, 1].map(|i| at.map(|logs| logs[i]));
        let mut affine = Vec::new();
        for kind in DivergenceKind::all() {
            let divergence = kind.build();
            for &side in divergence.sides() {
                let mut values = [0.0; 4];
                divergence.values(side, &log_p, &log_q, &mut values);
                let Some([a, b, c]) = divergence.affine(side) else {
                    continue;
                };
                affine.push(kind.name());
                for (value, [p, q]) in values.into_iter().zip(at) {
                    assert_eq!(value, a * p + b * q + c, "{}", kind.name());
                }
            }
        }
        affine.sort();
        let expected = [
            "binned-kl",
            "cross-entropy",
            "forward-kl",
            "jeffreys",
            "jeffreys",
            "reverse-kl",
        ];
        assert_eq!(affine, expected);
    }
}
