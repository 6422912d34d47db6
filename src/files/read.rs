//! Files read whole, up to a size: a device, or a link to one, may never end.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::error::{Error, Result};

/// The largest table of numbers, in bytes.
pub(crate) const LARGEST_TABLE: u64 = 4 << 30;
/// The largest JSON, in bytes; its tree may take sixteen times as many.
pub(crate) const LARGEST_JSON: u64 = 1 << 30;
/// The largest config, in bytes; the sections that fits share are copied into each.
pub(crate) const LARGEST_CONFIG: u64 = 64 << 20;

/// Reads a file of up to `most` bytes.
///
/// # Errors
/// If it cannot be read, or has more.
pub(crate) fn read(path: &Path, most: u64) -> Result<Vec<u8>> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    let mut bytes = Vec::new();
    (file.take(most + 1).read_to_end(&mut bytes)).map_err(Error::io("read", path))?;
    if bytes.len() as u64 <= most {
        return Ok(bytes);
    }
    Err(Error::usage(
        format!("{} has more than {} MiB", path.display(), most >> 20),
        "give a smaller file",
    ))
}

/// Reads a text of up to `most` bytes.
///
/// # Errors
/// As [`read`], and if it is not in UTF-8.
pub(crate) fn read_text(path: &Path, most: u64) -> Result<String> {
    String::from_utf8(read(path, most)?).map_err(|error| {
        let source = std::io::Error::new(std::io::ErrorKind::InvalidData, error.utf8_error());
        Error::io("read", path)(source)
    })
}
