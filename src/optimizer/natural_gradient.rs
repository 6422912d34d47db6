//! Natural gradient: steps of the same length in the space of densities, whatever θ is (Amari 1998).
//!
//! The direction is the inverse Fisher metric of the family times the gradient. For one Gaussian
//! that is exact and in closed form, and a step does not depend on the scale of the target; for a
//! mixture it is the metric of the joint density of a point and its component (Lin, Khan and
//! Schmidt 2019).

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::{Direction, OptimizerSettings, Problem, Steps, check_positive};
use crate::compute::device::Numerics;
use crate::compute::kernel::norms;
use crate::compute::snapshot::Snapshot;
use crate::density::family::{Covariance, Family};
use crate::error::{Refusal, Result};

/// Settings of the natural gradient.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NaturalGradientConfig {
    /// The most a step may change q, as a KL in nats to second order; a longer step is shortened to
    /// it (a trust region, as of Schulman et al. 2015).
    pub max_kl: f64,
}

impl Default for NaturalGradientConfig {
    fn default() -> Self {
        Self { max_kl: 0.1 }
    }
}

impl OptimizerSettings for NaturalGradientConfig {
    fn default_learning_rate(&self) -> Option<f64> {
        Some(0.1)
    }

    fn check(&self) -> Result<(), Refusal> {
        check_positive("max_kl", self.max_kl)
    }

    fn suits(&self, name: &str, problem: Problem) -> Result<(), Refusal> {
        if problem.family.covariance() != Covariance::LowRank {
            return Ok(());
        }
        Err(Refusal::new(
            "type",
            format!(
                "is \"{name}\", and the Fisher metric of a low-rank covariance has no closed form"
            ),
            "use covariance = \"full\" or \"diagonal\", or choose \"adam\" or \"lbfgs\"",
        ))
    }

    fn build(&self, family: &Family, numerics: &Numerics) -> Steps {
        Steps::Along(Box::new(NaturalGradient {
            family: family.clone(),
            numerics: numerics.clone(),
            max_kl: self.max_kl,
        }))
    }
}

struct NaturalGradient {
    family: Family,
    numerics: Numerics,
    max_kl: f64,
}

impl Direction for NaturalGradient {
    fn direction(
        &mut self,
        theta: &Tensor<2>,
        gradient: Tensor<2>,
        rates: &Tensor<2>,
    ) -> Tensor<2> {
        // A gradient of norm 1, so that no square of it overflows, and the norm.
        let norm = norms(gradient.clone());
        let tiny = norm.clone().mask_fill(norm.clone().equal_elem(0.0), 1.0);
        let gradient = gradient / tiny;
        let natural =
            (self.family).natural_gradient(theta.clone(), gradient.clone(), &self.numerics);
        // A structure without one is refused in a config; elsewhere the plain gradient serves.
        let natural = natural.unwrap_or_else(|| gradient.clone());
        // KL(q‖q + dq) = ½ dθᵀ F dθ = ½ rate² gᵀ F⁻¹ g.
        let squared = (gradient * natural.clone()).sum_dim(1) * rates.clone().square();
        let longest = squared.recip().mul_scalar(2.0 * self.max_kl).sqrt();
        natural * norm.min_pair(longest)
    }

    fn snapshot(&self) -> Result<Snapshot> {
        Ok(Snapshot::default())
    }

    fn restore(&mut self, _: &Snapshot, _: [usize; 2], _: &Numerics) -> Result<()> {
        Ok(())
    }
}
