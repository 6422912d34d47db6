//! Every parameter in natural units against the step: a row for each fit, a panel for each kind.

use super::axis::Axis;
use super::end_labels::{MOST_STACKED, end_label_width};
use super::export::Drawing;
use super::figure::Figure;
use super::fits::{ALL_FAILED, draw_others, failure_entry, have_failures, have_others, others};
use super::layout::Layout;
use super::legend::{Entry, LegendKey};
use super::margins::{ROOMY, title_height};
use super::mark::Rect;
use super::panel::Panel;
use super::sheet::Sheet;
use super::style::Style;
use super::theme::{self, stroke};
use super::thinning::is_drawn;
use crate::config::FigureName;
use crate::error::Result;
use crate::record::Row;
use crate::run_folder::{FinishedFit, FinishedRun};

/// The kinds of parameters by the names of their quantities, and how an axis calls them.
const KINDS: [(&str, &str); 4] = [
    ("weight", "weight w"),
    ("mean", "mean μ (units of x)"),
    ("std", "std σ (units of x)"),
    ("corr", "correlation ρ"),
];

/// More lines than this are not labelled one by one.
const MOST_LABELS: usize = 12;
/// The least width of a panel, in mm where letters have 8 points, and the height of a row.
const LEAST: f64 = 40.0;
const ROW: f64 = 54.0;
/// Of more parameters of one kind about so many are drawn, as if at random.
const MOST_LINES: usize = 400;

/// The figure.
pub const FIGURE: Figure<FinishedRun> = Figure {
    name: FigureName::Parameters,
    caption: |finished, _| {
        let others = match has_others(finished) {
            true => "; thin lines are the other restarts",
            false => "",
        };
        Ok(format!(
            "The parameters of q over the steps, in the best run of each fit{others}."
        ))
    },
    draw,
};

/// Draws the figure: the kinds below each other where they stand side by side in all rows; where there is no room for
/// that, those of a fit one after the other.
fn draw(finished: &FinishedRun, style: &Style) -> Result<Drawing> {
    let has = |fit: &FinishedFit, kind: &str| !columns(fit, kind).is_empty();
    let all: Vec<(&str, &str)> = (KINDS.into_iter())
        .filter(|kind| finished.fits.iter().any(|fit| has(fit, kind.0)))
        .collect();
    let names: Vec<Vec<String>> = all.iter().map(|kind| vec![kind.0.to_owned()]).collect();
    let kinds: Vec<(&str, Axis)> = (style.chosen(FIGURE.name.name(), &names)?.into_iter())
        .map(|place| (all[place].0, axis_of(finished, all[place])))
        .collect();
    let fitting = ((style.width / style.scaled(LEAST)) as usize).max(1);
    let columns = style.columns.unwrap_or(fitting).min(kinds.len()).max(1);
    // As even as they can be.
    let columns = kinds.len().div_ceil(kinds.len().div_ceil(columns));
    let mut cells: Vec<(usize, usize, usize)> = Vec::new();
    let mut row = 0;
    for (i, fit) in finished.fits.iter().enumerate() {
        let own: Vec<usize> = (0..kinds.len())
            .filter(|&kind| has(fit, kinds[kind].0))
            .collect();
        let side_by_side = columns == kinds.len();
        let place = |n: usize, kind: usize| if side_by_side { kind } else { n };
        cells.extend(own.iter().enumerate().map(|(n, &kind)| {
            let at = place(n, kind);
            (i, kind, (row + at / columns) * columns + at % columns)
        }));
        let taken = if side_by_side { kinds.len() } else { own.len() };
        row += taken.div_ceil(columns);
    }
    let entries = entries(finished);
    // A title on several lines leaves its panel as high as others.
    let width = style.width / columns as f64;
    let more = (cells.iter().enumerate())
        .filter(|(n, (i, ..))| *n == 0 || cells[n - 1].0 != *i)
        .map(|(_, (i, kind, _))| {
            let fit = &finished.fits[*i];
            let room = room(style, fit, kinds[*kind].0, width);
            title_height(style, &fit.title(), width - room)
        })
        .fold(0.0, f64::max);
    let mut layout = Layout::of_height(style, &entries, (ROW + more) * row.max(1) as f64)?;
    (layout.columns, layout.rows) = (columns, row.max(1));
    layout.draw(&entries, |sheet| {
        let mut last = None;
        for &(i, kind, place) in &cells {
            let fit = &finished.fits[i];
            // The first panel of a fit has its name, whichever kind it is.
            let title = if last == Some(i) {
                String::new()
            } else {
                fit.title()
            };
            last = Some(i);
            let (kind, axis) = &kinds[kind];
            draw_panel(sheet, layout.cell(place), &title, fit, i, (kind, axis))?;
        }
        Ok(())
    })
}

/// The places among a fit's parameters of those of one kind that are drawn.
fn columns(fit: &FinishedFit, kind: &str) -> Vec<usize> {
    let all: Vec<usize> = (fit.plan.family.natural_parameters().enumerate())
        .filter(|(_, one)| one.quantity.name() == kind)
        .map(|(column, _)| column)
        .collect();
    let share = MOST_LINES as f64 / all.len() as f64;
    (0..all.len())
        .filter(|n| is_drawn(*n, share))
        .map(|n| all[n])
        .collect()
}

/// How many parameters of one kind the fit with most has.
fn most(finished: &FinishedRun, kind: &str) -> usize {
    let of_kind = |fit: &FinishedFit| {
        let all = fit.plan.family.natural_parameters();
        all.filter(|one| one.quantity.name() == kind).count()
    };
    finished.fits.iter().map(of_kind).max().unwrap_or(0)
}

fn draw_panel(
    sheet: &Sheet,
    cell: Rect,
    title: &str,
    fit: &FinishedFit,
    i: usize,
    (kind, axis): (&str, &Axis),
) -> Result<()> {
    let columns = columns(fit, kind);
    if columns.is_empty() {
        return Ok(());
    }
    let rows = fit.best_rows();
    let single = columns.len() == 1;
    let y = axis.clone();
    let last = (rows.last()).map_or(fit.plan.optimizer.steps, |row| row.step);
    let x = Axis::steps(last, fit.trajectory.every);
    let cell = Rect {
        right: cell.right - room(sheet.style, fit, kind, cell.width()),
        ..cell
    };
    let panel = Panel::new(sheet, cell, title, x, y)?;
    let color = sheet.style.fit_color(i);
    if single {
        let point = |row: &Row| (row.step as f64, row.parameters[columns[0]]);
        let thin = stroke(color, 0.25, theme::HAIRLINE);
        draw_others(&panel, fit, thin, point)?;
    }
    for (n, &column) in columns.iter().enumerate() {
        // Shades tell the lines of a panel apart where there are several.
        let opacity = 1.0 - 0.65 * n as f64 / columns.len() as f64;
        let points = rows
            .iter()
            .map(|row| (row.step as f64, row.parameters[column]));
        let width = if single { theme::THICK } else { theme::NORMAL };
        panel.curve(points, stroke(color, opacity, width))?;
    }
    if let (Some(end), Some(names)) = (rows.last(), labels(fit, kind)) {
        let ends = columns.iter().map(|&column| end.parameters[column]);
        panel.end_labels(ends.zip(names).collect(), theme::faded(theme::INK, 1.0))?;
    }
    let failed = fit.best_run().is_none();
    let failed = failed.then(|| ALL_FAILED.to_owned());
    panel.corner(panel.cut().into_iter().chain(failed))
}

/// What stands at the ends of the lines of a panel: none where there is one line, too many, or no end.
fn labels(fit: &FinishedFit, kind: &str) -> Option<Vec<String>> {
    fit.best_run()?;
    let columns = columns(fit, kind);
    let names = columns
        .iter()
        .map(|&column| fit.trajectory.parameter_names[column].as_str());
    (2..=MOST_LABELS)
        .contains(&columns.len())
        .then(|| distinct_parts(names.collect(), kind))
}

/// The room that they take beside a panel beyond its margin, in mm; a panel keeps half of its cell.
fn room(style: &Style, fit: &FinishedFit, kind: &str, width: f64) -> f64 {
    let room = labels(fit, kind).map(|names| end_label_width(style, &names));
    let room = room.map_or(0.0, |room| room - style.scaled(ROOMY.right) + 3.0);
    room.clamp(0.0, 0.5 * width)
}

/// One axis for a kind of parameter in all fits: with one parameter it holds every restart, with
/// several the best run alone, as the panels do.
fn axis_of(finished: &FinishedRun, (kind, label): (&str, &str)) -> Axis {
    let mut values = Vec::new();
    for fit in &finished.fits {
        let columns = columns(fit, kind);
        let beside = others(fit).filter(|_| columns.len() == 1);
        let rows = beside.flat_map(|run| fit.well(run).0);
        for row in rows.chain(fit.best_rows()) {
            values.extend(columns.iter().map(|&column| row.parameters[column]));
        }
    }
    let scale = finished.target.extent().1.trace() / finished.dim() as f64;
    let label = match most(finished, kind) {
        all if all > MOST_LINES => format!("{label}, {MOST_LINES} at most"),
        _ => label.to_owned(),
    };
    match kind {
        "std" => Axis::holding(values.into_iter(), &label),
        "mean" => Axis::holding_linear(values.into_iter(), 0.1 * scale.sqrt(), &label),
        _ => Axis::holding_linear(values.into_iter(), 0.1, &label),
    }
}

/// The parts of the names of one kind that tell them apart: 1, 2 of `corr_1_x1_x2` and
/// `corr_2_x1_x2`.
fn distinct_parts(names: Vec<&str>, kind: &str) -> Vec<String> {
    let parts: Vec<Vec<&str>> = (names.iter())
        .map(|name| {
            name.trim_start_matches(kind)
                .split('_')
                .filter(|part| !part.is_empty())
                .collect()
        })
        .collect();
    let differs = |at: usize| parts.iter().any(|one| one.get(at) != parts[0].get(at));
    (parts.iter())
        .map(|part| {
            let kept = part.iter().enumerate().filter(|&(at, _)| differs(at));
            kept.map(|(_, part)| *part).collect::<Vec<_>>().join(",")
        })
        .collect()
}

/// Whether other restarts than the best are drawn: beside a line that is alone in its panel.
fn has_others(finished: &FinishedRun) -> bool {
    have_others(finished.fits.iter().filter(|fit| is_single(fit)))
}

fn is_single(fit: &FinishedFit) -> bool {
    fit.plan.family.components() * fit.plan.family.dim() == 1
}

fn entries(finished: &FinishedRun) -> Vec<Entry> {
    let mut entries = Vec::new();
    if finished.fits.iter().any(|fit| fit.best_run().is_some()) {
        let best = stroke(theme::INK, 1.0, theme::THICK);
        entries.push((LegendKey::Line(best), "best run".to_owned()));
    }
    if has_others(finished) {
        let faint = stroke(theme::INK, 0.4, theme::HAIRLINE);
        entries.push((LegendKey::Line(faint), "other restarts".to_owned()));
    }
    if have_failures(finished.fits.iter().filter(|fit| is_single(fit))) {
        entries.push(failure_entry());
    }
    let labels: Vec<(&FinishedFit, Vec<String>)> = (finished.fits.iter())
        .flat_map(|fit| {
            KINDS
                .iter()
                .filter_map(move |(kind, _)| Some((fit, labels(fit, kind)?)))
        })
        .collect();
    let has = |wanted: &dyn Fn(&FinishedFit) -> bool| labels.iter().any(|(fit, _)| wanted(fit));
    let of: Vec<&str> = [
        (has(&|fit| fit.plan.family.components() > 1), "component"),
        (has(&|fit| fit.plan.family.dim() > 1), "coordinate"),
    ]
    .into_iter()
    .filter_map(|(is_told, what)| is_told.then_some(what))
    .collect();
    if !of.is_empty() {
        let stacked = labels.iter().any(|(_, names)| names.len() > MOST_STACKED);
        let more = if stacked { "; … and others" } else { "" };
        let words = format!("(at the ends of lines: {}{more})", of.join(", "));
        entries.push((LegendKey::Nothing, words));
    }
    entries
}
