//! The only loop: gradient descent on one divergence, for all runs at once.

use std::time::Instant;

use burn::tensor::{Bool, Tensor};
use serde::{Deserialize, Serialize};

use crate::device::Numerics;
use crate::divergence::{DivergenceKind, Estimate};
use crate::error::{Error, Result};
use crate::estimator::EstimatorConfig;
use crate::evaluate::{Effort, Evaluation, Evaluator, reported};
use crate::family::Family;
use crate::init::Start;
use crate::known_optimum::KnownOptimum;
use crate::mixture::Mixture;
use crate::objective::Objective;
use crate::optimizer::{Optimizer, OptimizerConfig};
use crate::target::Target;

/// What one fit does, all settings resolved.
#[derive(Debug, Clone)]
pub struct Plan {
    /// A name for files and figures, unique in its experiment.
    pub label: String,
    /// What is minimised.
    pub divergence: DivergenceKind,
    /// Over which densities.
    pub family: Family,
    /// From where.
    pub start: Start,
    /// With which points.
    pub estimator: EstimatorConfig,
    /// By which rule, and for how many steps.
    pub optimizer: OptimizerConfig,
}

/// How a fit is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a section")]
pub struct LogConfig {
    /// A record every so many steps, and at the first and the last; by default about 100 in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<usize>,
    /// Draws on each side for the logged divergences, where D > 2.
    pub samples: usize,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            every: None,
            samples: 4096,
        }
    }
}

impl LogConfig {
    /// Steps between records in a fit of `steps`.
    pub fn every(&self, steps: usize) -> usize {
        self.every.unwrap_or(steps.div_ceil(100)).max(1)
    }
}

/// Why a run stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum Stop {
    /// It took all its steps.
    Steps,
    /// Its loss or gradient was no longer finite, or its parameters no longer a density.
    Failed {
        /// The step it happened at.
        step: usize,
        /// What happened.
        what: String,
    },
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            Self::Steps => f.write_str("all steps taken"),
            Self::Failed { step, what } => write!(f, "failed at step {step}: {what}"),
        }
    }
}

/// One run at one logged step.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// The loss at this step by the estimator of the fit, in nats.
    pub loss: Estimate,
    /// The Euclidean norm of its gradient in θ.
    pub gradient_norm: f64,
    /// Every reported divergence of `mixture`.
    pub evaluation: Evaluation,
    /// How far its divergence is above the optimum, where that is known.
    pub gap: Option<Estimate>,
    /// q at this step; of a failed run, the last whose loss and gradient were finite.
    pub mixture: Mixture,
    /// Why the run stopped, if it has.
    pub stop: Option<Stop>,
}

impl RunRecord {
    /// The step this is about, in a record of `step`: a failed run stays where it failed.
    pub fn step_of(&self, step: usize) -> usize {
        match self.stop {
            Some(Stop::Failed { step, .. }) => step,
            _ => step,
        }
    }
}

/// All runs at one logged step.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Steps taken so far.
    pub step: usize,
    /// Seconds since the fit began.
    pub seconds: f64,
    /// The R runs.
    pub runs: Vec<RunRecord>,
}

/// A fit in progress: an iterator over its logged steps.
///
/// ```
/// use klfit::{Mixture, divergence::DivergenceKind, fit::{Fit, LogConfig, Plan}, init::Start};
/// use klfit::{device::Numerics, estimator::EstimatorConfig, optimizer::OptimizerConfig};
/// use klfit::family::{Family, FamilyConfig};
///
/// let numerics = Numerics::cpu();
/// let p = Mixture::from_stds(vec![0.5, 0.5], vec![vec![-2.0], vec![2.0]], vec![vec![1.0]; 2])?;
/// let q = Mixture::from_stds(vec![1.0], vec![vec![1.0]], vec![vec![1.0]])?;
/// let plan = Plan {
///     label: "forward".into(),
///     divergence: DivergenceKind::ForwardKl,
///     family: Family::new(FamilyConfig::default(), 1),
///     start: Start::Given(Box::new(q)),
///     estimator: EstimatorConfig::Quadrature(Default::default()),
///     optimizer: OptimizerConfig::Adam(Default::default()),
/// };
/// let target = klfit::target::mixture(&p, &numerics);
/// let fit = Fit::new(&plan, &*target, &numerics, LogConfig::default(), 0)?;
/// let last = fit.last().expect("a fit has at least two records")?;
/// // Forward KL matches the moments: mean 0 and variance 1 + 2².
/// assert!(last.runs[0].mixture.mean()[0].abs() < 1e-6);
/// # Ok::<(), klfit::Error>(())
/// ```
pub struct Fit<'a> {
    objective: Objective<'a>,
    optimizer: Box<dyn Optimizer>,
    evaluator: Evaluator,
    steps: usize,
    every: usize,
    started: Instant,
    step: Option<usize>,
    optimum: Option<KnownOptimum>,
    /// θ of this step, `[R, P]`.
    theta: Tensor<2>,
    health: Health,
    /// The last valid member of each run, and why it stopped if it has.
    last: Vec<(Mixture, Option<Stop>)>,
}

/// What is known of the runs without reading it back from the device.
struct Health {
    /// Runs that have only seen finite numbers so far, `[R, 1]`.
    alive: Tensor<2, Bool>,
    /// The step each run has reached, `[R, 1]`; of a failed run, the step it failed at.
    reached: Tensor<2>,
    /// Loss and squared gradient norm of each run at that step, `[R, 1]`.
    loss: Tensor<2>,
    squared_norm: Tensor<2>,
    /// The last θ of each run at which both were finite, `[R, P]`.
    finite: Tensor<2>,
}

impl<'a> Fit<'a> {
    /// Prepares a fit; nothing is computed before the first record is asked for.
    ///
    /// # Errors
    /// If a start is not a member of the family.
    pub fn new(
        plan: &Plan,
        target: &'a dyn Target,
        numerics: &Numerics,
        log: LogConfig,
        seed: u64,
    ) -> Result<Self> {
        let p = target.as_mixture();
        let starts = plan.start.mixtures(&plan.family, p, seed)?;
        let (runs, parameters) = (starts.len(), plan.family.parameters());
        let mut theta = Vec::with_capacity(runs * parameters);
        for start in &starts {
            let member = plan.family.theta_of(start);
            theta.extend(member.map_err(|error| {
                Error::usage(
                    format!("fit \"{}\" cannot start there: {error}", plan.label),
                    "start from a member of the family",
                )
            })?);
        }
        let steps = plan.optimizer.steps();
        let theta = numerics.tensor(theta, [runs, parameters]);
        let zeros = numerics.tensor(vec![0.0; runs], [runs, 1]);
        Ok(Self {
            objective: Objective::new(plan, target, numerics, seed),
            optimizer: plan.optimizer.build(),
            evaluator: Evaluator::new(
                numerics.clone(),
                p.dim(),
                seed,
                reported(plan.divergence),
                Effort::logged(log.samples),
            ),
            steps,
            every: log.every(steps),
            started: Instant::now(),
            step: None,
            optimum: KnownOptimum::of(plan.divergence, &plan.family, p),
            health: Health {
                finite: theta.clone(),
                alive: zeros.clone().equal_elem(0.0),
                reached: zeros.clone(),
                loss: zeros.clone(),
                squared_norm: zeros,
            },
            theta,
            last: starts.into_iter().map(|start| (start, None)).collect(),
        })
    }

    /// Steps the fit takes in all.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Whether a record is due at `step`.
    fn is_logged(&self, step: usize) -> bool {
        step.is_multiple_of(self.every) || step == self.steps
    }

    /// Looks at the numbers of a step, and lets only the runs where they are finite go on.
    fn take_pulse(&mut self, step: usize, loss: Tensor<1>, gradient: &Tensor<2>) {
        let loss = loss.unsqueeze_dim::<2>(1);
        let squared_norm = gradient.clone().square().sum_dim(1);
        let health = &mut self.health;
        let lost = health.alive.clone().bool_not();
        let at = loss.zeros_like() + step as f64;
        health.reached = at.mask_where(lost.clone(), health.reached.clone());
        health.loss = loss.clone().mask_where(lost.clone(), health.loss.clone());
        health.squared_norm = (squared_norm.clone()).mask_where(lost, health.squared_norm.clone());
        let finite = (loss + squared_norm).is_finite();
        health.alive = health.alive.clone().bool_and(finite);
        let lost = health.alive.clone().bool_not().expand(self.theta.dims());
        health.finite = (self.theta.clone()).mask_where(lost, health.finite.clone());
    }

    /// One step of the optimizer for the runs that are alive.
    fn descend(&mut self, gradient: Tensor<2>) {
        let moved = self.optimizer.step(self.theta.clone(), gradient);
        let lost = self.health.alive.clone().bool_not();
        self.theta = moved.mask_where(lost.expand(self.theta.dims()), self.theta.clone());
    }

    /// Reads everything about a step back from the device.
    fn record(&mut self, step: usize, losses: &[Estimate]) -> Result<Record> {
        let p = self.objective.target();
        let q = self.objective.member(self.health.finite.clone());
        let evaluations = self.evaluator.evaluate(p, &q)?;
        let mixtures = q.read()?;
        let alive = Numerics::read(self.health.alive.clone().float())?;
        let reached = Numerics::read(self.health.reached.clone())?;
        let loss = Numerics::read(self.health.loss.clone())?;
        let squared_norm = Numerics::read(self.health.squared_norm.clone())?;
        let mut runs = Vec::with_capacity(mixtures.len());
        for (run, (mixture, mut evaluation)) in mixtures.into_iter().zip(evaluations).enumerate() {
            let (last, stop) = &mut self.last[run];
            let failed = |what: String| {
                let step = reached[run] as usize;
                Some(Stop::Failed { step, what })
            };
            match mixture {
                Ok(mixture) => *last = mixture,
                Err(error) if stop.is_none() => {
                    *stop = failed(format!("q is no longer a density: {error}"));
                }
                Err(_) => {}
            }
            if stop.is_none() && alive[run] == 0.0 {
                let sick = if loss[run].is_finite() {
                    "gradient"
                } else {
                    "loss"
                };
                *stop = failed(format!("the {sick} is not finite"));
            } else if stop.is_none() && step == self.steps {
                *stop = Some(Stop::Steps);
            }
            evaluation.sharpen(p.as_mixture(), last);
            let optimum = self.optimum.as_ref();
            runs.push(RunRecord {
                loss: Estimate {
                    value: loss[run],
                    error: if alive[run] == 0.0 {
                        f64::NAN
                    } else {
                        losses[run].error
                    },
                    ..losses[run]
                },
                gradient_norm: squared_norm[run].sqrt(),
                gap: optimum.and_then(|optimum| optimum.gap(last, &evaluation)),
                evaluation,
                mixture: last.clone(),
                stop: stop.clone(),
            });
        }
        self.bury();
        Ok(Record {
            step,
            seconds: self.started.elapsed().as_secs_f64(),
            runs,
        })
    }

    /// Tells the device of the runs that were found to have failed here.
    fn bury(&mut self) {
        let fine = (self.last.iter())
            .map(|(_, stop)| f64::from(!matches!(stop, Some(Stop::Failed { .. }))));
        let fine = (self.objective.numerics()).tensor(fine.collect(), [self.last.len(), 1]);
        let health = &mut self.health;
        health.alive = health.alive.clone().bool_and(fine.equal_elem(1.0));
    }

    fn advance(&mut self) -> Result<Record> {
        loop {
            let step = match self.step {
                None => {
                    self.started = Instant::now();
                    0
                }
                Some(step) => step + 1,
            };
            self.step = Some(step);
            let losses = (self.is_logged(step))
                .then(|| self.objective.settle(&self.theta, step))
                .transpose()?;
            let (loss, gradient) = self.objective.value_and_gradient(&self.theta, step);
            self.take_pulse(step, loss, &gradient);
            let record = losses
                .map(|losses| self.record(step, &losses))
                .transpose()?;
            let all_stopped = self.last.iter().all(|(_, stop)| stop.is_some());
            if all_stopped {
                self.steps = step;
            } else {
                self.descend(gradient);
            }
            if let Some(record) = record {
                return Ok(record);
            }
        }
    }
}

impl Iterator for Fit<'_> {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.step.is_some_and(|step| step >= self.steps) {
            return None;
        }
        let record = self.advance();
        if record.is_err() {
            self.steps = 0;
        }
        Some(record)
    }
}
