//! KL between two Gaussians, exactly.

use nalgebra::DMatrix;

use crate::mixture::Mixture;

/// KL(p‖q) in nats of two Gaussians; `None` if either is a mixture of more than one, or their
/// dimensions differ.
///
/// ½ [ tr(Σ_q⁻¹ Σ_p) + (μ_q − μ_p)ᵀ Σ_q⁻¹ (μ_q − μ_p) − D + ln |Σ_q| − ln |Σ_p| ]
/// (Kullback 1959, ch. 9), with Σ = L Lᵀ throughout so that nothing is inverted.
pub fn gaussian_kl(p: &Mixture, q: &Mixture) -> Option<f64> {
    if p.components() != 1 || q.components() != 1 || p.dim() != q.dim() {
        return None;
    }
    let (lp, lq) = (&p.scale_trils()[0], &q.scale_trils()[0]);
    let shape: DMatrix<f64> = lq.solve_lower_triangular(lp)?;
    let offset = lq.solve_lower_triangular(&(&q.means()[0] - &p.means()[0]))?;
    // Each term of the sum is ≥ 0 by itself, so nearly equal Gaussians lose nothing to rounding.
    let diagonal: f64 = (shape.diagonal().iter())
        .map(|ratio| {
            let excess = ratio - 1.0;
            excess * (excess + 2.0) - 2.0 * excess.ln_1p()
        })
        .sum();
    let below: f64 = (0..shape.nrows())
        .flat_map(|i| (0..i).map(move |j| (i, j)))
        .map(|at| shape[at] * shape[at])
        .sum();
    Some(0.5 * (diagonal + below + offset.norm_squared()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gaussian(mean: f64, std: f64) -> Mixture {
        Mixture::from_stds(vec![1.0], vec![vec![mean]], vec![vec![std]]).unwrap()
    }

    #[test]
    fn agrees_with_published_numbers() {
        let kl = |p, q| gaussian_kl(&p, &q).unwrap();
        assert!((kl(gaussian(0.0, 2.0), gaussian(2.0, 2.0)) - 0.5).abs() < 1e-15);
        assert!((kl(gaussian(0.0, 2.0), gaussian(5.0, 4.0)) - 1.09939718).abs() < 1e-8);
        assert!((kl(gaussian(5.0, 4.0), gaussian(0.0, 2.0)) - 3.93185282).abs() < 1e-8);
        assert!((kl(gaussian(0.0, 2.0), gaussian(0.0, 1.0)) - 0.80685282).abs() < 1e-8);
    }

    #[test]
    fn is_zero_for_equal_gaussians_and_tiny_for_nearly_equal_ones() {
        let p = gaussian(1.0, 3.0);
        assert_eq!(gaussian_kl(&p, &p), Some(0.0));
        let kl = gaussian_kl(&p, &gaussian(1.0, 3.0 * (1.0 + 1e-9))).unwrap();
        // Two standard deviations apart by a factor 1 + ε give KL = ε² to first order.
        assert!((kl / 1e-18 - 1.0).abs() < 1e-6, "{kl}");
    }

    #[test]
    fn agrees_with_the_textbook_formula_in_three_dimensions() {
        let factor =
            |s: f64| DMatrix::from_row_slice(3, 3, &[1.0, 0., 0., s, 0.5, 0., -0.3, s, 2.0]);
        let make = |s: f64, mean: f64| {
            Mixture::new(vec![1.0], vec![vec![mean, 0.0, 1.0]], vec![factor(s)]).unwrap()
        };
        let (p, q) = (make(0.4, 0.0), make(-0.2, 1.5));
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
