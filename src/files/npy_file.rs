//! A table in NumPy's format that stays in its file: rows are read from where they stand.
//!
//! They are read at their places and the file is not mapped: of a file that is cut while it is read, a read
//! fails with an error, and a mapping ends the process.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::npy::Header;
use super::read;
use crate::error::{Error, Result};

/// N rows of a number of columns, one after the other in a file.
#[derive(Debug)]
pub(crate) struct NpyFile {
    file: File,
    path: PathBuf,
    header: Header,
    /// Where the first row is.
    begin: u64,
    rows: usize,
    columns: usize,
    /// The bytes of a row.
    row_len: usize,
    /// The length of the file, and when it was changed last.
    stamp: (u64, Option<SystemTime>),
}

/// What keeps rows from being read one by one.
pub(crate) enum NotInRows {
    /// The file is no array, or not a whole one; what is wrong with it, to follow its name.
    Damaged(String),
    /// It is one that must be read whole.
    Whole(&'static str),
    /// It cannot be read.
    Unreadable(Error),
}

impl NpyFile {
    /// Opens a table of N × D numbers, or N.
    ///
    /// # Errors
    /// With what it is instead.
    pub fn open(path: &Path) -> Result<Self, NotInRows> {
        let unreadable = |error: io::Error| NotInRows::Unreadable(Error::io("read", path)(error));
        let mut file = read::open(path).map_err(NotInRows::Unreadable)?;
        let header = Header::read(&mut file).map_err(NotInRows::Damaged)?;
        let begin = io::Seek::stream_position(&mut file).map_err(unreadable)?;
        let stamp = stamp(&file).map_err(unreadable)?;
        header
            .check(stamp.0.saturating_sub(begin))
            .map_err(NotInRows::Damaged)?;
        let (rows, columns) = match header.shape() {
            [rows] => (*rows, 1),
            [rows, columns] => (*rows, *columns),
            _ => return Err(NotInRows::Whole("its shape is not N × D")),
        };
        if header.is_column_major() && columns > 1 {
            return Err(NotInRows::Whole("it has one column after the other"));
        }
        // The length of the file bounds it.
        let row_len = header.data_len().unwrap_or(0) / rows.max(1);
        if row_len == 0 {
            return Err(NotInRows::Whole("it holds no numbers"));
        }
        // Entries that are no numbers are told of now.
        header.numbers(&[]).map_err(NotInRows::Damaged)?;
        Ok(Self {
            path: std::path::absolute(path).map_err(unreadable)?,
            file,
            header,
            begin,
            rows,
            columns,
            row_len,
            stamp,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// N.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// D.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The bytes of a row.
    pub fn row_len(&self) -> usize {
        self.row_len
    }

    /// Reads whole rows from the row `first` on, as many as there is room for.
    ///
    /// # Errors
    /// If they are not there, or cannot be read.
    pub fn read(&self, first: usize, bytes: &mut [u8]) -> Result<()> {
        let at = self.begin + first as u64 * self.row_len as u64;
        read_at(&self.file, bytes, at).map_err(Error::io("read", &self.path))
    }

    /// The bytes of `count` rows from the row `first` on.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn bytes(&self, first: usize, count: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; count * self.row_len];
        self.read(first, &mut bytes)?;
        Ok(bytes)
    }

    /// Bytes of whole rows as their numbers.
    ///
    /// # Errors
    /// If their type is none of numbers, which opening tells.
    pub fn numbers(&self, bytes: &[u8]) -> Result<Vec<f64>> {
        self.header.numbers(bytes).map_err(|message| {
            let message = format!("{}: the file {message}", self.path.display());
            Error::usage(message, "save the numbers again")
        })
    }

    /// Refuses a file that was written to since it was opened.
    ///
    /// # Errors
    /// If it was, or that is not known.
    pub fn check(&self) -> Result<()> {
        let now = stamp(&self.file).map_err(Error::io("read", &self.path))?;
        if now == self.stamp {
            return Ok(());
        }
        Err(Error::usage(
            format!("{} was changed while it was read", self.path.display()),
            "its rows are read again and again: leave the file as it is until the run has ended",
        ))
    }
}

fn stamp(file: &File) -> io::Result<(u64, Option<SystemTime>)> {
    let found = file.metadata()?;
    Ok((found.len(), found.modified().ok()))
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, at)
}

#[cfg(windows)]
fn read_at(file: &File, mut bytes: &mut [u8], mut at: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, at)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                bytes = &mut bytes[read..];
                at += read as u64;
            }
        }
    }
    Ok(())
}
