//! A Gaussian or a mixture from rows of data.

use crate::calculator::Operand;
use crate::device::Numerics;
use crate::digest::count;
use crate::divergence::{DivergenceKind, Estimate};
use crate::error::{Error, Result};
use crate::estimator::{RowsConfig, RuleConfig};
use crate::family::{Covariance, Family, FamilyConfig};
use crate::fit::{Fit, LogConfig, Plan};
use crate::init::Start;
use crate::mixture::Mixture;
use crate::optimizer::{LbfgsConfig, OptimizerConfig, RuleConfig as OptimizerRule};
use crate::stop::StopConfig;
use crate::target::{Samples, Target, TargetModel};

/// k-means starts of a mixture.
const RESTARTS: usize = 16;
/// Steps of L-BFGS at most.
const STEPS: usize = 1000;
/// The least standard deviation of a component, as a share of the least of all rows.
const LEAST_STD: f64 = 1e-3;

/// A mixture of K full covariances for N rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimated {
    /// The mixture.
    pub mixture: Mixture,
    /// The mean log-likelihood of a row in nats, with the standard error of the rows as a sample.
    pub log_likelihood: Estimate,
    /// The least standard deviation that a component was allowed, where there was a limit.
    pub min_std: Option<f64>,
}

/// For one component the mean and the covariance of the rows, divided by N − 1; for more, the best of
/// 16 maximum-likelihood fits from k-means clusters.
///
/// # Errors
/// If there are too few rows, their covariance is not positive definite, or every fit failed.
pub fn estimate(name: &str, rows: &Samples, components: usize, seed: u64) -> Result<Estimated> {
    let gaussian = Operand::estimated(name, rows.clone())?;
    let target = Target::new(TargetModel::Samples(rows.clone()), &Numerics::cpu());
    if let (1, Some(mixture)) = (components, gaussian.model.as_mixture()) {
        let logs: Vec<f64> = rows.points().map(|x| mixture.log_density(x)).collect();
        return Ok(Estimated {
            log_likelihood: of_rows(&logs),
            mixture: mixture.clone(),
            min_std: None,
        });
    }
    let stds = rows.covariance().diagonal().map(f64::sqrt);
    let min_std = LEAST_STD * stds.min();
    let config = FamilyConfig {
        components,
        covariance: Covariance::Full,
        min_std,
        ..FamilyConfig::default()
    };
    let plan = Plan {
        label: name.to_owned(),
        divergence: DivergenceKind::CrossEntropy,
        family: Family::new(config, rows.dim()),
        start: Start::KMeans { restarts: RESTARTS },
        estimator: RuleConfig::Rows(RowsConfig {}).into(),
        optimizer: OptimizerConfig {
            steps: STEPS,
            ..OptimizerRule::Lbfgs(LbfgsConfig::default()).into()
        },
        stop: StopConfig {
            gradient_norm: Some(StopConfig::QUASI_NEWTON),
            ..StopConfig::NEVER
        },
    };
    let log = LogConfig {
        every: Some(STEPS),
        ..LogConfig::default()
    };
    let fit = Fit::new(&plan, &target, &Numerics::cpu(), log, seed)?;
    let mut last = None;
    for record in fit {
        last = Some(record?);
    }
    let best = (last.iter().flat_map(|record| &record.runs))
        .filter(|run| !run.has_failed() && run.loss.value.is_finite())
        .min_by(|a, b| a.loss.value.total_cmp(&b.loss.value));
    let Some(best) = best else {
        return Err(Error::Numerical {
            message: format!("{name}: no fit of {} ended", count(components, "component")),
            help: "ask for fewer components".to_owned(),
        });
    };
    let logs: Vec<f64> = rows.points().map(|x| best.mixture.log_density(x)).collect();
    Ok(Estimated {
        mixture: best.mixture.clone(),
        log_likelihood: of_rows(&logs),
        min_std: Some(min_std),
    })
}

/// The mean of some numbers with its standard error.
fn of_rows(numbers: &[f64]) -> Estimate {
    let n = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / n;
    let squares: f64 = numbers.iter().map(|x| (x - mean).powi(2)).sum();
    Estimate {
        value: mean,
        error: (squares / (n * (n - 1.0))).sqrt(),
        method: crate::divergence::Method::Data,
    }
}
