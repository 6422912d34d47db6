//! Samples of the target: N points in D dimensions, from a table.

#[cfg(feature = "parquet")]
mod columnar;
mod csv;
mod dependence;
mod dialect;
mod doubts;
mod first_pass;
mod held_out;
mod in_file;
mod kept;
mod options;
mod read;
mod separators;
#[cfg(test)]
mod tests;
mod weights;

use std::collections::BTreeSet;

use nalgebra::{DMatrix, DVector};
use rand::RngExt;
use rayon::prelude::*;

pub use dependence::{Dependence, Relation};
pub(crate) use in_file::FileRows;
pub use options::{MissingRule, TableOptions};
pub use read::{Residence, SamplesFile, open_held_out, open_samples, read_points, read_samples};
pub use weights::{WeightColumn, WeightKind, Weights};

use crate::compute::noise::{RunKey, Stream};
use crate::error::{Error, Result};
use crate::mixture::MOST_DIM;
use crate::ranks::agreed;
use crate::text::count;

const REPAIR: &str = "repair or remove the row; klfit fits complete rows of finite numbers";
/// A column whose largest and smallest value differ by this many roundings is a constant.
const ROUNDINGS: f64 = 8.0;

/// Rows that are summed up one after the other.
const ROWS_AT_ONCE: usize = 4096;
/// The most rows in memory of those that stay in a file, and the most numbers.
const MOST_STANDING: usize = 100_000;
const MOST_STANDING_NUMBERS: usize = 1 << 23;

/// N points in D dimensions, N ≥ 2: finite, with no constant coordinate; with a weight of each, if it has some,
/// and others that are held out.
///
/// Many of them may stay in their file. Then [`rows`](Samples::rows) and [`points`](Samples::points) are some
/// that stand for all; moments, draws and passes over them are of all.
#[derive(Debug, Clone, PartialEq)]
pub struct Samples {
    names: Vec<String>,
    /// All of them, or some that stand for those in a file.
    rows: Vec<f64>,
    /// All of them, where they stay in their file.
    file: Option<FileRows>,
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
            file: None,
            weights: None,
            held_out: None,
        })
    }

    /// Samples of which all rows stay in a file: up to 100 000 random ones of them stand for all.
    ///
    /// # Errors
    /// If the file cannot be read.
    fn in_file(names: Vec<String>, file: FileRows) -> Result<Self> {
        let most = MOST_STANDING
            .min(MOST_STANDING_NUMBERS / names.len().max(1))
            .max(1);
        let places: Vec<usize> = match file.len() <= most {
            true => (0..file.len()).collect(),
            false => {
                let mut generator = RunKey { seed: 0, run: 0 }.generator(Stream::Sketch, 0);
                let mut places = BTreeSet::new();
                while places.len() < most {
                    places.insert(generator.random_range(0..file.len()));
                }
                places.into_iter().collect()
            }
        };
        let is_one = file.len() == places.len() && file.chunks() == 1 && !file.are_shared();
        let rows = match is_one {
            true => file.chunk(0)?,
            false => file.pick(&places)?,
        };
        let samples = Self::of_any(names, rows, file.dim())?;
        Ok(Self {
            file: Some(file),
            ..samples
        })
    }

    /// Refuses fewer than two points, and a coordinate that is the same in all of them.
    fn check_spread(&self) -> Result<()> {
        if self.len() < 2 {
            return Err(Error::usage(
                format!("there are too few points: {}", self.len()),
                "give two at least; many more, to say anything of a density",
            ));
        }
        for (d, name) in self.names.iter().enumerate() {
            let (least, most) = self.range(d);
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
        match &self.file {
            Some(file) => file.len(),
            None => self.rows.len() / self.dim(),
        }
    }

    /// All of them, where they stay in their file.
    pub(crate) fn file(&self) -> Option<&FileRows> {
        self.file.as_ref()
    }

    /// How many rows are taken at once in a pass over all: N in memory.
    pub(crate) fn at_once(&self) -> usize {
        (self.file.as_ref()).map_or(self.len(), |file| file.per_chunk().min(self.len()))
    }

    /// The least and the largest number of a coordinate.
    pub fn range(&self, d: usize) -> (f64, f64) {
        if let Some(file) = &self.file {
            return file.range(d);
        }
        let none = (f64::INFINITY, f64::NEG_INFINITY);
        (self.points()).fold(none, |(least, most), x| (x[d].min(least), x[d].max(most)))
    }

    /// Rows by their places, D numbers each. Where a file cannot be read they are NaN, and the target's
    /// [`check`](crate::Distribution::check) tells why.
    pub(super) fn pick(&self, places: &[usize]) -> Vec<f64> {
        match &self.file {
            Some(file) => file.or_nothing(file.pick(places), places.len()),
            None => {
                let dim = self.dim();
                let row = |&place: &usize| &self.rows[place * dim..(place + 1) * dim];
                places.iter().flat_map(row).copied().collect()
            }
        }
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

    /// The mean of a function over all rows, as they count.
    ///
    /// # Errors
    /// If rows cannot be read.
    pub fn mean_of(&self, value: impl Fn(&[f64]) -> f64 + Sync) -> Result<f64> {
        let sum = |rows: &[f64], weights: Option<&[f64]>| -> f64 {
            (rows.par_chunks(self.dim() * ROWS_AT_ONCE).enumerate())
                .map(|(part, rows)| {
                    let first = part * ROWS_AT_ONCE;
                    let values = rows.chunks_exact(self.dim()).enumerate();
                    let terms = values.map(|(row, x)| {
                        value(x) * weights.map_or(1.0, |weights| weights[first + row])
                    });
                    terms.sum::<f64>()
                })
                .collect::<Vec<f64>>()
                .iter()
                .sum()
        };
        if let Some(file) = &self.file {
            let sums = (0..file.chunks()).map(|chunk| Ok(sum(&file.chunk(chunk)?, None)));
            let sums = sums.collect::<Result<Vec<f64>>>();
            let sums = match file.ranks() {
                Some(ranks) => agreed(ranks, sums)?,
                None => sums?,
            };
            let mut total = [sums.iter().sum::<f64>()];
            file.add_up(&mut total);
            return Ok(total[0] / self.len() as f64);
        }
        let weights = self.weights.as_ref();
        let total = weights.map_or(self.len() as f64, Weights::total);
        Ok(sum(&self.rows, weights.map(Weights::relative)) / total)
    }

    /// What the D coordinates are called.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The numbers that are in memory, one point after the other: all N × D, or, where the rows stay in their
    /// file, those of some that stand for all, in their order.
    pub fn rows(&self) -> &[f64] {
        &self.rows
    }

    /// The points that are [in memory](Samples::rows), D numbers each.
    pub fn points(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.rows.chunks_exact(self.dim())
    }

    /// Some of the coordinates, in the order given, of the points that are in memory.
    pub(super) fn columns(&self, coordinates: &[usize]) -> Self {
        Self {
            names: coordinates.iter().map(|&d| self.names[d].clone()).collect(),
            rows: (self.points())
                .flat_map(|x| coordinates.iter().map(|&d| x[d]))
                .collect(),
            file: None,
            weights: self.weights.clone(),
            held_out: None,
        }
    }

    /// Their mean by their weights, D.
    pub fn mean(&self) -> DVector<f64> {
        if let Some(file) = &self.file {
            return self.moments_in(file).0;
        }
        let (counted, total) = self.counted();
        let sum = counted.fold(DVector::zeros(self.dim()), |sum, (x, weight)| {
            sum + DVector::from_row_slice(x) * weight
        });
        sum / total
    }

    /// Their covariance by their weights, D × D, divided by the sum of these, N where all count alike: the one of
    /// the largest likelihood.
    pub fn covariance(&self) -> DMatrix<f64> {
        if let Some(file) = &self.file {
            return self.moments_in(file).1;
        }
        let mean = self.mean();
        let (counted, total) = self.counted();
        let none = DMatrix::zeros(self.dim(), self.dim());
        let sum = counted.fold(none, |sum, (x, weight)| {
            let offset = DVector::from_row_slice(x) - &mean;
            sum + &offset * offset.transpose() * weight
        });
        sum / total
    }

    /// Mean and covariance of all rows in a file; NaN where it cannot be read.
    fn moments_in(&self, file: &FileRows) -> (DVector<f64>, DMatrix<f64>) {
        let dim = self.dim();
        match file.moments() {
            Ok(moments) => moments.clone(),
            Err(error) => {
                file.or_nothing(Err(error), 0);
                let unknown = DVector::from_element(dim, f64::NAN);
                (unknown, DMatrix::from_element(dim, dim, f64::NAN))
            }
        }
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
