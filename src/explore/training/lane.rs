//! One fit with all its runs, and what the page has not heard of it yet.

use crate::compute::device::Numerics;
use crate::density::target::Target;
use crate::divergence::DivergenceKind;
use crate::error::Result;
use crate::explore::protocol::{FitProgress, Status, finite};
use crate::explore::state::MixtureState;
use crate::explore::training::SAMPLES;
use crate::explore::view::{covered, modes_of};
use crate::fit::optima::Ends;
use crate::fit::{Fit, LogConfig, Plan, Record, RunRecord};
use crate::judge::evaluate::Effort;
use crate::mixture::{Mixture, natural_values};

/// Of more runs than this only the last place is sent.
const FEW: usize = 8;

pub(super) struct Lane<'a> {
    target: &'a Mixture,
    /// Of the target.
    modes: Vec<f64>,
    plan: &'a Plan,
    fit: Fit<'a>,
    numerics: &'a Numerics,
    progress: FitProgress,
}

impl<'a> Lane<'a> {
    pub fn new(
        id: &str,
        plan: &'a Plan,
        (mixture, target): (&'a Mixture, &'a Target),
        numerics: &'a Numerics,
        log: LogConfig,
    ) -> Result<Self> {
        Ok(Self {
            target: mixture,
            modes: modes_of(mixture),
            plan,
            fit: Fit::new(plan, target, numerics, log, 0)?,
            numerics,
            progress: FitProgress::new(id.to_owned(), plan.start.runs()),
        })
    }

    /// One step, if there is one left; with a record of it where its number is a multiple of `every`.
    pub fn advance(&mut self, every: usize) {
        if self.progress.has_ended() {
            return;
        }
        self.fit.log_every(every);
        if self.is_swarm() {
            let next = self.fit.step().map_or(0, |step| step + 1);
            self.fit.log_with(match next < self.fit.steps() {
                true => Effort::rough(),
                false => Effort::logged(SAMPLES),
            });
        }
        let taken = self.fit.take_step();
        let ended = match taken {
            Ok(record) => {
                self.progress.step = self.fit.step().unwrap_or(0);
                record.map_or(Ok(()), |record| self.take(&record))
            }
            Err(error) => Err(error),
        };
        if let Err(error) = ended {
            self.fail(error.to_string());
        }
    }

    /// Whether there are so many runs in the plane that to evaluate them would take longer than the steps: they are
    /// told apart on the way, and known at the end.
    fn is_swarm(&self) -> bool {
        self.target.dim() > 1 && self.progress.runs.len() > FEW
    }

    /// What is new; it is old from here on.
    pub fn news(&mut self) -> FitProgress {
        let news = self.progress.clone();
        self.progress.forget();
        news
    }

    fn fail(&mut self, message: String) {
        self.progress.status = Status::Failed;
        self.progress.message = Some(message);
    }

    fn take(&mut self, record: &Record) -> Result<()> {
        self.show(record);
        if !self.fit.has_ended() {
            return Ok(());
        }
        // As `klfit run` ends: where an earlier record was better, that stands for the end.
        let last = self.fit.reported(record)?;
        self.show_end(&last)?;
        let failures: Vec<_> = (last.runs.iter())
            .filter_map(|run| run.stop.as_ref().filter(|stop| stop.is_failure()))
            .collect();
        self.progress.status = Status::Done;
        match failures[..] {
            [first, ..] if failures.len() == last.runs.len() => self.fail(first.to_string()),
            [first, ..] => {
                let (failed, all) = (failures.len(), last.runs.len());
                self.progress.message = Some(format!("{failed} of {all} runs failed: {first}"));
            }
            [] => {}
        }
        Ok(())
    }

    /// What is known of the best run.
    fn show_best(&mut self, best: usize, run: &RunRecord) {
        let progress = &mut self.progress;
        progress.best = best;
        progress.value = progress.runs[best].value;
        progress.q = Some(MixtureState::from_mixture(&run.mixture));
        progress.values = [DivergenceKind::ForwardKl, DivergenceKind::ReverseKl]
            .map(|kind| (kind.name(), finite(run.evaluation.estimate(kind).value)))
            .to_vec();
        progress.covered = covered(self.target, &self.modes, &run.mixture);
    }

    /// Where the runs are, and the best of them.
    fn show(&mut self, record: &Record) {
        let (kind, progress) = (self.plan.divergence, &mut self.progress);
        let is_few = record.runs.len() <= FEW;
        for (run, news) in record.runs.iter().zip(&mut progress.runs) {
            news.value = finite(run.evaluation.estimate(kind).value);
            news.has_failed = run.has_failed();
            if !is_few {
                news.rows.clear();
            }
            news.rows.push(row(&run.mixture));
        }
        let best = (progress.runs.iter().enumerate())
            .filter_map(|(at, run)| Some((at, run.value.filter(|_| !run.has_failed)?)))
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .map_or(0, |(at, _)| at);
        progress.step = record.runs[best].step_of(record.step);
        self.show_best(best, &record.runs[best]);
        let progress = &mut self.progress;
        progress.trace.push((progress.step, progress.value));
    }

    /// Where the runs ended, and at which of the optima.
    fn show_end(&mut self, last: &Record) -> Result<()> {
        let ends = Ends::new(self.plan, last, self.numerics, |_| true)?;
        let (kind, progress) = (self.plan.divergence, &mut self.progress);
        for (at, (run, news)) in last.runs.iter().zip(&mut progress.runs).enumerate() {
            news.optimum = ends.optimum()[at];
            news.value = finite(run.evaluation.estimate(kind).value);
            if run.best_iterate.is_some() {
                news.rows.push(row(&run.mixture));
            }
        }
        let best = ends.best().unwrap_or(progress.best);
        self.show_best(best, &last.runs[best]);
        Ok(())
    }
}

/// All parameters, to as many digits as a screen can show.
fn row(mixture: &Mixture) -> Vec<f64> {
    natural_values(mixture)
        .map(|value| (1e5 * value).round() / 1e5)
        .collect()
}
