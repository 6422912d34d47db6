//! Gaussians along climbs of a density, the best of each by its evidence lower bound: Pathfinder, as a start.
//!
//! Zhang, Carpenter, Gelman and Vehtari 2022. On its way to a mode a climb passes places around which a Gaussian has more
//! of the mass than at the mode itself, and what it learns of log p on the way makes the covariance.

use nalgebra::{Cholesky, DMatrix, DVector};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, StandardNormal};
use serde::{Deserialize, Serialize};

use super::surface::{self, Mode, Surface};
use super::{FitProblem, StartSettings};
use crate::density::family::Family;
use crate::density::target::TargetModel;
use crate::error::Refusal;
use crate::mixture::Mixture;

/// More draws than this are taken for a mistake.
const MOST_DRAWS: usize = 1_000_000;
/// A climb goes on until log p would change by no more than this over the extent of the target.
const ARRIVED: f64 = 1e-5;
/// Pairs of moves and slopes that are longer in slope than this for their curvature say nothing that rounding does not.
const ROUNDING: f64 = 1e-12;
/// Two climbs that end within so many standard deviations of each other have ended at one mode.
const SAME: f64 = 0.3;

/// The best Gaussian of each climb of log p from a normal point by the evidence lower bound, the best of them first (Zhang,
/// Carpenter, Gelman and Vehtari 2022). No draws of the target are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pathfinder {
    /// How many climbs there are.
    pub climbs: usize,
    /// They begin at normal points around the origin with this standard deviation; if it is not given, around the mean
    /// of the target with its covariance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub climb_std: Option<f64>,
    /// How many draws each Gaussian is judged by.
    pub draws: usize,
}

impl Default for Pathfinder {
    fn default() -> Self {
        Self {
            climbs: 10,
            climb_std: None,
            draws: 25,
        }
    }
}

impl StartSettings for Pathfinder {
    fn title(&self) -> &'static str {
        "Pathfinder start"
    }

    fn check(&self) -> Result<(), Refusal> {
        surface::check(self.climbs, self.climb_std, Self::default().climbs)?;
        if self.draws < 2 || self.draws > MOST_DRAWS {
            let message = format!("is {}; it must be from 2 to {MOST_DRAWS}", self.draws);
            return Err(Refusal::new("draws", message, "25 is the default"));
        }
        Ok(())
    }

    fn work(&self, family: &Family, target: &TargetModel) -> usize {
        let dim = family.dim();
        [self.climbs, 100 * self.draws, dim, dim, target.components()]
            .into_iter()
            .fold(1, usize::saturating_mul)
    }

    fn draw(&self, fit: &FitProblem, generator: &mut ChaCha8Rng) -> Result<Mixture, Refusal> {
        let surface = Surface::new(fit, self.climb_std, "pathfinder")?;
        let starts = surface.starts(self.climbs, generator);
        let mut paths: Vec<Vec<Place>> = vec![Vec::new(); starts.len()];
        surface.climbed_past(fit.family, starts, ARRIVED, |climb, at, slope| {
            let place = Place {
                at: DVector::from_column_slice(at),
                slope: DVector::from_column_slice(slope),
            };
            // One that has arrived waits for the others.
            if paths[climb].last() != Some(&place) {
                paths[climb].push(place);
            }
        })?;
        // The same for all, so that what differs is the Gaussians.
        let normals = balanced(fit.family.dim(), self.draws, generator);
        let mut found: Vec<(Mode, &Place)> = (paths.iter())
            .filter_map(|path| Some((best(&surface, path, &normals)?, path.last()?)))
            .collect();
        found.sort_by(|a, b| b.0.log_mass.total_cmp(&a.0.log_mass));
        let components = fit.family.components();
        let mut apart: Vec<(Mode, &Place)> = Vec::new();
        for (mode, top) in found {
            let is_new = |(other, known): &(Mode, &Place)| {
                distance(&other.covariance, &top.at, &known.at) > SAME
            };
            if apart.iter().all(is_new) {
                apart.push((mode, top));
            }
        }
        let mut apart: Vec<Mode> = apart.into_iter().map(|(mode, _)| mode).collect();
        apart.truncate(components);
        if apart.is_empty() {
            return Err(Refusal::new(
                "type",
                format!(
                    "is \"pathfinder\", and none of {} climbs had a Gaussian in numbers",
                    self.climbs
                ),
                "give climb_std, about how far from the origin p has its mass",
            ));
        }
        surface.mixture(apart, components, generator)
    }
}

/// Standard normal points of which every coordinate has a mean of 0 and a variance of 1: they come in pairs on either
/// side of the origin, but for a last one there, and are stretched. What is left of their noise is of higher order.
fn balanced(dim: usize, draws: usize, generator: &mut ChaCha8Rng) -> Vec<DVector<f64>> {
    let half: Vec<DVector<f64>> = (0..draws / 2)
        .map(|_| DVector::from_fn(dim, |_, _| StandardNormal.sample(generator)))
        .collect();
    let squares = (half.iter()).fold(DVector::zeros(dim), |sum: DVector<f64>, z| {
        sum + z.component_mul(z)
    });
    let stretch = squares.map(|squares| (0.5 * draws as f64 / squares).sqrt());
    let mut points: Vec<DVector<f64>> = (half.iter())
        .flat_map(|z| [1.0, -1.0].map(|side| z.component_mul(&stretch) * side))
        .collect();
    points.resize(draws, DVector::zeros(dim));
    points
}

/// The best Gaussian along a path, by its evidence lower bound at some standard normal points; `None` if there is none in
/// numbers.
fn best(surface: &Surface, path: &[Place], normals: &[DVector<f64>]) -> Option<Mode> {
    let squares: f64 = normals.iter().map(DVector::norm_squared).sum();
    let draws = normals.len();
    // No more than one covariance is in memory: that of the best is made again.
    let mut bounds = Vec::new();
    let mut points = Vec::new();
    for (at, covariance) in Gaussians::along(path) {
        let Some(factor) = Cholesky::new(covariance) else {
            bounds.push(f64::NAN);
            points.extend(std::iter::repeat_n(at, draws));
            continue;
        };
        let factor = factor.unpack();
        points.extend(normals.iter().map(|z| &at + &factor * z));
        let log_stds: f64 = factor.diagonal().iter().map(|std| std.ln()).sum();
        bounds.push(log_stds + 0.5 * squares / draws as f64);
    }
    let log_p = surface.log_density(&points);
    // E_q log (p/q), in nats but for a constant.
    for (bound, log_p) in bounds.iter_mut().zip(log_p.chunks(draws)) {
        *bound += log_p.iter().sum::<f64>() / draws as f64;
    }
    let finite = (bounds.into_iter().enumerate()).filter(|(_, bound)| bound.is_finite());
    let (best, bound) = finite.max_by(|a, b| a.1.total_cmp(&b.1))?;
    let (at, covariance) = Gaussians::along(path).nth(best)?;
    Some(Mode {
        at,
        covariance,
        log_mass: bound,
    })
}

/// A place on a climb, in units of the extent.
#[derive(Debug, Clone, PartialEq)]
struct Place {
    at: DVector<f64>,
    /// The gradient of −log p.
    slope: DVector<f64>,
}

/// How far two places are apart, in standard deviations.
fn distance(covariance: &DMatrix<f64>, a: &DVector<f64>, b: &DVector<f64>) -> f64 {
    let off = a - b;
    Cholesky::new(covariance.clone())
        .map_or(0.0, |factor| off.dot(&factor.solve(&off)).max(0.0).sqrt())
}

/// The Gaussians along a path: where a Newton step from a place leads, with the inverse Hessian that is known there.
struct Gaussians<'a> {
    path: &'a [Place],
    known: InverseHessian,
}

impl<'a> Gaussians<'a> {
    fn along(path: &'a [Place]) -> Self {
        Self {
            path,
            known: InverseHessian::default(),
        }
    }
}

impl Iterator for Gaussians<'_> {
    type Item = (DVector<f64>, DMatrix<f64>);

    fn next(&mut self) -> Option<Self::Item> {
        while let [from, to, ..] = self.path {
            self.path = &self.path[1..];
            (self.known).learn(&(&to.at - &from.at), &(&to.slope - &from.slope));
            if let Some(covariance) = &self.known.covariance {
                return Some((&to.at - covariance * &to.slope, covariance.clone()));
            }
        }
        None
    }
}

/// What the moves of a climb tell of the inverse Hessian of −log p: BFGS, which meets the slopes along the last move and
/// changes as little as it can (Nocedal and Wright 2006, §6.1).
#[derive(Default)]
struct InverseHessian {
    covariance: Option<DMatrix<f64>>,
}

impl InverseHessian {
    fn learn(&mut self, moved: &DVector<f64>, turned: &DVector<f64>) {
        let curvature = moved.dot(turned);
        let squared = turned.norm_squared();
        // Only a positive curvature keeps it positive definite.
        if !(curvature > ROUNDING * squared && curvature.is_finite() && squared.is_finite()) {
            return;
        }
        let dim = moved.len();
        let first = || DMatrix::from_diagonal_element(dim, dim, curvature / squared);
        let covariance = self.covariance.get_or_insert_with(first);
        // H + (1 + yᵀHy / sᵀy) s sᵀ / sᵀy − (H y sᵀ + s yᵀ H) / sᵀy.
        let along = &*covariance * turned;
        let more = (1.0 + turned.dot(&along) / curvature) / curvature;
        covariance.ger(more, moved, moved, 1.0);
        covariance.ger(-1.0 / curvature, &along, moved, 1.0);
        covariance.ger(-1.0 / curvature, moved, &along, 1.0);
    }
}
