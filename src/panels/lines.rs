//! Integrals over a strip of the plane, by lines side by side in it, each with panels of its own.

use super::effort::PanelEffort;
use super::integrand::{LogDensityFn, PanelIntegrand};
use super::legendre::LegendreRule;
use super::pair::DensityPair;
use super::panel::{Partial, seams};
use super::parts::parts_of_panels;

/// Panels of a line are halved so often, at most.
const ROUNDS: usize = 50;
/// A panel may be off by this share of what its line may be.
const SHARE: f64 = 1.0 / 8.0;

/// Among so many strips what the whole may be off is shared.
const STRIPS: f64 = 64.0;

/// A line of the plane.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// Where it is, along the outer direction.
    pub t: f64,
    /// What its integral counts in that over the strip.
    pub weight: f64,
    panels: Vec<LinePanel>,
}

#[derive(Debug, Clone)]
struct LinePanel {
    ends: [f64; 2],
    /// Whether it begins where there is known to be a corner.
    at_break: bool,
    /// Of every integral; none where it was not looked at yet.
    parts: Vec<Partial>,
}

impl Line {
    /// The ends of its panels.
    pub fn panels(&self) -> impl Iterator<Item = [f64; 2]> {
        self.panels.iter().map(|panel| panel.ends)
    }

    /// How far each of its panels may be off at the seams.
    fn seams(&self, rule: &LegendreRule, kind: usize) -> Vec<f64> {
        let panels = self.panels.iter();
        let known = panels.map(|panel| (&panel.parts[kind], panel.ends));
        seams(rule, known, |i| self.panels[i].at_break)
    }

    fn total(&self, rule: &LegendreRule, kind: usize) -> Partial {
        let mut sum = Partial::default();
        for panel in &self.panels {
            sum += panel.parts[kind];
        }
        sum.error += self.seams(rule, kind).iter().sum::<f64>();
        sum
    }

    /// Halves the panels whose errors are too large: above their share of what the line may be off, or of rounding.
    fn halve(
        &mut self,
        rule: &LegendreRule,
        integrands: &[PanelIntegrand],
        tolerance: f64,
        [all, strip]: [f64; 2],
    ) {
        let mut is_bad = vec![false; self.panels.len()];
        for (kind, integrand) in integrands.iter().enumerate() {
            let sum = self.total(rule, kind);
            let parts = || self.panels.iter().map(|panel| panel.parts[kind]);
            let size: f64 = parts().map(|part| part.value.abs()).sum();
            // Each strip may have its share of the whole, however narrow it is.
            let length = all.min(STRIPS * strip);
            let allowed = tolerance * size.max(integrand.least() / length);
            // A sum that is lost is as good as it will get.
            if sum.error > allowed.max(sum.floor) {
                let bad = is_bad.iter_mut().zip(parts());
                for ((bad, part), seam) in bad.zip(self.seams(rule, kind)) {
                    *bad |= part.error + seam > (SHARE * allowed).max(0.25 * part.floor);
                }
            }
        }
        if !is_bad.contains(&true) {
            return;
        }
        let panels = std::mem::take(&mut self.panels);
        for (panel, is_bad) in panels.into_iter().zip(is_bad) {
            let [from, to] = panel.ends;
            let middle = 0.5 * (from + to);
            if !(is_bad && from < middle && middle < to) {
                self.panels.push(panel);
                continue;
            }
            for (ends, at_break) in [([from, middle], panel.at_break), ([middle, to], false)] {
                self.panels.push(LinePanel {
                    ends,
                    at_break,
                    parts: Vec::new(),
                });
            }
        }
    }
}

/// The lines of a strip, and how many points they took; `None` if more than there may be at once. Where densities are
/// not known by their components panels of the lines are halved until they are good to the tolerance: what more lines
/// cannot make up for.
pub(super) fn lines(
    pair: &DensityPair,
    logs: [LogDensityFn; 2],
    integrands: &[PanelIntegrand],
    effort: PanelEffort,
    strip: [f64; 2],
) -> Option<(Vec<Line>, usize)> {
    let rule = effort.order.rule();
    let mut lines: Vec<Line> = (rule.on(strip).into_iter())
        .zip(rule.weights_on(strip))
        .map(|(t, weight)| Line {
            t,
            weight,
            panels: (pair.along_line(t).into_iter())
                .map(|(ends, at_break)| LinePanel {
                    ends,
                    at_break,
                    parts: Vec::new(),
                })
                .collect(),
        })
        .collect();
    let rounds = match pair.is_exact() {
        true => 0,
        false => ROUNDS.min(ROUNDS * effort.rounds),
    };
    let lengths = [pair.length(), strip[1] - strip[0]];
    let mut points = 0;
    for round in 0..=rounds {
        let new: Vec<(f64, &mut LinePanel)> = (lines.iter_mut())
            .flat_map(|line| {
                let t = line.t;
                line.panels.iter_mut().map(move |panel| (t, panel))
            })
            .filter(|(_, panel)| panel.parts.is_empty())
            .collect();
        if new.is_empty() {
            break;
        }
        let mut x = Vec::with_capacity(2 * rule.points() * new.len());
        for (t, panel) in &new {
            for s in rule.on(panel.ends) {
                pair.tell_point([*t, s], &mut x);
            }
        }
        let count = x.len() / 2;
        points += count;
        let is_last = round == rounds || points > effort.points;
        if count > effort.points {
            return None;
        }
        let ends: Vec<[f64; 2]> = new.iter().map(|(_, panel)| panel.ends).collect();
        let parts = parts_of_panels(pair, logs, integrands, rule, &ends, &x).parts;
        for ((_, panel), parts) in new.into_iter().zip(parts) {
            panel.parts = parts;
        }
        if is_last {
            break;
        }
        for line in &mut lines {
            line.halve(rule, integrands, effort.tolerance, lengths);
        }
    }
    Some((lines, points))
}

/// The part of one of the integrals over a strip, from those along its lines.
pub(super) fn together(
    rule: &LegendreRule,
    lines: &[Line],
    kind: usize,
    [from, to]: [f64; 2],
) -> Partial {
    let sums: Vec<Partial> = lines.iter().map(|line| line.total(rule, kind)).collect();
    let integrals: Vec<f64> = sums.iter().map(|sum| sum.value).collect();
    let [value, error] = rule
        .integrate(&integrals)
        .map(|part| 0.5 * (to - from) * part);
    let floor = (lines.iter().zip(&sums))
        .map(|(line, sum)| line.weight * (sum.error + sum.floor))
        .sum();
    Partial {
        value,
        error,
        floor,
        ends: rule.at_ends(&integrals),
    }
}
