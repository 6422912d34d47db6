//! The report as one HTML file that needs nothing else: figures inside, no script.

use data_encoding::BASE64;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::first::First;
use super::swept::Swept;
use super::{Report, Run, Table};
use crate::plot::Picture;
use crate::text;

const STYLE: &str = include_str!("report.css");
/// What the page may load: nothing but what is in it.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

/// A line of a cell with more characters than this is no number with its error.
const LONG: usize = 26;

/// The whole report.
pub fn page(report: &Report) -> String {
    let comparison = html! {
        (table(&report.comparison()))
        p.note { (report.note()) }
    };
    let only = match &report.runs[..] {
        [run] => Some(run),
        _ => None,
    };
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { (report.title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    header {
                        h1 { (report.title) }
                        (first(&report.first()))
                    }
                    @if let Some(sweep) = &report.sweep {
                        (section("What each setting did", effects(report, sweep)))
                    }
                    (section("What came out", comparison))
                    @if let (Some(sweep), Some(run)) = (&report.sweep, only) {
                        h1.part { (sweep.heading(&report.summaries)) ": " (run.name) }
                    }
                    @if let Some(run) = only { (section("What was asked", asked(run))) }
                    @match only {
                        Some(run) => (one(report, run)),
                        None => (several(&report.runs)),
                    }
                }
            }
        }
    };
    finished(page)
}

/// A page as text. klfit itself writes nothing that is not seen: what is, is from others.
fn finished(page: Markup) -> String {
    text::lines(&page.into_string()).into_owned()
}

/// The parts about one run, after what came out.
fn one(report: &Report, run: &Run) -> Markup {
    let again = html! {
        @if let Some(sweep) = &report.sweep { p { (sweep.base()) "." } }
        (reproduction(run))
    };
    let figures = html! {
        @for picture in report.others(run) { (figure(picture, &picture.caption)) }
        (animation(run))
    };
    html! {
        (section("What it means", interpretation(run)))
        (section("Figures", figures))
        (section("Again", again))
    }
}

/// The first page: the question, the answer, a figure and three numbers.
fn first(first: &First) -> Markup {
    html! {
        div.first {
            p.lead { (first.question) }
            @for sentence in &first.answer { p.answer { (sentence) } }
            @if !first.numbers.is_empty() {
                dl.numbers {
                    @for (what, number) in &first.numbers {
                        div { dt { (what) } dd { (number) } }
                    }
                }
            }
            @if let Some(shown) = &first.figure {
                (image("svg+xml", shown.picture.svg.as_bytes(), &shown.caption, &shown.caption))
            }
        }
    }
}

/// A small table for each key of a sweep.
fn effects(report: &Report, sweep: &Swept) -> Markup {
    html! {
        div.beside {
            @for (what, effect) in sweep.effects(&report.summaries) {
                div { h3 { (what) } (table(&effect)) }
            }
        }
    }
}

fn asked(run: &Run) -> Markup {
    html! { p { (run.lead()) } (settings(run)) }
}

/// Each part of the report with the runs beside each other.
fn several(runs: &[Run]) -> Markup {
    let side_by_side = |of: &dyn Fn(&Run) -> Markup| {
        html! {
            div.beside {
                @for run in runs { div { h3 { (run.name) } (of(run)) } }
            }
        }
    };
    let lead = |run: &Run| html! { p { (run.lead()) } (settings(run)) };
    let mut names: Vec<&str> = Vec::new();
    for picture in runs.iter().flat_map(|run| &run.pictures) {
        if !names.contains(&picture.name) {
            names.push(picture.name);
        }
    }
    let named = |run: &Run, name: &str| {
        let found = run.pictures.iter().find(|picture| picture.name == name);
        let alt = |picture: &Picture| format!("{}: {}", run.name, picture.caption);
        html! { @if let Some(picture) = found { (figure(picture, &alt(picture))) } }
    };
    let figures = html! {
        @for name in names { (side_by_side(&|run| named(run, name))) }
        @if runs.iter().any(|run| run.animation.is_some()) { (side_by_side(&animation)) }
    };
    html! {
        (section("What was asked", side_by_side(&lead)))
        (section("What it means", side_by_side(&interpretation)))
        (section("Figures", figures))
        (section("Again", side_by_side(&reproduction)))
    }
}

fn section(title: &str, content: Markup) -> Markup {
    html! { section { h2 { (title) } (content) } }
}

fn settings(run: &Run) -> Markup {
    html! {
        dl {
            @for setting in &run.settings {
                dt { (setting.name) }
                @for (fit, value) in &setting.values {
                    dd {
                        @if let Some(fit) = fit { span.fit { (fit) } " " }
                        (value)
                    }
                }
            }
        }
    }
}

fn interpretation(run: &Run) -> Markup {
    html! {
        @for (fit, remarks) in run.remarks() {
            h4 { (fit.name()) }
            ul { @for remark in remarks { li { (remark) } } }
        }
        @for (what, candidates) in run.choices() {
            h4 { "Choice of " (what) }
            (table(&candidates))
        }
        @for (fit, optima) in run.optima() {
            h4 { (Run::heading_of_optima(fit)) }
            (table(&optima))
            @if let Some(more) = Run::optima_left_out(fit) { p.note { (more) } }
        }
    }
}

fn reproduction(run: &Run) -> Markup {
    html! {
        p {
            (run.versions())
            ". To run it again, save the config below or use the one in the folder:"
        }
        pre { code { (run.command()) } }
        details {
            summary { "config.toml" }
            pre { code { (run.config) } }
        }
    }
}

fn figure(picture: &Picture, alt: &str) -> Markup {
    image("svg+xml", picture.svg.as_bytes(), alt, &picture.caption)
}

fn animation(run: &Run) -> Markup {
    html! {
        @if let Some(gif) = &run.animation {
            (image("gif", &gif.gif, gif.caption, gif.caption))
        }
    }
}

fn image(kind: &str, bytes: &[u8], alt: &str, caption: &str) -> Markup {
    html! {
        figure {
            img src={ "data:image/" (kind) ";base64," (BASE64.encode(bytes)) } alt=(alt);
            figcaption { (caption) }
        }
    }
}

fn table(table: &Table) -> Markup {
    let class = |column| table.right.contains(&column).then_some("right");
    // Numbers stay whole; what is longer may go over several lines.
    let is_long = |cell: &str| cell.lines().any(|line| line.chars().count() > LONG);
    let class_of = |column, cell: &str| class(column).or(is_long(cell).then_some("long"));
    html! {
        div.wide {
            table {
                thead {
                    tr {
                        @for (column, cell) in table.header.iter().enumerate() {
                            th class=[class(column)] { (lines(cell)) }
                        }
                    }
                }
                tbody {
                    @for row in &table.rows {
                        tr {
                            @for (column, cell) in row.iter().enumerate() {
                                td class=[class_of(column, cell)] { (lines(cell)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Text with its line breaks.
fn lines(text: &str) -> Markup {
    html! {
        @for (place, line) in text.split('\n').enumerate() {
            @if place > 0 { br; }
            (line)
        }
    }
}

#[cfg(test)]
mod tests {
    use resvg::usvg::roxmltree::Document;

    use super::*;

    #[test]
    fn every_character_is_text() {
        let all: Vec<char> = ('\0'..=char::MAX).collect();
        for batch in all.chunks(4096) {
            let name: String = batch.iter().collect();
            let page = finished(html! { p title=(name) { (name) } });
            assert!(!page.replace('\n', "").contains(text::is_unseen));
            let read = Document::parse(&page).unwrap();
            let (p, shown) = (read.root_element(), text::lines(&name));
            assert_eq!(p.text(), Some(&*shown));
            assert_eq!(p.attribute("title").unwrap(), shown.replace('\n', " "));
        }
    }
}
