//! Independent draws, stratified by component.

use rand_chacha::ChaCha8Rng;
use rand_distr::{ChiSquared, Distribution};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::integrands::{Integrands, Places};
use super::moments::{Mean, Moments};
use super::strata::{Strata, Stratum, StratumDensity};
use super::{Blocks, KeptSums, Sampler, SamplingRequest};
use crate::compute::kernel::cpu::{self, Width, derive_key, normals};
use crate::compute::noise::{RunKey, Stream};
use crate::config::Shard;
use crate::files::extended;

/// Draws of the side with the most in a block, at least and at most, and the multiplications a block may take.
const BLOCK: (u64, u64) = (64, 4096);
const WORK: f64 = 2e8;
/// The draws of a component in a block, at least, and where there is room.
const LEAST: (u64, u64) = (2, 128);

/// A stratified sample: in each block every component gets its share of the draws, and a few in any
/// case, so that none is missed.
pub(super) struct RandomPoints<'a> {
    request: SamplingRequest<'a>,
    integrands: Integrands<'a>,
    strata: Vec<Stratum<'a>>,
    /// Draws of each stratum in a block.
    counts: Vec<usize>,
    /// Of each list, of each stratum.
    sums: Vec<Sums>,
}

/// Moments in units of e^`log_scale`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sums {
    #[serde(with = "extended")]
    log_scale: f64,
    moments: Vec<Moments>,
}

impl Sums {
    /// In larger units.
    fn rescale(&mut self, log_scale: f64) {
        if log_scale > self.log_scale {
            let factor = (self.log_scale - log_scale).exp();
            (self.moments.iter_mut()).for_each(|moments| *moments = moments.scaled(factor));
            self.log_scale = log_scale;
        }
    }

    fn add(&mut self, mut other: Self) {
        self.rescale(other.log_scale);
        other.rescale(self.log_scale);
        for (sum, moments) in self.moments.iter_mut().zip(other.moments) {
            sum.add(moments);
        }
    }
}

impl<'a> RandomPoints<'a> {
    pub fn new(request: SamplingRequest<'a>) -> Self {
        let (p, q) = (request.p, request.q);
        let (components, dim) = (p.components() + q.components(), p.dim() as f64);
        let work = components as f64 * dim * (dim + 4.0);
        let size = ((WORK / work) as u64).clamp(BLOCK.0, BLOCK.1);
        let mut strata = Strata::new(request.kinds, p, q);
        let integrands = Integrands::new(&request, &mut strata);
        let least = (size / (8 * strata.strata.len().max(1) as u64)).clamp(LEAST.0, LEAST.1);
        let counts: Vec<u64> = (strata.strata.iter())
            .map(|stratum| (strata.draws(stratum, size as f64).round() as u64).max(least))
            .collect();
        Self {
            sums: Vec::new(),
            request,
            integrands,
            strata: strata.strata,
            counts: counts.into_iter().map(|count| count as usize).collect(),
        }
    }

    fn add_all(&mut self, sums: Vec<Sums>) {
        if self.sums.is_empty() {
            self.sums = sums;
            return;
        }
        for (sum, other) in self.sums.iter_mut().zip(sums) {
            sum.add(other);
        }
    }

    /// What becomes of a block.
    fn block(&self, index: u64) -> Vec<Sums> {
        (self.integrands.values(&self.points(index)).iter())
            .map(|list| {
                let mut rest = &list.values[..];
                let moments = (self.counts.iter()).map(|&count| {
                    let (here, others) = rest.split_at(count);
                    rest = others;
                    Moments::new(here)
                });
                Sums {
                    moments: moments.collect(),
                    log_scale: list.log_scale,
                }
            })
            .collect()
    }

    /// The points of one block, stratum after stratum.
    fn points(&self, index: u64) -> Vec<f64> {
        let dim = self.request.p.dim();
        let (seed, stream) = (self.request.seed, Stream::TargetEvaluation);
        let count: usize = self.counts.iter().sum();
        let mut z = vec![0.0; count * dim];
        normals(
            Width::Widest,
            derive_key(seed, stream as u64),
            index,
            0,
            &mut z,
        );
        let mut generator = RunKey { seed, run: 0 }.generator(stream, index);
        let mut x = vec![0.0; count * dim];
        let (mut z, mut rest) = (&z[..], &mut x[..]);
        for (stratum, count) in self.strata.iter().zip(&self.counts) {
            let (from, rest_of_z) = z.split_at(count * dim);
            let (to, rest_of_x) = rest.split_at_mut(count * dim);
            match &stratum.part {
                StratumDensity::Component(component) => match component.dof {
                    None => {
                        cpu::place(Width::Widest, &component.mean, &component.factor, from, to);
                    }
                    Some(dof) => {
                        let mut stretch = stretches(dof, &mut generator);
                        for (z, x) in from.chunks_exact(dim).zip(to.chunks_exact_mut(dim)) {
                            component.place(stretch(), z, x);
                        }
                    }
                },
                StratumDensity::Whole(model) => {
                    to.copy_from_slice(&model.sample(*count, &mut generator))
                }
            }
            (z, rest) = (rest_of_z, rest_of_x);
        }
        x
    }
}

/// What makes Gaussian points those of Student's t: √(ν / χ²_ν), drawn anew each time.
fn stretches(dof: f64, generator: &mut ChaCha8Rng) -> impl FnMut() -> f64 {
    let chi_squared = ChiSquared::new(dof).ok();
    move || match chi_squared {
        Some(chi_squared) => (dof / chi_squared.sample(generator)).sqrt(),
        // ν is positive, so it is there.
        None => f64::NAN,
    }
}

impl Sampler for RandomPoints<'_> {
    fn group(&self) -> u64 {
        1
    }

    fn freedom(&self) -> f64 {
        30.0
    }

    fn size(&self, _: u64) -> u64 {
        self.counts.iter().sum::<usize>() as u64
    }

    fn draw(&mut self, blocks: &[u64]) {
        let done: Vec<Vec<Sums>> = (blocks.par_iter())
            .map(|&index| self.block(index))
            .collect();
        done.into_iter().for_each(|block| self.add_all(block));
    }

    fn kept(&self) -> KeptSums {
        KeptSums::MonteCarlo(self.sums.clone())
    }

    fn add(&mut self, kept: &KeptSums, shard: Shard, blocks: &Blocks) -> bool {
        let KeptSums::MonteCarlo(sums) = kept else {
            return false;
        };
        let (size, own) = (self.size(0), shard.count(blocks.next));
        let are_counted = blocks.next.checked_mul(size) == Some(blocks.before)
            && own.checked_mul(size) == Some(blocks.drawn);
        let lists = if own == 0 { 0 } else { self.integrands.len() };
        let fits = |list: &Sums| {
            let counts = list.moments.iter().map(Moments::count);
            counts.eq(self.counts.iter().map(|&count| count as f64 * own as f64))
        };
        let are_these = are_counted && sums.len() == lists && sums.iter().all(fits);
        if are_these && own > 0 {
            self.add_all(sums.clone());
        }
        are_these
    }

    fn places(&self, kind: usize) -> Places {
        self.integrands.places(kind)
    }

    /// Σ a mean, with the variance Σ a² s²/n of a stratified mean (Cochran 1977, §5.3).
    fn mean(&self, list: usize) -> Mean {
        let Sums { log_scale, moments } = &self.sums[list];
        let parts = (self.strata.iter().zip(moments)).map(|(stratum, moments)| {
            let portion = stratum.portion;
            let (variance, freedom) = moments.variance_of_mean();
            (
                portion * moments.mean,
                portion * portion * variance,
                freedom,
            )
        });
        Mean::sum(parts).scaled(*log_scale)
    }
}
