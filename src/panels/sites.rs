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
    /// Adds those of a panel.
    pub(super) fn panel(
        &mut self,
        rule: &LegendreRule,
        ends: [f64; 2],
        weight: f64,
        mut tell: impl FnMut(f64, &mut Vec<f64>),
    ) {
        let half = 0.5 * (ends[1] - ends[0]);
        for (place, own) in rule.on(ends).into_iter().zip(&rule.weights) {
            tell(place, &mut self.x);
            self.weights.push(weight * half * own);
        }
    }
}
