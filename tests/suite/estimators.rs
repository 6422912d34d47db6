//! Values with their errors: quadrature against Simpson's rule, sampling against quadrature.

use klfit::Mixture;
use klfit::density::Density;
use klfit::device::Numerics;
use klfit::divergence::{DivergenceKind, Estimate, Method, Sampled, Side};
use klfit::estimator::{Context, Estimator, MonteCarlo, Quadrature};
use klfit::evaluate::{ALWAYS_REPORTED, Effort, Evaluator};
use klfit::kernel::MixtureTensors;
use klfit::noise::{NoiseKey, Stream};

use crate::support::{assert_close, divergences_on_a_line, three_in_a_plane, two_on_a_line};

fn evaluate(p: &Mixture, q: &Mixture, effort: Effort) -> klfit::evaluate::Evaluation {
    let numerics = Numerics::cpu();
    let evaluator = Evaluator::new(
        numerics.clone(),
        p.dim(),
        0,
        ALWAYS_REPORTED.to_vec(),
        effort,
    );
    let p = MixtureTensors::constant(p, &numerics);
    let q = MixtureTensors::constant(q, &numerics);
    evaluator.evaluate(&p, &q).unwrap().swap_remove(0)
}

/// A divergence by one estimator.
fn by(
    estimator: &dyn Estimator,
    kind: DivergenceKind,
    p: &Mixture,
    q: &Mixture,
    seed: u64,
) -> Estimate {
    let numerics = Numerics::cpu();
    let (p_device, q_device) = (
        MixtureTensors::constant(p, &numerics),
        MixtureTensors::constant(q, &numerics),
    );
    let divergence = kind.build();
    (divergence.sides().iter())
        .map(|&side| {
            let (density, stream): (&dyn Density, _) = match side {
                Side::Target => (&p_device, Stream::TargetDraws),
                Side::Family => (&q_device, Stream::FamilyDraws),
            };
            let context = Context {
                numerics: &numerics,
                dim: p.dim(),
                runs: 1,
                key: NoiseKey {
                    seed,
                    stream,
                    step: 0,
                },
            };
            let draws = estimator.draws(density, context);
            Sampled::new(draws, &p_device, &q_device)
                .estimate(&*divergence, side)
                .unwrap()[0]
        })
        .reduce(Estimate::plus)
        .unwrap()
}

#[test]
fn quadrature_on_a_line_agrees_with_simpson_within_its_own_error() {
    let wide = Mixture::from_stds(vec![1.0], vec![vec![1.0]], vec![vec![3.0]]).unwrap();
    let narrow = Mixture::from_stds(vec![1.0], vec![vec![2.5]], vec![vec![0.3]]).unwrap();
    let uneven = Mixture::from_stds(
        vec![0.9, 0.1],
        vec![vec![-4.0], vec![3.0]],
        vec![vec![0.5], vec![2.0]],
    )
    .unwrap();
    for p in [two_on_a_line(2.0), two_on_a_line(5.0), uneven] {
        for q in [&wide, &narrow] {
            let found = evaluate(&p, q, Effort::last(1));
            let (forward, reverse, js) = divergences_on_a_line(&p, q);
            for (kind, expected) in ALWAYS_REPORTED.into_iter().zip([forward, reverse, js]) {
                let estimate = found.of(kind);
                assert_eq!(estimate.method, Method::Quadrature);
                // Simpson's own error, on tails that reach e⁻³⁰⁰, is what the small part allows.
                let tolerance = estimate.error + 1e-9 * expected.abs().max(1.0);
                assert_close(estimate.value, expected, tolerance, kind.name());
                assert!(estimate.error < 1e-8, "{estimate:?}");
            }
        }
    }
}

#[test]
fn quadrature_does_not_lose_components_that_are_far_apart() {
    let p = two_on_a_line(1000.0);
    let q = Mixture::from_stds(vec![1.0], vec![vec![1000.0]], vec![vec![1.0]]).unwrap();
    // q is one of p's two halves: KL(q‖p) = ln 2 and JS = ¾ ln(4/3).
    let found = evaluate(&p, &q, Effort::last(1));
    assert_close(
        found.of(DivergenceKind::ReverseKl).value,
        2f64.ln(),
        1e-12,
        "KL(q‖p)",
    );
    // JS = H(½p + ½q) − ½H(p) − ½H(q), with masses ¼ and ¾ on the two places.
    let entropy = |w: f64| -w * w.ln();
    let js = entropy(0.25) + entropy(0.75) - 0.5 * 2f64.ln();
    assert_close(found.of(DivergenceKind::Js).value, js, 1e-12, "JS");
    // Half of p is 2000 standard deviations away from q.
    let far = 0.5 * (0.5 * 2000f64.powi(2)) - 2f64.ln();
    assert_close(
        found.of(DivergenceKind::ForwardKl).value,
        far,
        1e-6,
        "KL(p‖q)",
    );
}

#[test]
fn a_finer_rule_is_within_the_error_of_a_coarser_one_in_a_plane() {
    let p = three_in_a_plane();
    let q = Mixture::from_stds(
        vec![0.5, 0.5],
        vec![vec![-1.0, 0.5], vec![1.0, -1.0]],
        vec![vec![1.5, 0.8], vec![0.7, 1.9]],
    )
    .unwrap();
    for kind in ALWAYS_REPORTED {
        let fine = by(&Quadrature::new(321), kind, &p, &q, 0);
        for points in [21, 41, 81] {
            let coarse = by(&Quadrature::new(points), kind, &p, &q, 0);
            let off = (coarse.value - fine.value).abs();
            assert!(
                off <= coarse.error + 1e-13,
                "{} {points}: {off} > {}",
                kind.name(),
                coarse.error
            );
        }
    }
}

#[test]
fn sampling_is_within_its_standard_error_as_often_as_it_says() {
    let p = three_in_a_plane();
    let q = Mixture::from_stds(
        vec![0.7, 0.3],
        vec![vec![-1.0, 0.5], vec![1.0, -1.0]],
        vec![vec![1.5, 0.8], vec![0.7, 1.9]],
    )
    .unwrap();
    for kind in ALWAYS_REPORTED {
        let exact = by(&Quadrature::new(161), kind, &p, &q, 0).value;
        let trials = 400;
        let scores: Vec<f64> = (0..trials)
            .map(|seed| {
                let estimate = by(&MonteCarlo::new(300), kind, &p, &q, seed);
                assert_eq!(estimate.method, Method::MonteCarlo);
                (estimate.value - exact) / estimate.error
            })
            .collect();
        // The scores are standard normal, but for the spread of the estimated errors: their mean
        // within 4 standard errors of 0, their mean square within 4 of 1.
        let n = f64::from(trials as u32);
        let mean = scores.iter().sum::<f64>() / n;
        let square = scores.iter().map(|s| s * s).sum::<f64>() / n;
        assert_close(mean, 0.0, 4.0 / n.sqrt(), kind.name());
        assert_close(square, 1.0, 4.0 * (2.0 / n).sqrt(), kind.name());
    }
}

#[test]
fn above_two_dimensions_the_evaluation_is_within_three_standard_errors() {
    // Independent coordinates: the KL of a product is the sum of the KLs of its factors.
    let dim = 4;
    let p = Mixture::from_stds(vec![1.0], vec![vec![0.0; dim]], vec![vec![1.0; dim]]).unwrap();
    let q = Mixture::from_stds(vec![1.0], vec![vec![0.3; dim]], vec![vec![1.4; dim]]).unwrap();
    let found = evaluate(&p, &q, Effort::logged(20_000));
    let kl = |m: f64, s1: f64, s2: f64| (s2 / s1).ln() + (s1 * s1 + m * m) / (2.0 * s2 * s2) - 0.5;
    let (forward, reverse) = (4.0 * kl(0.3, 1.0, 1.4), 4.0 * kl(0.3, 1.4, 1.0));
    let (f, r) = (
        found.of(DivergenceKind::ForwardKl),
        found.of(DivergenceKind::ReverseKl),
    );
    assert_eq!(f.method, Method::MonteCarlo);
    assert_close(f.value, forward, 3.0 * f.error, "KL(p‖q)");
    assert_close(r.value, reverse, 3.0 * r.error, "KL(q‖p)");
    assert!(f.error < 0.02 && r.error < 0.05);
}

#[test]
fn a_rule_too_coarse_for_a_narrow_target_is_refined_and_makes_no_optima_of_its_own() {
    // With 201 points a wide q steps over bumps of width 0.2: the sum has stationary points where
    // the divergence has none.
    let run = crate::support::run_text(
        r#"
        name = "narrow"
        restarts = 32
        [target]
        weights = [0.5, 0.5]
        means = [[-3.0], [3.0]]
        stds = [[0.2], [0.2]]
        [[fit]]
        divergence = "reverse-kl"
        "#,
    );
    let trajectory = run.folder.trajectory("reverse-kl").unwrap();
    for row in &trajectory.rows {
        let (kl, error) = row.divergence(DivergenceKind::ReverseKl);
        let tolerance = 2e-5 * kl.abs().max(1.0) + error;
        assert_close(row.loss, kl, tolerance, "the loss is the divergence");
        assert!(row.loss_error <= 1e-5 * row.loss.abs().max(1.0));
    }
    // The two bumps, and the covering optimum where a start found it.
    for optimum in &run.summary.fits[0].optima {
        let mean = optimum.mixture.means[0][0];
        assert!(
            mean.abs() < 1e-3 || (mean.abs() - 3.0).abs() < 1e-3,
            "{optimum:?}"
        );
    }
}
