//! Tables of comma-separated values, as klfit writes them.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom, Take};
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

/// The longest line of a table that is read line by line, in bytes: what has no end is none.
pub(crate) const LONGEST_LINE: u64 = 256 << 20;
/// The most cells of such a line: each is kept in several places, however short it is.
pub(crate) const MOST_CELLS: u64 = LONGEST_LINE / 16;

/// What of a table is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lines {
    /// All of it.
    All,
    /// The lines that have an end: someone may be writing the last one, or have been cut off there.
    Whole,
}

/// Reads a table of numbers line by line, however many; none if it is not there.
pub(crate) fn reader(
    folder: &Folder,
    name: &str,
    lines: Lines,
) -> Result<Option<csv::Reader<LimitedLines<Take<File>>>>> {
    let Some(mut file) = folder.reader(name)? else {
        return Ok(None);
    };
    let end = match lines {
        Lines::All => u64::MAX,
        Lines::Whole => {
            let failed = |error| Error::io("read", &folder.path_of(name))(error);
            let end = end_of_lines(&file, 0).map_err(failed)?;
            file.seek(SeekFrom::Start(0)).map_err(failed)?;
            end
        }
    };
    Ok(Some(lines_of(file.take(end), LONGEST_LINE, MOST_CELLS)))
}

/// Where the last whole line of a file ends that does not end before `from`; an error where what follows it is longer
/// than any line.
pub(crate) fn end_of_lines(mut file: &File, from: u64) -> std::io::Result<u64> {
    let end = file.metadata()?.len();
    let (mut whole, mut piece) = (end, [0; 1 << 12]);
    while whole > from {
        if end - whole > LONGEST_LINE {
            return Err(too_long(LONGEST_LINE));
        }
        let start = whole.saturating_sub(piece.len() as u64).max(from);
        let piece = &mut piece[..(whole - start) as usize];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(piece)?;
        if let Some(place) = piece.iter().rposition(|&byte| byte == b'\n') {
            return Ok(start + place as u64 + 1);
        }
        whole = start;
    }
    Ok(whole)
}

fn lines_of<F: Read>(file: F, longest: u64, most_cells: u64) -> csv::Reader<LimitedLines<F>> {
    // Within quotes a record could go over any number of lines; numbers and their names have none.
    csv::ReaderBuilder::new()
        .quoting(false)
        .from_reader(LimitedLines {
            file,
            longest,
            most_cells,
            since_end: 0,
            commas: 0,
        })
}

/// A file whose lines end before long.
pub(crate) struct LimitedLines<F> {
    file: F,
    longest: u64,
    most_cells: u64,
    /// The bytes since the last end of a line, and the commas among them.
    since_end: u64,
    commas: u64,
}

impl<F: Read> Read for LimitedLines<F> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read(buffer)?;
        // What a buffer holds of lines that end in it is never too long.
        let read = &buffer[..count];
        let line = match read.iter().rposition(|&byte| byte == b'\n') {
            Some(end) => {
                (self.since_end, self.commas) = (0, 0);
                &read[end + 1..]
            }
            None => read,
        };
        self.since_end += line.len() as u64;
        self.commas += commas(line);
        if self.since_end > self.longest {
            return Err(too_long(self.longest));
        }
        if self.commas >= self.most_cells {
            let message = format!("a line has more than {} cells", self.most_cells);
            return Err(std::io::Error::new(ErrorKind::InvalidData, message));
        }
        Ok(count)
    }
}

/// How many cells end in some bytes, or more.
pub(crate) fn commas(bytes: &[u8]) -> u64 {
    bytes.iter().map(|&byte| u64::from(byte == b',')).sum()
}

/// What it means that a line goes on and on.
pub(crate) fn too_long(longest: u64) -> std::io::Error {
    let message = format!("a line has more than {longest} bytes");
    std::io::Error::new(ErrorKind::InvalidData, message)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_end_is_refused_and_many_lines_are_read() {
        let lines = "a,b\n".repeat(100_000);
        let records = lines_of(lines.as_bytes(), 1000, 2).into_records();
        assert_eq!(records.filter(Result::is_ok).count(), 99_999);
        // Nor does a quote make one record of all that follows.
        for first in ["", "\"", "a,\""] {
            for endless in ["0", "0,", "0\n\""] {
                let text = first.to_owned() + &endless.repeat(500_000);
                let mut longest = 0;
                for record in lines_of(text.as_bytes(), 1000, 1000).into_byte_records() {
                    let Ok(record) = record else { break };
                    longest = longest.max(record.as_slice().len());
                }
                assert!(longest <= 1000, "{first} {endless}: {longest}");
            }
        }
        assert!(
            lines_of(std::io::repeat(b'0'), 1000, 1000)
                .headers()
                .is_err()
        );
        // Nor do short cells without number.
        let mut cells = lines_of(std::io::repeat(b','), 1 << 40, 100_000);
        let error = cells.headers().unwrap_err().to_string();
        assert_eq!(error, "a line has more than 100000 cells");
    }
}
