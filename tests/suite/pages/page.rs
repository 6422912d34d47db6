//! Numbers of a page, taken out of their sentences.
//!
//! A sentence is written here as on the page, with `{}` where a number stands; line ends do not matter.
//! One that is not there, or is there twice, fails: a page that says something else must be looked at.

use std::path::Path;

pub struct Page {
    name: &'static str,
    text: String,
}

/// A number with what one in its last printed digit is worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Number {
    pub value: f64,
    pub digit: f64,
}

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All white space is one blank.
fn even(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Page {
    pub fn open(name: &'static str) -> Self {
        Self {
            name,
            text: even(&read(name)),
        }
    }

    /// What stands on the page as the output of a command, without the rules of tables.
    #[track_caller]
    pub fn printed(&self, command: &str) -> Self {
        let text = read(self.name);
        let begin = format!("```console\n$ {command}\n");
        let (_, rest) = (text.split_once(&begin)).unwrap_or_else(|| panic!("no {command}"));
        let (block, _) = rest.split_once("```").unwrap();
        let block = block.replace(['─', '═'], "");
        Self {
            name: self.name,
            text: even(&block),
        }
    }

    /// The numbers of a sentence.
    #[track_caller]
    pub fn numbers(&self, sentence: &str) -> Vec<Number> {
        let sentence = even(sentence);
        let (first, rest) = sentence.split_once("{}").expect("a number");
        let cuts = first.is_empty() || first.ends_with(|last: char| last.is_ascii_digit());
        assert!(!cuts, "{sentence}: nothing tells where the number begins");
        let rest: Vec<&str> = rest.split("{}").collect();
        let mut found: Vec<Vec<Number>> = (self.text.match_indices(first))
            .filter_map(|(at, _)| numbers(&self.text[at + first.len()..], &rest))
            .collect();
        assert_eq!(found.len(), 1, "{}: {sentence}", self.name);
        found.remove(0)
    }

    /// Their values.
    #[track_caller]
    pub fn values(&self, sentence: &str) -> Vec<f64> {
        let numbers = self.numbers(sentence);
        numbers.iter().map(|number| number.value).collect()
    }

    #[track_caller]
    fn compare(&self, sentence: &str, found: &[f64], same: impl Fn(Number, f64) -> bool) {
        let printed = self.numbers(sentence);
        assert_eq!(printed.len(), found.len(), "{sentence}");
        for (&number, &found) in printed.iter().zip(found) {
            assert!(
                same(number, found),
                "{}: {sentence}\nsays {}, and it is {found}",
                self.name,
                number.value
            );
        }
    }

    /// The sentence has these numbers, no more and no less.
    #[track_caller]
    pub fn says(&self, sentence: &str, exactly: &[f64]) {
        self.compare(sentence, exactly, |number, found| {
            (number.value - found).abs() <= 1e-12 * found.abs()
        });
    }

    /// The sentence has these numbers as they round to its digits; a tenth of a digit more is forgiven.
    #[track_caller]
    pub fn rounds(&self, sentence: &str, found: &[f64]) {
        self.compare(sentence, found, |number, found| {
            (number.value - found).abs() <= 0.6 * number.digit
        });
    }

    /// The sentence has numbers of this size, to a factor of ten: what rounding leaves is no more certain.
    #[track_caller]
    pub fn resembles(&self, sentence: &str, found: &[f64]) {
        self.compare(sentence, found, |number, found| {
            number.value <= 10.0 * found && found <= 10.0 * number.value
        });
    }
}

/// The numbers between pieces of text, if the text goes on with them.
fn numbers(mut text: &str, pieces: &[&str]) -> Option<Vec<Number>> {
    let mut numbers = Vec::new();
    for piece in pieces {
        let (number, rest) = number(text)?;
        numbers.push(number);
        text = rest.strip_prefix(piece)?;
    }
    Some(numbers)
}

const WORDS: [(&str, f64); 22] = [
    ("one", 1.0),
    ("two", 2.0),
    ("three", 3.0),
    ("four", 4.0),
    ("five", 5.0),
    ("six", 6.0),
    ("seven", 7.0),
    ("eight", 8.0),
    ("nine", 9.0),
    ("ten", 10.0),
    ("twelve", 12.0),
    ("fifty", 50.0),
    ("hundred", 100.0),
    ("half", 0.5),
    ("quarter", 0.25),
    ("tenth", 0.1),
    ("twentieth", 0.05),
    ("thousandth", 1e-3),
    ("twice", 2.0),
    ("½", 0.5),
    ("¼", 0.25),
    ("¾", 0.75),
];

const HIGH: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];

/// A number at the beginning of a text, and what follows it: `−0.05`, `1e-8`, `10⁻⁷`, `20 000`,
/// `4 million`, `three`, `Four`.
pub fn number(text: &str) -> Option<(Number, &str)> {
    for (word, value) in WORDS {
        let start = text.get(..word.len()).unwrap_or_default();
        let is_word = start.to_lowercase() == word;
        let rest = &text[start.len()..];
        // `½p` is a number before a letter, and `onto` is none.
        let ends = word.len() == 2 || !rest.starts_with(char::is_alphabetic);
        if is_word && ends {
            return Some((Number { value, digit: 0.0 }, rest));
        }
    }
    let (sign, text) = match text.strip_prefix(['-', '−']) {
        Some(rest) => (-1.0, rest),
        None => (1.0, text),
    };
    let (mut digits, mut rest) = digits(text)?;
    // Thousands stand apart.
    let may_be_grouped = digits.len() <= 3;
    while let Some((group, after)) = rest.strip_prefix([' ', ',']).and_then(self::digits)
        && may_be_grouped
        && group.len() == 3
    {
        digits += &group;
        rest = after;
    }
    let mut digit = 1.0;
    if let Some((fraction, after)) = rest.strip_prefix('.').and_then(self::digits) {
        digit = 0.1f64.powi(fraction.len() as i32);
        digits = format!("{digits}.{fraction}");
        rest = after;
    }
    let mut value: f64 = digits.parse().ok()?;
    if let Some((exponent, after)) = rest.strip_prefix('e').and_then(exponent) {
        // As the program reads it, not as a product of rounded numbers.
        value = format!("{digits}e{exponent}").parse().ok()?;
        digit *= 10f64.powi(exponent);
        rest = after;
    } else if let Some((power, after)) = raised(rest) {
        value = value.powi(power);
        rest = after;
    }
    if let Some(after) = rest.strip_prefix(" million") {
        value *= 1e6;
        digit *= 1e6;
        rest = after;
    }
    let value = sign * value;
    Some((Number { value, digit }, rest))
}

fn digits(text: &str) -> Option<(String, &str)> {
    let end = text.find(|next: char| !next.is_ascii_digit());
    let (digits, rest) = text.split_at(end.unwrap_or(text.len()));
    (!digits.is_empty()).then(|| (digits.to_owned(), rest))
}

fn exponent(text: &str) -> Option<(i32, &str)> {
    let (sign, text) = match text.strip_prefix(['-', '−']) {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let (digits, rest) = digits(text)?;
    Some((sign * digits.parse::<i32>().ok()?, rest))
}

/// `⁻⁷`.
fn raised(text: &str) -> Option<(i32, &str)> {
    let (sign, text) = match text.strip_prefix('⁻') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let is_high = |next: char| HIGH.contains(&next);
    let end = text.find(|next| !is_high(next)).unwrap_or(text.len());
    let (high, rest) = text.split_at(end);
    let mut power = 0;
    for next in high.chars() {
        power = 10 * power + HIGH.iter().position(|&one| one == next)? as i32;
    }
    (!high.is_empty()).then_some((sign * power, rest))
}

/// The numbers of a constant of the program that no behaviour shows.
#[track_caller]
pub fn constant(file: &str, name: &str) -> Vec<f64> {
    let source = read(file);
    let begin = format!("const {name}: ");
    let (_, rest) = (source.split_once(&begin)).unwrap_or_else(|| panic!("{file}: {name}"));
    let (_, rest) = rest.split_once(" = ").unwrap();
    let value = rest.split_once(';').unwrap().0.replace('_', "");
    if let Some((value, shift)) = value.split_once(" << ") {
        let [value, shift] = [value, shift].map(|text| text.parse::<u64>().unwrap());
        return vec![(value << shift) as f64];
    }
    (value.split(|next: char| !(next.is_ascii_alphanumeric() || ".-".contains(next))))
        .filter_map(|text| text.parse().ok())
        .collect()
}

#[test]
fn numbers_are_read_as_they_are_written() {
    for (text, value, digit, rest) in [
        ("16 points", 16.0, 1.0, " points"),
        ("0.05, 0.1", 0.05, 0.01, ", 0.1"),
        ("1e-8 of", 1e-8, 1e-8, " of"),
        ("8.5e-20.", 8.5e-20, 1e-21, "."),
        ("20 000 draws", 20_000.0, 1.0, " draws"),
        ("524 288 |", 524_288.0, 1.0, " |"),
        ("10⁷ draws", 1e7, 1.0, " draws"),
        ("2⁵³ ≈", 9_007_199_254_740_992.0, 1.0, " ≈"),
        ("−8.6 to", -8.6, 0.1, " to"),
        ("4 million)", 4e6, 1e6, ")"),
        ("Three bumps", 3.0, 0.0, " bumps"),
        ("¾p + ¼q", 0.75, 0.0, "p + ¼q"),
    ] {
        let (number, after) = number(text).unwrap();
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-14 * b.abs();
        assert!(
            near(number.value, value) && near(number.digit, digit),
            "{text}: {number:?}"
        );
        assert_eq!(after, rest);
    }
    assert!(number("onto").is_none() && number("x").is_none());
}

#[test]
fn another_number_is_seen() {
    let page = Page {
        name: "a page",
        text: even("It ends at\nstep 48, 6e-10 nats above; 0.25 at first, 120 of 300."),
    };
    page.says("ends at step {}, {} nats above", &[48.0, 6e-10]);
    page.rounds("above; {} at first", &[0.2549]);
    let fails =
        |check: &(dyn Fn() + std::panic::RefUnwindSafe)| std::panic::catch_unwind(check).is_err();
    assert!(fails(
        &|| page.says("ends at step {}, {} nats above", &[49.0, 6e-10])
    ));
    assert!(fails(
        &|| page.says("ends at step {}, {} nats above", &[48.0, 7e-10])
    ));
    assert!(fails(&|| page.rounds("above; {} at first", &[0.257])));
    assert!(fails(&|| page.resembles("step 48, {} nats", &[7e-9])));
    // A sentence that is not there, and one that begins in the middle of a number.
    assert!(fails(&|| page.says("ends with step {}", &[48.0])));
    assert!(fails(&|| page.says("at first, 12{}", &[0.0])));
}
