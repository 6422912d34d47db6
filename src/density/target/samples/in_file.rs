//! Rows that stay in their files, and are read in passes or one by one.
//!
//! Where several ranks do a run together, each has the rows of some parts. What is told of rows is told of all of them
//! then, and every rank must ask for it.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use nalgebra::{DMatrix, DVector};
use rayon::prelude::*;

use super::TableOptions;
use super::first_pass::{NotInFile, Own, Seen, chosen, per_chunk};
use super::kept::Kept;
use crate::error::{Error, Result};
use crate::files::npy_parts::NpyParts;
use crate::ranks::{self, Communicator, agreed, gathered};

/// Rows that one thread reads one by one.
const PICKED: usize = 256;

/// N rows of D coordinates in files, N ≥ 1: finite.
#[derive(Debug, Clone)]
pub(crate) struct FileRows {
    table: Arc<Table>,
    /// Which rows of the table they are, where they are not all.
    kept: Option<Arc<Kept>>,
    /// N, and how many of them are of ranks before this one.
    all: usize,
    before: usize,
    /// The least and the largest number of each coordinate.
    ranges: Vec<(f64, f64)>,
    /// Whether the first coordinate counts the rows.
    counts: bool,
    /// Mean and covariance, once they are asked for.
    moments: Arc<OnceLock<(DVector<f64>, DMatrix<f64>)>>,
}

/// The files.
#[derive(Debug)]
struct Table {
    parts: NpyParts,
    /// Which of their columns are the coordinates.
    places: Vec<usize>,
    /// Of the bytes of all.
    digest: [u8; 32],
    /// Those that have the others, where there are some.
    ranks: Option<Arc<dyn Communicator>>,
    /// Why rows could not be read when they had to be, with what to do.
    failure: OnceLock<(String, String)>,
}

/// What a first pass finds.
pub(super) struct Opened {
    pub rows: FileRows,
    pub names: Vec<String>,
    pub note: Option<String>,
}

/// The same rows of the same bytes.
impl PartialEq for FileRows {
    fn eq(&self, other: &Self) -> bool {
        let of = |rows: &Self| (rows.table.digest, rows.table.places.clone());
        of(self) == of(other) && self.kept == other.kept
    }
}

impl FileRows {
    /// Opens a table and passes over it once: its numbers are checked, and rows with missing values are left
    /// out where they may be. Errors do not name the file.
    pub(super) fn open(path: &Path, options: &TableOptions) -> Result<Opened, NotInFile> {
        let Some(ranks) = ranks::current() else {
            return Ok(Self::opened(Own::read(path, options, [0, 1])?, None)?);
        };
        let own = Own::read(path, options, [ranks.rank(), ranks.size()]);
        let mut own = agreed(&*ranks, own.map_err(NotInFile::refused))?;
        own.together(&*ranks)?;
        Ok(Self::opened(own, Some(ranks))?)
    }

    fn opened(own: Own, ranks: Option<Arc<dyn Communicator>>) -> Result<Opened> {
        let (kept, note) = own.complete(ranks.as_deref())?;
        let table = Table {
            digest: own.digest(),
            parts: own.parts,
            places: own.places,
            ranks,
            failure: OnceLock::new(),
        };
        Ok(Opened {
            rows: Self::of(Arc::new(table), kept.map(Arc::new), own.seen)?,
            names: own.names,
            note,
        })
    }

    fn of(table: Arc<Table>, kept: Option<Arc<Kept>>, mut seen: Seen) -> Result<Self> {
        let mut before = 0;
        if let Some(ranks) = &table.ranks {
            let rows = gathered(&**ranks, &[seen.rows as f64])?;
            before = rows[..ranks.rank()]
                .iter()
                .map(|rows| rows[0] as usize)
                .sum();
            let own = match seen.rows {
                0 => Err(Error::usage(
                    format!(
                        "rank {} has no rows: none of its parts is complete, held out or left",
                        ranks.rank()
                    ),
                    "use fewer ranks, or parts with more rows",
                )),
                _ => Ok(()),
            };
            agreed(&**ranks, own)?;
            seen.together(&**ranks)?;
        }
        let this = Self {
            table,
            kept,
            all: seen.rows,
            before,
            counts: seen.counts(),
            ranges: seen.ranges,
            moments: Arc::default(),
        };
        if this.table.ranks.is_some() {
            // Where all ranks are sure to ask for them.
            this.moments()?;
        }
        Ok(this)
    }

    /// Those that are `chosen` by their place among these, and those that are not.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(super) fn split(&self, chosen: &Kept) -> Result<[Self; 2]> {
        let of = |is_taken: bool| -> Result<Self> {
            let mut place = self.before;
            let kept = Kept::new(self.table.parts.rows(), |row| {
                if self.kept.as_ref().is_some_and(|kept| !kept.has(row)) {
                    return false;
                }
                place += 1;
                chosen.has(place - 1) == is_taken
            });
            let kept = Arc::new(kept);
            let mut seen = Seen::new(self.dim());
            let rows = Chunks {
                table: &self.table,
                kept: Some(&kept),
            };
            rows.pass(|x| x.chunks_exact(self.dim()).for_each(|x| seen.take(x)))?;
            Self::of(self.table.clone(), Some(kept), seen)
        };
        Ok([of(true)?, of(false)?])
    }

    /// Where the file is, or the pattern that names the files.
    pub fn path(&self) -> &Path {
        self.table.parts.path()
    }

    /// N.
    pub fn len(&self) -> usize {
        self.all
    }

    /// Whether some of them are of other ranks.
    pub fn are_shared(&self) -> bool {
        self.table.ranks.is_some()
    }

    /// Those ranks.
    pub fn ranks(&self) -> Option<&dyn Communicator> {
        self.table.ranks.as_deref()
    }

    /// Those that are read here.
    fn own(&self) -> Chunks<'_> {
        Chunks {
            table: &self.table,
            kept: self.kept.as_deref(),
        }
    }

    /// D.
    pub fn dim(&self) -> usize {
        self.table.places.len()
    }

    /// The least and the largest number of a coordinate.
    pub fn range(&self, d: usize) -> (f64, f64) {
        self.ranges[d]
    }

    /// Whether the first coordinate counts the rows from 0 or 1.
    pub fn counts(&self) -> bool {
        self.counts
    }

    /// What tells the file from others: of all its bytes.
    pub fn digest(&self) -> &[u8] {
        &self.table.digest
    }

    /// In how many chunks a pass over those goes that are read here.
    pub fn chunks(&self) -> usize {
        self.own().count()
    }

    /// The most rows of a chunk.
    pub fn per_chunk(&self) -> usize {
        self.own().per_chunk()
    }

    /// The rows of a chunk, one after the other.
    ///
    /// # Errors
    /// If a file cannot be read, or was changed.
    pub fn chunk(&self, chunk: usize) -> Result<Vec<f64>> {
        self.own().read(chunk)
    }

    /// Rows by their places among these.
    ///
    /// # Errors
    /// If a file cannot be read, or was changed.
    pub fn pick(&self, places: &[usize]) -> Result<Vec<f64>> {
        let Some(ranks) = &self.table.ranks else {
            return self.own().pick(places);
        };
        let own = self.before..self.before + self.own().len();
        let here = |(at, place): (usize, &usize)| Some((at, place.checked_sub(own.start)?));
        let here: Vec<(usize, usize)> = (places.iter().enumerate())
            .filter(|(_, place)| own.contains(place))
            .filter_map(here)
            .collect();
        let of_own: Vec<usize> = here.iter().map(|(_, place)| *place).collect();
        let dim = self.dim();
        let mut numbers = vec![0.0; places.len() * dim];
        let read = self.or_nothing(self.own().pick(&of_own), of_own.len());
        for ((at, _), x) in here.into_iter().zip(read.chunks_exact(dim)) {
            numbers[at * dim..][..dim].copy_from_slice(x);
        }
        ranks.sum(&mut numbers)?;
        Ok(numbers)
    }

    /// Replaces numbers by their sums over all ranks; all are none where that fails, and [`check`](Self::check) tells why.
    pub fn add_up(&self, numbers: &mut [f64]) {
        if let Some(ranks) = &self.table.ranks
            && let Err(error) = ranks.sum(numbers)
        {
            self.or_nothing(Err(error), 0);
            numbers.fill(f64::NAN);
        }
    }

    /// Mean and covariance, divided by N; in the order of sums over rows in memory.
    ///
    /// # Errors
    /// If the file cannot be read, or was changed.
    pub fn moments(&self) -> Result<&(DVector<f64>, DMatrix<f64>)> {
        if let Some(moments) = self.moments.get() {
            return Ok(moments);
        }
        let (dim, n) = (self.dim(), self.len() as f64);
        let (own, ranks) = (self.own(), &self.table.ranks);
        let sum_up = |numbers: &mut [f64], own: Result<()>| match ranks {
            Some(ranks) => {
                agreed(&**ranks, own)?;
                ranks.sum(numbers)
            }
            None => own,
        };
        let mut sum = DVector::<f64>::zeros(dim);
        let passed = own.pass(|numbers| {
            for x in numbers.chunks_exact(dim) {
                sum.iter_mut().zip(x).for_each(|(sum, x)| *sum += x);
            }
        });
        sum_up(sum.as_mut_slice(), passed)?;
        let mean = sum / n;
        let mut sums = DMatrix::<f64>::zeros(dim, dim);
        let mut offset = vec![0.0; dim];
        let passed = own.pass(|numbers| {
            for x in numbers.chunks_exact(dim) {
                (offset.iter_mut().zip(x).zip(mean.iter()))
                    .for_each(|((offset, x), mean)| *offset = x - mean);
                // It is symmetric: the columns above the diagonal are enough.
                for (d, mut column) in sums.column_iter_mut().enumerate() {
                    let entries = column.iter_mut().zip(&offset[..=d]);
                    entries.for_each(|(sum, other)| *sum += other * offset[d]);
                }
            }
        });
        sum_up(sums.as_mut_slice(), passed)?;
        sums.fill_lower_triangle_with_upper_triangle();
        Ok(self.moments.get_or_init(|| (mean, sums / n)))
    }

    /// Numbers, or as many that are none where they could not be read: [`check`](Self::check) tells why.
    pub fn or_nothing(&self, numbers: Result<Vec<f64>>, rows: usize) -> Vec<f64> {
        numbers.unwrap_or_else(|error| {
            let help = error.help().unwrap_or_default();
            (self.table.failure).get_or_init(|| (error.to_string(), help));
            vec![f64::NAN; rows * self.dim()]
        })
    }

    /// Whether all rows could be read so far.
    ///
    /// # Errors
    /// If some could not.
    pub fn check(&self) -> Result<()> {
        match self.table.failure.get() {
            Some((message, help)) => Err(Error::usage(message.clone(), help.clone())),
            None => Ok(()),
        }
    }
}

/// The rows of a table that are kept, as they are read here.
#[derive(Clone, Copy)]
struct Chunks<'r> {
    table: &'r Table,
    kept: Option<&'r Kept>,
}

impl Chunks<'_> {
    fn len(self) -> usize {
        (self.kept).map_or(self.table.parts.rows(), Kept::len)
    }

    fn per_chunk(self) -> usize {
        per_chunk(self.table.parts.columns())
    }

    /// How many chunks there are.
    fn count(self) -> usize {
        self.len().div_ceil(self.per_chunk())
    }

    fn read(self, chunk: usize) -> Result<Vec<f64>> {
        let first = chunk * self.per_chunk();
        let last = (first + self.per_chunk()).min(self.len());
        let Some(kept) = &self.kept else {
            return self.table.read(first, last - first);
        };
        // Rows of which few are kept lie far apart.
        let (mut numbers, end) = (Vec::new(), kept.row(last - 1) + 1);
        let mut from = kept.row(first);
        while from < end {
            let count = self.per_chunk().min(end - from);
            let all = self.table.read(from, count)?;
            let rows = (from..).zip(all.chunks_exact(self.table.places.len()));
            let rows = rows.filter(|(row, _)| kept.has(*row));
            numbers.extend(rows.flat_map(|(_, x)| x));
            from += count;
        }
        Ok(numbers)
    }

    /// Calls `take` with the rows of every chunk.
    fn pass(self, mut take: impl FnMut(&[f64])) -> Result<()> {
        (0..self.count()).try_for_each(|chunk| {
            take(&self.read(chunk)?);
            Ok(())
        })
    }

    /// Rows by their places among these.
    fn pick(self, places: &[usize]) -> Result<Vec<f64>> {
        let Self { table, kept } = self;
        let dim = table.places.len();
        let mut numbers = vec![0.0; places.len() * dim];
        let parts = numbers.par_chunks_mut(PICKED * dim);
        parts
            .zip(places.par_chunks(PICKED))
            .try_for_each(|(numbers, places)| {
                let row = |&place: &usize| kept.map_or(place, |kept| kept.row(place));
                let rows: Vec<usize> = places.iter().map(row).collect();
                numbers.copy_from_slice(&table.of_columns(table.parts.pick(&rows)?));
                Ok::<_, Error>(())
            })?;
        Ok(numbers)
    }
}

impl Table {
    /// The coordinates of `count` rows from `first` on.
    fn read(&self, first: usize, count: usize) -> Result<Vec<f64>> {
        Ok(self.of_columns(self.parts.read(first, count)?))
    }

    /// The coordinates of whole rows.
    fn of_columns(&self, numbers: Vec<f64>) -> Vec<f64> {
        let columns = self.parts.columns();
        let is_all = (self.places.iter().copied()).eq(0..columns);
        match is_all {
            true => numbers,
            false => chosen(&numbers, &self.places, columns),
        }
    }
}
