//! Components that start as one: their gradients are the same but for their weights, and part them
//! late or never.

use std::collections::BTreeMap;

use nalgebra::DVector;
use rand_distr::{Distribution, StandardNormal};

use crate::error::Refusal;
use crate::mixture::Mixture;

/// Components are alike if no number of theirs differs by more than about this, in standard
/// deviations.
const GRAIN: f64 = 1e-6;
/// How far alike components are moved, in their standard deviations: enough to leave a saddle within
/// some dozens of steps, and little compared with what a fit changes.
const APART: f64 = 0.1;

/// The groups of two or more components of q that have the same mean and covariance, counted from 0.
pub fn duplicate_components(q: &Mixture) -> Vec<Vec<usize>> {
    let mut groups: BTreeMap<Vec<i128>, Vec<usize>> = BTreeMap::new();
    for k in 0..q.components() {
        groups.entry(place(q, k)).or_default().push(k);
    }
    let mut groups: Vec<Vec<usize>> = (groups.into_values())
        .filter(|group| group.len() > 1)
        .collect();
    groups.sort_unstable();
    groups
}

/// Mean and covariance of a component on a grid so fine that only those alike share a point of it.
fn place(q: &Mixture, k: usize) -> Vec<i128> {
    let on_grid = |x: f64| (x / GRAIN).round() as i128;
    let (mean, factor, stds) = (&q.means()[k], &q.scale_trils()[k], q.component_stds(k));
    let means = (mean.iter().zip(&stds)).map(|(mean, std)| on_grid(mean / std));
    let logs = stds.iter().map(|std| on_grid(std.ln()));
    let rows = (stds.iter().enumerate())
        .flat_map(|(i, std)| (0..i).map(move |j| on_grid(factor[(i, j)] / std)));
    means.chain(logs).chain(rows).collect()
}

/// Moves components that are alike apart: each but the first of them by a tenth of what a draw of it
/// is off its mean. A mixture without such is left as it is.
///
/// # Errors
/// If a mean is not finite then.
pub fn separated(q: Mixture, generator: &mut impl rand::Rng) -> Result<Mixture, Refusal> {
    let groups = duplicate_components(&q);
    if groups.is_empty() {
        return Ok(q);
    }
    let mut means: Vec<Vec<f64>> = (q.means().iter())
        .map(|mean| mean.as_slice().to_vec())
        .collect();
    for k in groups.iter().flat_map(|group| &group[1..]) {
        let z = DVector::from_fn(q.dim(), |_, _| StandardNormal.sample(generator));
        let offset: DVector<f64> = &q.scale_trils()[*k] * z * APART;
        for (x, offset) in means[*k].iter_mut().zip(offset.iter()) {
            *x += offset;
        }
    }
    Mixture::new(q.weights().to_vec(), means, q.scale_trils().to_vec())
}
