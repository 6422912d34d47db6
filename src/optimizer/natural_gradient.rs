//! Natural gradient: steps of the same length in the space of densities, whatever θ is (Amari 1998).
//!
//! The direction is the inverse Fisher metric of the family times the gradient. For one Gaussian
//! that is exact and in closed form, and a step does not depend on the scale of the target; for a
//! mixture it is the metric of the joint density of a point and its component (Lin, Khan and
//! Schmidt 2019).

use serde::{Deserialize, Serialize};

use super::{Direction, OptimizerSettings, Problem, Steps, check_positive};
use crate::compute::device::Numerics;
use crate::compute::kernel::norm;
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
        theta: &[f64],
        mut gradient: Vec<f64>,
        rates: &[f64],
    ) -> Result<Vec<f64>> {
        let shape = [rates.len(), theta.len() / rates.len().max(1)];
        let [_, parameters] = shape;
        // A gradient of norm 1, so that no square of it overflows, and the norm.
        let norms: Vec<f64> = gradient.chunks(parameters).map(norm).collect();
        for (row, norm) in gradient.chunks_mut(parameters).zip(&norms) {
            let divisor = if *norm == 0.0 { 1.0 } else { *norm };
            row.iter_mut().for_each(|entry| *entry /= divisor);
        }
        let tensor = |numbers: &[f64]| self.numerics.tensor(numbers.to_vec(), shape);
        let natural =
            (self.family).natural_gradient(tensor(theta), tensor(&gradient), &self.numerics);
        // A structure without one is refused in a config; elsewhere the plain gradient serves.
        let mut natural = match natural {
            Some(natural) => Numerics::read(natural)?,
            None => gradient.clone(),
        };
        let rows = (natural.chunks_mut(parameters)).zip(gradient.chunks(parameters));
        for ((natural, gradient), (norm, rate)) in rows.zip(norms.iter().zip(rates)) {
            // KL(q‖q + dq) = ½ dθᵀ F dθ = ½ rate² gᵀ F⁻¹ g.
            let product: f64 = natural.iter().zip(gradient).map(|(a, b)| a * b).sum();
            let squared = product * (rate * rate);
            let longest = (squared.recip() * (2.0 * self.max_kl)).sqrt();
            let length = least(*norm, longest);
            natural.iter_mut().for_each(|entry| *entry *= length);
        }
        Ok(natural)
    }

    fn snapshot(&self, _: [usize; 2]) -> Snapshot {
        Snapshot::default()
    }

    fn restore(&mut self, _: &Snapshot, _: [usize; 2]) -> Result<()> {
        Ok(())
    }
}

/// The smaller of two; NaN if one is.
fn least(a: f64, b: f64) -> f64 {
    match a.is_nan() || b.is_nan() {
        true => f64::NAN,
        false => a.min(b),
    }
}
