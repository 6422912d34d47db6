//! Samples from a table of text.

use csv::StringRecord;

use super::{REPAIR, Samples, check_width, doubts, numbered, separators};
use crate::error::{Error, Result};
use crate::text::count;

/// Reads a table, with what is doubtful about it; `header` as in [`super::read_samples`].
pub(super) fn from_csv(bytes: &[u8], header: Option<bool>) -> Result<(Samples, Vec<String>)> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(bytes);
    let mut names: Vec<String> = Vec::new();
    let mut rows = Vec::new();
    let mut doubts = doubts::TextDoubts::new(header);
    let mut first = String::new();
    for record in reader.records() {
        let record = record.map_err(|error| unreadable(&error))?;
        let line = || line_of(&record, bytes);
        if names.is_empty() && is_for_spreadsheets(&record) {
            continue;
        }
        if names.is_empty() {
            check_width(record.len())?;
            names = numbered(record.len());
            first = text_of(&record, bytes);
            if header.unwrap_or_else(|| !record.iter().any(is_number)) {
                names = header_names(&record, line())?;
                doubts.has_names();
                continue;
            }
            doubts::refuse_index(&record, line(), header)?;
        }
        add_row(&record, &names, line, &mut rows).map_err(|error| {
            let text = text_of(&record, bytes);
            separators::error(&record, names.len(), line(), &text, &first).unwrap_or(error)
        })?;
        doubts.inspect(&record, line);
    }
    if names.is_empty() {
        return Err(Error::usage(
            "the file has no rows",
            "give one row for each point",
        ));
    }
    let dim = names.len();
    Ok((Samples::new(names, rows, dim)?, doubts.messages()))
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

/// Whether a first line tells a spreadsheet what stands between the cells, as `sep=,` does.
fn is_for_spreadsheets(record: &StringRecord) -> bool {
    (record.iter().next().map(name_of))
        .is_some_and(|cell| cell.len() <= 5 && cell.starts_with("sep="))
}

/// The name in a cell of a header, which reads back as itself: without what begins a file, as a mark of
/// UTF-8 does, or a comment, as NumPy's savetxt has it.
fn name_of(cell: &str) -> &str {
    cell.trim_start_matches(|c: char| c == '#' || c == '\u{feff}' || c.is_whitespace())
}

fn is_number(cell: &str) -> bool {
    cell.parse::<f64>().is_ok()
}

fn add_row(
    record: &StringRecord,
    names: &[String],
    line: impl Fn() -> usize,
    rows: &mut Vec<f64>,
) -> Result<()> {
    if record.len() != names.len() {
        return Err(Error::usage(
            format!(
                "line {}: {}, but the first line has {}",
                line(),
                count(record.len(), "cell"),
                names.len()
            ),
            "give every row one cell for each column",
        ));
    }
    for (cell, name) in record.iter().zip(names) {
        let refused = |what: String, help| {
            Error::usage(format!("line {}, column {name}: {what}", line()), help)
        };
        rows.push(number(cell, refused)?);
    }
    Ok(())
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
                "name it, or leave it out if it only numbers the rows (pandas: index=False, R: \
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

/// The number in a cell; `refused` makes an error of what is wrong with it and what to do.
fn number(cell: &str, refused: impl Fn(String, &'static str) -> Error) -> Result<f64> {
    match cell.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) => Err(refused(format!("{cell} is not finite"), REPAIR)),
        Err(_) if cell.is_empty() => Err(refused("the cell is empty".to_owned(), REPAIR)),
        Err(_) => {
            let help = if separators::is_grouped(cell) {
                "write numbers with a point before the decimals and nothing between the thousands, \
                 as in 1234.5"
            } else {
                "leave out columns of text; a first line of names holds no numbers, or header = true \
                 says that it does"
            };
            Err(refused(format!("\"{cell}\" is not a number"), help))
        }
    }
}
