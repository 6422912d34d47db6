//! Scrambled Sobol nets, some for each component.

use super::strata::{Stratum, strata, sum_of_variances};
use super::{Integrands, Request, SIDES, Sampler, Share};
use crate::divergence::Side;
use crate::estimator::{QuasiMonteCarlo, normal_quantile, scrambled};

/// Nets of one size, which tell the error.
const NETS: u64 = 8;
/// The first net of a density has about this many points, the largest of a component this many: a
/// power of two each.
const POINTS: (u64, u64) = (512, 1 << 16);
/// The fewest points of a component's net.
const LEAST: u64 = 8;

/// The most coordinates.
pub(in crate::calculator) const MOST_DIM: usize = QuasiMonteCarlo::MAX_DIM;

/// Eight nets, eight of twice as many points and so on, each scrambled anew (Owen 1997; the scrambling
/// of Burley 2020). Every component has its share of the points of a net, and a few in any case, so
/// that none is missed. All points count the same, so the largest nets count most.
pub(super) struct Nets<'a> {
    request: Request<'a>,
    integrands: Integrands<'a>,
    strata: [Vec<Stratum<'a>>; 2],
    /// For each round the points of a net, and the mean of each net: of each side, of each divergence.
    rounds: Vec<(f64, [Vec<Vec<f64>>; 2])>,
    absorbed: u64,
}

impl<'a> Nets<'a> {
    pub fn new(request: Request<'a>) -> Self {
        Self {
            integrands: Integrands::new(&request),
            request,
            strata: [strata(request.p), strata(request.q)],
            rounds: Vec::new(),
            absorbed: 0,
        }
    }

    /// The points of each component in a net of this number.
    fn counts(&self, place: usize, index: u64) -> impl Iterator<Item = u64> {
        let doublings = (index / NETS).min(16) as u32;
        let all = (POINTS.0 << doublings) as f64;
        (self.strata[place].iter()).map(move |stratum| {
            let share = (stratum.weight * all) as u64;
            share.next_power_of_two().clamp(LEAST, POINTS.1)
        })
    }

    fn of_side(&self, side: Side, index: u64) -> Vec<f64> {
        if !self.integrands.have(side) {
            return vec![0.0; self.request.kinds.len()];
        }
        let place = super::place(side);
        let (strata, dim) = (&self.strata[place], self.request.p.dim());
        let counts: Vec<u64> = self.counts(place, index).collect();
        let mut x = vec![0.0; counts.iter().sum::<u64>() as usize * dim];
        let mut z = vec![0.0; dim];
        let mut points = x.chunks_exact_mut(dim);
        for (k, (stratum, &count)) in (0..).zip(strata.iter().zip(&counts)) {
            let seed = scramble(self.request.seed, [index, place as u64, k]);
            for (i, x) in (0u32..).zip(points.by_ref().take(count as usize)) {
                for (d, z) in (0u32..).zip(z.iter_mut()) {
                    *z = normal_quantile(scrambled(i, d, seed));
                }
                stratum.place(1.0, &z, x);
            }
        }
        (self.integrands.at(side, &x).iter())
            .map(|values| {
                let mut rest = &values[..];
                (strata.iter().zip(&counts))
                    .map(|(stratum, &count)| {
                        let (here, others) = rest.split_at((count as usize).min(rest.len()));
                        rest = others;
                        stratum.weight * here.iter().sum::<f64>() / count as f64
                    })
                    .sum()
            })
            .collect()
    }
}

/// The seed of a net's scrambling: a mixer of 64 bits (Steele, Lea and Flood 2014) over its numbers.
fn scramble(seed: u64, numbers: [u64; 3]) -> u32 {
    let mixed = numbers.into_iter().fold(seed, |seed, number| {
        let mut mixed = seed.wrapping_add((number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        for (shift, factor) in [(30, 0xbf58_476d_1ce4_e5b9), (27, 0x94d0_49bb_1331_11eb)] {
            mixed = (mixed ^ (mixed >> shift)).wrapping_mul(factor);
        }
        mixed ^ (mixed >> 31)
    });
    (mixed >> 32) as u32
}

impl Sampler for Nets<'_> {
    type Block = [Vec<f64>; 2];

    const TOGETHER: u64 = NETS;

    fn size(&self, index: u64) -> u64 {
        let [p, q] = [0, 1].map(|place| self.counts(place, index).sum::<u64>());
        p.max(q)
    }

    fn block(&self, index: u64) -> [Vec<f64>; 2] {
        SIDES.map(|side| self.of_side(side, index))
    }

    fn absorb(&mut self, block: [Vec<f64>; 2]) {
        let points = self.size(self.absorbed) as f64;
        if self.absorbed.is_multiple_of(NETS) {
            let none = vec![Vec::new(); self.request.kinds.len()];
            self.rounds.push((points, [none.clone(), none]));
        }
        self.absorbed += 1;
        if let Some((_, sides)) = self.rounds.last_mut() {
            for (means, of_net) in sides.iter_mut().zip(block) {
                for (means, mean) in means.iter_mut().zip(of_net) {
                    means.push(mean);
                }
            }
        }
    }

    /// The mean over all points; its variance is told by the spread of the nets of each size.
    fn share(&self, kind: usize, side: Side) -> Share {
        let rounds = || {
            (self.rounds.iter()).map(|(points, sides)| (points, &sides[super::place(side)][kind]))
        };
        let total: f64 = rounds()
            .map(|(points, means)| points * means.len() as f64)
            .sum();
        let parts: Vec<(f64, f64, f64)> = rounds()
            .map(|(points, means)| {
                let nets = means.len() as f64;
                let share = points * nets / total;
                let mean = means.iter().sum::<f64>() / nets;
                let squares: f64 = means.iter().map(|one| (one - mean).powi(2)).sum();
                let of_mean = share * share * squares / (nets * (nets - 1.0));
                (share * mean, of_mean, nets - 1.0)
            })
            .collect();
        let (variance, quantile) = sum_of_variances(
            parts
                .iter()
                .map(|&(_, variance, freedom)| (variance, freedom)),
        );
        Share {
            mean: parts.iter().map(|(mean, ..)| mean).sum(),
            variance,
            quantile,
        }
    }
}
