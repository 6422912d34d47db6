//! KL between two Gaussians, exactly.

use super::{Formula, Sizes, Whitened, evaluate, log_minus_linear};
use crate::divergence::Estimate;
use crate::mixture::Mixture;
use crate::precise::{Number, ROUNDING};

/// KL(p‖q) in nats of two Gaussians with its error; `None` if either is a mixture of more than one,
/// or their dimensions differ.
///
/// ½ [ tr(Σ_q⁻¹ Σ_p) + (μ_q − μ_p)ᵀ Σ_q⁻¹ (μ_q − μ_p) − D + ln |Σ_q| − ln |Σ_p| ]
/// (Kullback 1959, ch. 9). With E = L_q⁻¹ (L_p − L_q) and Σ = L Lᵀ the terms without means are
/// ‖E‖² − 2 Σᵢ (ln(1 + Eᵢᵢ) − Eᵢᵢ), each ≥ 0 by itself.
pub fn gaussian_kl(p: &Mixture, q: &Mixture) -> Option<Estimate> {
    evaluate(p, q, &Kl)
}

pub(super) struct Kl;

impl Formula for Kl {
    fn evaluate<T: Number>(&self, at: &Whitened<T>) -> Option<Estimate> {
        let half = T::new(0.5, 0.0);
        let squares = at.excess.squared_norm() + at.squared_offset();
        let logs: f64 = (at.log_ratios.iter().enumerate())
            .map(|(i, &log)| -log_minus_linear(at.excess.at(i, i).rounded(), log))
            .sum();
        let value = (half * squares + T::new(logs, 0.0)).rounded();
        let Sizes {
            excess,
            excess_error,
            offset,
            offset_error,
            dim,
        } = at.sizes();
        // Of E and of the offset, which stand in squares.
        let solved =
            excess_error * (excess + excess_error) + offset_error * (offset + offset_error);
        // A covariance of L (I + δ) Lᵀ in place of L Lᵀ changes KL by ½⟨MᵀM − I, δ_p⟩ and by
        // ½⟨I − MMᵀ − offset offsetᵀ, δ_q⟩ to first order, M being I + E.
        let [of_p, of_q] = at.factored;
        let gap = excess * (2.0 + excess);
        let first = 0.5 * (gap * (of_p + of_q) + offset * offset * of_q);
        let second = (dim + gap + offset * offset) * (of_p * of_p + of_q * of_q);
        // Every logarithm keeps all but a few units; sums of D terms and of columns of D are rounded.
        let summed = (16.0 * ROUNDING + 2.0 * dim * T::UNIT) * value;
        let tiny = if value > 0.0 || excess > 0.0 || offset > 0.0 {
            f64::MIN_POSITIVE
        } else {
            0.0
        };
        Some(Estimate::closed_form(
            value,
            solved + first + second + summed + tiny,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{
        gaussian, near_pair_in_three_dimensions, pair_in_three_dimensions, relative_error,
    };
    use super::*;

    #[test]
    fn agrees_with_published_numbers() {
        let kl = |p, q| gaussian_kl(&p, &q).unwrap().value;
        assert!((kl(gaussian(0.0, 2.0), gaussian(2.0, 2.0)) - 0.5).abs() < 1e-15);
        assert!((kl(gaussian(0.0, 2.0), gaussian(5.0, 4.0)) - 1.09939718).abs() < 1e-8);
        assert!((kl(gaussian(5.0, 4.0), gaussian(0.0, 2.0)) - 3.93185282).abs() < 1e-8);
        assert!((kl(gaussian(0.0, 2.0), gaussian(0.0, 1.0)) - 0.80685282).abs() < 1e-8);
    }

    #[test]
    fn keeps_its_digits_for_nearly_equal_and_very_different_gaussians() {
        let p = gaussian(1.0, 3.0);
        assert_eq!(gaussian_kl(&p, &p), Some(Estimate::exact(0.0)));
        let (near_p, near_q) = near_pair_in_three_dimensions();
        // log(s2/s1) + (s1**2 + (m1-m2)**2)/(2*s2**2) - 1/2 with 60 digits in mpmath; the last by
        // inverses and determinants of matrices of 3 x 3.
        for (p, q, expected) in [
            (
                p,
                gaussian(1.0, 3.0 * (1.0 + 1e-9)),
                1.000_000_163_814_081_8e-18,
            ),
            (
                gaussian(0.0, 1e-20),
                gaussian(0.0, 1.0),
                45.551_701_859_880_914,
            ),
            (near_p, near_q, 5.559_409_934_626_167e-15),
        ] {
            let found = gaussian_kl(&p, &q).unwrap().value;
            assert!(relative_error(found, expected) < 1e-14, "{found}");
        }
    }

    #[test]
    fn agrees_with_the_textbook_formula_in_three_dimensions() {
        let (p, q) = pair_in_three_dimensions();
        let (sp, sq) = (p.component_covariance(0), q.component_covariance(0));
        let inverse = sq.clone().try_inverse().unwrap();
        let offset = &q.means()[0] - &p.means()[0];
        let expected = 0.5
            * ((&inverse * &sp).trace() + (offset.transpose() * &inverse * &offset)[0] - 3.0
                + (sq.determinant() / sp.determinant()).ln());
        let found = gaussian_kl(&p, &q).unwrap().value;
        assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    }
}
