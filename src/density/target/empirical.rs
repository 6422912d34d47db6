//! The rows of a sample as a density that draws can be taken from.

use burn::tensor::Tensor;
use statrs::function::erf::erfc;

use super::Samples;
use crate::compute::device::Numerics;
use crate::compute::kernel::indices;
use crate::density::{Density, Draws, DrawsError, ErrorRule, Nodes};

/// The empirical distribution of N rows.
#[derive(Debug)]
pub(super) struct Empirical {
    /// `[1, N, D]`.
    rows: Tensor<3>,
    numerics: Numerics,
}

impl Empirical {
    pub fn new(samples: &Samples, numerics: &Numerics) -> Self {
        let shape = [1, samples.len(), samples.dim()];
        Self {
            rows: numerics.tensor(samples.rows().to_vec(), shape),
            numerics: numerics.clone(),
        }
    }
}

impl Density for Empirical {
    /// NaN: rows have no density, so that nothing that needs one can be taken for a number.
    fn log_density(&self, x: Tensor<3>) -> Tensor<2> {
        let [runs, points, _] = x.dims();
        Tensor::full([runs, points], f64::NAN, (&x.device(), x.dtype()))
    }

    fn strata(&self) -> usize {
        1
    }

    /// Random rows: a standard normal z stands for the row at the share Φ(z) of all.
    fn place(&self, nodes: Nodes) -> Draws {
        let [runs, _, m, d] = nodes.z.dims();
        let [_, n, _] = self.rows.dims();
        // What the device cannot return it could not have used: then the first row stands for all,
        // and the failure shows where the loss is read.
        let z = Numerics::read(nodes.z).unwrap_or_else(|_| vec![f64::NEG_INFINITY; runs * m * d]);
        let places: Vec<usize> = (z.chunks_exact(d))
            .map(|z| {
                let share = 0.5 * erfc(-z[0] / std::f64::consts::SQRT_2);
                ((share * n as f64) as usize).min(n - 1)
            })
            .collect();
        let x = (self.rows.clone())
            .select(1, indices(&places, self.numerics.device()))
            .reshape([runs, m, d]);
        let group = match nodes.error {
            ErrorRule::Random { group } => group,
            ErrorRule::Embedded(_) => 1,
        };
        Draws {
            x,
            weights: nodes.weights.reshape([1, m]),
            error: DrawsError::Random { strata: 1, group },
        }
    }

    fn rows(&self) -> Option<Draws> {
        let [_, n, _] = self.rows.dims();
        Some(Draws {
            x: self.rows.clone(),
            weights: self.numerics.tensor(vec![1.0 / n as f64; n], [1, n]),
            error: DrawsError::Rows,
        })
    }
}
