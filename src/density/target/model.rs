//! The table of the kinds of target.

use std::ops::Deref;

use serde::{Deserialize, Serialize};

use super::unnormalized::Marginal;
use super::{Distribution, Function, Histogram, Samples, StudentT, Unnormalized};
use crate::error::Refusal;
use crate::mixture::Mixture;

/// Makes [`TargetModel`] and [`TargetSummary`] from the table below.
macro_rules! targets {
    ($($(#[$doc:meta])* $kind:ident,)+) => {
        /// A target on the host: one of the [distributions](Distribution) there are.
        #[derive(Debug, Clone, PartialEq)]
        pub enum TargetModel {
            $($(#[$doc])* $kind($kind),)+
        }

        /// What `summary.json` says of a target.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "type", rename_all = "kebab-case")]
        pub enum TargetSummary {
            $($(#[$doc])* $kind(<$kind as Distribution>::Summary),)+
        }

        impl Deref for TargetModel {
            type Target = dyn Distribution;

            fn deref(&self) -> &Self::Target {
                match self {
                    $(Self::$kind(distribution) => distribution,)+
                }
            }
        }

        impl TargetModel {
            /// The density of some of its coordinates, in the order given; draws of one that is known up to a
            /// constant, unless it is all of them.
            ///
            /// # Errors
            /// If rounding leaves a covariance that is not positive definite.
            pub fn marginal(&self, coordinates: &[usize]) -> Result<Self, Refusal> {
                Ok(match self {
                    $(Self::$kind(distribution) => {
                        Distribution::marginal(distribution, coordinates)?.into()
                    })+
                })
            }
        }

        impl From<&TargetModel> for TargetSummary {
            fn from(target: &TargetModel) -> Self {
                match target {
                    $(TargetModel::$kind(distribution) => Self::$kind(distribution.summary()),)+
                }
            }
        }

        $(impl From<$kind> for TargetModel {
            fn from(distribution: $kind) -> Self {
                Self::$kind(distribution)
            }
        })+
    };
}

targets! {
    /// A mixture of Gaussians.
    Mixture,
    /// A mixture of Student-t distributions.
    StudentT,
    /// Rows, known by its draws alone.
    Samples,
    /// A histogram, known by the counts of its bins alone.
    Histogram,
    /// A density up to a constant, by a formula.
    Unnormalized,
}

impl From<&Mixture> for TargetModel {
    fn from(mixture: &Mixture) -> Self {
        mixture.clone().into()
    }
}

impl From<Marginal> for TargetModel {
    fn from(marginal: Marginal) -> Self {
        match marginal {
            Marginal::Whole(whole) => whole.into(),
            Marginal::Rows(rows) => rows.into(),
        }
    }
}

impl TargetModel {
    /// It, if it is known up to a constant.
    pub fn as_unnormalized(&self) -> Option<&Unnormalized> {
        match self {
            Self::Unnormalized(unnormalized) => Some(unnormalized),
            _ => None,
        }
    }

    /// Whether log p is computed by another program.
    pub(crate) fn is_by_program(&self) -> bool {
        let function = self.as_unnormalized().map(Unnormalized::function);
        function.is_some_and(|function| matches!(function, Function::External(_)))
    }
}
