//! `klfit mixture density`: what a mixture says of points.

use std::path::{Path, PathBuf};

use clap::Args;
use rayon::prelude::*;

use super::input::Input;
use super::output::{Out, RowsFile, append, header};
use crate::Result;
use crate::cli::{Table, Verbosity};
use crate::density::target::{Distribution, Samples, TableOptions, read_points};
use crate::error::Error;
use crate::files::npy;
use crate::text::count;

/// The log-density at points, and which component each belongs to
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  klfit mixture density q.json points.csv
  klfit mixture density q.json points.npy --out densities.npy

Each row has its log-density in nats, the component it most likely belongs to, counted from 1, and the
share of every component in its density: responsibilities, which sum to 1; NaN where the density is 0 in
numbers.")]
pub struct Density {
    /// The mixture
    mixture: String,
    /// The points, a table with a row for each, or - for standard input
    points: PathBuf,
    #[command(flatten)]
    table: Table,
    #[command(flatten)]
    out: Out,
}

impl Density {
    /// Writes a row for each point.
    pub fn run(&self, verbosity: Verbosity) -> Result<()> {
        let form = self.out.rows()?;
        let input = Input::read(&self.mixture, verbosity)?;
        let options = self.table.options();
        // Where the coordinates have names of their own, and the table has those, its other columns need be no numbers.
        let is_named = input.coordinates != Distribution::coordinates(&input.mixture);
        let named = TableOptions {
            columns: Some(input.coordinates.clone()).filter(|_| is_named),
            ..options.clone()
        };
        let read = match options.columns {
            Some(_) => read_points(&self.points, &options),
            None => {
                read_points(&self.points, &named).or_else(|_| read_points(&self.points, &options))
            }
        }?;
        verbosity.notes(&read.notes);
        let points = self.points(&input, &read.samples, verbosity)?;
        let (mixture, dim) = (&input.mixture, input.mixture.dim());
        let columns = 2 + mixture.components();
        let rows: Vec<f64> = (points.par_chunks_exact(dim))
            .flat_map_iter(|x| {
                let (log_density, shares) = mixture.log_density_with_shares(x);
                let most = (shares.iter().enumerate())
                    .filter(|(_, share)| !share.is_nan())
                    .max_by(|a, b| a.1.total_cmp(b.1));
                let label = most.map_or(f64::NAN, |(k, _)| k as f64 + 1.0);
                [log_density, label].into_iter().chain(shares)
            })
            .collect();
        let bytes = match form {
            RowsFile::Npy => npy::encoded(&[points.len() / dim, columns], &rows),
            RowsFile::Csv => {
                let shares = (1..=mixture.components()).map(|k| format!("share_{k}"));
                let names: Vec<String> = ["log_density".to_owned(), "component".to_owned()]
                    .into_iter()
                    .chain(shares)
                    .collect();
                let mut bytes = header(names.iter().map(String::as_str))
                    .map_err(Error::io("write", Path::new("a table")))?;
                rows.chunks(columns).for_each(|row| append(&mut bytes, row));
                bytes
            }
        };
        self.out.bytes(&bytes, verbosity)
    }
}

impl Density {
    /// The points `[N, D]`: the columns that are called as the mixture's coordinates, in their order, unless --columns
    /// says which are meant; where none is called so, the columns as they stand.
    fn points(&self, input: &Input, samples: &Samples, verbosity: Verbosity) -> Result<Vec<f64>> {
        let (names, dim) = (&input.coordinates, input.mixture.dim());
        let place = |name: &String| samples.names().iter().position(|own| own == name);
        let named: Vec<usize> = names.iter().filter_map(place).collect();
        let is_chosen = self.table.columns.is_some();
        let places: Vec<usize> = match named.len() {
            found if found == dim && !is_chosen => named,
            found if samples.dim() == dim && (found == 0 || is_chosen) => {
                if samples.names() != names {
                    verbosity.notes(&[format!(
                        "the columns {} are taken as {} in their order",
                        samples.names().join(", "),
                        names.join(", ")
                    )]);
                }
                (0..dim).collect()
            }
            found => {
                let (path, columns) = (self.points.display(), count(samples.dim(), "column"));
                return Err(Error::usage(
                    format!(
                        "{path} has {columns}, of which {found} are called as the {} of {}",
                        count(dim, "coordinate"),
                        input.name
                    ),
                    format!(
                        "name the columns that are {} by --columns",
                        names.join(", ")
                    ),
                ));
            }
        };
        Ok((samples.points())
            .flat_map(|x| places.iter().map(|&i| x[i]).collect::<Vec<f64>>())
            .collect())
    }
}
