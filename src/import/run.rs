//! The mixture that a fit of an earlier run ended at.

use std::path::Path;

use super::{FitNaming, not_a_mixture, wrong};
use crate::error::Result;
use crate::files::names::folder_of_fit;
use crate::mixture::Mixture;
use crate::record::{FitSummary, Summary};

/// q of the best run of the fit called `label`, or of the only fit there is.
pub(super) fn mixture(
    path: &Path,
    summary: &Summary,
    asked: (Option<&str>, FitNaming),
) -> Result<Mixture> {
    let fit = choose(path, &summary.fits, asked)?;
    let best = fit.best.as_ref().ok_or_else(|| {
        wrong(
            path,
            format!("every run of the fit {} failed", fit.label),
            "name another fit, or run the experiment again with a smaller learning rate",
        )
    })?;
    Mixture::try_from(&best.mixture).map_err(not_a_mixture(path))
}

fn choose<'a>(
    path: &Path,
    fits: &'a [FitSummary],
    (label, naming): (Option<&str>, FitNaming),
) -> Result<&'a FitSummary> {
    let labels: Vec<&str> = fits.iter().map(|fit| fit.label.as_str()).collect();
    let there_are = format!(
        "say which is meant, as one of {}",
        naming.named(path, &labels)
    );
    match (label, fits) {
        (None, [only]) => Ok(only),
        (None, []) => Err(wrong(path, "the run has no fits", "give another run")),
        (None, _) => Err(wrong(
            path,
            format!("the run has {} fits", fits.len()),
            there_are,
        )),
        // By its label, or by its folder, which a shell takes as it is.
        (Some(label), _) => (fits.iter().find(|fit| fit.label == label))
            .or_else(|| fits.iter().find(|fit| folder_of_fit(&fit.label) == label))
            .ok_or_else(|| {
                let message = format!("the run has no fit {label}");
                wrong(path, message, there_are)
            }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::read_mixture;
    use crate::error::Error;
    use crate::mixture::{Mixture, NaturalParameters};
    use crate::record::Summary;
    use std::fs;

    /// A summary with fits of these names.
    fn summary(labels: &[&str]) -> Summary {
        let mixture = r#"{"weights": [1.0], "means": [[0.0]], "covariances": [[[1.0]]]}"#;
        let fits: Vec<String> = (labels.iter())
            .map(|label| {
                format!(
                    r#"{{"label": "{label}", "divergence": "forward-kl", "steps": 1, "seconds": 1.0,
                    "restarts": 2, "failed": 0, "known_optimum": null, "optima": [], "best": {{
                    "run": 0, "steps": 1, "stop": {{"reason": "steps"}}, "gradient_norm": 0.0,
                    "loss": {{"value": 0.5, "error": 0.0, "method": "closed-form"}},
                    "gradient_variance": null, "divergences": {{}}, "diagnostics": {{}},
                    "mixture": {mixture}}}}}"#
                )
            })
            .collect();
        serde_json::from_str(&format!(
            r#"{{"format": 3, "id": "0", "name": "test", "seed": 0, "seconds": 1.0,
            "target": {{"type": "samples", "rows": 2, "names": ["x"], "moments": null}},
            "versions": {{"klfit": "0", "burn": "0"}}, "device": {{}}, "fits": [{}]}}"#,
            fits.join(",")
        ))
        .unwrap()
    }

    fn two_in_a_plane() -> Mixture {
        Mixture::from_stds(
            vec![0.25, 0.75],
            vec![vec![0.0, 1.0], vec![2.0, 3.0]],
            vec![vec![1.0, 2.0], vec![0.5, 3.0]],
        )
        .unwrap()
    }

    #[test]
    fn the_best_run_of_the_fit_that_is_named_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("summary.json");
        let mut summary = summary(&["forward", "reverse"]);
        let expected = two_in_a_plane();
        summary.fits[1].best.as_mut().unwrap().mixture = NaturalParameters::from(&expected);
        let write = |summary: &Summary| {
            fs::write(&path, serde_json::to_string(summary).unwrap()).unwrap();
        };
        let refused = |fit| match read_mixture(&path, fit) {
            Err(Error::Usage { message, help }) => {
                (message.replace(&format!("{}: ", path.display()), ""), help)
            }
            other => panic!("{other:?}"),
        };
        write(&summary);
        assert_eq!(read_mixture(&path, Some("reverse")).unwrap(), expected);
        let (message, help) = refused(None);
        assert_eq!(message, "the run has 2 fits");
        let both = "say which is meant, as one of fit = \"forward\", fit = \"reverse\"";
        assert_eq!(help, both);
        let (message, help) = refused(Some("other"));
        assert_eq!(message, "the run has no fit other");
        assert_eq!(help, both);

        summary.fits.remove(0);
        write(&summary);
        assert_eq!(read_mixture(&path, None).unwrap(), expected);
        summary.fits[0].best = None;
        write(&summary);
        assert_eq!(refused(None).0, "every run of the fit reverse failed");
        summary.fits.clear();
        write(&summary);
        assert_eq!(refused(None).0, "the run has no fits");
    }

    #[test]
    fn the_folder_of_a_run_is_read_and_another_refused() {
        let folder = tempfile::tempdir().unwrap();
        let refused = read_mixture(folder.path(), None).unwrap_err();
        assert!(refused.to_string().ends_with("is not the folder of a run"));
    }
}
