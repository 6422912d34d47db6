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
const MOST_ENTRIES: usize = 1 << 26;
/// The error to reach where none is asked for, of a divergence of one or less.
const TOLERANCE: f64 = 1e-10;

/// The divergence with its error, in nats.
///
/// # Errors
/// If the device failed.
pub(super) fn find(
    kind: DivergenceKind,
    p: &TargetModel,
    q: &TargetModel,
    accuracy: Accuracy,
) -> Result<Found> {
    let numerics = Numerics::cpu();
    let dim = p.dim();
    let (components, points) = (p.components() * q.components(), POINTS[dim - 1]);
    let (on_p, on_q) = (
        Target::new(p.clone(), &numerics),
        Target::new(q.clone(), &numerics),
    );
    let mut rule = Quadrature::up_to(points[0], points[1]).wide();
    loop {
        let Attempt { estimate, .. } = attempt(kind, &rule, &on_p, &on_q, &numerics, dim)?;
        let found = Found::within(estimate.value, estimate.error);
        let asked = if accuracy.is_asked() {
            accuracy.tolerance(estimate.value)
        } else {
            TOLERANCE * estimate.value.abs().max(1.0)
        };
        let finer = rule.halved().filter(|finer| {
            let entries = finer.points().pow(dim as u32) * components * dim;
            entries <= MOST_ENTRIES && estimate.error > asked
        });
        match finer {
            Some(finer) => rule = finer,
            None => return Ok(found),
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
