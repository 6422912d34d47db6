//! Divergences of two densities by panels, refined where their error asks for it.

use rayon::prelude::*;

use super::effort::PanelEffort;
use super::integrand::{LogDensityFn, PanelIntegrand, log_power};
use super::legendre::{LegendreOrder, LegendreRule};
use super::lines::{Line, Lines};
use super::pair::DensityPair;
use super::panel::{Partial, beyond, seams};
use super::parts::{PartsOfPanels, at_points, parts_of_panels};
use super::placed::Placed;
use super::sites::Laid;

/// An integral with its error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Integral {
    pub value: f64,
    pub error: f64,
    /// The share of the error that shorter panels would leave.
    pub floor: f64,
}

/// A point that adds less than this share to an integral is none.
const NOTHING: f64 = 1e-14;
/// A panel whose error is below this share of its floor has nothing but that.
const LEAST: f64 = 0.25;
/// The same of a strip of lines, each of which ends its panels where it has edges: what they are off by jumps from line to
/// line, and looks like an error of so many times that.
const NOISE: f64 = 8.0;
/// Panels whose error is more than this share of what all may have are halved.
const SHARE: f64 = 1.0 / 64.0;

/// About the largest logarithm of p^α q^(1−α), from a few points of the panels as they are.
pub(crate) fn shift(pair: &DensityPair, logs: [LogDensityFn; 2], order: f64) -> f64 {
    let mut largest = f64::NEG_INFINITY;
    let tops: Vec<[f64; 2]> = pair.tops(1).collect();
    for tops in tops.chunks(if pair.is_plane() { 1 } else { usize::MAX }) {
        let sites = pair
            .laid(tops.iter().copied(), LegendreOrder::Eight)
            .sites();
        let [log_p, log_q] = at_points(logs, &sites.x, sites.weights.len());
        for (log_p, log_q) in log_p.into_iter().zip(log_q) {
            largest = largest.max(log_power(order, log_p, log_q).unwrap_or(f64::NEG_INFINITY));
        }
    }
    if largest.is_finite() { largest } else { 0.0 }
}

/// A panel of the first level.
struct Top {
    ends: [f64; 2],
    /// Of each integral.
    parts: Vec<Partial>,
    /// In the plane.
    lines: Vec<Line>,
}

/// What the panels of the first level tell, in the order of x.
struct Tops {
    all: Vec<Top>,
    /// What may lie beyond the ends, of each integral.
    beyond: Vec<f64>,
}

impl Tops {
    fn total(&self, kind: usize) -> Partial {
        let mut sum = Partial::NONE;
        self.all.iter().for_each(|top| sum += top.parts[kind]);
        sum
    }

    /// How far each may be off at the seams.
    fn seams(&self, pair: &DensityPair, kind: usize, rule: &LegendreRule) -> Vec<f64> {
        let all = self.all.iter();
        let all = all.map(|top| (&top.parts[kind], top.ends, pair.is_break(top.ends[0])));
        seams(rule, all)
    }
}

/// Some integrals over x; `None` if that would take too many points.
pub(crate) fn integrate(
    pair: &DensityPair,
    logs: [LogDensityFn; 2],
    integrands: &[PanelIntegrand],
    effort: PanelEffort,
) -> Option<Vec<Integral>> {
    let tops = halved(pair, logs, integrands, effort)?;
    let rule = effort.order.rule();
    Some(
        (0..integrands.len())
            .map(|kind| {
                let sum = tops.total(kind);
                let floor = sum.floor + tops.beyond[kind];
                let seams: f64 = tops.seams(pair, kind, rule).iter().sum();
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
    let tops = halved(pair, logs, &all, effort)?;
    let rule = effort.order.rule();
    let least = NOTHING * tops.total(0).value;
    let of_panels: Vec<[Vec<f64>; 2]> = (tops.all.par_iter())
        .map(|top| {
            let panels = match &top.lines[..] {
                [] => vec![(
                    Placed {
                        t: 0.0,
                        ends: top.ends,
                    },
                    1.0,
                )],
                lines => lines.iter().flat_map(Line::panels).collect(),
            };
            let sites = Laid::new(rule, pair.frame(), panels).sites();
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

/// Halves panels until the error is small enough, or there are as many points as there may be; `None` where the first
/// panels take more.
fn halved(
    pair: &DensityPair,
    logs: [LogDensityFn; 2],
    integrands: &[PanelIntegrand],
    effort: PanelEffort,
) -> Option<Tops> {
    let mut pending: Vec<[f64; 2]> = pair.tops(effort.cut).collect();
    let mut tops = Tops {
        all: Vec::new(),
        beyond: vec![0.0; integrands.len()],
    };
    let mut points = 0;
    for round in 0..=effort.rounds {
        // A panel of a line is a few points, one of the plane thousands.
        let together = if pair.is_plane() { 1 } else { pending.len() };
        let found: Option<Vec<Found>> = (pending.par_chunks(together.max(1)))
            .map(|tops| match (pair.is_plane(), tops) {
                (true, [strip]) => over_strip(pair, logs, integrands, effort, *strip),
                _ => along_line(pair, logs, integrands, effort, tops, round == 0),
            })
            .collect();
        for found in found? {
            points += found.points;
            tops.all.extend(found.tops);
            if round == 0 {
                (tops.beyond.iter_mut().zip(found.beyond)).for_each(|(sum, end)| *sum += end);
            }
        }
        // In the order of x: however the panels were found, the sum is the same.
        tops.all.sort_by(|a, b| a.ends[0].total_cmp(&b.ends[0]));
        if points > effort.points {
            return (round > 0).then_some(tops);
        }
        if round == effort.rounds {
            break;
        }
        pending = worst(pair, &mut tops, integrands, effort);
        if pending.is_empty() {
            break;
        }
    }
    Some(tops)
}

/// Takes out the panels whose errors are too large, and returns their halves.
fn worst(
    pair: &DensityPair,
    tops: &mut Tops,
    integrands: &[PanelIntegrand],
    effort: PanelEffort,
) -> Vec<[f64; 2]> {
    let rule = effort.order.rule();
    let seams: Vec<Vec<f64>> = (0..integrands.len())
        .map(|kind| tops.seams(pair, kind, rule))
        .collect();
    let allowed: Vec<f64> = (0..integrands.len())
        .map(|kind| {
            let sum = tops.total(kind);
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
    let least = match pair.is_plane() && !pair.is_exact() {
        true => NOISE,
        false => LEAST,
    };
    let mut halves = Vec::new();
    let mut place = 0;
    tops.all.retain(|top| {
        let [from, to] = top.ends;
        let middle = 0.5 * (from + to);
        let mut parts = top.parts.iter().zip(&allowed).zip(&seams);
        let is_bad = parts.any(|((part, &allowed), seams)| {
            part.error + seams[place] > allowed.max(least * part.floor)
        });
        place += 1;
        let halved = is_bad && from < middle && middle < to;
        if halved {
            halves.extend([[from, middle], [middle, to]]);
        }
        !halved
    });
    halves
}

/// What some panels of the first level tell.
struct Found {
    tops: Vec<Top>,
    points: usize,
    /// What may lie beyond their ends, of each integral.
    beyond: Vec<f64>,
}

fn along_line(
    pair: &DensityPair,
    logs: [LogDensityFn; 2],
    integrands: &[PanelIntegrand],
    effort: PanelEffort,
    tops: &[[f64; 2]],
    is_first: bool,
) -> Option<Found> {
    let rule = effort.order.rule();
    let points = rule.points() * tops.len();
    if points > effort.points {
        return None;
    }
    let panels: Vec<Placed> = (tops.iter())
        .map(|ends| Placed {
            t: 0.0,
            ends: *ends,
        })
        .collect();
    // What lies beyond the ends is asked once.
    let kept = if is_first { integrands.len() } else { 0 };
    let PartsOfPanels { parts, values } =
        parts_of_panels(pair, logs, integrands, rule, &panels, kept);
    let asked = if is_first { tops } else { &[] };
    let sites = pair.laid(asked.iter().copied(), effort.order).sites();
    Some(Found {
        tops: (tops.iter().enumerate())
            .map(|(i, ends)| Top {
                ends: *ends,
                parts: parts[i * integrands.len()..][..integrands.len()].to_vec(),
                lines: Vec::new(),
            })
            .collect(),
        points,
        beyond: (values.iter())
            .map(|values| beyond(&sites.x, &sites.weights, values))
            .collect(),
    })
}

fn over_strip(
    pair: &DensityPair,
    logs: [LogDensityFn; 2],
    integrands: &[PanelIntegrand],
    effort: PanelEffort,
    strip: [f64; 2],
) -> Option<Found> {
    let lines = Lines::new(pair, logs, integrands, effort, strip)?;
    Some(Found {
        tops: vec![Top {
            ends: strip,
            parts: (0..integrands.len())
                .map(|kind| lines.together(kind))
                .collect(),
            lines: lines.all,
        }],
        points: lines.points,
        beyond: Vec::new(),
    })
}

/// A static mesh, for the sums that a gradient is taken of.
pub(crate) fn laid(pair: &DensityPair, order: LegendreOrder, cut: usize) -> Laid {
    pair.laid(pair.tops(cut), order)
}
