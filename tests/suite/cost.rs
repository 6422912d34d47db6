//! What a check says that a run will cost.

use std::fs;

use klfit::results::{FitCost, Time};
use klfit::{Experiment, Numerics};

use crate::command_line::klfit;
use crate::resume::parse;
use crate::support::run;

const PLANE: &str = r#"
name = "plane"
restarts = 3
[target]
weights = [0.5, 0.5]
means = [[-1.0, 0.0], [1.0, 0.5]]
stds = [[1.0, 0.6], [0.7, 1.0]]
[optimizer]
steps = 30
[log]
every = 30
[[fit]]
divergence = "forward-kl"
[[fit]]
divergence = "reverse-kl"
[[fit]]
divergence = "js"
"#;

fn costs(experiment: &Experiment) -> Vec<FitCost> {
    klfit::cost(experiment, &Numerics::cpu())
}

#[test]
fn the_evaluations_that_are_foretold_are_those_that_are_counted() {
    let mut compared = 0;
    for settings in [
        vec![
            ("estimator.type", "monte-carlo"),
            ("estimator.samples", "64"),
        ],
        vec![
            ("estimator.type", "monte-carlo"),
            ("estimator.samples", "64"),
            ("estimator.noise", "fixed"),
        ],
        vec![
            ("estimator.type", "quasi-monte-carlo"),
            ("estimator.samples", "64"),
        ],
        vec![
            ("estimator.type", "gauss-hermite"),
            ("estimator.order", "8"),
        ],
        vec![
            ("optimizer.type", "lbfgs"),
            ("estimator.type", "gauss-hermite"),
        ],
    ] {
        let experiment = parse(PLANE, &settings);
        // On a busy machine a fit may not be tried in the time there is; then its counts are those of its settings.
        let is_tried = |costs: &Vec<_>| {
            costs
                .iter()
                .all(|cost: &FitCost| cost.time.seconds().is_some())
        };
        let costs = (0..20)
            .map(|_| costs(&experiment))
            .find(is_tried)
            .expect("one of 20 tries has the time for it");
        let run = run(&experiment);
        for (cost, fit) in costs.iter().zip(&run.summary.fits) {
            let trajectory = run.folder.trajectory(&fit.label).unwrap();
            let counted: u64 = (0..3)
                .map(|run| trajectory.run(run).last().unwrap().evaluations.log_density)
                .sum();
            assert_eq!((cost.steps, cost.runs), (30, 3));
            let foretold = cost.evaluations.log_density as f64;
            // The first step pays for points that stay, a line search may take more or fewer, and end.
            let slack = if cost.may_stop { 4.0 } else { 1.1 };
            let (low, high) = (
                counted as f64 / slack - 500.0,
                counted as f64 * slack + 500.0,
            );
            let is_near = match cost.may_stop {
                true => foretold > low,
                false => (low..=high).contains(&foretold),
            };
            assert!(
                is_near,
                "{settings:?} {}: {foretold} and {counted}",
                fit.label
            );
            // Where the machine is busy no time may be told.
            assert!(cost.time.seconds().is_none_or(|seconds| seconds > 0.0));
            compared += 1;
        }
    }
    assert_eq!(compared, 15);
}

#[test]
fn more_steps_and_runs_cost_more_and_are_not_taken() {
    let few = [
        ("estimator.type", "monte-carlo"),
        ("estimator.samples", "64"),
    ];
    let small = costs(&parse(PLANE, &few));
    let steps = i64::MAX.to_string();
    let many = [
        ("estimator.type", "monte-carlo"),
        ("estimator.samples", "64"),
        ("optimizer.steps", &*steps),
        ("log.every", &*steps),
        ("restarts", "100000"),
    ];
    let large = costs(&parse(PLANE, &many));
    for (small, large) in small.iter().zip(&large) {
        assert_eq!(large.steps, i64::MAX as usize);
        assert_eq!(large.runs, 100_000);
        // There are 10²² times as many steps of runs; where the machine is busy no time may be told.
        if let (Time::About(small), Time::About(time)) = (small.time, large.time) {
            assert!(time > 1e12 * small, "{small} {time}");
            assert!(large.is_scaled);
        }
    }
    let vast = [
        ("estimator.type", "monte-carlo"),
        ("estimator.samples", "4000000"),
    ];
    for cost in costs(&parse(PLANE, &vast)) {
        // A part of the draws stands for all of them.
        if let Time::About(seconds) = cost.time {
            assert!(cost.is_scaled && seconds > 0.5, "{cost:?}");
        }
        assert!(cost.evaluations.log_density >= 30 * 3 * 4_000_000);
    }
}

/// What `klfit check` says of a config.
fn said(text: &str, arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("my.toml"), text).unwrap();
    let check = klfit(&[&["check", "my.toml"], arguments].concat())
        .current_dir(&folder)
        .assert()
        .success();
    String::from_utf8_lossy(&check.get_output().stdout).into_owned()
}

#[test]
fn a_check_tells_steps_points_and_time() {
    let drawn = PLANE.replace("[log]", "[estimator]\ntype = \"monte-carlo\"\n[log]");
    let all = said(&drawn, &[]);
    assert_eq!(all.matches("    30 steps × 3 runs × ").count(), 3, "{all}");
    assert_eq!(
        all.matches("evaluations of log p, about ").count(),
        4,
        "{all}"
    );
    assert!(all.contains("\n  in all: "), "{all}");
    let stopping = said(&format!("{drawn}stop = {{ precision = 0.01 }}\n"), &[]);
    assert_eq!(
        stopping.matches("at most 30 steps").count(),
        1,
        "{stopping}"
    );
    assert!(stopping.contains("in all: at most "), "{stopping}");
    let swept = said(&format!("{drawn}[sweep.grid]\nseed = [1, 2, 3]\n"), &[]);
    assert!(
        swept.contains("for all points one after the other"),
        "{swept}"
    );
    assert_eq!(said(PLANE, &["-q"]), "");
    let longer = said(
        &drawn,
        &["--steps", "40", "--set", "restarts=2", "--seed", "7"],
    );
    assert_eq!(
        longer.matches("    40 steps × 2 runs × ").count(),
        3,
        "{longer}"
    );
    // At points of a rule that stay log p is evaluated once.
    let fixed = PLANE.replace(
        "[log]",
        "[estimator]\ntype = \"monte-carlo\"\nnoise = \"fixed\"\nsamples = 500\n[log]",
    );
    let fixed = said(&fixed, &[]);
    let once = "30 steps × 3 runs × 500 points that stay: 3 runs × 500 points are 1500 evaluations of log p, ";
    assert!(fixed.contains(once), "{fixed}");
}

#[test]
fn every_config_has_a_cost() {
    for entry in fs::read_dir("configs").unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let experiment = Experiment::load(&path, Vec::new()).unwrap();
        for (cost, plan) in costs(&experiment).iter().zip(&experiment.plans) {
            let context = format!("{} {}: {cost:?}", path.display(), plan.label);
            assert!(cost.points > 0, "{context}");
            assert_eq!(cost.steps, plan.optimizer.steps);
            if let Some(seconds) = cost.time.seconds() {
                assert!(seconds > 0.0 && seconds.is_finite(), "{context}");
            }
        }
    }
}
