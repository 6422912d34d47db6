//! What a density of u is of the coordinates x that have bounds: the mean and the standard deviation of each.

use super::adapt::{Weighted, weights};
use super::by_draws::HEAVY;
use super::problem::Problem;
use crate::coordinates::Support;
use crate::density::target::{CoordinateOfX, Elliptical, MomentsOfX};
use crate::judge::diagnostics::psis;
use crate::panels::{self, Expected, LegendreOrder, PanelEffort};

/// A mean that is not known to this share of a standard deviation is not told.
const ROUGH: f64 = 0.1;

/// On a line and in the plane, where both sets of panels together tell the error.
const EFFORT: [PanelEffort; 2] = [
    PanelEffort::UTMOST[0],
    PanelEffort {
        order: LegendreOrder::Sixteen,
        length: 1.0,
        cut: 1,
        tolerance: 1e-8,
        rounds: 6,
        points: 1 << 22,
        both_ways: false,
    },
];

/// What is known of p: draws of its proposal, and panels as far as they were laid and farther, where there are any.
pub(super) struct KnownOfP<'a> {
    pub draws: &'a Weighted,
    pub panels: Vec<Elliptical<'a>>,
    /// log ∫ f du, and how far it may be off: so much of p may lie elsewhere.
    pub log_normalizer: f64,
    pub missing: f64,
    /// How far rounding moves log f, in nats.
    pub rounding: f64,
}

/// The moments of every coordinate x, by panels if there are some; none where x is u.
pub(super) fn moments(problem: Problem, p: &KnownOfP) -> Option<Vec<CoordinateOfX>> {
    let coordinates = problem.function.coordinates();
    if coordinates.is_unbounded() {
        return None;
    }
    let (dim, supports) = (problem.dim(), Vec::from_iter(coordinates.supports()));
    let weights = weights(&p.draws.log_ratios());
    let by_draws: Vec<ByDraws> = (supports.iter().enumerate())
        .map(|(i, support)| {
            let u = p.draws.x.iter().skip(i).step_by(dim);
            ByDraws::new(u.map(|u| support.offset(*u)), &weights, p.missing)
        })
        .collect();
    let known = match p.panels.is_empty() {
        true => by_draws.iter().map(ByDraws::known).collect(),
        false => by_panels(problem, p, &supports, &by_draws),
    };
    let each = coordinates.names().into_iter().zip(known).zip(supports);
    let told = each.map(|((coordinate, moments), support)| CoordinateOfX {
        coordinate,
        moments: moments.map(|of| of.counted_from(support.origin())),
    });
    Some(told.collect())
}

/// From the mean and the mean square of (x − centre) / scale, each with its error; none if they are not known well
/// enough.
fn known([centre, scale]: [f64; 2], first: [f64; 2], second: [f64; 2]) -> Option<MomentsOfX> {
    let variance = second[0] - first[0] * first[0];
    let std = variance.sqrt();
    let of_variance = second[1] + 2.0 * first[0].abs() * first[1];
    let of_std = 0.5 * of_variance / std;
    let is_known = first[1] < ROUGH * std && of_std < ROUGH * std;
    is_known.then_some(MomentsOfX {
        mean: centre + scale * first[0],
        mean_error: scale * first[1],
        std: scale * std,
        std_error: scale * of_std,
    })
}

/// A coordinate at weighted draws; those without weight are left out, wherever they are.
struct ByDraws {
    /// x with its weight.
    draws: Vec<(f64, f64)>,
    centre: f64,
    scale: f64,
    missing: f64,
}

impl ByDraws {
    fn new(x: impl Iterator<Item = f64>, weights: &[f64], missing: f64) -> Self {
        let pairs = x.zip(weights.iter().copied());
        let draws: Vec<(f64, f64)> = pairs.filter(|(_, weight)| *weight > 0.0).collect();
        let mean = |f: &dyn Fn(f64) -> f64| -> f64 {
            draws.iter().map(|(x, weight)| weight * f(*x)).sum()
        };
        let centre = mean(&|x| x);
        let scale = mean(&|x| (x - centre).powi(2)).sqrt();
        Self {
            draws,
            centre,
            scale,
            missing,
        }
    }

    /// In units of the standard deviation from the mean.
    fn z(&self, x: f64) -> f64 {
        (x - self.centre) / self.scale
    }

    /// The error of the mean of zᵏ, which is `value`: infinite where the largest terms are too heavy.
    fn error(&self, power: i32, value: f64) -> f64 {
        let terms = || (self.draws.iter()).map(|(x, weight)| (*weight, self.z(*x).powi(power)));
        let logs: Vec<f64> = terms()
            .map(|(weight, f)| weight.ln() + f.abs().ln())
            .collect();
        let squares = terms().map(|(weight, f)| (weight * (f - value)).powi(2));
        match psis(&logs).k_hat <= HEAVY {
            true => squares.sum::<f64>().sqrt() + self.missing,
            false => f64::INFINITY,
        }
    }

    fn known(&self) -> Option<MomentsOfX> {
        let [first, second] = [(1, 0.0), (2, 1.0)].map(|(k, value)| [value, self.error(k, value)]);
        known([self.centre, self.scale], first, second)
    }
}

/// By panels: those that go farther tell what is beyond the others.
fn by_panels(
    problem: Problem,
    p: &KnownOfP,
    supports: &[Support],
    by_draws: &[ByDraws],
) -> Vec<Option<MomentsOfX>> {
    let z = |i: usize, u: &[f64]| by_draws[i].z(supports[i].offset(u[i]));
    let z = &z;
    let powers: Vec<_> = (0..supports.len())
        .flat_map(|i| [1, 2].map(move |power| move |u: &[f64]| z(i, u).powi(power)))
        .collect();
    let one = |_: &[f64]| 1.0;
    let all: Vec<Expected> = std::iter::once(&one as Expected)
        .chain(powers.iter().map(|f| f as Expected))
        .collect();
    let log_density = |u: &[f64], logs: &mut [f64]| {
        problem.function.evaluate(u, logs, None);
        for log in logs {
            *log = if log.is_nan() {
                f64::NEG_INFINITY
            } else {
                *log - p.log_normalizer
            };
        }
    };
    let effort = EFFORT[supports.len() - 1];
    let found: Option<Vec<_>> = (p.panels.iter())
        .map(|laid| panels::expectations(*laid, &log_density, p.rounding, &all, effort))
        .collect();
    let Some(found) = found else {
        return vec![None; supports.len()];
    };
    let [near, far] = [&found[0], &found[found.len() - 1]];
    let moment = |at: usize| {
        let value = near[at].value / near[0].value;
        let apart = (value - far[at].value / far[0].value).abs();
        [value, near[at].error + apart + p.missing]
    };
    (by_draws.iter().enumerate())
        .map(|(i, one)| {
            known(
                [one.centre, one.scale],
                moment(1 + 2 * i),
                moment(2 + 2 * i),
            )
        })
        .collect()
}
