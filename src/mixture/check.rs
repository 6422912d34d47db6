//! What makes numbers a mixture, and what is said when they do not.

use nalgebra::DMatrix;

use crate::error::Refusal;
use crate::text::{count, list};

/// How far the weights may sum from 1 before it is taken for a mistake rather than rounding.
const WEIGHT_SUM_TOLERANCE: f64 = 1e-6;
/// How far a covariance may be from symmetric, relative to its standard deviations.
const SYMMETRY_TOLERANCE: f64 = 1e-9;

/// The most dimensions there may be.
pub(crate) const MOST_DIM: usize = 1024;
/// The most numbers the covariances of a mixture may have, K × D × D.
pub(crate) const MOST_ENTRIES: usize = 1 << 24;

/// Refuses more dimensions and covariances than a computer has use for: a short file can ask for
/// any number of them, since D standard deviations stand for D × D entries.
pub(crate) fn check_size(components: usize, dim: usize) -> Result<(), Refusal> {
    if dim > MOST_DIM {
        return Err(Refusal::new(
            "means",
            format!("they have {dim} coordinates"),
            format!("klfit works in up to {MOST_DIM} dimensions"),
        ));
    }
    if components.saturating_mul(dim * dim) > MOST_ENTRIES {
        return Err(Refusal::new(
            "means",
            format!("there are {components} in {dim} dimensions"),
            "their covariances would have more than 16.8 million entries: give fewer components",
        ));
    }
    Ok(())
}

pub(super) fn check_weights_and_means(
    weights: &[f64],
    means: &[Vec<f64>],
) -> Result<usize, Refusal> {
    let Some(first) = means.first() else {
        return Err(Refusal::new(
            "means",
            "there is none",
            "give one mean for each component, as in means = [[-3.0], [3.0]]",
        ));
    };
    if weights.len() != means.len() {
        return Err(Refusal::new(
            "weights",
            format!(
                "there are {} for {}",
                count(weights.len(), "weight"),
                count(means.len(), "mean")
            ),
            "give one weight for each component",
        ));
    }
    let dim = first.len();
    if dim == 0 {
        return Err(Refusal::new(
            "means",
            "has no coordinates",
            "give one number for each coordinate",
        )
        .of("component", 0));
    }
    check_size(means.len(), dim)?;
    for (k, mean) in means.iter().enumerate() {
        if mean.len() != dim {
            return Err(Refusal::new(
                "means",
                format!("has {} coordinates, but the first has {dim}", mean.len()),
                "every component lives in the same space",
            )
            .of("component", k));
        }
        check_finite("means", k, mean.iter())?;
    }
    for (k, weight) in weights.iter().enumerate() {
        check_finite("weights", k, [weight].into_iter())?;
        if *weight < 0.0 {
            return Err(Refusal::new(
                "weights",
                format!("is {weight}"),
                "weights are not negative",
            )
            .of("component", k));
        }
    }
    let total: f64 = weights.iter().sum();
    if (total - 1.0).abs() > WEIGHT_SUM_TOLERANCE {
        let normalised: Vec<f64> = weights.iter().map(|w| w / total).collect();
        let help = if total > 0.0 {
            format!(
                "weights sum to 1; divided by their sum: [{}]",
                list(&normalised, 6)
            )
        } else {
            "weights sum to 1".to_owned()
        };
        return Err(Refusal::new(
            "weights",
            format!("they sum to {total}, not 1"),
            help,
        ));
    }
    Ok(dim)
}

pub(super) fn check_count(
    part: &'static str,
    found: usize,
    components: usize,
) -> Result<(), Refusal> {
    if found == components {
        return Ok(());
    }
    Err(Refusal::new(
        part,
        format!("there are {found} for {}", count(components, "component")),
        "give one for each component",
    ))
}

pub(super) fn check_square(
    part: &'static str,
    k: usize,
    matrix: &DMatrix<f64>,
    dim: usize,
) -> Result<(), Refusal> {
    if matrix.nrows() != dim || matrix.ncols() != dim {
        return Err(Refusal::new(
            part,
            format!(
                "is {} × {}, but its mean has {dim} coordinates",
                matrix.nrows(),
                matrix.ncols()
            ),
            format!("give {dim} rows of {dim}"),
        )
        .of("component", k));
    }
    check_finite(part, k, matrix.iter())
}

pub(super) fn check_finite<'a>(
    part: &'static str,
    k: usize,
    mut numbers: impl Iterator<Item = &'a f64>,
) -> Result<(), Refusal> {
    match numbers.find(|number| !number.is_finite()) {
        Some(number) => Err(Refusal::new(
            part,
            format!("has the value {number}"),
            "every number must be finite",
        )
        .of("component", k)),
        None => Ok(()),
    }
}

pub(super) fn asymmetry(matrix: &DMatrix<f64>) -> Option<(usize, usize)> {
    let scale = |i: usize, j: usize| {
        (matrix[(i, i)].abs() * matrix[(j, j)].abs())
            .sqrt()
            .max(1e-300)
    };
    (0..matrix.nrows())
        .flat_map(|i| (0..i).map(move |j| (i, j)))
        .find(|&(i, j)| (matrix[(i, j)] - matrix[(j, i)]).abs() > SYMMETRY_TOLERANCE * scale(i, j))
}
