//! Mixtures as members of a family: their θ, and the members nearest to others.

use nalgebra::{DMatrix, DVector};

use super::{Covariance, Family};
use crate::compute::device::Numerics;
use crate::error::{Error, Refusal};
use crate::mixture::Mixture;
use crate::text::count;

/// Given weights are those of a mixture up to this.
const WEIGHT_TOLERANCE: f64 = 1e-9;
/// The share of a coordinate's variance that a low-rank start keeps outside its factors.
const LEAST_OWN: f64 = 0.05;

impl Family {
    /// The θ of a mixture, P numbers; the inverse of [`Family::density`].
    ///
    /// # Errors
    /// If the mixture is not a member of the family.
    pub fn theta_of(&self, mixture: &Mixture) -> Result<Vec<f64>, NotInFamily> {
        if mixture.dim() != self.dim() {
            return Err(NotInFamily(format!(
                "it has {} and the target {}",
                count(mixture.dim(), "coordinate"),
                self.dim()
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
        theta.extend(self.logits_of(mixture.weights())?);
        for mean in mixture.means() {
            theta.extend(mean.iter());
        }
        for (k, factor) in mixture.scale_trils().iter().enumerate() {
            let scales = self.scale.theta_of(factor).ok_or_else(|| {
                let floor = match self.scale.floor {
                    0.0 => String::new(),
                    floor => format!(" above min_std = {floor}"),
                };
                NotInFamily(format!(
                    "the covariance of component {} is not {}{floor}",
                    k + 1,
                    self.scale.covariance.name()
                ))
            })?;
            theta.extend(scales);
        }
        Ok(theta)
    }

    /// The members at θ `[R, P]`, run after run; none where that is no density.
    ///
    /// # Errors
    /// If the device failed.
    pub(crate) fn members(
        &self,
        theta: &[f64],
        numerics: &Numerics,
    ) -> Result<Vec<Option<Mixture>>, Error> {
        let parameters = self.parameters();
        let shape = [theta.len() / parameters, parameters];
        let theta = numerics.tensor(theta.to_vec(), shape);
        let members = self.density(theta, numerics).read()?;
        Ok(members.into_iter().map(Result::ok).collect())
    }

    fn logits_of(&self, weights: &[f64]) -> Result<Vec<f64>, NotInFamily> {
        if let Some(fixed) = &self.weights {
            let same = |(a, b): (&f64, &f64)| (a - b).abs() <= WEIGHT_TOLERANCE;
            return if weights.iter().zip(fixed).all(same) {
                Ok(Vec::new())
            } else {
                let message = format!("its weights are {weights:?} and the family's {fixed:?}");
                Err(NotInFamily(message))
            };
        }
        if self.components == 1 {
            return Ok(Vec::new());
        }
        if let Some(k) = weights.iter().position(|&w| w == 0.0) {
            return Err(NotInFamily(format!(
                "component {} has weight 0, which no gradient can change",
                k + 1
            )));
        }
        Ok(weights.iter().map(|w| w.ln()).collect())
    }

    /// The nearest member to a mixture of K components: weights and covariances put into the
    /// family's structure, standard deviations raised to twice the floor.
    ///
    /// # Errors
    /// If rounding leaves a covariance that is not positive definite.
    pub fn project(&self, mixture: &Mixture) -> Result<Mixture, Refusal> {
        let floor = 2.0 * self.scale.floor;
        let weights = self.weights.clone();
        let covariances = (0..self.components).map(|k| {
            let mut covariance = self.scale.nearest(&mixture.component_covariance(k));
            if self.scale.covariance == Covariance::LowRank {
                // The nearest may have a σ of 0, from where no gradient leads.
                let diagonal = DMatrix::from_diagonal(&covariance.diagonal());
                covariance = covariance * (1.0 - LEAST_OWN) + diagonal * LEAST_OWN;
            }
            let least = covariance.symmetric_eigenvalues().min();
            if least < floor * floor {
                for i in 0..self.dim() {
                    covariance[(i, i)] += floor * floor - least;
                }
            }
            covariance
        });
        let means = mixture.means().iter().map(|mean| mean.as_slice().to_vec());
        Mixture::from_covariances(
            weights.unwrap_or_else(|| mixture.weights().to_vec()),
            means.collect(),
            covariances.collect(),
        )
    }

    /// The member with the moments given (D, D × D), which minimises forward KL for K = 1 (Bishop
    /// 2006, §10.1.2); `None` for K > 1, where there is no closed form.
    ///
    /// # Errors
    /// If rounding leaves the covariance not positive definite.
    pub fn moment_match(
        &self,
        mean: &DVector<f64>,
        covariance: &DMatrix<f64>,
    ) -> Option<Result<Mixture, Refusal>> {
        // A low-rank structure is no exponential family: its best member has no closed form.
        (self.components == 1 && self.scale.covariance != Covariance::LowRank)
            .then(|| self.nearest(mean.as_slice(), covariance))
    }

    /// The Gaussian with the covariance structure of the family that is nearest to one with these moments (D, D × D).
    ///
    /// # Errors
    /// If rounding leaves the covariance not positive definite.
    pub(crate) fn nearest(
        &self,
        mean: &[f64],
        covariance: &DMatrix<f64>,
    ) -> Result<Mixture, Refusal> {
        Mixture::gaussian(mean.to_vec(), self.scale.nearest(covariance))
    }

    /// Whether `mixture` can be written exactly as a member, with components to spare or not.
    pub fn contains(&self, mixture: &Mixture) -> bool {
        let weights_fit = match &self.weights {
            Some(_) => self.logits_of(mixture.weights()).is_ok(),
            None => true,
        };
        mixture.dim() == self.dim()
            && mixture.components() <= self.components
            && (self.weights.is_none() || mixture.components() == self.components)
            && weights_fit
            && (mixture.scale_trils().iter()).all(|factor| self.scale.theta_of(factor).is_some())
    }
}

/// Why a mixture is not a member of a family.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotInFamily(String);
