//! −log p as climbs see it, in units of how far the target extends: what starts that climb share.

use std::cell::RefCell;

use burn::tensor::Tensor;
use nalgebra::{DMatrix, DVector};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, StandardNormal};

use super::FitProblem;
use crate::compute::device::Numerics;
use crate::density::Density;
use crate::density::family::Family;
use crate::error::{Error, Refusal};
use crate::fit::evaluations::Evaluations;
use crate::mixture::Mixture;
use crate::optimizer::lbfgs::LbfgsConfig;
use crate::optimizer::{Iterate, LossFunction, OptimizerConfig, OptimizerRule};

/// More climbs than this are taken for a mistake: all of them are side by side in memory.
const MOST_CLIMBS: usize = 1_000_000;
/// The most steps of a climb.
pub(super) const STEPS: usize = 500;

/// Checks the settings of climbs.
pub(super) fn check(climbs: usize, climb_std: Option<f64>, default: usize) -> Result<(), Refusal> {
    if climbs == 0 {
        let help = format!("{default} is the default; rare modes take more");
        return Err(Refusal::new("climbs", "is 0", help));
    }
    if climbs > MOST_CLIMBS {
        let message = format!("is {climbs}, more than {MOST_CLIMBS}");
        let help = format!("{default} is the default");
        return Err(Refusal::new("climbs", message, help));
    }
    match climb_std {
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

/// L⁻¹ x; x itself where L is singular.
fn solved(factor: &DMatrix<f64>, x: &DVector<f64>) -> DVector<f64> {
    factor
        .solve_lower_triangular(x)
        .unwrap_or_else(|| x.clone())
}

/// L of L Lᵀ; independent coordinates where rounding spoils it.
pub(super) fn factor(covariance: &DMatrix<f64>) -> DMatrix<f64> {
    covariance.clone().cholesky().map_or_else(
        || DMatrix::from_diagonal(&covariance.diagonal().map(f64::sqrt)),
        |cholesky| cholesky.unpack(),
    )
}

/// A Gaussian in units of the extent.
pub(super) struct Mode {
    /// Its mean, D.
    pub at: DVector<f64>,
    /// D × D.
    pub covariance: DMatrix<f64>,
    /// log of the mass it stands for, in nats, but for a constant.
    pub log_mass: f64,
}

/// −log p, in units of how far the target extends along each coordinate.
pub(super) struct Surface<'s, 'p> {
    problem: &'s FitProblem<'p>,
    density: Box<dyn Density>,
    /// L, of which x = L y.
    factor: DMatrix<f64>,
    /// Climbs begin at normal points around this y.
    center: DVector<f64>,
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
    fn value_and_gradient(&self, places: &[f64]) -> Result<(Vec<f64>, Vec<f64>), Error> {
        let dim = self.factor.nrows();
        let (mut loss, mut gradient) = (Vec::new(), Vec::new());
        let mut known = self.known.borrow_mut();
        known.resize(places.len() / dim, Known::NOWHERE);
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
        Ok((loss, gradient))
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

impl<'s, 'p> Surface<'s, 'p> {
    /// In units of a standard deviation around the origin; if it is not given, of the extent of the target. A start of
    /// type `name` climbs it.
    ///
    /// # Errors
    /// If p has no density, or none with a gradient.
    pub fn new(fit: &'s FitProblem<'p>, std: Option<f64>, name: &str) -> Result<Self, Refusal> {
        if !fit.target.has_density() {
            return Err(Refusal::new(
                "type",
                format!("is \"{name}\", and rows have no density to climb"),
                "use type = \"k-means\"",
            ));
        }
        if !fit.target.has_gradient() {
            return Err(Refusal::new(
                "type",
                format!(
                    "is \"{name}\", which climbs along the gradient of log p, and the target gives none"
                ),
                "let it answer with log p and its gradient, of shape N x (1 + D), or use another start",
            ));
        }
        let (mean, factor) = match std {
            Some(std) => {
                let dim = fit.family.dim();
                (
                    DVector::zeros(dim),
                    DMatrix::from_diagonal_element(dim, dim, std),
                )
            }
            None => (fit.extent.0.clone(), factor(&fit.extent.1)),
        };
        Ok(Self {
            density: fit.target.upload(&Numerics::cpu()),
            center: solved(&factor, &mean),
            factor,
            numerics: Numerics::cpu(),
            problem: fit,
            known: RefCell::default(),
        })
    }
}

impl Surface<'_, '_> {
    /// Normal points that climbs begin at.
    pub fn starts(&self, climbs: usize, generator: &mut ChaCha8Rng) -> Vec<DVector<f64>> {
        (0..climbs)
            .map(|_| {
                let z =
                    DVector::from_fn(self.center.len(), |_, _| StandardNormal.sample(generator));
                &self.center + z
            })
            .collect()
    }

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

    /// −log p and its gradient at places, row after row; NaN where the device failed.
    pub fn values(&self, points: &[DVector<f64>]) -> (Vec<f64>, Vec<f64>) {
        let flat: Vec<f64> = points
            .iter()
            .flat_map(|point| point.iter().copied())
            .collect();
        self.look(&flat)
    }

    /// log p at places, in nats; NaN where the device failed.
    pub fn log_density(&self, places: &[DVector<f64>]) -> Vec<f64> {
        let (points, dim) = (places.len(), self.factor.nrows());
        if points == 0 {
            return Vec::new();
        }
        self.problem.spend(Evaluations::of(points, false));
        let x = places
            .iter()
            .flat_map(|place| (&self.factor * place).as_slice().to_vec());
        let x = self.numerics.tensor::<3>(x.collect(), [1, points, dim]);
        Numerics::read(self.density.log_density(x)).unwrap_or_else(|_| vec![f64::NAN; points])
    }

    /// Where climbs end, all of them side by side.
    ///
    /// # Errors
    /// If the device failed.
    pub fn climbed(
        &self,
        family: &Family,
        starts: Vec<DVector<f64>>,
        slope: f64,
    ) -> Result<Vec<DVector<f64>>, Refusal> {
        self.climbed_past(family, starts, slope, |_, _, _| {})
    }

    /// As [`Surface::climbed`], telling of every place that a climb comes to: which it is, y, and the gradient of −log p
    /// there.
    ///
    /// # Errors
    /// If the device failed.
    pub fn climbed_past(
        &self,
        family: &Family,
        starts: Vec<DVector<f64>>,
        slope: f64,
        watch: impl FnMut(usize, &[f64], &[f64]),
    ) -> Result<Vec<DVector<f64>>, Refusal> {
        (self.climb(family, starts, slope, watch))
            .map_err(|error| Refusal::new("type", error.to_string(), "climb on the CPU"))
    }

    fn climb(
        &self,
        family: &Family,
        starts: Vec<DVector<f64>>,
        slope: f64,
        mut watch: impl FnMut(usize, &[f64], &[f64]),
    ) -> Result<Vec<DVector<f64>>, Error> {
        let (runs, dim) = (starts.len(), self.factor.nrows());
        if runs == 0 {
            return Ok(starts);
        }
        let rule = OptimizerRule::from(LbfgsConfig::default());
        let config = OptimizerConfig::from(rule);
        let mut optimizer = config.build(family, &self.numerics, &vec![1.0; runs]);
        let mut theta: Vec<f64> = starts
            .iter()
            .flat_map(|point| point.iter().copied())
            .collect();
        for step in 0..STEPS {
            let (loss, mut gradient) = self.value_and_gradient(&theta)?;
            let mut is_over = true;
            let climbs = gradient.chunks_exact_mut(dim).zip(theta.chunks_exact(dim));
            for (climb, (of_climb, place)) in climbs.enumerate() {
                watch(climb, place, of_climb);
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
        Ok(theta
            .chunks_exact(dim)
            .map(DVector::from_column_slice)
            .collect())
    }

    /// K components: of fewer modes the heaviest have several, apart by about their width.
    ///
    /// # Errors
    /// If rounding leaves a covariance that is not positive definite.
    pub fn mixture(
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
