//! An error as the user sees it: once, with the line it is about and what to do.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use crate::Error;
use crate::error::Location;
use crate::text::{brief, excerpt, shown};

/// The most bytes of a value that are pointed at, and that follow it on its line.
const MARKED: usize = 200;
/// A line is not shown for what stands in it after more bytes than this.
const FAR: usize = 1000;

/// Prints an error to standard error.
pub fn report_error(error: &Error) {
    anstream::eprintln!("{}", rendered(error, &Renderer::styled()));
}

fn rendered(error: &Error, renderer: &Renderer) -> String {
    let help = error.help();
    let help = help.as_ref().map(|help| Level::HELP.message(help));
    let (message, place) = match error {
        Error::Config(config) => match Place::of(&config.location) {
            Some(place) => (brief(&config.message).into_owned(), Some(place)),
            None => (error.to_string(), None),
        },
        other => (other.to_string(), None),
    };
    let title = Level::ERROR.primary_title(&message);
    let group = match &place {
        Some(place) => title.element(place.snippet()).elements(help),
        None => annotate_snippets::Group::with_title(title).elements(help),
    };
    renderer.render(&[group])
}

/// The line of a config that an error is about.
struct Place {
    path: String,
    number: usize,
    line: String,
    marked: Range<usize>,
}

impl Place {
    fn of(location: &Location) -> Option<Self> {
        let (text, number) = (&location.text, location.line()?);
        let span = location.span.clone().filter(|_| location.from.is_none())?;
        let from = text.get(..span.start)?.rfind('\n').map_or(0, |end| end + 1);
        let rest = text.get(span.start..)?.split('\n').next()?;
        let rest = rest.strip_suffix('\r').unwrap_or(rest);
        if span.start - from > FAR {
            return None;
        }
        let before = excerpt(&text[from..span.start]);
        // A long list is pointed at, not repeated.
        let marked = excerpt(&rest[..rest.floor_char_boundary(span.len().min(MARKED))]);
        Some(Self {
            path: shown(&location.path.display().to_string()).into_owned(),
            number,
            marked: before.len()..before.len() + marked.len(),
            line: before
                + &excerpt(&rest[..rest.floor_char_boundary(span.len().min(MARKED) + MARKED)]),
        })
    }

    fn snippet(&self) -> Snippet<'_, annotate_snippets::Annotation<'_>> {
        let mark = AnnotationKind::Primary.span(self.marked.clone());
        (Snippet::source(&self.line)
            .line_start(self.number)
            .path(&self.path))
        .annotation(mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ConfigError;
    use crate::text::is_unseen;

    /// What is printed of an error about the `b` of a line.
    fn report(name: &str, from: Option<&str>) -> String {
        let text = format!("a = 1\n{name}b{name}\nc");
        let error = Error::Config(ConfigError {
            message: format!("`{name}` is wrong"),
            help: Some(format!("drop {name}")),
            location: Box::new(Location {
                path: name.into(),
                span: Some(6 + name.len()..7 + name.len()),
                from: from.map(|from| format!("{from} {name}")),
                text,
            }),
        });
        rendered(&error, &Renderer::plain())
    }

    #[test]
    fn every_character_is_printed_safely_and_its_place_kept() {
        let all: Vec<char> = ('\0'..=char::MAX).filter(|c| *c != '\n').collect();
        for batch in all.chunks(50) {
            let name: String = batch.iter().collect();
            for from in [None, Some("--set")] {
                let report = report(&name, from);
                assert!(!report.replace('\n', "").contains(is_unseen), "{report:?}");
            }
        }
        let report = report("\u{1b}\t\u{202e}\u{9b}é", None);
        let marked = "\
error: `\\u{1b}\\t\\u{202e}\\u{9b}é` is wrong
 --> \\u{1b}\\t\\u{202e}\\u{9b}é:2:6
  |
2 | ␛    \u{fffd}\u{fffd}éb␛    \u{fffd}\u{fffd}é
  |         ^
  |
  = help: drop \\u{1b}\\t\\u{202e}\\u{9b}é";
        assert_eq!(report, marked);
    }

    #[test]
    fn a_long_name_is_not_repeated() {
        for letter in ["x", "é", "\u{1b}"] {
            let report = report(&letter.repeat(1 << 20), None);
            assert!(report.len() < 6000, "{}", report.len());
        }
    }
}
