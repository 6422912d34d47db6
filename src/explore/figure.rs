//! What is on screen as a figure: densities, integrands and landscapes, with the ways of the fits.

use super::protocol::{Densities, Format, Shown, ShownFit, Sureness};
use super::state::State;
use super::view::{self, Views};
use crate::compute::device::Numerics;
use crate::config::FiguresConfig;
use crate::density::target::Target;
use crate::divergence::DivergenceKind;
use crate::error::{Error, Result};
use crate::mixture::Mixture;
use crate::plot::{self, Explored, ExploredFit, Mark, Scene};
use crate::text;

/// Fits, runs and points of a way that a figure takes; a message has no room for many more.
const MOST_FITS: usize = 12;
const MOST_POINTS: usize = 10_000;

/// What is on screen, as a file.
///
/// # Errors
/// If the state makes no sense, or the figure cannot be drawn.
pub(super) fn figure(state: &State, shown: &Shown, format: Format) -> Result<Vec<u8>> {
    state.check()?;
    check(shown)?;
    let (p, q) = (state.target()?, view::shown(state, shown.q.as_ref())?);
    let fits = (shown.fits.iter())
        .map(|fit| {
            Ok(ExploredFit {
                title: text::shown(&fit.title).into_owned(),
                q: state.member(&fit.q)?,
                others: (fit.others.iter())
                    .map(|q| state.member(q))
                    .collect::<Result<_>>()?,
            })
        })
        .collect::<Result<_>>()?;
    let integrands = match view::densities(state, &p, &q, Sureness::Sure) {
        Densities::Line { integrands, .. } => integrands
            .into_iter()
            .map(|curve| curve.values.into_iter().map(f64::from).collect())
            .collect(),
        Densities::Plane { .. } => Vec::new(),
    };
    let kinds = [DivergenceKind::ForwardKl, DivergenceKind::ReverseKl];
    let words = ["p log(p/q)", "q log(q/p)"];
    let of = |kind: DivergenceKind| {
        shown
            .fits
            .iter()
            .position(|fit| fit.divergence == kind.name())
    };
    let explored = Explored {
        target: (&p).into(),
        q: shown.q.is_none().then_some(q.clone()),
        fits,
        ends: [state.axes.x, state.axes.y],
        integrands: (integrands.into_iter().zip(kinds).zip(words))
            .map(|((values, kind), words): ((Vec<f64>, _), _)| (words, values, of(kind)))
            .collect(),
        landscape: scene(state, shown, [&p, &q])?,
    };
    let picture = plot::explored_picture(&explored, &FiguresConfig::default())?;
    match format {
        Format::Svg => Ok(picture.svg.into_bytes()),
        Format::Png => picture.png(),
    }
}

fn check(shown: &Shown) -> Result<()> {
    let points = |fit: &ShownFit| fit.path.len() + fit.paths.iter().map(Vec::len).sum::<usize>();
    if shown.fits.len() > MOST_FITS || shown.fits.iter().map(points).sum::<usize>() > MOST_POINTS {
        return Err(Error::usage(
            "there is too much on screen for one figure",
            "take fits off the list, or fewer starts",
        ));
    }
    Ok(())
}

/// The landscapes with their optima and the ways of the fits.
fn scene(state: &State, shown: &Shown, [p, q]: [&Mixture; 2]) -> Result<Scene> {
    let (cells, surfaces) = view::surfaces(state, p, q)?;
    let parameters = state.parameters()?;
    let at = view::coordinates(q, parameters.each_ref().map(|(parameter, _)| *parameter));
    let target = Target::new(p, &Numerics::cpu());
    let mut panels = Vec::new();
    for surface in surfaces {
        let name = surface.kind.name();
        let mut marks = Vec::new();
        // Those of other divergences lie below, thin.
        for (fit, one) in shown.fits.iter().enumerate() {
            let is_own = one.divergence == name;
            let others = is_own.then_some(&one.paths).into_iter().flatten();
            marks.extend(others.map(|points| path(points, fit, false)));
            if !is_own {
                marks.push(path(&one.path, fit, false));
            }
        }
        for (fit, one) in shown.fits.iter().enumerate() {
            if one.divergence == name {
                marks.push(path(&one.path, fit, true));
            }
        }
        let minima = surface.minima(cells.columns());
        for optimum in Views::new().fine_optima(state, &cells, &minima, &target, surface.kind)? {
            marks.push(Mark::Optimum {
                at: optimum.at,
                is_best: optimum.is_best,
                at_rest: true,
                label: text::typographic(text::significant(optimum.value, 3)),
            });
        }
        marks.push(Mark::Start { at });
        panels.push((surface.kind.with_unit(), surface.values, marks));
    }
    Ok(Scene {
        labels: parameters.map(|(_, title)| title),
        columns: cells.axes[0].values.clone(),
        rows: cells.axes[1].values.clone(),
        panels,
        basins: Vec::new(),
    })
}

fn path(points: &[[f64; 2]], fit: usize, is_best: bool) -> Mark {
    Mark::Path {
        points: points.to_vec(),
        fit,
        is_best,
    }
}
