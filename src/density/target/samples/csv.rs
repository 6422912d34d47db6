//! Samples from a table of text.

use std::borrow::Cow;

use csv::StringRecord;

use super::dialect::{Decimals, Dialect, is_for_spreadsheets};
use super::options::Make;
use super::{Samples, TableOptions, check_width, doubts, numbered, separators};
use crate::error::{Error, Result};
use crate::text::count;

/// Reads a table, with what is doubtful about it.
pub(super) fn from_csv(
    bytes: &[u8],
    options: &TableOptions,
    make: Make,
) -> Result<(Samples, Vec<String>)> {
    let (dialect, mut decimals) = (Dialect::of(bytes), Decimals::default());
    let mut reader = dialect.reader(bytes);
    let mut table: Option<Columns> = None;
    let mut rows = Vec::new();
    let mut doubts = doubts::TextDoubts::new(options.header);
    let (mut first, mut gap) = (String::new(), None);
    for record in reader.records() {
        let record = record.map_err(|error| unreadable(&error))?;
        let line = || line_of(&record, bytes);
        if table.is_none() && is_for_spreadsheets(&record) {
            continue;
        }
        let columns = match &table {
            Some(columns) => columns,
            None => {
                first = text_of(&record, bytes);
                let has_names = has_names(&record, options, dialect);
                let found = Columns::new(&record, has_names, options, line())?;
                let columns = table.insert(found);
                if has_names {
                    doubts.has_names();
                    continue;
                }
                if options.columns.is_none() {
                    doubts::refuse_index(&record, line(), options.header)?;
                }
                columns
            }
        };
        let begins = rows.len();
        columns
            .check_width(&record, line)
            .and_then(|()| {
                let cells = columns.cells(&record);
                let of = cells.zip(&columns.names).enumerate();
                { of }.try_for_each(|(place, (cell, name))| {
                    let refused = |what: String, help| {
                        Error::usage(format!("line {}, column {name}: {what}", line()), help)
                    };
                    let number = decimals.number(dialect, cell, refused)?;
                    if let Some((what, help)) =
                        options.refused_weight(place, columns.names.len(), number)
                    {
                        return Err(refused(what, help));
                    }
                    rows.push(number);
                    Ok(())
                })
            })
            .map_err(|error| {
                let text = text_of(&record, bytes);
                // Others are known where they were found, or where columns have the names that were chosen.
                let is_open = dialect.is_usual() && options.named().next().is_none();
                let other = is_open
                    .then(|| separators::error(&record, columns.width, line(), &text, &first));
                other.flatten().unwrap_or(error)
            })?;
        if rows[begins..].iter().any(|value| value.is_nan()) {
            gap.get_or_insert_with(line);
        } else {
            doubts.inspect(&columns.coordinates(&record), line);
        }
    }
    let Some(columns) = table else {
        return Err(Error::usage(
            "the file has no rows",
            "give one row for each point",
        ));
    };
    let place = |_| format!("line {}", gap.unwrap_or_default());
    let (rows, note) = options.complete(&columns.names, rows, place)?;
    let table = options.without_weights(columns.names, rows)?;
    let notes = dialect.note(&decimals).into_iter().chain(note);
    let notes = notes.chain(table.note.clone()).chain(doubts.messages());
    Ok((table.samples(make)?, notes.collect()))
}

/// Whether a first line names the columns.
fn has_names(record: &StringRecord, options: &TableOptions, dialect: Dialect) -> bool {
    let is_there = |column: &String| record.iter().any(|cell| name_of(cell) == column);
    let names_all = || options.named().next().is_some() && options.named().all(is_there);
    options
        .header
        .unwrap_or_else(|| names_all() || !record.iter().any(|cell| dialect.is_number(cell)))
}

/// The columns of a table that are coordinates, and after them that of weights.
struct Columns {
    names: Vec<String>,
    /// Where they are.
    places: Vec<usize>,
    /// How many are coordinates.
    dim: usize,
    /// How many columns there are in all.
    width: usize,
}

impl Columns {
    /// From the first line, which may name them.
    fn new(
        record: &StringRecord,
        has_names: bool,
        options: &TableOptions,
        line: usize,
    ) -> Result<Self> {
        let width = record.len();
        let names: Vec<String> = match (has_names, &options.columns) {
            (false, _) => numbered(width),
            (true, None) => {
                check_width(width - usize::from(options.weights.is_some()))?;
                header_names(record, line)?
            }
            // What others are called does not matter.
            (true, Some(_)) => record.iter().map(|cell| name_of(cell).to_owned()).collect(),
        };
        let places = options.places(&names)?;
        Ok(Self {
            names: places.iter().map(|&place| names[place].clone()).collect(),
            dim: places.len() - usize::from(options.weights.is_some()),
            places,
            width,
        })
    }

    /// The cells of a row that are chosen.
    fn cells<'r>(&self, record: &'r StringRecord) -> impl Iterator<Item = &'r str> {
        self.places.iter().map(|&place| &record[place])
    }

    /// A row without the cells that are no coordinates.
    fn coordinates<'r>(&self, record: &'r StringRecord) -> Cow<'r, StringRecord> {
        match self.dim == self.width {
            true => Cow::Borrowed(record),
            false => Cow::Owned(self.cells(record).take(self.dim).collect()),
        }
    }

    fn check_width(&self, record: &StringRecord, line: impl Fn() -> usize) -> Result<()> {
        if record.len() == self.width {
            return Ok(());
        }
        Err(Error::usage(
            format!(
                "line {}: {}, but the first line has {}",
                line(),
                count(record.len(), "cell"),
                self.width
            ),
            "give every row one cell for each column",
        ))
    }
}

fn unreadable(error: &csv::Error) -> Error {
    let message = match error.kind() {
        csv::ErrorKind::Utf8 { pos: Some(at), .. } => {
            format!("line {}: the text is not in UTF-8", at.line())
        }
        _ => error.to_string(),
    };
    Error::usage(
        message,
        "save it as CSV in UTF-8; spreadsheets call that \"CSV UTF-8\"",
    )
}

/// The name in a cell of a header, which reads back as itself: without what begins a file, as a mark of
/// UTF-8 does, or a comment, as NumPy's savetxt has it.
fn name_of(cell: &str) -> &str {
    cell.trim_start_matches(|c: char| c == '#' || c == '\u{feff}' || c.is_whitespace())
}

/// Where a record begins: what ends lines before it is not a part of it.
fn start_of(record: &StringRecord, bytes: &[u8]) -> usize {
    let start = record.position().map_or(0, |at| at.byte() as usize);
    let rest = bytes.get(start..).unwrap_or_default();
    start + (rest.iter().take_while(|byte| b"\r\n".contains(byte))).count()
}

/// The line a record begins on, counted from 1. The reader's own count lags behind where lines end
/// in \r\n or are empty.
fn line_of(record: &StringRecord, bytes: &[u8]) -> usize {
    let before = bytes.get(..start_of(record, bytes)).unwrap_or_default();
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

/// The line a record begins on, as it stands in the file.
fn text_of(record: &StringRecord, bytes: &[u8]) -> String {
    let rest = bytes.get(start_of(record, bytes)..).unwrap_or_default();
    let end = rest.iter().position(|byte| b"\r\n".contains(byte));
    String::from_utf8_lossy(&rest[..end.unwrap_or(rest.len())]).into_owned()
}

fn header_names(header: &StringRecord, line: usize) -> Result<Vec<String>> {
    let mut names: Vec<String> = Vec::with_capacity(header.len());
    for cell in header {
        let name = name_of(cell);
        let column = names.len() + 1;
        if name.is_empty() {
            return Err(Error::usage(
                format!("line {line}: column {column} has no name"),
                "name it, or leave it out if it only numbers the rows: choose the others, as in \
                 columns = [\"x\", \"y\"] or --columns x,y, or write none (pandas: index=False, R: \
                 row.names = FALSE)",
            ));
        }
        if let Some(other) = names.iter().position(|other| other == name) {
            return Err(Error::usage(
                format!(
                    "line {line}: columns {} and {column} are both called {name}",
                    other + 1
                ),
                "give every column a name of its own",
            ));
        }
        names.push(name.to_owned());
    }
    Ok(names)
}
