//! Every row of a target that is a sample, or every bin of a histogram: the expectation is their average.

use serde::{Deserialize, Serialize};

use super::monte_carlo::MonteCarlo;
use super::{Context, Estimator, EstimatorSettings, Problem};
use crate::density::{Density, Draws};
use crate::error::Refusal;

/// Settings of the average over all rows: none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowsConfig {}

impl EstimatorSettings for RowsConfig {
    fn points(&self, _: usize, _: usize, rows: usize) -> usize {
        rows
    }

    fn check(&self, name: &str, problem: &Problem) -> Result<(), Refusal> {
        if !problem.target.has_density() {
            return Ok(());
        }
        Err(Refusal::new(
            "type",
            format!("is \"{name}\", and the target is a density, which has none"),
            "use \"quadrature\" in 1 or 2 dimensions, and \"monte-carlo\" above",
        ))
    }

    fn build(&self, _: usize) -> Box<dyn Estimator> {
        Box::new(Rows)
    }
}

/// The average over all rows.
#[derive(Debug, Clone, Copy)]
pub struct Rows;

impl Estimator for Rows {
    /// A chunk of the rows; of a density that is a function, which has none, a Monte Carlo sample.
    fn draws(&self, density: &dyn Density, context: Context) -> Draws {
        (density.rows(context.chunk))
            .unwrap_or_else(|| MonteCarlo::new(1024).draws(density, context))
    }

    fn is_random(&self) -> bool {
        false
    }

    fn refined(&self) -> Option<Box<dyn Estimator>> {
        None
    }
}
