//! When a fit stops: what can be told of its loss.

use super::{Checked, Fit};
use crate::config::FitConfig;

impl Fit<'_> {
    pub(super) fn stop(&self, fit: &mut FitConfig) -> Checked {
        fit.stop.check().map_err(|(key, reason)| {
            let help = match key {
                "window" => {
                    "remove it, or give loss_change or precision, which look back on so many steps"
                }
                "precision" => "0.01 is a hundredth of a standard deviation of q; or remove it",
                _ => "give a small number such as 1e-6, or remove it",
            };
            self.error(&["stop", key], reason, help)
        })?;
        let deterministic = fit.estimator.is_deterministic();
        if let (Some(key), false) = (fit.stop.deterministic_key(), deterministic) {
            return Err(self.error(
                &["stop", key],
                "cannot be told of a random objective: its gradient and its loss never come to rest",
                "use precision = 0.01, which averages the iterates, or set noise = \"fixed\" under \
                 [estimator]",
            ));
        }
        if fit.stop.precision.is_some() && deterministic {
            return Err(self.error(
                &["stop", "precision"],
                "is for random objectives, whose iterates wander; this one is deterministic",
                "use gradient_norm = 1e-6 or loss_change = 1e-9",
            ));
        }
        if fit.stop.is_never() {
            fit.stop.gradient_norm = fit.optimizer.rule.arrival();
        }
        Ok(())
    }
}
