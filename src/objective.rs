//! What gradient descent sees: a divergence by an estimator, as a function of θ with its gradient.

use std::cell::OnceCell;

use burn::tensor::{Int, Tensor};

use crate::density::{Density, Draws};
use crate::device::Numerics;
use crate::divergence::{Divergence, Estimate, Sampled, Side};
use crate::error::Result;
use crate::estimator::{Context, Estimator};
use crate::family::Family;
use crate::fit::Plan;
use crate::kernel::{MixtureTensors, indices};
use crate::noise::{NoiseKey, Stream};
use crate::target::Target;

/// A rule for the loss is refined until its error is below this share of the loss (or this many
/// nats, for a loss below one): a coarser one would have stationary points of its own.
const TOLERANCE: f64 = 1e-5;

/// A divergence between a target and the members of a family, estimated.
pub struct Objective<'a> {
    target: &'a dyn Target,
    numerics: Numerics,
    seed: u64,
    family: Family,
    divergence: Box<dyn Divergence>,
    /// The estimator and its refinements.
    rules: Vec<Rule>,
    /// Which rule each run needs; all the first until [`Objective::settle`] says otherwise.
    levels: Vec<usize>,
}

/// An estimator, with what it gives under a target that does not move if it is not random: the
/// points and log p there, made once.
struct Rule {
    estimator: Box<dyn Estimator>,
    fixed: OnceCell<(Draws, Tensor<2>)>,
}

impl<'a> Objective<'a> {
    /// The objective of a fit.
    pub fn new(plan: &Plan, target: &'a dyn Target, numerics: &Numerics, seed: u64) -> Self {
        let first = plan.estimator.build(plan.family.dim());
        let rules = std::iter::successors(Some(first), |rule| rule.refined());
        Self {
            target,
            numerics: numerics.clone(),
            seed,
            family: plan.family,
            divergence: plan.divergence.build(),
            rules: rules
                .map(|estimator| Rule {
                    estimator,
                    fixed: OnceCell::new(),
                })
                .collect(),
            levels: vec![0; plan.start.runs()],
        }
    }

    /// p.
    pub fn target(&self) -> &'a dyn Target {
        self.target
    }

    /// The device and precision.
    pub fn numerics(&self) -> &Numerics {
        &self.numerics
    }

    /// The densities of θ `[R, P]`.
    pub fn member(&self, theta: Tensor<2>) -> MixtureTensors {
        self.family.density(theta, &self.numerics)
    }

    /// Chooses for each run of θ `[R, P]` the coarsest rule that is good enough there, and returns
    /// the R values with their errors.
    ///
    /// # Errors
    /// If the device failed.
    pub fn settle(&mut self, theta: &Tensor<2>, step: usize) -> Result<Vec<Estimate>> {
        let [runs, _] = theta.dims();
        let mut settled = vec![Estimate::UNKNOWN; runs];
        let mut open: Vec<usize> = (0..runs).collect();
        for level in 0..self.rules.len() {
            let theta = if open.len() == runs {
                theta.clone()
            } else {
                theta.clone().select(0, self.indices(&open))
            };
            let estimates = self.estimate(theta, &self.rules[level], step)?;
            let mut still_open = Vec::new();
            for (run, estimate) in open.into_iter().zip(estimates) {
                settled[run] = estimate;
                self.levels[run] = level;
                if estimate.error > TOLERANCE * estimate.value.abs().max(1.0) {
                    still_open.push(run);
                }
            }
            open = still_open;
            if open.is_empty() {
                break;
            }
        }
        Ok(settled)
    }

    /// The value `[R]` at θ `[R, P]`, in nats, with the noise of a step.
    pub fn value(&self, theta: Tensor<2>, step: usize) -> Tensor<1> {
        let mut used: Vec<usize> = self.levels.clone();
        used.sort_unstable();
        used.dedup();
        if let [level] = used[..] {
            return self.value_by(&self.rules[level], theta, step);
        }
        // Runs of one rule go together; their values are put back in order.
        let (mut values, mut order) = (Vec::with_capacity(used.len()), Vec::new());
        for level in used {
            let members = (0..self.levels.len()).filter(|&run| self.levels[run] == level);
            let members: Vec<usize> = members.collect();
            let theta = theta.clone().select(0, self.indices(&members));
            values.push(self.value_by(&self.rules[level], theta, step));
            order.extend(members);
        }
        let mut back = vec![0; order.len()];
        for (place, run) in order.into_iter().enumerate() {
            back[run] = place;
        }
        Tensor::cat(values, 0).select(0, self.indices(&back))
    }

    /// The value `[R]` and its gradient `[R, P]`, neither tracked for gradients any more.
    pub fn value_and_gradient(&self, theta: &Tensor<2>, step: usize) -> (Tensor<1>, Tensor<2>) {
        let tracked = theta.clone().autodiff().require_grad();
        let value = self.value(tracked.clone(), step);
        // The runs are independent, so the gradient of the sum holds the gradient of each.
        let gradients = value.clone().sum().backward();
        let gradient = tracked.grad(&gradients);
        let gradient = gradient.unwrap_or_else(|| theta.zeros_like());
        (value.inner(), gradient.without_autodiff())
    }

    fn value_by(&self, rule: &Rule, theta: Tensor<2>, step: usize) -> Tensor<1> {
        let q = self.member(theta);
        let share = |&side| {
            let sampled = self.sampled(rule, side, &q, step);
            sampled.share(&*self.divergence, side)
        };
        let shares = self.divergence.sides().iter().map(share);
        let total = shares.reduce(|sum, share| sum + share);
        total.unwrap_or_else(|| self.numerics.tensor(vec![0.0], [1]))
    }

    fn estimate(&self, theta: Tensor<2>, rule: &Rule, step: usize) -> Result<Vec<Estimate>> {
        let q = self.member(theta);
        let mut total: Vec<Estimate> = Vec::new();
        for &side in self.divergence.sides() {
            let sampled = self.sampled(rule, side, &q, step);
            let shares = sampled.estimate(&*self.divergence, side)?;
            total = if total.is_empty() {
                shares
            } else {
                (total.into_iter().zip(shares))
                    .map(|(sum, share)| sum.plus(share))
                    .collect()
            };
        }
        Ok(total)
    }

    fn sampled(&self, rule: &Rule, side: Side, q: &MixtureTensors, step: usize) -> Sampled {
        let (density, stream): (&dyn Density, _) = match side {
            Side::Target => (self.target, Stream::TargetDraws),
            Side::Family => (q, Stream::FamilyDraws),
        };
        let context = Context {
            numerics: &self.numerics,
            dim: self.family.dim(),
            runs: q.dims()[0],
            key: NoiseKey {
                seed: self.seed,
                stream,
                step: step as u64,
            },
        };
        let draw = || rule.estimator.draws(density, context);
        if side == Side::Target && rule.estimator.is_deterministic() {
            let (draws, log_p) = rule.fixed.get_or_init(|| {
                let draws = draw();
                let log_p = self.target.log_density(draws.x.clone());
                (draws, log_p)
            });
            return Sampled::with_log_p(draws.clone(), log_p.clone(), q);
        }
        Sampled::new(draw(), self.target, q)
    }

    fn indices(&self, runs: &[usize]) -> Tensor<1, Int> {
        indices(runs, self.numerics.device())
    }
}
