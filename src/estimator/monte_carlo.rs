//! Random points, stratified over the components.
//!
//! Component k gets its own points μₖ + Lₖ ε with weights wₖ / M, so the pathwise gradient reaches
//! means, scales and weights alike, without a score function (Kingma and Welling 2014; stratified
//! over a mixture as in Roeder et al. 2017, Morningstar et al. 2021).

use serde::{Deserialize, Serialize};

use super::{Context, Estimator, EstimatorSettings, Problem, Standard, StandardPoints, vector};
use crate::density::{Density, Draws, ErrorRule, Nodes};
use crate::error::Refusal;

/// Settings of Monte Carlo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MonteCarloConfig {
    /// Points for each side at each step, shared out evenly over its components.
    pub samples: usize,
}

impl Default for MonteCarloConfig {
    fn default() -> Self {
        Self { samples: 1024 }
    }
}

impl EstimatorSettings for MonteCarloConfig {
    fn points(&self, strata: usize, _: usize, _: usize) -> usize {
        self.samples.max(strata)
    }

    fn check(&self, _: &str, _: &Problem) -> Result<(), Refusal> {
        if self.samples >= MonteCarlo::MIN_PER_STRATUM {
            return Ok(());
        }
        let help = "give at least 2; 1024 is the default";
        Err(Refusal::new(
            "samples",
            format!("is {}", self.samples),
            help,
        ))
    }

    fn build(&self, _: usize) -> Box<dyn Estimator> {
        Box::new(MonteCarlo::new(self.samples))
    }
}

/// Stratified Monte Carlo.
#[derive(Debug, Clone, Copy)]
pub struct MonteCarlo {
    samples: usize,
}

impl MonteCarlo {
    /// The fewest points of a stratum: two, or its spread cannot be estimated.
    pub const MIN_PER_STRATUM: usize = 2;

    /// This many points in all, at least two for each component.
    pub fn new(samples: usize) -> Self {
        Self { samples }
    }
}

impl MonteCarlo {
    /// M.
    fn per_stratum(&self, strata: usize) -> usize {
        self.samples.div_ceil(strata).max(Self::MIN_PER_STRATUM)
    }
}

impl Estimator for MonteCarlo {
    fn draws(&self, density: &dyn Density, context: Context) -> Draws {
        let context = context.for_density(density);
        let strata = density.strata();
        let m = self.per_stratum(strata);
        let shape = [context.noise.runs.len(), strata, m, context.dim];
        let normals = context.noise.normals(strata * m * context.dim);
        density.place(Nodes {
            z: context.numerics.tensor(normals, shape),
            weights: vector(vec![1.0 / m as f64; m], context.numerics),
            error: ErrorRule::Random { group: 1 },
        })
    }

    fn standard(&self, strata: usize, context: Context) -> Option<Standard> {
        let m = self.per_stratum(strata);
        Some(Standard {
            z: StandardPoints::Random {
                keys: context.noise.keys(),
                step: context.noise.step,
            },
            weights: vec![1.0 / m as f64; m].into(),
        })
    }

    fn is_random(&self) -> bool {
        true
    }

    fn refined(&self) -> Option<Box<dyn Estimator>> {
        None
    }
}
