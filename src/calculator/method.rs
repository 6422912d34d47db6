//! The ways to a number, by name, and what each of them promises.

use serde::{Deserialize, Serialize};

/// How a divergence is to be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// The surest way there is for these two.
    Auto,
    /// A formula, for two Gaussians.
    ClosedForm,
    /// The trapezoidal rule, in one and two dimensions.
    Quadrature,
    /// Independent draws, stratified by component.
    MonteCarlo,
    /// Scrambled Sobol points.
    Qmc,
    /// Sigma points of every component.
    Unscented,
    /// The product of Gaussians.
    Product,
    /// The variational approximation.
    Variational,
    /// The variational upper bound.
    VariationalUpper,
    /// Every component of p matched with one of q.
    Goldberger,
    /// What `scipy.stats.entropy` makes of densities at the rows of a sample.
    Discrete,
}

/// What a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Claim {
    /// Exact to the last digit that is printed.
    Exact,
    /// A formula, with a bound of what rounding did that is not below the last digit.
    Rounded,
    /// An integral, with an error estimate that is larger than the error where the rule converges.
    Integral,
    /// An average over random points, with its standard error.
    Sample,
    /// The middle of the bracket, whose ends alone are sure: what a method found missed it.
    Bracket,
    /// An upper bound.
    UpperBound,
    /// An approximation without an error, on either side of the truth.
    Approximation,
    /// Another quantity: the KL of the two lists of densities at some rows, each made to sum to 1.
    PlugIn,
}

impl Method {
    /// Every method there is.
    pub const ALL: [Self; 11] = [
        Self::Auto,
        Self::ClosedForm,
        Self::Quadrature,
        Self::MonteCarlo,
        Self::Qmc,
        Self::Unscented,
        Self::Product,
        Self::Variational,
        Self::VariationalUpper,
        Self::Goldberger,
        Self::Discrete,
    ];

    /// Its name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::ClosedForm => "closed-form",
            Self::Quadrature => "quadrature",
            Self::MonteCarlo => "monte-carlo",
            Self::Qmc => "qmc",
            Self::Unscented => "unscented",
            Self::Product => "product",
            Self::Variational => "variational",
            Self::VariationalUpper => "variational-upper",
            Self::Goldberger => "goldberger",
            Self::Discrete => "discrete",
        }
    }

    /// The method of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }

    /// What its numbers are.
    pub fn claim(self) -> Claim {
        match self {
            Self::Auto | Self::ClosedForm => Claim::Exact,
            Self::Quadrature => Claim::Integral,
            Self::MonteCarlo | Self::Qmc => Claim::Sample,
            Self::VariationalUpper => Claim::UpperBound,
            Self::Unscented | Self::Product | Self::Variational | Self::Goldberger => {
                Claim::Approximation
            }
            Self::Discrete => Claim::PlugIn,
        }
    }
}
