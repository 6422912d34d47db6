//! Rows that no fit sees, to judge fits by.

use rand::RngExt;

use super::Samples;
use crate::compute::noise::{RunKey, Stream};
use crate::error::{Error, Result};
use crate::text::count;

/// Fewer have no standard error.
const LEAST: usize = 2;

impl Samples {
    /// The rows that no fit sees, if there are some.
    pub fn held_out(&self) -> Option<&Self> {
        self.held_out.as_deref()
    }

    /// Holds out a share of the rows that the seed chooses, to the nearest number. A row goes as a whole,
    /// whatever its weight.
    ///
    /// # Errors
    /// If the share is not above 0 and below 1, leaves fewer than two rows on either side, or what is left is no
    /// sample as [`Samples::new`] takes one.
    pub fn holding_out_share(self, share: f64, seed: u64) -> Result<Self> {
        let help = "hold out a share such as 0.2, or the rows of another file";
        if !(share > 0.0 && share < 1.0) {
            let message = format!("the share {share} is not between 0 and 1");
            return Err(Error::usage(message, help));
        }
        let rows = self.len();
        let held = (share * rows as f64).round() as usize;
        if held < LEAST || rows - held < LEAST {
            return Err(Error::usage(
                format!(
                    "the share {share} holds out {held} of {}, and {LEAST} at least must be held out and left",
                    count(rows, "row")
                ),
                help,
            ));
        }
        let mut order: Vec<usize> = (0..rows).collect();
        let mut generator = RunKey { seed, run: 0 }.generator(Stream::Holdout, 0);
        for place in 0..held {
            let other = generator.random_range(place..rows);
            order.swap(place, other);
        }
        let mut rest = order.split_off(held);
        rest.sort_unstable();
        order.sort_unstable();
        let held_out = self.some(&order)?;
        let rest = self.some(&rest)?;
        let weights = rest.weights;
        let mut rest = Self::new(rest.names, rest.rows, self.dim())?;
        rest.weights = weights;
        rest.held_out = Some(Box::new(held_out));
        Ok(rest)
    }

    /// Holds out the rows of another sample.
    ///
    /// # Errors
    /// If its coordinates or weights are others, or it has a single row.
    pub fn holding_out(mut self, other: Self) -> Result<Self> {
        if other.names != self.names {
            return Err(Error::usage(
                format!(
                    "its columns are {}, and those of the target {}",
                    other.names.join(", "),
                    self.names.join(", ")
                ),
                "give it the columns of the target in the same order, or choose them by columns = [\"x\", \"y\"]",
            ));
        }
        let kind = |rows: &Self| rows.weights.as_ref().map(|weights| weights.kind());
        if kind(&other) != kind(&self) {
            return Err(Error::usage(
                "it has other weights than the target",
                "give both weights of one kind, or none",
            ));
        }
        if other.len() < LEAST {
            return Err(Error::usage(
                format!("it has {}", count(other.len(), "row")),
                "give two at least: one alone has no standard error",
            ));
        }
        self.held_out = Some(Box::new(Self {
            held_out: None,
            ..other
        }));
        Ok(self)
    }

    /// Some of the rows, which may be alike.
    fn some(&self, rows: &[usize]) -> Result<Self> {
        let dim = self.dim();
        let weights = self.weights.as_ref();
        Ok(Self {
            names: self.names.clone(),
            rows: (rows.iter())
                .flat_map(|&row| &self.rows[row * dim..(row + 1) * dim])
                .copied()
                .collect(),
            weights: weights.map(|weights| weights.of_rows(rows)).transpose()?,
            held_out: None,
        })
    }
}
