//! Runs an experiment: every fit in turn, into a run folder.

use std::time::Instant;

use crate::config::Experiment;
use crate::device::Numerics;
use crate::divergence::Estimate;
use crate::error::{Error, Result};
use crate::evaluate::{Effort, Evaluator, reported};
use crate::fit::{Fit, Plan, Record, Stop};
use crate::kernel::MixtureTensors;
use crate::known_optimum::KnownOptimum;
use crate::mixture::{Mixture, NaturalParameters};
use crate::optima;
use crate::run_folder::{
    FORMAT, FitSummary, KnownOptimumSummary, Optimum, RunFolder, RunSummary, Summary, Versions,
};
use crate::target::{self, Target};

/// So many optima are judged as carefully as the best run; more are rare, or not optima.
const JUDGED: usize = 8;

/// Someone who follows a run as it goes.
pub trait Watch {
    /// A fit begins.
    fn begin(&mut self, plan: &Plan);
    /// A step was logged.
    fn record(&mut self, plan: &Plan, record: &Record);
    /// A fit has ended.
    fn end(&mut self, fit: &FitSummary);
}

/// Runs every fit of an experiment and writes the folder, figures aside.
///
/// # Errors
/// If the folder cannot be written or the device fails. A run whose numbers break down is not an
/// error: it is reported as failed.
pub fn run(
    experiment: &Experiment,
    numerics: &Numerics,
    folder: &RunFolder,
    watch: &mut dyn Watch,
) -> Result<Summary> {
    let started = Instant::now();
    let target = target::mixture(&experiment.target, numerics);
    let mut fits = Vec::with_capacity(experiment.plans.len());
    for plan in &experiment.plans {
        watch.begin(plan);
        let fit = run_fit(experiment, plan, &*target, numerics, folder, watch)?;
        watch.end(&fit);
        fits.push(fit);
    }
    let summary = Summary {
        format: FORMAT,
        name: experiment.config.name.clone(),
        seed: experiment.config.seed,
        versions: Versions::default(),
        device: experiment.config.device,
        seconds: started.elapsed().as_secs_f64(),
        target: (&experiment.target).into(),
        fits,
    };
    folder.write_summary(&summary)?;
    Ok(summary)
}

fn run_fit(
    experiment: &Experiment,
    plan: &Plan,
    target: &dyn Target,
    numerics: &Numerics,
    folder: &RunFolder,
    watch: &mut dyn Watch,
) -> Result<FitSummary> {
    let config = &experiment.config;
    let fit = Fit::new(plan, target, numerics, config.log, config.seed)?;
    let mut trajectory = folder.start_trajectory(plan)?;
    let mut first: Option<Record> = None;
    let mut last: Option<Record> = None;
    for record in fit {
        let record = record?;
        trajectory.append(&record, last.as_ref())?;
        watch.record(plan, &record);
        first.get_or_insert_with(|| record.clone());
        last = Some(record);
    }
    let (Some(first), Some(last)) = (first, last) else {
        return Err(Error::Numerical {
            message: format!("fit \"{}\" logged nothing", plan.label),
            help: "give it at least one step".to_owned(),
        });
    };
    let ends = Ends::of(plan, &last, numerics)?;
    folder.write_restarts(plan, &first, &last, &ends.optimum)?;
    let evaluator = Evaluator::new(
        numerics.clone(),
        experiment.target.dim(),
        config.seed,
        reported(plan.divergence),
        Effort::last(config.log.samples),
    );
    let judge = |q: &Mixture| {
        let tensors = MixtureTensors::constant(q, numerics);
        let mut evaluation = evaluator.evaluate(target, &tensors)?.swap_remove(0);
        evaluation.sharpen(&experiment.target, q);
        Ok::<_, Error>(evaluation)
    };
    let best = match ends.best() {
        Some(run) => Some(RunSummary {
            divergences: judge(&last.runs[run].mixture)?,
            ..run_summary(run, &last)
        }),
        None => None,
    };
    let known_optimum = match KnownOptimum::of(plan.divergence, &plan.family, &experiment.target) {
        Some(optimum) => Some(KnownOptimumSummary {
            value: if optimum.is_target {
                Estimate::exact(0.0)
            } else {
                judge(&optimum.mixture)?.of(plan.divergence)
            },
            gap: (best.as_ref())
                .and_then(|best| optimum.gap(&last.runs[best.run].mixture, &best.divergences)),
            mixture: (&optimum.mixture).into(),
        }),
        None => None,
    };
    let mut optima = ends.optima(&last);
    for optimum in optima.iter_mut().take(JUDGED) {
        optimum.divergences = match &best {
            Some(best) if best.run == optimum.run => best.divergences.clone(),
            _ => judge(&last.runs[optimum.run].mixture)?,
        };
    }
    Ok(FitSummary {
        label: plan.label.clone(),
        divergence: plan.divergence,
        steps: plan.optimizer.steps(),
        seconds: last.seconds,
        restarts: last.runs.len(),
        failed: ends.optimum.iter().filter(|end| end.is_none()).count(),
        best,
        known_optimum,
        optima,
    })
}

fn run_summary(run: usize, last: &Record) -> RunSummary {
    let end = &last.runs[run];
    RunSummary {
        run,
        steps: end.step_of(last.step),
        stop: end.stop.clone().unwrap_or(Stop::Steps),
        loss: end.loss,
        gradient_norm: end.gradient_norm,
        divergences: end.evaluation.clone(),
        mixture: NaturalParameters::from(&end.mixture),
    }
}

/// Where the runs of a fit ended.
struct Ends {
    /// The runs that did not fail, those with the least divergence first.
    ranked: Vec<usize>,
    /// The optimum each run ended at, the best first; none for a failed run.
    optimum: Vec<Option<usize>>,
}

impl Ends {
    fn of(plan: &Plan, last: &Record, numerics: &Numerics) -> Result<Self> {
        let value = |run: usize| last.runs[run].evaluation.of(plan.divergence).value;
        let mut ranked: Vec<usize> = (0..last.runs.len())
            .filter(|&run| !matches!(last.runs[run].stop, Some(Stop::Failed { .. })))
            .collect();
        // NaN counts as the largest, so that it is never the best.
        ranked.sort_by(|&a, &b| {
            (value(a).is_nan().cmp(&value(b).is_nan())).then(value(a).total_cmp(&value(b)))
        });
        let mixtures: Vec<&Mixture> = ranked.iter().map(|&run| &last.runs[run].mixture).collect();
        let noisy = !(plan.estimator.build(plan.family.dim())).is_deterministic();
        let tolerance = if noisy { optima::NOISY } else { optima::EXACT };
        let mut optimum = vec![None; last.runs.len()];
        for (&run, group) in ranked
            .iter()
            .zip(optima::group(&mixtures, tolerance, numerics)?)
        {
            optimum[run] = Some(group);
        }
        Ok(Self { ranked, optimum })
    }

    fn best(&self) -> Option<usize> {
        self.ranked.first().copied()
    }

    fn optima(&self, last: &Record) -> Vec<Optimum> {
        let count = self
            .optimum
            .iter()
            .flatten()
            .max()
            .map_or(0, |most| most + 1);
        (0..count)
            .filter_map(|group| {
                let members =
                    || (self.ranked.iter()).filter(|&&run| self.optimum[run] == Some(group));
                let run = *members().next()?;
                Some(Optimum {
                    runs: members().count(),
                    run,
                    gradient_norm: last.runs[run].gradient_norm,
                    divergences: last.runs[run].evaluation.clone(),
                    mixture: (&last.runs[run].mixture).into(),
                })
            })
            .collect()
    }
}
