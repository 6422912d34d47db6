//! The parts of several integrals over panels, from the same points.

use super::integrand::{LogDensityFn, PanelIntegrand, integrand};
use super::legendre::LegendreRule;
use super::pair::DensityPair;
use super::panel::{Partial, part};

/// What the points of some panels tell.
pub(super) struct PartsOfPanels {
    /// Of each panel, the parts of all integrals.
    pub parts: Vec<Vec<Partial>>,
    /// Of each integral, its integrand at all points.
    pub values: Vec<Vec<f64>>,
}

/// The parts of every integral over some panels, from the points of these.
pub(super) fn parts_of_panels(
    pair: &DensityPair,
    logs: [LogDensityFn; 2],
    integrands: &[PanelIntegrand],
    rule: &LegendreRule,
    panels: &[[f64; 2]],
    x: &[f64],
) -> PartsOfPanels {
    let each = rule.points();
    let n = each * panels.len();
    let dim = x.len() / n.max(1);
    let [log_p, log_q] = at_points(logs, x, n);
    let mut roundings = vec![0.0; n];
    let mut parts = vec![Vec::with_capacity(integrands.len()); panels.len()];
    let mut all = Vec::with_capacity(integrands.len());
    for one in integrands {
        let mut values = vec![0.0; n];
        integrand(
            *one,
            x,
            [&log_p, &log_q],
            pair.roundings(),
            [&mut values, &mut roundings],
        );
        for (i, (parts, ends)) in parts.iter_mut().zip(panels).enumerate() {
            let at = each * i..each * (i + 1);
            let x = &x[dim * at.start..dim * at.end];
            let mut part = part(rule, *ends, x, &values[at.clone()], &roundings[at]);
            // Where all corners are known panels end at them.
            if pair.is_exact() {
                part.ends = [0.0; 2];
            }
            parts.push(part);
        }
        all.push(values);
    }
    PartsOfPanels { parts, values: all }
}

/// An integrand at N points.
pub(super) fn values_at(
    logs: [LogDensityFn; 2],
    one: PanelIntegrand,
    x: &[f64],
    n: usize,
) -> Vec<f64> {
    let [log_p, log_q] = at_points(logs, x, n);
    let (mut values, mut roundings) = (vec![0.0; n], vec![0.0; n]);
    let all = [&mut values[..], &mut roundings[..]];
    integrand(one, x, [&log_p, &log_q], [0.0; 2], all);
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
