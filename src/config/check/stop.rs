//! When a fit stops: what can be known of its loss.

use super::{Checked, CheckedFit};
use crate::config::FitConfig;

impl CheckedFit<'_> {
    pub(super) fn stop(&self, fit: &mut FitConfig) -> Checked {
        (fit.stop.check(fit.estimator.is_deterministic()))
            .map_err(|refusal| self.refused(&["stop"], refusal))?;
        if fit.stop.is_never() {
            fit.stop.gradient_norm = fit.optimizer.rule.arrival();
        }
        Ok(())
    }
}
