//! What commands print, and files that they write.

use std::fmt::Display;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use super::MISUSE;
use super::error_report::report_error;
use crate::text::lines;
use crate::{Error, Result};

/// Prints lines for people to standard output, whatever is in them.
pub fn to_stdout(text: impl Display) {
    let written = writeln!(anstream::stdout(), "{}", lines(&text.to_string()));
    match written {
        // Who has read enough may stop.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            report_error(&Error::io("write", Path::new("standard output"))(error));
            // There is nobody to tell anything else.
            std::process::exit(i32::from(MISUSE));
        }
        _ => {}
    }
}

/// Prints lines for people to standard error, whatever is in them.
pub fn to_stderr(text: impl Display) {
    // Where that cannot be written there is no one to tell.
    _ = writeln!(anstream::stderr(), "{}", lines(&text.to_string()));
}

/// Writes a file.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).map_err(Error::io("write", path))
}

/// Prints a text that is there for other programs; one that has read enough may stop.
pub fn print(text: &[u8]) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Error::io("write", Path::new("standard output"))(error))
        }
        _ => Ok(()),
    }
}
