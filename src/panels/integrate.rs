//! Divergences of two densities by panels, refined where their error asks for it.

use rayon::prelude::*;

use super::legendre::Order;
use super::sites::{Pair, Part, Sites};
use crate::divergence::{Divergence, Side};

/// The log-density at N points, `[N, D]`, written to N numbers.
pub(crate) type LogDensity<'a> = &'a (dyn Fn(&[f64], &mut [f64]) + Sync);

/// How much work an integral may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Effort {
    /// The rule on each panel.
    pub order: Order,
    /// Every panel of the first level is cut into so many.
    pub cut: usize,
    /// Panels are halved until the error is below this share of the integral, or of 1 …
    pub tolerance: f64,
    /// … or so often, at most.
    pub rounds: usize,
    /// More points than this are not taken.
    pub points: usize,
}

/// An integral with its error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Integral {
    pub value: f64,
    pub error: f64,
    /// The share of the error that shorter panels would leave.
    pub floor: f64,
}

/// The rounding of an integrand at a point, in units of itself and ε: its log-densities are sums of a
/// few terms.
const ROUNDINGS: f64 = 4.0;
/// Panels whose error is more than this share of what all may have are halved.
const SHARE: f64 = 1.0 / 64.0;

/// p·f_p + q·f_q of a divergence, whose integral over x is the sum of its sides, at N points from log p
/// and log q there.
pub(crate) fn integrand(divergence: &dyn Divergence, logs: [&[f64]; 2], values: &mut [f64]) {
    values.fill(0.0);
    let mut of_side = vec![0.0; values.len()];
    for &side in divergence.sides() {
        divergence.values(side, logs[0], logs[1], &mut of_side);
        let under = match side {
            Side::Target => logs[0],
            Side::Family => logs[1],
        };
        for ((value, part), log) in values.iter_mut().zip(&of_side).zip(under) {
            let density = log.exp();
            // Where there is nothing of a density its logarithm may be anything.
            if density > 0.0 {
                *value += density * part;
            }
        }
    }
}

/// As [`integrand`], with its derivative by log q.
pub(crate) fn integrand_and_slope(
    divergence: &dyn Divergence,
    logs: [&[f64]; 2],
    [values, slopes]: [&mut [f64]; 2],
) {
    let n = values.len();
    values.fill(0.0);
    slopes.fill(0.0);
    let mut scratch = vec![0.0; 3 * n];
    let (of_side, rest) = scratch.split_at_mut(n);
    let (by_p, by_q) = rest.split_at_mut(n);
    for &side in divergence.sides() {
        divergence.slopes(side, logs[0], logs[1], [of_side, by_p, by_q]);
        // The density itself has the derivative of its logarithm.
        let (under, own) = match side {
            Side::Target => (logs[0], 0.0),
            Side::Family => (logs[1], 1.0),
        };
        for i in 0..n {
            let density = under[i].exp();
            if density > 0.0 {
                values[i] += density * of_side[i];
                slopes[i] += density * (by_q[i] + own * of_side[i]);
            }
        }
    }
}

/// The sums over the sides of some divergences of p and q, before their outer functions. `None` if
/// that would take too many points.
pub(crate) fn integrate(
    pair: &Pair,
    logs: [LogDensity; 2],
    divergences: &[&dyn Divergence],
    effort: Effort,
) -> Option<Vec<Integral>> {
    let mut pending = pair.tops(effort.cut);
    let mut settled: Vec<(Vec<Part>, [f64; 2])> = Vec::new();
    let mut beyond = vec![0.0; divergences.len()];
    let mut points = 0;
    for round in 0..=effort.rounds {
        // A panel of a line is a few points, one of the plane thousands.
        let together = if pair.is_plane() { 1 } else { pending.len() };
        let found: Vec<(Vec<Vec<Part>>, usize, Vec<f64>)> = (pending.par_chunks(together.max(1)))
            .map(|tops| of_tops(pair, logs, divergences, effort, tops))
            .collect();
        for ((parts, count, ends), tops) in found.into_iter().zip(pending.chunks(together.max(1))) {
            points += count;
            if round == 0 {
                beyond
                    .iter_mut()
                    .zip(ends)
                    .for_each(|(sum, end)| *sum += end);
            }
            settled.extend(parts.into_iter().zip(tops.iter().copied()));
        }
        if points > effort.points {
            return None;
        }
        if round == effort.rounds {
            break;
        }
        pending = worst(&mut settled, divergences.len(), effort.tolerance);
        if pending.is_empty() {
            break;
        }
    }
    // In the order of x: however the panels were found, the sum is the same.
    settled.sort_by(|a, b| a.1[0].total_cmp(&b.1[0]));
    Some(
        (0..divergences.len())
            .map(|kind| {
                let sum = total(&settled, kind);
                let floor = sum.floor + beyond[kind];
                Integral {
                    value: sum.value,
                    error: sum.error + floor,
                    floor,
                }
            })
            .collect(),
    )
}

fn total(settled: &[(Vec<Part>, [f64; 2])], kind: usize) -> Part {
    let mut sum = Part::default();
    settled.iter().for_each(|(parts, _)| sum += parts[kind]);
    sum
}

/// Takes out the panels whose errors are too large, and returns their halves.
fn worst(settled: &mut Vec<(Vec<Part>, [f64; 2])>, kinds: usize, tolerance: f64) -> Vec<[f64; 2]> {
    let allowed: Vec<f64> = (0..kinds)
        .map(|kind| {
            let sum = total(settled, kind);
            let tolerance = tolerance * sum.value.abs().max(1.0);
            // A sum that is lost is as good as it will get.
            if sum.error > tolerance.max(sum.floor) {
                SHARE * tolerance
            } else {
                f64::INFINITY
            }
        })
        .collect();
    let mut halves = Vec::new();
    settled.retain(|(parts, [from, to])| {
        let middle = 0.5 * (from + to);
        let is_bad = (parts.iter().zip(&allowed))
            .any(|(part, &allowed)| part.error > allowed.max(0.25 * part.floor));
        let halved = is_bad && *from < middle && middle < *to;
        if halved {
            halves.extend([[*from, middle], [middle, *to]]);
        }
        !halved
    });
    halves
}

/// The parts of some panels, of every divergence; how many points they took, and what may lie beyond
/// their ends.
fn of_tops(
    pair: &Pair,
    logs: [LogDensity; 2],
    divergences: &[&dyn Divergence],
    effort: Effort,
    tops: &[[f64; 2]],
) -> (Vec<Vec<Part>>, usize, Vec<f64>) {
    let sites = pair.sites(tops, effort.order);
    let n = sites.weights.len();
    if n > effort.points {
        return (
            vec![vec![Part::default(); divergences.len()]; tops.len()],
            n,
            Vec::new(),
        );
    }
    let [log_p, log_q] = logs.map(|log| {
        let mut values = vec![0.0; n];
        log(&sites.x, &mut values);
        values
    });
    let sizes = sizes(&log_p, &log_q);
    let mut values = vec![0.0; n];
    let mut parts = vec![Vec::with_capacity(divergences.len()); tops.len()];
    let mut beyond = Vec::with_capacity(divergences.len());
    for divergence in divergences {
        integrand(*divergence, [&log_p, &log_q], &mut values);
        for (parts, part) in parts
            .iter_mut()
            .zip(sites.parts(effort.order, &values, &sizes))
        {
            parts.push(part);
        }
        beyond.push(sites.beyond(&values));
    }
    (parts, n, beyond)
}

fn sizes(log_p: &[f64], log_q: &[f64]) -> Vec<f64> {
    (log_p.iter().zip(log_q))
        .map(|(p, q)| ROUNDINGS + p.abs() + q.abs())
        .collect()
}

/// The points of a static mesh, for the sums that a gradient is taken of.
pub(crate) fn sites(pair: &Pair, order: Order, cut: usize) -> Sites {
    pair.sites(&pair.tops(cut), order)
}
