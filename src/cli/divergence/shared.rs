//! `klfit divergence --shard` and `--gather`: draws that many processes make, and their sums in a folder.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::{ControlFlow, RangeInclusive};
use std::path::Path;
use std::time::{Duration, Instant};

use super::tell::tell;
use super::{Divergence, show};
use crate::Result;
use crate::calculator::{Operand, PartialSums, Question};
use crate::cli::answer::bar;
use crate::cli::output::{to_stderr, to_stdout};
use crate::cli::signals::Signals;
use crate::cli::{Outcome, Verbosity};
use crate::config::{Part, Shard};
use crate::error::Error;
use crate::files::folder::Folder;
use crate::text::count;

/// Sums are written at least this often.
const OFTEN: Duration = Duration::from_secs(30);
/// The most bytes of a file of sums.
const LARGEST: u64 = 1 << 30;

/// What the file of a shard is called.
fn name(shard: Shard) -> String {
    format!("{}-of-{}.json", shard.number(), shard.of())
}

/// Reads the sums of a shard, if they are there.
fn read_sums(folder: &Folder, shard: Shard) -> Result<Option<PartialSums>> {
    let name = name(shard);
    let Some(bytes) = folder.read(&name, LARGEST)? else {
        return Ok(None);
    };
    let refuse = |why: String| {
        Error::usage(
            format!("{}: {why}", folder.path_of(&name).display()),
            "remove it, and run its shard again",
        )
    };
    let sums: PartialSums = (serde_json::from_slice(&bytes))
        .map_err(|error| refuse(format!("it does not hold sums of draws: {error}")))?;
    match sums.shard() == shard {
        true => Ok(Some(sums)),
        false => Err(refuse(format!("it is of shard {}", sums.shard()))),
    }
}

fn write_sums(folder: &Folder, sums: &PartialSums) -> Result<()> {
    let json = serde_json::to_vec(sums).map_err(|error| {
        Error::usage(
            format!("cannot write sums: {error}"),
            "choose other densities",
        )
    })?;
    if json.len() as u64 > LARGEST {
        return Err(Error::usage(
            format!(
                "the sums of shard {} are too many to be read again",
                sums.shard()
            ),
            "make more shards, or ask for --method monte-carlo, whose sums do not grow with the draws",
        ));
    }
    folder.write(name(sums.shard()), &json)
}

/// Makes the draws of a shard, keeps their sums, and tells what they say by themselves.
pub fn shard(
    options: &Divergence,
    question: &Question,
    operands: &[Operand],
    shard: Shard,
    folder: &Path,
    verbosity: Verbosity,
) -> Result<Outcome> {
    let signals = Signals::listen()?;
    let folder = Folder::create(folder)?;
    folder.clear_unfinished(|_| false)?;
    let found = read_sums(&folder, shard)?;
    let is_new = found.is_none();
    let mut sums = found.unwrap_or_else(|| PartialSums::new(shard));
    let bar = bar(verbosity);
    let before = sums.drawn();
    let written = RefCell::new(Instant::now());
    let answers = question.ask_shard(
        &operands[0],
        operands.get(1),
        &mut sums,
        &|sums, progress| {
            show(&bar, progress);
            if written.borrow().elapsed() > OFTEN {
                write_sums(&folder, sums)?;
                written.replace(Instant::now());
            }
            Ok(match signals.is_received() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            })
        },
    )?;
    bar.finish_and_clear();
    if is_new || sums.drawn() > before {
        write_sums(&folder, &sums)?;
    }
    if !sums.are_whole() {
        if !verbosity.quiet {
            let drawn = sums.drawn();
            to_stderr(format_args!(
                "interrupted after {drawn} draws; the same command goes on"
            ));
        }
        return Ok(Outcome::Interrupted(signals.exit_code()));
    }
    if sums.drawn() == 0 {
        if !verbosity.quiet {
            to_stderr(format_args!(
                "note: no draws are left for shard {shard}: there are more shards than work"
            ));
        }
        return Ok(Outcome::Success);
    }
    tell(options, operands, &answers, verbosity)?;
    if !verbosity.quiet && !options.json {
        let path = folder.path_of(name(shard));
        to_stdout(format_args!(
            "By the draws of shard {shard} alone; their sums are in {}, and --gather adds those of all.",
            path.display()
        ));
    }
    Ok(Outcome::Success)
}

/// Which shards have left sums in a folder.
fn shards(folder: &Folder) -> Result<Vec<Shard>> {
    let shard = |name: &str| {
        let (number, of) = name.strip_suffix(".json")?.split_once("-of-")?;
        Shard::read(&format!("{number}/{of}"), |_| None).ok()
    };
    let mut shards: Vec<Shard> = (folder.names()?.iter())
        .filter_map(|name| shard(name.to_str()?))
        .collect();
    shards.sort();
    shards.dedup();
    Ok(shards)
}

/// Adds the sums of all shards, and tells what they say and which are missing.
pub fn gather(
    options: &Divergence,
    question: &Question,
    operands: &[Operand],
    folder: &Path,
    verbosity: Verbosity,
) -> Result<Outcome> {
    let reading = verbosity.working(format!("reading {}", folder.display()));
    let folder = Folder::open(folder)?;
    let found: Vec<Option<PartialSums>> = (shards(&folder)?.into_iter())
        .map(|shard| read_sums(&folder, shard))
        .collect::<Result<_>>()?;
    let parts: Vec<PartialSums> = found.into_iter().flatten().collect();
    drop(reading);
    let Some(of) = parts.first().map(|part| part.shard().of()) else {
        return Err(Error::usage(
            format!("{} has no sums of shards", folder.path().display()),
            "run the shards first, with --shard",
        ));
    };
    let answers = question.ask_gathered(&operands[0], operands.get(1), &parts)?;
    tell(options, operands, &answers, verbosity)?;
    let whole: BTreeSet<u64> = (parts.iter())
        .filter(|part| part.are_whole())
        .map(|part| part.shard().number())
        .collect();
    let left = between(&whole, of);
    if left.is_empty() {
        return Ok(Outcome::Success);
    }
    to_stderr(format_args!(
        "{} of {} made all of their draws; the same command with --shard I/{of} in the place of --gather \
         makes those of another. Left are {}",
        whole.len(),
        count(usize::try_from(of).unwrap_or(usize::MAX), "shard"),
        Part::Points(left)
    ));
    Ok(Outcome::FailedRun)
}

/// The numbers from 1 to the last that are not among these, as ranges.
fn between(among: &BTreeSet<u64>, last: u64) -> Vec<RangeInclusive<usize>> {
    let number = |of: u64| usize::try_from(of).unwrap_or(usize::MAX);
    let mut ranges = Vec::new();
    let mut next = 1;
    for &one in among.iter().chain([&(last + 1)]) {
        if next < one {
            ranges.push(number(next)..=number(one - 1));
        }
        next = one + 1;
    }
    ranges
}
