//! Writes a trajectory, row by row as they come.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{FIRST, Told, values_there};
use crate::error::{Error, Result};
use crate::files::folder::Folder;
use crate::files::names::TRAJECTORY;
use crate::files::table;
use crate::fit::Record;

/// The column that wall-clock time is in.
const CLOCK: usize = 2;

/// How many rows of a trajectory there are, and the CRC-32 of their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoggedRows {
    /// How many.
    pub count: u64,
    /// Their checksum.
    pub sum: u32,
}

/// Appends records to a trajectory.
///
/// Of a trajectory that is there already it keeps every row that comes out again, wall-clock aside:
/// what was logged once is never lost, not even while it is made again.
pub struct TrajectoryWriter {
    path: PathBuf,
    told: Told,
    /// How many parameters a row has.
    parameters: usize,
    file: File,
    /// How many bytes are as they should be, how many rows that is, and the checksum of these.
    length: u64,
    rows: u64,
    sum: crc32fast::Hasher,
    /// The lines after them from an earlier process, in order, if there may be any.
    pending: Option<BufReader<File>>,
}

impl TrajectoryWriter {
    /// Makes the file and its header: what is told of q, and the names of the parameters in natural
    /// units.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn create(folder: &Folder, told: Told, parameter_names: &[String]) -> Result<Self> {
        let header = header(&told, parameter_names);
        Ok(Self {
            path: folder.path_of(TRAJECTORY),
            told,
            parameters: parameter_names.len(),
            file: folder.begin(TRAJECTORY, &header)?,
            length: header.len() as u64,
            rows: 0,
            sum: crc32fast::Hasher::new(),
            pending: None,
        })
    }

    /// Continues a file that another process has left, after these rows; a last line that is
    /// cut off is taken away.
    ///
    /// # Errors
    /// If it has fewer rows or other ones, or is not such a trajectory, or cannot be written.
    pub(crate) fn resume(
        folder: &Folder,
        told: Told,
        parameter_names: &[String],
        after: LoggedRows,
    ) -> Result<Self> {
        let header = header(&told, parameter_names);
        let path = &folder.path_of(TRAJECTORY);
        let file = match folder.writer(TRAJECTORY)? {
            Some(file) => file,
            None if after.count == 0 => return Self::create(folder, told, parameter_names),
            None => return Err(Error::run_folder(path, "it is missing")),
        };
        let reader =
            (folder.reader(TRAJECTORY)?).ok_or_else(|| Error::run_folder(path, "it is missing"))?;
        let mut lines = BufReader::new(reader);
        let mut next = || next_line(&mut lines).map_err(Error::io("read", path));
        let begins = next()?;
        if after.count == 0 && header.starts_with(&begins) && begins.len() < header.len() {
            // It was cut off before its first row.
            return Self::create(folder, told, parameter_names);
        }
        let another = || {
            let message = "it is not the trajectory that the checkpoint is of";
            Error::run_folder(path, message)
        };
        if begins != header {
            return Err(another());
        }
        let mut length = header.len() as u64;
        let mut sum = crc32fast::Hasher::new();
        for _ in 0..after.count {
            let line = next()?;
            if !line.ends_with(b"\n") {
                return Err(another());
            }
            length += line.len() as u64;
            sum.update(&line);
        }
        if sum.clone().finalize() != after.sum {
            return Err(another());
        }
        cut_torn_line(&file, length).map_err(Error::io("use", path))?;
        Ok(Self {
            path: path.to_owned(),
            told,
            parameters: parameter_names.len(),
            file,
            length,
            rows: after.count,
            sum,
            pending: Some(lines),
        })
    }

    /// The rows that are as they should be.
    pub fn rows(&self) -> LoggedRows {
        LoggedRows {
            count: self.rows,
            sum: self.sum.clone().finalize(),
        }
    }

    /// Makes what was appended durable.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn sync(&self) -> Result<()> {
        (self.file.sync_data()).map_err(Error::io("write", &self.path))
    }

    /// Appends the rows of a record and hands them to the operating system.
    ///
    /// A failed run has its last row at the step it failed at.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn append(&mut self, record: &Record) -> Result<()> {
        for (run, now) in record.runs.iter().enumerate() {
            if !now.repeats {
                let line = self.line(record, run)?;
                self.put(&line)?;
            }
        }
        Ok(())
    }

    /// The row of one run.
    fn line(&self, record: &Record, run: usize) -> Result<Vec<u8>> {
        let now = &record.runs[run];
        let gap = now.gap.map_or(f64::NAN, |gap| gap.value);
        let numbers = [now.loss.value, now.loss.error, now.gradient_norm, gap];
        let step = now.step_of(record.step);
        let spent = now.evaluations;
        let fields = [
            step.to_string(),
            run.to_string(),
            table::number(record.seconds),
        ];
        let counts = [spent.log_density, spent.gradient].map(|count| count.to_string());
        let fields = fields.into_iter().chain(counts).chain(
            (numbers.into_iter())
                .chain(self.told.numbers(now))
                .chain(values_there(&now.mixture).take(self.parameters))
                .map(table::number),
        );
        line(fields).map_err(table::error(&self.path))
    }

    fn put(&mut self, line: &[u8]) -> Result<()> {
        if let Some(pending) = &mut self.pending {
            let earlier = next_line(pending).map_err(Error::io("read", &self.path))?;
            if earlier.ends_with(b"\n") && without_clock(&earlier).eq(without_clock(line)) {
                self.length += earlier.len() as u64;
                self.rows += 1;
                self.sum.update(&earlier);
                return Ok(());
            }
            self.cut()?;
        }
        let mut write = || -> std::io::Result<()> {
            self.file.seek(SeekFrom::Start(self.length))?;
            self.file.write_all(line)
        };
        write().map_err(Error::io("write", &self.path))?;
        self.length += line.len() as u64;
        self.rows += 1;
        self.sum.update(line);
        Ok(())
    }

    /// Takes away what did not come out again.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn cut(&mut self) -> Result<()> {
        if self.pending.take().is_none() {
            return Ok(());
        }
        (self.file.set_len(self.length)).map_err(Error::io("write", &self.path))
    }
}

fn header(told: &Told, parameter_names: &[String]) -> Vec<u8> {
    let names = (FIRST.iter().map(|name| (*name).to_owned()))
        .chain(told.columns())
        .chain(parameter_names.iter().cloned());
    // Names of divergences and parameters always make a line.
    line(names).unwrap_or_default()
}

/// Takes away the end of a file after its last whole line, which is not before `from`; one that is longer than
/// any line stays.
fn cut_torn_line(file: &File, from: u64) -> std::io::Result<()> {
    let whole = table::end_of_lines(file, from)?;
    match whole < file.metadata()?.len() {
        true => file.set_len(whole),
        false => Ok(()),
    }
}

/// The next line, with its end if it has one that is not far off.
fn next_line(lines: &mut BufReader<File>) -> std::io::Result<Vec<u8>> {
    let mut line = Vec::new();
    (lines.by_ref().take(table::LONGEST_LINE)).read_until(b'\n', &mut line)?;
    Ok(line)
}

/// A line of CSV.
fn line(fields: impl IntoIterator<Item = String>) -> csv::Result<Vec<u8>> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(fields)?;
    csv.into_inner()
        .map_err(|error| csv::Error::from(error.into_error()))
}

/// The cells of a line but for the seconds.
fn without_clock(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let cells = line.split(|&byte| byte == b',').enumerate();
    cells.filter(|(at, _)| *at != CLOCK).map(|(_, cell)| cell)
}
