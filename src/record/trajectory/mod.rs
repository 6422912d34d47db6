//! `trajectory.csv`: one row for each run at each logged step.

mod reader;
mod writer;

pub(crate) use reader::Selection;
pub use reader::{Row, Trajectory};
pub use writer::{LoggedRows, TrajectoryWriter};

use crate::divergence::DivergenceKind;
use crate::fit::{LogConfig, Plan};
use crate::judge::evaluate::reported;

/// The columns before the divergences.
const FIRST: [&str; 7] = [
    "step",
    "run",
    "seconds",
    "loss",
    "loss_error",
    "gradient_norm",
    "gap",
];

/// A number in a row with its comma, in bytes: most have all digits of a double, some are empty.
const BYTES_OF_NUMBER: u64 = 18;

/// How large the trajectory of a plan will be, in bytes, give or take a fifth: all runs last to the end.
pub(crate) fn expected_bytes(plan: &Plan, log: LogConfig) -> u64 {
    let divergences = reported(plan.divergence).len();
    let columns = FIRST.len() + 2 * divergences + plan.family.natural_parameters().count();
    (log.rows(plan) as u64)
        .saturating_mul(columns as u64)
        .saturating_mul(BYTES_OF_NUMBER)
}

/// The columns of a divergence: its value and its error.
pub(crate) fn divergence_columns(kinds: &[DivergenceKind]) -> impl Iterator<Item = String> {
    kinds.iter().flat_map(|kind| {
        let name = column(*kind);
        [name.clone(), format!("{name}_error")]
    })
}

/// `renyi_0.5`: the name of a divergence with underscores between its words.
fn column(kind: DivergenceKind) -> String {
    let name = kind.name();
    match name.split_once('-') {
        Some((family, order)) if order.parse::<f64>().is_ok() => format!("{family}_{order}"),
        _ => name.replace('-', "_"),
    }
}

/// The divergence a column holds the value of.
fn kind_of(column: &str) -> Option<DivergenceKind> {
    DivergenceKind::from_name(&column.replacen('_', "-", 1))
        .or_else(|| DivergenceKind::from_name(&column.replace('_', "-")))
}
