//! The modes of a mixture of Gaussians.

use nalgebra::{Cholesky, DMatrix, DVector};
use rayon::prelude::*;

use super::{Mixture, natural::pairs};

/// A climb ends with a step this long, in local widths.
const ARRIVED: f64 = 1e-9;
/// Climbs that end this close, in local widths, found the same mode.
const SAME: f64 = 1e-2;
/// A climb gives up after this many steps, which only a mode without curvature takes.
const MOST_STEPS: usize = 1000;
/// Climbs between two components start where the second has this share in their product.
const SHARES: [f64; 3] = [0.25, 0.5, 0.75];
/// How far a mode may curve upwards, relative to how a component there curves downwards: rounding.
const CURVED_UP: f64 = 1e-6;

/// The modes, D coordinates each, the highest first.
///
/// Each climb is the fixed-point iteration of Carreira-Perpiñán, "Mode-finding for mixtures of
/// Gaussian distributions", IEEE Transactions on Pattern Analysis and Machine Intelligence 22(11),
/// 2000, which never goes downhill; Newton's steps replace its own where they climb higher. K climbs
/// start at the means and 3 K(K − 1)/2 between two of them, since a mixture may have more modes than
/// components (Carreira-Perpiñán and Williams 2003). A mode that no start leads to is not found.
pub fn modes(mixture: &Mixture) -> Vec<DVector<f64>> {
    let mixture = WithPrecisions::new(mixture);
    let mut tops: Vec<Top> = (mixture.starts().into_par_iter())
        .filter_map(|start| mixture.climb(start))
        .filter(|top| top.slope.is_level())
        .collect();
    tops.sort_by(|a, b| b.log_density.total_cmp(&a.log_density));
    let mut modes: Vec<Top> = Vec::new();
    for top in tops {
        if !(modes.iter()).any(|mode| mode.slope.widths(&(&top.at - &mode.at)) <= SAME) {
            modes.push(top);
        }
    }
    modes.into_iter().map(|mode| mode.at).collect()
}

/// Where a climb ended.
struct Top {
    at: DVector<f64>,
    log_density: f64,
    slope: Slope,
}

/// The derivatives of log p at a point x.
struct Slope {
    /// ∇ log p, D.
    gradient: DVector<f64>,
    /// Σₖ p(k|x) Σₖ⁻¹, D × D: the inverse of the squared local width.
    precision: DMatrix<f64>,
    /// −∇∇ᵀ log p, D × D.
    curvature: DMatrix<f64>,
}

impl Slope {
    /// The length of a step in local widths.
    fn widths(&self, step: &DVector<f64>) -> f64 {
        step.dot(&(&self.precision * step)).sqrt()
    }

    /// Whether log p curves upwards in no direction.
    fn is_level(&self) -> bool {
        Cholesky::new(&self.curvature + &self.precision * CURVED_UP).is_some()
    }
}

/// A mixture with the inverses of its covariances.
struct WithPrecisions<'a> {
    mixture: &'a Mixture,
    precisions: Vec<DMatrix<f64>>,
}

impl<'a> WithPrecisions<'a> {
    fn new(mixture: &'a Mixture) -> Self {
        let precisions = (mixture.scale_trils().iter())
            .map(|factor| Cholesky::pack_dirty(factor.clone()).inverse())
            .collect();
        Self {
            mixture,
            precisions,
        }
    }

    /// Where climbs start: at each mean and, for each two components, at the tops of products
    /// N₁^(1−α) N₂^α.
    ///
    /// Those are points of the ridgeline on which all modes of the two lie (Ray and Lindsay 2005).
    /// They lead to modes that no mean leads to, such as where two long components cross.
    fn starts(&self) -> Vec<DVector<f64>> {
        let (means, weights) = (self.mixture.means(), self.mixture.weights());
        let present: Vec<usize> = (0..means.len()).filter(|&k| weights[k] > 0.0).collect();
        let between = |i: usize, j: usize, share: f64| {
            let second = &self.precisions[j] * share;
            let product = Cholesky::new(&self.precisions[i] * (1.0 - share) + &second)?;
            Some(&means[i] + product.solve(&(second * (&means[j] - &means[i]))))
        };
        let ridges = pairs(present.len())
            .flat_map(|(i, j)| SHARES.map(|share| between(present[i], present[j], share)))
            .flatten();
        (present.iter().map(|&k| means[k].clone()).chain(ridges)).collect()
    }

    fn log_density(&self, x: &DVector<f64>) -> f64 {
        self.mixture.log_density(x.as_slice())
    }

    fn slope(&self, x: &DVector<f64>) -> Slope {
        let (mixture, dim) = (self.mixture, self.mixture.dim());
        let log_density = self.log_density(x);
        let mut gradient = DVector::zeros(dim);
        let mut precision = DMatrix::zeros(dim, dim);
        let mut spread = DMatrix::zeros(dim, dim);
        for (k, inverse) in self.precisions.iter().enumerate() {
            let joint = mixture.weights()[k].ln() + mixture.component_log_density(k, x.as_slice());
            let responsibility = (joint - log_density).exp();
            let pull = inverse * (&mixture.means()[k] - x);
            spread += &pull * pull.transpose() * responsibility;
            gradient += pull * responsibility;
            precision += inverse * responsibility;
        }
        Slope {
            curvature: &precision - spread + &gradient * gradient.transpose(),
            gradient,
            precision,
        }
    }

    /// Goes uphill from x to where log p is level; `None` where numbers run out.
    fn climb(&self, mut x: DVector<f64>) -> Option<Top> {
        let mut slope = self.slope(&x);
        for _ in 0..MOST_STEPS {
            // To (Σₖ p(k|x) Σₖ⁻¹)⁻¹ Σₖ p(k|x) Σₖ⁻¹ μₖ, less x.
            let mut step = Cholesky::new(slope.precision.clone())?.solve(&slope.gradient);
            // The fixed point is near at last but slow to reach where the mode is flat. A Newton
            // step of more than a width might lead over a valley.
            let newton = Cholesky::new(slope.curvature.clone())
                .map(|curvature| curvature.solve(&slope.gradient))
                .filter(|newton| slope.widths(newton) <= 1.0);
            if let Some(newton) = newton
                && self.log_density(&(&x + &newton)) > self.log_density(&(&x + &step))
            {
                step = newton;
            }
            let length = slope.widths(&step);
            x += step;
            slope = self.slope(&x);
            if length <= ARRIVED {
                break;
            }
        }
        Some(Top {
            log_density: self.log_density(&x),
            at: x,
            slope,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ½ N(−m, 1) + ½ N(m, 1), scaled and moved.
    fn two(m: f64, scale: f64, center: f64) -> Mixture {
        let means = vec![vec![center - scale * m], vec![center + scale * m]];
        Mixture::from_stds(vec![0.5; 2], means, vec![vec![scale]; 2]).unwrap()
    }

    /// The modes of a mixture on a line, from left to right.
    fn on_a_line(mixture: &Mixture) -> Vec<f64> {
        let mut modes: Vec<f64> = modes(mixture).iter().map(|mode| mode[0]).collect();
        modes.sort_by(f64::total_cmp);
        modes
    }

    #[test]
    fn the_slope_is_that_of_finite_differences() {
        let matrix = |entries: [f64; 4]| DMatrix::from_row_slice(2, 2, &entries);
        let mixture = Mixture::from_covariances(
            vec![0.4, 0.6],
            vec![vec![-0.5, 0.2], vec![1.0, 0.7]],
            vec![matrix([1.0, 0.6, 0.6, 1.0]), matrix([0.5, -0.2, -0.2, 0.8])],
        )
        .unwrap();
        let mixture = WithPrecisions::new(&mixture);
        let x = DVector::from_row_slice(&[0.4, -0.3]);
        let slope = mixture.slope(&x);
        let step = 1e-5;
        for i in 0..2 {
            let mut offset = DVector::zeros(2);
            offset[i] = step;
            let (above, below) = (&x + &offset, &x - &offset);
            let difference = mixture.log_density(&above) - mixture.log_density(&below);
            assert!((difference / (2.0 * step) - slope.gradient[i]).abs() < 1e-8);
            let difference = mixture.slope(&above).gradient - mixture.slope(&below).gradient;
            let wrong = difference / (2.0 * step) + slope.curvature.column(i);
            assert!(wrong.norm() < 1e-8, "{wrong}");
        }
    }

    #[test]
    fn two_gaussians_have_the_modes_of_their_equation() {
        // The derivative of the density is 0 where x = m tanh(m x), by bisection.
        for m in [1.01, 1.5, 3.0] {
            let (mut low, mut high) = (0.05, m);
            for _ in 0..100 {
                let middle = 0.5 * (low + high);
                if middle < m * f64::tanh(m * middle) {
                    low = middle;
                } else {
                    high = middle;
                }
            }
            for (scale, center) in [(1.0, 0.0), (1e-3, 100.0), (1e6, -5.0)] {
                let found = on_a_line(&two(m, scale, center));
                assert_eq!(found.len(), 2, "{m}: {found:?}");
                for (found, expected) in found.iter().zip([-low, low]) {
                    let wrong = (found - center) / scale - expected;
                    assert!(wrong.abs() < 1e-8, "{m}: {wrong}");
                }
            }
        }
    }

    #[test]
    fn two_gaussians_closer_than_two_widths_have_one_mode() {
        for m in [0.0, 0.9, 0.999, 1.0] {
            let found = on_a_line(&two(m, 1.0, 0.0));
            assert_eq!(found.len(), 1, "{m}: {found:?}");
            // At m = 1 the fourth derivative is the first that is not zero, and rounding blurs the
            // mode.
            let tolerance = if m < 1.0 { 1e-8 } else { 1e-3 };
            assert!(found[0].abs() < tolerance, "{m}: {found:?}");
        }
    }

    #[test]
    fn a_mean_in_a_valley_is_no_mode() {
        let means = vec![vec![0.0], vec![-2.0], vec![2.0], vec![50.0]];
        let stds = vec![vec![1.0]; 4];
        let mixture = Mixture::from_stds(vec![0.02, 0.49, 0.49, 0.0], means, stds).unwrap();
        // The second derivative at 0 is that of a valley, so that the climb from there goes nowhere.
        let log = |x: f64| mixture.log_density(&[x]);
        assert!(log(0.01) > log(0.0));
        let found = on_a_line(&mixture);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!((found[0] + found[1]).abs() < 1e-8 && found[1] > 1.5);
    }

    #[test]
    fn a_mode_between_the_means_is_found() {
        // The two wide components alone have a mode near 1. The climb to it from 0 ends at the
        // narrow component instead.
        let means = vec![vec![0.0], vec![0.0], vec![10.0]];
        let stds = vec![vec![0.2], vec![3.0], vec![5.0]];
        let mixture = Mixture::from_stds(vec![0.05, 0.25, 0.7], means, stds).unwrap();
        let log = |i: i32| mixture.log_density(&[f64::from(i) * 1e-3]);
        let peaks: Vec<f64> = (-10_000..40_000)
            .filter(|&i| log(i) > log(i - 1) && log(i) > log(i + 1))
            .map(|i| f64::from(i) * 1e-3)
            .collect();
        assert_eq!(peaks.len(), 3, "{peaks:?}");
        let found = on_a_line(&mixture);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(
            found
                .iter()
                .zip(peaks)
                .all(|(found, peak)| (found - peak).abs() < 1e-3)
        );
    }

    #[test]
    fn a_mode_where_two_long_components_cross_is_found() {
        let means = vec![vec![1.0, 0.0], vec![0.0, 1.0]];
        let stds = vec![vec![1.0, 0.1], vec![0.1, 1.0]];
        let mixture = Mixture::from_stds(vec![0.5; 2], means, stds).unwrap();
        let found = modes(&mixture);
        assert_eq!(found.len(), 3);
        // It is on the diagonal, where both components are as high, so that their gradients cancel
        // where (t − 1) + 100 t = 0.
        assert!(found[0].iter().all(|x| (x - 1.0 / 101.0).abs() < 1e-8));
    }

    /// By SciPy 1.17.1, Nelder–Mead from a grid of 25 × 25 starts:
    ///
    /// ```python
    /// w = [0.5, 0.3, 0.2]; mu = [[0, 0], [2.5, 1], [1, -2.5]]
    /// S = [[[1, .6], [.6, 1]], [[.5, -.2], [-.2, .8]], [[1.5, 0], [0, .3]]]
    /// f = lambda x: -np.log(sum(a * mvn.pdf(x, m, s) for a, m, s in zip(w, mu, S)))
    /// minimize(f, x, method="Nelder-Mead", options=dict(xatol=1e-12, fatol=1e-16))
    /// ```
    #[test]
    fn three_in_a_plane_have_the_modes_a_simplex_finds() {
        let matrix = |entries: [f64; 4]| DMatrix::from_row_slice(2, 2, &entries);
        let mixture = Mixture::from_covariances(
            vec![0.2, 0.5, 0.3],
            vec![vec![1.0, -2.5], vec![0.0, 0.0], vec![2.5, 1.0]],
            vec![
                matrix([1.5, 0.0, 0.0, 0.3]),
                matrix([1.0, 0.6, 0.6, 1.0]),
                matrix([0.5, -0.2, -0.2, 0.8]),
            ],
        )
        .unwrap();
        let expected = [
            [0.0007067889118084023, 0.0005413480233532948],
            [2.4065842453377977, 1.0639849095853287],
            [0.9958434809888448, -2.498962932269936],
        ];
        let found = modes(&mixture);
        assert_eq!(found.len(), 3);
        for (found, expected) in found.iter().zip(expected) {
            let wrong = (found - DVector::from_row_slice(&expected)).norm();
            assert!(wrong < 1e-7, "{found} is {wrong} from {expected:?}");
        }
    }
}
