//! Every row of a target that is a sample: the expectation is their average.

use serde::{Deserialize, Serialize};

use super::{Context, Estimator, MonteCarlo};
use crate::density::{Density, Draws};

/// Settings of the average over all rows: none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowsConfig {}

/// The average over all rows.
#[derive(Debug, Clone, Copy)]
pub struct Rows;

impl Estimator for Rows {
    /// The rows; of a density that is a function, which has none, a Monte Carlo sample.
    fn draws(&self, density: &dyn Density, context: Context) -> Draws {
        (density.rows()).unwrap_or_else(|| MonteCarlo::new(1024).draws(density, context))
    }

    fn is_random(&self) -> bool {
        false
    }

    fn refined(&self) -> Option<Box<dyn Estimator>> {
        None
    }
}
