//! Weights of rows: how often each is there, or how much it counts.

use rand::{Rng, RngExt};

use crate::choice::choices;
use crate::error::{Error, Result};
use crate::text;

/// Whole numbers up to this are exact.
const MOST_ROWS: f64 = 9_007_199_254_740_992.0;

/// Where less of the weight than this is beside one row, nothing is known of the rest.
const LEAST: f64 = 1e-12;

choices! {
    /// What weights of rows are.
    pub enum WeightKind {
        /// How many equal rows each stands for.
        Frequency = "frequency",
        /// How much each of the independent rows counts.
        Importance = "importance",
    }
}

/// The column that weights are in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeightColumn {
    /// Its name.
    pub column: String,
    /// What they are.
    pub kind: WeightKind,
}

/// A positive weight of each row.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    of: WeightColumn,
    values: Vec<f64>,
    /// The weights as they count: frequencies as they are, others as parts of the largest, so that equal ones
    /// are all 1 and their sum is in range.
    relative: Vec<f64>,
    /// The sums of these up to and with each row.
    sums: Vec<f64>,
}

impl Weights {
    /// Takes the weights of a column.
    ///
    /// # Errors
    /// If there is none, one is negative, 0 or not finite, or a frequency no whole number; if there are too many
    /// rows to count, or one row has all the weight up to rounding.
    pub fn new(of: WeightColumn, values: Vec<f64>) -> Result<Self> {
        let column = &of.column;
        for (row, &value) in values.iter().enumerate() {
            let refused = match value > 0.0 {
                true => refused(value, of.kind),
                false => Some((format!("the weight {value} is not positive"), ROWS_ALONE)),
            };
            if let Some((message, help)) = refused {
                let message = format!("row {}, column {column}: {message}", row + 1);
                return Err(Error::usage(message, help));
            }
        }
        let largest = values.iter().copied().fold(0.0, f64::max);
        let relative: Vec<f64> = match of.kind {
            WeightKind::Frequency => values.clone(),
            WeightKind::Importance => values.iter().map(|value| value / largest).collect(),
        };
        let sums: Vec<f64> = (relative.iter())
            .scan(0.0, |sum, weight| {
                *sum += weight;
                Some(*sum)
            })
            .collect();
        let weights = Self {
            of,
            values,
            relative,
            sums,
        };
        let column = &weights.of.column;
        if weights.values.is_empty() {
            return Err(Error::usage(
                format!("column {column}: every weight is 0"),
                "give rows that count a weight above 0",
            ));
        }
        if weights.of.kind == WeightKind::Frequency && weights.total() > MOST_ROWS {
            return Err(Error::usage(
                format!(
                    "column {column}: the frequencies add up to {:e} rows, more than can be counted",
                    weights.total()
                ),
                "give weights of weight_kind = \"importance\", or smaller ones",
            ));
        }
        let is_one_row = weights.kind() == WeightKind::Importance && weights.beside_one() < LEAST;
        if weights.values.len() > 1 && is_one_row {
            return Err(Error::usage(
                format!("column {column}: one row has all the weight, up to rounding"),
                "give weights that more rows have a share of",
            ));
        }
        Ok(weights)
    }

    /// What they are.
    pub fn kind(&self) -> WeightKind {
        self.of.kind
    }

    /// The name of their column.
    pub fn column(&self) -> &str {
        &self.of.column
    }

    /// The weights of N rows, as they were given.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The weights as they count: a common factor aside, for importance.
    pub(crate) fn relative(&self) -> &[f64] {
        &self.relative
    }

    /// The sum of [`relative`](Self::relative): N of frequencies.
    pub(crate) fn total(&self) -> f64 {
        self.sums.last().copied().unwrap_or(0.0)
    }

    /// How many independent rows of weight 1 know a mean as well: Σv for frequencies, and (Σv)²/Σv² for
    /// importance (Kish 1965, §11.7).
    pub fn effective_len(&self) -> f64 {
        match self.of.kind {
            WeightKind::Frequency => self.total(),
            WeightKind::Importance => {
                let squares: f64 = self.relative.iter().map(|weight| weight * weight).sum();
                self.total().powi(2) / squares
            }
        }
    }

    /// The share of all that each row has, N numbers that sum to 1.
    pub(crate) fn shares(&self) -> Vec<f64> {
        let total = self.total();
        self.relative.iter().map(|weight| weight / total).collect()
    }

    /// What the squared difference of each row from the mean adds to the squared standard error of the mean: for
    /// frequencies w/(N − 1) with w = v/N, as of N rows; for importance w²/(1 − Σw²) with w = v/Σv, the variance
    /// Σw²(h − h̄)² of a self-normalised mean (Owen 2013, §9.2) by N_eff/(N_eff − 1), which is that of N rows
    /// where the weights are equal.
    pub(crate) fn spreads(&self) -> Vec<f64> {
        let shares = self.shares();
        match self.of.kind {
            WeightKind::Frequency => {
                let others = self.total() - 1.0;
                shares.into_iter().map(|share| share / others).collect()
            }
            WeightKind::Importance => {
                let others = self.beside_one();
                (shares.into_iter())
                    .map(|share| share * share / others)
                    .collect()
            }
        }
    }

    /// 1 − Σw² with w = v/Σv: 0 where one row has all the weight.
    fn beside_one(&self) -> f64 {
        let shares = self.shares().into_iter();
        shares.map(|share| share * (1.0 - share)).sum()
    }

    /// The row at a share of all, from 0 up to but not with 1: as if each stood there by its weight.
    pub(crate) fn row_at(&self, share: f64) -> usize {
        let at = share * self.total();
        let row = self.sums.partition_point(|&sum| sum <= at);
        row.min(self.sums.len().saturating_sub(1))
    }

    /// A random row. Frequencies take the number that N rows would.
    pub(crate) fn draw(&self, generator: &mut (impl Rng + ?Sized)) -> usize {
        match self.of.kind {
            WeightKind::Frequency => {
                let at = generator.random_range(0..self.total() as usize) as f64;
                self.sums.partition_point(|&sum| sum <= at)
            }
            WeightKind::Importance => self.row_at(generator.random::<f64>()),
        }
    }

    /// Those of some of the rows.
    ///
    /// # Errors
    /// As [`Weights::new`].
    pub(super) fn of_rows(&self, rows: &[usize]) -> Result<Self> {
        let values = rows.iter().map(|&row| self.values[row]).collect();
        Self::new(self.of.clone(), values)
    }

    /// What they are and how many rows they make, in words.
    pub(crate) fn describe(&self) -> String {
        format!(
            "by {} in {}, effective sample size {}",
            self.of.kind.name(),
            self.of.column,
            text::rows(self.effective_len())
        )
    }
}

const ROWS_ALONE: &str = "leave rows out that do not count, or give them the weight 0 in the file";

/// What is wrong with a weight, and what to do; one that is 0 or missing is another's concern.
pub(super) fn refused(value: f64, kind: WeightKind) -> Option<(String, &'static str)> {
    if value.is_nan() {
        return None;
    }
    if value.is_infinite() {
        return Some((
            format!("the weight {value} is not finite"),
            "give it a finite weight; 0 leaves a row out",
        ));
    }
    if value < 0.0 {
        return Some((
            format!("the weight {value} is negative"),
            "a weight is 0 or more; 0 leaves a row out",
        ));
    }
    if kind == WeightKind::Frequency && value.fract() != 0.0 {
        return Some((
            format!("the frequency {value} is not a whole number"),
            "a frequency is how many equal rows there are; weight_kind = \"importance\" takes any weight",
        ));
    }
    None
}
