//! Expectation–maximisation from some starts to the best of where it ends.

use crate::compute::device::Numerics;
use crate::density::family::Family;
use crate::density::target::{Target, TargetModel};
use crate::divergence::DivergenceKind;
use crate::error::Result;
use crate::estimator::EstimatorConfig;
use crate::fit::init::Start;
use crate::fit::stop::{Stop, StopConfig};
use crate::fit::{Fit, LogConfig, Plan};
use crate::mixture::Mixture;
use crate::optimizer::em::EmConfig;
use crate::optimizer::{OptimizerConfig, OptimizerRule};

/// What is raised: the likelihood of a target's points.
pub(super) struct Likelihood {
    /// Cross-entropy of rows, or forward KL to a density.
    pub divergence: DivergenceKind,
    pub family: Family,
    pub start: Start,
    pub estimator: EstimatorConfig,
    /// Steps at most.
    pub steps: usize,
    /// A change of the loss over ten steps at which a run is near enough to where it leads; left out, none stops before it
    /// is at rest.
    pub near: Option<f64>,
}

/// Where the best start led.
pub(super) struct Best {
    pub mixture: Mixture,
    /// How many steps led there.
    pub steps: usize,
    /// Whether it stopped before its steps were used up.
    pub is_at_rest: bool,
}

impl Likelihood {
    /// The member with the least loss that a start leads to; `None` where every run failed. `told` is given the steps
    /// that are done by now.
    ///
    /// # Errors
    /// If no start can be drawn, or the device failed.
    pub fn best(
        self,
        name: &str,
        target: TargetModel,
        seed: u64,
        told: &mut dyn FnMut(usize),
    ) -> Result<Option<Best>> {
        let optimizer = OptimizerRule::from(EmConfig::default());
        let steps = self.steps;
        let plan = Plan {
            label: name.to_owned(),
            divergence: self.divergence,
            family: self.family,
            start: self.start,
            estimator: self.estimator,
            optimizer: OptimizerConfig {
                steps,
                ..optimizer.into()
            },
            anneal: None,
            adapt: None,
            stop: StopConfig {
                gradient_norm: optimizer.arrival(),
                loss_change: self.near,
                ..StopConfig::NEVER
            },
        };
        let log = LogConfig {
            every: Some(steps),
            ..LogConfig::default()
        };
        let target = Target::new(target, &Numerics::cpu());
        let mut last = None;
        let mut fit = Fit::new(&plan, &target, &Numerics::cpu(), log, seed)?;
        while !fit.has_ended() {
            last = fit.take_step()?.or(last);
            told(fit.step().unwrap_or(0));
        }
        Ok((last.into_iter().flat_map(|record| record.runs))
            .filter(|run| !run.has_failed() && run.loss.value.is_finite())
            .min_by(|a, b| a.loss.value.total_cmp(&b.loss.value))
            .map(|run| Best {
                steps: run.stop.as_ref().and_then(Stop::step).unwrap_or(steps),
                is_at_rest: run.stop.is_some_and(|stop| stop != Stop::Steps),
                mixture: run.mixture,
            }))
    }
}
