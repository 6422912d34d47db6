//! Bad input gets one clear message: the file, the line or the key, and the remedy.

use std::fs;

use tempfile::TempDir;

use crate::command_line::klfit;

const GOOD: &str = r#"name = "good"
restarts = 2

[target]
weights = [0.5, 0.5]
means = [[-3.0], [3.0]]
stds = [[1.0], [1.0]]

[family]
components = 1

[estimator]
type = "quadrature"

[optimizer]
type = "adam"
learning_rate = 0.05
steps = 5

[[fit]]
divergence = "forward-kl"

[[fit]]
divergence = "reverse-kl"
optimizer = { learning_rate = 0.1 }

[device]
backend = "flex"
"#;

/// (what is replaced, by what, the line that is named, words of the message and the remedy)
type Case = (
    &'static str,
    &'static str,
    Option<usize>,
    &'static [&'static str],
);

const CASES: &[Case] = &[
    (
        "restarts = 2",
        "restart = 2",
        Some(2),
        &["`restart`", "did you mean `restarts`?"],
    ),
    (
        "components = 1",
        "component = 1",
        Some(10),
        &["component`", "did you mean `components`?"],
    ),
    (
        "learning_rate = 0.05",
        "learnin_rate = 0.05",
        Some(17),
        &["learnin_rate", "did you mean `learning_rate`?"],
    ),
    (
        "type = \"adam\"",
        "type = \"adm\"",
        Some(16),
        &["\"adm\"", "did you mean `adam`?"],
    ),
    (
        "\"quadrature\"",
        "\"grid\"",
        Some(13),
        &["\"grid\"", "monte-carlo"],
    ),
    (
        "\"reverse-kl\"",
        "\"revers-kl\"",
        Some(24),
        &["revers-kl", "did you mean `reverse-kl`?"],
    ),
    (
        "{ learning_rate = 0.1 }",
        "{ momentum = 0.1 }",
        Some(25),
        &["momentum", "not a key klfit knows"],
    ),
    (
        "steps = 5",
        "steps = \"five\"",
        Some(18),
        &["steps", "whole number"],
    ),
    (
        "steps = 5",
        "steps = 1.5",
        Some(18),
        &["steps", "whole number"],
    ),
    (
        "steps = 5",
        "steps = -5",
        Some(18),
        &["steps", "whole number"],
    ),
    ("steps = 5", "steps = 0", Some(18), &["steps", "is 0"]),
    (
        "learning_rate = 0.05",
        "learning_rate = 0",
        Some(17),
        &["learning_rate", "must be positive"],
    ),
    (
        "learning_rate = 0.05",
        "learning_rate = -1.0",
        Some(17),
        &["learning_rate", "must be positive"],
    ),
    (
        "learning_rate = 0.05",
        "learning_rate = nan",
        Some(17),
        &["learning_rate", "NaN"],
    ),
    (
        "{ learning_rate = 0.1 }",
        "{ learning_rate = 0.0 }",
        Some(25),
        &["`fit[2].optimizer.learning_rate` is 0"],
    ),
    (
        "weights = [0.5, 0.5]",
        "weights = [0.5, 0.4]",
        Some(5),
        &["sum to 0.9", "[0.555556, 0.444444]"],
    ),
    (
        "weights = [0.5, 0.5]",
        "weights = [1.5, -0.5]",
        Some(5),
        &["component 2", "-0.5", "not negative"],
    ),
    (
        "weights = [0.5, 0.5]",
        "weights = [1.0]",
        Some(5),
        &["there are 1 weight for 2 means"],
    ),
    (
        "weights = [0.5, 0.5]\n",
        "",
        Some(4),
        &["target.weights", "weights = [0.500000, 0.500000]"],
    ),
    (
        "means = [[-3.0], [3.0]]",
        "means = [[-3.0], [3.0, 1.0]]",
        Some(6),
        &["component 2", "2 coordinates"],
    ),
    (
        "means = [[-3.0], [3.0]]",
        "means = [-3.0, 3.0]",
        Some(6),
        &["means", "a list"],
    ),
    (
        "means = [[-3.0], [3.0]]",
        "means = []",
        Some(6),
        &["means", "there is none"],
    ),
    (
        "means = [[-3.0], [3.0]]",
        "means = [[nan], [3.0]]",
        Some(6),
        &["component 1", "NaN", "finite"],
    ),
    (
        "stds = [[1.0], [1.0]]",
        "stds = [[1.0], [0.0]]",
        Some(7),
        &["component 2", "positive"],
    ),
    (
        "stds = [[1.0], [1.0]]",
        "stds = [[1.0], [-1.0]]",
        Some(7),
        &["component 2", "positive"],
    ),
    (
        "stds = [[1.0], [1.0]]",
        "stds = [[1.0], [inf]]",
        Some(7),
        &["component 2", "inf"],
    ),
    (
        "stds = [[1.0], [1.0]]",
        "stds = [[1.0]]",
        Some(7),
        &["there are 1 for 2 components"],
    ),
    (
        "stds = [[1.0], [1.0]]",
        "covariances = [[[1.0]], [[-1.0]]]",
        Some(7),
        &["component 2", "not positive definite"],
    ),
    (
        "stds = [[1.0], [1.0]]",
        "covariances = [[[1.0]], [[1.0, 2.0]]]",
        Some(7),
        &["component 2", "square"],
    ),
    (
        "stds = [[1.0], [1.0]]\n",
        "",
        Some(4),
        &["target.stds", "covariances"],
    ),
    (
        "stds = [[1.0], [1.0]]",
        "std = [1.0]",
        Some(4),
        &["not both"],
    ),
    (
        "restarts = 2",
        "restarts = 0",
        Some(2),
        &["restarts", "is 0"],
    ),
    (
        "components = 1",
        "components = 0",
        Some(10),
        &["components", "is 0"],
    ),
    (
        "name = \"good\"",
        "name = \"../good\"",
        Some(1),
        &["name", "cannot name a folder"],
    ),
    (
        "name = \"good\"\n",
        "",
        None,
        &["`name` is missing", "add `name"],
    ),
    (
        "backend = \"flex\"",
        "backend = \"tpu\"",
        Some(28),
        &["\"tpu\"", "flex"],
    ),
    (
        "type = \"quadrature\"",
        "type = \"quadrature\"\nrange = [-12.0, 12.0]",
        Some(14),
        &["reverse-kl", "remove it"],
    ),
    (
        "type = \"quadrature\"",
        "type = \"quadrature\"\npoints = 2",
        Some(14),
        &["points", "at least 5"],
    ),
    (
        "name = \"good\"",
        "name = \"good",
        Some(1),
        &["not valid TOML"],
    ),
    (
        "name = \"good\"",
        "name = \"good\"\nname = \"twice\"",
        Some(2),
        &["duplicate key"],
    ),
];

/// What a command that is refused says.
fn refusal(folder: &TempDir, arguments: &[&str]) -> String {
    let run = klfit(arguments).current_dir(folder).assert().code(2);
    String::from_utf8(run.get_output().stderr.clone()).unwrap()
}

#[test]
fn every_mistake_in_a_config_is_named_with_its_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.toml");
    fs::write(&path, GOOD).unwrap();
    klfit(&["check", "bad.toml"])
        .current_dir(folder.path())
        .assert()
        .success();
    for (from, to, line, words) in CASES {
        assert!(GOOD.contains(from), "{from}");
        let text = GOOD.replacen(from, to, 1);
        fs::write(&path, &text).unwrap();
        let message = refusal(&folder, &["run", "bad.toml"]);
        for word in *words {
            assert!(
                message.contains(word),
                "`{to}` does not say {word}:\n{message}"
            );
        }
        match line {
            Some(line) => assert!(
                message.contains(&format!("bad.toml:{line}:")),
                "`{to}` does not name line {line}:\n{message}"
            ),
            None => assert!(message.contains("bad.toml"), "{message}"),
        }
        assert_eq!(
            message.matches("error").count(),
            1,
            "one message:\n{message}"
        );
        assert!(
            !folder.path().join("outputs").exists(),
            "`{to}` left something behind"
        );
    }
}

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
fn quadrature_above_two_dimensions_says_what_would_work() {
    let folder = tempfile::tempdir().unwrap();
    let text = "name = \"cube\"\n[target]\nmean = [0.0, 0.0, 0.0]\nstd = [1.0, 1.0, 1.0]\n\
                [estimator]\ntype = \"quadrature\"\n[[fit]]\ndivergence = \"forward-kl\"\n";
    fs::write(folder.path().join("cube.toml"), text).unwrap();
    let message = refusal(&folder, &["check", "cube.toml"]);
    assert!(
        message.contains("cube.toml:6:") && message.contains("monte-carlo"),
        "{message}"
    );
}

#[test]
fn what_the_command_line_sets_is_named_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("good.toml"), GOOD).unwrap();
    for (arguments, words) in [
        (
            &["--set", "optimizer.learning_rate=-1"][..],
            "--set optimizer.learning_rate=-1",
        ),
        (
            &["--set", "optimizer.momentum=0.9"],
            "--set optimizer.momentum=0.9",
        ),
        (&["--set", "nonsense=1"], "--set nonsense=1"),
        (&["--set", "optimiser.steps=1"], "--set optimiser.steps=1"),
        (&["--set", "steps=1"], "optimizer = { steps"),
        (&["--backend", "tpu"], "--backend tpu"),
        (&["--set", "nonsense"], "key=value"),
        (&["--steps", "0"], "--steps"),
        (&["--seed", "x"], "--seed"),
    ] {
        let message = refusal(&folder, &[&["run", "good.toml"], arguments].concat());
        assert!(message.contains(words), "{arguments:?}:\n{message}");
    }
}

#[test]
fn files_that_are_not_there_or_not_for_us_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = |arguments: &[&str]| refusal(&folder, arguments);
    let message = at(&["run", "absent.toml"]);
    assert!(
        message.contains("absent.toml") && message.contains("klfit init"),
        "{message}"
    );
    let message = at(&["run", "."]);
    assert!(message.contains("cannot read"), "{message}");
    let message = at(&["plot", "absent"]);
    assert!(
        message.contains("absent is not the folder of a run"),
        "{message}"
    );
    fs::write(folder.path().join("bytes.toml"), [0xff, 0xfe, 0x00]).unwrap();
    assert!(at(&["check", "bytes.toml"]).contains("UTF-8"));
    fs::write(folder.path().join("empty.toml"), "").unwrap();
    assert!(at(&["check", "empty.toml"]).contains("is missing"));
    // A file where the folder should be.
    fs::write(folder.path().join("good.toml"), GOOD).unwrap();
    fs::write(folder.path().join("taken"), "").unwrap();
    let message = at(&["run", "good.toml", "--out", "taken"]);
    assert!(
        message.contains("taken") && message.contains("--out"),
        "{message}"
    );
}

#[cfg(not(feature = "wgpu"))]
#[test]
fn a_backend_that_was_not_compiled_in_names_its_feature() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("good.toml"), GOOD).unwrap();
    let message = refusal(&folder, &["run", "good.toml", "--backend", "wgpu"]);
    assert!(message.contains("--features wgpu"), "{message}");
    assert!(!folder.path().join("outputs").exists());
}

#[test]
fn a_section_that_no_fit_uses_is_checked_too() {
    let folder = tempfile::tempdir().unwrap();
    let text = "name = \"unused\"\n[target]\nmean = [0.0]\nstd = [1.0]\n[optimizer]\n\
                momentumm = 3\n[[fit]]\ndivergence = \"forward-kl\"\n\
                optimizer = { type = \"sgd\" }\n";
    fs::write(folder.path().join("unused.toml"), text).unwrap();
    let message = refusal(&folder, &["check", "unused.toml"]);
    assert!(
        message.contains("unused.toml:6:") && message.contains("`optimizer.momentumm`"),
        "{message}"
    );
}

#[test]
fn a_fixed_interval_that_misses_the_target_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (range, points, fine) in [
        ("[-12.0, 12.0]", 401, true),
        ("[0.0, 10.0]", 401, false),
        ("[-12.0, 12.0]", 7, false),
    ] {
        let text = format!(
            "name = \"grid\"\n[target]\nweights = [0.5, 0.5]\nmeans = [[-3.0], [3.0]]\n\
             stds = [[1.0], [1.0]]\n[estimator]\nrange = {range}\npoints = {points}\n\
             [[fit]]\ndivergence = \"forward-kl\"\n"
        );
        fs::write(folder.path().join("grid.toml"), text).unwrap();
        if fine {
            let check = &["check", "grid.toml"];
            klfit(check).current_dir(&folder).assert().success();
            continue;
        }
        let message = refusal(&folder, &["check", "grid.toml"]);
        assert!(
            message.contains("grid.toml:7:") && message.contains("mass"),
            "{message}"
        );
    }
}
