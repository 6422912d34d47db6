//! Tables that may not mean what they say: names that are numbers, columns that are no coordinates.

use csv::StringRecord;

use super::Samples;
use crate::error::{Error, Result};

/// Rows that are enough to see that a column counts them.
const ENOUGH: usize = 3;
/// How a header is declared, in a config and on the command line.
const HOW: &str = "say `header = true` beside `file` in a config or `--header true`";

/// What is doubtful about the text of a table.
pub(super) struct TextDoubts {
    header: Option<bool>,
    has_names: bool,
    /// The first line, if it may be names that are numbers: as pandas and R write for columns without
    /// names, and as years are.
    first: Option<(usize, String)>,
    lines: usize,
    /// A cell such as 046.
    zero: Option<(usize, String)>,
}

impl TextDoubts {
    pub fn new(header: Option<bool>) -> Self {
        Self {
            header,
            has_names: false,
            first: None,
            lines: 0,
            zero: None,
        }
    }

    /// The first line names the columns.
    pub fn has_names(&mut self) {
        self.has_names = true;
    }

    /// Takes a row into account.
    pub fn inspect(&mut self, record: &StringRecord, line: impl Fn() -> usize) {
        self.lines += 1;
        if self.lines == 1 && !self.has_names && self.header.is_none() {
            self.first = are_consecutive(record).then(|| (line(), joined(record)));
        } else if self.first.is_some() && record.iter().all(is_whole) {
            self.first = None;
        }
        if self.zero.is_none() && !self.has_names {
            let zero = record.iter().find(|cell| begins_with_zero(cell));
            self.zero = zero.map(|cell| (line(), cell.to_owned()));
        }
    }

    /// The messages.
    pub fn messages(self) -> Vec<String> {
        let first = self.first.filter(|_| self.lines > 1).map(|(line, text)| {
            format!(
                "line {line}: {text} is taken for a row; if it names the columns, {HOW}, and `false` \
                 if it does not"
            )
        });
        let zero = self.zero.map(|(line, cell)| {
            format!(
                "line {line}: {cell} may be the decimals of a number with a decimal comma, which \
                 would be read as two cells: write decimal points"
            )
        });
        first.into_iter().chain(zero).collect()
    }
}

/// Refuses a first line of numbers with nothing in front: names that pandas made up for an index and
/// the columns.
pub(super) fn refuse_index(record: &StringRecord, line: usize, header: Option<bool>) -> Result<()> {
    let mut cells = record.iter();
    let is_index = cells.next() == Some("") && record.len() > 1 && cells.all(is_whole);
    if !is_index || header.is_some() {
        return Ok(());
    }
    Err(Error::usage(
        format!(
            "line {line}: {} begins with an empty cell, as where an index stands beside columns \
             whose names are numbers",
            joined(record)
        ),
        format!("leave the index out (pandas: index=False); if the rest names the columns, {HOW}"),
    ))
}

/// Says if the first column only counts the rows.
pub(super) fn counting(samples: &Samples) -> Option<String> {
    let name = &samples.names()[0];
    let first = *samples.rows().first()?;
    let counts = samples.len() >= ENOUGH
        && match samples.file() {
            Some(file) => file.counts(),
            None => {
                let column = samples.points().map(|x| x[0]);
                (first == 0.0 || first == 1.0)
                    && (column.enumerate()).all(|(i, x)| x == first + i as f64)
            }
        };
    // What pandas calls an index that it read from a file without a name, or writes to one of columns.
    let is_index = name == "Unnamed: 0" || name == "__index_level_0__";
    if samples.dim() == 1 || !(counts || is_index) {
        return None;
    }
    let what = match counts {
        true => format!("counts the rows from {}", samples.range(0).0),
        false => "has the name that pandas gives an index".to_owned(),
    };
    Some(format!(
        "column {name} {what} and is taken for a coordinate: if it is none, leave it out (pandas: \
         index=False, R: row.names = FALSE)"
    ))
}

fn joined(record: &StringRecord) -> String {
    const MOST: usize = 8;
    let cells: Vec<&str> = record.iter().take(MOST).collect();
    let more = if record.len() > MOST { ",…" } else { "" };
    cells.join(",") + more
}

fn is_whole(cell: &str) -> bool {
    cell.parse::<i64>().is_ok()
}

/// Whether the cells are whole numbers, each one more than that before it; a single one 0.
fn are_consecutive(record: &StringRecord) -> bool {
    let whole: Option<Vec<i64>> = record.iter().map(|cell| cell.parse().ok()).collect();
    whole.is_some_and(|whole| {
        (whole.len() > 1 || whole == [0])
            && (whole.windows(2)).all(|pair| pair[0].checked_add(1) == Some(pair[1]))
    })
}

fn begins_with_zero(cell: &str) -> bool {
    cell.len() > 1 && cell.starts_with('0') && cell.bytes().all(|byte| byte.is_ascii_digit())
}
