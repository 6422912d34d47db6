//! The approximation q: mixtures of K Gaussians, as pure functions of one unconstrained vector θ.
//!
//! θ of a run is `[logits (K, none for K = 1 or given weights) | means (K·D) | scales (K·S)]`. The
//! weights are the softmax of the logits. The scales make L: its diagonal is a floor, 0 unless
//! asked for, plus the exponential of its θ, so that a relative change of a standard deviation costs
//! the same at any scale; its other entries are their θ itself.

mod batch_and_match;
mod covariance;
mod em;
mod low_rank;
mod member;
mod names;
mod on_host;
mod slots;
mod trust_region;

pub(crate) use on_host::HostMembers;

use std::ops::Range;

use burn::tensor::{Tensor, activation::log_softmax};
use serde::{Deserialize, Serialize};

pub(crate) use batch_and_match::Batch;
pub use covariance::Covariance;
pub use member::NotInFamily;
pub(crate) use trust_region::TrustRegion;

use crate::compute::device::Numerics;
use crate::compute::kernel::MixtureTensors;
use crate::mixture::Mixture;
use covariance::ScaleMap;

/// A weight counts as no less than this in the natural gradient, or a component that is almost gone
/// would move without bound.
const LEAST_WEIGHT: f64 = 1e-3;

/// `[family]` of a config.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a section")]
pub struct FamilyConfig {
    /// K, the number of components; 1 is a Gaussian.
    pub components: usize,
    /// The structure of every component's covariance.
    pub covariance: Covariance,
    /// r, the rank of a low-rank covariance besides its diagonal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rank: Option<usize>,
    /// K weights that stay as they are; learned if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<Vec<f64>>,
    /// The diagonal of every Cholesky factor stays above this: the standard deviation of each
    /// coordinate given those before it. It keeps a component from collapsing onto a row.
    pub min_std: f64,
}

impl Default for FamilyConfig {
    fn default() -> Self {
        Self {
            components: 1,
            covariance: Covariance::Full,
            rank: None,
            weights: None,
            min_std: 0.0,
        }
    }
}

/// Mixtures of K Gaussians in D dimensions with one covariance structure.
#[derive(Debug, Clone, PartialEq)]
pub struct Family {
    components: usize,
    /// Weights that are not learned.
    weights: Option<Vec<f64>>,
    scale: ScaleMap,
}

impl Family {
    /// The family a config describes, in D = `dim` dimensions.
    pub fn new(config: FamilyConfig, dim: usize) -> Self {
        Self {
            components: config.components,
            weights: config.weights,
            scale: ScaleMap {
                covariance: config.covariance,
                dim,
                rank: config.rank.unwrap_or(1),
                floor: config.min_std,
            },
        }
    }

    /// K.
    pub fn components(&self) -> usize {
        self.components
    }

    /// D.
    pub fn dim(&self) -> usize {
        self.scale.dim
    }

    /// Whether low-rank covariances are written out as full ones, as they are in few dimensions.
    pub(crate) fn is_written_out(&self) -> bool {
        self.scale.is_written_out()
    }

    /// The structure of the covariances.
    pub fn covariance(&self) -> Covariance {
        self.scale.covariance
    }

    /// The weights, where they are not learned.
    pub fn fixed_weights(&self) -> Option<&[f64]> {
        self.weights.as_deref()
    }

    /// P, the length of θ.
    pub fn parameters(&self) -> usize {
        self.logits() + self.components * (self.dim() + self.scale.len())
    }

    /// How many of the P parameters are free: of K weights K − 1.
    pub fn free_parameters(&self) -> usize {
        self.parameters() - usize::from(self.logits() > 0)
    }

    /// Where in θ the mean and the scales of a component stand.
    fn places(&self, component: usize) -> [Range<usize>; 2] {
        let (d, s) = (self.dim(), self.scale.len());
        let mean = self.logits() + component * d;
        let scales = self.logits() + self.components * d + component * s;
        [mean..mean + d, scales..scales + s]
    }

    fn logits(&self) -> usize {
        match self.weights {
            None if self.components > 1 => self.components,
            _ => 0,
        }
    }

    /// The R densities of θ `[R, P]`.
    pub fn density(&self, theta: Tensor<2>, numerics: &Numerics) -> MixtureTensors {
        let [logits, means, scales] = self.parts(theta);
        let log_weights = match &self.weights {
            Some(weights) => {
                let logs = weights.iter().map(|w| w.ln()).collect();
                numerics.tensor(logs, [1, self.components])
            }
            None if self.components == 1 => numerics.tensor(vec![0.0], [1, 1]),
            None => {
                let [runs, k, _] = logits.dims();
                log_softmax(logits.reshape([runs, k]), 1)
            }
        };
        MixtureTensors {
            log_weights,
            means,
            scale: self.scale.scale(scales, numerics),
        }
    }

    /// A vector like θ `[R, P]` cut into logits `[R, K, 1]` (or `[R, 1, 1]` of no meaning where
    /// there are none), means `[R, K, D]` and scales `[R, K, S]`.
    fn parts(&self, theta: Tensor<2>) -> [Tensor<3>; 3] {
        let (k, d, s) = (self.components, self.dim(), self.scale.len());
        let [runs, _] = theta.dims();
        let logits = self.logits();
        let scales = logits + k * d;
        let part = |from: usize, to: usize, shape: [usize; 2]| {
            theta
                .clone()
                .slice([0..runs, from..to])
                .reshape([runs, shape[0], shape[1]])
        };
        [
            part(0, logits.max(1), [logits.max(1), 1]),
            part(logits, scales, [k, d]),
            part(scales, scales + k * s, [k, s]),
        ]
    }

    /// The natural gradient `[R, P]`: the inverse Fisher metric at θ `[R, P]` times the gradient
    /// `[R, P]`. `None` for a structure without a closed form.
    ///
    /// For one Gaussian the metric is that of the family. For a mixture it is that of the joint
    /// density of a point and its component, which has a closed form too: each component's own
    /// metric times its weight (Lin, Khan and Schmidt 2019).
    pub fn natural_gradient(
        &self,
        theta: Tensor<2>,
        gradient: Tensor<2>,
        numerics: &Numerics,
    ) -> Option<Tensor<2>> {
        let [runs, _] = theta.dims();
        let (k, d) = (self.components, self.dim());
        let q = self.density(theta, numerics);
        let [logits, means, scales] = self.parts(gradient);
        let weights = (q.log_weights.exp().expand([runs, k]))
            .clamp_min(LEAST_WEIGHT)
            .unsqueeze_dim::<3>(2);
        let factor = q.scale.tril();
        let turned = (factor.clone().swap_dims(2, 3)).matmul(means.unsqueeze_dim::<4>(3));
        let means = factor.clone().matmul(turned).reshape([runs, k, d]) / weights.clone();
        let scales = self.scale.natural_gradient(scales, factor, numerics)? / weights.clone();
        let flat = |part: Tensor<3>| {
            let [_, rows, columns] = part.dims();
            part.reshape([runs, rows * columns])
        };
        let mut parts = vec![flat(means), flat(scales)];
        if self.logits() > 0 {
            // The metric of the logits, diag(w) − w wᵀ, has their common shift as its kernel.
            let moved = logits / weights;
            parts.insert(0, flat(moved.clone() - moved.mean_dim(1)));
        }
        Some(Tensor::cat(parts, 1))
    }

    /// The scale on which each entry of θ matters, P numbers: a standard deviation for a mean and
    /// for an entry of L or U beside the diagonal, 1 for logarithms.
    pub fn units(&self, member: &Mixture) -> Vec<f64> {
        let mut units = vec![1.0; self.logits()];
        for k in 0..self.components {
            units.extend(member.component_stds(k));
        }
        let (logs, dim) = (self.scale.logs(), self.dim());
        for k in 0..self.components {
            let stds = member.component_stds(k);
            units.extend(std::iter::repeat_n(1.0, logs));
            match self.scale.covariance {
                Covariance::Full => {
                    let rows = (0..dim).flat_map(|i| std::iter::repeat_n(stds[i], i));
                    units.extend(rows);
                }
                Covariance::LowRank => {
                    units.extend(
                        stds.iter()
                            .flat_map(|&std| std::iter::repeat_n(std, self.scale.rank)),
                    );
                }
                Covariance::Diagonal | Covariance::Isotropic => {}
            }
        }
        units
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::DMatrix;

    use super::*;
    use crate::mixture::{from_natural_values, natural_values};

    fn example(dim: usize) -> Mixture {
        let factor = |k: f64| {
            DMatrix::from_fn(dim, dim, |i, j| match i.cmp(&j) {
                std::cmp::Ordering::Equal => 0.5 + k + 0.25 * i as f64,
                std::cmp::Ordering::Greater => 0.3 * k - 0.1 * j as f64,
                std::cmp::Ordering::Less => 0.0,
            })
        };
        Mixture::new(
            vec![0.3, 0.7],
            vec![vec![-1.0; dim], vec![2.0; dim]],
            vec![factor(0.5), factor(1.5)],
        )
        .unwrap()
    }

    fn family(covariance: Covariance, dim: usize) -> Family {
        let config = FamilyConfig {
            components: 2,
            covariance,
            ..FamilyConfig::default()
        };
        Family::new(config, dim)
    }

    #[test]
    fn density_undoes_theta_of() {
        let numerics = Numerics::cpu();
        for dim in [1, 2, 5] {
            let mixture = example(dim);
            let family = family(Covariance::Full, dim);
            let theta = family.theta_of(&mixture).unwrap();
            assert_eq!(theta.len(), family.parameters());
            let theta = numerics.tensor(theta, [1, family.parameters()]);
            let back = family.density(theta, &numerics).read().unwrap();
            let back = back[0].as_ref().unwrap();
            for (a, b) in natural_values(&mixture).zip(natural_values(back)) {
                assert!((a - b).abs() < 1e-14, "{a} {b}");
            }
        }
    }

    #[test]
    fn natural_values_have_names_and_make_the_mixture_again() {
        for dim in [1, 2, 4] {
            let mixture = example(dim);
            let values: Vec<f64> = natural_values(&mixture).collect();
            assert_eq!(
                values.len(),
                family(Covariance::Full, dim).parameter_names().len()
            );
            let back = from_natural_values(2, dim, &values).unwrap();
            for k in 0..2 {
                let difference = mixture.component_covariance(k) - back.component_covariance(k);
                assert!(difference.abs().max() < 1e-13);
            }
        }
    }

    #[test]
    fn a_structure_refuses_what_it_cannot_hold() {
        let mixture = example(2);
        for covariance in [Covariance::Diagonal, Covariance::Isotropic] {
            let error = family(covariance, 2).theta_of(&mixture).unwrap_err();
            assert!(error.to_string().contains("component 1"), "{error}");
        }
    }
}
