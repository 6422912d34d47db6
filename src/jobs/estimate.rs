//! A Gaussian or a mixture from rows of data.

use nalgebra::DMatrix;

use crate::calculator::Operand;
use crate::density::family::{Covariance, Family, FamilyConfig};
use crate::density::target::{Samples, Weights};
use crate::divergence::{DivergenceKind, Estimate};
use crate::error::{Error, Result};
use crate::estimator::EstimatorRule;
use crate::estimator::rows::RowsConfig;
use crate::fit::init::Start;
use crate::fit::init::k_means::KMeans;
use crate::jobs::likelihood::{Best, Likelihood};
use crate::mixture::Mixture;
use crate::progress::WorkObserver;
use crate::text::count;

/// The least standard deviation of a component, as a share of that of all rows.
const LEAST_STD: f64 = 1e-3;

/// A mixture for N rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimated {
    /// The mixture.
    pub mixture: Mixture,
    /// The mean log-likelihood of a row in nats, with the standard error of the rows as a sample.
    pub log_likelihood: Estimate,
    /// The least standard deviation that a component was allowed, as a share of that of all rows in
    /// each column, where there was a limit.
    pub relative_floor: Option<f64>,
    /// How many steps led there.
    pub steps: usize,
    /// Whether it came to rest within the steps it had.
    pub is_at_rest: bool,
}

/// For one component the mean and the covariance of the rows, divided by N − 1; for more, the best of
/// 16 maximum-likelihood fits from k-means clusters, whose steps the observer follows.
///
/// # Errors
/// If there are fewer rows than K (D + 1), columns follow from others, or every fit failed.
pub fn estimate(
    name: &str,
    rows: &Samples,
    components: usize,
    seed: u64,
    observer: &mut dyn WorkObserver,
) -> Result<Estimated> {
    let gaussian = Operand::estimated(name, rows.clone())?;
    if let (1, Some(mixture)) = (components, gaussian.model.as_mixture()) {
        return Ok(Estimated {
            log_likelihood: likelihood(mixture, rows),
            mixture: mixture.clone(),
            relative_floor: None,
            steps: 0,
            is_at_rest: true,
        });
    }
    // Of fewer rows the floor alone would say how wide components are.
    let needed = components * (rows.dim() + 1);
    if rows.len() < needed {
        return Err(too_few(name, rows, components, needed));
    }
    let estimator = MaximumLikelihood {
        components,
        seed,
        ..MaximumLikelihood::default()
    };
    estimator.estimate(name, rows, observer)
}

fn too_few(name: &str, rows: &Samples, components: usize, needed: usize) -> Error {
    let (found, wanted) = (count(rows.len(), "row"), count(components, "component"));
    let dimensions = count(rows.dim(), "dimension");
    Error::usage(
        format!("{name}: {found} are too few for {wanted} in {dimensions}"),
        format!("ask for fewer components, or give at least {needed} rows"),
    )
}

/// The mixture of the largest likelihood: the best of some fits by expectation–maximisation from k-means clusters.
///
/// ```
/// use klfit::{Covariance, MaximumLikelihood, Samples};
///
/// let rows = vec![-4.2, -4.0, -3.9, -3.7, 3.8, 4.0, 4.1, 4.3];
/// let rows = Samples::new(vec!["x".to_owned()], rows, 1)?;
/// let estimator = MaximumLikelihood { components: 2, covariance: Covariance::Diagonal, ..Default::default() };
/// let found = estimator.estimate("rows", &rows, &mut ())?;
/// assert!(found.is_at_rest && found.mixture.weights().iter().all(|weight| (weight - 0.5).abs() < 1e-9));
/// # Ok::<(), klfit::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct MaximumLikelihood {
    /// K.
    pub components: usize,
    /// Of what form covariances are.
    pub covariance: Covariance,
    /// How many fits there are.
    pub starts: usize,
    /// Steps of each at most.
    pub steps: usize,
    /// A change of the mean log-likelihood over ten steps, in nats, at which starts are compared: the best goes on alone,
    /// until it changes less than a thousandth of that. Left out, each goes on until it is at rest.
    pub tolerance: Option<f64>,
    /// Of the clusters.
    pub seed: u64,
}

impl Default for MaximumLikelihood {
    fn default() -> Self {
        Self {
            components: 1,
            covariance: Covariance::Full,
            starts: 16,
            steps: 1000,
            tolerance: None,
            seed: 0,
        }
    }
}

impl MaximumLikelihood {
    /// Estimates it; the observer follows the steps.
    ///
    /// # Errors
    /// If there are fewer rows than K, or than two, or every fit failed.
    pub fn estimate(
        &self,
        name: &str,
        rows: &Samples,
        observer: &mut dyn WorkObserver,
    ) -> Result<Estimated> {
        let needed = self.components.max(2);
        if rows.len() < needed {
            return Err(too_few(name, rows, self.components, needed));
        }
        // In units of the columns' standard deviations, so that the units of the rows do not matter; where one number
        // is the variance of all columns, in one unit.
        let (mean, mut stds) = (rows.mean(), rows.covariance().diagonal().map(f64::sqrt));
        if self.covariance == Covariance::Isotropic {
            let common = (stds.norm_squared() / stds.len() as f64).sqrt();
            stds.fill(common);
        }
        let scaled = (rows.points())
            .flat_map(|x| {
                (0..x.len())
                    .map(|d| (x[d] - mean[d]) / stds[d])
                    .collect::<Vec<_>>()
            })
            .collect();
        let mut scaled = Samples::new(rows.names().to_vec(), scaled, rows.dim())?;
        if let Some(weights) = rows.weights() {
            scaled = scaled.weighted(weights.clone())?;
        }
        let best = self.best(name, scaled, observer)?;
        let scaled = &best.mixture;
        let mixture = Mixture::new(
            scaled.weights().to_vec(),
            (scaled.means().iter())
                .map(|z| (z.component_mul(&stds) + &mean).as_slice().to_vec())
                .collect(),
            (scaled.scale_trils().iter())
                .map(|factor| DMatrix::from_diagonal(&stds) * factor)
                .collect(),
        )?;
        Ok(Estimated {
            log_likelihood: likelihood(&mixture, rows),
            mixture,
            relative_floor: Some(LEAST_STD),
            steps: best.steps,
            is_at_rest: best.is_at_rest,
        })
    }

    /// The mixture of the largest likelihood that the starts lead to.
    fn best(&self, name: &str, rows: Samples, observer: &mut dyn WorkObserver) -> Result<Best> {
        let clusters = Start::drawn(KMeans {}, self.starts);
        let best = self.from(clusters, self.tolerance, name, &rows, observer)?;
        let Some(tolerance) = self.tolerance else {
            return Ok(best);
        };
        let on = Start::Given(best.mixture.into());
        let further = self.from(on, Some(1e-3 * tolerance), name, &rows, observer)?;
        Ok(Best {
            steps: best.steps + further.steps,
            ..further
        })
    }

    fn from(
        &self,
        start: Start,
        near: Option<f64>,
        name: &str,
        rows: &Samples,
        observer: &mut dyn WorkObserver,
    ) -> Result<Best> {
        let config = FamilyConfig {
            components: self.components,
            covariance: self.covariance,
            min_std: LEAST_STD,
            ..FamilyConfig::default()
        };
        let steps = self.steps;
        let likelihood = Likelihood {
            divergence: DivergenceKind::CrossEntropy,
            family: Family::new(config, rows.dim()),
            start,
            estimator: EstimatorRule::from(RowsConfig {}).into(),
            steps,
            near,
        };
        let what = format!("steps over {}, at most", count(rows.len(), "row"));
        let mut told = |done| observer.done(&what, done, steps);
        (likelihood.best(name, rows.clone().into(), self.seed, &mut told)?).ok_or_else(|| {
            let components = count(self.components, "component");
            let message = format!("{name}: no fit of {components} ended");
            Error::numerical(message, "ask for fewer components")
        })
    }
}

fn likelihood(mixture: &Mixture, rows: &Samples) -> Estimate {
    let logs: Vec<f64> = rows.points().map(|x| mixture.log_density(x)).collect();
    match rows.weights() {
        Some(weights) => weighted_mean_of(&logs, weights),
        None => mean_of(&logs),
    }
}

/// The mean of some numbers by their weights with its standard error.
fn weighted_mean_of(numbers: &[f64], weights: &Weights) -> Estimate {
    let pairs = |of: Vec<f64>| of.into_iter().zip(numbers);
    let mean: f64 = pairs(weights.shares()).map(|(share, x)| share * x).sum();
    let variance: f64 = pairs(weights.spreads())
        .map(|(spread, x)| spread * (x - mean).powi(2))
        .sum();
    Estimate {
        value: mean,
        error: variance.sqrt(),
        method: crate::divergence::EstimateMethod::Data,
    }
}

/// The mean of some numbers with its standard error.
fn mean_of(numbers: &[f64]) -> Estimate {
    let n = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / n;
    let squares: f64 = numbers.iter().map(|x| (x - mean).powi(2)).sum();
    Estimate {
        value: mean,
        error: (squares / (n * (n - 1.0))).sqrt(),
        method: crate::divergence::EstimateMethod::Data,
    }
}
