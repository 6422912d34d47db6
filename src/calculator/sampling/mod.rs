//! Divergences by random points, in blocks, until they are sure enough: any number of draws takes
//! the memory of a few blocks.

mod densities;
mod nets;
mod random;
mod strata;

use rayon::prelude::*;

use super::answer::{Ending, Found};
use super::{Accuracy, Method};
use crate::device::Numerics;
use crate::divergence::{Divergence, DivergenceKind, Side};
use crate::error::Result;
use crate::target::TargetModel;
use densities::LogDensity;
pub(super) use nets::MOST_DIM;
use nets::Nets;
use random::Random;

/// Blocks between two looks at how far it is.
const AT_ONCE: usize = 64;
/// The fewest draws that an error is believed of.
const FEWEST: u64 = 4096;

/// What is asked of a sampler.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'a> {
    pub kinds: &'a [DivergenceKind],
    pub p: &'a TargetModel,
    pub q: &'a TargetModel,
    pub accuracy: Accuracy,
    /// Draws under each side at most.
    pub samples: u64,
    pub seed: u64,
}

/// How far a sampler is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Draws so far under each side.
    pub drawn: u64,
    /// Draws at most.
    pub most: u64,
    /// The largest error so far as a multiple of what was asked for, if something was.
    pub to_go: Option<f64>,
}

/// The mean of one side's integrand of one divergence.
#[derive(Debug, Clone, Copy)]
struct Share {
    mean: f64,
    /// The variance of that mean.
    variance: f64,
    /// The quantile that makes 95 % of it.
    quantile: f64,
}

/// A source of points under both sides.
trait Sampler: Sync {
    /// What is kept of one block.
    type Block: Send;

    /// Blocks that are of no use without each other.
    const TOGETHER: u64;

    /// What becomes of the block of this number.
    fn block(&self, index: u64) -> Self::Block;

    /// Draws of a block under each side.
    fn size(&self, index: u64) -> u64;

    /// Adds blocks in their order.
    fn absorb(&mut self, block: Self::Block);

    /// What is known of a side of a divergence, by its place among those asked for.
    fn share(&self, kind: usize, side: Side) -> Share;
}

/// Samples until every divergence has the error that is asked for, or the samples are spent.
///
/// # Errors
/// If the device failed.
pub(super) fn find(
    request: Request,
    method: Method,
    progress: &dyn Fn(Progress),
) -> Result<Vec<Found>> {
    match method {
        Method::Qmc => run(Nets::new(request), request, progress),
        _ => run(Random::new(request), request, progress),
    }
}

fn run<S: Sampler>(
    mut sampler: S,
    request: Request,
    progress: &dyn Fn(Progress),
) -> Result<Vec<Found>> {
    let divergences: Vec<Box<dyn Divergence>> =
        request.kinds.iter().map(|kind| kind.build()).collect();
    let (mut drawn, mut index) = (0, 0);
    loop {
        let mut ahead = 0;
        let mut blocks = Vec::new();
        while blocks.len() < AT_ONCE
            && drawn + ahead < request.samples
            && (ahead < drawn.max(FEWEST))
        {
            for _ in 0..S::TOGETHER {
                ahead += sampler.size(index);
                blocks.push(index);
                index += 1;
            }
        }
        let done: Vec<_> = blocks
            .into_par_iter()
            .map(|index| sampler.block(index))
            .collect();
        done.into_iter().for_each(|block| sampler.absorb(block));
        drawn += ahead;
        let mut found = Vec::with_capacity(divergences.len());
        for (kind, divergence) in divergences.iter().enumerate() {
            found.push(combine(&sampler, kind, &**divergence)?);
        }
        let to_go = (found.iter())
            .map(|found| request.accuracy.to_go(found))
            .fold(0.0, f64::max);
        progress(Progress {
            drawn,
            most: request.samples,
            to_go: request.accuracy.is_asked().then_some(to_go),
        });
        let is_reached = request.accuracy.is_asked() && to_go <= 1.0 && drawn >= FEWEST;
        if is_reached || drawn >= request.samples {
            for found in &mut found {
                found.samples = drawn;
                let reached = request.accuracy.is_asked() && request.accuracy.to_go(found) <= 1.0;
                found.ending = Some(if reached {
                    Ending::Reached
                } else {
                    Ending::Spent
                });
            }
            return Ok(found);
        }
    }
}

/// A divergence from its sides; an outer function carries the error along its slope.
fn combine(sampler: &impl Sampler, kind: usize, divergence: &dyn Divergence) -> Result<Found> {
    let shares: Vec<Share> = (divergence.sides().iter())
        .map(|&side| sampler.share(kind, side))
        .collect();
    let total: f64 = shares.iter().map(|share| share.mean).sum();
    let error = shares
        .iter()
        .map(|share| share.variance)
        .sum::<f64>()
        .sqrt();
    // The largest; NaN, of which nothing is known, stays.
    let quantile = shares.iter().fold(0.0, |most: f64, share| {
        if share.quantile <= most {
            most
        } else {
            share.quantile
        }
    });
    let reach = quantile * error;
    let beside = vec![
        total,
        total - reach,
        total + reach,
        total - error,
        total + error,
    ];
    let beside = Numerics::read(divergence.outer(Numerics::cpu().tensor(beside, [5])))?;
    Ok(Found {
        error: Some(0.5 * (beside[4] - beside[3]).abs()),
        interval: Some([beside[1].min(beside[2]), beside[1].max(beside[2])]),
        ..Found::bare(beside[0])
    })
}

/// Divergences as functions of points under one of their sides.
struct Integrands<'a> {
    divergences: Vec<Box<dyn Divergence>>,
    p: LogDensity<'a>,
    q: LogDensity<'a>,
    dim: usize,
}

impl<'a> Integrands<'a> {
    fn new(request: &Request<'a>) -> Self {
        Self {
            divergences: request.kinds.iter().map(|kind| kind.build()).collect(),
            p: LogDensity::new(request.p),
            q: LogDensity::new(request.q),
            dim: request.p.dim(),
        }
    }

    /// Whether any divergence has this side.
    fn have(&self, side: Side) -> bool {
        (self.divergences.iter()).any(|divergence| divergence.sides().contains(&side))
    }

    /// The integrands at points x of this side, N × D: a list for each divergence, empty for those
    /// without the side.
    fn at(&self, side: Side, x: &[f64]) -> Vec<Vec<f64>> {
        let [log_p, log_q] = [&self.p, &self.q].map(|density| density.at(x, self.dim));
        (self.divergences.iter())
            .map(|divergence| {
                if !divergence.sides().contains(&side) {
                    return Vec::new();
                }
                let mut values = vec![0.0; log_p.len()];
                divergence.values(side, &log_p, &log_q, &mut values);
                values
            })
            .collect()
    }
}

/// Both sides, in the order in which their sums are kept.
const SIDES: [Side; 2] = [Side::Target, Side::Family];

/// The place of a side among [`SIDES`].
fn place(side: Side) -> usize {
    match side {
        Side::Target => 0,
        Side::Family => 1,
    }
}
