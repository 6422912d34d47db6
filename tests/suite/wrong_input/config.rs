//! A whole config with one mistake, as the command tells of it.

use std::fs;

use super::refusal;
use crate::command_line::klfit;

pub const GOOD: &str = r#"name = "good"
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
