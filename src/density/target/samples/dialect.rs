//! What stands between the cells of a table, and before the decimals of its numbers.

use csv::{ReaderBuilder, Trim};

use super::REPAIR;
use super::separators::is_grouped;
use crate::error::{Error, Result};

/// What may stand between cells, as it is called.
const SEPARATORS: [(u8, &str); 3] = [(b',', "commas"), (b';', "semicolons"), (b'\t', "tabs")];
/// Records that are enough to tell.
const ENOUGH: usize = 64;

/// How programs write that there is no number, in capitals: pandas, R, SQL, spreadsheets.
const MISSING: [&str; 9] = [
    "", "NA", "N/A", "#N/A", "<NA>", "NAN", "NULL", "NONE", "MISSING",
];

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    /// What stands between cells.
    pub separator: u8,
}

impl Dialect {
    /// The one that makes cells of the first lines that are numbers, and as many in each: commas where
    /// nothing else does better.
    pub fn of(bytes: &[u8]) -> Self {
        let score = |separator| Self { separator }.score(bytes);
        let mut best = (b',', score(b','));
        for (separator, _) in &SEPARATORS[1..] {
            let score = score(*separator);
            if score > best.1 {
                best = (*separator, score);
            }
        }
        Self { separator: best.0 }
    }

    /// The share of cells that are numbers where every line has as many, of several; else nothing.
    fn score(self, bytes: &[u8]) -> f64 {
        let (mut width, mut cells, mut numbers) = (None, 0, 0);
        for record in self.reader(bytes).records().take(ENOUGH) {
            // What is not text is told of where all is read.
            let Ok(record) = record else { break };
            if is_for_spreadsheets(&record) {
                continue;
            }
            if record.len() < 2 || *width.get_or_insert(record.len()) != record.len() {
                return 0.0;
            }
            cells += record.len();
            numbers += record.iter().filter(|cell| self.is_number(cell)).count();
        }
        numbers as f64 / f64::max(1.0, cells as f64)
    }

    /// Reads records, of whatever length.
    pub fn reader(self, bytes: &[u8]) -> csv::Reader<&[u8]> {
        ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(Trim::All)
            .delimiter(self.separator)
            .from_reader(bytes)
    }

    /// Whether commas stand between the cells.
    pub fn is_usual(self) -> bool {
        self.separator == b','
    }

    /// Whether numbers may have decimal commas.
    fn may_have_commas(self) -> bool {
        !self.is_usual()
    }

    /// Whether a cell is a number.
    pub fn is_number(self, cell: &str) -> bool {
        cell.parse::<f64>().is_ok() || (self.may_have_commas() && decimal_comma(cell).is_some())
    }

    /// What is said of it, if it is not the usual one.
    pub fn note(self, decimals: &Decimals) -> Option<String> {
        let (_, name) = (SEPARATORS[1..].iter()).find(|(one, _)| *one == self.separator)?;
        let commas = match decimals.comma {
            Some(_) => ", and commas before the decimals of its numbers",
            None => "",
        };
        Some(format!("it has {name} between its cells{commas}"))
    }
}

/// Whether a first line tells a spreadsheet what stands between the cells, as `sep=,` does.
pub(super) fn is_for_spreadsheets(record: &csv::StringRecord) -> bool {
    let cell = record.iter().next().unwrap_or_default();
    let cell = cell.trim_start_matches('\u{feff}');
    cell.len() <= 5 && cell.starts_with("sep=")
}

/// What the decimals of a table were seen to begin with: the first number of each kind.
#[derive(Debug, Default)]
pub(super) struct Decimals {
    point: Option<String>,
    comma: Option<String>,
}

impl Decimals {
    /// The number in a cell, NaN where it is missing; `refused` makes an error of what is wrong with it and
    /// what to do.
    pub fn number(
        &mut self,
        dialect: Dialect,
        cell: &str,
        refused: impl Fn(String, &'static str) -> Error,
    ) -> Result<f64> {
        if dialect.may_have_commas()
            && let Some(number) = decimal_comma(cell)
        {
            self.comma.get_or_insert_with(|| cell.to_owned());
            self.agree(&refused)?;
            return Ok(number);
        }
        match cell.parse::<f64>() {
            Ok(value) if value.is_finite() => {
                if self.point.is_none() && dialect.may_have_commas() && cell.contains('.') {
                    self.point = Some(cell.to_owned());
                    self.agree(&refused)?;
                }
                Ok(value)
            }
            _ if is_missing(cell) => Ok(f64::NAN),
            Ok(_) => Err(refused(format!("{cell} is not finite"), REPAIR)),
            Err(_) => {
                let help = if is_grouped(cell) {
                    "write numbers with a point before the decimals and nothing between the \
                     thousands, as in 1234.5"
                } else {
                    "choose the columns of numbers, as in columns = [\"x\", \"y\"] or --columns x,y; a \
                     first line of names holds no numbers, or header = true says that it does"
                };
                Err(refused(format!("\"{cell}\" is not a number"), help))
            }
        }
    }

    /// Refuses points and commas in one table: 1.204 is one number beside 1,2 and another beside 1.2.
    fn agree(&self, refused: impl Fn(String, &'static str) -> Error) -> Result<()> {
        match (&self.point, &self.comma) {
            (Some(point), Some(comma)) => Err(refused(
                format!("the table has numbers like {point} and like {comma}"),
                "write all of them with a point before the decimals and nothing between the \
                 thousands, as in 1234.5",
            )),
            _ => Ok(()),
        }
    }
}

/// A number with a decimal comma, such as 3,346 or 1.204,5: before it points may stand between groups of three
/// digits, and after it there is none. 1,204.5 is another number, and 1.5,2 is none.
fn decimal_comma(cell: &str) -> Option<f64> {
    let (whole, decimals) = cell.split_once(',')?;
    let are_digits =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let size = whole.strip_prefix(['-', '+']).unwrap_or(whole);
    let (first, groups) = size
        .split_once('.')
        .map_or((size, None), |(first, groups)| (first, Some(groups)));
    let is_grouped = groups.is_none_or(|groups| {
        first.len() <= 3
            && groups
                .split('.')
                .all(|group| group.len() == 3 && are_digits(group))
    });
    let is_number =
        are_digits(first) && is_grouped && decimals.starts_with(|c: char| c.is_ascii_digit());
    if !is_number || decimals.contains('.') {
        return None;
    }
    let number = format!("{}.{decimals}", whole.replace('.', ""));
    number
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
}

fn is_missing(cell: &str) -> bool {
    cell.len() <= 7 && MISSING.contains(&&*cell.to_ascii_uppercase())
}
