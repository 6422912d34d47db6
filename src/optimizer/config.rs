//! `[optimizer]` of a config: a rule with a learning rate, its schedule, and clipping.

use serde::{Deserialize, Serialize};

use super::adam::AdamConfig;
use super::{
    Direction, Iterate, LossFunction, Moved, Optimizer, OptimizerRule, Schedule, Steps,
    check_positive,
};
use crate::compute::device::Numerics;
use crate::compute::kernel::norm;
use crate::compute::snapshot::Snapshot;
use crate::density::family::Family;
use crate::error::{Refusal, Result};

/// How θ moves.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section")]
pub struct OptimizerConfig {
    /// The rule.
    #[serde(rename = "type")]
    pub rule: OptimizerRule,
    /// The learning rate; the rule's own default if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<f64>,
    /// How many steps are taken at most.
    #[serde(default = "default_steps")]
    pub steps: usize,
    /// How the learning rate changes.
    #[serde(default)]
    pub schedule: Schedule,
    /// The share of the learning rate that is left at the last step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub final_rate: Option<f64>,
    /// Over this many steps the learning rate rises from 0 first.
    #[serde(default)]
    pub warmup: usize,
    /// The largest norm of a run's gradient; a longer one is shortened to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip: Option<f64>,
}

fn default_steps() -> usize {
    1000
}

impl From<OptimizerRule> for OptimizerConfig {
    fn from(rule: OptimizerRule) -> Self {
        Self {
            rule,
            learning_rate: None,
            steps: default_steps(),
            schedule: Schedule::default(),
            final_rate: None,
            warmup: 0,
            clip: None,
        }
    }
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        OptimizerRule::from(AdamConfig::default()).into()
    }
}

impl OptimizerConfig {
    /// The share of the learning rate at a step, counted from 0: a straight rise over the warm-up,
    /// then the schedule, which ends at the last step.
    pub fn share(&self, step: usize) -> f64 {
        if step < self.warmup {
            return (step + 1) as f64 / (self.warmup + 1) as f64;
        }
        let last = (self.steps - 1).saturating_sub(self.warmup).max(1);
        let done = ((step - self.warmup) as f64 / last as f64).min(1.0);
        self.schedule.share(done, self.final_rate())
    }

    /// The learning rate, of a rule that has one.
    pub(crate) fn rate(&self) -> Option<f64> {
        (self.rule.has_learning_rate()).then(|| self.learning_rate())
    }

    /// The learning rate; 1 where the rule has none.
    pub fn learning_rate(&self) -> f64 {
        let default = self.rule.choice().default_learning_rate();
        self.learning_rate.or(default).unwrap_or(1.0)
    }

    /// The share of the learning rate that is left at the last step.
    pub fn final_rate(&self) -> f64 {
        if self.schedule == Schedule::Constant {
            return 1.0;
        }
        self.final_rate.unwrap_or(0.01)
    }

    /// Writes down the defaults it takes.
    pub(crate) fn fill(&mut self) {
        if self.schedule != Schedule::Constant {
            self.final_rate = Some(self.final_rate());
        }
        if self.rule.has_learning_rate() {
            self.learning_rate = Some(self.learning_rate());
        }
    }

    /// Checks that its settings make sense.
    ///
    /// # Errors
    /// With the first that makes none.
    pub fn check(&self) -> Result<(), Refusal> {
        let name = self.rule.name();
        let without = format!("remove it, or choose another type than \"{name}\"");
        let default = self.rule.choice().default_learning_rate();
        check_positive("learning_rate", self.learning_rate()).map_err(|refusal| {
            refusal
                .with_help(default.map_or(without.clone(), |rate| format!("{rate} is the default")))
        })?;
        if self.steps == 0 {
            let message = "is 0; a fit takes at least one step";
            return Err(Refusal::new("steps", message, "1000 is the default"));
        }
        if default.is_none() {
            let of_a_rate = [
                ("learning_rate", self.learning_rate.is_some()),
                ("schedule", self.schedule != Schedule::Constant),
                ("warmup", self.warmup > 0),
                ("clip", self.clip.is_some()),
                ("final_rate", self.final_rate.is_some()),
            ];
            if let Some((key, _)) = of_a_rate.into_iter().find(|(_, given)| *given) {
                let message = format!("has no meaning for {name}, which finds its own steps");
                return Err(Refusal::new(key, message, without));
            }
        }
        self.check_schedule()?;
        if let Some(clip) = self.clip {
            let help = "give the largest norm a gradient may have; without it none is clipped";
            check_positive("clip", clip).map_err(|refusal| refusal.with_help(help))?;
        }
        self.rule.choice().check()
    }

    fn check_schedule(&self) -> Result<(), Refusal> {
        let final_rate = |message: String| {
            let help = "it is the share of the learning rate that is left at the last step, 0.01 by \
                        default, of a schedule: \"linear\", \"cosine\" or \"exponential\"";
            Err(Refusal::new("final_rate", message, help))
        };
        if self.final_rate.is_some() && self.schedule == Schedule::Constant {
            return final_rate("is given, and the learning rate is constant".to_owned());
        }
        let exponential = self.schedule == Schedule::Exponential;
        let end = self.final_rate();
        if !(0.0..=1.0).contains(&end) || (exponential && end == 0.0) {
            let range = if exponential { "above 0" } else { "at least 0" };
            return final_rate(format!("is {end}; it must be {range} and at most 1"));
        }
        if self.warmup >= self.steps && self.warmup > 0 {
            let message = format!(
                "is {}, and there are {} steps in all",
                self.warmup, self.steps
            );
            return Err(Refusal::new("warmup", message, "give fewer, or more steps"));
        }
        Ok(())
    }

    /// A fresh optimizer for runs whose learning rates are `rates`, R of them.
    pub fn build(&self, family: &Family, numerics: &Numerics, rates: &[f64]) -> Box<dyn Optimizer> {
        match self.rule.choice().build(family, numerics) {
            Steps::Along(rule) => Box::new(Descent {
                rule,
                config: *self,
                rates: rates.to_vec(),
            }),
            Steps::Own(optimizer) => optimizer,
        }
    }
}

/// A rule with its learning rates.
struct Descent {
    rule: Box<dyn Direction>,
    config: OptimizerConfig,
    /// `[R]`.
    rates: Vec<f64>,
}

impl Optimizer for Descent {
    fn step(&mut self, from: Iterate, _: &dyn LossFunction) -> Result<Moved> {
        let [_, parameters] = from.shape();
        let mut gradient = from.gradient;
        if let Some(most) = self.config.clip {
            gradient
                .chunks_mut(parameters)
                .for_each(|row| clip(row, most));
        }
        let share = self.config.share(from.step);
        let rates: Vec<f64> = self.rates.iter().map(|rate| rate * share).collect();
        let direction = self.rule.direction(&from.theta, gradient, &rates)?;
        let mut theta = from.theta;
        let rows = (theta.chunks_mut(parameters)).zip(direction.chunks(parameters));
        for ((theta, direction), rate) in rows.zip(rates) {
            for (theta, direction) in theta.iter_mut().zip(direction) {
                *theta -= direction * rate;
            }
        }
        Ok(Moved {
            theta,
            stuck: Vec::new(),
        })
    }

    fn snapshot(&self, shape: [usize; 2]) -> Snapshot {
        self.rule.snapshot(shape)
    }

    fn restore(&mut self, snapshot: &Snapshot, shape: [usize; 2]) -> Result<()> {
        self.rule.restore(snapshot, shape)
    }
}

/// Shortens a gradient that is longer than `most`.
fn clip(gradient: &mut [f64], most: f64) {
    let share = (norm(gradient).recip() * most).min(1.0);
    gradient.iter_mut().for_each(|entry| *entry *= share);
}
