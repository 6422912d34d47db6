//! A mixture with fewer components.

use nalgebra::{DMatrix, DVector};

use super::lower_of;
use crate::error::Refusal;
use crate::mixture::Mixture;

/// A component on its way.
#[derive(Debug, Clone)]
struct Part {
    weight: f64,
    mean: DVector<f64>,
    lower: DMatrix<f64>,
    log_det: f64,
}

impl Part {
    fn new(weight: f64, mean: DVector<f64>, lower: DMatrix<f64>) -> Self {
        let log_det = lower.diagonal().iter().map(|entry| entry.ln()).sum();
        Self {
            weight,
            mean,
            lower,
            log_det,
        }
    }

    /// The Gaussian with the moments of both; `None` where numbers end.
    fn merged(&self, other: &Self) -> Option<Self> {
        let weight = self.weight + other.weight;
        let [share, share_of_other] = [self, other].map(|part| part.weight / weight);
        let apart = &other.mean - &self.mean;
        let dim = apart.len();
        let mut rows = DMatrix::zeros(2 * dim + 1, dim);
        rows.rows_mut(0, dim)
            .copy_from(&(self.lower.transpose() * share.sqrt()));
        let scaled = other.lower.transpose() * share_of_other.sqrt();
        rows.rows_mut(dim, dim).copy_from(&scaled);
        let between = (share * share_of_other).sqrt();
        rows.rows_mut(2 * dim, 1)
            .copy_from(&(apart.transpose() * between));
        Some(Self::new(
            weight,
            &self.mean + apart * share_of_other,
            lower_of(rows)?,
        ))
    }

    /// Runnalls' bound of the KL in nats that merging two costs (2007, eq. 16): half the rise of the weighted
    /// log-determinants.
    fn cost(&self, other: &Self) -> f64 {
        let Some(merged) = self.merged(other) else {
            return f64::INFINITY;
        };
        let parts = self.weight * self.log_det + other.weight * other.log_det;
        merged.weight * merged.log_det - parts
    }
}

impl Mixture {
    /// It with so many components at most, by merging two after two, those first that cost the least (Runnalls 2007):
    /// the mean and the covariance of the mixture stay.
    ///
    /// # Errors
    /// If `components` is 0, or merging goes beyond the range of numbers.
    pub fn reduce(&self, components: usize) -> Result<Self, Refusal> {
        if components == 0 {
            return Err(Refusal::new(
                "components",
                "is 0",
                "keep at least one component",
            ));
        }
        let has_weight = (0..self.components()).filter(|&k| self.weights()[k] > 0.0);
        let mut parts: Vec<Part> = has_weight
            .map(|k| {
                let (mean, lower) = (&self.means()[k], &self.scale_trils()[k]);
                Part::new(self.weights()[k], mean.clone(), lower.clone())
            })
            .collect();
        // Of each the least cost with one after it.
        let nearest = |parts: &[Part], i: usize| {
            let costs = (i + 1..parts.len()).map(|j| (parts[i].cost(&parts[j]), j));
            costs.min_by(|a, b| a.0.total_cmp(&b.0))
        };
        let mut least: Vec<Option<(f64, usize)>> =
            (0..parts.len()).map(|i| nearest(&parts, i)).collect();
        while parts.len() > components {
            let found = (least.iter().enumerate())
                .filter_map(|(i, least)| least.map(|(cost, j)| (cost, i, j)))
                .min_by(|a, b| a.0.total_cmp(&b.0));
            let Some((_, i, j)) = found else { break };
            let merged = parts[i].merged(&parts[j]).ok_or_else(|| {
                Refusal::new(
                    "components",
                    format!(
                        "cannot be fewer than {}: what merging two more gives is beyond the range of numbers",
                        parts.len()
                    ),
                    "choose units in which the means and standard deviations are nearer to 1",
                )
            })?;
            parts[i] = merged;
            parts.remove(j);
            least.remove(j);
            for k in 0..parts.len() {
                least[k] = match least[k] {
                    // What was met before j is where it was, and after it a place lower.
                    Some((cost, at)) if k != i && at != i && at != j => {
                        let at = if at > j { at - 1 } else { at };
                        let changed = (k < i).then(|| (parts[k].cost(&parts[i]), i));
                        let better = changed.filter(|(other, _)| *other < cost);
                        Some(better.unwrap_or((cost, at)))
                    }
                    _ => nearest(&parts, k),
                };
            }
        }
        Self::new(
            parts.iter().map(|part| part.weight).collect(),
            parts
                .iter()
                .map(|part| part.mean.as_slice().to_vec())
                .collect(),
            parts.into_iter().map(|part| part.lower).collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mixture(count: usize) -> Mixture {
        let weight = |k: usize| 1.0 + (k as f64).sin().abs();
        let sum: f64 = (0..count).map(weight).sum();
        let factor = |k: usize| {
            let std = 0.2 + (0.7 * k as f64).cos().abs();
            DMatrix::from_row_slice(2, 2, &[std, 0.0, 0.3 * (k as f64).sin(), 0.5 * std])
        };
        Mixture::new(
            (0..count).map(|k| weight(k) / sum).collect(),
            (0..count)
                .map(|k| vec![(1.3 * k as f64).sin() * 4.0, (k as f64).cos()])
                .collect(),
            (0..count).map(factor).collect(),
        )
        .unwrap()
    }

    /// All the way down, as if every pair were looked at again after each merge.
    #[test]
    fn it_merges_the_pair_that_costs_least() {
        let full = mixture(9);
        let mut parts: Vec<Part> = (0..9)
            .map(|k| {
                let (mean, lower) = (&full.means()[k], &full.scale_trils()[k]);
                Part::new(full.weights()[k], mean.clone(), lower.clone())
            })
            .collect();
        for components in (1..9).rev() {
            let pairs = (0..parts.len()).flat_map(|i| (i + 1..=components).map(move |j| (i, j)));
            let cost = |&(i, j): &(usize, usize)| parts[i].cost(&parts[j]);
            let (i, j) = pairs.min_by(|a, b| cost(a).total_cmp(&cost(b))).unwrap();
            parts[i] = parts[i].merged(&parts[j]).unwrap();
            parts.remove(j);
            let found = full.reduce(components).unwrap();
            assert_eq!(found.components(), components);
            for (k, part) in parts.iter().enumerate() {
                assert!(
                    (found.weights()[k] - part.weight).abs() < 1e-14,
                    "{components}"
                );
                assert!(
                    (&found.means()[k] - &part.mean).norm() < 1e-12,
                    "{components}"
                );
            }
        }
    }

    #[test]
    fn the_moments_stay() {
        let full = mixture(12);
        for components in [1, 3, 7, 12, 20] {
            let found = full.reduce(components).unwrap();
            assert!((found.mean() - full.mean()).norm() < 1e-13);
            assert!((found.covariance() - full.covariance()).norm() < 1e-12);
        }
        assert!(full.reduce(0).is_err());
        let far = vec![vec![1e160], vec![-1e160]];
        let far = Mixture::from_stds(vec![0.5; 2], far, vec![vec![1.0]; 2]).unwrap();
        let refusal = far.reduce(1).unwrap_err().to_string();
        assert!(refusal.contains("fewer than 2"), "{refusal}");
    }

    /// Twice the same component is one.
    #[test]
    fn what_is_the_same_goes_first() {
        let one = Mixture::from_stds(
            vec![0.2, 0.5, 0.3],
            vec![vec![0.0], vec![1.0], vec![0.0]],
            vec![vec![1.0], vec![0.1], vec![1.0]],
        )
        .unwrap();
        let found = one.reduce(2).unwrap();
        for x in [-1.0, 0.0, 1.0] {
            assert!((found.log_density(&[x]) - one.log_density(&[x])).abs() < 1e-14);
        }
    }
}
