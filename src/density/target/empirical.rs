//! The rows of a sample as a target that draws can be taken from.

use burn::tensor::Tensor;
use nalgebra::{DMatrix, DVector};
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};
use statrs::function::erf::erfc;

use super::distribution::{Distribution, Tails};
use super::samples::FileRows;
use super::{Samples, WeightKind, Weights};
use crate::compute::device::Numerics;
use crate::compute::kernel::indices;
use crate::density::{Density, Draws, DrawsError, ErrorRule, Nodes};
use crate::error::{Refusal, Result};
use crate::mixture::{Mixture, NaturalParameters};
use crate::ranks::Communicator;
use crate::text::count;

impl Distribution for Samples {
    type Summary = SamplesSummary;
    type Marginal = Self;

    fn dim(&self) -> usize {
        self.dim()
    }

    fn describe(&self) -> String {
        match self.weights() {
            Some(_) => count(self.len(), "weighted row"),
            None => count(self.len(), "row"),
        }
    }

    fn parameters(&self) -> String {
        let mut parameters = format!("{} of {}", self.describe(), self.names().join(", "));
        if let Some(weights) = self.weights() {
            parameters += &format!("; {}", weights.describe());
        }
        if let Some(held_out) = self.held_out() {
            parameters += &format!("; {} held out", count(held_out.len(), "row"));
        }
        parameters
    }

    fn summary(&self) -> SamplesSummary {
        let moments = Mixture::gaussian(self.mean().as_slice().to_vec(), self.covariance());
        SamplesSummary {
            rows: self.len(),
            names: self.names().to_vec(),
            weights: self.weights().map(WeightsSummary::from),
            held_out: self.held_out().map(|rows| HeldOutSummary {
                rows: rows.len(),
                effective_sample_size: rows.effective_len(),
            }),
            moments: moments.ok().map(|moments| (&moments).into()),
        }
    }

    fn coordinates(&self) -> Vec<String> {
        self.names().to_vec()
    }

    fn upload(&self, numerics: &Numerics) -> Box<dyn Density> {
        Box::new(Empirical::new(self, numerics))
    }

    fn log_density(&self, _: &[f64]) -> Option<f64> {
        None
    }

    fn sample(&self, count: usize, generator: &mut dyn Rng) -> Vec<f64> {
        let rows: Vec<usize> = (0..count)
            .map(|_| match self.weights() {
                Some(weights) => weights.draw(generator),
                None => generator.random_range(0..self.len()),
            })
            .collect();
        self.pick(&rows)
    }

    fn marginal(&self, coordinates: &[usize]) -> std::result::Result<Self, Refusal> {
        Ok(self.columns(coordinates))
    }

    fn moments(&self) -> Option<(DVector<f64>, DMatrix<f64>)> {
        Some((self.mean(), self.covariance()))
    }

    fn tails(&self) -> Tails {
        Tails::None
    }

    fn check(&self) -> Result<()> {
        let files = [Some(self), self.held_out()].into_iter().flatten();
        (files.filter_map(Samples::file)).try_for_each(FileRows::check)
    }

    fn as_samples(&self) -> Option<&Samples> {
        Some(self)
    }
}

/// What `summary.json` says of rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SamplesSummary {
    /// N.
    pub rows: usize,
    /// The names of the D coordinates.
    pub names: Vec<String>,
    /// Their weights, if they have some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<WeightsSummary>,
    /// Rows that no fit saw, if there are some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out: Option<HeldOutSummary>,
    /// Mean (D) and covariance (D × D, divided by N) as a Gaussian, by the weights.
    pub moments: Option<NaturalParameters>,
}

/// What `summary.json` says of weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WeightsSummary {
    /// The name of their column.
    pub column: String,
    /// What they are.
    pub kind: WeightKind,
    /// Σv for frequencies, (Σv)²/Σv² for importance.
    pub effective_sample_size: f64,
}

impl From<&Weights> for WeightsSummary {
    fn from(weights: &Weights) -> Self {
        Self {
            column: weights.column().to_owned(),
            kind: weights.kind(),
            effective_sample_size: weights.effective_len(),
        }
    }
}

/// What `summary.json` says of rows that no fit saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeldOutSummary {
    /// How many there are.
    pub rows: usize,
    /// As of the others; how many there are without weights.
    pub effective_sample_size: f64,
}

/// The empirical distribution of N rows.
#[derive(Debug)]
struct Empirical {
    rows: Rows,
    weights: Option<Weights>,
    numerics: Numerics,
}

/// The rows, wherever they are.
#[derive(Debug)]
enum Rows {
    /// On the device: x `[1, N, D]`, weights `[1, N]`.
    Uploaded(Box<Draws>),
    /// In their file.
    InFile(FileRows),
}

impl Empirical {
    fn new(samples: &Samples, numerics: &Numerics) -> Self {
        Self {
            rows: match samples.file() {
                Some(file) => Rows::InFile(file.clone()),
                None => Rows::Uploaded(Box::new(uploaded(samples, numerics))),
            },
            weights: samples.weights().cloned(),
            numerics: numerics.clone(),
        }
    }

    /// N.
    fn len(&self) -> usize {
        match &self.rows {
            Rows::Uploaded(rows) => rows.x.dims()[1],
            Rows::InFile(file) => file.len(),
        }
    }
}

fn uploaded(samples: &Samples, numerics: &Numerics) -> Draws {
    let n = samples.len();
    let of_rows = |numbers: Vec<f64>| numerics.tensor(numbers, [1, n]);
    let (weights, error) = match samples.weights() {
        Some(weights) => {
            let spreads = Box::new(of_rows(weights.spreads()));
            (weights.shares(), DrawsError::WeightedRows(spreads))
        }
        None => (vec![1.0 / n as f64; n], DrawsError::Rows),
    };
    Draws {
        x: numerics.tensor(samples.rows().to_vec(), [1, n, samples.dim()]),
        weights: of_rows(weights),
        error,
        log_p: None,
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

    /// Random rows: a standard normal z stands for the row at the share Φ(z) of all, by their weights.
    fn place(&self, nodes: Nodes) -> Draws {
        let [runs, _, m, d] = nodes.z.dims();
        let n = self.len();
        // What the device cannot return it could not have used: then the first row stands for all,
        // and the failure shows where the loss is read.
        let z = Numerics::read(nodes.z).unwrap_or_else(|_| vec![f64::NEG_INFINITY; runs * m * d]);
        let places: Vec<usize> = (z.chunks_exact(d))
            .map(|z| {
                let share = 0.5 * erfc(-z[0] / std::f64::consts::SQRT_2);
                match &self.weights {
                    Some(weights) => weights.row_at(share),
                    None => ((share * n as f64) as usize).min(n - 1),
                }
            })
            .collect();
        let x = match &self.rows {
            Rows::Uploaded(rows) => (rows.x.clone())
                .select(1, indices(&places, self.numerics.device()))
                .reshape([runs, m, d]),
            Rows::InFile(file) => {
                let numbers = file.or_nothing(file.pick(&places), places.len());
                self.numerics.tensor(numbers, [runs, m, d])
            }
        };
        let group = match nodes.error {
            ErrorRule::Random { group } => group,
            ErrorRule::Embedded(_) => 1,
        };
        Draws {
            x,
            weights: nodes.weights.reshape([1, m]),
            error: DrawsError::Random { strata: 1, group },
            log_p: None,
        }
    }

    fn row_chunks(&self) -> usize {
        match &self.rows {
            Rows::Uploaded(_) => 1,
            Rows::InFile(file) => file.chunks(),
        }
    }

    fn ranks(&self) -> Option<&dyn Communicator> {
        match &self.rows {
            Rows::Uploaded(_) => None,
            Rows::InFile(file) => file.ranks(),
        }
    }

    fn rows(&self, chunk: usize) -> Option<Draws> {
        let file = match &self.rows {
            Rows::Uploaded(rows) => return Some((**rows).clone()),
            Rows::InFile(file) => file,
        };
        let numbers = file.or_nothing(file.chunk(chunk), 1);
        let [rows, dim] = [numbers.len() / file.dim(), file.dim()];
        let share = 1.0 / file.len() as f64;
        Some(Draws {
            x: self.numerics.tensor(numbers, [1, rows, dim]),
            weights: self.numerics.tensor(vec![share; rows], [1, rows]),
            error: DrawsError::Rows,
            log_p: None,
        })
    }
}
