//! Why tails of p make a divergence from a Gaussian mixture infinite.

use crate::density::target::Tails;

/// Why −log q has no mean under p: it grows like x².
pub(super) fn no_variance(tails: Tails) -> Option<&'static str> {
    let has_none = match tails {
        Tails::Power { dof } => dof <= 2.0,
        Tails::Exponential | Tails::Gaussian | Tails::None => false,
    };
    has_none.then_some("the target has no variance (dof is at most 2), and -log q grows like x²")
}

/// Why ∫ p^α q^(1−α) is infinite where the tails of p are heavier than those of any Gaussian: of an order α
/// above 1 there is q to a negative power.
pub(super) fn no_power(order: f64, tails: Tails) -> Option<&'static str> {
    let is_heavy = match tails {
        Tails::Exponential | Tails::Power { .. } => true,
        Tails::Gaussian | Tails::None => false,
    };
    (is_heavy && order > 1.0).then_some("its tails are heavier than those of any Gaussian")
}
