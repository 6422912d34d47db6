//! Runs an experiment: every fit in turn, into a run folder.

mod ended;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;
use std::time::Instant;

use crate::compute::device::Numerics;
use crate::config::{Experiment, FitConfig};
use crate::density::Density;
use crate::density::target::Target;
use crate::error::{Error, Result};
use crate::files::folder::Folder;
use crate::files::names::CHECKPOINT;
use crate::fit::init::Start;
use crate::fit::stop::Stop;
use crate::fit::{Fit, FitState, Member, Plan, Record};
use crate::mixture::Mixture;
use crate::record::of_another;
use crate::record::{
    Checkpoint, CheckpointConfig, Choice, FORMAT, FitSummary, LoggedRows, Summary,
    TrajectoryWriter, Versions,
};
use crate::run_folder::RunFolder;
use ended::Ended;

/// Someone who follows a run as it goes.
pub trait RunObserver {
    /// A fit begins.
    fn begin(&mut self, _plan: &Plan) {}
    /// A step was logged.
    fn record(&mut self, _plan: &Plan, _record: &Record) {}
    /// A fit has ended.
    fn end(&mut self, _fit: &FitSummary) {}
    /// Whether the run is to stop after the step it is at, so that it can be resumed later.
    fn wants_to_stop(&self) -> bool {
        false
    }
}

/// Nobody, who lets it run.
impl RunObserver for () {}

/// An experiment and where its results go.
#[derive(Debug, Clone, Copy)]
pub struct Job<'e> {
    /// What to run.
    pub experiment: &'e Experiment,
    /// Its folder.
    pub folder: &'e RunFolder,
}

/// What experiments have in common whose fits can share their loops, the rows of the target aside, as
/// text.
pub fn in_common(experiment: &Experiment) -> String {
    let config = &experiment.config;
    let plans = (experiment.plans.iter()).map(|plan| (plan.in_common(), config.log.every(plan)));
    let plans: Vec<(String, usize)> = plans.collect();
    format!("{:?}", (config.log, config.device, &config.target, plans))
}

/// Runs every fit of an experiment and writes the folder, figures aside. In a folder that
/// [resumes](crate::run_folder::Existing::Resume), what was done is taken as it is, and what was
/// begun continues to the bit.
///
/// # Errors
/// If the folder cannot be written, holds no good checkpoint where there are some, or the device
/// fails. A run whose numbers break down is not an error: it is reported as failed.
pub fn run(
    experiment: &Experiment,
    numerics: &Numerics,
    folder: &RunFolder,
    observer: &mut dyn RunObserver,
) -> Result<Summary> {
    let experiment = &*folder.continued(experiment)?;
    let job = Job { experiment, folder };
    Ok(run_batch(&[job], numerics, observer)?.swap_remove(0))
}

/// Runs experiments that have [enough in common](in_common) in one loop for each of their fits, and writes
/// the folder of each.
///
/// # Errors
/// As [`run`]; and if they have not.
pub fn run_batch(
    jobs: &[Job],
    numerics: &Numerics,
    observer: &mut dyn RunObserver,
) -> Result<Vec<Summary>> {
    let started = Instant::now();
    let Some(first) = jobs.first() else {
        return Ok(Vec::new());
    };
    let finished = (jobs.iter())
        .map(|job| job.folder.finished(job.experiment))
        .collect::<Result<Option<Vec<_>>>>()?;
    if let Some(finished) = finished {
        return Ok(finished);
    }
    let target = Target::new(first.experiment.target.clone(), numerics);
    let mut fits: Vec<Vec<FitSummary>> = vec![Vec::new(); jobs.len()];
    let mut interrupted = false;
    for i in 0..first.experiment.plans.len() {
        observer.begin(&first.experiment.plans[i]);
        let plans = (jobs.iter().zip(&fits))
            .map(|(job, ended)| after(&job.experiment.plans[i], ended))
            .collect::<Result<Vec<Cow<Plan>>>>()?;
        let outcome = SharedLoop::new(jobs, &plans, &target, numerics)?.run(observer)?;
        interrupted = outcome.interrupted;
        for (fits, fit) in fits.iter_mut().zip(outcome.fits) {
            observer.end(&fit);
            fits.push(fit);
        }
        if interrupted {
            break;
        }
    }
    (jobs.iter().zip(fits))
        .map(|(job, fits)| {
            let config = &job.experiment.config;
            let summary = Summary {
                format: FORMAT,
                id: job.folder.id().unwrap_or_default().to_owned(),
                name: config.name.clone(),
                seed: config.seed,
                versions: Versions::default(),
                device: config.device,
                seconds: started.elapsed().as_secs_f64(),
                target: (&job.experiment.target).into(),
                interrupted,
                choices: choices(&config.fit, &fits),
                fits,
            };
            job.folder.write_summary(&summary)?;
            Ok(summary)
        })
        .collect()
}

/// A plan with its start, where that is the end of an earlier fit.
fn after<'p>(plan: &'p Plan, ended: &[FitSummary]) -> Result<Cow<'p, Plan>> {
    let Start::EndOf(label) = &plan.start else {
        return Ok(Cow::Borrowed(plan));
    };
    let best = (ended.iter())
        .find(|fit| fit.label == *label)
        .and_then(|fit| fit.best.as_ref());
    let Some(best) = best else {
        let message = format!(
            "fit \"{}\" starts where \"{label}\" ended, of which every run failed",
            plan.label
        );
        return Err(Error::numerical(
            message,
            "mend that fit, or start this one elsewhere",
        ));
    };
    let start = Mixture::try_from(&best.mixture)?;
    Ok(Cow::Owned(Plan {
        start: Start::Begun(Box::new(start), best.evaluations),
        ..plan.clone()
    }))
}

/// Which of the fits that stand for a choice is enough; none where some of them have not ended.
fn choices(configs: &[FitConfig], fits: &[FitSummary]) -> Vec<Choice> {
    let mut names: Vec<&str> = Vec::new();
    for name in configs.iter().filter_map(|fit| fit.choice.as_deref()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let of = |name: &str| -> Option<Choice> {
        let places = (0..configs.len()).filter(|&i| configs[i].choice.as_deref() == Some(name));
        let ended: Option<Vec<&FitSummary>> = places.map(|i| fits.get(i)).collect();
        let ended = ended?;
        let candidates = ended.iter().filter_map(|fit| fit.candidate());
        Choice::among(name, ended.first()?.divergence, candidates.collect())
    };
    names.into_iter().filter_map(of).collect()
}

/// The fits at one place of all experiments, which share a loop.
struct SharedLoop<'e> {
    jobs: &'e [Job<'e>],
    members: Vec<Member<'e>>,
    target: &'e Target,
    numerics: &'e Numerics,
    /// Where their common checkpoint goes.
    folder: Folder,
    /// The number of the run of each, as their checkpoint tells it.
    runs: Vec<String>,
}

/// What came of them.
struct Outcome {
    fits: Vec<FitSummary>,
    interrupted: bool,
}

impl Outcome {
    fn ended(fits: Vec<FitSummary>) -> Self {
        let interrupted = false;
        Self { fits, interrupted }
    }
}

impl<'e> SharedLoop<'e> {
    fn new(
        jobs: &'e [Job<'e>],
        plans: &'e [Cow<'e, Plan>],
        target: &'e Target,
        numerics: &'e Numerics,
    ) -> Result<Self> {
        let members: Vec<Member> = (jobs.iter())
            .zip(plans)
            .map(|(job, plan)| Member {
                plan,
                seed: job.experiment.config.seed,
            })
            .collect();
        let runs = jobs.iter().map(|job| job.folder.id().unwrap_or_default());
        Ok(Self {
            folder: jobs[0].folder.fit(&members[0].plan.label)?,
            runs: runs.map(str::to_owned).collect(),
            jobs,
            members,
            target,
            numerics,
        })
    }

    fn steps(&self) -> usize {
        self.members[0].plan.optimizer.steps
    }

    /// The newest good checkpoint with the trajectories it is of, which continue.
    fn saved(&self) -> Result<Option<Checkpoint>> {
        if !self.jobs[0].folder.is_resumed() {
            return Ok(None);
        }
        let path = self.folder.path_of(CHECKPOINT);
        Checkpoint::newest(&self.folder, |saved| {
            if saved.runs != self.runs {
                // Points of a sweep that shared a loop with others then begin again.
                return match self.runs.iter().any(|run| saved.runs.contains(run)) {
                    true => Ok(false),
                    false => Err(of_another(&path, "it is of another run")),
                };
            }
            if saved.rows.len() != self.jobs.len() || saved.state.step >= self.steps() {
                return Err(of_another(&path, "it is of a longer run"));
            }
            let labels = self.members.iter().map(|member| &member.plan.label);
            let ended = saved.ended.as_ref();
            if ended.is_some_and(|fits| !fits.iter().map(|fit| &fit.label).eq(labels)) {
                return Err(of_another(&path, "its fits are not those of the run"));
            }
            self.trajectories(Some(saved)).map(|_| true)
        })
    }

    fn trajectories(&self, saved: Option<&Checkpoint>) -> Result<Vec<TrajectoryWriter>> {
        (self.jobs.iter().zip(&self.members).enumerate())
            .map(|(i, (job, member))| {
                let after = saved.map_or(LoggedRows::default(), |saved| saved.rows[i]);
                (job.folder).start_trajectory(member.plan, self.target.model(), after)
            })
            .collect()
    }

    /// Runs the loop to its end, or until it is asked to stop.
    fn run(&self, observer: &mut dyn RunObserver) -> Result<Outcome> {
        let saved = self.saved()?;
        let ended = |saved: &Checkpoint| -> Option<Vec<FitSummary>> {
            let same = saved.steps == self.steps();
            saved.ended.clone().filter(|_| same)
        };
        if let Some(fits) = saved.as_ref().and_then(ended) {
            return Ok(Outcome::ended(fits));
        }
        let experiment = self.jobs[0].experiment;
        let log = experiment.config.log;
        let mut fit = Fit::batch(&self.members, self.target, self.numerics, log)?;
        let parts = fit.members();
        let mut trajectories = self.trajectories(saved.as_ref())?;
        // The first record is made again: it takes no longer than to read it would.
        let Some(first) = fit.take_step()? else {
            let message = format!("fit \"{}\" logged nothing", self.members[0].plan.label);
            return Err(Error::numerical(message, "give it at least one step"));
        };
        let mut due = Due::new(experiment.config.checkpoint);
        let mut last = first.clone();
        match &saved {
            Some(saved) => fit.restore(&saved.state)?,
            None => {
                append(&mut trajectories, &first, &parts)?;
                observer.record(self.members[0].plan, &first);
            }
        }
        if let Some(fits) = saved.and_then(|saved| saved.ended)
            && fit.has_ended()
        {
            // All runs had stopped before: more steps are none for them.
            let longer = |fit| FitSummary {
                steps: self.steps(),
                ..fit
            };
            return Ok(Outcome::ended(fits.into_iter().map(longer).collect()));
        }
        let mut before_last = None;
        while !fit.has_ended() {
            let step = fit.step().unwrap_or(0);
            if self.is_asked_to_stop(observer)? {
                self.save(&trajectories, Place::new(&fit, &trajectories)?, None)?;
                for run in &mut last.runs {
                    run.stop.get_or_insert(Stop::Interrupted { step });
                }
                let fits = self.summarize(&first, &fit.reported(&last)?, &parts)?;
                let interrupted = true;
                return Ok(Outcome { fits, interrupted });
            }
            if step + 1 == fit.steps() {
                before_last = Some(Place::new(&fit, &trajectories)?);
            }
            if due.is_due(step) {
                self.save(&trajectories, Place::new(&fit, &trajectories)?, None)?;
            }
            if let Some(record) = fit.take_step()? {
                append(&mut trajectories, &record, &parts)?;
                observer.record(self.members[0].plan, &record);
                last = record;
            }
        }
        for trajectory in &mut trajectories {
            trajectory.cut()?;
        }
        let fits = self.summarize(&first, &fit.reported(&last)?, &parts)?;
        let place = match before_last {
            Some(place) => place,
            None => Place::new(&fit, &trajectories)?,
        };
        self.save(&trajectories, place, Some(fits.clone()))?;
        Ok(Outcome::ended(fits))
    }

    /// Whether it is to stop, as all ranks agree.
    fn is_asked_to_stop(&self, observer: &dyn RunObserver) -> Result<bool> {
        let is_asked = observer.wants_to_stop();
        let Some(ranks) = self.target.ranks() else {
            return Ok(is_asked);
        };
        let mut asked = [f64::from(u8::from(is_asked))];
        ranks.sum(&mut asked)?;
        Ok(asked[0] > 0.0)
    }

    /// Writes the checkpoint, the trajectories before it.
    fn save(
        &self,
        trajectories: &[TrajectoryWriter],
        place: Place,
        ended: Option<Vec<FitSummary>>,
    ) -> Result<()> {
        trajectories.iter().try_for_each(TrajectoryWriter::sync)?;
        let checkpoint = Checkpoint {
            runs: self.runs.clone(),
            steps: self.steps(),
            state: place.state,
            rows: place.rows,
            ended,
        };
        checkpoint.write(&self.folder)
    }

    fn summarize(
        &self,
        first: &Record,
        last: &Record,
        parts: &[Range<usize>],
    ) -> Result<Vec<FitSummary>> {
        (self.jobs.iter().zip(&self.members).zip(parts))
            .map(|((job, member), part)| {
                let ended = Ended {
                    experiment: job.experiment,
                    plan: member.plan,
                    target: self.target,
                    numerics: self.numerics,
                    first: first.select(part.clone()),
                    last: last.select(part.clone()),
                };
                ended.summarize(job.folder)
            })
            .collect()
    }
}

/// Where a loop stands: its state, and the rows of its trajectories then.
struct Place {
    state: FitState,
    rows: Vec<LoggedRows>,
}

impl Place {
    fn new(fit: &Fit, trajectories: &[TrajectoryWriter]) -> Result<Self> {
        Ok(Self {
            state: fit.state()?,
            rows: trajectories.iter().map(TrajectoryWriter::rows).collect(),
        })
    }
}

fn append(
    trajectories: &mut [TrajectoryWriter],
    record: &Record,
    parts: &[Range<usize>],
) -> Result<()> {
    (trajectories.iter_mut().zip(parts))
        .try_for_each(|(trajectory, part)| trajectory.append(&record.select(part.clone())))
}

/// When the next checkpoint is due.
struct Due {
    config: CheckpointConfig,
    last: Instant,
}

impl Due {
    fn new(config: CheckpointConfig) -> Self {
        let last = Instant::now();
        Self { config, last }
    }

    fn is_due(&mut self, step: usize) -> bool {
        let every = self.config.every;
        let by_step = every.is_some_and(|every| step > 0 && step.is_multiple_of(every));
        let spent = self.last.elapsed().as_secs_f64();
        let by_clock = (self.config.every_seconds).is_some_and(|seconds| spent >= seconds);
        if by_step || by_clock {
            self.last = Instant::now();
        }
        by_step || by_clock
    }
}
