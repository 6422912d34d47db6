//! Samples from a file.

use std::path::Path;

use super::csv::from_csv;
use super::options::Make;
use super::{REPAIR, Samples, TableOptions, doubts, numbered};
use crate::error::{Error, Result};
use crate::files::npy::NpyArray;
use crate::files::read;

/// Samples as a file gave them.
#[derive(Debug, Clone, PartialEq)]
pub struct SamplesFile {
    /// The samples.
    pub samples: Samples,
    /// What was taken in a way that may not be meant, each with what to do.
    pub notes: Vec<String>,
}

/// Reads samples from a table: one row for each point, one column for each coordinate.
///
/// A `.csv` has commas between its cells. A `.npy` of NumPy holds floats or integers of shape N × D, or N for
/// one coordinate. Columns without a name are called x1, x2 and so on.
///
/// # Errors
/// If the file cannot be read or lacks a chosen column; with its line and column, if a chosen cell is not a
/// number or not finite, or a value is missing unless such rows are left out; if a row has more or fewer cells
/// than the first, or a `.npy` is said to have a header; if a weight is none; and as [`Samples::new`].
pub fn read_samples(path: &Path, options: &TableOptions) -> Result<SamplesFile> {
    read_table(path, options, Samples::new)
}

/// As [`read_samples`], of rows that fits are judged by: they may be alike.
///
/// # Errors
/// As [`read_samples`], a constant coordinate aside.
pub fn read_held_out(path: &Path, options: &TableOptions) -> Result<SamplesFile> {
    read_table(path, options, Samples::of_any)
}

fn read_table(path: &Path, options: &TableOptions, make: Make) -> Result<SamplesFile> {
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    let is_csv = match extension.to_str() {
        Some("csv") => true,
        Some("npy") => false,
        _ => {
            return Err(Error::usage(
                format!("{}: samples are in a .csv or a .npy file", path.display()),
                "save the table as one of these; with NumPy: np.save(\"samples.npy\", x)",
            ));
        }
    };
    let bytes = read::read(path, read::LARGEST_TABLE)?;
    let read = match (is_csv, options.header) {
        (true, _) => from_csv(&bytes, options, make),
        (false, None) => from_npy(&bytes, options, make),
        (false, Some(_)) => Err(Error::usage(
            "a .npy has no header",
            "say nothing of a header: every row of the array is a point",
        )),
    };
    let at = |message: String| format!("{}: {message}", path.display());
    match read {
        Ok((samples, notes)) => Ok(SamplesFile {
            notes: (notes.into_iter())
                .chain(doubts::counting(&samples))
                .map(at)
                .collect(),
            samples,
        }),
        Err(Error::Usage { message, help }) => Err(Error::usage(at(message), help)),
        Err(other) => Err(other),
    }
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
    let all = numbered(dim);
    let places = options.places(&all)?;
    let names: Vec<String> = places.iter().map(|&place| all[place].clone()).collect();
    let is_all = options.named().next().is_none();
    let rows: Vec<f64> = match is_all {
        false => (array.values.chunks_exact(dim.max(1)))
            .flat_map(|row| places.iter().map(|&place| row[place]))
            .collect(),
        true => array.values,
    };
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
