//! Weights of rows: frequencies are repeated rows, and importance is a self-normalised mean.

use std::fs;
use std::path::Path;

use klfit::internals::kernel::MixtureTensors;
use klfit::internals::{Effort, EstimateMethod, Evaluator, RunKey, Stream};
use klfit::results::Estimate;
use klfit::{
    DivergenceKind, Existing, Experiment, Mixture, Numerics, RunFolder, Samples, Target,
    WeightColumn, WeightKind, Weights,
};
use serde_json::Value;

use crate::command_line::klfit;
use crate::support::{assert_close, gaussian, run};

/// Distinct rows of two clusters, each with how often it is there; one is not.
fn rows() -> Vec<([f64; 2], usize)> {
    (0..36)
        .map(|i| {
            let turn = f64::from(i) * 2.399;
            let at = if i % 3 == 0 { 2.5 } else { -1.0 };
            let x = at + (turn.sin() + 0.3 * (1.7 * turn).cos()) * 0.9;
            let y = 0.6 * at - (0.8 * turn).sin();
            ([x, y], [2, 1, 3, 1, 5, 0, 1, 2][i as usize % 8])
        })
        .collect()
}

/// Tables of them: of each once, with its weight, and as often as its weight says.
fn tables(folder: &Path, weight: impl Fn(usize) -> String) {
    let (mut once, mut weighted, mut repeated) = (
        "x,y\n".to_owned(),
        "count,x,y\n".to_owned(),
        "x,y\n".to_owned(),
    );
    for ([x, y], times) in rows() {
        once += &format!("{x:?},{y:?}\n");
        weighted += &format!("{},{x:?},{y:?}\n", weight(times));
        for _ in 0..times {
            repeated += &format!("{x:?},{y:?}\n");
        }
    }
    fs::write(folder.join("once.csv"), once).unwrap();
    fs::write(folder.join("weighted.csv"), weighted).unwrap();
    fs::write(folder.join("repeated.csv"), repeated).unwrap();
}

fn parse(folder: &Path, target: &str, rest: &str) -> klfit::Result<Experiment> {
    let text = format!("name = \"rows\"\nseed = 3\n[target]\n{target}\n{rest}");
    Experiment::parse(&folder.join("rows.toml"), &text, Vec::new())
}

/// What each fit of a run came to.
fn fits(experiment: &Experiment) -> Value {
    let summary = run(experiment).summary;
    serde_json::to_value(summary.fits).unwrap()
}

/// Compares every number, the time aside, relative to what is larger than 1.
fn alike(found: &Value, expected: &Value, at: &str, numbers: &mut usize) {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            assert!(found.keys().eq(expected.keys()), "{at}");
            for (key, value) in found.iter().filter(|(key, _)| *key != "seconds") {
                alike(value, &expected[key], &format!("{at}.{key}"), numbers);
            }
        }
        (Value::Array(found), Value::Array(expected)) => {
            assert_eq!(found.len(), expected.len(), "{at}");
            for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
                alike(found, expected, &format!("{at}[{i}]"), numbers);
            }
        }
        (Value::Number(found), Value::Number(expected)) => {
            let (found, expected) = (found.as_f64().unwrap(), expected.as_f64().unwrap());
            assert_close(found, expected, 1e-12 * expected.abs().max(1.0), at);
            *numbers += 1;
        }
        _ => assert_eq!(found, expected, "{at}"),
    }
}

/// Fits by all rows and by minibatches, from every kind of start, by several optimizers.
const FITS: [&str; 6] = [
    "[[fit]]\ndivergence = 'forward-kl'\nfamily.components = 2\ninit.type = 'moment-match'\n\
     optimizer.steps = 30\n",
    "[[fit]]\nrestarts = 3\ndivergence = 'forward-kl'\nfamily.components = 2\ninit.type = 'k-means'\n\
     optimizer = { steps = 25, type = 'adam' }\n",
    "[[fit]]\nrestarts = 2\ndivergence = 'forward-kl'\nfamily = { components = 2, covariance = 'diagonal' }\n\
     optimizer = { steps = 20, type = 'natural-gradient' }\n",
    "[[fit]]\nrestarts = 2\ndivergence = 'forward-kl'\nfamily.components = 2\ninit.type = 'k-means'\n\
     estimator = { type = 'monte-carlo', samples = 16 }\noptimizer = { steps = 20, type = 'sgd' }\n",
    "[[fit]]\ndivergence = 'forward-kl'\nestimator = { type = 'quasi-monte-carlo', samples = 32 }\n\
     optimizer = { steps = 20, type = 'adam' }\n",
    "[[fit]]\ndivergence = 'forward-kl'\nrestarts = 2\nfamily.components = 2\n\
     optimizer = { steps = 15, type = 'lbfgs' }\n",
];

#[test]
fn frequencies_are_repeated_rows() {
    let folder = tempfile::tempdir().unwrap();
    tables(folder.path(), |times| times.to_string());
    let weights = "weights = 'count'\nweight_kind = 'frequency'";
    let (mut numbers, mut alone) = (0, 0);
    for fit in FITS {
        let weighted = format!("file = 'weighted.csv'\n{weights}\nholdout = 'weighted.csv'");
        let weighted = parse(folder.path(), &weighted, fit).unwrap();
        let repeated = "file = 'repeated.csv'\nholdout = 'repeated.csv'";
        let repeated = parse(folder.path(), repeated, fit).unwrap();
        alike(&fits(&weighted), &fits(&repeated), fit, &mut numbers);
        let once = parse(folder.path(), "file = 'once.csv'", fit).unwrap();
        let value = |experiment: &Experiment| fits(experiment)[0]["best"]["loss"]["value"].clone();
        alone += usize::from(value(&once) != value(&repeated));
    }
    assert!(numbers > 500 && alone == FITS.len(), "{numbers} {alone}");
}

#[test]
fn equal_importance_is_none() {
    let folder = tempfile::tempdir().unwrap();
    tables(folder.path(), |_| "0.37".to_owned());
    let weights = "weights = 'count'\nweight_kind = 'importance'";
    let mut numbers = 0;
    for fit in FITS {
        let weighted = format!("file = 'weighted.csv'\n{weights}\nholdout = 0.25");
        let weighted = parse(folder.path(), &weighted, fit).unwrap();
        let once = parse(folder.path(), "file = 'once.csv'\nholdout = 0.25", fit).unwrap();
        alike(&fits(&weighted), &fits(&once), fit, &mut numbers);
    }
    assert!(numbers > 500, "{numbers}");
}

/// The cross-entropy of q over weighted rows on a line.
fn cross_entropy(rows: Vec<f64>, weights: Vec<f64>, kind: WeightKind, q: &Mixture) -> Estimate {
    let column = "v".to_owned();
    let weights = Weights::new(WeightColumn { column, kind }, weights).unwrap();
    let rows = Samples::new(vec!["x".to_owned()], rows, 1).unwrap();
    let rows = rows.weighted(weights).unwrap();
    let numerics = Numerics::cpu();
    let kinds = vec![DivergenceKind::CrossEntropy];
    let evaluator = Evaluator::new(numerics.clone(), 1, 0, kinds, Effort::rough());
    let target = Target::new(rows, &numerics);
    let q = MixtureTensors::constant(q, &numerics);
    let evaluation = evaluator.evaluate(&target, &q).unwrap().swap_remove(0);
    evaluation.estimate(DivergenceKind::CrossEntropy)
}

#[test]
fn the_error_of_importance_is_that_of_repeated_sampling() {
    let (p, proposal, q) = (gaussian(0.0, 1.0), gaussian(0.3, 1.5), gaussian(0.5, 1.2));
    // E[−log q] under p.
    let truth = 0.5 * (std::f64::consts::TAU * 1.44).ln() + (1.0 + 0.25) / 2.88;
    let (samples, times) = (400, 800);
    let (mut off, mut squares, mut errors, mut inside) = (0.0, 0.0, 0.0, 0);
    for run in 0..times {
        let key = RunKey { seed: 17, run };
        let mut generator = key.generator(Stream::TargetDraws, 0);
        let rows = proposal.sample(samples, &mut generator);
        let weights: Vec<f64> = (rows.iter())
            .map(|&x| 5.0 * (p.log_density(&[x]) - proposal.log_density(&[x])).exp())
            .collect();
        let found = cross_entropy(rows.clone(), weights.clone(), WeightKind::Importance, &q);
        assert_eq!(found.method, EstimateMethod::Data);
        if run == 0 {
            // By hand, with the correction for few rows.
            let h: Vec<f64> = rows.iter().map(|&x| -q.log_density(&[x])).collect();
            let all: f64 = weights.iter().sum();
            let mean = (weights.iter().zip(&h)).map(|(v, h)| v * h).sum::<f64>() / all;
            let spread = (weights.iter().zip(&h)).map(|(v, h)| (v * (h - mean)).powi(2));
            let n = all.powi(2) / weights.iter().map(|v| v * v).sum::<f64>();
            let variance = spread.sum::<f64>() / all.powi(2) * n / (n - 1.0);
            assert_close(found.value, mean, 1e-12, "the mean");
            assert_close(found.error, variance.sqrt(), 1e-12, "its error");
        }
        off += found.value - truth;
        squares += (found.value - truth).powi(2);
        errors += found.error.powi(2);
        inside += usize::from((found.value - truth).abs() <= 1.96 * found.error);
    }
    let n = times as f64;
    let (spread, told) = ((squares / n).sqrt(), (errors / n).sqrt());
    // The standard error of a standard deviation of so many is 2.5 %.
    assert!((told / spread - 1.0).abs() < 0.08, "{told} {spread}");
    assert!((off / n).abs() < 4.0 * spread / n.sqrt(), "{}", off / n);
    let share = inside as f64 / n;
    assert!((share - 0.95).abs() < 0.025, "{share}");
}

#[test]
fn weights_are_told_of_and_kept_with_a_run() {
    let folder = tempfile::tempdir().unwrap();
    tables(folder.path(), |times| format!("{:?}", times as f64 * 0.3));
    let target = "file = 'weighted.csv'\nweights = 'count'\nweight_kind = 'importance'";
    let experiment = parse(folder.path(), target, FITS[1]).unwrap();
    let notes = experiment.notes.join("\n");
    assert!(
        notes.contains("weighted.csv: 4 rows of 36 with the weight 0 are left out"),
        "{notes}"
    );
    let samples = experiment.target.as_samples().unwrap();
    assert_eq!(
        (samples.len(), samples.names()),
        (32, &["x", "y"].map(str::to_owned)[..])
    );
    let times: Vec<f64> = rows().iter().map(|(_, times)| *times as f64).collect();
    let (sum, squares) = (
        times.iter().sum::<f64>(),
        times.iter().map(|v| v * v).sum::<f64>(),
    );
    assert_close(samples.effective_len(), sum * sum / squares, 1e-12, "N_eff");
    let mean: f64 = rows()
        .iter()
        .map(|([x, _], times)| x * *times as f64)
        .sum::<f64>()
        / sum;
    assert_close(samples.mean()[0], mean, 1e-14, "the mean");
    // The best Gaussian has the mean and the covariance of the weighted rows.
    let out = folder.path().join("out");
    let kept = RunFolder::create(&out, &experiment, Existing::Refuse).unwrap();
    let again = kept.experiment().unwrap();
    assert_eq!(again.target, experiment.target);
    let text = fs::read_to_string(out.join("target.csv")).unwrap();
    assert!(text.starts_with("x,y,count\n"), "{text}");
    drop(kept);
    // As a user meets it.
    let config = format!("name = \"rows\"\n[target]\n{target}\n{}", FITS[1]);
    fs::write(folder.path().join("rows.toml"), config).unwrap();
    let at = |arguments: &[&str]| {
        klfit(arguments)
            .current_dir(folder.path())
            .assert()
            .success()
    };
    let checked = at(&["check", "rows.toml"]);
    let told = String::from_utf8(checked.get_output().stdout.clone()).unwrap();
    assert!(told.contains("a target of 32 weighted rows"), "{told}");
    let ran = at(&["run", "rows.toml"]);
    let told = String::from_utf8(ran.get_output().stdout.clone()).unwrap();
    let effective = format!("{:.1}", sum * sum / squares);
    let line = format!(
        "target: 32 rows with weights by importance in count, effective sample size {effective}\n"
    );
    assert!(told.contains(&line), "{told}");
    let summary = fs::read_to_string(folder.path().join("outputs/rows/summary.json")).unwrap();
    let summary: Value = serde_json::from_str(&summary).unwrap();
    let weights = &summary["target"]["weights"];
    assert_eq!(
        (&weights["column"], &weights["kind"]),
        (&"count".into(), &"importance".into())
    );
    assert_close(
        weights["effective_sample_size"].as_f64().unwrap(),
        sum * sum / squares,
        1e-12,
        "N_eff in the summary",
    );
    at(&["report", "outputs/rows"]);
    let page = fs::read_to_string(folder.path().join("outputs/rows/report.md")).unwrap();
    assert!(
        page.contains(&format!("effective sample size {effective}")),
        "{page}"
    );
}

#[test]
fn rows_of_the_plane_and_of_an_array_are_weighted_alike() {
    // A .npy has no names: the weights are in a column by its number.
    let folder = tempfile::tempdir().unwrap();
    let table = |first: bool| -> String {
        let lines = rows().into_iter().map(|([x, y], times)| match first {
            true => format!("{times},{x:?},{y:?}\n"),
            false => format!("{x:?},{y:?},{times}\n"),
        });
        lines.collect()
    };
    fs::write(folder.path().join("first.csv"), table(true)).unwrap();
    fs::write(folder.path().join("last.csv"), table(false)).unwrap();
    let samples = |target: &str| {
        let target = format!("{target}\nweight_kind = 'frequency'\nheader = false");
        let experiment = parse(folder.path(), &target, FITS[0]).unwrap();
        experiment.target.as_samples().unwrap().clone()
    };
    let last = samples("file = 'last.csv'\nweights = 'x3'");
    let first = samples("file = 'first.csv'\nweights = 'x1'\ncolumns = ['x2', 'x3']");
    assert_eq!(first.rows(), last.rows());
    assert_eq!(
        first.weights().unwrap().values(),
        last.weights().unwrap().values()
    );
    assert_eq!((last.dim(), last.effective_len()), (2, 67.0));
    assert_eq!(
        samples("file = 'first.csv'\nweights = 'x1'").names(),
        ["x2", "x3"]
    );
}

#[test]
fn weights_that_are_none_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |weights: [&str; 4], keys: &str| {
        let lines = weights.iter().enumerate();
        let lines = lines.map(|(i, weight)| format!("{}.5,{weight},{}\n", i, i * i));
        let text = format!("a,v,b\n{}", lines.collect::<String>());
        fs::write(folder.path().join("rows.csv"), text).unwrap();
        let target = format!("file = 'rows.csv'\n{keys}");
        let Err(error) = parse(folder.path(), &target, FITS[0]) else {
            panic!("{weights:?} {keys} is taken");
        };
        (error.to_string(), error.help().unwrap())
    };
    let frequency = "weights = 'v'\nweight_kind = 'frequency'";
    let importance = "weights = 'v'\nweight_kind = 'importance'";
    for (weights, keys, message, help) in [
        (
            ["1", "-2", "1", "1"],
            importance,
            "line 3, column v: the weight -2 is negative",
            "0 leaves a row out",
        ),
        (
            ["1", "1", "NaN", "1"],
            importance,
            "line 4, column v: a value is missing",
            "missing = \"drop\"",
        ),
        (
            ["1", "1", "", "1"],
            frequency,
            "line 4, column v: a value is missing",
            "missing = \"drop\"",
        ),
        (
            ["1", "1", "1", "inf"],
            importance,
            "line 5, column v: inf is not finite",
            "repair",
        ),
        (
            ["1", "1", "1", "x"],
            importance,
            "line 5, column v: \"x\" is not a number",
            "columns of numbers",
        ),
        (
            ["0", "0", "0", "0"],
            importance,
            "column v: every weight is 0",
            "above 0",
        ),
        (
            ["0", "0", "0", "0"],
            frequency,
            "column v: every weight is 0",
            "above 0",
        ),
        (
            ["1", "2.5", "1", "1"],
            frequency,
            "line 3, column v: the frequency 2.5 is not a whole number",
            "\"importance\"",
        ),
        (
            ["1", "1e300", "1", "1"],
            frequency,
            "more than can be counted",
            "smaller ones",
        ),
        (
            ["1", "1e300", "1", "1"],
            importance,
            "one row has all the weight",
            "more rows",
        ),
        (
            ["0", "0", "3", "0"],
            frequency,
            "too few points: 1",
            "two at least",
        ),
        (
            ["1", "1", "1", "1"],
            "weights = 'w'\nweight_kind = 'importance'",
            "there is no column w",
            "a, v, b",
        ),
        (
            ["1", "1", "1", "1"],
            "weights = 'v'\nweight_kind = 'importance'\ncolumns = ['a', 'v']",
            "column v is chosen as a coordinate and for weights",
            "leave it out",
        ),
    ] {
        let (found, remedy) = refused(weights, keys);
        assert!(
            found.contains("rows.csv: ") && found.contains(message),
            "{found}"
        );
        assert!(remedy.contains(help), "{found}: {remedy}");
    }
    let ones = ["1"; 4];
    let (found, remedy) = refused(ones, "weights = 'v'");
    assert!(found.contains("`target.weight_kind` is missing"), "{found}");
    for kind in [
        "\"frequency\" if a weight is how many equal rows",
        "\"importance\" if it is how much each",
    ] {
        assert!(remedy.contains(kind), "{remedy}");
    }
    let (found, remedy) = refused(ones, "weight_kind = 'frequency'");
    assert!(
        found.contains("there are no weights") && remedy.contains("weights ="),
        "{found}"
    );
}
