//! Expectations whose sums another device adds up.

use super::super::factors::Factors;
use super::super::gradients::{SumSizes, Wanted};
use super::super::inputs::{Mixture, Scale, Shape};
use super::super::width::Width;
use super::call::{Call, Sizes};
use super::{Expectation, Expected, setting, zeros};

/// What is to be added up.
pub(crate) struct Request<'a> {
    pub shape: Shape,
    /// q.
    pub factors: &'a Factors<f64>,
    pub what: Expectation<'a>,
    /// Whether the gradient through log q is wanted.
    pub through_density: bool,
    /// Whether the gradient through the points is wanted.
    pub through_points: bool,
}

/// How many numbers a component has in the sums of z zᵀ: of a full scale the lower triangle, else the diagonal.
pub(crate) fn squares(q: &Mixture<'_, f64>) -> usize {
    match q.scale {
        Scale::Tril(_) if q.dim > 1 => q.dim * (q.dim + 1) / 2,
        _ => q.dim,
    }
}

/// As [`expectation`](super::expectation()), but for rounding, from sums that are added up elsewhere: for each run Σ w f;
/// then for each component Σ r, Σ r z and Σ r z zᵀ, if the gradient through log q is wanted; then for each component its
/// share of Σ w f with Σ g and Σ g zᵀ, if that through the points is. `None` where they cannot be had, for scales of low
/// rank, and for shapes that do not fit together.
pub(crate) fn expectation_elsewhere(
    q: &Mixture<'_, f64>,
    what: Expectation<'_>,
    wanted: Wanted,
    sums: impl FnOnce(&Request<'_>) -> Option<Vec<f64>>,
) -> Option<Expected> {
    if q.scale.rank() > 0 {
        return None;
    }
    let (shape, sizes, wants_gradients) = setting(q, what, wanted).ok()?;
    let factors = Factors::new(q).ok()?;
    let request = Request {
        shape,
        factors: &factors,
        what,
        through_density: sizes.density.total() > 0,
        through_points: sizes.placed > 0,
    };
    let sums = sums(&request)?;
    let is_full = matches!(q.scale, Scale::Tril(_)) && q.dim > 1;
    let call: Call<'_, f64> = Call {
        width: Width::Widest,
        shape,
        q,
        factors: &factors,
        what,
        standard_dim: what.sites.standard_dim(q),
        sizes: Sizes {
            density: SumSizes {
                whitened: is_full,
                ..sizes.density
            },
            ..sizes
        },
        wants_gradients,
    };
    let mut expected = Expected {
        values: Vec::with_capacity(shape.runs),
        gradients: zeros(q, shape.runs, wanted),
    };
    let (k, dim, squares) = (q.components, q.dim, squares(q));
    let density = if request.through_density {
        k * (1 + dim + squares)
    } else {
        0
    };
    let placed = if request.through_points {
        1 + dim + squares
    } else {
        0
    };
    let len = 1 + density + k * placed;
    let mut of_run = vec![0.0; sizes.density.total()];
    let mut of_component = vec![0.0; sizes.placed];
    for (run, sums) in sums.chunks_exact(len).enumerate() {
        expected.values.push(sums[0]);
        let (through_density, through_points) = sums[1..].split_at(density);
        if density > 0 {
            let (weights, rest) = of_run.split_at_mut(sizes.density.weights);
            let (means, whole) = rest.split_at_mut(sizes.density.means);
            let per_component = sizes.density.squares / k.max(1);
            for (k, sums) in through_density.chunks_exact(1 + dim + squares).enumerate() {
                if let Some(weight) = weights.get_mut(k) {
                    *weight = sums[0];
                }
                if let Some(means) = means.get_mut(k * dim..(k + 1) * dim) {
                    means.copy_from_slice(&sums[1..=dim]);
                }
                if per_component > 0 {
                    let whole = &mut whole[k * per_component..][..per_component];
                    spread(&sums[1 + dim..], dim, whole);
                }
            }
            call.add_density(&mut expected.gradients, run, &mut of_run);
        }
        if placed > 0 {
            for (k, sums) in through_points.chunks_exact(placed).enumerate() {
                of_component[..=dim].copy_from_slice(&sums[..=dim]);
                spread(&sums[1 + dim..], dim, &mut of_component[1 + dim..]);
                call.add_placed(&mut expected.gradients, run, k, &of_component);
            }
        }
    }
    (expected.values.len() == shape.runs).then_some(expected)
}

/// The rows of a lower triangle in a matrix; a diagonal as it is.
fn spread(packed: &[f64], dim: usize, whole: &mut [f64]) {
    if whole.len() == packed.len() {
        whole.copy_from_slice(packed);
        return;
    }
    let mut rest = packed;
    for (i, row) in whole.chunks_exact_mut(dim).enumerate() {
        let (here, others) = rest.split_at(i + 1);
        row[..=i].copy_from_slice(here);
        rest = others;
    }
}
