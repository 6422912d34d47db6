//! The objective by points along each of the densities that an expectation is taken under.

use std::cell::{Cell, OnceCell};

use burn::tensor::Tensor;

use super::Objective;
use crate::compute::device::Numerics;
use crate::compute::kernel::cpu::{Expectation, Function, Points, Prepared, Sites, Under};
use crate::compute::kernel::{MixtureTensors, Resident, expectation, has_expectation};
use crate::compute::noise::{Noise, RunKey, Stream};
use crate::density::target::{Distribution, Target};
use crate::density::{Defensive, Density, Draws};
use crate::divergence::{Divergence, Sampled, Side};
use crate::estimator::{Context, Estimator, GradientRule, Standard};
use crate::fit::evaluations::Evaluations;

/// Which noise an estimate of the objective is made with.
#[derive(Debug, Clone, Copy)]
pub(super) enum NoiseKind {
    /// That of a step: every step has its own, unless the noise is fixed.
    Step(usize),
    /// One of those that estimate the variance of the gradient: each its own, always.
    Probe(usize),
}

/// An estimator, with what it gives under a target that does not move if it is not random: the
/// points and log p there, made once.
pub(super) struct Along {
    pub estimator: Box<dyn Estimator>,
    fixed: OnceCell<Fixed>,
}

impl Along {
    pub fn new(estimator: Box<dyn Estimator>) -> Self {
        Self {
            estimator,
            fixed: OnceCell::new(),
        }
    }
}

/// What an expectation is asked of.
#[derive(Clone, Copy)]
pub(super) struct PointsRequest<'r> {
    /// The rule that places the points.
    pub along: &'r Along,
    /// R members.
    pub q: Members<'r>,
    /// Whose noise each of them gets; one stands for all.
    pub keys: &'r [RunKey],
    /// Which of that.
    pub noise: NoiseKind,
    /// Which chunk of the rows of the target.
    pub chunk: usize,
    /// What it is an expectation for.
    pub divergence: &'r dyn Divergence,
}

/// R members of a family on the device.
#[derive(Clone, Copy)]
pub(super) enum Members<'r> {
    /// As they are.
    Made(&'r MixtureTensors),
    /// Made when they are first asked for.
    Later(&'r OnceCell<MixtureTensors>, &'r dyn Fn() -> MixtureTensors),
}

impl<'r> Members<'r> {
    fn tensors(self) -> &'r MixtureTensors {
        match self {
            Self::Made(tensors) => tensors,
            Self::Later(made, make) => made.get_or_init(make),
        }
    }
}

/// Points under a target that do not change, and log p there.
struct Fixed {
    draws: Draws,
    log_p: Tensor<2>,
    /// Whether a run has paid for them.
    counted: Cell<bool>,
    /// x, weights and log p on the host, where they are asked for.
    host: OnceCell<[Vec<f64>; 3]>,
    resident: Resident,
}

impl Objective<'_> {
    /// One side's share `[R]`, where the device has the kernel for it: the same as from
    /// [`Objective::sampled`], but for rounding.
    pub(super) fn in_one_pass(&self, side: Side, request: PointsRequest) -> Option<Tensor<1>> {
        if !has_expectation(&self.numerics) {
            return None;
        }
        let q = request.q.tensors();
        self.with_expectation(side, request, q.standard_dim(), |what| expectation(q, what))
    }

    /// Calls `take` with what is averaged on one side, where the kernel has it, for members of so many standard
    /// dimensions.
    pub(super) fn with_expectation<T>(
        &self,
        side: Side,
        request: PointsRequest,
        standard_dim: usize,
        take: impl FnOnce(Expectation) -> T,
    ) -> Option<T> {
        // Of bins it is not log q at points that is averaged.
        if self.target.binned().is_some() {
            return None;
        }
        let share = |sites: Sites| {
            let slopes = |log_p: &[f64], log_q: &[f64], values: [&mut [f64]; 3]| {
                request.divergence.slopes(side, log_p, log_q, values);
            };
            let function = match request.divergence.affine(side) {
                Some(affine) => Function::Affine(affine),
                None => Function::Any(&slopes),
            };
            take(Expectation { sites, function })
        };
        match (side, self.estimator.gradient) {
            (Side::Target, _) => {
                let made;
                let fixed = match self.fixed(request) {
                    Some(fixed) => fixed,
                    None => {
                        if let Some((standard, p)) = self.standard_under_p(request) {
                            let strata = self.target.strata();
                            let points = standard.weights.len() * strata;
                            self.meter.count(|_| Evaluations::of(points, false));
                            let nodes = standard.nodes();
                            return Some(share(Sites::Under { nodes, p }));
                        }
                        made = Fixed::new(self.draws(side, request), self.target);
                        &made
                    }
                };
                let [x, weights, log_p] = fixed.host()?;
                self.count_fixed(fixed);
                let [runs, samples, _] = fixed.draws.x.dims();
                Some(share(Sites::At {
                    x: Points {
                        runs,
                        samples,
                        values: x,
                    },
                    weights,
                    log_p,
                    resident: Some(&fixed.resident),
                }))
            }
            (Side::Family, GradientRule::ScoreFunction) => None,
            (Side::Family, gradient) => {
                let function;
                let p = match (
                    self.target.prepared(),
                    self.target.model().as_unnormalized(),
                ) {
                    (Some(p), _) => Under::Mixture(p),
                    (None, Some(model)) if model.has_gradient() => {
                        function = |x: &[f64], logs: &mut [f64], slopes: Option<&mut [f64]>| {
                            model.told(x, logs, slopes);
                        };
                        Under::Function {
                            function: &function,
                            at_once: model.at_once(),
                        }
                    }
                    (None, _) => return None,
                };
                let strata = self.family.components();
                let standard = self.with_context(side, request, |context| {
                    let context = Context {
                        dim: standard_dim,
                        ..context
                    };
                    request.along.estimator.standard(strata, context)
                })?;
                let points = standard.weights.len() * strata;
                self.meter.count(|_| Evaluations::of(points, true));
                Some(share(Sites::Along {
                    nodes: standard.nodes(),
                    p,
                    through_points_alone: gradient == GradientRule::StickingTheLanding,
                }))
            }
        }
    }

    /// Standard points of a step that are carried into the components of p, where that is what p is drawn from.
    fn standard_under_p(&self, request: PointsRequest) -> Option<(Standard, &Prepared<f64>)> {
        let p = self.target.prepared()?;
        let standard = self.with_context(Side::Target, request, |context| {
            let context = context.for_density(self.target);
            (request.along.estimator).standard(self.target.strata(), context)
        })?;
        Some((standard, p))
    }

    /// The points of one side, with log p and log q there.
    pub(super) fn sampled(&self, side: Side, request: PointsRequest) -> Sampled {
        let q = request.q.tensors();
        let moves = side == Side::Family && self.estimator.gradient != GradientRule::ScoreFunction;
        let draw = || {
            let draws = self.draws(side, request);
            self.count_draws(&draws, moves);
            draws
        };
        match (side, self.estimator.gradient) {
            (Side::Target, _) if self.target.binned().is_some() => {
                Sampled::new(draw(), self.target, q)
            }
            (Side::Target, _) => match self.fixed(request) {
                Some(fixed) => {
                    self.count_fixed(fixed);
                    Sampled::with_log_p(fixed.draws.clone(), fixed.log_p.clone(), q)
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

    /// Counts the points at which log p is not known yet.
    fn count_draws(&self, draws: &Draws, moves: bool) {
        if draws.log_p.is_none() && self.target.model().has_density() {
            let [_, samples, _] = draws.x.dims();
            self.meter.count(|_| Evaluations::of(samples, moves));
        }
    }

    /// Counts points that do not change, once.
    fn count_fixed(&self, fixed: &Fixed) {
        if self.meter.is_on() && !fixed.counted.replace(true) {
            self.count_draws(&fixed.draws, false);
        }
    }

    /// The points of one side.
    pub(super) fn draws(&self, side: Side, request: PointsRequest) -> Draws {
        let defensive = match side {
            Side::Target => self.defensive(request),
            Side::Family => None,
        };
        let density: &dyn Density = match (side, &defensive) {
            (Side::Target, Some(defensive)) => defensive,
            (Side::Target, None) => self.target,
            (Side::Family, _) => request.q.tensors(),
        };
        self.with_context(side, request, |context| {
            request.along.estimator.draws(density, context)
        })
    }

    /// p by points of q too, where it cannot be drawn from and random points change from step to step.
    fn defensive(&self, request: PointsRequest) -> Option<Defensive<'_>> {
        let changes = self.estimator.rule.is_random() && !self.estimator.is_fixed();
        let proposal = self.target.proposal().filter(|_| changes)?;
        Some(Defensive::new(self.target, proposal, request.q.tensors()))
    }

    /// Calls `make` with what the draws of one side depend on besides the density.
    fn with_context<T>(
        &self,
        side: Side,
        PointsRequest {
            keys, noise, chunk, ..
        }: PointsRequest,
        make: impl FnOnce(Context) -> T,
    ) -> T {
        let (draws, probes) = match side {
            Side::Target => (Stream::TargetDraws, Stream::TargetProbes),
            Side::Family => (Stream::FamilyDraws, Stream::FamilyProbes),
        };
        let shared = shared_keys(keys);
        let (runs, stream, step) = match noise {
            NoiseKind::Step(_) if self.estimator.is_fixed() => (&*shared, draws, 0),
            NoiseKind::Step(step) => (keys, draws, step),
            NoiseKind::Probe(probe) => (keys, probes, probe),
        };
        make(Context {
            numerics: &self.numerics,
            dim: self.family.dim(),
            noise: Noise {
                runs,
                stream,
                step: step as u64,
            },
            chunk,
        })
    }

    /// The points under the target, if they are the same at every step.
    fn fixed<'r>(&self, request: PointsRequest<'r>) -> Option<&'r Fixed> {
        let along = request.along;
        let is_probe = matches!(request.noise, NoiseKind::Probe(_));
        let never_changes = !along.estimator.is_random()
            || (self.estimator.is_fixed() && self.one_seed && !is_probe);
        let make = || Fixed::new(self.draws(Side::Target, request), self.target);
        // Rows that come in chunks are not kept.
        (never_changes && self.chunks() == 1).then(|| along.fixed.get_or_init(make))
    }
}

impl Fixed {
    fn new(draws: Draws, target: &Target) -> Self {
        Self {
            log_p: (draws.log_p.clone()).unwrap_or_else(|| target.log_density(draws.x.clone())),
            draws,
            counted: Cell::new(false),
            host: OnceCell::new(),
            resident: Resident::default(),
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
pub(super) fn shared_keys(keys: &[RunKey]) -> Vec<RunKey> {
    let mut shared: Vec<RunKey> = keys.iter().map(|key| RunKey { run: 0, ..*key }).collect();
    if shared.windows(2).all(|pair| pair[0] == pair[1]) {
        shared.truncate(1);
    }
    shared
}
