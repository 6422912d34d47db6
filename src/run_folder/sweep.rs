//! The folder of a sweep: a run folder for each point, and `sweep.csv`, one row for each fit of each
//! point.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Existing, RunFolder};
use crate::config::SweepPoint;
use crate::divergence::DivergenceKind;
use crate::error::{Error, Result};
use crate::files::{durable, names, table};
use crate::record::{FitSummary, Summary};

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

/// One point of a sweep that has run.
#[derive(Debug, Clone)]
pub struct SweptPoint<'s> {
    /// Which one.
    pub point: &'s SweepPoint,
    /// What came out.
    pub summary: Summary,
}

/// The folder of a sweep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SweepFolder {
    path: PathBuf,
}

impl SweepFolder {
    /// Makes the folder.
    ///
    /// # Errors
    /// If it holds a sweep already and is not to be replaced, holds something else, or cannot be
    /// written.
    pub fn create(path: &Path, existing: Existing) -> Result<Self> {
        let folder = Self {
            path: path.to_owned(),
        };
        let is_empty = match fs::read_dir(path) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
            Err(error) => return Err(Error::io("write to", path)(error)),
        };
        if !is_empty {
            folder.clear(existing)?;
        }
        fs::create_dir_all(path).map_err(Error::io("create", path))?;
        // It is the folder of a sweep from now on, also if the sweep does not end.
        let mark = path.join(names::SWEEP_TABLE);
        if !mark.is_file() {
            fs::write(&mark, "").map_err(Error::io("write", &mark))?;
        }
        Ok(folder)
    }

    /// Opens the folder of an earlier sweep; `None` if it is not one.
    pub fn open(path: &Path) -> Option<Self> {
        path.join(names::SWEEP_TABLE).is_file().then(|| Self {
            path: path.to_owned(),
        })
    }

    /// Where its figures go.
    pub fn figures(&self) -> PathBuf {
        self.path.join(names::FIGURES)
    }

    fn table(&self) -> PathBuf {
        self.path.join(names::SWEEP_TABLE)
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
        table::write(&path, csv)
    }

    /// The run folders of the points, in order, with what they set: `learning rate 0.1, samples 64`.
    ///
    /// # Errors
    /// If the table cannot be read, or is empty, as in a sweep that did not end.
    pub fn points(&self) -> Result<Vec<(String, RunFolder)>> {
        let path = self.table();
        let mut csv = table::reader(&path)?;
        let header = csv.headers().map_err(table::error(&path))?.clone();
        let settings = FIRST.len()..header.len().saturating_sub(LAST.len());
        let mut points: Vec<(String, RunFolder)> = Vec::new();
        for record in csv.records() {
            let record = record.map_err(table::error(&path))?;
            let label = record.get(0).unwrap_or_default();
            let folder = self.path.join(label);
            if points.last().is_none_or(|(_, last)| last.path() != folder) {
                let set = settings.clone().filter_map(|column| {
                    let value = record.get(column).filter(|value| !value.is_empty())?;
                    let key = header.get(column)?.rsplit('.').next()?;
                    Some(format!(
                        "{} {}",
                        key.replace('_', " "),
                        value.trim_matches('"')
                    ))
                });
                let name = set.collect::<Vec<_>>().join(", ");
                points.push((name, RunFolder::open(&folder)?));
            }
        }
        if points.is_empty() {
            return Err(Error::usage(
                format!(
                    "the sweep in {} did not end: its table is empty",
                    self.path.display()
                ),
                "go on with it with --resume",
            ));
        }
        Ok(points)
    }

    /// Every run in it.
    pub(crate) fn runs(&self) -> Result<Vec<RunFolder>> {
        let path = &self.path;
        let entries = (fs::read_dir(path))
            .and_then(|entries| entries.collect::<Result<Vec<_>, _>>())
            .map_err(Error::io("read", path))?;
        let runs = entries.iter().map(|entry| RunFolder::open(&entry.path()));
        Ok(runs.filter_map(Result::ok).collect())
    }

    /// Removes what an earlier sweep wrote, figures aside, and nothing else.
    fn clear(&self, existing: Existing) -> Result<()> {
        let path = &self.path;
        if !self.table().is_file() {
            return Err(Error::usage(
                format!("{} is not empty and does not hold a sweep", path.display()),
                "choose another folder with --out",
            ));
        }
        if existing == Existing::Refuse {
            return Err(Error::usage(
                format!("{} holds a sweep already", path.display()),
                "replace it with --force, go on with it with --resume, or choose another folder \
                 with --out",
            ));
        }
        if existing == Existing::Resume {
            return Ok(());
        }
        self.runs()?.iter().try_for_each(RunFolder::remove)?;
        for name in names::REPORT {
            durable::remove(&path.join(name))?;
        }
        durable::remove(&self.table())
    }
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
        best.map_or_else(
            || "every run failed".to_owned(),
            |best| best.stop.to_string(),
        ),
        fit.restarts.to_string(),
        fit.failed.to_string(),
        cell(Some(fit.seconds)),
    ]
}
