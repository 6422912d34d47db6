//! A mixture of Gaussians as a person sees it: weights, means, standard deviations, correlations.

use serde::{Deserialize, Serialize};

use super::{is_small, refused};
use crate::error::Result;
use crate::mixture::Mixture;

/// Standard deviations.
const STDS: (f64, f64) = (1e-4, 1e6);
/// A weight sums to 1 with the others up to this.
const WEIGHT_TOLERANCE: f64 = 1e-6;

/// A mixture in one or two dimensions; p as well as q.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::explore) struct MixtureState {
    /// K weights.
    pub weights: Vec<f64>,
    /// K means of D.
    pub means: Vec<Vec<f64>>,
    /// K lists of D standard deviations.
    pub stds: Vec<Vec<f64>>,
    /// K correlations of the two coordinates; 0 in one dimension.
    pub correlations: Vec<f64>,
}

impl MixtureState {
    pub fn from_mixture(mixture: &Mixture) -> Self {
        let (k, dim) = (mixture.components(), mixture.dim());
        let correlation = |c: usize| {
            let covariance = mixture.component_covariance(c);
            match dim {
                2 => covariance[(0, 1)] / (covariance[(0, 0)] * covariance[(1, 1)]).sqrt(),
                _ => 0.0,
            }
        };
        Self {
            weights: mixture.weights().to_vec(),
            means: (mixture.means().iter())
                .map(|mean| mean.as_slice().to_vec())
                .collect(),
            stds: (0..k).map(|c| mixture.component_stds(c)).collect(),
            correlations: (0..k).map(correlation).collect(),
        }
    }

    pub fn components(&self) -> usize {
        self.weights.len()
    }

    /// The density that it is, of up to so many components.
    ///
    /// # Errors
    /// If it is none, or one of another dimension; `name` says whose fault that is.
    pub fn mixture(&self, name: &str, dim: usize, most: usize) -> Result<Mixture> {
        let k = self.components();
        if !(1..=most).contains(&k)
            || [self.means.len(), self.stds.len(), self.correlations.len()] != [k; 3]
        {
            return Err(refused(
                format!("the lists of {name} have {k} weights and other lengths, or too many"),
                format!("give {name} from 1 to {most} components"),
            ));
        }
        let total: f64 = self.weights.iter().sum();
        let are_weights = self.weights.iter().all(|&weight| weight >= 0.0);
        if !(are_weights && (total - 1.0).abs() <= WEIGHT_TOLERANCE) {
            return Err(refused(
                format!("the weights of {name} sum to {total}"),
                "give weights of 0 and above that sum to 1",
            ));
        }
        let covariances = (0..k)
            .map(|c| {
                let rows = self.covariance(name, c, dim)?;
                Ok(nalgebra::DMatrix::from_fn(dim, dim, |i, j| rows[i][j]))
            })
            .collect::<Result<_>>()?;
        Ok(Mixture::from_covariances(
            self.weights.iter().map(|weight| weight / total).collect(),
            self.means.clone(),
            covariances,
        )?)
    }

    /// The covariance of a component, row after row.
    ///
    /// # Errors
    /// If its numbers make none.
    pub fn covariance(&self, name: &str, c: usize, dim: usize) -> Result<Vec<Vec<f64>>> {
        let (mean, stds, correlation) = (&self.means[c], &self.stds[c], self.correlations[c]);
        if mean.len() != dim || stds.len() != dim {
            return Err(refused(
                format!("a mean or a standard deviation of {name} does not have {dim} numbers"),
                "give one for each dimension",
            ));
        }
        if !mean.iter().all(|&x| is_small(x)) {
            return Err(refused(
                format!("a mean of {name} is not a number of size"),
                "give one below a million",
            ));
        }
        if !stds.iter().all(|std| (STDS.0..=STDS.1).contains(std)) {
            return Err(refused(
                format!("a standard deviation of {name} is out of range"),
                "give one from 0.0001 to a million",
            ));
        }
        if correlation.abs() >= 1.0 || correlation.is_nan() || (dim == 1 && correlation != 0.0) {
            return Err(refused(
                format!("a correlation of {name} is {correlation}"),
                "give one between -1 and 1, and 0 in one dimension",
            ));
        }
        let entry = |i: usize, j: usize| {
            let correlation = if i == j { 1.0 } else { correlation };
            correlation * stds[i] * stds[j]
        };
        Ok((0..dim)
            .map(|i| (0..dim).map(|j| entry(i, j)).collect())
            .collect())
    }
}
