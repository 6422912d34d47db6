//! Independent draws, stratified by component.

use rand_distr::{ChiSquared, Distribution};

use super::strata::{Stratum, strata, sum_of_variances};
use super::{Integrands, Request, SIDES, Sampler, Share};
use crate::divergence::Side;
use crate::kernel::cpu::{self, Width, derive_key, normals};
use crate::noise::{RunKey, Stream};
use crate::target::TargetModel;

/// Draws in a block, at least and at most, and the multiplications a block may take.
const BLOCK: (u64, u64) = (64, 4096);
const WORK: f64 = 2e8;
/// The draws of a component in a block, at least, and where there is room.
const LEAST: (u64, u64) = (2, 32);

/// Count, mean and sum of squared deviations of some numbers.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn of(numbers: &[f64]) -> Self {
        let count = numbers.len() as f64;
        if numbers.is_empty() {
            return Self::default();
        }
        let mean = numbers.iter().sum::<f64>() / count;
        Self {
            count,
            mean,
            squares: numbers.iter().map(|x| (x - mean).powi(2)).sum(),
        }
    }

    /// Those of both together (Chan, Golub and LeVeque 1983).
    fn add(&mut self, other: Self) {
        let count = self.count + other.count;
        if other.count == 0.0 {
            return;
        }
        let apart = other.mean - self.mean;
        self.squares += other.squares + apart * apart * self.count * other.count / count;
        self.mean += apart * other.count / count;
        self.count = count;
    }
}

/// The moments of each stratum, of each divergence.
type Sums = Vec<Vec<Moments>>;

/// A stratified sample: in each block every component gets its share of the draws, and a few in any
/// case, so that none is missed.
pub(super) struct Random<'a> {
    request: Request<'a>,
    integrands: Integrands<'a>,
    strata: [Vec<Stratum<'a>>; 2],
    /// Draws of each stratum in a block.
    counts: [Vec<u64>; 2],
    sums: [Sums; 2],
}

impl<'a> Random<'a> {
    pub fn new(request: Request<'a>) -> Self {
        let (p, q) = (request.p, request.q);
        let (components, dim) = (p.components() + q.components(), p.dim() as f64);
        let work = components as f64 * dim * (dim + 4.0);
        let size = ((WORK / work) as u64).clamp(BLOCK.0, BLOCK.1);
        let strata = [strata(p), strata(q)];
        let counts = strata.each_ref().map(|strata| {
            let least = (size / (4 * strata.len().max(1) as u64)).clamp(LEAST.0, LEAST.1);
            (strata.iter())
                .map(|stratum| ((stratum.weight * size as f64).round() as u64).max(least))
                .collect()
        });
        let empty = |strata: &Vec<Stratum>| {
            vec![vec![Moments::default(); strata.len()]; request.kinds.len()]
        };
        Self {
            integrands: Integrands::new(&request),
            request,
            sums: strata.each_ref().map(empty),
            strata,
            counts,
        }
    }

    /// The moments of one block under one side.
    fn of_side(&self, side: Side, index: u64) -> Sums {
        if !self.integrands.have(side) {
            return Vec::new();
        }
        let (density, stream) = match side {
            Side::Target => (self.request.p, Stream::TargetEvaluation),
            Side::Family => (self.request.q, Stream::FamilyEvaluation),
        };
        let place = super::place(side);
        let (strata, counts) = (&self.strata[place], &self.counts[place]);
        let (count, dim) = (counts.iter().sum::<u64>() as usize, density.dim());
        let key = derive_key(self.request.seed, stream as u64);
        let mut z = vec![0.0; count * dim];
        normals(Width::Widest, key, index, 0, &mut z);
        let mut x = vec![0.0; count * dim];
        match density {
            TargetModel::StudentT(student_t) => {
                let mut stretch = stretches(student_t.dof(), self.request.seed, stream, index);
                let mut points = z.chunks_exact(dim).zip(x.chunks_exact_mut(dim));
                for (stratum, &count) in strata.iter().zip(counts) {
                    for (z, x) in points.by_ref().take(count as usize) {
                        stratum.place(stretch(), z, x);
                    }
                }
            }
            _ => {
                let (mut z, mut x) = (&z[..], &mut x[..]);
                for (stratum, &count) in strata.iter().zip(counts) {
                    let (from, rest_of_z) = z.split_at(count as usize * dim);
                    let (to, rest_of_x) = x.split_at_mut(count as usize * dim);
                    let factor = stratum.factor.transpose();
                    let mean = stratum.mean.as_slice();
                    cpu::place(Width::Widest, mean, factor.as_slice(), from, to);
                    (z, x) = (rest_of_z, rest_of_x);
                }
            }
        }
        (self.integrands.at(side, &x).iter())
            .map(|values| {
                // A divergence without this side has no values.
                let mut rest = &values[..];
                (counts.iter())
                    .map(|&count| {
                        let (here, others) = rest.split_at((count as usize).min(rest.len()));
                        rest = others;
                        Moments::of(here)
                    })
                    .collect()
            })
            .collect()
    }
}

/// What makes Gaussian points those of Student's t: √(ν / χ²_ν), drawn anew each time.
fn stretches(dof: f64, seed: u64, stream: Stream, index: u64) -> impl FnMut() -> f64 {
    let mut generator = RunKey { seed, run: 0 }.generator(stream, index);
    let chi_squared = ChiSquared::new(dof).ok();
    move || match chi_squared {
        Some(chi_squared) => (dof / chi_squared.sample(&mut generator)).sqrt(),
        // ν is positive, so it is there.
        None => f64::NAN,
    }
}

impl Sampler for Random<'_> {
    type Block = [Sums; 2];

    const TOGETHER: u64 = 1;

    fn size(&self, _: u64) -> u64 {
        let [p, q] = self
            .counts
            .each_ref()
            .map(|counts| counts.iter().sum::<u64>());
        p.max(q)
    }

    fn block(&self, index: u64) -> [Sums; 2] {
        SIDES.map(|side| self.of_side(side, index))
    }

    fn absorb(&mut self, block: [Sums; 2]) {
        for (sums, of_block) in self.sums.iter_mut().zip(block) {
            for (sums, of_block) in sums.iter_mut().zip(of_block) {
                for (sum, moments) in sums.iter_mut().zip(of_block) {
                    sum.add(moments);
                }
            }
        }
    }

    /// Σ w mean, with the variance Σ w² s²/n of a stratified mean (Cochran 1977, §5.3).
    fn share(&self, kind: usize, side: Side) -> Share {
        let place = super::place(side);
        let parts = || self.strata[place].iter().zip(&self.sums[place][kind]);
        let (variance, quantile) = sum_of_variances(parts().map(|(stratum, moments)| {
            let freedom = moments.count - 1.0;
            let of_mean = moments.squares / freedom / moments.count;
            (stratum.weight * stratum.weight * of_mean, freedom)
        }));
        Share {
            mean: parts()
                .map(|(stratum, moments)| stratum.weight * moments.mean)
                .sum(),
            variance,
            quantile,
        }
    }
}
