//! Samples from a file.

use std::borrow::Cow;
use std::path::Path;

use super::csv::from_csv;
use super::first_pass::NotInFile;
use super::in_file::FileRows;
use super::options::{Make, Numbers};
use super::{REPAIR, Samples, TableOptions, doubts, numbered};
use crate::error::{Error, Result};
use crate::files::npy::{self, NpyArray};
use crate::files::npy_file::NpyFile;
use crate::files::npy_parts::is_pattern;
use crate::files::read;
use crate::given;
use crate::ranks;
use crate::text::count;

/// Samples as a file gave them.
#[derive(Debug, Clone, PartialEq)]
pub struct SamplesFile {
    /// The samples.
    pub samples: Samples,
    /// What was taken in a way that may not be meant, each with what to do.
    pub notes: Vec<String>,
}

/// Where the rows of a file are while they are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Residence {
    /// In memory.
    Memory,
    /// In their file, from which they are read in passes or one by one.
    File,
    /// In their file where it is a large one of those that can be read so.
    BySize,
}

/// Of a `.npy` of more numbers the rows stay in the file: in memory they and their copies take a gigabyte.
const MOST_IN_MEMORY: usize = 1 << 25;

/// As [`read_samples`], of rows that may stay in their file.
///
/// # Errors
/// As [`read_samples`], and if rows are to stay in a file that must be read whole.
pub fn open_samples(
    path: &Path,
    options: &TableOptions,
    residence: Residence,
) -> Result<SamplesFile> {
    match open(path, options, residence)? {
        Some(read) => {
            let checked = read.samples.check_spread();
            checked.map_err(|error| in_file(error, path))?;
            Ok(read)
        }
        None => read_samples(path, options),
    }
}

/// As [`read_points`], of rows that may stay in their file.
///
/// # Errors
/// As [`read_points`], and if rows are to stay in a file that must be read whole.
pub fn open_held_out(
    path: &Path,
    options: &TableOptions,
    residence: Residence,
) -> Result<SamplesFile> {
    // Those of one file are few enough for every rank to read.
    let opened = match is_pattern(path) {
        true => open(path, options, residence),
        false => ranks::alone(|| open(path, options, residence)),
    };
    match opened? {
        Some(read) => Ok(read),
        None => read_points(path, options),
    }
}

/// Rows that stay in their file; `None` if they do not.
fn open(path: &Path, options: &TableOptions, residence: Residence) -> Result<Option<SamplesFile>> {
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    let is_npy = extension == "npy" && options.header.is_none();
    // Rows in parts, and those of several ranks, are for where memory does not do.
    let residence = match is_pattern(path) || (is_npy && ranks::current().is_some()) {
        true => Residence::File,
        false => residence,
    };
    let is_large = || {
        is_npy
            && NpyFile::open(path)
                .is_ok_and(|file| file.rows().saturating_mul(file.columns()) > MOST_IN_MEMORY)
    };
    match residence {
        Residence::Memory => return Ok(None),
        Residence::BySize if !is_large() => return Ok(None),
        Residence::BySize | Residence::File => {}
    }
    let opened = match is_npy {
        true => FileRows::open(path, options),
        false => Err(NotInFile::Whole("it is no .npy")),
    };
    let opened = match opened {
        Ok(opened) => opened,
        Err(NotInFile::Whole(_)) if residence == Residence::BySize => return Ok(None),
        Err(error) => return Err(in_file(error.refused(), path)),
    };
    let samples = Samples::in_file(opened.names, opened.rows)?;
    let standing = samples.points().len();
    let note = match standing == samples.len() {
        true => None,
        false => Some(format!(
            "the {} stay in the file: k-means starts, figures and the mass in the region of a fit are of {standing} of \
             them, chosen at random",
            count(samples.len(), "row"),
        )),
    };
    let notes = opened.note.into_iter().chain(doubts::counting(&samples));
    Ok(Some(SamplesFile {
        notes: notes
            .chain(note)
            .map(|message| format!("{}: {message}", path.display()))
            .collect(),
        samples,
    }))
}

/// An error with the name of the file.
fn in_file(error: Error, path: &Path) -> Error {
    match error {
        Error::Usage { message, help } => {
            Error::usage(format!("{}: {message}", read::name(path)), help)
        }
        other => other,
    }
}

/// Reads samples from a table: one row for each point, one column for each coordinate.
///
/// A `.csv` has commas between its cells. A `.npy` of NumPy holds floats or integers of shape N × D, or N for
/// one coordinate. Columns without a name are called x1, x2 and so on. `-` is standard input, which may be either.
///
/// # Errors
/// If the file cannot be read or lacks a chosen column; with its line and column, if a chosen cell is not a
/// number or not finite, or a value is missing unless such rows are left out; if a row has more or fewer cells
/// than the first, or a `.npy` is said to have a header; if a weight is none; and as [`Samples::new`].
pub fn read_samples(path: &Path, options: &TableOptions) -> Result<SamplesFile> {
    read_table(path, options, Samples::new)
}

/// As [`read_samples`], of rows that no density is to have: there may be one, or all alike.
///
/// # Errors
/// As [`read_samples`], a constant coordinate aside.
pub fn read_points(path: &Path, options: &TableOptions) -> Result<SamplesFile> {
    read_table(path, options, Samples::of_any)
}

fn read_table(path: &Path, options: &TableOptions, make: Make) -> Result<SamplesFile> {
    let read = if given::is_table(path) {
        from_given(&*given::table(path)?, options, make)
    } else {
        let (kind, bytes) = contents(path)?;
        decode(kind, bytes, options, make)
    };
    let at = |message: String| format!("{}: {message}", read::name(path));
    match read {
        Ok((samples, notes)) => Ok(SamplesFile {
            notes: (notes.into_iter())
                .chain(doubts::counting(&samples))
                .map(at)
                .collect(),
            samples,
        }),
        Err(error) => Err(in_file(error, path)),
    }
}

/// What a file holds, and how it is written.
fn contents(path: &Path) -> Result<(TableKind, Cow<'static, [u8]>)> {
    if read::is_standard_input(path) {
        let bytes = read::standard_input(read::LARGEST_TABLE)?;
        return Ok((TableKind::of_bytes(bytes), bytes.into()));
    }
    let kind = TableKind::of_name(path)?;
    Ok((kind, read::read(path, read::LARGEST_TABLE)?.into()))
}

fn decode(
    kind: TableKind,
    bytes: Cow<[u8]>,
    options: &TableOptions,
    make: Make,
) -> Result<(Samples, Vec<String>)> {
    match (kind, options.header) {
        (TableKind::Csv, _) => from_csv(&bytes, options, make),
        (kind, Some(_)) => Err(Error::usage(
            format!("a {} has no header", kind.name()),
            "say nothing of a header: every row of the table is a point",
        )),
        (TableKind::Npy, None) => from_npy(&bytes, options, make),
        (TableKind::Columnar, None) => from_columnar(bytes.into_owned(), options, make),
    }
}

/// A table that was given.
fn from_given(
    table: &given::Table,
    options: &TableOptions,
    make: Make,
) -> Result<(Samples, Vec<String>)> {
    let chosen = chosen(&table.columns, table.rows.clone(), options)?;
    samples_of(chosen, options, make)
}

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TableKind {
    Csv,
    Npy,
    /// Parquet or Arrow.
    Columnar,
}

impl TableKind {
    fn of_name(path: &Path) -> Result<Self> {
        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
        match extension.to_str() {
            Some("csv") => Ok(Self::Csv),
            Some("npy") => Ok(Self::Npy),
            Some("parquet" | "arrow" | "feather") => match cfg!(feature = "parquet") {
                true => Ok(Self::Columnar),
                false => Err(not_built(&path.display().to_string())),
            },
            _ => Err(Error::usage(
                format!("{}: samples are in a .csv or a .npy file", path.display()),
                "save the table as one of these; with NumPy: np.save(\"samples.npy\", x)",
            )),
        }
    }

    fn of_bytes(bytes: &[u8]) -> Self {
        if bytes.starts_with(npy::MAGIC) {
            return Self::Npy;
        }
        // What both begin with; text may as well, but not with what follows.
        match bytes.starts_with(b"PAR1") || bytes.starts_with(b"ARROW1\0\0") {
            true => Self::Columnar,
            false => Self::Csv,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Csv => ".csv",
            Self::Npy => ".npy",
            Self::Columnar => "table of Parquet or Arrow",
        }
    }
}

/// What to do where Parquet is not compiled in.
fn not_built(what: &str) -> Error {
    Error::usage(
        format!("{what}: this klfit was built without Parquet and Arrow"),
        "build it with them, `cargo build --release --features parquet`, or save the table as .csv or .npy",
    )
}

#[cfg(feature = "parquet")]
fn from_columnar(
    bytes: Vec<u8>,
    options: &TableOptions,
    make: Make,
) -> Result<(Samples, Vec<String>)> {
    samples_of(super::columnar::read(bytes, options)?, options, make)
}

#[cfg(not(feature = "parquet"))]
fn from_columnar(_: Vec<u8>, _: &TableOptions, _: Make) -> Result<(Samples, Vec<String>)> {
    Err(not_built("the table"))
}

pub(super) fn from_npy(
    bytes: &[u8],
    options: &TableOptions,
    make: Make,
) -> Result<(Samples, Vec<String>)> {
    let array = NpyArray::from_npy(bytes).map_err(|message| {
        Error::usage(
            format!("the file {message}"),
            "save the numbers again: np.save(\"samples.npy\", x.astype(float))",
        )
    })?;
    let dim = match array.shape[..] {
        [_] => 1,
        [_, dim] => dim,
        _ => {
            return Err(Error::usage(
                format!("the array has the shape {:?}", array.shape),
                "save one of shape N × D: one row for each point, one column for each coordinate",
            ));
        }
    };
    samples_of(
        chosen(&numbered(dim), array.values, options)?,
        options,
        make,
    )
}

/// The columns that are asked for.
fn chosen(columns: &[String], rows: Vec<f64>, options: &TableOptions) -> Result<Numbers> {
    let places = options.places(columns)?;
    let is_all = options.named().next().is_none();
    Ok(Numbers {
        names: places.iter().map(|&place| columns[place].clone()).collect(),
        rows: match is_all {
            false => (rows.chunks_exact(columns.len().max(1)))
                .flat_map(|row| places.iter().map(|&place| row[place]))
                .collect(),
            true => rows,
        },
    })
}

/// Samples of numbers that came as such.
fn samples_of(
    Numbers { names, rows }: Numbers,
    options: &TableOptions,
    make: Make,
) -> Result<(Samples, Vec<String>)> {
    let place = |row| format!("row {}", row + 1);
    // Before rows are left out, which are counted here.
    for (at, &value) in rows.iter().enumerate() {
        let (row, column) = (at / names.len(), at % names.len());
        let refused = match options.refused_weight(column, names.len(), value) {
            None if value.is_infinite() => Some((format!("{value} is not finite"), REPAIR)),
            refused => refused,
        };
        if let Some((what, help)) = refused {
            let message = format!("{}, column {}: {what}", place(row), names[column]);
            return Err(Error::usage(message, help));
        }
    }
    let (rows, note) = options.complete(&names, rows, place)?;
    let table = options.without_weights(names, rows)?;
    let notes = note.into_iter().chain(table.note.clone()).collect();
    Ok((table.samples(make)?, notes))
}
