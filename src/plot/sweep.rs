//! The points of a sweep: how each fit went, and where it ended, over the number that was swept or side by side.

use super::axis::{Axis, AxisScale};
use super::export::Drawing;
use super::figure::Figure;
use super::layout::Layout;
use super::legend::{Entry, LegendKey};
use super::mark::{Align, Rect, Type};
use super::panel::{Margins, Panel, ROOMY};
use super::sheet::Sheet;
use super::style::{Style, ink};
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
/// Numbers so many times apart are drawn by their logarithms.
const LOG_FROM: f64 = 30.0;
/// The radius of a dot, in mm.
const DOT: f64 = 0.9;

/// A point of a sweep.
pub struct Point {
    /// What it sets, in words.
    pub name: String,
    /// Each key that it sets, with its value.
    pub settings: Vec<(String, String)>,
    /// What came out.
    pub run: FinishedRun,
}

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
    caption: "Every point of the sweep: how its best run went, and where its runs ended.",
    draw,
};

/// A number that was swept: its key, its value at each point, and the rest of what each point sets, by its place
/// among all that there are.
struct Swept {
    key: String,
    values: Vec<f64>,
    series: Vec<usize>,
    names: Vec<String>,
}

impl Swept {
    /// The number with the most values, if there is one; seeds are repetitions.
    fn new(points: &[Point]) -> Option<Self> {
        let value = |point: &Point, key: &str| {
            let found = point.settings.iter().find(|(name, _)| name == key);
            found.map_or_else(String::new, |(_, value)| value.clone())
        };
        let mut keys: Vec<&String> = Vec::new();
        for (key, _) in points.iter().flat_map(|point| &point.settings) {
            let varies = points
                .iter()
                .any(|point| value(point, key) != value(&points[0], key));
            if varies && !is_seed(key) && !keys.contains(&key) {
                keys.push(key);
            }
        }
        let numbers = |key: &str| -> Option<Vec<f64>> {
            let values = points.iter().map(|point| value(point, key).parse().ok());
            values
                .collect::<Option<Vec<f64>>>()
                .filter(|all| all.iter().all(|one| one.is_finite()))
        };
        let count = |values: &[f64]| {
            let mut values = values.to_vec();
            values.sort_by(f64::total_cmp);
            values.dedup();
            values.len()
        };
        // Of two with as many values, the one that came first.
        let numeric = keys
            .iter()
            .rev()
            .filter_map(|key| Some((*key, numbers(key)?)));
        let (key, values) = numeric.max_by_key(|(_, values)| count(values))?;
        let rest = |point: &Point| {
            let others = keys.iter().filter(|other| **other != key);
            let words = others.map(|key| format!("{} {}", key_in_words(key), value(point, key)));
            words.collect::<Vec<_>>().join(", ")
        };
        let mut names: Vec<String> = Vec::new();
        let series = points.iter().map(|point| {
            let rest = rest(point);
            let place = names.iter().position(|name| *name == rest);
            place.unwrap_or_else(|| {
                names.push(rest);
                names.len() - 1
            })
        });
        Some(Self {
            series: series.collect(),
            key: key.clone(),
            values,
            names,
        })
    }

    fn axis(&self) -> Axis {
        let low = self.values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = self
            .values
            .iter()
            .copied()
            .fold(f64::NEG_INFINITY, f64::max);
        let is_rate = self.key.ends_with("learning_rate");
        let label = key_in_words(&self.key);
        if low > 0.0 && (is_rate || high >= LOG_FROM * low) {
            let air = (high / low).powf(0.06).max(1.05);
            return Axis {
                scale: AxisScale::Log,
                ..Axis::linear(low / air, high * air, label)
            };
        }
        let air = 0.06 * (high - low);
        let axis = Axis::linear(low - air, high + air, label);
        match self.values.iter().all(|value| value.fract() == 0.0) {
            true => axis.whole(),
            false => axis,
        }
    }

    /// How a series is drawn: its dash and rings tell it from others.
    fn line(&self, style: &Style, series: usize) -> Stroke {
        Stroke {
            color: faded(theme::INK, 0.7),
            is_marked: false,
            ..style.fit_stroke(series, theme::THIN)
        }
    }
}

fn is_seed(key: &str) -> bool {
    key == "seed" || key.ends_with(".seed")
}

/// A point's fit at one place, with its colour.
struct One<'p> {
    point: usize,
    name: &'p str,
    fit: &'p FinishedFit,
    share: f64,
}

/// Draws the figure: for each fit its paths, and its ends beside or below them.
fn draw(points: &[Point], style: &Style) -> Result<Drawing> {
    // A fit has the names of its first point that has it: a label may be what is swept.
    let fits = points.iter().map(|point| point.run.fits.len()).max();
    let first = |at: usize| points.iter().find_map(|point| point.run.fits.get(at));
    let names: Vec<Vec<String>> = (0..fits.unwrap_or(0))
        .filter_map(first)
        .map(|fit| vec![fit.plan.label.clone(), fit.title()])
        .collect();
    let shown = style.chosen(FIGURE.name.name(), &names)?;
    let fits = shown.len().max(1);
    let swept = Swept::new(points);
    let entries = entries(points, swept.as_ref(), style);
    let side_by_side = style
        .columns
        .map_or(style.width >= style.scaled(LEAST), |columns| columns > 1);
    let list = style.scaled(LINE) * points.len() as f64 + style.scaled(ROOMY.top + ROOMY.bottom);
    let ends = match swept {
        Some(_) => HEIGHT.0,
        None => list.clamp(HEIGHT.0, HEIGHT.1),
    };
    let row = if side_by_side { ends } else { HEIGHT.0 + ends };
    let layout = Layout::of_height(style, &entries, row * fits as f64)?;
    layout.draw(&entries, |sheet| {
        for (place, &fit) in shown.iter().enumerate() {
            let cell = layout.body.cell((place, fits), (0, 1));
            let middle = match side_by_side {
                true => cell.left + 0.5 * cell.width(),
                false => cell.top + cell.height() * HEIGHT.0 / row,
            };
            let [paths, ends] = match side_by_side {
                true => [
                    Rect {
                        right: middle,
                        ..cell
                    },
                    Rect {
                        left: middle,
                        ..cell
                    },
                ],
                false => [
                    Rect {
                        bottom: middle,
                        ..cell
                    },
                    Rect {
                        top: middle,
                        ..cell
                    },
                ],
            };
            draw_fit(sheet, [paths, ends], points, swept.as_ref(), fit)?;
        }
        Ok(())
    })
}

fn entries(points: &[Point], swept: Option<&Swept>, style: &Style) -> Vec<Entry> {
    let Some(swept) = swept else {
        return Vec::new();
    };
    let mut entries: Vec<Entry> = match swept.names.len() {
        1 => Vec::new(),
        _ => (swept.names.iter().enumerate())
            .map(|(i, name)| (LegendKey::Line(swept.line(style, i)), name.clone()))
            .collect(),
    };
    let color = ramp(0.3);
    entries.push((
        LegendKey::Dot(faded(color, 1.0), None),
        "best run, with its error".to_owned(),
    ));
    let fits = || points.iter().flat_map(|point| &point.run.fits);
    if fits().any(|fit| fit.summary.optima.len() > 1) {
        let ring = LegendKey::Dot(faded(color, 1.0), Some(theme::THIN));
        entries.push((ring, "where other restarts ended".to_owned()));
    }
    if fits().any(|fit| fit.summary.failed > 0) {
        entries.push((
            LegendKey::Cross(failure()),
            "with runs that failed, and how many".to_owned(),
        ));
    }
    let key = key_in_words(&swept.key);
    entries.push((LegendKey::Nothing, format!("(dark: small {key})")));
    entries
}

fn failure() -> Stroke {
    stroke(theme::INK, 1.0, theme::NORMAL)
}

fn draw_fit(
    sheet: &Sheet,
    [paths, ends]: [Rect; 2],
    points: &[Point],
    swept: Option<&Swept>,
    fit: usize,
) -> Result<()> {
    let shares = shares(points, swept);
    let all: Vec<One> = (points.iter().enumerate())
        .filter_map(|(i, point)| {
            Some(One {
                point: i,
                name: &point.name,
                fit: point.run.fits.get(fit)?,
                share: shares[i],
            })
        })
        .collect();
    let Some(first) = all.first() else {
        return Ok(());
    };
    let kind = shown(&all);
    let title = match all.iter().all(|one| one.fit.title() == first.fit.title()) {
        true => first.fit.title(),
        false => "all fits".to_owned(),
    };
    draw_paths(sheet, paths, &all, swept, kind, &title)?;
    match swept {
        Some(swept) => draw_over(sheet, ends, &all, swept, kind),
        None => draw_list(sheet, ends, &all, kind),
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
    swept: Option<&Swept>,
    kind: DivergenceKind,
    title: &str,
) -> Result<()> {
    let rows: Vec<_> = all.iter().map(|one| one.fit.best_rows()).collect();
    let curves: Vec<Vec<f64>> = (rows.iter())
        .map(|rows| rows.iter().map(|row| row.divergence(kind).0).collect())
        .collect();
    let y = Axis::showing(&curves, &[], kind.with_unit());
    let lasts = rows
        .iter()
        .map(|rows| rows.last().map_or(0, |row| row.step));
    let every = all.iter().map(|one| one.fit.trajectory.every).max();
    let x = Axis::steps_of(&lasts.collect::<Vec<_>>(), every.unwrap_or(1));
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
        let line = stroke(ramp(one.share), 1.0, theme::NORMAL);
        let line = match swept {
            Some(swept) => Stroke {
                dash: swept.line(sheet.style, swept.series[one.point]).dash,
                ..line
            },
            None => line,
        };
        panel.line(points, line)?;
    }
    Ok(())
}

/// The end of a fit's best run, with its error.
fn end(fit: &FinishedFit, kind: DivergenceKind) -> Option<(f64, f64)> {
    let end = fit.summary.best.as_ref()?.divergences.estimate(kind);
    Some((end.value, end.error))
}

/// Where all runs of the points ended, over the number that was swept.
fn draw_over(
    sheet: &Sheet,
    cell: Rect,
    all: &[One],
    swept: &Swept,
    kind: DivergenceKind,
) -> Result<()> {
    let others = |one: &One| -> Vec<f64> {
        let optima = one.fit.summary.optima.iter().skip(1);
        optima
            .map(|optimum| optimum.divergences.estimate(kind).value)
            .collect()
    };
    let values: Vec<Vec<f64>> = (all.iter())
        .map(|one| {
            let best = end(one.fit, kind).map_or_else(Vec::new, |(value, error)| {
                vec![
                    value,
                    value + error,
                    if value > error { value - error } else { value },
                ]
            });
            [best, others(one)].concat()
        })
        .collect();
    let y = Axis::showing(&values, &[], format!("{} at the end", kind.with_unit()));
    let panel = Panel::new(sheet, cell, "", swept.axis(), y)?;
    for series in 0..swept.names.len() {
        let ends = (all.iter())
            .filter(|one| swept.series[one.point] == series)
            .filter_map(|one| Some((swept.values[one.point], end(one.fit, kind)?.0)));
        panel.line(medians(ends.collect()), swept.line(sheet.style, series))?;
    }
    for one in all {
        let (at, color) = (swept.values[one.point], ramp(one.share));
        for value in others(one) {
            panel.dot((at, value), DOT, faded(color, 0.8), Some(theme::THIN))?;
        }
        if let Some((value, error)) = end(one.fit, kind) {
            let bar = [(at, value - error), (at, value + error)];
            panel.line(bar, stroke(color, 1.0, theme::NORMAL))?;
            panel.dot((at, value), DOT, faded(color, 1.0), None)?;
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
    Ok(())
}

/// For each number the median of what belongs to it: of an even count the lower one.
fn medians(mut ends: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    ends.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    ends.chunk_by(|a, b| a.0 == b.0)
        .map(|same| same[(same.len() - 1) / 2])
        .collect()
}

/// A dot for the end of each point's best run, with its error, beside its name.
fn draw_list(sheet: &Sheet, cell: Rect, all: &[One], kind: DivergenceKind) -> Result<()> {
    let style = sheet.style;
    let ends: Vec<Option<(f64, f64)>> = all.iter().map(|one| end(one.fit, kind)).collect();
    let values = (ends.iter().flatten()).flat_map(|(value, error)| [value - error, value + error]);
    let x = Axis::holding(values, format!("{} at the end", kind.with_unit()));
    let label = Type::label(Align::Right);
    let most = NAMES * cell.width();
    let names: Vec<String> = all
        .iter()
        .map(|one| style.shortened(one.name, label, most))
        .collect();
    let widest = (names.iter().map(|name| style.text_width(name, label))).fold(0.0, f64::max);
    let margins = Margins {
        // In mm where letters have 8 points.
        left: (widest + 4.0) / style.scaled(1.0),
        ..ROOMY
    };
    let count = all.len() as f64;
    // The first point stands at the top.
    let at = |i: usize| count - 1.0 - i as f64;
    let y = Axis::unmarked(-0.7, count - 0.3);
    let panel = Panel::within(sheet, cell, margins, x, y)?;
    let frame = margins.frame(style, cell);
    // Names that would touch are thinned out.
    let every = (1.1 * style.text * (count + 0.4) / frame.height())
        .ceil()
        .max(1.0) as usize;
    for (i, (one, end)) in all.iter().zip(&ends).enumerate() {
        if i.is_multiple_of(every) {
            let height = panel.height_of(at(i));
            sheet.text((frame.left - 1.6, height), &names[i], label, ink())?;
        }
        let color = ramp(one.share);
        if let Some((value, error)) = *end {
            let bar = [(value - error, at(i)), (value + error, at(i))];
            panel.line(bar, stroke(color, 1.0, theme::NORMAL))?;
            panel.dot((value, at(i)), DOT, faded(color, 1.0), None)?;
        }
    }
    Ok(())
}
