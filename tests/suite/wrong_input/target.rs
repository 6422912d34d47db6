//! The target and its files.

use std::fs;

use klfit::Experiment;

use super::{FORWARD, REVERSE, Rule, config_error, refusal};

pub const TARGETS: &[Rule] = &[
    (
        "[target]\ndof = 3 # !\ntype = \"mixture\"\nmean = [0.0]\nstd = [1.0]\n",
        "",
        FORWARD,
        "target.dof",
        "only Student-t",
        "remove it",
    ),
    (
        "[target]\ndof = 3 # !\nfile = \"iris.csv\"\n",
        "",
        FORWARD,
        "target.dof",
        "is 3",
        "remove it",
    ),
    (
        "[target]\ndof = 0 # !\nmean = [0.0]\nstd = [1.0]\n",
        "",
        REVERSE,
        "target.dof",
        "is 0",
        "dof = 3",
    ),
    (
        "[target]\ndof = -1.5 # !\nmean = [0.0]\nstd = [1.0]\n",
        "",
        REVERSE,
        "target.dof",
        "is -1.5",
        "dof = 3",
    ),
    (
        "[target] # !\ntype = \"student-t\"\nmean = [0.0]\nstd = [1.0]\n",
        "",
        REVERSE,
        "target.dof",
        "is missing",
        "dof = 3",
    ),
    (
        "[target]\nstds = [1.0]\nequations = [\n\"x1 = x2\", # !\n\"x2 = x1\"]\n",
        "",
        REVERSE,
        "target.equations[1]",
        "a cycle",
        "out of the equation",
    ),
    (
        "[target]\nequations = [\"x1 = 0\", \"x2 = x1\", \"x3 = x2\"]\nstds = [1.0, 1.0] # !\n",
        "",
        REVERSE,
        "target.stds",
        "there are 2 standard deviations for 3 equations",
        "one for each",
    ),
    (
        "[target]\nequations = [\"x1 = 0\", \"x2 = x1\"]\nstds = [1.0,\n0.0] # !\n",
        "",
        REVERSE,
        "target.stds[2]",
        "the standard deviation of x2 is 0",
        "positive",
    ),
    (
        "[target]\nequations = [\"x1 = 0\", \"x2 = x1\"]\nstds = [-1.0] # !\n",
        "",
        REVERSE,
        "target.stds[1]",
        "is -1",
        "positive",
    ),
    (
        "[target]\nstds = [1.0]\nequations = [\n\"x1 = 0\",\n\"x2 = x1^2\"] # !\n",
        "",
        REVERSE,
        "target.equations[2]",
        "at character 8",
        "linear",
    ),
    (
        "[target]\nfile = \"absent.csv\" # !\n",
        "",
        FORWARD,
        "target.file",
        "cannot read",
        "folder of the config",
    ),
    (
        "[target]\nfile = \"absent.npz\" # !\n",
        "",
        FORWARD,
        "target.file",
        "cannot read",
        "folder of the config",
    ),
    (
        "[target]\nfile = \"README.md\" # !\n",
        "",
        FORWARD,
        "target.file",
        "a .json or .npz file",
        "np.savez",
    ),
    (
        "[target]\nfile = \"numpy/cube.npy\" # !\n",
        "",
        FORWARD,
        "target.file",
        "the shape",
        "N × D",
    ),
    (
        "[target]\nfile = \"numpy/not-finite.npy\" # !\n",
        "",
        FORWARD,
        "target.file",
        "a value is missing",
        "missing = \"drop\"",
    ),
    (
        "[target]\nfile = \"iris.csv\" # !\ncolumns = [\"sepal\"]\n",
        "",
        FORWARD,
        "target.file",
        "there is no column sepal",
        "its columns are sepal_length, sepal_width",
    ),
    (
        "[target]\nfile = \"iris.csv\"\nmissing = \"ignore\" # !\n",
        "",
        FORWARD,
        "target.missing",
        "is \"ignore\"",
        "refuse, drop",
    ),
    (
        "[target]\nfile = 5 # !\n",
        "",
        FORWARD,
        "target.file",
        "is 5, expected",
        "",
    ),
    (
        "[target]\nfile = \"scikit-learn/full.json\" # !\nfit = \"one\"\n",
        "",
        FORWARD,
        "target.file",
        "not a run of klfit",
        "leave the name of the fit out",
    ),
    (
        "[target]\nfile = \"scikit-learn/expected.json\" # !\n",
        "",
        FORWARD,
        "target.file",
        "no weights_",
        "np.savez",
    ),
    (
        "[target] # !\nmean = [0.0]\nstd = [1e200]\n",
        "",
        FORWARD,
        "target",
        "beyond the range of numbers",
        "units",
    ),
];

#[test]
fn covariances_in_a_plane_name_their_component() {
    let folder = tempfile::tempdir().unwrap();
    let config = |covariance: &str| {
        format!(
            "name = \"plane\"\n[target]\nweights = [0.5, 0.5]\nmeans = [[0.0, 0.0], [1.0, 1.0]]\n\
             covariances = [[[1.0, 0.0], [0.0, 1.0]],\n  {covariance}]\n[[fit]]\n\
             divergence = \"forward-kl\"\n"
        )
    };
    for (covariance, words) in [
        (
            "[[1.0, 0.5], [0.4, 1.0]]",
            "not symmetric: entry (2, 1) is 0.4 and entry (1, 2) is 0.5",
        ),
        (
            "[[1.0, 2.0], [2.0, 1.0]]",
            "not positive definite: its smallest eigenvalue is -1.000e0",
        ),
        ("[[1.0, 1.0], [1.0, 1.0]]", "not positive definite"),
    ] {
        fs::write(folder.path().join("bad.toml"), config(covariance)).unwrap();
        let message = refusal(&folder, &["check", "bad.toml"]);
        assert!(
            message.contains("component 2") && message.contains(words),
            "{message}"
        );
        assert!(message.contains("bad.toml:6:"), "{message}");
    }
}

#[test]
fn files_that_are_broken_are_named_with_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.toml");
    for (file, content, message, help) in [
        (
            "rows.csv",
            "x,y\n1,2\n3\n",
            "line 3: 1 cell, but the first line has 2",
            "one cell for each",
        ),
        ("rows.csv", "x,y\n1,2\n3,four\n", "line 3, column y", ""),
        (
            "rows.csv",
            "x\n1\n1\n",
            "every row has the value 1",
            "leave the column out",
        ),
        ("rows.csv", "x\n1\n", "too few points", "two at least"),
        ("rows.csv", "", "no rows", "one row for each point"),
        ("rows.npy", "not an array", "the file ", "np.save"),
        ("mixture.json", "{\"weights_\": [1.0]", "EOF", "valid JSON"),
        ("mixture.json", "[]", "does not hold keys", "means_"),
        (
            "mixture.json",
            "{\"weights_\": [1.0], \"means_\": [[0.0]], \"covariances_\": [[[-1.0]]]}",
            "not positive definite",
            "",
        ),
        (
            "mixture.npz",
            "not an archive",
            "is not an archive of NumPy",
            "np.savez",
        ),
    ] {
        fs::write(folder.path().join(file), content).unwrap();
        let config = format!("name = \"broken\"\n[target]\nfile = \"{file}\"\n{FORWARD}");
        let (error, key, remedy) =
            config_error(Experiment::parse(&path, &config, Vec::new()).unwrap_err());
        assert_eq!(
            (key.as_str(), error.location.line()),
            ("target.file", Some(3)),
            "{error}"
        );
        assert!(
            error.message.contains(file) && error.message.contains(message),
            "{error}"
        );
        assert!(remedy.contains(help), "{remedy}");
    }
}
