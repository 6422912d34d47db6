//! Every device this build has and this machine offers gives the numbers of the CPU in 64 bits, as
//! far as 32 bits can hold them.

use klfit::internals::{Detected, RunKey};
use klfit::settings::KMeans;
use klfit::{
    Backend, Covariance, DeviceConfig, EstimatorRule, Experiment, Family, FamilyConfig, Numerics,
    OptimizerConfig, Plan, Precision, Start, StopConfig, StudentT, Target, TargetModel,
};

use crate::support::{
    assert_close, divergences, objective, run, stds, three_in_a_plane, two_on_a_line,
};

/// Every backend in 32 bits; the CPU is always among them.
fn single() -> Vec<(Backend, Numerics)> {
    let found: Vec<(Backend, Numerics)> = (Backend::ALL.into_iter())
        .filter(|backend| matches!(backend.detect(), Detected::Devices(_)))
        .map(|backend| {
            let config = DeviceConfig {
                backend,
                precision: Precision::F32,
            };
            (backend, Numerics::open(config).unwrap())
        })
        .collect();
    assert_eq!(found[0].0, Backend::Flex);
    found
}

/// Value and gradient of a plan at its starts.
fn at_starts(plan: &Plan, model: &TargetModel, numerics: &Numerics) -> (Vec<f64>, Vec<f64>) {
    let target = Target::new(model.clone(), numerics);
    let starts = plan.start.mixtures(&plan.family, model, 1).unwrap();
    let theta: Vec<f64> = (starts.iter())
        .flat_map(|start| plan.family.theta_of(start).unwrap())
        .collect();
    let keys = (0..starts.len() as u64).map(|run| RunKey { seed: 3, run });
    let objective = objective(plan, &target, numerics, keys.collect());
    let theta = numerics.tensor(theta, [starts.len(), plan.family.parameters()]);
    let (value, gradient) = objective.value_and_gradient(&theta, 2);
    (
        Numerics::read(value).unwrap(),
        Numerics::read(gradient).unwrap(),
    )
}

#[test]
fn values_and_gradients_are_those_of_the_cpu() {
    let student_t = StudentT::new(two_on_a_line(2.0), 4.0).unwrap();
    let targets = [
        TargetModel::from(two_on_a_line(2.0)),
        TargetModel::from(three_in_a_plane()),
        TargetModel::StudentT(student_t),
    ];
    let mut compared = 0;
    for (backend, numerics) in single() {
        for model in &targets {
            for divergence in divergences() {
                if divergence.infinite_for(model.tails()).is_some() {
                    continue;
                }
                for rule in EstimatorRule::all() {
                    // Rows are of a target that is a sample.
                    if matches!(rule, EstimatorRule::Rows(_)) {
                        continue;
                    }
                    for covariance in Covariance::ALL {
                        let config = FamilyConfig {
                            components: 2,
                            covariance,
                            ..FamilyConfig::default()
                        };
                        let plan = Plan {
                            label: "test".to_owned(),
                            divergence,
                            family: Family::new(config, model.dim()),
                            start: Start::drawn(KMeans {}, 2),
                            estimator: rule.into(),
                            optimizer: OptimizerConfig::default(),
                            stop: StopConfig::NEVER,
                            anneal: None,
                            adapt: None,
                        };
                        let (value, gradient) = at_starts(&plan, model, &Numerics::cpu());
                        let (value32, gradient32) = at_starts(&plan, model, &numerics);
                        let name = backend.name();
                        let what = format!("{name}, {divergence:?}, {}", rule.name());
                        for (run, &a) in value.iter().enumerate() {
                            // A divergence with a power of the ratio can start beyond what 32
                            // bits hold; such a start is no number to agree on.
                            if a.abs() > 1e6 {
                                continue;
                            }
                            assert_close(value32[run], a, 2e-5 * a.abs().max(1.0), &what);
                            let width = plan.family.parameters();
                            let exact = &gradient[run * width..][..width];
                            let single = &gradient32[run * width..][..width];
                            let scale = exact.iter().fold(0.1f64, |most, g| most.max(g.abs()));
                            for (a, b) in exact.iter().zip(single) {
                                assert_close(*b, *a, 3e-4 * scale, &what);
                            }
                            compared += 1;
                        }
                    }
                }
            }
        }
    }
    // 13 divergences × 4 rules × 4 structures × 2 starts on two targets, and those that are finite on
    // the third; few of the starts are out of reach.
    assert!(compared >= 13 * 4 * 4 * 2 * 2, "{compared}");
}

#[test]
fn fits_end_at_the_published_numbers() {
    let text = r#"
        name = "devices"
        restarts = 2
        [device]
        precision = "f32"
        [target]
        weights = [0.5, 0.5]
        means = [[-2.0], [2.0]]
        stds = [[1.0], [1.0]]
        [[fit]]
        divergence = "forward-kl"
        optimizer = { type = "lbfgs", steps = 100 }
        [[fit]]
        divergence = "reverse-kl"
        optimizer = { type = "natural-gradient", learning_rate = 0.5, steps = 100 }
        [[fit]]
        divergence = "js"
        optimizer = { type = "adam", steps = 500 }
    "#;
    for (backend, _) in single() {
        let path = std::path::Path::new("test.toml");
        let mut experiment = Experiment::parse(path, text, Vec::new()).unwrap();
        experiment.config.device.backend = backend;
        let ran = run(&experiment);
        for (fit, (value, std)) in (ran.summary.fits.iter()).zip([
            (0.17199876, 2.2360680),
            (0.22650796, 2.0470095),
            (0.04608915, 2.1963601),
        ]) {
            let what = format!("{} {}", backend.name(), fit.label);
            let best = fit.best.as_ref().unwrap();
            assert_close(fit.objective().unwrap().value, value, 3e-6, &what);
            let found = stds(&best.mixture, 0)[0];
            assert_close(found, std, 2e-3, &what);
        }
    }
}
