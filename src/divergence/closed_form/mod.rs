//! Divergences of Gaussians without integration, and what can be said of mixtures.
//!
//! Everything is worked out where q is a standard normal, from the difference between p and q
//! there, so that nearly equal Gaussians lose nothing to rounding.

mod kl;
mod power;
mod total_variation;

use nalgebra::{DMatrix, DVector};

use crate::mixture::Mixture;

pub(crate) use kl::component_kl;
pub use kl::gaussian_kl;
pub use power::{gaussian_log_power_integral, power_integral_diverges};
pub use total_variation::gaussian_total_variation;

/// Two Gaussians seen where q = L_q L_qᵀ is standard normal: there p is
/// N(offset, (I + excess)(I + excess)ᵀ).
struct Whitened {
    /// L_q⁻¹ (L_p − L_q), lower triangular.
    excess: DMatrix<f64>,
    /// L_q⁻¹ (μ_p − μ_q).
    offset: DVector<f64>,
    /// ln of the diagonal of I + excess; kept because excess rounds small ratios away.
    log_ratios: DVector<f64>,
}

impl Whitened {
    /// `None` if either is a mixture of more than one, or their dimensions differ.
    fn new(p: &Mixture, q: &Mixture) -> Option<Self> {
        if p.components() != 1 || q.components() != 1 || p.dim() != q.dim() {
            return None;
        }
        Self::of_components((p, 0), (q, 0))
    }

    /// One component of each, of one dimension.
    fn of_components((p, a): (&Mixture, usize), (q, b): (&Mixture, usize)) -> Option<Self> {
        let (lp, lq) = (&p.scale_trils()[a], &q.scale_trils()[b]);
        Some(Self {
            excess: lq.solve_lower_triangular(&(lp - lq))?,
            offset: lq.solve_lower_triangular(&(&p.means()[a] - &q.means()[b]))?,
            log_ratios: lp.diagonal().zip_map(&lq.diagonal(), |p, q| {
                let ratio: f64 = p / q;
                // Two logarithms lose the digits of nearly equal numbers, but do not overflow.
                if ratio.is_normal() {
                    ratio.ln()
                } else {
                    p.ln() - q.ln()
                }
            }),
        })
    }
}

/// ln(1 + x) − x from x and ln(1 + x), to the accuracy of x where that difference cancels.
fn log_minus_linear(x: f64, log: f64) -> f64 {
    if x.abs() > 0.5 {
        return log - x;
    }
    // ln(1 + x) = 2 artanh r = 2 (r + r³/3 + r⁵/5 + …), and 2r − x = −r x; r² ≤ 1/9.
    let r = x / (2.0 + x);
    let tail = (0..18)
        .rev()
        .fold(0.0, |sum, k| sum * r * r + 1.0 / (2.0 * f64::from(k) + 3.0));
    r * (2.0 * r * r * tail - x)
}

#[cfg(test)]
mod testing {
    use super::*;

    pub fn gaussian(mean: f64, std: f64) -> Mixture {
        Mixture::from_stds(vec![1.0], vec![vec![mean]], vec![vec![std]]).unwrap()
    }

    pub fn in_three_dimensions(mean: [f64; 3], rows: [[f64; 3]; 3]) -> Mixture {
        let factor = DMatrix::from_row_slice(3, 3, &rows.concat());
        Mixture::new(vec![1.0], vec![mean.to_vec()], vec![factor]).unwrap()
    }

    /// Two Gaussians with every parameter different.
    pub fn pair_in_three_dimensions() -> (Mixture, Mixture) {
        let make = |s: f64, mean: f64| {
            let rows = [[1.0, 0.0, 0.0], [s, 0.5, 0.0], [-0.3, s, 2.0]];
            in_three_dimensions([mean, 0.0, 1.0], rows)
        };
        (make(0.4, 0.0), make(-0.2, 1.5))
    }

    /// The same with parameters that differ by some 1e-8.
    pub fn near_pair_in_three_dimensions() -> (Mixture, Mixture) {
        let make = |e: f64| {
            let rows = [
                [1.0 + e, 0.0, 0.0],
                [0.4 - 2.0 * e, 0.5 + 3.0 * e, 0.0],
                [-0.3 + e, 0.4, 2.0 - 4.0 * e],
            ];
            in_three_dimensions([e, 0.0, 1.0 - 2.0 * e], rows)
        };
        (make(1e-8), make(0.0))
    }

    /// Simpson's rule with n intervals, n even.
    pub fn simpson(f: impl Fn(f64) -> f64, from: f64, to: f64, n: u32) -> f64 {
        let step = (to - from) / f64::from(n);
        let weight = |i| match i {
            i if i == 0 || i == n => 1.0,
            i if i % 2 == 1 => 4.0,
            _ => 2.0,
        };
        let terms = (0..=n).map(|i| weight(i) * f(from + f64::from(i) * step));
        terms.sum::<f64>() * step / 3.0
    }

    pub fn relative_error(found: f64, expected: f64) -> f64 {
        ((found - expected) / expected).abs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use testing::relative_error;

    #[test]
    fn the_logarithm_without_its_linear_part_keeps_every_digit() {
        // mp.log1p(mpf(x)) - mpf(x)
        for (x, expected) in [
            (1e-9, -4.999_999_996_666_667e-19),
            (-1e-3, -5.003_335_835_335_002e-7),
            (0.5, -0.094_534_891_891_835_62),
            (-0.5, -0.193_147_180_559_945_31),
            (3.0, -1.613_705_638_880_109_4),
        ] {
            let found = log_minus_linear(x, f64::ln_1p(x));
            assert!(relative_error(found, expected) < 1e-15, "{x}: {found}");
        }
    }
}
