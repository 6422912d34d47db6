//! How much work an integral over panels may be.

use super::legendre::LegendreOrder;

/// How much work an integral may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct PanelEffort {
    /// The rule on each panel.
    pub order: LegendreOrder,
    /// Panels are this many times as long as those on which 16 points resolve all there is.
    pub length: f64,
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
            length: 1.0,
            cut: 1,
            tolerance: 1e-13,
            rounds: 50,
            points: 1 << 20,
            both_ways: true,
        },
        Self {
            order: LegendreOrder::Sixteen,
            length: 1.0,
            cut: 1,
            tolerance: 1e-11,
            rounds: 40,
            points: 1 << 24,
            both_ways: true,
        },
    ];
}
