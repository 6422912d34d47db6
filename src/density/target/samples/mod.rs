//! Samples of the target: N points in D dimensions, from a table.

mod csv;
mod dependence;
mod dialect;
mod doubts;
mod held_out;
mod options;
mod read;
mod separators;
#[cfg(test)]
mod tests;
mod weights;

use nalgebra::{DMatrix, DVector};

pub use dependence::{Dependence, Relation};
pub use options::{MissingRule, TableOptions};
pub use read::{SamplesFile, read_held_out, read_samples};
pub use weights::{WeightColumn, WeightKind, Weights};

use crate::error::{Error, Result};
use crate::mixture::MOST_DIM;
use crate::text::count;

const REPAIR: &str = "repair or remove the row; klfit fits complete rows of finite numbers";
/// A column whose largest and smallest value differ by this many roundings is a constant.
const ROUNDINGS: f64 = 8.0;

/// N points in D dimensions, N ≥ 2: finite, with no constant coordinate; with a weight of each, if it has some,
/// and others that are held out.
#[derive(Debug, Clone, PartialEq)]
pub struct Samples {
    names: Vec<String>,
    rows: Vec<f64>,
    weights: Option<Weights>,
    held_out: Option<Box<Samples>>,
}

impl Samples {
    /// Makes samples of `dim` coordinates with `names`, from N × D numbers, one point after the
    /// other.
    ///
    /// # Errors
    /// If the names or numbers do not come out even, a number is not finite, there are fewer than
    /// two points, or a coordinate is the same in all of them, up to rounding.
    pub fn new(names: Vec<String>, rows: Vec<f64>, dim: usize) -> Result<Self> {
        let samples = Self::of_any(names, rows, dim)?;
        samples.check_spread()?;
        Ok(samples)
    }

    /// As [`Samples::new`], of one point or more, whether or not they differ.
    fn of_any(names: Vec<String>, rows: Vec<f64>, dim: usize) -> Result<Self> {
        if dim == 0 || names.len() != dim || !rows.len().is_multiple_of(dim) {
            return Err(Error::usage(
                format!(
                    "{} and {} are not points of {}",
                    count(names.len(), "name"),
                    count(rows.len(), "number"),
                    count(dim, "coordinate")
                ),
                "give one name for each coordinate, and every point all its coordinates",
            ));
        }
        check_width(dim)?;
        if let Some(at) = rows.iter().position(|value| !value.is_finite()) {
            return Err(Error::usage(
                format!(
                    "row {}, column {}: {} is not finite",
                    at / dim + 1,
                    names[at % dim],
                    rows[at]
                ),
                REPAIR,
            ));
        }
        Ok(Self {
            names,
            rows,
            weights: None,
            held_out: None,
        })
    }

    /// Refuses fewer than two points, and a coordinate that is the same in all of them.
    fn check_spread(&self) -> Result<()> {
        let (names, rows, dim) = (&self.names, &self.rows, self.dim());
        if rows.len() < 2 * dim {
            return Err(Error::usage(
                format!("there are too few points: {}", rows.len() / dim),
                "give two at least; many more, to say anything of a density",
            ));
        }
        for (d, name) in names.iter().enumerate() {
            let column = rows.iter().skip(d).step_by(dim);
            let (least, most) = (column.copied())
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), x| {
                    (x.min(least), x.max(most))
                });
            let rounding = ROUNDINGS * f64::EPSILON * least.abs().max(most.abs());
            let message = match most - least {
                0.0 => format!("column {name}: every row has the value {least}"),
                spread if spread <= rounding => {
                    format!("column {name}: every row is {least} up to rounding, {most} at most")
                }
                _ => continue,
            };
            return Err(Error::usage(
                message,
                "leave the column out: a constant has no density",
            ));
        }
        Ok(())
    }

    /// The same points with a weight of each.
    ///
    /// # Errors
    /// If there are not as many weights as points.
    pub fn weighted(mut self, weights: Weights) -> Result<Self> {
        if weights.values().len() != self.len() {
            return Err(Error::usage(
                format!(
                    "there are {} for {}",
                    count(weights.values().len(), "weight"),
                    count(self.len(), "point")
                ),
                "give one weight for each point",
            ));
        }
        self.weights = Some(weights);
        Ok(self)
    }

    /// D, the number of coordinates.
    pub fn dim(&self) -> usize {
        self.names.len()
    }

    /// N, the number of points; two or more.
    #[expect(clippy::len_without_is_empty, reason = "never empty")]
    pub fn len(&self) -> usize {
        self.rows.len() / self.dim()
    }

    /// The weights of the N points; none where all count alike.
    pub fn weights(&self) -> Option<&Weights> {
        self.weights.as_ref()
    }

    /// How many independent points of weight 1 know a mean as well: N where all count alike.
    pub fn effective_len(&self) -> f64 {
        match &self.weights {
            Some(weights) => weights.effective_len(),
            None => self.len() as f64,
        }
    }

    /// The points with what each counts, and the sum of that: N ones where all count alike.
    fn counted(&self) -> (impl Iterator<Item = (&[f64], f64)>, f64) {
        let relative = self.weights.as_ref().map(Weights::relative);
        let total = (self.weights.as_ref()).map_or(self.len() as f64, Weights::total);
        let points = self.points().enumerate();
        let counted = points.map(move |(row, x)| (x, relative.map_or(1.0, |weights| weights[row])));
        (counted, total)
    }

    /// What the D coordinates are called.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The N × D numbers, one point after the other.
    pub fn rows(&self) -> &[f64] {
        &self.rows
    }

    /// The N points, D numbers each.
    pub fn points(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.rows.chunks_exact(self.dim())
    }

    /// Some of the coordinates, in the order given.
    pub(super) fn columns(&self, coordinates: &[usize]) -> Self {
        Self {
            names: coordinates.iter().map(|&d| self.names[d].clone()).collect(),
            rows: (self.points())
                .flat_map(|x| coordinates.iter().map(|&d| x[d]))
                .collect(),
            weights: self.weights.clone(),
            held_out: None,
        }
    }

    /// Their mean by their weights, D.
    pub fn mean(&self) -> DVector<f64> {
        let (counted, total) = self.counted();
        let sum = counted.fold(DVector::zeros(self.dim()), |sum, (x, weight)| {
            sum + DVector::from_row_slice(x) * weight
        });
        sum / total
    }

    /// Their covariance by their weights, D × D, divided by the sum of these, N where all count alike: the one of
    /// the largest likelihood.
    pub fn covariance(&self) -> DMatrix<f64> {
        let mean = self.mean();
        let (counted, total) = self.counted();
        let none = DMatrix::zeros(self.dim(), self.dim());
        let sum = counted.fold(none, |sum, (x, weight)| {
            let offset = DVector::from_row_slice(x) - &mean;
            sum + &offset * offset.transpose() * weight
        });
        sum / total
    }
}

/// Refuses more columns than there can be dimensions.
fn check_width(columns: usize) -> Result<()> {
    if columns <= MOST_DIM {
        return Ok(());
    }
    Err(Error::usage(
        format!("there are {columns} columns"),
        format!("klfit works in up to {MOST_DIM} dimensions: leave columns out, or transpose it"),
    ))
}

/// The names of columns that have none.
fn numbered(dim: usize) -> Vec<String> {
    (1..=dim).map(|d| format!("x{d}")).collect()
}
