//! Points with weights.

use super::legendre::{LegendreRule, MOST_NODES, place};
use super::placed::Placed;
use super::shape::Frame;

/// Panels for ∫ f dx, and the rule on each.
#[derive(Debug, Clone)]
pub(crate) struct Laid {
    rule: &'static LegendreRule,
    /// In the plane.
    frame: Option<Frame>,
    /// With what the line of each counts.
    panels: Vec<(Placed, f64)>,
}

/// Points with weights for ∫ f dx over some panels.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sites {
    /// `[S, D]`.
    pub x: Vec<f64>,
    /// `[S]`.
    pub weights: Vec<f64>,
}

impl Laid {
    pub(super) fn new(
        rule: &'static LegendreRule,
        frame: Option<Frame>,
        panels: Vec<(Placed, f64)>,
    ) -> Self {
        Self {
            rule,
            frame,
            panels,
        }
    }

    /// How many points they have.
    pub fn points(&self) -> usize {
        self.rule.points() * self.panels.len()
    }

    /// Writes the points `[S, D]` and their weights `[S]`.
    pub fn tell(&self, x: &mut [f64], weights: &mut [f64]) {
        let n = self.rule.points();
        let dim = if self.frame.is_some() { 2 } else { 1 };
        let each = x.chunks_exact_mut(dim * n).zip(weights.chunks_exact_mut(n));
        for ((panel, weight), (x, weights)) in self.panels.iter().zip(each) {
            let [from, to] = panel.ends;
            let weight = 0.5 * (to - from) * weight;
            for (to, own) in weights.iter_mut().zip(&self.rule.weights) {
                *to = weight * own;
            }
            match self.frame {
                None => self.tell_places(panel.ends, x),
                Some(frame) => {
                    let mut places = [0.0; MOST_NODES];
                    self.tell_places(panel.ends, &mut places[..n]);
                    for (x, s) in x.as_chunks_mut().0.iter_mut().zip(places) {
                        *x = frame.point(panel.t, s);
                    }
                }
            }
        }
    }

    fn tell_places(&self, ends: [f64; 2], places: &mut [f64]) {
        for (to, node) in places.iter_mut().zip(&self.rule.nodes) {
            *to = place(*node, ends);
        }
    }

    /// All points with their weights.
    pub fn sites(&self) -> Sites {
        let count = self.points();
        let dim = if self.frame.is_some() { 2 } else { 1 };
        let mut sites = Sites {
            x: vec![0.0; dim * count],
            weights: vec![0.0; count],
        };
        self.tell(&mut sites.x, &mut sites.weights);
        sites
    }
}
