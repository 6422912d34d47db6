//! What is wrong with a formula whose words are all read.

use std::ops::Range;

use super::super::FormulaError;
use super::super::program::{Operand, Program};
use super::{MOST_ROWS, Names, functions};
use crate::text;

pub(super) fn is_not_too_large(program: &Program, span: &Range<usize>) -> Result<(), FormulaError> {
    if program.rows.max(program.constants.len()) <= MOST_ROWS {
        return Ok(());
    }
    let message = format!("there are more than {MOST_ROWS} numbers to each point");
    let help = "sum over fewer rows of data, or give the density by a program";
    Err(FormulaError::new(span.clone(), message, help))
}

/// The length of lists that are as long as each other, or numbers.
pub(super) fn same_length(all: &[Operand], span: &Range<usize>) -> Result<usize, FormulaError> {
    let longest = all.iter().map(|one| one.len()).max().unwrap_or(0);
    let other = all
        .iter()
        .map(|one| one.len())
        .find(|len| ![1, longest].contains(len));
    match other {
        None => Ok(longest),
        Some(other) => Err(FormulaError::new(
            span.clone(),
            format!("a list of {other} numbers meets one of {longest}"),
            "lists must be as long as each other; list[1] is the first entry, and sum(list) one number",
        )),
    }
}

pub(super) fn arity(
    name: &str,
    parameters: &[&str],
    given: usize,
    span: &Range<usize>,
) -> FormulaError {
    let message = format!(
        "{name} takes {}, and {} given",
        text::count(parameters.len(), "argument"),
        match given {
            0 => "none is".to_owned(),
            1 => "1 is".to_owned(),
            _ => format!("{given} are"),
        }
    );
    let help = format!("write {name}({})", parameters.join(", "));
    FormulaError::new(span.clone(), message, help)
}

pub(super) fn unknown_name(name: &str, names: &Names, span: &Range<usize>) -> FormulaError {
    let help = if functions().contains(&name) {
        format!("{name} is a function: write {name}( ) with what it is of")
    } else if let Some(other) = text::nearest(name, names.keys().map(String::as_str)) {
        format!("did you mean {other}?")
    } else {
        let known: Vec<&str> = names.keys().map(String::as_str).take(20).collect();
        format!(
            "give it a value in `constants`, or name it among the variables; known are {}",
            known.join(", ")
        )
    };
    FormulaError::new(span.clone(), format!("{name} is not known"), help)
}

pub(super) fn unknown_function(name: &str, names: &Names, span: &Range<usize>) -> FormulaError {
    let help = match text::nearest(name, functions().into_iter()) {
        _ if names.contains_key(name) => format!("{name} is a number: write a product with *"),
        Some(other) => format!("did you mean {other}?"),
        None => format!("the functions are {}", functions().join(", ")),
    };
    FormulaError::new(span.clone(), format!("there is no function {name}"), help)
}
