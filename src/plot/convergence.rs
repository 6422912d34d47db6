//! The loss and both KLs against the step, or what the fits took of the target, all fits together, with error bands
//! and known optima; of more fits than are told apart, a panel for each.

use super::axis::{Axis, AxisScale};
use super::export::Drawing;
use super::figure::Figure;
use super::fits::{self, ALL_FAILED};
use super::layout::{Layout, Panels};
use super::legend::{Entry, LegendKey};
use super::mark::Rect;
use super::panel::Panel;
use super::sheet::Sheet;
use super::style::{MOST_FITS, Style};
use super::theme::{self, Stroke, faded, stroke};
use crate::config::FigureName;
use crate::divergence::DivergenceKind;
use crate::error::Result;
use crate::record::Row;
use crate::run_folder::{FinishedFit, FinishedRun};

/// Panels of curves.
const PANELS: Panels = Panels {
    least: 50.0,
    most: 3,
    height: |width| {
        if width < 70.0 {
            62.0
        } else {
            44.0 + 0.11 * width
        }
    },
    below: 0.0,
};

/// What a panel shows: the loss of each fit, or one divergence of all.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Quantity {
    Loss,
    Of(DivergenceKind),
}

impl Quantity {
    fn title(self) -> String {
        match self {
            Self::Loss => "loss of each fit".to_owned(),
            Self::Of(kind) => kind.symbol(),
        }
    }

    /// How a config calls its panel.
    fn names(self) -> Vec<String> {
        match self {
            Self::Loss => vec!["loss".to_owned()],
            Self::Of(kind) => vec![kind.name(), kind.symbol()],
        }
    }

    /// Its value at a row, with its error.
    fn value(self, row: &Row) -> (f64, f64) {
        match self {
            Self::Loss => (row.loss, row.loss_error),
            Self::Of(kind) => row.divergence(kind),
        }
    }

    /// Its value at the known optimum of a fit that goes down on it.
    fn known(self, fit: &FinishedFit) -> Option<f64> {
        let own = Self::Of(fit.summary.divergence);
        (self == Self::Loss || self == own).then(|| known_value(fit))?
    }

    /// What stands beside its axis.
    fn label(self, finished: &FinishedRun) -> String {
        let in_nats = (finished.fits.iter()).all(|fit| fit.summary.divergence.is_in_nats());
        match self {
            Self::Of(kind) => kind.with_unit(),
            Self::Loss if in_nats => "loss (nats)".to_owned(),
            Self::Loss => "loss".to_owned(),
        }
    }
}

/// What the curves are drawn against.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Against {
    Steps,
    Evaluations,
}

impl Against {
    fn figure(self) -> FigureName {
        match self {
            Self::Steps => FIGURE.name,
            Self::Evaluations => EVALUATIONS.name,
        }
    }

    /// Where a row is on an axis: the start at the left end, whatever its scale.
    fn of(self, row: &Row, axis: &Axis) -> f64 {
        match self {
            Self::Steps if axis.scale == AxisScale::Log => (row.step as f64).max(axis.low),
            Self::Steps => row.step as f64,
            Self::Evaluations => row.evaluations.log_density as f64,
        }
    }

    fn axis(self, finished: &FinishedRun, best: &[Vec<&Row>]) -> Axis {
        match self {
            Self::Steps => {
                // Runs that failed decide nothing, unless there are no others.
                let none = best.iter().all(Vec::is_empty);
                let planned = |fit: &FinishedFit| if none { fit.plan.optimizer.steps } else { 0 };
                let lasts = (best.iter().zip(&finished.fits))
                    .map(|(rows, fit)| rows.last().map_or(planned(fit), |row| row.step));
                let every = finished.fits.iter().map(|fit| fit.trajectory.every).max();
                Axis::steps_of(&lasts.collect::<Vec<_>>(), every.unwrap_or(1))
            }
            Self::Evaluations => {
                let all = best
                    .iter()
                    .flatten()
                    .map(|row| row.evaluations.log_density as f64);
                Axis::holding(all, "evaluations of log p")
            }
        }
    }
}

/// Costs of a step that differ by no more than this factor are the same to the eye.
const SAME_COST: f64 = 1.05;

/// The loss, and both KLs where the target has a density; those that a style asks for.
fn panels(finished: &FinishedRun, style: &Style, figure: FigureName) -> Result<Vec<Quantity>> {
    let mut all = vec![Quantity::Loss];
    if finished.target.has_density() {
        let both = [DivergenceKind::ForwardKl, DivergenceKind::ReverseKl].into_iter();
        let finite = both.filter(|kind| kind.infinite_for(finished.target.tails()).is_none());
        all.extend(finite.map(Quantity::Of));
    }
    let names: Vec<Vec<String>> = all.iter().map(|quantity| quantity.names()).collect();
    let chosen = style.chosen(figure.name(), &names)?;
    Ok(chosen.into_iter().map(|place| all[place]).collect())
}

/// The figure.
pub const FIGURE: Figure<FinishedRun> = Figure {
    name: FigureName::Convergence,
    caption: |finished, style| {
        let what = subject(finished, style, FIGURE.name)?;
        Ok(format!("{what} over the steps{}.", lines(finished)))
    },
    draw: |finished, style| draw(finished, style, Against::Steps),
};

/// The same against what the fits took of the target.
pub const EVALUATIONS: Figure<FinishedRun> = Figure {
    name: FigureName::Evaluations,
    caption: |finished, style| {
        let what = subject(finished, style, EVALUATIONS.name)?;
        let took = "over the evaluations of log p that each run took, its start included";
        Ok(format!("{what} {took}{}.", lines(finished)))
    },
    draw: |finished, style| draw(finished, style, Against::Evaluations),
};

/// Whether steps do not tell what was paid: the target is costly, and not every step of every fit took as much of it.
pub fn has_evaluations(finished: &FinishedRun) -> bool {
    let costs = (finished.fits.iter())
        .flat_map(FinishedFit::best_rows)
        .map(|row| row.evaluations.log_density as f64 / (row.step + 1) as f64);
    let [least, most] = costs.fold([f64::INFINITY, 0.0], |[least, most], cost| {
        [cost.min(least), cost.max(most)]
    });
    let is_costly = finished.dim() > 2 || finished.target.as_unnormalized().is_some();
    is_costly && most > SAME_COST * least
}

/// What a caption begins with.
fn subject(finished: &FinishedRun, style: &Style, figure: FigureName) -> Result<String> {
    let style = match is_split(finished) {
        true => &style.with_all_panels(),
        false => style,
    };
    let panels = panels(finished, style, figure)?;
    let has_loss = panels.contains(&Quantity::Loss);
    Ok(match (has_loss, panels.len() - usize::from(has_loss)) {
        (true, 0) => "Loss",
        (false, 1) => "A divergence",
        (false, _) => "Divergences",
        (true, 1) => "Loss and a divergence",
        (true, _) => "Loss and divergences",
    }
    .to_owned())
}

/// What a caption says of lines and crosses, as far as there are any.
fn lines(finished: &FinishedRun) -> String {
    let mut words = match is_split(finished) {
        true => ", of the best run of each fit".to_owned(),
        false => String::new(),
    };
    if has_others(finished) {
        words.push_str("; thin lines are the other restarts");
    }
    if has_failures(finished) {
        words.push_str("; a cross is where a run failed");
    }
    if finished.fits.iter().any(|fit| fit.best_run().is_none()) {
        words.push_str("; a fit without a run that ended has no line");
    }
    words
}

/// Whether each fit has a panel of its own.
fn is_split(finished: &FinishedRun) -> bool {
    finished.fits.len() > MOST_FITS
}

fn has_others(finished: &FinishedRun) -> bool {
    !is_split(finished) && fits::have_others(&finished.fits)
}

fn has_failures(finished: &FinishedRun) -> bool {
    !is_split(finished) && fits::have_failures(&finished.fits)
}

fn draw(finished: &FinishedRun, style: &Style, against: Against) -> Result<Drawing> {
    if is_split(finished) {
        return multiples(finished, style, against);
    }
    let entries = entries(finished, style);
    let panels = panels(finished, style, against.figure())?;
    let layout = Layout::of_panels(style, &entries, panels.len(), PANELS)?;
    layout.draw(&entries, |sheet| {
        for (i, quantity) in panels.iter().enumerate() {
            draw_panel(finished, sheet, layout.cell(i), (*quantity, against))?;
        }
        Ok(())
    })
}

/// The axis that a quantity of some fits is drawn along: their best runs set the scale; others may start anywhere.
fn axis<'f>(
    quantity: Quantity,
    fits: impl Iterator<Item = &'f FinishedFit> + Clone,
    label: String,
) -> Axis {
    let curves: Vec<Vec<f64>> = fits
        .clone()
        .map(|fit| {
            let ends = |row: &Row| {
                let (value, error) = quantity.value(row);
                let ends = [value - error, value + error, value];
                ends.map(|end| if end > 0.0 { end } else { value })
            };
            fit.best_rows().into_iter().flat_map(ends).collect()
        })
        .collect();
    let optima = fits.filter_map(|fit| quantity.known(fit));
    let optima: Vec<f64> = optima.filter(|&value| value > 0.0).collect();
    Axis::showing(&curves, &optima, label)
}

fn draw_panel(
    finished: &FinishedRun,
    sheet: &Sheet,
    cell: Rect,
    (quantity, against): (Quantity, Against),
) -> Result<()> {
    let best: Vec<Vec<&Row>> = finished.fits.iter().map(FinishedFit::best_rows).collect();
    let (x, style) = (against.axis(finished, &best), sheet.style);
    let y = axis(quantity, finished.fits.iter(), quantity.label(finished));
    let panel = Panel::new(sheet, cell, &quantity.title(), x, y)?;
    let x = panel.ranges().0.clone();
    let point = |row: &Row| (against.of(row, &x), quantity.value(row).0);
    for (i, fit) in finished.fits.iter().enumerate() {
        let thin = stroke(style.fit_color(i), 0.16, theme::HAIRLINE);
        fits::draw_others(&panel, fit, thin, point)?;
    }
    for (i, (fit, rows)) in finished.fits.iter().zip(&best).enumerate() {
        // Errors of a quadrature are no wider than a line.
        if is_random(finished, fit) {
            let band: Vec<_> = (rows.iter())
                .map(|row| (against.of(row, &x), quantity.value(row)))
                .map(|(at, (value, error))| (at, value - error, value + error))
                .collect();
            panel.band(&band, faded(style.fit_color(i), 0.25))?;
        }
        let line = style.fit_stroke(i, theme::THICK);
        panel.curve(rows.iter().copied().map(point), line)?;
        if let Some(value) = quantity.known(fit).filter(|&value| value > 0.0) {
            panel.level(value, optimum_stroke())?;
        }
    }
    let failed = finished.fits.iter().filter(|fit| fit.best_run().is_none());
    let failed = failed.map(|fit| format!("{}: {ALL_FAILED}", fit.title()));
    panel.corner(panel.cut().into_iter().chain(failed))
}

/// A panel for each fit, with every quantity in it.
fn multiples(finished: &FinishedRun, style: &Style, against: Against) -> Result<Drawing> {
    let quantities = panels(finished, &style.with_all_panels(), against.figure())?;
    let shown = fits::shown(finished, style, against.figure())?;
    let line = |place: usize| style.fit_stroke(place, theme::NORMAL);
    let mut entries: Vec<Entry> = (quantities.iter().enumerate())
        .map(|(place, quantity)| match quantity {
            Quantity::Loss => (LegendKey::Line(line(place)), "loss".to_owned()),
            Quantity::Of(kind) => (LegendKey::Line(line(place)), kind.symbol()),
        })
        .collect();
    entries.push((LegendKey::Nothing, "(best runs)".to_owned()));
    let layout = Layout::of_panels(style, &entries, shown.len(), PANELS)?;
    let best: Vec<Vec<&Row>> = finished.fits.iter().map(FinishedFit::best_rows).collect();
    let curves: Vec<Vec<f64>> = (quantities.iter())
        .flat_map(|quantity| {
            best.iter()
                .map(|rows| rows.iter().map(|row| quantity.value(row).0).collect())
        })
        .collect();
    let in_nats = (finished.fits.iter()).all(|fit| fit.summary.divergence.is_in_nats());
    let label = match in_nats || !quantities.contains(&Quantity::Loss) {
        true => "nats",
        false => "KL (nats), loss of each fit",
    };
    let y = Axis::showing(&curves, &[], label);
    layout.draw(&entries, |sheet| {
        for (place, &fit) in shown.iter().enumerate() {
            let x = against.axis(finished, &best);
            let title = finished.fits[fit].title();
            let panel = Panel::new(sheet, layout.cell(place), &title, x, y.clone())?;
            let x = panel.ranges().0.clone();
            for (place, quantity) in quantities.iter().enumerate() {
                let points = best[fit]
                    .iter()
                    .map(|row| (against.of(row, &x), quantity.value(row).0));
                panel.curve(points, line(place))?;
            }
            let failed = finished.fits[fit].best_run().is_none();
            let failed = failed.then(|| ALL_FAILED.to_owned());
            panel.corner(panel.cut().into_iter().chain(failed))?;
        }
        Ok(())
    })
}

fn entries(finished: &FinishedRun, style: &Style) -> Vec<Entry> {
    let mut entries: Vec<_> = (finished.fits.iter().enumerate())
        .filter(|(_, fit)| fit.best_run().is_some())
        .map(|(i, fit)| {
            (
                LegendKey::Line(style.fit_stroke(i, theme::THICK)),
                fit.title(),
            )
        })
        .collect();
    if has_others(finished) {
        let faint = stroke(theme::INK, 0.35, theme::HAIRLINE);
        entries.push((LegendKey::Line(faint), "other restarts".to_owned()));
    }
    if has_failures(finished) {
        entries.push(fits::failure_entry());
    }
    if finished.fits.iter().any(|fit| is_random(finished, fit)) {
        let band = faded(theme::INK, 0.2);
        let none = stroke(theme::INK, 0.0, theme::HAIRLINE);
        entries.push((LegendKey::Area(band, none), "± 1 standard error".to_owned()));
    }
    // An optimum of zero has no place on a log scale.
    let known: Vec<String> = (finished.fits.iter())
        .filter(|fit| known_value(fit).is_some_and(|value| value > 0.0))
        .map(FinishedFit::title)
        .collect();
    if !known.is_empty() {
        let label = format!("known optimum of {}", known.join(", "));
        entries.push((LegendKey::Line(optimum_stroke()), label));
    }
    entries
}

/// Whether any number of a fit's curves is a sample.
fn is_random(finished: &FinishedRun, fit: &FinishedFit) -> bool {
    let best = fit.summary.best.as_ref();
    finished.dim() > 2 || best.is_some_and(|best| best.loss.method.is_random())
}

/// The divergence of a fit at its known optimum; of a fit without an end there is nothing to compare with it.
fn known_value(fit: &FinishedFit) -> Option<f64> {
    fit.best_run()?;
    Some(fit.summary.known_optimum.as_ref()?.value.value)
}

/// A fine line of dots and dashes, like that of no fit.
fn optimum_stroke() -> Stroke {
    Stroke {
        dash: &[3.0, 0.6, 0.4, 0.6],
        ..stroke(theme::INK, 1.0, theme::THIN)
    }
}
