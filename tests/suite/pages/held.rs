//! No number stands on a page that nothing holds.
//!
//! A number in digits is held if it stands in a sentence of a test, written there with `{}` in its place; in a
//! block, which `printed` runs; or among what is [measured](MEASURED), beside the command that measures it. What no
//! computation makes, as a year, is told by how it is written or listed in [`SAID`]. Anything else fails here: write
//! the sentence into the test that computes its number.

use std::path::{Path, PathBuf};

use super::page::{Number, number};

/// From here to `<!-- end -->` stand times and sizes, and the command that measures them on the page too.
const MEASURED: &str = "<!-- measured by: ";

/// Lists between `<!-- list: NAME -->` and `<!-- end -->` whose numbers `docs` holds, row by row.
const HELD_LISTS: [&str; 1] = ["widths"];

/// Numbers of a page that none of its commands makes: the page, and the words with them.
const SAID: &[(&str, &str)] = &[
    ("docs/report.md", "after 500 of 1000 steps"),
    ("docs/report.md", "makes that 0.4620 ± 0.0003"),
    (
        "docs/stopping.md",
        "falling by 0.0200 ± 0.0040 nats in the last 500 steps",
    ),
    (
        "docs/diagnostics.md",
        "covers 6 of 8 modes of p and misses 25 %",
    ),
    (
        "docs/diagnostics.md",
        "puts 4.8 % where p has 50 %, at x = 5",
    ),
    (
        "docs/diagnostics.md",
        "covers all but 0.0002 % of p, with 1 of its 3 modes",
    ),
    ("docs/tutorial.md", "between 2007 and 2009"),
    ("docs/tutorial.md", "a 95 % interval"),
    // What tests beside the code hold.
    ("docs/calculator.md", "and to 1e-13 by independent draws"),
    ("docs/stopping.md", "fewer than 0.02 of all cases"),
    (
        "docs/targets.md",
        "about 1e-11 of its size for correlations up to 0.999",
    ),
    ("docs/targets.md", "40 standard deviations away a"),
    ("docs/mixture.md", "with 17, its numbers too"),
    ("docs/mixture.md", "some 1e-8 nats"),
    ("docs/method.md", "held against 24 digits by mpmath"),
    (
        "docs/performance.md",
        "for 1 to 64 dimensions, 1 to 256 components and 1 to 10⁴ restarts, values and gradients to 3·10⁻⁵",
    ),
    // What bits and versions others have.
    ("README.md", "DirectX 12, CUDA; 64 or 32 bits"),
    ("README.md", "SIL Open Font License 1.1"),
    ("docs/figures.md", "SIL Open Font License 1.1"),
    ("docs/devices.md", "DirectX 12 |"),
    ("docs/devices.md", "exponentials of 64-bit numbers"),
    ("docs/devices.md", "In 32 bits a sum"),
    ("docs/method.md", "**On the CPU** in 64 bits"),
    ("docs/method.md", "on the host in 64 bits whatever"),
    ("docs/targets.md", "on the host in 64 bits on every"),
    ("docs/programs.md", "64-bit floats"),
    ("docs/reliability.md", "stopping rules, 32 bits: the same"),
    ("docs/mixture.md", "SciPy 1.10"),
    ("docs/mixture.md", "Stan 2.33"),
    ("docs/explore.md", "127.0.0.1 only"),
    // Examples that a page thinks of.
    ("docs/calculator.md", "10⁹ of them take the memory"),
    ("docs/calculator.md", "one of weight 1e-9 has draws"),
    ("docs/calculator.md", "any number, 1e-300 or 1e300."),
    (
        "docs/calculator.md",
        "[[7, 7], [7, 7.0000000001]]) and N(0, diag(7, 7))",
    ),
    ("docs/mixture.md", "(100 components in 50 dimensions)"),
    ("docs/optimizers.md", "over the first 50 steps"),
    ("docs/method.md", "a spike of width 0.003 inside"),
    ("docs/targets.md", "1.204,5 among them"),
    ("docs/targets.md", "a cell such as 046 in"),
    ("docs/targets.md", "and 30 nearly a Gaussian"),
    // Formulas and rates of papers.
    ("docs/calculator.md", "(Higham 2002, theorem 8.5)"),
    ("docs/calculator.md", "(theorem 10.3)"),
    ("docs/calculator.md", "(Villani 2003, theorem 2.18)"),
    (
        "docs/calculator.md",
        "5 to 12 of the spike's standard deviations",
    ),
    ("docs/calculator.md", "is within R²/8 of a parabola"),
    ("docs/calculator.md", "is missing to R³/62."),
    ("docs/calculator.md", "only as N^(−3/D) does"),
    ("docs/divergences.md", "α = ½ is 4 H²"),
    ("docs/estimators.md", "almost as 1/n^1.5,"),
    ("docs/method.md", "I(4h)|/4, plus rounding"),
    ("docs/targets.md", "times N^(−2/(D + 4)) (Scott"),
    (
        "docs/targets.md",
        "times (N (D + 2)/4)^(−2/(D + 4)) (Silverman",
    ),
];

/// The text of a page, with white space as one blank, and for each byte whether it is one of its sentences.
struct Prose {
    text: String,
    sentence: Vec<bool>,
}

impl Prose {
    /// Blocks, code, comments and where links lead are no sentences, nor is what is measured or a list that is held.
    fn of(raw: &str) -> Self {
        let mut hidden = vec![false; raw.len()];
        let (mut at, mut in_block, mut elsewhere) = (0, false, false);
        for line in raw.split_inclusive('\n') {
            let fence = line.trim_start().starts_with("```");
            let listed = (line.strip_prefix("<!-- list: "))
                .and_then(|rest| rest.trim_end().strip_suffix(" -->"));
            elsewhere |=
                line.starts_with(MEASURED) || listed.is_some_and(|name| HELD_LISTS.contains(&name));
            elsewhere &= !line.starts_with("<!-- end -->");
            if in_block
                || fence
                || elsewhere
                || line.starts_with("    ")
                || line.starts_with("<!--")
            {
                hidden[at..at + line.len()].fill(true);
            }
            in_block ^= fence;
            at += line.len();
        }
        // Code and links go on in the next line, but not beyond a paragraph.
        for (open, close) in [("`", "`"), ("](", ")")] {
            let mut from = 0;
            while let Some(start) = raw[from..].find(open).map(|start| from + start) {
                from = start + open.len();
                let paragraph = raw[from..].find("\n\n").unwrap_or(raw.len() - from);
                if let Some(length) = raw[from..from + paragraph].find(close)
                    && !hidden[start]
                {
                    hidden[from..from + length].fill(true);
                    from += length + close.len();
                }
            }
        }
        let (mut text, mut sentence) = (String::new(), Vec::new());
        for (at, next) in raw.char_indices() {
            let blank = next.is_whitespace();
            if blank && text.ends_with(' ') {
                continue;
            }
            text.push(if blank { ' ' } else { next });
            sentence.resize(text.len(), !hidden[at]);
        }
        Self { text, sentence }
    }

    fn leave_out(&mut self, from: usize, to: usize) {
        self.sentence[from..to].fill(false);
    }

    /// Leaves out a sentence of a test: it must stand there as it is, but for the numbers.
    fn hold(&mut self, sentence: &str) {
        let pieces: Vec<&str> = sentence.split("{}").collect();
        let letters = (sentence.chars()).filter(|next| next.is_alphabetic());
        if letters.count() < 6 {
            return;
        }
        let starts: Vec<usize> = if pieces[0].is_empty() {
            // What follows the number is found at once, and numbers are short.
            let after = self.text.match_indices(pieces[1]).map(|(at, _)| at);
            let before = |at: usize| (at.saturating_sub(24)..at).collect::<Vec<_>>();
            let starts = after.flat_map(before);
            starts
                .filter(|&at| self.text.is_char_boundary(at))
                .collect()
        } else {
            let found = self.text.match_indices(pieces[0]);
            found.map(|(at, _)| at).collect()
        };
        for start in starts {
            if let Some(end) = end(&self.text, start + pieces[0].len(), &pieces[1..]) {
                self.leave_out(start, end);
            }
        }
    }

    /// Leaves out words that must be there; whether there was a number in them that nothing held.
    fn say(&mut self, words: &str) -> bool {
        let Some(at) = self.text.find(words) else {
            return false;
        };
        let end = at + words.len();
        let before = self.left().len();
        self.leave_out(at, end);
        self.left().len() < before
    }

    /// Numbers that nothing holds, with what stands around them.
    fn left(&self) -> Vec<String> {
        let mut left = Vec::new();
        let mut at = 0;
        while let Some(next) = self.text[at..].chars().next() {
            let before = self.text[..at].chars().next_back().unwrap_or(' ');
            let found = (!before.is_alphanumeric() && !"._".contains(before))
                .then(|| number(&self.text[at..]))
                .flatten()
                .filter(|_| next.is_ascii_digit() || "-−".contains(next));
            let Some((number, rest)) = found else {
                at += next.len_utf8();
                continue;
            };
            let end = self.text.len() - rest.len();
            if self.sentence[at] && !is_none(number, &self.text[..at], rest) {
                let near = |bytes: &str| bytes.chars().take(40).collect::<String>();
                let back = self.text[..at].chars().rev().take(40).collect::<Vec<_>>();
                let back: String = back.into_iter().rev().collect();
                left.push(format!("{back}⟦{}⟧{}", &self.text[at..end], near(rest)));
            }
            at = end;
        }
        left
    }
}

/// Where numbers with pieces of text behind them end, if the text goes on with them.
fn end(text: &str, mut at: usize, pieces: &[&str]) -> Option<usize> {
    for piece in pieces {
        let (_, rest) = number(&text[at..])?;
        rest.strip_prefix(piece)?;
        at = text.len() - rest.len() + piece.len();
    }
    Some(at)
}

/// Numbers of mathematics, years of papers, sections, and parts of names such as `AVX-512`.
fn is_none(number: Number, before: &str, rest: &str) -> bool {
    let whole = number.digit == 1.0;
    let small = whole && number.value.abs() <= 2.0;
    let is_year = whole
        && (1650.0..2100.0).contains(&number.value)
        && (before.trim_end()).ends_with(|last: char| last.is_alphabetic() || ".(".contains(last))
        && (rest.starts_with([')', ',', ';', ':', ']', '.']) || rest.starts_with(" |"));
    let in_name = before
        .strip_suffix('-')
        .is_some_and(|name| name.ends_with(char::is_alphanumeric));
    let is_of_heading = before.ends_with("# ") && rest.starts_with(". ");
    small || is_of_heading || is_year || in_name || before.ends_with('§')
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn pages() -> Vec<(String, String)> {
    let mut names = vec!["README.md".to_owned()];
    for entry in std::fs::read_dir(root().join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".md") {
            names.push(format!("docs/{name}"));
        }
    }
    names.sort();
    let read = |name: String| {
        let text = std::fs::read_to_string(root().join(&name)).unwrap();
        (name, text)
    };
    names.into_iter().map(read).collect()
}

/// Every sentence of a test with a place for a number, and what a test beside the code finds on a page as it is.
fn sentences() -> Vec<String> {
    let mut open = ["src", "tests/suite", "tests/calibration"]
        .map(|name| root().join(name))
        .to_vec();
    let mut sentences = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let name = path.to_str().unwrap().replace('\\', "/");
            if !name.ends_with(".rs") || name.ends_with("pages/held.rs") {
                continue;
            }
            let source = std::fs::read_to_string(&path).unwrap();
            if !name.contains("/src/") {
                sentences.extend(literals(&source).filter(|text| text.contains("{}")));
            } else if name.ends_with("tests/page.rs") {
                let found = source.split("page.contains(").skip(1);
                sentences.extend(found.filter_map(|rest| literals(rest).next()));
            }
        }
    }
    sentences
}

/// The texts in quotes of a source, as they read; a variable in them has the place of a number.
fn literals(source: &str) -> impl Iterator<Item = String> {
    // The sign alone opens none.
    let source = source.replace("'\"'", "' '");
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + source[at..].find('"')? + 1;
        let mut text = String::new();
        let mut letters = source[start..].char_indices();
        while let Some((end, next)) = letters.next() {
            match next {
                '"' => {
                    at = start + end + 1;
                    return Some(as_formatted(&text));
                }
                '\\' => match letters.next()?.1 {
                    // The line goes on.
                    '\n' => text.push('\n'),
                    'n' => text.push('\n'),
                    other => text.push(other),
                },
                other => text.push(other),
            }
        }
        None
    })
}

fn as_formatted(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut text = text.replace("{{}}", "{}");
    while let Some(open) = text.find('{').filter(|_| !text.contains("{{")) {
        let Some(length) = text[open..].find('}') else {
            break;
        };
        let named = text[open + 1..open + length].chars();
        if length == 1
            || !named
                .clone()
                .all(|next| next.is_alphanumeric() || next == '_')
        {
            break;
        }
        text.replace_range(open..=open + length, "{}");
    }
    text
}

#[test]
fn every_number_is_held_by_a_test() {
    let sentences = sentences();
    assert!(sentences.len() > 300, "{}", sentences.len());
    let mut left = Vec::new();
    let mut needless: Vec<_> = SAID.to_vec();
    for (name, text) in pages() {
        let mut prose = Prose::of(&text);
        for sentence in &sentences {
            prose.hold(sentence);
        }
        needless.retain(|(page, words)| *page != name || !prose.say(words));
        left.extend(
            prose
                .left()
                .into_iter()
                .map(|near| format!("{name}: {near}")),
        );
    }
    assert!(left.is_empty(), "no test holds\n{}", left.join("\n"));
    assert!(needless.is_empty(), "not there, or held: {needless:?}");
}

#[test]
fn a_number_that_nothing_holds_is_seen() {
    let page = "It ends at step 48, 6e-10 nats above (Gauss 1809; Kish 1965, §3.2).\n\
                `steps = 30` of [it](a.md#step-7) in 1-D.\n\n    klfit run 12\n\n\
                <!-- measured by: time -->\n17 s\n<!-- end -->\nIt took 18 s.\n";
    let mut prose = Prose::of(page);
    let found = |prose: &Prose| -> Vec<String> {
        let inner = |near: &String| {
            let (_, rest) = near.split_once('⟦').unwrap();
            rest.split_once('⟧').unwrap().0.to_owned()
        };
        prose.left().iter().map(inner).collect()
    };
    assert_eq!(found(&prose), ["48", "6e-10", "18"]);
    prose.hold("It ends at step {}, {} nats");
    assert_eq!(found(&prose), ["18"]);
    // Words that are not so, that are too few to be a sentence, and with nothing in them.
    prose.hold("It needed {} s. And so on");
    prose.hold("k {} s");
    assert!(!prose.say("above (Gauss"));
    assert_eq!(found(&prose), ["18"]);
    assert!(prose.say("took 18 s"));
    assert!(found(&prose).is_empty());
    let literals: Vec<String> = literals("f(\"a {} b\", &format!(\"| {n} | {{}} |\"));").collect();
    assert_eq!(literals, ["a {} b", "| {} | {} |"]);
}

/// The commands that measure, with what they name: each stands on its page, and what it runs is there.
#[test]
fn what_is_measured_stands_beside_a_command_that_there_is() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let mut commands = 0;
    for (name, text) in pages() {
        for rest in text.split(MEASURED).skip(1) {
            let (command, rest) = rest.split_once(" -->\n").unwrap();
            assert!(rest.contains("<!-- end -->"), "{name}: {command}: no end");
            let shown = text.replace(&format!("{MEASURED}{command}"), "");
            assert!(shown.contains(command), "{name} does not show {command}");
            commands += 1;
            let words: Vec<&str> = command.split_whitespace().collect();
            for pair in words.windows(2) {
                let there = match pair[0] {
                    "--bench" => manifest.contains(&format!("name = \"{}\"", pair[1])),
                    "--test" => pair[1] == "suite" || root().join("tests").join(pair[1]).exists(),
                    _ => true,
                };
                assert!(there, "{name}: {command}: no {}", pair[1]);
            }
            for file in words.iter().filter(|word| word.contains('/')) {
                let there = file.starts_with('/') || root().join(file).exists();
                assert!(there, "{name}: {command}: no {file}");
            }
            if let Some(at) = words.iter().position(|&word| word == "klfit") {
                let verb = words[at + 1];
                let help = crate::command_line::klfit(&[verb, "--help"])
                    .output()
                    .unwrap();
                assert!(help.status.success(), "{name}: {command}: no {verb}");
            }
        }
    }
    assert!(commands > 3, "{commands}");
}
