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
use crate::jobs::likelihood::Likelihood;
use crate::mixture::Mixture;
use crate::progress::WorkObserver;
use crate::text::count;

/// k-means starts of a mixture.
const RESTARTS: usize = 16;
/// Steps of expectation–maximisation at most.
const STEPS: usize = 1000;
/// The least standard deviation of a component, as a share of that of all rows.
const LEAST_STD: f64 = 1e-3;

/// A mixture of K full covariances for N rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimated {
    /// The mixture.
    pub mixture: Mixture,
    /// The mean log-likelihood of a row in nats, with the standard error of the rows as a sample.
    pub log_likelihood: Estimate,
    /// The least standard deviation that a component was allowed, as a share of that of all rows in
    /// each column, where there was a limit.
    pub relative_floor: Option<f64>,
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
        });
    }
    let needed = components * (rows.dim() + 1);
    if rows.len() < needed {
        return Err(Error::usage(
            format!(
                "{name}: {} are too few for {} in {}",
                count(rows.len(), "row"),
                count(components, "component"),
                count(rows.dim(), "dimension")
            ),
            format!("ask for fewer components, or give at least {needed} rows"),
        ));
    }
    // In units of the columns' standard deviations, so that the units of the rows do not matter.
    let (mean, stds) = (rows.mean(), rows.covariance().diagonal().map(f64::sqrt));
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
    let best = best_fit(name, scaled, components, seed, observer)?;
    let mixture = Mixture::new(
        best.weights().to_vec(),
        (best.means().iter())
            .map(|z| (z.component_mul(&stds) + &mean).as_slice().to_vec())
            .collect(),
        (best.scale_trils().iter())
            .map(|factor| DMatrix::from_diagonal(&stds) * factor)
            .collect(),
    )?;
    Ok(Estimated {
        log_likelihood: likelihood(&mixture, rows),
        mixture,
        relative_floor: Some(LEAST_STD),
    })
}

/// The mixture of the largest likelihood that the starts lead to.
fn best_fit(
    name: &str,
    rows: Samples,
    components: usize,
    seed: u64,
    observer: &mut dyn WorkObserver,
) -> Result<Mixture> {
    let config = FamilyConfig {
        components,
        covariance: Covariance::Full,
        min_std: LEAST_STD,
        ..FamilyConfig::default()
    };
    let likelihood = Likelihood {
        divergence: DivergenceKind::CrossEntropy,
        family: Family::new(config, rows.dim()),
        start: Start::drawn(KMeans {}, RESTARTS),
        estimator: EstimatorRule::from(RowsConfig {}).into(),
        steps: STEPS,
    };
    let what = format!("steps over {}, at most", count(rows.len(), "row"));
    let mut told = |steps| observer.done(&what, steps, STEPS);
    (likelihood.best(name, rows.into(), seed, &mut told)?).ok_or_else(|| {
        let components = count(components, "component");
        let message = format!("{name}: no fit of {components} ended");
        Error::numerical(message, "ask for fewer components")
    })
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
