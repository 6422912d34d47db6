//! Covariances Σ = diag(σ²) + U Uᵀ with U of D × r (Ong, Nott and Smith 2018): factor analysis.
//!
//! Everything is done on the scale of correlations, where the structure is the same.

use nalgebra::{Cholesky, DMatrix, DVector};

/// A difference from a correlation matrix that is taken for rounding.
const ROUNDING: f64 = 1e-11;
/// A divergence in nats that is taken for rounding: about the square of such a difference.
const NO_DIVERGENCE: f64 = 1e-22;
/// The least ln σ² on the scale of correlations. Where the likelihood has its supremum at a variance
/// of 0, a Heywood case, a fit ends here, at 1e-12.
const LEAST_LOG_VARIANCE: f64 = -28.0;
/// The least σ² of fewer factors than allowed, as a share of the variance given all other coordinates.
const LEAST_SHARE: f64 = 1e-4;
/// How small a σ² is in a start that leaves its coordinate to the factors, relative to others.
const EXPLAINED: f64 = 0.01;
/// A relative change of the divergence that ends a fit.
const TOLERANCE: f64 = 1e-12;
/// The most Newton steps of a fit.
const STEPS: usize = 500;
/// The most halvings of a Newton step.
const HALVINGS: usize = 30;
/// The most one Newton step changes a ln σ².
const LONGEST_STEP: f64 = 3.0;

/// Parameters of diag(σ²) + U Uᵀ.
#[derive(Debug, Clone, PartialEq)]
pub struct LowRank {
    /// σ², D positive numbers.
    pub variances: DVector<f64>,
    /// U, D × r.
    pub factors: DMatrix<f64>,
    /// The largest entry of the covariance less diag(σ²) + U Uᵀ, relative to the product of its two
    /// standard deviations.
    pub residual: f64,
}

/// The σ² and U of a positive definite covariance, D × D, with r = `rank`.
///
/// The residual is at the level of rounding, at most 1e-10, where the covariance is of this form (as
/// far as a local search from D + 1 starts can find that); otherwise it says by how much it is not.
/// U has full column rank (columns after the first D are 0), since a loss has a stationary point where
/// one of its columns is 0: if fewer factors are enough, each of the others takes half the variance
/// of one coordinate.
pub fn decompose(covariance: &DMatrix<f64>, rank: usize) -> LowRank {
    let dim = covariance.nrows();
    let correlation = Correlation::new(covariance);
    // Independent coordinates need no factor, and no search tells that.
    let is_independent = (0..dim).all(|i| (0..i).all(|j| covariance[(i, j)] == 0.0));
    let exact = |factors: usize| {
        let (variances, factors) = correlation.factorise(factors, false);
        let spread = (variances.iter().zip(correlation.unique_variances().iter()))
            .all(|(variance, unique)| *variance >= LEAST_SHARE * unique);
        let exact = correlation.residual(&variances, &factors) <= ROUNDING;
        (spread && exact).then_some((variances, factors))
    };
    let needed = match is_independent {
        true => Some((correlation.matrix.diagonal(), DMatrix::zeros(dim, 0))),
        false => (0..rank.min(dim)).find_map(exact),
    };
    let (mut variances, found) =
        needed.unwrap_or_else(|| correlation.factorise(rank.min(dim), true));

    let mut factors = fill_columns(found, rank, &mut variances);
    for (i, std) in correlation.stds.iter().enumerate() {
        variances[i] *= std * std;
        factors.row_mut(i).scale_mut(*std);
    }
    let made = DMatrix::from_diagonal(&variances) + &factors * factors.transpose();
    let units = correlation.units();
    LowRank {
        residual: (covariance - made).component_div(&units).amax(),
        variances,
        factors,
    }
}

/// U with columns added up to `rank`, D at most; each takes half the variance of a coordinate that is
/// not in the span of those before it, and those after the first D are 0.
fn fill_columns(found: DMatrix<f64>, rank: usize, variances: &mut DVector<f64>) -> DMatrix<f64> {
    let (dim, given) = found.shape();
    let mut factors = found.resize_horizontally(rank, 0.0);
    // The projector onto the complement of the columns so far.
    let mut free = DMatrix::identity(dim, dim);
    for column in 0..rank.min(dim) {
        if column >= given {
            let (i, _) = variances.component_mul(&free.diagonal()).argmax();
            variances[i] *= 0.5;
            factors[(i, column)] = variances[i].sqrt();
        }
        let direction = (&free * factors.column(column)).normalize();
        free -= &direction * direction.transpose();
    }
    factors
}

/// The covariance Σ of this structure, r = `rank`, that minimises KL(N(0, S) ‖ N(0, Σ)) for a positive
/// definite S, D × D: the maximum-likelihood factor analysis of S (Jöreskog 1967), the best of a local
/// search from D + 1 starts.
///
/// Where the minimum has a σ² of 0, this one is within 1e-12 of a variance of it.
pub fn nearest(covariance: &DMatrix<f64>, rank: usize) -> DMatrix<f64> {
    if rank + 1 >= covariance.nrows() {
        // Every covariance is of this form.
        return covariance.clone();
    }
    let correlation = Correlation::new(covariance);
    let nearest = correlation.best_fit(rank, true).covariance;
    nearest.component_mul(&correlation.units())
}

/// A covariance as standard deviations and a positive definite correlation matrix R.
struct Correlation {
    stds: DVector<f64>,
    matrix: DMatrix<f64>,
    inverse: DMatrix<f64>,
}

impl Correlation {
    /// Independent coordinates stand for a covariance that rounding left not positive definite.
    fn new(covariance: &DMatrix<f64>) -> Self {
        let std = |variance: f64| if variance > 0.0 { variance.sqrt() } else { 1.0 };
        let stds = covariance.diagonal().map(std);
        let matrix = covariance.component_div(&(&stds * stds.transpose()));
        let inverse = Cholesky::new(matrix.clone()).map(|cholesky| cholesky.inverse());
        match inverse.filter(|inverse| inverse.iter().all(|entry| entry.is_finite())) {
            Some(inverse) => Self {
                stds,
                matrix,
                inverse,
            },
            None => Self {
                matrix: DMatrix::identity(stds.len(), stds.len()),
                inverse: DMatrix::identity(stds.len(), stds.len()),
                stds,
            },
        }
    }

    fn dim(&self) -> usize {
        self.stds.len()
    }

    /// The products of the standard deviations, D × D.
    fn units(&self) -> DMatrix<f64> {
        &self.stds * self.stds.transpose()
    }

    /// The variance of each coordinate given all others, 1 / (R⁻¹)ⱼⱼ; no σ² of R is larger.
    fn unique_variances(&self) -> DVector<f64> {
        self.inverse.diagonal().map(|precision| 1.0 / precision)
    }

    fn residual(&self, variances: &DVector<f64>, factors: &DMatrix<f64>) -> f64 {
        let made = DMatrix::from_diagonal(variances) + factors * factors.transpose();
        (&self.matrix - made).amax()
    }

    /// σ² and a U without zero columns, D × (`rank` or less), at the least divergence from R.
    fn factorise(&self, rank: usize, thorough: bool) -> (DVector<f64>, DMatrix<f64>) {
        if rank + 1 >= self.dim() {
            return self.factorise_any(rank);
        }
        let fit = self.best_fit(rank, thorough);
        let shared = fit.covariance - DMatrix::from_diagonal(&fit.variances);
        let eigen = shared.symmetric_eigen();
        let top: Vec<usize> = (ascending(&eigen.eigenvalues).into_iter().rev())
            .take(rank)
            .filter(|&m| eigen.eigenvalues[m] > ROUNDING)
            .collect();
        let roots = eigen.eigenvalues.select_rows(&top).map(f64::sqrt);
        let factors = eigen.eigenvectors.select_columns(&top) * DMatrix::from_diagonal(&roots);
        (fit.variances, factors)
    }

    /// As [`Correlation::factorise`] for D − 1 or D factors, which can make any R.
    ///
    /// For unique variances B and the largest eigenvalue λ ≤ D of B^½ R⁻¹ B^½, R − B / 2λ is positive
    /// definite. Its first `rank` Cholesky columns are U; they leave a variance for the last
    /// coordinate if there is none for it.
    fn factorise_any(&self, rank: usize) -> (DVector<f64>, DMatrix<f64>) {
        let unique = self.unique_variances();
        let largest = self.scaled_inverse(&unique).symmetric_eigenvalues().max();
        let mut variances = unique / (2.0 * largest);
        let mut rest = self.matrix.clone();
        for i in 0..rank {
            rest[(i, i)] -= variances[i];
        }
        let mut factors = DMatrix::zeros(self.dim(), rank);
        for j in 0..rank {
            let column = rest.column(j) / rest[(j, j)].sqrt();
            rest -= &column * column.transpose();
            factors.set_column(j, &column);
        }
        for i in rank..self.dim() {
            variances[i] = rest[(i, i)];
        }
        (variances, factors)
    }

    /// V^½ R⁻¹ V^½ for a diagonal V.
    fn scaled_inverse(&self, variances: &DVector<f64>) -> DMatrix<f64> {
        let roots = variances.map(f64::sqrt);
        (self.inverse).component_mul(&(&roots * roots.transpose()))
    }

    /// The best fit from the start of Jöreskog (1967), σ² = (1 − r / 2D) / (R⁻¹)ⱼⱼ, or, if that is not
    /// exact and the search `thorough`, from D further ones: each has a coordinate that the factors
    /// explain at first, because local minima differ in the σ² that tend to 0.
    fn best_fit(&self, rank: usize, thorough: bool) -> FactorAnalysis {
        let share = 1.0 - rank as f64 / (2 * self.dim()) as f64;
        let start = (self.unique_variances() * share).map(f64::ln);
        let mut best = self.fit(rank, start.clone());
        for i in 0..if thorough { self.dim() } else { 0 } {
            if best.divergence <= NO_DIVERGENCE {
                break;
            }
            let mut start = start.clone();
            start[i] += EXPLAINED.ln();
            let fit = self.fit(rank, start);
            if fit.divergence < best.divergence {
                best = fit;
            }
        }
        best
    }

    /// Minimises [`Profile::divergence`] over ln σ² by Newton's method with its exact Hessian.
    fn fit(&self, rank: usize, mut log_variances: DVector<f64>) -> FactorAnalysis {
        let mut profile = self.profile(rank, &log_variances);
        for _ in 0..STEPS {
            let step = profile.newton_step();
            let better = (0..HALVINGS).find_map(|halvings| {
                let next = (&log_variances + &step * 0.5f64.powi(halvings as i32))
                    .map(|x| x.max(LEAST_LOG_VARIANCE));
                let other = self.profile(rank, &next);
                (other.divergence < profile.divergence).then_some((next, other))
            });
            let Some((next, other)) = better else { break };
            let gain = profile.divergence - other.divergence;
            let done = gain <= TOLERANCE * profile.divergence;
            (log_variances, profile) = (next, other);
            if done || profile.divergence <= NO_DIVERGENCE * 1e-4 {
                break;
            }
        }
        let left = profile.gammas_left.map(|gamma| 1.0 - 1.0 / gamma);
        let variances = log_variances.map(f64::exp);
        let vectors = DMatrix::from_diagonal(&variances.map(f64::sqrt)) * &profile.vectors_left;
        FactorAnalysis {
            divergence: profile.divergence,
            covariance: &self.matrix
                + &vectors * DMatrix::from_diagonal(&left) * vectors.transpose(),
            variances,
        }
    }

    fn profile(&self, rank: usize, log_variances: &DVector<f64>) -> Profile {
        let eigen = self
            .scaled_inverse(&log_variances.map(f64::exp))
            .symmetric_eigen();
        // Where rounding makes an eigenvalue of a nearly singular R negative.
        let gammas = eigen.eigenvalues.map(|gamma| gamma.max(1e-30));
        let order = ascending(&gammas);
        let kept = (order.iter().take(rank))
            .filter(|&&m| gammas[m] < 1.0)
            .count();
        let (kept, left) = order.split_at(kept);
        Profile {
            divergence: (left.iter().map(|&m| gammas[m] - 1.0))
                .map(|excess| 0.5 * (excess.ln_1p() - excess / (1.0 + excess)))
                .sum(),
            gammas_kept: gammas.select_rows(kept),
            gammas_left: gammas.select_rows(left),
            vectors_kept: eigen.eigenvectors.select_columns(kept),
            vectors_left: eigen.eigenvectors.select_columns(left),
        }
    }
}

/// A factor analysis of a correlation matrix.
struct FactorAnalysis {
    /// KL(N(0, R) ‖ N(0, Σ)) in nats.
    divergence: f64,
    variances: DVector<f64>,
    /// Σ, D × D.
    covariance: DMatrix<f64>,
}

/// The best U for given σ², Ψ = diag(σ²) (Jöreskog 1967).
///
/// With the eigenpairs (γ, ω) of Ψ^½ R⁻¹ Ψ^½, U Uᵀ = Ψ^½ Σ (1/γ − 1) ω ωᵀ Ψ^½ over the r smallest γ
/// that are below 1, the ones kept, and Σ = R + Ψ^½ Σ (1 − 1/γ) ω ωᵀ Ψ^½ over those left. Both
/// this Σ and the divergence stay accurate where a σ² tends to 0, as its γ is among those kept.
struct Profile {
    /// KL(N(0, R) ‖ N(0, Σ)) = ½ Σ (1/γ + ln γ − 1) over those left, in nats.
    divergence: f64,
    gammas_kept: DVector<f64>,
    gammas_left: DVector<f64>,
    vectors_kept: DMatrix<f64>,
    vectors_left: DMatrix<f64>,
}

impl Profile {
    /// The Newton step of ln σ² with the moduli of the Hessian's eigenvalues, so that it descends.
    fn newton_step(&self) -> DVector<f64> {
        let (gradient, hessian) = self.derivatives();
        let eigen = hessian.symmetric_eigen();
        let least = 1e-12 * eigen.eigenvalues.amax();
        let along = eigen.eigenvectors.tr_mul(&gradient);
        let along = along.zip_map(&eigen.eigenvalues, |slope, curvature| {
            -slope / curvature.abs().max(least).max(f64::MIN_POSITIVE)
        });
        let step = &eigen.eigenvectors * along;
        let longest = step.amax();
        if longest > LONGEST_STEP {
            step * (LONGEST_STEP / longest)
        } else {
            step
        }
    }

    /// The derivatives of the divergence by ln σ² (Jöreskog 1967; Clarke 1970):
    ///
    /// gᵢ = ½ Σₘ (1 − 1/γₘ) ωᵢₘ² over those left, and, with m left, n left as well or kept,
    /// Hᵢⱼ = ¼ Σₘₙ (1/γₘ + 1/γₙ) ωᵢₘ ωᵢₙ ωⱼₘ ωⱼₙ
    ///     + ½ Σₘₙ (1 − 1/γₘ) (γₘ + γₙ) / (γₘ − γₙ) ωᵢₘ ωᵢₙ ωⱼₘ ωⱼₙ.
    fn derivatives(&self) -> (DVector<f64>, DMatrix<f64>) {
        let left = &self.vectors_left;
        let weighted =
            |weights: &DVector<f64>| left * DMatrix::from_diagonal(weights) * left.transpose();
        let thetas = self.gammas_left.map(|gamma| 1.0 / gamma);
        let slopes = thetas.map(|theta| 0.5 * (1.0 - theta));
        let mut hessian = weighted(&thetas).component_mul(&(left * left.transpose())) * 0.5;
        for (kept, vector) in (self.gammas_kept.iter()).zip(self.vectors_kept.column_iter()) {
            let weights = slopes.zip_map(&self.gammas_left, |slope, gamma| {
                slope * (gamma + kept) / (gamma - kept).max(1e-12)
            });
            hessian += weighted(&weights).component_mul(&(vector * vector.transpose()));
        }
        (weighted(&slopes).diagonal(), hessian)
    }
}

/// The positions of some numbers from the smallest to the largest.
fn ascending(numbers: &DVector<f64>) -> Vec<usize> {
    let mut order: Vec<usize> = (0..numbers.len()).collect();
    order.sort_by(|&i, &j| numbers[i].total_cmp(&numbers[j]));
    order
}

#[cfg(test)]
mod tests;
