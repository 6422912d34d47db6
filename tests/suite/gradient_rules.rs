//! Gradients that are right on average alone: the score function and sticking the landing.

use burn::tensor::Tensor;
use klfit::internals::{Context, Estimator, MonteCarlo, Noise, Sampled, Side, Stream};
use klfit::{
    DivergenceKind, EstimatorConfig, EstimatorRule, Family, FamilyConfig, GradientRule, Mixture,
    Numerics, OptimizerConfig, Target,
};

use crate::gradients::{families, plan};
use crate::support::{
    Choice, Targets, divergences, gauss_hermite, gaussian, keys, mild, monte_carlo, objective,
    quadrature, quasi_monte_carlo, wide,
};

/// R independent gradients at one θ.
pub fn gradients(
    divergence: DivergenceKind,
    family: &Family,
    estimator: EstimatorConfig,
    (target, theta): (&Target, &[f64]),
    runs: usize,
) -> Vec<Vec<f64>> {
    gradients_of_seed(4, divergence, family, estimator, (target, theta), runs)
}

fn gradients_of_seed(
    seed: u64,
    divergence: DivergenceKind,
    family: &Family,
    estimator: EstimatorConfig,
    (target, theta): (&Target, &[f64]),
    runs: usize,
) -> Vec<Vec<f64>> {
    let numerics = Numerics::cpu();
    let plan = plan(divergence, estimator, family.clone());
    let objective = objective(&plan, target, &numerics, keys(seed, runs));
    let theta = numerics.tensor(theta.repeat(runs), [runs, family.parameters()]);
    let (_, gradient) = objective.value_and_gradient(&theta, 7);
    let gradient = Numerics::read(gradient).unwrap();
    gradient
        .chunks(family.parameters())
        .map(<[f64]>::to_vec)
        .collect()
}

/// The mean and the variance of one number.
fn mean_and_variance(numbers: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let n = numbers.clone().count() as f64;
    let mean = numbers.clone().sum::<f64>() / n;
    (
        mean,
        numbers.map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0),
    )
}

fn largest(gradient: &[f64]) -> f64 {
    gradient.iter().fold(0.0, |most, g| most.max(g.abs()))
}

/// E|g − E g|².
fn variance(gradients: &[Vec<f64>]) -> f64 {
    (0..gradients[0].len())
        .map(|i| mean_and_variance(gradients.iter().map(|g| g[i])).1)
        .sum()
}

/// A member of the family around the mild target, and its θ.
fn member(config: &FamilyConfig, dim: usize) -> (Family, Vec<f64>) {
    let family = Family::new(config.clone(), dim);
    let mixture = family.project(&wide(config.components, dim)).unwrap();
    let theta = family.theta_of(&mixture).unwrap();
    (family, theta)
}

/// What a config accepts beside the pathwise gradient, by the rules given.
fn accepted(
    rules: &[EstimatorRule],
) -> Vec<(DivergenceKind, FamilyConfig, EstimatorConfig, usize)> {
    let targets = Targets::new();
    let mut accepted = Vec::new();
    for dim in [1, 2] {
        let text = targets.mixture(&mild(dim));
        for divergence in divergences() {
            for gradient in GradientRule::ALL {
                for family in [1, 2].into_iter().flat_map(families) {
                    for rule in rules {
                        let choice = Choice {
                            divergence,
                            family: family.clone(),
                            estimator: EstimatorConfig {
                                gradient,
                                ..(*rule).into()
                            },
                            optimizer: OptimizerConfig::default(),
                        };
                        if gradient != GradientRule::Pathwise && targets.ask(&text, &choice).is_ok()
                        {
                            accepted.push((divergence, family.clone(), choice.estimator, dim));
                        }
                    }
                }
            }
        }
    }
    accepted
}

#[test]
fn integrated_exactly_they_are_the_pathwise_gradient() {
    // Under a rule that leaves no error, an average of 0 is 0.
    let rules = [quadrature(61), gauss_hermite(48)];
    let cases = accepted(&rules);
    let mut tested = 0;
    for (divergence, config, estimator, dim) in &cases {
        if *divergence == DivergenceKind::TotalVariation {
            // Its gradient jumps where p crosses q, which no rule resolves.
            continue;
        }
        tested += 1;
        let (family, theta) = member(config, *dim);
        let target = Target::new(mild(*dim), &Numerics::cpu());
        let by = |estimator| gradients(*divergence, &family, estimator, (&target, &theta), 1);
        let found = by(*estimator).swap_remove(0);
        let expected = by(quadrature(if *dim == 1 { 401 } else { 61 }).into()).swap_remove(0);
        let scale = largest(&expected);
        for (found, expected) in found.iter().zip(&expected) {
            assert!(
                (found - expected).abs() < 1e-5 * scale,
                "{divergence:?} {estimator:?} {config:?} {dim}-D: {found} {expected} of {scale}"
            );
        }
    }
    // 11 divergences take an expectation under q; sticking the landing is for one.
    assert_eq!(cases.len(), 12 * 2 * 16 * 2);
    assert_eq!(tested, 11 * 2 * 16 * 2);
}

#[test]
fn over_fresh_noise_they_average_to_the_pathwise_gradient() {
    // Everything of one seed shares its noise, and so are its errors alike: several are needed.
    let (seeds, runs) = (0..8, 500);
    let (mut tested, mut beyond) = (0, 0);
    for (divergence, config, estimator, dim) in accepted(&[monte_carlo(8), quasi_monte_carlo(8)]) {
        let untold = match divergence {
            // The logarithm of a random integral is biased, whatever the gradient; what is inside
            // is Amari's divergence of the same order.
            DivergenceKind::Renyi(_) => true,
            // Its gradient jumps where p crosses q, which no rule resolves in a plane.
            DivergenceKind::TotalVariation => dim > 1,
            _ => false,
        };
        if untold {
            continue;
        }
        let (family, theta) = member(&config, dim);
        let target = Target::new(mild(dim), &Numerics::cpu());
        let at = (&target, &theta[..]);
        let fine = quadrature(if dim == 1 { 3201 } else { 81 });
        let expected = gradients(divergence, &family, fine.into(), at, 1).swap_remove(0);
        let of_seeds: Vec<Vec<Vec<f64>>> = (seeds.clone())
            .map(|seed| gradients_of_seed(seed, divergence, &family, estimator, at, runs))
            .collect();
        for (i, expected) in expected.iter().enumerate() {
            for found in &of_seeds {
                let (mean, variance) = mean_and_variance(found.iter().map(|g| g[i]));
                let error = (variance / runs as f64).sqrt();
                beyond += usize::from((mean - expected).abs() > 2.0 * error);
                tested += 1;
            }
            let all = of_seeds.iter().flatten().map(|g| g[i]);
            let (mean, variance) = mean_and_variance(all.clone());
            let error = (variance / all.count() as f64).sqrt();
            assert!(
                (mean - expected).abs() <= 4.0 * error,
                "{divergence:?} {estimator:?} {config:?} {dim}-D, entry {i}: {mean} ± {error}, not \
                 {expected}"
            );
        }
    }
    // Nine divergences by the score function, eight in a plane, and sticking the landing by either
    // rule; 16 families, which have 62 parameters on a line and 116 in a plane.
    assert_eq!(tested, 8 * (11 * 62 + 10 * 116));
    // Two standard errors are passed by one in 22.
    let share = beyond as f64 / tested as f64;
    assert!(share < 0.07, "{share}");
}

#[test]
fn sticking_the_landing_has_no_noise_where_the_fit_is_exact() {
    for components in [1, 2] {
        for dim in 1..=3 {
            let p = wide(components, dim);
            let config = FamilyConfig {
                components,
                ..FamilyConfig::default()
            };
            let family = Family::new(config, dim);
            let theta = family.theta_of(&p).unwrap();
            let target = Target::new(&p, &Numerics::cpu());
            for rule in [monte_carlo(16), quasi_monte_carlo(16)] {
                let of = |gradient: GradientRule| {
                    let estimator = EstimatorConfig {
                        gradient,
                        ..rule.into()
                    };
                    let at = (&target, &theta[..]);
                    gradients(DivergenceKind::ReverseKl, &family, estimator, at, 50)
                };
                for gradient in of(GradientRule::StickingTheLanding) {
                    assert!(largest(&gradient) <= 1e-12, "{gradient:?}");
                }
                for gradient in of(GradientRule::Pathwise) {
                    assert!(largest(&gradient) > 1e-3, "{gradient:?}");
                }
            }
        }
    }
}

#[test]
fn the_variance_of_a_gradient_is_that_of_many_gradients() {
    let numerics = Numerics::cpu();
    for (divergence, gradient, rule) in [
        (
            DivergenceKind::ReverseKl,
            GradientRule::Pathwise,
            monte_carlo(16),
        ),
        (
            DivergenceKind::ReverseKl,
            GradientRule::ScoreFunction,
            monte_carlo(16),
        ),
        (
            DivergenceKind::ReverseKl,
            GradientRule::StickingTheLanding,
            quasi_monte_carlo(16),
        ),
        (
            DivergenceKind::Js,
            GradientRule::ScoreFunction,
            monte_carlo(16),
        ),
        (
            DivergenceKind::ForwardKl,
            GradientRule::Pathwise,
            quasi_monte_carlo(16),
        ),
    ] {
        let config = FamilyConfig {
            components: 2,
            ..FamilyConfig::default()
        };
        let (family, theta) = member(&config, 2);
        let target = Target::new(mild(2), &numerics);
        let estimator = EstimatorConfig {
            gradient,
            ..rule.into()
        };
        let found = gradients(divergence, &family, estimator, (&target, &theta), 4000);
        // A variance from n gradients has a standard error of its own: that of the mean of |g − ḡ|².
        let means: Vec<f64> = (0..theta.len())
            .map(|i| mean_and_variance(found.iter().map(|g| g[i])).0)
            .collect();
        let squares = found.iter().map(|gradient| -> f64 {
            gradient
                .iter()
                .zip(&means)
                .map(|(g, mean)| (g - mean).powi(2))
                .sum()
        });
        let (expected, spread) = mean_and_variance(squares);
        let plan = plan(divergence, estimator, family.clone());
        let runs = 60;
        let objective = objective(&plan, &target, &numerics, keys(9, runs));
        let theta = numerics.tensor(theta.repeat(runs), [runs, family.parameters()]);
        let told = objective.gradient_variance(&theta).unwrap();
        let (mean, told_spread) = mean_and_variance(told.iter().copied());
        let error = (spread / 4000.0 + told_spread / runs as f64).sqrt();
        assert!(
            (mean - expected).abs() < 4.0 * error && error < 0.1 * expected,
            "{divergence:?} {gradient:?}: {mean}, not {expected} ± {error}"
        );
    }
    // Nothing is random in a quadrature.
    let (family, theta) = member(&FamilyConfig::default(), 1);
    let target = Target::new(mild(1), &numerics);
    let plan = plan(DivergenceKind::ReverseKl, quadrature(9).into(), family);
    let objective = objective(&plan, &target, &numerics, keys(9, 1));
    let theta = numerics.tensor(theta, [1, 2]);
    assert_eq!(objective.gradient_variance(&theta).unwrap(), [0.0]);
}

/// N((1, 1, 1), 1).
fn gaussian_in_space() -> Mixture {
    Mixture::from_stds(vec![1.0], vec![vec![1.0; 3]], vec![vec![1.0; 3]]).unwrap()
}

#[test]
fn the_score_function_is_noisier_than_the_path() {
    // Reverse KL in three dimensions, 16 points: the score of every parameter is multiplied by a loss
    // that all coordinates make noisy.
    let (family, theta) = member(&FamilyConfig::default(), 3);
    let target = Target::new(gaussian_in_space(), &Numerics::cpu());
    let [path, score] = [GradientRule::Pathwise, GradientRule::ScoreFunction].map(|gradient| {
        let estimator = EstimatorConfig {
            gradient,
            ..monte_carlo(16).into()
        };
        let at = (&target, &theta[..]);
        variance(&gradients(
            DivergenceKind::ReverseKl,
            &family,
            estimator,
            at,
            2000,
        ))
    });
    assert!(score > 1.5 * path && path > 0.0, "{score} {path}");
}

#[test]
fn leaving_one_out_lowers_the_variance_and_changes_no_average() {
    let numerics = Numerics::cpu();
    let (family, theta) = member(&FamilyConfig::default(), 1);
    // Far from a wide target, where the loss is large and much the same at all points: that is what a
    // baseline takes away.
    let target = Target::new(gaussian(60.0, 20.0), &numerics);
    let divergence = DivergenceKind::ReverseKl.build();
    let keys = keys(6, 2000);
    let gradients = |baseline: bool| -> Vec<Vec<f64>> {
        let theta = numerics.tensor(theta.repeat(keys.len()), [keys.len(), 2]);
        let theta = theta.autodiff().require_grad();
        let q = family.density(theta.clone(), &numerics);
        let context = Context {
            numerics: &numerics,
            dim: 1,
            noise: Noise {
                runs: &keys,
                stream: Stream::FamilyDraws,
                step: 0,
            },
            chunk: 0,
        };
        let draws = MonteCarlo::new(10).draws(&q, context).detached();
        let loss: Tensor<1> = if baseline {
            let sampled = Sampled::new(draws, &target, &q).by_score();
            klfit::internals::value(&*divergence, |side| sampled.mean(&*divergence, side))
        } else {
            use klfit::internals::Density;
            let (log_p, log_q) = (
                target.log_density(draws.x.clone()),
                q.log_density(draws.x.clone()),
            );
            let f = divergence.integrand(Side::Family, log_p, log_q.clone());
            // E[f ∇log q + ∇f] (Williams 1992).
            let score = log_q.clone() - log_q.detach();
            draws.expectation(f.clone() + f.detach() * score)
        };
        let gradient = theta.grad(&loss.sum().backward()).unwrap();
        let gradient = Numerics::read(gradient).unwrap();
        gradient.chunks(2).map(<[f64]>::to_vec).collect()
    };
    let (with, without) = (gradients(true), gradients(false));
    assert!(
        4.0 * variance(&with) < variance(&without),
        "{} {}",
        variance(&with),
        variance(&without)
    );
    for i in 0..2 {
        let (a, a_variance) = mean_and_variance(with.iter().map(|g| g[i]));
        let (b, b_variance) = mean_and_variance(without.iter().map(|g| g[i]));
        let error = ((a_variance + b_variance) / keys.len() as f64).sqrt();
        assert!((a - b).abs() < 4.0 * error, "{a} {b} {error}");
    }
}
