//! Files that are whole at any instant: written beside the old one, made durable, and put in its
//! place.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// The end of the name of a file that is being written.
pub const UNFINISHED: &str = "tmp";
/// The end of the name of the version before.
pub const PREVIOUS: &str = "previous";

/// The path with something more at the end of its name.
pub fn with_ending(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".");
    name.push(end);
    name.into()
}

/// Writes a file; whoever is cut off at any instant leaves the old one or the new one, whole.
///
/// # Errors
/// If it cannot be written; the old one is still there then.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let unfinished = unfinished(path, bytes)?;
    put(&unfinished, path)
}

/// As [`write()`], with the version before kept beside it.
///
/// # Errors
/// As [`write()`]; an older version is still there then.
pub fn write_keeping(path: &Path, bytes: &[u8]) -> Result<()> {
    let unfinished = unfinished(path, bytes)?;
    if path.exists() {
        // Between this and the next line only the version before is there.
        put(path, &with_ending(path, PREVIOUS))?;
    }
    put(&unfinished, path)
}

/// Removes a file, if it is there.
///
/// # Errors
/// If it cannot be removed.
pub fn remove(path: &Path) -> Result<()> {
    if path.is_file() {
        fs::remove_file(path).map_err(Error::io("replace", path))?;
    }
    Ok(())
}

fn unfinished(path: &Path, bytes: &[u8]) -> Result<PathBuf> {
    let unfinished = with_ending(path, UNFINISHED);
    let write = || -> io::Result<()> {
        let mut file = File::create(&unfinished)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    if let Err(error) = write() {
        // What is left of it helps nobody, on a full disk least of all.
        let _ = fs::remove_file(&unfinished);
        return Err(failed(path)(error));
    }
    Ok(unfinished)
}

/// What it means that a file could not be written to a folder that was there.
fn failed(path: &Path) -> impl Fn(io::Error) -> Error {
    move |error| match path.parent() {
        Some(folder) if error.kind() == ErrorKind::NotFound => Error::usage(
            format!(
                "the folder {} was removed while the run was going",
                folder.display()
            ),
            "run it again, and leave its folder alone until it has ended",
        ),
        _ => Error::io("write", path)(error),
    }
}

fn put(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(failed(to))?;
    // A name is durable once its folder is; not every system can tell a folder so.
    if cfg!(unix)
        && let Some(folder) = to.parent()
    {
        let folder = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        (File::open(folder).and_then(|folder| folder.sync_all())).map_err(failed(to))?;
    }
    Ok(())
}
