//! Counts of bins: a histogram, on a line or in the plane.

use nalgebra::{DMatrix, DVector};

use crate::compute::kernel::MOST_BIN_DIM;
use crate::error::Refusal;
use crate::text::count;

/// More bins than this are taken for a mistake.
const MOST_BINS: usize = 65_536;
/// Fewer bins with counts along an axis leave the best Gaussian without a width.
const LEAST_FILLED: usize = 3;

/// How many there are in each of the bins between the edges of one axis or two.
///
/// Of how they lie inside a bin nothing is known. Where a point for each is needed all the same, for moments,
/// starts and figures, they are spread evenly over it, and a bin without an end is as wide as the one beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// Of each axis, rising.
    edges: Vec<Vec<f64>>,
    /// The last axis fastest.
    counts: Vec<f64>,
}

impl Histogram {
    /// Makes one of the edges of each of D axes and of its counts, the last axis fastest, which may be any numbers
    /// from 0 on.
    ///
    /// # Errors
    /// If there are more than two axes, edges do not rise, other than the first and the last are infinite, there
    /// is not one count for each bin, one is negative or not finite, or fewer than three bins along an axis have any.
    pub fn new(edges: Vec<Vec<f64>>, counts: Vec<f64>) -> Result<Self, Refusal> {
        let dim = edges.len();
        if !(1..=MOST_BIN_DIM).contains(&dim) {
            return Err(Refusal::new(
                "edges",
                format!("has the edges of {dim} axes"),
                "give the edges of one axis, or of two as [[0, 1, 2, 3], [0, 5, 10, 20]]; histograms have up to 2 \
                 dimensions",
            ));
        }
        for (axis, edges) in edges.iter().enumerate() {
            check_edges(edges).map_err(|(message, help)| {
                let on = on_axis(axis, dim);
                Refusal::new("edges", format!("{message}{on}"), help)
            })?;
        }
        let shape: Vec<usize> = edges.iter().map(|edges| edges.len() - 1).collect();
        let bins = shape.iter().fold(1, |all: usize, &n| all.saturating_mul(n));
        if bins > MOST_BINS {
            return Err(Refusal::new(
                "edges",
                format!("make {bins} bins, and {MOST_BINS} is the most"),
                "join bins",
            ));
        }
        if counts.len() != bins {
            let of_edges: Vec<String> = (edges.iter())
                .map(|edges| count(edges.len(), "edge"))
                .collect();
            return Err(Refusal::new(
                "counts",
                format!(
                    "has {}, and {} make {}",
                    count(counts.len(), "number"),
                    of_edges.join(" and "),
                    count(bins, "bin")
                ),
                "give one count for each bin: one fewer than there are edges, along each axis",
            ));
        }
        let made = Self { edges, counts };
        made.check_counts()?;
        Ok(made)
    }

    fn check_counts(&self) -> Result<(), Refusal> {
        if let Some(at) = self
            .counts
            .iter()
            .position(|n| !(*n >= 0.0 && n.is_finite()))
        {
            let place = self.places(at).map(|place| (place + 1).to_string());
            return Err(Refusal::new(
                "counts",
                format!(
                    "has {} in bin {}",
                    self.counts[at],
                    place.collect::<Vec<_>>().join(", ")
                ),
                "give how many there are in each bin, 0 or more",
            ));
        }
        let total = self.total();
        if total == 0.0 {
            let help = "give how many there are in each bin; some must have any";
            return Err(Refusal::new("counts", "are all 0", help));
        }
        if !total.is_finite() {
            let help = "divide them all by a number";
            return Err(Refusal::new(
                "counts",
                "add up to more than a number can be",
                help,
            ));
        }
        for axis in 0..self.dim() {
            let filled = self.along(axis).iter().filter(|&&n| n > 0.0).count();
            if filled < LEAST_FILLED {
                return Err(Refusal::new(
                    "counts",
                    format!(
                        "are in {}{}: the narrower a Gaussian is, the better it may fit, and none fits best",
                        count(filled, "bin"),
                        on_axis(axis, self.dim())
                    ),
                    "make bins narrower, so that three at least have counts",
                ));
            }
        }
        Ok(())
    }

    /// D.
    pub fn dim(&self) -> usize {
        self.edges.len()
    }

    /// The edges of each of the D axes; the outer ones may be infinite.
    pub fn edges(&self) -> &[Vec<f64>] {
        &self.edges
    }

    /// How many there are in each bin, the last axis fastest.
    pub fn counts(&self) -> &[f64] {
        &self.counts
    }

    /// N, the sum of the counts.
    pub fn total(&self) -> f64 {
        self.counts.iter().sum()
    }

    /// How many bins there are with counts.
    pub fn filled(&self) -> usize {
        self.counts.iter().filter(|&&n| n > 0.0).count()
    }

    /// Nats by which the grouped cross-entropy −Σ s log ∫ q is larger than the divergence: −Σ s log s, with s the
    /// share of a bin.
    pub fn entropy(&self) -> f64 {
        let total = self.total();
        let shares = self.counts.iter().map(|n| n / total).filter(|s| *s > 0.0);
        -shares.map(|share| share * share.ln()).sum::<f64>()
    }

    /// How many bins there are along each axis.
    pub fn shape(&self) -> Vec<usize> {
        self.edges.iter().map(|edges| edges.len() - 1).collect()
    }

    /// The place of a bin on each axis.
    pub fn places(&self, bin: usize) -> impl Iterator<Item = usize> {
        let shape = self.shape();
        (0..shape.len()).map(move |axis| {
            let faster: usize = shape[axis + 1..].iter().product();
            bin / faster % shape[axis]
        })
    }

    /// The counts along one axis, those of the others added up.
    fn along(&self, axis: usize) -> Vec<f64> {
        let mut sums = vec![0.0; self.edges[axis].len() - 1];
        for (bin, n) in self.counts.iter().enumerate() {
            sums[self.places(bin).nth(axis).unwrap_or(0)] += n;
        }
        sums
    }

    /// The edges of an axis, with a bin that has no end as wide as the one beside it.
    pub fn closed_edges(&self, axis: usize) -> Vec<f64> {
        let mut edges = self.edges[axis].clone();
        let last = edges.len() - 1;
        if edges[last].is_infinite() {
            edges[last] = 2.0 * edges[last - 1] - edges[last - 2];
        }
        if edges[0].is_infinite() {
            edges[0] = 2.0 * edges[1] - edges[2];
        }
        edges
    }

    /// Where the first bin with counts along an axis begins, and the last ends, both closed.
    pub fn reach(&self, axis: usize) -> [f64; 2] {
        let (edges, counts) = (self.closed_edges(axis), self.along(axis));
        let first = counts.iter().position(|&n| n > 0.0).unwrap_or(0);
        let last = counts.iter().rposition(|&n| n > 0.0).unwrap_or(0);
        [edges[first], edges[last + 1]]
    }

    /// The share of all in each bin, divided by its size where it is closed: heights of a figure.
    pub fn heights(&self) -> Vec<f64> {
        let closed: Vec<Vec<f64>> = (0..self.dim())
            .map(|axis| self.closed_edges(axis))
            .collect();
        let total = self.total();
        (self.counts.iter().enumerate())
            .map(|(bin, n)| {
                let sizes =
                    (self.places(bin).zip(&closed)).map(|(at, edges)| edges[at + 1] - edges[at]);
                n / total / sizes.product::<f64>()
            })
            .collect()
    }

    /// The bins with counts, D places for each.
    pub(super) fn filled_places(&self) -> (Vec<usize>, Vec<f64>) {
        let filled = (self.counts.iter().enumerate()).filter(|(_, n)| **n > 0.0);
        let (mut places, mut counts) = (Vec::new(), Vec::new());
        for (bin, n) in filled {
            places.extend(self.places(bin));
            counts.push(*n);
        }
        (places, counts)
    }
}

/// Which of two axes is meant.
fn on_axis(axis: usize, dim: usize) -> String {
    match dim {
        1 => String::new(),
        _ => format!(" on axis {}", axis + 1),
    }
}

fn check_edges(edges: &[f64]) -> Result<(), (String, &'static str)> {
    let help = "give edges that rise, one more than there are bins; the first may be -inf and the last inf";
    if edges.len() < LEAST_FILLED + 1 {
        let message = format!("has {}", count(edges.len(), "edge"));
        let help = "give four at least: fewer than three bins do not tell a mean and a width";
        return Err((message, help));
    }
    if let Some(at) = edges.iter().position(|edge| edge.is_nan()) {
        return Err((format!("has what is not a number as edge {}", at + 1), help));
    }
    if let Some(at) = edges.windows(2).position(|pair| pair[0] >= pair[1]) {
        let (one, next) = (edges[at], edges[at + 1]);
        return Err((
            format!(
                "does not rise from edge {} to {}, {one} to {next}",
                at + 1,
                at + 2
            ),
            help,
        ));
    }
    Ok(())
}

impl Histogram {
    /// Mean and covariance of the counts spread evenly over each bin: of a bin w wide w²/12 is added to what its
    /// middle has.
    pub(super) fn spread_moments(&self) -> (DVector<f64>, DMatrix<f64>) {
        let dim = self.dim();
        let closed: Vec<Vec<f64>> = (0..dim).map(|axis| self.closed_edges(axis)).collect();
        let total = self.total();
        let bins = || {
            (self.counts.iter().enumerate()).map(|(bin, n)| {
                let places: Vec<usize> = self.places(bin).collect();
                let width = |d: usize| closed[d][places[d] + 1] - closed[d][places[d]];
                let middle = DVector::from_fn(dim, |d, _| closed[d][places[d]] + 0.5 * width(d));
                let widths = DVector::from_fn(dim, |d, _| width(d));
                (n / total, middle, widths)
            })
        };
        let mean = bins().fold(DVector::zeros(dim), |sum, (share, middle, _)| {
            sum + middle * share
        });
        let covariance = bins().fold(DMatrix::zeros(dim, dim), |sum, (share, middle, widths)| {
            let off = middle - &mean;
            let within = DMatrix::from_diagonal(&widths.component_mul(&widths)) / 12.0;
            sum + (&off * off.transpose() + within) * share
        });
        (mean, covariance)
    }
}
