//! What is on screen as a file: a config that `klfit run` takes, and a figure.

use std::fmt::Write;
use std::path::Path;

use super::protocol::Format;
use super::state::{Point, State};
use super::view;
use crate::config::{Experiment, FiguresConfig};
use crate::error::Result;
use crate::optimizer::OptimizerRule;
use crate::plot::{self, Mark, Scene};

/// The config of a state.
///
/// # Errors
/// If the state makes no sense.
pub(super) fn config(state: &State) -> Result<String> {
    state.check()?;
    let list = |numbers: &[f64]| {
        let numbers: Vec<String> = numbers.iter().map(|x| format!("{x:?}")).collect();
        format!("[{}]", numbers.join(", "))
    };
    let rows = |rows: &[Vec<f64>]| {
        let rows: Vec<String> = rows.iter().map(|row| list(row)).collect();
        format!("[{}]", rows.join(", "))
    };
    let scales = |points: &[Point]| -> Result<String> {
        if points.iter().all(|point| point.correlation == 0.0) {
            let stds: Vec<Vec<f64>> = points.iter().map(|point| point.stds.clone()).collect();
            return Ok(format!("stds = {}", rows(&stds)));
        }
        let covariances = points
            .iter()
            .map(|point| Ok(rows(&point.covariance(state.dim)?)))
            .collect::<Result<Vec<_>>>()?;
        Ok(format!("covariances = [{}]", covariances.join(", ")))
    };
    let target = &state.target;
    let components: Vec<Point> = (0..target.weights.len())
        .map(|k| Point {
            mean: target.means[k].clone(),
            stds: target.stds[k].clone(),
            correlation: target.correlations[k],
        })
        .collect();
    let mut text = String::from("# Saved by klfit explore.\n\nname = \"explored\"\n\n[target]\n");
    // Writing to a string does not fail.
    _ = writeln!(text, "weights = {}", list(&target.weights));
    _ = writeln!(text, "means = {}", rows(&target.means));
    _ = writeln!(text, "{}\n\n[init]", scales(&components)?);
    _ = writeln!(text, "weights = [1.0]");
    _ = writeln!(
        text,
        "means = {}",
        rows(std::slice::from_ref(&state.start.mean))
    );
    _ = writeln!(text, "{}\n", scales(std::slice::from_ref(&state.start))?);
    _ = writeln!(text, "[optimizer]\ntype = \"{}\"", state.optimizer.rule);
    let rule = OptimizerRule::from_name(&state.optimizer.rule);
    if rule.is_none_or(|rule| rule.has_learning_rate()) {
        _ = writeln!(text, "learning_rate = {:?}", state.optimizer.learning_rate);
    }
    _ = writeln!(text, "steps = {}", state.optimizer.steps);
    for kind in state.kinds()? {
        let name = kind.names().config;
        _ = writeln!(text, "\n[[fit]]\ndivergence = \"{name}\"");
        if let Some(order) = kind.alpha() {
            _ = writeln!(text, "alpha = {order:?}");
        }
    }
    Ok(text)
}

/// The experiment of a state.
///
/// # Errors
/// If the state makes no sense, or an optimizer does not go with it.
pub(super) fn experiment(state: &State) -> Result<Experiment> {
    Experiment::parse(Path::new("explored.toml"), &config(state)?, Vec::new())
}

/// The landscapes of a state with the present q, as a file.
///
/// # Errors
/// If the state makes no sense, or the figure cannot be drawn.
pub(super) fn figure(state: &State, q: Option<&Point>, format: Format) -> Result<Vec<u8>> {
    state.check()?;
    let (p, q) = (state.target()?, view::shown(state, q)?);
    let (cells, surfaces) = view::surfaces(state, &p, &q)?;
    let parameters = state.parameters()?;
    let at = view::coordinates(&q, parameters.map(|(parameter, _)| parameter));
    let marks = vec![Mark::Start { at }];
    let scene = Scene {
        labels: parameters.map(|(_, title)| title.to_owned()),
        columns: cells.axes[0].values.clone(),
        rows: cells.axes[1].values.clone(),
        panels: (surfaces.into_iter())
            .map(|surface| (surface.kind.with_unit(), surface.values, marks.clone()))
            .collect(),
        basins: Vec::new(),
    };
    let picture = plot::landscape_picture(&scene, &FiguresConfig::default())?;
    match format {
        Format::Svg => Ok(picture.svg.into_bytes()),
        Format::Png => picture.png(),
    }
}
