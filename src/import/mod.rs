//! Mixtures from files: fitted by scikit-learn, or by an earlier run of klfit; and histograms.

mod histogram;
mod run;
mod scikit_learn;

use std::path::Path;

use serde_json::Value;

pub use histogram::read_histogram;

use crate::error::{Error, Refusal, Result};
use crate::files::folder::Folder;
use crate::files::names::{CONFIG, folder_of_fit, marked_fit};
use crate::files::read;
use crate::mixture::Mixture;
use crate::record::{Summary, is_folder_of_run, not_a_folder_of_run};
use crate::text::shell_word;

/// How Python saves a `GaussianMixture` that klfit reads.
pub(crate) const SAVED: &str = "np.savez(\"mixture.npz\", weights_=gm.weights_, means_=gm.means_, \
                                covariances_=gm.covariances_, covariance_type=gm.covariance_type)";

/// Reads a mixture that was fitted elsewhere:
///
/// - the attributes `weights_` (K), `means_` (K × D), `covariances_` and `covariance_type` of a
///   `GaussianMixture` or `BayesianGaussianMixture` of scikit-learn, in a `.json` or `.npz` file,
///   with or without the underscore at the end and with anything else besides them. The covariances
///   are K × D × D (full), D × D (tied), K × D (diag) or K (spherical, as variances); the type may
///   be left out where the shape leaves no doubt;
/// - the folder of a run of klfit or its `summary.json`: the best run of the fit called `fit`,
///   which may be left out where there is one fit only.
///
/// # Errors
/// If the file cannot be read, lacks a key or has one of the wrong shape; if the covariances may be
/// of two types; if a run has no such fit, or several and none is named; or if the numbers are not
/// a mixture.
pub fn read_mixture(path: &Path, fit: Option<&str>) -> Result<Mixture> {
    read_mixture_as(path, fit, FitNaming::Key)
}

/// How a fit of a run is named where a mixture is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FitNaming {
    /// In a config, by `fit = "js"` beside `file`.
    Key,
    /// On the command line, as `outputs/bimodal#js`.
    Mark,
}

impl FitNaming {
    /// How each of some fits of a run is named.
    fn named(self, path: &Path, labels: &[&str]) -> String {
        let each = labels.iter().map(|label| match self {
            Self::Key => format!("fit = \"{label}\""),
            Self::Mark => {
                let name = format!("{}#{}", path.display(), folder_of_fit(label));
                shell_word(&name).into_owned()
            }
        });
        each.collect::<Vec<_>>().join(", ")
    }
}

/// As [`read_mixture`], with how the fit is named there.
///
/// # Errors
/// As [`read_mixture`].
pub(crate) fn read_mixture_as(
    path: &Path,
    fit: Option<&str>,
    naming: FitNaming,
) -> Result<Mixture> {
    if naming == FitNaming::Key
        && let Some((folder, label)) = marked_fit(path)
    {
        let help = match label {
            "target" => format!(
                "copy the [target] of {} here",
                folder.join(CONFIG).display()
            ),
            label => format!("leave #{label} out, and write fit = \"{label}\" beside file"),
        };
        return Err(wrong(
            path,
            "a fit is named after a # on the command line alone",
            help,
        ));
    }
    if path.is_dir() {
        let folder = Folder::open(path)?;
        if !is_folder_of_run(&folder) {
            return Err(not_a_folder_of_run(path));
        }
        return run::mixture(path, &Summary::read(&folder)?, (fit, naming));
    }
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    match extension.to_str() {
        Some("npz") => {
            no_fit(path, fit)?;
            scikit_learn::from_npz(path)
        }
        Some("json") => from_json(path, (fit, naming)),
        _ => Err(wrong(
            path,
            "a mixture is in a .json or .npz file, or in the folder of a run",
            format!(
                "give the folder that `klfit run` wrote, or save what scikit-learn fitted: {SAVED}"
            ),
        )),
    }
}

/// What scikit-learn calls the D coordinates of a mixture in a `.json` file, as `feature_names_in_.tolist()` writes
/// them; `None` where it is not known, or the file is another.
pub fn read_feature_names(path: &Path) -> Option<Vec<String>> {
    if !path.extension()?.eq_ignore_ascii_case("json") {
        return None;
    }
    let text = read::read_text(path, read::LARGEST_JSON).ok()?;
    let keys: Value = serde_json::from_str(&text).ok()?;
    let names = keys.get("feature_names_in_")?.as_array()?;
    (names.iter())
        .map(|name| Some(name.as_str()?.to_owned()))
        .collect()
}

fn from_json(path: &Path, (fit, naming): (Option<&str>, FitNaming)) -> Result<Mixture> {
    let text = read::read_text(path, read::LARGEST_JSON)?;
    let value = serde_json::from_str(&text).map_err(|error| {
        wrong(
            path,
            error.to_string(),
            "write valid JSON, which has no NaN and no infinity",
        )
    })?;
    match value {
        Value::Object(keys) if keys.contains_key("fits") => {
            let summary = serde_json::from_value(Value::Object(keys))
                .map_err(|error| Error::run_folder(path, error.to_string()))?;
            run::mixture(path, &summary, (fit, naming))
        }
        Value::Object(keys) => {
            no_fit(path, fit)?;
            scikit_learn::from_json(path, keys)
        }
        _ => Err(wrong(
            path,
            "does not hold keys with values",
            "write {\"weights_\": [...], \"means_\": [...], \"covariances_\": [...]}",
        )),
    }
}

fn no_fit(path: &Path, fit: Option<&str>) -> Result<()> {
    match fit {
        Some(fit) => Err(wrong(
            path,
            format!("is not a run of klfit, and has no fit {fit}"),
            "leave the name of the fit out, or give the folder of a run",
        )),
        None => Ok(()),
    }
}

fn wrong(path: &Path, message: impl std::fmt::Display, help: impl Into<String>) -> Error {
    Error::usage(format!("{}: {message}", path.display()), help)
}

fn not_a_mixture(path: &Path) -> impl FnOnce(Refusal) -> Error {
    move |error| wrong(path, &error, error.help.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_file_of_another_kind_is_refused() {
        let of = |name| read_mixture(Path::new(name), None).unwrap_err().to_string();
        assert!(of("mixture.pkl").starts_with("mixture.pkl: a mixture is in a .json"));
        assert!(of("no.json").starts_with("cannot read no.json: "));
        assert!(of("no.npz").starts_with("cannot read no.npz: "));

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mixture.json");
        let refused = |text: &str, fit| {
            fs::write(&path, text).unwrap();
            let message = read_mixture(&path, fit).unwrap_err().to_string();
            message
                .strip_prefix(&format!("{}: ", path.display()))
                .unwrap()
                .to_owned()
        };
        assert!(refused("{\"weights\": [NaN]}", None).ends_with("line 1 column 14"));
        assert_eq!(refused("[]", None), "does not hold keys with values");
        assert_eq!(
            refused("{}", Some("best")),
            "is not a run of klfit, and has no fit best"
        );
        assert_eq!(refused("{\"fits\": []}", None), "missing field `format`");
    }
}
