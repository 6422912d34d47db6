//! Quasi-Monte Carlo: Owen-scrambled Sobol points, stratified over the components.
//!
//! A scrambled net is random and unbiased, and for smooth functions its error falls almost like
//! 1 / n^1.5 instead of 1 / √n (Owen 1997). The points of one net are not independent, so several
//! independent nets are drawn, and their spread estimates the error.

use rand::Rng;
use serde::{Deserialize, Serialize};
use sobol_burley::parts::{hash, owen_scramble_rev, sobol_rev};
use statrs::function::erf::erfc_inv;

use super::{Context, Estimator, EstimatorSettings, Problem, Standard, StandardPoints, vector};
use crate::density::{Density, Draws, ErrorRule, Nodes};
use crate::error::Refusal;

/// Independent nets in each stratum.
const NETS: usize = 8;
/// The longest net of the Sobol sequence used here.
const LONGEST: usize = 1 << 16;

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
        let most = QuasiMonteCarlo::MAX_DIM.saturating_sub(problem.rank);
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
    /// The dimensions of the sequence.
    pub const MAX_DIM: usize = sobol_burley::NUM_DIMENSIONS as usize;
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

/// One coordinate of one point of a scrambled net, strictly between 0 and 1: Burley's hash-based
/// Owen scrambling of index and value (Burley 2020), kept to all its 32 bits.
pub(crate) fn scrambled(index: u32, dimension: u32, seed: u32) -> f64 {
    let shuffled = owen_scramble_rev(index.reverse_bits(), hash(seed));
    let value = sobol_rev(shuffled, dimension);
    let scramble = hash(seed ^ hash(dimension));
    let bits = owen_scramble_rev(value, scramble).reverse_bits();
    (f64::from(bits) + 0.5) / 4_294_967_296.0
}

/// The standard normal number below which a share u of all lies.
pub(crate) fn normal_quantile(u: f64) -> f64 {
    -std::f64::consts::SQRT_2 * erfc_inv(2.0 * u)
}

impl QuasiMonteCarlo {
    /// z `[R, strata, M, D]`.
    fn points(&self, strata: usize, context: Context) -> Vec<f64> {
        let (net, dim) = (self.net(strata), context.dim);
        let m = NETS * net;
        (context.noise).numbers(strata * m * dim, |numbers, generator| {
            for points in numbers.chunks_exact_mut(net * dim) {
                let seed = generator.next_u32();
                for (index, point) in points.chunks_exact_mut(dim).enumerate() {
                    for (dimension, z) in point.iter_mut().enumerate() {
                        *z = normal_quantile(scrambled(index as u32, dimension as u32, seed));
                    }
                }
            }
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_net_is_stratified_on_every_axis() {
        // Each axis of 2^k points of a scrambled Sobol net has one point in each of 2^k pieces.
        for seed in [1, 77, 4_000_000_000] {
            for dimension in [0, 1, 7, 200] {
                let n = 64u32;
                let mut pieces: Vec<u32> = (0..n)
                    .map(|i| (scrambled(i, dimension, seed) * f64::from(n)) as u32)
                    .collect();
                pieces.sort_unstable();
                assert_eq!(pieces, (0..n).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn two_axes_fill_the_elementary_boxes() {
        // The first two Sobol dimensions are a (0, m, 2)-net: of 64 points one in each 8 × 8 box.
        let mut boxes: Vec<u32> = (0..64)
            .map(|i| {
                let [a, b] = [0, 1].map(|d| (scrambled(i, d, 5) * 8.0) as u32);
                8 * a + b
            })
            .collect();
        boxes.sort_unstable();
        assert_eq!(boxes, (0..64).collect::<Vec<_>>());
    }

    #[test]
    fn quantiles_are_those_of_a_standard_normal() {
        assert_eq!(normal_quantile(0.5), 0.0);
        assert!((normal_quantile(0.975) - 1.959963984540054).abs() < 1e-14);
        assert!((normal_quantile(1e-9) + 5.997807015007773).abs() < 1e-12);
    }
}
