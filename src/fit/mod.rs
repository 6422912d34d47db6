//! The only loop: gradient descent on one divergence, for all runs at once.

mod adapt;
pub(crate) mod anneal;
mod begin;
mod best;
pub(crate) mod evaluations;
mod failure;
pub(crate) mod falling;
pub mod init;
mod matched;
pub mod objective;
pub mod optima;
mod pace;
mod plan;
mod record;
mod sketch;
mod state;
pub mod stop;

use std::cell::RefCell;
use std::ops::Range;
use std::time::Instant;

use burn::tensor::Tensor;

pub use adapt::AdaptConfig;
pub use anneal::AnnealConfig;
pub use evaluations::Evaluations;
pub(crate) use failure::refuted;
pub use falling::Falling;
pub use pace::Pace;
pub use plan::{LogConfig, Plan};
pub use record::{BestIterate, Record, RunRecord};
pub use state::FitState;

use crate::compute::kernel::norm;
use crate::density::family::Family;
use crate::divergence::DivergenceKind;
use crate::error::Result;
use crate::fit::objective::Objective;
use crate::fit::stop::{Stop, StopMonitor, Verdict};
use crate::judge::evaluate::{Effort, Evaluator};
use crate::judge::known_optimum::KnownOptimum;
use crate::mixture::Mixture;
use crate::optimizer::{Iterate, LossFunction, Optimizer};
use adapt::Adaptation;
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
/// use klfit::{
///     DivergenceKind, EstimatorRule, Family, FamilyConfig, Fit, LogConfig, Mixture, Numerics,
///     OptimizerConfig, Plan, Start, StopConfig, Target,
/// };
///
/// let numerics = Numerics::cpu();
/// let p = Mixture::from_stds(vec![0.5, 0.5], vec![vec![-2.0], vec![2.0]], vec![vec![1.0]; 2])?;
/// let q = Mixture::from_stds(vec![1.0], vec![vec![1.0]], vec![vec![1.0]])?;
/// let plan = Plan {
///     label: "forward".into(),
///     divergence: DivergenceKind::ForwardKl,
///     family: Family::new(FamilyConfig::default(), 1),
///     start: Start::Given(Box::new(q)),
///     estimator: EstimatorRule::Quadrature(Default::default()).into(),
///     optimizer: OptimizerConfig::default(),
///     stop: StopConfig::NEVER,
///     anneal: None,
///     adapt: None,
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
    parts: Vec<MemberRuns>,
    /// Whether the optimizer steps by scores.
    needs_scores: bool,
    steps: usize,
    every: usize,
    started: Instant,
    step: Option<usize>,
    /// θ of this step, `[R, P]`.
    theta: Vec<f64>,
    /// The last θ of each run at which loss and gradient were finite, `[R, P]`.
    finite: Vec<f64>,
    /// The R runs.
    runs: Vec<Run>,
    /// If components come and go.
    adaptation: Option<Adaptation>,
    /// Whether a record could not be made: none comes after it.
    has_failed: bool,
}

/// What is known of a run.
struct Run {
    /// Whether it continues: it has not stopped, and has only seen finite numbers.
    is_active: bool,
    /// The step it has reached; of a failed run, the step it failed at.
    reached: usize,
    /// Its loss there …
    loss: f64,
    /// … and the norm of its gradient.
    norm: f64,
    /// Its last valid member …
    mixture: Mixture,
    /// … and θ of that, P numbers.
    theta: Vec<f64>,
    /// If there is anything to watch for.
    monitor: Option<StopMonitor>,
    /// Why it stopped, if it has.
    stop: Option<Stop>,
    /// Whether a record has its end.
    recorded: bool,
    /// Its best iterate, once a record has one.
    best: Option<Best>,
    /// How often the target was evaluated for it so far.
    evaluations: Evaluations,
}

impl Run {
    fn has_failed(&self) -> bool {
        self.stop.as_ref().is_some_and(Stop::is_failure)
    }
}

/// The runs of one member.
struct MemberRuns {
    runs: Range<usize>,
    evaluator: Evaluator,
    optimum: Option<KnownOptimum>,
}

/// The objective at a step, as a function of θ.
struct LossOfStep<'o, 'a> {
    objective: &'o Objective<'a>,
    step: usize,
    /// Which of the runs continue.
    active: Vec<usize>,
    /// The evaluations of the target that each run took here.
    spent: RefCell<Vec<Evaluations>>,
}

impl LossFunction for LossOfStep<'_, '_> {
    fn value_and_gradient(&self, theta: &[f64]) -> Result<(Vec<f64>, Vec<f64>)> {
        let (made, evaluations) = self.objective.metered(theta, self.step, &self.active)?;
        for (spent, more) in self.spent.borrow_mut().iter_mut().zip(evaluations) {
            *spent += more;
        }
        Ok(made)
    }
}

impl<'a> Fit<'a> {
    /// Steps the fit takes at most.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// The last step that was taken in; none before the first.
    pub fn step(&self) -> Option<usize> {
        self.step
    }

    /// Makes a record after every so many steps from here on.
    pub(crate) fn log_every(&mut self, every: usize) {
        self.every = every.max(1);
    }

    /// Evaluates the runs of the next records with so much work.
    pub(crate) fn log_with(&mut self, effort: Effort) {
        for part in &mut self.parts {
            part.evaluator.set_effort(effort);
        }
    }

    /// Whether there is nothing left to do.
    pub fn has_ended(&self) -> bool {
        self.has_failed || self.all_stopped()
    }

    /// The runs of each member, in the order they were given.
    pub fn members(&self) -> Vec<Range<usize>> {
        self.parts.iter().map(|part| part.runs.clone()).collect()
    }

    /// Whether a record is due at `step`.
    fn is_logged(&self, step: usize) -> bool {
        step.is_multiple_of(self.every) || self.is_last(step)
    }

    /// Whether no step comes after this one.
    fn is_last(&self, step: usize) -> bool {
        step >= self.steps
    }

    /// θ on the device, `[R, P]`.
    fn tensor(&self, theta: &[f64]) -> Tensor<2> {
        let shape = [self.runs.len(), self.family.parameters()];
        self.objective.numerics().tensor(theta.to_vec(), shape)
    }

    fn all_stopped(&self) -> bool {
        self.runs.iter().all(|run| run.stop.is_some())
    }

    /// The runs that continue.
    fn active(&self) -> Vec<usize> {
        (0..self.runs.len())
            .filter(|&run| self.runs[run].is_active)
            .collect()
    }

    /// Evaluates loss and gradient of the runs that continue, and lets only those where they are finite continue.
    fn evaluate_step(&mut self, step: usize) -> Result<Iterate> {
        let active = self.active();
        let ((mut loss, mut gradient), scores, evaluations) = match self.needs_scores {
            true => self.objective.metered_with_scores(&self.theta, step)?,
            false => {
                let (made, evaluations) = self.objective.metered(&self.theta, step, &active)?;
                (made, None, evaluations)
            }
        };
        self.spend(evaluations);
        let parameters = self.family.parameters();
        for (at, run) in self.runs.iter_mut().enumerate() {
            let row = at * parameters..(at + 1) * parameters;
            if run.is_active {
                run.reached = step;
                run.loss = loss[at];
                run.norm = norm(&gradient[row.clone()]);
                run.is_active = (run.loss + run.norm).is_finite();
            } else {
                loss[at] = run.loss;
                gradient[row.clone()].fill(0.0);
            }
            if run.is_active {
                self.finite[row.clone()].copy_from_slice(&self.theta[row]);
            }
        }
        Ok(Iterate {
            step,
            theta: self.theta.clone(),
            loss,
            gradient,
            scores,
        })
    }

    /// Adds to what the runs that continue have taken.
    fn spend(&mut self, evaluations: Vec<Evaluations>) {
        for (run, more) in self.runs.iter_mut().zip(evaluations) {
            if run.stop.is_none() {
                run.evaluations += more;
            }
        }
    }

    /// Asks the monitors which runs are done. True if one of them is to end at the average of its
    /// iterates instead of the last one.
    fn check_stops(&mut self, step: usize) -> Result<bool> {
        if self.objective.beta(step) < 1.0 || self.is_adapting(step) {
            return Ok(false);
        }
        let (is_last, mut averaged) = (self.is_last(step), false);
        let rows = self.theta.chunks_mut(self.family.parameters());
        for (theta, run) in rows.zip(&mut self.runs) {
            let (loss, norm) = (run.loss, run.norm);
            let is_over = run.stop.is_some() || !(loss + norm).is_finite();
            let Some(monitor) = run.monitor.as_mut().filter(|_| !is_over) else {
                continue;
            };
            let units = || self.family.units(&run.mixture);
            let (stop, average) = match monitor.observe(theta, loss, norm, units) {
                Verdict::Continue if is_last => (None, monitor.best_average()),
                Verdict::Continue => (None, None),
                Verdict::Gradient => (Some(Stop::Gradient { step }), None),
                Verdict::Loss => (Some(Stop::Loss { step }), None),
                Verdict::Averaged(average) => (Some(Stop::Averaged { step }), Some(average)),
            };
            run.stop = stop;
            if let Some(average) = average {
                theta.copy_from_slice(&average);
                averaged = true;
            }
        }
        Ok(averaged)
    }

    /// One step of the optimizer for the runs that continue.
    fn descend(&mut self, from: Iterate) -> Result<Vec<Evaluations>> {
        let step = from.step;
        let loss_function = LossOfStep {
            objective: &self.objective,
            step,
            active: self.active(),
            spent: RefCell::new(vec![Evaluations::default(); self.runs.len()]),
        };
        let mut moved = self.optimizer.step(from, &loss_function)?;
        let mut spent = loss_function.spent.into_inner();
        if let Some(adaptation) = &self.adaptation {
            adaptation.hold(&mut moved.theta, &self.theta);
        }
        let parameters = self.family.parameters();
        let rows = (self.theta.chunks_mut(parameters)).zip(moved.theta.chunks(parameters));
        for ((theta, moved), run) in rows.zip(&self.runs) {
            if run.is_active {
                theta.copy_from_slice(moved);
            }
        }
        for run in moved.stuck {
            self.runs[run].stop.get_or_insert(Stop::NoProgress { step });
        }
        for (spent, more) in spent.iter_mut().zip(self.adapt(step + 1)?) {
            *spent += more;
        }
        Ok(spent)
    }

    /// Leaves runs that have stopped where they are.
    fn deactivate(&mut self) {
        for run in &mut self.runs {
            run.is_active &= run.stop.is_none();
        }
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
            losses = Some(self.objective.settle(&self.tensor(&self.theta), step)?);
        }
        let mut from = self.evaluate_step(step)?;
        // What is lost with its density may come back where that does: no record says that it is.
        self.objective.target().model().check()?;
        if self.runs.iter().any(|run| run.monitor.is_some()) {
            if self.check_stops(step)? {
                from = self.evaluate_step(step)?;
            }
            self.deactivate();
        }
        let mut spent = Vec::new();
        if !self.is_last(step) && !self.all_stopped() {
            spent = self.descend(from)?;
            self.deactivate();
        }
        if !logged && !self.all_stopped() {
            self.spend(spent);
            return Ok(None);
        }
        let losses = match losses {
            Some(losses) => losses,
            None => self.objective.settle(&self.tensor(&self.finite), step)?,
        };
        // What it took to come here; the step from here counts in the next.
        let record = self.record(step, &losses)?;
        self.spend(spent);
        self.deactivate();
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
        self.has_failed = record.is_err();
        Some(record)
    }
}
