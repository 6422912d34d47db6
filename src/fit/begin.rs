//! How a fit begins: its runs, and what they share.

use std::time::Instant;

use super::adapt::Adaptation;
use super::objective::Objective;
use super::plan::LogConfig;
use super::stop::StopMonitor;
use super::{Fit, Member, MemberRuns, Plan, Run};
use crate::compute::device::Numerics;
use crate::compute::noise::RunKey;
use crate::density::target::Target;
use crate::error::{Error, Result};
use crate::judge::evaluate::{Effort, Evaluator, reported};
use crate::judge::known_optimum::KnownOptimum;

impl<'a> Fit<'a> {
    /// Prepares a fit; nothing is computed before the first record is asked for.
    ///
    /// # Errors
    /// If a start is not a member of the family.
    pub fn new(
        plan: &Plan,
        target: &'a Target,
        numerics: &Numerics,
        log: LogConfig,
        seed: u64,
    ) -> Result<Self> {
        Self::batch(&[Member { plan, seed }], target, numerics, log)
    }

    /// Prepares fits that share one loop: the runs of the first, then those of the second, … Each
    /// run sees the noise it would see alone.
    ///
    /// # Errors
    /// If there is none, one does not [batch](Plan::batches_with) with the first, or a start is not
    /// a member of the family.
    pub fn batch(
        members: &[Member],
        target: &'a Target,
        numerics: &Numerics,
        log: LogConfig,
    ) -> Result<Self> {
        let Some(plan) = members.first().map(|member| member.plan) else {
            return Err(Error::usage("there is no fit to run", "give at least one"));
        };
        if let Some(other) = members.iter().find(|other| !plan.batches_with(other.plan)) {
            return Err(Error::usage(
                format!(
                    "fits \"{}\" and \"{}\" cannot share a loop",
                    plan.label, other.plan.label
                ),
                "fits in one loop may differ in name, start, learning rate and seed",
            ));
        }
        let family = &plan.family;
        let (mut keys, mut rates) = (Vec::new(), Vec::new());
        let (mut runs, mut parts) = (Vec::new(), Vec::new());
        let monitor = (!plan.stop.is_never()).then(|| StopMonitor::new(plan.stop));
        // Members of a batch have one divergence, one family and one target.
        let optimum = KnownOptimum::find(plan.divergence, family, target.model());
        for &Member { plan, seed } in members {
            let starts = (plan.start).drawn_for(&plan.first_family(), target.model(), seed)?;
            keys.extend((0..starts.len() as u64).map(|run| RunKey { seed, run }));
            rates.extend(starts.iter().map(|_| plan.optimizer.learning_rate()));
            parts.push(MemberRuns {
                runs: runs.len()..runs.len() + starts.len(),
                evaluator: Evaluator::new(
                    numerics.clone(),
                    family.dim(),
                    seed,
                    reported(plan.divergence),
                    Effort::logged(log.samples),
                ),
                optimum: optimum.clone(),
            });
            for (mixture, evaluations) in starts {
                let theta = match plan.adapt {
                    Some(_) => family.theta_of_fewer(&mixture),
                    None => family.theta_of(&mixture),
                };
                let theta = theta.map_err(|error| {
                    Error::usage(
                        format!("fit \"{}\" cannot start there: {error}", plan.label),
                        "start from a member of the family",
                    )
                })?;
                runs.push(Run {
                    mixture,
                    theta,
                    monitor: monitor.clone(),
                    stop: None,
                    recorded: false,
                    best: None,
                    evaluations,
                    is_active: true,
                    reached: 0,
                    loss: 0.0,
                    norm: 0.0,
                });
            }
        }
        let steps = plan.optimizer.steps;
        let theta: Vec<f64> = runs.iter().flat_map(|run| &run.theta).copied().collect();
        let adaptation = plan.adapt.map(|config| {
            let starts = runs.iter().map(|run: &Run| run.mixture.clone());
            let runs = starts.zip(keys.iter().copied());
            Adaptation::new(config, runs, (family, &theta))
        });
        Ok(Self {
            objective: Objective::new(
                plan.divergence,
                &plan.family,
                plan.estimator,
                target,
                numerics,
                keys,
            )
            .annealed(plan.anneal)
            .with_room(plan.adapt.is_some()),
            optimizer: plan.optimizer.build(family, numerics, &rates),
            family: family.clone(),
            own: plan.divergence,
            parts,
            needs_scores: plan.optimizer.rule.needs_scores(),
            steps,
            every: log.every(plan),
            started: Instant::now(),
            step: None,
            finite: theta.clone(),
            theta,
            runs,
            adaptation,
            has_failed: false,
        })
    }

    /// Judges its runs by what it minimises alone.
    pub(crate) fn judged_by_own(mut self) -> Self {
        for part in &mut self.parts {
            part.evaluator = part.evaluator.clone().judging(vec![self.own]);
        }
        self
    }
}
