//! Total variation between two Gaussians where it has a closed form.

use std::f64::consts::TAU;
use std::num::NonZeroUsize;

use gauss_quad::GaussLegendre;

use super::{Formula, Sizes, Whitened, evaluate};
use crate::divergence::Estimate;
use crate::mixture::Mixture;
use crate::precise::{Doubled, Number, ROUNDING};

/// The sums of positive terms that make it are right to this many roundings.
const ROUNDS: f64 = 32.0;

/// ½ ∫ |p − q| dx of two Gaussians, in [0, 1], with its error; `None` unless their covariance factors
/// are equal or they have one dimension.
///
/// 2Φ(δ/2) − 1 with δ the Mahalanobis distance of the means for equal covariances; otherwise the
/// differences of Φ between the two points where p = q (both follow from the definition).
pub fn gaussian_total_variation(p: &Mixture, q: &Mixture) -> Option<Estimate> {
    // The narrower of the two is made the standard normal.
    let std = |mixture: &Mixture| mixture.factor_entry::<Doubled>(0, 0, 0, 1.0);
    if p.dim() == 1 && (std(p) - std(q)).rounded() < 0.0 {
        evaluate(q, p, &TotalVariation)
    } else {
        evaluate(p, q, &TotalVariation)
    }
}

struct TotalVariation;

impl Formula for TotalVariation {
    fn evaluate<T: Number>(&self, at: &Whitened<T>) -> Option<Estimate> {
        let Sizes {
            excess,
            offset,
            offset_error,
            ..
        } = at.sizes();
        let value = if excess == 0.0 {
            // No more is lost at a hundred than at any distance beyond, or at one that overflowed.
            let delta = offset.min(100.0);
            normal_mass(0.5 * delta, delta).min(1.0)
        } else if at.offset.len() == 1 {
            let excess = at.excess.at(0, 0).rounded();
            between_normals(offset, excess.max(0.0)).min(1.0)
        } else {
            return None;
        };
        if value.is_nan() {
            return None;
        }
        // It rises by less than √(2/π)/2 of the distance, which a covariance of L (I + δ) Lᵀ in
        // place of L Lᵀ changes by half of δ; and a share of the distance is never more than that
        // share of the number.
        let share = 0.5 * (at.factored[0] + at.factored[1])
            + if offset > 0.0 {
                offset_error / offset
            } else {
                0.0
            };
        let error = (share.min(1.0) + ROUNDS * ROUNDING) * value;
        Some(Estimate::closed_form(value, error))
    }
}

/// Total variation between N(0, 1) and the wider N(m, s²) with s = 1 + excess; m ≥ 0, excess > 0.
///
/// log p = log q is (s² − 1) x² + 2 m x − m² − 2 s² ln s = 0. Its roots, and what they are moved by
/// as N(m, s²) is standardised in turn, are all written as sums of positive terms.
fn between_normals(m: f64, excess: f64) -> f64 {
    let (s, log_s) = (1.0 + excess, excess.ln_1p());
    // Nothing is shared from here on, and squares would overflow later.
    if m.max(s) > 1e100 {
        return 1.0;
    }
    // A quarter of the discriminant is (s root)².
    let spread = 2.0 * log_s * excess * (2.0 + excess);
    let root = (m * m + spread).sqrt();
    let right = (m * m + 2.0 * s * s * log_s) / (m + s * root);
    let left = (m + s * root) / (excess * (2.0 + excess));
    normal_mass(right, (root + m) / (2.0 + excess))
        + normal_mass(left, spread / (root + m) / (2.0 + excess))
}

/// Φ(x) − Φ(x − width), to the accuracy of the width however small; x and width ≥ 0.
///
/// By Gauss–Legendre, as a difference of two values of Φ would lose the digits of a small width.
fn normal_mass(x: f64, width: f64) -> f64 {
    // Beyond nine standard deviations there is less than 1e-18.
    const REACH: f64 = 9.0;
    let x_seen = x.min(REACH);
    let width = (width - (x - x_seen)).clamp(0.0, x_seen + REACH);
    // Ten nodes are exact to rounding over half a standard deviation.
    let rule = GaussLegendre::new(const { NonZeroUsize::new(10).unwrap() });
    let pieces = (2.0 * width).ceil().max(1.0);
    let step = width / pieces;
    let density = |t: f64| (-0.5 * (x_seen - step * t).powi(2)).exp() / TAU.sqrt();
    let piece = |k: u32| rule.integrate(k.into(), f64::from(k) + 1.0, density);
    step * (0..pieces as u32).map(piece).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{
        gaussian, in_three_dimensions, pair_in_three_dimensions, relative_error, simpson,
    };
    use super::*;

    fn distance(p: &Mixture, q: &Mixture) -> f64 {
        gaussian_total_variation(p, q).unwrap().value
    }

    /// ½ ∫ |p − q| over [−40, 40] by Simpson's rule between the changes of sign.
    fn integrated(p: &Mixture, q: &Mixture) -> f64 {
        let log_ratio = |x: f64| p.log_density(&[x]) - q.log_density(&[x]);
        let cells = (-4000..4000).map(|i| (f64::from(i) * 0.01, f64::from(i + 1) * 0.01));
        let mut ends = vec![-40.0];
        for (mut low, mut high) in cells {
            let sign = log_ratio(low) > 0.0;
            if sign != (log_ratio(high) > 0.0) {
                for _ in 0..60 {
                    let middle = 0.5 * (low + high);
                    if sign == (log_ratio(middle) > 0.0) {
                        low = middle;
                    } else {
                        high = middle;
                    }
                }
                ends.push(low);
            }
        }
        ends.push(40.0);
        let difference = |x: f64| p.log_density(&[x]).exp() - q.log_density(&[x]).exp();
        let pieces = ends
            .windows(2)
            .map(|ends| simpson(difference, ends[0], ends[1], 40_000));
        0.5 * pieces.map(f64::abs).sum::<f64>()
    }

    #[test]
    fn agrees_with_many_digits() {
        // The roots of the quadratic and differences of erfc(-x/sqrt(2))/2, 60 digits in mpmath.
        for ((m1, s1), (m2, s2), expected) in [
            ((0.0, 1.0), (0.0, 2.0), 0.322_674_568_834_768_64),
            ((0.0, 1.0), (1.0, 2.0), 0.390_065_660_121_055_65),
            ((5.0, 4.0), (0.0, 2.0), 0.630_618_780_033_692_6),
            ((0.0, 1.0), (3.0, 1.01), 0.864_443_829_030_639_8),
            ((0.0, 1.0), (6.0, 0.5), 0.999_940_322_726_801_6),
            ((0.0, 1.0), (0.0, 1000.0), 0.996_832_667_481_805_3),
            ((0.0, 1.0), (0.0, 1e10), 0.999_999_999_447_027),
            ((0.0, 1.0), (1.0, 1.0 + 1e-12), 0.382_924_922_547_850_16),
            ((0.0, 1.0), (1e-3, 1.0001), 0.000_400_902_205_576_079_6),
            (
                (1.0, 3.0),
                (1.0, 3.0 * (1.0 + 1e-9)),
                4.839_414_888_378_109e-10,
            ),
            (
                (1.0, 3.0),
                (1.0 + 2e-9, 3.0 * (1.0 + 1e-9)),
                5.367_126_423_667_435e-10,
            ),
            (
                (1.0, 3.0),
                (1.0 + 1e-9, 3.0 * (1.0 + 1e-12)),
                1.329_813_696_523_555_7e-10,
            ),
        ] {
            for mirror in [1.0, -1.0] {
                let (p, q) = (gaussian(mirror * m1, s1), gaussian(mirror * m2, s2));
                for found in [distance(&p, &q), distance(&q, &p)] {
                    assert!(
                        relative_error(found, expected) < 2e-15,
                        "{found} {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn agrees_with_its_definition() {
        for std in [0.4, 0.9, 1.0, 1.1, 1.5, 4.0] {
            for mean in [-4.0, -0.2, 0.3, 1.0, 6.0] {
                let (p, q) = (gaussian(0.3, 1.0), gaussian(mean, std));
                let (found, expected) = (distance(&p, &q), integrated(&p, &q));
                assert!(
                    (found - expected).abs() < 1e-13,
                    "{mean} {std}: {found} {expected}"
                );
            }
        }
    }

    #[test]
    fn stays_within_its_bounds_however_different_the_gaussians() {
        let p = gaussian(0.0, 1.0);
        assert_eq!(distance(&p, &p), 0.0);
        let sizes = [
            0.0, 1e-300, 1e-16, 1e-8, 1.0, 1e8, 1e99, 1e101, 1e200, 1e300,
        ];
        for mean in sizes {
            for std in sizes.iter().flat_map(|s| [*s, 1.0 + s, 1.0 - s]) {
                if std > 0.0 {
                    let q = gaussian(mean, std);
                    for found in [distance(&p, &q), distance(&q, &p)] {
                        assert!((0.0..=1.0).contains(&found), "{mean} {std}: {found}");
                        assert!(
                            mean < 1e8 || found == 1.0 || std > 1e7,
                            "{mean} {std}: {found}"
                        );
                        assert!(std < 1e99 || found == 1.0, "{mean} {std}: {found}");
                    }
                }
            }
        }
    }

    #[test]
    fn equal_covariances_need_only_the_distance_of_the_means() {
        let rows = [[1.0, 0.0, 0.0], [0.4, 0.5, 0.0], [-0.3, 0.4, 2.0]];
        let p = in_three_dimensions([0.0, 1.0, 2.0], rows);
        let q = in_three_dimensions([0.5, 1.3, 1.0], rows);
        // Along the line between the whitened means it is one-dimensional.
        let offset = &q.means()[0] - &p.means()[0];
        let inverse = p.component_covariance(0).try_inverse().unwrap();
        let delta = (offset.transpose() * inverse * &offset)[0].sqrt();
        let expected = integrated(&gaussian(0.0, 1.0), &gaussian(delta, 1.0));
        assert!((distance(&p, &q) - expected).abs() < 1e-13);
        let (p, q) = pair_in_three_dimensions();
        assert_eq!(gaussian_total_variation(&p, &q), None);
    }
}
