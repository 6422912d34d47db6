//! From reverse KL to forward KL: the optima of Amari's α-divergences for α from 0 to 1, each found from the one before.

use std::time::Instant;

use super::protocol::{Jump, MorphStop, Reply, finite};
use super::save;
use super::state::{FitState, MixtureState, State};
use super::view::{covered, modes_of, shown};
use crate::compute::device::Numerics;
use crate::density::target::Target;
use crate::divergence::DivergenceKind;
use crate::error::{Error, Result};
use crate::fit::init::Start;
use crate::fit::optima::group;
use crate::fit::stop::StopConfig;
use crate::fit::{Fit, LogConfig, Plan, RunRecord};
use crate::mixture::Mixture;
use crate::optimizer::lbfgs::LbfgsConfig;
use crate::optimizer::{OptimizerConfig, OptimizerRule};

/// Values of α, both ends among them, on a line and in a plane.
const STOPS: [usize; 2] = [51, 21];
/// Steps of L-BFGS from one optimum to the next.
const STEPS: usize = 200;
/// On the way to the first optimum a gradient below this is near enough for L-BFGS to go on.
const NEAR: f64 = 1e-3;
/// Two neighbours further apart than this in Jensen–Shannon divergence, in nats, are not on one path …
const APART: f64 = 0.01;
/// … unless there is a path between them on a grid that is finer by two to the power of this.
const HALVINGS: usize = 7;

/// The path of optima from the one of reverse KL that q leads to.
///
/// # Errors
/// If the state makes no sense, or an optimum cannot be found.
pub(super) fn morph(id: u64, state: &State, q: Option<&MixtureState>) -> Result<Reply> {
    let started = Instant::now();
    state.check()?;
    let (p, start) = (state.target()?, shown(state, q)?);
    let numerics = Numerics::cpu();
    let path = Path {
        target: &Target::new(&p, &numerics),
        numerics: &numerics,
        plan: plan(state)?,
    };
    let seen = (&p, modes_of(&p));
    let count = STOPS[state.dim - 1];
    let alpha = |i: usize| i as f64 / (count - 1) as f64;
    let near = path.first(&start)?;
    let mut here = path.optimum(0.0, &near)?;
    let mut stops = vec![stop(0.0, &seen, &here)];
    let mut jumps = Vec::new();
    for i in 1..count {
        let next = path.optimum(alpha(i), &here.mixture)?;
        if path.are_apart(&here.mixture, &next.mixture)? {
            jumps.extend(path.jump([alpha(i - 1), alpha(i)], &here.mixture)?);
        }
        stops.push(stop(alpha(i), &seen, &next));
        here = next;
    }
    Ok(Reply::Morph {
        id,
        ms: 1e3 * started.elapsed().as_secs_f64(),
        stops,
        jumps,
    })
}

/// What a run of reverse KL does, as the page trains it.
fn plan(state: &State) -> Result<Plan> {
    let mut state = state.clone();
    state.fits = vec![FitState::exact(DivergenceKind::ReverseKl)];
    state.restarts = 1;
    let mut plans = save::experiment(&state)?.plans;
    Ok(plans.swap_remove(0))
}

/// D_α, which has names of its own at both ends.
fn divergence(alpha: f64) -> Result<DivergenceKind> {
    Ok(match alpha {
        0.0 => DivergenceKind::ReverseKl,
        1.0 => DivergenceKind::ForwardKl,
        _ => {
            // As it is written down: 0.1 + 0.2 has more digits than an order needs.
            let order = (1e9 * alpha).round() / 1e9;
            DivergenceKind::from_name(&format!("alpha-{order}")).ok_or_else(|| {
                Error::usage(format!("α = {order} is no order"), "choose other values")
            })?
        }
    })
}

/// An optimum, with which of the modes of p it covers.
fn stop(alpha: f64, (p, modes): &(&Mixture, Vec<f64>), found: &Found) -> MorphStop {
    MorphStop {
        alpha,
        q: MixtureState::from_mixture(&found.mixture),
        value: finite(found.value),
        values: [DivergenceKind::ForwardKl, DivergenceKind::ReverseKl]
            .map(|kind| kind.name())
            .into_iter()
            .zip(found.both.map(finite))
            .collect(),
        covered: covered(p, modes, &found.mixture),
    }
}

/// An optimum with D_α and both KLs.
struct Found {
    mixture: Mixture,
    value: f64,
    both: [f64; 2],
}

impl Found {
    fn new(kind: DivergenceKind, run: RunRecord) -> Self {
        let of = |kind| run.evaluation.estimate(kind).value;
        Self {
            value: of(kind),
            both: [DivergenceKind::ForwardKl, DivergenceKind::ReverseKl].map(of),
            mixture: run.mixture,
        }
    }
}

struct Path<'a> {
    target: &'a Target,
    numerics: &'a Numerics,
    plan: Plan,
}

impl Path<'_> {
    /// Where the optimizer of the page comes near to rest.
    fn first(&self, start: &Mixture) -> Result<Mixture> {
        let plan = Plan {
            start: Start::Given(Box::new(start.clone())),
            stop: StopConfig {
                gradient_norm: Some(NEAR),
                ..StopConfig::NEVER
            },
            ..self.plan.clone()
        };
        Ok(self.run(&plan)?.mixture)
    }

    /// The optimum of D_α that L-BFGS finds from here.
    fn optimum(&self, alpha: f64, from: &Mixture) -> Result<Found> {
        let kind = divergence(alpha)?;
        let rule = OptimizerRule::Lbfgs(LbfgsConfig::default());
        let plan = Plan {
            divergence: kind,
            start: Start::Given(Box::new(from.clone())),
            optimizer: OptimizerConfig {
                steps: STEPS,
                ..rule.into()
            },
            stop: StopConfig::NEVER,
            ..self.plan.clone()
        };
        Ok(Found::new(kind, self.run(&plan)?))
    }

    fn run(&self, plan: &Plan) -> Result<RunRecord> {
        let log = LogConfig {
            every: Some(plan.optimizer.steps.max(1)),
            ..LogConfig::default()
        };
        let mut last = None;
        for record in Fit::new(plan, self.target, self.numerics, log, 0)? {
            last = record?.runs.into_iter().next();
        }
        let stopped = |run: &RunRecord| run.stop.as_ref().map(ToString::to_string);
        match last {
            Some(run) if !run.has_failed() => Ok(run),
            other => Err(Error::usage(
                format!(
                    "the fit of {} failed: {}",
                    plan.divergence.title(),
                    other.as_ref().and_then(stopped).unwrap_or_default()
                ),
                "begin from another q",
            )),
        }
    }

    fn are_apart(&self, one: &Mixture, other: &Mixture) -> Result<bool> {
        Ok(group(&[one, other], APART, self.numerics)? != [0, 0])
    }

    /// Between which two orders the path that comes from the left ends, if it does.
    fn jump(&self, [mut left, mut right]: [f64; 2], from: &Mixture) -> Result<Option<Jump>> {
        let mut here = from.clone();
        for _ in 0..HALVINGS {
            let middle = 0.5 * (left + right);
            let next = self.optimum(middle, &here)?.mixture;
            match self.are_apart(&here, &next)? {
                true => right = middle,
                false => (left, here) = (middle, next),
            }
        }
        let end = self.optimum(right, &here)?.mixture;
        let is_jump = self.are_apart(&here, &end)?;
        Ok(is_jump.then_some(Jump { left, right }))
    }
}
