//! The files of the page, inside the program.

use std::path::Path;

use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;

use super::Routes;

/// Names files below `page`, and takes in their texts.
macro_rules! files {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("page/", $name)))),*]
    };
}

/// Name and text of each file.
const FILES: &[(&str, &str)] = files! {
    "app.js"
    "index.html"
    "parts.js"
    "style.css"
    "draw/axes.js"
    "draw/canvas.js"
    "draw/contours.js"
    "draw/palette.js"
    "draw/scales.js"
    "model/check.js"
    "model/ellipse.js"
    "model/glossary.js"
    "model/lessons.js"
    "model/link.js"
    "model/mixture.js"
    "model/numbers.js"
    "model/parameters.js"
    "model/presets.js"
    "model/state.js"
    "model/words.js"
    "panel/fits-panel.js"
    "panel/gaussian-rows.js"
    "panel/landscape-controls.js"
    "panel/mixture-panel.js"
    "panel/number-field.js"
    "panel/number-row.js"
    "panel/range-fields.js"
    "panel/settings.js"
    "saved/figure.js"
    "saved/main.js"
    "saved/moments.js"
    "saved/playback.js"
    "saved/recording.js"
    "saved/saved.html"
    "session/alpha.js"
    "session/connection.js"
    "session/draws.js"
    "session/replay.js"
    "session/scene.js"
    "session/session.js"
    "session/store.js"
    "session/told.js"
    "session/training.js"
    "session/views.js"
    "teach/glossary.js"
    "teach/lessons.js"
    "teach/presets.js"
    "view/alpha.js"
    "view/convergence.js"
    "view/densities.js"
    "view/draws.js"
    "view/elements.js"
    "view/handles.js"
    "view/keys.js"
    "view/landscape-map.js"
    "view/landscape-marks.js"
    "view/landscape-picture.js"
    "view/landscapes.js"
    "view/legend.js"
    "view/line-handles.js"
    "view/line.js"
    "view/memo.js"
    "view/plane-handles.js"
    "view/plane.js"
    "view/probe.js"
    "view/scrubber.js"
    "view/theme.js"
    "view/transport.js"
    "view/values.js"
};

/// What a browser is told that a file is.
fn kind(name: &str) -> &'static str {
    match Path::new(name).extension().and_then(|end| end.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        _ => "text/javascript; charset=utf-8",
    }
}

/// The text of a file of the page.
pub(super) fn text(name: &str) -> Option<&'static str> {
    let found = FILES.iter().find(|(file, _)| *file == name);
    found.map(|(_, text)| *text)
}

/// The names of all files of the page.
#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|&(name, _)| name)
}

/// A route for each file; the page itself is where no file is named.
pub(super) fn routes() -> Routes {
    FILES.iter().fold(Routes::new(), |routes, &(name, text)| {
        let path = match name {
            "index.html" => "/".to_owned(),
            name => format!("/{name}"),
        };
        let headers = [(header::CONTENT_TYPE, kind(name))];
        routes.route(
            &path,
            get(move || async move { (headers, text).into_response() }),
        )
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// The names of all files in a folder and below.
    fn files(folder: &Path, prefix: &str, names: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{prefix}{}", entry.file_name().into_string().unwrap());
            match entry.file_type().unwrap().is_dir() {
                true => files(&entry.path(), &format!("{name}/"), names),
                // Types are of use to whoever works on the page, and to no browser.
                false if name.ends_with(".d.ts") => {}
                false => names.push(name),
            }
        }
    }

    #[test]
    fn every_file_of_the_page_is_served() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/explore/page");
        let mut there = Vec::new();
        files(&folder, "", &mut there);
        there.sort();
        let mut served: Vec<&str> = FILES.iter().map(|&(name, _)| name).collect();
        served.sort_unstable();
        assert_eq!(served, there);
    }
}
