//! Divergences of two densities by panels, refined where their error asks for it.

use rayon::prelude::*;

use super::legendre::LegendreOrder;
use super::sites::{DensityPair, Partial, Sites};
use crate::divergence::{Divergence, Power, Side};

/// The log-density at N points, `[N, D]`, written to N numbers.
pub(crate) type LogDensityFn<'a> = &'a (dyn Fn(&[f64], &mut [f64]) + Sync);

/// A function of a point of D coordinates.
pub(crate) type Expected<'a> = &'a (dyn Fn(&[f64]) -> f64 + Sync);

/// What is integrated over x.
#[derive(Clone, Copy)]
pub(crate) enum PanelIntegrand<'a> {
    /// p·f_p + q·f_q of a divergence, the sum of its sides before its outer function.
    Divergence {
        /// f_p and f_q.
        divergence: &'a dyn Divergence,
        /// What it is where one density is negligible compared with the other.
        power: Option<Power>,
    },
    /// p^α q^(1−α) e^(−shift): of densities far apart its integral may be any number there is, and many
    /// that there are not.
    Power {
        /// α.
        order: f64,
        /// About the largest logarithm of the power.
        shift: f64,
    },
    /// p times a function of x.
    Expectation(Expected<'a>),
}

impl PanelIntegrand<'_> {
    /// An integral below this is as good as one of this size.
    fn least(self) -> f64 {
        match self {
            Self::Divergence { .. } | Self::Expectation(_) => 1.0,
            Self::Power { .. } => 0.0,
        }
    }
}

/// How much work an integral may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct PanelEffort {
    /// The rule on each panel.
    pub order: LegendreOrder,
    /// Every panel of the first level is cut into this many.
    pub cut: usize,
    /// Panels are halved until the error is below this share of the integral, or of 1 …
    pub tolerance: f64,
    /// … or so often, at most.
    pub rounds: usize,
    /// More points than this are not taken.
    pub points: usize,
    /// Whether an integral in the plane is done along both directions, and the difference counted.
    pub both_ways: bool,
}

impl PanelEffort {
    /// On a line and in the plane, for one number that is told: as good as it gets.
    pub const UTMOST: [Self; 2] = [
        Self {
            order: LegendreOrder::Sixteen,
            cut: 1,
            tolerance: 1e-13,
            rounds: 50,
            points: 1 << 20,
            both_ways: true,
        },
        Self {
            order: LegendreOrder::Sixteen,
            cut: 1,
            tolerance: 1e-11,
            rounds: 12,
            points: 1 << 24,
            both_ways: true,
        },
    ];
}

/// An integral with its error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Integral {
    pub value: f64,
    pub error: f64,
    /// The share of the error that shorter panels would leave.
    pub floor: f64,
}

/// The rounding of a log-density is this many units ε of its size or of 1.
const ROUNDINGS: f64 = 2.0;
/// A point that adds less than this share to an integral is none.
const NOTHING: f64 = 1e-14;
/// Below this e^x is less than the least positive number with all its digits.
const UNDERFLOW: f64 = -709.0;
/// Where the logs of both densities are below this they are rounded by a nat or so, and tell nothing of
/// their difference.
const LEAST: f64 = -1e15;
/// Panels whose error is more than this share of what all may have are halved.
const SHARE: f64 = 1.0 / 64.0;

/// A divergence at N points from log p and log q there: calls `each` with the place of a point, a side, its density there, f and the derivatives
/// of f by log p and log q.
///
/// Where there is nothing of a density its logarithm may be anything, and the point is left out.
fn sides(
    divergence: &dyn Divergence,
    logs: [&[f64]; 2],
    mut each: impl FnMut(usize, Side, f64, [f64; 3]),
) {
    let n = logs[0].len();
    let mut scratch = vec![0.0; 3 * n];
    let (f, rest) = scratch.split_at_mut(n);
    let (by_p, by_q) = rest.split_at_mut(n);
    for &side in divergence.sides() {
        divergence.slopes(side, logs[0], logs[1], [f, by_p, by_q]);
        let under = match side {
            Side::Target => logs[0],
            Side::Family => logs[1],
        };
        for i in 0..n {
            // There are many of these, and exp takes longer where it underflows.
            if under[i] < UNDERFLOW {
                continue;
            }
            let density = under[i].exp();
            // NaN is not left out.
            if density.is_nan() || density > f64::MIN_POSITIVE {
                each(i, side, density, [f[i], by_p[i], by_q[i]]);
            }
        }
    }
}

/// The integrand at N points, and how far rounding of log p and log q may move it, in units of ε; `more`: by how much
/// more than for their size those are rounded.
fn integrand(
    integrand: PanelIntegrand,
    x: &[f64],
    logs: [&[f64]; 2],
    more: [f64; 2],
    [values, roundings]: [&mut [f64]; 2],
) {
    values.fill(0.0);
    roundings.fill(0.0);
    // The logarithm of nothing is not rounded.
    let size = |log: f64, more: f64| match log {
        f64::NEG_INFINITY => 0.0,
        log => ROUNDINGS * (1.0 + log.abs()) + more,
    };
    let moved = |size: f64, slope: f64| match size {
        0.0 => 0.0,
        size => size * slope.abs(),
    };
    let (divergence, power) = match integrand {
        PanelIntegrand::Divergence { divergence, power } => (divergence, power),
        PanelIntegrand::Power { order, shift } => {
            for i in 0..values.len() {
                let [of_p, of_q] = [order * logs[0][i], (1.0 - order) * logs[1][i]];
                values[i] =
                    log_power(order, logs[0][i], logs[1][i]).map_or(0.0, |log| (log - shift).exp());
                roundings[i] = values[i]
                    * (size(of_p, order.abs() * more[0])
                        + size(of_q, (1.0 - order).abs() * more[1])
                        + size(shift, 0.0));
            }
            return;
        }
        PanelIntegrand::Expectation(of) => {
            let dim = x.len() / values.len().max(1);
            for (i, x) in x.chunks_exact(dim.max(1)).enumerate() {
                if logs[0][i] < UNDERFLOW {
                    continue;
                }
                let density = logs[0][i].exp();
                // NaN is not left out.
                if density.is_nan() || density > f64::MIN_POSITIVE {
                    values[i] = density * of(x);
                    roundings[i] = values[i].abs() * size(logs[0][i], more[0]);
                }
            }
            return;
        }
    };
    let cancellation = power.map_or(0.0, |power| power.cancellation);
    sides(divergence, logs, |i, side, density, [f, by_p, by_q]| {
        let [of_p, of_q] = [0, 1].map(|side| size(logs[side][i], more[side]));
        let own = match side {
            Side::Target => of_p,
            Side::Family => of_q,
        };
        values[i] += density * f;
        let all = moved(own, f) + moved(of_p, by_p) + moved(of_q, by_q);
        roundings[i] += density * (cancellation + all);
    });
    let Some(power) = power else { return };
    for i in 0..values.len() {
        let at = [logs[0][i], logs[1][i]];
        if at[0].max(at[1]) <= LEAST {
            continue;
        }
        if let Some(value) = power.apart(at, 0.0) {
            values[i] = value;
            let orders = [power.order, 1.0 - power.order];
            let [of_p, of_q] =
                [0, 1].map(|side| size(orders[side] * at[side], orders[side].abs() * more[side]));
            roundings[i] = value.abs() * (of_p + of_q);
        }
    }
}

/// log p^α q^(1−α); none where a density that stands below the line is 0, as far as numbers go.
fn log_power(order: f64, log_p: f64, log_q: f64) -> Option<f64> {
    // 0 · ∞ and ∞ − ∞ are of places where there is nothing.
    let log = order * log_p + (1.0 - order) * log_q;
    (log < f64::INFINITY && log_p.max(log_q) > LEAST).then_some(log)
}

/// About the largest logarithm of p^α q^(1−α), from a few points of the panels as they are.
pub(crate) fn shift(pair: &DensityPair, logs: [LogDensityFn; 2], order: f64) -> f64 {
    let mut largest = f64::NEG_INFINITY;
    for tops in pair
        .tops(1)
        .chunks(if pair.is_plane() { 1 } else { usize::MAX })
    {
        let sites = pair.sites(tops, LegendreOrder::Eight);
        let [log_p, log_q] = at_points(logs, &sites);
        for (log_p, log_q) in log_p.into_iter().zip(log_q) {
            largest = largest.max(log_power(order, log_p, log_q).unwrap_or(f64::NEG_INFINITY));
        }
    }
    if largest.is_finite() { largest } else { 0.0 }
}

/// The integrand over x of a divergence at N points, and its derivative by log q.
pub(crate) fn integrand_and_slope(
    divergence: &dyn Divergence,
    logs: [&[f64]; 2],
    [values, slopes]: [&mut [f64]; 2],
) {
    values.fill(0.0);
    slopes.fill(0.0);
    sides(divergence, logs, |i, side, density, [f, _, by_q]| {
        // q itself has the derivative of its logarithm.
        let own = match side {
            Side::Target => 0.0,
            Side::Family => f,
        };
        values[i] += density * f;
        slopes[i] += density * (by_q + own);
    });
}

/// Panels with the parts of each integral on them, in the order of x.
type Settled = Vec<(Vec<Partial>, [f64; 2])>;

/// Some integrals over x; `None` if that would take too many points.
pub(crate) fn integrate(
    pair: &DensityPair,
    logs: [LogDensityFn; 2],
    integrands: &[PanelIntegrand],
    effort: PanelEffort,
) -> Option<Vec<Integral>> {
    let (settled, beyond) = halved(pair, logs, integrands, effort)?;
    Some(
        (0..integrands.len())
            .map(|kind| {
                let sum = total(&settled, kind);
                let floor = sum.floor + beyond[kind];
                let seams: f64 = seams(pair, &settled, kind, effort.order).iter().sum();
                Integral {
                    value: sum.value,
                    error: sum.error + seams + floor,
                    floor,
                }
            })
            .collect(),
    )
}

/// The points of the panels that an integral of a density over x takes, `[S, D]`, and what each adds to it, `[S]`;
/// those that add nothing are left out.
pub(crate) fn points(
    pair: &DensityPair,
    log_density: LogDensityFn,
    effort: PanelEffort,
) -> Option<[Vec<f64>; 2]> {
    let logs = [log_density, &|_: &[f64], logs: &mut [f64]| logs.fill(0.0)];
    let all = [PanelIntegrand::Expectation(&|_| 1.0)];
    let (settled, _) = halved(pair, logs, &all, effort)?;
    let least = NOTHING * total(&settled, 0).value;
    let of_panels: Vec<[Vec<f64>; 2]> = (settled.par_iter())
        .map(|(_, ends)| {
            let sites = pair.sites(&[*ends], effort.order);
            let mut logs = vec![0.0; sites.weights.len()];
            log_density(&sites.x, &mut logs);
            let dim = sites.x.len() / logs.len().max(1);
            let (mut x, mut parts) = (Vec::new(), Vec::new());
            for (i, (log, weight)) in logs.iter().zip(&sites.weights).enumerate() {
                let part = weight * log.exp();
                if part > least {
                    x.extend(&sites.x[i * dim..(i + 1) * dim]);
                    parts.push(part);
                }
            }
            [x, parts]
        })
        .collect();
    Some([0, 1].map(|which| {
        (of_panels.iter())
            .flat_map(|lists| lists[which].iter().copied())
            .collect()
    }))
}

/// Halves panels until the error is small enough. What lies beyond the ends is told beside them.
fn halved(
    pair: &DensityPair,
    logs: [LogDensityFn; 2],
    integrands: &[PanelIntegrand],
    effort: PanelEffort,
) -> Option<(Settled, Vec<f64>)> {
    let mut pending = pair.tops(effort.cut);
    let mut settled = Settled::new();
    let mut beyond = vec![0.0; integrands.len()];
    let mut points = 0;
    for round in 0..=effort.rounds {
        // A panel of a line is a few points, one of the plane thousands.
        let together = if pair.is_plane() { 1 } else { pending.len() };
        let found: Vec<_> = (pending.par_chunks(together.max(1)))
            .map(|tops| integrate_panels(pair, logs, integrands, effort, tops))
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
        // In the order of x: however the panels were found, the sum is the same.
        settled.sort_by(|a, b| a.1[0].total_cmp(&b.1[0]));
        if round == effort.rounds {
            break;
        }
        pending = worst(pair, &mut settled, integrands, effort);
        if pending.is_empty() {
            break;
        }
    }
    Some((settled, beyond))
}

fn total(settled: &[(Vec<Partial>, [f64; 2])], kind: usize) -> Partial {
    let mut sum = Partial::default();
    settled.iter().for_each(|(parts, _)| sum += parts[kind]);
    sum
}

/// How far the panels, in the order of x, may be off because a corner lies where none of their points
/// look, near an end: there the continuations from both sides do not meet. Of a corner that turns the slope
/// by s at a distance d from the end, s d is seen, and less than s d² missing. Where one is known to lie at the end they
/// need not meet.
fn seams(
    pair: &DensityPair,
    settled: &[(Vec<Partial>, [f64; 2])],
    kind: usize,
    order: LegendreOrder,
) -> Vec<f64> {
    let mut seams = vec![0.0; settled.len()];
    let gap = |[from, to]: [f64; 2]| 0.5 * (to - from) * order.rule().gap();
    for (i, two) in settled.windows(2).enumerate() {
        let [(before, left), (after, right)] = [&two[0], &two[1]];
        if pair.is_break(right[0]) {
            continue;
        }
        let apart = (before[kind].ends[1] - after[kind].ends[0]).abs();
        seams[i] += apart * gap(*left);
        seams[i + 1] += apart * gap(*right);
    }
    seams
}

/// Takes out the panels whose errors are too large, and returns their halves.
fn worst(
    pair: &DensityPair,
    settled: &mut Vec<(Vec<Partial>, [f64; 2])>,
    integrands: &[PanelIntegrand],
    effort: PanelEffort,
) -> Vec<[f64; 2]> {
    let seams: Vec<Vec<f64>> = (0..integrands.len())
        .map(|kind| seams(pair, settled, kind, effort.order))
        .collect();
    let allowed: Vec<f64> = (0..integrands.len())
        .map(|kind| {
            let sum = total(settled, kind);
            let error = sum.error + seams[kind].iter().sum::<f64>();
            let tolerance = effort.tolerance * sum.value.abs().max(integrands[kind].least());
            // A sum that is lost is as good as it will get.
            if error > tolerance.max(sum.floor) {
                SHARE * tolerance
            } else {
                f64::INFINITY
            }
        })
        .collect();
    let mut halves = Vec::new();
    let mut place = 0;
    settled.retain(|(parts, [from, to])| {
        let middle = 0.5 * (from + to);
        let is_bad = (parts.iter().zip(&allowed).zip(&seams)).any(|((part, &allowed), seams)| {
            part.error + seams[place] > allowed.max(0.25 * part.floor)
        });
        place += 1;
        let halved = is_bad && *from < middle && middle < *to;
        if halved {
            halves.extend([[*from, middle], [middle, *to]]);
        }
        !halved
    });
    halves
}

/// The parts of some panels, of every integral; how many points they took, and what may lie beyond
/// their ends.
fn integrate_panels(
    pair: &DensityPair,
    logs: [LogDensityFn; 2],
    integrands: &[PanelIntegrand],
    effort: PanelEffort,
    tops: &[[f64; 2]],
) -> (Vec<Vec<Partial>>, usize, Vec<f64>) {
    let sites = pair.sites(tops, effort.order);
    let n = sites.weights.len();
    if n > effort.points {
        return (
            vec![vec![Partial::default(); integrands.len()]; tops.len()],
            n,
            Vec::new(),
        );
    }
    let [log_p, log_q] = at_points(logs, &sites);
    let (mut values, mut roundings) = (vec![0.0; n], vec![0.0; n]);
    let mut parts = vec![Vec::with_capacity(integrands.len()); tops.len()];
    let mut beyond = Vec::with_capacity(integrands.len());
    for one in integrands {
        integrand(
            *one,
            &sites.x,
            [&log_p, &log_q],
            pair.roundings(),
            [&mut values, &mut roundings],
        );
        for (parts, part) in parts
            .iter_mut()
            .zip(sites.parts(effort.order, &values, &roundings))
        {
            parts.push(part);
        }
        beyond.push(sites.beyond(&values));
    }
    (parts, n, beyond)
}

/// The log-densities at the points.
fn at_points(logs: [LogDensityFn; 2], sites: &Sites) -> [Vec<f64>; 2] {
    logs.map(|log| {
        let mut values = vec![0.0; sites.weights.len()];
        log(&sites.x, &mut values);
        values
    })
}

/// The points of a static mesh, for the sums that a gradient is taken of.
pub(crate) fn sites(pair: &DensityPair, order: LegendreOrder, cut: usize) -> Sites {
    pair.sites(&pair.tops(cut), order)
}
