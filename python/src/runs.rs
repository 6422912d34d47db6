//! Experiments from beginning to end, and what their folders hold.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use klfit::settings::read_figures;
use klfit::{
    Error, Existing, Experiment, FitSummary, Override, Part, Plan, Record, ReportOptions,
    RunFolder, RunObserver, Sweep,
};
use numpy::PyArray1;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::raised;
use crate::section::table;
use crate::work::{attempted, briefly, interruptible};

/// Whoever follows is told this often.
const PAUSE: Duration = Duration::from_millis(50);

/// Follows a run: asks whether there was a signal after each step, and tells a function of Python of the steps.
struct Follower {
    told: Option<Py<PyAny>>,
    last: Option<Instant>,
    /// What a signal, or the function that is told, raised.
    raised: std::cell::RefCell<Option<PyErr>>,
}

impl Follower {
    fn tell(&mut self, event: &str, label: &str, numbers: (usize, usize, f64)) {
        let Some(told) = &self.told else { return };
        let (step, steps, loss) = numbers;
        let said = Python::attach(|py| told.call1(py, (event, label, step, steps, loss)));
        if let Err(error) = said {
            self.raised.borrow_mut().get_or_insert(error);
        }
    }
}

impl RunObserver for Follower {
    fn begin(&mut self, plan: &Plan) {
        self.last = None;
        self.tell("begin", &plan.label, (0, plan.optimizer.steps, f64::NAN));
    }

    fn record(&mut self, plan: &Plan, record: &Record) {
        if self.last.is_some_and(|last| last.elapsed() < PAUSE) {
            return;
        }
        self.last = Some(Instant::now());
        let losses = (record.runs.iter()).filter(|run| !run.has_failed());
        let loss = losses
            .map(|run| run.loss.value)
            .fold(f64::INFINITY, f64::min);
        self.tell(
            "step",
            &plan.label,
            (record.step, plan.optimizer.steps, loss),
        );
    }

    fn end(&mut self, fit: &FitSummary) {
        let (steps, loss) =
            (fit.best.as_ref()).map_or((fit.steps, f64::NAN), |best| (best.steps, best.loss.value));
        self.tell("end", &fit.label, (steps, fit.steps, loss));
    }

    fn wants_to_stop(&self) -> bool {
        let mut raised = self.raised.borrow_mut();
        if raised.is_none() {
            *raised = Python::attach(|py| py.check_signals()).err();
        }
        raised.is_some()
    }
}

/// What is asked of a run or a sweep.
pub struct Asked {
    /// The file, or what stands for it in errors.
    path: PathBuf,
    /// The config as TOML, where it is given as a dict.
    text: Option<String>,
    set: Vec<Override>,
    pub out: PathBuf,
    pub existing: Existing,
}

impl Asked {
    /// A config, given as a dict or read from its path; what is set on top, each as key=value; and whether to `refuse`,
    /// `replace` or `resume` what is in the folder.
    pub fn new(
        path: PathBuf,
        config: Option<Bound<PyDict>>,
        set: &[String],
        out: PathBuf,
        existing: &str,
    ) -> PyResult<Self> {
        let usage = |said: String, help| raised(Error::usage(said, help));
        let set = set.iter().map(|one| Override::parse(one));
        Ok(Self {
            path,
            text: config.map(|config| text(&config)).transpose()?,
            set: (set.collect::<Result<_, _>>())
                .map_err(|said| usage(said, "write it as key=value"))?,
            out,
            existing: match existing {
                "refuse" => Existing::Refuse,
                "replace" => Existing::Replace,
                "resume" => Existing::Resume,
                other => {
                    let said = format!("\"{other}\" is nothing to do with a folder");
                    return Err(usage(said, "take refuse, replace or resume"));
                }
            },
        })
    }

    fn experiment(&self) -> klfit::Result<Experiment> {
        match &self.text {
            Some(text) => Experiment::parse(&self.path, text, self.set.clone()),
            None => Experiment::load(&self.path, self.set.clone()),
        }
    }

    /// The sweep that the config has, or a part of it.
    pub fn sweep(&self, part: Option<Part>) -> klfit::Result<Sweep> {
        let sweep = match &self.text {
            Some(text) => Sweep::parse(&self.path, text, &self.set, part)?,
            None => Sweep::load_part(&self.path, &self.set, part)?,
        };
        sweep.ok_or_else(|| {
            Error::usage(
                format!("{} has no [sweep]", self.path.display()),
                "add one, as in grid={\"optimizer.learning_rate\": [0.01, 0.1]}",
            )
        })
    }
}

/// What is asked of figures by the keys of `[figures]`.
pub fn looks(asked: &Bound<PyDict>) -> PyResult<Vec<Override>> {
    let asked = table(asked)?.into_iter().map(|(key, value)| {
        let from = format!("{key} of the call");
        Override::new(&format!("figures.{key}"), value, from)
    });
    Ok(asked.collect())
}

/// A section as TOML.
fn text(keys: &Bound<PyDict>) -> PyResult<String> {
    toml::to_string(&table(keys)?)
        .map_err(|error| raised(Error::usage(error.to_string(), "check its numbers")))
}

/// Runs a config, given as a dict or read from its path, into a folder. Returns what was taken in a way that may not be
/// meant.
#[pyfunction]
#[pyo3(signature = (path, config, set, out, existing_is, told))]
pub fn run(
    py: Python,
    path: PathBuf,
    config: Option<Bound<PyDict>>,
    set: Vec<String>,
    out: PathBuf,
    existing_is: &str,
    told: Option<Py<PyAny>>,
) -> PyResult<Vec<String>> {
    let asked = Asked::new(path, config, &set, out, existing_is)?;
    let mut follower = Follower {
        told,
        last: None,
        raised: None.into(),
    };
    let done = briefly(py, || -> klfit::Result<Vec<String>> {
        let experiment = asked.experiment()?;
        let begun = match asked.existing {
            Existing::Resume => RunFolder::open(&asked.out).ok(),
            _ => None,
        };
        let experiment = match &begun {
            Some(folder) => experiment.continuing(&folder.experiment()?)?,
            None => experiment,
        };
        let folder = RunFolder::create(&asked.out, &experiment, asked.existing)?;
        klfit::run(&experiment, &experiment.numerics()?, &folder, &mut follower)?;
        Ok(experiment.notes)
    });
    match follower.raised.into_inner() {
        Some(error) => Err(error),
        None => done?.map_err(raised),
    }
}

/// What came out of a run, as JSON.
#[pyfunction]
pub fn summary(py: Python, path: PathBuf) -> PyResult<String> {
    // A run that is over says itself what came out, whether its target is there or not.
    let summary = attempted(py, || {
        let folder = RunFolder::open(&path)?;
        folder.summary().or_else(|_| folder.so_far())
    })?;
    serde_json::to_string(&summary)
        .map_err(|error| raised(Error::usage(error.to_string(), "report this")))
}

/// The columns of a table of numbers by their names, with NaN where a cell is empty.
#[pyfunction]
pub fn columns(py: Python, path: PathBuf) -> PyResult<Bound<PyDict>> {
    let (names, columns) = attempted(py, || read_columns(&path))?;
    let all = PyDict::new(py);
    for (name, column) in names.iter().zip(columns) {
        all.set_item(name, PyArray1::from_vec(py, column))?;
    }
    Ok(all)
}

fn read_columns(path: &Path) -> klfit::Result<(Vec<String>, Vec<Vec<f64>>)> {
    let spoilt = |error: csv::Error| {
        Error::usage(
            format!("{}: {error}", path.display()),
            "run the experiment again, or resume it",
        )
    };
    let mut reader = csv::Reader::from_path(path).map_err(spoilt)?;
    let names: Vec<String> = (reader.headers().map_err(spoilt)?.iter())
        .map(str::to_owned)
        .collect();
    let mut columns = vec![Vec::new(); names.len()];
    let mut row = csv::StringRecord::new();
    while reader.read_record(&mut row).map_err(spoilt)? {
        for (column, cell) in columns.iter_mut().zip(&row) {
            column.push(cell.parse().unwrap_or(f64::NAN));
        }
    }
    Ok((names, columns))
}

/// The file with the trajectory of a fit.
#[pyfunction]
pub fn trajectory(path: PathBuf, label: &str) -> PyResult<PathBuf> {
    let folder = RunFolder::open(&path).map_err(raised)?;
    Ok(folder.trajectory_path(label))
}

/// Draws the figures of a run, in looks by the keys of `[figures]`; returns their files.
#[pyfunction]
pub fn draw(
    py: Python,
    path: PathBuf,
    asked: Bound<PyDict>,
    out: Option<PathBuf>,
) -> PyResult<Vec<PathBuf>> {
    let looks = read_figures(None, looks(&asked)?).map_err(raised)?;
    interruptible(py, move |watched| {
        let folder = RunFolder::open(&path)?;
        let mut watched = watched.clone();
        Ok(klfit::draw_figures_as(&folder, &looks, out.as_deref(), &mut watched)?.files)
    })
}

/// Writes a report on runs into a folder; returns its files.
#[pyfunction]
pub fn report(py: Python, runs: Vec<PathBuf>, out: PathBuf) -> PyResult<Vec<PathBuf>> {
    interruptible(py, move |watched| {
        klfit::report_with(&runs, &out, &ReportOptions::default(), &mut watched.clone())
    })
}
