//! What rules share that step by themselves, run after run.

use super::Moved;

/// The rows of θ, where there are none those of another.
pub(super) fn put(rows: Vec<Option<Vec<f64>>>, others: &[f64]) -> Vec<f64> {
    let width = others.len() / rows.len().max(1);
    (rows.into_iter().zip(others.chunks(width.max(1))))
        .flat_map(|(row, other)| row.unwrap_or_else(|| other.to_vec()))
        .collect()
}

/// θ where it has come to from `from`, run after run, and how far that is, P numbers for each; a run without a row is
/// stuck.
pub(super) fn moved(rows: Vec<Option<Vec<f64>>>, from: &[f64]) -> (Moved, Vec<f64>) {
    let runs = rows.len();
    let stuck = (0..runs).filter(|&run| rows[run].is_none()).collect();
    let to = put(rows, from);
    let moves = to.iter().zip(from).map(|(to, from)| to - from).collect();
    (Moved { theta: to, stuck }, moves)
}
