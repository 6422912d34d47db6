//! An error as the user sees it: once, with the line it is about and what to do.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use crate::Error;
use crate::error::Location;
use crate::text::{brief, excerpt, shown};

/// The most bytes of a value that are pointed at, and that follow it on its line.
const MARKED: usize = 200;

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
        // A long list is pointed at, not repeated.
        let before = excerpt(&text[from..span.start]);
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
