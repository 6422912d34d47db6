//! Configs with slips of the hand: each is taken, or refused with a remedy.

use std::fs;

use klfit::Sweep;
use proptest::prelude::*;

use super::parsed;

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
