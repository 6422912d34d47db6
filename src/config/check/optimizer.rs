//! Optimizers: settings that make sense, for a loss and a family that they can go down on.

use super::{Checked, CheckedFit};
use crate::config::FitConfig;
use crate::density::family::Family;

impl CheckedFit<'_> {
    pub(super) fn optimizer(&self, fit: &FitConfig, family: &Family) -> Checked {
        let is_deterministic = fit.estimator.is_deterministic();
        (fit.optimizer.check())
            .and_then(|()| fit.optimizer.rule.suits(family, is_deterministic))
            .map_err(|refusal| self.refused(&["optimizer"], refusal))
    }
}
