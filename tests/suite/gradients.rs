//! Every divergence × estimator × covariance structure against central finite differences.

use klfit::Mixture;
use klfit::device::{DeviceConfig, Numerics, Precision};
use klfit::divergence::DivergenceKind;
use klfit::estimator::{EstimatorConfig, MonteCarloConfig, QuadratureConfig};
use klfit::family::{Covariance, Family, FamilyConfig};
use klfit::fit::Plan;
use klfit::init::Start;
use klfit::objective::Objective;
use klfit::optimizer::OptimizerConfig;
use klfit::target;

use crate::support::{three_in_a_plane, two_on_a_line};

fn plan(divergence: DivergenceKind, estimator: EstimatorConfig, family: Family) -> Plan {
    Plan {
        label: "test".to_owned(),
        divergence,
        family,
        start: Start::Random { restarts: 3 },
        estimator,
        optimizer: OptimizerConfig::Adam(Default::default()),
    }
}

/// Value `[R]` and gradient `[R·P]` at θ.
fn at(
    objective: &Objective,
    numerics: &Numerics,
    theta: &[f64],
    runs: usize,
) -> (Vec<f64>, Vec<f64>) {
    let theta = numerics.tensor(theta.to_vec(), [runs, theta.len() / runs]);
    let (value, gradient) = objective.value_and_gradient(&theta, 5);
    (
        Numerics::read(value).unwrap(),
        Numerics::read(gradient).unwrap(),
    )
}

fn check(plan: &Plan, p: &Mixture) {
    let numerics = Numerics::cpu();
    let target = target::mixture(p, &numerics);
    let objective = Objective::new(plan, &*target, &numerics, 11);
    let starts = plan.start.mixtures(&plan.family, p, 3).unwrap();
    let mut theta: Vec<f64> = (starts.iter())
        .flat_map(|start| plan.family.theta_of(start).unwrap())
        .collect();
    // Off the diagonal and off equal weights, where nothing is zero by chance.
    for (i, entry) in theta.iter_mut().enumerate() {
        *entry += 0.15 * (i as f64 * 1.7).sin();
    }
    let (runs, parameters) = (starts.len(), plan.family.parameters());
    let (_, gradient) = at(&objective, &numerics, &theta, runs);
    let scale = gradient.iter().fold(0.0f64, |most, g| most.max(g.abs()));
    let h = 1e-5;
    for run in 0..runs {
        for parameter in 0..parameters {
            let i = run * parameters + parameter;
            let moved = |by: f64| {
                let mut theta = theta.clone();
                theta[i] += by;
                at(&objective, &numerics, &theta, runs).0
            };
            // The fourth-order central difference.
            let [a, b, c, d] = [-2.0 * h, -h, h, 2.0 * h].map(moved);
            let slope = (a[run] - 8.0 * b[run] + 8.0 * c[run] - d[run]) / (12.0 * h);
            let off = (slope - gradient[i]).abs() / scale;
            assert!(
                off < 1e-6,
                "{:?} {} {:?} run {run} parameter {parameter}: {} by differences, {} by autodiff",
                plan.divergence,
                plan.estimator.name(),
                plan.family,
                slope,
                gradient[i]
            );
            // A parameter of one run moves no other run, to the bit.
            let still = at(&objective, &numerics, &theta, runs).0;
            for other in (0..runs).filter(|&other| other != run) {
                assert_eq!(c[other], still[other]);
            }
        }
    }
}

#[test]
fn every_combination_agrees_with_finite_differences() {
    let monte_carlo = EstimatorConfig::MonteCarlo(MonteCarloConfig { samples: 24 });
    for divergence in DivergenceKind::ALL {
        for covariance in Covariance::ALL {
            for components in [1, 2] {
                let family = |dim: usize| {
                    let config = FamilyConfig {
                        components,
                        covariance,
                    };
                    Family::new(config, dim)
                };
                let quadrature = |points: usize| {
                    EstimatorConfig::Quadrature(QuadratureConfig {
                        points: Some(points),
                        range: None,
                    })
                };
                let line = two_on_a_line(2.0);
                let plane = three_in_a_plane();
                check(&plan(divergence, quadrature(41), family(1)), &line);
                check(&plan(divergence, quadrature(13), family(2)), &plane);
                check(&plan(divergence, monte_carlo, family(1)), &line);
                check(&plan(divergence, monte_carlo, family(2)), &plane);
                let cube = Mixture::from_stds(
                    vec![0.4, 0.6],
                    vec![vec![-1.0, 0.0, 1.0], vec![1.0, 0.5, -1.0]],
                    vec![vec![1.0, 0.5, 0.8], vec![0.7, 1.2, 0.9]],
                )
                .unwrap();
                check(&plan(divergence, monte_carlo, family(3)), &cube);
            }
        }
    }
}

#[test]
fn a_fixed_grid_agrees_with_finite_differences() {
    let grid = EstimatorConfig::Quadrature(QuadratureConfig {
        points: Some(101),
        range: Some([-8.0, 8.0]),
    });
    let family = Family::new(FamilyConfig::default(), 1);
    check(
        &plan(DivergenceKind::ForwardKl, grid, family),
        &two_on_a_line(2.0),
    );
}

#[test]
fn the_gradient_is_zero_where_the_fit_is_exact() {
    let numerics = Numerics::cpu();
    let p = three_in_a_plane();
    let family = Family::new(
        FamilyConfig {
            components: 3,
            covariance: Covariance::Full,
        },
        2,
    );
    let target = target::mixture(&p, &numerics);
    let quadrature = EstimatorConfig::Quadrature(QuadratureConfig::default());
    for divergence in DivergenceKind::ALL {
        let plan = plan(divergence, quadrature, family);
        let objective = Objective::new(&plan, &*target, &numerics, 0);
        let (value, gradient) = at(&objective, &numerics, &family.theta_of(&p).unwrap(), 1);
        assert!(value[0].abs() < 1e-12, "{divergence:?} {value:?}");
        // What is left is the error of the rule itself.
        assert!(
            gradient.iter().all(|g| g.abs() < 1e-6),
            "{divergence:?} {gradient:?}"
        );
    }
}

#[test]
fn single_precision_agrees_with_double() {
    let single = Numerics::open(DeviceConfig {
        precision: Precision::F32,
        ..DeviceConfig::default()
    })
    .unwrap();
    let double = Numerics::cpu();
    let p = three_in_a_plane();
    let family = Family::new(
        FamilyConfig {
            components: 2,
            covariance: Covariance::Full,
        },
        2,
    );
    for divergence in DivergenceKind::ALL {
        let estimator = EstimatorConfig::MonteCarlo(MonteCarloConfig { samples: 200 });
        let plan = plan(divergence, estimator, family);
        let starts = plan.start.mixtures(&family, &p, 1).unwrap();
        let theta: Vec<f64> = (starts.iter())
            .flat_map(|start| family.theta_of(start).unwrap())
            .collect();
        let run = |numerics: &Numerics| {
            let target = target::mixture(&p, numerics);
            let objective = Objective::new(&plan, &*target, numerics, 0);
            at(&objective, numerics, &theta, starts.len())
        };
        let ((value, gradient), (value32, gradient32)) = (run(&double), run(&single));
        for (a, b) in value.iter().zip(&value32) {
            assert!(
                (a - b).abs() < 1e-5 * a.abs().max(1.0),
                "{divergence:?} {a} {b}"
            );
        }
        let scale = gradient.iter().fold(0.0f64, |most, g| most.max(g.abs()));
        for (a, b) in gradient.iter().zip(&gradient32) {
            assert!((a - b).abs() < 1e-4 * scale, "{divergence:?} {a} {b}");
        }
    }
}
