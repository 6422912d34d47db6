//! The steps of the papers, with their schedules and their clipping.

use nalgebra::DVector;

use super::*;

/// Two runs of two parameters, down ½(x − 1)² and 2(y + 1)².
const START: [f64; 4] = [3.0, 2.0, -1.0, 0.5];
/// One learning rate for each of the two runs.
const RATES: [f64; 2] = [0.1, 0.03];

fn gradient(theta: &[f64]) -> Vec<f64> {
    let one = |(i, x): (usize, &f64)| if i % 2 == 0 { x - 1.0 } else { 4.0 * (x + 1.0) };
    theta.iter().enumerate().map(one).collect()
}

/// θ after each of some steps.
fn path(config: OptimizerConfig, steps: usize) -> Vec<Vec<f64>> {
    let numerics = Numerics::cpu();
    let family = Family::new(FamilyConfig::default(), 1);
    let mut optimizer = config.build(&family, &numerics, &RATES);
    let mut theta = START.to_vec();
    (0..steps)
        .map(|step| {
            let from = Iterate {
                step,
                theta: theta.clone(),
                loss: vec![0.0; 2],
                gradient: gradient(&theta),
                scores: None,
            };
            let moved = optimizer.step(from, &Nowhere).unwrap();
            assert!(moved.stuck.is_empty());
            theta = moved.theta;
            theta.clone()
        })
        .collect()
}

/// Eight steps of a rule against a formula: `direction(t, i, g, θ)` of entry i at step t, from 1.
fn assert_path(config: OptimizerConfig, mut direction: impl FnMut(i32, usize, f64, f64) -> f64) {
    let mut theta = START.to_vec();
    for (t, found) in path(config, 8).iter().enumerate() {
        let gradient = gradient(&theta);
        for i in 0..4 {
            theta[i] -= RATES[i / 2] * direction(t as i32 + 1, i, gradient[i], theta[i]);
            // burn works out Adam's bias correction in 32 bits: 1e-4 of a step of 0.1.
            let off = (found[i] - theta[i]).abs();
            assert!(off < 1e-5, "{config:?} step {t}: {} {}", found[i], theta[i]);
        }
    }
}

#[test]
fn adam_and_adamw_take_the_steps_of_their_papers() {
    // Kingma and Ba (2015), algorithm 1; Loshchilov and Hutter (2019), algorithm 2, with the decay
    // times the learning rate, as is usual.
    let (beta1, beta2, epsilon) = (0.8, 0.95, 1e-3);
    for weight_decay in [0.0, 0.3] {
        let config = if weight_decay == 0.0 {
            OptimizerRule::Adam(AdamConfig {
                beta1,
                beta2,
                epsilon,
            })
        } else {
            OptimizerRule::AdamW(AdamWConfig {
                beta1,
                beta2,
                epsilon,
                weight_decay,
            })
        };
        let (mut m, mut v) = ([0.0; 4], [0.0; 4]);
        assert_path(rule(config), |t, i, g, theta| {
            m[i] = beta1 * m[i] + (1.0 - beta1) * g;
            v[i] = beta2 * v[i] + (1.0 - beta2) * g * g;
            let (m, v): (f64, f64) = (m[i] / (1.0 - beta1.powi(t)), v[i] / (1.0 - beta2.powi(t)));
            m / (v.sqrt() + epsilon) + weight_decay * theta
        });
    }
}

#[test]
fn gradient_descent_rolls_with_its_momentum() {
    // Sutskever et al. (2013): v ← μ v + g; Nesterov's steps along g + μ v.
    for (momentum, nesterov) in [(0.0, false), (0.8, false), (0.8, true)] {
        let mut velocity = [0.0; 4];
        let config = OptimizerRule::Sgd(SgdConfig { momentum, nesterov });
        assert_path(rule(config), |_, i, g, _| {
            velocity[i] = momentum * velocity[i] + g;
            if nesterov {
                g + momentum * velocity[i]
            } else {
                velocity[i]
            }
        });
    }
}

#[test]
fn rmsprop_scales_by_the_running_size_of_the_gradient() {
    // Tieleman and Hinton (2012); centred as in Graves (2013), equations 38 to 45.
    for (momentum, centered) in [(0.0, false), (0.0, true), (0.7, false), (0.7, true)] {
        let config = RmsPropConfig {
            decay: 0.9,
            momentum,
            epsilon: 1e-3,
            centered,
        };
        let (mut square, mut mean, mut velocity) = ([0.0; 4], [0.0; 4], [0.0; 4]);
        assert_path(rule(OptimizerRule::RmsProp(config)), |_, i, g, _| {
            square[i] = 0.9 * square[i] + 0.1 * g * g;
            mean[i] = 0.9 * mean[i] + 0.1 * g;
            let spread: f64 = if centered {
                square[i] - mean[i] * mean[i]
            } else {
                square[i]
            };
            velocity[i] = momentum * velocity[i] + g / (spread.sqrt() + 1e-3);
            velocity[i]
        });
    }
}

/// Steps of one of burn's rules at a rate of 1, from 0 each: they tell its directions.
fn of_burn<O: burn::optim::Optimizer>(rule: O, gradients: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let numerics = Numerics::cpu();
    let mut state = None;
    (gradients.iter())
        .map(|gradient| {
            let gradient: Tensor<2> = numerics.tensor(gradient.clone(), [2, 3]);
            let (moved, next) = rule.step(1.0, gradient.zeros_like(), gradient, state.take());
            state = next;
            Numerics::read(moved.neg()).unwrap()
        })
        .collect()
}

#[test]
fn directions_are_those_of_burn_to_the_bit() {
    let entry = |step: i32, i: i32| (1.7 * f64::from(step + 5 * i) + 0.3).sin() * 10f64.powi(i - 3);
    let gradients: Vec<Vec<f64>> = (0..12)
        .map(|step| (0..6).map(|i| entry(step, i)).collect())
        .collect();
    let directions = |rule: OptimizerRule| -> Vec<Vec<f64>> {
        let family = Family::new(FamilyConfig::default(), 1);
        let Steps::Along(mut rule) = rule.choice().build(&family, &Numerics::cpu()) else {
            panic!("no rate")
        };
        let direction = |gradient: &Vec<f64>| {
            rule.direction(&[0.0; 6], gradient.clone(), &[1.0; 2])
                .unwrap()
        };
        gradients.iter().map(direction).collect()
    };
    let adam = burn::optim::AdamConfig::new().with_epsilon(1e-8);
    let adamw = burn::optim::AdamWConfig::new()
        .with_epsilon(1e-8)
        .with_weight_decay(0.0);
    let adam = adam.with_beta_1(0.9).with_beta_2(0.999).build();
    let adamw = adamw.with_beta_1(0.9).with_beta_2(0.999).build();
    assert_eq!(
        directions(AdamConfig::default().into()),
        of_burn(adam, &gradients)
    );
    let own = AdamWConfig {
        weight_decay: 0.0,
        ..AdamWConfig::default()
    };
    assert_eq!(directions(own.into()), of_burn(adamw, &gradients));
    for (momentum, nesterov) in [(0.0, false), (0.7, false), (0.7, true)] {
        let of_momentum = (momentum > 0.0).then(|| {
            burn::optim::momentum::MomentumConfig::new()
                .with_momentum(momentum)
                .with_dampening(0.0)
                .with_nesterov(nesterov)
        });
        let burns = burn::optim::SgdConfig::new()
            .with_momentum(of_momentum)
            .build();
        let own = SgdConfig { momentum, nesterov };
        assert_eq!(directions(own.into()), of_burn(burns, &gradients));
    }
    for (momentum, centered) in [(0.0, false), (0.7, false), (0.0, true), (0.7, true)] {
        let burns = burn::optim::RmsPropConfig::new()
            .with_alpha(0.99)
            .with_epsilon(1e-8)
            .with_momentum(momentum)
            .with_centered(centered)
            .build();
        let momentum = f64::from(momentum);
        let own = RmsPropConfig {
            momentum,
            centered,
            ..RmsPropConfig::default()
        };
        assert_eq!(directions(own.into()), of_burn(burns, &gradients));
    }
}

#[test]
fn every_first_order_rule_is_tested_above() {
    let names = OptimizerRule::all().map(|rule| rule.name());
    assert_eq!(
        names,
        [
            "adam",
            "adamw",
            "sgd",
            "rmsprop",
            "lbfgs",
            "em",
            "natural-gradient",
            "vips",
            "batch-and-match"
        ]
    );
}

#[test]
fn a_long_gradient_is_shortened_run_by_run() {
    // The gradients at the start are (2, 12), of length √148, and (−2, 6), of length √40.
    for (clip, lengths) in [
        (7.0, [7.0, 40f64.sqrt()]),
        (20.0, [148f64.sqrt(), 40f64.sqrt()]),
        (1.0, [1.0, 1.0]),
    ] {
        let config = OptimizerConfig {
            clip: Some(clip),
            ..rule(OptimizerRule::Sgd(SgdConfig::default()))
        };
        let moved = path(config, 1).swap_remove(0);
        for run in 0..2 {
            let of = |theta: &[f64]| DVector::from_row_slice(&theta[2 * run..2 * run + 2]);
            let step = (of(&START) - of(&moved)) / RATES[run];
            let g = of(&gradient(&START));
            assert!((step.norm() - lengths[run]).abs() < 1e-12, "{clip} {run}");
            assert!((step.normalize() - g.normalize()).norm() < 1e-12);
        }
    }
}

#[test]
fn a_gradient_of_zero_is_not_clipped_to_nan() {
    let numerics = Numerics::cpu();
    let config = OptimizerConfig {
        clip: Some(1.0),
        ..rule(OptimizerRule::Sgd(SgdConfig::default()))
    };
    let family = Family::new(FamilyConfig::default(), 1);
    let mut optimizer = config.build(&family, &numerics, &[0.1]);
    let from = Iterate {
        step: 0,
        theta: vec![1.0, 2.0],
        loss: vec![0.0],
        gradient: vec![0.0; 2],
        scores: None,
    };
    let moved = optimizer.step(from, &Nowhere).unwrap().theta;
    assert_eq!(moved, [1.0, 2.0]);
}

#[test]
fn schedules_take_the_values_worked_out_by_hand() {
    let shares = |schedule: Schedule, steps: usize, warmup: usize, final_rate: f64| {
        let config = OptimizerConfig {
            steps,
            schedule,
            warmup,
            final_rate: (schedule != Schedule::Constant).then_some(final_rate),
            ..OptimizerConfig::default()
        };
        config.check().unwrap();
        (0..steps)
            .map(|step| config.share(step))
            .collect::<Vec<f64>>()
    };
    let half = 0.5 / 2f64.sqrt();
    for (schedule, expected) in [
        (Schedule::Constant, [1.0; 5]),
        (Schedule::Linear, [1.0, 0.775, 0.55, 0.325, 0.1]),
        (
            Schedule::Cosine,
            [
                1.0,
                0.1 + 0.9 * (0.5 + half),
                0.55,
                0.1 + 0.9 * (0.5 - half),
                0.1,
            ],
        ),
        (
            Schedule::Exponential,
            [
                1.0,
                0.1f64.powf(0.25),
                0.1f64.sqrt(),
                0.1f64.powf(0.75),
                0.1,
            ],
        ),
    ] {
        let close = |found: Vec<f64>, expected: &[f64]| {
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(expected) {
                assert!(
                    (found - expected).abs() < 1e-15,
                    "{schedule:?} {found} {expected}"
                );
            }
        };
        close(shares(schedule, 5, 0, 0.1), &expected);
        // A warm-up of three steps rises through the quarters and arrives at all of it.
        let warm = [&[0.25, 0.5, 0.75][..], &expected].concat();
        close(shares(schedule, 8, 3, 0.1), &warm);
        // One step is taken at the full rate, or at the last of the warm-up.
        close(shares(schedule, 1, 0, 0.1), &[1.0]);
        close(shares(schedule, 2, 1, 0.1), &[0.5, 1.0]);
    }
    assert_eq!(Schedule::ALL.len(), 4);
    assert_eq!(shares(Schedule::Linear, 3, 0, 0.0)[2], 0.0);
}

#[test]
fn the_schedule_scales_the_steps() {
    let config = OptimizerConfig {
        steps: 4,
        schedule: Schedule::Linear,
        final_rate: Some(0.1),
        warmup: 1,
        ..rule(OptimizerRule::Sgd(SgdConfig::default()))
    };
    let mut theta = START.to_vec();
    for (found, share) in path(config, 4).iter().zip([0.5, 1.0, 0.55, 0.1]) {
        let gradient = gradient(&theta);
        for i in 0..4 {
            theta[i] -= RATES[i / 2] * share * gradient[i];
            assert!((found[i] - theta[i]).abs() < 1e-14, "{share}");
        }
    }
}
