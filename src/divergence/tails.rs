//! Where the tails of a target make a divergence infinite.

use super::DivergenceKind;
use crate::density::target::Tails;

const NO_VARIANCE: &str = "the target has no variance (dof is at most 2), and -log q grows like x²";
const HEAVIER: &str = "its tails are heavier than those of any Gaussian";

impl DivergenceKind {
    /// Why it is infinite between a target with these tails and every mixture of Gaussians, if it is.
    pub fn infinite_for(self, tails: Tails) -> Option<&'static str> {
        let Tails::Power { dof } = tails else {
            return None;
        };
        match self {
            Self::ForwardKl | Self::Jeffreys | Self::CrossEntropy => {
                (dof <= 2.0).then_some(NO_VARIANCE)
            }
            Self::Chi2 => Some(HEAVIER),
            Self::Alpha(order) | Self::Renyi(order) => (order.value() > 1.0).then_some(HEAVIER),
            Self::ReverseKl | Self::Js | Self::SquaredHellinger | Self::TotalVariation => None,
        }
    }
}
