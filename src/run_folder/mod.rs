//! The run folder: everything a run leaves behind, written and read back.
//!
//! ```text
//! outputs/NAME/
//!   config.toml          resolved: runs the experiment again as it was
//!   target.csv           the rows of a target that is a sample
//!   summary.json         what came out, with an error on every divergence
//!   FIT/trajectory.csv   every run at every logged step, in natural units
//!   FIT/restarts.csv     where every run started and ended, the failed ones included
//!   FIT/checkpoint       where the fit stands, to resume from; the one before in checkpoint.previous
//!   figures/             drawn from the files above and nothing else
//!   report.html, …       made from the files above, where asked for
//! ```

mod finished;
mod lock;
mod sweep;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use finished::{FinishedFit, FinishedRun};
pub use sweep::{SweepFolder, SweptPoint};

use crate::config::Experiment;
use crate::density::target::Samples;
use crate::error::{Error, Result};
use crate::files::names::{
    CHECKPOINT, CONFIG, FIGURES, MARK, REPORT, RESTARTS, SUMMARY, TARGET, TRAJECTORY,
};
use crate::files::{durable, table};
use crate::fit::{Plan, Record};
use crate::judge::evaluate::reported;
use crate::record::{
    Summary, Trajectory, TrajectoryWriter, is_folder_of_run, not_a_folder_of_run, restarts,
};
use lock::Lock;

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
    path: PathBuf,
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
        let is_empty = is_empty(path)?;
        fs::create_dir_all(path).map_err(Error::io("create", path))?;
        let folder = Self {
            path: path.to_owned(),
            _lock: Some(Arc::new(Lock::take(path)?)),
            is_resumed: !is_empty && existing == Existing::Resume,
        };
        if folder.is_resumed {
            if !folder.holds_a_run() {
                return Err(folder.not_a_run());
            }
            experiment.clone().continuing(&folder.experiment()?)?;
        } else if !is_empty {
            folder.clear(existing)?;
        }
        if let Some(samples) = experiment.target.as_samples() {
            folder.write_rows(samples)?;
        }
        let text = format!("{MARK}\n\n{}", experiment.to_toml()?);
        durable::write(&path.join(CONFIG), text.as_bytes())?;
        Ok(folder)
    }

    /// Whether an earlier process has begun the run.
    pub fn is_resumed(&self) -> bool {
        self.is_resumed
    }

    /// Keeps the rows of a target with the run, so that the folder needs nothing else.
    fn write_rows(&self, samples: &Samples) -> Result<()> {
        let path = self.path.join(TARGET);
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(samples.names())
            .map_err(table::error(&path))?;
        for row in samples.points() {
            let cells = row.iter().map(|&x| table::number(x));
            csv.write_record(cells).map_err(table::error(&path))?;
        }
        table::write(&path, csv)
    }

    /// Opens the folder of an earlier run.
    ///
    /// # Errors
    /// If it is not the folder of a run.
    pub fn open(path: &Path) -> Result<Self> {
        let folder = Self {
            path: path.to_owned(),
            _lock: None,
            is_resumed: false,
        };
        if folder.holds_a_run() {
            return Ok(folder);
        }
        Err(not_a_folder_of_run(path))
    }

    fn not_a_run(&self) -> Error {
        Error::usage(
            format!(
                "{} is not empty and does not hold a run",
                self.path.display()
            ),
            "choose another folder with --out",
        )
    }

    fn holds_a_run(&self) -> bool {
        is_folder_of_run(&self.path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where its figures go.
    pub fn figures(&self) -> PathBuf {
        self.path.join(FIGURES)
    }

    /// Starts the trajectory of a fit; in a folder that is resumed, after this many rows of the one that is
    /// there.
    ///
    /// # Errors
    /// If it cannot be written, or is not the one to resume.
    pub fn start_trajectory(&self, plan: &Plan, after: u64) -> Result<TrajectoryWriter> {
        let folder = self.path.join(&plan.label);
        fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
        let (path, kinds) = (folder.join(TRAJECTORY), reported(plan.divergence));
        let names = plan.family.parameter_names();
        match self.is_resumed {
            true => TrajectoryWriter::resume(&path, kinds, &names, after),
            false => TrajectoryWriter::create(&path, kinds, &names),
        }
    }

    /// Where the checkpoint of a fit goes.
    pub fn checkpoint(&self, plan: &Plan) -> PathBuf {
        self.path.join(&plan.label).join(CHECKPOINT)
    }

    /// Writes where every run of a fit started and ended.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_restarts(
        &self,
        plan: &Plan,
        first: &Record,
        last: &Record,
        optimum: &[Option<usize>],
    ) -> Result<()> {
        let path = self.path.join(&plan.label).join(RESTARTS);
        restarts::write(
            &path,
            &reported(plan.divergence),
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
        let path = self.path.join(SUMMARY);
        let mut text = serde_json::to_string_pretty(summary)
            .map_err(|error| Error::run_folder(&path, error.to_string()))?;
        text.push('\n');
        durable::write(&path, text.as_bytes())
    }

    /// The summary of a run that is resumed and needs nothing more.
    ///
    /// # Errors
    /// If it is spoilt.
    pub fn finished(&self, experiment: &Experiment) -> Result<Option<Summary>> {
        if !self.is_resumed || !self.path.join(SUMMARY).is_file() {
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
        Experiment::load(&self.path.join(CONFIG), Vec::new())
    }

    /// Where its config is.
    pub fn config_path(&self) -> PathBuf {
        self.path.join(CONFIG)
    }

    /// Its config as it stands in the folder.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn config_text(&self) -> Result<String> {
        let path = self.config_path();
        fs::read_to_string(&path).map_err(Error::io("read", &path))
    }

    /// Reads the summary back.
    ///
    /// # Errors
    /// If it is missing, as in a run that did not end, or spoilt.
    pub fn summary(&self) -> Result<Summary> {
        Summary::read(&self.path)
    }

    /// Reads the trajectory of a fit back.
    ///
    /// # Errors
    /// If it is missing or spoilt.
    pub fn trajectory(&self, label: &str) -> Result<Trajectory> {
        Trajectory::read(&self.path.join(label).join(TRAJECTORY))
    }

    /// Removes everything the run wrote, figures aside, and the folder if nothing else is in it.
    fn remove(&self) -> Result<()> {
        self.clear(Existing::Replace)?;
        durable::remove(&self.path.join(CONFIG))?;
        durable::remove(&self.path.join(lock::FILE))?;
        // Either may hold something of the user's.
        let _ = fs::remove_dir(self.figures());
        let _ = fs::remove_dir(&self.path);
        Ok(())
    }

    /// Removes what an earlier run wrote, by the names it gave its files; its figures are of those who
    /// draw them.
    fn clear(&self, existing: Existing) -> Result<()> {
        let path = &self.path;
        if !self.holds_a_run() {
            return Err(self.not_a_run());
        }
        if existing == Existing::Refuse {
            let run = match path.join(SUMMARY).is_file() {
                true => "a run already",
                false => "a run already, one that did not end",
            };
            return Err(Error::usage(
                format!("{} holds {run}", path.display()),
                "replace it with --force, go on with it with --resume, or choose another folder \
                 with --out",
            ));
        }
        for entry in fs::read_dir(path).map_err(Error::io("read", path))? {
            let entry = entry.map_err(Error::io("read", path))?.path();
            if !entry.join(TRAJECTORY).is_file() {
                continue;
            }
            let checkpoint = entry.join(CHECKPOINT);
            for file in [
                entry.join(TRAJECTORY),
                entry.join(RESTARTS),
                durable::with_ending(&checkpoint, durable::PREVIOUS),
                checkpoint,
            ] {
                durable::remove(&file)?;
            }
            // Only if nothing else is in it.
            let _ = fs::remove_dir(&entry);
        }
        for name in REPORT {
            durable::remove(&path.join(name))?;
        }
        durable::remove(&path.join(TARGET))?;
        durable::remove(&path.join(SUMMARY))
    }
}

/// Whether there is nothing in a folder but what may be left of a start.
fn is_empty(path: &Path) -> Result<bool> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(Error::io("write to", path)(error)),
    };
    let leftovers = [
        PathBuf::from(lock::FILE),
        durable::with_ending(Path::new(CONFIG), durable::UNFINISHED),
        durable::with_ending(Path::new(TARGET), durable::UNFINISHED),
        PathBuf::from(TARGET),
    ];
    for entry in entries {
        let name = entry.map_err(Error::io("read", path))?.file_name();
        if !leftovers.iter().any(|left| left.as_os_str() == name) {
            return Ok(false);
        }
    }
    Ok(true)
}
