//! What gradient descent sees: a divergence by an estimator, as a function of θ with its gradient.

use std::cell::OnceCell;

use burn::tensor::Tensor;

use crate::density::{Density, Draws};
use crate::device::Numerics;
use crate::divergence::{Divergence, Sampled, Side};
use crate::estimator::{Context, Estimator};
use crate::family::Family;
use crate::fit::Plan;
use crate::kernel::MixtureTensors;
use crate::noise::{NoiseKey, Stream};
use crate::target::Target;

/// A divergence between a target and the members of a family, estimated.
pub struct Objective<'a> {
    target: &'a dyn Target,
    numerics: Numerics,
    seed: u64,
    family: Family,
    divergence: Box<dyn Divergence>,
    estimator: Box<dyn Estimator>,
    /// Points under the target and log p there, for an estimator that is not random: made once.
    fixed: OnceCell<(Draws, Tensor<2>)>,
}

impl<'a> Objective<'a> {
    /// The objective of a fit.
    pub fn new(plan: &Plan, target: &'a dyn Target, numerics: &Numerics, seed: u64) -> Self {
        Self {
            target,
            numerics: numerics.clone(),
            seed,
            family: plan.family,
            divergence: plan.divergence.build(),
            estimator: plan.estimator.build(plan.family.dim()),
            fixed: OnceCell::new(),
        }
    }

    /// p.
    pub fn target(&self) -> &'a dyn Target {
        self.target
    }

    /// The densities of θ `[R, P]`.
    pub fn member(&self, theta: Tensor<2>) -> MixtureTensors {
        self.family.density(theta, &self.numerics)
    }

    /// The value `[R]` at θ `[R, P]`, in nats, with the noise of a step.
    pub fn value(&self, theta: Tensor<2>, step: usize) -> Tensor<1> {
        let q = self.member(theta);
        let share = |&side| self.sampled(side, &q, step).share(&*self.divergence, side);
        let (first, others) = match self.divergence.sides() {
            [first, others @ ..] => (share(first), others),
            [] => (self.numerics.tensor(vec![0.0], [1]), &[][..]),
        };
        others
            .iter()
            .map(share)
            .fold(first, |sum, share| sum + share)
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

    fn sampled(&self, side: Side, q: &MixtureTensors, step: usize) -> Sampled {
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
        let draw = || self.estimator.draws(density, context);
        if side == Side::Target && self.estimator.is_deterministic() {
            let (draws, log_p) = self.fixed.get_or_init(|| {
                let draws = draw();
                let log_p = self.target.log_density(draws.x.clone());
                (draws, log_p)
            });
            return Sampled::with_log_p(draws.clone(), log_p.clone(), q);
        }
        Sampled::new(draw(), self.target, q)
    }
}
