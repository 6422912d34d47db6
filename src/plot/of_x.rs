//! Target and fits in the coordinates x that have bounds, where p is large and where it falls: densities of x, not of
//! u. On a line, or for every pair of coordinates.

use nalgebra::Matrix2;

use super::axis::Axis;
use super::contour::ContourGrid;
use super::export::Drawing;
use super::figure::Figure;
use super::layout::Layout;
use super::legend::{self, Entry, LegendKey};
use super::margins::COMPACT;
use super::mark::Point;
use super::panel::Panel;
use super::reach::Reach;
use super::sheet::Sheet;
use super::style::Style;
use super::theme::{self, Stroke, faded, stroke};
use super::{pairs, plane_2d, regions, rows};
use crate::config::FigureName;
use crate::coordinates::Support;
use crate::density::target::TargetModel;
use crate::error::Result;
use crate::mixture::Mixture;
use crate::run_folder::FinishedRun;

/// How many standard deviations of u are shown; fewer where x grows as e^u: more leave room for nothing else.
const REACH: f64 = 3.3;
const REACH_OF_EXPONENTIALS: f64 = 2.0;
/// An axis that ends so close to a bound, as a share of its length, ends there.
const BESIDE: f64 = 0.15;
/// Beside a bound densities may grow without end: nothing is looked at closer to it, as a share of the axis.
const INSIDE: f64 = 1e-3;
/// What is closer than this does not raise the top of a curve.
const NEAR: f64 = 1e-2;
/// Points of a curve, and nodes of a grid on a side.
const POINTS: usize = 600;
const NODES: usize = 121;
/// The height of a figure of one coordinate, in mm.
const HEIGHT: f64 = 72.0;
/// The lines of a fit are around the masses that a Gaussian has within so many standard deviations.
const DRAWN: [f64; 2] = [1.0, 2.0];

/// The figure.
pub const FIGURE: Figure<FinishedRun> = Figure {
    name: FigureName::DensitiesOfX,
    caption: |_, _| {
        Ok(
            "The target p and every fit q as densities of x, whose coordinates have bounds."
                .to_owned(),
        )
    },
    draw,
};

/// Draws the figure.
fn draw(finished: &FinishedRun, style: &Style) -> Result<Drawing> {
    let supports: Vec<Support> = match finished.target.bounded() {
        Some(coordinates) => coordinates.supports().collect(),
        None => vec![Support::Real; finished.dim()],
    };
    if let [support] = supports[..] {
        return line(finished, style, support);
    }
    let lines = "at 61 % and 14 % of its peak";
    pairs::draw(
        FIGURE.name,
        finished,
        style,
        lines,
        |finished, sheet, cell, [i, j]| {
            pair(finished, sheet, cell, [i, j], [supports[i], supports[j]])
        },
    )
}

/// The axis of coordinate `d` of the target.
fn axis(finished: &FinishedRun, fits: &[(usize, Mixture)], d: usize, support: Support) -> Axis {
    let names = match finished.target.bounded() {
        Some(coordinates) => coordinates.names(),
        None => finished.coordinates(),
    };
    let stds = match support {
        Support::Above(_) | Support::Below(_) => REACH_OF_EXPONENTIALS,
        Support::Real | Support::Between(..) => REACH,
    };
    let (mean, covariance) = finished.target.extent();
    let of_target = Reach::around(mean[d], stds * covariance[(d, d)].sqrt());
    let of_fits = fits.iter().map(|(_, q)| Reach::of_mixture(q, d, stds));
    let Reach { low, high } = of_fits.fold(of_target, Reach::and);
    let (one, other) = (support.apply(low), support.apply(high));
    let (mut low, mut high) = (one.min(other), one.max(other));
    let (least, most) = support.bounds();
    let beside = BESIDE * (high - low);
    if low - least < beside {
        low = least;
    }
    if most - high < beside {
        high = most;
    }
    Axis::linear(low, high, names[d].clone())
}

/// x, or what lies inside the bounds beside it.
fn inside(x: f64, axis: &Axis, support: Support, share: f64) -> f64 {
    let (least, most) = support.bounds();
    let air = share * (axis.high - axis.low);
    x.max(least + air).min(most - air)
}

/// Where the fits ended, each with its place.
fn ends(finished: &FinishedRun) -> Vec<(usize, Mixture)> {
    let fits = finished.fits.iter().enumerate();
    fits.filter_map(|(i, fit)| Some((i, fit.end()?))).collect()
}

/// The log-densities of x at some points, given those of u.
fn of_x(
    u: &[f64],
    supports: &[Support],
    log_densities: impl FnOnce(&[f64], &mut [f64]),
) -> Vec<f64> {
    let dim = supports.len();
    let mut logs = vec![0.0; u.len() / dim];
    log_densities(u, &mut logs);
    for (log, u) in logs.iter_mut().zip(u.chunks_exact(dim)) {
        *log -= (supports.iter().zip(u))
            .map(|(support, u)| support.log_slope(*u))
            .sum::<f64>();
        if log.is_nan() {
            *log = f64::NEG_INFINITY;
        }
    }
    logs
}

/// On a line: p filled, and every fit.
fn line(finished: &FinishedRun, style: &Style, support: Support) -> Result<Drawing> {
    style.chosen(FIGURE.name.name(), &[])?;
    let ends = ends(finished);
    let x = style.x_axis(axis(finished, &ends, 0, support));
    let mut at: Vec<f64> = (0..=POINTS)
        .map(|i| x.low + (x.high - x.low) * i as f64 / POINTS as f64)
        .map(|at| inside(at, &x, support, INSIDE))
        .collect();
    // Narrow components have some of their own.
    for (_, q) in &ends {
        for k in 0..q.components() {
            let (mean, std) = (q.means()[k][0], q.component_stds(k)[0]);
            at.extend((-24..=24).map(|i| support.apply(mean + std * f64::from(i) / 6.0)));
        }
    }
    at.retain(|at| (x.low..=x.high).contains(at) && inside(*at, &x, support, INSIDE) == *at);
    at.sort_by(f64::total_cmp);
    at.dedup();
    let u: Vec<f64> = at.iter().map(|x| support.invert(*x)).collect();
    let curve = |logs: Vec<f64>| -> Vec<Point> {
        (at.iter().zip(logs))
            .map(|(x, log)| (*x, log.exp()))
            .collect()
    };
    let p = curve(of_x(&u, &[support], |u, logs| {
        finished.target.log_densities(u, logs);
    }));
    let fits: Vec<(usize, Vec<Point>)> = (ends.iter())
        .map(|(i, q)| {
            let logs = of_x(&u, &[support], |u, logs| {
                for (log, u) in logs.iter_mut().zip(u) {
                    *log = q.log_density(&[*u]);
                }
            });
            (*i, curve(logs))
        })
        .collect();
    let seen = (fits.iter().flat_map(|(_, curve)| curve).chain(&p))
        .filter(|(at, _)| inside(*at, &x, support, NEAR) == *at);
    let top = seen.map(|(_, height)| *height).fold(0.0, f64::max);
    let entries: Vec<Entry> = std::iter::once(legend::target(&finished.target))
        .chain(fits.iter().map(|(i, _)| {
            let mark = LegendKey::Line(style.fit_stroke(*i, theme::THICK));
            (mark, finished.fits[*i].title())
        }))
        .collect();
    let layout = Layout::of_height(style, &entries, HEIGHT)?;
    layout.draw(&entries, |sheet| {
        let y = Axis::linear(0.0, 1.08 * top, "density");
        let panel = Panel::within(sheet, layout.body, COMPACT, x, y)?;
        let area: Vec<_> = p.iter().map(|&(x, p)| (x, 0.0, p)).collect();
        panel.band(&area, faded(theme::TARGET, 0.18))?;
        panel.line(p, stroke(theme::TARGET, 1.0, theme::THIN))?;
        fits.into_iter()
            .try_for_each(|(i, curve)| panel.line(curve, style.fit_stroke(i, theme::THICK)))
    })
}

/// A pair of coordinates of p, shaded, and of every fit.
fn pair(
    finished: &FinishedRun,
    sheet: &Sheet,
    cell: pairs::Cell,
    at: [usize; 2],
    supports: [Support; 2],
) -> Result<()> {
    let ends = ends(finished);
    let [x, y] = [0, 1].map(|side| axis(finished, &ends, at[side], supports[side]));
    let panel = cell.panel(sheet, x, y)?;
    let target = finished.target.marginal(&at)?;
    match target.as_samples() {
        Some(samples) => {
            let size = rows::dot_size(samples);
            for (row, _) in rows::drawn(samples) {
                let at = (supports[0].apply(row[0]), supports[1].apply(row[1]));
                panel.dot(at, size, faded(theme::TARGET, 0.45), None)?;
            }
        }
        None => {
            let grid = seen(&panel, &target, supports);
            let (draws, weights) = regions::draws(&target);
            let logs = of_x(&draws, &supports, |u, logs| target.log_densities(u, logs));
            let levels = regions::levels(&regions::STDS, logs.into_iter().zip(weights));
            let regions: Vec<_> = levels
                .into_iter()
                .map(|level| grid.outlines(level))
                .collect();
            plane_2d::shade(&panel, &regions)?;
        }
    }
    for (fit, end) in ends {
        let q = end.marginal(&at)?;
        for k in 0..q.components() {
            component(
                &panel,
                &q,
                k,
                supports,
                sheet.style.fit_stroke(fit, theme::NORMAL),
            )?;
        }
    }
    Ok(())
}

/// log p of x over a panel.
fn seen(panel: &Panel, target: &TargetModel, supports: [Support; 2]) -> ContourGrid {
    let (x, y) = panel.ranges();
    let side = |axis: &Axis, support: Support| -> Vec<f64> {
        let node = |i| axis.low + (axis.high - axis.low) * i as f64 / (NODES - 1) as f64;
        (0..NODES)
            .map(|i| support.invert(inside(node(i), axis, support, INSIDE)))
            .collect()
    };
    let (columns, rows) = (side(x, supports[0]), side(y, supports[1]));
    let u: Vec<f64> = (rows.iter())
        .flat_map(|y| columns.iter().flat_map(|x| [*x, *y]))
        .collect();
    let values = of_x(&u, &supports, |u, logs| target.log_densities(u, logs));
    ContourGrid::from_values(values, NODES, (x.low, x.high), (y.low, y.high))
}

/// A component around two shares of its mass as a density of x, and a dot at its mean of u.
fn component(
    panel: &Panel,
    q: &Mixture,
    k: usize,
    supports: [Support; 2],
    line: Stroke,
) -> Result<()> {
    let covariance = q.component_covariance(k);
    let covariance = Matrix2::from_fn(|i, j| covariance[(i, j)]);
    let Some(factor) = covariance.cholesky().map(|of| of.l()) else {
        return Ok(());
    };
    let mean = &q.means()[k];
    let u = |(a, b): Point| {
        let to = factor * nalgebra::Vector2::new(a, b);
        [mean[0] + to[0], mean[1] + to[1]]
    };
    // Of a Gaussian of u in units of itself: log|T′| bends by no more than 1 in u and moves the peak that far.
    let reach = 4.0 + factor.norm();
    let density = |a: f64, b: f64| {
        let slopes = supports.iter().zip(u((a, b)));
        -0.5 * (a * a + b * b) - slopes.map(|(of, u)| of.log_slope(u)).sum::<f64>()
    };
    let grid = ContourGrid::new(NODES, (-reach, reach), (-reach, reach), density);
    let on_x = |point: Point| {
        let [a, b] = u(point);
        (supports[0].apply(a), supports[1].apply(b))
    };
    let lines = [line, plane_2d::outer(line)];
    let draws = regions::normals().map(|(a, b)| (density(a, b), 1.0));
    for (level, line) in regions::levels(&DRAWN, draws).into_iter().zip(lines) {
        for outline in grid.outlines(level) {
            panel.line(outline.into_iter().map(on_x), line)?;
        }
    }
    panel.dot(on_x((0.0, 0.0)), 0.55, line.color, None)
}
