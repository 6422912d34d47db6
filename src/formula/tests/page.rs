//! The page about formulas.

use super::*;

fn page() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/formulas.md");
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn every_function_has_its_line() {
    let page = page();
    for name in lower::functions() {
        let lines = page
            .lines()
            .filter(|line| line.starts_with(&format!("| `{name}(")));
        assert_eq!(lines.count(), 1, "{name}");
    }
    for defined in library::LIBRARY {
        let call = format!("| `{}({})` |", defined.name, defined.parameters.join(", "));
        assert!(page.contains(&call), "{call}");
    }
}

/// The blocks of a kind.
fn blocks(page: &str, kind: &str) -> Vec<String> {
    let begin = format!("```{kind}\n");
    let rest = page.split(&begin).skip(1);
    rest.map(|rest| rest.split_once("\n```").unwrap().0.to_owned())
        .collect()
}

#[test]
fn its_examples_are_formulas() {
    let examples = blocks(&page(), "formula");
    assert_eq!(examples.len(), 2);
    for example in &examples {
        assert!(at(&formula(example, 2), &[0.3, 0.4]).0.is_finite());
    }
    let (value, gradient) = at(&formula(&examples[0], 2), &[3.0, 4.0]);
    assert_eq!((value, gradient), (-4.5, vec![-3.0, 0.0]));
}

#[test]
fn its_error_is_that() {
    let [example] = &blocks(&page(), "error")[..] else {
        panic!("one error");
    };
    let [text, place, help] = &example.lines().collect::<Vec<_>>()[..] else {
        panic!("three lines");
    };
    let error = with(text, 2, &[]).unwrap_err();
    let marks = " ".repeat(error.span.start) + &"^".repeat(error.span.len());
    assert_eq!(*place, format!("{marks} {}", error.message));
    assert_eq!(*help, error.help);
}

#[test]
fn its_limits_are_those() {
    let page = page();
    assert!(page.contains("at most 65 536 characters") && token::LONGEST == 65_536);
    assert!(page.contains("60 brackets and signs") && parse::MOST_OPEN == 60);
    assert!(page.contains("sums of 500\nterms") && parse::DEEPEST == 500);
    assert!(page.contains("16.8 million numbers") && lower::MOST_ROWS == 16_777_216);
}
