//! Integrals over a strip of the plane, by lines side by side in it, each with panels of its own.

use super::effort::PanelEffort;
use super::integrand::{LogDensityFn, PanelIntegrand};
use super::legendre::LegendreRule;
use super::pair::DensityPair;
use super::panel::{Partial, seams};
use super::parts::{parts_of_panels, values_at};

/// Panels of a line are halved so often, at most.
const ROUNDS: usize = 50;
/// A panel that is bad after so many of them may have a jump, where one step makes up so much of all …
const HALVED_BEFORE: usize = 2;
const MOST_OF_ALL: f64 = 0.5;
/// … and which so many halvings find to the last digit.
const HALVINGS: usize = 60;
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
    /// Whether some of its panels were cut, or none was looked at yet.
    is_open: bool,
}

#[derive(Debug, Clone)]
struct LinePanel {
    ends: [f64; 2],
    /// Whether it begins where there is known to be a corner.
    at_break: bool,
    /// Of every integral; none where it was not looked at yet.
    parts: Vec<Partial>,
    /// Where the first integrand may jump.
    jump: Option<Jump>,
}

/// Two places on a line with an integrand there.
#[derive(Debug, Clone, Copy)]
struct Jump {
    places: [f64; 2],
    values: [f64; 2],
    /// How far the values are apart at least, if it is one.
    least: f64,
}

impl Jump {
    /// Between the neighbours, of some places, that differ most, if they make up most of all there is between the
    /// first and the last.
    fn among(places: &[f64], values: &[f64]) -> Option<Self> {
        let step = |i: usize| (values[i + 1] - values[i]).abs();
        let steps = 0..values.len().saturating_sub(1);
        let all: f64 = steps.clone().map(step).sum();
        let i = steps.max_by(|a, b| step(*a).total_cmp(&step(*b)))?;
        (step(i) > MOST_OF_ALL * all).then(|| Self {
            places: [places[i], places[i + 1]],
            values: [values[i], values[i + 1]],
            least: MOST_OF_ALL * step(i),
        })
    }

    /// Where it is; `None` where a function is steep, and no more.
    fn found(&self) -> Option<f64> {
        let [before, after] = self.values;
        ((after - before).abs() >= self.least).then_some(self.places[1])
    }

    /// The middle; `None` if there is no number between, or it has turned out to be none.
    fn middle(&self) -> Option<f64> {
        self.found()?;
        let [from, to] = self.places;
        let middle = 0.5 * (from + to);
        (from < middle && middle < to).then_some(middle)
    }

    /// The half that differs more, given the value in the middle.
    fn halve(&mut self, middle: f64, value: f64) {
        let [before, after] = self.values.map(|end| (end - value).abs());
        let end = usize::from(before >= after);
        self.places[end] = middle;
        self.values[end] = value;
    }
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
        self.total_with(kind, &self.seams(rule, kind))
    }

    fn total_with(&self, kind: usize, seams: &[f64]) -> Partial {
        let mut sum = Partial::default();
        for panel in &self.panels {
            sum += panel.parts[kind];
        }
        sum.error += seams.iter().sum::<f64>();
        sum
    }

    /// The panels whose errors are too large: above their share of what the line may be off, or of rounding.
    fn bad(
        &self,
        rule: &LegendreRule,
        integrands: &[PanelIntegrand],
        tolerance: f64,
        [all, strip]: [f64; 2],
    ) -> Vec<bool> {
        let mut is_bad = vec![false; self.panels.len()];
        for (kind, integrand) in integrands.iter().enumerate() {
            let seams = self.seams(rule, kind);
            let sum = self.total_with(kind, &seams);
            let parts = || self.panels.iter().map(|panel| panel.parts[kind]);
            let size: f64 = parts().map(|part| part.value.abs()).sum();
            // Each strip may have its share of the whole, however narrow it is.
            let length = all.min(STRIPS * strip);
            let allowed = tolerance * size.max(integrand.least() / length);
            // A sum that is lost is as good as it will get.
            if sum.error > allowed.max(sum.floor) {
                let bad = is_bad.iter_mut().zip(parts());
                for ((bad, part), seam) in bad.zip(seams) {
                    *bad |= part.error + seam > (SHARE * allowed).max(0.25 * part.floor);
                }
            }
        }
        is_bad
    }

    /// Cuts panels in two: where they jump, or in the middle.
    fn cut(&mut self, is_bad: &[bool]) {
        self.is_open = is_bad.contains(&true);
        if !self.is_open {
            return;
        }
        let panels = std::mem::take(&mut self.panels);
        for (panel, is_bad) in panels.into_iter().zip(is_bad) {
            let [from, to] = panel.ends;
            let inside = |place: &f64| from < *place && *place < to;
            let jump = panel.jump.and_then(|jump| jump.found()).filter(inside);
            let middle = Some(0.5 * (from + to)).filter(inside);
            match jump.or(middle) {
                Some(place) if *is_bad => {
                    let halves = [
                        ([from, place], panel.at_break),
                        ([place, to], jump.is_some()),
                    ];
                    (self.panels)
                        .extend(halves.map(|(ends, at_break)| LinePanel::new(ends, at_break)));
                }
                _ => self.panels.push(panel),
            }
        }
    }
}

impl LinePanel {
    fn new(ends: [f64; 2], at_break: bool) -> Self {
        Self {
            ends,
            at_break,
            parts: Vec::new(),
            jump: None,
        }
    }
}

/// Narrows down where the first integrand jumps, on all lines at once: one point for each jump and each halving.
fn find_jumps(
    pair: &DensityPair,
    logs: [LogDensityFn; 2],
    integrand: PanelIntegrand,
    jumps: &mut [(f64, &mut Jump)],
) -> usize {
    let mut points = 0;
    for _ in 0..HALVINGS {
        let mut x = Vec::with_capacity(2 * jumps.len());
        let mut open: Vec<(f64, &mut Jump)> = Vec::with_capacity(jumps.len());
        for (t, jump) in jumps.iter_mut() {
            if let Some(middle) = jump.middle() {
                pair.tell_point([*t, middle], &mut x);
                open.push((middle, jump));
            }
        }
        if open.is_empty() {
            break;
        }
        points += open.len();
        let values = values_at(logs, integrand, &x, open.len());
        for ((middle, jump), value) in open.into_iter().zip(values) {
            jump.halve(middle, value);
        }
    }
    points
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
                .map(|(ends, at_break)| LinePanel::new(ends, at_break))
                .collect(),
            is_open: true,
        })
        .collect();
    let may_cut = !pair.is_exact() && effort.rounds > 0;
    let rounds = if may_cut { ROUNDS } else { 0 };
    let lengths = [pair.length(), strip[1] - strip[0]];
    let mut points = 0;
    for round in 0..=rounds {
        let new: Vec<(f64, &mut LinePanel)> = (lines.iter_mut())
            .filter(|line| line.is_open)
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
        let found = parts_of_panels(pair, logs, integrands, rule, &ends, &x);
        for (i, ((_, panel), parts)) in new.into_iter().zip(found.parts).enumerate() {
            panel.parts = parts;
            // What is smooth has come to rest by then.
            if round >= HALVED_BEFORE
                && let Some(values) = found.values.first()
            {
                let at = i * rule.points()..(i + 1) * rule.points();
                panel.jump = Jump::among(&rule.on(panel.ends), &values[at]);
            }
        }
        if is_last {
            break;
        }
        // What was not cut has not changed.
        let mut open: Vec<&mut Line> = lines.iter_mut().filter(|line| line.is_open).collect();
        let is_bad: Vec<Vec<bool>> = (open.iter())
            .map(|line| line.bad(rule, integrands, effort.tolerance, lengths))
            .collect();
        let mut jumps: Vec<(f64, &mut Jump)> = Vec::new();
        for (line, is_bad) in open.iter_mut().zip(&is_bad) {
            let t = line.t;
            let bad = line
                .panels
                .iter_mut()
                .zip(is_bad)
                .filter(|(_, is_bad)| **is_bad);
            jumps.extend(bad.filter_map(|(panel, _)| Some((t, panel.jump.as_mut()?))));
        }
        if let Some(first) = integrands.first() {
            points += find_jumps(pair, logs, *first, &mut jumps);
        }
        for (line, is_bad) in open.iter_mut().zip(&is_bad) {
            line.cut(is_bad);
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
