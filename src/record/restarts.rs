//! `restarts.csv`: one row for each run, the failed ones included.

use super::trajectory::{Told, values_there};
use crate::error::Result;
use crate::files::folder::Folder;
use crate::files::{names, table};
use crate::fit::Record;
use crate::fit::stop::Stop;

/// Writes where every run started and ended; `optimum` is the number of the optimum each run
/// ended at, counted from 0 with the best first.
///
/// # Errors
/// If the file cannot be written.
pub fn write(
    folder: &Folder,
    told: &Told,
    parameter_names: &[String],
    first: &Record,
    last: &Record,
    optimum: &[Option<usize>],
) -> Result<()> {
    let path = &folder.path_of(names::RESTARTS);
    let parameters = parameter_names.len();
    let mut csv = csv::Writer::from_writer(Vec::new());
    let fixed = [
        "run",
        "status",
        "stop",
        "optimum",
        "steps",
        "from_step",
        "loss",
        "loss_error",
        "gradient_norm",
        "gradient_variance_start",
        "gradient_variance_end",
        "gap",
    ];
    let header = (fixed.iter().map(|name| (*name).to_owned()))
        .chain(told.columns())
        .chain(parameter_names.iter().map(|name| format!("start_{name}")))
        .chain(parameter_names.iter().cloned());
    csv.write_record(header).map_err(table::error(path))?;
    for (run, (start, end)) in first.runs.iter().zip(&last.runs).enumerate() {
        let failed = end.has_failed();
        let words = [
            run.to_string(),
            if failed { "failed" } else { "finished" }.to_owned(),
            end.stop.as_ref().map_or_else(String::new, Stop::to_string),
            optimum[run].map_or_else(String::new, |optimum| (optimum + 1).to_string()),
            end.step_of(last.step).to_string(),
            end.from_step(last.step).to_string(),
        ];
        let gap = end.gap.map_or(f64::NAN, |gap| gap.value);
        let numbers = [
            end.loss.value,
            end.loss.error,
            end.gradient_norm,
            start.gradient_variance.unwrap_or(f64::NAN),
            end.gradient_variance.unwrap_or(f64::NAN),
            gap,
        ]
        .into_iter()
        .chain(told.numbers(end))
        .chain(values_there(&start.mixture).take(parameters))
        .chain(values_there(&end.mixture).take(parameters))
        .map(table::number);
        csv.write_record(words.into_iter().chain(numbers))
            .map_err(table::error(path))?;
    }
    table::write(folder, names::RESTARTS, csv)
}
