//! Optimizers: settings that make sense, for a loss and a family that they can go down on.

use super::{Checked, CheckedFit};
use crate::config::FitConfig;
use crate::density::family::{Covariance, Family};
use crate::optimizer::Problem;

impl CheckedFit<'_> {
    pub(super) fn optimizer(
        &self,
        fit: &FitConfig,
        family: &Family,
        notes: &mut Vec<String>,
    ) -> Checked {
        let problem = Problem {
            family,
            is_deterministic: fit.estimator.is_deterministic(),
            is_likelihood: fit.divergence.is_likelihood(),
            is_reverse_kl: fit.divergence.is_reverse_kl(),
            has_draws: fit.estimator.rule.is_random(),
            has_gradient: self.target.has_gradient(),
        };
        (fit.optimizer.check())
            .and_then(|()| fit.optimizer.rule.suits(problem))
            .map_err(|refusal| self.refused(&["optimizer"], refusal))?;
        let (batch, dim) = (fit.estimator.rule.points(1, family.dim(), 0), family.dim());
        let is_low_rank = family.covariance() == Covariance::LowRank;
        if fit.optimizer.rule.needs_scores() && batch <= dim && !is_low_rank {
            notes.push(format!(
                "{}: a batch of {batch} draws does not tell all of {dim} dimensions: it takes many steps, and may not \
                 arrive; samples = {} would do",
                self.at,
                dim + 2
            ));
        }
        Ok(())
    }

    /// Draws of earlier steps stand for components of q that they were not drawn from.
    pub(super) fn reuse(&self, fit: &FitConfig) -> Checked {
        let steps = fit.estimator.reuse;
        let refused = |why: String| {
            let message = format!("is {steps}, and {why}");
            Err(self.error(&["estimator", "reuse"], message, "remove it"))
        };
        if steps > 0 && fit.optimizer.rule.needs_scores() {
            let name = fit.optimizer.rule.name();
            return refused(format!("\"{name}\" goes by the draws of one step"));
        }
        if steps > 0 && fit.family.covariance == Covariance::LowRank {
            return refused(
                "draws of a low-rank covariance are made of more numbers than they have".to_owned(),
            );
        }
        Ok(())
    }
}
