//! The approximation q: mixtures of K Gaussians, as pure functions of one unconstrained vector θ.
//!
//! θ of a run is `[logits (K, none for K = 1) | means (K·D) | scales (K·S)]`. The weights are the
//! softmax of the logits. The scales make L: its diagonal is the exponential of its θ, so that a
//! relative change of a standard deviation costs the same at any scale, and its other entries are
//! their θ itself.

mod covariance;
// Unused until a structure of [`Covariance`] is made of it.
#[allow(dead_code)]
mod low_rank;

use burn::tensor::{Tensor, activation::log_softmax};
use serde::{Deserialize, Serialize};

pub use covariance::Covariance;

use crate::device::Numerics;
use crate::digest::count;
use crate::kernel::MixtureTensors;
use crate::mixture::{Mixture, MixtureError, natural::pairs};

/// `[family]` of a config.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a section")]
pub struct FamilyConfig {
    /// K, the number of components; 1 is a Gaussian.
    pub components: usize,
    /// The structure of every component's covariance.
    pub covariance: Covariance,
}

impl Default for FamilyConfig {
    fn default() -> Self {
        Self {
            components: 1,
            covariance: Covariance::Full,
        }
    }
}

/// Mixtures of K Gaussians in D dimensions with one covariance structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Family {
    components: usize,
    covariance: Covariance,
    dim: usize,
}

impl Family {
    /// The family a config describes, in D = `dim` dimensions.
    pub fn new(config: FamilyConfig, dim: usize) -> Self {
        Self {
            components: config.components,
            covariance: config.covariance,
            dim,
        }
    }

    /// K.
    pub fn components(&self) -> usize {
        self.components
    }

    /// D.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The structure of the covariances.
    pub fn covariance(&self) -> Covariance {
        self.covariance
    }

    /// P, the length of θ.
    pub fn parameters(&self) -> usize {
        self.logits() + self.components * (self.dim + self.covariance.scales(self.dim))
    }

    fn logits(&self) -> usize {
        if self.components == 1 {
            0
        } else {
            self.components
        }
    }

    /// The R densities of θ `[R, P]`.
    pub fn density(&self, theta: Tensor<2>, numerics: &Numerics) -> MixtureTensors {
        let (k, d) = (self.components, self.dim);
        let [runs, _] = theta.dims();
        let (means, scales) = (self.logits(), self.logits() + k * d);
        let log_weights = if k == 1 {
            numerics.tensor(vec![0.0], [1, 1])
        } else {
            log_softmax(theta.clone().slice([0..runs, 0..means]), 1)
        };
        let scale = theta
            .clone()
            .slice([0..runs, scales..self.parameters()])
            .reshape([runs, k, self.covariance.scales(d)]);
        MixtureTensors {
            log_weights,
            means: theta.slice([0..runs, means..scales]).reshape([runs, k, d]),
            scale_tril: self.covariance.scale_tril(scale, d, numerics),
        }
    }

    /// The θ of a mixture, P numbers; the inverse of [`Family::density`].
    ///
    /// # Errors
    /// If the mixture is not a member of the family.
    pub fn theta_of(&self, mixture: &Mixture) -> Result<Vec<f64>, NotInFamily> {
        if mixture.dim() != self.dim {
            return Err(NotInFamily(format!(
                "it has {} and the target {}",
                count(mixture.dim(), "coordinate"),
                self.dim
            )));
        }
        if mixture.components() != self.components {
            return Err(NotInFamily(format!(
                "it has {} and the family {}",
                count(mixture.components(), "component"),
                self.components
            )));
        }
        let mut theta = Vec::with_capacity(self.parameters());
        if self.components > 1 {
            if let Some(k) = mixture.weights().iter().position(|&w| w == 0.0) {
                return Err(NotInFamily(format!(
                    "component {} has weight 0, which no gradient can change",
                    k + 1
                )));
            }
            theta.extend(mixture.weights().iter().map(|w| w.ln()));
        }
        for mean in mixture.means() {
            theta.extend(mean.iter());
        }
        for (k, factor) in mixture.scale_trils().iter().enumerate() {
            let scales = self.covariance.theta_of(factor).ok_or_else(|| {
                NotInFamily(format!(
                    "the covariance of component {} is not {}",
                    k + 1,
                    self.covariance.name()
                ))
            })?;
            theta.extend(scales);
        }
        Ok(theta)
    }

    /// The member with the moments of `target`, which minimises forward KL for K = 1
    /// (Bishop 2006, §10.1.2); `None` for K > 1, where there is no closed form.
    ///
    /// # Errors
    /// If rounding leaves the target's covariance not positive definite.
    pub fn moment_match(&self, target: &Mixture) -> Option<Result<Mixture, MixtureError>> {
        (self.components == 1).then(|| {
            let covariance = self.covariance.nearest(&target.covariance());
            Mixture::gaussian(target.mean().as_slice().to_vec(), covariance)
        })
    }

    /// Whether `mixture` can be written exactly as a member, with components to spare or not.
    pub fn contains(&self, mixture: &Mixture) -> bool {
        mixture.dim() == self.dim
            && mixture.components() <= self.components
            && (mixture.scale_trils().iter())
                .all(|factor| self.covariance.theta_of(factor).is_some())
    }

    /// The names of a member's parameters in natural units, in the order of
    /// [`natural_values`](crate::mixture::natural_values).
    ///
    /// Weights, then means, standard deviations and correlations: `weight_2`, `mean_2_x1`,
    /// `std_2_x1`, `corr_2_x1_x2`, leaving out the component where there is one and the coordinate
    /// where there is one.
    pub fn parameter_names(&self) -> Vec<String> {
        let (k, d) = (self.components, self.dim);
        let component = |k_: usize| {
            if k == 1 {
                String::new()
            } else {
                format!("_{}", k_ + 1)
            }
        };
        let coordinate = |d_: usize| {
            if d == 1 {
                String::new()
            } else {
                format!("_x{}", d_ + 1)
            }
        };
        let mut names = Vec::new();
        if k > 1 {
            names.extend((0..k).map(|c| format!("weight{}", component(c))));
        }
        for part in ["mean", "std"] {
            for c in 0..k {
                names.extend((0..d).map(|i| format!("{part}{}{}", component(c), coordinate(i))));
            }
        }
        for c in 0..k {
            for (i, j) in pairs(d) {
                names.push(format!(
                    "corr{}{}{}",
                    component(c),
                    coordinate(i),
                    coordinate(j)
                ));
            }
        }
        names
    }
}

/// Why a mixture is not a member of a family.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotInFamily(String);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mixture::{from_natural_values, natural_values};
    use nalgebra::DMatrix;

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
            for (a, b) in natural_values(&mixture).iter().zip(natural_values(back)) {
                assert!((a - b).abs() < 1e-14, "{a} {b}");
            }
        }
    }

    #[test]
    fn natural_values_have_names_and_make_the_mixture_again() {
        for dim in [1, 2, 4] {
            let mixture = example(dim);
            let values = natural_values(&mixture);
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
