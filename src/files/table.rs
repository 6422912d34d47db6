//! Tables of comma-separated values, as klfit writes them.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::folder::Folder;
use crate::error::{Error, Result};

/// Writes a table as a whole.
pub(crate) fn write(folder: &Folder, name: &str, csv: csv::Writer<Vec<u8>>) -> Result<()> {
    folder.write(name, &bytes(&folder.path_of(name), csv)?)
}

/// The bytes of a table.
pub(crate) fn bytes(path: &Path, csv: csv::Writer<Vec<u8>>) -> Result<Vec<u8>> {
    (csv.into_inner()).map_err(|error| Error::io("write", path)(error.into_error()))
}

/// The longest record of a table that is read back, in bytes: what has no end is none.
pub(crate) const LONGEST_RECORD: u64 = 256 << 20;

/// Reads a table; none if it is not there.
pub(crate) fn reader(
    folder: &Folder,
    name: &str,
) -> Result<Option<csv::Reader<LimitedRecords<File>>>> {
    Ok(folder.reader(name)?.map(|file| {
        csv::Reader::from_reader(LimitedRecords {
            file,
            since_line: 0,
        })
    }))
}

/// A file whose lines end.
pub(crate) struct LimitedRecords<F> {
    file: F,
    /// The bytes since the last end of a line.
    since_line: u64,
}

impl<F: Read> Read for LimitedRecords<F> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.since_line = match buffer[..count].iter().rposition(|&byte| byte == b'\n') {
            Some(place) => (count - place) as u64,
            None => self.since_line + count as u64,
        };
        if self.since_line > LONGEST_RECORD {
            let message = format!("a line has more than {} MiB", LONGEST_RECORD >> 20);
            return Err(std::io::Error::new(
                std::io::ErrorKind::InvalidData,
                message,
            ));
        }
        Ok(count)
    }
}

/// What it means that a table could not be read or written.
pub(crate) fn error(path: &Path) -> impl FnOnce(csv::Error) -> Error + use<> {
    let path = path.to_owned();
    move |cause| {
        if !cause.is_io_error() {
            return Error::run_folder(&path, cause.to_string());
        }
        match cause.into_kind() {
            csv::ErrorKind::Io(source) => Error::io("use", &path)(source),
            kind => Error::run_folder(&path, format!("{kind:?}")),
        }
    }
}

/// The shortest text that reads back as the same number; nothing for one that is not known.
pub(crate) fn number(value: f64) -> String {
    if value.is_nan() {
        return String::new();
    }
    format!("{value:?}")
}
