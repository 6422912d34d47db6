//! Kernels on the rows of a file as a target: values, joined rows, refusals and files.

use std::fs;
use std::path::Path;

use klfit::{Existing, Experiment, RunFolder, TargetModel};
use tempfile::TempDir;

use crate::command_line::klfit;
use crate::pages::page::Page;
use crate::resume::compare;
use crate::support::assert_close;
use crate::wrong_input::{FORWARD, config_error, parsed, refuses};

/// Rows on a line, two of them equal.
const LINE: [f64; 6] = [-1.5, 0.25, 0.25, 0.5, 2.0, 3.25];

fn experiment(target: &str) -> Experiment {
    parsed(&format!("name = \"kde\"\n[target]\n{target}\n{FORWARD}")).unwrap()
}

fn log_density(target: &TargetModel, x: &[f64]) -> f64 {
    target.log_density(x).unwrap()
}

/// A folder with rows on a line, and a config of kernels on them.
fn on_a_line(more: &str) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let rows: String = LINE.iter().map(|x| format!("{x}\n")).collect();
    fs::write(folder.path().join("rows.csv"), format!("x\n{rows}")).unwrap();
    let text = format!(
        "name = \"kde\"\nrestarts = 2\n[target]\ntype = \"kde\"\nfile = \"rows.csv\"\n{more}\n[optimizer]\n\
         type = \"adam\"\nsteps = 30\n{FORWARD}[[fit]]\ndivergence = \"reverse-kl\"\n[[fit]]\n\
         divergence = \"js\"\n"
    );
    fs::write(folder.path().join("my.toml"), &text).unwrap();
    (folder, text)
}

fn read(folder: &TempDir, text: &str) -> Experiment {
    Experiment::parse(&folder.path().join("my.toml"), text, Vec::new()).unwrap()
}

#[test]
fn densities_are_those_of_scipy() {
    // scipy.stats.gaussian_kde 1.17.1: logpdf of the four columns of irises, and pdf of the third.
    let points = [
        [5.1, 3.5, 1.4, 0.2],
        [6.0, 3.0, 4.0, 1.5],
        [8.5, 2.0, 1.0, 3.0],
    ];
    let of_scipy: [(&str, [f64; 3]); 2] = [
        (
            "",
            [-0.7563538026269939, -1.8597151827874594, -887.9514618298235],
        ),
        (
            "bandwidth = \"silverman\"",
            [-0.6389435224188306, -1.8349496705399089, -982.1515602325522],
        ),
    ];
    for (bandwidth, expected) in of_scipy {
        let target =
            experiment(&format!("type = \"kde\"\nfile = \"iris.csv\"\n{bandwidth}")).target;
        for (x, expected) in points.iter().zip(expected) {
            let tolerance = 1e-12 * (1.0 + expected.abs());
            assert_close(log_density(&target, x), expected, tolerance, "scipy");
        }
    }
    let target =
        experiment("file = \"iris.csv\"\ncolumns = [\"petal_length\"]\nbandwidth = \"scott\"")
            .target;
    for (x, expected) in [
        (1.5, 0.19870950982450072),
        (3.0, 0.06274936233497466),
        (5.0, 0.24690030625016457),
    ] {
        assert_close(log_density(&target, &[x]).exp(), expected, 1e-14, "scipy");
    }
    // Of 150 petals there are 43 lengths.
    assert_eq!(target.components(), 43);
}

#[test]
fn numbers_are_the_standard_deviations_of_the_kernels() {
    let (folder, text) = on_a_line("bandwidth = 0.75");
    let target = read(&folder, &text).target;
    assert_eq!(target.components(), 5);
    for x in [-2.0, 0.25, 1.7] {
        let normal = |row: &f64| {
            (-0.5 * ((x - row) / 0.75).powi(2)).exp() / (0.75 * std::f64::consts::TAU.sqrt())
        };
        let expected = LINE.iter().map(normal).sum::<f64>() / LINE.len() as f64;
        assert_close(
            log_density(&target, &[x]),
            expected.ln(),
            1e-14,
            "a loop over the rows",
        );
    }
    // The moments of rows with independent noise (Silverman 1986, (3.24)).
    let mean = LINE.iter().sum::<f64>() / 6.0;
    let variance = LINE.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 6.0;
    let (found, covariance) = target.moments().unwrap();
    assert_close(found[0], mean, 1e-15, "the mean");
    assert_close(
        covariance[(0, 0)],
        variance + 0.75 * 0.75,
        1e-14,
        "the variance",
    );
    // A list has one for each coordinate, and a whole number is one.
    let columns = "file = \"iris.csv\"\ncolumns = [\"sepal_width\", \"petal_length\"]";
    let rows = experiment(columns).target;
    let rows = rows.as_samples().unwrap();
    for (bandwidth, stds) in [("[0.25, 1]", [0.25, 1.0]), ("2", [2.0, 2.0])] {
        let target = experiment(&format!("{columns}\nbandwidth = {bandwidth}")).target;
        let expected = (rows.points())
            .map(|row| {
                let z = [(3.1 - row[0]) / stds[0], (2.5 - row[1]) / stds[1]];
                let squared: f64 = z.iter().map(|z| z * z).sum();
                (-0.5 * squared).exp() / (std::f64::consts::TAU * stds[0] * stds[1])
            })
            .sum::<f64>()
            / rows.len() as f64;
        let found = log_density(&target, &[3.1, 2.5]);
        assert_close(found, expected.ln(), 1e-13, "a loop over the rows");
    }
}

#[test]
fn kernels_stand_in_the_resolved_config_itself() {
    let (folder, text) = on_a_line("");
    let experiment = read(&folder, &text);
    let resolved = experiment.to_toml().unwrap();
    assert!(!resolved.contains("rows.csv"), "{resolved}");
    let elsewhere = Path::new("no/such/folder/test.toml");
    let again = Experiment::parse(elsewhere, &resolved, Vec::new()).unwrap();
    assert_eq!(again.target, experiment.target);
    assert_eq!(again.to_toml().unwrap(), resolved);
    // As many as make weights that sum to 1 but for rounding.
    let many: String = (0..1237)
        .map(|i| format!("{}\n", i as f64 * 0.37))
        .collect();
    fs::write(folder.path().join("rows.csv"), format!("x\n{many}")).unwrap();
    let experiment = read(&folder, &text);
    let again = Experiment::parse(elsewhere, &experiment.to_toml().unwrap(), Vec::new()).unwrap();
    assert_eq!(again.target, experiment.target);
    let out = folder.path().join("out");
    RunFolder::create(&out, &experiment, Existing::Refuse).unwrap();
    RunFolder::create(&out, &experiment, Existing::Resume).unwrap();
}

#[test]
fn runs_have_every_divergence_figures_and_reports_and_go_on_to_the_bit() {
    let (folder, text) = on_a_line("");
    let in_folder = |arguments: &[&str]| klfit(arguments).current_dir(&folder).assert().success();
    in_folder(&["run", "my.toml", "--out", "run"]);
    in_folder(&["plot", "run"]);
    in_folder(&["report", "run", "--out", "told"]);
    let report = fs::read_to_string(folder.path().join("told/report.md")).unwrap();
    assert!(report.contains("5 components in 1 dimension"), "{report}");
    let summary = fs::read_to_string(folder.path().join("run/summary.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    for fit in summary["fits"].as_array().unwrap() {
        for kind in ["forward-kl", "reverse-kl", "js"] {
            let value = fit["best"]["divergences"][kind]["value"].as_f64();
            assert!(value.is_some_and(|value| value > 0.0), "{fit}");
        }
    }
    compare(&read(&folder, &text), &[11]);
}

#[test]
fn bandwidths_and_rows_that_give_no_density_are_refused() {
    let kde = |more: &str| {
        format!("name = \"kde\"\n[target]\ntype = \"kde\"\nfile = \"iris.csv\"\n{more}\n{FORWARD}")
    };
    for (bandwidth, message, help) in [
        ("\"scot\"", "is \"scot\"", "\"silverman\""),
        ("true", "is true", "\"scott\""),
        ("[1.0, \"a\"]", "is [1.0, \"a\"]", "one for each"),
        (
            "[1.0, 2.0]",
            "has 2 numbers for 4 coordinates",
            "one for each",
        ),
        ("0", "is 0", "positive and finite"),
        ("[1.0, 1.0, inf, 1.0]", "is inf", "positive and finite"),
    ] {
        let text = kde(&format!("bandwidth = {bandwidth} # !"));
        refuses(&text, "target.bandwidth", message, help);
    }
    refuses(
        &kde("columns = [\"sepal\"]").replace("iris.csv\"", "iris.csv\" # !"),
        "target.file",
        "there is no column sepal",
        "its columns are",
    );
    let folder = tempfile::tempdir().unwrap();
    let refused = |rows: &str| {
        fs::write(folder.path().join("rows.csv"), rows).unwrap();
        let text = kde("").replace("iris", "rows");
        let path = folder.path().join("my.toml");
        let error = Experiment::parse(&path, &text, Vec::new()).unwrap_err();
        let (error, key, help) = config_error(error);
        assert_eq!(key, "target.file");
        (error.message, help)
    };
    let (message, help) = refused("x,y\n1,2\n2,4\n5,10\n");
    assert!(
        message.contains("the covariance of the rows is not positive definite"),
        "{message}"
    );
    assert!(help.contains("leave columns out"), "{help}");
    let many: String = (0..2049).map(|i| format!("{i}.5\n")).collect();
    let (message, help) = refused(&format!("x\n{many}"));
    assert!(message.contains("2049 different rows"), "{message}");
    assert!(help.contains("type = \"samples\""), "{help}");
}

#[test]
fn many_kernels_are_integrated_over_by_draws() {
    let folder = tempfile::tempdir().unwrap();
    let rule = |rows: usize, columns: usize, more: &str| {
        let row = |i: usize| match columns {
            1 => format!("{i}.5\n"),
            _ => format!("{i}.5,{}\n", (7 * i) % 11),
        };
        let rows: String = (0..rows).map(row).collect();
        fs::write(folder.path().join("rows.csv"), rows).unwrap();
        let text = format!(
            "name = \"kde\"\nrestarts = 1\n[target]\nfile = \"rows.csv\"\nbandwidth = 1.0\n{more}{FORWARD}"
        );
        let plans = read(&folder, &text).plans;
        plans[0].estimator.rule.name().to_owned()
    };
    // As docs/targets.md has it: 201 points along each on a line, 81² in the plane, 2^27 numbers at most.
    let most = Page::open("docs/targets.md")
        .numbers("of more than {} kernels on a line and {} in the plane");
    for (columns, most) in [(1, most[0]), (2, most[1])] {
        let most = most.value as usize;
        assert_eq!(rule(most, columns, ""), "quadrature");
        assert_eq!(rule(most + 1, columns, ""), "monte-carlo");
    }
    assert_eq!(rule(2048, 1, ""), "monte-carlo");
    assert_eq!(rule(1024, 2, ""), "monte-carlo");
    assert_eq!(rule(2048, 2, "[log]\nsamples = 2048\n"), "monte-carlo");
}
