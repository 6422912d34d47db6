//! Annealing: a fit that first sees p^β, which is flatter, and p itself in the end.

use serde::{Deserialize, Serialize};

use crate::divergence::DivergenceKind;
use crate::error::Refusal;
use crate::optimizer::{OptimizerConfig, Schedule};

/// `[anneal]` of a config: reverse KL to p^β but for its constant, E_q[log q − β log p], with β that rises to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section")]
pub struct AnnealConfig {
    /// β at the first step.
    pub start: f64,
    /// The step from which on β is 1.
    pub steps: usize,
    /// How it rises.
    #[serde(default = "exponential")]
    pub schedule: Schedule,
}

fn exponential() -> Schedule {
    Schedule::Exponential
}

impl AnnealConfig {
    /// β at a step, counted from 0.
    pub fn beta(&self, step: usize) -> f64 {
        match step < self.steps {
            true => {
                let left = 1.0 - step as f64 / self.steps as f64;
                self.schedule.share(left, self.start)
            }
            false => 1.0,
        }
    }

    /// Checks that it makes sense for a fit.
    ///
    /// # Errors
    /// With the first setting that makes none.
    pub fn check(
        &self,
        divergence: DivergenceKind,
        optimizer: &OptimizerConfig,
    ) -> Result<(), Refusal> {
        let refused = |key, message: String, help: &str| Err(Refusal::new(key, message, help));
        if !(self.start > 0.0 && self.start < 1.0) {
            let message = format!("is {}; it must be above 0 and below 1", self.start);
            return refused(
                "start",
                message,
                "0.05 sees the target to the power 0.05 at first",
            );
        }
        if self.steps == 0 || self.steps >= optimizer.steps {
            let message = format!(
                "is {}, and the fit takes {} steps, of which some are to see the target itself",
                self.steps, optimizer.steps
            );
            return refused(
                "steps",
                message,
                "give fewer than optimizer.steps, and at least 1",
            );
        }
        if self.schedule == Schedule::Constant {
            let help = "use \"exponential\", \"linear\" or \"cosine\"";
            return refused(
                "schedule",
                "is \"constant\", and must rise".to_owned(),
                help,
            );
        }
        if divergence != DivergenceKind::ReverseKl {
            let message = format!(
                "is for reverse KL, and the fit minimises {}",
                divergence.title()
            );
            return refused(
                "start",
                message,
                "remove the section, or move it to the fit it is for",
            );
        }
        if optimizer.rule.compares_steps() {
            let message = format!(
                "has no meaning for {}, which compares one step with the next",
                optimizer.rule.name()
            );
            return refused(
                "start",
                message,
                "use \"vips\", \"adam\" or \"natural-gradient\"",
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beta_rises_from_its_start_to_one() {
        for schedule in [Schedule::Linear, Schedule::Cosine, Schedule::Exponential] {
            let anneal = AnnealConfig {
                start: 0.05,
                steps: 40,
                schedule,
            };
            assert!((anneal.beta(0) - 0.05).abs() < 1e-15);
            assert!((1..60).all(|step| anneal.beta(step) >= anneal.beta(step - 1)));
            assert!(anneal.beta(39) < 1.0);
            assert_eq!(anneal.beta(40), 1.0);
            assert_eq!(anneal.beta(1000), 1.0);
        }
        let anneal = AnnealConfig {
            start: 0.25,
            steps: 2,
            schedule: Schedule::Exponential,
        };
        assert!((anneal.beta(1) - 0.5).abs() < 1e-15);
    }
}
