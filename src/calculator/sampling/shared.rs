//! Draws that many processes make, each those of a shard: what one keeps of them, and what all make together.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::nets::NetMean;
use super::random::Sums;
use super::{Blocks, Draws, Progress, Sampler, SamplingRequest, found, sampler};
use crate::calculator::answer::Computed;
use crate::calculator::method::Method;
use crate::config::Shard;
use crate::error::{Error, Result};

/// The sums of the draws that one process makes for a [question](crate::Question), of its shard of them.
///
/// They are a few numbers for each stratum of what is drawn from, whatever the number of draws; or one for each net of
/// points. Whoever has those of every shard knows what one process would that made all the draws.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartialSums {
    shard: Shard,
    /// One for each time that the question samples.
    sampled: Vec<Sampled>,
}

/// The sums of the draws for some divergences.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sampled {
    /// What makes the draws what they are.
    digest: String,
    /// Draws of all shards.
    samples: u64,
    blocks: Blocks,
    sums: KeptSums,
}

/// What a sampler keeps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum KeptSums {
    /// Of each list, of each stratum.
    MonteCarlo(Vec<Sums>),
    /// Of each round, of each list, of each net.
    Qmc(BTreeMap<u64, Vec<Vec<NetMean>>>),
}

impl PartialSums {
    /// Those of a shard of which nothing is drawn yet.
    pub fn new(shard: Shard) -> Self {
        Self {
            shard,
            sampled: Vec::new(),
        }
    }

    /// Which draws they are of.
    pub fn shard(&self) -> Shard {
        self.shard
    }

    /// Draws that they are the sums of.
    pub fn drawn(&self) -> u64 {
        (self.sampled.iter()).fold(0, |sum, one| sum.saturating_add(one.blocks.drawn))
    }

    /// Whether all draws of the shard are made.
    pub fn are_whole(&self) -> bool {
        let is_whole = |one: &Sampled| one.blocks.before >= one.samples;
        !self.sampled.is_empty() && self.sampled.iter().all(is_whole)
    }
}

impl Sampled {
    /// Whether they are the sums of a shard of what is asked for, from which a sampler then goes on.
    fn goes_to(&self, asked: &Self, shard: Shard, sampler: &mut dyn Sampler) -> bool {
        let is_asked = (&self.digest, self.samples) == (&asked.digest, asked.samples);
        is_asked && sampler.add(&self.sums, shard, &self.blocks)
    }

    /// Those of no draws yet.
    fn new(request: &SamplingRequest, method: Method) -> Self {
        Self {
            digest: digest(request, method),
            samples: request.samples,
            blocks: Blocks::default(),
            sums: match method {
                Method::Qmc => KeptSums::Qmc(BTreeMap::new()),
                _ => KeptSums::MonteCarlo(Vec::new()),
            },
        }
    }
}

/// A digest of all that makes draws what they are, in hexadecimal digits.
fn digest(request: &SamplingRequest, method: Method) -> String {
    struct Into(Sha256);
    impl Write for Into {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0.update(text);
            Ok(())
        }
    }
    let SamplingRequest {
        kinds,
        p,
        q,
        accuracy: _,
        samples,
        seed,
    } = request;
    let mut into = Into(Sha256::new());
    let version = env!("CARGO_PKG_VERSION");
    // Nothing that is written to can refuse.
    _ = write!(
        into,
        "{version} {method:?} {kinds:?} {samples} {seed} {p:?} {q:?}"
    );
    data_encoding::HEXLOWER.encode(&into.0.finalize())
}

/// Makes the draws of one shard; those that it has already are not made again.
pub(in crate::calculator) struct InShard<'a> {
    pub sums: RefCell<&'a mut PartialSums>,
    /// How many times something was sampled.
    pub times: Cell<usize>,
    /// Is given the sums from time to time, and how far they are; draws end where it breaks.
    pub keep: &'a dyn Fn(&PartialSums, Progress) -> Result<ControlFlow<()>>,
}

impl Draws for InShard<'_> {
    fn find(&self, request: SamplingRequest, method: Method) -> Result<Vec<Computed>> {
        let mut sampler = sampler(request, method);
        let sums = &mut **self.sums.borrow_mut();
        let shard = sums.shard;
        let place = self.times.replace(self.times.get() + 1);
        let asked = Sampled::new(&request, method);
        if place >= sums.sampled.len() {
            sums.sampled.push(asked.clone());
        }
        if !sums.sampled[place].goes_to(&asked, shard, &mut *sampler) {
            return Err(other_draws(shard));
        }
        let mut blocks = sums.sampled[place].blocks;
        let mut is_wanted = true;
        while is_wanted && !blocks.are_all(&request) {
            blocks.draw(&mut *sampler, &request, shard, None);
            let one = &mut sums.sampled[place];
            (one.blocks, one.sums) = (blocks, sampler.kept());
            let progress = Progress {
                drawn: blocks.drawn,
                most: request.samples / shard.of(),
                error_ratio: None,
            };
            is_wanted = (self.keep)(sums, progress)?.is_continue();
        }
        if blocks.drawn == 0 {
            // There are more shards than blocks.
            return Ok(vec![Computed::bare(f64::NAN); request.kinds.len()]);
        }
        Ok(request.ended(found(&*sampler, &request)?, blocks.drawn))
    }
}

/// Sums that are not those asked for.
fn other_draws(shard: Shard) -> Error {
    Error::usage(
        format!("the sums of shard {shard} are of other draws"),
        "the densities, --kind, --method, --samples and --seed must be what they were, and klfit too; for others, name \
         another folder",
    )
}

/// Has the draws that others made.
pub(in crate::calculator) struct Gathered<'a> {
    pub parts: &'a [PartialSums],
    /// How many times something was sampled.
    pub times: Cell<usize>,
}

impl Draws for Gathered<'_> {
    fn find(&self, request: SamplingRequest, method: Method) -> Result<Vec<Computed>> {
        let mut sampler = sampler(request, method);
        let place = self.times.replace(self.times.get() + 1);
        let asked = Sampled::new(&request, method);
        let mut drawn = 0u64;
        for part in self.parts {
            // One that was cut off before has not begun this.
            let Some(one) = part.sampled.get(place) else {
                continue;
            };
            if !one.goes_to(&asked, part.shard, &mut *sampler) {
                return Err(other_draws(part.shard));
            }
            drawn = drawn.saturating_add(one.blocks.drawn);
        }
        if drawn == 0 {
            return Err(Error::usage(
                "there are no draws to gather",
                "run the shards first, with --shard",
            ));
        }
        Ok(request.ended(found(&*sampler, &request)?, drawn))
    }
}
