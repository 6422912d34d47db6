//! Where the nats come from: the integrals of both KLs up to every place on the line.

use std::num::NonZeroUsize;

use gauss_quad::GaussLegendre;

use crate::compute::kernel::log_densities;
use crate::mixture::Mixture;

/// Points of the rule on each piece.
const POINTS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(7);
/// Pieces end at every one of these parts of a component's standard deviation, as far out as it matters.
const PART: f64 = 0.5;
const REACH: f64 = 12.0;

/// ∫ p log(p/q) and ∫ q log(q/p) from the far left up to each of these places, which increase.
pub(super) fn totals(p: &Mixture, q: &Mixture, x: &[f64]) -> [Vec<f64>; 2] {
    let Some(&last) = x.last() else {
        return Default::default();
    };
    let mut knots: Vec<f64> = [p, q]
        .into_iter()
        .flat_map(knots)
        .chain(x.iter().copied())
        .collect();
    knots.retain(|knot| knot.is_finite() && *knot <= last);
    knots.sort_by(f64::total_cmp);
    knots.dedup();
    let rule = GaussLegendre::new(POINTS);
    let nodes: Vec<(f64, f64)> = rule.iter().map(|(node, weight)| (*node, *weight)).collect();
    let at: Vec<f64> = (knots.windows(2))
        .flat_map(|ends| {
            let (middle, half) = (0.5 * (ends[0] + ends[1]), 0.5 * (ends[1] - ends[0]));
            nodes.iter().map(move |(node, _)| middle + half * node)
        })
        .collect();
    let (log_p, log_q) = (log_densities(p, &at), log_densities(q, &at));
    let piece = |above: &[f64], below: &[f64], piece: usize| -> f64 {
        let half = 0.5 * (knots[piece + 1] - knots[piece]);
        let first = piece * nodes.len();
        let terms = nodes.iter().enumerate().map(|(i, (_, weight))| {
            let (above, below) = (above[first + i], below[first + i]);
            // 0 · ∞ is 0.
            match above.exp() {
                0.0 => 0.0,
                density => weight * density * (above - below),
            }
        });
        half * terms.sum::<f64>()
    };
    [(&log_p, &log_q), (&log_q, &log_p)].map(|(above, below)| {
        let (mut sum, mut done) = (0.0, 0);
        x.iter()
            .map(|place| {
                while done + 1 < knots.len() && knots[done + 1] <= *place {
                    sum += piece(above, below, done);
                    done += 1;
                }
                sum
            })
            .collect()
    })
}

/// Places around the components of a mixture, between which it is smooth.
pub(super) fn knots(mixture: &Mixture) -> Vec<f64> {
    let parts = (REACH / PART) as i32;
    (0..mixture.components())
        .flat_map(|k| {
            let (mean, std) = (mixture.means()[k][0], mixture.component_stds(k)[0]);
            (-parts..=parts).map(move |part| mean + PART * f64::from(part) * std)
        })
        .collect()
}
