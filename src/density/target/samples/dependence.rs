//! Columns of rows that follow from others, so that the rows lie in a plane and have no density.

use std::fmt;

use nalgebra::{DMatrix, DVector};

use super::Samples;
use crate::text::{count, trimmed};

/// The least eigenvalue of the correlation matrix that counts as one, as a share of the largest. A
/// covariance of 64-bit numbers keeps three digits of the variance there.
const LEAST_EIGENVALUE: f64 = 1e-12;
/// Columns are taken for rounded up to this many times the distance of neighbouring numbers.
const ROUNDINGS: f64 = 4.0;
/// A coefficient below this share of the largest, in standard deviations, is none.
const LEAST_COEFFICIENT: f64 = 1e-6;
/// No more columns of an equation, and equations, are written out than these.
const MOST_TERMS: usize = 4;
const MOST_RELATIONS: usize = 3;
/// Of the numbers of a relation.
const DIGITS: usize = 6;

/// Why no Gaussian with a full covariance has the largest likelihood of some rows: they lie in a plane
/// of fewer than D dimensions, up to rounding.
#[derive(Debug, Clone, PartialEq)]
pub enum Dependence {
    /// N rows lie in N − 1 dimensions at most.
    FewRows {
        /// N.
        rows: usize,
        /// D.
        dim: usize,
    },
    /// Columns that follow from those before them.
    Columns {
        /// One for each such column, in their order; one at least.
        relations: Vec<Relation>,
        /// The condition number of the correlation matrix; infinite where rounding leaves none of its
        /// digits.
        condition: f64,
    },
}

/// A column as a linear function of columns before it: Σⱼ cⱼ xⱼ + a.
#[derive(Debug, Clone, PartialEq)]
pub struct Relation {
    /// The column.
    pub column: String,
    /// Columns before it with their coefficients, none of them 0.
    pub terms: Vec<(f64, String)>,
    /// a.
    pub constant: f64,
}

impl Samples {
    /// What keeps the rows from having a density; `None` if their covariance is positive definite
    /// beyond rounding.
    ///
    /// The criterion is the condition number of the correlation matrix, which knows no units: 10¹² or
    /// more, or a direction in which the rows spread no more than their numbers are rounded.
    pub fn dependence(&self) -> Option<Dependence> {
        let (rows, dim) = (self.len(), self.dim());
        if rows <= dim {
            return Some(Dependence::FewRows { rows, dim });
        }
        let (mean, covariance) = (self.mean(), self.covariance());
        let stds = covariance.diagonal().map(f64::sqrt);
        let correlation = DMatrix::from_fn(dim, dim, |i, j| covariance[(i, j)] / stds[i] / stds[j]);
        // Beyond the range of numbers, which others refuse.
        if !correlation.iter().all(|entry| entry.is_finite()) {
            return None;
        }
        let eigen = correlation.clone().symmetric_eigen();
        let (least, largest) = (eigen.eigenvalues.imin(), eigen.eigenvalues.max());
        let direction = eigen.eigenvectors.column(least);
        let least = eigen.eigenvalues[least];
        let rounding: f64 = (0..dim)
            .map(|d| {
                let (least, most) = self.range(d);
                let size = least.abs().max(most.abs());
                (direction[d] * ROUNDINGS * f64::EPSILON * size / stds[d]).powi(2)
            })
            .sum();
        if least > (LEAST_EIGENVALUE * largest).max(rounding) {
            return None;
        }
        let known = least > dim as f64 * f64::EPSILON * largest;
        let condition = if known {
            largest / least
        } else {
            f64::INFINITY
        };
        let relations = (dependent(&correlation, rounding).into_iter())
            .map(|found| self.relation(&found, &mean, &stds))
            .collect();
        Some(Dependence::Columns {
            relations,
            condition,
        })
    }

    /// The equation of a column that depends on others.
    fn relation(&self, found: &Dependent, mean: &DVector<f64>, stds: &DVector<f64>) -> Relation {
        let (column, std) = (found.column, stds[found.column]);
        let shares = found.shares.iter();
        let largest = (shares.clone()).fold(0.0, |most: f64, (_, share)| most.max(share.abs()));
        let terms: Vec<(usize, f64)> = (shares)
            .filter(|(_, share)| share.abs() > LEAST_COEFFICIENT * largest)
            .map(|&(d, share)| (d, share * std / stds[d]))
            .collect();
        let explained: f64 = terms.iter().map(|&(d, c)| c * mean[d]).sum();
        let constant = mean[column] - explained;
        // What the coefficients are not known to is no constant where the means are far from 0.
        let far: f64 = terms.iter().map(|&(d, _)| mean[d].abs() / stds[d]).sum();
        let known = std * (LEAST_COEFFICIENT + found.residual * far);
        Relation {
            column: self.names[column].clone(),
            terms: (terms.into_iter())
                .map(|(d, c)| (c, self.names[d].clone()))
                .collect(),
            constant: if constant.abs() > known {
                constant
            } else {
                0.0
            },
        }
    }
}

/// A column that depends on others, in standard deviations.
struct Dependent {
    column: usize,
    /// Its coefficients on columns before it.
    shares: Vec<(usize, f64)>,
    /// The standard deviation that they leave.
    residual: f64,
}

/// The columns whose variance given those before them is nothing but rounding, with their coefficients
/// on the others; one at least.
///
/// A Cholesky factorisation C = L Lᵀ in the order of the columns, without those columns: its pivots
/// are the conditional variances.
fn dependent(correlation: &DMatrix<f64>, rounding: f64) -> Vec<Dependent> {
    let dim = correlation.nrows();
    let bound = (dim as f64 * LEAST_EIGENVALUE).max(rounding);
    let mut found = Vec::new();
    let mut nearest: Option<(f64, Dependent)> = None;
    // The independent columns so far, with the rows of L.
    let mut kept: Vec<usize> = Vec::with_capacity(dim);
    let mut factor: Vec<Vec<f64>> = Vec::with_capacity(dim);
    for d in 0..dim {
        let mut row: Vec<f64> = Vec::with_capacity(kept.len() + 1);
        for (other, of_other) in kept.iter().zip(&factor) {
            let dot: f64 = row.iter().zip(of_other).map(|(a, b)| a * b).sum();
            row.push((correlation[(d, *other)] - dot) / of_other[row.len()]);
        }
        let pivot = correlation[(d, d)] - row.iter().map(|entry| entry * entry).sum::<f64>();
        let is_dependent = pivot <= bound;
        if is_dependent || nearest.as_ref().is_none_or(|(least, _)| pivot < *least) {
            // Lᵀ b = the row.
            let mut shares = row.clone();
            for i in (0..shares.len()).rev() {
                shares[i] /= factor[i][i];
                let share = shares[i];
                for j in 0..i {
                    shares[j] -= share * factor[i][j];
                }
            }
            let one = Dependent {
                column: d,
                shares: kept.iter().copied().zip(shares).collect(),
                residual: pivot.max(dim as f64 * f64::EPSILON).sqrt(),
            };
            if is_dependent {
                found.push(one);
                continue;
            }
            nearest = Some((pivot, one));
        }
        row.push(pivot.sqrt());
        factor.push(row);
        kept.push(d);
    }
    if found.is_empty() {
        found.extend(nearest.map(|(_, one)| one));
    }
    found
}

impl Dependence {
    /// Whether it leaves the likelihood without a bound where covariances are a diagonal plus `rank`
    /// factors: those of D columns can follow from each other only in planes of this many dimensions.
    pub fn is_unbounded_for(&self, rank: usize) -> bool {
        match self {
            Self::FewRows { rows, .. } => rows - 1 <= rank,
            Self::Columns { relations, .. } => relations
                .iter()
                .any(|relation| relation.terms.len() <= rank),
        }
    }

    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::FewRows { dim, .. } => {
                format!("give at least {} rows, or fewer columns", dim + 1)
            }
            Self::Columns {
                relations,
                condition,
            } => {
                let columns: Vec<&str> = (relations.iter().take(MOST_RELATIONS))
                    .map(|relation| relation.column.as_str())
                    .collect();
                let more = if relations.len() > MOST_RELATIONS {
                    " and so on"
                } else {
                    ""
                };
                // What is left besides rounding may be what is meant.
                let instead = match condition.is_finite() {
                    true => ", or put its difference from that in its place",
                    false => "",
                };
                format!("leave out {}{more}{instead}", columns.join(", "))
            }
        }
    }
}

impl fmt::Display for Dependence {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::FewRows { rows, dim } => write!(
                f,
                "{} are too few to estimate a Gaussian in {}",
                count(*rows, "row"),
                count(*dim, "dimension")
            ),
            Self::Columns {
                relations,
                condition,
            } => {
                for (i, relation) in relations.iter().take(MOST_RELATIONS).enumerate() {
                    let gap = if i > 0 { "; " } else { "" };
                    write!(f, "{gap}{relation}")?;
                }
                if let more @ 1.. = relations.len().saturating_sub(MOST_RELATIONS) {
                    write!(f, "; and {more} more")?;
                }
                let condition = match condition.is_finite() {
                    true => format!("of {condition:.0e}"),
                    false => "above 1e15".to_owned(),
                };
                write!(
                    f,
                    " in every row: the covariance is singular to rounding, with a condition number \
                     of the correlations {condition}"
                )
            }
        }
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if self.terms.len() > MOST_TERMS {
            let named: Vec<&str> = (self.terms.iter().take(MOST_TERMS))
                .map(|(_, name)| name.as_str())
                .collect();
            let more = self.terms.len() - MOST_TERMS;
            let others = count(more, "other column");
            return write!(
                f,
                "column {} follows from {} and {others}",
                self.column,
                named.join(", ")
            );
        }
        write!(f, "column {} is", self.column)?;
        for (i, (coefficient, name)) in self.terms.iter().enumerate() {
            match (i, *coefficient < 0.0) {
                (0, false) => f.write_str(" ")?,
                (0, true) => f.write_str(" -")?,
                (_, false) => f.write_str(" + ")?,
                (_, true) => f.write_str(" - ")?,
            }
            match trimmed(coefficient.abs(), DIGITS).as_str() {
                "1" => f.write_str(name)?,
                size => write!(f, "{size} {name}")?,
            }
        }
        match self.constant {
            0.0 => Ok(()),
            constant if constant < 0.0 => write!(f, " - {}", trimmed(-constant, DIGITS)),
            constant => write!(f, " + {}", trimmed(constant, DIGITS)),
        }
    }
}
