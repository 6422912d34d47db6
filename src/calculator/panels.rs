//! Divergences as integrals over panels, in one and two dimensions.

use std::cell::RefCell;

use super::Accuracy;
use super::answer::Computed;
use crate::density::target::TargetModel;
use crate::divergence::{Attempt, DivergenceKind, Estimate, Summed};
use crate::error::Result;
use crate::panels::{self, Host, LegendreOrder, PanelEffort};

/// The rule for D = 1 and 2; its tolerance is the error to reach where none is asked for, of a
/// divergence of one or less.
const EFFORTS: [PanelEffort; 2] = [
    PanelEffort {
        order: LegendreOrder::Sixteen,
        length: 1.0,
        cut: 1,
        tolerance: 1e-13,
        rounds: 50,
        points: 1 << 22,
        both_ways: true,
    },
    PanelEffort {
        order: LegendreOrder::Sixteen,
        length: 1.0,
        cut: 1,
        tolerance: 1e-11,
        rounds: 40,
        points: 1 << 26,
        both_ways: true,
    },
];

/// Divergences of two densities that integrals over the same panels give, found once.
#[derive(Debug)]
pub(super) struct PanelIntegrals<'a> {
    p: &'a TargetModel,
    q: &'a TargetModel,
    accuracy: Accuracy,
    found: RefCell<Vec<(DivergenceKind, Option<Computed>)>>,
}

impl<'a> PanelIntegrals<'a> {
    pub fn new(p: &'a TargetModel, q: &'a TargetModel, accuracy: Accuracy) -> Self {
        Self {
            p,
            q,
            accuracy,
            found: RefCell::default(),
        }
    }

    /// The divergence with its error, in nats; `None` if there are too many components. `is_finite`: whether
    /// another may be.
    ///
    /// # Errors
    /// If the device failed.
    pub fn find(
        &self,
        kind: DivergenceKind,
        is_finite: impl Fn(DivergenceKind) -> bool,
    ) -> Result<Option<Computed>> {
        let known = |found: &[(DivergenceKind, Option<Computed>)]| {
            (found.iter()).find_map(|(other, found)| (*other == kind).then_some(*found))
        };
        if let Some(found) = known(&self.found.borrow()) {
            return Ok(found);
        }
        let mut kinds = vec![kind];
        let others = companions(kind).into_iter();
        kinds.extend(others.filter(|other| *other != kind && is_finite(*other)));
        // In one order, whichever was asked for first.
        kinds.sort_by_key(|kind| kind.name());
        let found = self.find_jointly(&kinds)?;
        let found = (kinds.iter().enumerate())
            .map(|(place, kind)| (*kind, found.as_ref().map(|found| found[place])));
        self.found.borrow_mut().extend(found);
        Ok(known(&self.found.borrow()).flatten())
    }

    fn find_jointly(&self, kinds: &[DivergenceKind]) -> Result<Option<Vec<Computed>>> {
        let Some((effort, p, q)) = (EFFORTS.get(self.p.dim() - 1))
            .zip(Host::new(self.p).zip(Host::new(self.q)))
            .map(|(effort, (p, q))| (*effort, p, q))
        else {
            return Ok(None);
        };
        // What is asked for may be more than what is told: then it is told by the panels as they are.
        let tolerance = self.accuracy.relative.unwrap_or(effort.tolerance);
        let effort = PanelEffort {
            tolerance: tolerance.min(effort.tolerance),
            ..effort
        };
        let attempts = panels::divergences(&p, &q, kinds, effort)?;
        let off = [self.p, self.q].map(|model| model.log_normalizer_error());
        let found = |(attempt, kind): (&Attempt, &DivergenceKind)| {
            let Estimate { value, error, .. } = attempt.estimate;
            Computed::within(value, error).with_log_densities_off(*kind, off, Summed::BySide)
        };
        Ok(attempts.map(|attempts| attempts.iter().zip(kinds).map(found).collect()))
    }
}

/// What has its mass where a divergence has, itself included: the same whatever else is asked for, so that
/// a number does not depend on that.
fn companions(kind: DivergenceKind) -> Vec<DivergenceKind> {
    use DivergenceKind::{Alpha, ForwardKl, Jeffreys, Js, Renyi, ReverseKl};
    match kind {
        ForwardKl | ReverseKl | Js | Jeffreys => vec![ForwardKl, ReverseKl, Js, Jeffreys],
        // Rényi's order is above 0.
        Alpha(order) | Renyi(order) if order.value() > 0.0 => vec![Alpha(order), Renyi(order)],
        _ => vec![kind],
    }
}
