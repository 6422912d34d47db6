//! Optimizers: settings that make sense, for a loss and a family that they can go down on.

use super::{Checked, Fit};
use crate::config::FitConfig;
use crate::density::family::{Covariance, Family};
use crate::optimizer::RuleConfig as OptimizerRule;

impl Fit<'_> {
    pub(super) fn optimizer(&self, fit: &FitConfig, family: &Family) -> Checked {
        fit.optimizer.check().map_err(|(key, reason)| {
            let help = optimizer_help(&fit.optimizer.rule, key);
            self.error(&["optimizer", key], reason, help)
        })?;
        let rule = &fit.optimizer.rule;
        match rule {
            OptimizerRule::Lbfgs(_) if !fit.estimator.is_deterministic() => Err(self.error(
                &["optimizer", "type"],
                "is \"lbfgs\", which compares the loss between points, and fresh noise changes it",
                "set noise = \"fixed\" under [estimator], use quadrature, or choose \"adam\"",
            )),
            OptimizerRule::NaturalGradient(_) if family.covariance() == Covariance::LowRank => {
                Err(self.error(
                    &["optimizer", "type"],
                    "is \"natural-gradient\", and the Fisher metric of a low-rank covariance has no \
                     closed form",
                    "use covariance = \"full\" or \"diagonal\", or choose \"adam\" or \"lbfgs\"",
                ))
            }
            _ => Ok(()),
        }
    }
}

/// What to do about a setting of an optimizer that makes no sense.
fn optimizer_help(rule: &OptimizerRule, key: &str) -> String {
    let own = || format!("remove it, or choose another type than \"{}\"", rule.name());
    match key {
        "steps" => "1000 is the default".to_owned(),
        "learning_rate" if rule.has_learning_rate() => {
            format!("{} is the default", rule.default_learning_rate())
        }
        "learning_rate" | "schedule" | "final_rate" | "warmup" | "clip"
            if !rule.has_learning_rate() =>
        {
            own()
        }
        "final_rate" => {
            "it is the share of the learning rate that is left at the last step, 0.01 by default, of \
             a schedule: \"linear\", \"cosine\" or \"exponential\""
                .to_owned()
        }
        "warmup" => "give fewer, or more steps".to_owned(),
        "clip" => "give the largest norm a gradient may have; without it none is clipped".to_owned(),
        "nesterov" => "add momentum = 0.9, or remove it".to_owned(),
        _ => "remove it: there is a default; docs/config.md lists them".to_owned(),
    }
}
