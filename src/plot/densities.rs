//! Target and fits: a panel for each fit, side by side, with the path that led there.

use super::export::Drawing;
use super::figure::Figure;
use super::fits::{ALL_FAILED, LINES, PLANES, ends, shown};
use super::layout::Layout;
use super::legend::{self, Entry, LegendKey};
use super::margins::{ROOMY, equal_aspect};
use super::panel::Panel;
use super::plane_2d::View;
use super::style::{MOST_FITS, Style};
use super::theme::{self, Stroke, stroke};
use super::{line_1d, pairs, plane_2d};
use crate::config::FigureName;
use crate::error::Result;
use crate::run_folder::{FinishedFit, FinishedRun};

/// Snapshots of the path in 1-D; as many as a fit logged every tenth of its way has.
pub const SNAPSHOTS: usize = 10;

/// The figure.
pub const FIGURE: Figure<FinishedRun> = Figure {
    name: FigureName::Densities,
    caption: |_, _| Ok("The target p and every fit q, with the way that led there.".to_owned()),
    draw,
};

/// Draws the figure.
fn draw(finished: &FinishedRun, style: &Style) -> Result<Drawing> {
    match finished.dim() {
        1 | 2 => panels(finished, style),
        _ if finished.fits.len() > MOST_FITS => pairs::multiples(FIGURE.name, finished, style),
        _ => pairs::draw(FIGURE.name, finished, style, "1σ and 2σ", pairs::draw_pair),
    }
}

fn panels(finished: &FinishedRun, style: &Style) -> Result<Drawing> {
    let in_plane = finished.dim() == 2;
    let shown = shown(finished, style, FIGURE.name)?;
    let entries = entries(finished, style);
    let kind = if in_plane { PLANES } else { LINES };
    let layout = Layout::of_panels(style, &entries, shown.len(), kind)?;
    // One scale for all panels, made once: it takes a look at every fit.
    let names = finished.coordinates();
    let (x, y) = match in_plane {
        true => {
            let ends = ends(finished);
            plane_2d::axes(&finished.target, ends.iter(), (&names[0], &names[1]))
        }
        false => line_1d::axes(style, finished, SNAPSHOTS),
    };
    let view = View::default();
    layout.draw(&entries, |sheet| {
        for (place, &i) in shown.iter().enumerate() {
            let (cell, fit) = (layout.cell(place), &finished.fits[i]);
            let (title, x, y) = (fit.title(), x.clone(), y.clone());
            if in_plane {
                let (x, y) = equal_aspect(ROOMY.frame(style, cell), x, y);
                let panel = Panel::new(sheet, cell, &title, x, y)?;
                plane(&panel, finished, &view, fit, i)?;
            } else {
                let panel = Panel::new(sheet, cell, &title, x, y)?;
                line(&panel, finished, style, fit, i)?;
            }
        }
        Ok(())
    })
}

fn line(
    panel: &Panel,
    finished: &FinishedRun,
    style: &Style,
    fit: &FinishedFit,
    i: usize,
) -> Result<()> {
    line_1d::draw_target(panel, &finished.target)?;
    if let Some(target) = finished.target.as_mixture() {
        let line = stroke(theme::TARGET, 1.0, theme::HAIRLINE);
        line_1d::draw_components(panel, target, line)?;
    }
    let path = fit.snapshots(SNAPSHOTS);
    for (age, q) in path.iter().enumerate() {
        let opacity = 0.15 + 0.45 * (age + 1) as f64 / path.len() as f64;
        let thin = stroke(style.fit_color(i), opacity, theme::THIN);
        panel.line(line_1d::curve(q, panel.ranges().0), thin)?;
    }
    match fit.end() {
        Some(q) => line_1d::draw_fit(panel, &q, stroke(style.fit_color(i), 1.0, theme::THICK)),
        None => panel.corner([ALL_FAILED.to_owned()]),
    }
}

fn plane(
    panel: &Panel,
    finished: &FinishedRun,
    view: &View,
    fit: &FinishedFit,
    i: usize,
) -> Result<()> {
    view.draw(panel, &finished.target)?;
    let style = panel.sheet.style;
    // Components that come and go have no way from the start to the end.
    let path = match fit.plan.adapt {
        Some(_) => Vec::new(),
        None => fit.best_run().map_or_else(Vec::new, |run| fit.path(run)),
    };
    plane_2d::draw_path(panel, &path, stroke(style.fit_color(i), 0.8, theme::THIN))?;
    match fit.end() {
        Some(q) => plane_2d::draw_fit(panel, &q, stroke(style.fit_color(i), 1.0, theme::THICK)),
        None => panel.corner([ALL_FAILED.to_owned()]),
    }
}

fn entries(finished: &FinishedRun, style: &Style) -> Vec<Entry> {
    let fit = stroke(theme::INK, 1.0, theme::THICK);
    let thin = Stroke {
        width: theme::THIN,
        ..fit
    };
    let mut entries = vec![legend::target(&finished.target)];
    if finished.dim() == 2 {
        entries.extend(plane_2d::entries(fit));
        entries.push((LegendKey::Path(thin), "path of a mean".to_owned()));
        return entries;
    }
    entries.push((LegendKey::Line(fit), "fit q".to_owned()));
    entries.extend(line_1d::components_entry(style, finished, SNAPSHOTS));
    entries.push((LegendKey::Fading(thin), "path of q".to_owned()));
    entries
}
