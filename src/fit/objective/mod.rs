//! What gradient descent sees: a divergence by an estimator, as a function of θ with its gradient.

mod along;
mod by_panels;
mod on_host;
mod panel_sites;
mod reuse;
mod scores;
mod settle;
mod shared_panels;
mod together;

use burn::tensor::{Int, Tensor};

use crate::compute::device::Numerics;
use crate::compute::kernel::{Engine, MixtureTensors, indices};
use crate::compute::noise::RunKey;
use crate::density::Density;
use crate::density::family::Family;
use crate::density::target::Target;
use crate::divergence::{self, AnnealedReverseKl, Divergence, DivergenceKind};
use crate::error::Result;
use crate::estimator::EstimatorConfig;
use crate::fit::anneal::AnnealConfig;
use crate::fit::evaluations::{Evaluations, Meter};
use crate::panels::Host;
use along::{Along, Members, NoiseKind, PointsRequest, shared_keys};
use by_panels::{Spacing, rules};
use on_host::Slopes;
use panel_sites::PanelRule;
pub use settle::Settled;
use shared_panels::SharedPanels;

/// Gradients that a variance is estimated from.
const PROBES: usize = 32;

/// A divergence between a target and the members of a family, estimated.
pub struct Objective<'a> {
    target: &'a Target,
    /// p for integrals over panels, where it has few enough dimensions.
    host: Option<Host>,
    numerics: Numerics,
    /// What gives gradients without a graph, if anything does.
    engine: Option<Engine>,
    family: Family,
    kind: DivergenceKind,
    divergence: Box<dyn Divergence>,
    /// How it comes to be that.
    anneal: Option<AnnealConfig>,
    /// Whether components may be missing.
    has_room: bool,
    estimator: EstimatorConfig,
    /// Whose noise each of the R runs gets.
    keys: Vec<RunKey>,
    /// Whether fixed noise is the same for all of them.
    one_seed: bool,
    /// The rule and its refinements.
    rules: Vec<PointRule>,
    /// What points along the densities need to be taken.
    spacing: Option<Spacing>,
    /// Which rule each run needs; all the first until [`Objective::settle`] says otherwise.
    levels: Vec<usize>,
    /// Points of members that are Gaussians on a line, unless panels must end exactly where they do.
    shared_panels: Option<SharedPanels>,
    meter: Meter,
    /// The draws of earlier steps that are used again.
    kept: reuse::KeptDraws,
}

/// Where the points are.
enum PointRule {
    /// Along each of the densities that an expectation is taken under.
    Along(Box<Along>),
    /// On panels that see both densities.
    Panels(PanelRule),
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
        let host = Host::new(target.model());
        // What a function is asked is counted, so each member asks for itself.
        let is_shared = [family.dim(), family.components()] == [1, 1]
            && target.prepared().is_some()
            && !kind.build().has_corner();
        let (rules, spacing) = rules(kind, family.dim(), estimator, target.model(), host.as_ref());
        Self {
            target,
            numerics: numerics.clone(),
            engine: Engine::of(numerics),
            host,
            family: family.clone(),
            kind,
            divergence: kind.build(),
            anneal: None,
            has_room: false,
            estimator,
            levels: vec![0; keys.len()],
            one_seed: shared_keys(&keys).len() <= 1,
            keys,
            rules,
            spacing,
            shared_panels: is_shared.then(SharedPanels::default),
            meter: Meter::default(),
            kept: reuse::KeptDraws::default(),
        }
    }

    /// With a divergence to p^β first.
    pub(crate) fn annealed(self, anneal: Option<AnnealConfig>) -> Self {
        Self { anneal, ..self }
    }

    /// With components that may be missing.
    pub(crate) fn with_room(self, has_room: bool) -> Self {
        Self { has_room, ..self }
    }

    /// β at a step.
    pub(crate) fn beta(&self, step: usize) -> f64 {
        self.anneal.map_or(1.0, |anneal| anneal.beta(step))
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
    ///
    /// Where components are missing, the others stand in their places too.
    pub fn member(&self, theta: Tensor<2>) -> MixtureTensors {
        let q = self.family.density(theta, &self.numerics);
        match self.has_room {
            true => q.filled(),
            false => q,
        }
    }

    /// The densities of θ `[R, P]` as they are written: those of missing components have no weight.
    pub(crate) fn written(&self, theta: Tensor<2>) -> MixtureTensors {
        self.family.density(theta, &self.numerics)
    }

    /// The value `[R]` at θ `[R, P]`, in nats, with the noise of a step.
    pub fn value(&self, theta: Tensor<2>, step: usize) -> Tensor<1> {
        let noise = NoiseKind::Step(step);
        self.summed(|chunk| self.value_with(theta.clone(), noise, chunk))
    }

    /// In how many chunks the rows of the target are taken, whose values add up: 1 where they are not rows, or
    /// some of them are drawn.
    fn chunks(&self) -> usize {
        match self.estimator.rule.is_random() {
            true => 1,
            false => self.target.row_chunks().max(1),
        }
    }

    /// The sum of what each chunk gives, over the rows of all ranks.
    fn summed(&self, of_chunk: impl Fn(usize) -> Tensor<1>) -> Tensor<1> {
        let own = (1..self.chunks()).fold(of_chunk(0), |sum, chunk| sum + of_chunk(chunk));
        if self.ranks().is_none() {
            return own;
        }
        let [runs] = own.dims();
        let own = Numerics::read(own).unwrap_or_else(|_| vec![f64::NAN; runs]);
        self.numerics.tensor(self.add_up(&[], own), [runs])
    }

    /// The share `[R]` of a chunk.
    fn value_with(&self, theta: Tensor<2>, noise: NoiseKind, chunk: usize) -> Tensor<1> {
        let levels = self.levels_at(&theta, &self.levels);
        let mut used: Vec<usize> = levels.clone();
        used.sort_unstable();
        used.dedup();
        if let [level] = used[..] {
            self.meter.set_members(0..levels.len());
            return self.value_at(level, &self.member(theta), &self.keys, noise, chunk);
        }
        // Runs of one rule go together; their values are put back in order.
        let (mut values, mut order) = (Vec::with_capacity(used.len()), Vec::new());
        for level in used {
            let members: Vec<usize> = (0..levels.len())
                .filter(|&run| levels[run] == level)
                .collect();
            self.meter.set_members(members.iter().copied());
            let q = self.member(theta.clone().select(0, self.indices(&members)));
            values.push(self.value_at(level, &q, &self.keys_of(&members), noise, chunk));
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
        self.gradient_with(theta, NoiseKind::Step(step))
    }

    /// The value `[R]` and its gradient `[R, P]` at θ `[R, P]` with the noise of a step, by the draws of earlier steps too
    /// where the estimator says so, and the evaluations of the target that each of the R runs took. What is no run of
    /// `active` may be left at 0.
    ///
    /// # Errors
    /// If the device failed.
    pub fn metered(
        &self,
        theta: &[f64],
        step: usize,
        active: &[usize],
    ) -> Result<(Slopes, Vec<Evaluations>)> {
        self.check_alike(theta)?;
        let counted = self.meter.counting(self.keys.len(), || -> Result<Slopes> {
            let on_host = match (&self.rules[..], self.estimator.reuse) {
                ([PointRule::Along(_)], 1..) => None,
                _ => self.gradient_on_host(theta, active, NoiseKind::Step(step)),
            };
            if let Some(made) = on_host {
                return Ok(made);
            }
            let theta = self.numerics.tensor(theta.to_vec(), self.shape());
            let (value, gradient) = match &self.rules[..] {
                [PointRule::Along(along)] if self.estimator.reuse > 0 => {
                    self.reusing(&theta, along, step)
                }
                _ => self.gradient_in_graph(&theta, NoiseKind::Step(step)),
            };
            Ok((Numerics::read(value)?, Numerics::read(gradient)?))
        });
        let (made, evaluations) = counted;
        Ok((made?, evaluations))
    }

    /// `[R, P]`.
    fn shape(&self) -> [usize; 2] {
        [self.keys.len(), self.family.parameters()]
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
            .map(|probe| self.gradient_with(theta, NoiseKind::Probe(probe)).1)
            .collect();
        let variance = Tensor::stack::<3>(gradients, 0).var(0).sum_dim(2);
        Numerics::read(variance)
    }

    fn gradient_with(&self, theta: &Tensor<2>, noise: NoiseKind) -> (Tensor<1>, Tensor<2>) {
        let all: Vec<usize> = (0..self.keys.len()).collect();
        let on_host = Numerics::read(theta.clone())
            .ok()
            .and_then(|theta| self.gradient_on_host(&theta, &all, noise));
        match on_host {
            Some((values, gradient)) => (
                self.numerics.tensor(values, [self.keys.len()]),
                self.numerics.tensor(gradient, self.shape()),
            ),
            None => self.gradient_in_graph(theta, noise),
        }
    }

    /// Chunk by chunk, so that no more than the points of one are in memory.
    fn gradient_in_graph(&self, theta: &Tensor<2>, noise: NoiseKind) -> (Tensor<1>, Tensor<2>) {
        let of_chunk = |chunk| differentiated(theta, |theta| self.value_with(theta, noise, chunk));
        let (value, gradient) = (1..self.chunks()).fold(of_chunk(0), |(value, gradient), chunk| {
            let (more, slope) = of_chunk(chunk);
            (value + more, gradient + slope)
        });
        match self.ranks() {
            Some(_) => self.added_up(theta, value, gradient),
            None => (value, gradient),
        }
    }

    /// The value `[R]` at R mixtures, in nats, with one noise for all of them.
    pub fn value_of(&self, q: &MixtureTensors) -> Tensor<1> {
        let key = &self.keys[..1.min(self.keys.len())];
        self.summed(|chunk| self.value_at(0, q, key, NoiseKind::Step(0), chunk))
    }

    fn value_at(
        &self,
        level: usize,
        q: &MixtureTensors,
        keys: &[RunKey],
        noise: NoiseKind,
        chunk: usize,
    ) -> Tensor<1> {
        let annealed = self.annealed_at(noise);
        let divergence: &dyn Divergence = match &annealed {
            Some(annealed) => annealed,
            None => &*self.divergence,
        };
        let along = match &self.rules[level] {
            PointRule::Along(along) => along,
            PointRule::Panels(panels) => return self.value_by_panels(*panels, q, divergence),
        };
        let request = PointsRequest {
            along,
            q: Members::Made(q),
            keys,
            noise,
            chunk,
            divergence,
        };
        divergence::value(divergence, |side| {
            let in_one_pass = self.in_one_pass(side, request);
            in_one_pass.unwrap_or_else(|| self.sampled(side, request).mean(divergence, side))
        })
    }

    /// What stands for the divergence while it is annealed.
    fn annealed_at(&self, noise: NoiseKind) -> Option<AnnealedReverseKl> {
        let beta = match noise {
            NoiseKind::Step(step) => self.beta(step),
            NoiseKind::Probe(_) => 1.0,
        };
        (beta < 1.0).then_some(AnnealedReverseKl { beta })
    }

    /// Some of the runs of θ `[R, P]`.
    fn theta_of(&self, theta: &Tensor<2>, runs: &[usize]) -> Tensor<2> {
        if runs.len() == self.keys.len() {
            theta.clone()
        } else {
            theta.clone().select(0, self.indices(runs))
        }
    }

    fn keys_of(&self, runs: &[usize]) -> Vec<RunKey> {
        runs.iter().map(|&run| self.keys[run]).collect()
    }

    fn indices(&self, runs: &[usize]) -> Tensor<1, Int> {
        indices(runs, self.numerics.device())
    }
}

/// A function and its gradient at some places, neither tracked for gradients any more.
fn differentiated<const N: usize, const M: usize>(
    at: &Tensor<N>,
    function: impl FnOnce(Tensor<N>) -> Tensor<M>,
) -> (Tensor<M>, Tensor<N>) {
    let tracked = at.clone().autodiff().require_grad();
    let value = function(tracked.clone());
    // What stands for different runs or points is independent, so the gradient of the sum holds that of each.
    let gradients = value.clone().sum().backward();
    let gradient = tracked.grad(&gradients);
    let gradient = gradient.unwrap_or_else(|| at.zeros_like());
    (value.inner(), gradient.without_autodiff())
}
