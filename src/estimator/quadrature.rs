//! The trapezoidal rule in every component's own standard coordinates.
//!
//! E_q f = Σₖ wₖ ∫ φ(z) f(μₖ + Lₖ z) dz, and each integral is a sum over an even grid of z. The rule
//! covers a component wherever it moves and however narrow it gets, and for the analytic functions
//! here its error falls exponentially with the number of points (Trefethen and Weideman 2014, §5).
//! Every second and every fourth point is a rule of its own, which estimates the error.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::grid::Grid;
use super::{
    Context, Estimator, EstimatorSettings, Problem, Standard, StandardPoints, on_axes, product,
    thinned, vector,
};
use crate::compute::MOST_ENTRIES;
use crate::density::target::TargetModel;
use crate::density::{Density, Draws, Embedded, ErrorRule, Nodes};
use crate::divergence::Side;
use crate::error::Refusal;

/// The grid ends here: φ(8.6) is 3e-17, below the rounding of the rest.
const REACH: f64 = 8.6;
/// The thickness of the shells that show what lies beyond.
const SHELL: f64 = 0.6;
/// How much of the target's mass a fixed grid may miss or make up.
const MISSING_MASS: f64 = 1e-4;
/// More than the rounding of z.
const TINY: f64 = 1e-9;

/// Settings of the quadrature.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QuadratureConfig {
    /// Points on each axis of each component, for the trapezoidal rule along it; left out, panels that
    /// see both densities.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub points: Option<usize>,
    /// A fixed interval of x instead, 1-D: for reproducing a grid from elsewhere. Only for
    /// expectations under the target, since q could leave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<[f64; 2]>,
}

impl QuadratureConfig {
    /// The fewest points that make a rule.
    pub const MIN_POINTS: usize = 5;

    /// Whether one run has room for the points along all components of a target: of kernels on many rows it
    /// has not.
    pub(super) fn fits(target: &TargetModel) -> bool {
        let (components, dim) = (target.components(), target.dim());
        let points = EstimatorSettings::points(&Self::default(), components, dim, 0);
        let entries = points.saturating_mul(components).saturating_mul(dim);
        entries <= MOST_ENTRIES
    }

    /// Points on each axis in D dimensions.
    pub fn points(&self, dim: usize) -> usize {
        let default = match (dim, self.range) {
            (1, None) => 201,
            (1, Some(_)) => 2001,
            _ => 81,
        };
        self.points.unwrap_or(default)
    }

    fn check_range(&self, [lower, upper]: [f64; 2], problem: &Problem) -> Result<(), Refusal> {
        let refused = |message: String, help: &str| Err(Refusal::new("range", message, help));
        if !(lower < upper && (upper - lower).is_finite()) {
            let help = "give [lower, upper] with lower below upper";
            return refused(format!("is [{lower}, {upper}]"), help);
        }
        if problem.target.dim() != 1 {
            let help = "remove it: the points then follow the densities by themselves";
            return refused("is an interval, and the target is not 1-D".to_owned(), help);
        }
        let divergence = problem.divergence;
        if divergence.build().sides().contains(&Side::Family) {
            return refused(
                format!(
                    "fixes the interval, but {} integrates over q, which gradient descent could \
                     move out of it",
                    divergence.name()
                ),
                "remove it: the points then follow q by themselves",
            );
        }
        let entries = self.points(1).saturating_mul(problem.target.components());
        if entries > MOST_ENTRIES {
            // Its size is refused where that of others is.
            return Ok(());
        }
        // A finer grid than this is no worse.
        let points = self.points(1).min(1 << 20);
        let mass = Grid::new(lower, upper, points).mass(problem.target);
        if (mass - 1.0).abs() <= MISSING_MASS {
            return Ok(());
        }
        refused(
            format!("with {points} points gives the target a mass of {mass:.6}, not 1"),
            "widen the interval or add points; or remove it, and the points follow the target",
        )
    }
}

impl EstimatorSettings for QuadratureConfig {
    fn points(&self, strata: usize, dim: usize, _: usize) -> usize {
        let points = self.points(dim);
        match self.range {
            Some(_) => points,
            None => on_axes(points, strata, dim),
        }
    }

    fn check(&self, name: &str, problem: &Problem) -> Result<(), Refusal> {
        problem.needs_density(name)?;
        let help = "a grid would have too many points: use type = \"monte-carlo\", or \
                    \"gauss-hermite\" up to 4 dimensions";
        problem.needs_at_most(Quadrature::MAX_DIM, name, help)?;
        let points = self.points(problem.target.dim());
        if points < Self::MIN_POINTS {
            let help = format!("give at least {}", Self::MIN_POINTS);
            return Err(Refusal::new("points", format!("is {points}"), help));
        }
        self.range
            .map_or(Ok(()), |range| self.check_range(range, problem))
    }

    fn is_open(&self) -> bool {
        self.points.is_none() && self.range.is_none()
    }

    fn build(&self, dim: usize) -> Box<dyn Estimator> {
        let points = self.points(dim);
        match self.range {
            Some([lower, upper]) => Box::new(Grid::new(lower, upper, points)),
            None if self.points.is_some() => Box::new(Quadrature::new(points)),
            None => Box::new(Quadrature::up_to(points, if dim == 1 { 6401 } else { 321 })),
        }
    }
}

/// The trapezoidal rule with a number of points on each axis of each component.
///
/// It serves one dimension on one device: its points are made once, at the first use.
#[derive(Debug, Clone)]
pub struct Quadrature {
    points: usize,
    /// How far the rule may be refined.
    most: usize,
    nodes: OnceLock<(Nodes, Standard)>,
}

impl Quadrature {
    /// Above this dimension the product of axes has too many points.
    pub const MAX_DIM: usize = 2;

    /// A rule with this many points on each axis.
    pub fn new(points: usize) -> Self {
        Self::up_to(points, points)
    }

    /// A rule that may be refined to no more than `most` points on each axis.
    pub fn up_to(points: usize, most: usize) -> Self {
        Self {
            points,
            most,
            nodes: OnceLock::new(),
        }
    }

    /// A rule of half the spacing that holds all points of this one.
    pub fn halved(&self) -> Option<Self> {
        let points = 2 * self.points - 1;
        (points <= self.most).then(|| Self {
            points,
            nodes: OnceLock::new(),
            ..self.clone()
        })
    }

    pub(crate) fn spacing(&self) -> f64 {
        2.0 * REACH / (self.points - 1) as f64
    }

    /// z and its weights on one axis: in the rule, and in those of twice and four times the spacing.
    fn axis(&self) -> Vec<(f64, [f64; 3])> {
        let spacing = self.spacing();
        let middle = (self.points - 1) as f64 / 2.0;
        (0..self.points)
            .map(|i| {
                let z = (i as f64 - middle) * spacing;
                let weight = spacing * (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt();
                (z, thinned(weight, i))
            })
            .collect()
    }

    fn nodes(&self, context: Context) -> (Nodes, Standard) {
        // As many points on an axis in one shell as in the other.
        let thickness = (SHELL / self.spacing()).ceil() * self.spacing();
        let mut z = Vec::new();
        let mut weights = [const { Vec::new() }; 5];
        for point in product(&self.axis(), context.dim) {
            let radius = point.iter().map(|(z, _)| z * z).sum::<f64>().sqrt();
            // A product has corners, which are farther out than the ends of its axes.
            if radius > REACH + TINY {
                continue;
            }
            z.extend(point.iter().map(|(z, _)| z));
            let of = |rule: usize| point.iter().map(|(_, weights)| weights[rule]).product();
            let weight: f64 = of(0);
            let shell = ((REACH - radius) / thickness + TINY) as usize;
            let within = |which: usize| if shell == which { weight } else { 0.0 };
            let all = [weight, of(1), of(2), within(0), within(1)];
            for (weights, weight) in weights.iter_mut().zip(all) {
                weights.push(weight);
            }
        }
        let points = weights[0].len();
        let standard = Standard {
            z: StandardPoints::Shared(z.as_slice().into()),
            weights: weights[0].as_slice().into(),
        };
        let [fine, half, quarter, outer, inner] =
            weights.map(|weights| vector(weights, context.numerics));
        let nodes = Nodes {
            z: (context.numerics).tensor(z, [1, 1, points, context.dim]),
            weights: fine,
            error: ErrorRule::Embedded(Box::new(Embedded {
                coarser: [half, quarter],
                shells: Some([outer, inner]),
            })),
        };
        (nodes, standard)
    }
}

impl Estimator for Quadrature {
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
        Some(Box::new(self.halved()?))
    }
}
