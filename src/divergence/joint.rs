//! A divergence as one integral over x, ∫ (p f_p + q f_q) dx: both sides at the same points.
//!
//! Points that follow one density alone miss what the other has between them. Under a density m that
//! has a part of both, the ratios p / m and q / m are bounded and nothing is missed (the balance
//! heuristic of Veach and Guibas 1995; Owen and Zhou 2000).
//!
//! From the integrand its tangent at p = q is taken, c (p − q), which integrates to 0: what is left of
//! KL(p‖q) is p log(p/q) − p + q, never negative and of second order where p is close to q. The other
//! divergences have no tangent there once both sides are added.

use burn::tensor::{Tensor, activation};

use super::sampled::{Share, carried, epsilon};
use super::{Attempt, Divergence, DivergenceKind, EstimateMethod, Sampled, Side};
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
        let [log_p, log_q] = logs;
        let mut values: Vec<f64> = (shares[0].iter().zip(shares[1]))
            .map(|(p, q)| self.tangent * (q - p))
            .collect();
        let mut of_side = vec![0.0; values.len()];
        for &side in self.divergence.sides() {
            self.divergence.values(side, log_p, log_q, &mut of_side);
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

/// D(p, q) of R runs with errors, in nats, from points under p and points under q, which count for
/// both sides: the points are those of ½p + ½q.
///
/// # Errors
/// If the device failed.
pub fn estimate_jointly(
    divergence: &dyn Divergence,
    points: [&Sampled; 2],
) -> Result<Vec<Attempt>> {
    let tangent = tangent(divergence);
    let [p, q] = points.map(|points| share(divergence, tangent, points));
    let half = |a: Tensor<1>, b: Tensor<1>| (a + b).mul_scalar(0.5);
    carried(
        divergence,
        Share {
            value: half(p.value, q.value),
            error: (p.error.square() + q.error.square()).sqrt().mul_scalar(0.5),
            floor: half(p.floor, q.floor),
            method: EstimateMethod::MonteCarlo,
        },
    )
}

/// The mean of the joint integrand over m = ½p + ½q at the points of one of them.
fn share(divergence: &dyn Divergence, tangent: f64, points: &Sampled) -> Share {
    let (log_p, log_q) = (points.log_p.clone(), points.log_q.clone());
    // Beyond this the smaller share is 0 in any precision.
    let ratio = (log_p.clone() - log_q.clone()).clamp(-1e3, 1e3);
    let shares = [ratio.clone(), -ratio].map(|ratio| activation::sigmoid(ratio).mul_scalar(2.0));
    let weighted = |share: &Tensor<2>, values: Tensor<2>| {
        // 0 log 0 is 0.
        (share.clone() * values).mask_fill(share.clone().equal_elem(0.0), 0.0)
    };
    let [share_p, share_q] = &shares;
    let mut values = (share_q.clone() - share_p.clone()).mul_scalar(tangent);
    for &side in divergence.sides() {
        let share = match side {
            Side::Target => share_p,
            Side::Family => share_q,
        };
        let of_side = divergence.integrand(side, log_p.clone(), log_q.clone());
        values = values + weighted(share, of_side);
    }
    // What is averaged is made of two logarithms, rounded each by itself.
    let rounded = weighted(share_p, log_p.abs()) + weighted(share_q, log_q.abs());
    Share {
        error: points.draws.error(values.clone()),
        floor: (points.draws.expectation(rounded)).mul_scalar(epsilon(&values)),
        value: points.draws.expectation(values),
        method: EstimateMethod::MonteCarlo,
    }
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
