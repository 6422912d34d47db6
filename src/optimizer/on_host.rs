//! What rules share that step on the host, component by component.

use crate::compute::device::Numerics;
use crate::density::family::Family;
use crate::error::Result;
use crate::mixture::Mixture;

/// The members at some θ, run after run; none where that is no density.
pub(super) fn members(
    family: &Family,
    theta: &[f64],
    numerics: &Numerics,
) -> Result<Vec<Option<Mixture>>> {
    let parameters = family.parameters();
    let shape = [theta.len() / parameters, parameters];
    let theta = numerics.tensor(theta.to_vec(), shape);
    let members = family.density(theta, numerics).read()?;
    Ok(members.into_iter().map(|member| member.ok()).collect())
}

/// The rows of θ, where there are none those of another.
pub(super) fn put(rows: Vec<Option<Vec<f64>>>, others: &[f64]) -> Vec<f64> {
    let width = others.len() / rows.len().max(1);
    (rows.into_iter().zip(others.chunks(width.max(1))))
        .flat_map(|(row, other)| row.unwrap_or_else(|| other.to_vec()))
        .collect()
}
