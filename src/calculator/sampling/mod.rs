//! Divergences by random points, in blocks, until they are sure enough: any number of draws takes
//! the memory of a few blocks.

mod bridges;
mod densities;
mod integrands;
mod moments;
mod nets;
mod random;
mod strata;

use rayon::prelude::*;

use super::answer::{Computed, Ending};
use super::{Accuracy, Method};
use crate::compute::device::Numerics;
use crate::density::target::TargetModel;
use crate::divergence::{Divergence, DivergenceKind, Summed};
use crate::error::Result;
use integrands::Places;
use moments::Mean;
pub(super) use nets::SOBOL_DIM;
use nets::SobolNets;
use random::RandomPoints;

/// Blocks between two looks at how far it is.
const AT_ONCE: usize = 64;
/// The fewest draws that an error is believed of.
const FEWEST: u64 = 8192;
/// Rounding of sums over draws and strata, as a multiple of ε.
const SUMS: f64 = 16.0;
/// How far an error is said to be from what it may be where it is not sure enough itself, at least.
const UNSURE: f64 = 2.0;

/// What is asked of a sampler.
#[derive(Debug, Clone, Copy)]
pub(super) struct SamplingRequest<'a> {
    pub kinds: &'a [DivergenceKind],
    pub p: &'a TargetModel,
    pub q: &'a TargetModel,
    pub accuracy: Accuracy,
    /// Draws at most, from whatever side.
    pub samples: u64,
    pub seed: u64,
}

impl SamplingRequest<'_> {
    /// What log p and log q are off by, in nats: no draws make that less.
    fn off(&self) -> [f64; 2] {
        [self.p, self.q].map(|model| model.log_normalizer_error())
    }

    /// The error of what draws gave as a multiple of what was asked for; where that is out of reach for what log p and
    /// log q are off by, of as much as that adds.
    fn error_ratio(&self, kind: DivergenceKind, found: &Computed) -> f64 {
        let beyond = kind.misplaced(
            found.value,
            self.off().map(|off| 2.0 * off),
            Summed::Jointly,
        );
        let tolerance = self.accuracy.tolerance(found.value);
        let by_draws = self.accuracy.error_ratio(found);
        match beyond > tolerance {
            true => by_draws * tolerance / beyond,
            false => by_draws,
        }
    }

    /// A divergence with what log p and log q are off by, and why sampling ended.
    fn ended(&self, kind: DivergenceKind, found: Computed, is_sure: bool) -> Computed {
        let found = found.with_log_densities_off(kind, self.off(), Summed::Jointly);
        let is_asked = self.accuracy.is_set();
        let ending = match is_sure && is_asked {
            false => Ending::Spent,
            true if self.accuracy.error_ratio(&found) <= 1.0 => Ending::Reached,
            // What log Z adds is more than what is missing, or draws alone would have done.
            true => Ending::Normalizer,
        };
        Computed {
            ending: Some(ending),
            ..found
        }
    }
}

/// How far a sampler is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Draws so far.
    pub drawn: u64,
    /// Draws at most.
    pub most: u64,
    /// The largest error so far as a multiple of what was asked for, if something was.
    pub error_ratio: Option<f64>,
}

/// A source of points under both densities at once.
trait Sampler: Sync {
    /// What is kept of one block.
    type Block: Send;

    /// Blocks that are of no use without each other.
    const GROUP: u64;

    /// The degrees of freedom that an error must have before it ends the sampling.
    const FREEDOM: f64;

    /// What becomes of the block of this number.
    fn block(&self, index: u64) -> Self::Block;

    /// Draws of a block.
    fn size(&self, index: u64) -> u64;

    /// Adds blocks in their order.
    fn absorb(&mut self, block: Self::Block);

    /// Where what belongs to a divergence is found, by its place among those asked for.
    fn places(&self, kind: usize) -> Places;

    /// What is known of the mean of a list.
    fn mean(&self, list: usize) -> Mean;
}

/// Samples until every divergence has the error that is asked for, or the samples are spent.
///
/// # Errors
/// If the device failed.
pub(super) fn find(
    request: SamplingRequest,
    method: Method,
    progress: &dyn Fn(Progress),
) -> Result<Vec<Computed>> {
    match method {
        Method::Qmc => run(SobolNets::new(request), request, progress),
        _ => run(RandomPoints::new(request), request, progress),
    }
}

fn run<S: Sampler>(
    mut sampler: S,
    request: SamplingRequest,
    progress: &dyn Fn(Progress),
) -> Result<Vec<Computed>> {
    let divergences: Vec<Box<dyn Divergence>> =
        request.kinds.iter().map(|kind| kind.build()).collect();
    let (mut drawn, mut index) = (0, 0);
    loop {
        let mut ahead = 0;
        let mut blocks = Vec::new();
        while blocks.len() < AT_ONCE
            && drawn + ahead < request.samples
            && (ahead < drawn.max(FEWEST) || !request.accuracy.is_set())
        {
            for _ in 0..S::GROUP {
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
        let mut error_ratio = Vec::with_capacity(divergences.len());
        for (place, (kind, divergence)) in request.kinds.iter().zip(&divergences).enumerate() {
            let Places { joint, power } = sampler.places(place);
            let means = |lists: [usize; 2]| lists.map(|list| sampler.mean(list));
            let of_power = power.and_then(|lists| {
                let means = means(lists);
                Some((by_power(means, *kind)?, means[0].freedom))
            });
            let (one, freedom) = match of_power {
                Some(found) => found,
                None => {
                    let means = means(joint);
                    (combine(means, &**divergence)?, means[0].freedom)
                }
            };
            // Of an error that is itself unsure nothing is said but that it is not there yet.
            let least = if freedom < S::FREEDOM { UNSURE } else { 0.0 };
            error_ratio.push(request.error_ratio(*kind, &one).max(least));
            found.push(one);
        }
        let most = error_ratio.iter().copied().fold(0.0, f64::max);
        progress(Progress {
            drawn,
            most: request.samples,
            error_ratio: request.accuracy.is_set().then_some(most),
        });
        let is_reached = request.accuracy.is_set() && most <= 1.0 && drawn >= FEWEST;
        if is_reached || drawn >= request.samples {
            let ended = |((found, kind), error_ratio): ((Computed, &DivergenceKind), f64)| {
                let samples = drawn;
                request.ended(*kind, Computed { samples, ..found }, error_ratio <= 1.0)
            };
            let found = found.into_iter().zip(request.kinds).zip(error_ratio);
            return Ok(found.map(ended).collect());
        }
    }
}

/// A divergence from the mean of its integrand and of how far that is rounded; an outer function carries
/// the error along its slope.
fn combine([mean, rounding]: [Mean; 2], divergence: &dyn Divergence) -> Result<Computed> {
    // Logarithms are rounded each by itself, all in the same direction at worst; so are the sums.
    let rounding = f64::EPSILON * (rounding.mean + SUMS * mean.mean.abs());
    let error = mean.variance.sqrt() + rounding;
    let reach = mean.quantile() * mean.variance.sqrt() + rounding;
    let outer = vec![
        mean.mean,
        mean.mean - reach,
        mean.mean + reach,
        mean.mean - error,
        mean.mean + error,
    ];
    let outer = Numerics::read(divergence.outer(Numerics::cpu().tensor(outer, [5])))?;
    Ok(Computed {
        error: Some(0.5 * (outer[4] - outer[3]).abs()),
        interval: Some([outer[1].min(outer[2]), outer[1].max(outer[2])]),
        ..Computed::bare(outer[0])
    })
}

/// A divergence from ∫ p^α q^(1−α) and how far that is rounded, where the integral is so far from 1 that
/// nothing is lost in their difference; it may be beyond all numbers.
fn by_power([power, rounding]: [Mean; 2], kind: DivergenceKind) -> Option<Computed> {
    let log = power.log_scale + power.mean.ln();
    if log.is_nan() || log.is_infinite() || log.abs() < DivergenceKind::FAR {
        return None;
    }
    let rounding = f64::EPSILON
        * (SUMS + (rounding.mean / power.mean) * (rounding.log_scale - power.log_scale).exp());
    let spread = power.variance.sqrt() / power.mean;
    let range = kind.range();
    let at = |share: f64| {
        let value = kind.power()?.at_log(log + share.max(0.0).ln());
        Some(value.clamp(*range.start(), *range.end()))
    };
    let between = |reach: f64| {
        let [a, b] = [at(1.0 - reach)?, at(1.0 + reach)?];
        Some([a.min(b), a.max(b)])
    };
    let value = at(1.0)?;
    let [low, high] = between(spread + rounding)?;
    Some(Computed {
        error: Some(0.5 * (high - low)),
        interval: between(power.quantile() * spread + rounding),
        ..Computed::bare(value)
    })
}
