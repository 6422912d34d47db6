//! Target and fits: a panel for each fit, side by side, with the path that led there.

use super::export::Svg;
use super::figure::Figure;
use super::legend::{self, LegendKey};
use super::panel::{Panel, ROOMY, equal_aspect};
use super::sheet::{self, Rect};
use super::theme::{self, Stroke, fit_color, stroke};
use super::{line_1d, pairs, plane_2d};
use crate::error::Result;
use crate::mixture::Mixture;
use crate::run_folder::{FinishedFit, FinishedRun};

/// Panels in a row.
const COLUMNS: usize = 3;
/// Snapshots of the path in 1-D; as many as a fit logged every tenth of its way has.
pub const SNAPSHOTS: usize = 10;

/// The figure.
pub const FIGURE: Figure<FinishedRun> = Figure {
    name: "densities",
    caption: "The target p and every fit q, with the way that led there.",
    draw,
};

/// Draws the figure.
fn draw(finished: &FinishedRun) -> Result<Svg> {
    match finished.dim() {
        1 | 2 => panels(finished),
        _ => pairs::draw(FIGURE.name, finished, "1σ and 2σ", |sheet, cell, pair| {
            pairs::draw_pair(finished, sheet, cell, pair)
        }),
    }
}

fn panels(finished: &FinishedRun) -> Result<Svg> {
    let in_plane = finished.dim() == 2;
    let fits = &finished.fits;
    // As even as they can be: four stand two by two.
    let rows = fits.len().div_ceil(COLUMNS).max(1);
    let columns = fits.len().div_ceil(rows).max(1);
    let entries = entries(finished);
    let top = legend::height(&entries) + 1.0;
    let row = match (in_plane, columns) {
        (false, 1) => 75.0,
        (false, _) => 62.0,
        (true, 1) => 110.0,
        (true, 2) => 82.0,
        (true, _) => 62.0,
    };
    let height = top + row * rows as f64;
    sheet::draw(FIGURE.name, theme::PAGE, height, |sheet| {
        let page = Rect::new(0.0, 0.0, theme::PAGE, height);
        legend::draw(sheet, page, &entries)?;
        for (i, fit) in fits.iter().enumerate() {
            let cell = page
                .below(top)
                .cell((i / columns, rows), (i % columns, columns));
            let title = fit.title();
            if in_plane {
                let ends = ends(finished);
                let names = finished.target.coordinates();
                let labels = (&*names[0], &*names[1]);
                let (x, y) = plane_2d::axes(&finished.target, ends.iter(), labels);
                let (x, y) = equal_aspect(ROOMY.frame(cell), x, y);
                let panel = Panel::new(sheet, cell, &title, x, y)?;
                plane(&panel, finished, fit, i)?;
            } else {
                let (x, y) = line_1d::axes(finished, SNAPSHOTS);
                let panel = Panel::new(sheet, cell, &title, x, y)?;
                line(&panel, finished, fit, i)?;
            }
        }
        Ok(())
    })
}

/// Where the fits ended.
pub fn ends(finished: &FinishedRun) -> Vec<Mixture> {
    finished.fits.iter().filter_map(FinishedFit::end).collect()
}

fn line(panel: &Panel, finished: &FinishedRun, fit: &FinishedFit, i: usize) -> Result<()> {
    line_1d::draw_target(panel, &finished.target)?;
    if let Some(target) = finished.target.as_mixture() {
        let line = stroke(theme::TARGET, 1.0, theme::HAIRLINE);
        line_1d::draw_components(panel, target, line)?;
    }
    let path = fit.snapshots(SNAPSHOTS);
    for (age, q) in path.iter().enumerate() {
        let opacity = 0.15 + 0.45 * (age + 1) as f64 / path.len() as f64;
        let thin = stroke(fit_color(i), opacity, theme::THIN);
        panel.line(line_1d::curve(q, panel.ranges().0), thin)?;
    }
    match fit.end() {
        Some(q) => line_1d::draw_fit(panel, &q, stroke(fit_color(i), 1.0, theme::THICK)),
        None => Ok(()),
    }
}

fn plane(panel: &Panel, finished: &FinishedRun, fit: &FinishedFit, i: usize) -> Result<()> {
    plane_2d::draw_target(panel, &finished.target)?;
    // Components that come and go have no way from the start to the end.
    let path = match fit.plan.adapt {
        Some(_) => Vec::new(),
        None => fit.path(fit.best_run()),
    };
    plane_2d::draw_path(panel, &path, stroke(fit_color(i), 0.8, theme::THIN))?;
    match fit.end() {
        Some(q) => plane_2d::draw_fit(panel, &q, stroke(fit_color(i), 1.0, theme::NORMAL)),
        None => Ok(()),
    }
}

fn entries(finished: &FinishedRun) -> Vec<(LegendKey, String)> {
    let fit = stroke(theme::INK, 1.0, theme::NORMAL);
    let thin = Stroke {
        width: theme::THIN,
        ..fit
    };
    let mut entries = vec![legend::target(&finished.target)];
    if finished.dim() == 2 {
        entries.extend([
            (LegendKey::Line(fit), "fit q, 1σ".to_owned()),
            (LegendKey::Line(thin.dashed()), "2σ".to_owned()),
            (LegendKey::Path(thin), "path of a mean".to_owned()),
        ]);
        return entries;
    }
    entries.push((
        LegendKey::Line(stroke(theme::INK, 1.0, theme::THICK)),
        "fit q".to_owned(),
    ));
    let (x, _) = line_1d::axes(finished, SNAPSHOTS);
    let ends = ends(finished);
    if (finished.target.as_mixture().into_iter())
        .chain(&ends)
        .any(|mixture| line_1d::has_components(mixture, &x))
    {
        entries.push((LegendKey::Line(thin.dashed()), "components".to_owned()));
    }
    entries.push((LegendKey::Fading(thin), "path of q".to_owned()));
    entries
}
