//! Scrambled Sobol nets, some for each component.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::integrands::{Integrands, Places};
use super::moments::Mean;
use super::strata::{Strata, StratumDensity};
use super::{Blocks, KeptSums, Sampler, SamplingRequest};
use crate::config::Shard;
pub(in crate::calculator) use crate::estimator::sobol::SOBOL_DIM;
use crate::estimator::sobol::scrambled_normals;
use crate::files::extended;

/// Nets of one size, which estimate the error.
const NETS: u64 = 8;
/// The first net of a density has about this many points, the largest of a component this many: a
/// power of two each.
const POINTS: (u64, u64) = (512, 1 << 16);
/// More rounds than anyone will see: what a file says is in reach of integers.
const MOST_ROUNDS: u64 = 1 << 32;
/// The fewest points of a component's net.
const LEAST: u64 = 8;

/// Eight nets, eight of twice as many points and so on, each scrambled anew (Owen 1997; the scrambling
/// of Burley 2020). Every component has its share of the points of a net, and a few in any case, so
/// that none is missed. All points count the same, so the largest nets count most.
pub(super) struct SobolNets<'a> {
    request: SamplingRequest<'a>,
    integrands: Integrands<'a>,
    strata: Strata<'a>,
    rounds: Rounds,
}

/// The mean of each net, of each list, for every eight nets of one size by their number.
type Rounds = BTreeMap<u64, Vec<Vec<NetMean>>>;

/// The mean over a net, as a multiple of e^`log_scale`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NetMean {
    #[serde(with = "extended")]
    log_scale: f64,
    #[serde(with = "extended")]
    mean: f64,
}

impl<'a> SobolNets<'a> {
    pub fn new(request: SamplingRequest<'a>) -> Self {
        let mut strata = Strata::new(request.kinds, request.p, request.q);
        Self {
            integrands: Integrands::new(&request, &mut strata),
            request,
            strata,
            rounds: Rounds::new(),
        }
    }

    /// The points of each component in a net of this number.
    fn counts(&self, index: u64) -> impl Iterator<Item = u64> {
        let doublings = (index / NETS).min(16) as u32;
        let size = (POINTS.0 << doublings) as f64;
        (self.strata.strata.iter()).map(move |stratum| {
            let share = self.strata.draws(stratum, size) as u64;
            share.next_power_of_two().clamp(LEAST, POINTS.1)
        })
    }

    /// What becomes of a net, of each list.
    fn block(&self, index: u64) -> Vec<NetMean> {
        let (strata, dim) = (&self.strata.strata, self.request.p.dim());
        let counts: Vec<u64> = self.counts(index).collect();
        let mut x = vec![0.0; counts.iter().sum::<u64>() as usize * dim];
        let most = counts.iter().copied().max().unwrap_or(0);
        let mut z = vec![0.0; most as usize * dim];
        let mut points = x.chunks_exact_mut(dim);
        for (k, (stratum, &count)) in (0..).zip(strata.iter().zip(&counts)) {
            let z = &mut z[..count as usize * dim];
            scrambled_normals(scramble(self.request.seed, [index, k]), dim, z);
            for (z, x) in z.chunks_exact(dim).zip(points.by_ref()) {
                match &stratum.part {
                    StratumDensity::Component(component) => component.place(1.0, z, x),
                    // What takes other numbers than a point's own is not drawn this way.
                    StratumDensity::Whole(_) => x.fill(f64::NAN),
                }
            }
        }
        (self.integrands.values(&x).iter())
            .map(|list| {
                let mut rest = &list.values[..];
                let of_strata = (strata.iter().zip(&counts)).map(|(stratum, &count)| {
                    let (here, others) = rest.split_at(count as usize);
                    rest = others;
                    stratum.portion * here.iter().sum::<f64>() / count as f64
                });
                NetMean {
                    mean: of_strata.sum(),
                    log_scale: list.log_scale,
                }
            })
            .collect()
    }
}

/// The seed of a net's scrambling: a mixer of 64 bits (Steele, Lea and Flood 2014) over its numbers.
fn scramble(seed: u64, numbers: [u64; 2]) -> u32 {
    let mixed = numbers.into_iter().fold(seed, |seed, number| {
        let mut mixed = seed.wrapping_add((number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        for (shift, factor) in [(30, 0xbf58_476d_1ce4_e5b9), (27, 0x94d0_49bb_1331_11eb)] {
            mixed = (mixed ^ (mixed >> shift)).wrapping_mul(factor);
        }
        mixed ^ (mixed >> 31)
    });
    (mixed >> 32) as u32
}

impl Sampler for SobolNets<'_> {
    fn group(&self) -> u64 {
        NETS
    }

    /// That of the nets of one size, with room for rounding.
    fn freedom(&self) -> f64 {
        NETS as f64 - 1.5
    }

    fn size(&self, index: u64) -> u64 {
        self.counts(index).sum()
    }

    fn draw(&mut self, blocks: &[u64]) {
        let done: Vec<Vec<NetMean>> = (blocks.par_iter())
            .map(|&index| self.block(index))
            .collect();
        for (index, block) in blocks.iter().zip(done) {
            let means = (self.rounds.entry(index / NETS))
                .or_insert_with(|| vec![Vec::new(); self.integrands.len()]);
            for (means, mean) in means.iter_mut().zip(block) {
                means.push(mean);
            }
        }
    }

    fn kept(&self) -> KeptSums {
        KeptSums::Qmc(self.rounds.clone())
    }

    fn add(&mut self, kept: &KeptSums, shard: Shard, blocks: &Blocks) -> bool {
        let KeptSums::Qmc(rounds) = kept else {
            return false;
        };
        let (all, of_nets) = (blocks.next / NETS, blocks.next % NETS);
        let has_all = of_nets == 0 && all < MOST_ROUNDS && rounds.len() as u64 == shard.count(all);
        let is_whole = |means: &Vec<Vec<NetMean>>| {
            means.len() == self.integrands.len()
                && means.iter().all(|nets| nets.len() as u64 == NETS)
        };
        let is_own =
            |round: &u64| *round < all && shard.has(*round) && !self.rounds.contains_key(round);
        let are_these = has_all && rounds.keys().all(is_own) && rounds.values().all(is_whole);
        let points = |round: u64| NETS * self.size(round * NETS);
        if !are_these || rounds.keys().map(|&round| points(round)).sum::<u64>() != blocks.drawn {
            return false;
        }
        self.rounds.extend(rounds.clone());
        true
    }

    fn places(&self, kind: usize) -> Places {
        self.integrands.places(kind)
    }

    /// The mean over all points; its variance is estimated by the spread of the nets of each size.
    fn mean(&self, list: usize) -> Mean {
        let rounds = || {
            (self.rounds.iter()).map(|(round, means)| {
                let points = self.size(round * NETS) as f64;
                (points, &means[list])
            })
        };
        let total: f64 = rounds()
            .map(|(points, means)| points * means.len() as f64)
            .sum();
        let log_scale = rounds()
            .flat_map(|(_, means)| means)
            .fold(f64::NEG_INFINITY, |top, net| top.max(net.log_scale));
        let parts: Vec<(f64, f64, f64)> = rounds()
            .map(|(points, means)| {
                let nets = means.len() as f64;
                let means: Vec<f64> = (means.iter())
                    .map(|net| net.mean * (net.log_scale - log_scale).exp())
                    .collect();
                let share = points * nets / total;
                let mean = means.iter().sum::<f64>() / nets;
                let squares: f64 = means.iter().map(|one| (one - mean).powi(2)).sum();
                let of_mean = share * share * squares / (nets * (nets - 1.0));
                (share * mean, of_mean, nets - 1.0)
            })
            .collect();
        Mean::sum(parts.into_iter()).scaled(log_scale)
    }
}
