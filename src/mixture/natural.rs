//! A mixture in natural parameters: as files hold it, and as one row of numbers.

use std::fmt;

use nalgebra::DMatrix;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

use super::Mixture;
use crate::error::Refusal;
use crate::text::{self, count};

/// A mixture as files hold it: natural parameters, under the names a config uses.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Written")]
pub struct NaturalParameters {
    /// K weights.
    pub weights: Vec<f64>,
    /// K means of D.
    pub means: Vec<Vec<f64>>,
    /// How wide the components are.
    pub scales: Scales,
}

/// The widths of the K components of a mixture.
#[derive(Debug, Clone, PartialEq)]
pub enum Scales {
    /// K lists of D standard deviations, where all coordinates are independent.
    Stds(Vec<Vec<f64>>),
    /// K covariances of D × D.
    Covariances(Vec<Vec<Vec<f64>>>),
}

/// What a file may hold of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    weights: Vec<f64>,
    means: Vec<Vec<f64>>,
    stds: Option<Vec<Vec<f64>>>,
    covariances: Option<Vec<Vec<Vec<f64>>>>,
}

impl TryFrom<Written> for NaturalParameters {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, &'static str> {
        let scales = match (written.stds, written.covariances) {
            (Some(stds), None) => Scales::Stds(stds),
            (None, Some(covariances)) => Scales::Covariances(covariances),
            _ => return Err("a mixture has either `stds` or `covariances`"),
        };
        Ok(Self {
            weights: written.weights,
            means: written.means,
            scales,
        })
    }
}

impl Serialize for NaturalParameters {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut mixture = serializer.serialize_struct("Mixture", 3)?;
        mixture.serialize_field("weights", &self.weights)?;
        mixture.serialize_field("means", &self.means)?;
        match &self.scales {
            Scales::Stds(stds) => mixture.serialize_field("stds", stds)?,
            Scales::Covariances(of_all) => mixture.serialize_field("covariances", of_all)?,
        }
        mixture.end()
    }
}

impl From<&Mixture> for NaturalParameters {
    fn from(mixture: &Mixture) -> Self {
        let components = 0..mixture.components();
        let scales = if mixture.is_made_of_stds() {
            let stds = components.map(|k| mixture.scale_trils[k].diagonal().as_slice().to_vec());
            Scales::Stds(stds.collect())
        } else {
            let covariances = components.map(|k| rows_of(&mixture.component_covariance(k)));
            Scales::Covariances(covariances.collect())
        };
        Self {
            weights: mixture.weights.clone(),
            means: (mixture.means.iter())
                .map(|mean| mean.as_slice().to_vec())
                .collect(),
            scales,
        }
    }
}

/// In a few lines: every number while they are few, what it is otherwise.
impl fmt::Display for NaturalParameters {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Ok(mixture) = Mixture::try_from(self) else {
            return f.pad("no longer a density");
        };
        let (k, d) = (mixture.components(), mixture.dim());
        if k > 4 || d > 3 {
            let text = format!("{} in {}", count(k, "component"), count(d, "dimension"));
            return f.pad(&text);
        }
        let lines = (0..k).map(|c| {
            let stds = mixture.component_stds(c);
            let (mean, std) = (
                vector(mixture.means()[c].as_slice(), &stds),
                vector(&stds, &stds),
            );
            let correlations = correlations(&mixture, c);
            let correlations = match correlations.iter().all(|one| *one == 0.0) {
                true => String::new(),
                false if d == 2 => format!(", ρ {}", text::list(&correlations, 4)),
                false => format!(", ρ ({})", text::list(&correlations, 4)),
            };
            match k {
                1 => format!("μ {mean}, σ {std}{correlations}"),
                _ => format!(
                    "w {:.4}, μ {mean}, σ {std}{correlations}",
                    mixture.weights()[c]
                ),
            }
        });
        f.pad(&lines.collect::<Vec<_>>().join("\n"))
    }
}

/// The correlations of a component's coordinates, in the order of the upper triangle's rows.
fn correlations(mixture: &Mixture, component: usize) -> Vec<f64> {
    let factor = &mixture.scale_trils[component];
    let rows: Vec<_> = factor.row_iter().map(|row| row / row.norm()).collect();
    pairs(mixture.dim())
        .map(|(i, j)| rows[i].dot(&rows[j]))
        .collect()
}

/// A mean or standard deviations, to the digits of the standard deviations.
fn vector(numbers: &[f64], stds: &[f64]) -> String {
    match numbers.len() {
        1 => text::list_at_scales(numbers, stds, 6),
        _ => format!("({})", text::list_at_scales(numbers, stds, 4)),
    }
}

impl TryFrom<&NaturalParameters> for Mixture {
    type Error = Refusal;

    fn try_from(natural: &NaturalParameters) -> Result<Self, Refusal> {
        let (weights, means) = (natural.weights.clone(), natural.means.clone());
        match &natural.scales {
            Scales::Stds(stds) => Self::from_stds(weights, means, stds.clone()),
            Scales::Covariances(of_all) => {
                let covariances = (of_all.iter().enumerate())
                    .map(|(k, rows)| matrix_of("covariances", k, rows))
                    .collect::<Result<_, _>>()?;
                Self::from_covariances(weights, means, covariances)
            }
        }
    }
}

/// The rows of a matrix.
pub(crate) fn rows_of(matrix: &DMatrix<f64>) -> Vec<Vec<f64>> {
    matrix
        .row_iter()
        .map(|row| row.iter().copied().collect())
        .collect()
}

/// A square matrix from its rows, for the given part and component of a mixture.
pub(crate) fn matrix_of(
    part: &'static str,
    component: usize,
    rows: &[Vec<f64>],
) -> Result<DMatrix<f64>, Refusal> {
    if let Some(row) = rows.iter().position(|row| row.len() != rows.len()) {
        return Err(Refusal::new(
            part,
            format!(
                "has {} rows, but row {} has {} entries",
                rows.len(),
                row + 1,
                rows[row].len()
            ),
            "give a square matrix as a list of rows",
        )
        .of("component", component));
    }
    Ok(DMatrix::from_fn(rows.len(), rows.len(), |i, j| rows[i][j]))
}

/// Every i < j below d, in the order of the upper triangle's rows.
pub(crate) fn pairs(d: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..d).flat_map(move |i| (i + 1..d).map(move |j| (i, j)))
}

/// A mixture's parameters in natural units, in the order of [`Parameter::all`](super::Parameter::all).
pub fn natural_values(mixture: &Mixture) -> impl Iterator<Item = f64> {
    let (k, d) = (mixture.components(), mixture.dim());
    let weights = mixture.weights().iter().filter(move |_| k > 1);
    let means = mixture.means().iter().flat_map(|mean| mean.iter());
    let stds = (0..k).flat_map(|c| mixture.component_stds(c));
    // Last, and made only where they are asked for: they are the most.
    let correlations = (0..k).filter(move |_| d > 1).flat_map(move |c| {
        let (covariance, std) = (mixture.component_covariance(c), mixture.component_stds(c));
        let correlation = |(i, j)| covariance[(i, j)] / (std[i] * std[j]);
        pairs(d).map(correlation).collect::<Vec<_>>()
    });
    (weights.chain(means).copied())
        .chain(stds)
        .chain(correlations)
}

/// The mixture of K components in D dimensions with the given [`natural_values`]; without correlations they
/// are 0, and a component whose weight is NaN is not there.
///
/// # Errors
/// If the numbers are not a mixture.
pub fn from_natural_values(
    components: usize,
    dim: usize,
    values: &[f64],
) -> Result<Mixture, Refusal> {
    let mut rest = values;
    let mut take = |n: usize| {
        let (head, tail) = rest.split_at(n.min(rest.len()));
        rest = tail;
        head
    };
    let weights = if components == 1 {
        vec![1.0]
    } else {
        take(components).to_vec()
    };
    let there = |k: &usize| !weights[*k].is_nan();
    let means: Vec<Vec<f64>> = (0..components).map(|_| take(dim).to_vec()).collect();
    let stds: Vec<Vec<f64>> = (0..components).map(|_| take(dim).to_vec()).collect();
    for (k, stds) in stds.iter().enumerate().filter(|(k, _)| there(k)) {
        if let Some(std) = stds.iter().find(|std| **std <= 0.0) {
            let help = "give positive standard deviations";
            return Err(Refusal::new("stds", format!("is {std}"), help).of("component", k));
        }
    }
    let covariances: Vec<DMatrix<f64>> = (stds.iter())
        .map(|std| {
            let mut covariance = DMatrix::from_fn(std.len(), std.len(), |i, j| {
                if i == j { std[i] * std[i] } else { 0.0 }
            });
            for ((i, j), corr) in pairs(dim).zip(take(dim * (dim - 1) / 2)) {
                covariance[(i, j)] = corr * std[i] * std[j];
                covariance[(j, i)] = covariance[(i, j)];
            }
            covariance
        })
        .collect();
    let kept = (0..components).filter(there);
    Mixture::from_covariances(
        kept.clone().map(|k| weights[k]).collect(),
        kept.clone().map(|k| means[k].clone()).collect(),
        kept.map(|k| covariances[k].clone()).collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correlations_stand_beside_standard_deviations() {
        let said = |covariance: &[f64], dim: usize| {
            let covariance = DMatrix::from_row_slice(dim, dim, covariance);
            let q = Mixture::gaussian(vec![0.0; dim], covariance).unwrap();
            NaturalParameters::from(&q).to_string()
        };
        assert!(said(&[4.0, -3.0, -3.0, 9.0], 2).ends_with("σ (2.0000, 3.0000), ρ -0.5000"));
        let three = said(&[1.0, 0.5, 0.0, 0.5, 1.0, 0.25, 0.0, 0.25, 1.0], 3);
        assert!(three.ends_with("ρ (0.5000, 0.0000, 0.2500)"), "{three}");
        assert!(!said(&[4.0, 0.0, 0.0, 9.0], 2).contains('ρ'));
    }
}
