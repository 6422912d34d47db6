//! What each number of components is worth, and which one was chosen.

use super::axis::Axis;
use super::export::Drawing;
use super::figure::Figure;
use super::layout::{Layout, Panels};
use super::legend::{Entry, LegendKey};
use super::mark::Rect;
use super::panel::Panel;
use super::sheet::Sheet;
use super::style::Style;
use super::theme::{self, faded, stroke};
use crate::config::FigureName;
use crate::divergence::Estimate;
use crate::error::Result;
use crate::record::{Candidate, Choice};
use crate::run_folder::FinishedRun;

/// For each choice up to three.
const PANELS: Panels = Panels {
    least: 50.0,
    most: 3,
    height: |_| 62.0,
    below: 0.0,
};
/// The radius of a dot, in mm.
const DOT: f64 = 0.9;

/// The figure.
pub const FIGURE: Figure<FinishedRun> = Figure {
    name: FigureName::Choice,
    caption: |_, _| {
        Ok(
            "What each number of components is worth; the filled dots are those that were chosen."
                .to_owned(),
        )
    },
    draw,
};

/// A line of a panel: what each candidate has.
struct Series {
    name: &'static str,
    points: Vec<(usize, Estimate)>,
}

/// What a panel shows.
struct Values {
    title: String,
    unit: String,
    series: Vec<Series>,
}

fn draw(finished: &FinishedRun, style: &Style) -> Result<Drawing> {
    style.chosen(FIGURE.name.name(), &[])?;
    let choices = &finished.summary.choices;
    let panels: Vec<(Values, &Choice)> = (choices.iter())
        .flat_map(|choice| {
            values(choice)
                .into_iter()
                .map(move |values| (values, choice))
        })
        .collect();
    let mut entries: Vec<Entry> = (panels.iter())
        .find(|(values, _)| values.series.len() > 1)
        .into_iter()
        .flat_map(|(values, _)| values.series.iter().enumerate())
        .map(|(i, series)| {
            let line = style.fit_stroke(i, theme::THICK);
            (LegendKey::Line(line), series.name.to_owned())
        })
        .collect();
    let ink = faded(theme::INK, 1.0);
    entries.push((LegendKey::Dot(ink, None), "chosen".to_owned()));
    entries.push((
        LegendKey::Dot(ink, Some(theme::THIN)),
        "other candidates".to_owned(),
    ));
    // Those of one choice stand in a row where there is room.
    let kind = Panels {
        most: choices
            .iter()
            .map(|choice| values(choice).len())
            .max()
            .unwrap_or(1),
        ..PANELS
    };
    let layout = Layout::of_panels(style, &entries, panels.len(), kind)?;
    layout.draw(&entries, |sheet| {
        (panels.iter().enumerate()).try_for_each(|(place, (values, choice))| {
            draw_panel(sheet, layout.cell(place), values, choice)
        })
    })
}

/// The panels of a choice.
fn values(choice: &Choice) -> Vec<Values> {
    let series = |name, value: &dyn Fn(&Candidate) -> Option<Estimate>| Series {
        name,
        points: (choice.candidates.iter())
            .filter_map(|one| Some((one.components, value(one)?)))
            .collect(),
    };
    let known = choice.candidates.first();
    let mut all = vec![Values {
        title: choice.name.clone(),
        unit: choice.divergence.with_unit(),
        series: vec![series("", &|one| Some(one.value))],
    }];
    if known.is_some_and(|one| one.held_out.is_some()) {
        all.push(Values {
            title: "rows held out".to_owned(),
            unit: choice.divergence.with_unit(),
            series: vec![series("", &|one| one.held_out)],
        });
    }
    if known.is_some_and(|one| one.criteria.is_some()) {
        let bic = series("BIC", &|one| Some(Estimate::exact(one.criteria?.bic)));
        let icl = series("ICL", &|one| Some(Estimate::exact(one.criteria?.icl)));
        all.push(Values {
            title: "criteria".to_owned(),
            unit: "BIC or ICL above its least".to_owned(),
            series: [bic, icl].map(above_the_least).into(),
        });
    }
    all
}

fn above_the_least(series: Series) -> Series {
    let values = series.points.iter().map(|(_, of)| of.value);
    let least = values.fold(f64::INFINITY, f64::min);
    let above = |(k, of): (usize, Estimate)| (k, Estimate::exact(of.value - least));
    Series {
        points: series.points.into_iter().map(above).collect(),
        ..series
    }
}

fn draw_panel(sheet: &Sheet, cell: Rect, values: &Values, choice: &Choice) -> Result<()> {
    let all = || values.series.iter().flat_map(|series| &series.points);
    let ends = all().flat_map(|(_, of)| {
        [of.value - of.error, of.value + of.error].map(|end| if end > 0.0 { end } else { of.value })
    });
    // The least of criteria is 0, which no log scale has.
    let y = match values.series.len() {
        1 => Axis::holding(ends, values.unit.clone()),
        _ => Axis::holding_linear(ends, 0.0, values.unit.clone()),
    };
    let numbers = || choice.candidates.iter().map(|one| one.components);
    let least = numbers().min().unwrap_or(1) as f64;
    let most = numbers().max().unwrap_or(1) as f64;
    let pad = 0.06 * (most - least).max(1.0);
    let x = Axis::linear(least - pad, most + pad, "components").whole();
    let panel = Panel::new(sheet, cell, &values.title, x, y)?;
    let chosen = choice.chosen().map(|one| one.components);
    for (i, series) in values.series.iter().enumerate() {
        let point = |(k, of): &(usize, Estimate)| (*k as f64, of.value);
        panel.line(
            series.points.iter().map(point),
            sheet.style.fit_stroke(i, theme::NORMAL),
        )?;
        for (k, of) in &series.points {
            let at = *k as f64;
            if of.error > 0.0 && of.error.is_finite() {
                let bar = [(at, of.value - of.error), (at, of.value + of.error)];
                panel.line(bar, stroke(sheet.style.fit_color(i), 1.0, theme::THIN))?;
            }
            let color = faded(sheet.style.fit_color(i), 1.0);
            match chosen == Some(*k) {
                true => panel.dot((at, of.value), 1.3 * DOT, color, None)?,
                false => panel.dot((at, of.value), DOT, color, Some(theme::THIN))?,
            }
        }
    }
    Ok(())
}
