//! Gaussians at the modes of a density, found by climbing it: Laplace's approximation, as a start.

use nalgebra::{DMatrix, DVector};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::surface::{self, Mode, Surface, factor};
use super::{FitProblem, StartSettings, start_generator};
use crate::compute::noise::RunKey;
use crate::density::family::{Family, FamilyConfig};
use crate::density::target::TargetModel;
use crate::error::Refusal;
use crate::mixture::Mixture;

/// A climb is near a mode where a step by the extent of the target would change log p by no more than this …
const NEAR: f64 = 0.1;
/// … and has arrived where it would by no more than this.
const ARRIVED: f64 = 1e-5;
/// Two climbs that end within so many standard deviations of each other have ended at one mode.
const SAME: f64 = 0.3;
/// What has less than this share of the mass of the heaviest mode is none.
const NEGLIGIBLE: f64 = 1e-9;
/// Differences of gradients are taken over this share of the extent.
const DIFFERENCE: f64 = 1e-5;
/// Modes are no wider than so many times the extent, where log p hardly bends.
const WIDEST: f64 = 10.0;

/// The modes that climbs of log p from normal points end at, the heaviest first, each with the covariance that log p
/// has there and the weight that this makes (Laplace's approximation). No draws of the target are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Laplace {
    /// How many climbs there are.
    pub climbs: usize,
    /// They begin at normal points around the origin with this standard deviation; if it is not given, around the mean
    /// of the target with its covariance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub climb_std: Option<f64>,
}

impl Default for Laplace {
    fn default() -> Self {
        Self {
            climbs: 200,
            climb_std: None,
        }
    }
}

impl StartSettings for Laplace {
    fn title(&self) -> &'static str {
        "Laplace start"
    }

    fn check(&self) -> Result<(), Refusal> {
        surface::check(self.climbs, self.climb_std, Self::default().climbs)
    }

    fn work(&self, family: &Family, target: &TargetModel) -> usize {
        [
            self.climbs,
            surface::STEPS,
            family.dim(),
            target.components(),
        ]
        .into_iter()
        .fold(1, usize::saturating_mul)
    }

    fn draw(&self, fit: &FitProblem, generator: &mut ChaCha8Rng) -> Result<Mixture, Refusal> {
        let (surface, mut modes) = self.found(fit, generator)?;
        modes.truncate(fit.family.components());
        surface.mixture(modes, fit.family.components(), generator)
    }
}

impl Laplace {
    /// How many modes the first run of a fit with this seed would start at.
    pub(crate) fn count(&self, target: &TargetModel, seed: u64) -> Result<usize, Refusal> {
        let family = Family::new(FamilyConfig::default(), target.dim());
        let problem = FitProblem::new(&family, target);
        let mut generator = start_generator(RunKey { seed, run: 0 });
        let (_, modes) = self.found(&problem, &mut generator)?;
        Ok(modes.len())
    }

    /// The modes, the heaviest first.
    fn found<'s, 'p>(
        &self,
        fit: &'s FitProblem<'p>,
        generator: &mut ChaCha8Rng,
    ) -> Result<(Surface<'s, 'p>, Vec<Mode>), Refusal> {
        let surface = Surface::new(fit, self.climb_std, "laplace")?;
        let starts = surface.starts(self.climbs, generator);
        let near = surface.climbed(fit.family, starts, NEAR)?;
        // Most end where another has: one of each goes on to the top.
        let apart = modes(&surface, near)
            .into_iter()
            .map(|mode| mode.at)
            .collect();
        let tops = surface.climbed(fit.family, apart, ARRIVED)?;
        let modes = modes(&surface, tops);
        if modes.is_empty() {
            return Err(Refusal::new(
                "type",
                format!(
                    "is \"laplace\", and none of {} climbs came to a mode",
                    self.climbs
                ),
                "give climb_std, about how far from the origin the modes are",
            ));
        }
        Ok((surface, modes))
    }
}

/// The modes among the ends of climbs, the heaviest first.
fn modes(surface: &Surface, mut tops: Vec<DVector<f64>>) -> Vec<Mode> {
    let (losses, _) = surface.values(&tops);
    let mut order: Vec<usize> = (0..tops.len()).filter(|&i| losses[i].is_finite()).collect();
    order.sort_by(|a, b| losses[*a].total_cmp(&losses[*b]));
    let mut modes: Vec<(Mode, DMatrix<f64>)> = Vec::new();
    for i in order {
        let at = std::mem::replace(&mut tops[i], DVector::zeros(0));
        let is_known = modes.iter().any(|(mode, precision)| {
            let off = &at - &mode.at;
            off.dot(&(precision * &off)) < SAME * SAME
        });
        if is_known {
            continue;
        }
        let Some([covariance, precision]) = curvature(surface, &at) else {
            continue;
        };
        let half_log: f64 = factor(&covariance).diagonal().iter().map(|l| l.ln()).sum();
        let mode = Mode {
            at,
            covariance,
            log_mass: half_log - losses[i],
        };
        modes.push((mode, precision));
    }
    let mut modes: Vec<Mode> = modes.into_iter().map(|(mode, _)| mode).collect();
    modes.sort_by(|a, b| b.log_mass.total_cmp(&a.log_mass));
    if let Some(heaviest) = modes.first().map(|mode| mode.log_mass) {
        modes.retain(|mode| mode.log_mass >= heaviest + NEGLIGIBLE.ln());
    }
    modes
}

/// The covariance that log p has around a place, and its inverse; `None` where it is no number.
fn curvature(surface: &Surface, at: &DVector<f64>) -> Option<[DMatrix<f64>; 2]> {
    let dim = at.len();
    let points: Vec<DVector<f64>> = (0..dim)
        .flat_map(|i| [DIFFERENCE, -DIFFERENCE].map(|step| (i, step)))
        .map(|(i, step)| {
            let mut place = at.clone();
            place[i] += step;
            place
        })
        .collect();
    let (_, slopes) = surface.values(&points);
    let hessian = DMatrix::from_fn(dim, dim, |i, j| {
        let [up, down] = [2 * j, 2 * j + 1].map(|row| slopes[row * dim + i]);
        (up - down) / (2.0 * DIFFERENCE)
    });
    let hessian = (&hessian + hessian.transpose()) * 0.5;
    if !hessian.iter().all(|x| x.is_finite()) {
        return None;
    }
    let eigen = hessian.symmetric_eigen();
    let least = 1.0 / (WIDEST * WIDEST);
    let bends = eigen.eigenvalues.map(|bend| bend.max(least));
    let turned = |of: DVector<f64>| {
        &eigen.eigenvectors * DMatrix::from_diagonal(&of) * eigen.eigenvectors.transpose()
    };
    Some([bends.map(f64::recip), bends].map(turned))
}
