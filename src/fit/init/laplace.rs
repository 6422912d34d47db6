//! Gaussians at the modes of a density, found by climbing it: Laplace's approximation, as a start.

use burn::tensor::Tensor;
use nalgebra::{DMatrix, DVector};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, StandardNormal};
use serde::{Deserialize, Serialize};

use super::{FitProblem, StartSettings};
use crate::compute::device::Numerics;
use crate::density::Density;
use crate::density::family::Family;
use crate::density::target::TargetModel;
use crate::error::{Error, Refusal};
use crate::mixture::Mixture;
use crate::optimizer::lbfgs::LbfgsConfig;
use crate::optimizer::{Iterate, LossFunction, OptimizerConfig, OptimizerRule};

/// The most steps of a climb.
const STEPS: usize = 500;
/// A climb has arrived where a step by the extent of the target would change log p by less than this.
const ARRIVED: f64 = 1e-5;
/// Two climbs that end within so many standard deviations of each other have ended at one mode.
const SAME: f64 = 0.3;
/// What has less than this share of the mass of the heaviest mode is none.
const NEGLIGIBLE: f64 = 1e-9;
/// Differences of gradients are taken over this share of the extent.
const DIFFERENCE: f64 = 1e-5;
/// Modes are no wider than so many times the extent, where log p hardly bends.
const WIDEST: f64 = 1.0;

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
        "start at the modes"
    }

    fn check(&self) -> Result<(), Refusal> {
        if self.climbs == 0 {
            let help = "200 is the default; rare modes take more";
            return Err(Refusal::new("climbs", "is 0", help));
        }
        match self.climb_std {
            Some(std) if !(std > 0.0 && std.is_finite()) => {
                let message = format!("is {std}; it must be positive and finite");
                Err(Refusal::new(
                    "climb_std",
                    message,
                    "give about the distance of the modes",
                ))
            }
            _ => Ok(()),
        }
    }

    fn work(&self, family: &Family, target: &TargetModel) -> usize {
        [self.climbs, STEPS, family.dim(), target.components()]
            .into_iter()
            .fold(1, usize::saturating_mul)
    }

    fn draw(&self, fit: &FitProblem, generator: &mut ChaCha8Rng) -> Result<Mixture, Refusal> {
        if !fit.target.has_density() {
            return Err(Refusal::new(
                "type",
                "is \"laplace\", and rows have no density to climb",
                "use type = \"k-means\"",
            ));
        }
        let (mean, factor) = match self.climb_std {
            Some(std) => {
                let dim = fit.family.dim();
                (
                    DVector::zeros(dim),
                    DMatrix::from_diagonal_element(dim, dim, std),
                )
            }
            None => (fit.extent.0.clone(), factor(&fit.extent.1)),
        };
        let surface = Surface {
            density: fit.target.upload(&Numerics::cpu()),
            widths: DVector::from_fn(factor.nrows(), |i, _| factor.row(i).norm()),
            numerics: Numerics::cpu(),
        };
        let starts: Vec<DVector<f64>> = (0..self.climbs)
            .map(|_| {
                let z = DVector::from_fn(mean.len(), |_, _| StandardNormal.sample(generator));
                (&mean + &factor * z).component_div(&surface.widths)
            })
            .collect();
        let failed = |error: Error| Refusal::new("type", error.to_string(), "climb on the CPU");
        let tops = surface.climbed(fit.family, starts).map_err(failed)?;
        let mut modes = surface.modes(tops).map_err(failed)?;
        modes.truncate(fit.family.components());
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
        surface.mixture(modes, fit.family.components(), generator)
    }
}

/// L of L Lᵀ; independent coordinates where rounding spoils it.
fn factor(covariance: &DMatrix<f64>) -> DMatrix<f64> {
    covariance.clone().cholesky().map_or_else(
        || DMatrix::from_diagonal(&covariance.diagonal().map(f64::sqrt)),
        |cholesky| cholesky.unpack(),
    )
}

/// A mode in units of the extent.
struct Mode {
    at: DVector<f64>,
    covariance: DMatrix<f64>,
    /// log of its mass, but for a constant.
    log_mass: f64,
}

/// −log p, in units of how far the target extends along each coordinate.
struct Surface {
    density: Box<dyn Density>,
    widths: DVector<f64>,
    numerics: Numerics,
}

impl LossFunction for Surface {
    fn value_and_gradient(&self, theta: &Tensor<2>) -> (Tensor<1>, Tensor<2>) {
        let [runs, dim] = theta.dims();
        let widths = (self.numerics).tensor(self.widths.as_slice().to_vec(), [1, dim]);
        let tracked = theta.clone().autodiff().require_grad();
        let x = tracked.clone() * widths.autodiff();
        let log = self.density.log_density(x.reshape([1, runs, dim]));
        let loss = log.neg().reshape([runs]);
        let gradients = loss.clone().sum().backward();
        let gradient = tracked
            .grad(&gradients)
            .unwrap_or_else(|| theta.zeros_like());
        (loss.inner(), gradient.without_autodiff())
    }
}

impl Surface {
    fn values(&self, points: &[DVector<f64>]) -> Result<(Vec<f64>, Vec<f64>), Error> {
        let dim = self.widths.len();
        let flat = points
            .iter()
            .flat_map(|point| point.iter().copied())
            .collect();
        let at = self.numerics.tensor::<2>(flat, [points.len(), dim]);
        let (loss, gradient) = self.value_and_gradient(&at);
        Ok((Numerics::read(loss)?, Numerics::read(gradient)?))
    }

    /// Where climbs end, all of them side by side.
    fn climbed(
        &self,
        family: &Family,
        starts: Vec<DVector<f64>>,
    ) -> Result<Vec<DVector<f64>>, Error> {
        let (runs, dim) = (starts.len(), self.widths.len());
        let rule = OptimizerRule::from(LbfgsConfig::default());
        let config = OptimizerConfig::from(rule);
        let mut optimizer = config.build(family, &self.numerics, &vec![1.0; runs]);
        let flat = starts
            .iter()
            .flat_map(|point| point.iter().copied())
            .collect();
        let mut theta = self.numerics.tensor::<2>(flat, [runs, dim]);
        for step in 0..STEPS {
            let (loss, gradient) = self.value_and_gradient(&theta);
            let slopes = Numerics::read(gradient.clone())?;
            let is_there = |slope: &[f64]| {
                let norm = slope.iter().map(|g| g * g).sum::<f64>().sqrt();
                // What is no number goes nowhere.
                norm <= ARRIVED || norm.is_nan()
            };
            if slopes.chunks_exact(dim).all(is_there) {
                break;
            }
            let from = Iterate {
                step,
                theta,
                loss,
                gradient,
            };
            let moved = optimizer.step(from, self)?;
            theta = moved.theta;
            if moved.stuck.len() == runs {
                break;
            }
        }
        let ends = Numerics::read(theta)?;
        Ok(ends
            .chunks_exact(dim)
            .map(DVector::from_column_slice)
            .collect())
    }

    /// The modes among the ends of climbs, the heaviest first.
    fn modes(&self, mut tops: Vec<DVector<f64>>) -> Result<Vec<Mode>, Error> {
        let (losses, _) = self.values(&tops)?;
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
            let Some([covariance, precision]) = self.curvature(&at)? else {
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
        Ok(modes)
    }

    /// The covariance that log p has around a place, and its inverse; `None` where it is no number.
    fn curvature(&self, at: &DVector<f64>) -> Result<Option<[DMatrix<f64>; 2]>, Error> {
        let dim = at.len();
        let points: Vec<DVector<f64>> = (0..dim)
            .flat_map(|i| [DIFFERENCE, -DIFFERENCE].map(|step| (i, step)))
            .map(|(i, step)| {
                let mut place = at.clone();
                place[i] += step;
                place
            })
            .collect();
        let (_, slopes) = self.values(&points)?;
        let hessian = DMatrix::from_fn(dim, dim, |i, j| {
            let [up, down] = [2 * j, 2 * j + 1].map(|row| slopes[row * dim + i]);
            (up - down) / (2.0 * DIFFERENCE)
        });
        let hessian = (&hessian + hessian.transpose()) * 0.5;
        if !hessian.iter().all(|x| x.is_finite()) {
            return Ok(None);
        }
        let eigen = hessian.symmetric_eigen();
        let least = 1.0 / (WIDEST * WIDEST);
        let bends = eigen.eigenvalues.map(|bend| bend.max(least));
        let turned = |of: DVector<f64>| {
            &eigen.eigenvectors * DMatrix::from_diagonal(&of) * eigen.eigenvectors.transpose()
        };
        Ok(Some([bends.map(f64::recip), bends].map(turned)))
    }

    /// K components: of fewer modes the heaviest have several, apart by about their width.
    fn mixture(
        &self,
        modes: Vec<Mode>,
        components: usize,
        generator: &mut ChaCha8Rng,
    ) -> Result<Mixture, Refusal> {
        let top = modes[0].log_mass;
        let (mut weights, mut means, mut covariances) = (Vec::new(), Vec::new(), Vec::new());
        let scale = DMatrix::from_diagonal(&self.widths);
        for k in 0..components {
            let place = k % modes.len();
            let mode = &modes[place];
            let times = components / modes.len() + usize::from(place < components % modes.len());
            let mut at = mode.at.clone();
            if k >= modes.len() {
                let z = DVector::from_fn(at.len(), |_, _| StandardNormal.sample(generator));
                at += factor(&mode.covariance) * z;
            }
            weights.push((mode.log_mass - top).exp() / times as f64);
            means.push(at.component_mul(&self.widths).as_slice().to_vec());
            covariances.push(&scale * &mode.covariance * &scale);
        }
        let sum: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= sum);
        Mixture::from_covariances(weights, means, covariances)
    }
}
