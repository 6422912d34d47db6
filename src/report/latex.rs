//! The comparison as a table for LaTeX, with the booktabs package: what a paper has room for.

use std::fmt::Write;

use super::Report;
use super::table::Table;
use crate::text::{latex, shown};

/// Columns at the end that are left out: steps, time, and why it stopped.
const LEFT_OUT: usize = 3;
/// Errors below this, in nats, are left out: eight decimals are shown.
const EXACT: f64 = 1e-8;

/// The table, to be taken in with `\input`.
pub fn table(report: &Report) -> String {
    let table = narrowed(report.comparison());
    let mut text = String::from("% Needs \\usepackage{booktabs}.\n");
    // Writing to a string does not fail.
    _ = writeln!(
        text,
        "\\begin{{table}}\n  \\centering\n  \\small\n  \\begin{{tabular}}{{{}}}",
        "l".repeat(table.header.len())
    );
    _ = writeln!(
        text,
        "    \\toprule\n    {} \\\\\n    \\midrule",
        row(&table.header)
    );
    for cells in &table.rows {
        _ = writeln!(text, "    {} \\\\", row(cells));
    }
    _ = writeln!(text, "    \\bottomrule\n  \\end{{tabular}}");
    _ = writeln!(
        text,
        "  \\caption{{{}: divergences in nats, of the best run of each fit; errors below $10^{{-8}}$ are left out.}}\n  \\label{{tab:{}}}\n\\end{{table}}",
        escaped(&report.title),
        label(&report.title)
    );
    text
}

/// The table without what a paper has no room for.
fn narrowed(mut table: Table) -> Table {
    let kept = table.header.len() - LEFT_OUT;
    for cells in std::iter::once(&mut table.header).chain(&mut table.rows) {
        cells.truncate(kept);
        for cell in cells {
            let error = cell.split_once(" ± ");
            let shown = error.and_then(|(value, error)| Some((value, error.parse::<f64>().ok()?)));
            if let Some((value, error)) = shown
                && error < EXACT
            {
                *cell = value.to_owned();
            }
        }
    }
    table
}

fn row(cells: &[String]) -> String {
    let cells = cells.iter().map(|cell| match cell.contains('\n') {
        true => {
            let lines: Vec<String> = cell.lines().map(escaped).collect();
            format!(
                "\\begin{{tabular}}[t]{{@{{}}l@{{}}}}{}\\end{{tabular}}",
                lines.join("\\\\")
            )
        }
        false => escaped(cell),
    });
    cells.collect::<Vec<_>>().join(" & ")
}

/// Only what a label may hold.
fn label(title: &str) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    title.chars().map(kept).collect()
}

/// Text that LaTeX sets as it reads; powers of ten as such.
fn escaped(text: &str) -> String {
    let (mut escaped, mut plain) = (String::with_capacity(text.len()), String::new());
    let text = shown(text);
    let mut rest = &*text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        // 3e-12, not the e of a word.
        if c == 'e' && plain.ends_with(|c: char| c.is_ascii_digit()) {
            let digits = rest.strip_prefix('-').unwrap_or(rest);
            let end = (digits.find(|c: char| !c.is_ascii_digit())).unwrap_or(digits.len());
            if end > 0 {
                let (power, after) = rest.split_at(rest.len() - digits.len() + end);
                escaped += &latex(&std::mem::take(&mut plain));
                _ = write!(escaped, "\\ensuremath{{\\cdot 10^{{{power}}}}}");
                rest = after;
                continue;
            }
        }
        plain.push(c);
    }
    escaped + &latex(&plain)
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn text_is_set_as_it_reads() {
        let cases = [
            ("a_b & 5 %", "a\\_b \\& 5 \\%"),
            (
                "0.5 ± 3e-12",
                "0.5 \\ensuremath{\\pm} 3\\ensuremath{\\cdot 10^{-12}}",
            ),
            ("2.00e9 done", "2.00\\ensuremath{\\cdot 10^{9}} done"),
            ("step 3em", "step 3em"),
            ("\\input{x}", "\\textbackslash{}input\\{x\\}"),
        ];
        for (text, expected) in cases {
            assert_eq!(escaped(text), expected);
        }
    }
}
