//! The folder of a sweep: a run folder for each point, and `sweep.csv`, one row for each fit of each
//! point.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::lock::{self, Lock};
use super::manifest::{self, Held, Manifest, is_nothing};
use super::{Existing, Found, OutputFolder, RunFolder};
use crate::config::SweepPoint;
use crate::divergence::DivergenceKind;
use crate::error::{Error, Result};
use crate::files::folder::Folder;
use crate::files::{names, table};
use crate::record::{FitSummary, Summary, not_a_folder_of_run};

/// The columns before the settings.
const FIRST: [&str; 2] = ["point", "fit"];
/// The columns after the settings.
const LAST: [&str; 16] = [
    "divergence",
    "value",
    "error",
    "forward_kl",
    "reverse_kl",
    "js",
    "loss",
    "gradient_norm",
    "gradient_variance_start",
    "gradient_variance_end",
    "k_hat",
    "steps",
    "stop",
    "restarts",
    "failed",
    "seconds",
];

/// To begin a sweep takes less, on a file system that is far away too.
const LONGEST_BEGINNING: Duration = Duration::from_secs(30);
/// Who waits for another looks again after this.
const PAUSE: Duration = Duration::from_millis(20);

/// The largest table that is read back, in bytes.
const LARGEST: u64 = 256 << 20;
/// The most points that are read from it: a hundred times as many as a sweep may have.
const MOST_POINTS: usize = 1 << 20;

/// One point of a sweep that has run.
#[derive(Debug, Clone)]
pub struct SweptPoint<'s> {
    /// Which one.
    pub point: &'s SweepPoint,
    /// What came out.
    pub summary: Summary,
}

/// The folder of a sweep.
#[derive(Debug, Clone)]
pub struct SweepFolder {
    folder: Folder,
    /// Held by who writes into it.
    _lock: Option<Arc<Lock>>,
    /// The number of the sweep; none in what is left of a copy.
    id: Option<String>,
}

impl SweepFolder {
    /// Makes the folder of a sweep of points of these labels; it belongs to this process alone until the last
    /// copy of it is dropped.
    ///
    /// # Errors
    /// If it holds a sweep already and is not to be replaced, holds something else, or cannot be
    /// written; if another process writes there.
    pub fn create(path: &Path, labels: &[String], existing: Existing) -> Result<Self> {
        let folder = Folder::create(path)?;
        let lock = Lock::take(&folder)?;
        let id = begin(&folder, labels, existing)?;
        Ok(Self {
            folder,
            _lock: Some(Arc::new(lock)),
            id: Some(id),
        })
    }

    /// Joins a sweep of points of these labels, or begins it: others may run points of it meanwhile, on other
    /// machines too.
    ///
    /// # Errors
    /// If the folder holds something else, or cannot be written; if another process has it alone.
    pub fn join(path: &Path, labels: &[String]) -> Result<Self> {
        let folder = Folder::create(path)?;
        let begun = Instant::now();
        while begun.elapsed() < LONGEST_BEGINNING {
            if let Some(lock) = Lock::try_share(&folder)?
                && let Some(manifest) = Manifest::read(&folder)?
                && is_begun(&folder, &manifest, labels)
            {
                return Ok(Self {
                    folder,
                    _lock: Some(Arc::new(lock)),
                    id: Some(manifest.id),
                });
            }
            match Lock::try_take(&folder)? {
                Some(_lock) => drop(begin(&folder, labels, Existing::Resume)?),
                // Somebody begins it, or looked whether it is begun.
                None => thread::sleep(PAUSE),
            }
        }
        Err(lock::is_taken(&folder))
    }

    /// Opens the folder of an earlier sweep; `None` if it is not one.
    pub fn open(path: &Path) -> Option<Self> {
        let folder = Folder::open(path).ok()?;
        folder.holds(names::SWEEP_TABLE).then(|| Self {
            id: Manifest::read(&folder)
                .ok()
                .flatten()
                .map(|manifest| manifest.id),
            folder,
            _lock: None,
        })
    }

    /// Opens the folder of a sweep whose points were run apart, and may be at work, to gather them.
    ///
    /// # Errors
    /// If it holds no sweep, or another process has it alone.
    pub fn gather(path: &Path) -> Result<Self> {
        let Some(mut this) = Self::open(path) else {
            return Err(Error::usage(
                format!("{} does not hold a sweep", path.display()),
                "run points of it there first, or name its folder with --out",
            ));
        };
        let lock = Lock::try_share(&this.folder)?;
        this._lock = Some(Arc::new(lock.ok_or_else(|| lock::is_taken(&this.folder))?));
        Ok(this)
    }

    /// That another process is at a point.
    pub(crate) fn is_taken(&self, point: &SweepPoint) -> Error {
        lock::is_taken_at(&self.folder.path_of(&point.label))
    }

    /// Whether there is something where the folder of a point goes.
    pub fn has_point(&self, point: &SweepPoint) -> bool {
        self.folder.has(&point.label)
    }

    /// Makes the folder of a point, or opens it to go on with; none if another process is at it.
    ///
    /// # Errors
    /// As [`RunFolder::create`].
    pub fn begin_point(&self, point: &SweepPoint, existing: Existing) -> Result<Option<RunFolder>> {
        let folder = self.folder.create_inner(&point.label)?;
        let Some(lock) = Lock::try_take(&folder)? else {
            return Ok(None);
        };
        let sweep = self.id.as_deref();
        RunFolder::begin(folder, lock, &point.experiment, existing, sweep).map(Some)
    }

    /// What there is of a point, which may be at work. Nothing is written.
    ///
    /// # Errors
    /// If its folder holds another run, or cannot be read.
    pub(crate) fn found(&self, point: &SweepPoint) -> Result<Found> {
        let Some(folder) = self.folder.inner(&point.label)? else {
            return Ok(Found::Nothing);
        };
        RunFolder::found(folder, &point.experiment, self.id.as_deref())
    }

    /// Keeps why a point broke down in its folder.
    pub fn write_failure(&self, point: &SweepPoint, reason: &str) {
        // Whoever runs it tells so anyway; the file is for those who look later.
        if let Ok(Some(folder)) = self.folder.inner(&point.label) {
            super::point::write_failure(&folder, self.id.as_deref(), reason);
        }
    }

    /// Where figures and reports go, and are listed.
    pub(crate) fn output(&self) -> OutputFolder {
        OutputFolder::of(&self.folder, None)
    }

    fn table(&self) -> PathBuf {
        self.folder.path_of(names::SWEEP_TABLE)
    }

    /// Writes one row for each fit of each point.
    ///
    /// # Errors
    /// If the table cannot be written.
    pub fn write_table(&self, ran: &[SweptPoint]) -> Result<()> {
        let path = self.table();
        let mut csv = csv::Writer::from_writer(Vec::new());
        let settings = settings(ran);
        let header = (FIRST.iter().copied())
            .chain(settings.iter().map(String::as_str))
            .chain(LAST);
        csv.write_record(header).map_err(table::error(&path))?;
        for SweptPoint { point, summary } in ran {
            for fit in &summary.fits {
                let set = settings.iter().map(|key| {
                    let found = point.settings.iter().find(|(name, _)| name == key);
                    found.map_or_else(String::new, |(_, value)| value.clone())
                });
                let mut row = vec![point.label.clone(), fit.label.clone()];
                row.extend(set);
                row.extend(cells(fit));
                csv.write_record(row).map_err(table::error(&path))?;
            }
        }
        table::write(&self.folder, names::SWEEP_TABLE, csv)
    }

    /// The run folders of the points, in order, with what they set: `learning rate 0.1, samples 64`. Each is
    /// opened when it comes.
    ///
    /// # Errors
    /// If the table cannot be read, or is empty, as in a sweep that did not end; of a point, if it holds no
    /// run.
    pub fn points(&self) -> Result<impl Iterator<Item = Result<(String, RunFolder)>>> {
        let points = self.set_points()?;
        Ok(points.map(|point| point.map(|point| (point.name(), point.folder))))
    }

    /// The run folders of the points, in order, each with the keys that it sets. Each is opened when it comes.
    ///
    /// # Errors
    /// If the table cannot be read, or is empty, as in a sweep that did not end; of a point, if it holds no
    /// run.
    pub(crate) fn set_points(&self) -> Result<impl Iterator<Item = Result<SetPoint>>> {
        let path = self.table();
        let bytes = self.folder.read(names::SWEEP_TABLE, LARGEST)?;
        let bytes = bytes.ok_or_else(|| Error::run_folder(&path, "it is missing"))?;
        let most = bytes.split(|&byte| byte == b'\n').map(table::commas).max();
        if most > Some(table::MOST_CELLS) {
            let message = format!("a line has more than {} cells", table::MOST_CELLS);
            return Err(Error::run_folder(&path, message));
        }
        let mut csv = csv::Reader::from_reader(&bytes[..]);
        let header = csv.headers().map_err(table::error(&path))?.clone();
        let settings = FIRST.len()..header.len().saturating_sub(LAST.len());
        let mut points: Vec<(Vec<(String, String)>, String)> = Vec::new();
        for record in csv.records() {
            let record = record.map_err(table::error(&path))?;
            let label = record.get(0).unwrap_or_default();
            if points.len() > MOST_POINTS {
                let message = format!("it has more than {MOST_POINTS} points");
                return Err(Error::run_folder(&path, message));
            }
            if points.last().is_none_or(|(_, last)| last != label) {
                let set = settings.clone().filter_map(|column| {
                    let value = record.get(column).filter(|value| !value.is_empty())?;
                    Some((
                        header.get(column)?.to_owned(),
                        value.trim_matches('"').to_owned(),
                    ))
                });
                points.push((set.collect(), label.to_owned()));
            }
        }
        if points.is_empty() {
            return Err(Error::usage(
                format!(
                    "the sweep in {} did not end: its table is empty",
                    self.folder.path().display()
                ),
                "go on with it with --resume",
            ));
        }
        Ok(points.into_iter().map(|(settings, label)| {
            let folder = self.folder.inner(&label)?;
            let missing = || not_a_folder_of_run(&self.folder.path_of(&label));
            Ok(SetPoint {
                settings,
                folder: RunFolder::opened(folder.ok_or_else(missing)?)?,
            })
        }))
    }
}

/// Whether a folder holds the sweep of this manifest, with all of these points listed.
fn is_begun(folder: &Folder, manifest: &Manifest, labels: &[String]) -> bool {
    let listed: HashSet<&String> = manifest.listed.iter().collect();
    manifest.held == Held::Sweep
        && folder.holds(names::SWEEP_TABLE)
        && labels.iter().all(|label| listed.contains(label))
}

/// Makes a folder that of a sweep, and returns the number of it. The folder is locked.
fn begin(folder: &Folder, labels: &[String], existing: Existing) -> Result<String> {
    let was_held = Manifest::clear_remains(folder)?;
    let earlier = Manifest::read(folder)?.filter(|one| one.held == Held::Sweep);
    let manifest = match earlier {
        Some(_) if existing == Existing::Refuse => return Err(holds_a_sweep(folder.path())),
        Some(earlier) if existing == Existing::Resume => earlier,
        earlier => {
            match earlier {
                Some(earlier) => earlier.clear(folder)?,
                None if was_held || folder.names()?.iter().all(|name| is_nothing(name)) => {}
                None => return Err(not_a_sweep(folder.path())),
            }
            let mut manifest = Manifest::new(Held::Sweep, String::new(), None)?;
            manifest.listed.push(names::SWEEP_TABLE.to_owned());
            manifest.write(folder)?;
            manifest
        }
    };
    manifest::list(folder, labels)?;
    // It is the folder of a sweep from now on, also if the sweep does not end.
    if !folder.holds(names::SWEEP_TABLE) {
        folder.write(names::SWEEP_TABLE, b"")?;
    }
    Ok(manifest.id)
}

/// A point of a sweep that has run.
pub(crate) struct SetPoint {
    /// Each key that it sets, with its value.
    pub settings: Vec<(String, String)>,
    /// Its run.
    pub folder: RunFolder,
}

impl SetPoint {
    /// What it sets, in words.
    pub fn name(&self) -> String {
        let set = self.settings.iter();
        let words = set.map(|(key, value)| format!("{} {value}", key_in_words(key)));
        words.collect::<Vec<_>>().join(", ")
    }
}

/// The last part of a key, as words.
pub(crate) fn key_in_words(key: &str) -> String {
    key.rsplit('.').next().unwrap_or(key).replace('_', " ")
}

fn not_a_sweep(path: &Path) -> Error {
    Error::usage(
        format!("{} is not empty and does not hold a sweep", path.display()),
        "choose another folder with --out",
    )
}

fn holds_a_sweep(path: &Path) -> Error {
    Error::usage(
        format!("{} holds a sweep already", path.display()),
        "replace it with --force, go on with it with --resume, or choose another folder with --out",
    )
}

/// Every key that a point sets, in the order they first come.
fn settings(ran: &[SweptPoint]) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for (key, _) in ran.iter().flat_map(|ran| &ran.point.settings) {
        if !keys.contains(key) {
            keys.push(key.clone());
        }
    }
    keys
}

/// The cells of a fit in the table, after its settings.
fn cells(fit: &FitSummary) -> Vec<String> {
    let cell = |value: Option<f64>| value.map_or_else(String::new, table::number);
    use DivergenceKind::{ForwardKl, Js, ReverseKl};
    let best = fit.best.as_ref();
    let of = |kind: DivergenceKind| best.map(|best| best.divergences.estimate(kind).value);
    let own = fit.objective();
    let variance = best.and_then(|best| best.gradient_variance);
    vec![
        fit.divergence.name(),
        cell(own.map(|own| own.value)),
        cell(own.map(|own| own.error)),
        cell(of(ForwardKl)),
        cell(of(ReverseKl)),
        cell(of(Js)),
        cell(best.map(|best| best.loss.value)),
        cell(best.map(|best| best.gradient_norm)),
        cell(variance.map(|variance| variance.start)),
        cell(variance.map(|variance| variance.end)),
        cell(best.and_then(|best| Some(best.diagnostics.psis?.k_hat))),
        best.map_or_else(String::new, |best| best.steps.to_string()),
        fit.ending(),
        fit.restarts.to_string(),
        fit.failed.to_string(),
        cell(Some(fit.seconds)),
    ]
}
