//! A link of the page, given to another klfit: the state that stands after its `#`.

use data_encoding::BASE64URL_NOPAD;

use super::assets;
use super::state::State;
use crate::error::{Error, Result};

/// As many characters as an address has at most in browsers, and far more than a state takes.
const LONGEST: usize = 64 << 10;
/// How the page's lessons are called in links.
const LESSON: &str = "lesson-";
/// What every state begins with, `{"`, as links write it.
const BEGINNING: &str = "eyJ";

/// What a link brings back.
#[derive(Debug)]
pub(super) enum Linked {
    State(Box<State>),
    /// One of the page's lessons, by its name.
    Lesson(String),
}

/// What stands after the `#` of an address, or the text itself where it looks like that; nothing for the names of files
/// and of fits in folders, `outputs/two#js`.
pub(super) fn part(text: &str) -> Option<&str> {
    match text.split_once('#') {
        Some((address, part)) => (address.is_empty() || address.contains("://")).then_some(part),
        None => (text.starts_with(BEGINNING) || is_lesson(text)).then_some(text),
    }
}

/// What a link brings back, by the part after its `#`.
///
/// # Errors
/// If that is no state that this version knows.
pub(super) fn read(part: &str) -> Result<Linked> {
    if is_lesson(part) {
        return Ok(Linked::Lesson(part.to_owned()));
    }
    let refused = |what: String| {
        Error::usage(
            what,
            "give the whole address that Copy link of the page gave, in quotes: from http to the last character",
        )
    };
    if part.is_empty() {
        return Err(refused("nothing follows the # of the link".to_owned()));
    }
    if part.len() > LONGEST {
        return Err(refused(format!("{} characters are no link", part.len())));
    }
    let bytes = BASE64URL_NOPAD
        .decode(part.trim_end_matches('=').as_bytes())
        .map_err(|error| refused(format!("the link is not whole: {error}")))?;
    let value: serde_json::Value = serde_json::from_slice(&bytes)
        .map_err(|error| refused(format!("the link is not whole: {error}")))?;
    // The version comes first: of another one, whatever else is there may be called anything.
    State::check_version(value.get("version").and_then(serde_json::Value::as_u64))?;
    let state: State = serde_json::from_value(value)
        .map_err(|error| refused(format!("the link holds no state: {error}")))?;
    state.check()?;
    Ok(Linked::State(Box::new(state)))
}

/// Whether the page has a lesson that is called so.
fn is_lesson(text: &str) -> bool {
    let quoted = format!("\"{text}\"");
    text.starts_with(LESSON)
        && assets::text("model/lessons.js").is_some_and(|t| t.contains(&quoted))
}
