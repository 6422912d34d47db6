//! The run folder: everything a run leaves behind, written and read back.
//!
//! ```text
//! outputs/NAME/
//!   config.toml          resolved: runs the experiment again as it was
//!   target.csv           the rows of a target that is a sample
//!   summary.json         what came out, with an error on every divergence
//!   FIT/trajectory.csv   every run at every logged step, in natural units
//!   FIT/restarts.csv     where every run started and ended, the failed ones included
//!   figures/             drawn from the files above and nothing else
//!   report.html, …       made from the files above, where asked for
//! ```

mod restarts;
pub(crate) mod story;
mod summary;
mod sweep;
mod trajectory;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

pub use summary::{BURN_VERSION, FORMAT};
pub use summary::{
    FitSummary, GradientVariance, KnownOptimumSummary, Optimum, RunSummary, Summary, TargetSummary,
    Versions,
};
pub use sweep::SweepFolder;
pub use trajectory::{Row, Trajectory, TrajectoryWriter};

use crate::config::Experiment;
use crate::error::{Error, Result};
use crate::evaluate::reported;
use crate::fit::{Plan, Record};
use crate::input;
use crate::plot;
use crate::target::Samples;

pub(crate) const CONFIG: &str = "config.toml";
pub(crate) const SUMMARY: &str = "summary.json";
/// The first line of a run's config: what tells its folder from any other.
const MARK: &str = "# Written by klfit run; running this file repeats the run.";
const TRAJECTORY: &str = "trajectory.csv";
const RESTARTS: &str = "restarts.csv";
/// The rows of a target that is a sample.
pub(crate) const TARGET: &str = "target.csv";
/// Reports about runs: a page, Markdown, and a table for LaTeX.
pub(crate) const REPORT: [&str; 3] = ["report.html", "report.md", "report.tex"];
/// The folder of the figures, which no fit may take as its label.
pub(crate) const FIGURES: &str = "figures";

/// What to do with a folder that holds an earlier run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Leave it and refuse.
    Refuse,
    /// Remove what the earlier run wrote, and nothing else.
    Replace,
}

/// The folder of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Makes the folder of an experiment and writes its config there.
    ///
    /// # Errors
    /// If it holds a run already and is not to be replaced, holds something that is not a run, or
    /// cannot be written.
    pub fn create(path: &Path, experiment: &Experiment, existing: Existing) -> Result<Self> {
        let folder = Self {
            path: path.to_owned(),
        };
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries.count(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
            Err(error) => return Err(Error::io("write to", path)(error)),
        };
        if entries > 0 {
            folder.clear(existing)?;
        }
        fs::create_dir_all(path).map_err(Error::io("create", path))?;
        let config = path.join(CONFIG);
        let text = format!("{MARK}\n\n{}", experiment.to_toml()?);
        fs::write(&config, text).map_err(Error::io("write", &config))?;
        if let Some(samples) = experiment.target.as_samples() {
            folder.write_rows(samples)?;
        }
        Ok(folder)
    }

    /// Keeps the rows of a target with the run, so that the folder needs nothing else.
    fn write_rows(&self, samples: &Samples) -> Result<()> {
        let path = self.path.join(TARGET);
        let mut csv = csv_writer(&path)?;
        csv.write_record(samples.names())
            .map_err(csv_error(&path))?;
        for row in samples.points() {
            let cells = row.iter().map(|&x| number(x));
            csv.write_record(cells).map_err(csv_error(&path))?;
        }
        csv.flush().map_err(Error::io("write", &path))
    }

    /// Opens the folder of an earlier run.
    ///
    /// # Errors
    /// If it is not the folder of a run.
    pub fn open(path: &Path) -> Result<Self> {
        let folder = Self {
            path: path.to_owned(),
        };
        if folder.holds_a_run() {
            return Ok(folder);
        }
        Err(Error::usage(
            format!("{} is not the folder of a run", path.display()),
            "give the folder that `klfit run` wrote, such as outputs/bimodal",
        ))
    }

    fn holds_a_run(&self) -> bool {
        let config = input::read(&self.path.join(CONFIG), input::LARGEST_CONFIG);
        config.is_ok_and(|text| text.starts_with(MARK.as_bytes()))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where its figures go.
    pub fn figures(&self) -> PathBuf {
        self.path.join(FIGURES)
    }

    /// Starts the trajectory of a fit.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn start_trajectory(&self, plan: &Plan) -> Result<TrajectoryWriter> {
        let folder = self.path.join(&plan.label);
        fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
        TrajectoryWriter::create(
            &folder.join(TRAJECTORY),
            reported(plan.divergence),
            &plan.family.parameter_names(),
        )
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
        fs::write(&path, text).map_err(Error::io("write", &path))
    }

    /// Reads the experiment back.
    ///
    /// # Errors
    /// If its config is missing or spoilt.
    pub fn experiment(&self) -> Result<Experiment> {
        Experiment::load(&self.path.join(CONFIG), Vec::new())
    }

    /// Its config as it stands in the folder.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn config_text(&self) -> Result<String> {
        let path = self.path.join(CONFIG);
        fs::read_to_string(&path).map_err(Error::io("read", &path))
    }

    /// Reads the summary back.
    ///
    /// # Errors
    /// If it is missing, as in a run that did not end, or spoilt.
    pub fn summary(&self) -> Result<Summary> {
        let path = self.path.join(SUMMARY);
        if !path.is_file() {
            return Err(Error::usage(
                format!(
                    "the run in {} did not end: it has no {SUMMARY}",
                    self.path.display()
                ),
                "run it again with --force",
            ));
        }
        let text = input::read_text(&path, input::LARGEST_JSON)?;
        serde_json::from_str(&text).map_err(|error| Error::run_folder(&path, error.to_string()))
    }

    /// Reads the trajectory of a fit back.
    ///
    /// # Errors
    /// If it is missing or spoilt.
    pub fn trajectory(&self, label: &str) -> Result<Trajectory> {
        Trajectory::read(&self.path.join(label).join(TRAJECTORY))
    }

    /// Removes everything the run wrote, and the folder if nothing else is in it.
    fn remove(&self) -> Result<()> {
        self.clear(Existing::Replace)?;
        remove_file(&self.path.join(CONFIG), true)?;
        // Either may hold something of the user's.
        let _ = fs::remove_dir(self.figures());
        let _ = fs::remove_dir(&self.path);
        Ok(())
    }

    /// Removes what an earlier run wrote, by the names it gave its files.
    fn clear(&self, existing: Existing) -> Result<()> {
        let path = &self.path;
        if !self.holds_a_run() {
            return Err(Error::usage(
                format!("{} is not empty and does not hold a run", path.display()),
                "choose another folder with --out",
            ));
        }
        if existing == Existing::Refuse {
            let run = match path.join(SUMMARY).is_file() {
                true => "a run already",
                false => "a run already, one that did not end",
            };
            return Err(Error::usage(
                format!("{} holds {run}", path.display()),
                "replace it with --force, or choose another folder with --out",
            ));
        }
        for entry in fs::read_dir(path).map_err(Error::io("read", path))? {
            let entry = entry.map_err(Error::io("read", path))?.path();
            let is_fit = entry.join(TRAJECTORY).is_file();
            for file in [TRAJECTORY, RESTARTS] {
                remove_file(&entry.join(file), is_fit)?;
            }
            if is_fit {
                // Only if nothing else is in it.
                let _ = fs::remove_dir(&entry);
            }
        }
        for name in plot::files_of_run() {
            remove_file(&self.figures().join(name), true)?;
        }
        for name in REPORT {
            remove_file(&path.join(name), true)?;
        }
        remove_file(&path.join(TARGET), true)?;
        remove_file(&path.join(SUMMARY), true)
    }
}

fn remove_file(path: &Path, ours: bool) -> Result<()> {
    if ours && path.is_file() {
        fs::remove_file(path).map_err(Error::io("replace", path))?;
    }
    Ok(())
}

fn csv_writer(path: &Path) -> Result<csv::Writer<File>> {
    let file = File::create(path).map_err(Error::io("create", path))?;
    Ok(csv::Writer::from_writer(file))
}

fn csv_reader(path: &Path) -> Result<csv::Reader<File>> {
    csv::Reader::from_path(path).map_err(csv_error(path))
}

fn csv_error(path: &Path) -> impl FnOnce(csv::Error) -> Error + use<> {
    let path = path.to_owned();
    move |error| {
        if !error.is_io_error() {
            return Error::run_folder(&path, error.to_string());
        }
        match error.into_kind() {
            csv::ErrorKind::Io(source) => Error::io("use", &path)(source),
            kind => Error::run_folder(&path, format!("{kind:?}")),
        }
    }
}

/// The shortest text that reads back as the same number; nothing for one that is not known.
fn number(value: f64) -> String {
    if value.is_nan() {
        return String::new();
    }
    format!("{value:?}")
}

/// Numbers that may be infinite or NaN, in JSON: as strings, since JSON has no such numbers.
pub(crate) mod extended {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        if value.is_finite() {
            serializer.serialize_f64(*value)
        } else {
            serializer.serialize_str(&value.to_string())
        }
    }

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Extended {
        Number(f64),
        Text(String),
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        match Extended::deserialize(deserializer)? {
            Extended::Number(value) => Ok(value),
            Extended::Text(text) => text.parse().map_err(D::Error::custom),
        }
    }
}
