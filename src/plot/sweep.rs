//! The points of a sweep: how each fit went, and where it ended, over the number that was swept or side by side.

use plotters::style::RGBAColor;

use super::axis::{Axis, AxisScale};
use super::export::Drawing;
use super::figure::Figure;
use super::fits::ALL_FAILED;
use super::layout::Layout;
use super::legend::{Entry, LegendKey};
use super::margins::{Margins, ROOMY};
use super::mark::{Align, Rect, Type};
use super::panel::Panel;
use super::sheet::{LEADING, Sheet};
use super::style::{Style, ink};
use super::swept::{Point, Swept};
use super::theme::{self, Stroke, faded, ramp, stroke};
use crate::config::FigureName;
use crate::divergence::DivergenceKind;
use crate::error::Result;
use crate::run_folder::{FinishedFit, FinishedRun, SweepFolder, key_in_words};

/// The height of a point's line, in mm where letters have 8 points.
const LINE: f64 = 4.4;
/// The least and the greatest height of a row of panels, in mm.
const HEIGHT: (f64, f64) = (62.0, 190.0);
/// The least width of two panels beside each other, in mm where letters have 8 points.
const LEAST: f64 = 140.0;
/// The share of a panel's width that names of points may take.
const NAMES: f64 = 0.5;
/// The room for crosses beside a list, in mm where letters have 8 points.
const CROSSES: f64 = 4.0;
/// The line of the least number has this opacity among those of its series.
const FAINTEST: f64 = 0.35;
/// The radius of a dot, in mm.
const DOT: f64 = 0.9;

/// Reads the points of a sweep.
///
/// # Errors
/// If the sweep did not end, or a point cannot be read.
pub fn points(folder: &SweepFolder) -> Result<Vec<Point>> {
    let points = folder.set_points()?.map(|point| {
        let point = point?;
        Ok(Point {
            name: point.name(),
            run: FinishedRun::read_best(&point.folder)?,
            settings: point.settings,
        })
    });
    points.collect()
}

/// The figure.
pub const FIGURE: Figure<[Point]> = Figure {
    name: FigureName::Sweep,
    caption: |points, _| {
        let ends = match Swept::new(points) {
            Some(_) => "where its runs ended",
            None => "where it ended",
        };
        let starts = match points
            .iter()
            .flat_map(|point| &point.run.fits)
            .any(|fit| fit.runs() > 1)
        {
            true => ": that of one point may have another start than that of the next",
            false => "",
        };
        Ok(format!(
            "Every point of the sweep: how the best run of each fit went, and {ends}{starts}."
        ))
    },
    draw,
};

/// How points are drawn.
struct Looks<'s> {
    style: &'s Style,
    swept: Option<&'s Swept>,
    /// Where each point is between dark and light, or faint and strong.
    shares: Vec<f64>,
}

impl<'s> Looks<'s> {
    fn new(points: &[Point], swept: Option<&'s Swept>, style: &'s Style) -> Self {
        Self {
            style,
            swept,
            shares: shares(points, swept),
        }
    }

    /// The line of a point: in the colour of its number where that is all that tells it from others, else in the
    /// looks of its series, as strong as its number is large.
    fn line(&self, point: usize, width: f64) -> Stroke {
        let share = self.shares[point];
        match self.swept.filter(|swept| swept.is_shared()) {
            None => stroke(ramp(share), 1.0, width),
            Some(swept) => self.of_series(
                swept.series[point],
                FAINTEST + (1.0 - FAINTEST) * share,
                width,
            ),
        }
    }

    /// The line of a series.
    fn of_series(&self, series: usize, opacity: f64, width: f64) -> Stroke {
        let line = self.style.fit_stroke(series, width);
        let RGBAColor(r, g, b, _) = line.color;
        Stroke {
            color: RGBAColor(r, g, b, opacity),
            ..line
        }
    }

    /// The line through the ends of a series.
    fn through(&self, series: usize) -> Stroke {
        match self.swept.is_some_and(Swept::is_shared) {
            true => self.of_series(series, 1.0, theme::THIN),
            false => stroke(theme::INK, 0.7, theme::THIN),
        }
    }
}

/// A point's fit at one place.
struct One<'p> {
    point: usize,
    name: &'p str,
    fit: &'p FinishedFit,
}

/// Draws the figure: for each fit its paths, and its ends beside or below them; where there are more series than are
/// told apart, so for each series.
fn draw(points: &[Point], style: &Style) -> Result<Drawing> {
    // A fit has the names of its first point that has it: a label may be what is swept.
    let fits = points.iter().map(|point| point.run.fits.len()).max();
    let first = |at: usize| points.iter().find_map(|point| point.run.fits.get(at));
    let names: Vec<Vec<String>> = (0..fits.unwrap_or(0))
        .filter_map(first)
        .map(|fit| vec![fit.plan.label.clone(), fit.title()])
        .collect();
    let shown = style.chosen(FIGURE.name.name(), &names)?;
    let swept = Swept::new(points);
    let looks = Looks::new(points, swept.as_ref(), style);
    let split = swept.as_ref().filter(|swept| swept.is_split());
    let series = split.map_or(1, |swept| swept.names.len());
    let entries = entries(points, &looks);
    let side_by_side = style
        .columns
        .map_or(style.width >= style.scaled(LEAST), |columns| columns > 1);
    let list = style.scaled(LINE) * points.len() as f64 + style.scaled(ROOMY.top + ROOMY.bottom);
    let ends = match swept {
        Some(_) => HEIGHT.0,
        None => list.clamp(HEIGHT.0, HEIGHT.1),
    };
    let row = if side_by_side { ends } else { HEIGHT.0 + ends };
    let rows = shown.len() * series;
    let layout = Layout::of_height(style, &entries, row * rows.max(1) as f64)?;
    layout.draw(&entries, |sheet| {
        for place in 0..rows {
            let cell = layout.body.cell((place, rows), (0, 1));
            let cells = match side_by_side {
                true => [0, 1].map(|column| cell.cell((0, 1), (column, 2))),
                false => {
                    let middle = cell.top + cell.height() * HEIGHT.0 / row;
                    [
                        Rect {
                            bottom: middle,
                            ..cell
                        },
                        Rect {
                            top: middle,
                            ..cell
                        },
                    ]
                }
            };
            let only = split.map(|_| place % series);
            draw_fit(sheet, cells, points, &looks, (shown[place / series], only))?;
        }
        Ok(())
    })
}

fn entries(points: &[Point], looks: &Looks) -> Vec<Entry> {
    let shared = looks.swept.filter(|swept| swept.is_shared());
    let mut entries: Vec<Entry> = (shared.into_iter())
        .flat_map(|swept| swept.names.iter().enumerate())
        .map(|(i, name)| {
            (
                LegendKey::Line(looks.of_series(i, 1.0, theme::NORMAL)),
                name.clone(),
            )
        })
        .collect();
    let color = match shared {
        Some(_) => faded(theme::INK, 1.0),
        None => faded(ramp(0.3), 1.0),
    };
    let fits = || points.iter().flat_map(|point| &point.run.fits);
    if fits().any(|fit| fit.best_run().is_some()) {
        entries.push((
            LegendKey::Dot(color, None),
            "best run, with its error".to_owned(),
        ));
    }
    if looks.swept.is_some() && fits().any(|fit| fit.summary.optima.len() > 1) {
        let key = match shared {
            Some(_) => LegendKey::Dots(color),
            None => LegendKey::Dot(color, Some(theme::THIN)),
        };
        entries.push((key, "where other restarts ended".to_owned()));
    }
    if fits().any(|fit| fit.summary.failed > 0) {
        entries.push((
            LegendKey::Cross(failure()),
            "with runs that failed, and how many".to_owned(),
        ));
    }
    if fits().all(|fit| fit.best_run().is_none()) {
        return entries;
    }
    let words = match (looks.swept, shared) {
        (Some(swept), None) => format!("(dark: small {})", key_in_words(&swept.key)),
        (Some(swept), Some(_)) => format!("(faint: small {})", key_in_words(&swept.key)),
        (None, _) => "(the line of a point has the colour of its end)".to_owned(),
    };
    entries.push((LegendKey::Nothing, words));
    entries
}

fn failure() -> Stroke {
    stroke(theme::INK, 1.0, theme::NORMAL)
}

/// The fit at one place, of one series alone where that is given.
fn draw_fit(
    sheet: &Sheet,
    [paths, ends]: [Rect; 2],
    points: &[Point],
    looks: &Looks,
    (fit, series): (usize, Option<usize>),
) -> Result<()> {
    let is_in = |point: usize| match (series, looks.swept) {
        (Some(series), Some(swept)) => swept.series[point] == series,
        _ => true,
    };
    let all: Vec<One> = (points.iter().enumerate())
        .filter(|(i, _)| is_in(*i))
        .filter_map(|(i, point)| {
            Some(One {
                point: i,
                name: &point.name,
                fit: point.run.fits.get(fit)?,
            })
        })
        .collect();
    let Some(first) = all.first() else {
        return Ok(());
    };
    let kind = shown(&all);
    let mut title = match all.iter().all(|one| one.fit.title() == first.fit.title()) {
        true => first.fit.title(),
        false => "all fits".to_owned(),
    };
    if let (Some(series), Some(swept)) = (series, looks.swept) {
        title = format!("{title}, {}", swept.names[series]);
    }
    draw_paths(sheet, paths, &all, looks, (kind, &title))?;
    match looks.swept {
        Some(swept) => draw_over(sheet, ends, &all, (swept, looks), kind),
        None => draw_list(sheet, ends, &all, looks, kind),
    }
}

/// Where each point is between dark and light: by the rank of its number, or its place in the list.
fn shares(points: &[Point], swept: Option<&Swept>) -> Vec<f64> {
    let place = |i: usize| match swept {
        None => i,
        Some(swept) => {
            let mut smaller: Vec<f64> = swept.values.clone();
            smaller.retain(|value| *value < swept.values[i]);
            smaller.sort_by(f64::total_cmp);
            smaller.dedup();
            smaller.len()
        }
    };
    let places: Vec<usize> = (0..points.len()).map(place).collect();
    let last = places.iter().copied().max().unwrap_or(0).max(1) as f64;
    places
        .into_iter()
        .map(|place| place as f64 / last)
        .collect()
}

/// The divergence that all entries can be compared by: their own if it is the same.
fn shown(all: &[One]) -> DivergenceKind {
    let own = all[0].fit.summary.divergence;
    if all.iter().all(|one| one.fit.summary.divergence == own) {
        own
    } else {
        DivergenceKind::Js
    }
}

fn draw_paths(
    sheet: &Sheet,
    cell: Rect,
    all: &[One],
    looks: &Looks,
    (kind, title): (DivergenceKind, &str),
) -> Result<()> {
    let rows: Vec<_> = all.iter().map(|one| one.fit.best_rows()).collect();
    let curves: Vec<Vec<f64>> = (rows.iter())
        .map(|rows| rows.iter().map(|row| row.divergence(kind).0).collect())
        .collect();
    let y = Axis::showing(&curves, &[], kind.with_unit());
    let lasts = rows
        .iter()
        .map(|rows| rows.last().map_or(0, |row| row.step));
    let planned = all.iter().map(|one| one.fit.plan.optimizer.steps);
    let lasts: Vec<usize> = match rows.iter().all(Vec::is_empty) {
        true => planned.collect(),
        false => lasts.collect(),
    };
    let every = all.iter().map(|one| one.fit.trajectory.every).max();
    let x = Axis::steps_of(&lasts, every.unwrap_or(1));
    let panel = Panel::new(sheet, cell, title, x, y)?;
    let start = panel.ranges().0.low;
    let is_log = panel.ranges().0.scale == AxisScale::Log;
    for (one, rows) in all.iter().zip(&rows) {
        let points = rows.iter().map(|row| {
            let step = row.step as f64;
            (
                if is_log { step.max(start) } else { step },
                row.divergence(kind).0,
            )
        });
        panel.curve(points, looks.line(one.point, theme::NORMAL))?;
    }
    let none = rows.iter().all(Vec::is_empty);
    let failed = none.then(|| ALL_FAILED.to_owned());
    panel.corner(panel.cut().into_iter().chain(failed))
}

/// The end of a fit's best run, with its error.
fn end(fit: &FinishedFit, kind: DivergenceKind) -> Option<(f64, f64)> {
    let end = fit.summary.best.as_ref()?.divergences.estimate(kind);
    Some((end.value, end.error))
}

/// What lies within an error of a value; of a positive one only the part that a log scale has.
fn within((value, error): (f64, f64)) -> [f64; 2] {
    let low = if value > error { value - error } else { value };
    [low, value + error]
}

/// Where all runs of the points ended, over the number that was swept.
fn draw_over(
    sheet: &Sheet,
    cell: Rect,
    all: &[One],
    (swept, looks): (&Swept, &Looks),
    kind: DivergenceKind,
) -> Result<()> {
    let others = |one: &One| -> Vec<f64> {
        let optima = one.fit.summary.optima.iter().skip(1);
        optima
            .map(|optimum| optimum.divergences.estimate(kind).value)
            .collect()
    };
    // Whatever else is cut, every best run is seen.
    let best: Vec<f64> = (all.iter())
        .filter_map(|one| Some(end(one.fit, kind)?.0))
        .collect();
    let beside: Vec<Vec<f64>> = (all.iter())
        .map(|one| {
            let error = end(one.fit, kind).map(within);
            error.into_iter().flatten().chain(others(one)).collect()
        })
        .collect();
    let y = Axis::showing(&beside, &best, format!("{} at the end", kind.with_unit()));
    let panel = Panel::new(sheet, cell, "", swept.axis(), y)?;
    for series in 0..swept.names.len() {
        let ends = (all.iter())
            .filter(|one| swept.series[one.point] == series)
            .filter_map(|one| Some((swept.values[one.point], end(one.fit, kind)?.0)));
        panel.line(medians(ends.collect()), looks.through(series))?;
    }
    for one in all {
        let (at, line) = (
            swept.values[one.point],
            looks.line(one.point, theme::NORMAL),
        );
        for value in others(one) {
            // Rings stand along the lines of series.
            match swept.is_shared() {
                true => panel.dot((at, value), 0.5 * DOT, line.color, None)?,
                false => panel.dot((at, value), DOT, line.color, Some(theme::THIN))?,
            }
        }
        if let Some(end) = end(one.fit, kind) {
            let bar = within(end).map(|value| (at, value));
            panel.line(bar, solid(line))?;
            panel.dot((at, end.0), DOT, line.color, None)?;
        }
    }
    let mut failed: Vec<(f64, usize)> = Vec::new();
    for one in all.iter().filter(|one| one.fit.summary.failed > 0) {
        let at = swept.values[one.point];
        match failed.iter_mut().find(|(value, _)| *value == at) {
            Some((_, count)) => *count += one.fit.summary.failed,
            None => failed.push((at, one.fit.summary.failed)),
        }
    }
    for (at, count) in failed {
        panel.failure(at, count, failure())?;
    }
    panel.corner(panel.cut())
}

fn solid(line: Stroke) -> Stroke {
    Stroke {
        dash: &[],
        is_marked: false,
        ..line
    }
}

/// For each number the median of what belongs to it: of an even count the lower one.
fn medians(mut ends: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    ends.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    ends.chunk_by(|a, b| a.0 == b.0)
        .map(|same| same[(same.len() - 1) / 2])
        .collect()
}

/// The name of a point on lines of a width, in mm, no more than there is room for; the last one is cut at its end.
fn named(style: &Style, name: &str, [most, height]: [f64; 2]) -> Vec<String> {
    let label = Type::label(Align::Left);
    let fitting = ((height / (LEADING * style.text)) as usize).max(1);
    let mut lines = style.lines(name, label, most);
    let rest = lines.split_off(fitting.min(lines.len()) - 1).join(" ");
    lines.push(style.beginning(&rest, label, most));
    lines
}

/// A dot for the end of each point's best run, with its error, beside its name, and a cross where runs failed.
fn draw_list(
    sheet: &Sheet,
    cell: Rect,
    all: &[One],
    looks: &Looks,
    kind: DivergenceKind,
) -> Result<()> {
    let style = sheet.style;
    let ends: Vec<Option<(f64, f64)>> = all.iter().map(|one| end(one.fit, kind)).collect();
    let values = ends.iter().flatten().copied().flat_map(within);
    let x = Axis::holding(values, format!("{} at the end", kind.with_unit()));
    let label = Type::label(Align::Right);
    let count = all.len() as f64;
    let room = ROOMY.frame(style, cell).height() / (count + 0.4);
    let names: Vec<Vec<String>> = all
        .iter()
        .map(|one| named(style, one.name, [NAMES * cell.width(), 0.9 * room]))
        .collect();
    let widths = names.iter().flatten();
    let widest = (widths.map(|line| style.text_width(line, label))).fold(0.0, f64::max);
    let failed = |one: &One| one.fit.summary.failed > 0;
    let crosses = match all.iter().any(failed) {
        true => CROSSES,
        false => 0.0,
    };
    let margins = Margins {
        // In mm where letters have 8 points.
        left: (widest + 4.0) / style.scaled(1.0),
        right: ROOMY.right + crosses,
        ..ROOMY
    };
    // The first point stands at the top.
    let at = |i: usize| count - 1.0 - i as f64;
    let y = Axis::unmarked(-0.7, count - 0.3);
    let panel = Panel::within(sheet, cell, margins, x, y)?;
    let frame = margins.frame(style, cell);
    // Names that would touch are thinned out.
    let every = (1.1 * style.text / room).ceil().max(1.0) as usize;
    for (i, (one, end)) in all.iter().zip(&ends).enumerate() {
        let height = panel.at_y(at(i));
        if i.is_multiple_of(every) {
            let apart = LEADING * style.text;
            let above = 0.5 * apart * (names[i].len() - 1) as f64;
            for (n, line) in names[i].iter().enumerate() {
                let middle = height - above + apart * n as f64;
                sheet.text((frame.left - 1.6, middle), line, label, ink())?;
            }
        }
        let line = looks.line(one.point, theme::NORMAL);
        if let Some(end) = *end {
            panel.line(within(end).map(|value| (value, at(i))), solid(line))?;
            panel.dot((end.0, at(i)), DOT, line.color, None)?;
        }
        if failed(one) {
            panel.failure_beside(at(i), one.fit.summary.failed, failure())?;
        }
    }
    Ok(())
}
