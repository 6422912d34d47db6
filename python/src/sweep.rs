//! Sweeps from beginning to end.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use klfit::settings::read_figures;
use klfit::{Error, Existing, Part, SweepFolder, SweepObserver, SweepPoint};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::raised;
use crate::runs::{Asked, looks};
use crate::work::{Watched, broken};

/// Signals are looked for, and how far it is told, this often.
const PAUSE: Duration = Duration::from_millis(50);

/// Counts the points that are done, and ends the sweep when nobody waits for it.
#[derive(Default)]
struct Counter {
    done: AtomicUsize,
    watched: Watched,
}

impl SweepObserver for Counter {
    fn done(&self, _: &SweepPoint, ended: usize) {
        self.done.fetch_max(ended, Ordering::Relaxed);
    }

    fn wants_to_stop(&self) -> bool {
        self.watched.is_left()
    }
}

/// The labels of the points that broke down, with the reason.
type Broken = Vec<(String, String)>;
/// Those, and what was taken in a way that may not be meant.
type Swept = (Broken, Vec<String>);

/// Runs a config with a `[sweep]`, given as a dict or read from its path, into a folder; a function is told how many
/// points are done.
#[pyfunction]
#[pyo3(signature = (path, config, set, out, existing_is, told))]
pub fn sweep(
    py: Python,
    path: PathBuf,
    config: Option<Bound<PyDict>>,
    set: Vec<String>,
    out: PathBuf,
    existing_is: &str,
    told: Py<PyAny>,
) -> PyResult<Swept> {
    let asked = Asked::new(path, config, &set, out, existing_is)?;
    swept(py, &asked, None, |done| told.call1(py, (done,)).map(|_| ()))
}

/// The same, of one point of it, in a folder that others fill too.
#[pyfunction]
pub fn sweep_point(
    py: Python,
    path: PathBuf,
    config: Option<Bound<PyDict>>,
    set: Vec<String>,
    out: PathBuf,
    existing_is: &str,
    point: usize,
) -> PyResult<Swept> {
    let asked = Asked::new(path, config, &set, out, existing_is)?;
    let part = Part::Points(vec![point..=point]);
    swept(py, &asked, Some(part), |_| Ok(()))
}

/// Runs a sweep, or a part of it, in a thread of its own, and ends it on Ctrl-C.
fn swept(
    py: Python,
    asked: &Asked,
    part: Option<Part>,
    tell: impl Fn(usize) -> PyResult<()>,
) -> PyResult<Swept> {
    let counter = Counter::default();
    let run = || -> klfit::Result<Swept> {
        let sweep = asked.sweep(part)?;
        let swept = klfit::sweep(&sweep, &asked.out, asked.existing, &counter)?;
        let broken = swept.broken.into_iter();
        let broken = broken.map(|(point, why)| (point.label.clone(), why));
        Ok((broken.collect(), sweep.notes()))
    };
    let mut signal = None;
    let found = thread::scope(|scope| {
        let working = scope.spawn(run);
        let mut last = 0;
        while !working.is_finished() {
            py.detach(|| thread::sleep(PAUSE));
            let done = counter.done.load(Ordering::Relaxed);
            let mut heard = py.check_signals();
            if done > last && heard.is_ok() {
                heard = tell(done);
                last = done;
            }
            if let Err(error) = heard {
                counter.watched.leave();
                signal.get_or_insert(error);
            }
        }
        py.detach(|| working.join())
    });
    match (signal, found) {
        (Some(signal), _) => Err(signal),
        (None, Ok(found)) => found.map_err(raised),
        (None, Err(panic)) => Err(broken(&*panic)),
    }
}

/// Checks all points of a sweep and makes its folder, for others to run them. Returns their labels, and what was taken in
/// a way that may not be meant.
#[pyfunction]
pub fn begin_sweep(
    py: Python,
    path: PathBuf,
    config: Option<Bound<PyDict>>,
    set: Vec<String>,
    out: PathBuf,
    existing_is: &str,
) -> PyResult<(Vec<String>, Vec<String>)> {
    let asked = Asked::new(path, config, &set, out, existing_is)?;
    crate::work::attempted(py, || {
        let sweep = asked.sweep(None)?;
        match asked.existing {
            Existing::Resume => SweepFolder::join(&asked.out, &sweep.labels)?,
            existing => SweepFolder::create(&asked.out, &sweep.labels, existing)?,
        };
        let notes = sweep.notes();
        Ok((sweep.labels, notes))
    })
}

/// Makes the table of a sweep whose points were run apart, and returns the labels of those that broke down, with the
/// reason, and of those that have not ended.
#[pyfunction]
pub fn gather(
    py: Python,
    path: PathBuf,
    config: Option<Bound<PyDict>>,
    set: Vec<String>,
    out: PathBuf,
    existing_is: &str,
) -> PyResult<(Broken, Vec<String>)> {
    let asked = Asked::new(path, config, &set, out, existing_is)?;
    crate::work::attempted(py, || {
        let sweep = asked.sweep(None)?;
        let gathered = klfit::gather(&sweep, &asked.out)?;
        let broken = gathered.broken.into_iter();
        let broken = broken.map(|(point, why)| (point.label.clone(), why));
        let left = gathered.begun.into_iter().chain(gathered.missing);
        Ok((
            broken.collect(),
            left.map(|point| point.label.clone()).collect(),
        ))
    })
}

/// Draws the figure of a sweep, in looks by the keys of `[figures]`; returns its files.
#[pyfunction]
pub fn draw_sweep(
    py: Python,
    path: PathBuf,
    asked: Bound<PyDict>,
    out: Option<PathBuf>,
) -> PyResult<Vec<PathBuf>> {
    let looks = read_figures(None, looks(&asked)?).map_err(raised)?;
    crate::work::attempted(py, || {
        let folder = SweepFolder::open(&path).ok_or_else(|| {
            Error::usage(
                format!("{} does not hold a sweep", path.display()),
                "give the folder of one",
            )
        })?;
        Ok(klfit::draw_sweep_as(&folder, &looks, out.as_deref())?.files)
    })
}
