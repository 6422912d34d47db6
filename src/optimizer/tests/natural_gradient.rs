//! The natural gradient against the Fisher metric.

use nalgebra::{DMatrix, DVector};

use super::*;
use crate::density::family::Covariance;
use crate::divergence::gaussian_kl;
use crate::mixture::Mixture;

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
    let mut members = family.members(theta, &Numerics::cpu()).unwrap();
    members.remove(0).unwrap()
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
                let config = rule(OptimizerRule::NaturalGradient(NaturalGradientConfig {
                    max_kl,
                }));
                let mut optimizer = config.build(&family, &numerics, &[rate]);
                let gradient: Vec<f64> = (0..theta.len())
                    .map(|i| size * (2.1 * i as f64 + 0.3).cos())
                    .collect();
                let from = Iterate {
                    step: 0,
                    theta: theta.clone(),
                    loss: vec![0.0],
                    gradient,
                    scores: None,
                };
                optimizer.step(from, &Nowhere).unwrap().theta
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
