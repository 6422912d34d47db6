//! Natural gradient within trust regions: where it stays, where it goes, and in which coordinates.

use klfit::settings::{Laplace, MonteCarloConfig, QuadratureConfig, VipsConfig};
use klfit::{
    DivergenceKind, EstimatorConfig, EstimatorRule, Family, FamilyConfig, Fit, GradientRule,
    LogConfig, Mixture, Numerics, OptimizerConfig, OptimizerRule, Plan, Record, Start, StopConfig,
    Target,
};
use nalgebra::DMatrix;

use crate::laplace::benchmark;
use crate::support::{assert_close, sheared, three_in_a_plane};

/// Points of q of which log q does not count.
fn landing(samples: usize) -> EstimatorConfig {
    EstimatorConfig {
        gradient: GradientRule::StickingTheLanding,
        ..EstimatorRule::from(MonteCarloConfig { samples }).into()
    }
}

/// The first and the last step of reverse KL to p.
fn fit(
    p: &Mixture,
    start: Start,
    estimator: EstimatorConfig,
    steps: usize,
    max_kl: f64,
) -> Vec<Record> {
    let components = match &start {
        Start::Given(q) => q.components(),
        _ => p.components(),
    };
    let config = FamilyConfig {
        components,
        ..FamilyConfig::default()
    };
    let rule = VipsConfig {
        max_kl,
        ..VipsConfig::default()
    };
    let plan = Plan {
        label: "vips".into(),
        divergence: DivergenceKind::ReverseKl,
        family: Family::new(config, p.dim()),
        start,
        estimator,
        optimizer: OptimizerConfig {
            steps,
            ..OptimizerRule::from(rule).into()
        },
        stop: StopConfig::NEVER,
        anneal: None,
        adapt: None,
    };
    let numerics = Numerics::cpu();
    let target = Target::new(p, &numerics);
    let log = LogConfig {
        every: Some(steps),
        ..LogConfig::default()
    };
    let fit = Fit::new(&plan, &target, &numerics, log, 5).unwrap();
    fit.map(Result::unwrap).collect()
}

fn given(q: &Mixture) -> Start {
    Start::Given(Box::new(q.clone()))
}

fn reverse(record: &Record) -> f64 {
    let evaluation = &record.runs[0].evaluation;
    evaluation.estimate(DivergenceKind::ReverseKl).value
}

fn last(records: &[Record]) -> &Mixture {
    &records.last().unwrap().runs[0].mixture
}

/// From far away and of another shape: log p is quadratic, and the step is exact.
#[test]
fn to_a_gaussian_it_takes_one_step() {
    let covariance = DMatrix::from_row_slice(2, 2, &[4.0, 0.9, 0.9, 0.25]);
    let p = Mixture::gaussian(vec![3.0, -20.0], covariance).unwrap();
    let q = Mixture::from_stds(vec![1.0], vec![vec![-5.0, 4.0]], vec![vec![0.1, 3.0]]).unwrap();
    let quadrature = EstimatorRule::from(QuadratureConfig::default()).into();
    let records = fit(&p, given(&q), quadrature, 1, 1e9);
    assert!(reverse(&records[0]) > 100.0);
    let off = reverse(&records[1]);
    assert!(off < 1e-9, "{off:e}");
    // Within a trust region it takes some more, and draws lead there as well.
    let records = fit(&p, given(&q), landing(40), 200, 0.1);
    let off = reverse(records.last().unwrap());
    assert!(off < 1e-9, "{off:e}");
}

#[test]
fn at_the_target_it_stays() {
    let p = three_in_a_plane();
    let quadrature = EstimatorRule::from(QuadratureConfig::default()).into();
    // A quadrature has its optimum where its error lets it be; draws of which log q does not count have none.
    for (estimator, most) in [(quadrature, 1e-6), (landing(60), 1e-10)] {
        let records = fit(&p, given(&p), estimator, 20, 0.1);
        let q = last(&records);
        for k in 0..3 {
            assert_close(q.weights()[k], p.weights()[k], most, "weight");
            let off = (&q.means()[k] - &p.means()[k]).norm();
            assert!(off < most, "{estimator:?} {off:e}");
            let off = (&q.scale_trils()[k] - &p.scale_trils()[k]).norm();
            assert!(off < most, "{estimator:?} {off:e}");
        }
    }
}

/// Of a target in other coordinates, of which one is 10⁵ times as wide as the other, the steps are the same.
#[test]
fn steps_do_not_depend_on_the_coordinates() {
    let p = three_in_a_plane();
    let q = Mixture::from_stds(
        vec![0.2, 0.3, 0.5],
        vec![vec![0.0, 1.0], vec![3.0, -1.0], vec![-1.0, -1.0]],
        vec![vec![1.0, 0.5], vec![2.0, 2.0], vec![0.3, 0.9]],
    )
    .unwrap();
    let here = fit(&p, given(&q), landing(90), 30, 0.1);
    let there = fit(&sheared(&p), given(&sheared(&q)), landing(90), 30, 0.1);
    let moved = reverse(&here[0]) - reverse(here.last().unwrap());
    assert!(moved > 0.1, "{moved}");
    let (here, there) = (sheared(last(&here)), last(&there));
    for k in 0..3 {
        assert_close(here.weights()[k], there.weights()[k], 1e-7, "weight");
        let factor = &here.scale_trils()[k];
        let off = factor.clone().try_inverse().unwrap() * (&here.means()[k] - &there.means()[k]);
        assert!(off.norm() < 1e-6, "{off}");
        let ratio = factor.clone().try_inverse().unwrap() * &there.scale_trils()[k];
        assert!((ratio - DMatrix::identity(2, 2)).norm() < 1e-6);
    }
}

/// Ten modes in twenty dimensions from balls with weights that differ by a million.
#[test]
fn light_components_grow_and_the_noise_ends_at_the_target() {
    let p = benchmark(1, 10, 20);
    let weights: Vec<f64> = (0..10)
        .map(|k| if k < 5 { 1e-7 } else { 0.2 - 1e-7 })
        .collect();
    let means = p
        .means()
        .iter()
        .map(|mean| mean.as_slice().to_vec())
        .collect();
    let q = Mixture::from_stds(weights, means, vec![vec![2.0; 20]; 10]).unwrap();
    let records = fit(&p, given(&q), landing(400), 150, 0.1);
    let (first, end) = (reverse(&records[0]), reverse(records.last().unwrap()));
    assert!(first > 10.0 && end < 1e-6, "{first} {end:e}");
    for weight in last(&records).weights() {
        assert_close(*weight, 0.1, 1e-3, "weight");
    }
}

/// A component that is a hundred standard deviations away loses its weight at once, and comes back.
#[test]
fn what_is_far_away_comes_back() {
    let p = Mixture::from_stds(
        vec![0.5, 0.5],
        vec![vec![0.0, 0.0], vec![60.0, 0.0]],
        vec![vec![1.0, 1.0]; 2],
    )
    .unwrap();
    let q = Mixture::from_stds(
        vec![0.5, 0.5],
        vec![vec![0.0, 0.0], vec![160.0, 0.0]],
        vec![vec![1.0, 1.0]; 2],
    )
    .unwrap();
    let records = fit(&p, given(&q), landing(60), 200, 0.1);
    let end = records.last().unwrap();
    assert!(
        end.runs[0]
            .stop
            .as_ref()
            .is_some_and(|stop| !stop.is_failure())
    );
    assert!(reverse(end) < 1e-6, "{}", reverse(end));
}

/// What GMMVI is measured by, from one wide Gaussian: 60,000 evaluations are to bring it below 0.01 nats.
#[test]
fn the_benchmark_takes_few_evaluations() {
    for seed in 0..10 {
        let p = benchmark(seed, 10, 20);
        let start = Laplace {
            climbs: 400,
            climb_std: Some(1000f64.sqrt()),
        };
        let records = fit(&p, Start::drawn(start, 1), landing(400), 5, 0.1);
        let end = records.last().unwrap();
        let evaluations = end.runs[0].evaluations;
        assert!(
            evaluations.log_density < 60_000,
            "seed {seed}: {evaluations:?}"
        );
        assert!(reverse(end) < 1e-6, "seed {seed}: {}", reverse(end));
    }
}

/// Forty Gaussians in the plane, some of them on top of each other, from one wide Gaussian: every one of them.
#[test]
fn all_of_forty_modes_are_found() {
    for seed in 0..3 {
        let p = plane(seed);
        let start = Laplace {
            climbs: 1000,
            climb_std: Some(25.0),
        };
        let records = fit(&p, Start::drawn(start, 1), landing(800), 60, 0.1);
        let end = reverse(records.last().unwrap());
        // A component that is missed costs 0.025 nats.
        assert!(end.abs() < 0.01, "seed {seed}: {end}");
    }
}

/// Means uniform in (−40, 40)², standard deviations 1.31.
fn plane(seed: u64) -> Mixture {
    let means = benchmark(100 + seed, 40, 2).means().to_vec();
    let means = (means.iter())
        .map(|mean| (mean * 0.8).as_slice().to_vec())
        .collect();
    Mixture::from_stds(vec![0.025; 40], means, vec![vec![1.31; 2]; 40]).unwrap()
}
