//! An error as the user sees it: once, with the line it is about and what to do.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use crate::Error;

/// Prints an error to standard error.
pub fn report_error(error: &Error) {
    let renderer = Renderer::styled();
    let help = error.help();
    let text = match error {
        Error::Config(config)
            if config.location.span.is_some() && config.location.from.is_none() =>
        {
            let location = &config.location;
            let span = location.span.clone().unwrap_or_default();
            let path = location.path.display().to_string();
            let snippet = Snippet::source(location.text.as_str())
                .path(path)
                .annotation(AnnotationKind::Primary.span(first_line(&location.text, span)));
            let mut group = (Level::ERROR.primary_title(config.message.as_str())).element(snippet);
            if let Some(help) = &help {
                group = group.element(Level::HELP.message(help.as_str()));
            }
            renderer.render(&[group])
        }
        _ => {
            let message = error.to_string();
            let title = Level::ERROR.primary_title(message.as_str());
            match &help {
                Some(help) => renderer.render(&[title.element(Level::HELP.message(help.as_str()))]),
                None => renderer.render(&[annotate_snippets::Group::with_title(title)]),
            }
        }
    };
    anstream::eprintln!("{text}");
}

/// The part of a span on its first line: a long list is pointed at, not repeated.
fn first_line(text: &str, span: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let rest = text.get(span.clone()).unwrap_or_default();
    let length = rest.find('\n').unwrap_or(rest.len());
    span.start..span.start + length
}
