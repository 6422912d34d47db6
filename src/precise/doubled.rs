//! A number of 106 bits as the sum of two doubles.

use std::ops::{Add, Div, Mul, Sub};

use super::Number;

/// high + low, where low is at most half a unit in the last place of high.
///
/// The sums and products are those of Dekker (1971) and Knuth (1969); Joldes, Muller and Popescu
/// (2017) bound the errors of a sum by 3·2⁻¹⁰⁶, of a product by 7·2⁻¹⁰⁶ and of a quotient by
/// 15·2⁻¹⁰⁶ of the result. No fused multiply-add is taken: where the processor has none, it is slow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Doubled {
    high: f64,
    low: f64,
}

impl Doubled {
    /// The product of two doubles, exactly.
    pub fn product(a: f64, b: f64) -> Self {
        let high = a * b;
        let ([a1, a2], [b1, b2]) = (halves(a), halves(b));
        let low = ((a1 * b1 - high) + a1 * b2 + a2 * b1) + a2 * b2;
        Self { high, low }
    }

    /// The sum of two doubles, exactly.
    pub fn sum(a: f64, b: f64) -> Self {
        let high = a + b;
        let part = high - a;
        Self {
            high,
            low: (a - (high - part)) + (b - part),
        }
    }

    /// What rounding to a double leaves.
    pub fn low(self) -> f64 {
        self.low
    }

    /// Of a sum whose first part is the larger.
    fn ordered(large: f64, small: f64) -> Self {
        let high = large + small;
        Self {
            high,
            low: small - (high - large),
        }
    }
}

/// A double as the sum of two of 26 bits each, whose products are exact.
fn halves(a: f64) -> [f64; 2] {
    const SPLIT: f64 = 134_217_729.0; // 2²⁷ + 1
    let large = SPLIT * a;
    let high = large - (large - a);
    [high, a - high]
}

impl Add for Doubled {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let (high, low) = (
            Self::sum(self.high, other.high),
            Self::sum(self.low, other.low),
        );
        let partly = Self::ordered(high.high, high.low + low.high);
        Self::ordered(partly.high, partly.low + low.low)
    }
}

impl Sub for Doubled {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + Self {
            high: -other.high,
            low: -other.low,
        }
    }
}

impl Mul for Doubled {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        let product = Self::product(self.high, other.high);
        let cross = self.high * other.low + self.low * other.high;
        Self::ordered(product.high, product.low + cross)
    }
}

impl Div for Doubled {
    type Output = Self;

    fn div(self, other: Self) -> Self {
        // Long division, with a double for a digit.
        let digit = |rest: Self| Self::new(rest.high / other.high, 0.0);
        let first = digit(self);
        let rest = self - other * first;
        let second = digit(rest);
        let third = digit(rest - other * second);
        first + second + third
    }
}

impl Number for Doubled {
    const UNIT: f64 = 16.0 * super::ROUNDING * super::ROUNDING;

    fn new(high: f64, low: f64) -> Self {
        Self { high, low }
    }

    fn rounded(self) -> f64 {
        self.high
    }

    fn sqrt(self) -> Self {
        let root = self.high.sqrt();
        if root == 0.0 {
            return Self::new(0.0, 0.0);
        }
        // A step of Newton's.
        let rest = self - Self::product(root, root);
        Self::ordered(root, rest.high / (2.0 * root))
    }

    fn ln(self) -> f64 {
        self.high.ln() + self.low / self.high
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(found: Doubled, high: f64, low: f64) {
        let off = (found - Doubled::new(high, low)).rounded().abs() / high.abs();
        assert!(off <= Doubled::UNIT, "{found:?} {high} {low}: {off:e}");
    }

    #[test]
    fn agrees_with_many_digits() {
        let of = |x: f64| Doubled::new(x, 0.0);
        let third = of(1.0) / of(3.0);
        let seventh = of(1.0) / of(7.0);
        // high = float(x), low = float(x - mpf(high)) of each with 60 digits in mpmath.
        is(third, 0.333_333_333_333_333_3, 1.850_371_707_708_594e-17);
        is(seventh, 0.142_857_142_857_142_85, 7.930_164_461_608_26e-18);
        is(
            of(2.0).sqrt(),
            std::f64::consts::SQRT_2,
            -9.667_293_313_452_913e-17,
        );
        is(
            third * seventh,
            0.047_619_047_619_047_616,
            2.643_388_153_869_42e-18,
        );
        is(
            third - seventh,
            0.190_476_190_476_190_47,
            1.057_355_261_547_768e-17,
        );
        // What is left of a difference of nearly equal numbers is right to its own last digit.
        let near = third - of(0.333_333_333_333_333_3);
        assert_eq!(near.rounded(), 1.850_371_707_708_594e-17);
        assert_eq!(Doubled::new(1.0, 1e-20).ln(), 1e-20);
    }
}
