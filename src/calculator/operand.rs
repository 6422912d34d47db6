//! The densities the calculator is asked about, from whatever file they are in.

use std::path::Path;

use crate::config::read_target;
use crate::digest::count;
use crate::error::{Error, Result};
use crate::mixture::{Mixture, read_mixture};
use crate::target::{Samples, TargetModel, read_samples};

/// A density with its name.
#[derive(Debug, Clone, PartialEq)]
pub struct Operand {
    /// What it is called: its file, usually.
    pub name: String,
    /// The density.
    pub model: TargetModel,
    /// The rows it was estimated from, if it was.
    pub rows: Option<Samples>,
}

impl Operand {
    /// A density that is known.
    pub fn new(name: impl Into<String>, model: impl Into<TargetModel>) -> Self {
        Self {
            name: name.into(),
            model: model.into(),
            rows: None,
        }
    }

    /// The Gaussian with the mean and the covariance of some rows, divided by N − 1.
    ///
    /// # Errors
    /// If there are fewer than D + 1 rows, or their covariance is not positive definite.
    pub fn estimated(name: impl Into<String>, rows: Samples) -> Result<Self> {
        let name = name.into();
        let (n, dim) = (rows.len(), rows.dim());
        if n < dim + 1 {
            return Err(Error::usage(
                format!(
                    "{name}: {} are too few to estimate a Gaussian in {}",
                    count(n, "row"),
                    count(dim, "dimension")
                ),
                format!("give at least {} rows, or fewer columns", dim + 1),
            ));
        }
        let covariance = rows.covariance() * (n as f64 / (n as f64 - 1.0));
        let mixture =
            Mixture::gaussian(rows.mean().as_slice().to_vec(), covariance).map_err(|error| {
                Error::usage(
                    format!("{name}: the covariance of the rows is {}", error.message),
                    "remove columns that follow from others",
                )
            })?;
        Ok(Self {
            name,
            model: mixture.into(),
            rows: Some(rows),
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
        let what = match (&self.model, &self.rows) {
            (_, Some(rows)) => format!(
                "the Gaussian of {} (divided by N − 1)",
                count(rows.len(), "row")
            ),
            (TargetModel::StudentT(student_t), _) => {
                format!(
                    "{} of Student's t, ν = {}",
                    count(student_t.scales().components(), "component"),
                    student_t.dof()
                )
            }
            (model, _) if model.components() == 1 => "a Gaussian".to_owned(),
            (model, _) => format!("a mixture of {} Gaussians", model.components()),
        };
        format!("{what} in {dim}")
    }
}

/// The files that may hold a density.
const KNOWN: [&str; 5] = ["toml", "json", "npz", "csv", "npy"];

/// Reads a density:
///
/// - `.csv` or `.npy`: the Gaussian with the moments of the rows, the covariance divided by N − 1;
/// - `.toml`: the `[target]` of an experiment, or its keys alone, as `klfit estimate` writes them;
/// - `.json` or `.npz`: as [`read_mixture`];
/// - the folder of a run: the best run of its only fit, or of the fit named after a `#`, as in
///   `outputs/bimodal#reverse-kl`; `#target` is its target.
///
/// # Errors
/// If the file cannot be read or does not hold a density.
pub fn read_operand(text: &str) -> Result<Operand> {
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
            "give a .toml, .json, .npz, .csv or .npy file, or the folder of a run",
        ));
    }
    let model = match extension {
        "csv" | "npy" => return Operand::estimated(text, read_samples(path)?),
        "toml" => read_target(path)?,
        _ if path.is_dir() && fit == Some("target") => read_target(&path.join("config.toml"))?,
        _ => TargetModel::Mixture(read_mixture(path, fit)?),
    };
    match model {
        TargetModel::Samples(rows) => Operand::estimated(text, rows),
        model => Ok(Operand::new(text, model)),
    }
}
