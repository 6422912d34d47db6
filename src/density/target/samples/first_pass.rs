//! The first pass over rows that stay in their files: what they are called, which are complete, and what they range over.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::kept::Kept;
use super::options::Gaps;
use super::{MissingRule, REPAIR, TableOptions, numbered};
use crate::error::{Error, Result};
use crate::files::npy_file::NotInRows;
use crate::files::npy_parts::{NpyParts, other_columns};
use crate::ranks::{Communicator, agreed, gathered};

/// Numbers that are read at once, 2 MB: they stay in the cache until they have been used.
const CHUNK: usize = 1 << 18;

/// Why rows do not stay in a file.
pub(super) enum NotInFile {
    /// The table must be read whole.
    Whole(&'static str),
    Refused(Error),
}

impl NotInFile {
    /// As an error where they must stay; it does not name the file.
    pub fn refused(self) -> Error {
        match self {
            Self::Whole(why) => Error::usage(
                format!("its rows cannot stay in the file: {why}"),
                "remove `in_memory` and name one file, or save the rows without weights as np.save(\"rows.npy\", np.ascontiguousarray(x))",
            ),
            Self::Refused(error) => error,
        }
    }
}

impl From<Error> for NotInFile {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

/// What a rank finds in its parts.
pub(super) struct Own {
    pub parts: NpyParts,
    pub names: Vec<String>,
    pub places: Vec<usize>,
    gaps: Gaps,
    /// A bit for each row, where there are some to leave out.
    with_gaps: Option<Vec<u64>>,
    pub seen: Seen,
    missing: MissingRule,
    /// Of the bytes of each part.
    digests: Vec<[u8; 32]>,
}

impl Own {
    /// Passes over the parts once: their numbers are checked.
    pub fn read(
        path: &Path,
        options: &TableOptions,
        reader: [usize; 2],
    ) -> Result<Self, NotInFile> {
        let parts = NpyParts::open(path, reader).map_err(|error| match error {
            NotInRows::Damaged(message) => Error::usage(
                format!("the file {message}"),
                "save the numbers again: np.save(\"samples.npy\", x.astype(float))",
            )
            .into(),
            NotInRows::Whole(why) => NotInFile::Whole(why),
            NotInRows::Unreadable(error) => NotInFile::Refused(error),
        })?;
        if options.weights.is_some() {
            return Err(NotInFile::Whole("its rows have weights"));
        }
        let all = numbered(parts.columns());
        let places = options.places(&all)?;
        let names: Vec<String> = places.iter().map(|&place| all[place].clone()).collect();
        if names.is_empty() {
            return Err(NotInFile::Whole("it holds no numbers"));
        }
        let mut gaps = Gaps::new(names.len());
        let (mut seen, mut infinite) = (Seen::new(names.len()), None);
        let (rows, per_chunk) = (parts.rows(), per_chunk(parts.columns()));
        let mut with_gaps: Option<Vec<u64>> = None;
        let mut digests = Vec::new();
        for part in parts.ranges() {
            let mut digest = Sha256::new();
            for first in part.clone().step_by(per_chunk) {
                let bytes = parts.bytes(first, per_chunk.min(part.end - first))?;
                let ((), numbers) = rayon::join(
                    || digest.update(&bytes),
                    || Ok::<_, Error>(chosen(&parts.numbers(first, &bytes)?, &places, all.len())),
                );
                for (row, x) in (first..).zip(numbers?.chunks_exact(names.len())) {
                    let is_infinite = |value: &f64| value.is_infinite();
                    if let (None, Some(column)) = (infinite, x.iter().position(is_infinite)) {
                        infinite = Some((row, column, x[column]));
                    }
                    if gaps.has_one(row, x) {
                        let bits = with_gaps.get_or_insert_with(|| vec![0; rows.div_ceil(64)]);
                        bits[row / 64] |= 1 << (row % 64);
                    } else {
                        seen.take(x);
                    }
                }
            }
            digests.push(digest.finalize().into());
        }
        parts.check()?;
        if let Some((row, column, value)) = infinite {
            let message = format!(
                "{}, column {}: {value} is not finite",
                parts.place(row),
                names[column]
            );
            return Err(Error::usage(message, REPAIR).into());
        }
        Ok(Self {
            parts,
            names,
            places,
            gaps,
            with_gaps,
            seen,
            missing: options.missing,
            digests,
        })
    }

    /// With what the other ranks have found.
    pub fn together(&mut self, ranks: &dyn Communicator) -> Result<()> {
        let columns = gathered(ranks, &[self.parts.columns() as f64])?;
        let of_first = columns[0][0] as usize;
        let own = match self.parts.columns() == of_first {
            true => Ok(()),
            false => {
                let name = format!("the first part of rank {}", ranks.rank());
                Err(other_columns(&name, [self.parts.columns(), of_first]))
            }
        };
        agreed(ranks, own)?;
        self.gaps.together(ranks)?;
        let [before, all] = self.parts.among();
        let mut bytes = vec![0.0; 32 * all];
        for (byte, own) in bytes[32 * before..].iter_mut().zip(self.digests.concat()) {
            *byte = f64::from(own);
        }
        ranks.sum(&mut bytes)?;
        let bytes: Vec<u8> = bytes.into_iter().map(|byte| byte as u8).collect();
        self.digests = bytes.as_chunks().0.to_vec();
        Ok(())
    }

    /// The digest of all parts: of one alone, its own.
    pub fn digest(&self) -> [u8; 32] {
        match self.digests[..] {
            [one] => one,
            _ => Sha256::digest(self.digests.concat()).into(),
        }
    }

    /// What is left out of them, by the places of the rows that are kept and in words, if no values are missing that must
    /// be there.
    pub fn complete(
        &self,
        ranks: Option<&dyn Communicator>,
    ) -> Result<(Option<Kept>, Option<String>)> {
        let note = match self.gaps.are_there() {
            true if self.missing == MissingRule::Refuse => {
                let refused = || self.gaps.refused(&self.names, |row| self.parts.place(row));
                let Some(ranks) = ranks else {
                    return Err(refused());
                };
                let own = match self.gaps.has_first() {
                    true => Err(refused()),
                    false => Ok(()),
                };
                agreed(ranks, own)?;
                None
            }
            true => Some(self.gaps.note(&self.names)),
            false => None,
        };
        let rows = self.parts.rows();
        let kept = (self.with_gaps.as_ref())
            .map(|gaps| Kept::new(rows, |row| gaps[row / 64] >> (row % 64) & 1 == 0));
        Ok((kept, note))
    }
}

/// The most rows of a chunk.
pub(super) fn per_chunk(columns: usize) -> usize {
    (CHUNK / columns.max(1)).max(1)
}

/// Some of the columns of rows.
pub(super) fn chosen(numbers: &[f64], places: &[usize], columns: usize) -> Vec<f64> {
    (numbers.chunks_exact(columns))
        .flat_map(|row| places.iter().map(|&place| row[place]))
        .collect()
}

/// What is kept of rows that go by.
pub(super) struct Seen {
    pub rows: usize,
    pub ranges: Vec<(f64, f64)>,
    /// The first coordinate of the first, and whether it is one more in every next row.
    first: f64,
    is_sequence: bool,
}

impl Seen {
    pub fn new(dim: usize) -> Self {
        Self {
            rows: 0,
            ranges: vec![(f64::INFINITY, f64::NEG_INFINITY); dim],
            first: 0.0,
            is_sequence: true,
        }
    }

    pub fn take(&mut self, x: &[f64]) {
        if self.rows == 0 {
            self.first = x[0];
        }
        self.is_sequence &= x[0] == self.first + self.rows as f64;
        self.rows += 1;
        for ((least, most), x) in self.ranges.iter_mut().zip(x) {
            (*least, *most) = (least.min(*x), most.max(*x));
        }
    }

    /// Whether the first coordinate counts the rows from 0 or 1.
    pub fn counts(&self) -> bool {
        self.is_sequence && (self.first == 0.0 || self.first == 1.0)
    }

    /// With the rows of other ranks, each of which has some.
    pub fn together(&mut self, ranks: &dyn Communicator) -> Result<()> {
        let is_sequence = f64::from(u8::from(self.is_sequence));
        let own: Vec<f64> = ([self.rows as f64, self.first, is_sequence].into_iter())
            .chain(self.ranges.iter().flat_map(|&(least, most)| [least, most]))
            .collect();
        let mut all = Self::new(self.ranges.len());
        for of_rank in gathered(ranks, &own)? {
            let [rows, first, is_sequence] = [of_rank[0], of_rank[1], of_rank[2]];
            if all.rows == 0 {
                all.first = first;
            }
            all.is_sequence &= is_sequence == 1.0 && first == all.first + all.rows as f64;
            all.rows += rows as usize;
            for ((least, most), ends) in all.ranges.iter_mut().zip(of_rank[3..].chunks_exact(2)) {
                (*least, *most) = (least.min(ends[0]), most.max(ends[1]));
            }
        }
        *self = all;
        Ok(())
    }
}
