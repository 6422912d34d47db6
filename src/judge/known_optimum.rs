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
    /// How far its mean and its covariance may be off, in standard deviations and squares of them.
    moments_error: f64,
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
            moments_error: target.moments_error(),
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
        let found = gaussian_kl(&self.mixture, q)?;
        // About q* the divergence is half the square of a distance, each part of which is off by so much.
        let dim = q.dim() as f64;
        let off = self.moments_error * (0.5 * dim * (dim + 3.0)).sqrt();
        Some(Estimate {
            error: found.error + off * (2.0 * found.value.max(0.0)).sqrt() + 0.5 * off * off,
            ..found
        })
    }
}
