//! KL between two Gaussians, exactly.

use super::{Whitened, log_minus_linear};
use crate::mixture::Mixture;

/// KL(p‖q) in nats of two Gaussians; `None` if either is a mixture of more than one, or their
/// dimensions differ.
///
/// ½ [ tr(Σ_q⁻¹ Σ_p) + (μ_q − μ_p)ᵀ Σ_q⁻¹ (μ_q − μ_p) − D + ln |Σ_q| − ln |Σ_p| ]
/// (Kullback 1959, ch. 9). With E = L_q⁻¹ (L_p − L_q) and Σ = L Lᵀ the terms without means are
/// ‖E‖² − 2 Σᵢ (ln(1 + Eᵢᵢ) − Eᵢᵢ), each ≥ 0 by itself.
pub fn gaussian_kl(p: &Mixture, q: &Mixture) -> Option<f64> {
    Whitened::new(p, q).map(of)
}

/// KL in nats from one component of p to one of q, by their places; they have one dimension. NaN if
/// the numbers overflow.
pub(crate) fn component_kl(f: (&Mixture, usize), g: (&Mixture, usize)) -> f64 {
    Whitened::of_components(f, g).map_or(f64::NAN, of)
}

fn of(at: Whitened) -> f64 {
    let logs: f64 = (at.excess.diagonal().iter().zip(&at.log_ratios))
        .map(|(&excess, &log)| log_minus_linear(excess, log))
        .sum();
    0.5 * (at.excess.norm_squared() + at.offset.norm_squared()) - logs
}

#[cfg(test)]
mod tests {
    use super::super::testing::{
        gaussian, near_pair_in_three_dimensions, pair_in_three_dimensions, relative_error,
    };
    use super::*;

    #[test]
    fn agrees_with_published_numbers() {
        let kl = |p, q| gaussian_kl(&p, &q).unwrap();
        assert!((kl(gaussian(0.0, 2.0), gaussian(2.0, 2.0)) - 0.5).abs() < 1e-15);
        assert!((kl(gaussian(0.0, 2.0), gaussian(5.0, 4.0)) - 1.09939718).abs() < 1e-8);
        assert!((kl(gaussian(5.0, 4.0), gaussian(0.0, 2.0)) - 3.93185282).abs() < 1e-8);
        assert!((kl(gaussian(0.0, 2.0), gaussian(0.0, 1.0)) - 0.80685282).abs() < 1e-8);
    }

    #[test]
    fn keeps_its_digits_for_nearly_equal_and_very_different_gaussians() {
        let p = gaussian(1.0, 3.0);
        assert_eq!(gaussian_kl(&p, &p), Some(0.0));
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
            let found = gaussian_kl(&p, &q).unwrap();
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
        let found = gaussian_kl(&p, &q).unwrap();
        assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    }
}
