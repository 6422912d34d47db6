//! The report as Markdown, its figures in files beside it.

use std::fmt::Write;

use super::first::First;
use super::{Report, Run, Table};
use crate::text::{lines, shown};

/// The whole report.
pub fn page(report: &Report) -> String {
    let mut text = format!("# {}\n", escaped(&report.title));
    push_first(&mut text, &report.first());
    // Writing to a string does not fail.
    if let Some(sweep) = &report.sweep {
        _ = writeln!(text, "\n## What each setting did");
        for (what, effect) in sweep.effects(&report.summaries) {
            _ = writeln!(text, "\n{}:\n\n{}", escaped(&what), table(&effect));
        }
    }
    _ = writeln!(
        text,
        "\n## What came out\n\n{}",
        table(&report.comparison())
    );
    _ = writeln!(text, "{}", report.note());
    for (place, run) in report.runs.iter().enumerate() {
        let level = match (report.has_several(), &report.sweep) {
            (false, None) => "##",
            (_, sweep) => {
                let what = (sweep.as_ref())
                    .map_or_else(String::new, |sweep| sweep.heading(&report.summaries) + ": ");
                _ = writeln!(text, "\n## {}", escaped(&(what + &run.name)));
                "###"
            }
        };
        push_run(&mut text, report, place, run, level);
    }
    text
}

/// The first page: the question, the answer, three numbers and a figure.
fn push_first(text: &mut String, first: &First) {
    _ = writeln!(text, "\n**{}**", escaped(&first.question));
    for sentence in &first.answer {
        _ = writeln!(text, "\n{}", escaped(sentence));
    }
    if !first.numbers.is_empty() {
        text.push('\n');
    }
    for (what, number) in &first.numbers {
        _ = writeln!(text, "- {}: **{}**", escaped(what), escaped(number));
    }
    if let Some(shown) = &first.figure {
        _ = writeln!(text, "\n{}", figure(&shown.file, &escaped(&shown.caption)));
    }
}

fn push_run(text: &mut String, report: &Report, place: usize, run: &Run, level: &str) {
    _ = writeln!(
        text,
        "\n{level} What was asked\n\n{}\n",
        escaped(&run.lead())
    );
    for setting in &run.settings {
        for (fit, value) in &setting.values {
            let fit = (fit.as_ref()).map_or_else(String::new, |fit| format!(" ({})", escaped(fit)));
            _ = writeln!(text, "- **{}**{fit}: {}", setting.name, escaped(value));
        }
    }
    _ = writeln!(text, "\n{level} What it means\n");
    for (fit, remarks) in run.remarks() {
        for remark in remarks {
            _ = writeln!(text, "- **{}**: {}", escaped(&fit.name()), escaped(&remark));
        }
    }
    for (what, table_of) in run.choices() {
        _ = writeln!(
            text,
            "\nChoice of {}:\n\n{}",
            escaped(&what),
            table(&table_of)
        );
    }
    for (fit, optima) in run.optima() {
        _ = writeln!(
            text,
            "\n{}:\n\n{}",
            escaped(&Run::heading_of_optima(fit)),
            table(&optima)
        );
        if let Some(more) = Run::optima_left_out(fit) {
            _ = writeln!(text, "{}", escaped(&more));
        }
    }
    _ = writeln!(text, "\n{level} Figures");
    for picture in report.others(run) {
        let file = report.file_of(place, picture);
        _ = writeln!(text, "\n{}", figure(&file, &picture.caption));
    }
    let base = (report.sweep.as_ref()).map_or_else(String::new, |sweep| {
        format!("{}.\n\n", escaped(&sweep.base()))
    });
    let fence = "`".repeat(longest_fence(&run.config).max(2) + 1);
    _ = writeln!(
        text,
        "\n{level} Again\n\n{base}{}. To run it again:\n",
        escaped(&run.versions())
    );
    _ = writeln!(text, "    {}\n", run.command());
    _ = writeln!(text, "{fence}toml\n{}{fence}", lines(&run.config));
}

fn figure(file: &str, caption: &str) -> String {
    format!("![{caption}](figures/{file}.png)\n\n*{caption}*")
}

fn table(table: &Table) -> String {
    let row = |cells: &[String]| {
        let cells = cells.iter().map(|cell| {
            let lines: Vec<String> = cell.split('\n').map(escaped).collect();
            lines.join("<br>")
        });
        format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
    };
    let rule: Vec<&str> = (0..table.header.len())
        .map(|column| match table.right.contains(&column) {
            true => "---:",
            false => "---",
        })
        .collect();
    let mut text = row(&table.header);
    _ = writeln!(text, "| {} |", rule.join(" | "));
    text.extend(table.rows.iter().map(|cells| row(cells)));
    text
}

/// Text that Markdown takes as it is.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in shown(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' | '$' => {
                escaped.push('\\');
                escaped.push(c);
            }
            c => escaped.push(c),
        }
    }
    escaped
}

/// The most backticks in a row.
fn longest_fence(text: &str) -> usize {
    let runs = text.split(|c| c != '`').map(str::len);
    runs.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::is_unseen;

    #[test]
    fn every_character_is_text() {
        for c in '\0'..=char::MAX {
            let expected = match c {
                _ if is_unseen(c) => escaped(&c.escape_default().to_string()),
                '&' => "&amp;".to_owned(),
                '<' => "&lt;".to_owned(),
                '>' => "&gt;".to_owned(),
                _ if "\\`*_[]|#~!$".contains(c) => format!("\\{c}"),
                _ => c.to_string(),
            };
            assert_eq!(escaped(&c.to_string()), expected);
        }
        assert_eq!(escaped("a\n# b\u{202e}"), "a\\\\n\\# b\\\\u{202e}");
    }
}
