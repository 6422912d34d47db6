//! A table in parts: files in NumPy's format that stay where they are, one after the other.

use std::path::{Path, PathBuf};

use super::npy_file::{NotInRows, NpyFile};
use crate::error::{Error, Result};

/// N rows of a number of columns, in one file or in several by the order of their names.
#[derive(Debug)]
pub(crate) struct NpyParts {
    parts: Vec<NpyFile>,
    /// The number of the first row of each, and N.
    firsts: Vec<usize>,
    /// What names them: a path, or a pattern.
    path: PathBuf,
    /// How many parts are before these, and how many there are in all.
    place: [usize; 2],
}

/// Whether a path names files by a pattern, as in `rows/part-*.npy`, rather than one that is there.
pub(crate) fn is_pattern(path: &Path) -> bool {
    path.to_string_lossy().contains(['*', '?']) && !path.exists()
}

/// The files of a table by the order of their names.
///
/// # Errors
/// If there are none, the pattern is none, or a folder cannot be read.
pub(crate) fn files(path: &Path) -> Result<Vec<PathBuf>> {
    if !is_pattern(path) {
        return Ok(vec![path.to_owned()]);
    }
    let help =
        "check the pattern: * stands for any letters in a name, ? for one, as in rows/part-*.npy";
    let refuse = |what: String| Error::usage(what, help);
    // Brackets are letters like others.
    let pattern = path.to_string_lossy().replace('[', "[[]");
    let found = glob::glob(&pattern).map_err(|error| refuse(error.to_string()))?;
    let mut files = Vec::new();
    for file in found {
        let file = file.map_err(|error| {
            let path = error.path().to_owned();
            Error::io("read", &path)(error.into())
        })?;
        files.push(file);
    }
    files.sort();
    match files.is_empty() {
        true => Err(refuse("no file is called so".to_owned())),
        false => Ok(files),
    }
}

impl NpyParts {
    /// Opens those files of a table that a reader has: the `reader`-th of so many.
    ///
    /// # Errors
    /// With what they are instead.
    pub fn open(path: &Path, [reader, readers]: [usize; 2]) -> Result<Self, NotInRows> {
        let files = files(path).map_err(NotInRows::Unreadable)?;
        if files.len() < readers {
            let message = format!(
                "there are {} for {readers} ranks",
                crate::text::count(files.len(), "file")
            );
            let help = "save the rows in parts, one for each rank at least, and name them all, as in \
                        file = \"rows/part-*.npy\"";
            return Err(NotInRows::Unreadable(Error::usage(message, help)));
        }
        let cut = |reader: usize| files.len() * reader / readers.max(1);
        let mut this = Self {
            parts: Vec::new(),
            firsts: vec![0],
            path: std::path::absolute(path)
                .map_err(|error| NotInRows::Unreadable(Error::io("read", path)(error)))?,
            place: [cut(reader), files.len()],
        };
        for file in &files[cut(reader)..cut(reader + 1)] {
            let part = NpyFile::open(file).map_err(|error| match error {
                NotInRows::Damaged(message) if files.len() > 1 => {
                    let help = "save it again: np.save(\"part-1.npy\", x.astype(float))";
                    let name = own_name(file);
                    NotInRows::Unreadable(Error::usage(format!("{name}: the file {message}"), help))
                }
                other => other,
            })?;
            let first = this.parts.first();
            if let Some(first) = first.filter(|first| first.columns() != part.columns()) {
                return Err(NotInRows::Unreadable(other_columns(
                    &own_name(file),
                    [part.columns(), first.columns()],
                )));
            }
            this.firsts.push(this.rows() + part.rows());
            this.parts.push(part);
        }
        Ok(this)
    }

    /// What names them.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// N.
    pub fn rows(&self) -> usize {
        self.firsts.last().copied().unwrap_or(0)
    }

    /// D.
    pub fn columns(&self) -> usize {
        self.parts.first().map_or(0, NpyFile::columns)
    }

    /// How many parts are before these, and how many there are in all.
    pub fn among(&self) -> [usize; 2] {
        self.place
    }

    /// The numbers of the rows of each part.
    pub fn ranges(&self) -> impl Iterator<Item = std::ops::Range<usize>> {
        self.firsts.windows(2).map(|ends| ends[0]..ends[1])
    }

    /// Where a row is, for people.
    pub fn place(&self, row: usize) -> String {
        let (part, of) = self.part_of(row);
        match self.path == of.path() {
            true => format!("row {}", row + 1),
            false => format!(
                "row {} of {}",
                row - self.firsts[part] + 1,
                own_name(of.path())
            ),
        }
    }

    /// The part that a row is in.
    fn part_of(&self, row: usize) -> (usize, &NpyFile) {
        let part = self.firsts.partition_point(|&first| first <= row) - 1;
        let part = part.min(self.parts.len() - 1);
        (part, &self.parts[part])
    }

    /// The bytes of `count` rows of one part from the row `first` on.
    ///
    /// # Errors
    /// If they are not there, or cannot be read.
    pub fn bytes(&self, first: usize, count: usize) -> Result<Vec<u8>> {
        let (part, file) = self.part_of(first);
        file.bytes(first - self.firsts[part], count)
    }

    /// Bytes of whole rows as their numbers, of the part that a row is in.
    ///
    /// # Errors
    /// If their type is none of numbers, which opening tells.
    pub fn numbers(&self, first: usize, bytes: &[u8]) -> Result<Vec<f64>> {
        self.part_of(first).1.numbers(bytes)
    }

    /// The numbers of `count` rows from the row `first` on.
    ///
    /// # Errors
    /// If they are not there, or cannot be read.
    pub fn read(&self, first: usize, count: usize) -> Result<Vec<f64>> {
        let mut numbers = Vec::new();
        let (mut row, end) = (first, first + count);
        while row < end {
            let (part, file) = self.part_of(row);
            file.check()?;
            let until = end.min(self.firsts[part + 1]).max(row + 1);
            let here = file.numbers(&file.bytes(row - self.firsts[part], until - row)?)?;
            if numbers.is_empty() {
                numbers = here;
            } else {
                numbers.extend(here);
            }
            row = until;
        }
        Ok(numbers)
    }

    /// The numbers of some rows, in the order given.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn pick(&self, rows: &[usize]) -> Result<Vec<f64>> {
        let columns = self.columns();
        let mut numbers = vec![0.0; rows.len() * columns];
        // Those of one part together: each has numbers of its own kind.
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_unstable_by_key(|&at| rows[at]);
        let part = |at: usize| self.part_of(rows[at]);
        for of_part in order.chunk_by(|&one, &other| part(one).0 == part(other).0) {
            let (place, file) = part(of_part[0]);
            file.check()?;
            let mut bytes = vec![0; of_part.len() * file.row_len()];
            for (bytes, &at) in bytes.chunks_exact_mut(file.row_len()).zip(of_part) {
                file.read(rows[at] - self.firsts[place], bytes)?;
            }
            let found = file.numbers(&bytes)?;
            for (&at, x) in of_part.iter().zip(found.chunks_exact(columns)) {
                numbers[at * columns..][..columns].copy_from_slice(x);
            }
        }
        Ok(numbers)
    }

    /// Refuses files that were written to since they were opened.
    ///
    /// # Errors
    /// If one was, or that is not known.
    pub fn check(&self) -> Result<()> {
        self.parts.iter().try_for_each(NpyFile::check)
    }
}

/// The name of a part in its folder.
fn own_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

/// What is wrong with a part of other columns.
pub(crate) fn other_columns(name: &str, [own, first]: [usize; 2]) -> Error {
    Error::usage(
        format!("{name} has {own} columns, and the parts before it have {first}"),
        "save all parts with the same columns",
    )
}
