//! Independent draws, stratified by component.

use rand::RngExt;
use rand_distr::{ChiSquared, Distribution};

use super::strata::{Strata, place};
use super::{Integrands, Request, SIDES, Sampler, Share};
use crate::divergence::Side;
use crate::kernel::cpu::{Width, derive_key, normals};
use crate::noise::{RunKey, Stream};
use crate::target::TargetModel;

/// 95 % of a normal distribution lie within so many standard deviations.
const NORMAL: f64 = 1.959_963_984_540_054;
/// Draws in a block, at least and at most, and the multiplications a block may take.
const BLOCK: (u64, u64) = (64, 4096);
const WORK: f64 = 2e8;

/// Count, mean and sum of squared deviations of some numbers.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn of(numbers: impl Iterator<Item = f64> + Clone) -> Self {
        let count = numbers.clone().count() as f64;
        if count == 0.0 {
            return Self::default();
        }
        let mean = numbers.clone().sum::<f64>() / count;
        Self {
            count,
            mean,
            squares: numbers.map(|x| (x - mean).powi(2)).sum(),
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

/// A stratified sample: the i-th of n draws of a block is of the component that holds the share
/// (i + u)/n of the weights, u random, so that each gets its share of draws but for one.
pub(super) struct Random<'a> {
    request: Request<'a>,
    integrands: Integrands<'a>,
    size: u64,
    strata: [Option<Strata<'a>>; 2],
    sums: [Sums; 2],
}

impl<'a> Random<'a> {
    pub fn new(request: Request<'a>) -> Self {
        let (p, q) = (request.p, request.q);
        let (components, dim) = (p.components() + q.components(), p.dim() as f64);
        let work = components as f64 * dim * (dim + 4.0);
        let size = ((WORK / work) as u64).clamp(BLOCK.0, BLOCK.1);
        let strata = [Strata::new(p, size), Strata::new(q, size)];
        let empty = |strata: &Option<Strata>| {
            let count = strata.as_ref().map_or(0, |strata| strata.weights().len());
            vec![vec![Moments::default(); count]; request.kinds.len()]
        };
        Self {
            integrands: Integrands::new(&request),
            request,
            size,
            sums: [empty(&strata[0]), empty(&strata[1])],
            strata,
        }
    }

    /// The moments of one block under one side.
    fn of_side(&self, side: Side, index: u64) -> Sums {
        let (density, stream) = match side {
            Side::Target => (self.request.p, Stream::TargetEvaluation),
            Side::Family => (self.request.q, Stream::FamilyEvaluation),
        };
        let Some(strata) = &self.strata[super::place(side)] else {
            return Vec::new();
        };
        if !self.integrands.have(side) {
            return Vec::new();
        }
        let mut generator = RunKey {
            seed: self.request.seed,
            run: 0,
        }
        .generator(stream, index);
        let heavy = match density {
            TargetModel::StudentT(student_t) => ChiSquared::new(student_t.dof()).ok(),
            _ => None,
        };
        let (count, dim) = (self.size as usize, density.dim());
        let start: f64 = generator.random();
        let key = derive_key(self.request.seed, stream as u64);
        let mut z = vec![0.0; count * dim];
        normals(Width::Widest, key, index, 0, &mut z);
        let mut x = vec![0.0; count * dim];
        let mut ends = vec![0; strata.weights().len()];
        for (i, (z, x)) in z.chunks_exact(dim).zip(x.chunks_exact_mut(dim)).enumerate() {
            let (stratum, k) = strata.choose((i as f64 + start) / count as f64);
            let stretch = heavy.map_or(1.0, |chi_squared| {
                let squared = chi_squared.sample(&mut generator);
                (self.dof(density) / squared).sqrt()
            });
            place(strata.component(k), stretch, z, x);
            ends[stratum] = i + 1;
        }
        // Strata follow each other, so each is a range of draws.
        let mut begin = 0;
        let ranges: Vec<_> = (ends.iter())
            .map(|&end| {
                let range = begin..end.max(begin);
                begin = end.max(begin);
                range
            })
            .collect();
        (self.integrands.at(side, &x).iter())
            .map(|values| {
                (ranges.iter())
                    .map(|range| {
                        Moments::of(values.get(range.clone()).unwrap_or(&[]).iter().copied())
                    })
                    .collect()
            })
            .collect()
    }

    fn dof(&self, density: &TargetModel) -> f64 {
        match density {
            TargetModel::StudentT(student_t) => student_t.dof(),
            _ => f64::INFINITY,
        }
    }
}

impl Sampler for Random<'_> {
    type Block = [Sums; 2];

    const TOGETHER: u64 = 1;

    fn size(&self, _: u64) -> u64 {
        self.size
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
        let weights = self.strata[place].as_ref().map_or(&[][..], Strata::weights);
        let (mut mean, mut variance) = (0.0, 0.0);
        for (weight, moments) in weights.iter().zip(&self.sums[place][kind]) {
            mean += weight * moments.mean;
            let one = moments.squares / (moments.count - 1.0);
            variance += weight * weight * one / moments.count;
        }
        Share {
            mean,
            variance,
            quantile: NORMAL,
        }
    }
}
