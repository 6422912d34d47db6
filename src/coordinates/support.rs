//! Where a coordinate lives, and how it is carried to the whole line.

use std::fmt;

/// The values a coordinate x may have. It is fitted as u, any real number, with x = T(u) and the density
/// p(T(u)) |T′(u)|: divergences of densities of x are those of u.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Support {
    /// All numbers: x = u.
    #[default]
    Real,
    /// Above a number a: x = a + e^u.
    Above(f64),
    /// Below a number b: x = b − e^u.
    Below(f64),
    /// Between two numbers a and b: x = a + (b − a) / (1 + e^(−u)).
    Between(f64, f64),
}

impl Support {
    /// Between two numbers, infinite ones among them; `None` if there is nothing between them.
    pub fn between(from: f64, to: f64) -> Option<Self> {
        match (from.is_finite(), to.is_finite()) {
            _ if from.is_nan() || to.is_nan() || from >= to => None,
            (true, true) => (to - from).is_finite().then_some(Self::Between(from, to)),
            (true, false) => Some(Self::Above(from)),
            (false, true) => Some(Self::Below(to)),
            (false, false) => Some(Self::Real),
        }
    }

    /// What its values lie between.
    pub fn bounds(self) -> (f64, f64) {
        match self {
            Self::Real => (f64::NEG_INFINITY, f64::INFINITY),
            Self::Above(a) => (a, f64::INFINITY),
            Self::Below(b) => (f64::NEG_INFINITY, b),
            Self::Between(a, b) => (a, b),
        }
    }

    /// T(u).
    pub fn apply(self, u: f64) -> f64 {
        self.origin() + self.offset(u)
    }

    /// The bound that x is counted from: that below, if there is one.
    pub fn origin(self) -> f64 {
        match self {
            Self::Real => -0.0,
            Self::Above(bound) | Self::Below(bound) | Self::Between(bound, _) => bound,
        }
    }

    /// T(u) from there, which is not rounded as T(u) is.
    pub fn offset(self, u: f64) -> f64 {
        match self {
            Self::Real => u,
            Self::Above(_) => u.exp(),
            Self::Below(_) => -u.exp(),
            Self::Between(a, b) => (b - a) * sigmoid(u),
        }
    }

    /// T′(u).
    pub fn slope(self, u: f64) -> f64 {
        match self {
            Self::Real => 1.0,
            Self::Above(_) => u.exp(),
            Self::Below(_) => -u.exp(),
            Self::Between(a, b) => (b - a) * sigmoid(u) * sigmoid(-u),
        }
    }

    /// log |T′(u)|.
    pub fn log_slope(self, u: f64) -> f64 {
        match self {
            Self::Real => 0.0,
            Self::Above(_) | Self::Below(_) => u,
            Self::Between(a, b) => (b - a).ln() - u.abs() - 2.0 * (-u.abs()).exp().ln_1p(),
        }
    }

    /// The derivative of log |T′(u)|.
    pub fn turn(self, u: f64) -> f64 {
        match self {
            Self::Real => 0.0,
            Self::Above(_) | Self::Below(_) => 1.0,
            Self::Between(..) => sigmoid(-u) - sigmoid(u),
        }
    }

    /// u with T(u) = x; not finite where x lies outside.
    pub fn invert(self, x: f64) -> f64 {
        match self {
            Self::Real => x,
            Self::Above(a) => (x - a).ln(),
            Self::Below(b) => (b - x).ln(),
            Self::Between(a, b) => ((x - a) / (b - x)).ln(),
        }
    }

    /// What u is called where x is called this.
    pub fn name_of(self, x: &str) -> String {
        let shifted = |number: f64| match number {
            0.0 => String::new(),
            _ if number < 0.0 => format!(" + {}", -number),
            _ => format!(" - {number}"),
        };
        match self {
            Self::Real => x.to_owned(),
            Self::Above(a) => format!("log({x}{})", shifted(a)),
            Self::Below(0.0) => format!("log(-{x})"),
            Self::Below(b) => format!("log({b} - {x})"),
            Self::Between(0.0, 1.0) => format!("logit({x})"),
            Self::Between(a, b) => format!("logit({x} in [{a}, {b}])"),
        }
    }
}

fn sigmoid(u: f64) -> f64 {
    1.0 / (1.0 + (-u).exp())
}

impl fmt::Display for Support {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Real => write!(f, "real"),
            Self::Above(0.0) => write!(f, "positive"),
            Self::Above(a) => write!(f, "[{a}, inf]"),
            Self::Below(b) => write!(f, "[-inf, {b}]"),
            Self::Between(a, b) => write!(f, "[{a}, {b}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_are_those_of_differences() {
        for support in [
            Support::Real,
            Support::Above(-2.0),
            Support::Below(3.5),
            Support::Between(-1.0, 4.0),
        ] {
            for u in [-3.0, -0.2, 0.0, 1.7] {
                let h = 1e-5;
                let slope = (support.apply(u + h) - support.apply(u - h)) / (2.0 * h);
                assert!(
                    (slope / support.slope(u) - 1.0).abs() < 1e-9,
                    "{support} {u}"
                );
                assert!(
                    (slope.abs().ln() - support.log_slope(u)).abs() < 1e-9,
                    "{support} {u}"
                );
                let turn = (support.log_slope(u + h) - support.log_slope(u - h)) / (2.0 * h);
                assert!((turn - support.turn(u)).abs() < 1e-9, "{support} {u}");
                assert!((support.invert(support.apply(u)) - u).abs() < 1e-13);
            }
            assert!(support.log_slope(800.0).is_finite() && support.log_slope(-800.0).is_finite());
        }
    }
}
