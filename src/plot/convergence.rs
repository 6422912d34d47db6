//! The loss and both KLs against the step, or what the fits took of the target, all fits together, with error bands
//! and known optima.

use super::axis::Axis;
use super::export::Svg;
use super::figure::Figure;
use super::legend::{self, LegendKey};
use super::panel::Panel;
use super::sheet::{self, Rect, Sheet};
use super::theme::{self, Stroke, faded, fit_color, fit_stroke, stroke};
use crate::divergence::DivergenceKind;
use crate::error::Result;
use crate::record::Row;
use crate::run_folder::{FinishedFit, FinishedRun};

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

    /// Its value at a row, with its error.
    fn value(self, row: &Row) -> (f64, f64) {
        match self {
            Self::Loss => (row.loss, row.loss_error),
            Self::Of(kind) => row.divergence(kind),
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
    fn of(self, row: &Row) -> f64 {
        match self {
            Self::Steps => row.step as f64,
            Self::Evaluations => row.evaluations.log_density as f64,
        }
    }

    fn axis(self, finished: &FinishedRun, best: &[Vec<&Row>]) -> Axis {
        let rows = best.iter().flatten();
        match self {
            Self::Steps => {
                let last = rows.map(|row| row.step).max().unwrap_or(1);
                let every = finished.fits.iter().map(|fit| fit.trajectory.every).max();
                Axis::steps(last, every.unwrap_or(1))
            }
            Self::Evaluations => {
                Axis::holding(rows.map(|row| self.of(row)), "evaluations of log p")
            }
        }
    }
}

/// Costs of a step that differ by no more than this factor are the same to the eye.
const SAME_COST: f64 = 1.05;

/// The loss, and both KLs where the target has a density.
fn panels(finished: &FinishedRun) -> Vec<Quantity> {
    if !finished.target.has_density() {
        return vec![Quantity::Loss];
    }
    [DivergenceKind::ForwardKl, DivergenceKind::ReverseKl]
        .into_iter()
        .filter(|&kind| kind.infinite_for(finished.target.tails()).is_none())
        .map(Quantity::Of)
        .fold(vec![Quantity::Loss], |mut panels, panel| {
            panels.push(panel);
            panels
        })
}

/// The figure.
pub const FIGURE: Figure<FinishedRun> = Figure {
    name: "convergence",
    caption: "Divergences, loss and gap over the steps; thin lines are the other restarts.",
    draw,
};

/// The same against what the fits took of the target.
pub const EVALUATIONS: Figure<FinishedRun> = Figure {
    name: "evaluations",
    caption: "Divergences and loss over the evaluations of log p that the best run of each fit took, its start included; \
              thin lines are the other restarts.",
    draw: |finished| draw_against(finished, Against::Evaluations),
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

/// Draws the figure.
fn draw(finished: &FinishedRun) -> Result<Svg> {
    draw_against(finished, Against::Steps)
}

fn draw_against(finished: &FinishedRun, against: Against) -> Result<Svg> {
    let name = match against {
        Against::Steps => FIGURE.name,
        Against::Evaluations => EVALUATIONS.name,
    };
    let entries = entries(finished);
    let top = legend::height(&entries) + 1.0;
    let height = top + 62.0;
    let panels = panels(finished);
    sheet::draw(name, theme::PAGE, height, |sheet| {
        let page = Rect::new(0.0, 0.0, theme::PAGE, height);
        legend::draw(sheet, page, &entries)?;
        for (i, quantity) in panels.iter().enumerate() {
            let cell = page.below(top).cell((0, 1), (i, panels.len()));
            draw_panel(finished, sheet, cell, (*quantity, against))?;
        }
        Ok(())
    })
}

fn draw_panel(
    finished: &FinishedRun,
    sheet: &Sheet,
    cell: Rect,
    (quantity, against): (Quantity, Against),
) -> Result<()> {
    let title = quantity.title();
    let best: Vec<Vec<&Row>> = finished.fits.iter().map(FinishedFit::best_rows).collect();
    let known = |fit: &FinishedFit| {
        let own = Quantity::Of(fit.summary.divergence);
        let belongs = quantity == Quantity::Loss || quantity == own;
        belongs.then(|| known_value(fit))?
    };
    // The best runs set the scale; others may start anywhere.
    let shown = best.iter().flatten().flat_map(|row| {
        let (value, error) = quantity.value(row);
        [value - error, value + error, value].map(|v| if v > 0.0 { v } else { value })
    });
    let optima = finished
        .fits
        .iter()
        .filter_map(known)
        .filter(|&value| value > 0.0);
    let in_nats = (finished.fits.iter()).all(|fit| fit.summary.divergence.is_in_nats());
    let y = Axis::holding(
        shown.chain(optima),
        match quantity {
            Quantity::Of(kind) => kind.with_unit(),
            Quantity::Loss if in_nats => "loss (nats)".to_owned(),
            Quantity::Loss => "loss".to_owned(),
        },
    );
    let x = against.axis(finished, &best);
    let panel = Panel::new(sheet, cell, &title, x, y)?;
    let point = |row: &Row| (against.of(row), quantity.value(row).0);
    for (i, fit) in finished.fits.iter().enumerate() {
        let thin = stroke(fit_color(i), 0.16, theme::HAIRLINE);
        for run in fit.shown() {
            let rows = fit.trajectory.run(run);
            panel.line(rows.map(point), thin)?;
        }
    }
    for (i, (fit, rows)) in finished.fits.iter().zip(&best).enumerate() {
        // Errors of a quadrature are no wider than a line.
        if is_random(finished, fit) {
            let band: Vec<_> = (rows.iter())
                .map(|row| (against.of(row), quantity.value(row)))
                .map(|(at, (value, error))| (at, value - error, value + error))
                .collect();
            panel.band(&band, faded(fit_color(i), 0.25))?;
        }
        panel.line(rows.iter().copied().map(point), fit_stroke(i, theme::THICK))?;
        if let Some(value) = known(fit).filter(|&value| value > 0.0) {
            panel.level(value, optimum_stroke())?;
        }
    }
    Ok(())
}

fn entries(finished: &FinishedRun) -> Vec<(LegendKey, String)> {
    let mut entries: Vec<_> = (finished.fits.iter().enumerate())
        .map(|(i, fit)| (LegendKey::Line(fit_stroke(i, theme::THICK)), fit.title()))
        .collect();
    if finished.fits.iter().any(|fit| fit.runs() > 1) {
        let faint = stroke(theme::INK, 0.35, theme::HAIRLINE);
        entries.push((LegendKey::Line(faint), "other restarts".to_owned()));
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

/// The divergence of a fit at its known optimum, by the same noise as its curve: what the curve
/// ends at less the gap.
fn known_value(fit: &FinishedFit) -> Option<f64> {
    let rows = fit.best_rows();
    let end = rows.last().filter(|end| end.gap.is_finite())?;
    Some(end.divergence(fit.summary.divergence).0 - end.gap)
}

/// A fine line of dots and dashes, like that of no fit.
fn optimum_stroke() -> Stroke {
    Stroke {
        dash: &[3.0, 0.6, 0.4, 0.6],
        ..stroke(theme::INK, 1.0, theme::THIN)
    }
}
