//! The constant that an unnormalised density lacks, and where its mass is.

mod adapt;
mod ascent;
mod by_draws;
mod by_panels;
mod of_x;
mod problem;
mod rounding;
mod tails;
mod together;
mod walk;

use std::sync::{Mutex, PoisonError};

use nalgebra::{DMatrix, DVector};

use crate::compute::noise::{RunKey, Stream};
use crate::density::target::{Function, Grid, Located, Panels, PointsOf, Tails, Unnormalized};
use crate::error::Refusal;
use adapt::{Effort, Weighted};
use by_draws::Sampled;
use by_panels::Exact;
use problem::Problem;

/// Components of the proposal, and of what panels are laid around, at most, and the share of its draws that must
/// count, where more do not come to that.
const PROPOSAL: (usize, f64) = (24, 0.9);
const SHAPE: (usize, f64) = (10, 0.4);
/// Draws of the proposal that the constant, or a check of it, is the mean of.
const DRAWS: usize = 1 << 17;
/// ν of a proposal for a density whose tails are no powers.
const LIGHT: f64 = 5.0;
/// The share of draws where a formula may be no number.
const MOST_UNKNOWN: f64 = 0.02;
/// What draws do not come to is told as so many times what walkers found of it, who do not come to all of it.
const SEEN: f64 = 2.0;
/// Dimensions of panels at most.
const MOST_ON_PANELS: usize = 2;
/// So many functions that were looked at last are kept in mind.
const MEMORY: usize = 4;

/// What was found of them: the points of a sweep, and a run that goes on, ask for the same one.
static KNOWN: Mutex<Vec<Unnormalized>> = Mutex::new(Vec::new());

/// Finds where a function has its mass, and the logarithm of its integral with an error.
///
/// The same function gives the same numbers every time.
///
/// # Errors
/// If it is NaN or +∞ somewhere near the origin or where its mass is, −∞ wherever it is looked for, does not
/// fall off, or falls too slowly to have an integral.
pub fn locate(function: impl Into<Function>) -> Result<Unnormalized, Refusal> {
    let function = function.into();
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let is_it = |one: &&Unnormalized| *one.function() == function && one.function().check().is_ok();
    if let Some(found) = known().iter().find(is_it) {
        return Ok(found.clone());
    }
    let found = looked_for(function)?;
    let mut known = known();
    known.truncate(MEMORY - 1);
    known.insert(0, found.clone());
    Ok(found)
}

/// Forgets all that was found: what programs are still running for it end.
pub fn forget() {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

fn looked_for(function: Function) -> Result<Unnormalized, Refusal> {
    function.start()?;
    let found = found(&function);
    // Numbers that a program no longer gives look like those of a function that has none.
    function.check().map_err(|error| {
        let help = error.help().unwrap_or_default();
        Refusal::new(function.key(), error.to_string(), help)
    })?;
    Ok(Unnormalized::new(function, found?))
}

fn found(function: &Function) -> Result<Located, Refusal> {
    let problem = Problem::new(function);
    let dim = problem.dim();
    let thrift = problem.thrift();
    let mut generator = RunKey { seed: 0, run: 0 }.generator(Stream::Normalizer, 0);
    let peaks = ascent::peaks(problem, &mut generator)?;
    let adapted = |dof: f64, (components, share): (usize, f64), generator: &mut _| {
        let effort = Effort {
            components,
            draws: (4096 * dim).clamp(8192, 32768) / thrift,
            rounds: 40,
            share,
        };
        adapt::adapt(problem, &peaks, dof, effort, generator).ok_or_else(|| {
            problem.refused(
                "has its mass where numbers do not tell places apart".into(),
                "shift and scale the coordinates, so that they are about 1",
            )
        })
    };
    let mut proposal = adapted(LIGHT, PROPOSAL, &mut generator)?;
    let tails = match function {
        Function::Grid(_) => Tails::None,
        _ => tails::tails(problem, &proposal, &mut generator)?,
    };
    if let Tails::Power { dof } = tails
        && dof < LIGHT
    {
        proposal = adapted(dof, PROPOSAL, &mut generator)?;
    }
    // Panels need no more than to know where it is and how wide.
    let shape = match dim {
        2 if thrift > 1 => None,
        1 | 2 => Some(adapted(proposal.dof(), SHAPE, &mut generator)?),
        _ => None,
    };
    let draws = Weighted::draw(problem, &proposal, DRAWS / thrift, &mut generator);
    if let Some(i) = draws.log_f.iter().position(|log| *log == f64::INFINITY) {
        let x = DVector::from_column_slice(&draws.x[i * dim..(i + 1) * dim]);
        return Err(problem.infinite(&x));
    }
    // Far out, where a formula overflows, it counts as 0; where p is, it must be a number.
    let unknown = draws.log_f.iter().filter(|log| log.is_nan()).count();
    if unknown as f64 > MOST_UNKNOWN * draws.log_f.len() as f64
        && let Some(i) = draws.log_f.iter().position(|log| log.is_nan())
    {
        let x = DVector::from_column_slice(&draws.x[i * dim..(i + 1) * dim]);
        return Err(problem.not_a_number(&x));
    }
    let mut sampled = Sampled::new(problem, &draws);
    if shape.is_none() {
        let unseen = walk::unseen(problem, &proposal, &draws, &sampled.moments, &mut generator);
        sampled.moments.error += SEEN * unseen;
    }
    let exact = match shape {
        Some(shape) => by_panels::integrate(problem, shape, &proposal, tails, &sampled),
        None => None,
    };
    let moments = exact
        .as_ref()
        .map_or(&sampled.moments, |exact| &exact.moments);
    let of_x = of_x::moments(
        problem,
        &of_x::KnownOfP {
            draws: &draws,
            panels: exact.as_ref().map_or_else(Vec::new, Exact::laid_twice),
            log_normalizer: moments.log_normalizer,
            missing: moments.error,
            rounding: sampled.rounding,
        },
    );
    let mut located = Located {
        log_normalizer: moments.log_normalizer,
        log_normalizer_error: moments.error,
        rounding: sampled.rounding,
        k_hat: sampled.k_hat,
        mean: moments.mean.clone(),
        covariance: moments.covariance.clone(),
        moments_error: moments.moments_error,
        of_x,
        proposal,
        panels: exact.map(|exact| exact.panels),
        tails,
        modes: modes(problem, &peaks),
    };
    if let Some(grid) = function.as_grid() {
        on_grid(grid, &mut located);
    }
    Ok(located)
}

/// What a grid itself tells of the density between its nodes: panels do not see where that bends.
fn on_grid(grid: &Grid, located: &mut Located) {
    let integral = grid.integral();
    let dim = integral.mean.len();
    located.modes = grid.modes();
    located.mean = DVector::from_column_slice(&integral.mean);
    located.covariance = DMatrix::from_column_slice(dim, dim, &integral.covariance);
    located.log_normalizer = integral.log_normalizer;
    located.moments_error = integral.error;
    if dim > MOST_ON_PANELS {
        // Numbers come from draws of the proposal, which may not tell.
        if located.log_normalizer_error.is_finite() {
            located.log_normalizer_error = integral.error;
        }
        return;
    }
    located.log_normalizer_error = integral.error;
    let panels = located.panels.get_or_insert_with(|| Panels {
        shape: located.proposal.scales().clone(),
        dof: None,
        points: None,
    });
    if let Some((x, weights)) = integral.points.clone() {
        panels.points = Some(PointsOf { x, weights });
    }
}

/// Whether a density bends upwards at a place where it is level: a climb that began at the bottom between two modes
/// has stayed there.
fn rises(problem: Problem, peak: &ascent::Peak) -> bool {
    const STEP: f64 = 0.1;
    (peak.factor.column_iter()).any(|along| {
        let [up, down] = [STEP, -STEP].map(|step| {
            let (_, slope) = problem.with_gradient(&(&peak.at + along * step));
            along.dot(&slope)
        });
        // Rounding and a level ridge bend less.
        up - down > 1e-3 * STEP
    })
}

/// The peaks that are modes: where it does not rise any more, by a width.
fn modes(problem: Problem, peaks: &[ascent::Peak]) -> Option<Vec<DVector<f64>>> {
    const MOST: usize = 24;
    let top = (peaks.iter().map(|peak| peak.height)).fold(f64::NEG_INFINITY, f64::max);
    let modes: Vec<DVector<f64>> = (peaks.iter())
        .filter(|peak| peak.height > top - 30.0)
        .filter(|peak| {
            let (_, slope) = problem.with_gradient(&peak.at);
            (peak.factor.transpose() * slope).norm() < 1e-2 && !rises(problem, peak)
        })
        .map(|peak| peak.at.clone())
        .collect();
    // As many as that are a ridge.
    (modes.len() <= MOST).then_some(modes)
}

#[cfg(test)]
mod tests;
