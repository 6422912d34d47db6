//! The parts of several integrals over panels, from the same points.
//!
//! Panels are worked on a few abreast: of all of them first the points at the first node of the rule, then
//! those at the next, and so on. What is done to one panel is done to all in one go, as vector code has it.

use super::integrand::{AT_ONCE, AtPoints, Integrands, LogDensityFn, PanelIntegrand};
use super::legendre::LegendreRule;
use super::pair::DensityPair;
use super::panel::{PanelPoints, Partial};
use super::placed::{ABREAST, Placed};

/// What the points of some panels tell.
pub(super) struct PartsOfPanels {
    /// The parts of all integrals, panel after panel.
    pub parts: Vec<Partial>,
    /// Of as many integrals as were asked for, the integrand at all points, panel after panel.
    pub values: Vec<Vec<f64>>,
}

/// The parts of every integral over some panels. `kept`: of the first so many the integrand is kept.
pub(super) fn parts_of_panels(
    pair: &DensityPair,
    logs: [LogDensityFn; 2],
    integrands: &[PanelIntegrand],
    rule: &LegendreRule,
    panels: &[Placed],
    kept: usize,
) -> PartsOfPanels {
    let n = rule.points() * panels.len();
    let x = pair.points(rule, panels);
    let dim = x.len() / n.max(1);
    let [log_p, log_q] = at_points(logs, &x, n);
    let mut found = PartsOfPanels {
        parts: vec![Partial::NONE; panels.len() * integrands.len()],
        values: vec![vec![0.0; n]; kept.min(integrands.len())],
    };
    let mut work = Integrands::new(n);
    let mut room = [(); 2].map(|()| vec![0.0; n.min(AT_ONCE)]);
    let together = AT_ONCE / rule.points();
    for (block, panels) in panels.chunks(together).enumerate() {
        let start = block * AT_ONCE;
        let points = start..start + rule.points() * panels.len();
        let at = AtPoints {
            x: &x[dim * points.start..dim * points.end],
            logs: [&log_p[points.clone()], &log_q[points.clone()]],
            more: pair.roundings(),
        };
        work.go_to(at);
        for (kind, integrand) in integrands.iter().enumerate() {
            let [values, roundings] = room.each_mut().map(|room| &mut room[..points.len()]);
            work.tell(*integrand, at, [&mut *values, &mut *roundings]);
            PanelPoints {
                rule,
                panels,
                x: at.x,
                values,
                roundings,
                // Where all corners are known panels end at them.
                has_seams: !pair.is_exact(),
                to: &mut found.parts[block * together * integrands.len() + kind..],
                stride: integrands.len(),
            }
            .tell();
            if let Some(kept) = found.values.get_mut(kind) {
                one_by_one(rule, panels.len(), values, &mut kept[points.clone()]);
            }
        }
    }
    found
}

/// Numbers at the points of panels abreast, panel after panel.
fn one_by_one(rule: &LegendreRule, panels: usize, from: &[f64], to: &mut [f64]) {
    let n = rule.points();
    for first in (0..panels).step_by(ABREAST) {
        let abreast = ABREAST.min(panels - first);
        let at = first * n..(first + abreast) * n;
        let (from, to) = (&from[at.clone()], &mut to[at]);
        for (node, row) in from.chunks_exact(abreast).enumerate() {
            for (panel, value) in row.iter().enumerate() {
                to[panel * n + node] = *value;
            }
        }
    }
}

/// An integrand at N points.
pub(super) fn values_at(
    logs: [LogDensityFn; 2],
    one: PanelIntegrand,
    x: &[f64],
    n: usize,
) -> Vec<f64> {
    let [log_p, log_q] = at_points(logs, x, n);
    let dim = x.len() / n.max(1);
    let (mut values, mut roundings) = (vec![0.0; n], vec![0.0; n]);
    let mut work = Integrands::new(n);
    for start in (0..n).step_by(AT_ONCE) {
        let points = start..n.min(start + AT_ONCE);
        let at = AtPoints {
            x: &x[dim * points.start..dim * points.end],
            logs: [&log_p[points.clone()], &log_q[points.clone()]],
            more: [0.0; 2],
        };
        work.go_to(at);
        let to = [&mut values, &mut roundings].map(|all| &mut all[points.clone()]);
        work.tell(one, at, to);
    }
    values
}

/// The log-densities at N points.
pub(super) fn at_points(logs: [LogDensityFn; 2], x: &[f64], n: usize) -> [Vec<f64>; 2] {
    logs.map(|log| {
        let mut values = vec![0.0; n];
        log(x, &mut values);
        values
    })
}
