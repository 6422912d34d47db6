//! Values with their errors: quadrature against Simpson's rule, sampling against quadrature.

use klfit::internals::kernel::MixtureTensors;
use klfit::internals::{
    ALWAYS_REPORTED, Effort, EstimateMethod, Estimator, Evaluator, MonteCarlo, Quadrature,
    QuasiMonteCarlo, power_integral_diverges,
};
use klfit::{
    DivergenceKind, EstimatorConfig, EstimatorRule, Evaluation, Mixture, Numerics, Target,
};

use crate::support::{
    assert_close, by, divergence_on_a_line, divergences, gauss_hermite, gaussian, keys, mild,
    three_in_a_plane, two_on_a_line, wide,
};

fn evaluate_all(p: &Mixture, q: &Mixture, kinds: &[DivergenceKind], effort: Effort) -> Evaluation {
    let numerics = Numerics::cpu();
    let evaluator = Evaluator::new(numerics.clone(), p.dim(), 0, kinds.to_vec(), effort);
    let p = Target::new(p, &numerics);
    let q = MixtureTensors::constant(q, &numerics);
    evaluator.evaluate(&p, &q).unwrap().swap_remove(0)
}

fn evaluate(p: &Mixture, q: &Mixture, effort: Effort) -> Evaluation {
    evaluate_all(p, q, &ALWAYS_REPORTED, effort)
}

/// The order of the ∫ p^α q^(1−α) that a divergence is made of, where it may be infinite.
fn order(kind: DivergenceKind) -> f64 {
    match kind {
        DivergenceKind::Alpha(order) | DivergenceKind::Renyi(order) => order.value(),
        DivergenceKind::Chi2 => 2.0,
        _ => 0.5,
    }
}

/// An order a little farther from those that are always finite.
fn beyond(order: f64) -> f64 {
    if order < 0.0 {
        order - 0.5
    } else if order > 1.0 {
        order + 0.5
    } else {
        order
    }
}

#[test]
fn quadrature_on_a_line_agrees_with_simpson_within_its_own_error() {
    let uneven = Mixture::from_stds(
        vec![0.9, 0.1],
        vec![vec![-4.0], vec![3.0]],
        vec![vec![0.5], vec![2.0]],
    )
    .unwrap();
    let (mut finite, mut infinite, mut at_the_edge) = (0, 0, 0);
    for p in [two_on_a_line(2.0), two_on_a_line(5.0), uneven] {
        for q in [
            gaussian(1.0, 3.0),
            gaussian(2.5, 0.3),
            gaussian(-1.0, 1.4),
            wide(2, 1),
        ] {
            for kind in divergences() {
                let mut found = evaluate_all(&p, &q, &[kind], Effort::last(1));
                let estimate = found.estimate(kind);
                if !power_integral_diverges(&p, &q, order(kind))
                    && power_integral_diverges(&p, &q, beyond(order(kind)))
                {
                    // So near to where it is infinite its integral reaches beyond the grid.
                    at_the_edge += 1;
                    continue;
                }
                if power_integral_diverges(&p, &q, order(kind)) {
                    found.sharpen(&(&p).into(), &q);
                    assert_eq!(found.estimate(kind).value, f64::INFINITY, "{kind:?}");
                    infinite += 1;
                    continue;
                }
                assert_eq!(estimate.method, EstimateMethod::Quadrature);
                let expected = divergence_on_a_line(kind, &p, &q);
                // Simpson's own error, on tails that reach e⁻³⁰⁰, is what the small part allows.
                let size = expected.abs().max(1.0);
                let tolerance = estimate.error + 1e-9 * size;
                assert_close(estimate.value, expected, tolerance, &kind.name());
                // The corners of total variation are worth the square of the spacing.
                let most = match kind {
                    DivergenceKind::TotalVariation => 1e-5,
                    _ => 1e-8 * size,
                };
                assert!(estimate.error < most, "{kind:?} {estimate:?}");
                finite += 1;
            }
        }
    }
    assert_eq!(finite + infinite + at_the_edge, 3 * 4 * 13);
    assert_eq!((finite, infinite), (139, 14));
}

#[test]
fn closed_forms_agree_with_the_evaluation() {
    let mut tested = 0;
    for dim in [1, 2] {
        let p = wide(1, dim);
        for spread in [0.8, 1.3] {
            let covariance = wide(1, dim).component_covariance(0) * spread;
            let q = Mixture::gaussian(vec![0.4; dim], covariance).unwrap();
            for kind in divergences() {
                let Some(expected) = kind.build().closed_form(&p, &q) else {
                    continue;
                };
                let estimate = evaluate_all(&p, &q, &[kind], Effort::last(1)).estimate(kind);
                let tolerance = match kind {
                    DivergenceKind::TotalVariation => estimate.error.min(1e-4),
                    _ => 1e-9,
                };
                assert_close(estimate.value, expected.value, tolerance, &kind.name());
                tested += 1;
            }
        }
    }
    // All but Jensen–Shannon and the cross-entropy; total variation on a line alone.
    assert_eq!(tested, 2 * (11 + 10));
}

#[test]
fn quadrature_does_not_lose_components_that_are_far_apart() {
    let p = two_on_a_line(1000.0);
    let q = Mixture::from_stds(vec![1.0], vec![vec![1000.0]], vec![vec![1.0]]).unwrap();
    // q is one of p's two halves: KL(q‖p) = ln 2 and JS = ¾ ln(4/3).
    let found = evaluate(&p, &q, Effort::last(1));
    assert_close(
        found.estimate(DivergenceKind::ReverseKl).value,
        2f64.ln(),
        1e-12,
        "KL(q‖p)",
    );
    // JS = H(½p + ½q) − ½H(p) − ½H(q), with masses ¼ and ¾ on the two places.
    let entropy = |w: f64| -w * w.ln();
    let js = entropy(0.25) + entropy(0.75) - 0.5 * 2f64.ln();
    assert_close(found.estimate(DivergenceKind::Js).value, js, 1e-12, "JS");
    // Half of p is 2000 standard deviations away from q.
    let far = 0.5 * (0.5 * 2000f64.powi(2)) - 2f64.ln();
    assert_close(
        found.estimate(DivergenceKind::ForwardKl).value,
        far,
        1e-6,
        "KL(p‖q)",
    );
}

#[test]
fn a_finer_rule_is_within_the_error_of_a_coarser_one_in_a_plane() {
    let p = three_in_a_plane();
    let target = Target::new(&p, &Numerics::cpu());
    let q = Mixture::from_stds(
        vec![0.5, 0.5],
        vec![vec![-1.0, 0.5], vec![1.0, -1.0]],
        vec![vec![1.5, 0.8], vec![0.7, 1.9]],
    )
    .unwrap();
    for kind in ALWAYS_REPORTED {
        let of = |points: usize| by(&Quadrature::new(points), kind, (&target, &q), &keys(0, 1))[0];
        let fine = of(321);
        for points in [21, 41, 81] {
            let coarse = of(points);
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
fn quadrature_says_what_lies_beyond_its_points() {
    // The integrand under q is a normal of standard deviation 2.4 to 4.4 that of q: p is narrow.
    let kind = DivergenceKind::from_name("alpha--0.5").unwrap();
    let p = Mixture::from_stds(vec![1.0], vec![vec![0.0]], vec![vec![1.0]]).unwrap();
    let target = Target::new(&p, &Numerics::cpu());
    for (std, within) in [(1.5, 1e-3), (1.6, 0.3), (1.65, 1.0)] {
        let q = Mixture::from_stds(vec![1.0], vec![vec![0.2]], vec![vec![std]]).unwrap();
        let exact = kind.build().closed_form(&p, &q).unwrap().value;
        let found = by(&Quadrature::new(801), kind, (&target, &q), &keys(0, 1))[0];
        let off = (found.value - exact).abs();
        assert!(off <= found.error, "{std}: {off} {found:?}");
        assert!(found.error <= 10.0 * off + 1e-9, "{std}: {off} {found:?}");
        assert!(found.error < within * exact, "{std}: {found:?} {exact}");
    }
    // Where it does not fall off, nothing is known.
    let q = Mixture::from_stds(vec![1.0], vec![vec![0.2]], vec![vec![1.8]]).unwrap();
    let lost = by(&Quadrature::new(801), kind, (&target, &q), &keys(0, 1))[0];
    assert_eq!(lost.error, f64::INFINITY, "{lost:?}");
}

#[test]
fn gauss_hermite_agrees_with_quadrature_to_ten_digits() {
    let mut tested = 0;
    for dim in 1..=3 {
        let numerics = Numerics::cpu();
        let p = Mixture::from_stds(vec![1.0], vec![vec![0.1; dim]], vec![vec![1.0; dim]]).unwrap();
        let q = Mixture::from_stds(vec![1.0], vec![vec![0.3; dim]], vec![vec![1.1; dim]]).unwrap();
        let target = Target::new(&p, &numerics);
        for kind in divergences() {
            if kind == DivergenceKind::TotalVariation {
                // It bends: no rule has ten digits.
                continue;
            }
            let config: EstimatorConfig = gauss_hermite(32).into();
            let hermite = by(&*config.build(dim), kind, (&target, &q), &keys(0, 1))[0];
            let points = [161, 81, 41][dim - 1];
            let grid = by(&Quadrature::new(points), kind, (&target, &q), &keys(0, 1))[0];
            assert_close(hermite.value, grid.value, 1e-10, &kind.name());
            assert!(hermite.value > 1e-3, "{kind:?} {hermite:?}");
            tested += 1;
        }
    }
    assert_eq!(tested, 3 * 12);
}

/// The mean of some numbers with its standard error.
fn mean(numbers: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let n = numbers.clone().count() as f64;
    let mean = numbers.clone().sum::<f64>() / n;
    let variance = numbers.map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

/// A random rule of 304 points or a few more.
fn few(rule: EstimatorRule) -> EstimatorRule {
    match rule {
        EstimatorRule::MonteCarlo(_) => crate::support::monte_carlo(304),
        _ => crate::support::quasi_monte_carlo(304),
    }
}

#[test]
fn random_points_are_off_by_their_standard_error_and_not_to_one_side() {
    // Whatever the distribution of an estimate, its squared standard error is its variance on
    // average; and its own average is the divergence.
    let mut tested = 0;
    let random = (EstimatorRule::all().into_iter()).filter(EstimatorRule::is_random);
    for rule in random {
        for dim in [1, 2, 3] {
            // Far enough apart that all estimates are about as large as their integrals.
            let p = wide(1, dim);
            let covariance = p.component_covariance(0) * 0.8;
            let q = Mixture::gaussian(vec![1.2; dim], covariance).unwrap();
            let q = if dim < 3 { mild(dim) } else { q };
            let target = Target::new(&p, &Numerics::cpu());
            for kind in divergences() {
                let exact = match (dim, kind.build().closed_form(&p, &q)) {
                    (1, _) => divergence_on_a_line(kind, &p, &q),
                    (2, _) => by(&Quadrature::new(161), kind, (&target, &q), &keys(0, 1))[0].value,
                    (_, Some(exact)) => exact.value,
                    _ => continue,
                };
                let estimator = EstimatorConfig::from(few(rule)).build(dim);
                let estimates = by(&*estimator, kind, (&target, &q), &keys(5, 400));
                assert!(
                    estimates
                        .iter()
                        .all(|e| e.method == EstimateMethod::MonteCarlo)
                );
                let name = format!("{} {} {dim}-D", rule.name(), kind.name());
                let (off, error) = mean(estimates.iter().map(|e| e.value - exact));
                // The logarithm of an average is below the average of a logarithm, by half its
                // variance.
                let bias = match kind {
                    DivergenceKind::Renyi(_) => error * error * 400.0,
                    _ => 0.0,
                };
                assert_close(off, 0.0, 4.0 * error + bias, &name);
                let (surplus, error) = mean(
                    estimates
                        .iter()
                        .map(|e| e.error.powi(2) - (e.value - exact).powi(2)),
                );
                let (variance, _) = mean(estimates.iter().map(|e| e.error.powi(2)));
                assert_close(surplus, 0.0, 4.0 * error, &name);
                assert!(error < 0.25 * variance, "{name}: {error} {variance}");
                tested += 1;
            }
        }
    }
    // In 3-D all with a closed form: not Jensen–Shannon, total variation and cross-entropy.
    assert_eq!(tested, 2 * (13 + 13 + 10));
}

/// The mean and the mean square of (estimate − exact) / error over 400 seeds, each with its standard
/// error.
fn scores(
    estimator: &dyn Estimator,
    kind: DivergenceKind,
    (p, q): (&Mixture, &Mixture),
    exact: f64,
) -> [(f64, f64); 2] {
    let target = Target::new(p, &Numerics::cpu());
    let estimates = by(estimator, kind, (&target, q), &keys(5, 400));
    let scores = estimates.iter().map(|e| (e.value - exact) / e.error);
    [
        mean(scores.clone()),
        mean(scores.map(|score| score * score)),
    ]
}

#[test]
fn monte_carlo_is_within_its_standard_error_as_often_as_it_says() {
    let (p, q) = (three_in_a_plane(), wide(2, 2));
    let target = Target::new(&p, &Numerics::cpu());
    for kind in ALWAYS_REPORTED {
        let exact = by(&Quadrature::new(161), kind, (&target, &q), &keys(0, 1))[0].value;
        // Standard normal, but for the spread of the estimated errors.
        let [(mean, _), (square, _)] = scores(&MonteCarlo::new(600), kind, (&p, &q), exact);
        assert_close(mean, 0.0, 4.0 / 20.0, &kind.name());
        assert_close(square, 1.0, 4.0 * (2.0f64 / 400.0).sqrt(), &kind.name());
    }
}

#[test]
fn the_error_of_eight_nets_is_t_distributed_with_seven_degrees_of_freedom() {
    // One stratum, one side, and an integrand that is odd around its mean, so that the means of the
    // nets are symmetric: log p − log q is linear in x. The mean square of a t with ν = 7 is ν / (ν −
    // 2), and its mean fourth power 3 ν² / ((ν − 2)(ν − 4)).
    let (p, q) = (gaussian(0.0, 1.0), gaussian(1.0, 1.0));
    let square = 7.0 / 5.0;
    let variance = 3.0 * 49.0 / (5.0 * 3.0) - square * square;
    for samples in [64, 512] {
        let estimator = QuasiMonteCarlo::new(samples);
        let found = scores(&estimator, DivergenceKind::ForwardKl, (&p, &q), 0.5);
        assert_close(found[0].0, 0.0, 4.0 * (square / 400.0f64).sqrt(), "mean");
        let tolerance = 4.0 * (variance / 400.0f64).sqrt();
        assert_close(found[1].0, square, tolerance, "mean square");
        // A normal score would be told apart from that by its own spread.
        assert!(found[1].0 > 1.0 + 2.0 * found[1].1, "{found:?}");
    }
}

#[test]
fn quasi_monte_carlo_is_far_more_precise_than_monte_carlo() {
    let (p, q) = (wide(1, 2), wide(2, 2));
    let target = Target::new(&p, &Numerics::cpu());
    for kind in [
        DivergenceKind::ForwardKl,
        DivergenceKind::ReverseKl,
        DivergenceKind::Js,
    ] {
        let exact = by(&Quadrature::new(161), kind, (&target, &q), &keys(0, 1))[0].value;
        let [(spread, said), (quasi_spread, quasi_said)] = [
            &MonteCarlo::new(4096) as &dyn Estimator,
            &QuasiMonteCarlo::new(4096),
        ]
        .map(|estimator| {
            let estimates = by(estimator, kind, (&target, &q), &keys(2, 40));
            let root_mean = |f: &dyn Fn(&klfit::results::Estimate) -> f64| {
                (estimates.iter().map(|e| f(e).powi(2)).sum::<f64>() / 40.0).sqrt()
            };
            (root_mean(&|e| e.value - exact), root_mean(&|e| e.error))
        });
        assert!(
            quasi_spread < 0.2 * spread,
            "{kind:?} {quasi_spread} {spread}"
        );
        assert!(quasi_said < 0.2 * said, "{kind:?} {quasi_said} {said}");
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
        found.estimate(DivergenceKind::ForwardKl),
        found.estimate(DivergenceKind::ReverseKl),
    );
    assert_eq!(f.method, EstimateMethod::MonteCarlo);
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
