//! What the pages print is what the program prints.
//!
//! A block after `<!-- printed by: klfit … -->` is the output of that command, in a folder with the example
//! configs and the densities of `tests/data/pages`. In the tutorial a block `console` begins with its command, and
//! all run one after the other in a copy of `docs/tutorial`; a line `…` stands for lines that are left out. Times
//! differ, and last digits may.
//!
//! Where the program prints something else, and it is meant, all blocks are written again by
//!
//!     cargo test --release --test suite -- --ignored write_the_blocks

use std::ops::Range;
use std::path::Path;

use super::command_line::klfit;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A command and what the page says it prints.
#[derive(Debug)]
struct Block {
    arguments: Vec<String>,
    /// Where that stands in the page, after the command.
    at: Range<usize>,
}

/// The blocks of a page, in order.
fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut add = |command: &str, from: usize| {
        let end = from + page[from..].find("```").unwrap();
        blocks.push(Block {
            arguments: command.split_whitespace().map(str::to_owned).collect(),
            at: from..end,
        });
    };
    for (start, mark) in page.match_indices("<!-- printed by: klfit ") {
        let start = start + mark.len();
        let (command, _) = page[start..].split_once(" -->").unwrap();
        let fence = "```text\n";
        let from = start + page[start..].find(fence).unwrap() + fence.len();
        let prompt = format!("$ klfit {command}\n");
        let shown = page[from..].starts_with(&prompt);
        add(command, from + if shown { prompt.len() } else { 0 });
    }
    for (start, mark) in page.match_indices("```console\n$ klfit ") {
        let start = start + mark.len();
        let (command, _) = page[start..].split_once('\n').unwrap();
        add(command, start + command.len() + 1);
    }
    blocks.sort_by_key(|block| block.at.start);
    blocks
}

/// What a command writes to standard output.
fn output(arguments: &[String], folder: &Path) -> String {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let output = klfit(&arguments).current_dir(folder).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "klfit {arguments:?}: {told}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs every command of a page; an error says where it prints something else.
fn check(page: &str, text: &str, folder: &Path) -> usize {
    let blocks = blocks(text);
    for block in &blocks {
        let found = output(&block.arguments, folder);
        let judged = compare(&text[block.at.clone()], &found);
        let arguments = &block.arguments;
        assert!(
            judged.is_ok(),
            "{page}, klfit {arguments:?}: {judged:?}\n{found}"
        );
    }
    blocks.len()
}

/// Lines with words in them: no rules.
fn lines(text: &str) -> Vec<&str> {
    let is_rule = |line: &&str| line.trim().is_empty() || line.starts_with(['─', '═']);
    text.lines().filter(|line| !is_rule(line)).collect()
}

/// The parts of a block that are shown, in order and with nothing between them but what `…` stands for.
fn compare(shown: &str, found: &str) -> Result<(), String> {
    let (shown, found) = (lines(shown), lines(found));
    let parts: Vec<&[&str]> = shown.split(|line| *line == "…").collect();
    let mut from = 0;
    for (i, part) in parts.iter().enumerate() {
        let last = i + 1 == parts.len();
        if found.len() < from + part.len() {
            return Err(format!("it ends before {part:?}"));
        }
        // The first part begins where the output does, and the last one ends with it.
        let first = if last { found.len() - part.len() } else { from };
        let latest = if i == 0 {
            from
        } else {
            found.len() - part.len()
        };
        if i == 0 && last && found.len() != part.len() {
            return Err(format!("{} lines beside {}", part.len(), found.len()));
        }
        let at = |start: usize| {
            let there = found[start..start + part.len()].join("\n");
            agree(&words(&part.join("\n")), &words(&there))
        };
        let start = (first..=latest).find(|&start| at(start).is_ok());
        let Some(start) = start else {
            return at(first);
        };
        from = start + part.len();
    }
    Ok(())
}

/// The output in place of a block: of one that leaves lines out, from where its parts begin as many lines as they have.
fn rewritten(shown: &str, found: &str) -> String {
    let found: Vec<&str> = found.lines().map(str::trim_end).collect();
    let parts: Vec<Vec<&str>> = (shown.split("…\n").map(|part| part.lines().collect())).collect();
    let (mut new, mut from) = (String::new(), 0);
    for (i, part) in parts.iter().enumerate() {
        let start = match i {
            0 => 0,
            _ => begin(part, &found[from..]).map_or(from, |start| from + start),
        };
        let end = match i + 1 == parts.len() {
            true => found.len(),
            false => (start + part.len()).min(found.len()),
        };
        for line in &found[start..end] {
            new.push_str(line);
            new.push('\n');
        }
        if i + 1 < parts.len() {
            new.push_str("…\n");
        }
        from = end;
    }
    new
}

/// Where a part begins: at the first line with the two words, or the one, that its first line of words begins with.
fn begin(part: &[&str], found: &[&str]) -> Option<usize> {
    let at = part.iter().position(|line| lines(line).len() == 1)?;
    let same = |count: usize| {
        let words = |line: &str| -> Vec<String> {
            let words = line.split_whitespace().take(count);
            words.map(str::to_owned).collect()
        };
        found.iter().position(|line| words(line) == words(part[at]))
    };
    Some(same(2).or_else(|| same(1))?.saturating_sub(at))
}

/// Words and numbers, without rules, times and the command itself.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in lines(text).into_iter().flat_map(str::split_whitespace) {
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

/// The pages whose commands are run in a folder with the example configs and some densities.
const PAGES: [&str; 3] = ["README.md", "docs/calculator.md", "docs/mixture.md"];
const TUTORIAL: &str = "docs/tutorial.md";

fn read(page: &str) -> String {
    std::fs::read_to_string(root().join(page)).unwrap()
}

fn copy(from: &str, folder: &Path, to: &str) {
    let to = folder.join(to);
    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
    std::fs::copy(root().join(from), to).unwrap();
}

fn folder_of_pages() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(
        "configs/bimodal.toml",
        folder.path(),
        "configs/bimodal.toml",
    );
    for name in ["p.toml", "q.toml", "four.toml"] {
        copy(&format!("tests/data/pages/{name}"), folder.path(), name);
    }
    folder
}

/// The names of the files of the tutorial.
fn files_of_tutorial() -> Vec<String> {
    let entries = std::fs::read_dir(root().join("docs/tutorial")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

pub fn folder_of_tutorial() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in files_of_tutorial() {
        copy(&format!("docs/tutorial/{name}"), folder.path(), &name);
    }
    folder
}

/// Runs the commands of the tutorial, for what comes of them.
pub fn follow_tutorial(folder: &Path) {
    for block in blocks(&read(TUTORIAL)) {
        output(&block.arguments, folder);
    }
}

#[test]
fn pages_print_what_the_program_does() {
    let folder = folder_of_pages();
    let count: usize = (PAGES.iter())
        .map(|page| check(page, &read(page), folder.path()))
        .sum();
    assert!(count >= 3, "{count}");
}

/// Every command one after the other, and then every file that is named is there.
#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "takes minutes unless optimized: cargo test --release --test suite the_tutorial"
)]
fn the_tutorial_can_be_followed() {
    let folder = folder_of_tutorial();
    let text = read(TUTORIAL);
    let count = check(TUTORIAL, &text, folder.path());
    assert!(count >= 8, "{count}");
    let mut named = 0;
    for word in text.split(|next: char| next.is_whitespace() || "`{}*".contains(next)) {
        let word = word.trim_end_matches(['.', ',', ';', ':', ')']);
        let is_made = ["outputs/", "report/", "paper/"]
            .iter()
            .any(|folder| word.starts_with(folder));
        if is_made && !word.contains('#') {
            assert!(folder.path().join(word).exists(), "{word}");
            named += 1;
        }
    }
    assert!(named > 3, "{named}");
}

/// The files that a page shows are those that it is followed with, and it shows or names all.
#[test]
fn the_tutorial_has_its_files() {
    let text = read(TUTORIAL);
    let mut shown = 0;
    for rest in text.split("<!-- file: ").skip(1) {
        let (name, rest) = rest.split_once(" -->").unwrap();
        let (_, block) = rest.split_once("```").unwrap();
        let (_, block) = block.split_once('\n').unwrap();
        let (block, _) = block.split_once("```").unwrap();
        assert_eq!(read(&format!("docs/tutorial/{name}")), block, "{name}");
        shown += 1;
    }
    assert!(shown > 2, "{shown}");
    for name in files_of_tutorial() {
        assert!(text.contains(&name), "{TUTORIAL} does not name {name}");
    }
}

/// The mixtures of the tutorial are what its Python makes, where there is one with scikit-learn.
#[test]
#[ignore = "needs KLFIT_PYTHON, a Python with scikit-learn"]
fn the_python_of_the_tutorial_makes_its_mixtures() {
    let folder = folder_of_tutorial();
    let mixtures = ["six.json", "three.json"];
    for name in mixtures {
        std::fs::remove_file(folder.path().join(name)).unwrap();
    }
    let python = std::env::var("KLFIT_PYTHON").expect("KLFIT_PYTHON names a Python");
    let mut command = std::process::Command::new(python);
    let ran = command.arg("fit.py").current_dir(folder.path()).status();
    assert!(ran.unwrap().success());
    for name in mixtures {
        let made = klfit::read_operand(folder.path().join(name).to_str().unwrap()).unwrap();
        let kept = root().join("docs/tutorial").join(name);
        let kept = klfit::read_operand(kept.to_str().unwrap()).unwrap();
        let question = klfit::Question {
            divergences: vec![klfit::DivergenceKind::ForwardKl.into()],
            ..Default::default()
        };
        // Versions of scikit-learn may stop a step earlier.
        let apart = question.ask(&made, &kept, &|_| {}).unwrap()[0].value;
        assert!(apart < 1e-6, "{name}: {apart:e} nats");
    }
}

#[test]
#[ignore = "writes the pages: for output that is meant to be another"]
fn write_the_blocks() {
    let places = [
        (&PAGES[..], folder_of_pages()),
        (&[TUTORIAL][..], folder_of_tutorial()),
    ];
    for (pages, folder) in places {
        for page in pages {
            let text = read(page);
            let mut new = String::new();
            let mut from = 0;
            for block in blocks(&text) {
                let found = output(&block.arguments, folder.path());
                new.push_str(&text[from..block.at.start]);
                new.push_str(&match compare(&text[block.at.clone()], &found) {
                    // Only times differ.
                    Ok(()) => text[block.at.clone()].to_owned(),
                    Err(_) => rewritten(&text[block.at.clone()], &found),
                });
                from = block.at.end;
            }
            new.push_str(&text[from..]);
            std::fs::write(root().join(page), new).unwrap();
        }
    }
}

#[test]
fn lines_that_are_left_out_are_so_at_their_marks_alone() {
    let found = "a 1\n──\nb 2\nc 3\nd 4\n";
    for shown in [
        "a 1\nb 2\nc 3\nd 4\n",
        "a 1\n…\nd 4\n",
        "a 1\n…\nc 3\n…\nd 4\n",
        "…\nd 4\n",
    ] {
        assert_eq!(compare(shown, found), Ok(()), "{shown}");
    }
    for shown in [
        "a 1\nd 4\n",
        "a 1\n…\nc 3\n",
        "b 2\n…\nd 4\n",
        "a 1\n…\nc 4\n…\nd 4\n",
        "a 1\n",
    ] {
        assert!(compare(shown, found).is_err(), "{shown}");
    }
    let found = "a 5\n──\nb 2\nb 3\nc 3\nd 4\ne 6\n";
    assert_eq!(
        rewritten("a 1\n…\nc 1\nd 4\n…\ne 4\n", found),
        "a 5\n…\nc 3\nd 4\n…\ne 6\n"
    );
    let page = "x\n```console\n$ klfit check my.toml\nok\n```\n<!-- printed by: klfit man -->\n```text\n$ klfit man\nm\n```\n";
    let shown: Vec<&str> = blocks(page)
        .into_iter()
        .map(|block| &page[block.at])
        .collect();
    assert_eq!(shown, ["ok\n", "m\n"]);
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
