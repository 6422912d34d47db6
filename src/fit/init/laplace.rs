//! Gaussians at the modes of a density, found by climbing it: Laplace's approximation, as a start.

use std::cell::RefCell;

use burn::tensor::Tensor;
use nalgebra::{DMatrix, DVector};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, StandardNormal};
use serde::{Deserialize, Serialize};

use super::{FitProblem, StartSettings, start_generator};
use crate::compute::device::Numerics;
use crate::compute::noise::RunKey;
use crate::density::Density;
use crate::density::family::{Family, FamilyConfig};
use crate::density::target::TargetModel;
use crate::error::{Error, Refusal};
use crate::fit::evaluations::Evaluations;
use crate::mixture::Mixture;
use crate::optimizer::lbfgs::LbfgsConfig;
use crate::optimizer::{Iterate, LossFunction, OptimizerConfig, OptimizerRule};

/// More climbs than this are taken for a mistake: all of them are side by side in memory.
const MOST_CLIMBS: usize = 1_000_000;
/// The most steps of a climb.
const STEPS: usize = 500;
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
        if self.climbs == 0 {
            let help = "200 is the default; rare modes take more";
            return Err(Refusal::new("climbs", "is 0", help));
        }
        if self.climbs > MOST_CLIMBS {
            let message = format!("is {}, more than {MOST_CLIMBS}", self.climbs);
            return Err(Refusal::new("climbs", message, "200 is the default"));
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
        if !fit.target.has_density() {
            return Err(Refusal::new(
                "type",
                "is \"laplace\", and rows have no density to climb",
                "use type = \"k-means\"",
            ));
        }
        if !fit.target.has_gradient() {
            return Err(Refusal::new(
                "type",
                "is \"laplace\", which climbs along the gradient of log p, and the program of the target gives none",
                "let it answer with log p and its gradient, of shape N x (1 + D), or use another start",
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
            factor,
            numerics: Numerics::cpu(),
            problem: fit,
            known: RefCell::default(),
        };
        let from = solved(&surface.factor, &mean);
        let starts: Vec<DVector<f64>> = (0..self.climbs)
            .map(|_| {
                let z = DVector::from_fn(mean.len(), |_, _| StandardNormal.sample(generator));
                &from + z
            })
            .collect();
        let failed = |error: Error| Refusal::new("type", error.to_string(), "climb on the CPU");
        let near = surface.climbed(fit.family, starts, NEAR).map_err(failed)?;
        // Most end where another has: one of each goes on to the top.
        let apart = surface
            .modes(near)
            .into_iter()
            .map(|mode| mode.at)
            .collect();
        let tops = surface
            .climbed(fit.family, apart, ARRIVED)
            .map_err(failed)?;
        let modes = surface.modes(tops);
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

/// L⁻¹ x; x itself where L is singular.
fn solved(factor: &DMatrix<f64>, x: &DVector<f64>) -> DVector<f64> {
    factor
        .solve_lower_triangular(x)
        .unwrap_or_else(|| x.clone())
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
struct Surface<'s, 'p> {
    problem: &'s FitProblem<'p>,
    density: Box<dyn Density>,
    /// L, of which x = L y.
    factor: DMatrix<f64>,
    numerics: Numerics,
    /// Where each climb was looked at last, with the loss and its gradient there: most of them wait for a few.
    known: RefCell<Vec<Known>>,
}

/// A place that was looked at.
#[derive(Clone)]
struct Known {
    at: Vec<f64>,
    loss: f64,
    gradient: Vec<f64>,
}

impl LossFunction for Surface<'_, '_> {
    fn value_and_gradient(&self, theta: &Tensor<2>) -> (Tensor<1>, Tensor<2>) {
        let [runs, dim] = theta.dims();
        let (mut loss, mut gradient) = (Vec::new(), Vec::new());
        // What fails here fails where it is read.
        let places = Numerics::read(theta.clone()).unwrap_or_else(|_| vec![f64::NAN; runs * dim]);
        let mut known = self.known.borrow_mut();
        known.resize(runs, Known::NOWHERE);
        let is_new = |(known, at): &(&mut Known, &[f64])| known.at != *at;
        let new: Vec<(&mut Known, &[f64])> = (known.iter_mut().zip(places.chunks_exact(dim)))
            .filter(is_new)
            .collect();
        let at: Vec<f64> = new.iter().flat_map(|(_, at)| at.iter().copied()).collect();
        let (losses, slopes) = self.look(&at);
        for (((known, at), loss), slope) in new.into_iter().zip(losses).zip(slopes.chunks(dim)) {
            *known = Known {
                at: at.to_vec(),
                loss,
                gradient: slope.to_vec(),
            };
        }
        for known in known.iter() {
            loss.push(known.loss);
            gradient.extend(&known.gradient);
        }
        (
            self.numerics.tensor(loss, [runs]),
            self.numerics.tensor(gradient, [runs, dim]),
        )
    }
}

impl Known {
    /// No place is equal to it.
    const NOWHERE: Self = Self {
        at: Vec::new(),
        loss: f64::NAN,
        gradient: Vec::new(),
    };
}

impl Surface<'_, '_> {
    /// −log p and its gradient at places, row after row; NaN where the device failed.
    fn look(&self, at: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let dim = self.factor.nrows();
        let points = at.len() / dim;
        if points == 0 {
            return (Vec::new(), Vec::new());
        }
        self.problem.spend(Evaluations::of(points, true));
        // The numbers of a matrix stand by columns: these are the rows of Lᵀ.
        let turned = (self.numerics).tensor::<2>(self.factor.as_slice().to_vec(), [dim, dim]);
        let at = self.numerics.tensor::<2>(at.to_vec(), [points, dim]);
        let tracked = at.autodiff().require_grad();
        let x = tracked.clone().matmul(turned.autodiff());
        let log = self.density.log_density(x.reshape([1, points, dim]));
        let loss = log.neg().reshape([points]);
        let gradients = loss.clone().sum().backward();
        let gradient = tracked.grad(&gradients).map(Tensor::without_autodiff);
        let unknown = |length: usize| vec![f64::NAN; length];
        (
            Numerics::read(loss.inner()).unwrap_or_else(|_| unknown(points)),
            (gradient.and_then(|gradient| Numerics::read(gradient).ok()))
                .unwrap_or_else(|| unknown(points * dim)),
        )
    }

    fn values(&self, points: &[DVector<f64>]) -> (Vec<f64>, Vec<f64>) {
        let flat: Vec<f64> = points
            .iter()
            .flat_map(|point| point.iter().copied())
            .collect();
        self.look(&flat)
    }

    /// Where climbs end, all of them side by side.
    fn climbed(
        &self,
        family: &Family,
        starts: Vec<DVector<f64>>,
        slope: f64,
    ) -> Result<Vec<DVector<f64>>, Error> {
        let (runs, dim) = (starts.len(), self.factor.nrows());
        if runs == 0 {
            return Ok(starts);
        }
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
            let mut slopes = Numerics::read(gradient)?;
            let mut is_over = true;
            for of_climb in slopes.chunks_exact_mut(dim) {
                let norm = of_climb.iter().map(|g| g * g).sum::<f64>().sqrt();
                // What is no number goes nowhere; what has arrived goes no farther.
                match norm <= slope || norm.is_nan() {
                    true => of_climb.fill(0.0),
                    false => is_over = false,
                }
            }
            if is_over {
                break;
            }
            let gradient = self.numerics.tensor(slopes, [runs, dim]);
            let from = Iterate {
                step,
                theta,
                loss,
                gradient,
                scores: None,
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
    fn modes(&self, mut tops: Vec<DVector<f64>>) -> Vec<Mode> {
        let (losses, _) = self.values(&tops);
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
            let Some([covariance, precision]) = self.curvature(&at) else {
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
    fn curvature(&self, at: &DVector<f64>) -> Option<[DMatrix<f64>; 2]> {
        let dim = at.len();
        let points: Vec<DVector<f64>> = (0..dim)
            .flat_map(|i| [DIFFERENCE, -DIFFERENCE].map(|step| (i, step)))
            .map(|(i, step)| {
                let mut place = at.clone();
                place[i] += step;
                place
            })
            .collect();
        let (_, slopes) = self.values(&points);
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

    /// K components: of fewer modes the heaviest have several, apart by about their width.
    fn mixture(
        &self,
        modes: Vec<Mode>,
        components: usize,
        generator: &mut ChaCha8Rng,
    ) -> Result<Mixture, Refusal> {
        let top = modes[0].log_mass;
        let (mut weights, mut means, mut covariances) = (Vec::new(), Vec::new(), Vec::new());
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
            means.push((&self.factor * &at).as_slice().to_vec());
            let covariance = &self.factor * &mode.covariance * self.factor.transpose();
            covariances.push((&covariance + covariance.transpose()) * 0.5);
        }
        let sum: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= sum);
        Mixture::from_covariances(weights, means, covariances)
    }
}
