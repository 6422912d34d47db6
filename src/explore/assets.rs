//! The files of the page, inside the program.

use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;

use super::Routes;

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Path, type and text of each file.
const FILES: &[(&str, &str, &str)] = &[
    (
        "/",
        "text/html; charset=utf-8",
        include_str!("page/index.html"),
    ),
    (
        "/style.css",
        "text/css; charset=utf-8",
        include_str!("page/style.css"),
    ),
    ("/app.js", SCRIPT, include_str!("page/app.js")),
    ("/contours.js", SCRIPT, include_str!("page/contours.js")),
    (
        "/convergence.js",
        SCRIPT,
        include_str!("page/convergence.js"),
    ),
    ("/densities.js", SCRIPT, include_str!("page/densities.js")),
    ("/draw.js", SCRIPT, include_str!("page/draw.js")),
    ("/elements.js", SCRIPT, include_str!("page/elements.js")),
    ("/fits.js", SCRIPT, include_str!("page/fits.js")),
    ("/handles.js", SCRIPT, include_str!("page/handles.js")),
    ("/landscape.js", SCRIPT, include_str!("page/landscape.js")),
    ("/model.js", SCRIPT, include_str!("page/model.js")),
    ("/panel.js", SCRIPT, include_str!("page/panel.js")),
    ("/socket.js", SCRIPT, include_str!("page/socket.js")),
];

/// A route for each file.
pub(super) fn routes() -> Routes {
    FILES
        .iter()
        .fold(Routes::new(), |routes, &(path, kind, text)| {
            let answer =
                move || async move { ([(header::CONTENT_TYPE, kind)], text).into_response() };
            routes.route(path, get(answer))
        })
}
