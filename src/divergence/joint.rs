//! A divergence as one integral over x, ∫ (p f_p + q f_q) dx: both sides at the same points.
//!
//! Points that follow one density alone miss what the other has between them. Under a density m that
//! has a part of both, the ratios p / m and q / m are bounded and nothing is missed (the balance
//! heuristic of Veach and Guibas 1995; Owen and Zhou 2000).
//!
//! From the integrand its tangent at p = q is taken, c (p − q), which integrates to 0: what is left of
//! KL(p‖q) is p log(p/q) − p + q, never negative and of second order where p is close to q. The other
//! divergences have no tangent there once both sides are added.

use super::sampled::{Share, carried, outer, paired};
use super::{Attempt, Divergence, DivergenceKind, EstimateMethod, ReadPoints, Side};
use crate::error::Result;

/// A divergence whose sides are taken together.
#[derive(Debug)]
pub(crate) struct Joint {
    divergence: Box<dyn Divergence>,
    tangent: f64,
}

impl Joint {
    pub fn new(kind: DivergenceKind) -> Self {
        let divergence = kind.build();
        let tangent = tangent(&*divergence);
        Self {
            divergence,
            tangent,
        }
    }

    /// (p f_p + q f_q − c (p − q)) / m at N points, from log p and log q, in nats, and p / m and q / m
    /// there.
    pub fn values(&self, logs: [&[f64]; 2], shares: [&[f64]; 2]) -> Vec<f64> {
        joined(&*self.divergence, self.tangent, logs, shares)
    }
}

fn joined(
    divergence: &dyn Divergence,
    tangent: f64,
    [log_p, log_q]: [&[f64]; 2],
    shares: [&[f64]; 2],
) -> Vec<f64> {
    let mut values: Vec<f64> = (shares[0].iter().zip(shares[1]))
        .map(|(p, q)| tangent * (q - p))
        .collect();
    let mut of_side = vec![0.0; values.len()];
    for &side in divergence.sides() {
        divergence.values(side, log_p, log_q, &mut of_side);
        let shares = match side {
            Side::Target => shares[0],
            Side::Family => shares[1],
        };
        for ((value, of_side), share) in values.iter_mut().zip(&of_side).zip(shares) {
            // 0 log 0 is 0.
            if *share != 0.0 {
                *value += share * of_side;
            }
        }
    }
    values
}

/// c with p f_p + q f_q ≈ c (p − q) where p ≈ q.
fn tangent(divergence: &dyn Divergence) -> f64 {
    (divergence.sides().iter())
        .map(|&side| {
            let [mut value, mut by_p, mut by_q] = [[0.0]; 3];
            divergence.slopes(side, &[0.0], &[0.0], [&mut value, &mut by_p, &mut by_q]);
            match side {
                Side::Target => value[0] + by_p[0],
                Side::Family => by_p[0],
            }
        })
        .sum()
}

/// D(p, q) of R runs with errors, in nats, from random points under p and under q, which count for
/// both sides: the points are those of ½p + ½q.
///
/// # Errors
/// If the device failed.
pub fn estimate_jointly(
    divergence: &dyn Divergence,
    points: [&ReadPoints; 2],
) -> Result<Vec<Attempt>> {
    let half = |one: &[f64], other: &[f64]| paired(one, other, |one, other| 0.5 * (one + other));
    let tangent = tangent(divergence);
    let [p, q] = points.map(|points| {
        points.shares(|run, logs| {
            let averages = points.averages();
            let shares = shares(logs);
            let values = joined(
                divergence,
                tangent,
                logs,
                shares.each_ref().map(Vec::as_slice),
            );
            // What is averaged is made of two logarithms, rounded each by itself. 0 log 0 is 0.
            let size = |share: f64, log: f64| if share == 0.0 { 0.0 } else { share * log.abs() };
            let [of_p, of_q] = [0, 1].map(|side| paired(&shares[side], logs[side], size));
            let rounded = paired(&of_p, &of_q, |of_p, of_q| of_p + of_q);
            [
                averages.mean(run, &values),
                averages.error(run, &values),
                averages.mean(run, &rounded) * points.epsilon(),
            ]
        })
    });
    let total = Share {
        value: half(&p.value, &q.value),
        error: paired(&p.error, &q.error, |one, other| 0.5 * one.hypot(other)),
        floor: half(&p.floor, &q.floor),
        method: EstimateMethod::MonteCarlo,
    };
    carried(divergence, &total)
}

/// D(p, q) of R runs in nats, from points of a rule under p and under q, which count for both sides. Where the rule is
/// poor the tangent has no integral of 0 by it, and is left where it is.
///
/// # Errors
/// If the device failed.
pub fn values_jointly(divergence: &dyn Divergence, points: [&ReadPoints; 2]) -> Result<Vec<f64>> {
    let [p, q] = points.map(|points| {
        points.of_runs(|run, logs| {
            let shares = shares(logs);
            let values = joined(divergence, 0.0, logs, shares.each_ref().map(Vec::as_slice));
            points.averages().mean(run, &values)
        })
    });
    outer(divergence, paired(&p, &q, |one, other| 0.5 * (one + other)))
}

/// p / m and q / m for m = ½p + ½q, from log p and log q: 2 / (1 + e^(log q − log p)), and the other way round. Of the smaller
/// all digits count too.
fn shares([log_p, log_q]: [&[f64]; 2]) -> [Vec<f64>; 2] {
    let (of_p, of_q) = (log_p.iter().zip(log_q))
        .map(|(p, q)| {
            let smaller_by = (-(p - q).abs()).exp();
            let larger = 2.0 / (1.0 + smaller_by);
            let smaller = larger * smaller_by;
            if p < q {
                (smaller, larger)
            } else {
                (larger, smaller)
            }
        })
        .unzip();
    [of_p, of_q]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_of_second_order_where_the_densities_are_close() {
        for kind in DivergenceKind::all() {
            if kind == DivergenceKind::CrossEntropy {
                continue;
            }
            let joint = Joint::new(kind);
            // p = e^δ and q = 1, m their mean.
            let at = |delta: f64| {
                let m = 0.5 * (delta.exp() + 1.0);
                joint.values([&[delta], &[0.0]], [&[delta.exp() / m], &[1.0 / m]])[0]
            };
            let kink = kind == DivergenceKind::TotalVariation;
            for delta in [1e-2_f64, -1e-2, 1e-3, -1e-3] {
                let bound = if kink {
                    delta.abs()
                } else {
                    2.0 * delta * delta
                };
                assert!(at(delta) >= -1e-17 && at(delta) <= bound, "{}", kind.name());
            }
        }
    }

    #[test]
    fn a_density_of_zero_adds_nothing_of_its_own_side() {
        let none = f64::NEG_INFINITY;
        let of = |kind| {
            Joint::new(kind).values([&[0.0, none], &[none, 0.0]], [&[2.0, 0.0], &[0.0, 2.0]])
        };
        // q p/q is infinite where q alone is zero; what p lacks costs KL(p‖q) its mass.
        assert_eq!(of(DivergenceKind::ForwardKl), [f64::INFINITY, 2.0]);
        assert_eq!(of(DivergenceKind::ReverseKl), [2.0, f64::INFINITY]);
        let js = of(DivergenceKind::Js);
        assert!(
            js.iter()
                .all(|js| (js - std::f64::consts::LN_2).abs() < 1e-15),
            "{js:?}"
        );
    }
}
