//! The numbers of `docs/figures.md`; `docs` has the list of widths.

use super::page::{Page, constant};

#[test]
fn what_is_drawn_where_nothing_is_said() {
    let (page, config) = (Page::open("docs/figures.md"), Page::open("docs/config.md"));
    let [points, width, dpi] =
        ["POINTS", "PAGE", "DPI"].map(|name| constant("src/plot/style.rs", name)[0]);
    page.says("The letters have {} points whatever the width", &[points]);
    config.says("| `width`, `height` | `\"page\"`, {} mm;", &[width]);
    config.says("| `font`, `font_size` | `\"sans\"`, {} points |", &[points]);
    config.says(
        "| `format`, `dpi` | `[\"svg\", \"png\", \"pdf\"]`, {} |",
        &[dpi],
    );
    let sizes = Page::open("src/config/figures/size.rs");
    let range = |sentence: &str| sizes.values(sentence);
    page.says(
        "| in mm from {} to {}, or [by a name]",
        &range("Length: {} to {}, \" mm\""),
    );
    let least = constant("src/config/check/figures.rs", "LEAST")[0];
    page.says(
        "where letters have {} points, {} or more |",
        &[points, least],
    );
    let narrowest = constant("src/plot/layout.rs", "NARROWEST")[0];
    page.says(
        "side by side, {} mm or wider where letters have {} points",
        &[narrowest, points],
    );
    let font = range("FontSize: {} to {}, \" points\"");
    page.says(
        "in points of 1/72 inch, {} to {} | {} |",
        &[font[0], font[1], points],
    );
    let resolution = range("Dpi: {} to {}, \" dots per inch\"");
    page.says(
        "the resolution of PNGs, in dots per inch, {} to {} | {} |",
        &[resolution[0], resolution[1], dpi],
    );
}

#[test]
fn what_decides_how_it_is_drawn() {
    let page = Page::open("docs/figures.md");
    let dashes = Page::open("src/plot/style.rs").values("const DASHES: [&[f64]; {}] = [")[0];
    page.says("Up to {} fits are told apart in one panel", &[2.0 * dashes]);
    page.says(
        "Fits of which one took {} times the steps of another",
        &constant("src/plot/axis.rs", "MANY_TIMES"),
    );
    Page::open("docs/sweeps.md").says(
        "or spans a factor of {}), a line",
        &constant("src/plot/swept.rs", "LOG_FROM"),
    );
    Page::open("docs/sweeps.md").says("of more than {} combinations", &[2.0 * dashes]);
    let stds = constant("src/plot/regions.rs", "STDS");
    let mass = |std: &f64| (1e3 * (1.0 - (-0.5 * std * std).exp())).round() / 10.0;
    let masses: Vec<f64> = stds.iter().rev().map(mass).collect();
    page.says(
        "region with {} % of p, the next ones have {}, {}, {}, {} and {} %",
        &masses,
    );
    let within: Vec<f64> = stds.iter().rev().copied().collect();
    page.says(
        "a Gaussian has within {}, {}, {}, {}, {} and {} standard deviations",
        &within,
    );
    page.says(
        "log p at {} draws of p",
        &constant("src/plot/regions.rs", "DRAWS"),
    );
    // Three numbers make a colour.
    let colors = |name: &str| constant("src/plot/style.rs", name).len() as f64 / 3.0;
    page.says(
        "| `okabe-ito` | {} | Okabe and Ito 2008 | | `tol-bright` | {} | Tol 2021 | | `tol-muted` | {} | Tol 2021 | \
         | `tol-high-contrast` | {} | Tol 2021, told apart in grey too | | `grey` | {} |",
        &[
            colors("OKABE_ITO"),
            colors("TOL_BRIGHT"),
            colors("TOL_MUTED"),
            colors("TOL_HIGH_CONTRAST"),
            colors("GREY"),
        ],
    );
}
