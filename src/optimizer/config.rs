//! `[optimizer]` of a config: a rule with a learning rate, its schedule, and clipping.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::{
    AdamConfig, AdamWConfig, Direction, Landscape, LbfgsConfig, Moved, NaturalGradientConfig,
    Optimizer, Point, Refusal, RmsPropConfig, Schedule, SgdConfig, check_positive,
};
use crate::compute::device::Numerics;
use crate::compute::kernel::norms;
use crate::compute::snapshot::Snapshot;
use crate::density::family::Family;
use crate::error::Result;

/// How θ moves.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section")]
pub struct OptimizerConfig {
    /// The rule.
    #[serde(rename = "type")]
    pub rule: RuleConfig,
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
    /// Over so many steps the learning rate rises from 0 first.
    #[serde(default)]
    pub warmup: usize,
    /// The largest norm of a run's gradient; a longer one is shortened to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip: Option<f64>,
}

fn default_steps() -> usize {
    1000
}

/// The rules a config may name.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", expecting = "a section")]
pub enum RuleConfig {
    /// Adam (Kingma and Ba 2015).
    Adam(AdamConfig),
    /// Adam with decoupled weight decay (Loshchilov and Hutter 2019).
    #[serde(rename = "adamw")]
    AdamW(AdamWConfig),
    /// Gradient descent, with momentum where asked.
    Sgd(SgdConfig),
    /// RMSProp (Tieleman and Hinton 2012).
    #[serde(rename = "rmsprop")]
    RmsProp(RmsPropConfig),
    /// L-BFGS (Liu and Nocedal 1989).
    Lbfgs(LbfgsConfig),
    /// Natural gradient (Amari 1998).
    NaturalGradient(NaturalGradientConfig),
}

impl RuleConfig {
    /// Every rule there is, with its defaults.
    pub fn all() -> [Self; 6] {
        [
            Self::Adam(AdamConfig::default()),
            Self::AdamW(AdamWConfig::default()),
            Self::Sgd(SgdConfig::default()),
            Self::RmsProp(RmsPropConfig::default()),
            Self::Lbfgs(LbfgsConfig::default()),
            Self::NaturalGradient(NaturalGradientConfig::default()),
        ]
    }

    /// Its name in a config.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Adam(_) => "adam",
            Self::AdamW(_) => "adamw",
            Self::Sgd(_) => "sgd",
            Self::RmsProp(_) => "rmsprop",
            Self::Lbfgs(_) => "lbfgs",
            Self::NaturalGradient(_) => "natural-gradient",
        }
    }

    /// The learning rate where a config gives none.
    pub fn default_learning_rate(&self) -> f64 {
        match self {
            Self::Adam(_) | Self::AdamW(_) => 0.05,
            Self::Sgd(_) | Self::NaturalGradient(_) => 0.1,
            Self::RmsProp(_) => 0.01,
            Self::Lbfgs(_) => 1.0,
        }
    }

    /// Whether it has a learning rate: L-BFGS looks for its steps by itself.
    pub fn has_learning_rate(&self) -> bool {
        !matches!(self, Self::Lbfgs(_))
    }

    fn check(&self) -> Result<(), Refusal> {
        match self {
            Self::Adam(config) => config.check(),
            Self::AdamW(config) => config.check(),
            Self::Sgd(config) => config.check(),
            Self::RmsProp(config) => config.check(),
            Self::Lbfgs(config) => config.check(),
            Self::NaturalGradient(config) => config.check(),
        }
    }
}

impl From<RuleConfig> for OptimizerConfig {
    fn from(rule: RuleConfig) -> Self {
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
        RuleConfig::Adam(AdamConfig::default()).into()
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

    /// The `type` taken when a config names none.
    pub const DEFAULT: &'static str = "adam";
    /// The keys that every type has.
    pub const COMMON: [&'static str; 6] = [
        "learning_rate",
        "steps",
        "schedule",
        "final_rate",
        "warmup",
        "clip",
    ];

    /// The learning rate.
    pub fn learning_rate(&self) -> f64 {
        let default = self.rule.default_learning_rate();
        self.learning_rate.unwrap_or(default)
    }

    /// The share of the learning rate that is left at the last step.
    pub fn final_rate(&self) -> f64 {
        match self.schedule {
            Schedule::Constant => 1.0,
            _ => self.final_rate.unwrap_or(0.01),
        }
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

    /// The key of a setting that makes no sense, with the reason.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        check_positive("learning_rate", self.learning_rate())?;
        if self.steps == 0 {
            return Err(("steps", "is 0; a fit takes at least one step".to_owned()));
        }
        if !self.rule.has_learning_rate() {
            let own = format!(
                "has no meaning for {}, which finds its own steps",
                self.rule.name()
            );
            if self.learning_rate.is_some() {
                return Err(("learning_rate", own));
            }
            if self.schedule != Schedule::Constant {
                return Err(("schedule", own));
            }
            if self.warmup > 0 {
                return Err(("warmup", own));
            }
            if self.clip.is_some() {
                return Err(("clip", own));
            }
            if self.final_rate.is_some() {
                return Err(("final_rate", own));
            }
        }
        if self.final_rate.is_some() && self.schedule == Schedule::Constant {
            let reason = "is given, and the learning rate is constant";
            return Err(("final_rate", reason.to_owned()));
        }
        let exponential = self.schedule == Schedule::Exponential;
        let end = self.final_rate();
        if !(0.0..=1.0).contains(&end) || (exponential && end == 0.0) {
            let range = if exponential { "above 0" } else { "at least 0" };
            let reason = format!("is {end}; it must be {range} and at most 1");
            return Err(("final_rate", reason));
        }
        if self.warmup >= self.steps && self.warmup > 0 {
            let reason = format!(
                "is {}, and there are {} steps in all",
                self.warmup, self.steps
            );
            return Err(("warmup", reason));
        }
        if let Some(clip) = self.clip {
            check_positive("clip", clip)?;
        }
        self.rule.check()
    }

    /// A fresh optimizer for runs whose learning rates are `rates`, R of them.
    pub fn build(&self, family: &Family, numerics: &Numerics, rates: &[f64]) -> Box<dyn Optimizer> {
        let rule: Box<dyn Direction> = match self.rule {
            RuleConfig::Adam(config) => config.build(),
            RuleConfig::AdamW(config) => config.build(),
            RuleConfig::Sgd(config) => config.build(),
            RuleConfig::RmsProp(config) => config.build(),
            RuleConfig::NaturalGradient(config) => config.build(family.clone(), numerics.clone()),
            RuleConfig::Lbfgs(config) => return config.build(numerics.clone()),
        };
        Box::new(Descent {
            rule,
            config: *self,
            rates: numerics.tensor(rates.to_vec(), [rates.len(), 1]),
        })
    }
}

/// A rule with its learning rates.
struct Descent {
    rule: Box<dyn Direction>,
    config: OptimizerConfig,
    /// `[R, 1]`.
    rates: Tensor<2>,
}

impl Optimizer for Descent {
    fn step(&mut self, from: Point, _: &dyn Landscape) -> Result<Moved> {
        let gradient = match self.config.clip {
            Some(most) => clipped(from.gradient, most),
            None => from.gradient,
        };
        let rates = (self.rates.clone()).mul_scalar(self.config.share(from.step));
        let direction = self.rule.direction(&from.theta, gradient, &rates);
        Ok(Moved {
            theta: from.theta - direction * rates,
            stuck: Vec::new(),
        })
    }

    fn snapshot(&self) -> Result<Snapshot> {
        self.rule.snapshot()
    }

    fn restore(
        &mut self,
        snapshot: &Snapshot,
        shape: [usize; 2],
        numerics: &Numerics,
    ) -> Result<()> {
        self.rule.restore(snapshot, shape, numerics)
    }
}

/// The gradients `[R, P]`, none longer than `most`.
fn clipped(gradient: Tensor<2>, most: f64) -> Tensor<2> {
    let norm = norms(gradient.clone());
    gradient * norm.recip().mul_scalar(most).clamp_max(1.0)
}
