//! What the pages print is what the program prints.
//!
//! A block after `<!-- printed by: klfit … -->` is the output of that command, in a folder with the example
//! configs and the densities of `tests/data/pages`. Times differ, and last digits may.

use std::path::Path;

use super::command_line::klfit;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The command and the block of every mark of a page.
fn blocks(page: &str) -> Vec<(Vec<String>, String)> {
    page.split("<!-- printed by: klfit ")
        .skip(1)
        .map(|rest| {
            let (command, rest) = rest.split_once(" -->").unwrap();
            let (_, block) = rest.split_once("```text\n").unwrap();
            let (block, _) = block.split_once("```").unwrap();
            let arguments = command.split_whitespace().map(str::to_owned);
            (arguments.collect(), block.to_owned())
        })
        .collect()
}

/// Words and numbers, without rules, times and the command itself.
fn words(text: &str) -> Vec<String> {
    let lines = (text.lines()).filter(|line| !line.starts_with(['─', '═', '$']));
    let mut words: Vec<String> = Vec::new();
    for word in lines.flat_map(str::split_whitespace) {
        let is_unit = ["ms", "s", "min"].contains(&word);
        if is_unit && words.last().is_some_and(|last| last.parse::<f64>().is_ok()) {
            words.pop();
            if words.last().is_some_and(|last| last == "<") {
                words.pop();
            }
            continue;
        }
        words.push(word.to_owned());
    }
    words
}

/// Words are the same, numbers to what is printed of them, errors to a factor.
fn agree(printed: &[String], found: &[String]) -> Result<(), String> {
    let number = |word: &str| word.trim_end_matches([',', ';', ':']).parse::<f64>().ok();
    for i in 0..printed.len().max(found.len()) {
        let [Some(one), Some(other)] = [printed.get(i), found.get(i)] else {
            return Err(format!("{:?} beside {:?}", printed.get(i), found.get(i)));
        };
        let is_error = i > 0 && printed[i - 1] == "±";
        let same = match (number(one), number(other)) {
            (Some(a), Some(b)) if is_error => a <= 10.0 * b && b <= 10.0 * a,
            (Some(a), Some(b)) => (a - b).abs() <= 1e-11 + 3e-8 * a.abs(),
            _ => one == other,
        };
        if !same {
            let from = i.saturating_sub(6);
            return Err(format!(
                "{:?} beside {:?}",
                &printed[from..=i],
                &found[from..=i]
            ));
        }
    }
    Ok(())
}

#[test]
fn pages_print_what_the_program_does() {
    let folder = tempfile::tempdir().unwrap();
    let copy = |from: &str, to: &str| {
        std::fs::copy(root().join(from), folder.path().join(to)).unwrap();
    };
    std::fs::create_dir(folder.path().join("configs")).unwrap();
    copy("configs/bimodal.toml", "configs/bimodal.toml");
    for name in ["p.toml", "q.toml", "four.toml"] {
        copy(&format!("tests/data/pages/{name}"), name);
    }
    let mut count = 0;
    for page in ["README.md", "docs/calculator.md", "docs/mixture.md"] {
        let text = std::fs::read_to_string(root().join(page)).unwrap();
        for (arguments, block) in blocks(&text) {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let output = klfit(&arguments)
                .current_dir(folder.path())
                .output()
                .unwrap();
            let found = String::from_utf8(output.stdout).unwrap();
            let judged = agree(&words(&block), &words(&found));
            assert!(
                judged.is_ok(),
                "{page}, klfit {arguments:?}: {judged:?}\n{found}"
            );
            count += 1;
        }
    }
    assert!(count >= 3, "{count}");
}

#[test]
fn another_number_or_word_is_seen() {
    let of = |text: &str| words(text);
    let printed = of("KL 0.09474788 ± 3e-15 3 ms quadrature");
    assert!(agree(&printed, &of("KL 0.09474788 ± 5e-15 < 1 ms quadrature")).is_ok());
    for other in [
        "KL 0.09474798 ± 3e-15 3 ms quadrature",
        "KL 0.09474788 ± 3e-13 3 ms quadrature",
        "KL 0.09474788 ± 3e-15 3 ms panels",
        "KL 0.09474788 ± 3e-15 3 ms",
    ] {
        assert!(agree(&printed, &of(other)).is_err(), "{other}");
    }
}
