//! The run folder: everything a run leaves behind, written and read back.
//!
//! ```text
//! outputs/NAME/
//!   manifest             which run it is, and every file that klfit wrote here
//!   config.toml          resolved: runs the experiment again as it was
//!   target.csv           the rows of a target that is a sample, unless they stay in their file
//!   summary.json         what came out, with an error on every divergence
//!   FIT/trajectory.csv   every run at every logged step, in natural units
//!   FIT/restarts.csv     where every run started and ended, the failed ones included
//!   FIT/checkpoint       where the fit stands, to resume from; the one before in checkpoint.previous
//!   figures/             drawn from the files above and nothing else
//!   report.html, …       made from the files above, where asked for
//! ```

mod finished;
mod lock;
mod manifest;
mod output;
mod point;
mod sweep;
mod unfinished;

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use finished::{FinishedFit, FinishedRun};
pub(crate) use output::OutputFolder;
pub(crate) use point::Found;
pub(crate) use sweep::key_in_words;
pub use sweep::{SweepFolder, SweptPoint};
pub use unfinished::Unfinished;

use crate::config::Experiment;
use crate::density::target::{Samples, TargetModel, Weights};
use crate::divergence::DivergenceKind;
use crate::error::{Error, Result};
use crate::files::folder::{Folder, previous};
use crate::files::names::{
    CHECKPOINT, CONFIG, FAILURE, FIGURES, HOLDOUT, MARK, RESTARTS, SUMMARY, TARGET, TRAJECTORY,
    folder_of_fit,
};
use crate::files::table::Lines;
use crate::files::{read, table};
use crate::fit::{Plan, Record};
use crate::record::{
    LoggedRows, Selection, Summary, Told, Trajectory, TrajectoryWriter, is_folder_of_run,
    not_a_folder_of_run, restarts, series,
};
use lock::Lock;
use manifest::{Held, Manifest, is_nothing};

/// What to do with a folder that holds an earlier run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Leave it and refuse.
    Refuse,
    /// Remove what the earlier run wrote, and nothing else; a new run removes the figures.
    Replace,
    /// Go on with it, or begin where there is none.
    Resume,
}

/// The folder of one run.
#[derive(Debug, Clone)]
pub struct RunFolder {
    folder: Folder,
    /// The number of the run; none in what is left of a copy.
    id: Option<String>,
    /// Held by who writes into it.
    _lock: Option<Arc<Lock>>,
    is_resumed: bool,
}

impl RunFolder {
    /// Makes the folder of an experiment and writes its config there, or opens it to resume. It
    /// belongs to this process until the last copy of it is dropped.
    ///
    /// # Errors
    /// If it holds a run already and is not to be replaced; if it holds a run that this experiment
    /// does not [continue](Experiment::continuing), or something that is not a run; if another
    /// process writes there, or it cannot be written.
    pub fn create(path: &Path, experiment: &Experiment, existing: Existing) -> Result<Self> {
        let folder = Folder::create(path)?;
        let lock = Lock::take(&folder)?;
        Self::begin(folder, lock, experiment, existing, None)
    }

    /// As [`RunFolder::create`], of a point of a sweep.
    fn begin(
        folder: Folder,
        lock: Lock,
        experiment: &Experiment,
        existing: Existing,
        sweep: Option<&str>,
    ) -> Result<Self> {
        let was_held = Manifest::clear_remains(&folder)?;
        // One without a config was cut off before it began.
        let earlier = Manifest::read(&folder)?.filter(|one| one.held == Held::Run);
        if sweep.is_some()
            && earlier
                .as_ref()
                .is_some_and(|one| one.sweep.as_deref() != sweep)
        {
            return Err(not_of_the_sweep(&folder));
        }
        let begun = (earlier.as_ref()).filter(|_| folder.holds(CONFIG));
        let resumed = begun.filter(|_| existing == Existing::Resume).cloned();
        let manifest = match &resumed {
            Some(begun) => begun.clone(),
            None => {
                let new = Manifest::of_run(experiment, sweep)?;
                match earlier {
                    Some(_) if existing == Existing::Refuse && begun.is_some() => {
                        return Err(holds_a_run(&folder));
                    }
                    Some(earlier) => earlier.clear(&folder)?,
                    None if was_held || folder.names()?.iter().all(|name| is_nothing(name)) => {}
                    // What the user keeps beside a point does not end the sweep.
                    None if sweep.is_some()
                        && !new.listed.iter().any(|name| folder.holds(name)) => {}
                    None => return Err(not_a_run(&folder)),
                }
                new
            }
        };
        let mut this = Self {
            folder,
            id: None,
            _lock: Some(Arc::new(lock)),
            is_resumed: resumed.is_some(),
        };
        let experiment = this.continued(experiment)?;
        if this.is_resumed {
            this.expect_of(&experiment, &manifest)?;
        } else {
            manifest.write(&this.folder)?;
        }
        if manifest.lists(FAILURE) {
            this.folder.remove(FAILURE)?;
        }
        this.id = Some(manifest.id);
        let fits = experiment
            .plans
            .iter()
            .map(|plan| folder_of_fit(&plan.label));
        for name in fits.chain([FIGURES.to_owned()]) {
            if let Some(inner) = this.folder.inner(&name)? {
                inner.clear_unfinished(|_| false)?;
            }
        }
        if let Some(samples) = experiment.target.as_samples() {
            for (file, rows) in [(TARGET, Some(samples)), (HOLDOUT, samples.held_out())] {
                // What is too large for memory is too large to copy.
                if let Some(rows) = rows.filter(|rows| rows.file().is_none()) {
                    this.write_rows(file, rows)?;
                }
            }
        }
        let text = format!("{MARK}\n\n{}", experiment.to_toml()?);
        this.folder.write(CONFIG, text.as_bytes())?;
        Ok(this)
    }

    /// Checks that the run of a manifest is that of an experiment.
    fn expect_of(&self, experiment: &Experiment, manifest: &Manifest) -> Result<()> {
        if experiment.digest()? == manifest.digest {
            return Ok(());
        }
        Err(Error::usage(
            format!(
                "the run in {} was begun with other rows, another config or another version of klfit",
                self.path().display()
            ),
            "begin again with --force, or choose another folder with --out",
        ))
    }

    /// An experiment as the run here goes on with it, if it has begun.
    ///
    /// # Errors
    /// If it does not [continue](Experiment::continuing) that run.
    pub(crate) fn continued<'e>(&self, experiment: &'e Experiment) -> Result<Cow<'e, Experiment>> {
        if !self.is_resumed {
            return Ok(Cow::Borrowed(experiment));
        }
        let continued = experiment.clone().continuing(&self.experiment()?)?;
        Ok(Cow::Owned(continued))
    }

    /// The number of the run; none in what is left of a copy.
    pub(crate) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Whether an earlier process has begun the run.
    pub fn is_resumed(&self) -> bool {
        self.is_resumed
    }

    /// Keeps the rows of a target with the run, so that the folder needs nothing else.
    fn write_rows(&self, file: &str, samples: &Samples) -> Result<()> {
        let path = self.folder.path_of(file);
        let mut csv = csv::Writer::from_writer(Vec::new());
        let weights = samples.weights();
        let column = weights.map(Weights::column);
        csv.write_record(samples.names().iter().map(String::as_str).chain(column))
            .map_err(table::error(&path))?;
        for (place, row) in samples.points().enumerate() {
            let weight = weights.map(|weights| &weights.values()[place]);
            let cells = row.iter().chain(weight).map(|&x| table::number(x));
            csv.write_record(cells).map_err(table::error(&path))?;
        }
        table::write(&self.folder, file, csv)
    }

    /// Opens the folder of an earlier run.
    ///
    /// # Errors
    /// If it is not the folder of a run.
    pub fn open(path: &Path) -> Result<Self> {
        let folder = Folder::open(path).map_err(|_| not_a_folder_of_run(path))?;
        Self::opened(folder)
    }

    fn opened(folder: Folder) -> Result<Self> {
        let manifest = Manifest::read(&folder)?;
        // One that is about to be deleted is none.
        let is_leaving = || Manifest::has_remains(&folder);
        if !is_folder_of_run(&folder) || (manifest.is_none() && is_leaving()) {
            return Err(not_a_folder_of_run(folder.path()));
        }
        Ok(Self {
            id: manifest.map(|manifest| manifest.id),
            folder,
            _lock: None,
            is_resumed: false,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where figures and reports go, and are listed.
    pub(crate) fn output(&self) -> OutputFolder {
        OutputFolder::of(&self.folder, None)
    }

    /// Where its figures go.
    pub fn figures(&self) -> PathBuf {
        self.folder.path_of(FIGURES)
    }

    /// The folder of a fit, which is made where it is not there.
    ///
    /// # Errors
    /// If it can neither be made nor opened.
    pub(crate) fn fit(&self, label: &str) -> Result<Folder> {
        self.folder.create_inner(folder_of_fit(label))
    }

    /// Starts the trajectory of a fit; in a folder that is resumed, after these rows of the one that
    /// is there.
    ///
    /// # Errors
    /// If it cannot be written, or is not the one to resume.
    pub fn start_trajectory(
        &self,
        plan: &Plan,
        target: &TargetModel,
        after: LoggedRows,
    ) -> Result<TrajectoryWriter> {
        let folder = self.fit(&plan.label)?;
        let told = Told::of(plan, target);
        let names = plan.family.parameter_names();
        match self.is_resumed {
            true => TrajectoryWriter::resume(&folder, told, &names, after),
            false => TrajectoryWriter::create(&folder, told, &names),
        }
    }

    /// Writes where every run of a fit started and ended.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_restarts(
        &self,
        plan: &Plan,
        target: &TargetModel,
        first: &Record,
        last: &Record,
        optimum: &[Option<usize>],
    ) -> Result<()> {
        restarts::write(
            &self.fit(&plan.label)?,
            &Told::of(plan, target),
            &plan.family.parameter_names(),
            first,
            last,
            optimum,
        )
    }

    /// Writes the summary.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_summary(&self, summary: &Summary) -> Result<()> {
        let path = self.folder.path_of(SUMMARY);
        let mut text = serde_json::to_string_pretty(summary)
            .map_err(|error| Error::run_folder(&path, error.to_string()))?;
        text.push('\n');
        self.folder.write(SUMMARY, text.as_bytes())
    }

    /// The summary of a run that is resumed and needs nothing more.
    ///
    /// # Errors
    /// If it is spoilt.
    pub fn finished(&self, experiment: &Experiment) -> Result<Option<Summary>> {
        if !self.is_resumed || !self.folder.holds(SUMMARY) {
            return Ok(None);
        }
        let summary = self.summary()?;
        let fits = summary.fits.iter().map(|fit| (&fit.label, fit.steps));
        let plans = (experiment.plans.iter()).map(|plan| (&plan.label, plan.optimizer.steps));
        let is_finished = !summary.interrupted && fits.eq(plans);
        Ok(is_finished.then_some(summary))
    }

    /// Reads the experiment back.
    ///
    /// # Errors
    /// If its config is missing or spoilt.
    pub fn experiment(&self) -> Result<Experiment> {
        Experiment::parse(&self.config_path(), &self.config_text()?, Vec::new())
    }

    /// Where its config is.
    pub fn config_path(&self) -> PathBuf {
        self.folder.path_of(CONFIG)
    }

    /// Its config as it stands in the folder.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn config_text(&self) -> Result<String> {
        let bytes = self.folder.read(CONFIG, read::LARGEST_CONFIG)?;
        let bytes = bytes.ok_or_else(|| not_a_folder_of_run(self.path()))?;
        read::text(bytes, &self.config_path())
    }

    /// Reads the summary back.
    ///
    /// # Errors
    /// If it is missing, as in a run that did not end, or spoilt.
    pub fn summary(&self) -> Result<Summary> {
        self.checked(Summary::read(&self.folder)?)
    }

    /// As [`RunFolder::summary`]; none of a run that did not end.
    fn written_summary(&self) -> Result<Option<Summary>> {
        match self.folder.has(SUMMARY) {
            true => self.summary().map(Some),
            false => Ok(None),
        }
    }

    fn checked(&self, summary: Summary) -> Result<Summary> {
        match self.id.as_ref().is_none_or(|id| *id == summary.id) {
            true => Ok(summary),
            false => Err(Error::run_folder(
                &self.folder.path_of(SUMMARY),
                "it is of another run",
            )),
        }
    }

    /// Where the trajectory of a fit is written.
    pub fn trajectory_path(&self, label: &str) -> PathBuf {
        (self.path().join(folder_of_fit(label))).join(TRAJECTORY)
    }

    /// Reads the trajectory of a fit back.
    ///
    /// # Errors
    /// If it is missing or spoilt.
    pub fn trajectory(&self, label: &str) -> Result<Trajectory> {
        self.selected(label, Selection::ALL)
    }

    /// As [`RunFolder::summary`]; of a run that is not finished, as far as it came, with a name that says how far.
    ///
    /// # Errors
    /// If it has not logged a step, or a file is spoilt.
    pub fn so_far(&self) -> Result<Summary> {
        Ok(unfinished::told(self, &self.experiment()?)?.summary)
    }

    /// How far the run has come, if it is not finished: it goes on, or was interrupted.
    ///
    /// # Errors
    /// If it has not logged a step, or a file is spoilt.
    pub fn unfinished(&self) -> Result<Option<Unfinished>> {
        Ok(unfinished::told(self, &self.experiment()?)?.unfinished)
    }

    /// The folder of a fit, if it is there.
    fn inner_of(&self, plan: &Plan) -> Result<Option<Folder>> {
        self.folder.inner(folder_of_fit(&plan.label))
    }

    /// The whole rows of all runs of a fit that may be at work; none of one that has not begun.
    fn whole_rows(&self, plan: &Plan, most: usize) -> Result<Option<Trajectory>> {
        let Some(inner) = self.inner_of(plan)?.filter(|inner| inner.has(TRAJECTORY)) else {
            return Ok(None);
        };
        let selection = Selection {
            rows: most,
            lines: Lines::Whole,
            ..Selection::ALL
        };
        Trajectory::read(&inner, selection).map(Some)
    }

    /// As [`RunFolder::trajectory`], what is selected of it.
    pub(crate) fn selected(&self, label: &str, selection: Selection) -> Result<Trajectory> {
        Trajectory::read(&self.folder_of(label)?, selection)
    }

    /// A divergence in nats at the logged steps of each of some runs of a fit, by step.
    pub(crate) fn series(
        &self,
        label: &str,
        kind: DivergenceKind,
        runs: &[usize],
    ) -> Result<HashMap<usize, Vec<(usize, f64)>>> {
        series(&self.folder_of(label)?, kind, runs)
    }

    /// The folder of a fit that has begun.
    fn folder_of(&self, label: &str) -> Result<Folder> {
        let name = folder_of_fit(label);
        let missing = || Error::run_folder(&self.folder.path_of(&name), "it is missing");
        self.folder.inner(&name)?.ok_or_else(missing)
    }
}

impl Manifest {
    /// That of a run which is about to begin.
    fn of_run(experiment: &Experiment, sweep: Option<&str>) -> Result<Self> {
        let mut manifest = Self::new(Held::Run, experiment.digest()?, sweep.map(str::to_owned))?;
        let mut of_run = vec![CONFIG, TARGET, SUMMARY];
        let samples = experiment.target.as_samples();
        of_run.extend(samples.and_then(Samples::held_out).map(|_| HOLDOUT));
        of_run.extend(sweep.map(|_| FAILURE));
        let of_run = of_run.into_iter().map(str::to_owned);
        let of_fits = experiment.plans.iter().flat_map(|plan| {
            let (earlier, folder) = (previous(CHECKPOINT), folder_of_fit(&plan.label));
            [TRAJECTORY, RESTARTS, CHECKPOINT, &earlier].map(|name| format!("{folder}/{name}"))
        });
        manifest.listed = of_run.chain(of_fits).collect();
        Ok(manifest)
    }
}

fn not_a_run(folder: &Folder) -> Error {
    Error::usage(
        format!(
            "{} is not empty and does not hold a run",
            folder.path().display()
        ),
        "choose another folder with --out",
    )
}

fn not_of_the_sweep(folder: &Folder) -> Error {
    Error::usage(
        format!(
            "{} holds a run that is not of this sweep",
            folder.path().display()
        ),
        "move it away, or choose another folder with --out",
    )
}

fn holds_a_run(folder: &Folder) -> Error {
    let run = match folder.holds(SUMMARY) {
        true => "a run already",
        false => "a run already, one that did not end",
    };
    Error::usage(
        format!("{} holds {run}", folder.path().display()),
        "replace it with --force, go on with it with --resume, or choose another folder with --out",
    )
}
