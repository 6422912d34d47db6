//! What gradient descent sees: a divergence by an estimator, as a function of θ with its gradient.

mod by_panels;

use std::cell::OnceCell;

use burn::tensor::{Int, Tensor};

use crate::compute::device::Numerics;
use crate::compute::kernel::cpu::{Expectation, Points, Sites};
use crate::compute::kernel::{MixtureTensors, expectation, has_expectation, indices};
use crate::compute::noise::{Noise, RunKey, Stream};
use crate::density::family::Family;
use crate::density::target::Target;
use crate::density::{Density, Draws};
use crate::divergence::{self, Attempt, Divergence, DivergenceKind, Estimate, Sampled, Side};
use crate::error::Result;
use crate::estimator::{Context, Estimator, EstimatorConfig, GradientRule};
use crate::panels::Host;
use by_panels::{Panels, Spacing, rules};

/// A rule for the loss is refined until its error is below this share of the loss (or this many
/// nats, for a loss below one): a coarser one would have stationary points of its own.
const TOLERANCE: f64 = 1e-5;
/// Gradients that a variance is told from.
const PROBES: usize = 32;

/// Which noise an estimate of the objective is made with.
#[derive(Debug, Clone, Copy)]
enum NoiseOf {
    /// That of a step: every step has its own, unless the noise is fixed.
    Step(usize),
    /// One of those that tell the variance of the gradient: each its own, always.
    Probe(usize),
}

/// A divergence between a target and the members of a family, estimated.
pub struct Objective<'a> {
    target: &'a Target,
    /// p for integrals over panels, where it has few enough dimensions.
    host: Option<Host>,
    numerics: Numerics,
    family: Family,
    kind: DivergenceKind,
    divergence: Box<dyn Divergence>,
    estimator: EstimatorConfig,
    /// Whose noise each of the R runs gets.
    keys: Vec<RunKey>,
    /// Whether fixed noise is the same for all of them.
    one_seed: bool,
    /// The rule and its refinements.
    rules: Vec<Rule>,
    /// What points along the densities need to be taken.
    spacing: Option<Spacing>,
    /// Which rule each run needs; all the first until [`Objective::settle`] says otherwise.
    levels: Vec<usize>,
}

/// Where the points are.
enum Rule {
    /// Along each of the densities that an expectation is taken under.
    Along(Box<Along>),
    /// On panels that see both densities.
    Panels(Panels),
}

/// An estimator, with what it gives under a target that does not move if it is not random: the
/// points and log p there, made once.
struct Along {
    estimator: Box<dyn Estimator>,
    fixed: OnceCell<Fixed>,
}

/// Points under a target that do not change, and log p there.
struct Fixed {
    draws: Draws,
    log_p: Tensor<2>,
    /// x, weights and log p on the host, where they are asked for.
    host: OnceCell<[Vec<f64>; 3]>,
}

impl<'a> Objective<'a> {
    /// The objective of a fit of R runs.
    pub fn new(
        kind: DivergenceKind,
        family: &Family,
        estimator: EstimatorConfig,
        target: &'a Target,
        numerics: &Numerics,
        keys: Vec<RunKey>,
    ) -> Self {
        let host = Host::of(target.model());
        let (rules, spacing) = rules(family.dim(), estimator, target.model(), host.is_some());
        Self {
            target,
            numerics: numerics.clone(),
            host,
            family: family.clone(),
            kind,
            divergence: kind.build(),
            estimator,
            levels: vec![0; keys.len()],
            one_seed: shared_keys(&keys).len() <= 1,
            keys,
            rules,
            spacing,
        }
    }

    /// p.
    pub fn target(&self) -> &'a Target {
        self.target
    }

    /// Which divergence.
    pub(crate) fn kind(&self) -> DivergenceKind {
        self.kind
    }

    /// The device and precision.
    pub fn numerics(&self) -> &Numerics {
        &self.numerics
    }

    /// How often the rule of each run was refined.
    pub(crate) fn levels(&self) -> &[usize] {
        &self.levels
    }

    /// Takes the rules that an objective like this one had chosen, one for each run.
    pub(crate) fn set_levels(&mut self, levels: impl Iterator<Item = usize>) {
        let finest = self.rules.len().saturating_sub(1);
        for (own, level) in self.levels.iter_mut().zip(levels) {
            *own = level.min(finest);
        }
    }

    /// The densities of θ `[R, P]`.
    pub fn member(&self, theta: Tensor<2>) -> MixtureTensors {
        self.family.density(theta, &self.numerics)
    }

    /// Chooses for each run of θ `[R, P]` the coarsest rule that is good enough there, and returns
    /// the R values with their errors.
    ///
    /// Points along one density can miss what the other has between them: such a rule has at least the
    /// error that it differs by from one that sees both.
    ///
    /// # Errors
    /// If the device failed.
    pub fn settle(&mut self, theta: &Tensor<2>, step: usize) -> Result<Vec<Estimate>> {
        let [runs, _] = theta.dims();
        let mut settled = vec![Estimate::UNKNOWN; runs];
        let mut open: Vec<usize> = (0..runs).collect();
        let coarsest = self.levels_at(theta, &vec![0; runs]);
        for level in 0..self.rules.len() {
            let (now, later): (Vec<usize>, Vec<usize>) =
                open.iter().partition(|&&run| coarsest[run] <= level);
            if now.is_empty() {
                continue;
            }
            let theta = self.theta_of(theta, &now);
            let attempts = match &self.rules[level] {
                Rule::Panels(panels) => self.attempt_by_panels(*panels, theta)?,
                Rule::Along(along) => {
                    let both = self.by_both(along, theta.clone())?;
                    let attempts = self.estimate(along, theta, &now, step)?;
                    (attempts.into_iter().zip(both))
                        .map(|(attempt, both)| match both {
                            Some(both) => Attempt {
                                estimate: attempt.estimate.held_against(both.estimate),
                                ..attempt
                            },
                            None => attempt,
                        })
                        .collect()
                }
            };
            open = later;
            for (run, attempt) in now.into_iter().zip(attempts) {
                settled[run] = attempt.estimate;
                self.levels[run] = level;
                let size = attempt.estimate.value.abs();
                if attempt.calls_for_a_finer_rule(TOLERANCE * size.max(1.0)) {
                    open.push(run);
                }
            }
            // The runs of a rule go in their order.
            open.sort_unstable();
            if open.is_empty() {
                break;
            }
        }
        Ok(settled)
    }

    /// The value `[R]` at θ `[R, P]`, in nats, with the noise of a step.
    pub fn value(&self, theta: Tensor<2>, step: usize) -> Tensor<1> {
        self.value_with(theta, NoiseOf::Step(step))
    }

    fn value_with(&self, theta: Tensor<2>, noise: NoiseOf) -> Tensor<1> {
        let levels = self.levels_at(&theta, &self.levels);
        let mut used: Vec<usize> = levels.clone();
        used.sort_unstable();
        used.dedup();
        if let [level] = used[..] {
            return self.value_by(level, theta, &self.keys, noise);
        }
        // Runs of one rule go together; their values are put back in order.
        let (mut values, mut order) = (Vec::with_capacity(used.len()), Vec::new());
        for level in used {
            let members: Vec<usize> = (0..levels.len())
                .filter(|&run| levels[run] == level)
                .collect();
            let theta = theta.clone().select(0, self.indices(&members));
            values.push(self.value_by(level, theta, &self.keys_of(&members), noise));
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
        self.gradient_with(theta, NoiseOf::Step(step))
    }

    /// The variance of the gradient at θ `[R, P]` over its noise, R numbers: E|g − E g|², summed over
    /// the entries of θ. It is 0 where nothing is random; noise that is fixed counts as the draw it
    /// is.
    ///
    /// # Errors
    /// If the device failed.
    pub fn gradient_variance(&self, theta: &Tensor<2>) -> Result<Vec<f64>> {
        let [runs, _] = theta.dims();
        if !self.estimator.rule.is_random() {
            return Ok(vec![0.0; runs]);
        }
        let gradients = (0..PROBES)
            .map(|probe| self.gradient_with(theta, NoiseOf::Probe(probe)).1)
            .collect();
        let variance = Tensor::stack::<3>(gradients, 0).var(0).sum_dim(2);
        Numerics::read(variance)
    }

    fn gradient_with(&self, theta: &Tensor<2>, noise: NoiseOf) -> (Tensor<1>, Tensor<2>) {
        let tracked = theta.clone().autodiff().require_grad();
        let value = self.value_with(tracked.clone(), noise);
        // The runs are independent, so the gradient of the sum holds the gradient of each.
        let gradients = value.clone().sum().backward();
        let gradient = tracked.grad(&gradients);
        let gradient = gradient.unwrap_or_else(|| theta.zeros_like());
        (value.inner(), gradient.without_autodiff())
    }

    fn value_by(
        &self,
        level: usize,
        theta: Tensor<2>,
        keys: &[RunKey],
        noise: NoiseOf,
    ) -> Tensor<1> {
        self.value_at(level, &self.member(theta), keys, noise)
    }

    /// The value `[R]` at R mixtures, in nats, with one noise for all of them.
    pub fn value_of(&self, q: &MixtureTensors) -> Tensor<1> {
        self.value_at(0, q, &self.keys[..1.min(self.keys.len())], NoiseOf::Step(0))
    }

    fn value_at(
        &self,
        level: usize,
        q: &MixtureTensors,
        keys: &[RunKey],
        noise: NoiseOf,
    ) -> Tensor<1> {
        let along = match &self.rules[level] {
            Rule::Along(along) => along,
            Rule::Panels(panels) => return self.value_by_panels(*panels, q),
        };
        divergence::value(&*self.divergence, |side| {
            let in_one_pass = self.in_one_pass(along, side, q, keys, noise);
            in_one_pass.unwrap_or_else(|| {
                let sampled = self.sampled(along, side, q, keys, noise);
                sampled.mean(&*self.divergence, side)
            })
        })
    }

    /// One side's share `[R]`, where the device has the kernel for it: the same as from
    /// [`Objective::sampled`], but for rounding.
    fn in_one_pass(
        &self,
        rule: &Along,
        side: Side,
        q: &MixtureTensors,
        keys: &[RunKey],
        noise: NoiseOf,
    ) -> Option<Tensor<1>> {
        if !has_expectation(&self.numerics) {
            return None;
        }
        let share = |sites: Sites| {
            let function = |log_p: &[f64], log_q: &[f64], values: [&mut [f64]; 3]| {
                self.divergence.slopes(side, log_p, log_q, values);
            };
            let function = &function;
            expectation(q, Expectation { sites, function })
        };
        match (side, self.estimator.gradient) {
            (Side::Target, _) => {
                let made;
                let fixed = match self.fixed(rule, keys, noise) {
                    Some(fixed) => fixed,
                    None => {
                        made = self.with_context(side, keys, noise, |context| {
                            Fixed::of(rule.estimator.draws(self.target, context), self.target)
                        });
                        &made
                    }
                };
                let [x, weights, log_p] = fixed.host()?;
                let [runs, samples, _] = fixed.draws.x.dims();
                Some(share(Sites::At {
                    x: Points {
                        runs,
                        samples,
                        values: x,
                    },
                    weights,
                    log_p,
                }))
            }
            (Side::Family, GradientRule::ScoreFunction) => None,
            (Side::Family, gradient) => {
                let p = self.target.prepared()?;
                let standard = self.with_context(side, keys, noise, |context| {
                    rule.estimator.standard(q.strata(), context.of(q))
                })?;
                Some(share(Sites::Along {
                    nodes: standard.nodes(),
                    p,
                    through_points_alone: gradient == GradientRule::StickingTheLanding,
                }))
            }
        }
    }

    /// Some of the runs of θ `[R, P]`.
    fn theta_of(&self, theta: &Tensor<2>, runs: &[usize]) -> Tensor<2> {
        if runs.len() == self.keys.len() {
            theta.clone()
        } else {
            theta.clone().select(0, self.indices(runs))
        }
    }

    /// The values and errors of some of the runs, whose θ are given.
    fn estimate(
        &self,
        along: &Along,
        theta: Tensor<2>,
        runs: &[usize],
        step: usize,
    ) -> Result<Vec<Attempt>> {
        let (q, keys) = (self.member(theta), self.keys_of(runs));
        divergence::estimate(&*self.divergence, |side| {
            self.sampled(along, side, &q, &keys, NoiseOf::Step(step))
        })
    }

    fn sampled(
        &self,
        along: &Along,
        side: Side,
        q: &MixtureTensors,
        keys: &[RunKey],
        noise: NoiseOf,
    ) -> Sampled {
        let rule = &along.estimator;
        let density: &dyn Density = match side {
            Side::Target => self.target,
            Side::Family => q,
        };
        let draw = || self.with_context(side, keys, noise, |context| rule.draws(density, context));
        match (side, self.estimator.gradient) {
            (Side::Target, _) => match self.fixed(along, keys, noise) {
                Some(Fixed { draws, log_p, .. }) => {
                    Sampled::with_log_p(draws.clone(), log_p.clone(), q)
                }
                None => Sampled::new(draw(), self.target, q),
            },
            (Side::Family, GradientRule::Pathwise) => Sampled::new(draw(), self.target, q),
            (Side::Family, GradientRule::ScoreFunction) => {
                Sampled::new(draw().detached(), self.target, q).by_score()
            }
            (Side::Family, GradientRule::StickingTheLanding) => {
                Sampled::new(draw(), self.target, &q.clone().detached())
            }
        }
    }

    /// Calls `make` with what the draws of one side depend on beside the density.
    fn with_context<T>(
        &self,
        side: Side,
        keys: &[RunKey],
        noise: NoiseOf,
        make: impl FnOnce(Context) -> T,
    ) -> T {
        let stream = match side {
            Side::Target => Stream::TargetDraws,
            Side::Family => Stream::FamilyDraws,
        };
        let shared = shared_keys(keys);
        let (runs, stream, step) = match noise {
            NoiseOf::Step(_) if self.estimator.is_fixed() => (&*shared, stream, 0),
            NoiseOf::Step(step) => (keys, stream, step),
            NoiseOf::Probe(probe) => (keys, stream.of_probes(), probe),
        };
        make(Context {
            numerics: &self.numerics,
            dim: self.family.dim(),
            noise: Noise {
                runs,
                stream,
                step: step as u64,
            },
        })
    }

    /// The points under the target, if they are the same at every step.
    fn fixed<'r>(&self, rule: &'r Along, keys: &[RunKey], noise: NoiseOf) -> Option<&'r Fixed> {
        let is_probe = matches!(noise, NoiseOf::Probe(_));
        let never_changes = !rule.estimator.is_random()
            || (self.estimator.is_fixed() && self.one_seed && !is_probe);
        never_changes.then(|| {
            rule.fixed.get_or_init(|| {
                self.with_context(Side::Target, keys, noise, |context| {
                    Fixed::of(rule.estimator.draws(self.target, context), self.target)
                })
            })
        })
    }

    fn keys_of(&self, runs: &[usize]) -> Vec<RunKey> {
        runs.iter().map(|&run| self.keys[run]).collect()
    }

    fn indices(&self, runs: &[usize]) -> Tensor<1, Int> {
        indices(runs, self.numerics.device())
    }
}

impl Fixed {
    fn of(draws: Draws, target: &Target) -> Self {
        Self {
            log_p: target.log_density(draws.x.clone()),
            draws,
            host: OnceCell::new(),
        }
    }

    /// x, weights and log p on the host; `None` if the device failed.
    fn host(&self) -> Option<&[Vec<f64>; 3]> {
        if let Some(host) = self.host.get() {
            return Some(host);
        }
        let host = [
            Numerics::read(self.draws.x.clone()).ok()?,
            Numerics::read(self.draws.weights.clone()).ok()?,
            Numerics::read(self.log_p.clone()).ok()?,
        ];
        Some(self.host.get_or_init(|| host))
    }
}

/// The keys of noise that all runs of an experiment share: one, unless their seeds differ.
fn shared_keys(keys: &[RunKey]) -> Vec<RunKey> {
    let mut shared: Vec<RunKey> = keys.iter().map(|key| RunKey { run: 0, ..*key }).collect();
    if shared.windows(2).all(|pair| pair[0] == pair[1]) {
        shared.truncate(1);
    }
    shared
}
