//! Rows that no fit sees: which they are, and the cross-entropy of a fit on them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use klfit::{Experiment, Mixture, Override, Samples};

use crate::command_line::klfit;
use crate::resume;
use crate::support::{assert_close, run};

/// A table of so many rows, each with a weight.
fn table(folder: &Path, name: &str, rows: std::ops::Range<u32>) {
    let line = |i: u32| {
        let turn = f64::from(i);
        let x = (turn * 1.3).sin() * 2.0 + (turn * 0.37).cos();
        format!(
            "{x:?},{:?},{:?}\n",
            (turn * 2.1).cos() + 0.4 * x,
            0.5 + f64::from(i % 4)
        )
    };
    let text = format!("x,y,v\n{}", rows.map(line).collect::<String>());
    fs::write(folder.join(name), text).unwrap();
}

const FIT: &str = "[family]\ncomponents = 2\n[optimizer]\nsteps = 20\n[log]\nevery = 5\n\
                   [checkpoint]\nevery = 3\n[[fit]]\ndivergence = 'forward-kl'\nrestarts = 2\n";
const WEIGHTS: &str = "weights = 'v'\nweight_kind = 'importance'";
const COLUMNS: &str = "columns = ['x', 'y']";

fn parse(folder: &Path, seed: i64, target: &str) -> klfit::Result<Experiment> {
    let text = format!("name = \"rows\"\nseed = 4\n[target]\nfile = 'rows.csv'\n{target}\n{FIT}");
    let seed = Override::new("seed", seed, "--seed");
    Experiment::parse(&folder.join("rows.toml"), &text, vec![seed])
}

/// The rows of a sample as text.
fn lines(rows: &Samples) -> Vec<String> {
    rows.points().map(|row| format!("{row:?}")).collect()
}

#[test]
fn a_share_is_that_many_rows_and_the_same_for_a_seed() {
    let folder = tempfile::tempdir().unwrap();
    for (rows, share, held) in [
        (50, 0.2, 10),
        (51, 0.2, 10),
        (53, 0.2, 11),
        (7, 0.5, 4),
        (50, 0.9, 45),
    ] {
        table(folder.path(), "rows.csv", 0..rows);
        let split = |seed: i64, keys: &str| {
            let target = format!("{COLUMNS}\nholdout = {share}\n{keys}");
            let experiment = parse(folder.path(), seed, &target).unwrap();
            let told = format!("rows.csv: {held} of {rows} rows are held out by seed");
            assert!(
                experiment.notes.iter().any(|note| note.contains(&told)),
                "{:?}",
                experiment.notes
            );
            let rest = experiment.target.as_samples().unwrap();
            let held_out = lines(rest.held_out().unwrap());
            assert_eq!((held_out.len(), rest.len() + held), (held, rows as usize));
            // In the order of the file, each once.
            let all: BTreeSet<String> = lines(rest).into_iter().chain(held_out.clone()).collect();
            assert_eq!(all.len(), rows as usize);
            held_out
        };
        let first = split(4, "");
        assert_eq!(first, split(4, ""));
        assert_eq!(first, split(9, "holdout_seed = 4"));
        if rows > 50 {
            assert_ne!(first, split(5, ""));
        }
        // Every row may be held out.
        let mut ever = BTreeSet::new();
        for seed in 0..100 {
            ever.extend(split(seed, ""));
        }
        assert_eq!(ever.len(), rows as usize);
    }
}

/// −mean log q of some rows by their weights, and the standard error of that, worked out here.
fn by_hand(q: &Mixture, rows: &[Vec<f64>], weights: &[f64]) -> (f64, f64) {
    let h: Vec<f64> = rows.iter().map(|x| -q.log_density(x)).collect();
    let all: f64 = weights.iter().sum();
    let mean = (weights.iter().zip(&h)).map(|(v, h)| v * h).sum::<f64>() / all;
    let squares: f64 = (weights.iter().zip(&h))
        .map(|(v, h)| (v * (h - mean)).powi(2))
        .sum();
    let n = all * all / weights.iter().map(|v| v * v).sum::<f64>();
    (mean, (squares / (all * all) * n / (n - 1.0)).sqrt())
}

#[test]
fn the_cross_entropy_of_rows_held_out_is_that_of_these_rows() {
    let folder = tempfile::tempdir().unwrap();
    table(folder.path(), "rows.csv", 0..60);
    table(folder.path(), "other.csv", 100..117);
    for (holdout, held) in [("0.3", 18), ("'other.csv'", 17)] {
        for weights in [COLUMNS, WEIGHTS] {
            let target = format!("{weights}\nholdout = {holdout}");
            let experiment = parse(folder.path(), 4, &target).unwrap();
            let run = run(&experiment);
            let path = run.folder.path();
            let text = fs::read_to_string(path.join("holdout.csv")).unwrap();
            let cells: Vec<Vec<f64>> = (text.lines().skip(1))
                .map(|line| line.split(',').map(|cell| cell.parse().unwrap()).collect())
                .collect();
            assert_eq!(cells.len(), held);
            let rows: Vec<Vec<f64>> = cells.iter().map(|row| row[..2].to_vec()).collect();
            let weights: Vec<f64> = (cells.iter())
                .map(|row| row.get(2).map_or(1.0, |v| *v))
                .collect();
            let seen = fs::read_to_string(path.join("target.csv")).unwrap();
            assert!(text.lines().skip(1).all(|line| !seen.contains(line)));
            let fit = &run.summary.fits[0];
            let best = fit.best.as_ref().unwrap();
            let q = Mixture::try_from(&best.mixture).unwrap();
            let (value, error) = by_hand(&q, &rows, &weights);
            let found = best.divergences.held_out().unwrap();
            assert_close(found.value, value, 1e-12, "the cross-entropy");
            assert_close(found.error, error, 1e-12, "its error");
            assert!(
                fit.optima
                    .iter()
                    .all(|one| one.divergences.held_out().is_some())
            );
            // Every logged step of every run.
            let trajectory = run.folder.trajectory(&fit.label).unwrap();
            assert_eq!(trajectory.rows.len(), 10);
            for row in &trajectory.rows {
                let q = from_row(&trajectory.parameter_names, &row.parameters);
                let (value, error) = by_hand(&q, &rows, &weights);
                let (found, found_error) = row.held_out.unwrap();
                assert_close(found, value, 1e-9, "at a logged step");
                assert_close(found_error, error, 1e-9, "its error");
            }
            let header = fs::read_to_string(path.join(&fit.label).join("trajectory.csv")).unwrap();
            let columns =
                "cross_entropy_error,held_out_cross_entropy,held_out_cross_entropy_error,weight_1";
            assert!(header.lines().next().unwrap().contains(columns), "{header}");
            let restarts = fs::read_to_string(path.join(&fit.label).join("restarts.csv")).unwrap();
            assert!(
                restarts.contains("held_out_cross_entropy_error,"),
                "{restarts}"
            );
            // The folder needs nothing else, and reads back the same.
            assert_eq!(run.folder.experiment().unwrap().target, experiment.target);
            assert_eq!(run.folder.summary().unwrap(), run.summary);
        }
    }
}

/// q of a row of a trajectory of two components in a plane.
fn from_row(names: &[String], numbers: &[f64]) -> Mixture {
    let at = |name: &str| numbers[names.iter().position(|one| one == name).unwrap()];
    let of = |k: usize, what: &str| [1, 2].map(|d| at(&format!("{what}_{k}_x{d}")));
    let covariance = |k: usize| {
        let ([a, b], corr) = (of(k, "std"), at(&format!("corr_{k}_x1_x2")));
        nalgebra::DMatrix::from_row_slice(2, 2, &[a * a, corr * a * b, corr * a * b, b * b])
    };
    let weight = at("weight_2");
    Mixture::from_covariances(
        vec![1.0 - weight, weight],
        [1, 2].map(|k| of(k, "mean").to_vec()).to_vec(),
        [1, 2].map(covariance).to_vec(),
    )
    .unwrap()
}

#[test]
fn a_run_that_holds_rows_out_goes_on_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    table(folder.path(), "rows.csv", 0..60);
    table(folder.path(), "other.csv", 100..117);
    for holdout in ["0.3", "'other.csv'"] {
        let target = format!("{WEIGHTS}\nholdout = {holdout}");
        resume::compare(&parse(folder.path(), 4, &target).unwrap(), &[7, 6]);
    }
    // Another choice of rows is another run.
    let target = |seed: i64| format!("{COLUMNS}\nholdout = 0.3\nholdout_seed = {seed}");
    let first = parse(folder.path(), 4, &target(1)).unwrap();
    let run = run(&first);
    let other = parse(folder.path(), 4, &target(2)).unwrap();
    let begun = run.folder.experiment().unwrap();
    assert!(first.continuing(&begun).is_ok());
    let error = other.continuing(&begun).unwrap_err().to_string();
    assert!(error.contains("the rows of the target differ"), "{error}");
}

#[test]
fn what_is_held_out_is_in_the_table_and_in_reports() {
    let folder = tempfile::tempdir().unwrap();
    table(folder.path(), "rows.csv", 0..60);
    let text =
        format!("name = \"rows\"\n[target]\nfile = 'rows.csv'\n{WEIGHTS}\nholdout = 0.25\n{FIT}");
    fs::write(folder.path().join("rows.toml"), text).unwrap();
    let at = |arguments: &[&str]| {
        klfit(arguments)
            .current_dir(folder.path())
            .assert()
            .success()
    };
    let ran = at(&["run", "rows.toml"]);
    let told = String::from_utf8(ran.get_output().stdout.clone()).unwrap();
    let summary = fs::read_to_string(folder.path().join("outputs/rows/summary.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    assert_eq!(summary["target"]["held_out"]["rows"], 15);
    let found = &summary["fits"][0]["best"]["divergences"]["held-out-cross-entropy"];
    let number = |key: &str| found[key].as_f64().unwrap();
    let cell = format!("{:.6} ± {:.2}", number("value"), number("error"));
    assert!(
        told.contains("held out") && told.contains(&cell),
        "{told} {cell}"
    );
    assert!(
        told.contains("; 15 rows held out, effective sample size"),
        "{told}"
    );
    at(&["report", "outputs/rows"]);
    for file in ["report.html", "report.md", "report.tex"] {
        let page = fs::read_to_string(folder.path().join("outputs/rows").join(file)).unwrap();
        assert!(page.contains("held out"), "{file}");
        // LaTeX has the digits that the error leaves.
        let digits = match file {
            "report.tex" => format!("{:.2}(", number("value")),
            _ => format!("{:.6}", number("value")),
        };
        assert!(page.contains(&digits), "{file}");
    }
}

#[test]
fn rows_that_cannot_be_held_out_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    table(folder.path(), "rows.csv", 0..20);
    table(folder.path(), "other.csv", 100..117);
    fs::write(folder.path().join("names.csv"), "x,z,v\n1,2,1\n3,4.5,1\n").unwrap();
    fs::write(folder.path().join("order.csv"), "y,x,v\n1,2,1\n3,4.5,1\n").unwrap();
    fs::write(folder.path().join("one.csv"), "x,y,v\n1,2,1\n").unwrap();
    fs::write(folder.path().join("spoilt.csv"), "x,y,v\n1,2,1\n1,a,1\n").unwrap();
    fs::write(folder.path().join("plane.csv"), "x,y\n1,2\n3,4.5\n").unwrap();
    for (target, key, message, help) in [
        (
            "holdout = 0.0",
            "holdout",
            "the share 0 is not between",
            "0.2",
        ),
        (
            "holdout = 1",
            "holdout",
            "the share 1 is not between",
            "0.2",
        ),
        (
            "holdout = -0.5",
            "holdout",
            "the share -0.5 is not between",
            "0.2",
        ),
        (
            "holdout = nan",
            "holdout",
            "the share NaN is not between",
            "0.2",
        ),
        (
            "holdout = 0.01",
            "holdout",
            "holds out 0 of 20 rows",
            "a share such as 0.2",
        ),
        (
            "holdout = 0.99",
            "holdout",
            "holds out 20 of 20 rows",
            "a share such as 0.2",
        ),
        (
            "holdout = [1]",
            "holdout",
            "must be a share of the rows such as 0.2, or the name of a file",
            "",
        ),
        (
            "holdout = 'absent.csv'",
            "holdout",
            "cannot read",
            "folder of the config",
        ),
        (
            "columns = ['x', 'y']\nholdout = 'names.csv'",
            "holdout",
            "names.csv: there is no column y",
            "x, z",
        ),
        (
            "holdout = 'names.csv'",
            "holdout",
            "names.csv: its columns are x, z, v, and those of the target x, y, v",
            "same order",
        ),
        (
            "holdout = 'order.csv'",
            "holdout",
            "its columns are y, x",
            "same order",
        ),
        (
            "holdout = 'one.csv'",
            "holdout",
            "one.csv: it has 1 row",
            "two at least",
        ),
        (
            "holdout = 'spoilt.csv'",
            "holdout",
            "spoilt.csv: line 3, column y",
            "",
        ),
        (
            "weights = 'v'\nweight_kind = 'importance'\nholdout = 'plane.csv'",
            "holdout",
            "plane.csv: there is no column v",
            "x, y",
        ),
        (
            "holdout_seed = 3",
            "holdout_seed",
            "no rows are held out",
            "holdout = 0.2",
        ),
    ] {
        let error = parse(folder.path(), 4, target).unwrap_err();
        let (found, remedy) = (error.to_string(), error.help().unwrap_or_default());
        assert!(
            found.contains(&format!("target.{key}")),
            "{target}: {found}"
        );
        assert!(
            found.contains(message) && remedy.contains(help),
            "{target}: {found}\n{remedy}"
        );
    }
    // Rows that are alike can be held out, and a second order is chosen by names.
    fs::write(folder.path().join("alike.csv"), "v,y,x\n1,2,3\n1,2,3\n").unwrap();
    let target = "columns = ['x', 'y']\nholdout = 'alike.csv'";
    let experiment = parse(folder.path(), 4, target).unwrap();
    let held_out = experiment.target.as_samples().unwrap().held_out().unwrap();
    assert_eq!(held_out.rows(), [3.0, 2.0, 3.0, 2.0]);
}
