//! The integral ∫ p^α q^(1−α) behind the Rényi, alpha and Hellinger divergences.

use nalgebra::{DMatrix, DVectorView, SymmetricEigen};

use super::{FactoredGaussian, Formula, Sizes, Whitened, evaluate, log_minus_linear};
use crate::divergence::Estimate;
use crate::mixture::Mixture;
use crate::precise::{Number, ROUNDING, Triangle, roundings, squared_norm};

/// ln ∫ p^α q^(1−α) dx in nats of two Gaussians for any real α, with its error; `None` if either is
/// a mixture of more than one, their dimensions differ, α or the whitened covariance is not a finite
/// number, or Σ* is singular to rounding.
///
/// ½ [ (1−α) ln |Σ_p| + α ln |Σ_q| − ln |Σ*| − α(1−α) (μ_p − μ_q)ᵀ Σ*⁻¹ (μ_p − μ_q) ] with
/// Σ* = α Σ_q + (1−α) Σ_p, and +∞ where Σ* is not positive definite (Gil, Alajaji and Linder 2013;
/// Liese and Vajda 1987). It is ≤ 0 for 0 ≤ α ≤ 1 and ≥ 0 elsewhere.
pub fn gaussian_log_power_integral(p: &Mixture, q: &Mixture, alpha: f64) -> Option<Estimate> {
    // ∫ p^(1−β) q^β with β ≤ ½: no exponent is rounded away, and no terms nearly cancel.
    if alpha < 0.5 {
        evaluate(q, p, &LogPower { beta: alpha })
    } else {
        evaluate(p, q, &LogPower { beta: 1.0 - alpha })
    }
}

/// (∫ p^α q^(1−α) dx − 1) · factor, with its error; `None` as [`gaussian_log_power_integral`].
pub(crate) fn power_excess(p: &Mixture, q: &Mixture, alpha: f64, factor: f64) -> Option<Estimate> {
    let log = gaussian_log_power_integral(p, q, alpha)?;
    let steepest = (log.value + log.error).exp();
    Some(log.map(log.value.exp_m1() * factor, steepest * factor))
}

/// ln ∫ p^(1−β) q^β, β ≤ ½.
struct LogPower {
    beta: f64,
}

impl Formula for LogPower {
    fn evaluate<T: Number>(&self, at: &Whitened<T>) -> Option<Estimate> {
        let beta = self.beta;
        let gap = gap(&at.excess);
        let gap_norm = norm_of_symmetric(&gap);
        if !gap_norm.is_finite() || !beta.is_finite() {
            return None;
        }
        // Where Σ_q is I, Σ_p is I + gap, and Σ* is I + β gap = R Rᵀ.
        let Some(root) = mixed_root(&gap, beta) else {
            return Some(Estimate::exact(f64::INFINITY));
        };
        let z = root.factor.solve(at.offset.clone());
        let distance = squared_norm(&z).rounded();
        let near = gap_norm < 0.5;
        let rows = squares_of_rows(&at.excess);
        // β ln |I + gap| − ln |I + β gap|, row by row. For a small gap the parts linear in it are as
        // large as the logarithms and cancel exactly, so they are left out of both.
        let terms = |i: usize| {
            let pivot = root.pivots[i].rounded();
            let log_of_star = if pivot.abs() > 0.5 {
                2.0 * root.factor.at(i, i).ln()
            } else {
                pivot.ln_1p()
            };
            if near {
                let linear_out =
                    2.0 * log_minus_linear(at.excess.at(i, i).rounded(), at.log_ratios[i]);
                [
                    beta * (linear_out - rows[i]),
                    root.squares[i].rounded() - log_minus_linear(pivot, log_of_star),
                ]
            } else {
                [2.0 * beta * at.log_ratios[i], -log_of_star]
            }
        };
        let terms: Vec<f64> = (0..rows.len()).flat_map(terms).collect();
        let shape: f64 = terms.iter().sum();
        let square = beta * (1.0 - beta);
        let value = 0.5 * (shape - square * distance);

        let of_terms: f64 = terms.iter().map(|term| term.abs()).sum();
        let summed = (16.0 + 2.0 * terms.len() as f64) * ROUNDING * of_terms
            + 8.0 * ROUNDING * (square * distance).abs();
        let rounding = root.error(at, beta, gap_norm, near, distance, square)?;
        let error = 0.5 * (summed + rounding);
        (!value.is_nan()).then(|| Estimate::closed_form(value, error))
    }
}

/// The lower triangle of E + Eᵀ + E Eᵀ.
pub(super) fn gap<T: Number>(excess: &Triangle<T>) -> Triangle<T> {
    let squared = excess.squared();
    Triangle::from_fn(excess.dim(), |i, j| {
        let entry = excess.at(i, j);
        let linear = if i == j { entry + entry } else { entry };
        linear + squared.at(i, j)
    })
}

/// The Frobenius norm of the symmetric matrix with this lower triangle.
pub(super) fn norm_of_symmetric<T: Number>(lower: &Triangle<T>) -> f64 {
    let diagonal: Vec<T> = (0..lower.dim()).map(|i| lower.at(i, i)).collect();
    (2.0 * lower.squared_norm().rounded() - squared_norm(&diagonal).rounded()).sqrt()
}

fn squares_of_rows<T: Number>(lower: &Triangle<T>) -> Vec<f64> {
    (lower.rounded().row_norms().into_iter())
        .map(|norm| norm * norm)
        .collect()
}

/// The Cholesky factor R of Σ*.
pub(super) struct Root<T> {
    pub factor: Triangle<T>,
    /// Of each row its pivot less 1, and the squares left of the diagonal.
    pivots: Vec<T>,
    squares: Vec<T>,
}

pub(super) fn mixed_root<T: Number>(gap: &Triangle<T>, beta: f64) -> Option<Root<T>> {
    let beta = T::new(beta, 0.0);
    let scaled = Triangle::from_fn(gap.dim(), |i, j| beta * gap.at(i, j));
    let (factor, pivots, squares) = scaled.factor_identity_plus()?;
    Some(Root {
        factor,
        pivots,
        squares,
    })
}

impl<T: Number> Root<T> {
    /// What the terms of the determinants and the distance together are off by because the matrices
    /// are; `None` where that may be a good part of Σ*.
    pub fn error(
        &self,
        at: &Whitened<T>,
        beta: f64,
        gap: f64,
        near: bool,
        distance: f64,
        square: f64,
    ) -> Option<f64> {
        const MOST: f64 = 0.1;
        let Sizes {
            excess,
            excess_error,
            offset_error,
            dim,
            ..
        } = at.sizes();
        let inverse = self.factor.rounded().inverse().squared_norm();
        let own = self.factor.squared_norm().rounded();
        let squares: f64 = self.squares.iter().map(|square| square.rounded()).sum();
        // What Σ* is off by in norm: through E, as it is put together and as it is factored; and
        // as a share of itself, twice over for what is of second order.
        let rounded = roundings::<T>(dim as usize + 4);
        let put_together = 2.0 * excess_error * (1.0 + excess) + rounded * excess * (2.0 + excess);
        let star = beta.abs() * put_together + rounded * (beta.abs() * gap + squares);
        let share = 1.2 * inverse * star;
        // The same of the covariances: one of L (I + δ) Lᵀ in place of L Lᵀ. For β ≥ 0 both are
        // part of Σ*, and what it is off by is the larger share of them.
        let [of_p, of_q] = at.factored;
        let of_both = of_p + of_q;
        let share_given = if beta >= 0.0 {
            of_p.max(of_q)
        } else {
            (1.0 - beta) * inverse * of_both
        };
        if !(share < MOST && share_given < MOST) {
            return None;
        }
        let seen = square.abs() * gap * inverse;
        let seen_given = if beta >= 0.0 {
            seen.min(dim.sqrt())
        } else {
            seen
        };
        let determinants = if near {
            2.0 * beta.abs() * excess_error * (excess + excess_error)
                + 2.0 * share * (inverse * beta.abs() * gap + share)
        } else {
            2.0 * share
        };
        let of_distance = distance * (1.2 * share + 2.0 * rounded * (inverse * own).sqrt())
            + 2.0 * inverse.sqrt() * offset_error * distance.sqrt()
            + inverse * offset_error * offset_error;
        let given = 1.2 * (seen_given * of_both + square.abs() * distance * share_given)
            + dim * (share_given * share_given + of_both * of_both) * (1.0 + square.abs());
        Some(determinants + square.abs() * of_distance + given)
    }
}

/// How far past the border, relative to it, a direction must be: more than rounding can do.
const MARGIN: f64 = 1e-9;

/// Whether ∫ p^α q^(1−α) dx is infinite for certain. False means: not shown to diverge.
///
/// For α > 1 the integrand grows without bound around a direction u if some component i of p has
/// α uᵀ Σ_pi⁻¹ u < (α−1) uᵀ Σ_qj⁻¹ u for every component j of q, since the widest of q rules its
/// tail; α < 0 exchanges p and q. The directions tried are the eigenvectors of every Σ_qj⁻¹ where
/// Σ_pi is I. That is exact in one dimension and for a q of one component, up to the border itself
/// (where equality holds) and 1e-9 beyond it, or as far as rounding may reach; with more, a
/// direction between eigenvectors can be missed. Components without weight do not count.
pub fn power_integral_diverges(p: &Mixture, q: &Mixture, alpha: f64) -> bool {
    let (p, q, excess) = if alpha < 0.0 {
        (q, p, -alpha)
    } else {
        (p, q, alpha - 1.0)
    };
    if excess.is_nan() || excess <= 0.0 || p.dim() != q.dim() {
        return false;
    }
    // α / (α−1): how many times as large as p's the precision of q must be.
    let border = (1.0 + 1.0 / excess) * (1.0 + MARGIN);
    let unscaled = vec![1.0; p.dim()];
    let of = |mixture: &Mixture, k: usize| FactoredGaussian::<f64>::new(mixture, k, &unscaled);
    let of_q: Vec<FactoredGaussian<f64>> = with_weight(q).map(|k| of(q, k)).collect();
    with_weight(p).any(|k| {
        // |B z|² is the precision of q along L_p z, of which that of p is |z|² = 1.
        let p = of(p, k);
        let seen: Vec<(DMatrix<f64>, f64)> = of_q.iter().map(|q| precision_root(&p, q)).collect();
        let diverges = |z: DVectorView<f64>| {
            (seen.iter()).all(|(b, error)| (b * z).norm() - error > border.sqrt())
        };
        (seen.iter().filter_map(|(b, _)| eigenvectors(b.tr_mul(b))))
            .any(|vectors| vectors.column_iter().any(diverges))
    })
}

/// L_q⁻¹ L_p, and a bound of the norm of what it is off by.
fn precision_root(p: &FactoredGaussian<f64>, q: &FactoredGaussian<f64>) -> (DMatrix<f64>, f64) {
    let root = q.factor.solve_triangle(p.factor.clone());
    let dim = root.dim();
    let spread = q.conditioning.spread(&root.row_norms());
    let error = roundings::<f64>(dim + 2) * squared_norm(&spread).sqrt()
        + root.squared_norm().sqrt() * (p.factored + q.factored);
    let full = DMatrix::from_fn(dim, dim, |i, j| if j > i { 0.0 } else { root.at(i, j) });
    (full, error)
}

/// The components with weight.
fn with_weight(mixture: &Mixture) -> impl Iterator<Item = usize> {
    (mixture.weights().iter().enumerate())
        .filter(|(_, weight)| **weight > 0.0)
        .map(|(k, _)| k)
}

/// `None` if the iteration does not end, as with numbers that overflowed.
fn eigenvectors(symmetric: DMatrix<f64>) -> Option<DMatrix<f64>> {
    let most = 100 * symmetric.nrows();
    SymmetricEigen::try_new(symmetric, f64::EPSILON, most).map(|found| found.eigenvectors)
}

#[cfg(test)]
mod tests {
    use super::super::gaussian_kl;
    use super::super::testing::{
        gaussian, near_pair_in_three_dimensions, pair_in_three_dimensions, relative_error, simpson,
    };
    use super::*;

    fn power(p: &Mixture, q: &Mixture, alpha: f64) -> f64 {
        gaussian_log_power_integral(p, q, alpha).unwrap().value
    }

    fn one_dimensional(weights: &[f64], stds: &[f64]) -> Mixture {
        let means = (0..stds.len()).map(|k| vec![k as f64]).collect();
        let stds = stds.iter().map(|&std| vec![std]).collect();
        Mixture::from_stds(weights.to_vec(), means, stds).unwrap()
    }

    /// Half-width w of a Gaussian at the origin along the angle, 1/w across it.
    fn tilted(angle: f64, width: f64) -> DMatrix<f64> {
        let (sin, cos) = angle.sin_cos();
        let axes = DMatrix::from_row_slice(2, 2, &[cos, -sin, sin, cos]);
        let squares = DMatrix::from_diagonal(&[width.powi(2), width.powi(-2)].to_vec().into());
        &axes * squares * axes.transpose()
    }

    fn cross(weights: Vec<f64>, covariances: Vec<DMatrix<f64>>) -> Mixture {
        Mixture::from_covariances(weights, vec![vec![0.0; 2]; covariances.len()], covariances)
            .unwrap()
    }

    #[test]
    fn agrees_with_many_digits() {
        // With v = a*s2**2 + (1-a)*s1**2 and 60 digits in mpmath: (1-a)*log(s1) + a*log(s2)
        // - log(v)/2 + a*(a-1)*(m1-m2)**2/(2*v)
        for ((m1, s1), (m2, s2), alpha, expected) in [
            ((0.0, 1.0), (1.0, 2.0), 0.5, -0.161_571_775_657_104_87),
            ((0.0, 1.0), (1.0, 2.0), 3.0, 1.228_148_995_182_813),
            ((0.0, 1.0), (1.0, 2.0), 1.25, 0.120_256_403_518_761_98),
            ((0.0, 1.0), (1.0, 2.0), 1e-3, -0.001_302_613_291_393_132_7),
            ((1.0, 2.0), (0.0, 1.5), -0.75, 0.197_406_879_538_219_28),
            ((-3.0, 0.01), (2.0, 50.0), 0.3, -5.363_548_878_168_396),
            ((0.0, 1e-20), (0.0, 1.0), 0.25, -33.845_629_214_350_74),
        ] {
            let (p, q) = (gaussian(m1, s1), gaussian(m2, s2));
            let found = power(&p, &q, alpha);
            assert!(
                relative_error(found, expected) < 1e-14,
                "{found} {expected}"
            );
            let exchanged = power(&q, &p, 1.0 - alpha);
            assert!(
                relative_error(exchanged, expected) < 1e-12,
                "{exchanged} {expected}"
            );
        }
    }

    #[test]
    fn keeps_its_digits_for_nearly_equal_gaussians() {
        let (p, q) = (gaussian(1.0, 3.0), gaussian(1.0 + 2e-9, 3.0 * (1.0 + 1e-9)));
        // The expression above.
        for (alpha, expected) in [
            (-3.0, 1.466_666_856_159_87e-17),
            (-0.5, 9.166_667_817_665_847e-19),
            (1e-6, -1.222_221_152_577_513_8e-24),
            (0.5, -3.055_555_934_777_503_5e-19),
            (0.75, -2.291_666_950_249_794e-19),
            (1.0 - 1e-6, -1.222_221_150_834_887e-24),
            (2.0, 2.444_444_742_488_668_7e-18),
            (40.0, 1.906_666_793_754_481_8e-15),
        ] {
            let found = power(&p, &q, alpha);
            assert!(
                relative_error(found, expected) < 1e-14,
                "{alpha}: {found} {expected}"
            );
            let like_kl = alpha * (alpha - 1.0) * gaussian_kl(&p, &q).unwrap().value;
            assert!(relative_error(found, like_kl) < 1e-7);
        }
        let (p, q) = near_pair_in_three_dimensions();
        // The formula in the docs with inverses and determinants, 60 digits in mpmath.
        for (alpha, expected) in [
            (-2.0, 3.335_645_135_759_161e-14),
            (0.25, -1.042_389_298_287_973e-15),
            (0.5, -1.389_852_426_363_710_4e-15),
            (3.0, 3.335_646_510_787_031e-14),
        ] {
            let found = power(&p, &q, alpha);
            assert!(
                relative_error(found, expected) < 1e-14,
                "{alpha}: {found} {expected}"
            );
        }
        for alpha in [-1.0, 0.0, 0.3, 1.0, 2.0] {
            assert_eq!(power(&p, &p, alpha), 0.0);
            assert_eq!(power(&p, &q, 0.0), 0.0);
            assert_eq!(power(&p, &q, 1.0), 0.0);
        }
    }

    #[test]
    fn agrees_with_its_definition() {
        // A gap of ½ is where the determinants change from one form to the other.
        let p = gaussian(0.2, 1.0);
        for std in [0.6, 0.8, 0.816_5, 0.9, 1.1, 1.224_7, 1.224_8, 1.3, 1.5] {
            let q = gaussian(-0.1, std);
            for alpha in [-0.3, 0.1, 0.5, 0.7, 1.0, 1.3] {
                let integrand = |x: f64| {
                    (alpha * p.log_density(&[x]) + (1.0 - alpha) * q.log_density(&[x])).exp()
                };
                let expected = simpson(integrand, -30.0, 30.0, 6000).ln();
                let found = power(&p, &q, alpha);
                assert!(
                    (found - expected).abs() < 1e-13,
                    "{std} {alpha}: {found} {expected}"
                );
            }
        }
    }

    #[test]
    fn agrees_with_the_textbook_formula_in_three_dimensions() {
        let (p, q) = pair_in_three_dimensions();
        let (sp, sq) = (p.component_covariance(0), q.component_covariance(0));
        let offset = &q.means()[0] - &p.means()[0];
        for alpha in [-0.1, 0.2, 0.5, 0.9, 1.1] {
            let star = &sq * alpha + &sp * (1.0 - alpha);
            let inverse = star.clone().try_inverse().unwrap();
            let logs = (1.0 - alpha) * sp.determinant().ln() + alpha * sq.determinant().ln()
                - star.determinant().ln();
            let distance = (offset.transpose() * inverse * &offset)[0];
            let expected = 0.5 * (logs - alpha * (1.0 - alpha) * distance);
            let found = power(&p, &q, alpha);
            assert!(
                (found - expected).abs() < 1e-12,
                "{alpha}: {found} {expected}"
            );
        }
    }

    #[test]
    fn gaussians_diverge_exactly_where_the_mixed_covariance_is_not_positive() {
        // α 1² + (1−α) 2² = 0 at α = 4/3, and α 2² + (1−α) 1² = 0 at α = −1/3.
        let (wide, narrow) = (gaussian(0.0, 2.0), gaussian(1.0, 1.0));
        for (p, q, border) in [(&wide, &narrow, 4.0 / 3.0), (&narrow, &wide, -1.0 / 3.0)] {
            for (alpha, infinite) in [(border - 1e-8, border < 0.0), (border + 1e-8, border > 0.0)]
            {
                assert_eq!(power(p, q, alpha) == f64::INFINITY, infinite, "{alpha}");
                assert_eq!(power_integral_diverges(p, q, alpha), infinite, "{alpha}");
            }
        }
        let (p, q) = pair_in_three_dimensions();
        for alpha in (-80..=80).map(|i| f64::from(i) / 20.0) {
            let infinite = power(&p, &q, alpha) == f64::INFINITY;
            assert_eq!(power_integral_diverges(&p, &q, alpha), infinite, "{alpha}");
        }
        for alpha in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(gaussian_log_power_integral(&p, &q, alpha), None);
        }
        assert_eq!(gaussian_log_power_integral(&p, &wide, 0.5), None);
        assert!(!power_integral_diverges(&p, &wide, 2.0));
    }

    #[test]
    fn the_widest_component_with_weight_rules_the_tail() {
        let p = one_dimensional(&[0.7, 0.3], &[1.0, 2.0]);
        let at_two = |q: &Mixture| power_integral_diverges(&p, q, 2.0);
        // ∫ p²/q needs 2 σ_q² > σ_p² of the widest: 2 here, so σ_q > √2.
        let border = 2.0_f64.sqrt();
        assert!(at_two(&one_dimensional(&[0.5, 0.5], &[border - 1e-8, 0.1])));
        assert!(!at_two(&one_dimensional(
            &[0.5, 0.5],
            &[border + 1e-8, 0.1]
        )));
        assert!(at_two(&one_dimensional(&[1.0, 0.0], &[1.4, 5.0])));
        assert!(!power_integral_diverges(
            &one_dimensional(&[1.0, 0.0], &[1.0, 2.0]),
            &gaussian(0.0, 1.0),
            2.0
        ));
        // ∫ q²/p exchanges the roles: 2 · 2² > σ_q².
        let widest = 8.0_f64.sqrt();
        for (std, infinite) in [(widest - 1e-7, false), (widest + 1e-7, true)] {
            let q = one_dimensional(&[0.9, 0.1], &[1.0, std]);
            assert_eq!(power_integral_diverges(&p, &q, -1.0), infinite);
        }
        for alpha in [0.0, 0.5, 1.0, f64::NAN] {
            assert!(!power_integral_diverges(&p, &gaussian(0.0, 1e-3), alpha));
        }
    }

    #[test]
    fn in_the_plane_it_agrees_with_a_walk_around_the_horizon() {
        let p = cross(vec![0.5, 0.5], vec![tilted(0.3, 1.0), tilted(0.9, 1.5)]);
        let mut counts = [0; 2];
        for (first, second) in (0..40).map(|i| (0.08 * f64::from(i), 0.05 * f64::from(i % 7))) {
            let covariances = vec![tilted(first, 1.3), tilted(first + second, 1.6) * 0.6];
            let q = cross(vec![0.4, 0.6], covariances);
            for alpha in [1.5, 2.0, 3.5] {
                // Far out the integrand rises along some ray where it is not integrable.
                let rises = (0..2000).any(|k| {
                    let (sin, cos) = (f64::from(k) * std::f64::consts::PI / 2000.0).sin_cos();
                    let x = [1e4 * cos, 1e4 * sin];
                    alpha * p.log_density(&x) > (alpha - 1.0) * q.log_density(&x)
                });
                let found = power_integral_diverges(&p, &q, alpha);
                assert_eq!(found, rises, "{first} {second} {alpha}");
                counts[usize::from(found)] += 1;
            }
        }
        assert!(counts.iter().all(|&count| count > 10), "{counts:?}");
    }

    #[test]
    fn a_direction_between_eigenvectors_is_missed_but_never_invented() {
        // Precisions (4, 1) and (1, 4): 2.5 along the diagonal exceeds 2, which no axis shows.
        let p = cross(vec![1.0], vec![DMatrix::identity(2, 2)]);
        let along = |x: f64, y: f64| DMatrix::from_diagonal(&vec![1.0 / x, 1.0 / y].into());
        let q = cross(vec![0.5, 0.5], vec![along(4.0, 1.0), along(1.0, 4.0)]);
        assert!(!power_integral_diverges(&p, &q, 2.0));
        // Finite along one axis only: the other is found.
        let q = cross(vec![0.5, 0.5], vec![along(4.0, 1.0), along(2.1, 0.1)]);
        assert!(power_integral_diverges(&p, &q, 2.0));
        let q = cross(vec![0.5, 0.5], vec![along(4.0, 1.0), along(1.9, 0.1)]);
        assert!(!power_integral_diverges(&p, &q, 2.0));
    }
}
