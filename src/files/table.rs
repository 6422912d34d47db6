//! Tables of comma-separated values, as klfit writes them.

use std::fs::File;
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

/// Reads a table; none if it is not there.
pub(crate) fn reader(folder: &Folder, name: &str) -> Result<Option<csv::Reader<File>>> {
    Ok(folder.reader(name)?.map(csv::Reader::from_reader))
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
