//! Draws of a mixture.

use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};

use super::Mixture;

impl Mixture {
    /// Independent draws, row after row: `count` × D.
    pub fn sample(&self, count: usize, generator: &mut impl rand::Rng) -> Vec<f64> {
        (0..count)
            .flat_map(|_| self.sample_one(generator).1)
            .collect()
    }

    /// One draw (D), with the component it is from.
    pub(crate) fn sample_one(&self, generator: &mut impl rand::Rng) -> (usize, Vec<f64>) {
        let k = self.choose(generator.random());
        let mean = &self.means[k];
        let z: Vec<f64> = (0..self.dim())
            .map(|_| StandardNormal.sample(generator))
            .collect();
        // L z, by columns, which lie side by side in memory.
        let mut x = vec![0.0; z.len()];
        for (j, z) in z.iter().enumerate() {
            for (x, entry) in x[j..].iter_mut().zip(self.factor_column(k, j)) {
                *x += entry * z;
            }
        }
        (x.iter_mut().zip(mean.iter())).for_each(|(x, mean)| *x += mean);
        (k, x)
    }

    /// The component whose share of the unit interval `u` is in.
    pub(crate) fn choose(&self, mut u: f64) -> usize {
        let inside = |weight: &f64| {
            u -= weight;
            u < 0.0
        };
        // Rounded weights may end just short of 1; the last with a share takes what is left.
        (self.weights.iter().position(inside))
            .or_else(|| self.weights.iter().rposition(|weight| *weight > 0.0))
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::DMatrix;

    use super::*;
    use crate::compute::noise::{RunKey, Stream};

    #[test]
    fn draws_have_the_moments_of_the_mixture_and_of_its_components() {
        let matrix = |entries: [f64; 4]| DMatrix::from_row_slice(2, 2, &entries);
        let mixture = Mixture::from_covariances(
            vec![0.3, 0.0, 0.7],
            vec![vec![-40.0, 1.0], vec![0.0, 0.0], vec![40.0, -2.0]],
            vec![
                matrix([1.0, 0.8, 0.8, 2.0]),
                matrix([1.0, 0.0, 0.0, 1.0]),
                matrix([2.0, -1.0, -1.0, 1.0]),
            ],
        )
        .unwrap();
        let generator = |run: u64| RunKey { seed: 5, run }.generator(Stream::Init, 0);
        let count = 200_000;
        let draws = mixture.sample(count, &mut generator(0));
        assert_eq!(draws.len(), 2 * count);
        // The components are far enough apart to be told by the sign of the first coordinate.
        for (k, sign) in [(0, -1.0), (2, 1.0)] {
            let own: Vec<&[f64]> = draws.chunks(2).filter(|x| sign * x[0] > 20.0).collect();
            let n = own.len() as f64;
            let weight = mixture.weights()[k];
            let error = (weight * (1.0 - weight) / count as f64).sqrt();
            assert!((n / count as f64 - weight).abs() < 4.0 * error);
            let (mean, covariance) = (&mixture.means()[k], mixture.component_covariance(k));
            let average = |f: &dyn Fn(&[f64]) -> f64| own.iter().map(|x| f(x)).sum::<f64>() / n;
            for i in 0..2 {
                let error = (covariance[(i, i)] / n).sqrt();
                assert!((average(&|x| x[i] - mean[i])).abs() < 4.0 * error);
                for j in 0..=i {
                    let found = average(&|x| (x[i] - mean[i]) * (x[j] - mean[j]));
                    // The variance of a product of two normals (Isserlis).
                    let product = covariance[(i, i)] * covariance[(j, j)];
                    let error = ((product + covariance[(i, j)].powi(2)) / n).sqrt();
                    assert!((found - covariance[(i, j)]).abs() < 4.0 * error);
                }
            }
        }
        assert!(draws.chunks(2).all(|x| x[0].abs() > 20.0));
    }

    #[test]
    fn a_component_is_chosen_by_its_share() {
        let mixture = Mixture::from_stds(
            vec![0.0, 0.25, 0.0, 0.75, 0.0],
            vec![vec![0.0]; 5],
            vec![vec![1.0]; 5],
        )
        .unwrap();
        let chosen = [0.0, 0.2, 0.25, 0.9, 1.0].map(|u| mixture.choose(u));
        assert_eq!(chosen, [1, 1, 3, 3, 3]);
    }
}
