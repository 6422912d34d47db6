//! Divergences by random points, in blocks, until they are sure enough: any number of draws takes
//! the memory of a few blocks.

mod bridges;
mod densities;
mod integrands;
mod moments;
mod nets;
mod random;
mod shared;
mod strata;

use serde::{Deserialize, Serialize};

use super::answer::{Computed, Ending};
use super::{Accuracy, Method};
use crate::compute::device::Numerics;
use crate::config::Shard;
use crate::density::target::TargetModel;
use crate::divergence::{Divergence, DivergenceKind, Summed};
use crate::error::Result;
use integrands::Places;
use moments::Mean;
pub(super) use nets::SOBOL_DIM;
use nets::SobolNets;
use random::RandomPoints;
use shared::KeptSums;
pub use shared::PartialSums;
pub(super) use shared::{Gathered, InShard};

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

    /// All divergences after so many draws.
    fn ended(&self, found: Vec<(Computed, f64)>, samples: u64) -> Vec<Computed> {
        (found.into_iter().zip(self.kinds))
            .map(|((found, error_ratio), kind)| {
                self.end(*kind, Computed { samples, ..found }, error_ratio <= 1.0)
            })
            .collect()
    }

    /// A divergence with what log p and log q are off by, and why sampling ended.
    fn end(&self, kind: DivergenceKind, found: Computed, is_sure: bool) -> Computed {
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

/// A source of points under both densities at once, in blocks by number.
trait Sampler {
    /// Blocks that are of no use without each other.
    fn group(&self) -> u64;

    /// The degrees of freedom that an error must have before it ends the sampling.
    fn freedom(&self) -> f64;

    /// Draws of a block.
    fn size(&self, index: u64) -> u64;

    /// Draws the blocks of these numbers, at once, and adds them in their order.
    fn draw(&mut self, blocks: &[u64]);

    /// What is kept of all blocks so far.
    fn kept(&self) -> KeptSums;

    /// Adds what was kept of other blocks, those that a shard has of so many; false, and nothing is added, where it is not
    /// of those.
    fn add(&mut self, kept: &KeptSums, shard: Shard, blocks: &Blocks) -> bool;

    /// Where what belongs to a divergence is found, by its place among those asked for.
    fn places(&self, kind: usize) -> Places;

    /// What is known of the mean of a list.
    fn mean(&self, list: usize) -> Mean;
}

/// The sampler of a method.
fn sampler<'a>(request: SamplingRequest<'a>, method: Method) -> Box<dyn Sampler + 'a> {
    match method {
        Method::Qmc => Box::new(SobolNets::new(request)),
        _ => Box::new(RandomPoints::new(request)),
    }
}

/// Who makes the draws that a question needs.
pub(super) trait Draws {
    /// Finds divergences by them.
    ///
    /// # Errors
    /// If the device failed, or there are no such draws.
    fn find(&self, request: SamplingRequest, method: Method) -> Result<Vec<Computed>>;
}

/// This process makes them, until every divergence has the error that is asked for, or the samples are spent; it is told
/// how far that is.
impl<F: Fn(Progress)> Draws for F {
    fn find(&self, request: SamplingRequest, method: Method) -> Result<Vec<Computed>> {
        let mut sampler = sampler(request, method);
        let is_set = request.accuracy.is_set();
        let mut blocks = Blocks::default();
        loop {
            let most = is_set.then_some(blocks.drawn.max(FEWEST));
            blocks.draw(&mut *sampler, &request, Shard::WHOLE, most);
            let found = found(&*sampler, &request)?;
            let ratio = (found.iter()).fold(0.0, |most: f64, (_, ratio)| most.max(*ratio));
            self(Progress {
                drawn: blocks.drawn,
                most: request.samples,
                error_ratio: is_set.then_some(ratio),
            });
            let is_reached = is_set && ratio <= 1.0 && blocks.drawn >= FEWEST;
            if is_reached || blocks.are_all(&request) {
                return Ok(request.ended(found, blocks.drawn));
            }
        }
    }
}

/// How far the blocks of a sampler are drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Blocks {
    /// How many there are before the next, whoever draws them.
    next: u64,
    /// The draws in these.
    before: u64,
    /// Those of them that are made here.
    drawn: u64,
}

impl Blocks {
    /// Whether all draws are made.
    fn are_all(&self, request: &SamplingRequest) -> bool {
        self.before >= request.samples
    }

    /// Draws some more, those of a shard, with about so many draws at most.
    fn draw(
        &mut self,
        sampler: &mut dyn Sampler,
        request: &SamplingRequest,
        shard: Shard,
        most: Option<u64>,
    ) {
        let from = self.drawn;
        let mut blocks = Vec::new();
        while blocks.len() < AT_ONCE
            && !self.are_all(request)
            && most.is_none_or(|most| self.drawn - from < most)
        {
            let is_here = shard.has(self.next / sampler.group());
            for _ in 0..sampler.group() {
                let size = sampler.size(self.next);
                self.before += size;
                if is_here {
                    self.drawn += size;
                    blocks.push(self.next);
                }
                self.next += 1;
            }
        }
        sampler.draw(&blocks);
    }
}

/// What is known of every divergence by the draws so far, and how far its error is from what it may be.
fn found(sampler: &dyn Sampler, request: &SamplingRequest) -> Result<Vec<(Computed, f64)>> {
    let of_kind = |(place, kind): (usize, &DivergenceKind)| {
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
                (combine(means, &*kind.build())?, means[0].freedom)
            }
        };
        // Of an error that is itself unsure nothing is said but that it is not there yet.
        let least = if freedom < sampler.freedom() {
            UNSURE
        } else {
            0.0
        };
        Ok((one, request.error_ratio(*kind, &one).max(least)))
    };
    request.kinds.iter().enumerate().map(of_kind).collect()
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
