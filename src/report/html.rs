//! The report as one HTML file that needs nothing else: figures inside, no script.

use std::fmt::Write;

use data_encoding::BASE64;

use super::{Report, Run, Table};
use crate::plot::Picture;

const STYLE: &str = include_str!("report.css");

/// The whole report.
pub fn page(report: &Report) -> String {
    let mut body = format!("<header>\n<h1>{}</h1>\n", escaped(&report.title));
    // Writing to a string does not fail.
    if let [run] = &report.runs[..] {
        _ = writeln!(body, "<p class=\"lead\">{}</p>", escaped(&run.lead()));
    }
    body += "</header>\n";
    if let [run] = &report.runs[..] {
        body += &section("What was asked", &asked(run));
    }
    let note = "<p class=\"note\">Divergences are in nats, of the best run of each fit.</p>\n";
    let comparison = table(&report.comparison());
    body += &section("What came out", &format!("{comparison}{note}"));
    if let Some(sweep) = &report.sweep {
        body += &section("The sweep", &figure(sweep, ""));
    }
    match &report.runs[..] {
        [run] => {
            body += &section("What it means", &meaning(run));
            let pictures = run.pictures.iter().map(|picture| figure(picture, ""));
            let pictures = pictures.collect::<String>() + &animation(run);
            body += &section("Figures", &pictures);
            body += &section("Again", &again(run));
        }
        runs => body += &several(runs),
    }
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n\
         <title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n\
         </body>\n</html>\n",
        escaped(&report.title)
    )
}

/// Each part of the report with the runs beside each other.
fn several(runs: &[Run]) -> String {
    let beside = |of: &dyn Fn(&Run) -> String| {
        let cells = runs.iter().map(|run| {
            let name = escaped(&run.name);
            format!("<div>\n<h3>{name}</h3>\n{}</div>\n", of(run))
        });
        format!(
            "<div class=\"beside\">\n{}</div>\n",
            cells.collect::<String>()
        )
    };
    let lead = |run: &Run| format!("<p>{}</p>\n{}", escaped(&run.lead()), asked(run));
    let mut text = section("What was asked", &beside(&lead));
    text += &section("What it means", &beside(&meaning));
    let mut names: Vec<&str> = Vec::new();
    for picture in runs.iter().flat_map(|run| &run.pictures) {
        if !names.contains(&picture.name) {
            names.push(picture.name);
        }
    }
    let mut figures = String::new();
    for name in names {
        figures += &beside(&|run| {
            let mut pictures = run.pictures.iter();
            let found = pictures.find(|picture| picture.name == name);
            found.map_or_else(String::new, |picture| figure(picture, &run.name))
        });
    }
    if runs.iter().any(|run| run.animation.is_some()) {
        figures += &beside(&animation);
    }
    text += &section("Figures", &figures);
    text + &section("Again", &beside(&again))
}

fn section(title: &str, content: &str) -> String {
    format!("<section>\n<h2>{title}</h2>\n{content}</section>\n")
}

fn asked(run: &Run) -> String {
    let mut text = String::from("<dl>\n");
    for setting in &run.asked {
        _ = writeln!(text, "<dt>{}</dt>", escaped(setting.name));
        for (fit, value) in &setting.values {
            let fit = (fit.as_ref()).map_or_else(String::new, |fit| {
                format!("<span class=\"fit\">{}</span> ", escaped(fit))
            });
            _ = writeln!(text, "<dd>{fit}{}</dd>", escaped(value));
        }
    }
    text + "</dl>\n"
}

fn meaning(run: &Run) -> String {
    let mut text = String::new();
    for (fit, remarks) in run.remarks() {
        _ = writeln!(text, "<h4>{}</h4>\n<ul>", escaped(&fit.title()));
        for remark in remarks {
            _ = writeln!(text, "<li>{}</li>", escaped(&remark));
        }
        text += "</ul>\n";
    }
    for (fit, optima) in run.optima() {
        let title = escaped(&fit.title());
        _ = writeln!(text, "<h4>Optima of {title}</h4>\n{}", table(&optima));
    }
    text
}

fn again(run: &Run) -> String {
    format!(
        "<p>{}. To run it again, save the config below or use the one in the folder:</p>\n\
         <pre><code>{}</code></pre>\n<details>\n<summary>config.toml</summary>\n\
         <pre><code>{}</code></pre>\n</details>\n",
        escaped(&run.versions()),
        escaped(&run.command()),
        escaped(&run.config)
    )
}

fn figure(picture: &Picture, of: &str) -> String {
    let data = BASE64.encode(picture.drawing.0.as_bytes());
    let alt = match of {
        "" => picture.caption.to_owned(),
        run => format!("{run}: {}", picture.caption),
    };
    image("svg+xml", &data, &alt, picture.caption)
}

fn animation(run: &Run) -> String {
    let Some(gif) = &run.animation else {
        return String::new();
    };
    image(
        "gif",
        &BASE64.encode(&gif.drawing.0),
        gif.caption,
        gif.caption,
    )
}

fn image(kind: &str, data: &str, alt: &str, caption: &str) -> String {
    format!(
        "<figure>\n<img src=\"data:image/{kind};base64,{data}\" alt=\"{}\">\n\
         <figcaption>{}</figcaption>\n</figure>\n",
        escaped(alt),
        escaped(caption)
    )
}

fn table(table: &Table) -> String {
    let class = |column: usize| match table.right.contains(&column) {
        true => " class=\"right\"",
        false => "",
    };
    let cells = |kind: &str, cells: &[String]| {
        let cells = cells.iter().enumerate().map(|(column, cell)| {
            let text = escaped(cell).replace('\n', "<br>");
            format!("<{kind}{}>{text}</{kind}>", class(column))
        });
        format!("<tr>{}</tr>\n", cells.collect::<String>())
    };
    let rows = table.rows.iter().map(|row| cells("td", row));
    format!(
        "<div class=\"wide\">\n<table>\n<thead>\n{}</thead>\n<tbody>\n{}</tbody>\n</table>\n</div>\n",
        cells("th", &table.header),
        rows.collect::<String>()
    )
}

/// Text that HTML takes as it is, also in an attribute.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
