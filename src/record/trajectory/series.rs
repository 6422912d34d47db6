//! One number of some runs of a trajectory, for what reads no more of it.

use std::collections::HashMap;

use super::column;
use crate::divergence::DivergenceKind;
use crate::error::{Error, Result};
use crate::files::folder::Folder;
use crate::files::names::TRAJECTORY;
use crate::files::table::{self, Lines};

/// A divergence in nats at the logged steps of each of these runs, by step; NaN where it is not known.
///
/// # Errors
/// If the file cannot be read or has no such column.
pub(crate) fn series(
    folder: &Folder,
    kind: DivergenceKind,
    runs: &[usize],
) -> Result<HashMap<usize, Vec<(usize, f64)>>> {
    let path = &folder.path_of(TRAJECTORY);
    let missing = |what: &str| Error::run_folder(path, what.to_owned());
    let csv = table::reader(folder, TRAJECTORY, Lines::All)?;
    let mut csv = csv.ok_or_else(|| missing("it is missing"))?;
    let name = column(kind);
    let header = csv.headers().map_err(table::error(path))?;
    let place = header.iter().position(|column| column == name);
    let place = place.ok_or_else(|| missing(&format!("it has no column {name}")))?;
    let mut all: HashMap<usize, Vec<(usize, f64)>> =
        runs.iter().map(|&run| (run, Vec::new())).collect();
    let mut record = csv::StringRecord::new();
    while csv.read_record(&mut record).map_err(table::error(path))? {
        let run = record.get(1).and_then(|run| run.parse().ok());
        let Some(of_run) = run.and_then(|run: usize| all.get_mut(&run)) else {
            continue;
        };
        let step = record.get(0).and_then(|step| step.parse().ok());
        let value = record.get(place).map_or("", |cell| cell);
        of_run.push((
            step.ok_or_else(|| missing("a step is no number"))?,
            value.parse().unwrap_or(f64::NAN),
        ));
    }
    Ok(all)
}
