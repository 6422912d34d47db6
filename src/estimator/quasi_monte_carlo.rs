//! Quasi-Monte Carlo: Owen-scrambled Sobol points, stratified over the components.
//!
//! A scrambled net is random and unbiased, and for smooth functions its error falls almost like
//! 1 / n^1.5 instead of 1 / √n (Owen 1997). The points of one net are not independent, so several
//! independent nets are drawn, and their spread estimates the error.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::sobol::{LONGEST, SOBOL_DIM, scrambled_normals};
use super::{Context, Estimator, EstimatorSettings, Problem, Standard, StandardPoints, vector};
use crate::density::{Density, Draws, ErrorRule, Nodes};
use crate::error::Refusal;

/// Independent nets in each stratum.
const NETS: usize = 8;
/// Numbers for which it is worth waking another thread.
const TOGETHER: usize = 1 << 10;

/// Settings of quasi-Monte Carlo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QuasiMonteCarloConfig {
    /// Points for each side at each step, shared out evenly over its components; rounded up so
    /// that every component has 8 nets of a power of 2.
    pub samples: usize,
}

impl Default for QuasiMonteCarloConfig {
    fn default() -> Self {
        Self { samples: 1024 }
    }
}

impl EstimatorSettings for QuasiMonteCarloConfig {
    fn points(&self, strata: usize, _: usize, _: usize) -> usize {
        let per_stratum = QuasiMonteCarlo::new(self.samples).per_stratum(strata);
        per_stratum.saturating_mul(strata)
    }

    fn check(&self, name: &str, problem: &Problem) -> Result<(), Refusal> {
        // A point of a low-rank component takes a number for each factor too.
        let most = SOBOL_DIM.saturating_sub(problem.rank);
        let help = "the sequence ends there: use type = \"monte-carlo\"";
        problem.needs_at_most(most, name, help)?;
        if (8..=QuasiMonteCarlo::MOST).contains(&self.samples) {
            return Ok(());
        }
        let help = format!("give one from 8 to {}", QuasiMonteCarlo::MOST);
        Err(Refusal::new(
            "samples",
            format!("is {}", self.samples),
            help,
        ))
    }

    fn has_nets(&self) -> bool {
        true
    }

    fn build(&self, _: usize) -> Box<dyn Estimator> {
        Box::new(QuasiMonteCarlo::new(self.samples))
    }
}

/// Scrambled Sobol points.
#[derive(Debug, Clone, Copy)]
pub struct QuasiMonteCarlo {
    samples: usize,
}

impl QuasiMonteCarlo {
    /// The most points on a component.
    pub const MOST: usize = NETS * LONGEST;

    /// This many points in all, at least eight for each component.
    pub fn new(samples: usize) -> Self {
        Self { samples }
    }

    /// Points for each of `strata` components.
    pub fn per_stratum(&self, strata: usize) -> usize {
        NETS * self.net(strata)
    }

    /// Points of each net.
    fn net(&self, strata: usize) -> usize {
        let wanted = self.samples.div_ceil(strata).div_ceil(NETS).max(1);
        wanted.min(LONGEST).next_power_of_two()
    }
}

impl QuasiMonteCarlo {
    /// z `[R, strata, M, D]`.
    fn points(&self, strata: usize, context: Context) -> Vec<f64> {
        let (net, dim) = (self.net(strata), context.dim);
        let seeds = context.noise.words(strata * NETS);
        let mut points = vec![0.0; seeds.len() * net * dim];
        let nets = points.par_chunks_exact_mut(net * dim).zip(seeds);
        (nets.with_min_len(TOGETHER.div_ceil(net * dim)))
            .for_each(|(points, seed)| scrambled_normals(seed, dim, points));
        points
    }
}

impl Estimator for QuasiMonteCarlo {
    fn draws(&self, density: &dyn Density, context: Context) -> Draws {
        let context = context.for_density(density);
        let strata = density.strata();
        let net = self.net(strata);
        let m = NETS * net;
        let z = self.points(strata, context);
        let shape = [context.noise.runs.len(), strata, m, context.dim];
        density.place(Nodes {
            z: context.numerics.tensor(z, shape),
            weights: vector(vec![1.0 / m as f64; m], context.numerics),
            error: ErrorRule::Random { group: net },
        })
    }

    fn standard(&self, strata: usize, context: Context) -> Option<Standard> {
        let m = NETS * self.net(strata);
        Some(Standard {
            z: StandardPoints::Each(self.points(strata, context)),
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
