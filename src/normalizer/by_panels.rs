//! The constant as an integral over panels, in one dimension or two.

use nalgebra::{DMatrix, DVector};

use super::LIGHT;
use super::by_draws::{HEAVY, Moments, Sampled};
use super::problem::Problem;
use crate::density::target::{Elliptical, Panels, PointsOf, StudentT, Tails};
use crate::panels::{self, Expected, LegendreOrder, PanelEffort};

/// Above this k̂ ratios have no variance.
const NOT_AROUND: f64 = 0.5;
/// An error as good as none.
const FINE: f64 = 1e-10;
/// ν of what goes farther than a Gaussian.
const NEARLY_GAUSSIAN: f64 = 20.0;
/// Panels that leave more than this share of the constant open are no answer.
const ROUGH: f64 = 1e-4;

/// On a line and in the plane, where edges that lie across all lines would take any number of points.
const EFFORTS: [PanelEffort; 2] = [
    PanelEffort::UTMOST[0],
    PanelEffort {
        points: 1 << 22,
        ..PanelEffort::UTMOST[1]
    },
];

/// What panels found, and those.
pub(super) struct Exact {
    pub moments: Moments,
    pub panels: Panels,
}

impl Exact {
    /// What the panels are laid around, and the same with panels that go farther.
    pub fn laid_twice(&self) -> Vec<Elliptical<'_>> {
        let Panels { shape, dof, .. } = &self.panels;
        let farther = dof.map_or(NEARLY_GAUSSIAN, |dof| 0.5 * dof);
        [*dof, Some(farther)]
            .map(|dof| Elliptical { scales: shape, dof })
            .to_vec()
    }
}

/// The integral around some components; `None` where panels do not tell.
///
/// A narrow ridge that has no component of its own lies between the points of all panels: where those around the
/// more of the proposal differ they are taken, and the difference is the error.
pub(super) fn integrate(
    problem: Problem,
    shape: StudentT,
    proposal: &StudentT,
    tails: Tails,
    sampled: &Sampled,
) -> Option<Exact> {
    let (mut found, dof) = as_far(problem, &shape, tails, sampled)?;
    let mut around = &shape;
    if problem.dim() > 1
        && let Some(finer) = moments(problem, proposal, dof, sampled)
    {
        // What the finer ones still pass by may be as much.
        let apart = 2.0 * (finer.log_normalizer - found.log_normalizer).abs();
        let error = found.error.max(apart);
        let moments_error = found.moments_error.max(apart);
        if apart > found.error.max(FINE) {
            found = Moments {
                error: error.max(finer.error),
                ..finer
            };
            around = proposal;
        }
        found.error = found.error.max(error);
        found.moments_error = found.moments_error.max(moments_error);
    }
    let laid = laid(around, dof);
    Some(Exact {
        panels: Panels {
            points: points(problem, laid, sampled.rounding, found.log_normalizer),
            shape: laid.scales.clone(),
            dof: laid.dof,
        },
        moments: found,
    })
}

/// Components with so many degrees of freedom; Gaussians for infinitely many.
fn laid(shape: &StudentT, dof: f64) -> Elliptical<'_> {
    Elliptical {
        scales: shape.scales(),
        dof: dof.is_finite().then_some(dof),
    }
}

/// ν of the components that panels are laid around, the lightest first: the heavier, the farther they go.
fn shape_dofs(shape: &StudentT, tails: Tails) -> Vec<f64> {
    match tails {
        Tails::None | Tails::Gaussian => vec![f64::INFINITY, NEARLY_GAUSSIAN, LIGHT],
        Tails::Exponential => vec![LIGHT, 2.0],
        Tails::Power { .. } => vec![shape.dof(), 0.5 * shape.dof()],
    }
}

/// By panels around components, as far as p goes, with the ν they are laid with; `None` where they do not tell.
///
/// What lies beyond their ends is seen by panels that go farther.
fn as_far(
    problem: Problem,
    shape: &StudentT,
    tails: Tails,
    sampled: &Sampled,
) -> Option<(Moments, f64)> {
    let mut best: Option<(Moments, f64)> = None;
    let mut nearer: Option<(Moments, f64)> = None;
    for dof in shape_dofs(shape, tails) {
        let Some(mut farther) = moments(problem, shape, dof, sampled) else {
            continue;
        };
        // Of the farthest there is nothing to tell what is beyond but how much that of those before was.
        if let Some((mut near, dof)) = nearer.take() {
            let apart = (near.log_normalizer - farther.log_normalizer).abs();
            near.error = near.error.max(apart);
            farther.error = farther.error.max(apart);
            let error = near.error;
            if best.as_ref().is_none_or(|(best, _)| error < best.error) {
                best = Some((near, dof));
            }
            if error <= FINE {
                return best;
            }
        }
        nearer = Some((farther, dof));
    }
    match (best, nearer) {
        (Some(best), Some(last)) if last.0.error < best.0.error => Some(last),
        (best, last) => best.or(last),
    }
}

/// By panels around components with so many degrees of freedom.
fn moments(problem: Problem, shape: &StudentT, dof: f64, sampled: &Sampled) -> Option<Moments> {
    let dim = problem.dim();
    let shift = sampled.moments.log_normalizer;
    let (centre, spread) = (&sampled.moments.mean, &sampled.moments.covariance);
    let widths: Vec<f64> = (0..dim).map(|i| spread[(i, i)].sqrt()).collect();
    let z = |x: &[f64], i: usize| (x[i] - centre[i]) / widths[i];
    let one = |_: &[f64]| 1.0;
    let first: Vec<_> = (0..dim).map(|i| move |x: &[f64]| z(x, i)).collect();
    let second: Vec<_> = (0..dim)
        .flat_map(|i| (0..=i).map(move |j| (i, j)))
        .map(|(i, j)| move |x: &[f64]| z(x, i) * z(x, j))
        .collect();
    let mut all: Vec<Expected> = vec![&one];
    all.extend(first.iter().map(|f| f as Expected));
    all.extend(second.iter().map(|f| f as Expected));
    let log_density = |x: &[f64], logs: &mut [f64]| {
        problem.function.evaluate(x, logs, None);
        logs.iter_mut().for_each(|log| *log = known(*log) - shift);
    };
    let effort = EFFORTS[dim - 1];
    let found = panels::expectations(
        laid(shape, dof),
        &log_density,
        sampled.rounding,
        &all,
        effort,
    )?;
    let total = found[0];
    let is_good = total.value > 0.0 && total.error <= ROUGH * total.value;
    if !is_good {
        return None;
    }
    let own = total.error / total.value;
    let log = shift + total.value.ln();
    // Either can only miss mass, and draws whose ratios are too heavy do.
    let missing = shift - log;
    let is_told = missing > 0.0 || sampled.k_hat < HEAVY;
    let is_chance = missing.abs() <= 5.0 * sampled.spread;
    let mut error = own;
    if is_told && !is_chance {
        error = error.max(missing.abs());
    }
    // Where the proposal does not lie around all of p panels around it may pass by what is narrower.
    if sampled.k_hat > NOT_AROUND {
        error = error.max(sampled.spread);
    }
    // Of what is missing there is a mean too.
    let moments_error = (found[1..].iter())
        .map(|one| (one.error + one.value.abs() * error) / total.value)
        .fold(error, f64::max);
    let share = |i: usize| found[i].value / total.value;
    let mean = DVector::from_fn(dim, |i, _| share(1 + i));
    let mut covariance = DMatrix::zeros(dim, dim);
    let mut place = 1 + dim;
    for i in 0..dim {
        for j in 0..=i {
            let value = (share(place) - mean[i] * mean[j]) * widths[i] * widths[j];
            covariance[(i, j)] = value;
            covariance[(j, i)] = value;
            place += 1;
        }
    }
    Some(Moments {
        log_normalizer: log,
        error: error + 4.0 * f64::EPSILON * (1.0 + log.abs()),
        mean: DVector::from_fn(dim, |i, _| centre[i] + widths[i] * mean[i]),
        covariance,
        moments_error,
    })
}

/// Points for expectations under p, good enough for a gradient.
fn points(
    problem: Problem,
    shape: Elliptical,
    rounding: f64,
    log_normalizer: f64,
) -> Option<PointsOf> {
    const EFFORT: PanelEffort = PanelEffort {
        order: LegendreOrder::Sixteen,
        length: 1.0,
        cut: 1,
        tolerance: 1e-9,
        rounds: 8,
        points: 1 << 22,
        both_ways: false,
    };
    let log_density = |x: &[f64], logs: &mut [f64]| {
        problem.function.evaluate(x, logs, None);
        logs.iter_mut()
            .for_each(|log| *log = known(*log) - log_normalizer);
    };
    let [x, weights] = panels::points(shape, &log_density, rounding, EFFORT)?;
    Some(PointsOf { x, weights })
}

/// −∞ for what is not a number.
fn known(log: f64) -> f64 {
    if log.is_nan() { f64::NEG_INFINITY } else { log }
}
