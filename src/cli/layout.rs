//! Tables on a terminal: side by side where there is room, one row below the other where not.

use std::io::IsTerminal;

use comfy_table::{ContentArrangement, Row, Table, presets};

use super::output::to_stdout;

/// An empty table in the style of all.
pub fn table<C: Into<comfy_table::Cell>>(header: impl IntoIterator<Item = C>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header.into_iter().collect::<Vec<C>>());
    table
}

/// Prints a table as wide as the terminal at most.
pub fn print(table: &Table) {
    let terminal = terminal_size::terminal_size().filter(|_| std::io::stdout().is_terminal());
    let width = terminal.map_or(usize::MAX, |(width, _)| usize::from(width.0));
    to_stdout(within(table, width));
}

/// It in lines of so many characters, as far as its words allow: no number is broken.
fn within(table: &Table, width: usize) -> String {
    let side_by_side = table.to_string();
    if side_by_side
        .lines()
        .all(|line| length(line.trim_end()) <= width)
    {
        return side_by_side;
    }
    let contents =
        |row: &Row| -> Vec<String> { row.cell_iter().map(|cell| cell.content()).collect() };
    let header = table.header().map(contents).unwrap_or_default();
    let longest = header.iter().map(|name| length(name)).max().unwrap_or(0);
    let rule = "─".repeat(width);
    let mut text = rule.clone();
    for row in table.row_iter() {
        for (name, cell) in header.iter().zip(contents(row)) {
            let lines = cell
                .lines()
                .flat_map(|line| wrapped(line, width.saturating_sub(longest + 3)));
            for (i, line) in lines.enumerate() {
                let name = if i == 0 { name } else { "" };
                let pad = " ".repeat(longest - length(name).min(longest));
                text += &format!("\n {name}{pad}  {line}");
            }
        }
        text += &format!("\n{rule}");
    }
    text
}

fn length(text: &str) -> usize {
    text.chars().count()
}

/// A text in lines of so many characters, broken between words, but not within a number with its error or a range.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    // Whether what comes belongs to what is there.
    let mut is_open = false;
    for word in text.split(' ') {
        let joins = ["±", "…", "="].contains(&word);
        match lines.last_mut() {
            Some(line) if is_open || joins || length(line) + 1 + length(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
        is_open = joins;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide() -> Table {
        let mut table = table(["fit", "q", "KL(p‖q)", "steps", "stopped"]);
        table.add_row([
            "forward-kl",
            "w 0.3000, μ (0.000000, 1.0000), σ 1.000000\nw 0.7000, μ (4.000000, 1.0000), σ 2.500000",
            "0.46203545 ± 4e-9",
            "2000",
            "gradient below 1e-6 at step 731",
        ]);
        table.add_row(["reverse-kl", "every run failed", "", "12", ""]);
        table
    }

    #[test]
    fn with_room_rows_are_lines() {
        let table = wide();
        assert_eq!(within(&table, 200), table.to_string());
    }

    /// However narrow it is, every number with its error is there whole, and no line is longer than its longest words.
    #[test]
    fn without_room_no_number_is_broken() {
        for width in (30..=120).step_by(6) {
            let text = within(&wide(), width);
            for whole in [
                "0.46203545 ± 4e-9",
                "(4.000000,",
                "2.500000",
                "every run failed",
            ] {
                assert!(text.contains(whole), "{width}: {text}");
            }
            assert!(
                text.lines().all(|line| length(line) <= width.max(34)),
                "{width}:\n{text}"
            );
        }
        let text = within(&wide(), 60);
        assert!(text.contains("\n KL(p‖q)  0.46203545 ± 4e-9\n"), "{text}");
        // What is empty takes no line.
        assert_eq!(text.matches("KL(p‖q)").count(), 1, "{text}");
    }
}
