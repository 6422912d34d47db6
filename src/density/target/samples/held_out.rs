//! Rows that no fit sees, to judge fits by.

use rand::{Rng, RngExt};

use super::Samples;
use super::kept::Kept;
use crate::compute::noise::{RunKey, Stream};
use crate::error::{Error, Result};
use crate::text::count;

/// Fewer have no standard error.
const LEAST: usize = 2;

/// Of more rows there is no list.
const MOST_LISTED: usize = 1 << 24;

/// Which rows the seed chooses: every choice of as many is as likely. Of few they are drawn from a list of
/// all; of many each is taken with the chance that the rest need (Knuth 1997, §3.4.2, algorithm S).
fn chosen(rows: usize, held: usize, seed: u64) -> Kept {
    let mut generator = RunKey { seed, run: 0 }.generator(Stream::Holdout, 0);
    if rows > MOST_LISTED {
        return selected(rows, held, &mut generator);
    }
    let mut order: Vec<usize> = (0..rows).collect();
    for place in 0..held {
        let other = generator.random_range(place..rows);
        order.swap(place, other);
    }
    let mut is_held = vec![false; rows];
    for &row in &order[..held] {
        is_held[row] = true;
    }
    Kept::new(rows, |row| is_held[row])
}

fn selected(rows: usize, held: usize, generator: &mut impl Rng) -> Kept {
    let mut left = held;
    Kept::new(rows, |row| {
        let is_held = generator.random_range(0..rows - row) < left;
        left -= usize::from(is_held);
        is_held
    })
}

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
        let chosen = chosen(rows, held, seed);
        if let Some(file) = &self.file {
            let [held_out, rest] = file.split(&chosen)?;
            let mut rest = Self::in_file(self.names.clone(), rest)?;
            rest.check_spread()?;
            rest.held_out = Some(Box::new(Self::in_file(self.names, held_out)?));
            return Ok(rest);
        }
        let [order, rest] = [true, false].map(|is_held| chosen.rows(is_held).collect::<Vec<_>>());
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
            file: None,
            weights: weights.map(|weights| weights.of_rows(rows)).transpose()?,
            held_out: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_rows_each_is_as_likely_and_as_many_as_asked_for_are_held() {
        let mut generator = RunKey { seed: 1, run: 0 }.generator(Stream::Holdout, 0);
        let (rows, held, times) = (40, 10, 20_000);
        let mut counts = vec![0.0; rows];
        let mut of_both = 0.0;
        for _ in 0..times {
            let chosen = selected(rows, held, &mut generator);
            assert_eq!(chosen.len(), held);
            chosen.rows(true).for_each(|row| counts[row] += 1.0);
            of_both += f64::from(chosen.has(0) && chosen.has(rows - 1));
        }
        let expected = f64::from(times) / 4.0;
        let error = (expected * 0.75).sqrt();
        let apart = |count: &f64| (count - expected).abs() < 4.5 * error;
        assert!(counts.iter().all(apart), "{counts:?}");
        // Two are held together with a chance of 10/40 · 9/39.
        let expected = f64::from(times) * 10.0 / 40.0 * 9.0 / 39.0;
        assert!(
            (of_both - expected).abs() < 4.5 * expected.sqrt(),
            "{of_both}"
        );
    }
}
