//! A finished run as the page goes through it.

use super::protocol::{Replay, ReplayFit, finite};
use super::state::MixtureState;
use crate::config::Experiment;
use crate::error::{Error, Result};
use crate::files::table::Lines;
use crate::mixture::from_natural_values;
use crate::record::Selection;
use crate::run_folder::RunFolder;
use crate::text::shown;

/// The most rows that are read of a trajectory: the page goes through every second step of more, or every fourth, …
const MOST_ROWS: usize = 1 << 17;

/// The best run of every fit, step by step.
pub(super) fn replay(folder: &RunFolder, experiment: &Experiment) -> Result<Replay> {
    let summary = folder.summary()?;
    let Some(target) = experiment.target.as_mixture() else {
        return Err(Error::usage(
            "the run's target is not a mixture of Gaussians",
            "explore a run whose target is one",
        ));
    };
    let fits = (experiment.plans.iter().zip(&summary.fits))
        .map(|(plan, fit)| {
            let run = fit.best.as_ref().map_or(0, |best| best.run);
            let trajectory = folder.selected(
                &plan.label,
                Selection {
                    runs: 0,
                    best: run,
                    rows: MOST_ROWS,
                    lines: Lines::All,
                },
            )?;
            let (components, dim) = (plan.family.components(), plan.family.dim());
            let mut replay = ReplayFit {
                label: plan.label.clone(),
                divergence: plan.divergence.name(),
                symbol: plan.divergence.symbol(),
                steps: Vec::new(),
                q: Vec::new(),
                values: Vec::new(),
            };
            for row in trajectory.run(run) {
                let Ok(q) = from_natural_values(components, dim, &row.parameters) else {
                    continue;
                };
                replay.steps.push(row.step);
                replay.q.push(MixtureState::from_mixture(&q));
                replay
                    .values
                    .push(finite(row.divergence(plan.divergence).0));
            }
            Ok(replay)
        })
        .collect::<Result<_>>()?;
    Ok(Replay {
        name: shown(&summary.name).into_owned(),
        dim: target.dim(),
        target: MixtureState::from_mixture(target),
        fits,
    })
}
