//! Counts of bins as a target.

use burn::tensor::Tensor;
use nalgebra::{DMatrix, DVector};
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::Histogram;
use super::distribution::{Distribution, Tails};
use crate::compute::device::Numerics;
use crate::compute::kernel::{Bins, Interval};
use crate::density::{Binned, Density, Draws, DrawsError, Nodes};
use crate::error::Refusal;
use crate::mixture::{Mixture, NaturalParameters};
use crate::text::{self, count};

impl Distribution for Histogram {
    type Summary = HistogramSummary;
    type Marginal = Self;

    fn dim(&self) -> usize {
        self.edges().len()
    }

    fn describe(&self) -> String {
        let shape: Vec<String> = self.shape().iter().map(usize::to_string).collect();
        let bins = match &shape[..] {
            [_] => count(self.counts().len(), "bin"),
            _ => format!("{} bins", shape.join(" × ")),
        };
        format!("a histogram of {bins}")
    }

    fn parameters(&self) -> String {
        format!("{}; {} in all", self.describe(), text::rows(self.total()))
    }

    fn summary(&self) -> HistogramSummary {
        let (mean, covariance) = self.spread_moments();
        let moments = Mixture::gaussian(mean.as_slice().to_vec(), covariance);
        HistogramSummary {
            bins: self.shape(),
            filled: self.filled(),
            total: self.total(),
            entropy: self.entropy(),
            moments: moments.ok().map(|moments| (&moments).into()),
        }
    }

    fn upload(&self, numerics: &Numerics) -> Box<dyn Density> {
        Box::new(HistogramDensity::new(self, numerics))
    }

    fn log_density(&self, _: &[f64]) -> Option<f64> {
        None
    }

    /// Points that lie evenly in a bin, which is drawn by its count.
    fn sample(&self, count: usize, generator: &mut dyn Rng) -> Vec<f64> {
        let closed: Vec<Vec<f64>> = (0..self.dim())
            .map(|axis| self.closed_edges(axis))
            .collect();
        let sums: Vec<f64> = (self.counts().iter())
            .scan(0.0, |sum, n| {
                *sum += n;
                Some(*sum)
            })
            .collect();
        let total = sums.last().copied().unwrap_or(0.0);
        let mut points = Vec::with_capacity(count * self.dim());
        for _ in 0..count {
            let at = total * generator.random::<f64>();
            let bin = sums.partition_point(|&sum| sum <= at).min(sums.len() - 1);
            for (place, edges) in self.places(bin).zip(&closed) {
                let (lower, upper) = (edges[place], edges[place + 1]);
                points.push(lower + (upper - lower) * generator.random::<f64>());
            }
        }
        points
    }

    fn marginal(&self, coordinates: &[usize]) -> Result<Self, Refusal> {
        let edges: Vec<Vec<f64>> = (coordinates.iter())
            .map(|&axis| self.edges()[axis].clone())
            .collect();
        let shape: Vec<usize> = edges.iter().map(|edges| edges.len() - 1).collect();
        let mut counts = vec![0.0; shape.iter().product()];
        for (bin, n) in self.counts().iter().enumerate() {
            let places: Vec<usize> = self.places(bin).collect();
            let at =
                (coordinates.iter().zip(&shape)).fold(0, |at, (&axis, &n)| at * n + places[axis]);
            counts[at] += n;
        }
        Self::new(edges, counts)
    }

    /// Those of its counts spread evenly over each bin.
    fn moments(&self) -> Option<(DVector<f64>, DMatrix<f64>)> {
        Some(self.spread_moments())
    }

    fn tails(&self) -> Tails {
        Tails::None
    }

    fn as_histogram(&self) -> Option<&Histogram> {
        Some(self)
    }
}

/// What `summary.json` says of a histogram.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistogramSummary {
    /// How many bins there are along each of the D axes.
    pub bins: Vec<usize>,
    /// How many of all have counts.
    pub filled: usize,
    /// N, the sum of the counts.
    pub total: f64,
    /// −Σ s log s in nats, s = n/N: what the cross-entropy −Σ s log ∫ q has beside the divergence.
    pub entropy: f64,
    /// Mean (D) and covariance (D × D) of the counts spread evenly over each bin, as a Gaussian.
    pub moments: Option<NaturalParameters>,
}

/// A histogram on a device.
#[derive(Debug)]
struct HistogramDensity {
    /// The bins with counts: x, their middles `[1, B, D]`, and their shares `[1, B]`.
    rows: Draws,
    /// The logarithms of the shares `[1, B]`.
    log_shares: Tensor<2>,
    bins: Bins,
}

impl HistogramDensity {
    fn new(histogram: &Histogram, numerics: &Numerics) -> Self {
        let (dim, total) = (histogram.dim(), histogram.total());
        let (places, counts) = histogram.filled_places();
        let axes = (histogram.edges().iter())
            .map(|edges| {
                let sides = edges.windows(2);
                sides
                    .map(|side| Interval {
                        lower: side[0],
                        upper: side[1],
                    })
                    .collect()
            })
            .collect();
        let closed: Vec<Vec<f64>> = (0..dim).map(|axis| histogram.closed_edges(axis)).collect();
        let middles = (places.iter().enumerate())
            .map(|(i, &at)| 0.5 * (closed[i % dim][at] + closed[i % dim][at + 1]))
            .collect();
        let bins = counts.len();
        let of_bins = |of: &dyn Fn(f64) -> f64| {
            let numbers = counts.iter().map(|n| of(n / total)).collect();
            numerics.tensor(numbers, [1, bins])
        };
        // What the squared difference of a bin from the mean adds to the squared standard error, as N independent
        // draws have it (the delta method): a mean over counts is one over N rows, as many alike as a bin has.
        let spreads = of_bins(&|share| share / total);
        Self {
            rows: Draws {
                x: numerics.tensor(middles, [1, bins, dim]),
                weights: of_bins(&|share| share),
                error: DrawsError::WeightedRows(Box::new(spreads)),
                log_p: None,
            },
            log_shares: of_bins(&f64::ln),
            bins: Bins::new(axes, places),
        }
    }
}

impl Density for HistogramDensity {
    /// NaN: bins have no density, so that nothing that needs one can be taken for a number.
    fn log_density(&self, x: Tensor<3>) -> Tensor<2> {
        let [runs, points, _] = x.dims();
        Tensor::full([runs, points], f64::NAN, (&x.device(), x.dtype()))
    }

    fn strata(&self) -> usize {
        1
    }

    /// All bins, whatever is asked for: configs refuse other points.
    fn place(&self, _: Nodes) -> Draws {
        self.rows.clone()
    }

    fn row_chunks(&self) -> usize {
        1
    }

    fn rows(&self, chunk: usize) -> Option<Draws> {
        (chunk == 0).then(|| self.rows.clone())
    }

    fn binned(&self) -> Option<Binned<'_>> {
        Some(Binned {
            bins: &self.bins,
            log_shares: &self.log_shares,
        })
    }
}
