//! Divergences by the trapezoidal rule, refined until they are sure enough.

use super::Accuracy;
use super::answer::Found;
use crate::density::Density;
use crate::device::Numerics;
use crate::divergence::{self, Attempt, DivergenceKind, Sampled, Side};
use crate::error::Result;
use crate::estimator::{Context, Estimator, Quadrature};
use crate::noise::{Noise, Stream};
use crate::target::{Target, TargetModel};

/// The first rule has this many points on an axis, for D = 1 and 2; the last, this many.
const POINTS: [[usize; 2]; Quadrature::MAX_DIM] = [[401, 25_601], [101, 801]];
/// The most numbers in one tensor: more are not worth the memory.
const MOST_ENTRIES: usize = 1 << 24;
/// The error to reach where none is asked for, of a divergence of one or less.
const TOLERANCE: f64 = 1e-10;
/// Sums of log-densities are rounded by about so many units of the value.
const ROUNDING: f64 = 8.0 * f64::EPSILON;

/// The divergence with its error, in nats; `None` if there are too many components for a grid.
///
/// # Errors
/// If the device failed.
pub(super) fn find(
    kind: DivergenceKind,
    p: &TargetModel,
    q: &TargetModel,
    accuracy: Accuracy,
) -> Result<Option<Found>> {
    let numerics = Numerics::cpu();
    let dim = p.dim();
    let points = POINTS[dim - 1];
    // Every component has points of its own; a density that is no mixture of Gaussians is evaluated
    // for all points and components at once.
    let width = |model: &TargetModel| match model.as_mixture() {
        Some(_) => 1,
        None => model.components(),
    };
    let per_point = p.components().max(q.components()) * width(p).max(width(q)) * dim;
    let is_small = |rule: &Quadrature| {
        (rule.points().pow(dim as u32)).saturating_mul(per_point) <= MOST_ENTRIES
    };
    let mut rule = Quadrature::up_to(points[0], points[1]).wide();
    if !is_small(&rule) {
        return Ok(None);
    }
    let on_p = Target::new(p.clone(), &numerics);
    let on_q = Target::new(q.clone(), &numerics);
    loop {
        let Attempt { estimate, .. } = attempt(kind, &rule, &on_p, &on_q, &numerics, dim)?;
        let error = estimate.error + ROUNDING * estimate.value.abs();
        let asked = if accuracy.is_asked() {
            accuracy.tolerance(estimate.value)
        } else {
            TOLERANCE * estimate.value.abs().max(1.0)
        };
        match rule
            .halved()
            .filter(|finer| is_small(finer) && error > asked)
        {
            Some(finer) => rule = finer,
            None => return Ok(Some(Found::within(estimate.value, error))),
        }
    }
}

fn attempt(
    kind: DivergenceKind,
    rule: &Quadrature,
    p: &Target,
    q: &Target,
    numerics: &Numerics,
    dim: usize,
) -> Result<Attempt> {
    let context = Context {
        numerics,
        dim,
        noise: Noise {
            runs: &[],
            stream: Stream::TargetEvaluation,
            step: 0,
        },
    };
    let attempts = divergence::estimate(&*kind.build(), |side| {
        let under: &dyn Density = match side {
            Side::Target => p,
            Side::Family => q,
        };
        Sampled::new(rule.draws(under, context), p, q)
    })?;
    Ok(attempts[0])
}
