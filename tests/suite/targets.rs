//! Targets with heavy tails and families of low rank, against numbers from elsewhere.

use klfit::internals::kernel::MixtureTensors;
use klfit::internals::{
    Context, Density, Effort, Estimator, Evaluator, Noise, Quadrature, RunKey, Stream,
};
use klfit::settings::Random;
use klfit::{
    Covariance, DivergenceKind, Family, FamilyConfig, Fit, LogConfig, Mixture, Numerics,
    OptimizerRule, Start, StudentT, Target, TargetModel,
};
use nalgebra::DMatrix;

use crate::gradients::plan;
use crate::support::{assert_close, by, divergences, gauss_hermite, gaussian, keys};

fn on_a_line(dof: f64) -> StudentT {
    let scales = Mixture::from_stds(
        vec![0.3, 0.7],
        vec![vec![-1.0], vec![2.0]],
        vec![vec![0.5], vec![1.5]],
    )
    .unwrap();
    StudentT::new(scales, dof).unwrap()
}

fn in_a_plane(dof: f64) -> StudentT {
    let scale = |a: f64, b: f64, c: f64| DMatrix::from_row_slice(2, 2, &[a, b, b, c]);
    let scales = Mixture::from_covariances(
        vec![0.6, 0.4],
        vec![vec![-1.0, 0.0], vec![1.5, 1.0]],
        vec![scale(1.0, 0.4, 0.6), scale(0.5, -0.3, 0.8)],
    )
    .unwrap();
    StudentT::new(scales, dof).unwrap()
}

fn target(model: StudentT) -> Target {
    Target::new(TargetModel::StudentT(model), &Numerics::cpu())
}

#[test]
fn the_log_density_of_a_student_t_is_that_of_scipy() {
    // scipy.stats.t and multivariate_t.
    let line = [
        (-30.0, -11.796505412598455),
        (-1.2, -1.4879360700614441),
        (0.4, -2.234410300073686),
        (5.0, -3.4547134122373553),
        (1e4, -34.768775815874434),
    ];
    let cauchy = [
        (-30.0, -8.20401455493595),
        (-1.2, -2.6291713081088153),
        (0.4, -0.9370905210711556),
        (5.0, -4.407144012732084),
        (1e4, -19.788454185016533),
    ];
    let lone = StudentT::new(gaussian(0.5, 0.8), 1.0).unwrap();
    let mut cases: Vec<(StudentT, Vec<f64>, f64)> = Vec::new();
    cases.extend(line.map(|(x, expected)| (on_a_line(3.0), vec![x], expected)));
    cases.extend(cauchy.map(|(x, expected)| (lone.clone(), vec![x], expected)));
    for (dof, expected) in [
        (
            2.5,
            [
                -2.8656305532811848,
                -2.4900528342298234,
                -11.398079030137593,
            ],
        ),
        (
            7.0,
            [
                -2.7095875698178338,
                -2.3682683259396713,
                -16.372490778916088,
            ],
        ),
    ] {
        let points = [vec![0.0, 0.0], vec![-1.3, 0.4], vec![10.0, -7.0]];
        for (x, expected) in points.into_iter().zip(expected) {
            cases.push((in_a_plane(dof), x, expected));
        }
    }
    let numerics = Numerics::cpu();
    for (model, x, expected) in cases {
        assert_close(
            model.log_density(&x),
            expected,
            1e-12 * expected.abs(),
            "on the host",
        );
        let shape = [1, 1, x.len()];
        let x = numerics.tensor(x, shape);
        let found = Numerics::read(target(model).log_density(x)).unwrap()[0];
        assert_close(found, expected, 1e-12 * expected.abs(), "on the device");
    }
}

#[test]
fn points_and_density_of_a_student_t_agree() {
    // Σ w q(x) / p(x) over points of p is the mass of q where p has its own: 1.
    let numerics = Numerics::cpu();
    let key = [RunKey { seed: 0, run: 0 }];
    for dof in [1.0, 3.0, 30.0] {
        for (model, q, points) in [
            (on_a_line(dof), gaussian(0.7, 1.4), 401),
            (
                in_a_plane(dof),
                Mixture::from_stds(vec![1.0], vec![vec![0.2, 0.3]], vec![vec![1.1, 0.9]]).unwrap(),
                161,
            ),
        ] {
            let p = target(model);
            let context = Context {
                numerics: &numerics,
                dim: q.dim(),
                noise: Noise {
                    runs: &key,
                    stream: Stream::TargetDraws,
                    step: 0,
                },
                chunk: 0,
            };
            let draws = Quadrature::new(points).draws(&p, context);
            let log_p = p.log_density(draws.x.clone());
            let log_q = MixtureTensors::constant(&q, &numerics).log_density(draws.x.clone());
            let mass = Numerics::read(draws.expectation((log_q - log_p).exp())).unwrap()[0];
            assert_close(mass, 1.0, 1e-6, &format!("{dof} {}-D", q.dim()));
        }
    }
}

#[test]
fn divergences_from_a_student_t_are_those_of_scipy() {
    // scipy.integrate.quad to 13 digits; in the plane a trapezoidal sum of 801² points.
    let numerics = Numerics::cpu();
    let evaluate = |model: StudentT, q: &Mixture, kind: DivergenceKind| {
        let effort = Effort::last(1);
        let evaluator = Evaluator::new(numerics.clone(), q.dim(), 0, vec![kind], effort);
        let q = MixtureTensors::constant(q, &numerics);
        evaluator.evaluate(&target(model), &q).unwrap()[0].estimate(kind)
    };
    let q = gaussian(0.7, 1.4);
    for (dof, reverse, forward) in [
        (1.0, 0.4061444755786777, None),
        (3.0, 0.2534280327476833, None),
        (8.0, 0.22369999965600493, Some(0.3064953655025731)),
    ] {
        let found = evaluate(on_a_line(dof), &q, DivergenceKind::ReverseKl);
        assert_close(found.value, reverse, 1e-9, "KL(q‖p)");
        assert!(found.error < 1e-8, "{found:?}");
        if let Some(forward) = forward {
            let found = evaluate(on_a_line(dof), &q, DivergenceKind::ForwardKl);
            assert_close(found.value, forward, 1e-9, "KL(p‖q)");
            // A rule that ends where φ is 3e-17 misses some of a heavy tail, and says how much.
            let near = by(
                &Quadrature::new(801),
                DivergenceKind::ForwardKl,
                (&target(on_a_line(dof)), &q),
                &keys(0, 1),
            )[0];
            let off = (near.value - forward).abs();
            assert!(
                off < near.error && near.error < 2.0 * off + 1e-11,
                "{near:?} {forward}"
            );
        }
    }
    let covariance = DMatrix::from_row_slice(2, 2, &[1.2, 0.3, 0.3, 0.9]);
    let q = Mixture::gaussian(vec![0.2, 0.3], covariance).unwrap();
    for (dof, expected) in [(2.5, 0.4235424321975425), (7.0, 0.36087434887769415)] {
        let found = evaluate(in_a_plane(dof), &q, DivergenceKind::ReverseKl);
        assert_close(found.value, expected, 1e-9, "KL(q‖p)");
        // And within its error by a coarse rule.
        let coarse = by(
            &Quadrature::new(41),
            DivergenceKind::ReverseKl,
            (&target(in_a_plane(dof)), &q),
            &keys(0, 1),
        )[0];
        assert_close(coarse.value, expected, coarse.error, "KL(q‖p)");
    }
}

#[test]
fn draws_of_a_student_t_have_its_moments() {
    let model = in_a_plane(8.0);
    let n = 200_000;
    let mut generator = RunKey { seed: 3, run: 0 }.generator(Stream::TargetDiagnostics, 0);
    let rows = model.sample(n, &mut generator);
    // Mean and covariance by numpy, with ν / (ν − 2) = 4/3.
    let mean = [0.0, 0.4];
    let covariance = [[2.566666666666667, 0.76], [0.76, 1.1466666666666667]];
    let known = TargetModel::StudentT(model).moments().unwrap();
    for i in 0..2 {
        assert_close(known.0[i], mean[i], 1e-14, "mean");
        let of = |f: &dyn Fn(&[f64]) -> f64| -> (f64, f64) {
            let values: Vec<f64> = rows.chunks(2).map(f).collect();
            let mean = values.iter().sum::<f64>() / n as f64;
            let square = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n as f64;
            (mean, (square / n as f64).sqrt())
        };
        let (found, error) = of(&|x| x[i]);
        assert_close(found, mean[i], 4.0 * error, "sample mean");
        for j in 0..2 {
            assert_close(known.1[(i, j)], covariance[i][j], 1e-13, "covariance");
            let (found, error) = of(&|x| (x[i] - mean[i]) * (x[j] - mean[j]));
            assert_close(found, covariance[i][j], 4.0 * error, "sample covariance");
            assert!(error < 0.02);
        }
    }
}

#[test]
fn tails_too_heavy_for_a_divergence_are_known() {
    let infinite = |dof: f64, kind: DivergenceKind| {
        let tails = TargetModel::StudentT(on_a_line(dof)).tails();
        kind.infinite_for(tails).is_some()
    };
    assert!(infinite(2.0, DivergenceKind::ForwardKl) && !infinite(2.1, DivergenceKind::ForwardKl));
    for kind in divergences() {
        // Rényi and Amari above order 1 and χ² hold p² / q or the like.
        let of_powers = matches!(kind, DivergenceKind::Chi2)
            || matches!(kind, DivergenceKind::Alpha(o) | DivergenceKind::Renyi(o) if o.value() > 1.0);
        assert_eq!(infinite(50.0, kind), of_powers, "{kind:?}");
    }
}

/// A covariance of σ² and one factor of rank r.
fn low_rank(dim: usize, rank: usize) -> DMatrix<f64> {
    let factors = DMatrix::from_fn(dim, rank, |i, j| ((2 * i + 3 * j) as f64 * 0.9 + 0.4).sin());
    let own = DMatrix::from_fn(
        dim,
        dim,
        |i, j| {
            if i == j { 0.3 + 0.1 * i as f64 } else { 0.0 }
        },
    );
    own + &factors * factors.transpose()
}

fn family(dim: usize, rank: usize) -> Family {
    let config = FamilyConfig {
        covariance: Covariance::LowRank,
        rank: Some(rank),
        ..FamilyConfig::default()
    };
    Family::new(config, dim)
}

#[test]
fn the_density_of_a_low_rank_family_undoes_theta_of() {
    let numerics = Numerics::cpu();
    for (dim, rank) in [(1, 1), (2, 1), (3, 1), (5, 1), (5, 2), (6, 3)] {
        let family = family(dim, rank);
        let member = Mixture::gaussian(vec![0.5; dim], low_rank(dim, rank)).unwrap();
        let theta = family.theta_of(&member).unwrap();
        assert_eq!(theta.len(), family.parameters());
        assert_eq!(theta.len(), dim * (2 + rank));
        let theta = numerics.tensor(theta, [1, family.parameters()]);
        let back = family
            .density(theta, &numerics)
            .read()
            .unwrap()
            .swap_remove(0)
            .unwrap();
        let off = (back.component_covariance(0) - low_rank(dim, rank)).amax();
        assert!(off < 1e-7, "{dim}-D rank {rank}: {off}");
        assert_eq!(back.means(), member.means());
    }
    // Five coordinates with two factors are no member of rank 1.
    let two = Mixture::gaussian(vec![0.0; 5], low_rank(5, 2)).unwrap();
    assert!(family(5, 1).theta_of(&two).is_err());
}

#[test]
fn a_low_rank_family_reaches_a_low_rank_gaussian() {
    let numerics = Numerics::cpu();
    for (dim, rank) in [(2, 1), (4, 1), (4, 2)] {
        let p = Mixture::gaussian(vec![0.5; dim], low_rank(dim, rank)).unwrap();
        let target = Target::new(&p, &numerics);
        let rule = gauss_hermite(4);
        for divergence in [DivergenceKind::ForwardKl, DivergenceKind::ReverseKl] {
            let mut plan = plan(divergence, rule.into(), family(dim, rank));
            plan.start = Start::drawn(Random {}, 2);
            plan.optimizer = OptimizerRule::Lbfgs(Default::default()).into();
            plan.optimizer.steps = 200;
            plan.stop.gradient_norm = Some(1e-8);
            let log = LogConfig {
                every: Some(1000),
                ..LogConfig::default()
            };
            let fit = Fit::new(&plan, &target, &numerics, log, 1).unwrap();
            let last = fit.last().unwrap().unwrap();
            for run in &last.runs {
                let kl = klfit::internals::gaussian_kl(&p, &run.mixture)
                    .unwrap()
                    .value;
                assert!(
                    kl < 1e-8,
                    "{divergence:?} {dim}-D rank {rank}: {kl} {:?}",
                    run.stop
                );
                let family = family(dim, rank);
                assert!(family.contains(&run.mixture));
            }
        }
    }
}
