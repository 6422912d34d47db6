//! Runs an experiment: every fit in turn, into a run folder.

use std::time::Instant;

use crate::config::Experiment;
use crate::device::Numerics;
use crate::diagnostics;
use crate::divergence::Estimate;
use crate::error::{Error, Result};
use crate::evaluate::{Effort, Evaluator, reported};
use crate::fit::{Fit, Member, Plan, Record};
use crate::kernel::MixtureTensors;
use crate::known_optimum::KnownOptimum;
use crate::mixture::{Mixture, NaturalParameters};
use crate::optima::Ends;
use crate::run_folder::{
    FORMAT, FitSummary, GradientVariance, KnownOptimumSummary, Optimum, RunFolder, RunSummary,
    Summary, Versions,
};
use crate::stop::Stop;
use crate::target::Target;

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

/// An experiment and where its results go.
#[derive(Debug, Clone, Copy)]
pub struct Job<'e> {
    /// What to run.
    pub experiment: &'e Experiment,
    /// Its folder.
    pub folder: &'e RunFolder,
}

impl Job<'_> {
    /// Whether every fit of this one can share a loop with that of another.
    pub fn batches_with(&self, other: &Self) -> bool {
        let (a, b) = (self.experiment, other.experiment);
        a.target == b.target
            && a.config.log == b.config.log
            && a.config.device == b.config.device
            && a.plans.len() == b.plans.len()
            && a.plans.iter().zip(&b.plans).all(|(a, b)| a.batches_with(b))
    }
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
    let job = Job { experiment, folder };
    Ok(run_together(&[job], numerics, watch)?.swap_remove(0))
}

/// Runs experiments that [batch](Job::batches_with) with the first in one loop for each of their
/// fits, and writes the folder of each.
///
/// # Errors
/// As [`run`]; and if they do not batch.
pub fn run_together(
    jobs: &[Job],
    numerics: &Numerics,
    watch: &mut dyn Watch,
) -> Result<Vec<Summary>> {
    let started = Instant::now();
    let Some(first) = jobs.first() else {
        return Ok(Vec::new());
    };
    let target = Target::new(first.experiment.target.clone(), numerics);
    let mut fits: Vec<Vec<FitSummary>> = vec![Vec::new(); jobs.len()];
    for i in 0..first.experiment.plans.len() {
        watch.begin(&first.experiment.plans[i]);
        let ended = run_fits(jobs, i, &target, numerics, watch)?;
        for (fits, fit) in fits.iter_mut().zip(ended) {
            watch.end(&fit);
            fits.push(fit);
        }
    }
    (jobs.iter().zip(fits))
        .map(|(job, fits)| {
            let config = &job.experiment.config;
            let summary = Summary {
                format: FORMAT,
                name: config.name.clone(),
                seed: config.seed,
                versions: Versions::default(),
                device: config.device,
                seconds: started.elapsed().as_secs_f64(),
                target: (&job.experiment.target).into(),
                fits,
            };
            job.folder.write_summary(&summary)?;
            Ok(summary)
        })
        .collect()
}

/// The fits at one place of all experiments, in one loop.
fn run_fits(
    jobs: &[Job],
    place: usize,
    target: &Target,
    numerics: &Numerics,
    watch: &mut dyn Watch,
) -> Result<Vec<FitSummary>> {
    let members: Vec<Member> = (jobs.iter())
        .filter_map(|job| {
            let plan = job.experiment.plans.get(place)?;
            let seed = job.experiment.config.seed;
            Some(Member { plan, seed })
        })
        .collect();
    let log = jobs[0].experiment.config.log;
    let fit = Fit::batch(&members, target, numerics, log)?;
    let parts = fit.members();
    let mut trajectories = (jobs.iter().zip(&members))
        .map(|(job, member)| job.folder.start_trajectory(member.plan))
        .collect::<Result<Vec<_>>>()?;
    let (mut first, mut last): (Option<Record>, Option<Record>) = (None, None);
    for record in fit {
        let record = record?;
        for (trajectory, part) in trajectories.iter_mut().zip(&parts) {
            trajectory.append(&record.of(part.clone()))?;
        }
        watch.record(members[0].plan, &record);
        first.get_or_insert_with(|| record.clone());
        last = Some(record);
    }
    let (Some(first), Some(last)) = (first, last) else {
        return Err(Error::Numerical {
            message: format!("fit \"{}\" logged nothing", members[0].plan.label),
            help: "give it at least one step".to_owned(),
        });
    };
    (jobs.iter().zip(members).zip(parts))
        .map(|((job, member), part)| {
            let ended = Ended {
                experiment: job.experiment,
                plan: member.plan,
                target,
                numerics,
                first: first.of(part.clone()),
                last: last.of(part),
            };
            ended.summarize(job.folder)
        })
        .collect()
}

/// A fit that has ended.
struct Ended<'e> {
    experiment: &'e Experiment,
    plan: &'e Plan,
    target: &'e Target,
    numerics: &'e Numerics,
    first: Record,
    last: Record,
}

impl Ended<'_> {
    /// Judges where it ended, and writes its table of restarts.
    fn summarize(&self, folder: &RunFolder) -> Result<FitSummary> {
        let Self { plan, last, .. } = self;
        let ends = Ends::of(plan, last, self.numerics, |_| true)?;
        folder.write_restarts(plan, &self.first, last, ends.optimum())?;
        let best = ends.best().map(|run| self.run_summary(run)).transpose()?;
        let known_optimum = self.known_optimum(best.as_ref())?;
        let mut optima = optima_of(&ends, last);
        for optimum in optima.iter_mut().take(JUDGED) {
            optimum.divergences = match &best {
                Some(best) if best.run == optimum.run => best.divergences.clone(),
                _ => self.judge(&last.runs[optimum.run].mixture)?,
            };
        }
        let places: Vec<&Mixture> = (optima.iter().take(JUDGED))
            .map(|optimum| &last.runs[optimum.run].mixture)
            .collect();
        let seed = self.experiment.config.seed;
        Ok(FitSummary {
            label: plan.label.clone(),
            divergence: plan.divergence,
            steps: plan.optimizer.steps,
            seconds: last.seconds,
            restarts: last.runs.len(),
            failed: ends.optimum().iter().filter(|end| end.is_none()).count(),
            best,
            known_optimum,
            modes: diagnostics::modes_found(self.target.model(), &places, seed),
            optima,
        })
    }

    /// Every reported divergence of q with the most care.
    fn judge(&self, q: &Mixture) -> Result<crate::evaluate::Evaluation> {
        let config = &self.experiment.config;
        let evaluator = Evaluator::new(
            self.numerics.clone(),
            q.dim(),
            config.seed,
            reported(self.plan.divergence),
            Effort::last(config.log.samples),
        );
        let tensors = MixtureTensors::constant(q, self.numerics);
        let mut evaluation = evaluator.evaluate(self.target, &tensors)?.swap_remove(0);
        evaluation.sharpen(self.target.model(), q);
        Ok(evaluation)
    }

    fn run_summary(&self, run: usize) -> Result<RunSummary> {
        let (start, end) = (&self.first.runs[run], &self.last.runs[run]);
        let variance = start.gradient_variance.zip(end.gradient_variance);
        Ok(RunSummary {
            run,
            steps: end.step_of(self.last.step),
            stop: end.stop.clone().unwrap_or(Stop::Steps),
            loss: end.loss,
            gradient_norm: end.gradient_norm,
            gradient_variance: variance.map(|(start, end)| GradientVariance { start, end }),
            divergences: self.judge(&end.mixture)?,
            diagnostics: diagnostics::diagnose(
                self.target.model(),
                &end.mixture,
                self.experiment.config.seed,
            ),
            mixture: NaturalParameters::from(&end.mixture),
        })
    }

    fn known_optimum(&self, best: Option<&RunSummary>) -> Result<Option<KnownOptimumSummary>> {
        let plan = self.plan;
        let known = KnownOptimum::of(plan.divergence, &plan.family, self.target.model());
        let Some(optimum) = known else {
            return Ok(None);
        };
        let value = if optimum.is_target {
            Estimate::exact(0.0)
        } else {
            self.judge(&optimum.mixture)?.of(plan.divergence)
        };
        let gap =
            best.and_then(|best| optimum.gap(&self.last.runs[best.run].mixture, &best.divergences));
        Ok(Some(KnownOptimumSummary {
            value,
            gap,
            mixture: (&optimum.mixture).into(),
        }))
    }
}

/// The optima that runs ended at, the best first.
fn optima_of(ends: &Ends, last: &Record) -> Vec<Optimum> {
    (ends.leaders().into_iter())
        .map(|(run, runs)| Optimum {
            runs,
            run,
            gradient_norm: last.runs[run].gradient_norm,
            divergences: last.runs[run].evaluation.clone(),
            mixture: (&last.runs[run].mixture).into(),
        })
        .collect()
}
