//! Which optimum gradient descent reaches from every cell of a landscape.

use super::Cells;
use crate::compute::device::Numerics;
use crate::density::target::Target;
use crate::error::Result;
use crate::fit::init::Start;
use crate::fit::optima::{AT_REST, Ends};
use crate::fit::{Fit, LogConfig, Plan};
use crate::mixture::Mixture;

/// A run goes no farther once its gradient is as short as this, a thousandth of what counts as rest at its last step.
const ARRIVED: f64 = 1e-3 * AT_REST;

/// Where the runs from every cell ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Reached {
    /// The place of each cell's optimum among those that were found, row after row; none where the cell is no
    /// density, or its run failed or was still moving at its last step.
    pub places: Vec<Option<usize>>,
    /// The optima, the best first.
    pub optima: Vec<Mixture>,
}

/// Runs a fit from every cell. `told` is given the steps that are done by now.
///
/// # Errors
/// If a cell is not a member of the fit's family, or the device failed.
pub fn basins(
    cells: &Cells,
    plan: &Plan,
    target: &Target,
    numerics: &Numerics,
    seed: u64,
    told: &mut dyn FnMut(usize),
) -> Result<Reached> {
    let members: Vec<Option<Mixture>> = (0..cells.len()).map(|cell| cells.member(cell)).collect();
    let starts: Vec<Mixture> = members.iter().flatten().cloned().collect();
    let is_random = plan.estimator.rule.is_random();
    let mut plan = Plan {
        start: Start::Each(starts),
        ..plan.clone()
    };
    if !is_random {
        plan.stop.gradient_norm = plan.stop.gradient_norm.or(Some(ARRIVED));
    }
    let log = LogConfig {
        every: Some(plan.optimizer.steps),
        ..LogConfig::default()
    };
    let mut fit = Fit::new(&plan, target, numerics, log, seed)?.judged_by_own();
    let mut last = None;
    while !fit.has_ended() {
        last = fit.take_step()?.or(last);
        told(fit.step().unwrap_or(0));
    }
    told(fit.steps());
    let mut places = vec![None; cells.len()];
    let last = last.map(|last| fit.reported(&last)).transpose()?;
    let Some(last) = last else {
        return Ok(Reached {
            places,
            optima: Vec::new(),
        });
    };
    // A run that was still moving when its steps ran out has reached nothing.
    let ends = Ends::new(&plan, &last, numerics, |end| {
        is_random || end.gradient_norm <= AT_REST
    })?;
    let cells = (0..members.len()).filter(|&cell| members[cell].is_some());
    for (cell, &optimum) in cells.zip(ends.optimum()) {
        places[cell] = optimum;
    }
    let leaders = ends.leaders().into_iter();
    Ok(Reached {
        places,
        optima: leaders
            .map(|(run, _)| last.runs[run].mixture.clone())
            .collect(),
    })
}
