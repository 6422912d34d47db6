//! Files read whole, up to a size: a device, or a link to one, may never end, and a pipe never begin.

use std::fs::File;
use std::io::{ErrorKind, IsTerminal, Read};
use std::path::Path;
use std::sync::OnceLock;

use cap_fs_ext::{OpenOptions, OpenOptionsSyncExt};
use cap_std::ambient_authority;

use crate::error::{Error, Result};

/// What stands for standard input where a file may.
pub(crate) const STANDARD_INPUT: &str = "-";
/// The largest table of numbers, in bytes.
pub(crate) const LARGEST_TABLE: u64 = 4 << 30;
/// The largest JSON, in bytes; its tree may take sixteen times as many.
pub(crate) const LARGEST_JSON: u64 = 1 << 30;
/// The largest config, in bytes; the sections that fits share are copied into each.
pub(crate) const LARGEST_CONFIG: u64 = 64 << 20;

/// Opens a file that someone names, by way of links if it is behind some.
///
/// # Errors
/// If it is not a regular file, or may not be read.
pub(crate) fn open(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    // What never answers, such as a pipe, does not keep anyone waiting.
    options.read(true).nonblock(true);
    let file = cap_std::fs::File::open_ambient_with(path, &options, ambient_authority());
    let file = file.map_err(Error::io("read", path))?.into_std();
    let found = file.metadata().map_err(Error::io("read", path))?;
    if found.is_dir() {
        return Err(Error::io("read", path)(ErrorKind::IsADirectory.into()));
    }
    match found.is_file() {
        true => Ok(file),
        false => Err(not_regular(path)),
    }
}

/// Reads a file of up to `most` bytes.
///
/// # Errors
/// If it is not a regular file, cannot be read, or has more.
pub(crate) fn read(path: &Path, most: u64) -> Result<Vec<u8>> {
    whole(open(path)?, path, most)
}

/// Reads an open file of up to `most` bytes.
///
/// # Errors
/// If it cannot be read, or has more.
pub(super) fn whole(file: File, path: &Path, most: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // Of one that says that it has more nothing is read: it may have no end in sight.
    let says = file.metadata().map_err(Error::io("read", path))?.len();
    if says <= most {
        (file.take(most + 1).read_to_end(&mut bytes)).map_err(Error::io("read", path))?;
    }
    if says.max(bytes.len() as u64) <= most {
        return Ok(bytes);
    }
    Err(Error::usage(
        format!("{} has more than {} MiB", path.display(), most >> 20),
        "give a smaller file",
    ))
}

/// Whether a path stands for standard input, as `-` does; a file of that name is `./-`.
pub(crate) fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == STANDARD_INPUT
}

/// What a file is called in messages.
pub(crate) fn name(path: &Path) -> String {
    match is_standard_input(path) {
        true => "standard input".to_owned(),
        false => path.display().to_string(),
    }
}

/// All of standard input, up to `most` bytes. It comes once: what was read is kept for those who ask again.
///
/// # Errors
/// If it is a terminal, cannot be read, or has more.
pub(crate) fn standard_input(most: u64) -> Result<&'static [u8]> {
    static WHOLE: OnceLock<std::result::Result<Vec<u8>, ErrorKind>> = OnceLock::new();
    let whole = WHOLE.get_or_init(|| {
        let input = std::io::stdin();
        if input.is_terminal() {
            return Err(ErrorKind::NotConnected);
        }
        let mut bytes = Vec::new();
        let read = input.lock().take(most + 1).read_to_end(&mut bytes);
        read.map(|_| bytes).map_err(|error| error.kind())
    });
    match whole {
        Ok(bytes) if bytes.len() as u64 > most => Err(Error::usage(
            format!("standard input has more than {} MiB", most >> 20),
            "give fewer rows, or a file",
        )),
        Ok(bytes) => Ok(bytes),
        Err(ErrorKind::NotConnected) => Err(Error::usage(
            "standard input is a terminal, which gives no table",
            "send one, as in `cat rows.csv | klfit run config.toml`, or name a file",
        )),
        Err(kind) => Err(Error::io("read", Path::new("standard input"))(
            (*kind).into(),
        )),
    }
}

/// Reads a text of up to `most` bytes.
///
/// # Errors
/// As [`read`], and if it is not in UTF-8.
pub(crate) fn read_text(path: &Path, most: u64) -> Result<String> {
    text(read(path, most)?, path)
}

/// Bytes as the text they are.
///
/// # Errors
/// If they are not in UTF-8.
pub(crate) fn text(bytes: Vec<u8>, path: &Path) -> Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let source = std::io::Error::new(std::io::ErrorKind::InvalidData, error.utf8_error());
        Error::io("read", path)(source)
    })
}

/// What it means that something is not a file.
pub(super) fn not_regular(path: &Path) -> Error {
    Error::usage(
        format!("{} is not a regular file", path.display()),
        "give a file; links, pipes and devices are not read here",
    )
}
