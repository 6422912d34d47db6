//! Samples from a file.

use std::path::Path;

use super::csv::from_csv;
use super::{Samples, check_width, doubts, numbered};
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
/// A `.csv` has commas between its cells. Its first line names the columns if `header` is true, is a
/// row if it is false, and names them if none of its cells is a number where that is left open. A
/// `.npy` of NumPy holds floats or integers of shape N × D, or N for one coordinate. Coordinates
/// without a name are called x1, x2 and so on.
///
/// # Errors
/// If the file cannot be read; with its line and column, if a cell is empty, not a number or not
/// finite, or a row has more or fewer cells than the first; if a `.npy` is said to have a header;
/// and as [`Samples::new`].
pub fn read_samples(path: &Path, header: Option<bool>) -> Result<SamplesFile> {
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
    let read = match (is_csv, header) {
        (true, header) => from_csv(&bytes, header),
        (false, None) => from_npy(&bytes).map(|samples| (samples, Vec::new())),
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

pub(super) fn from_npy(bytes: &[u8]) -> Result<Samples> {
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
    check_width(dim)?;
    Samples::new(numbered(dim), array.values, dim)
}
