//! Shared by the tests: small experiments, and a second way to compute what klfit computes.

use klfit::Mixture;
use klfit::config::{Experiment, Override};
use klfit::fit::{Plan, Record};
use klfit::run::Watch;
use klfit::run_folder::{Existing, FitSummary, RunFolder, Summary};
use nalgebra::DMatrix;
use std::path::{Path, PathBuf};

/// A config of the repository.
pub fn config(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("configs/{name}.toml"))
}

struct Silent;

impl Watch for Silent {
    fn begin(&mut self, _: &Plan) {}
    fn record(&mut self, _: &Plan, _: &Record) {}
    fn end(&mut self, _: &FitSummary) {}
}

/// A run in a folder that is removed at the end.
pub struct Run {
    pub summary: Summary,
    pub folder: RunFolder,
    _temporary: tempfile::TempDir,
}

/// Runs an experiment as `klfit run` does, figures aside.
pub fn run(experiment: &Experiment) -> Run {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("run");
    let folder = RunFolder::create(&folder, experiment, Existing::Refuse).unwrap();
    let numerics = experiment.numerics().unwrap();
    let summary = klfit::run::run(experiment, &numerics, &folder, &mut Silent).unwrap();
    Run {
        summary,
        folder,
        _temporary: temporary,
    }
}

/// Runs a config of the repository.
pub fn run_config(name: &str, overrides: &[(&str, &str)]) -> Run {
    let overrides = (overrides.iter())
        .map(|(key, value)| Override::parse(&format!("{key}={value}")).unwrap())
        .collect();
    run(&Experiment::load(&config(name), overrides).unwrap())
}

/// Runs a config given as text.
pub fn run_text(text: &str) -> Run {
    run(&Experiment::parse(Path::new("test.toml"), text, Vec::new()).unwrap())
}

/// Three correlated components in a plane.
pub fn three_in_a_plane() -> Mixture {
    let covariance = |a: f64, b: f64, c: f64| DMatrix::from_row_slice(2, 2, &[a, b, b, c]);
    Mixture::from_covariances(
        vec![0.5, 0.3, 0.2],
        vec![vec![-2.0, 0.0], vec![2.0, 1.5], vec![1.0, -2.5]],
        vec![
            covariance(1.0, 0.4, 0.6),
            covariance(0.5, -0.3, 0.8),
            covariance(0.7, 0.0, 0.3),
        ],
    )
    .unwrap()
}

/// Two components on a line.
pub fn two_on_a_line(offset: f64) -> Mixture {
    Mixture::from_stds(
        vec![0.5, 0.5],
        vec![vec![-offset], vec![offset]],
        vec![vec![1.0]; 2],
    )
    .unwrap()
}

/// ∫ f over a line by Simpson's rule, which klfit does not use.
pub fn simpson(low: f64, high: f64, f: impl Fn(f64) -> f64) -> f64 {
    let pieces = 20_000;
    let width = (high - low) / pieces as f64;
    let inner: f64 = (1..pieces)
        .map(|i| (if i % 2 == 1 { 4.0 } else { 2.0 }) * f(low + width * i as f64))
        .sum();
    (f(low) + inner + f(high)) * width / 3.0
}

/// (KL(p‖q), KL(q‖p), JS) on a line by Simpson's rule from the definitions.
pub fn divergences_on_a_line(p: &Mixture, q: &Mixture) -> (f64, f64, f64) {
    let kl = |a: &dyn Fn(f64) -> f64, b: &dyn Fn(f64) -> f64| {
        simpson(-60.0, 60.0, |x| {
            let (a, b) = (a(x), b(x));
            if a == f64::NEG_INFINITY {
                0.0
            } else {
                a.exp() * (a - b)
            }
        })
    };
    let log_p = |x: f64| p.log_density(&[x]);
    let log_q = |x: f64| q.log_density(&[x]);
    let log_m = |x: f64| {
        let (a, b) = (log_p(x), log_q(x));
        let max = a.max(b);
        max + (0.5 * ((a - max).exp() + (b - max).exp())).ln()
    };
    let js = 0.5 * (kl(&log_p, &log_m) + kl(&log_q, &log_m));
    (kl(&log_p, &log_q), kl(&log_q, &log_p), js)
}

#[track_caller]
pub fn assert_close(found: f64, expected: f64, tolerance: f64, what: &str) {
    assert!(
        (found - expected).abs() <= tolerance,
        "{what}: found {found}, expected {expected} ± {tolerance}"
    );
}
