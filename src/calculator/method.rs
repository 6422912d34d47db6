//! The ways to a number, by name, and what each of them promises.

use serde::{Deserialize, Serialize};

use crate::choice::choices;

choices! {
    /// How a divergence is to be found.
    pub enum Method {
        /// The surest way there is for these two.
        Auto = "auto",
        /// A formula, for two Gaussians.
        ClosedForm = "closed-form",
        /// Gauss–Legendre panels that see both densities, in one and two dimensions.
        Quadrature = "quadrature",
        /// Independent draws, stratified by component.
        MonteCarlo = "monte-carlo",
        /// Scrambled Sobol points.
        Qmc = "qmc",
        /// Sigma points of every component.
        Unscented = "unscented",
        /// The product of Gaussians.
        Product = "product",
        /// The variational approximation.
        Variational = "variational",
        /// The variational upper bound.
        VariationalUpper = "variational-upper",
        /// Every component of p matched with one of q.
        Goldberger = "goldberger",
        /// The cheapest transport between components.
        Transport = "transport",
        /// What `scipy.stats.entropy` makes of densities at the rows of a sample.
        Discrete = "discrete",
    }
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
    /// Whether it takes a formula where there is one.
    pub(super) fn is_exact(self) -> bool {
        matches!(self, Self::Auto | Self::ClosedForm)
    }

    /// What its numbers are.
    pub fn claim(self) -> Claim {
        match self {
            Self::Auto | Self::ClosedForm => Claim::Exact,
            Self::Quadrature => Claim::Integral,
            Self::MonteCarlo | Self::Qmc => Claim::Sample,
            Self::VariationalUpper | Self::Transport => Claim::UpperBound,
            Self::Unscented | Self::Product | Self::Variational | Self::Goldberger => {
                Claim::Approximation
            }
            Self::Discrete => Claim::PlugIn,
        }
    }
}
