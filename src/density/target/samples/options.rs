//! What is taken of a table: which columns, and which rows.

use super::weights::{self, WeightColumn, Weights};
use super::{REPAIR, Samples, check_width};
use crate::choice::choices;
use crate::error::{Error, Result};
use crate::ranks::{Communicator, gathered};
use crate::text::{brief, count};

/// Names of columns that are listed in an error.
const MOST_NAMES: usize = 12;

/// How a table is read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TableOptions {
    /// Whether the first line of a `.csv` names the columns: if none of its cells is a number, or if all names
    /// in `columns` stand there, where this is left open.
    pub header: Option<bool>,
    /// The columns that are the coordinates, in this order; all of them where this is left open. What else is
    /// in the table is not looked at.
    pub columns: Option<Vec<String>>,
    /// What becomes of rows without a number in one of them.
    pub missing: MissingRule,
    /// The column that weights are in, if one is: it is no coordinate.
    pub weights: Option<WeightColumn>,
}

choices! {
    /// What becomes of rows with a missing value.
    #[derive(Default)]
    pub enum MissingRule {
        /// They are refused.
        #[default]
        Refuse = "refuse",
        /// They are left out, and counted.
        Drop = "drop",
    }
}

impl TableOptions {
    /// With a header or without one.
    pub fn with_header(header: Option<bool>) -> Self {
        Self {
            header,
            ..Self::default()
        }
    }

    /// The names of columns that the options tell of.
    pub(super) fn named(&self) -> impl Iterator<Item = &String> {
        let weights = self.weights.iter().map(|weights| &weights.column);
        self.columns.iter().flatten().chain(weights)
    }

    /// Where the chosen columns are among all, and after them that of the weights, if there is one.
    ///
    /// # Errors
    /// If there is none of that name, or several, or one is chosen twice.
    pub(super) fn places(&self, names: &[String]) -> Result<Vec<usize>> {
        let weights = self.weights.as_ref().map(|weights| &weights.column);
        let weights_at = weights.map(|column| place_of(column, names)).transpose()?;
        let mut places = self.coordinates(names, weights_at)?;
        if let Some(column) = weights_at.filter(|at| places.contains(at)).and(weights) {
            let message = format!(
                "column {} is chosen as a coordinate and for weights",
                brief(column)
            );
            return Err(Error::usage(
                message,
                "leave it out of `columns`, or out of `weights`",
            ));
        }
        places.extend(weights_at);
        Ok(places)
    }

    /// Where the coordinates are among all columns.
    fn coordinates(&self, names: &[String], weights_at: Option<usize>) -> Result<Vec<usize>> {
        let Some(columns) = &self.columns else {
            let places = (0..names.len()).filter(|&place| Some(place) != weights_at);
            let places: Vec<usize> = places.collect();
            check_width(places.len())?;
            return Ok(places);
        };
        check_width(columns.len())?;
        if columns.is_empty() {
            let help = format!("name some of {}", listed(names));
            return Err(Error::usage("no column is chosen", help));
        }
        (columns.iter().enumerate())
            .map(|(i, column)| {
                if columns[..i].contains(column) {
                    let message = format!("column {} is chosen twice", brief(column));
                    return Err(Error::usage(message, "name each column once"));
                }
                place_of(column, names)
            })
            .collect()
    }

    /// Rows of numbers, one after the other, without those in which a value is missing, which is NaN here;
    /// with a note of how many there were. `first` says where the first of them is.
    ///
    /// # Errors
    /// If there are some, and they are not to be left out.
    pub(super) fn complete(
        &self,
        names: &[String],
        rows: Vec<f64>,
        first: impl Fn(usize) -> String,
    ) -> Result<(Vec<f64>, Option<String>)> {
        let dim = names.len().max(1);
        let mut gaps = Gaps::new(dim);
        for (place, row) in rows.chunks_exact(dim).enumerate() {
            gaps.has_one(place, row);
        }
        if !gaps.are_there() {
            return Ok((rows, None));
        }
        if self.missing == MissingRule::Refuse {
            return Err(gaps.refused(names, first));
        }
        let is_missing = |row: &[f64]| row.iter().any(|value| value.is_nan());
        let complete = rows.chunks_exact(dim).filter(|row| !is_missing(row));
        Ok((
            complete.flatten().copied().collect(),
            Some(gaps.note(names)),
        ))
    }

    /// What is wrong with a number in the last of `names` columns, if that is of weights.
    pub(super) fn refused_weight(
        &self,
        place: usize,
        names: usize,
        value: f64,
    ) -> Option<(String, &'static str)> {
        let of = self.weights.as_ref().filter(|_| place + 1 == names)?;
        weights::refused(value, of.kind)
    }

    /// Complete rows without the column of weights, which is the last, and the weights; rows of weight 0 are left
    /// out, with a note of how many there were.
    ///
    /// # Errors
    /// If there is nothing but those.
    pub(super) fn without_weights(
        &self,
        mut names: Vec<String>,
        rows: Vec<f64>,
    ) -> Result<WeightedRows> {
        let (Some(of), Some(dim)) = (&self.weights, names.len().checked_sub(1)) else {
            return Ok(WeightedRows {
                names,
                rows,
                weights: None,
                note: None,
            });
        };
        names.truncate(dim);
        let all = rows.len() / (dim + 1);
        let counting = rows.chunks_exact(dim + 1).filter(|row| row[dim] != 0.0);
        let values: Vec<f64> = counting.clone().map(|row| row[dim]).collect();
        let note = (all > values.len()).then(|| {
            let gone = all - values.len();
            format!(
                "{} of {all} with the weight 0 {} left out",
                count(gone, "row"),
                if gone == 1 { "is" } else { "are" }
            )
        });
        Ok(WeightedRows {
            names,
            rows: counting.flat_map(|row| &row[..dim]).copied().collect(),
            weights: Some(Weights::new(of.clone(), values)?),
            note,
        })
    }
}

/// Missing values among rows that go by.
pub(super) struct Gaps {
    /// All rows.
    all: usize,
    /// Those with a gap.
    rows: usize,
    in_column: Vec<usize>,
    /// Row and column of the first.
    first: Option<(usize, usize)>,
}

impl Gaps {
    pub fn new(columns: usize) -> Self {
        Self {
            all: 0,
            rows: 0,
            in_column: vec![0; columns],
            first: None,
        }
    }

    /// Takes the next row into account, which is at this place; whether a value is missing there.
    pub fn has_one(&mut self, place: usize, row: &[f64]) -> bool {
        self.all += 1;
        let Some(column) = row.iter().position(|value| value.is_nan()) else {
            return false;
        };
        self.first.get_or_insert((place, column));
        self.rows += 1;
        for (count, value) in self.in_column.iter_mut().zip(row) {
            *count += usize::from(value.is_nan());
        }
        true
    }

    /// With those of all ranks; where the first one is, only the rank knows that has it.
    pub fn together(&mut self, ranks: &dyn Communicator) -> Result<()> {
        let has_one = gathered(ranks, &[f64::from(u8::from(self.first.is_some()))])?;
        let first = has_one.iter().position(|has_one| has_one[0] > 0.0);
        self.first = self.first.filter(|_| first == Some(ranks.rank()));
        let mut numbers: Vec<f64> = ([self.all, self.rows].into_iter())
            .chain(self.in_column.iter().copied())
            .map(|count| count as f64)
            .collect();
        ranks.sum(&mut numbers)?;
        let mut counts = numbers.into_iter().map(|count| count as usize);
        let own = [&mut self.all, &mut self.rows].into_iter();
        for (count, sum) in own.chain(&mut self.in_column).zip(counts.by_ref()) {
            *count = sum;
        }
        Ok(())
    }

    /// Whether the first row with a gap is here.
    pub fn has_first(&self) -> bool {
        self.first.is_some()
    }

    pub fn are_there(&self) -> bool {
        self.rows > 0
    }

    /// The error where they are not to be left out; `place` says where a row is.
    pub fn refused(&self, names: &[String], place: impl Fn(usize) -> String) -> Error {
        let (row, column) = self.first.unwrap_or_default();
        let others = match self.rows {
            1 => String::new(),
            rows => format!(", as in {rows} of {} rows", self.all),
        };
        Error::usage(
            format!(
                "{}, column {}: a value is missing{others}",
                place(row),
                names[column]
            ),
            format!("{REPAIR}; missing = \"drop\", or --missing drop, leaves such rows out"),
        )
    }

    /// How many were left out.
    pub fn note(&self, names: &[String]) -> String {
        let columns = (names.iter().zip(&self.in_column)).filter(|(_, gaps)| **gaps > 0);
        let columns: Vec<String> = columns
            .map(|(name, gaps)| format!("{gaps} in column {name}"))
            .collect();
        format!(
            "{} of {} with a missing value {} left out: {}",
            count(self.rows, "row"),
            self.all,
            if self.rows == 1 { "is" } else { "are" },
            columns.join(", ")
        )
    }
}

/// Rows with their weights.
pub(super) struct WeightedRows {
    pub names: Vec<String>,
    pub rows: Vec<f64>,
    pub weights: Option<Weights>,
    pub note: Option<String>,
}

/// Chosen columns of a table, with missing values as NaN.
pub(super) struct Numbers {
    pub names: Vec<String>,
    pub rows: Vec<f64>,
}

/// Makes samples of names, of numbers and of how many coordinates there are.
pub(super) type Make = fn(Vec<String>, Vec<f64>, usize) -> Result<Samples>;

impl WeightedRows {
    /// As samples.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn samples(self, make: Make) -> Result<Samples> {
        let dim = self.names.len();
        let samples = make(self.names, self.rows, dim)?;
        match self.weights {
            Some(weights) => samples.weighted(weights),
            None => Ok(samples),
        }
    }
}

/// Where the one column of a name is among all.
fn place_of(column: &String, names: &[String]) -> Result<usize> {
    let mut places = (0..names.len()).filter(|&place| names[place] == *column);
    match (places.next(), places.next()) {
        (Some(place), None) => Ok(place),
        (Some(one), Some(other)) => Err(Error::usage(
            format!(
                "columns {} and {} are both called {}",
                one + 1,
                other + 1,
                brief(column)
            ),
            "give the columns that are chosen names of their own",
        )),
        (None, _) => Err(Error::usage(
            format!("there is no column {}", brief(column)),
            format!("its columns are {}", listed(names)),
        )),
    }
}

/// Some of the names.
fn listed(names: &[String]) -> String {
    let named: Vec<&String> = names.iter().filter(|name| !name.is_empty()).collect();
    let some: Vec<_> = (named.iter().take(MOST_NAMES))
        .map(|name| brief(name))
        .collect();
    let more = if named.len() > MOST_NAMES {
        ", …"
    } else {
        ""
    };
    some.join(", ") + more
}
