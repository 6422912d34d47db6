//! The best that a fit can reach, where it is known without a fit.

use crate::divergence::{DivergenceKind, Estimate, Method, gaussian_kl};
use crate::evaluate::Evaluation;
use crate::family::Family;
use crate::mixture::Mixture;

/// The best member of a family for a divergence.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownOptimum {
    divergence: DivergenceKind,
    /// q there.
    pub mixture: Mixture,
    /// Whether q is p there, so that the divergence is 0.
    pub is_target: bool,
}

impl KnownOptimum {
    /// The target itself where it is a member, and the member with its moments for the forward KL
    /// of a Gaussian; `None` where only a fit can tell.
    pub fn of(divergence: DivergenceKind, family: &Family, target: &Mixture) -> Option<Self> {
        let is_target = family.contains(target);
        let mixture = if is_target {
            target.clone()
        } else if divergence == DivergenceKind::ForwardKl {
            family.moment_match(target)?.ok()?
        } else {
            return None;
        };
        Some(Self {
            divergence,
            mixture,
            is_target,
        })
    }

    /// How far above the optimum q is, in nats.
    ///
    /// Where the optimum is the target, that is the divergence itself. For the projection q* on an
    /// exponential family, KL(p‖q) − KL(p‖q*) = KL(q*‖q) (Csiszár 1975), which has a closed form.
    pub fn gap(&self, q: &Mixture, evaluation: &Evaluation) -> Option<Estimate> {
        if self.is_target {
            return Some(evaluation.of(self.divergence));
        }
        Some(Estimate::exact(gaussian_kl(&self.mixture, q)?))
    }
}

impl Estimate {
    /// A number in closed form, without error but for rounding.
    pub fn exact(value: f64) -> Self {
        Self {
            value,
            error: 0.0,
            method: Method::ClosedForm,
        }
    }
}
