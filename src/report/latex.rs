//! The comparison as a table for LaTeX, with the booktabs package: what a paper has room for.

use std::fmt::Write;

use super::Report;
use super::columns::{self, Cell, Column};
use super::units::units;
use crate::divergence::{DivergenceKind, Estimate};
use crate::error::Result;
use crate::text::{fixed, latex, shown};

/// Columns that one column of text has room for.
const NARROW: usize = 3;

/// Errors below this, in nats, are left out: eight decimals are shown.
const EXACT: f64 = 1e-8;

/// How numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LatexNumbers {
    /// For the siunitx package, which aligns them and sets their errors.
    #[default]
    Siunitx,
    /// As mathematics, without a package.
    Plain,
}

/// The table, to be taken in with `\input`: the columns of these names, or the usual ones.
///
/// # Errors
/// If there is no column of a name.
pub fn table(report: &Report, numbers: LatexNumbers, names: Option<&[String]>) -> Result<String> {
    let shown = columns::chosen(columns::all(&report.summaries), names)?;
    // In two columns of text a wide table goes across both; in one it is the same.
    let table = match shown.len() > NARROW {
        true => "table*",
        false => "table",
    };
    let columns: Vec<Written> = shown
        .iter()
        .map(|column| Written::new(column, numbers))
        .collect();
    let needs = match numbers {
        LatexNumbers::Siunitx => "\\usepackage{booktabs,graphicx,siunitx}",
        LatexNumbers::Plain => "\\usepackage{booktabs,graphicx}",
    };
    let row = |cells: Vec<&str>| format!("    {} \\\\", cells.join(" & "));
    let specs: Vec<&str> = columns.iter().map(|column| &*column.spec).collect();
    let mut lines = vec![
        format!("% Needs {needs}."),
        format!("\\begin{{{table}}}"),
        "  \\centering".to_owned(),
        "  \\small".to_owned(),
        // What is wider than the page is made smaller, and nothing else.
        "  \\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%".to_owned(),
        format!("  \\begin{{tabular}}{{{}}}", specs.join(" ")),
        "    \\toprule".to_owned(),
        row(columns.iter().map(|column| &*column.header).collect()),
        "    \\midrule".to_owned(),
    ];
    let rows = columns.first().map_or(0, |column| column.cells.len());
    lines.extend((0..rows).map(|i| row(columns.iter().map(|column| &*column.cells[i]).collect())));
    lines.extend(["    \\bottomrule", "  \\end{tabular}}"].map(str::to_owned));
    lines.push(format!(
        "  \\caption{{{}: {}; errors below $10^{{-8}}$ are left out.}}",
        escaped(&report.title),
        escaped(&unit_of(&shown))
    ));
    lines.push(format!("  \\label{{tab:{}}}", label(&report.title)));
    lines.push(format!("\\end{{{table}}}\n"));
    Ok(lines.join("\n"))
}

/// In what unit the divergences of the columns are, as part of a sentence.
fn unit_of(columns: &[Column]) -> String {
    let kinds = columns
        .iter()
        .filter_map(|column| DivergenceKind::from_name(&column.name));
    let kinds: Vec<DivergenceKind> = kinds.collect();
    match kinds.is_empty() {
        true => "the best run of each fit".to_owned(),
        false => {
            let said = units(kinds, true);
            let said = said.trim_start_matches("Divergences are ");
            format!("divergences {}", said.trim_end_matches('.'))
        }
    }
}

/// A column as LaTeX.
struct Written {
    spec: String,
    header: String,
    cells: Vec<String>,
}

impl Written {
    fn new(column: &Column, numbers: LatexNumbers) -> Self {
        let estimates = column.cells.iter().flatten().filter_map(|cell| match cell {
            Cell::Estimate(estimate) => Some(Digits::of(estimate)),
            _ => None,
        });
        let digits: Vec<Digits> = estimates
            .flatten()
            .filter(|one| one.power.is_none())
            .collect();
        let is_aligned = numbers == LatexNumbers::Siunitx && !digits.is_empty();
        // In a column of numbers everything else stands in braces.
        let in_column = |text: String| match is_aligned {
            true => format!("{{{text}}}"),
            false => text,
        };
        let cell = |cell: &Option<Cell>| match cell {
            None => String::new(),
            Some(Cell::Words(words)) => in_column(stacked(words, escaped)),
            Some(Cell::Numbers(text)) => {
                in_column(stacked(text, |line| with_numbers(line, numbers)))
            }
            Some(Cell::Estimate(estimate)) => match Digits::of(estimate) {
                None => in_column(unknown(estimate)),
                Some(digits) if numbers == LatexNumbers::Plain => digits.plain(),
                Some(digits) if digits.power.is_some() => in_column(digits.num()),
                Some(digits) => digits.compact(),
            },
        };
        Self {
            spec: match is_aligned {
                true => format!("S[table-format={}]", format_of(&digits)),
                false => "l".to_owned(),
            },
            header: in_column(match &*column.name {
                "k-hat" => "$\\hat{k}$".to_owned(),
                _ => escaped(&column.header),
            }),
            cells: column.cells.iter().map(cell).collect(),
        }
    }
}

/// The digits of a number as it is shown elsewhere too: 0.4620, with those of its error in its last places, 3.
struct Digits {
    /// With a minus where it is negative.
    value: String,
    /// The power of ten it is times, where it is written so.
    power: Option<String>,
    /// None where it is too small to show.
    error: Option<String>,
}

impl Digits {
    fn of(estimate: &Estimate) -> Option<Self> {
        if !estimate.value.is_finite() {
            return None;
        }
        // A count, or what was rounded for the table.
        if estimate.error == 0.0 && estimate.value.fract() == 0.0 && estimate.value.abs() < 1e9 {
            return Some(Self {
                value: fixed(estimate.value, 0),
                power: None,
                error: None,
            });
        }
        let shown = estimate.to_string();
        let (value, error) = shown.split_once(" ± ").unwrap_or((&shown, ""));
        if let Some((value, power)) = value.split_once('e') {
            return Some(Self {
                value: value.to_owned(),
                power: Some(power.to_owned()),
                error: None,
            });
        }
        let decimals_of = |text: &str| {
            text.split_once('.')
                .map_or(0, |(_, decimals)| decimals.len())
        };
        let mut decimals = decimals_of(value);
        let mut value = value.to_owned();
        // A mean over rows has more digits than its error leaves.
        if (1..decimals).contains(&decimals_of(error)) && !error.contains('e') {
            decimals = decimals_of(error);
            value = fixed(estimate.value, decimals);
        }
        let error = error.parse::<f64>().ok().filter(|error| *error >= EXACT);
        let places = error.map(|error| (error * 10f64.powi(decimals as i32)).round());
        Some(Self {
            value: trimmed_of_exact(value, estimate),
            power: None,
            error: places
                .filter(|one| *one >= 1.0)
                .map(|one| format!("{one:.0}")),
        })
    }

    /// As a column of siunitx takes it: 0.4620(3).
    fn compact(&self) -> String {
        let error = self
            .error
            .as_ref()
            .map_or_else(String::new, |error| format!("({error})"));
        let power = self
            .power
            .as_ref()
            .map_or_else(String::new, |power| format!("e{power}"));
        format!("{}{error}{power}", self.value)
    }

    fn num(&self) -> String {
        format!("\\num{{{}}}", self.compact())
    }

    /// As mathematics: $0.4620 \pm 0.0003$.
    fn plain(&self) -> String {
        let decimals = self
            .value
            .split_once('.')
            .map_or(0, |(_, decimals)| decimals.len());
        let error = self
            .error
            .as_ref()
            .and_then(|error| error.parse::<f64>().ok());
        let error = error.map_or_else(String::new, |error| {
            format!(" \\pm {:.decimals$}", error / 10f64.powi(decimals as i32))
        });
        let power = (self.power.as_ref())
            .map_or_else(String::new, |power| format!(" \\cdot 10^{{{power}}}"));
        format!("${}{error}{power}$", self.value)
    }
}

/// An exact number without the zeros at its end that tell of an error of others.
fn trimmed_of_exact(value: String, estimate: &Estimate) -> String {
    match estimate.error == 0.0 && value.contains('.') {
        true => value.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => value,
    }
}

/// What siunitx needs to know of the numbers in a column: -1.8(2).
fn format_of(numbers: &[Digits]) -> String {
    let most = |of: &dyn Fn(&Digits) -> usize| numbers.iter().map(of).max().unwrap_or(0);
    let parts = |digits: &Digits| {
        let value = digits.value.trim_start_matches('-');
        let (whole, decimals) = value.split_once('.').unwrap_or((value, ""));
        (whole.len(), decimals.len())
    };
    let is_negative = numbers.iter().any(|digits| digits.value.starts_with('-'));
    let (whole, decimals) = (most(&|one| parts(one).0), most(&|one| parts(one).1));
    let error = most(&|one| one.error.as_ref().map_or(0, String::len));
    let error = if error > 0 {
        format!("({error})")
    } else {
        String::new()
    };
    let sign = if is_negative { "-" } else { "" };
    format!("{sign}{whole}.{decimals}{error}")
}

/// A number that is none.
fn unknown(estimate: &Estimate) -> String {
    match estimate.value.is_infinite() {
        true if estimate.value > 0.0 => "$\\infty$".to_owned(),
        true => "$-\\infty$".to_owned(),
        false => "not known".to_owned(),
    }
}

/// Several lines in a cell.
fn stacked(text: &str, write: impl Fn(&str) -> String) -> String {
    match text.contains('\n') {
        true => {
            let lines: Vec<String> = text.lines().map(write).collect();
            format!(
                "\\begin{{tabular}}[t]{{@{{}}l@{{}}}}{}\\end{{tabular}}",
                lines.join("\\\\")
            )
        }
        false => write(text),
    }
}

/// A line whose words are numbers, names of parameters and brackets.
fn with_numbers(line: &str, numbers: LatexNumbers) -> String {
    let word = |word: &str| {
        let is_edge = |c: char| "(),".contains(c);
        let core = word.trim_matches(is_edge);
        if core.parse::<f64>().is_err() || !core.contains(|c: char| c.is_ascii_digit()) {
            return escaped(word);
        }
        let start = word.len() - word.trim_start_matches(is_edge).len();
        let (before, after) = (&word[..start], &word[start + core.len()..]);
        let number = match (numbers, core.split_once('e')) {
            (LatexNumbers::Siunitx, _) => format!("\\num{{{core}}}"),
            (LatexNumbers::Plain, Some((value, power))) => {
                format!("${value} \\cdot 10^{{{power}}}$")
            }
            (LatexNumbers::Plain, None) => format!("${core}$"),
        };
        format!("{before}{number}{after}")
    };
    line.split(' ').map(word).collect::<Vec<_>>().join(" ")
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
