//! What figures and reports are made from: a run that is finished, or as far as it came, read once.

use super::RunFolder;
use super::unfinished::{self, MOST_ROWS, Told, Unfinished};
use crate::config::{Config, Experiment};
use crate::density::target::TargetModel;
use crate::error::{Error, Result};
use crate::files::names;
use crate::files::table::Lines;
use crate::fit::Plan;
use crate::mixture::{Mixture, NaturalParameters, from_natural_values};
use crate::record::{FitSummary, Row, Selection, Summary, Trajectory};
use crate::text;

/// Runs of a fit that figures show beside the best; more would be one blot.
const MOST_RUNS: usize = 64;

/// A finished run, or one as far as it came.
pub struct FinishedRun {
    /// Its config.
    pub config: Config,
    /// What came out.
    pub summary: Summary,
    /// How far it has come, if it is not finished.
    pub unfinished: Option<Unfinished>,
    /// p.
    pub target: TargetModel,
    /// The fits, in the order of the config; of a run that is not finished, those that have begun.
    pub fits: Vec<FinishedFit>,
}

/// One of its fits.
pub struct FinishedFit {
    /// What it did.
    pub plan: Plan,
    /// What came out.
    pub summary: FitSummary,
    /// The best run and the first 64 at the logged steps.
    pub trajectory: Trajectory,
    /// The last step it has logged, and how many it is to take, if it is not finished.
    pub so_far: Option<[usize; 2]>,
}

impl FinishedRun {
    /// Reads everything that figures and reports need. A run that was interrupted, or still goes on, is read as far
    /// as it came; nothing is written.
    ///
    /// # Errors
    /// If the run has not logged a step, or a file of it is missing, spoilt or of another run.
    pub fn read(folder: &RunFolder) -> Result<Self> {
        Self::read_runs(folder, MOST_RUNS)
    }

    /// As [`FinishedRun::read`], with the best run of each fit alone.
    ///
    /// # Errors
    /// As [`FinishedRun::read`].
    pub(crate) fn read_best(folder: &RunFolder) -> Result<Self> {
        Self::read_runs(folder, 0)
    }

    fn read_runs(folder: &RunFolder, runs: usize) -> Result<Self> {
        let experiment = folder.experiment()?;
        let Told {
            summary,
            unfinished,
            so_far,
        } = unfinished::told(folder, &experiment)?;
        let Experiment {
            config,
            target,
            plans,
            ..
        } = experiment;
        if unfinished.is_none() && summary.fits.len() != plans.len() {
            let message = format!(
                "it has {} fits and config.toml {}",
                summary.fits.len(),
                plans.len()
            );
            return Err(Error::run_folder(
                &folder.path().join(names::SUMMARY),
                message,
            ));
        }
        let fits = (plans.into_iter().zip(summary.fits.clone()).zip(so_far))
            .map(|((plan, summary), step)| {
                let selection = Selection {
                    runs,
                    best: summary.best.as_ref().map_or(0, |best| best.run),
                    rows: MOST_ROWS,
                    lines: match unfinished {
                        Some(_) => Lines::Whole,
                        None => Lines::All,
                    },
                };
                let trajectory = folder.selected(&plan.label, selection)?;
                let path = || {
                    let inner = folder.path().join(names::folder_of_fit(&plan.label));
                    inner.join(names::TRAJECTORY)
                };
                if trajectory.parameter_names != plan.family.parameter_names() {
                    let message = "its parameters are not those of config.toml";
                    return Err(Error::run_folder(&path(), message));
                }
                if let Some(mismatch) = mismatch(&plan, &summary) {
                    let message = format!("fit {} {mismatch}", plan.label);
                    let path = folder.path().join(names::SUMMARY);
                    return Err(Error::run_folder(&path, message));
                }
                if trajectory.rows.is_empty() {
                    return Err(Error::run_folder(&path(), "it has no rows"));
                }
                Ok(FinishedFit {
                    so_far: step.map(|step| [step, plan.optimizer.steps]),
                    plan,
                    summary,
                    trajectory,
                })
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            config,
            summary,
            unfinished,
            target,
            fits,
        })
    }

    /// What the coordinates of the target are called.
    pub fn coordinates(&self) -> Vec<String> {
        self.config.target.coordinates(&self.target)
    }

    /// D.
    pub fn dim(&self) -> usize {
        self.target.dim()
    }
}

/// What a fit's summary says that its config does not bear out, if anything: figures and reports
/// count on the sizes of what they show.
fn mismatch(plan: &Plan, fit: &FitSummary) -> Option<String> {
    let (k, dim) = (plan.family.components(), plan.family.dim());
    let least = if plan.adapt.is_some() { 1 } else { k };
    let is_member = |q: &NaturalParameters| {
        (least..=k).contains(&q.weights.len()) && q.means.iter().all(|mean| mean.len() == dim)
    };
    let best = fit.best.iter().map(|best| &best.mixture);
    let mut mixtures = best.chain(fit.optima.iter().map(|optimum| &optimum.mixture));
    let ended = (fit.optima.iter()).try_fold(fit.failed, |sum, one| sum.checked_add(one.runs));
    let restarts = plan.start.runs();
    if fit.restarts != restarts {
        Some(format!(
            "has {} restarts and in config.toml {restarts}",
            fit.restarts
        ))
    } else if ended.is_none_or(|ended| ended > restarts) {
        Some(format!("tells of more runs than its {restarts}"))
    } else if fit.divergence != plan.divergence {
        Some("minimised another divergence in config.toml".to_owned())
    } else if !mixtures.all(is_member) {
        Some(format!(
            "has a mixture without the {k} components in {dim} dimensions of config.toml"
        ))
    } else {
        None
    }
}

impl FinishedFit {
    /// The best run; none if all failed.
    pub fn best_run(&self) -> Option<usize> {
        Some(self.summary.best.as_ref()?.run)
    }

    /// Its rows; none if all runs failed.
    pub fn best_rows(&self) -> Vec<&Row> {
        let rows = self.best_run().map(|run| self.trajectory.run(run));
        rows.into_iter().flatten().collect()
    }

    /// The rows of a run at which it was well, and whether it failed after them.
    pub fn well(&self, run: usize) -> (Vec<&Row>, bool) {
        let mut rows: Vec<&Row> = self.trajectory.run(run).collect();
        // The last row of a run that failed has no error, and repeats where the run was well before.
        let failed =
            self.summary.failed > 0 && rows.last().is_some_and(|row| row.loss_error.is_nan());
        if failed {
            rows.pop();
        }
        (rows, failed)
    }

    /// q at every logged step of a run, as far as it is a density.
    pub fn path(&self, run: usize) -> Vec<Mixture> {
        (self.trajectory.run(run))
            .filter_map(|row| self.mixture(row))
            .collect()
    }

    /// Where the best run ended; none if all failed.
    pub fn end(&self) -> Option<Mixture> {
        Mixture::try_from(&self.summary.best.as_ref()?.mixture).ok()
    }

    /// q at a row; none if it is not a density.
    pub fn mixture(&self, row: &Row) -> Option<Mixture> {
        let components = self.plan.family.components();
        let dim = self.plan.family.dim();
        from_natural_values(components, dim, &row.parameters).ok()
    }

    /// Up to `count` rows of the best run before its end, closer together where q moves faster:
    /// their steps grow in proportion.
    pub fn snapshots(&self, count: usize) -> Vec<Mixture> {
        let rows = self.best_rows();
        let Some((_, before)) = rows.split_last() else {
            return Vec::new();
        };
        let chosen: Vec<&&Row> = if before.len() <= count {
            before.iter().collect()
        } else {
            let last = (before.len() - 1) as f64;
            let mut at: Vec<usize> = (0..count)
                .map(|i| (last + 1.0).powf(i as f64 / (count - 1) as f64) - 1.0)
                .map(|at| at.round() as usize)
                .collect();
            at.dedup();
            at.into_iter().map(|at| &before[at]).collect()
        };
        chosen
            .into_iter()
            .filter_map(|row| self.mixture(row))
            .collect()
    }

    /// How figures call it: in words, unless the config gives it a label; with how far it came if it has not ended.
    pub fn title(&self) -> String {
        let title = if self.plan.label == self.plan.divergence.name() {
            self.plan.divergence.title()
        } else {
            self.plan.label.clone()
        };
        match self.so_far {
            Some([step, steps]) => format!("{title}, after {step} of {steps} steps"),
            None => title,
        }
    }

    /// The same where mathematics cannot be set.
    pub(crate) fn name(&self) -> String {
        text::plain(&self.title()).into_owned()
    }

    /// How many runs it had.
    pub fn runs(&self) -> usize {
        self.summary.restarts
    }

    /// The runs that figures show beside the best, by their number.
    pub fn shown(&self) -> std::ops::Range<usize> {
        0..self.runs().min(MOST_RUNS)
    }
}
