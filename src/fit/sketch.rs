//! Sketches of mixtures: a few numbers each, by which most that differ are told apart.
//!
//! A sketch holds the characteristic function φ(t) = E exp(i tᵀx) at some t, which has a closed form. Between
//! two densities |φ₁(t) − φ₂(t)| ≤ ∫|q₁ − q₂| ≤ √(8 JS), the latter by Pinsker's inequality for each half of
//! the Jensen–Shannon divergence. So a sketch that is far from another needs no integral.

use nalgebra::DVector;

use crate::compute::noise::{Noise, RunKey, Stream};
use crate::mixture::Mixture;

/// The lengths of t, in units of the spread of all mixtures: each is used for several directions.
const LENGTHS: [f64; 3] = [0.4, 0.8, 1.6];
/// Directions of each length.
const DIRECTIONS: usize = 4;

/// The sketch of each of several mixtures.
pub(super) struct Sketches(Vec<[[f64; 2]; LENGTHS.len() * DIRECTIONS]>);

impl Sketches {
    pub fn new(mixtures: &[&Mixture]) -> Self {
        let Some(dim) = mixtures.first().map(|mixture| mixture.dim()) else {
            return Self(Vec::new());
        };
        let spread = spread(mixtures, dim);
        let directions = Noise {
            runs: &[RunKey { seed: 0, run: 0 }],
            stream: Stream::Init,
            step: 0,
        };
        let directions = directions.normals(LENGTHS.len() * DIRECTIONS * dim);
        let sketch = |mixture: &&Mixture| {
            std::array::from_fn(|i| {
                let length = LENGTHS[i % LENGTHS.len()] / (dim as f64).sqrt();
                let direction = &directions[i * dim..][..dim];
                let t: Vec<f64> = (direction.iter().zip(&spread))
                    .map(|(direction, spread)| length * direction / spread)
                    .collect();
                mixture.characteristic_function(&t)
            })
        };
        Self(mixtures.iter().map(sketch).collect())
    }

    /// Whether a JS above `tolerance`, in nats, is certain between two of them.
    pub fn are_apart(&self, one: usize, other: usize, tolerance: f64) -> bool {
        let bound = (8.0 * tolerance).sqrt();
        (self.0[one].iter().zip(&self.0[other]))
            .any(|(a, b)| (a[0] - b[0]).hypot(a[1] - b[1]) > bound)
    }
}

/// The standard deviation in each coordinate of all mixtures taken as one.
fn spread(mixtures: &[&Mixture], dim: usize) -> Vec<f64> {
    let count = mixtures.len() as f64;
    let mean = mixtures.iter().map(|mixture| mixture.mean() / count);
    let mean = mean.fold(DVector::zeros(dim), |sum, mean| sum + mean);
    let mut variances = vec![0.0; dim];
    for mixture in mixtures {
        for (k, (weight, own)) in mixture.weights().iter().zip(mixture.means()).enumerate() {
            let stds = mixture.component_stds(k);
            for (d, variance) in variances.iter_mut().enumerate() {
                *variance += weight / count * (stds[d].powi(2) + (own[d] - mean[d]).powi(2));
            }
        }
    }
    variances.into_iter().map(f64::sqrt).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn gaussian(mean: f64, std: f64) -> Mixture {
        Mixture::from_stds(vec![1.0], vec![vec![mean]], vec![vec![std]]).unwrap()
    }

    /// JS by a fine sum.
    pub fn js(p: &Mixture, q: &Mixture) -> f64 {
        let h = 0.01;
        (-3000..3000)
            .map(|i| {
                let x = [f64::from(i) * h];
                let (p, q) = (p.log_density(&x).exp(), q.log_density(&x).exp());
                let m = 0.5 * (p + q);
                let part = |a: f64| if a > 0.0 { 0.5 * a * (a / m).ln() } else { 0.0 };
                h * (part(p) + part(q))
            })
            .sum()
    }

    #[test]
    fn what_is_called_apart_is() {
        let mixtures: Vec<Mixture> = (0..40)
            .map(|i| gaussian(0.03 * f64::from(i), 1.0 + 0.01 * f64::from(i % 7)))
            .chain([0.0, 0.02, 3.0, 5.0].map(|mean| {
                let means = vec![vec![-mean], vec![mean]];
                Mixture::from_stds(vec![0.3, 0.7], means, vec![vec![1.0], vec![0.5]]).unwrap()
            }))
            .collect();
        let borrowed: Vec<&Mixture> = mixtures.iter().collect();
        let sketches = Sketches::new(&borrowed);
        let (mut apart, mut pairs) = (0, 0);
        for one in 0..mixtures.len() {
            for other in 0..one {
                let js = js(&mixtures[one], &mixtures[other]);
                for tolerance in [3e-4, 1e-2] {
                    let told = sketches.are_apart(one, other, tolerance);
                    assert!(!told || js > tolerance, "{one} {other} {js}");
                    pairs += usize::from(js > 16.0 * tolerance);
                    apart += usize::from(js > 16.0 * tolerance && told);
                }
            }
        }
        // Most of those that are far apart are told.
        assert!(apart * 10 > pairs * 9, "{apart} of {pairs}");
    }
}
