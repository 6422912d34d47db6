//! Mixtures of the largest likelihood for rows.

use klfit::{Covariance, Error, MaximumLikelihood, WeightColumn, WeightKind, Weights};
use numpy::{PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;

use crate::arrays::{samples, vector};
use crate::errors::raised;
use crate::mixture::Mixture;
use crate::work::interruptible;

/// The mixture, the mean log-likelihood of a row in nats, how many steps led there, and whether it was at rest.
#[pyfunction]
#[pyo3(signature = (rows, weights, *, components, covariance, starts, steps, tolerance, seed))]
#[expect(clippy::too_many_arguments, reason = "each has a name in Python")]
pub fn estimate(
    py: Python,
    rows: PyReadonlyArray2<f64>,
    weights: Option<PyReadonlyArray1<f64>>,
    components: usize,
    covariance: &str,
    starts: usize,
    steps: usize,
    tolerance: f64,
    seed: u64,
) -> PyResult<(Mixture, f64, usize, bool)> {
    let covariance = Covariance::from_name(covariance).ok_or_else(|| {
        raised(Error::usage(
            format!("\"{covariance}\" is no form of covariances"),
            "take full, diagonal or isotropic",
        ))
    })?;
    let mut rows = samples(&rows).map_err(raised)?;
    if let Some(weights) = weights {
        let column = WeightColumn {
            column: "sample_weight".to_owned(),
            kind: WeightKind::Importance,
        };
        let weights = Weights::new(column, vector(&weights)).map_err(raised)?;
        rows = rows.weighted(weights).map_err(raised)?;
    }
    let estimator = MaximumLikelihood {
        components,
        covariance,
        starts,
        steps,
        tolerance: Some(tolerance),
        seed,
    };
    let found = interruptible(py, move |watched| {
        estimator.estimate("the rows", &rows, &mut watched.clone())
    })?;
    Ok((
        Mixture(found.mixture),
        found.log_likelihood.value,
        found.steps,
        found.is_at_rest,
    ))
}
