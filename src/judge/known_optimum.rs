//! The best that a fit can reach, where it is known without a fit.

use crate::density::family::Family;
use crate::density::target::TargetModel;
use crate::divergence::{DivergenceKind, Estimate, gaussian_kl};
use crate::judge::evaluate::Evaluation;
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
    pub fn find(divergence: DivergenceKind, family: &Family, target: &TargetModel) -> Option<Self> {
        use DivergenceKind::{CrossEntropy, ForwardKl};
        let inside = |mixture: &Mixture| family.contains(mixture);
        let known = |mixture: Mixture, is_target: bool| Self {
            divergence,
            mixture,
            is_target,
        };
        if let Some(mixture) = target.as_mixture()
            && inside(mixture)
        {
            return Some(known(mixture.clone(), true));
        }
        if !matches!(divergence, ForwardKl | CrossEntropy) {
            return None;
        }
        let (mean, covariance) = target.moments()?;
        let matched = family.moment_match(&mean, &covariance)?.ok()?;
        inside(&matched).then(|| known(matched, false))
    }

    /// How far above the optimum q is, in nats.
    ///
    /// Where the optimum is the target, that is the divergence itself. For the projection q* on an
    /// exponential family, KL(p‖q) − KL(p‖q*) = KL(q*‖q) (Csiszár 1975), which has a closed form.
    pub fn gap(&self, q: &Mixture, evaluation: &Evaluation) -> Option<Estimate> {
        if self.is_target {
            return Some(evaluation.estimate(self.divergence));
        }
        gaussian_kl(&self.mixture, q)
    }
}
