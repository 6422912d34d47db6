//! The only loop: gradient descent on one divergence, for all runs at once.

mod best;
mod failure;
pub mod init;
pub mod objective;
pub mod optima;
mod plan;
mod record;
mod state;
pub mod stop;

use std::ops::Range;
use std::time::Instant;

use burn::tensor::{Bool, Tensor};

pub(crate) use failure::refuted;
pub use plan::{LogConfig, Plan};
pub use record::{BestIterate, Record, RunRecord};
pub use state::FitState;

use crate::compute::device::Numerics;
use crate::compute::kernel::norms;
use crate::compute::noise::RunKey;
use crate::density::family::Family;
use crate::density::target::Target;
use crate::divergence::DivergenceKind;
use crate::error::{Error, Result};
use crate::fit::objective::Objective;
use crate::fit::stop::{Stop, StopMonitor, Verdict};
use crate::judge::evaluate::{Effort, Evaluator, reported};
use crate::judge::known_optimum::KnownOptimum;
use crate::mixture::Mixture;
use crate::optimizer::{Landscape, Optimizer, Point};
use best::Best;

/// A fit among those that share a loop.
#[derive(Debug, Clone, Copy)]
pub struct Member<'p> {
    /// What it does.
    pub plan: &'p Plan,
    /// The seed of its noise.
    pub seed: u64,
}

/// A fit in progress: an iterator over its logged steps.
///
/// ```
/// use klfit::Mixture;
/// use klfit::compute::device::Numerics;
/// use klfit::density::{family::{Family, FamilyConfig}, target::Target};
/// use klfit::divergence::DivergenceKind;
/// use klfit::estimator::RuleConfig;
/// use klfit::fit::{Fit, LogConfig, Plan, init::Start, stop::StopConfig};
/// use klfit::optimizer::OptimizerConfig;
///
/// let numerics = Numerics::cpu();
/// let p = Mixture::from_stds(vec![0.5, 0.5], vec![vec![-2.0], vec![2.0]], vec![vec![1.0]; 2])?;
/// let q = Mixture::from_stds(vec![1.0], vec![vec![1.0]], vec![vec![1.0]])?;
/// let plan = Plan {
///     label: "forward".into(),
///     divergence: DivergenceKind::ForwardKl,
///     family: Family::new(FamilyConfig::default(), 1),
///     start: Start::Given(Box::new(q)),
///     estimator: RuleConfig::Quadrature(Default::default()).into(),
///     optimizer: OptimizerConfig::default(),
///     stop: StopConfig::NEVER,
/// };
/// let target = Target::new(&p, &numerics);
/// let fit = Fit::new(&plan, &target, &numerics, LogConfig::default(), 0)?;
/// let last = fit.last().expect("a fit has at least two records")?;
/// // Forward KL matches the moments: mean 0 and variance 1 + 2².
/// assert!(last.runs[0].mixture.mean()[0].abs() < 1e-6);
/// # Ok::<(), klfit::Error>(())
/// ```
pub struct Fit<'a> {
    objective: Objective<'a>,
    optimizer: Box<dyn Optimizer>,
    family: Family,
    /// What is minimised.
    own: DivergenceKind,
    parts: Vec<Part>,
    steps: usize,
    every: usize,
    started: Instant,
    step: Option<usize>,
    /// θ of this step, `[R, P]`.
    theta: Tensor<2>,
    health: Health,
    /// The last valid member of each run, and why it stopped if it has.
    last: Vec<(Mixture, Option<Stop>)>,
    /// One for each run, if there is anything to watch for.
    watchers: Vec<StopMonitor>,
    /// θ of the last valid members, `[R, P]` row after row.
    shown: Vec<f64>,
    /// The runs whose end a record has told.
    told: Vec<bool>,
    /// The best iterate of each run, once a record has told of one.
    best: Vec<Option<Best>>,
}

/// The runs of one member.
struct Part {
    runs: Range<usize>,
    evaluator: Evaluator,
    optimum: Option<KnownOptimum>,
}

/// What is known of the runs without reading it back from the device.
struct Health {
    /// Runs that go on: they have not stopped, and have only seen finite numbers, `[R, 1]`.
    active: Tensor<2, Bool>,
    /// The step each run has reached, `[R, 1]`; of a failed run, the step it failed at.
    reached: Tensor<2>,
    /// Loss and gradient norm of each run at that step, `[R, 1]`.
    loss: Tensor<2>,
    norm: Tensor<2>,
    /// The last θ of each run at which both were finite, `[R, P]`.
    finite: Tensor<2>,
}

/// The objective of a step as a landscape.
struct At<'o, 'a> {
    objective: &'o Objective<'a>,
    step: usize,
}

impl Landscape for At<'_, '_> {
    fn at(&self, theta: &Tensor<2>) -> (Tensor<1>, Tensor<2>) {
        self.objective.value_and_gradient(theta, self.step)
    }
}

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
        let (mut keys, mut rates, mut theta) = (Vec::new(), Vec::new(), Vec::new());
        let (mut last, mut parts) = (Vec::new(), Vec::new());
        for &Member { plan, seed } in members {
            let starts = plan.start.mixtures(family, target.model(), seed)?;
            for start in &starts {
                theta.extend(family.theta_of(start).map_err(|error| {
                    Error::usage(
                        format!("fit \"{}\" cannot start there: {error}", plan.label),
                        "start from a member of the family",
                    )
                })?);
            }
            keys.extend((0..starts.len() as u64).map(|run| RunKey { seed, run }));
            rates.extend(starts.iter().map(|_| plan.optimizer.learning_rate()));
            parts.push(Part {
                runs: last.len()..last.len() + starts.len(),
                evaluator: Evaluator::new(
                    numerics.clone(),
                    family.dim(),
                    seed,
                    reported(plan.divergence),
                    Effort::logged(log.samples),
                ),
                optimum: KnownOptimum::of(plan.divergence, family, target.model()),
            });
            last.extend(starts.into_iter().map(|start| (start, None)));
        }
        let (runs, steps) = (last.len(), plan.optimizer.steps);
        let theta = numerics.tensor(theta, [runs, family.parameters()]);
        let zeros = numerics.tensor(vec![0.0; runs], [runs, 1]);
        let watched = if plan.stop.is_never() { 0 } else { runs };
        Ok(Self {
            objective: Objective::new(
                plan.divergence,
                &plan.family,
                plan.estimator,
                target,
                numerics,
                keys,
            ),
            optimizer: plan.optimizer.build(family, numerics, &rates),
            family: family.clone(),
            own: plan.divergence,
            parts,
            steps,
            every: log.every(steps),
            started: Instant::now(),
            step: None,
            health: Health {
                finite: theta.clone(),
                active: zeros.clone().equal_elem(0.0),
                reached: zeros.clone(),
                loss: zeros.clone(),
                norm: zeros,
            },
            shown: Numerics::read(theta.clone())?,
            theta,
            told: vec![false; last.len()],
            best: vec![None; last.len()],
            last,
            watchers: vec![StopMonitor::new(plan.stop); watched],
        })
    }

    /// Steps the fit takes at most; once it has ended, those it took.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// The last step that was taken in; none before the first.
    pub fn step(&self) -> Option<usize> {
        self.step
    }

    /// Whether there is nothing left to do.
    pub fn has_ended(&self) -> bool {
        self.step.is_some_and(|step| step >= self.steps)
    }

    /// The runs of each member, in the order they were given.
    pub fn members(&self) -> Vec<Range<usize>> {
        self.parts.iter().map(|part| part.runs.clone()).collect()
    }

    /// Whether a record is due at `step`.
    fn is_logged(&self, step: usize) -> bool {
        step.is_multiple_of(self.every) || step == self.steps
    }

    fn all_stopped(&self) -> bool {
        self.last.iter().all(|(_, stop)| stop.is_some())
    }

    /// Evaluates loss and gradient, and lets only the runs where they are finite go on.
    fn evaluate_step(&mut self, step: usize) -> (Tensor<1>, Tensor<2>) {
        let (loss, gradient) = self.objective.value_and_gradient(&self.theta, step);
        let column = loss.clone().unsqueeze_dim::<2>(1);
        let norm = norms(gradient.clone());
        let health = &mut self.health;
        let over = health.active.clone().bool_not();
        let keep = |new: Tensor<2>, old: &Tensor<2>| new.mask_where(over.clone(), old.clone());
        health.reached = keep(column.zeros_like() + step as f64, &health.reached);
        health.loss = keep(column.clone(), &health.loss);
        health.norm = keep(norm.clone(), &health.norm);
        let finite = (column + norm).is_finite();
        health.active = health.active.clone().bool_and(finite);
        let over = health.active.clone().bool_not().expand(self.theta.dims());
        health.finite = (self.theta.clone()).mask_where(over, health.finite.clone());
        (loss, gradient)
    }

    /// Asks the watchers which runs are done. True if one of them is to end at the average of its
    /// iterates instead of the last one.
    fn watch(&mut self, step: usize) -> Result<bool> {
        let (parameters, mut averaged) = (self.family.parameters(), false);
        let mut theta = Numerics::read(self.theta.clone())?;
        let loss = Numerics::read(self.health.loss.clone())?;
        let norms = Numerics::read(self.health.norm.clone())?;
        let rows = theta.chunks_mut(parameters);
        let runs = rows.zip(&mut self.watchers).zip(&mut self.last);
        for (run, ((theta, watcher), (member, stop))) in runs.enumerate() {
            let norm = norms[run];
            if stop.is_some() || !(loss[run] + norm).is_finite() {
                continue;
            }
            let family = &self.family;
            let average = match watcher.observe(theta, loss[run], norm, || family.units(member)) {
                Verdict::GoOn if step == self.steps => watcher.best_average(),
                Verdict::GoOn => None,
                Verdict::Gradient => {
                    *stop = Some(Stop::Gradient { step });
                    None
                }
                Verdict::Loss => {
                    *stop = Some(Stop::Loss { step });
                    None
                }
                Verdict::Averaged(average) => {
                    *stop = Some(Stop::Averaged { step });
                    Some(average)
                }
            };
            if let Some(average) = average {
                theta.copy_from_slice(&average);
                averaged = true;
            }
        }
        if averaged {
            let shape = self.theta.dims();
            self.theta = self.objective.numerics().tensor(theta, shape);
        }
        Ok(averaged)
    }

    /// One step of the optimizer for the runs that go on.
    fn descend(&mut self, step: usize, loss: Tensor<1>, gradient: Tensor<2>) -> Result<()> {
        let from = Point {
            step,
            theta: self.theta.clone(),
            loss,
            gradient,
        };
        let at = At {
            objective: &self.objective,
            step,
        };
        let moved = self.optimizer.step(from, &at)?;
        let over = self.health.active.clone().bool_not();
        let over = over.expand(self.theta.dims());
        self.theta = moved.theta.mask_where(over, self.theta.clone());
        for run in moved.stuck {
            self.last[run].1.get_or_insert(Stop::NoProgress { step });
        }
        Ok(())
    }

    /// Tells the device of the runs that have stopped.
    fn retire(&mut self) {
        let going = (self.last.iter()).map(|(_, stop)| f64::from(stop.is_none()));
        let going = (self.objective.numerics()).tensor(going.collect(), [self.last.len(), 1]);
        let health = &mut self.health;
        health.active = health.active.clone().bool_and(going.equal_elem(1.0));
    }

    /// Takes in one more step, and one step of the optimizer from there. A record where one is due.
    ///
    /// # Errors
    /// If the device failed.
    pub fn take_step(&mut self) -> Result<Option<Record>> {
        let step = match self.step {
            None => {
                self.started = Instant::now();
                0
            }
            Some(step) => step + 1,
        };
        self.step = Some(step);
        let logged = self.is_logged(step);
        let mut losses = None;
        if logged {
            losses = Some(self.objective.settle(&self.theta, step)?);
        }
        let (mut loss, mut gradient) = self.evaluate_step(step);
        if !self.watchers.is_empty() {
            if self.watch(step)? {
                (loss, gradient) = self.evaluate_step(step);
            }
            self.retire();
        }
        if step < self.steps && !self.all_stopped() {
            self.descend(step, loss, gradient)?;
            self.retire();
        }
        if self.all_stopped() {
            self.steps = step;
        }
        if !logged && !self.all_stopped() {
            return Ok(None);
        }
        let losses = match losses {
            Some(losses) => losses,
            None => self.objective.settle(&self.health.finite, step)?,
        };
        let record = self.record(step, &losses)?;
        self.retire();
        if self.all_stopped() {
            self.steps = step;
        }
        Ok(Some(record))
    }

    fn advance(&mut self) -> Result<Record> {
        loop {
            if let Some(record) = self.take_step()? {
                return Ok(record);
            }
        }
    }
}

impl Iterator for Fit<'_> {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_ended() {
            return None;
        }
        let record = self.advance();
        if record.is_err() {
            self.steps = 0;
        }
        Some(record)
    }
}
