//! Figures: axes, panels and files that can be.

use super::super::figures::{FigureName, FiguresConfig, ScaleName};
use super::super::key::KeyPath;
use super::super::source::Source;
use crate::error::ConfigError;

/// The least width of a figure, in mm where letters have so many points.
const LEAST: f64 = 40.0;
const POINTS: f64 = 8.0;
/// The width where none is given, in mm.
const PAGE: f64 = 170.0;

/// Refuses what no figure can show.
pub fn figures(source: &Source, figures: &FiguresConfig) -> Result<(), ConfigError> {
    let section = KeyPath::dotted("figures");
    if figures.only.as_ref().is_some_and(Vec::is_empty) {
        let help = "name some, or leave it out to draw all";
        return Err(source.error(&section.name("only"), "is empty", help));
    }
    for (figure, table) in figures.tables() {
        let whole = figure.map_or_else(|| table.clone(), |figure| figures.of(figure));
        let points = whole.font_size.map_or(POINTS, |size| size.get());
        let (width, least) = (
            whole.width.map_or(PAGE, |width| width.mm()),
            LEAST * points / POINTS,
        );
        let at = figure.map_or_else(|| section.clone(), |of: FigureName| section.name(of.name()));
        let is_said = table.width.is_some() || table.font_size.is_some();
        if is_said && width < least {
            let (key, help) = match table.width {
                Some(_) => (
                    "width",
                    format!("give {least:.0} mm or more, or smaller letters"),
                ),
                None => {
                    let most = POINTS * width / LEAST;
                    (
                        "font_size",
                        format!("give {most:.0} points or less, or a greater width"),
                    )
                }
            };
            let message = format!(
                "leaves no room in a figure {width} mm wide with letters of {points} points"
            );
            return Err(source.error(&at.name(key), message, help));
        }
        if figure.is_none() {
            let of_one = [
                ("panels", table.panels.is_some()),
                ("x", !table.x.is_default()),
                ("y", !table.y.is_default()),
            ];
            if let Some((key, _)) = of_one.into_iter().find(|(_, is_said)| *is_said) {
                let help = format!("say which, as in figures.convergence.{key}");
                return Err(source.error(&at.name(key), "is of one figure", help));
            }
        }
        for (name, axis) in [("x", table.x), ("y", table.y)] {
            let Some([low, high]) = axis.limits else {
                continue;
            };
            let at = at.name(name).name("limits");
            if !(low < high && low.is_finite() && high.is_finite()) {
                return Err(source.error(
                    &at,
                    format!("is [{low}, {high}]"),
                    "give the lower end first",
                ));
            }
            if axis.scale == Some(ScaleName::Log) && low <= 0.0 {
                let help = "a log scale has positive numbers alone";
                return Err(source.error(&at, format!("begins at {low}"), help));
            }
        }
        if table.format.as_ref().is_some_and(Vec::is_empty) {
            let help = "name some of svg, png, pdf, eps and tikz";
            return Err(source.error(&at.name("format"), "is empty", help));
        }
        if table.panels.as_ref().is_some_and(Vec::is_empty) {
            let help = "name some, or leave it out to draw all";
            return Err(source.error(&at.name("panels"), "is empty", help));
        }
        if table.columns == Some(0) {
            return Err(source.error(&at.name("columns"), "is 0", "give 1 or more"));
        }
    }
    Ok(())
}
