//! The densities the calculator is asked about, from whatever file they are in.

use std::path::Path;

use crate::config::read_target;
use crate::density::target::{Distribution, Samples, TableOptions, TargetModel, read_samples};
use crate::error::{Error, Result};
use crate::files::read::STANDARD_INPUT;
use crate::import::SAVED;
use crate::import::{FitNaming, read_mixture_as};
use crate::mixture::Mixture;
use crate::text::count;

/// A density with its name.
#[derive(Debug, Clone, PartialEq)]
pub struct Operand {
    /// What it is called: its file, usually.
    pub name: String,
    /// The density.
    pub model: TargetModel,
    /// The rows it was estimated from, if it was.
    pub rows: Option<Samples>,
    /// What its file was taken for that may not be meant, each with what to do.
    pub notes: Vec<String>,
}

impl Operand {
    /// A density that is known.
    pub fn new(name: impl Into<String>, model: impl Into<TargetModel>) -> Self {
        Self {
            name: name.into(),
            model: model.into(),
            rows: None,
            notes: Vec::new(),
        }
    }

    /// The Gaussian with the mean and the covariance of some rows, divided by N − 1.
    ///
    /// # Errors
    /// If there are fewer than D + 1 rows, columns follow from others, or the covariance goes beyond
    /// the range of numbers.
    pub fn estimated(name: impl Into<String>, rows: Samples) -> Result<Self> {
        let name = name.into();
        if let Some(dependence) = rows.dependence() {
            return Err(Error::usage(
                format!("{name}: {dependence}"),
                dependence.help(),
            ));
        }
        let n = rows.effective_len();
        let covariance = rows.covariance() * (n / (n - 1.0));
        let mixture =
            Mixture::gaussian(rows.mean().as_slice().to_vec(), covariance).map_err(|error| {
                Error::usage(
                    format!("{name}: the covariance of the rows is {}", error.message),
                    "choose units in which the means and standard deviations are nearer to 1",
                )
            })?;
        Ok(Self {
            name,
            model: mixture.into(),
            rows: Some(rows),
            notes: Vec::new(),
        })
    }

    /// The error of two densities over different coordinates.
    pub(super) fn differs_from(&self, other: &Self) -> Error {
        Error::usage(
            format!(
                "{} has {}, and {} has {}",
                self.name,
                count(self.model.dim(), "dimension"),
                other.name,
                count(other.model.dim(), "dimension"),
            ),
            "a divergence is between two densities over the same coordinates",
        )
    }

    /// What it is, in a few words.
    pub fn describe(&self) -> String {
        let dim = count(self.model.dim(), "dimension");
        let what = match &self.rows {
            Some(rows) => format!("the Gaussian of {} (divided by N − 1)", rows.describe()),
            None => self.model.describe_alone(),
        };
        format!("{what} in {dim}")
    }
}

/// The files that may hold a density.
const KNOWN: [&str; 8] = [
    "toml", "json", "npz", "csv", "npy", "parquet", "arrow", "feather",
];

/// Reads a density:
///
/// - `.csv`, `.npy`, or `-`, one of these from standard input: the Gaussian with the moments of the rows, the
///   covariance divided by N − 1;
/// - `.toml`: the `[target]` of an experiment, or its keys alone, as `klfit estimate` writes them;
/// - `.json` or `.npz`: as [`read_mixture`](crate::read_mixture);
/// - the folder of a run: the best run of its only fit, or of the fit named after a `#`, as in
///   `outputs/bimodal#reverse-kl`; `#target` is its target.
///
/// # Errors
/// If the file cannot be read or does not hold a density.
pub fn read_operand(text: &str) -> Result<Operand> {
    read_operand_with(text, &TableOptions::default())
}

/// As [`read_operand`], of a `.csv` or `.npy` what the options say; an `.npy` has no header.
///
/// # Errors
/// As [`read_operand`].
pub fn read_operand_with(text: &str, options: &TableOptions) -> Result<Operand> {
    if text == STANDARD_INPUT {
        let read = read_samples(Path::new(text), options)?;
        let operand = Operand::estimated("standard input", read.samples)?;
        return Ok(Operand {
            notes: read.notes,
            ..operand
        });
    }
    let (path, fit) = match text.rsplit_once('#') {
        Some((path, fit)) if !Path::new(text).exists() => (Path::new(path), Some(fit)),
        _ => (Path::new(text), None),
    };
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    let extension = extension.to_str().unwrap_or_default();
    if let (Some(fit), false) = (fit, path.is_dir() || extension == "json") {
        return Err(Error::usage(
            format!(
                "{}: only the folder of a run has fits, such as {fit}",
                path.display()
            ),
            "leave out what follows the #",
        ));
    }
    if !path.exists() {
        let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
        return Err(Error::io("read", path)(missing));
    }
    if !(path.is_dir() || KNOWN.contains(&extension)) {
        return Err(Error::usage(
            format!(
                "{}: not a kind of file that holds a density",
                path.display()
            ),
            match extension {
                "pkl" | "pickle" | "joblib" => format!("save what scikit-learn fitted: {SAVED}"),
                _ => "give a .toml, .json, .npz, .csv or .npy file, or the folder of a run"
                    .to_owned(),
            },
        ));
    }
    let of_toml = |path: &Path| read_target(path).map(|read| (read.model, read.notes));
    let (model, notes) = match extension {
        "csv" | "npy" | "parquet" | "arrow" | "feather" => {
            let options = TableOptions {
                header: options.header.filter(|_| extension == "csv"),
                ..options.clone()
            };
            let read = read_samples(path, &options)?;
            (read.samples.into(), read.notes)
        }
        "toml" => of_toml(path)?,
        _ if path.is_dir() && fit == Some("target") => of_toml(&path.join("config.toml"))?,
        _ => (
            read_mixture_as(path, fit, FitNaming::Mark)?.into(),
            Vec::new(),
        ),
    };
    if model.as_histogram().is_some() {
        return Err(Error::usage(
            format!("{text}: a histogram has no density inside its bins"),
            "fit a mixture to it by `klfit run`, and give the folder of that run",
        ));
    }
    let operand = match model.as_samples() {
        Some(rows) if rows.file().is_some() => {
            return Err(Error::usage(
                format!("{text}: its rows stay in their file, and here they must be in memory"),
                "set `in_memory = true` beside `file`, or give fewer rows",
            ));
        }
        Some(rows) => Operand::estimated(text, rows.clone())?,
        None => Operand::new(text, model),
    };
    Ok(Operand { notes, ..operand })
}
