//! Integrals over a strip of the plane, by lines side by side in it, each with panels of its own.

use super::effort::PanelEffort;
use super::integrand::{LogDensityFn, PanelIntegrand};
use super::legendre::LegendreRule;
use super::mesh::Mesh;
use super::pair::DensityPair;
use super::panel::{Partial, seams};
use super::parts::{parts_of_panels, values_at};
use super::placed::Placed;

/// Panels of a line are halved so often, at most.
const ROUNDS: usize = 50;
/// A panel that is bad after so many of them may have a jump, where one step makes up so much of all …
const HALVED_BEFORE: usize = 2;
const MOST_OF_ALL: f64 = 0.5;
/// … and which so many halvings find to the last digit.
const HALVINGS: usize = 60;
/// A panel may be off by this share of what its line may be.
const SHARE: f64 = 1.0 / 8.0;

/// Lines have about so many panels.
const PANELS: usize = 32;
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
    /// Where its parts are among all; none where it was not looked at yet.
    parts: Option<usize>,
    /// Where the first integrand may jump.
    jump: Option<Jump>,
}

/// The parts of every integral over panels that were looked at.
#[derive(Debug)]
struct Parts<'a> {
    rule: &'a LegendreRule,
    /// Panel after panel.
    all: Vec<Partial>,
    /// Whether they may be off where panels meet.
    have_seams: bool,
}

impl Parts<'_> {
    fn of(&self, panel: &LinePanel, kind: usize) -> &Partial {
        static NOT_YET: Partial = Partial::NONE;
        panel
            .parts
            .map_or(&NOT_YET, |first| &self.all[first + kind])
    }
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
    /// Its panels, with what it counts.
    pub fn panels(&self) -> impl Iterator<Item = (Placed, f64)> {
        let panels = self.panels.iter();
        panels.map(|panel| (panel.placed(self.t), self.weight))
    }

    /// How far each of its panels may be off at the seams.
    fn seams(&self, parts: &Parts, kind: usize) -> Vec<f64> {
        let panels = self.panels.iter();
        let known = panels.map(|panel| (parts.of(panel, kind), panel.ends, panel.at_break));
        seams(parts.rule, known)
    }

    fn total(&self, parts: &Parts, kind: usize) -> Partial {
        let mut sum = Partial::NONE;
        for panel in &self.panels {
            sum += *parts.of(panel, kind);
        }
        if parts.have_seams {
            sum.error += self.seams(parts, kind).iter().sum::<f64>();
        }
        sum
    }

    /// The panels whose errors are too large: above their share of what the line may be off, or of rounding.
    fn bad(
        &self,
        known: &Parts,
        integrands: &[PanelIntegrand],
        tolerance: f64,
        [all, strip]: [f64; 2],
    ) -> Vec<bool> {
        let mut is_bad = vec![false; self.panels.len()];
        for (kind, integrand) in integrands.iter().enumerate() {
            let seams = self.seams(known, kind);
            let sum = self.total(known, kind);
            let parts = || self.panels.iter().map(|panel| known.of(panel, kind));
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
            parts: None,
            jump: None,
        }
    }

    fn placed(&self, t: f64) -> Placed {
        Placed { t, ends: self.ends }
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

/// The lines of a strip.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    pub all: Vec<Line>,
    /// How many points they took.
    pub points: usize,
    parts: Parts<'a>,
    strip: [f64; 2],
}

impl Lines<'_> {
    /// `None` if they would take more points than there may be at once. Where densities are not known by their
    /// components panels of the lines are halved until they are good to the tolerance: what more lines cannot make up
    /// for.
    pub fn new(
        pair: &DensityPair,
        logs: [LogDensityFn; 2],
        integrands: &[PanelIntegrand],
        effort: PanelEffort,
        strip: [f64; 2],
    ) -> Option<Self> {
        let rule = effort.order.rule();
        let line = |mesh: &mut Mesh, (t, weight)| {
            let mut panels = Vec::with_capacity(PANELS);
            pair.along_line(t, mesh, |ends, at_break| {
                panels.push(LinePanel::new(ends, at_break));
            });
            Line {
                t,
                weight,
                panels,
                is_open: true,
            }
        };
        let places = rule.on(strip).zip(rule.weights_on(strip));
        let mut lines = Self {
            all: Mesh::with(|mesh| places.map(|place| line(mesh, place)).collect()),
            points: 0,
            parts: Parts {
                rule,
                all: Vec::new(),
                have_seams: !pair.is_exact(),
            },
            strip,
        };
        let may_cut = !pair.is_exact() && effort.rounds > 0;
        let rounds = if may_cut { ROUNDS } else { 0 };
        for round in 0..=rounds {
            let new = lines.look(pair, logs, integrands, effort, round >= HALVED_BEFORE)?;
            if new == 0 || round == rounds || lines.points > effort.points {
                break;
            }
            lines.cut(pair, logs, integrands, effort.tolerance);
        }
        Some(lines)
    }

    /// Looks at the panels that are new, and returns how many points they took; `None` if these are too many.
    /// `for_jumps`: also at where they may jump.
    fn look(
        &mut self,
        pair: &DensityPair,
        logs: [LogDensityFn; 2],
        integrands: &[PanelIntegrand],
        effort: PanelEffort,
        for_jumps: bool,
    ) -> Option<usize> {
        let rule = self.parts.rule;
        let mut new: Vec<(f64, &mut LinePanel)> = (self.all.iter_mut())
            .filter(|line| line.is_open)
            .flat_map(|line| {
                let t = line.t;
                line.panels.iter_mut().map(move |panel| (t, panel))
            })
            .filter(|(_, panel)| panel.parts.is_none())
            .collect();
        let count = rule.points() * new.len();
        self.points += count;
        if count > effort.points {
            return None;
        }
        let panels: Vec<Placed> = (new.iter()).map(|(t, panel)| panel.placed(*t)).collect();
        let kept = usize::from(for_jumps);
        let found = parts_of_panels(pair, logs, integrands, rule, &panels, kept);
        let before = self.parts.all.len();
        for (i, (_, panel)) in new.iter_mut().enumerate() {
            panel.parts = Some(before + i * integrands.len());
            // What is smooth has come to rest by then.
            if let Some(values) = found.values.first() {
                let at = i * rule.points()..(i + 1) * rule.points();
                let places: Vec<f64> = rule.on(panel.ends).collect();
                panel.jump = Jump::among(&places, &values[at]);
            }
        }
        match before {
            0 => self.parts.all = found.parts,
            _ => self.parts.all.extend(found.parts),
        }
        Some(count)
    }

    /// Cuts the panels that are bad.
    fn cut(
        &mut self,
        pair: &DensityPair,
        logs: [LogDensityFn; 2],
        integrands: &[PanelIntegrand],
        tolerance: f64,
    ) {
        let lengths = [pair.length(), self.strip[1] - self.strip[0]];
        // What was not cut has not changed.
        let mut open: Vec<&mut Line> = self.all.iter_mut().filter(|line| line.is_open).collect();
        let is_bad: Vec<Vec<bool>> = (open.iter())
            .map(|line| line.bad(&self.parts, integrands, tolerance, lengths))
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
            self.points += find_jumps(pair, logs, *first, &mut jumps);
        }
        for (line, is_bad) in open.iter_mut().zip(&is_bad) {
            line.cut(is_bad);
        }
    }

    /// The part of one of the integrals over the strip, from those along its lines.
    pub fn together(&self, kind: usize) -> Partial {
        let sums: Vec<Partial> = (self.all.iter())
            .map(|line| line.total(&self.parts, kind))
            .collect();
        let integrals: Vec<f64> = sums.iter().map(|sum| sum.value).collect();
        let rule = self.parts.rule;
        let half = 0.5 * (self.strip[1] - self.strip[0]);
        let [value, error] = rule.integrate(&integrals).map(|part| half * part);
        let floor = (self.all.iter().zip(&sums))
            .map(|(line, sum)| line.weight * (sum.error + sum.floor))
            .sum();
        Partial {
            value,
            error,
            floor,
            ends: rule.at_ends(&integrals),
        }
    }
}
