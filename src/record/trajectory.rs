//! `trajectory.csv`: one row for each run at each logged step, written as they come.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::divergence::DivergenceKind;
use crate::error::{Error, Result};
use crate::files::folder::Folder;
use crate::files::names::TRAJECTORY;
use crate::files::table;
use crate::fit::Record;
use crate::mixture::natural_values;

/// The columns before the divergences.
const FIRST: [&str; 7] = [
    "step",
    "run",
    "seconds",
    "loss",
    "loss_error",
    "gradient_norm",
    "gap",
];

/// The one of them that wall-clock time is in.
const CLOCK: usize = 2;

/// The columns of a divergence: its value and its error.
pub(super) fn divergence_columns(kinds: &[DivergenceKind]) -> impl Iterator<Item = String> {
    kinds.iter().flat_map(|kind| {
        let name = column(*kind);
        [name.clone(), format!("{name}_error")]
    })
}

/// `renyi_0.5`: the name of a divergence with underscores between its words.
fn column(kind: DivergenceKind) -> String {
    let name = kind.name();
    match name.split_once('-') {
        Some((family, order)) if order.parse::<f64>().is_ok() => format!("{family}_{order}"),
        _ => name.replace('-', "_"),
    }
}

/// The divergence a column holds the value of.
fn kind_of(column: &str) -> Option<DivergenceKind> {
    DivergenceKind::from_name(&column.replacen('_', "-", 1))
        .or_else(|| DivergenceKind::from_name(&column.replace('_', "-")))
}

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
    kinds: Vec<DivergenceKind>,
    file: File,
    /// How many bytes are as they should be, how many rows that is, and the checksum of these.
    length: u64,
    rows: u64,
    sum: crc32fast::Hasher,
    /// The lines after them from an earlier process, in order.
    pending: VecDeque<Vec<u8>>,
}

impl TrajectoryWriter {
    /// Makes the file and its header: the divergences that are reported, and the names of the
    /// parameters in natural units.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn create(
        folder: &Folder,
        kinds: Vec<DivergenceKind>,
        parameter_names: &[String],
    ) -> Result<Self> {
        let header = header(&kinds, parameter_names);
        Ok(Self {
            path: folder.path_of(TRAJECTORY),
            kinds,
            file: folder.begin(TRAJECTORY, &header)?,
            length: header.len() as u64,
            rows: 0,
            sum: crc32fast::Hasher::new(),
            pending: VecDeque::new(),
        })
    }

    /// Continues a file that another process has left, after these rows; a last line that is
    /// cut off is taken away.
    ///
    /// # Errors
    /// If it has fewer rows or other ones, or is not such a trajectory, or cannot be written.
    pub(crate) fn resume(
        folder: &Folder,
        kinds: Vec<DivergenceKind>,
        parameter_names: &[String],
        after: LoggedRows,
    ) -> Result<Self> {
        let header = header(&kinds, parameter_names);
        let path = &folder.path_of(TRAJECTORY);
        let file = match folder.writer(TRAJECTORY)? {
            Some(file) => file,
            None if after.count == 0 => return Self::create(folder, kinds, parameter_names),
            None => return Err(Error::run_folder(path, "it is missing")),
        };
        let mut lines = BufReader::new(&file);
        // The next line, with its end if it has one.
        let mut next = || -> Result<Vec<u8>> {
            let mut line = Vec::new();
            (lines.read_until(b'\n', &mut line)).map_err(Error::io("read", path))?;
            Ok(line)
        };
        let begins = next()?;
        if after.count == 0 && header.starts_with(&begins) && begins.len() < header.len() {
            // It was cut off before its first row.
            return Self::create(folder, kinds, parameter_names);
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
        let (mut pending, mut whole) = (VecDeque::new(), length);
        loop {
            let line = next()?;
            if !line.ends_with(b"\n") {
                if !line.is_empty() {
                    file.set_len(whole).map_err(Error::io("write", path))?;
                }
                break;
            }
            whole += line.len() as u64;
            pending.push_back(line);
        }
        Ok(Self {
            path: path.to_owned(),
            kinds,
            file,
            length,
            rows: after.count,
            sum,
            pending,
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
        let numbers = [
            record.seconds,
            now.loss.value,
            now.loss.error,
            now.gradient_norm,
            gap,
        ];
        let divergences = self.kinds.iter().flat_map(|&kind| {
            let estimate = now.evaluation.estimate(kind);
            [estimate.value, estimate.error]
        });
        let step = now.step_of(record.step);
        let fields = [step.to_string(), run.to_string()].into_iter().chain(
            (numbers.into_iter())
                .chain(divergences)
                .chain(natural_values(&now.mixture))
                .map(table::number),
        );
        line(fields).map_err(table::error(&self.path))
    }

    fn put(&mut self, line: &[u8]) -> Result<()> {
        if let Some(earlier) = self.pending.front() {
            if without_clock(earlier).eq(without_clock(line)) {
                self.length += earlier.len() as u64;
                self.rows += 1;
                self.sum.update(earlier);
                self.pending.pop_front();
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
        if self.pending.is_empty() {
            return Ok(());
        }
        self.pending.clear();
        (self.file.set_len(self.length)).map_err(Error::io("write", &self.path))
    }
}

fn header(kinds: &[DivergenceKind], parameter_names: &[String]) -> Vec<u8> {
    let names = (FIRST.iter().map(|name| (*name).to_owned()))
        .chain(divergence_columns(kinds))
        .chain(parameter_names.iter().cloned());
    // Names of divergences and parameters always make a line.
    line(names).unwrap_or_default()
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

/// One row of a trajectory.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Steps taken.
    pub step: usize,
    /// Which run, counted from 0.
    pub run: usize,
    /// Seconds since the fit began.
    pub seconds: f64,
    /// The loss, in nats.
    pub loss: f64,
    /// Its error by the estimator of the fit, in nats.
    pub loss_error: f64,
    /// The norm of its gradient in θ.
    pub gradient_norm: f64,
    /// How far its divergence is above the optimum, in nats; NaN where that is not known.
    pub gap: f64,
    /// The value and the error of each reported divergence, in nats.
    divergences: Vec<(DivergenceKind, f64, f64)>,
    /// The parameters in natural units.
    pub parameters: Vec<f64>,
}

impl Row {
    /// The value and the error of a divergence, in nats; NaN if it was not reported.
    pub fn divergence(&self, kind: DivergenceKind) -> (f64, f64) {
        let found = self.divergences.iter().find(|one| one.0 == kind);
        found.map_or((f64::NAN, f64::NAN), |one| (one.1, one.2))
    }
}

/// A trajectory read back.
#[derive(Debug, Clone, PartialEq)]
pub struct Trajectory {
    /// The names of the parameters.
    pub parameter_names: Vec<String>,
    /// Every row, by step and then by run.
    pub rows: Vec<Row>,
}

impl Trajectory {
    /// Reads a trajectory.
    ///
    /// # Errors
    /// If the file cannot be read or is not a trajectory.
    pub(crate) fn read(folder: &Folder) -> Result<Self> {
        let path = &folder.path_of(TRAJECTORY);
        let csv = table::reader(folder, TRAJECTORY)?;
        let mut csv = csv.ok_or_else(|| Error::run_folder(path, "it is missing"))?;
        let header = csv.headers().map_err(table::error(path))?.clone();
        // The pairs of columns that follow the first ones, for as long as they are divergences.
        let kinds: Vec<DivergenceKind> = (header.iter().skip(FIRST.len()))
            .step_by(2)
            .map_while(kind_of)
            .collect();
        let known: Vec<String> = (FIRST.iter().map(|name| (*name).to_owned()))
            .chain(divergence_columns(&kinds))
            .collect();
        if !header.iter().take(known.len()).eq(known.iter()) {
            let message = format!("its columns do not begin with {}", known.join(", "));
            return Err(Error::run_folder(path, message));
        }
        let mut rows = Vec::new();
        for record in csv.records() {
            let record = record.map_err(table::error(path))?;
            let line = record.position().map_or(0, csv::Position::line);
            let row = parse_row(&record, &kinds).ok_or_else(|| {
                Error::run_folder(path, format!("line {line} is not a row of numbers"))
            })?;
            rows.push(row);
        }
        Ok(Self {
            parameter_names: header.iter().skip(known.len()).map(str::to_owned).collect(),
            rows,
        })
    }

    /// The rows of one run, by step.
    pub fn run(&self, run: usize) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| row.run == run)
    }
}

fn parse_row(record: &csv::StringRecord, kinds: &[DivergenceKind]) -> Option<Row> {
    let mut fields = record.iter();
    let step = fields.next()?.parse().ok()?;
    let run = fields.next()?.parse().ok()?;
    // What is not known is left empty.
    let mut numbers = fields.map(|field| match field {
        "" => Ok(f64::NAN),
        number => number.parse::<f64>(),
    });
    let mut next = || numbers.next()?.ok();
    let (seconds, loss, loss_error) = (next()?, next()?, next()?);
    let (gradient_norm, gap) = (next()?, next()?);
    let divergences = (kinds.iter())
        .map(|&kind| Some((kind, next()?, next()?)))
        .collect::<Option<_>>()?;
    Some(Row {
        step,
        run,
        seconds,
        loss,
        loss_error,
        gradient_norm,
        gap,
        divergences,
        parameters: numbers.collect::<Result<_, _>>().ok()?,
    })
}
