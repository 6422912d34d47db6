//! Tables that have something else than commas between their cells, or in their numbers.

use csv::StringRecord;

use crate::error::Error;
use crate::text::count;

/// What other programs put between cells, as they are called here and in pandas.
const OTHERS: [(char, &str, &str); 3] = [
    (';', "semicolons", ";"),
    ('\t', "tabs", "\\t"),
    ('|', "bars", "|"),
];
/// No more of a line is repeated than this.
const LONGEST: usize = 60;

/// The error of a line that could not be read for what stands between or in its numbers; `text` is
/// the line, `first` the first one, which has this many `columns`.
pub(super) fn error(
    record: &StringRecord,
    columns: usize,
    line: usize,
    text: &str,
    first: &str,
) -> Option<Error> {
    let are_numbers = |pieces: &[&str]| pieces.iter().all(|piece| is_number_somewhere(piece));
    for (separator, name, code) in OTHERS {
        let split = |text| -> Vec<&str> { str::split(text, separator).map(unquoted).collect() };
        let pieces = split(text);
        if pieces.len() > 1 && pieces.iter().any(|piece| is_number_somewhere(piece)) {
            let has_names = !are_numbers(&split(first));
            return Some(between(line, text, &pieces, (name, code), has_names));
        }
    }
    let split = |text| -> Vec<&str> { str::split_whitespace(text).map(unquoted).collect() };
    let pieces = split(text);
    let is_table = match record.len() {
        1 => true,
        // The commas stand between cells.
        cells if cells == columns => false,
        _ => columns == 1 || columns == pieces.len(),
    };
    if is_table && pieces.len() > 1 && are_numbers(&pieces) {
        let has_names = !are_numbers(&split(first));
        return Some(between(line, text, &pieces, ("spaces", "\\s+"), has_names));
    }
    // One column of 3,346 reads as two.
    let whole = |cell: &str| cell.parse::<i64>().is_ok();
    let digits = |cell: &str| !cell.is_empty() && cell.bytes().all(|byte| byte.is_ascii_digit());
    let halves = (record.iter().enumerate()).all(|(i, cell)| {
        if i % 2 == 0 {
            whole(cell)
        } else {
            digits(cell)
        }
    });
    if record.len() == 2 * columns && halves {
        return Some(Error::usage(
            format!(
                "line {line}: {}, but the first line has {columns}, as if {} had decimal commas",
                count(record.len(), "cell"),
                shortened(text)
            ),
            format!(
                "write decimal points, as in {}.{}; with pandas: pd.read_csv(file, sep=\";\", \
                 decimal=\",\").to_csv(\"new.csv\", index=False)",
                &record[0], &record[1]
            ),
        ));
    }
    None
}

fn between(
    line: usize,
    text: &str,
    pieces: &[&str],
    (name, code): (&str, &str),
    has_names: bool,
) -> Error {
    let has_commas = pieces.iter().any(|piece| has_decimal_comma(piece));
    let (said, remedy, option) = match has_commas {
        true => (
            " and decimal commas in its numbers",
            ", and write decimal points",
            ", decimal=\",\"",
        ),
        false => ("", "", ""),
    };
    let (no_header, not_again) = match has_names {
        true => ("", ""),
        false => (", header=None", ", header=False"),
    };
    Error::usage(
        format!(
            "line {line} has {name} between its cells{said}: {}",
            shortened(text)
        ),
        format!(
            "separate the cells with commas{remedy}; with pandas: \
             pd.read_csv(file, sep=\"{code}\"{option}{no_header})\
             .to_csv(\"new.csv\", index=False{not_again})"
        ),
    )
}

fn shortened(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn unquoted(piece: &str) -> &str {
    piece.trim().trim_matches('"').trim()
}

/// Whether a piece of text is a number, with a decimal point or comma.
fn is_number_somewhere(piece: &str) -> bool {
    piece.parse::<f64>().is_ok() || has_decimal_comma(piece)
}

/// Whether a piece of text is a number as 3,346 or 1.234,5 are.
fn has_decimal_comma(piece: &str) -> bool {
    piece.matches(',').count() == 1
        && (piece.replace('.', "").replace(',', "."))
            .parse::<f64>()
            .is_ok()
}

/// Whether a cell is a number but for what groups its digits, or a decimal comma.
pub(super) fn is_grouped(cell: &str) -> bool {
    let bare: String = (cell.chars())
        .filter(|c| !c.is_whitespace() && !",'’_".contains(*c))
        .collect();
    bare.len() < cell.len() && (bare.parse::<f64>().is_ok() || has_decimal_comma(cell))
}
