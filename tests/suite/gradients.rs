//! Every divergence × estimator × family that a config accepts, against central finite differences.

use std::collections::BTreeMap;

use klfit::internals::Objective;
use klfit::settings::{NoiseRule, Random};
use klfit::{
    Covariance, DeviceConfig, DivergenceKind, EstimatorConfig, EstimatorRule, Family, FamilyConfig,
    Mixture, Numerics, OptimizerConfig, Plan, Precision, Start, StopConfig, Target,
};

use crate::support::{
    Choice, Targets, divergences, gauss_hermite, keys, mild, monte_carlo, objective, quadrature,
    quasi_monte_carlo, small_rules, three_in_a_plane, two_on_a_line, wide,
};

pub fn plan(divergence: DivergenceKind, estimator: EstimatorConfig, family: Family) -> Plan {
    Plan {
        label: "test".to_owned(),
        divergence,
        family,
        start: Start::drawn(Random {}, 3),
        estimator,
        optimizer: OptimizerConfig::default(),
        stop: StopConfig::NEVER,
        anneal: None,
        adapt: None,
    }
}

/// Every family of K components: each covariance structure, with learned and with given weights.
pub fn families(components: usize) -> Vec<FamilyConfig> {
    let mut families = Vec::new();
    for covariance in Covariance::ALL {
        let given = [vec![1.0], vec![0.3, 0.7], vec![0.2, 0.5, 0.3]][components - 1].clone();
        for weights in [None, Some(given)] {
            families.push(FamilyConfig {
                components,
                covariance,
                weights,
                min_std: 0.05,
                ..FamilyConfig::default()
            });
        }
    }
    families
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

/// θ of a start of the plan, off the diagonal and off equal weights, where nothing is zero by chance.
fn somewhere(plan: &Plan, target: &Target) -> Vec<f64> {
    let starts = plan
        .start
        .mixtures(&plan.family, target.model(), 3)
        .unwrap();
    let mut theta = plan.family.theta_of(&starts[0]).unwrap();
    for (i, entry) in theta.iter_mut().enumerate() {
        *entry += 0.15 * (i as f64 * 1.7 + 0.4).sin();
    }
    theta
}

/// The largest difference between the gradient and the fourth-order central difference, as a share
/// of the gradient's largest entry.
fn discrepancy(plan: &Plan, target: &Target) -> f64 {
    let numerics = Numerics::cpu();
    let theta = somewhere(plan, target);
    let parameters = theta.len();
    // Total variation bends where p = q at a point: between two bends the sum is smooth, and no
    // point of these crosses from one side to the other within 4e-7. Its values are below 1, so that
    // rounding leaves 1e-9 of the difference.
    let h = match plan.divergence {
        DivergenceKind::TotalVariation => 2e-7,
        _ => 1e-5,
    };
    let moved: Vec<f64> = (0..parameters)
        .flat_map(|parameter| [-2.0, -1.0, 1.0, 2.0].map(|steps| (parameter, steps * h)))
        .flat_map(|(parameter, by)| {
            let mut theta = theta.clone();
            theta[parameter] += by;
            theta
        })
        .collect();
    // All of them with the noise of one run.
    let objective = |runs: usize| {
        let keys = vec![keys(11, 3)[2]; runs];
        objective(plan, target, &numerics, keys)
    };
    let runs = 4 * parameters;
    let moved = numerics.tensor(moved, [runs, parameters]);
    let values = Numerics::read(objective(runs).value(moved, 5)).unwrap();
    let (_, gradient) = at(&objective(1), &numerics, &theta, 1);
    let scale = gradient.iter().fold(0.0f64, |most, g| most.max(g.abs()));
    assert!(scale > 1e-6, "{plan:?}: {gradient:?}");
    (values.chunks(4).zip(&gradient))
        .map(|(f, g)| {
            let slope = (f[0] - 8.0 * f[1] + 8.0 * f[2] - f[3]) / (12.0 * h);
            (slope - g).abs() / scale
        })
        .fold(0.0, f64::max)
}

#[test]
fn every_combination_agrees_with_finite_differences() {
    let targets = Targets::new();
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut refusals: BTreeMap<String, usize> = BTreeMap::new();
    let mut asked = 0;
    for dim in 1..=3 {
        let kinds = [
            ("mixture", targets.mixture(&mild(dim))),
            ("student-t", targets.student_t(&mild(dim), 4.0)),
            ("samples", targets.samples(dim)),
        ];
        for (kind, text) in &kinds {
            let mut families: Vec<FamilyConfig> = [1, 2].into_iter().flat_map(families).collect();
            if *kind == "student-t" {
                // The family does not see which density it is fitted to: one of them will do.
                families.truncate(1);
            }
            for (divergence, family) in (divergences().iter())
                .flat_map(|divergence| families.iter().map(move |family| (*divergence, family)))
            {
                for (rule, noise) in (small_rules().into_iter())
                    .flat_map(|rule| [None, Some(NoiseRule::Fixed)].map(|noise| (rule, noise)))
                {
                    let choice = Choice {
                        divergence,
                        family: family.clone(),
                        estimator: EstimatorConfig {
                            noise,
                            reuse: 0,
                            ..rule.into()
                        },
                        optimizer: OptimizerConfig::default(),
                    };
                    asked += 1;
                    let experiment = match targets.ask(text, &choice) {
                        Ok(experiment) => experiment,
                        Err(why) => {
                            let why = why.split_once(' ').map_or("", |(_, why)| why);
                            *refusals.entry(why.to_owned()).or_default() += 1;
                            continue;
                        }
                    };
                    let target = Target::new(experiment.target.clone(), &Numerics::cpu());
                    let off = discrepancy(&experiment.plans[0], &target);
                    assert!(
                        off <= 1e-6,
                        "{kind} {dim}-D: off by {off} of the largest entry: {choice:?}"
                    );
                    *counts.entry((kind, rule.name())).or_default() += 1;
                }
            }
        }
    }
    // 12 divergences a config can ask for of a density, 9 that are finite for one with heavy tails, 1
    // of rows; 16 families; 1 to 3 dimensions, quadrature in 2; with fresh and with fixed noise.
    let expected = [
        (("mixture", "gauss-hermite"), 12 * 16 * 3),
        (("mixture", "monte-carlo"), 12 * 16 * 3 * 2),
        (("mixture", "quadrature"), 12 * 16 * 2),
        (("mixture", "quasi-monte-carlo"), 12 * 16 * 3 * 2),
        (("samples", "monte-carlo"), 16 * 3 * 2),
        (("samples", "quasi-monte-carlo"), 16 * 3 * 2),
        (("samples", "rows"), 16 * 3),
        (("student-t", "gauss-hermite"), 9 * 3),
        (("student-t", "monte-carlo"), 9 * 3 * 2),
        (("student-t", "quadrature"), 9 * 2),
        (("student-t", "quasi-monte-carlo"), 9 * 3 * 2),
    ];
    assert_eq!(counts, BTreeMap::from(expected), "{refusals:#?}");
    let refused: usize = refusals.values().sum();
    assert_eq!(asked, counts.values().sum::<usize>() + refused);
    assert_eq!(asked, 3 * 13 * 10 * (16 + 1 + 16));
}

#[test]
fn low_rank_families_of_many_dimensions_agree_with_finite_differences() {
    // Enough of them for the form of low rank to be used.
    let dim = 26;
    let stds = |first: f64| {
        (0..dim)
            .map(|d| first - 0.02 * d as f64)
            .collect::<Vec<_>>()
    };
    let mixture = Mixture::from_stds(
        vec![0.4, 0.6],
        vec![vec![-0.3; dim], vec![0.2; dim]],
        vec![stds(1.6), stds(1.5)],
    )
    .unwrap();
    let target = Target::new(&mixture, &Numerics::cpu());
    let mut tested = 0;
    for components in [1, 2] {
        let config = FamilyConfig {
            components,
            covariance: Covariance::LowRank,
            rank: Some(2),
            ..FamilyConfig::default()
        };
        let family = Family::new(config, dim);
        // The others are flat, or overflow, as far from the target as a random start is here.
        for divergence in [
            DivergenceKind::ForwardKl,
            DivergenceKind::ReverseKl,
            DivergenceKind::Jeffreys,
        ] {
            for rule in [monte_carlo(12), quasi_monte_carlo(16)] {
                let plan = plan(divergence, rule.into(), family.clone());
                let off = discrepancy(&plan, &target);
                assert!(off <= 1e-6, "off by {off}: {divergence:?} {rule:?}");
                tested += 1;
            }
        }
    }
    assert_eq!(tested, 2 * 3 * 2);
}

#[test]
fn a_parameter_of_one_run_moves_no_other_run() {
    let numerics = Numerics::cpu();
    let mut tested = 0;
    for rule in small_rules() {
        if matches!(rule, EstimatorRule::Rows(_)) {
            continue;
        }
        let family = Family::new(
            FamilyConfig {
                components: 2,
                ..FamilyConfig::default()
            },
            2,
        );
        let target = Target::new(three_in_a_plane(), &numerics);
        let plan = plan(DivergenceKind::Js, rule.into(), family);
        let objective = objective(&plan, &target, &numerics, keys(11, 3));
        let theta: Vec<f64> = (0..3).flat_map(|_| somewhere(&plan, &target)).collect();
        let (still, still_gradient) = at(&objective, &numerics, &theta, 3);
        let parameters = theta.len() / 3;
        for i in 0..theta.len() {
            let mut moved = theta.clone();
            moved[i] += 0.1;
            let (value, gradient) = at(&objective, &numerics, &moved, 3);
            for run in 0..3 {
                let entries = run * parameters..(run + 1) * parameters;
                let same = value[run] == still[run]
                    && gradient[entries.clone()] == still_gradient[entries];
                assert_eq!(same, run != i / parameters, "{rule:?} {i} {run}");
            }
            tested += 1;
        }
    }
    assert_eq!(tested, 4 * 3 * 12);
}

#[test]
fn fixed_noise_is_the_same_at_every_step_and_for_every_run() {
    let numerics = Numerics::cpu();
    let target = Target::new(three_in_a_plane(), &numerics);
    for rule in [monte_carlo(24), crate::support::quasi_monte_carlo(24)] {
        for divergence in [DivergenceKind::ForwardKl, DivergenceKind::ReverseKl] {
            let values = |noise: Option<NoiseRule>, step: usize| {
                let estimator = EstimatorConfig {
                    noise,
                    reuse: 0,
                    ..rule.into()
                };
                let plan = plan(divergence, estimator, Family::new(Default::default(), 2));
                let objective = objective(&plan, &target, &numerics, keys(0, 2));
                let theta = somewhere(&plan, &target).repeat(2);
                let theta = numerics.tensor(theta, [2, 5]);
                Numerics::read(objective.value(theta, step)).unwrap()
            };
            let fixed = values(Some(NoiseRule::Fixed), 3);
            assert_eq!(fixed[0], fixed[1]);
            assert_eq!(fixed, values(Some(NoiseRule::Fixed), 8));
            for fresh in [None, Some(NoiseRule::Fresh)] {
                let (three, eight) = (values(fresh, 3), values(fresh, 8));
                assert!(three[0] != three[1] && three[0] != eight[0] && three[1] != eight[1]);
            }
        }
    }
}

#[test]
fn a_fixed_grid_agrees_with_finite_differences() {
    let grid = EstimatorRule::Quadrature(klfit::settings::QuadratureConfig {
        points: Some(101),
        range: Some([-8.0, 8.0]),
    });
    let family = Family::new(FamilyConfig::default(), 1);
    let plan = plan(DivergenceKind::ForwardKl, grid.into(), family);
    let target = Target::new(two_on_a_line(2.0), &Numerics::cpu());
    assert!(discrepancy(&plan, &target) <= 1e-6);
}

/// Total variation aside: where p = q everywhere it has no derivative, and rounding chooses one of
/// the slopes around it.
fn smooth() -> impl Iterator<Item = DivergenceKind> {
    (divergences().into_iter()).filter(|kind| *kind != DivergenceKind::TotalVariation)
}

#[test]
fn the_gradient_is_zero_where_the_fit_is_exact() {
    let numerics = Numerics::cpu();
    // A Gaussian's score is a polynomial, which both rules integrate exactly; of a mixture the error
    // of the rule is left.
    let mut cases = Vec::new();
    for dim in 1..=3 {
        let config = FamilyConfig::default();
        let p = wide(1, dim);
        cases.push((p.clone(), config.clone(), gauss_hermite(6), 1e-12));
        if dim < 3 {
            cases.push((p, config, quadrature(81), 1e-11));
        }
    }
    let three = FamilyConfig {
        components: 3,
        ..FamilyConfig::default()
    };
    cases.push((three_in_a_plane(), three.clone(), quadrature(81), 1e-6));
    cases.push((three_in_a_plane(), three, gauss_hermite(96), 1e-5));
    let mut tested = 0;
    for (p, config, rule, tolerance) in cases {
        let target = Target::new(&p, &numerics);
        let family = Family::new(config, p.dim());
        for divergence in smooth() {
            let plan = plan(divergence, rule.into(), family.clone());
            let objective = objective(&plan, &target, &numerics, keys(0, 1));
            let (value, gradient) = at(&objective, &numerics, &family.theta_of(&p).unwrap(), 1);
            // The cross-entropy ends at the entropy of p.
            if divergence != DivergenceKind::CrossEntropy {
                assert!(value[0].abs() < 1e-12, "{divergence:?} {value:?}");
            }
            assert!(
                gradient.iter().all(|g| g.abs() < tolerance),
                "{divergence:?} {rule:?} {}-D {gradient:?}",
                p.dim()
            );
            tested += 1;
        }
    }
    assert_eq!(tested, 7 * 12);
}

#[test]
fn single_precision_agrees_with_double() {
    let single = Numerics::open(DeviceConfig {
        precision: Precision::F32,
        ..DeviceConfig::default()
    })
    .unwrap();
    let double = Numerics::cpu();
    let targets = Targets::new();
    let mut tested = 0;
    for (text, divergence, rule) in [
        targets.mixture(&mild(2)),
        targets.student_t(&mild(2), 4.0),
        targets.samples(2),
    ]
    .iter()
    .flat_map(|text| {
        divergences()
            .into_iter()
            .map(move |divergence| (text, divergence))
    })
    .flat_map(|(text, divergence)| {
        small_rules()
            .into_iter()
            .map(move |r| (text, divergence, r))
    }) {
        let choice = Choice {
            divergence,
            family: FamilyConfig {
                components: 2,
                ..FamilyConfig::default()
            },
            estimator: rule.into(),
            optimizer: OptimizerConfig::default(),
        };
        let Ok(experiment) = targets.ask(text, &choice) else {
            continue;
        };
        let plan = &experiment.plans[0];
        let run = |numerics: &Numerics| {
            let target = Target::new(experiment.target.clone(), numerics);
            let objective = objective(plan, &target, numerics, keys(0, 1));
            // Where 32 bits can hold every ratio of the densities.
            let theta = plan.family.theta_of(&wide(2, 2)).unwrap();
            at(&objective, numerics, &theta, 1)
        };
        let ((value, gradient), (value32, gradient32)) = (run(&double), run(&single));
        let off = (value[0] - value32[0]).abs();
        assert!(off < 1e-5 * value[0].abs().max(1.0), "{choice:?} {off}");
        let scale = gradient.iter().fold(0.0f64, |most, g| most.max(g.abs()));
        for (a, b) in gradient.iter().zip(&gradient32) {
            assert!((a - b).abs() < 1e-4 * scale, "{choice:?} {a} {b}");
        }
        assert_ne!(gradient, gradient32);
        tested += 1;
    }
    assert_eq!(tested, 12 * 4 + 9 * 4 + 3);
}
