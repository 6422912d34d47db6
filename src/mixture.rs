//! A mixture of Gaussians on the host, in f64; one that exists is a density.

use nalgebra::{Cholesky, DMatrix, DVector};
use serde::{Deserialize, Serialize};

/// How far the weights may sum from 1 before it is taken for a mistake rather than rounding.
const WEIGHT_SUM_TOLERANCE: f64 = 1e-6;
/// How far a covariance may be from symmetric, relative to its standard deviations.
const SYMMETRY_TOLERANCE: f64 = 1e-9;

/// Why some numbers are not a mixture of Gaussians.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{}{message}", place(.part, .component))]
pub struct MixtureError {
    /// Which of the parts is wrong: "weights", "means", "stds", "covariances" or "scale_trils".
    pub part: &'static str,
    /// The component it is wrong in, counted from 0.
    pub component: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

fn place(part: &str, component: &Option<usize>) -> String {
    match component {
        Some(k) => format!("{part}, component {}: ", k + 1),
        None => format!("{part}: "),
    }
}

impl MixtureError {
    fn new(
        part: &'static str,
        component: impl Into<Option<usize>>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            part,
            component: component.into(),
            message: message.into(),
            help: help.into(),
        }
    }
}

/// A mixture Σₖ wₖ N(μₖ, Lₖ Lₖᵀ) of K Gaussians in D dimensions. A Gaussian is a mixture of one.
///
/// ```
/// use klfit::Mixture;
/// let p = Mixture::from_stds(vec![0.5, 0.5], vec![vec![-3.0], vec![3.0]], vec![vec![1.0]; 2])?;
/// assert!((p.covariance()[(0, 0)] - 10.0).abs() < 1e-12);
/// # Ok::<(), klfit::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Mixture {
    weights: Vec<f64>,
    means: Vec<DVector<f64>>,
    scale_trils: Vec<DMatrix<f64>>,
}

impl Mixture {
    /// Makes a mixture from lower Cholesky factors, K of D × D each.
    ///
    /// # Errors
    /// If a part has the wrong shape, a number is not finite, a weight is negative, the weights do
    /// not sum to 1, or a factor is not lower triangular with a positive diagonal.
    pub fn new(
        weights: Vec<f64>,
        means: Vec<Vec<f64>>,
        scale_trils: Vec<DMatrix<f64>>,
    ) -> Result<Self, MixtureError> {
        let dim = check_weights_and_means(&weights, &means)?;
        check_count("scale_trils", scale_trils.len(), weights.len())?;
        for (k, factor) in scale_trils.iter().enumerate() {
            check_square("scale_trils", k, factor, dim)?;
            let upper = (0..dim).any(|i| (i + 1..dim).any(|j| factor[(i, j)] != 0.0));
            if upper {
                return Err(MixtureError::new(
                    "scale_trils",
                    k,
                    "has an entry above the diagonal",
                    "give the lower Cholesky factor L with covariance = L Lᵀ",
                ));
            }
            if let Some(i) = (0..dim).find(|&i| factor[(i, i)] <= 0.0) {
                return Err(MixtureError::new(
                    "scale_trils",
                    k,
                    format!("entry {} of the diagonal is {}", i + 1, factor[(i, i)]),
                    "the diagonal of a Cholesky factor is positive",
                ));
            }
        }
        let total: f64 = weights.iter().sum();
        Ok(Self {
            weights: weights.iter().map(|w| w / total).collect(),
            means: means.into_iter().map(DVector::from_vec).collect(),
            scale_trils,
        })
    }

    /// Makes a mixture with independent coordinates from standard deviations, K of D each.
    ///
    /// # Errors
    /// As [`Mixture::new`]; a standard deviation that is not positive is refused.
    pub fn from_stds(
        weights: Vec<f64>,
        means: Vec<Vec<f64>>,
        stds: Vec<Vec<f64>>,
    ) -> Result<Self, MixtureError> {
        let dim = check_weights_and_means(&weights, &means)?;
        check_count("stds", stds.len(), weights.len())?;
        for (k, std) in stds.iter().enumerate() {
            if std.len() != dim {
                return Err(MixtureError::new(
                    "stds",
                    k,
                    format!("has {} entries, but its mean has {dim}", std.len()),
                    "give one standard deviation for each coordinate",
                ));
            }
            check_finite("stds", k, std.iter())?;
            if let Some(std) = std.iter().find(|&&std| std <= 0.0) {
                return Err(MixtureError::new(
                    "stds",
                    k,
                    format!("a standard deviation is {std}"),
                    "standard deviations are positive",
                ));
            }
        }
        let factors = stds
            .into_iter()
            .map(|std| DMatrix::from_diagonal(&DVector::from_vec(std)))
            .collect();
        Self::new(weights, means, factors)
    }

    /// Makes a mixture from covariances, K of D × D each.
    ///
    /// # Errors
    /// As [`Mixture::new`]; a covariance that is not symmetric or not positive definite is refused
    /// with the component it belongs to.
    pub fn from_covariances(
        weights: Vec<f64>,
        means: Vec<Vec<f64>>,
        covariances: Vec<DMatrix<f64>>,
    ) -> Result<Self, MixtureError> {
        let dim = check_weights_and_means(&weights, &means)?;
        check_count("covariances", covariances.len(), weights.len())?;
        let mut factors = Vec::with_capacity(covariances.len());
        for (k, covariance) in covariances.into_iter().enumerate() {
            check_square("covariances", k, &covariance, dim)?;
            if let Some((i, j)) = asymmetry(&covariance) {
                return Err(MixtureError::new(
                    "covariances",
                    k,
                    format!(
                        "not symmetric: entry ({}, {}) is {} and entry ({}, {}) is {}",
                        i + 1,
                        j + 1,
                        covariance[(i, j)],
                        j + 1,
                        i + 1,
                        covariance[(j, i)]
                    ),
                    "a covariance equals its transpose",
                ));
            }
            let symmetric = (&covariance + covariance.transpose()) * 0.5;
            let smallest = symmetric.symmetric_eigenvalues().min();
            let factor = Cholesky::new(symmetric).filter(|_| smallest > 0.0);
            match factor {
                Some(factor) => factors.push(factor.unpack()),
                None => {
                    return Err(MixtureError::new(
                        "covariances",
                        k,
                        format!("not positive definite: its smallest eigenvalue is {smallest:.3e}"),
                        "check the signs and sizes of the off-diagonal entries, or add a small \
                         multiple of the identity",
                    ));
                }
            }
        }
        Self::new(weights, means, factors)
    }

    /// Makes a single Gaussian from its mean and D × D covariance.
    ///
    /// # Errors
    /// As [`Mixture::from_covariances`].
    pub fn gaussian(mean: Vec<f64>, covariance: DMatrix<f64>) -> Result<Self, MixtureError> {
        Self::from_covariances(vec![1.0], vec![mean], vec![covariance])
    }

    /// D, the number of coordinates.
    pub fn dim(&self) -> usize {
        self.means[0].len()
    }

    /// K, the number of components.
    pub fn components(&self) -> usize {
        self.weights.len()
    }

    /// The K weights; they are not negative and sum to 1.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The K means, D each.
    pub fn means(&self) -> &[DVector<f64>] {
        &self.means
    }

    /// The K lower Cholesky factors of the covariances, D × D each.
    pub fn scale_trils(&self) -> &[DMatrix<f64>] {
        &self.scale_trils
    }

    /// The covariance of one component, D × D.
    pub fn component_covariance(&self, k: usize) -> DMatrix<f64> {
        &self.scale_trils[k] * self.scale_trils[k].transpose()
    }

    /// The standard deviations of one component's coordinates, D.
    pub fn component_stds(&self, k: usize) -> Vec<f64> {
        self.scale_trils[k]
            .row_iter()
            .map(|row| row.norm())
            .collect()
    }

    /// The mean of the mixture, D.
    pub fn mean(&self) -> DVector<f64> {
        let zero = DVector::zeros(self.dim());
        (self.weights.iter().zip(&self.means)).fold(zero, |sum, (w, mean)| sum + mean * *w)
    }

    /// The covariance of the mixture, D × D: Σₖ wₖ (Σₖ + (μₖ − μ)(μₖ − μ)ᵀ).
    pub fn covariance(&self) -> DMatrix<f64> {
        let mean = self.mean();
        let mut covariance = DMatrix::zeros(self.dim(), self.dim());
        for k in 0..self.components() {
            let offset = &self.means[k] - &mean;
            covariance +=
                (self.component_covariance(k) + &offset * offset.transpose()) * self.weights[k];
        }
        covariance
    }

    /// log p(x) in nats at one point of D coordinates; −∞ where p underflows to zero weight.
    pub fn log_density(&self, x: &[f64]) -> f64 {
        let terms: Vec<f64> = (0..self.components())
            .map(|k| self.weights[k].ln() + self.component_log_density(k, x))
            .collect();
        let max = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if max == f64::NEG_INFINITY {
            return max;
        }
        max + terms
            .iter()
            .map(|term| (term - max).exp())
            .sum::<f64>()
            .ln()
    }

    /// log N(x; μₖ, Σₖ) in nats of one component at one point of D coordinates.
    pub fn component_log_density(&self, k: usize, x: &[f64]) -> f64 {
        let dim = self.dim();
        let factor = &self.scale_trils[k];
        let mut z = vec![0.0; dim];
        let (mut squared, mut log_det) = (0.0, 0.0);
        for i in 0..dim {
            let known: f64 = (0..i).map(|j| factor[(i, j)] * z[j]).sum();
            z[i] = (x[i] - self.means[k][i] - known) / factor[(i, i)];
            squared += z[i] * z[i];
            log_det += factor[(i, i)].ln();
        }
        -0.5 * squared - log_det - 0.5 * dim as f64 * std::f64::consts::TAU.ln()
    }

    /// The marginal of the given coordinates, in the order given.
    ///
    /// # Errors
    /// If rounding leaves a marginal covariance that is not positive definite.
    pub fn marginal(&self, coordinates: &[usize]) -> Result<Self, MixtureError> {
        let pick = |k: usize| {
            let covariance = self.component_covariance(k);
            DMatrix::from_fn(coordinates.len(), coordinates.len(), |i, j| {
                covariance[(coordinates[i], coordinates[j])]
            })
        };
        Self::from_covariances(
            self.weights.clone(),
            (self.means.iter())
                .map(|mean| coordinates.iter().map(|&d| mean[d]).collect())
                .collect(),
            (0..self.components()).map(pick).collect(),
        )
    }
}

/// A mixture as files hold it: natural parameters, under the names a config uses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NaturalParameters {
    /// K weights.
    pub weights: Vec<f64>,
    /// K means of D.
    pub means: Vec<Vec<f64>>,
    /// K covariances of D × D.
    pub covariances: Vec<Vec<Vec<f64>>>,
}

impl From<&Mixture> for NaturalParameters {
    fn from(mixture: &Mixture) -> Self {
        Self {
            weights: mixture.weights.clone(),
            means: (mixture.means.iter())
                .map(|mean| mean.as_slice().to_vec())
                .collect(),
            covariances: (0..mixture.components())
                .map(|k| rows_of(&mixture.component_covariance(k)))
                .collect(),
        }
    }
}

impl TryFrom<&NaturalParameters> for Mixture {
    type Error = MixtureError;

    fn try_from(natural: &NaturalParameters) -> Result<Self, MixtureError> {
        let covariances = (natural.covariances.iter().enumerate())
            .map(|(k, rows)| matrix_of("covariances", k, rows))
            .collect::<Result<_, _>>()?;
        Self::from_covariances(natural.weights.clone(), natural.means.clone(), covariances)
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
) -> Result<DMatrix<f64>, MixtureError> {
    if let Some(row) = rows.iter().position(|row| row.len() != rows.len()) {
        return Err(MixtureError::new(
            part,
            component,
            format!(
                "has {} rows, but row {} has {} entries",
                rows.len(),
                row + 1,
                rows[row].len()
            ),
            "give a square matrix as a list of rows",
        ));
    }
    Ok(DMatrix::from_fn(rows.len(), rows.len(), |i, j| rows[i][j]))
}

fn check_weights_and_means(weights: &[f64], means: &[Vec<f64>]) -> Result<usize, MixtureError> {
    let Some(first) = means.first() else {
        return Err(MixtureError::new(
            "means",
            None,
            "there is none",
            "give one mean for each component, as in means = [[-3.0], [3.0]]",
        ));
    };
    if weights.len() != means.len() {
        return Err(MixtureError::new(
            "weights",
            None,
            format!(
                "there are {} weights and {} means",
                weights.len(),
                means.len()
            ),
            "give one weight for each component",
        ));
    }
    let dim = first.len();
    if dim == 0 {
        return Err(MixtureError::new(
            "means",
            0,
            "has no coordinates",
            "give one number for each coordinate",
        ));
    }
    for (k, mean) in means.iter().enumerate() {
        if mean.len() != dim {
            return Err(MixtureError::new(
                "means",
                k,
                format!("has {} coordinates, but the first has {dim}", mean.len()),
                "every component lives in the same space",
            ));
        }
        check_finite("means", k, mean.iter())?;
    }
    for (k, weight) in weights.iter().enumerate() {
        check_finite("weights", k, [weight].into_iter())?;
        if *weight < 0.0 {
            return Err(MixtureError::new(
                "weights",
                k,
                format!("is {weight}"),
                "weights are not negative",
            ));
        }
    }
    let total: f64 = weights.iter().sum();
    if (total - 1.0).abs() > WEIGHT_SUM_TOLERANCE {
        let normalised: Vec<String> = weights
            .iter()
            .map(|w| format!("{:.6}", w / total))
            .collect();
        let help = if total > 0.0 {
            format!(
                "weights sum to 1; divided by their sum: [{}]",
                normalised.join(", ")
            )
        } else {
            "weights sum to 1".to_owned()
        };
        return Err(MixtureError::new(
            "weights",
            None,
            format!("they sum to {total}, not 1"),
            help,
        ));
    }
    Ok(dim)
}

fn check_count(part: &'static str, found: usize, components: usize) -> Result<(), MixtureError> {
    if found == components {
        return Ok(());
    }
    Err(MixtureError::new(
        part,
        None,
        format!("there are {found}, but {components} components"),
        "give one for each component",
    ))
}

fn check_square(
    part: &'static str,
    k: usize,
    matrix: &DMatrix<f64>,
    dim: usize,
) -> Result<(), MixtureError> {
    if matrix.nrows() != dim || matrix.ncols() != dim {
        return Err(MixtureError::new(
            part,
            k,
            format!(
                "is {} × {}, but its mean has {dim} coordinates",
                matrix.nrows(),
                matrix.ncols()
            ),
            format!("give {dim} rows of {dim}"),
        ));
    }
    check_finite(part, k, matrix.iter())
}

fn check_finite<'a>(
    part: &'static str,
    k: usize,
    mut numbers: impl Iterator<Item = &'a f64>,
) -> Result<(), MixtureError> {
    match numbers.find(|number| !number.is_finite()) {
        Some(number) => Err(MixtureError::new(
            part,
            k,
            format!("has the value {number}"),
            "every number must be finite",
        )),
        None => Ok(()),
    }
}

fn asymmetry(matrix: &DMatrix<f64>) -> Option<(usize, usize)> {
    let scale = |i: usize, j: usize| {
        (matrix[(i, i)].abs() * matrix[(j, j)].abs())
            .sqrt()
            .max(1e-300)
    };
    (0..matrix.nrows())
        .flat_map(|i| (0..i).map(move |j| (i, j)))
        .find(|&(i, j)| (matrix[(i, j)] - matrix[(j, i)]).abs() > SYMMETRY_TOLERANCE * scale(i, j))
}
