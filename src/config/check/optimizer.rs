//! Optimizers: settings that make sense, for a loss and a family that they can go down on.

use super::{Checked, CheckedFit};
use crate::config::FitConfig;
use crate::density::family::Family;
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
        if fit.optimizer.rule.needs_scores() && batch <= dim {
            notes.push(format!(
                "{}: a batch of {batch} draws does not tell all of {dim} dimensions: it takes many steps, and may not \
                 arrive; samples = {} would do",
                self.at,
                dim + 2
            ));
        }
        Ok(())
    }
}
