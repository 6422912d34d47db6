//! `klfit mixture transform`: a mixture in other coordinates.

use std::path::Path;

use clap::Args;
use nalgebra::DMatrix;

use super::input::{Input, are_distinct};
use super::output::Out;
use crate::Result;
use crate::cli::Verbosity;
use crate::density::target::{TableOptions, read_points};
use crate::error::Error;

/// The density of y = A x + b
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  klfit mixture transform q.json --affine '1,1; 1,-1'
  klfit mixture transform q.json --affine '0.5,0.5' --shift 3
  klfit mixture transform q.json --affine a.csv --names length,width")]
pub struct Transform {
    /// The mixture
    mixture: String,
    /// A: its rows, separated by semicolons, or a .csv or .npy file with them
    #[arg(long, value_name = "ROWS|FILE", allow_hyphen_values = true)]
    affine: String,
    /// b [default: zeros]
    #[arg(
        long,
        value_name = "NUMBERS",
        value_delimiter = ',',
        allow_hyphen_values = true
    )]
    shift: Vec<f64>,
    /// What the coordinates of y are called [default: y1, y2, …]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    names: Vec<String>,
    #[command(flatten)]
    out: Out,
}

impl Transform {
    /// Writes the mixture in its new coordinates.
    pub fn run(&self, verbosity: Verbosity) -> Result<()> {
        self.out.kind()?;
        let input = Input::read(&self.mixture, verbosity)?;
        let a = self.matrix()?;
        let shift = match self.shift.is_empty() {
            true => vec![0.0; a.nrows()],
            false => self.shift.clone(),
        };
        let names = match self.names.len() {
            0 => (1..=a.nrows()).map(|i| format!("y{i}")).collect(),
            n if n == a.nrows() && are_distinct(&self.names) => self.names.clone(),
            n if n == a.nrows() => {
                let help = "give each coordinate a name of its own";
                return Err(Error::usage("--names has a name twice", help));
            }
            n => {
                return Err(Error::usage(
                    format!("--names has {n} names, and A {} rows", a.nrows()),
                    "give a name for each row",
                ));
            }
        };
        let moved = input.mixture.transform(&a, &shift)?;
        self.out.mixture(&moved, &names, verbosity)
    }

    fn matrix(&self) -> Result<DMatrix<f64>> {
        let path = Path::new(&self.affine);
        let rows: Vec<Vec<f64>> = match path.exists() {
            true => {
                let read = read_points(path, &TableOptions::default())?;
                read.samples.points().map(<[f64]>::to_vec).collect()
            }
            false => (self.affine.split(';'))
                .map(|row| row.split(',').map(|entry| self.entry(entry)).collect())
                .collect::<Result<_>>()?,
        };
        let columns = rows.first().map_or(0, Vec::len);
        if let Some(n) = rows.iter().position(|row| row.len() != columns) {
            return Err(Error::usage(
                format!(
                    "--affine: row {} has {} entries, and the first {columns}",
                    n + 1,
                    rows[n].len()
                ),
                "give rows of the same length, a number for each coordinate of x",
            ));
        }
        Ok(DMatrix::from_fn(rows.len(), columns, |i, j| rows[i][j]))
    }

    fn entry(&self, entry: &str) -> Result<f64> {
        entry.trim().parse().map_err(|_| {
            Error::usage(
                format!(
                    "--affine {}: {:?} is no number, nor is that a file",
                    self.affine,
                    entry.trim()
                ),
                "write the rows of A as in --affine '1,1; 1,-1', or name a .csv or .npy file",
            )
        })
    }
}
