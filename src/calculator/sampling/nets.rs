//! Scrambled Sobol nets: one coordinate chooses the component, the others the point in it.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::strata::{Strata, place};
use super::{Integrands, Request, SIDES, Sampler, Share};
use crate::divergence::Side;
use crate::estimator::{QuasiMonteCarlo, normal_quantile, scrambled};

/// Nets of one size, which tell the error.
const NETS: u64 = 8;
/// The first net has this many points, the largest this many: a power of two each.
const POINTS: (u64, u64) = (512, 1 << 16);

/// The most coordinates: one more chooses the component.
pub(in crate::calculator) const MOST_DIM: usize = QuasiMonteCarlo::MAX_DIM - 1;

/// Eight nets of 512 points, eight of 1024 and so on, each scrambled anew (Owen 1997; the scrambling
/// of Burley 2020). All points count the same, so the largest nets count most.
pub(super) struct Nets<'a> {
    request: Request<'a>,
    integrands: Integrands<'a>,
    strata: [Option<Strata<'a>>; 2],
    /// For each round the points of a net, and the mean of each net: of each side, of each divergence.
    rounds: Vec<(f64, [Vec<Vec<f64>>; 2])>,
    absorbed: u64,
}

impl<'a> Nets<'a> {
    pub fn new(request: Request<'a>) -> Self {
        let one_by_one = |density| Strata::new(density, POINTS.1);
        Self {
            integrands: Integrands::new(&request),
            request,
            strata: [one_by_one(request.p), one_by_one(request.q)],
            rounds: Vec::new(),
            absorbed: 0,
        }
    }

    fn of_side(&self, side: Side, index: u64) -> Vec<f64> {
        let kinds = self.request.kinds;
        let Some(strata) = self.strata[super::place(side)]
            .as_ref()
            .filter(|_| self.integrands.have(side))
        else {
            return vec![0.0; kinds.len()];
        };
        let (points, dim) = (self.size(index), self.request.p.dim());
        let seed = scramble(self.request.seed, index, super::place(side) as u64);
        let mut x = vec![0.0; points as usize * dim];
        let mut z = vec![0.0; dim];
        for (i, x) in (0u32..).zip(x.chunks_exact_mut(dim)) {
            let (_, k) = strata.choose(scrambled(i, 0, seed));
            for (d, z) in (1u32..).zip(z.iter_mut()) {
                *z = normal_quantile(scrambled(i, d, seed));
            }
            place(strata.component(k), 1.0, &z, x);
        }
        (self.integrands.at(side, &x).iter())
            .map(|values| values.iter().sum::<f64>() / points as f64)
            .collect()
    }
}

/// The seed of a net's scrambling: a mixer of 64 bits (Steele, Lea and Flood 2014).
fn scramble(seed: u64, index: u64, side: u64) -> u32 {
    let mut mixed = seed ^ (2 * index + side + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for (shift, factor) in [(30, 0xbf58_476d_1ce4_e5b9), (27, 0x94d0_49bb_1331_11eb)] {
        mixed = (mixed ^ (mixed >> shift)).wrapping_mul(factor);
    }
    ((mixed ^ (mixed >> 31)) >> 32) as u32
}

impl Sampler for Nets<'_> {
    type Block = [Vec<f64>; 2];

    const TOGETHER: u64 = NETS;

    fn size(&self, index: u64) -> u64 {
        let doublings = (index / NETS).min(63) as u32;
        POINTS
            .0
            .checked_shl(doublings)
            .unwrap_or(POINTS.1)
            .min(POINTS.1)
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

    /// The mean over all points; its variance is told by the spread of the nets of each size, with the
    /// degrees of freedom of Welch and Satterthwaite.
    fn share(&self, kind: usize, side: Side) -> Share {
        let total: f64 = (self.rounds.iter())
            .map(|(points, sides)| points * sides[super::place(side)][kind].len() as f64)
            .sum();
        let (mut mean, mut variance, mut spread) = (0.0, 0.0, 0.0);
        for (points, sides) in &self.rounds {
            let means = &sides[super::place(side)][kind];
            let nets = means.len() as f64;
            let share = points * nets / total;
            let of_round = means.iter().sum::<f64>() / nets;
            mean += share * of_round;
            let squares: f64 = means.iter().map(|mean| (mean - of_round).powi(2)).sum();
            let of_mean = share * share * squares / (nets * (nets - 1.0));
            variance += of_mean;
            spread += of_mean * of_mean / (nets - 1.0);
        }
        let freedom = if spread > 0.0 {
            variance * variance / spread
        } else {
            NETS as f64 - 1.0
        };
        let quantile = StudentsT::new(0.0, 1.0, freedom).map_or(f64::NAN, |t| t.inverse_cdf(0.975));
        Share {
            mean,
            variance,
            quantile,
        }
    }
}
