//! `klfit mixture density`: what a mixture says of points.

use std::path::{Path, PathBuf};

use clap::Args;
use rayon::prelude::*;

use super::input::Input;
use super::output::Out;
use super::sample::{append, header};
use crate::Result;
use crate::cli::{Table, Verbosity};
use crate::density::target::{Samples, read_points};
use crate::error::Error;
use crate::files::npy;
use crate::text::count;

/// The log-density at points, and which component each belongs to
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  klfit mixture density q.json points.csv
  klfit mixture density q.json points.npy --out densities.npy

Each row has its log-density in nats, the component it most likely belongs to, counted from 1, and the
share of every component in its density: responsibilities, which sum to 1.")]
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
        let is_npy = is_npy(self.out.path()?)?;
        let input = Input::read(&self.mixture, verbosity)?;
        let read = read_points(&self.points, &self.table.options())?;
        verbosity.notes(&read.notes);
        let points = points(&input, &read.samples, &self.points)?;
        let (mixture, dim) = (&input.mixture, input.mixture.dim());
        let columns = 2 + mixture.components();
        let rows: Vec<f64> = (points.par_chunks_exact(dim))
            .flat_map_iter(|x| {
                let (log_density, shares) = mixture.log_density_with_shares(x);
                let most = (shares.iter().enumerate()).max_by(|a, b| a.1.total_cmp(b.1));
                let label = most.map_or(f64::NAN, |(k, _)| k as f64 + 1.0);
                [log_density, label].into_iter().chain(shares)
            })
            .collect();
        let bytes = match is_npy {
            true => npy::encoded(&[points.len() / dim, columns], &rows),
            false => {
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

fn is_npy(path: Option<&Path>) -> Result<bool> {
    let Some(path) = path else {
        return Ok(false);
    };
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    match extension.to_str() {
        Some("npy") => Ok(true),
        Some("csv") => Ok(false),
        _ => Err(Error::usage(
            format!("{}: not a kind of file that holds rows", path.display()),
            "choose a name that ends in .csv or .npy",
        )),
    }
}

/// The points `[N, D]`, with the columns that are called as the mixture's coordinates, in their order, where all of
/// them are there; with the columns as they stand otherwise.
fn points(input: &Input, samples: &Samples, path: &Path) -> Result<Vec<f64>> {
    let place = |name: &String| samples.names().iter().position(|own| own == name);
    let named: Option<Vec<usize>> = input.coordinates.iter().map(place).collect();
    let dim = input.mixture.dim();
    let places = match named {
        Some(places) => places,
        None if samples.dim() == dim => (0..dim).collect(),
        None => {
            return Err(Error::usage(
                format!(
                    "{} has {}, and {} has {}",
                    path.display(),
                    count(samples.dim(), "column"),
                    input.name,
                    count(dim, "coordinate")
                ),
                format!(
                    "name the columns that are {} by --columns",
                    input.coordinates.join(", ")
                ),
            ));
        }
    };
    Ok((samples.points())
        .flat_map(|x| places.iter().map(|&i| x[i]).collect::<Vec<f64>>())
        .collect())
}
