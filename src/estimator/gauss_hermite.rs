//! Gauss–Hermite: the rule of n points on an axis that is exact for polynomials of degree 2n − 1
//! under a normal density, as a product over the axes of every component (Golub and Welsch 1969).

use std::num::NonZeroUsize;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::{
    Context, Estimator, EstimatorSettings, Problem, Standard, StandardPoints, on_axes, product,
    vector,
};
use crate::density::{Density, Draws, Embedded, ErrorRule, Nodes};
use crate::error::Refusal;

/// Points of a product rule with a smaller weight are left out: its corners.
const NEGLIGIBLE: f64 = 1e-20;
/// A rule that is refined by itself has no more points than this on a component.
const MOST_POINTS: usize = 1 << 14;

/// Settings of Gauss–Hermite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GaussHermiteConfig {
    /// Points on each axis, for each component. By default 32, 16, 10 and 8 in 1 to 4 dimensions,
    /// and more for a run whose loss they do not resolve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<usize>,
}

impl GaussHermiteConfig {
    /// The lowest and the highest order: below, no error can be estimated; above, weights underflow.
    pub const ORDERS: std::ops::RangeInclusive<usize> = 4..=300;

    /// Points on each axis in D dimensions.
    pub fn order(&self, dim: usize) -> usize {
        let default = [32, 16, 10, 8];
        self.order
            .unwrap_or(default[dim.clamp(1, GaussHermite::MAX_DIM) - 1])
    }
}

impl EstimatorSettings for GaussHermiteConfig {
    fn points(&self, strata: usize, dim: usize, _: usize) -> usize {
        on_axes(self.order(dim), strata, dim)
    }

    fn check(&self, name: &str, problem: &Problem) -> Result<(), Refusal> {
        problem.needs_density(name)?;
        let help = "the product of its axes would have too many points: use type = \
                    \"quasi-monte-carlo\" or \"monte-carlo\"";
        problem.needs_at_most(GaussHermite::MAX_DIM, name, help)?;
        let (order, orders) = (self.order(problem.target.dim()), Self::ORDERS);
        if orders.contains(&order) {
            return Ok(());
        }
        let help = format!("give one from {} to {}", orders.start(), orders.end());
        Err(Refusal::new("order", format!("is {order}"), help))
    }

    fn build(&self, dim: usize) -> Box<dyn Estimator> {
        Box::new(GaussHermite {
            order: self.order(dim),
            dim,
            refinable: self.order.is_none(),
            nodes: OnceLock::new(),
        })
    }
}

/// Gauss–Hermite of an order on each axis of each component.
///
/// Its error is estimated by the rules of half and of a quarter of the order, whose points are added
/// with weight 0.
#[derive(Debug, Clone)]
pub struct GaussHermite {
    order: usize,
    dim: usize,
    refinable: bool,
    nodes: OnceLock<(Nodes, Standard)>,
}

impl GaussHermite {
    /// Above this dimension the product of axes has too many points.
    pub const MAX_DIM: usize = 4;

    fn nodes(&self, context: Context) -> (Nodes, Standard) {
        let mut z = Vec::new();
        let mut weights = [const { Vec::new() }; 3];
        for (rule, order) in [self.order, self.order / 2, self.order / 4]
            .into_iter()
            .enumerate()
        {
            for point in product(&axis(order), context.dim) {
                let weight: f64 = point.iter().map(|(_, weight)| weight).product();
                if weight > NEGLIGIBLE {
                    z.extend(point.iter().map(|(z, _)| z));
                    for (other, weights) in weights.iter_mut().enumerate() {
                        weights.push(if other == rule { weight } else { 0.0 });
                    }
                }
            }
        }
        let points = weights[0].len();
        let standard = Standard {
            z: StandardPoints::Shared(z.as_slice().into()),
            weights: weights[0].as_slice().into(),
        };
        let [fine, half, quarter] = weights.map(|weights| vector(weights, context.numerics));
        let nodes = Nodes {
            z: (context.numerics).tensor(z, [1, 1, points, context.dim]),
            weights: fine,
            error: ErrorRule::Embedded(Box::new(Embedded {
                coarser: [half, quarter],
                shells: None,
            })),
        };
        (nodes, standard)
    }
}

/// z and its weights on one axis: the rule for the weight e^(−x²), scaled to a standard normal.
fn axis(order: usize) -> Vec<(f64, f64)> {
    let rule = gauss_quad::GaussHermite::new(NonZeroUsize::MIN.saturating_add(order.max(1) - 1));
    let (stretch, total) = (2f64.sqrt(), std::f64::consts::PI.sqrt());
    (rule.iter())
        .map(|(x, weight)| (x * stretch, weight / total))
        .collect()
}

impl Estimator for GaussHermite {
    fn draws(&self, density: &dyn Density, context: Context) -> Draws {
        let (nodes, _) = self.nodes.get_or_init(|| self.nodes(context));
        density.place(nodes.clone())
    }

    fn standard(&self, _: usize, context: Context) -> Option<Standard> {
        let (_, standard) = self.nodes.get_or_init(|| self.nodes(context));
        Some(standard.clone())
    }

    fn is_random(&self) -> bool {
        false
    }

    fn refined(&self) -> Option<Box<dyn Estimator>> {
        let order = 2 * self.order;
        let fits = order.saturating_pow(self.dim as u32) <= MOST_POINTS
            && GaussHermiteConfig::ORDERS.contains(&order);
        (self.refinable && fits).then(|| {
            Box::new(Self {
                order,
                nodes: OnceLock::new(),
                ..self.clone()
            }) as Box<dyn Estimator>
        })
    }
}

#[cfg(test)]
mod tests {
    use super::axis;

    #[test]
    fn moments_of_a_standard_normal_are_exact_up_to_the_degree() {
        for order in [1, 2, 5, 32, 300] {
            let mut exact = 1.0;
            for degree in (0..(2 * order).min(20)).step_by(2) {
                let moment: f64 = (axis(order).iter())
                    .map(|(z, weight)| weight * z.powi(degree as i32))
                    .sum();
                assert!((moment / exact - 1.0).abs() < 1e-10, "{order} {degree}");
                exact *= degree as f64 + 1.0;
            }
        }
    }
}
