//! Reads a trajectory, or as much of it as is asked for.

use std::collections::HashMap;

use csv::StringRecord;

use super::{EFFECTIVE, FIRST, HELD_OUT, Told, kind_of};
use crate::divergence::DivergenceKind;
use crate::error::{Error, Result};
use crate::files::folder::Folder;
use crate::files::names::TRAJECTORY;
use crate::files::table::{self, Lines};
use crate::fit::Evaluations;

/// One row of a trajectory.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Steps taken.
    pub step: usize,
    /// Which run, counted from 0.
    pub run: usize,
    /// Seconds since the fit began.
    pub seconds: f64,
    /// How often the target was evaluated to come here.
    pub evaluations: Evaluations,
    /// The loss, in nats.
    pub loss: f64,
    /// Its error by the estimator of the fit, in nats.
    pub loss_error: f64,
    /// The norm of its gradient in θ.
    pub gradient_norm: f64,
    /// How far its divergence is above the optimum, in nats; NaN where that is not known.
    pub gap: f64,
    /// The value and the error of each reported divergence, in nats.
    divergences: Vec<(DivergenceKind, f64, f64)>,
    /// The cross-entropy of the rows that no fit saw with its error, in nats; none where there are no such rows.
    pub held_out: Option<(f64, f64)>,
    /// What the random points of p are worth; none where they do not count by weights.
    pub effective_sample_size: Option<f64>,
    /// The parameters in natural units.
    pub parameters: Vec<f64>,
}

impl Row {
    /// Every reported divergence with its value and its error, in nats.
    pub(crate) fn divergences(&self) -> impl Iterator<Item = (DivergenceKind, f64, f64)> {
        self.divergences.iter().copied()
    }

    /// The value and the error of a divergence, in nats; NaN if it was not reported.
    pub fn divergence(&self, kind: DivergenceKind) -> (f64, f64) {
        let found = self.divergences.iter().find(|one| one.0 == kind);
        found.map_or((f64::NAN, f64::NAN), |one| (one.1, one.2))
    }
}

/// What of a trajectory is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Selection {
    /// The first runs …
    pub runs: usize,
    /// … and this one.
    pub best: usize,
    /// The most rows that are kept: of more, those of every second logged step, or every fourth, …
    pub rows: usize,
    /// The lines that are looked at.
    pub lines: Lines,
}

impl Selection {
    /// All of it.
    pub const ALL: Self = Self {
        runs: usize::MAX,
        best: 0,
        rows: usize::MAX,
        lines: Lines::All,
    };
}

/// A trajectory read back.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Trajectory {
    /// The names of the parameters.
    pub parameter_names: Vec<String>,
    /// Its rows, by step and then by run.
    pub rows: Vec<Row>,
    /// Every which logged step they are of, the last of each run aside: 1, unless there are too many.
    pub every: usize,
    /// The places of the rows of each run.
    places: HashMap<usize, Vec<usize>>,
}

impl Trajectory {
    /// Reads what is selected of a trajectory; of each run that is, the last row too.
    ///
    /// # Errors
    /// If the file cannot be read or is not a trajectory.
    pub(crate) fn read(folder: &Folder, selection: Selection) -> Result<Self> {
        let path = &folder.path_of(TRAJECTORY);
        let csv = table::reader(folder, TRAJECTORY, selection.lines)?;
        let mut csv = csv.ok_or_else(|| Error::run_folder(path, "it is missing"))?;
        let header = csv.headers().map_err(table::error(path))?.clone();
        if header.is_empty() && selection.lines == Lines::Whole {
            // It was cut off before its first row, or is about to have one.
            return Ok(Self::default());
        }
        // The pairs of columns that follow the first ones, for as long as they are divergences.
        let kinds: Vec<DivergenceKind> = (header.iter().skip(FIRST.len()))
            .step_by(2)
            .map_while(kind_of)
            .collect();
        let mut more = header.iter().skip(FIRST.len() + 2 * kinds.len()).peekable();
        let held_out = more.next_if_eq(&HELD_OUT[0]).is_some();
        let told = Told {
            held_out,
            effective: more.nth(usize::from(held_out)) == Some(EFFECTIVE),
            kinds,
        };
        let known: Vec<String> = (FIRST.iter().map(|name| (*name).to_owned()))
            .chain(told.columns())
            .collect();
        if !header.iter().take(known.len()).eq(known.iter()) {
            let message = format!("its columns do not begin with {}", known.join(", "));
            return Err(Error::run_folder(path, message));
        }
        let parse = |record: &StringRecord| {
            parse_row(record, &told).ok_or_else(|| {
                let line = record.position().map_or(0, csv::Position::line);
                Error::run_folder(path, format!("line {line} is not a row of numbers"))
            })
        };
        let mut kept = Thinned::new(selection.rows);
        let (mut at, mut step) = (0, None);
        let mut record = StringRecord::new();
        while csv.read_record(&mut record).map_err(table::error(path))? {
            if step.as_deref() != record.get(0) {
                at += usize::from(step.is_some());
                step = record.get(0).map(str::to_owned);
            }
            let run = record.get(1).and_then(|run| run.parse::<usize>().ok());
            if run.is_none_or(|run| run < selection.runs || run == selection.best) {
                kept.add(at, parse(&record)?);
            }
        }
        let (every, rows) = kept.finish();
        let mut places: HashMap<usize, Vec<usize>> = HashMap::new();
        for (place, row) in rows.iter().enumerate() {
            places.entry(row.run).or_default().push(place);
        }
        Ok(Self {
            parameter_names: header.iter().skip(known.len()).map(str::to_owned).collect(),
            rows,
            every,
            places,
        })
    }

    /// The rows of one run, by step.
    pub fn run(&self, run: usize) -> impl Iterator<Item = &Row> {
        let places = self.places.get(&run).into_iter().flatten();
        places.map(|&place| &self.rows[place])
    }
}

/// Rows of every so many steps, fewer as there come more.
struct Thinned {
    most: usize,
    every: usize,
    /// Each with the place of its step among those that were logged.
    rows: Vec<(usize, Row)>,
    /// The last row of each run where it is not one of them.
    last: HashMap<usize, Row>,
}

impl Thinned {
    fn new(most: usize) -> Self {
        Self {
            most,
            every: 1,
            rows: Vec::new(),
            last: HashMap::new(),
        }
    }

    fn add(&mut self, at: usize, row: Row) {
        self.put(at, row);
        if self.rows.len() > self.most && at >= self.every {
            self.every *= 2;
            for (at, row) in std::mem::take(&mut self.rows) {
                self.put(at, row);
            }
        }
    }

    fn put(&mut self, at: usize, row: Row) {
        // When rows are thinned again, a later one may be the last already.
        let is_latest = self
            .last
            .get(&row.run)
            .is_none_or(|last| last.step < row.step);
        if at.is_multiple_of(self.every) {
            if is_latest {
                self.last.remove(&row.run);
            }
            self.rows.push((at, row));
        } else if is_latest {
            self.last.insert(row.run, row);
        }
    }

    /// Every which step there is a row of, and the rows by step and then by run.
    fn finish(self) -> (usize, Vec<Row>) {
        let mut rows: Vec<Row> = self.rows.into_iter().map(|(_, row)| row).collect();
        if !self.last.is_empty() {
            rows.extend(self.last.into_values());
            rows.sort_by_key(|row| (row.step, row.run));
        }
        (self.every, rows)
    }
}

fn parse_row(record: &csv::StringRecord, told: &Told) -> Option<Row> {
    let mut fields = record.iter();
    let step = fields.next()?.parse().ok()?;
    let run = fields.next()?.parse().ok()?;
    let seconds = fields.next()?.parse().ok()?;
    let evaluations = Evaluations {
        log_density: fields.next()?.parse().ok()?,
        gradient: fields.next()?.parse().ok()?,
    };
    // What is not known is left empty.
    let mut numbers = fields.map(|field| match field {
        "" => Ok(f64::NAN),
        number => number.parse::<f64>(),
    });
    let mut next = || numbers.next()?.ok();
    let (loss, loss_error) = (next()?, next()?);
    let (gradient_norm, gap) = (next()?, next()?);
    let divergences = (told.kinds.iter())
        .map(|&kind| Some((kind, next()?, next()?)))
        .collect::<Option<_>>()?;
    let held_out = match told.held_out {
        true => Some((next()?, next()?)),
        false => None,
    };
    let effective_sample_size = match told.effective {
        true => Some(next()?),
        false => None,
    };
    Some(Row {
        step,
        run,
        seconds,
        evaluations,
        loss,
        loss_error,
        gradient_norm,
        gap,
        divergences,
        held_out,
        effective_sample_size,
        parameters: numbers.collect::<Result<_, _>>().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(step: usize, run: usize) -> Row {
        Row {
            step,
            run,
            seconds: 0.0,
            evaluations: Evaluations::default(),
            loss: 0.0,
            loss_error: 0.0,
            gradient_norm: 0.0,
            gap: f64::NAN,
            divergences: Vec::new(),
            held_out: None,
            effective_sample_size: None,
            parameters: Vec::new(),
        }
    }

    #[test]
    fn thinned_rows_keep_their_order_and_each_run_its_end() {
        for most in [1, 2, 3, 10, 50, 1000] {
            let mut kept = Thinned::new(most);
            // Of three runs the second ends early.
            for at in 0..101 {
                for run in (0..3).filter(|&run| run != 1 || at < 38) {
                    kept.add(at, row(10 * at, run));
                }
            }
            let (every, rows) = kept.finish();
            assert!(rows.len() <= most.max(3) + 3, "{most}: {}", rows.len());
            assert!(rows.is_sorted_by_key(|row| (row.step, row.run)));
            let of = |run: usize| rows.iter().filter(move |row| row.run == run);
            for (run, end) in [(0, 1000), (1, 370), (2, 1000)] {
                assert_eq!(of(run).next_back().unwrap().step, end);
                let steps = of(run).map(|row| row.step).filter(|&step| step != end);
                assert!(steps.eq((0..end).step_by(10 * every)), "{most} {run}");
            }
            assert_eq!(every == 1, most >= 241);
        }
    }
}
