//! Rows that stay in their file, and are read in passes or one by one.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use nalgebra::{DMatrix, DVector};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::kept::Kept;
use super::options::Gaps;
use super::{MissingRule, REPAIR, TableOptions, numbered};
use crate::error::{Error, Result};
use crate::files::npy_file::{NotInRows, NpyFile};

/// Numbers that are read at once, 2 MB: they stay in the cache until they have been used.
const CHUNK: usize = 1 << 18;
/// Rows that one thread reads one by one.
const PICKED: usize = 256;

/// N rows of D coordinates in a file, N ≥ 1: finite.
#[derive(Debug, Clone)]
pub(crate) struct FileRows {
    table: Arc<Table>,
    /// Which rows of the table they are, where they are not all.
    kept: Option<Arc<Kept>>,
    /// The least and the largest number of each coordinate.
    ranges: Vec<(f64, f64)>,
    /// Whether the first coordinate counts the rows.
    counts: bool,
    /// Mean and covariance, once they are asked for.
    moments: Arc<OnceLock<(DVector<f64>, DMatrix<f64>)>>,
}

/// The file.
#[derive(Debug)]
struct Table {
    file: NpyFile,
    /// Which of its columns are the coordinates.
    places: Vec<usize>,
    /// Of its bytes.
    digest: [u8; 32],
    /// Why rows could not be read when they had to be, with what to do.
    failure: OnceLock<(String, String)>,
}

/// What a first pass finds.
pub(super) struct Opened {
    pub rows: FileRows,
    pub names: Vec<String>,
    pub note: Option<String>,
}

/// Why rows do not stay in a file.
pub(super) enum NotInFile {
    /// The table must be read whole.
    Whole(&'static str),
    Refused(Error),
}

impl From<Error> for NotInFile {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
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
        let file = NpyFile::open(path).map_err(|error| match error {
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
        let all = numbered(file.columns());
        let places = options.places(&all)?;
        let names: Vec<String> = places.iter().map(|&place| all[place].clone()).collect();
        if names.is_empty() {
            return Err(NotInFile::Whole("it holds no numbers"));
        }
        let mut gaps = Gaps::new(names.len());
        let (mut seen, mut infinite) = (Seen::new(names.len()), None);
        let mut digest = Sha256::new();
        let (rows, per_chunk) = (file.rows(), per_chunk(file.columns()));
        // A bit for each row, where there are some to leave out.
        let mut with_gaps: Option<Vec<u64>> = None;
        for first in (0..rows).step_by(per_chunk) {
            let bytes = file.bytes(first, per_chunk.min(rows - first))?;
            let ((), numbers) = rayon::join(
                || digest.update(&bytes),
                || Ok::<_, Error>(chosen(&file.numbers(&bytes)?, &places, file.columns())),
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
        file.check()?;
        let place = |row: usize| format!("row {}", row + 1);
        if let Some((row, column, value)) = infinite {
            let message = format!(
                "{}, column {}: {value} is not finite",
                place(row),
                names[column]
            );
            return Err(Error::usage(message, REPAIR).into());
        }
        let note = match gaps.are_there() {
            true if options.missing == MissingRule::Refuse => {
                return Err(gaps.refused(&names, place).into());
            }
            true => Some(gaps.note(&names)),
            false => None,
        };
        let kept = with_gaps
            .map(|gaps| Arc::new(Kept::new(rows, |row| gaps[row / 64] >> (row % 64) & 1 == 0)));
        let table = Table {
            file,
            places,
            digest: digest.finalize().into(),
            failure: OnceLock::new(),
        };
        Ok(Opened {
            rows: Self::of(Arc::new(table), kept, seen),
            names,
            note,
        })
    }

    fn of(table: Arc<Table>, kept: Option<Arc<Kept>>, seen: Seen) -> Self {
        Self {
            table,
            kept,
            ranges: seen.ranges,
            counts: seen.counts,
            moments: Arc::default(),
        }
    }

    /// Those that are `chosen` by their place among these, and those that are not.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(super) fn split(&self, chosen: &Kept) -> Result<[Self; 2]> {
        let of = |is_taken: bool| -> Result<Self> {
            let mut place = 0;
            let kept = Kept::new(self.table.file.rows(), |row| {
                if self.kept.as_ref().is_some_and(|kept| !kept.has(row)) {
                    return false;
                }
                place += 1;
                chosen.has(place - 1) == is_taken
            });
            let mut part = Self::of(
                self.table.clone(),
                Some(Arc::new(kept)),
                Seen::new(self.dim()),
            );
            let mut seen = Seen::new(self.dim());
            part.pass(|x| x.chunks_exact(self.dim()).for_each(|x| seen.take(x)))?;
            (part.ranges, part.counts) = (seen.ranges, seen.counts);
            Ok(part)
        };
        Ok([of(true)?, of(false)?])
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        self.table.file.path()
    }

    /// N.
    pub fn len(&self) -> usize {
        (self.kept.as_ref()).map_or(self.table.file.rows(), |kept| kept.len())
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

    /// In how many chunks a pass over them goes.
    pub fn chunks(&self) -> usize {
        self.len().div_ceil(self.per_chunk())
    }

    /// The most rows of a chunk.
    pub fn per_chunk(&self) -> usize {
        per_chunk(self.table.file.columns())
    }

    /// The rows of a chunk, one after the other.
    ///
    /// # Errors
    /// If the file cannot be read, or was changed.
    pub fn chunk(&self, chunk: usize) -> Result<Vec<f64>> {
        let first = chunk * self.per_chunk();
        let last = (first + self.per_chunk()).min(self.len());
        self.table.file.check()?;
        let Some(kept) = &self.kept else {
            return self.table.read(first, last - first);
        };
        // Rows of which few are kept lie far apart.
        let (mut numbers, end) = (Vec::new(), kept.row(last - 1) + 1);
        let mut from = kept.row(first);
        while from < end {
            let count = self.per_chunk().min(end - from);
            let all = self.table.read(from, count)?;
            let rows = (from..).zip(all.chunks_exact(self.dim()));
            let rows = rows.filter(|(row, _)| kept.has(*row));
            numbers.extend(rows.flat_map(|(_, x)| x));
            from += count;
        }
        Ok(numbers)
    }

    /// Calls `take` with the rows of every chunk.
    fn pass(&self, mut take: impl FnMut(&[f64])) -> Result<()> {
        (0..self.chunks()).try_for_each(|chunk| {
            take(&self.chunk(chunk)?);
            Ok(())
        })
    }

    /// Rows by their places among these.
    ///
    /// # Errors
    /// If the file cannot be read, or was changed.
    pub fn pick(&self, places: &[usize]) -> Result<Vec<f64>> {
        self.table.file.check()?;
        let mut numbers = vec![0.0; places.len() * self.dim()];
        let parts = numbers.par_chunks_mut(PICKED * self.dim());
        let file = &self.table.file;
        parts
            .zip(places.par_chunks(PICKED))
            .try_for_each(|(numbers, places)| {
                let mut bytes = vec![0; places.len() * file.row_len()];
                let rows = bytes.chunks_exact_mut(file.row_len());
                rows.zip(places).try_for_each(|(bytes, &place)| {
                    let kept = self.kept.as_ref();
                    file.read(kept.map_or(place, |kept| kept.row(place)), bytes)
                })?;
                numbers.copy_from_slice(&self.table.numbers(&bytes)?);
                Ok::<_, Error>(())
            })?;
        Ok(numbers)
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
        let mut sum = DVector::<f64>::zeros(dim);
        self.pass(|numbers| {
            for x in numbers.chunks_exact(dim) {
                sum.iter_mut().zip(x).for_each(|(sum, x)| *sum += x);
            }
        })?;
        let mean = sum / n;
        let mut sums = DMatrix::<f64>::zeros(dim, dim);
        let mut offset = vec![0.0; dim];
        self.pass(|numbers| {
            for x in numbers.chunks_exact(dim) {
                (offset.iter_mut().zip(x).zip(mean.iter()))
                    .for_each(|((offset, x), mean)| *offset = x - mean);
                // It is symmetric: the columns above the diagonal are enough.
                for (d, mut column) in sums.column_iter_mut().enumerate() {
                    let entries = column.iter_mut().zip(&offset[..=d]);
                    entries.for_each(|(sum, other)| *sum += other * offset[d]);
                }
            }
        })?;
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

impl Table {
    /// The coordinates of `count` rows from `first` on.
    fn read(&self, first: usize, count: usize) -> Result<Vec<f64>> {
        self.numbers(&self.file.bytes(first, count)?)
    }

    /// The coordinates of whole rows.
    fn numbers(&self, bytes: &[u8]) -> Result<Vec<f64>> {
        let numbers = self.file.numbers(bytes)?;
        let columns = self.file.columns();
        let is_all = (self.places.iter().copied()).eq(0..columns);
        Ok(match is_all {
            true => numbers,
            false => chosen(&numbers, &self.places, columns),
        })
    }
}

fn per_chunk(columns: usize) -> usize {
    (CHUNK / columns.max(1)).max(1)
}

/// Some of the columns of rows.
fn chosen(numbers: &[f64], places: &[usize], columns: usize) -> Vec<f64> {
    (numbers.chunks_exact(columns))
        .flat_map(|row| places.iter().map(|&place| row[place]))
        .collect()
}

/// What is kept of rows that go by.
struct Seen {
    rows: usize,
    ranges: Vec<(f64, f64)>,
    first: f64,
    counts: bool,
}

impl Seen {
    fn new(dim: usize) -> Self {
        Self {
            rows: 0,
            ranges: vec![(f64::INFINITY, f64::NEG_INFINITY); dim],
            first: 0.0,
            counts: true,
        }
    }

    fn take(&mut self, x: &[f64]) {
        if self.rows == 0 {
            self.first = x[0];
            self.counts = x[0] == 0.0 || x[0] == 1.0;
        }
        self.counts &= x[0] == self.first + self.rows as f64;
        self.rows += 1;
        for ((least, most), x) in self.ranges.iter_mut().zip(x) {
            (*least, *most) = (least.min(*x), most.max(*x));
        }
    }
}
