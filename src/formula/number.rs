//! What a formula computes with: numbers, or tensors of them, and how each of its operations changes.

/// Numbers on the host, or tensors of them on a device; truth is 1 and falsehood 0.
pub(super) trait Number: Clone {
    /// One like this one.
    fn of(&self, value: f64) -> Self;
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    fn div(self, other: Self) -> Self;
    fn neg(self) -> Self;
    fn exp(self) -> Self;
    fn expm1(self) -> Self;
    fn log(self) -> Self;
    fn log1p(self) -> Self;
    fn sqrt(self) -> Self;
    fn abs(self) -> Self;
    fn sin(self) -> Self;
    fn cos(self) -> Self;
    fn tanh(self) -> Self;
    fn atan(self) -> Self;
    fn erf(self) -> Self;
    fn power(self, exponent: Self) -> Self;
    fn less(self, than: Self) -> Self;
    fn equal(self, to: Self) -> Self;
    /// `one` where this is true, `other` elsewhere: what is not taken is not looked at.
    fn choose(self, one: Self, other: Self) -> Self;
}

impl Number for f64 {
    #[inline(always)]
    fn of(&self, value: f64) -> Self {
        value
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self + other
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self - other
    }
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self * other
    }
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        self / other
    }
    #[inline(always)]
    fn neg(self) -> Self {
        -self
    }
    #[inline(always)]
    fn exp(self) -> Self {
        f64::exp(self)
    }
    #[inline(always)]
    fn expm1(self) -> Self {
        f64::exp_m1(self)
    }
    #[inline(always)]
    fn log(self) -> Self {
        f64::ln(self)
    }
    #[inline(always)]
    fn log1p(self) -> Self {
        f64::ln_1p(self)
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        f64::sqrt(self)
    }
    #[inline(always)]
    fn abs(self) -> Self {
        f64::abs(self)
    }
    #[inline(always)]
    fn sin(self) -> Self {
        f64::sin(self)
    }
    #[inline(always)]
    fn cos(self) -> Self {
        f64::cos(self)
    }
    #[inline(always)]
    fn tanh(self) -> Self {
        f64::tanh(self)
    }
    #[inline(always)]
    fn atan(self) -> Self {
        f64::atan(self)
    }
    #[inline(always)]
    fn erf(self) -> Self {
        libm::erf(self)
    }
    #[inline(always)]
    fn power(self, exponent: Self) -> Self {
        f64::powf(self, exponent)
    }
    #[inline(always)]
    fn less(self, than: Self) -> Self {
        f64::from(u8::from(self < than))
    }
    #[inline(always)]
    fn equal(self, to: Self) -> Self {
        f64::from(u8::from(self == to))
    }
    #[inline(always)]
    fn choose(self, one: Self, other: Self) -> Self {
        if self != 0.0 { one } else { other }
    }
}

/// An operation on each number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Unary {
    Neg,
    Not,
    Square,
    Recip,
    Exp,
    Expm1,
    Log,
    Log1p,
    Sqrt,
    Abs,
    Sin,
    Cos,
    Tan,
    Sinh,
    Cosh,
    Tanh,
    Atan,
    Erf,
    Lgamma,
    Sigmoid,
    Softplus,
}

/// An operation on each pair of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    Power,
    Min,
    Max,
    Logaddexp,
    Less,
    LessOrEqual,
    Equal,
}

/// What becomes of all numbers of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Reduction {
    Sum,
    Min,
    Max,
    Logsumexp,
}

impl Reduction {
    /// One number after the other.
    pub fn of_all<T: Number>(self, mut numbers: impl Iterator<Item = T>) -> Option<T> {
        let first = numbers.next()?;
        let by = match self {
            Self::Sum => Binary::Add,
            Self::Min => Binary::Min,
            Self::Max => Binary::Max,
            Self::Logsumexp => Binary::Logaddexp,
        };
        Some(numbers.fold(first, |all, one| by.value(all, one)))
    }
}

/// 2 / √π.
const SLOPE_OF_ERF: f64 = std::f64::consts::FRAC_2_SQRT_PI;

impl Unary {
    #[inline(always)]
    pub fn value<T: Number>(self, x: T) -> T {
        match self {
            Self::Neg => x.neg(),
            Self::Not => x.clone().equal(x.of(0.0)),
            Self::Square => x.clone().mul(x),
            Self::Recip => x.of(1.0).div(x),
            Self::Exp => x.exp(),
            Self::Expm1 => x.expm1(),
            Self::Log => x.log(),
            Self::Log1p => x.log1p(),
            Self::Sqrt => x.sqrt(),
            Self::Abs => x.abs(),
            Self::Sin => x.sin(),
            Self::Cos => x.cos(),
            Self::Tan => x.clone().sin().div(x.cos()),
            // Near 0, e^x − e^(−x) loses what expm1 keeps.
            Self::Sinh => {
                let size = x.clone().abs();
                let up = half_exp(size.clone());
                let far = up.clone().sub(x.of(0.25).div(up));
                let near = size.clone().expm1().sub(size.clone().neg().expm1());
                let value = size.less(x.of(1.0)).choose(near.mul(x.of(0.5)), far);
                (x.clone().less(x.of(0.0))).choose(value.clone().neg(), value)
            }
            Self::Cosh => {
                let up = half_exp(x.clone().abs());
                up.clone().add(x.of(0.25).div(up))
            }
            Self::Tanh => x.tanh(),
            Self::Atan => x.atan(),
            Self::Erf => x.erf(),
            Self::Lgamma => lgamma(x),
            // e^(−|x|) does not overflow.
            Self::Sigmoid => {
                let low = x.clone().abs().neg().exp();
                let one = x.of(1.0);
                let high = one.clone().div(low.clone().add(one));
                (x.clone().less(x.of(0.0))).choose(low.mul(high.clone()), high)
            }
            Self::Softplus => {
                let above = (x.clone().less(x.of(0.0))).choose(x.of(0.0), x.clone());
                x.abs().neg().exp().log1p().add(above)
            }
        }
    }

    /// dy/dx where y is the value at x.
    #[inline(always)]
    pub fn slope<T: Number>(self, x: T, y: T) -> T {
        match self {
            Self::Neg => x.of(-1.0),
            Self::Not => x.of(0.0),
            Self::Square => x.clone().add(x),
            Self::Recip => y.clone().mul(y).neg(),
            Self::Exp => y,
            Self::Expm1 => x.exp(),
            Self::Log => x.of(1.0).div(x),
            Self::Log1p => x.of(1.0).div(x.of(1.0).add(x)),
            Self::Sqrt => x.of(0.5).div(y),
            // At 0 there is none; 0 lies between those on its two sides.
            Self::Abs => {
                let zero = x.of(0.0);
                let up = zero.clone().less(x.clone());
                up.sub(x.less(zero))
            }
            Self::Sin => x.cos(),
            Self::Cos => x.sin().neg(),
            Self::Tan => y.clone().mul(y).add(x.of(1.0)),
            Self::Sinh => Self::Cosh.value(x),
            Self::Cosh => Self::Sinh.value(x),
            // 1 / cosh², where 1 − y² would lose digits.
            Self::Tanh => {
                let low = x.clone().abs().mul(x.of(-2.0)).exp();
                let sum = low.clone().add(x.of(1.0));
                low.mul(x.of(4.0)).div(sum.clone().mul(sum))
            }
            Self::Atan => x.of(1.0).div(x.clone().mul(x.clone()).add(x.of(1.0))),
            Self::Erf => {
                let fall = x.clone().mul(x.clone()).neg().exp();
                fall.mul(x.of(SLOPE_OF_ERF))
            }
            Self::Lgamma => digamma(x),
            Self::Sigmoid => Self::Sigmoid.value(x.clone().neg()).mul(y),
            Self::Softplus => Self::Sigmoid.value(x),
        }
    }
}

impl Binary {
    #[inline(always)]
    pub fn value<T: Number>(self, a: T, b: T) -> T {
        match self {
            Self::Add => a.add(b),
            Self::Sub => a.sub(b),
            Self::Mul => a.mul(b),
            Self::Div => a.div(b),
            Self::Power => a.power(b),
            // What is not a number is not passed over.
            Self::Min => Self::takes_second(b.clone(), a.clone(), &b).choose(b, a),
            Self::Max => larger(a, b),
            // Of two equal ones, infinite ones among them, the difference is 0.
            Self::Logaddexp => {
                let top = larger(a.clone(), b.clone());
                let same = a.clone().equal(b.clone());
                let apart = same.choose(a.of(0.0), a.sub(b)).abs();
                apart.neg().exp().log1p().add(top)
            }
            Self::Less => a.less(b),
            Self::LessOrEqual => a.clone().less(b.clone()).add(a.equal(b)),
            Self::Equal => a.equal(b),
        }
    }

    /// Whether the smaller one of two is smaller, or the second is not a number.
    #[inline(always)]
    fn takes_second<T: Number>(small: T, large: T, second: &T) -> T {
        let is_number = second.clone().equal(second.clone());
        is_number.choose(small.less(large), second.of(1.0))
    }

    /// dy/da and dy/db where y is the value at a and b.
    #[inline(always)]
    pub fn slopes<T: Number>(self, a: T, b: T, y: T) -> [T; 2] {
        let (zero, one) = (a.of(0.0), a.of(1.0));
        match self {
            Self::Add => [one.clone(), one],
            Self::Sub => [one.clone(), one.neg()],
            Self::Mul => [b, a],
            Self::Div => {
                let by = one.div(b);
                [by.clone(), y.mul(by).neg()]
            }
            Self::Power => {
                let is_flat = b.clone().equal(zero.clone());
                let of_base = a.clone().power(b.clone().sub(one)).mul(b);
                let of_base = is_flat.choose(zero.clone(), of_base);
                // 0^b is 0 for all b > 0.
                let still = y.clone().equal(zero.clone());
                [of_base, still.choose(zero, y.mul(a.log()))]
            }
            Self::Min => {
                let other = Self::takes_second(b.clone(), a, &b);
                [one.sub(other.clone()), other]
            }
            Self::Max => {
                let other = Self::takes_second(a, b.clone(), &b);
                [one.sub(other.clone()), other]
            }
            Self::Logaddexp => {
                let same = a.clone().equal(b.clone());
                let apart = same.choose(zero, a.sub(b));
                [apart.clone(), apart.neg()].map(|apart| Unary::Sigmoid.value(apart))
            }
            Self::Less | Self::LessOrEqual | Self::Equal => [zero.clone(), zero],
        }
    }
}

/// Apart from [`Binary::value`], which could not be inlined if it called itself.
#[inline(always)]
fn larger<T: Number>(a: T, b: T) -> T {
    Binary::takes_second(a.clone(), b.clone(), &b).choose(b, a)
}

/// e^x / 2, which is finite for a little longer than e^x.
#[inline(always)]
fn half_exp<T: Number>(x: T) -> T {
    let root = x.clone().mul(x.of(0.5)).exp();
    root.clone().mul(x.of(0.5)).mul(root)
}

/// B₂ₙ / (2n (2n − 1)), n = 1, 2, …: Stirling's series (Abramowitz and Stegun 1964, 6.1.41).
const STIRLING: [f64; 8] = [
    1.0 / 12.0,
    -1.0 / 360.0,
    1.0 / 1260.0,
    -1.0 / 1680.0,
    1.0 / 1188.0,
    -691.0 / 360_360.0,
    1.0 / 156.0,
    -3617.0 / 122_400.0,
];
/// From here on the series is good to 1e-16.
const FAR: f64 = 9.0;
const STEPS: usize = 9;

/// log Γ(x) for x > 0; NaN below. Γ(x) = Γ(x + n) / (x (x + 1) … (x + n − 1)) carries small x to where
/// Stirling's series holds.
#[inline(always)]
fn lgamma<T: Number>(x: T) -> T {
    let near = x.clone().less(x.of(FAR));
    let z = near.clone().choose(x.clone().add(x.of(FAR)), x.clone());
    let small = near.clone().choose(x.clone(), x.of(1.0));
    let mut product = small.clone();
    for i in 1..STEPS {
        product = product.mul(small.clone().add(x.of(i as f64)));
    }
    let is_none = x.clone().less(x.of(0.0));
    let correction = near.choose(product.log(), x.of(0.0));
    let per = x.of(1.0).div(z.clone());
    let square = per.clone().mul(per.clone());
    let mut series = x.of(0.0);
    for coefficient in STIRLING.iter().rev() {
        series = series.mul(square.clone()).add(x.of(*coefficient));
    }
    let log = z.clone().log();
    // (z − ½) log z − z, where z is infinite too.
    let main = z.sub(x.of(0.5)).mul(log.sub(x.of(1.0)));
    let half_log = 0.5 * (std::f64::consts::TAU.ln() - 1.0);
    let value = (series.mul(per).add(x.of(half_log)).add(main)).sub(correction);
    is_none.choose(x.of(f64::NAN), value)
}

/// The derivative of log Γ(x), in the same way.
#[inline(always)]
fn digamma<T: Number>(x: T) -> T {
    let near = x.clone().less(x.of(FAR));
    let z = near.clone().choose(x.clone().add(x.of(FAR)), x.clone());
    let mut steps = x.of(0.0);
    for i in 0..STEPS {
        steps = steps.add(x.of(1.0).div(x.clone().add(x.of(i as f64))));
    }
    let correction = near.choose(steps, x.of(0.0));
    let per = x.of(1.0).div(z.clone());
    let square = per.clone().mul(per.clone());
    // d/dz of c z^(1 − 2n) is −(2n − 1) c z^(−2n).
    let mut series = x.of(0.0);
    for (i, coefficient) in STIRLING.iter().enumerate().rev() {
        let order = (2 * i + 1) as f64;
        series = series.mul(square.clone()).add(x.of(order * coefficient));
    }
    let half = per.mul(x.of(0.5));
    z.log().sub(half).sub(series.mul(square)).sub(correction)
}
