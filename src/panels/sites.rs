//! Points with weights.

use super::legendre::LegendreRule;

/// Points with weights for ∫ f dx over some panels.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sites {
    /// `[S, D]`.
    pub x: Vec<f64>,
    /// `[S]`.
    pub weights: Vec<f64>,
}

impl Sites {
    /// Those of panels of a line.
    pub(super) fn on_line(rule: &LegendreRule, panels: &[[f64; 2]]) -> Self {
        let count = rule.points() * panels.len();
        let mut sites = Self {
            x: Vec::with_capacity(count),
            weights: Vec::with_capacity(count),
        };
        for ends in panels {
            sites.x.extend(rule.on(*ends));
            sites.weights.extend(rule.weights_on(*ends));
        }
        sites
    }

    /// Adds those of a panel.
    pub(super) fn panel(
        &mut self,
        rule: &LegendreRule,
        ends: [f64; 2],
        weight: f64,
        mut tell: impl FnMut(f64, &mut Vec<f64>),
    ) {
        for (place, own) in rule.on(ends).zip(rule.weights_on(ends)) {
            tell(place, &mut self.x);
            self.weights.push(weight * own);
        }
    }
}
