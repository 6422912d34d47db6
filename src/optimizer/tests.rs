//! Every rule against its formula.

use std::cell::Cell;

use nalgebra::{DMatrix, DVector};

use super::adam::AdamConfig;
use super::adamw::AdamWConfig;
use super::lbfgs::LbfgsConfig;
use super::natural_gradient::NaturalGradientConfig;
use super::rmsprop::RmsPropConfig;
use super::sgd::SgdConfig;
use super::*;
use crate::compute::device::Numerics;
use crate::density::family::{Covariance, Family, FamilyConfig};
use crate::divergence::gaussian_kl;
use crate::mixture::Mixture;

/// Two runs of two parameters, down ½(x − 1)² and 2(y + 1)².
const START: [f64; 4] = [3.0, 2.0, -1.0, 0.5];
/// One learning rate for each of the two runs.
const RATES: [f64; 2] = [0.1, 0.03];

fn gradient(theta: &[f64]) -> Vec<f64> {
    let one = |(i, x): (usize, &f64)| if i % 2 == 0 { x - 1.0 } else { 4.0 * (x + 1.0) };
    theta.iter().enumerate().map(one).collect()
}

/// No first-order rule looks around.
struct Nowhere;

impl Landscape for Nowhere {
    fn at(&self, _: &Tensor<2>) -> (Tensor<1>, Tensor<2>) {
        panic!("a first-order rule looked around")
    }
}

/// θ after each of some steps.
fn path(config: OptimizerConfig, steps: usize) -> Vec<Vec<f64>> {
    let numerics = Numerics::cpu();
    let family = Family::new(FamilyConfig::default(), 1);
    let mut optimizer = config.build(&family, &numerics, &RATES);
    let mut theta = START.to_vec();
    (0..steps)
        .map(|step| {
            let from = Point {
                step,
                theta: numerics.tensor(theta.clone(), [2, 2]),
                loss: numerics.tensor(vec![0.0; 2], [2]),
                gradient: numerics.tensor(gradient(&theta), [2, 2]),
            };
            let moved = optimizer.step(from, &Nowhere).unwrap();
            assert!(moved.stuck.is_empty());
            theta = Numerics::read(moved.theta).unwrap();
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

fn rule(rule: RuleConfig) -> OptimizerConfig {
    rule.into()
}

#[test]
fn adam_and_adamw_take_the_steps_of_their_papers() {
    // Kingma and Ba (2015), algorithm 1; Loshchilov and Hutter (2019), algorithm 2, with the decay
    // times the learning rate, as is usual.
    let (beta1, beta2, epsilon) = (0.8, 0.95, 1e-3);
    for weight_decay in [0.0, 0.3] {
        let config = if weight_decay == 0.0 {
            RuleConfig::Adam(AdamConfig {
                beta1,
                beta2,
                epsilon,
            })
        } else {
            RuleConfig::AdamW(AdamWConfig {
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
        let config = RuleConfig::Sgd(SgdConfig { momentum, nesterov });
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
        assert_path(rule(RuleConfig::RmsProp(config)), |_, i, g, _| {
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

#[test]
fn every_first_order_rule_is_tested_above() {
    let names: Vec<&str> = RuleConfig::all().iter().map(RuleConfig::name).collect();
    assert_eq!(
        names,
        [
            "adam",
            "adamw",
            "sgd",
            "rmsprop",
            "lbfgs",
            "natural-gradient"
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
            ..rule(RuleConfig::Sgd(SgdConfig::default()))
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
        ..rule(RuleConfig::Sgd(SgdConfig::default()))
    };
    let family = Family::new(FamilyConfig::default(), 1);
    let mut optimizer = config.build(&family, &numerics, &[0.1]);
    let from = Point {
        step: 0,
        theta: numerics.tensor(vec![1.0, 2.0], [1, 2]),
        loss: numerics.tensor(vec![0.0], [1]),
        gradient: numerics.tensor(vec![0.0; 2], [1, 2]),
    };
    let moved = optimizer.step(from, &Nowhere).unwrap().theta;
    assert_eq!(Numerics::read(moved).unwrap(), [1.0, 2.0]);
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
        ..rule(RuleConfig::Sgd(SgdConfig::default()))
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

// The natural gradient.

fn family(covariance: Covariance, components: usize, dim: usize, min_std: f64) -> Family {
    let config = FamilyConfig {
        components,
        covariance,
        min_std,
        ..FamilyConfig::default()
    };
    Family::new(config, dim)
}

fn member(family: &Family, theta: &[f64]) -> Mixture {
    let numerics = Numerics::cpu();
    let theta = numerics.tensor(theta.to_vec(), [1, theta.len()]);
    let mut read = family.density(theta, &numerics).read().unwrap();
    read.swap_remove(0).unwrap()
}

/// A θ where nothing is zero or equal by chance.
fn uneven(family: &Family) -> Vec<f64> {
    (0..family.parameters())
        .map(|i| 0.4 * (1.3 * i as f64 + 0.5).sin())
        .collect()
}

/// The derivative of a function of θ by every entry, by fourth-order central differences.
fn derivatives<T>(theta: &[f64], f: impl Fn(&[f64]) -> T) -> Vec<T>
where
    T: std::ops::Sub<Output = T> + std::ops::Mul<f64, Output = T> + std::ops::Add<Output = T>,
{
    let h = 1e-4;
    (0..theta.len())
        .map(|i| {
            let moved = |by: f64| {
                let mut theta = theta.to_vec();
                theta[i] += by;
                f(&theta)
            };
            let near = (moved(h) - moved(-h)) * (8.0 / (12.0 * h));
            near - (moved(2.0 * h) - moved(-2.0 * h)) * (1.0 / (12.0 * h))
        })
        .collect()
}

/// The Fisher metric of component k in all of θ by the textbook formula for a Gaussian,
/// ∂μᵀ Σ⁻¹ ∂μ + ½ tr(Σ⁻¹ ∂Σ Σ⁻¹ ∂Σ), with derivatives of mean and covariance by differences.
fn component_fisher(family: &Family, theta: &[f64], k: usize) -> DMatrix<f64> {
    let inverse = (member(family, theta).component_covariance(k))
        .try_inverse()
        .unwrap();
    let means = derivatives(theta, |theta| member(family, theta).means()[k].clone());
    let covariances = derivatives(theta, |theta| member(family, theta).component_covariance(k));
    DMatrix::from_fn(theta.len(), theta.len(), |i, j| {
        let in_mean = (means[i].transpose() * &inverse * &means[j])[0];
        let in_scale = (&inverse * &covariances[i] * &inverse * &covariances[j]).trace();
        in_mean + 0.5 * in_scale
    })
}

fn natural(family: &Family, theta: &[f64], gradient: &[f64]) -> Option<Vec<f64>> {
    let numerics = Numerics::cpu();
    let row = |numbers: &[f64]| numerics.tensor(numbers.to_vec(), [1, numbers.len()]);
    let natural = family.natural_gradient(row(theta), row(gradient), &numerics)?;
    Some(Numerics::read(natural).unwrap())
}

#[test]
fn the_natural_gradient_of_a_gaussian_is_the_inverse_fisher_metric_times_the_gradient() {
    let mut tested = 0;
    for covariance in Covariance::ALL {
        for dim in 1..=3 {
            for floor in [0.0, 0.4] {
                let family = family(covariance, 1, dim, floor);
                let theta = uneven(&family);
                let gradient: Vec<f64> = (theta.iter().enumerate())
                    .map(|(i, _)| (2.1 * i as f64 + 0.3).cos())
                    .collect();
                let Some(found) = natural(&family, &theta, &gradient) else {
                    assert_eq!(covariance, Covariance::LowRank);
                    continue;
                };
                let fisher = component_fisher(&family, &theta, 0);
                let expected = (fisher.lu().solve(&DVector::from_vec(gradient))).unwrap();
                let off = (DVector::from_vec(found) - &expected).amax() / expected.amax();
                assert!(off < 1e-9, "{covariance:?} {dim}-D floor {floor}: {off}");
                tested += 1;
            }
        }
    }
    assert_eq!(tested, 3 * 3 * 2);
}

#[test]
fn the_textbook_metric_is_the_mean_square_of_the_score() {
    // E_q[∂ log q ∂ log qᵀ] on a line by the trapezoidal rule.
    for floor in [0.0, 0.4] {
        let family = family(Covariance::Full, 1, 1, floor);
        let theta = uneven(&family);
        let q = member(&family, &theta);
        let textbook = component_fisher(&family, &theta, 0);
        let mut fisher = DMatrix::zeros(2, 2);
        let (mean, std) = (q.means()[0][0], q.component_stds(0)[0]);
        for i in -400..=400 {
            let z = f64::from(i) * 0.025;
            let x = [mean + std * z];
            let score = derivatives(&theta, |theta| member(&family, theta).log_density(&x));
            let score = DVector::from_vec(score);
            let weight = q.log_density(&x).exp() * std * 0.025;
            fisher += &score * score.transpose() * weight;
        }
        assert!((fisher - textbook).amax() < 1e-8);
    }
}

#[test]
fn the_natural_gradient_of_a_mixture_is_that_of_the_joint_density_of_point_and_component() {
    let mut tested = 0;
    for covariance in Covariance::ALL {
        for dim in [1, 2] {
            let family = family(covariance, 3, dim, 0.1);
            let theta = uneven(&family);
            let gradient: Vec<f64> = (0..theta.len())
                .map(|i| (2.1 * i as f64 + 0.3).cos())
                .collect();
            // The loss does not change where all logits move together, so its gradient sums to 0.
            let mut gradient = gradient;
            let mean = gradient[..3].iter().sum::<f64>() / 3.0;
            gradient[..3].iter_mut().for_each(|g| *g -= mean);
            let Some(found) = natural(&family, &theta, &gradient) else {
                assert_eq!(covariance, Covariance::LowRank);
                continue;
            };
            // The complete-data metric (Titterington 1984): that of the weights, diag(w) − w wᵀ in
            // their logits, plus the sum of those of the components times their weights.
            let weights = member(&family, &theta).weights().to_vec();
            let mut fisher = DMatrix::zeros(theta.len(), theta.len());
            for (k, weight) in weights.iter().enumerate() {
                fisher += component_fisher(&family, &theta, k) * *weight;
            }
            for i in 0..3 {
                for j in 0..3 {
                    let same = if i == j { weights[i] } else { 0.0 };
                    fisher[(i, j)] += same - weights[i] * weights[j];
                }
            }
            let found = DVector::from_vec(found);
            let back = &fisher * &found;
            let gradient = DVector::from_vec(gradient);
            let off = (back - &gradient).amax();
            assert!(off < 1e-9, "{covariance:?} {dim}-D: {off}");
            // Of all steps that differ by a shift of the logits, the shortest.
            assert!(found.rows(0, 3).sum().abs() < 1e-12);
            tested += 1;
        }
    }
    assert_eq!(tested, 3 * 2);
}

#[test]
fn a_natural_step_changes_q_by_no_more_than_its_trust_region() {
    let numerics = Numerics::cpu();
    for covariance in [
        Covariance::Full,
        Covariance::Diagonal,
        Covariance::Isotropic,
    ] {
        for dim in [1, 2, 3] {
            let family = family(covariance, 1, dim, 0.2);
            let theta = uneven(&family);
            let step = |max_kl: f64, rate: f64, size: f64| {
                let config = rule(RuleConfig::NaturalGradient(NaturalGradientConfig {
                    max_kl,
                }));
                let mut optimizer = config.build(&family, &numerics, &[rate]);
                let gradient: Vec<f64> = (0..theta.len())
                    .map(|i| size * (2.1 * i as f64 + 0.3).cos())
                    .collect();
                let from = Point {
                    step: 0,
                    theta: numerics.tensor(theta.clone(), [1, theta.len()]),
                    loss: numerics.tensor(vec![0.0], [1]),
                    gradient: numerics.tensor(gradient, [1, theta.len()]),
                };
                let moved = optimizer.step(from, &Nowhere).unwrap().theta;
                Numerics::read(moved).unwrap()
            };
            let kl = |moved: &[f64]| {
                gaussian_kl(&member(&family, &theta), &member(&family, moved))
                    .unwrap()
                    .value
            };
            // A step far too long is cut to the bound, whatever the rate and the gradient.
            for (rate, size) in [(1.0, 1e3), (0.01, 1e6), (50.0, 100.0)] {
                let found = kl(&step(0.01, rate, size));
                assert!(
                    (found / 0.01 - 1.0).abs() < 0.2,
                    "{covariance:?} {dim}-D: {found}"
                );
            }
            // A short one is left as it is.
            let moved = step(0.1, 1e-3, 1.0);
            assert!(kl(&moved) < 1e-3);
            let gradient: Vec<f64> = (0..theta.len())
                .map(|i| (2.1 * i as f64 + 0.3).cos())
                .collect();
            let natural = natural(&family, &theta, &gradient).unwrap();
            for i in 0..theta.len() {
                assert!((theta[i] - 1e-3 * natural[i] - moved[i]).abs() < 1e-14);
            }
        }
    }
}

// L-BFGS.

/// A function of two parameters.
struct Plane<F: Fn(f64, f64) -> (f64, [f64; 2])> {
    f: F,
    calls: Cell<usize>,
}

impl<F: Fn(f64, f64) -> (f64, [f64; 2])> Plane<F> {
    fn new(f: F) -> Self {
        Self {
            f,
            calls: Cell::new(0),
        }
    }
}

impl<F: Fn(f64, f64) -> (f64, [f64; 2])> Landscape for Plane<F> {
    fn at(&self, theta: &Tensor<2>) -> (Tensor<1>, Tensor<2>) {
        self.calls.set(self.calls.get() + 1);
        let [runs, _] = theta.dims();
        let theta = Numerics::read(theta.clone()).unwrap();
        let (mut losses, mut gradients) = (Vec::new(), Vec::new());
        for x in theta.chunks(2) {
            let (loss, gradient) = (self.f)(x[0], x[1]);
            losses.push(loss);
            gradients.extend(gradient);
        }
        let numerics = Numerics::cpu();
        (
            numerics.tensor(losses, [runs]),
            numerics.tensor(gradients, [runs, 2]),
        )
    }
}

/// Rosenbrock's valley, with its minimum 0 at (1, 1).
fn rosenbrock(x: f64, y: f64) -> (f64, [f64; 2]) {
    let (a, b) = (1.0 - x, y - x * x);
    (a * a + 100.0 * b * b, [-2.0 * a - 400.0 * x * b, 200.0 * b])
}

/// θ and the runs that were stuck, after each of some steps of L-BFGS.
fn quasi_newton(
    landscape: &dyn Landscape,
    start: &[f64],
    steps: usize,
) -> Vec<(Vec<f64>, Vec<usize>)> {
    let numerics = Numerics::cpu();
    let family = Family::new(FamilyConfig::default(), 1);
    let runs = start.len() / 2;
    let config = rule(RuleConfig::Lbfgs(LbfgsConfig::default()));
    let mut optimizer = config.build(&family, &numerics, &vec![1.0; runs]);
    let mut theta = numerics.tensor(start.to_vec(), [runs, 2]);
    (0..steps)
        .map(|step| {
            let (loss, gradient) = landscape.at(&theta);
            let from = Point {
                step,
                theta: theta.clone(),
                loss,
                gradient,
            };
            let moved = optimizer.step(from, landscape).unwrap();
            theta = moved.theta.clone();
            (Numerics::read(moved.theta).unwrap(), moved.stuck)
        })
        .collect()
}

#[test]
fn lbfgs_walks_down_the_valley_of_rosenbrock_from_several_starts_at_once() {
    let starts = [-1.2, 1.0, 2.0, 2.0, 0.0, 0.0, -3.0, -4.0];
    let landscape = Plane::new(rosenbrock);
    let path = quasi_newton(&landscape, &starts, 80);
    let (last, _) = path.last().unwrap();
    for run in 0..4 {
        let (x, y) = (last[2 * run], last[2 * run + 1]);
        assert!(
            (x - 1.0).abs() + (y - 1.0).abs() < 1e-9,
            "run {run}: {x} {y}"
        );
        // No step goes up.
        let mut before = f64::INFINITY;
        for (theta, _) in &path {
            let (loss, _) = rosenbrock(theta[2 * run], theta[2 * run + 1]);
            assert!(loss <= before);
            before = loss;
        }
        // Each run takes the steps it takes alone.
        let alone = quasi_newton(&landscape, &starts[2 * run..2 * run + 2], 80);
        for ((alone, _), (together, _)) in alone.iter().zip(&path) {
            assert_eq!(alone[..], together[2 * run..2 * run + 2]);
        }
    }
    // A trial or two for each step.
    landscape.calls.set(0);
    quasi_newton(&landscape, &starts[..2], 40);
    assert!(
        landscape.calls.get() < 40 + 100,
        "{}",
        landscape.calls.get()
    );
}

#[test]
fn lbfgs_backs_away_from_where_there_are_no_numbers() {
    // The logarithm is NaN beyond x = 1; the minimum is at 1 − x = ¼, y = 0.
    let edge = |x: f64, y: f64| {
        let loss = -4.0 * x - (1.0 - x).ln() + y * y;
        (loss, [-4.0 + 1.0 / (1.0 - x), 2.0 * y])
    };
    let starts = [-5.0, 3.0, 0.99, -1.0];
    let path = quasi_newton(&Plane::new(edge), &starts, 40);
    for (theta, _) in &path {
        assert!(theta.iter().all(|x| x.is_finite()) && theta[0] < 1.0 && theta[2] < 1.0);
    }
    let (last, _) = path.last().unwrap();
    for run in 0..2 {
        assert!(
            (last[2 * run] - 0.75).abs() + last[2 * run + 1].abs() < 1e-7,
            "{last:?}"
        );
    }
}

#[test]
fn lbfgs_says_that_a_run_at_the_minimum_is_stuck_and_leaves_it_there() {
    let bowl = |x: f64, y: f64| (x * x + 3.0 * y * y, [2.0 * x, 6.0 * y]);
    let path = quasi_newton(&Plane::new(bowl), &[0.0, 0.0, 2.0, -1.0], 1);
    let (theta, stuck) = &path[0];
    assert_eq!(theta[..2], [0.0, 0.0]);
    assert_eq!(*stuck, [0]);
    let (loss, _) = bowl(theta[2], theta[3]);
    assert!(loss < 7.0);
}

#[test]
fn lbfgs_gives_up_where_no_step_leads_down() {
    // A slope that is not that of the loss.
    let lie = |x: f64, y: f64| (x + y, [-1.0, -1.0]);
    let path = quasi_newton(&Plane::new(lie), &[1.0, 2.0], 2);
    assert_eq!(path[0], (vec![1.0, 2.0], vec![0]));
}
