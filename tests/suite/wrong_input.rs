//! Bad input gets one clear message: the file, the line or the key, and the remedy.

use std::fs;
use std::path::Path;

use klfit::Error;
use klfit::config::{Experiment, Override, Sweep};
use klfit::divergence::{DivergenceKind, DivergenceName};
use klfit::estimator::{GradientRule, NoiseRule, RuleConfig};
use proptest::prelude::*;
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
        &[
            "`fit[2].optimizer.momentum`",
            "not a key of type = \"adam\"",
        ],
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
        "[target]",
        "[targett]",
        Some(4),
        &["`targett`", "did you mean `target`?"],
    ),
    (
        "[optimizer]",
        "[optimiser]",
        Some(15),
        &["`optimiser`", "did you mean `optimizer`?"],
    ),
    (
        "[device]",
        "[sweeps]",
        Some(27),
        &["`sweeps`", "did you mean `sweep`?"],
    ),
    (
        "[[fit]]\ndivergence = \"forward-kl\"\n\n[[fit]]\n",
        "[fit]\n",
        Some(20),
        &["`fit` is a section", "double brackets"],
    ),
    (
        "weights = [0.5, 0.5]",
        "weights = 0.5",
        Some(5),
        &[
            "`target.weights` is 0.5, expected a list",
            "a number for each",
        ],
    ),
    (
        "backend = \"flex\"",
        "backend = 5",
        Some(28),
        &["`device.backend`", "5"],
    ),
    (
        "[estimator]\ntype = \"quadrature\"",
        "estimator = \"quadrature\"",
        Some(12),
        &["`family.estimator` is not a key", "at the top of the file"],
    ),
    (
        "type = \"adam\"",
        "type = \"adam\"\nschedule = 5",
        Some(17),
        &["`optimizer.schedule` is not a name in quotes"],
    ),
    (
        "restarts = 2",
        "restarts = 2\ninit = \"k-means\"",
        Some(3),
        &["`init` is \"k-means\", expected a section", "{ type = "],
    ),
    (
        "type = \"quadrature\"",
        "type = \"quadrature\"\nrange = 5",
        Some(14),
        &["expected a list of 2 numbers", "[lower, upper]"],
    ),
    (
        "steps = 5",
        "steps = 5\nbeta1 = 1.0",
        Some(19),
        &["`optimizer.beta1` is 1", "below 1"],
    ),
    (
        "stds = [[1.0], [1.0]]",
        "std = [[1.0], [1.0]]",
        Some(7),
        &["`target.std[1]`", "expected a number"],
    ),
    (
        "stds = [[1.0], [1.0]]",
        "equation = [\"x1 = 0\"]",
        Some(7),
        &["`target.equation`", "did you mean `equations`?"],
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
        (
            &["--set", "fit[2].optimizer.learning_rate=-1"],
            "--set fit[2].optimizer.learning_rate=-1: `fit[2].optimizer.learning_rate` is -1",
        ),
        (
            &["--set", "optimizer.beta1=2"],
            "--set optimizer.beta1=2: `optimizer.beta1` is 2",
        ),
        (&["--set", "fit[3].divergence=js"], "there are 2 fits"),
        (
            &["--set", "estimator.type=rows"],
            "--set estimator.type=rows: `estimator.type` is \"rows\"",
        ),
        (
            &["--set", "fit.divergence=js"],
            "--set fit.divergence=js: `fit.divergence` cannot be set",
        ),
        (
            &["--set", "init.mean=[1.0]"],
            "--set init.mean=[1.0]: `init.std` is missing",
        ),
        (
            &[
                "--set",
                "stop.window=3",
                "--set",
                "stop.loss_change=0",
                "--set",
                "stop.precision=1",
            ],
            "--set stop.loss_change=0: `stop.loss_change` is 0",
        ),
        (
            &["--set", "target.means[1]=[2.0]"],
            "only fits are numbered",
        ),
        (
            &["--set", "stop.gradient_norm=0"],
            "--set stop.gradient_norm=0: `stop.gradient_norm` is 0",
        ),
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

/// A place in the folder of the tests' data, where the files that configs name are.
fn beside_data() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/test.toml"))
}

fn parsed(text: &str) -> klfit::Result<Experiment> {
    Experiment::parse(beside_data(), text, Vec::new())
}

/// The error of a config that is refused, its key, and its help.
fn config_error(error: Error) -> (klfit::error::ConfigError, String, String) {
    let Error::Config(error) = error else {
        panic!("not an error of the config: {error}")
    };
    let key = error.message.split('`').nth(1).unwrap_or("").to_owned();
    let help = error.help.clone().unwrap_or_default();
    assert!(!help.is_empty(), "no help: {error}");
    (error, key, help)
}

/// Asserts that a config is refused at the line that ends in `# !`, for its key, with words of the
/// message and of the help.
#[track_caller]
fn refuses(text: &str, key: &str, message: &str, help: &str) {
    let line = text.lines().position(|line| line.ends_with("# !"));
    let error = match parsed(text) {
        Ok(_) => panic!("taken:\n{text}"),
        Err(error) => error,
    };
    let (error, found, remedy) = config_error(error);
    let told = format!("{error}\nhelp: {remedy}\n\n{text}");
    assert_eq!(found, key, "{told}");
    assert_eq!(error.location.line(), line.map(|line| line + 1), "{told}");
    assert_eq!(error.location.from, None, "{told}");
    assert!(error.message.contains(message), "no {message:?} in {told}");
    assert!(remedy.contains(help), "no {help:?} in the help: {told}");
}

const LINE: &str =
    "[target]\nweights = [0.5, 0.5]\nmeans = [[-2.0], [2.0]]\nstds = [[1.0], [1.0]]\n";
const PLANE: &str = "[target]\nmean = [0.0, 1.0]\nstd = [1.0, 0.5]\n";
const CUBE: &str = "[target]\nmean = [0.0, 1.0, 2.0]\nstd = [1.0, 0.5, 0.25]\n";
const FIVE: &str = "[target]\nmean = [0.0, 0.0, 0.0, 0.0, 0.0]\nstd = [1.0, 1.0, 1.0, 1.0, 1.0]\n";
const CAUCHY: &str = "[target]\ndof = 1\nmean = [0.0]\nstd = [1.0]\n";
const HEAVY: &str = "[target]\ndof = 3\nmean = [0.0]\nstd = [1.0]\n";
const IRIS: &str = "[target]\nfile = \"iris.csv\"\n";

const FORWARD: &str = "[[fit]]\ndivergence = \"forward-kl\"\n";
const REVERSE: &str = "[[fit]]\ndivergence = \"reverse-kl\"\n";

/// (the target, what goes before the fit, the fit, the key, the message, the help)
type Rule = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

const DIVERGENCES: &[Rule] = &[
    (
        LINE,
        "",
        "[[fit]] # !\ndivergence = \"alpha\"\n",
        "fit[1].alpha",
        "is missing",
        "alpha = 0.5",
    ),
    (
        LINE,
        "",
        "[[fit]] # !\ndivergence = \"renyi\"\n",
        "fit[1].alpha",
        "is missing",
        "alpha = 0.5",
    ),
    (
        LINE,
        "",
        "[[fit]]\ndivergence = \"js\"\nalpha = 0.5 # !\n",
        "fit[1].alpha",
        "is 0.5, and Jensen",
        "remove it",
    ),
    (
        LINE,
        "",
        "[[fit]]\ndivergence = \"alpha\"\nalpha = 1 # !\n",
        "fit[1].alpha",
        "is 1",
        "\"forward-kl\"",
    ),
    (
        LINE,
        "",
        "[[fit]]\ndivergence = \"renyi\"\nalpha = 1.0 # !\n",
        "fit[1].alpha",
        "is 1",
        "\"forward-kl\"",
    ),
    (
        LINE,
        "",
        "[[fit]]\ndivergence = \"alpha\"\nalpha = 0 # !\n",
        "fit[1].alpha",
        "is 0",
        "\"reverse-kl\"",
    ),
    (
        LINE,
        "",
        "[[fit]]\ndivergence = \"renyi\"\nalpha = 0 # !\n",
        "fit[1].alpha",
        "is 0",
        "above 0",
    ),
    (
        LINE,
        "",
        "[[fit]]\ndivergence = \"renyi\"\nalpha = -2 # !\n",
        "fit[1].alpha",
        "is -2",
        "above 0",
    ),
    (
        LINE,
        "",
        "[[fit]]\ndivergence = \"alpha\"\nalpha = inf # !\n",
        "fit[1].alpha",
        "is inf",
        "alpha = 0.5",
    ),
    (
        LINE,
        "",
        "[[fit]]\ndivergence = \"alpha\"\nalpha = nan # !\n",
        "fit[1].alpha",
        "is NaN",
        "alpha = 0.5",
    ),
    (
        CAUCHY,
        "",
        "[[fit]]\ndivergence = \"forward-kl\" # !\n",
        "fit[1].divergence",
        "infinite for every q: the target has no variance",
        "reverse-kl",
    ),
    (
        CAUCHY,
        "",
        "[[fit]]\ndivergence = \"jeffreys\" # !\n",
        "fit[1].divergence",
        "infinite",
        "reverse-kl",
    ),
    (
        HEAVY,
        "",
        "[[fit]]\ndivergence = \"chi2\" # !\n",
        "fit[1].divergence",
        "its tails are heavier",
        "js",
    ),
    (
        HEAVY,
        "",
        "[[fit]]\nalpha = 1.5\ndivergence = \"alpha\" # !\n",
        "fit[1].divergence",
        "its tails are heavier",
        "squared-hellinger",
    ),
    (
        HEAVY,
        "",
        "[[fit]]\nalpha = 2\ndivergence = \"renyi\" # !\n",
        "fit[1].divergence",
        "its tails are heavier",
        "squared-hellinger",
    ),
];

const ESTIMATORS: &[Rule] = &[
    (
        CUBE,
        "[estimator]\ntype = \"quadrature\" # !\n",
        FORWARD,
        "estimator.type",
        "3 dimensions, more than 2",
        "\"monte-carlo\"",
    ),
    (
        CUBE,
        "",
        "[[fit]]\ndivergence = \"js\"\nestimator = { type = \"quadrature\" } # !\n",
        "fit[1].estimator.type",
        "3 dimensions",
        "\"gauss-hermite\"",
    ),
    (
        FIVE,
        "[estimator]\ntype = \"gauss-hermite\" # !\n",
        FORWARD,
        "estimator.type",
        "5 dimensions, more than 4",
        "\"quasi-monte-carlo\"",
    ),
    (
        LINE,
        "[estimator]\ntype = \"rows\" # !\n",
        FORWARD,
        "estimator.type",
        "the target is a density",
        "\"quadrature\"",
    ),
    (
        IRIS,
        "[estimator]\ntype = \"quadrature\" # !\n",
        FORWARD,
        "estimator.type",
        "no density to integrate",
        "all rows are averaged",
    ),
    (
        IRIS,
        "[estimator]\ntype = \"gauss-hermite\" # !\n",
        FORWARD,
        "estimator.type",
        "no density to integrate",
        "\"monte-carlo\"",
    ),
    (
        LINE,
        "[estimator]\npoints = 4 # !\n",
        FORWARD,
        "estimator.points",
        "is 4",
        "at least 5",
    ),
    (
        LINE,
        "[estimator]\ntype = \"gauss-hermite\"\norder = 3 # !\n",
        FORWARD,
        "estimator.order",
        "is 3",
        "from 4 to 300",
    ),
    (
        LINE,
        "[estimator]\ntype = \"gauss-hermite\"\norder = 301 # !\n",
        FORWARD,
        "estimator.order",
        "is 301",
        "from 4 to 300",
    ),
    (
        LINE,
        "[estimator]\ntype = \"monte-carlo\"\nsamples = 1 # !\n",
        FORWARD,
        "estimator.samples",
        "is 1",
        "at least 2",
    ),
    (
        LINE,
        "[estimator]\ntype = \"quasi-monte-carlo\"\nsamples = 7 # !\n",
        FORWARD,
        "estimator.samples",
        "is 7",
        "from 8 to 524288",
    ),
    (
        LINE,
        "[estimator]\ntype = \"quasi-monte-carlo\"\nsamples = 524289 # !\n",
        FORWARD,
        "estimator.samples",
        "is 524289",
        "from 8 to 524288",
    ),
    (
        LINE,
        "[estimator]\nnoise = \"fresh\" # !\n",
        FORWARD,
        "estimator.noise",
        "quadrature has none",
        "remove it",
    ),
    (
        IRIS,
        "",
        "[[fit]]\ndivergence = \"forward-kl\"\nestimator = { noise = \"fixed\" } # !\n",
        "fit[1].estimator.noise",
        "rows has none",
        "\"monte-carlo\"",
    ),
    (
        LINE,
        "[estimator]\ngradient = \"sticking-the-landing\" # !\n",
        FORWARD,
        "estimator.gradient",
        "holds for reverse KL alone",
        "gradient = \"pathwise\"",
    ),
    (
        LINE,
        "[estimator]\ngradient = \"score-function\" # !\n",
        FORWARD,
        "estimator.gradient",
        "forward KL takes no expectation under q",
        "remove it",
    ),
    (
        LINE,
        "[estimator]\ntype = \"quasi-monte-carlo\"\ngradient = \"score-function\" # !\n",
        REVERSE,
        "estimator.gradient",
        "points of a net depend on each other",
        "\"monte-carlo\"",
    ),
    (
        LINE,
        "[estimator]\ntype = \"monte-carlo\"\nnoise = \"fixed\"\ngradient = \"score-function\" # !\n",
        REVERSE,
        "estimator.gradient",
        "not over fixed noise",
        "noise = \"fresh\"",
    ),
    (
        LINE,
        "[estimator]\ntype = \"monte-carlo\"\nnoise = \"fixed\"\ngradient = \"sticking-the-landing\" # !\n",
        REVERSE,
        "estimator.gradient",
        "not over fixed noise",
        "gradient = \"pathwise\"",
    ),
    (
        LINE,
        "[estimator]\nrange = [3.0, -3.0] # !\n",
        FORWARD,
        "estimator.range",
        "is [3, -3]",
        "lower below upper",
    ),
    (
        LINE,
        "[estimator]\nrange = [-inf, 3.0] # !\n",
        FORWARD,
        "estimator.range",
        "is [-inf, 3]",
        "lower below upper",
    ),
    (
        PLANE,
        "[estimator]\nrange = [-9.0, 9.0] # !\n",
        FORWARD,
        "estimator.range",
        "not 1-D",
        "remove it",
    ),
    (
        LINE,
        "[estimator]\nrange = [-9.0, 9.0] # !\n",
        REVERSE,
        "estimator.range",
        "integrates over q",
        "remove it",
    ),
    (
        LINE,
        "[estimator]\nrange = [0.0, 9.0] # !\n",
        FORWARD,
        "estimator.range",
        "a mass of 0.5",
        "widen",
    ),
];

const OPTIMIZERS: &[Rule] = &[
    (
        LINE,
        "[optimizer]\nsteps = 0 # !\n",
        FORWARD,
        "optimizer.steps",
        "at least one step",
        "1000",
    ),
    (
        LINE,
        "[optimizer]\nlearning_rate = 0 # !\n",
        FORWARD,
        "optimizer.learning_rate",
        "must be positive",
        "0.05",
    ),
    (
        LINE,
        "[optimizer]\ntype = \"rmsprop\"\nlearning_rate = inf # !\n",
        FORWARD,
        "optimizer.learning_rate",
        "is inf",
        "0.01 is the default",
    ),
    (
        LINE,
        "[estimator]\ntype = \"monte-carlo\"\n[optimizer]\ntype = \"lbfgs\" # !\n",
        FORWARD,
        "optimizer.type",
        "fresh noise changes it",
        "noise = \"fixed\"",
    ),
    (
        LINE,
        "[optimizer]\ntype = \"lbfgs\"\nlearning_rate = 0.1 # !\n",
        FORWARD,
        "optimizer.learning_rate",
        "no meaning for lbfgs",
        "remove it",
    ),
    (
        LINE,
        "[optimizer]\ntype = \"lbfgs\"\nschedule = \"cosine\" # !\n",
        FORWARD,
        "optimizer.schedule",
        "no meaning for lbfgs",
        "remove it",
    ),
    (
        LINE,
        "[optimizer]\ntype = \"lbfgs\"\nwarmup = 3 # !\n",
        FORWARD,
        "optimizer.warmup",
        "no meaning for lbfgs",
        "remove it",
    ),
    (
        LINE,
        "[optimizer]\ntype = \"lbfgs\"\nclip = 3.0 # !\n",
        FORWARD,
        "optimizer.clip",
        "no meaning for lbfgs",
        "remove it",
    ),
    (
        LINE,
        "[optimizer]\ntype = \"lbfgs\"\nhistory = 0 # !\n",
        FORWARD,
        "optimizer.history",
        "from 1 to 1000",
        "remove it",
    ),
    (
        PLANE,
        "[family]\ncovariance = \"low-rank\"\n[optimizer]\ntype = \"natural-gradient\" # !\n",
        FORWARD,
        "optimizer.type",
        "low-rank covariance has no closed form",
        "\"diagonal\"",
    ),
    (
        LINE,
        "[optimizer]\ntype = \"natural-gradient\"\nmax_kl = 0.0 # !\n",
        FORWARD,
        "optimizer.max_kl",
        "must be positive",
        "remove it",
    ),
    (
        LINE,
        "[optimizer]\nsteps = 5\nwarmup = 5 # !\n",
        FORWARD,
        "optimizer.warmup",
        "is 5, and there are 5 steps",
        "fewer",
    ),
    (
        LINE,
        "[optimizer]\nschedule = \"linear\"\nfinal_rate = 1.5 # !\n",
        FORWARD,
        "optimizer.final_rate",
        "at least 0 and at most 1",
        "0.01 by default",
    ),
    (
        LINE,
        "[optimizer]\nfinal_rate = 0.1 # !\n",
        FORWARD,
        "optimizer.final_rate",
        "the learning rate is constant",
        "schedule",
    ),
    (
        LINE,
        "[optimizer]\nschedule = \"linear\"\nfinal_rate = -0.1 # !\n",
        FORWARD,
        "optimizer.final_rate",
        "at least 0 and at most 1",
        "0.01",
    ),
    (
        LINE,
        "[optimizer]\nschedule = \"exponential\"\nfinal_rate = 0.0 # !\n",
        FORWARD,
        "optimizer.final_rate",
        "above 0 and at most 1",
        "0.01",
    ),
    (
        LINE,
        "[optimizer]\nclip = 0.0 # !\n",
        FORWARD,
        "optimizer.clip",
        "must be positive",
        "largest norm",
    ),
    (
        LINE,
        "[optimizer]\nclip = -1.0 # !\n",
        FORWARD,
        "optimizer.clip",
        "is -1",
        "largest norm",
    ),
    (
        LINE,
        "[optimizer]\nbeta2 = -0.5 # !\n",
        FORWARD,
        "optimizer.beta2",
        "at least 0 and below 1",
        "remove it",
    ),
    (
        LINE,
        "[optimizer]\nepsilon = 1e-60 # !\n",
        FORWARD,
        "optimizer.epsilon",
        "must be positive",
        "remove it",
    ),
    (
        LINE,
        "[optimizer]\ntype = \"adamw\"\nweight_decay = -1 # !\n",
        FORWARD,
        "optimizer.weight_decay",
        "at least 0",
        "remove it",
    ),
    (
        LINE,
        "[optimizer]\ntype = \"sgd\"\nnesterov = true # !\n",
        FORWARD,
        "optimizer.nesterov",
        "needs a momentum",
        "momentum = 0.9",
    ),
    (
        LINE,
        "[optimizer]\ntype = \"sgd\"\nmomentum = 1.0 # !\n",
        FORWARD,
        "optimizer.momentum",
        "below 1",
        "remove it",
    ),
    (
        LINE,
        "[optimizer]\ntype = \"rmsprop\"\ndecay = 1.0 # !\n",
        FORWARD,
        "optimizer.decay",
        "below 1",
        "remove it",
    ),
];

const STOPS: &[Rule] = &[
    (
        LINE,
        "[estimator]\ntype = \"monte-carlo\"\n[stop]\ngradient_norm = 1e-6 # !\n",
        FORWARD,
        "stop.gradient_norm",
        "random objective",
        "precision = 0.01",
    ),
    (
        LINE,
        "[estimator]\ntype = \"quasi-monte-carlo\"\n[stop]\nloss_change = 1e-6 # !\n",
        FORWARD,
        "stop.loss_change",
        "random objective",
        "noise = \"fixed\"",
    ),
    (
        LINE,
        "[stop]\nprecision = 0.01 # !\n",
        FORWARD,
        "stop.precision",
        "this one is deterministic",
        "gradient_norm = 1e-6",
    ),
    (
        LINE,
        "[estimator]\ntype = \"monte-carlo\"\nnoise = \"fixed\"\n[stop]\nprecision = 0.01 # !\n",
        FORWARD,
        "stop.precision",
        "this one is deterministic",
        "loss_change = 1e-9",
    ),
    (
        LINE,
        "[stop]\nwindow = 20 # !\n",
        FORWARD,
        "stop.window",
        "is 20, and no tolerance",
        "loss_change",
    ),
    (
        LINE,
        "[stop]\ngradient_norm = 1e-6\nwindow = 20 # !\n",
        FORWARD,
        "stop.window",
        "is 20, and no tolerance",
        "loss_change",
    ),
    (
        LINE,
        "[stop]\nloss_change = 1e-6\nwindow = 0 # !\n",
        FORWARD,
        "stop.window",
        "from 1 to 8000",
        "loss_change",
    ),
    (
        LINE,
        "[estimator]\ntype = \"monte-carlo\"\n[stop]\nprecision = 0.01\nwindow = 39 # !\n",
        FORWARD,
        "stop.window",
        "from 40 to 8000",
        "precision",
    ),
    (
        LINE,
        "[stop]\ngradient_norm = 0.0 # !\n",
        FORWARD,
        "stop.gradient_norm",
        "must be positive",
        "1e-6",
    ),
    (
        LINE,
        "[stop]\nloss_change = inf # !\n",
        FORWARD,
        "stop.loss_change",
        "is inf",
        "1e-6",
    ),
    (
        LINE,
        "[stop]\nprecision = -1 # !\n",
        FORWARD,
        "stop.precision",
        "is -1",
        "0.01",
    ),
];

const FAMILIES: &[Rule] = &[
    (
        LINE,
        "[family]\ncomponents = 0 # !\n",
        FORWARD,
        "family.components",
        "is 0",
        "1 component",
    ),
    (
        PLANE,
        "[family]\nrank = 1 # !\n",
        FORWARD,
        "family.rank",
        "a full covariance has none",
        "\"low-rank\"",
    ),
    (
        PLANE,
        "[family]\ncovariance = \"low-rank\"\nrank = 3 # !\n",
        FORWARD,
        "family.rank",
        "is 3, and there are 2 dimensions",
        "from 1",
    ),
    (
        PLANE,
        "[family]\ncovariance = \"low-rank\"\nrank = 0 # !\n",
        FORWARD,
        "family.rank",
        "is 0, and there are 2 dimensions",
        "from 1",
    ),
    (
        LINE,
        "[family]\ncomponents = 2\nweights = [1.0] # !\n",
        FORWARD,
        "family.weights",
        "has 1 entries, and there are 2 components",
        "one weight for each",
    ),
    (
        LINE,
        "[family]\ncomponents = 2\nweights = [0.5, 0.4] # !\n",
        FORWARD,
        "family.weights",
        "sums to 0.9",
        "sum to 1",
    ),
    (
        LINE,
        "[family]\ncomponents = 2\nweights = [1.5, -0.5] # !\n",
        FORWARD,
        "family.weights",
        "[1.5, -0.5]",
        "positive",
    ),
    (
        LINE,
        "[family]\ncomponents = 2\nweights = [1.0, 0.0] # !\n",
        FORWARD,
        "family.weights",
        "[1.0, 0.0]",
        "positive",
    ),
    (
        LINE,
        "[family]\nmin_std = -0.1 # !\n",
        FORWARD,
        "family.min_std",
        "is -0.1",
        "or 0",
    ),
    (
        LINE,
        "[family]\nmin_std = inf # !\n",
        FORWARD,
        "family.min_std",
        "is inf",
        "or 0",
    ),
    (
        PLANE,
        "[family]\nmin_std = 0.5 # !\n",
        FORWARD,
        "family.min_std",
        "standard deviation of 0.5",
        "lower it",
    ),
    (
        LINE,
        "[family]\ncovariance = \"diag\" # !\n",
        FORWARD,
        "family.covariance",
        "\"diag\"",
        "did you mean `diagonal`?",
    ),
];

const STARTS: &[Rule] = &[
    (
        PLANE,
        "[init] # !\nmean = [0.0]\nstd = [1.0]\n",
        FORWARD,
        "init",
        "it has 1 coordinate and the target 2",
        "[family]",
    ),
    (
        LINE,
        "[family]\ncomponents = 2\n[init] # !\nmean = [0.0]\nstd = [1.0]\n",
        FORWARD,
        "init",
        "it has 1 component and the family 2",
        "[family]",
    ),
    (
        LINE,
        "[family]\ncomponents = 2\nweights = [0.25, 0.75]\n[init] # !\nweights = [0.5, 0.5]\n\
         means = [[0.0], [1.0]]\nstds = [[1.0], [1.0]]\n",
        FORWARD,
        "init",
        "its weights are [0.5, 0.5] and the family's [0.25, 0.75]",
        "agree",
    ),
    (
        LINE,
        "[family]\ncomponents = 2\n[init] # !\nweights = [1.0, 0.0]\nmeans = [[0.0], [1.0]]\n\
         stds = [[1.0], [1.0]]\n",
        FORWARD,
        "init",
        "component 2 has weight 0",
        "agree",
    ),
    (
        LINE,
        "[family]\nmin_std = 0.5\n[init] # !\nmean = [0.0]\nstd = [0.4]\n",
        FORWARD,
        "init",
        "above min_std = 0.5",
        "agree",
    ),
    (
        PLANE,
        "[family]\ncovariance = \"isotropic\"\n[init] # !\nmean = [0.0, 0.0]\nstd = [1.0, 2.0]\n",
        FORWARD,
        "init",
        "component 1 is not isotropic",
        "agree",
    ),
    (
        PLANE,
        "[family]\ncovariance = \"diagonal\"\n[init] # !\nmean = [0.0, 0.0]\n\
         covariance = [[1.0, 0.5], [0.5, 1.0]]\n",
        FORWARD,
        "init",
        "component 1 is not diagonal",
        "agree",
    ),
    (
        LINE,
        "[init]\nmean = [0.0]\nstd = [1.0]\n",
        "[[fit]]\ndivergence = \"js\"\ninit = { mean = [0.0] } # !\n",
        "fit[1].init.std",
        "is missing",
        "say how wide",
    ),
    (
        LINE,
        "[init]\ntype = \"k-means\"\nmean = [0.0] # !\n",
        FORWARD,
        "init.mean",
        "not a key of type = \"k-means\"",
        "",
    ),
    (
        LINE,
        "[init]\ntype = \"kmeans\" # !\n",
        FORWARD,
        "init.type",
        "\"kmeans\"",
        "did you mean `k-means`?",
    ),
    (
        LINE,
        "restarts = 0 # !\n",
        FORWARD,
        "restarts",
        "is 0",
        "64",
    ),
    (
        LINE,
        "",
        "[[fit]]\ndivergence = \"js\"\nrestarts = 0 # !\n",
        "fit[1].restarts",
        "is 0",
        "64",
    ),
];

const REST: &[Rule] = &[
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
        "not finite",
        "remove the row",
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
        LINE,
        "[init]\nfile = \"absent.json\" # !\n",
        FORWARD,
        "init.file",
        "cannot read",
        "folder of the config",
    ),
    (
        LINE,
        "[init]\nfile = \"numpy\" # !\n",
        FORWARD,
        "init.file",
        "not the folder of a run",
        "klfit run",
    ),
    (
        "[target] # !\nmean = [0.0]\nstd = [1e200]\n",
        "",
        FORWARD,
        "target",
        "beyond the range of numbers",
        "units",
    ),
    (
        LINE,
        "[log]\nevery = 0 # !\n",
        FORWARD,
        "log.every",
        "is 0",
        "about 100",
    ),
    (
        LINE,
        "[log]\nsamples = 1 # !\n",
        FORWARD,
        "log.samples",
        "is 1, too few",
        "4096",
    ),
    (
        LINE,
        "[log]\nsamples = 1000000000 # !\n",
        FORWARD,
        "log.samples",
        "too large",
        "134 million",
    ),
    (
        LINE,
        "seed = -1 # !\n",
        FORWARD,
        "seed",
        "is -1, expected a whole number",
        "docs/config.md",
    ),
    (
        LINE,
        "",
        "[[fit]] # !\nlabel = \"x\"\n",
        "fit[1].divergence",
        "is missing",
        "divergence = ",
    ),
    (
        LINE,
        "",
        "[[fit]]\ndivergence = \"js\"\nlabel = \"a/b\" # !\n",
        "fit[1].label",
        "cannot name a folder",
        "letters",
    ),
    (
        LINE,
        "",
        "[[fit]]\ndivergence = \"js\"\nlabel = \"Figures\" # !\n",
        "fit[1].label",
        "is \"Figures\"",
        "choose another label",
    ),
    (
        LINE,
        "",
        "[[fit]]\ndivergence = \"js\"\nlabel = \"a\"\n[[fit]]\ndivergence = \"js\"\nlabel = \"A\" # !\n",
        "fit[2].label",
        "taken by another fit",
        "a label of its own",
    ),
    (
        LINE,
        "restarts = 1000000\n",
        "[[fit]] # !\ndivergence = \"js\"\n",
        "fit[1]",
        "1000000 restarts × 402 points",
        "lower the largest",
    ),
    (
        LINE,
        "fit = [] # !\n",
        "",
        "fit",
        "is empty",
        "divergence = ",
    ),
    (LINE, "", "", "fit", "is missing", "[[fit]]"),
];

fn check_rules(rules: &[Rule]) {
    for (target, before, fit, key, message, help) in rules {
        // Keys of the file itself go before its sections.
        let text = match before.starts_with('[') {
            true => format!("name = \"rule\"\n{target}{before}{fit}"),
            false => format!("name = \"rule\"\n{before}{target}{fit}"),
        };
        refuses(&text, key, message, help);
    }
}

#[test]
fn divergences_that_make_no_sense_are_refused() {
    check_rules(DIVERGENCES);
}

#[test]
fn estimators_that_make_no_sense_are_refused() {
    check_rules(ESTIMATORS);
    let many = |value: &str| vec![value; 257].join(", ");
    let text = format!(
        "name = \"many\"\n[target]\nmean = [{}]\nstd = [{}]\n[estimator]\n\
         type = \"quasi-monte-carlo\" # !\n{FORWARD}",
        many("0.0"),
        many("1.0")
    );
    refuses(
        &text,
        "estimator.type",
        "257 dimensions, more than 256",
        "\"monte-carlo\"",
    );
}

#[test]
fn optimizers_that_make_no_sense_are_refused() {
    check_rules(OPTIMIZERS);
}

#[test]
fn tolerances_that_make_no_sense_are_refused() {
    check_rules(STOPS);
}

#[test]
fn families_that_make_no_sense_are_refused() {
    check_rules(FAMILIES);
}

#[test]
fn starts_that_make_no_sense_are_refused() {
    check_rules(STARTS);
}

#[test]
fn targets_logs_labels_and_sizes_that_make_no_sense_are_refused() {
    check_rules(REST);
}

/// The divergences as a config names them, with an order where they take one.
const NAMED: [(&str, Option<f64>); 11] = [
    ("forward-kl", None),
    ("reverse-kl", None),
    ("jeffreys", None),
    ("js", None),
    ("alpha", Some(0.5)),
    ("alpha", Some(1.5)),
    ("renyi", Some(0.5)),
    ("renyi", Some(1.5)),
    ("chi2", None),
    ("squared-hellinger", None),
    ("total-variation", None),
];

#[test]
fn the_list_of_divergences_here_is_whole() {
    let mut kinds: Vec<DivergenceKind> = (NAMED.iter())
        .map(|(name, alpha)| {
            let name: DivergenceName =
                serde::Deserialize::deserialize(toml::Value::from(*name)).unwrap();
            name.with_order(*alpha).unwrap()
        })
        .collect();
    // One is of another order, and one has no name in a config.
    kinds.push(DivergenceKind::from_name("alpha--0.5").unwrap());
    kinds.push(DivergenceKind::CrossEntropy);
    kinds.sort();
    let mut all = DivergenceKind::all();
    all.sort();
    assert_eq!(kinds, all);
}

#[test]
fn only_forward_kl_does_without_the_density_of_the_target() {
    for (name, alpha) in NAMED {
        let alpha = alpha.map_or(String::new(), |alpha| format!("alpha = {alpha}\n"));
        let text = format!("name = \"rows\"\n{IRIS}[[fit]]\n{alpha}divergence = \"{name}\" # !\n");
        if name == "forward-kl" {
            let experiment = parsed(&text).unwrap();
            assert_eq!(experiment.plans[0].divergence, DivergenceKind::CrossEntropy);
        } else {
            refuses(
                &text,
                "fit[1].divergence",
                "needs the density of the target",
                "forward-kl",
            );
        }
    }
}

/// How expectations are to be computed, as a config says it.
#[derive(Debug, Clone, PartialEq)]
struct Choice {
    target: &'static str,
    divergence: (&'static str, Option<f64>),
    rule: Option<String>,
    gradient: Option<String>,
    noise: Option<String>,
}

impl Choice {
    fn text(&self) -> String {
        let (divergence, alpha) = self.divergence;
        let alpha = alpha.map_or(String::new(), |alpha| format!("alpha = {alpha}\n"));
        let line = |key: &str, value: &Option<String>| {
            (value.as_ref()).map_or(String::new(), |value| format!("{key} = \"{value}\"\n"))
        };
        format!(
            "name = \"choice\"\nrestarts = 1\n{}[estimator]\n{}{}{}[[fit]]\ndivergence = \
             \"{divergence}\"\n{alpha}",
            self.target,
            line("type", &self.rule),
            line("gradient", &self.gradient),
            line("noise", &self.noise),
        )
    }

    /// What the documentation of the estimators promises: quadrature takes a density of at most 2
    /// dimensions, Gauss–Hermite one of at most 4, and all rows are for a sample. Noise is for
    /// random points. Sticking the landing is for reverse KL, the score function for expectations
    /// under q at points that are independent or of no chance; neither is for fixed noise.
    fn is_sensible(&self) -> bool {
        let (divergence, _) = self.divergence;
        let (is_sample, dim) = match self.target {
            IRIS => (true, 4),
            LINE => (false, 1),
            CUBE => (false, 3),
            _ => (false, 5),
        };
        let rule = match self.rule.as_deref() {
            Some(rule) => rule,
            None if is_sample => "rows",
            None if dim <= 2 => "quadrature",
            None => "monte-carlo",
        };
        let rule_fits = match rule {
            "quadrature" => !is_sample && dim <= 2,
            "gauss-hermite" => !is_sample && dim <= 4,
            "rows" => is_sample,
            _ => true,
        };
        let random = rule.ends_with("monte-carlo");
        let fixed = self.noise.as_deref() == Some("fixed");
        let gradient_fits = match self.gradient.as_deref() {
            Some("sticking-the-landing") => divergence == "reverse-kl" && !fixed,
            Some("score-function") => {
                divergence != "forward-kl" && rule != "quasi-monte-carlo" && !fixed
            }
            _ => true,
        };
        let density_fits = !is_sample || divergence == "forward-kl";
        rule_fits && gradient_fits && density_fits && (random || self.noise.is_none())
    }

    /// What it becomes if one follows the help: each remedy by itself.
    fn remedied(&self, key: &str, help: &str) -> Vec<Self> {
        let with = |key: &str, value: Option<&str>| {
            let mut other = self.clone();
            let value = value.map(str::to_owned);
            match key {
                "type" => other.rule = value,
                "gradient" => other.gradient = value,
                "noise" => other.noise = value,
                _ => {}
            }
            other
        };
        let key = key.rsplit('.').next().unwrap();
        let mut remedies = Vec::new();
        if help.starts_with("remove the section") {
            let bare = with("type", None);
            remedies.push(Self {
                gradient: None,
                noise: None,
                ..bare
            });
        } else if help.starts_with("remove it") {
            remedies.push(with(key, None));
        }
        // Values of the key itself in quotes, or with the key they are of.
        for (i, value) in help.split('"').enumerate().filter(|(i, _)| i % 2 == 1) {
            let before = help.split('"').nth(i - 1).unwrap();
            let named = ["type", "gradient", "noise"]
                .into_iter()
                .find(|name| before.ends_with(&format!("{name} = ")));
            remedies.push(with(named.unwrap_or(key), Some(value)));
        }
        remedies
    }
}

#[test]
fn estimators_are_taken_where_they_make_sense_and_the_remedies_lead_there() {
    let mut names: Vec<Option<String>> = (RuleConfig::all().iter())
        .map(|rule| Some(rule.name().to_owned()))
        .collect();
    names.push(None);
    let gradients: Vec<Option<String>> = (GradientRule::ALL.into_iter())
        .map(|gradient| Some(gradient.name().to_owned()))
        .chain([None])
        .collect();
    let noises = [Some("fresh".to_owned()), Some("fixed".to_owned()), None];
    let (mut taken, mut refused) = (0, 0);
    for target in [LINE, CUBE, FIVE, IRIS] {
        for divergence in NAMED {
            for rule in &names {
                for gradient in &gradients {
                    for noise in &noises {
                        let choice = Choice {
                            target,
                            divergence,
                            rule: rule.clone(),
                            gradient: gradient.clone(),
                            noise: noise.clone(),
                        };
                        let is_taken = follows(choice);
                        (taken, refused) = (
                            taken + usize::from(is_taken),
                            refused + usize::from(!is_taken),
                        );
                    }
                }
            }
        }
    }
    assert!(
        taken > 300 && refused > 300,
        "{taken} taken, {refused} refused"
    );
}

/// Checks a choice against what is sensible; whether it is.
fn follows(choice: Choice) -> bool {
    let error = match parsed(&choice.text()) {
        Ok(experiment) => {
            assert!(choice.is_sensible(), "taken: {choice:?}");
            let estimator = experiment.plans[0].estimator;
            assert_eq!(
                choice.noise.as_deref() == Some("fixed"),
                estimator.noise == Some(NoiseRule::Fixed)
            );
            return true;
        }
        Err(error) => error,
    };
    assert!(!choice.is_sensible(), "refused: {error}\n{choice:?}");
    // A choice may be wrong in several ways: then one remedy leads to the next.
    let mut tried = vec![(choice.clone(), error)];
    for _ in 0..4 {
        let mut next = Vec::new();
        for (choice, error) in tried {
            let (error, key, help) = config_error(error);
            if key.ends_with("divergence") {
                // Its remedy is another divergence, of which rows have one.
                assert!(choice.target == IRIS && help.contains("divergence = \"forward-kl\""));
                let divergence = ("forward-kl", None);
                next.push(Choice {
                    divergence,
                    ..choice
                });
                continue;
            }
            let remedies = choice.remedied(&key, &help);
            assert!(!remedies.is_empty(), "no remedy: {error}\n{help}");
            next.extend(remedies);
        }
        tried = Vec::new();
        for choice in next {
            match parsed(&choice.text()) {
                Ok(_) => return false,
                Err(error) => tried.push((choice, error)),
            }
        }
    }
    panic!("no remedy leads to a config that runs: {choice:?}");
}

#[test]
fn numbers_beyond_all_measure_are_refused_without_overflow() {
    let huge = "9223372036854775807";
    for estimator in [
        "quadrature",
        "gauss-hermite",
        "monte-carlo",
        "quasi-monte-carlo",
    ] {
        for (section, key) in [("family", "components"), ("estimator", "samples")] {
            if key == "samples" && !estimator.ends_with("monte-carlo") {
                continue;
            }
            let (family, own) = match section {
                "family" => (format!("[family]\n{key} = {huge}\n"), String::new()),
                _ => (String::new(), format!("{key} = {huge}\n")),
            };
            let text = format!(
                "name = \"huge\"\n{LINE}{family}[estimator]\ntype = \"{estimator}\"\n{own}{FORWARD}"
            );
            assert!(parsed(&text).is_err(), "{text}");
        }
    }
    let text = format!("name = \"huge\"\nrestarts = {huge}\n{LINE}{FORWARD}");
    assert!(parsed(&text).is_err());
}

#[test]
fn lists_do_not_stand_for_sections() {
    let rows = |top: &str, fit: &str| {
        format!("name = \"lists\"\n{top}{LINE}[[fit]]\ndivergence = \"js\"\n{fit}")
    };
    for (section, list) in [
        ("family", "[2]"),
        ("init", "[{}]"),
        ("estimator", "[\"quadrature\"]"),
        ("optimizer", "[{ steps = 3 }]"),
        ("stop", "[]"),
    ] {
        let line = format!("{section} = {list} # !\n");
        refuses(
            &rows(&line, ""),
            section,
            "is a list, expected a section",
            "in brackets",
        );
        let key = format!("fit[1].{section}");
        refuses(
            &rows("", &line),
            &key,
            "is a list, expected a section",
            "in brackets",
        );
    }
    for (section, list) in [("log", "[2, 64]"), ("device", "[\"flex\"]")] {
        let line = format!("{section} = {list} # !\n");
        refuses(
            &rows(&line, ""),
            section,
            "is a list, expected a section",
            "in brackets",
        );
    }
    let text = format!("name = \"lists\"\n[[target]] # !\nmean = [0.0]\nstd = [1.0]\n{FORWARD}");
    refuses(
        &text,
        "target",
        "is a list, expected a section",
        "in brackets",
    );
}

#[test]
fn mistakes_in_a_shared_section_are_named_where_they_stand() {
    // The second fit inherits one key and overrides another.
    let shared = "[optimizer]\nlearning_rate = -1 # !\nsteps = 5\n";
    let text = format!(
        "name = \"shared\"\n{LINE}{shared}[[fit]]\ndivergence = \"js\"\n\
         optimizer = {{ learning_rate = 0.1 }}\n[[fit]]\ndivergence = \"js\"\noptimizer = {{ steps = 3 }}\n"
    );
    refuses(
        &text,
        "optimizer.learning_rate",
        "is -1",
        "0.05 is the default",
    );
    // The fit's own key, where the shared one is fine.
    let text = format!(
        "name = \"own\"\n{LINE}[optimizer]\nsteps = 5\n[[fit]]\ndivergence = \"js\"\n[fit.optimizer]\n\
         warmup = 5 # !\n"
    );
    refuses(
        &text,
        "fit[1].optimizer.warmup",
        "there are 5 steps",
        "fewer",
    );
}

#[test]
fn what_overrides_set_is_told_by_them_alone() {
    let text =
        format!("name = \"set\"\n{LINE}[optimizer]\nlearning_rate = 0.1\n{FORWARD}{REVERSE}");
    let refused = |set: &[&str]| {
        let overrides = set
            .iter()
            .map(|one| Override::parse(one).unwrap())
            .collect();
        let error = Experiment::parse(beside_data(), &text, overrides).unwrap_err();
        let (error, key, _) = config_error(error);
        (error.location.from, key)
    };
    let from = |set: &str| Some(format!("--set {set}"));
    // The last one that sets a key is the one that counts.
    assert_eq!(
        refused(&["optimizer.learning_rate=-1", "optimizer.learning_rate=-2"]),
        (
            from("optimizer.learning_rate=-2"),
            "optimizer.learning_rate".to_owned()
        )
    );
    assert_eq!(
        refused(&[
            "optimizer.learning_rate=1",
            "fit[2].optimizer.learning_rate=-2"
        ]),
        (
            from("fit[2].optimizer.learning_rate=-2"),
            "fit[2].optimizer.learning_rate".to_owned()
        )
    );
    // An error of another key is not theirs.
    assert_eq!(
        refused(&[
            "optimizer.steps=3",
            "target.weights=[0.5, 0.4]",
            "optimizer.clip=1.0"
        ]),
        (
            from("target.weights=[0.5, 0.4]"),
            "target.weights".to_owned()
        )
    );
    let bad = text.replace("learning_rate = 0.1", "learning_rate = -0.1");
    let steps = vec![Override::parse("optimizer.steps=3").unwrap()];
    let (error, ..) = config_error(Experiment::parse(beside_data(), &bad, steps).unwrap_err());
    assert_eq!(
        (error.location.from.clone(), error.location.line()),
        (None, Some(7))
    );
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

/// A sweep in a file that ends with it.
fn swept(sweep: &str) -> klfit::Result<Option<Sweep>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sweep.toml");
    let text = format!("name = \"sweep\"\n{LINE}[optimizer]\nsteps = 5\n{FORWARD}{REVERSE}{sweep}");
    fs::write(&path, text).unwrap();
    Sweep::load(&path, &[])
}

#[test]
fn sweeps_that_make_no_sense_are_refused() {
    let numbers = |n: usize| {
        (1..=n)
            .map(|i| i.to_string())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let many = format!(
        "[sweep.grid] # !\nseed = [{}]\noptimizer.steps = [{}]\n",
        numbers(101),
        numbers(100)
    );
    for (sweep, key, message, help) in [
        (
            "[sweep] # !\n",
            "sweep",
            "needs a grid or a list",
            "[sweep.grid]",
        ),
        (
            "[sweep] # !\ngrid = { seed = [1] }\nlist = [{ seed = 1 }]\n",
            "sweep",
            "both a grid and a list",
            "or",
        ),
        (
            "[sweep]\ngrids = { seed = [1] } # !\n",
            "sweep.grids",
            "not a key klfit knows",
            "[sweep.grid]",
        ),
        (
            "[sweep]\ngrid = 5 # !\n",
            "sweep.grid",
            "not a section",
            "[sweep.grid]",
        ),
        (
            "[sweep]\nlist = 5 # !\n",
            "sweep.list",
            "not a list",
            "[[sweep.list]]",
        ),
        (
            "[sweep]\nlist = [{ seed = 1 }, 5] # !\n",
            "sweep.list[2]",
            "is 5, not a section",
            "[[sweep.list]]",
        ),
        (
            "[sweep]\nlist = [] # !\n",
            "sweep.list",
            "sets nothing",
            "[[sweep.list]]",
        ),
        (
            "[sweep]\nlist = [{}] # !\n",
            "sweep.list",
            "sets nothing",
            "[[sweep.list]]",
        ),
        (
            "[sweep.grid] # !\n",
            "sweep.grid",
            "sets nothing",
            "[sweep.grid]",
        ),
        (
            "[sweep.grid]\nseed = [1]\noptimizer.steps = [] # !\n",
            "sweep.grid.optimizer.steps",
            "is empty",
            "a list of values",
        ),
        (
            "[sweep.grid]\noptimizer.steps = 5 # !\n",
            "sweep.grid.optimizer.steps",
            "is 5, not a list",
            "a list of values",
        ),
        (
            "[sweep.grid]\n\"fit[2].optimizer.steps\" = 5 # !\n",
            "sweep.grid.fit[2].optimizer.steps",
            "is 5, not a list",
            "a list of values",
        ),
        (
            &many,
            "sweep.grid",
            "more than 10000 points",
            "leave values out",
        ),
        // A point that cannot run: the setting, its line and the whole point.
        (
            "[sweep.grid]\nseed = [3, 4]\noptimizer.learning_rate = [0.1, -1.0] # !\n",
            "optimizer.learning_rate",
            "is -1; it must be positive and finite (at the point of the sweep seed = 3, \
             optimizer.learning_rate = -1.0)",
            "0.05 is the default",
        ),
        (
            "[sweep.grid]\n\"fit[2].optimizer.steps\" = [3, 0] # !\n",
            "fit[2].optimizer.steps",
            "(at the point of the sweep fit[2].optimizer.steps = 0)",
            "1000",
        ),
        (
            "[[sweep.list]]\nseed = 1\n[[sweep.list]]\noptimizer.stepps = 3 # !\n",
            "optimizer.stepps",
            "(at the point of the sweep optimizer.stepps = 3)",
            "did you mean `steps`?",
        ),
        (
            "[[sweep.list]]\nseed = 1\n[[sweep.list]]\nnonsense = 3 # !\n",
            "nonsense",
            "not a key klfit knows",
            "one of",
        ),
    ] {
        let (error, found, remedy) = match swept(sweep) {
            Ok(_) => panic!("taken: {sweep}"),
            Err(error) => config_error(error),
        };
        let line = 10
            + sweep
                .lines()
                .position(|line| line.ends_with("# !"))
                .unwrap()
            + 2;
        assert_eq!(found, key, "{error}\n{sweep}");
        assert_eq!(error.location.line(), Some(line), "{error}\n{sweep}");
        assert_eq!(error.location.from, None, "{error}");
        assert!(error.message.contains(message), "{error}\n{sweep}");
        assert!(remedy.contains(help), "{remedy}\n{sweep}");
    }
    // The mistake may show in a key the sweep does not set; the point is told all the same.
    let text = "[sweep.grid]\nseed = [1]\ntarget.dof = [3.0, 1.5]\n";
    let (error, key, _) = config_error(swept(text).unwrap_err());
    assert_eq!(
        (key.as_str(), error.location.line()),
        ("fit[1].divergence", Some(9))
    );
    let point = "(at the point of the sweep seed = 1, target.dof = 1.5)";
    assert!(error.message.ends_with(point), "{error}");
}

/// One change of a config, as a slip of the hand would make it.
#[derive(Debug, Clone)]
enum Edit {
    Delete(usize),
    Double(usize),
    Replace(usize, &'static str),
    Rename(usize, &'static str),
    Cut(usize, usize),
}

const VALUES: [&str; 18] = [
    "5",
    "-1",
    "0",
    "0.5",
    "1e400",
    "nan",
    "-inf",
    "true",
    "\"text\"",
    "\"\"",
    "\"reverse-kl\"",
    "[]",
    "[1.0, 2.0]",
    "[[1.0], [2.0]]",
    "[[1.0, 2.0], [3.0]]",
    "{}",
    "{ type = \"adam\" }",
    "1979-05-27",
];

const NAMES: [&str; 8] = [
    "type",
    "mean",
    "stds",
    "steps",
    "fit",
    "init",
    "a.b",
    "\"fit[1]\"",
];

/// One that has something of everything, and is quick to check.
const RICH: &str = r#"name = "rich"
seed = 3
restarts = 2
[target]
weights = [0.5, 0.5]
means = [[-3.0], [3.0]]
stds = [[1.0], [1.0]]
[family]
components = 2
covariance = "low-rank"
rank = 1
weights = [0.25, 0.75]
min_std = 0.01
[init]
type = "k-means"
[estimator]
type = "monte-carlo"
gradient = "pathwise"
noise = "fixed"
samples = 16
[optimizer]
type = "sgd"
learning_rate = 0.05
steps = 5
schedule = "cosine"
final_rate = 0.1
warmup = 1
clip = 3.0
momentum = 0.5
[stop]
loss_change = 1e-6
window = 3
[[fit]]
divergence = "forward-kl"
[[fit]]
divergence = "renyi"
alpha = 0.5
label = "other"
estimator = { type = "quadrature", points = 11 }
init = { weights = [0.25, 0.75], means = [[0.0], [1.0]], stds = [[1.0], [1.0]] }
[device]
backend = "flex"
precision = "f64"
[log]
every = 2
samples = 64
[sweep.grid]
seed = [1, 2]
optimizer.steps = [3, 4]
"#;

fn edited(text: &str, edit: &Edit) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    if lines.is_empty() {
        return String::new();
    }
    let count = lines.len();
    match edit {
        Edit::Delete(at) => drop(lines.remove(at % count)),
        Edit::Double(at) => lines.insert(at % count, lines[at % count].clone()),
        Edit::Replace(at, value) => {
            let line = &mut lines[at % count];
            if let Some((key, _)) = line.split_once('=') {
                *line = format!("{key}= {value}");
            }
        }
        Edit::Rename(at, name) => {
            let line = &mut lines[at % count];
            if let Some((_, value)) = line.split_once('=') {
                *line = format!("{name} ={value}");
            }
        }
        Edit::Cut(at, length) => {
            let line = &mut lines[at % count];
            *line = line
                .chars()
                .take(length % (line.chars().count() + 1))
                .collect();
        }
    }
    lines.join("\n") + "\n"
}

fn edit() -> impl Strategy<Value = Edit> {
    let line = 0..RICH.lines().count();
    prop_oneof![
        line.clone().prop_map(Edit::Delete),
        line.clone().prop_map(Edit::Double),
        (line.clone(), prop::sample::select(&VALUES[..]))
            .prop_map(|(at, value)| Edit::Replace(at, value)),
        (line.clone(), prop::sample::select(&NAMES[..]))
            .prop_map(|(at, name)| Edit::Rename(at, name)),
        (line, 0usize..40).prop_map(|(at, length)| Edit::Cut(at, length)),
    ]
}

/// Asserts that a config is taken, or refused with a message and a remedy.
fn taken_or_told(text: &str) -> bool {
    match parsed(text) {
        Ok(experiment) => {
            // What is taken can be written and is taken again.
            let again = experiment.to_toml().unwrap();
            assert!(parsed(&again).is_ok(), "{again}");
            true
        }
        Err(error) => {
            assert!(!error.to_string().is_empty(), "{text}");
            let help = error.help();
            assert!(
                help.is_some_and(|help| !help.is_empty()),
                "no help: {error}\n{text}"
            );
            false
        }
    }
}

#[test]
fn the_config_that_is_edited_below_is_fine() {
    assert!(taken_or_told(RICH));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rich.toml");
    fs::write(&path, RICH).unwrap();
    assert_eq!(Sweep::load(&path, &[]).unwrap().unwrap().points.len(), 4);
}

/// Every value of every line is replaced by every other kind of value.
#[test]
fn every_value_of_another_kind_is_taken_or_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rich.toml");
    let mut refused = 0;
    for at in 0..RICH.lines().count() {
        for value in VALUES {
            let text = edited(RICH, &Edit::Replace(at, value));
            refused += usize::from(!taken_or_told(&text));
            if RICH.lines().skip(at).all(|line| line != "[sweep.grid]") {
                fs::write(&path, &text).unwrap();
                if let Err(error) = Sweep::load(&path, &[]) {
                    assert!(error.help().is_some_and(|help| !help.is_empty()), "{error}");
                }
            }
        }
    }
    assert!(refused > 300, "{refused}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn slips_of_the_hand_are_taken_or_told(edits in prop::collection::vec(edit(), 1..4)) {
        let text = edits.iter().fold(RICH.to_owned(), |text, edit| edited(&text, edit));
        taken_or_told(&text);
    }
}
