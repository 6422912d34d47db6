//! What the coordinates of a target are called, in figures and in errors.

use std::fs;
use std::path::Path;

use klfit::{Experiment, draw_figures};

use crate::support::run;

const FIT: &str = "[optimizer]\nsteps = 2\n[figures]\nformat = [\"svg\"]\nonly = [\"densities\"]\n[[fit]]\ndivergence = \"forward-kl\"\n";

/// The experiment of a target, in a folder.
fn experiment(folder: &Path, target: &str) -> klfit::Result<Experiment> {
    let text = format!("name = \"names\"\nrestarts = 1\n[target]\n{target}\n{FIT}");
    Experiment::parse(&folder.join("names.toml"), &text, Vec::new())
}

#[test]
fn axes_have_the_names_of_the_coordinates() {
    let folder = tempfile::tempdir().unwrap();
    let json = r#"{"weights_": [1.0], "means_": [[1.0, 2.0]], "covariances_": [[1.0, 2.0]], "covariance_type": "diag",
        "feature_names_in_": ["height", "mass"]}"#;
    fs::write(folder.path().join("two.json"), json).unwrap();
    fs::write(
        folder.path().join("two.csv"),
        "height,mass\n1,2\n2,5\n4,3\n",
    )
    .unwrap();
    for target in [
        "file = \"two.json\"",
        "names = [\"height\", \"mass\"]\nmean = [1.0, 2.0]\nstd = [1.0, 2.0]",
        "equations = [\"height = 1\", \"mass = 2 + height\"]\nstds = [1.0]",
        "file = \"two.csv\"\nbandwidth = \"scott\"",
    ] {
        let run = run(&experiment(folder.path(), target).unwrap());
        let files = draw_figures(&run.folder).unwrap();
        let svg = fs::read_to_string(&files[0]).unwrap();
        assert!(
            svg.contains("\nheight\n") && svg.contains("\nmass\n"),
            "{target}"
        );
        assert!(!svg.contains("\nx1\n"), "{target}");
    }
}

#[test]
fn names_that_are_not_for_the_target_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("two.csv"), "a,b\n1,2\n2,5\n4,3\n").unwrap();
    for (target, said) in [
        (
            "names = [\"a\"]\nmean = [1.0, 2.0]\nstd = [1.0, 2.0]",
            "`target.names` has 1 name, and the target 2 coordinates",
        ),
        (
            "names = [\"a\", \"b\"]\nfile = \"two.csv\"",
            "`target.names` is not for this type",
        ),
        (
            "names = [\"a\"]\nlog_density = \"-x^2\"",
            "`target.names` is not for this type",
        ),
    ] {
        let error = experiment(folder.path(), target).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}
