//! Natural-gradient steps of each component by itself, no farther than it is trusted.

use std::ops::Range;

use nalgebra::{DMatrix, DVector};

use super::Family;
use super::covariance::Covariance;
use crate::mixture::Mixture;

/// Halvings of the interval that the length of a step lies in.
const HALVINGS: usize = 60;
/// Of a component with less weight, the gradient is rounding.
const LEAST_WEIGHT: f64 = 1e-100;
/// What a component keeps of the heaviest weight, however far from the target it is: it may come back.
const KEPT_WEIGHT: f64 = 1e-30;

/// How far a step of [`Family::trust_region_step`] may go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TrustRegion<'a> {
    /// The longest step, as a share of that which is exact for a quadratic log-density.
    pub rate: f64,
    /// The largest KL of each of the K components as it becomes to it as it is, in nats.
    pub components: &'a [f64],
    /// The same of the weights.
    pub weights: f64,
}

impl Family {
    /// Why there is no such step for this family, and what to do; `None` if there is one.
    pub(crate) fn refuses_trust_region(&self) -> Option<(&'static str, &'static str)> {
        (self.covariance() == Covariance::LowRank).then_some((
            "the natural gradient of a low-rank covariance has no closed form",
            "use covariance = \"full\" or \"diagonal\", or choose \"adam\" or \"lbfgs\"",
        ))
    }

    /// θ after one natural-gradient step of every component and of the weights, from θ, q and the gradient of a loss
    /// there, P numbers; `None` if there is none.
    ///
    /// With −wₖ g the gradient in μₖ and −½ wₖ H that in Σₖ, the precision becomes Λ′ = Λ − ρ H and the mean
    /// Λ′ (μ′ − μ) = ρ g, with the longest ρ that keeps KL(new‖old) within the bound: every such Λ′ is positive definite
    /// (Arenz, Zhong and Neumann 2020; of reverse KL, g = E ∇ log(p/q) and H = E ∇² log(p/q) under the component). The
    /// logarithms of the weights go against the slope that each has by itself.
    pub(crate) fn trust_region_step(
        &self,
        theta: &[f64],
        q: &Mixture,
        gradient: &[f64],
        region: TrustRegion,
    ) -> Option<Vec<f64>> {
        if self.refuses_trust_region().is_some() {
            return None;
        }
        let logits = self.logits();
        let mut next = theta.to_vec();
        if logits > 0 {
            let slopes: Vec<f64> = (gradient.iter().zip(q.weights()))
                .map(|(slope, weight)| slope / weight.max(LEAST_WEIGHT))
                .collect();
            let rate = farthest(region.rate, |rate| {
                (change_of_weights(q.weights(), &slopes, rate)) <= region.weights
            });
            for (next, slope) in next.iter_mut().zip(&slopes) {
                *next -= rate * slope;
            }
            // Only their differences count.
            let top = next[..logits].iter().copied().fold(f64::MIN, f64::max);
            for logit in &mut next[..logits] {
                *logit = (*logit - top).max(KEPT_WEIGHT.ln());
            }
        }
        for at in 0..self.components() {
            let weight = match (self.fixed_weights(), logits) {
                (None, 0) => 1.0,
                _ => q.weights()[at],
            };
            if weight < LEAST_WEIGHT {
                continue;
            }
            let [means, scales] = self.places(at);
            let factor = &q.scale_trils()[at];
            let slope = DVector::from_column_slice(&gradient[means.clone()]);
            let push = factor.tr_mul(&slope) * (-1.0 / weight);
            let bend = (self.scale).turned(factor, &gradient[scales.clone()]) * (-1.0 / weight);
            let step = Step::new(push, bend, self.covariance() == Covariance::Full);
            let rate = farthest(region.rate, |rate| step.kl(rate) <= region.components[at]);
            let (moved, spread) = step.taken(rate);
            for (next, moved) in next[means].iter_mut().zip((factor * &moved).iter()) {
                *next += moved;
            }
            next[scales].copy_from_slice(&self.scale.spread(factor, &spread)?);
        }
        next.iter().all(|number| number.is_finite()).then_some(next)
    }

    /// Whether a move of θ leaves a component where it is, its weight aside.
    pub(crate) fn is_still(&self, component: usize, moves: &[f64]) -> bool {
        let mut places = self.places(component).into_iter();
        places.all(|place| moves[place].iter().all(|moved| *moved == 0.0))
    }

    /// How a loss changes along a move of θ, component by component: K products of the move with the gradient, both P
    /// numbers, the weights aside.
    pub(crate) fn slopes_of_components(&self, moves: &[f64], gradient: &[f64]) -> Vec<f64> {
        let slope = |range: Range<usize>| -> f64 {
            let pairs = moves[range.clone()].iter().zip(&gradient[range]);
            pairs.map(|(moved, slope)| moved * slope).sum()
        };
        (0..self.components())
            .map(|at| self.places(at).into_iter().map(slope).sum())
            .collect()
    }
}

/// The longest rate up to `most` that is within bounds; 0 where none is.
fn farthest(most: f64, is_within: impl Fn(f64) -> bool) -> f64 {
    if is_within(most) {
        return most;
    }
    let (mut within, mut beyond) = (0.0, most);
    for _ in 0..HALVINGS {
        let middle = 0.5 * (within + beyond);
        match is_within(middle) {
            true => within = middle,
            false => beyond = middle,
        }
    }
    // Where the gradient is huge the rate is tiny.
    while within == 0.0 && beyond > 0.0 {
        beyond *= 0.5;
        if is_within(beyond) {
            within = beyond;
        }
    }
    within
}

/// KL of the weights after a step to those before, in nats.
fn change_of_weights(weights: &[f64], slopes: &[f64], rate: f64) -> f64 {
    let moves: Vec<f64> = slopes.iter().map(|slope| -rate * slope).collect();
    let top = (moves.iter().zip(weights))
        .filter(|(_, weight)| **weight > 0.0)
        .fold(f64::MIN, |top, (change, _)| top.max(*change));
    let sums = moves
        .iter()
        .zip(weights)
        .fold([0.0, 0.0], |sums, (change, weight)| {
            let grown = weight * (change - top).exp();
            [sums[0] + grown, sums[1] + grown * change]
        });
    // Σ w′ log (w′/w) with w′ = w e^change / Z.
    sums[1] / sums[0] - top - sums[0].ln()
}

/// A step of a component in coordinates where it is a standard normal, along the axes of H.
struct Step {
    /// g along each axis.
    push: DVector<f64>,
    /// H along each axis.
    bend: DVector<f64>,
    /// The axes; those of the coordinates where there are none.
    axes: Option<DMatrix<f64>>,
}

impl Step {
    fn new(push: DVector<f64>, bend: DMatrix<f64>, has_correlations: bool) -> Self {
        let is_known = push.iter().chain(bend.iter()).all(|x| x.is_finite());
        if !has_correlations || !is_known {
            return Self {
                push,
                bend: bend.diagonal(),
                axes: None,
            };
        }
        let eigen = bend.symmetric_eigen();
        Self {
            push: eigen.eigenvectors.tr_mul(&push),
            bend: eigen.eigenvalues,
            axes: Some(eigen.eigenvectors),
        }
    }

    /// KL to what is left behind, in nats; infinite where the precision would not be positive definite.
    fn kl(&self, rate: f64) -> f64 {
        let parts = self.push.iter().zip(self.bend.iter());
        parts.fold(0.0, |sum, (push, bend)| {
            let precision = 1.0 - rate * bend;
            if precision <= 0.0 {
                return f64::INFINITY;
            }
            let moved = rate * push / precision;
            sum + 0.5 * (1.0 / precision - 1.0 + precision.ln() + moved * moved)
        })
    }

    /// The mean and the covariance.
    fn taken(&self, rate: f64) -> (DVector<f64>, DMatrix<f64>) {
        let variances = self.bend.map(|bend| 1.0 / (1.0 - rate * bend));
        let moved = rate * self.push.component_mul(&variances);
        match &self.axes {
            None => (moved, DMatrix::from_diagonal(&variances)),
            Some(axes) => {
                let mut scaled = axes.clone();
                for (mut column, variance) in scaled.column_iter_mut().zip(variances.iter()) {
                    column *= *variance;
                }
                (axes * moved, scaled * axes.transpose())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::compute::device::Numerics;
    use crate::density::family::FamilyConfig;
    use crate::divergence::gaussian_kl;

    fn family(covariance: Covariance, components: usize, dim: usize) -> Family {
        let config = FamilyConfig {
            components,
            covariance,
            ..FamilyConfig::default()
        };
        Family::new(config, dim)
    }

    fn member(family: &Family, theta: &[f64]) -> Mixture {
        let mut members = family.members(theta, &Numerics::cpu()).unwrap();
        members.remove(0).unwrap()
    }

    fn component(q: &Mixture, k: usize) -> Mixture {
        let mean = q.means()[k].as_slice().to_vec();
        Mixture::gaussian(mean, q.component_covariance(k)).unwrap()
    }

    /// A random walk of steps against gradients of any size: each component stays a Gaussian that is no farther than
    /// its bound from what it was, and gets there where more was asked for.
    #[test]
    fn steps_stay_within_their_bounds_and_positive_definite() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        for covariance in [
            Covariance::Full,
            Covariance::Diagonal,
            Covariance::Isotropic,
        ] {
            let family = family(covariance, 3, 4);
            let mut theta = vec![0.0; family.parameters()];
            let (mut at_the_bound, mut steps) = (0, 0);
            for round in 0..34_000 {
                let q = member(&family, &theta);
                let size = 10f64.powf(random.random_range(-6.0..6.0));
                let gradient: Vec<f64> = (theta.iter())
                    .map(|_| size * random.random_range(-1.0..1.0))
                    .collect();
                let bounds = [0.01, 0.3, 2.0];
                let region = TrustRegion {
                    rate: 1.0,
                    components: &bounds,
                    weights: 0.05,
                };
                let next = family
                    .trust_region_step(&theta, &q, &gradient, region)
                    .unwrap();
                let after = member(&family, &next);
                // Every hundredth is looked at with another formula.
                if round % 100 == 0 {
                    for (k, bound) in bounds.into_iter().enumerate() {
                        let kl = gaussian_kl(&component(&after, k), &component(&q, k)).unwrap();
                        assert!(kl.value <= bound + 1e-9, "{covariance:?} {k}: {kl:?}");
                        at_the_bound += usize::from(kl.value > 0.999 * bound);
                        steps += 1;
                    }
                    let kl: f64 = (after.weights().iter().zip(q.weights()))
                        .filter(|(new, _)| **new > 0.0)
                        .map(|(new, old)| new * (new / old).ln())
                        .sum();
                    assert!(kl <= 0.05 + 1e-9, "{kl}");
                }
                // It comes back from where numbers end.
                let is_far = next.iter().any(|number| number.abs() > 100.0);
                theta = if is_far { vec![0.0; next.len()] } else { next };
            }
            assert!(10 * at_the_bound > steps, "{at_the_bound} of {steps}");
        }
    }

    #[test]
    fn a_rate_is_found_however_small_it_is() {
        for most in [1.0, 0.3, 1e-10, 1e-40, 1e-300] {
            let found = farthest(1.0, |rate| rate <= most);
            assert!(found <= most && found >= 0.49 * most, "{most:e}: {found:e}");
        }
        assert_eq!(farthest(1.0, |_| false), 0.0);
    }

    /// Of a Gaussian the precision and the mean are those of the rule, written with inverses.
    #[test]
    fn a_step_is_the_natural_gradient_of_the_precision_and_the_mean() {
        let family = family(Covariance::Full, 1, 2);
        let theta = [0.3, -0.4, 0.2, -0.5, 0.7];
        let q = member(&family, &theta);
        let (sigma, factor) = (q.component_covariance(0), &q.scale_trils()[0]);
        let precision = sigma.clone().try_inverse().unwrap();
        // Of a target with this precision and mean, H = Λ − P and g = P (m − μ).
        let target = DMatrix::from_row_slice(2, 2, &[3.0, -0.8, -0.8, 1.5]);
        let m = DVector::from_vec(vec![1.0, 0.5]);
        let h = &precision - &target;
        let g = &target * (&m - &q.means()[0]);
        let in_factor = -(&h * factor);
        let gradient = [
            -g[0],
            -g[1],
            in_factor[(0, 0)] * factor[(0, 0)],
            in_factor[(1, 1)] * factor[(1, 1)],
            in_factor[(1, 0)],
        ];
        for rate in [1.0, 0.25] {
            let region = TrustRegion {
                rate,
                components: &[f64::INFINITY],
                weights: 1.0,
            };
            let next = family
                .trust_region_step(&theta, &q, &gradient, region)
                .unwrap();
            let after = member(&family, &next);
            let expected = &precision - &h * rate;
            let mean = expected.clone().try_inverse().unwrap()
                * (&precision * &q.means()[0] + (&g - &h * &q.means()[0]) * rate);
            let found = after.component_covariance(0).try_inverse().unwrap();
            assert!((found - expected).norm() < 1e-12, "{rate}");
            assert!((&after.means()[0] - mean).norm() < 1e-12, "{rate}");
        }
    }
}
