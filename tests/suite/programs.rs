//! Targets by a program in another language: numbers, what goes wrong with it, and that nothing is started unasked.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;
use statrs::function::gamma::ln_gamma;
use tempfile::TempDir;

use crate::command_line::klfit;
use crate::resume::{compare, parse};
use crate::support::assert_close;

/// The program of `tests/programs`, which is built with the tests.
pub fn program() -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let built = this.parent().and_then(Path::parent).unwrap();
    let program = built.join(format!(
        "examples/log_density{}",
        std::env::consts::EXE_SUFFIX
    ));
    assert!(
        program.is_file(),
        "{} is not there: `cargo build --examples` makes it",
        program.display()
    );
    program
}

/// A fit of a target by the program.
pub fn experiment(arguments: &[&str], target: &str, fit: &str) -> String {
    let program = program();
    let mut words = vec![program.to_str().unwrap()];
    words.extend(arguments);
    format!(
        "name = \"program\"\n[target]\ncommand = {words:?}\n{target}\n[optimizer]\ntype = \"lbfgs\"\nsteps = \
         60\n[[fit]]\n{fit}\n"
    )
}

const REVERSE: &str = "divergence = \"reverse-kl\"";
const FIXED: &str = "divergence = \"reverse-kl\"\nestimator = { type = \"quasi-monte-carlo\", samples = 256, noise = \"fixed\" }\nfamily = { covariance = \"diagonal\" }";

pub fn run(folder: &TempDir, config: &str) -> Value {
    fs::write(folder.path().join("my.toml"), config).unwrap();
    let run = [
        "run",
        "my.toml",
        "--no-figures",
        "--force",
        "--out",
        "run",
        "--allow-commands",
    ];
    klfit(&run).current_dir(folder).assert().success();
    let summary = fs::read_to_string(folder.path().join("run/summary.json")).unwrap();
    serde_json::from_str(&summary).unwrap()
}

/// What is told where a command with this config fails, and its exit code.
fn failure(folder: &TempDir, config: &str, command: &[&str]) -> (String, i32) {
    fs::write(folder.path().join("my.toml"), config).unwrap();
    let output = klfit(command).current_dir(folder).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{error}");
    (error, output.status.code().unwrap())
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value}"))
}

#[test]
fn a_gaussian_is_found_with_and_without_its_gradient() {
    let folder = tempfile::tempdir().unwrap();
    let found = run(&folder, &experiment(&["gaussian"], "dim = 3", FIXED));
    let best = &found["fits"][0]["best"];
    for i in 0..3 {
        let d = (i + 1) as f64;
        // As well as 256 points have the moments of q.
        let mean = number(&best["mixture"]["means"][0][i]);
        assert_close(mean, d, 1e-2 * d, "mean");
        let std = number(&best["mixture"]["stds"][0][i]);
        assert_close(std, 0.5 * d, 4e-3 * d, "standard deviation");
    }
    // (2π)^(3/2) · ½ · 1 · 3⁄2.
    let log_z = 1.5 * std::f64::consts::TAU.ln() + 0.75f64.ln();
    let error = number(&found["target"]["log_normalizer_error"]);
    assert_close(
        number(&found["target"]["log_normalizer"]),
        log_z,
        4.0 * error,
        "log Z",
    );
    assert!(error < 0.005, "{error}");

    let without = experiment(&["gaussian", "--without-gradient"], "dim = 1", REVERSE);
    let (error, _) = failure(&folder, &without, &["check", "my.toml", "--allow-commands"]);
    assert!(
        error.contains("needs the gradient of log p, and the target gives none"),
        "{error}"
    );
    let score = "divergence = \"reverse-kl\"\nestimator = { type = \"monte-carlo\", samples = 256, gradient = \
                 \"score-function\" }\noptimizer = { type = \"adam\", learning_rate = 0.05, steps = 400 }";
    let config = experiment(
        &["gaussian", "--without-gradient"],
        "dim = 1",
        &score.replace("adam\", learning_rate = 0.05", "batch-and-match\""),
    );
    let (error, _) = failure(&folder, &config, &["check", "my.toml", "--allow-commands"]);
    assert!(
        error.contains("it steps by the gradient of log p, and the target gives none"),
        "{error}"
    );
    for (fit, room) in [(score, 5e-3), ("divergence = \"forward-kl\"", 1e-6)] {
        let config = experiment(&["gaussian", "--without-gradient"], "dim = 1", fit);
        let found = run(&folder, &config);
        let mixture = &found["fits"][0]["best"]["mixture"];
        assert_close(number(&mixture["means"][0][0]), 1.0, room, fit);
        assert_close(number(&mixture["stds"][0][0]), 0.5, room, fit);
    }
}

/// What is computed in 32 bits jumps from point to point: panels do not run after that, and the error tells of it.
#[test]
fn a_program_in_32_bits_is_known_up_to_its_rounding() {
    let folder = tempfile::tempdir().unwrap();
    let found = run(&folder, &experiment(&["single"], "dim = 1", REVERSE));
    let [log_z, error] =
        ["log_normalizer", "log_normalizer_error"].map(|key| number(&found["target"][key]));
    let off = (log_z + 800.0 - 0.5f64.ln() - 0.5 * std::f64::consts::TAU.ln()).abs();
    assert!(off <= error, "off by {off:e}, error {error:e}");
    assert!((1e-6..1e-4).contains(&error), "{error:e}");
    let mixture = &found["fits"][0]["best"]["mixture"];
    assert_close(number(&mixture["means"][0][0]), 1.0, 1e-4, "mean");
    assert_close(number(&mixture["stds"][0][0]), 0.5, 1e-4, "std");
}

/// The program is asked for x, and q is fitted to u = log x.
#[test]
fn a_bounded_coordinate_is_carried_to_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let bounded = "variables = [\"rate\"]\nsupport = { rate = \"positive\" }";
    // By points of p, and by points of q that the gradient of u moves.
    for fit in ["divergence = \"forward-kl\"", FIXED] {
        let by_program = run(&folder, &experiment(&["gamma"], bounded, fit));
        assert_close(
            number(&by_program["target"]["log_normalizer"]),
            ln_gamma(10.0),
            1e-9,
            "log Z",
        );
        assert_eq!(by_program["target"]["coordinates"][0], "log(rate)");
        let formula = format!(
            "name = \"formula\"\n[target]\nlog_density = \"9*log(rate) - rate\"\n{bounded}\n[optimizer]\ntype = \
             \"lbfgs\"\nsteps = 60\n[[fit]]\n{fit}\n"
        );
        let by_formula = run(&folder, &formula);
        for key in ["means", "stds"] {
            let [one, other] = [&by_program, &by_formula]
                .map(|found| number(&found["fits"][0]["best"]["mixture"][key][0][0]));
            assert_close(one, other, 1e-9, key);
        }
    }
}

#[test]
fn nothing_is_started_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("started");
    let mark = mark.to_str().unwrap();
    let config = experiment(&["gaussian", "--leaves", mark], "dim = 1", REVERSE);
    fs::write(
        folder.path().join("swept.toml"),
        format!("{config}[sweep.grid]\nseed = [1, 2]\n"),
    )
    .unwrap();
    for command in [
        &["check", "my.toml"][..],
        &["run", "my.toml"],
        &["sweep", "swept.toml"],
        &["explore", "my.toml", "--no-open"],
        &["landscape", "my.toml"],
    ] {
        let (error, code) = failure(&folder, &config, command);
        assert_eq!(code, 2, "{error}");
        for words in ["would start `", "--leaves", "--allow-commands"] {
            assert!(
                error.contains(words),
                "{command:?}: no {words:?} in {error}"
            );
        }
    }
    assert!(!Path::new(mark).exists());
    klfit(&["check", "my.toml", "--allow-commands"])
        .current_dir(&folder)
        .assert()
        .success();
    assert!(Path::new(mark).exists());
}

#[test]
fn a_program_that_dies_is_started_once_more() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("died");
    let mark = mark.to_str().unwrap();
    let undisturbed = run(&folder, &experiment(&["gaussian"], "dim = 1", REVERSE));
    let again = run(
        &folder,
        &experiment(&["gaussian", "--dies-once", mark], "dim = 1", REVERSE),
    );
    assert!(Path::new(mark).exists(), "it died");
    assert_eq!(
        undisturbed["fits"][0]["best"]["mixture"],
        again["fits"][0]["best"]["mixture"]
    );
    let dies = experiment(&["gaussian", "--dies"], "dim = 1", REVERSE);
    let (error, _) = failure(&folder, &dies, &["run", "my.toml", "--allow-commands"]);
    for words in [
        "has ended without an answer (exit status: 7)",
        "it wrote to standard error",
        "the model is out of ideas",
    ] {
        assert!(error.contains(words), "no {words:?} in {error}");
    }
}

/// In the middle of a run, with what was written until then.
#[test]
fn a_program_that_dies_for_good_ends_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("dead");
    let long = "divergence = \"reverse-kl\"\noptimizer = { type = \"adam\", steps = 100000000 }";
    let config = experiment(
        &["gaussian", "--dies-when", mark.to_str().unwrap()],
        "dim = 1",
        long,
    );
    fs::write(
        folder.path().join("my.toml"),
        format!("log = {{ every = 5 }}\n{config}"),
    )
    .unwrap();
    let program = assert_cmd::cargo::cargo_bin("klfit");
    let child = std::process::Command::new(program)
        .args([
            "run",
            "my.toml",
            "--allow-commands",
            "--quiet",
            "--out",
            "run",
        ])
        .current_dir(&folder)
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let rows = || {
        let path = folder.path().join("run/reverse-kl/trajectory.csv");
        fs::read_to_string(path).map_or(0, |text| text.lines().count())
    };
    let began = Instant::now();
    while rows() < 20 {
        assert!(began.elapsed() < Duration::from_secs(60), "it never starts");
        std::thread::sleep(Duration::from_millis(20));
    }
    fs::write(&mark, "").unwrap();
    let ended = child.wait_with_output().unwrap();
    let error = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{error}");
    assert!(
        error.contains("has ended without an answer (exit status: 9)"),
        "{error}"
    );
    assert!(rows() >= 20);
}

#[test]
fn what_is_no_answer_is_told() {
    let folder = tempfile::tempdir().unwrap();
    for (option, target, words) in [
        (
            "--prints",
            "dim = 1",
            "wrote \"sampling ...\" to standard output, which is for arrays",
        ),
        (
            "--short",
            "dim = 1",
            "answered 2 points with an array of shape (1,)",
        ),
        (
            "--hangs",
            "dim = 1\ntimeout = 0.3",
            "did not answer 2 points within 0.3 s",
        ),
        ("--not-a-number", "dim = 1", "is not a number at x = "),
        ("", "", "`target.dim` is missing"),
        ("", "dim = 1\ntimeout = 0", "`target.timeout` is 0"),
        ("", "dim = 1\nfolder = \"nowhere\"", "cannot start"),
    ] {
        let config = experiment(&["gaussian", option], target, REVERSE);
        let (error, _) = failure(&folder, &config, &["check", "my.toml", "--allow-commands"]);
        assert!(error.contains(words), "no {words:?} in {error}");
    }
    let config = "[target]\ncommand = [\"no-such-program\"]\ndim = 1\n[[fit]]\ndivergence = \"reverse-kl\"\n";
    let (error, _) = failure(&folder, config, &["check", "my.toml", "--allow-commands"]);
    assert!(error.contains("cannot start `no-such-program`"), "{error}");
}

/// A program is no longer there when the command that started it is not.
#[test]
#[cfg(unix)]
fn a_program_ends_with_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("id");
    let long = "divergence = \"reverse-kl\"\noptimizer = { type = \"adam\", steps = 100000000 }";
    let config = experiment(
        &["gaussian", "--leaves", mark.to_str().unwrap()],
        "dim = 1",
        long,
    );
    fs::write(folder.path().join("my.toml"), config).unwrap();
    let lives = || {
        let id = fs::read_to_string(&mark).unwrap();
        Path::new("/proc").join(id).exists()
    };
    let ends = || {
        let began = Instant::now();
        while lives() {
            assert!(began.elapsed() < Duration::from_secs(20), "it goes on");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let arguments = ["check", "my.toml", "--allow-commands"];
    klfit(&arguments).current_dir(&folder).assert().success();
    ends();
    // Nor where there was no time to end it.
    fs::remove_file(&mark).unwrap();
    let program = assert_cmd::cargo::cargo_bin("klfit");
    let mut child = std::process::Command::new(program)
        .args(["run", "my.toml", "--allow-commands", "--quiet"])
        .current_dir(&folder)
        .spawn()
        .unwrap();
    let began = Instant::now();
    while !mark.exists() || !lives() {
        assert!(began.elapsed() < Duration::from_secs(60), "it never starts");
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(300));
    child.kill().unwrap();
    child.wait().unwrap();
    ends();
}

#[test]
fn an_interrupted_run_goes_on_to_the_bit() {
    klfit::allow_commands();
    let fit = "divergence = \"reverse-kl\"\nestimator = { type = \"monte-carlo\", samples = 32 }\noptimizer = { \
               type = \"adam\", steps = 20 }";
    let config = experiment(&["gaussian"], "dim = 3", fit);
    compare(&parse(&config, &[("checkpoint.every", "5")]), &[7, 6]);
}

/// What the page shows for NumPy, as it stands there.
#[test]
#[ignore = "needs Python with NumPy: KLFIT_PYTHON names it"]
fn the_model_of_the_page_runs() {
    let python = std::env::var("KLFIT_PYTHON").expect("KLFIT_PYTHON names a Python with NumPy");
    let folder = tempfile::tempdir().unwrap();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/programs.md");
    let page = fs::read_to_string(page).unwrap();
    let code = page
        .split("<!-- file: model.py -->\n```python\n")
        .nth(1)
        .unwrap();
    let code = code.split("```").next().unwrap();
    fs::write(folder.path().join("model.py"), code).unwrap();
    let config = format!(
        "name = \"page\"\n[target]\ncommand = [{python:?}, \"model.py\"]\ndim = 3\n[optimizer]\ntype = \
         \"lbfgs\"\nsteps = 60\n[[fit]]\n{FIXED}\n"
    );
    let found = run(&folder, &config);
    let best = &found["fits"][0]["best"]["mixture"];
    for (i, (mean, std)) in [(1.0, 1.0), (-2.0, 0.1), (0.5, 3.0)]
        .into_iter()
        .enumerate()
    {
        assert_close(number(&best["means"][0][i]), mean, 2e-2 * std, "mean");
        assert_close(
            number(&best["stds"][0][i]),
            std,
            2e-2 * std,
            "standard deviation",
        );
    }
}
