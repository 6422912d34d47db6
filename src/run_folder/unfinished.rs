//! A run that is not finished, as far as it came: what its folder tells while it goes on, or after it was cut off.
//!
//! The fits that ended are told by the summary, or by their checkpoints; the one that was at work by the last row of
//! each of its runs. Nothing is written.

use std::fmt;

use super::RunFolder;
use crate::config::Experiment;
use crate::divergence::{DivergenceKind, Estimate, EstimateMethod};
use crate::error::{Error, Result};
use crate::fit::Plan;
use crate::fit::stop::Stop;
use crate::judge::criteria::Criteria;
use crate::judge::diagnostics::{Diagnostics, diagnose};
use crate::judge::evaluate::{Evaluation, PANELS_DIM};
use crate::judge::known_optimum::KnownOptimum;
use crate::judge::of_x::OfX;
use crate::mixture::{Mixture, NaturalParameters, from_natural_values};
use crate::record::{
    Checkpoint, FORMAT, FitSummary, KnownOptimumSummary, Row, RunSummary, Summary, Trajectory,
};

/// The most rows that are read of a trajectory: more would not show.
pub(super) const MOST_ROWS: usize = 1 << 17;

/// How far a run has come that is not finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// The fit it was at.
    pub label: String,
    /// Which one that is, counted from 1, and how many there are.
    pub fit: [usize; 2],
    /// The last step of it that was logged, and how many it is to take.
    pub step: [usize; 2],
}

impl fmt::Display for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let [step, steps] = self.step;
        write!(f, "not finished: after {step} of {steps} steps")?;
        match self.fit {
            [_, 1] => Ok(()),
            [fit, fits] => write!(f, " of {}, fit {fit} of {fits}", self.label),
        }
    }
}

/// What a folder tells of its run.
pub(super) struct Told {
    /// What came out, or would if it had ended where it is.
    pub summary: Summary,
    /// How far it is, if it is not finished.
    pub unfinished: Option<Unfinished>,
    /// Of each fit in the summary that has not ended, the step that it tells of.
    pub so_far: Vec<Option<usize>>,
}

/// Reads what came out of a run, finished or not.
pub(super) fn told(folder: &RunFolder, experiment: &Experiment) -> Result<Told> {
    let written = folder.written_summary()?;
    if let Some(summary) = &written
        && (!summary.interrupted && !is_longer(experiment, summary))
    {
        return Ok(Told {
            so_far: vec![None; summary.fits.len()],
            summary: summary.clone(),
            unfinished: None,
        });
    }
    let (mut fits, mut so_far, mut unfinished) = (Vec::new(), Vec::new(), None);
    for (place, plan) in experiment.plans.iter().enumerate() {
        let earlier = written.as_ref().and_then(|summary| summary.fits.get(place));
        let is_last = |summary: &Summary| place + 1 == summary.fits.len();
        let was_at_work = (written.as_ref()).is_some_and(|of| of.interrupted && is_last(of));
        let ended = match earlier.filter(|fit| fit.steps == plan.optimizer.steps && !was_at_work) {
            Some(fit) => Some(fit.clone()),
            None => ended(folder, plan)?,
        };
        if let Some(fit) = ended {
            fits.push(fit);
            so_far.push(None);
            continue;
        }
        let trajectory = folder.whole_rows(plan, MOST_ROWS)?.unwrap_or_default();
        let logged = trajectory.rows.last().map(|row| row.step);
        // It may be of fewer rows than are there by now, or of a step after the last that was logged.
        let earlier = earlier.and_then(|fit| {
            let steps = fit.best.as_ref()?.steps;
            (steps >= logged?).then_some((fit, steps))
        });
        let step = earlier.map(|(_, steps)| steps).or(logged);
        unfinished.get_or_insert_with(|| Unfinished {
            label: plan.label.clone(),
            fit: [place + 1, experiment.plans.len()],
            step: [step.unwrap_or(0), plan.optimizer.steps],
        });
        let Some(step) = step else {
            break;
        };
        fits.push(match earlier {
            Some((fit, step)) => interrupted(fit, plan, step),
            None => AsFar::new(experiment, plan, &trajectory).summary()?,
        });
        so_far.push(Some(step));
    }
    if fits.is_empty() {
        let path = folder.path().display();
        return Err(Error::usage(
            format!("the run in {path} did not end, and has not logged a step"),
            format!("go on with `klfit resume {path}`"),
        ));
    }
    let config = &experiment.config;
    let summary = Summary {
        format: FORMAT,
        id: folder.id().unwrap_or_default().to_owned(),
        name: match &unfinished {
            Some(unfinished) => format!("{}, {unfinished}", config.name),
            None => config.name.clone(),
        },
        seed: config.seed,
        versions: written.map(|summary| summary.versions).unwrap_or_default(),
        device: config.device,
        seconds: fits.iter().map(|fit: &FitSummary| fit.seconds).sum(),
        target: (&experiment.target).into(),
        interrupted: unfinished.is_some(),
        choices: Vec::new(),
        fits,
    };
    Ok(Told {
        summary,
        unfinished,
        so_far,
    })
}

/// Whether a run goes on for more steps than its summary is of.
fn is_longer(experiment: &Experiment, summary: &Summary) -> bool {
    let fits = experiment.plans.iter().zip(&summary.fits);
    summary.fits.len() == experiment.plans.len()
        && fits
            .map(|(plan, fit)| (plan.optimizer.steps, fit.steps))
            .any(|(steps, of_summary)| steps > of_summary)
}

/// What came of a fit by its checkpoint, if it has ended. One that cannot be used says nothing.
fn ended(folder: &RunFolder, plan: &Plan) -> Result<Option<FitSummary>> {
    let Some(inner) = folder.inner_of(plan)? else {
        return Ok(None);
    };
    let Ok(Some(saved)) = Checkpoint::newest(&inner, |_| Ok(true)) else {
        return Ok(None);
    };
    let of_run = |id: &String| folder.id().is_none_or(|own| own == id);
    let place = saved.runs.iter().position(of_run);
    let ended = saved.ended.filter(|_| saved.steps == plan.optimizer.steps);
    Ok(place
        .and_then(|place| ended?.into_iter().nth(place))
        .filter(|fit| fit.label == plan.label))
}

/// A fit as it stood when it was last summarized, which has not ended.
fn interrupted(fit: &FitSummary, plan: &Plan, step: usize) -> FitSummary {
    let mut fit = fit.clone();
    fit.steps = plan.optimizer.steps;
    if let Some(best) = &mut fit.best
        && best.stop == Stop::Steps
    {
        best.stop = Stop::Interrupted { step };
    }
    fit
}

/// A fit by the rows that it has logged.
struct AsFar<'e> {
    experiment: &'e Experiment,
    plan: &'e Plan,
    trajectory: &'e Trajectory,
}

impl<'e> AsFar<'e> {
    fn new(experiment: &'e Experiment, plan: &'e Plan, trajectory: &'e Trajectory) -> Self {
        Self {
            experiment,
            plan,
            trajectory,
        }
    }

    fn summary(&self) -> Result<FitSummary> {
        let plan = self.plan;
        let runs = plan.start.runs();
        let lasts: Vec<(&Row, Mixture)> = (0..runs)
            .filter_map(|run| {
                let row = self.trajectory.run(run).last()?;
                let value = row.divergence(plan.divergence).0;
                (value.is_finite() && row.loss.is_finite()).then_some((row, self.mixture(row)?))
            })
            .collect();
        let own = |row: &Row| row.divergence(plan.divergence).0;
        let best = (lasts.iter()).min_by(|(a, _), (b, _)| own(a).total_cmp(&own(b)));
        let best = best.map(|(row, q)| self.run_summary(row, q));
        let best = best.transpose()?;
        let last = self.trajectory.rows.last();
        Ok(FitSummary {
            label: plan.label.clone(),
            divergence: plan.divergence,
            steps: plan.optimizer.steps,
            learning_rate: plan.optimizer.rate(),
            seconds: last.map_or(0.0, |row| row.seconds),
            restarts: runs,
            failed: runs - lasts.len(),
            failure: None,
            known_optimum: best.as_ref().and_then(|best| self.known_optimum(best)),
            best,
            log_density_off: None,
            // Where runs are that still move is no optimum.
            optima: Vec::new(),
            modes: None,
        })
    }

    fn mixture(&self, row: &Row) -> Option<Mixture> {
        let family = &self.plan.family;
        from_natural_values(family.components(), family.dim(), &row.parameters)
            .ok()
            .map(|q| q.occupied())
    }

    fn run_summary(&self, row: &Row, q: &Mixture) -> Result<RunSummary> {
        let (plan, target) = (self.plan, &self.experiment.target);
        let rows = target.as_samples();
        let method = match target.dim() {
            _ if rows.is_some() || !target.has_density() => EstimateMethod::Data,
            dim if dim <= PANELS_DIM => EstimateMethod::Quadrature,
            _ => EstimateMethod::MonteCarlo,
        };
        let of = |(value, error): (f64, f64), method| Estimate {
            value,
            error,
            method,
        };
        let divergences = Evaluation::logged(
            (row.divergences()).map(|(kind, value, error)| (kind, of((value, error), method))),
            row.held_out.map(|pair| of(pair, EstimateMethod::Data)),
        );
        let entropy = divergences.estimate(DivergenceKind::CrossEntropy).value;
        let criteria = rows.map(|rows| Criteria::new(&plan.family, q, rows, entropy));
        let is_random = plan.estimator.rule.is_random();
        let of_loss = match is_random {
            true => EstimateMethod::MonteCarlo,
            false if rows.is_some() => EstimateMethod::Data,
            false => EstimateMethod::Quadrature,
        };
        Ok(RunSummary {
            run: row.run,
            steps: row.step,
            stop: Stop::Interrupted { step: row.step },
            best_iterate: None,
            loss: of((row.loss, row.loss_error), of_loss),
            effective_sample_size: row.effective_sample_size.filter(|size| !size.is_nan()),
            gradient_norm: row.gradient_norm,
            gradient_variance: None,
            diagnostics: match target.is_by_program() {
                // It would have to be asked at every draw.
                true => Diagnostics::default(),
                false => diagnose(target, q, self.experiment.config.seed),
            },
            divergences,
            criteria: criteria.transpose()?,
            evaluations: row.evaluations,
            mixture: NaturalParameters::from(q),
            of_x: target.bounded().map(|coordinates| OfX::new(coordinates, q)),
        })
    }

    fn known_optimum(&self, best: &RunSummary) -> Option<KnownOptimumSummary> {
        let (plan, target) = (self.plan, &self.experiment.target);
        let optimum = KnownOptimum::find(plan.divergence, &plan.family, target)?;
        let q = Mixture::try_from(&best.mixture).ok()?;
        let gap = optimum.gap(&q, &best.divergences);
        let own = best.divergences.estimate(plan.divergence);
        let value = match optimum.is_target {
            true => Estimate::exact(0.0),
            false => Estimate {
                value: own.value - gap?.value,
                error: own.error + gap?.error,
                ..own
            },
        };
        Some(KnownOptimumSummary {
            value,
            gap,
            mixture: (&optimum.mixture).into(),
        })
    }
}
