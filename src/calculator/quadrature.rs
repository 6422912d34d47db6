//! Divergences as integrals over panels, in one and two dimensions.

use super::Accuracy;
use super::answer::Found;
use crate::divergence::{Attempt, DivergenceKind, Estimate};
use crate::error::Result;
use crate::panels::{self, Effort, Host, Order};
use crate::target::TargetModel;

/// The rule for D = 1 and 2; its tolerance is the error to reach where none is asked for, of a
/// divergence of one or less.
const EFFORTS: [Effort; 2] = [
    Effort {
        order: Order::Sixteen,
        cut: 1,
        tolerance: 1e-13,
        rounds: 50,
        points: 1 << 22,
    },
    Effort {
        order: Order::Sixteen,
        cut: 1,
        tolerance: 1e-11,
        rounds: 12,
        points: 1 << 26,
    },
];

/// The divergence with its error, in nats; `None` if there are too many components.
///
/// # Errors
/// If the device failed.
pub(super) fn find(
    kind: DivergenceKind,
    p: &TargetModel,
    q: &TargetModel,
    accuracy: Accuracy,
) -> Result<Option<Found>> {
    let Some((effort, p, q)) = (EFFORTS.get(p.dim() - 1))
        .zip(Host::of(p).zip(Host::of(q)))
        .map(|(effort, (p, q))| (*effort, p, q))
    else {
        return Ok(None);
    };
    // What is asked for may be more than what is told: then it is told by the panels as they are.
    let tolerance = accuracy.relative.unwrap_or(effort.tolerance);
    let effort = Effort {
        tolerance: tolerance.min(effort.tolerance),
        ..effort
    };
    let Some(attempt) = by_panels(kind, &p, &q, effort, false)? else {
        return Ok(None);
    };
    // In the plane, the same by lines along the other direction.
    let turned = by_panels(kind, &p, &q, effort, true)?;
    let Estimate { value, error, .. } = match turned {
        Some(turned) => attempt.reconciled(turned).estimate,
        None => attempt.estimate,
    };
    Ok(Some(Found::within(value, error)))
}

fn by_panels(
    kind: DivergenceKind,
    p: &Host,
    q: &Host,
    effort: Effort,
    turned: bool,
) -> Result<Option<Attempt>> {
    let attempts = panels::divergences(p, q, &[kind], effort, turned)?;
    Ok(attempts.and_then(|attempts| attempts.first().copied()))
}
