//! Where p^α q^(1−α) of two mixtures has its mass: Gaussians around its peaks.
//!
//! Between 0 and 1 that is where p and q are, or between them. For any other order the smaller density
//! is divided by, and the mass may lie beyond all components of both, where no point of either gets.

use nalgebra::{Cholesky, DMatrix, DVector, SymmetricEigen};

use super::Mixture;

/// A component of a mixture, or what is like one: w N(μ, L Lᵀ).
#[derive(Debug, Clone)]
pub(crate) struct Gaussian {
    pub log_weight: f64,
    pub mean: DVector<f64>,
    /// L, lower triangular with a positive diagonal.
    pub factor: DMatrix<f64>,
}

/// From this many places at most the ascent to a peak begins …
const MOST_STARTS: usize = 256;
/// … or as many as these multiplications allow.
const MOST_WORK: f64 = 3e8;
/// An ascent ends after this many steps, or where a step would gain less than this share of a nat.
const MOST_STEPS: usize = 120;
const GAIN: f64 = 1e-6;
/// Peaks with less than this share of the mass of the largest are left out.
const SHARE: f64 = 1e-6;
/// A peak this near to another Gaussian, in its widths, and wider or narrower by less than this factor
/// in every direction is no other.
const NEAR: f64 = 0.5;
const ALIKE: f64 = 1.5;
/// Where one component of q takes over from another, a peak falls off on a length that is no longer
/// that of its curvature: Gaussians of these many times that width, as far as the peak is wide, cover it.
const LADDER: f64 = 4.0;
const RUNGS: usize = 8;
/// A share of the curvature of p^α.
const FLATTEST: f64 = 1.0 / 64.0;

impl Gaussian {
    /// The components with weight.
    pub fn all(mixture: &Mixture) -> Vec<Self> {
        (0..mixture.components())
            .filter(|&k| mixture.weights()[k] > 0.0)
            .map(|k| Self {
                log_weight: mixture.weights()[k].ln(),
                mean: mixture.means()[k].clone(),
                factor: mixture.scale_trils()[k].clone(),
            })
            .collect()
    }

    /// This many times as wide.
    pub fn widened(&self, scale: f64) -> Self {
        Self {
            factor: &self.factor * scale,
            ..self.clone()
        }
    }

    /// How many widths its centre is from that of another.
    pub fn distance(&self, other: &Self) -> f64 {
        let z = (self.factor).solve_lower_triangular(&(&other.mean - &self.mean));
        z.map_or(f64::INFINITY, |z| z.norm())
    }

    /// The Gaussian proportional to its power α times the power 1 − α of another, of log-weight 0, if the
    /// precision of that is positive definite.
    pub fn power(&self, other: &Self, alpha: f64) -> Option<Self> {
        let [own, others] = [self, other].map(Self::precision);
        let (own, others) = (own? * alpha, others? * (1.0 - alpha));
        let pull = &others * (&other.mean - &self.mean);
        Self::around(&self.mean, own + others, &pull)
    }

    fn precision(&self) -> Option<DMatrix<f64>> {
        let inverse = self
            .factor
            .solve_lower_triangular(&identity(self.mean.len()))?;
        Some(inverse.tr_mul(&inverse))
    }

    /// Of a precision Λ, with its centre Λ⁻¹ `pull` from a place.
    fn around(place: &DVector<f64>, precision: DMatrix<f64>, pull: &DVector<f64>) -> Option<Self> {
        let root = Cholesky::new(precision)?;
        let mean = place + root.solve(pull);
        let factor = Cholesky::new(root.inverse())?.unpack();
        let is_finite = mean.iter().chain(factor.iter()).all(|x| x.is_finite());
        is_finite.then_some(Self {
            log_weight: 0.0,
            mean,
            factor,
        })
    }

    /// log |L|.
    fn log_volume(&self) -> f64 {
        self.factor.diagonal().map(f64::ln).sum()
    }

    fn is_like(&self, other: &Self) -> bool {
        let alike = |one: &Self, other: &Self| {
            (one.factor.solve_lower_triangular(&other.factor))
                .is_some_and(|ratio| ratio.norm() < ALIKE * (ratio.nrows() as f64).sqrt())
        };
        self.distance(other) < NEAR && alike(self, other) && alike(other, self)
    }
}

fn identity(dim: usize) -> DMatrix<f64> {
    DMatrix::identity(dim, dim)
}

/// Gaussians around the peaks of p^α q^(1−α) with α < 0 or α > 1 that are none of the components of p or
/// q; their log-weights are those of the mass around them, by Laplace's method.
///
/// With β = α − 1 > 0, log p^α q^(−β) has the slope α Σ sᵢ aᵢ − β Σ rⱼ bⱼ, where sᵢ and rⱼ are the
/// responsibilities of the components for a place and aᵢ, bⱼ the slopes of their logarithms there. Its
/// second derivative is at least −B with B = α Σ sᵢ Λᵢ + β Cov_r(b), which is positive definite: Newton's
/// steps, shortened by a multiple of B until they rise, climb from every component of p, and from the
/// Gaussians that pairs of components make.
pub(crate) fn peaks(p: &[Gaussian], q: &[Gaussian], alpha: f64) -> Vec<Gaussian> {
    if alpha < 0.0 {
        return peaks(q, p, 1.0 - alpha);
    }
    let power = (alpha > 1.0).then(|| AlphaPower::new(p, q, alpha));
    let Some(power) = power.flatten() else {
        return Vec::new();
    };
    let starts = power.starts();
    let tops = (starts.iter())
        .flat_map(|start| power.ways_up(&start.mean))
        .filter_map(|place| power.climb(place))
        .flat_map(|top| power.around(&top));
    // What a pair makes may be a shoulder of a peak, with no top of its own.
    let mut all: Vec<Gaussian> = tops.chain(starts.iter().cloned()).collect();
    all.sort_by(|a, b| b.log_weight.total_cmp(&a.log_weight));
    let mut found: Vec<Gaussian> = Vec::new();
    for one in all {
        let largest = found.first().unwrap_or(&one).log_weight;
        let is_new = |other: &Gaussian| !one.is_like(other);
        if one.log_weight > largest + SHARE.ln()
            && found.iter().all(is_new)
            && p.iter().chain(q).all(is_new)
        {
            found.push(one);
        }
    }
    found
}

/// p^α q^(1−α) with α > 1.
struct AlphaPower<'a> {
    p: Vec<PowerComponent<'a>>,
    q: Vec<PowerComponent<'a>>,
    alpha: f64,
}

/// A component with what is asked of it at every place.
struct PowerComponent<'a> {
    gaussian: &'a Gaussian,
    precision: DMatrix<f64>,
    /// Of the log-density at the centre, without −½ D log 2π.
    log_peak: f64,
}

/// What is known of the logarithm of the power at a place.
struct PowerDerivatives {
    x: DVector<f64>,
    value: f64,
    slope: DVector<f64>,
    /// α Σ sᵢ Λᵢ − β Σ rⱼ Mⱼ, −α Cov_s(a), β Cov_r(b): together minus the second derivative.
    smooth: DMatrix<f64>,
    of_p: DMatrix<f64>,
    of_q: DMatrix<f64>,
    /// B.
    bound: DMatrix<f64>,
}

/// A mixture at a place: its log-density, slope, mean precision and the covariance of slopes.
struct MixtureSlopes {
    log: f64,
    slope: DVector<f64>,
    precision: DMatrix<f64>,
    spread: DMatrix<f64>,
}

impl<'a> AlphaPower<'a> {
    /// `None` if numbers overflow.
    fn new(p: &'a [Gaussian], q: &'a [Gaussian], alpha: f64) -> Option<Self> {
        let parts = |side: &'a [Gaussian]| -> Option<Vec<PowerComponent<'a>>> {
            (side.iter())
                .map(|gaussian| {
                    Some(PowerComponent {
                        gaussian,
                        precision: gaussian.precision()?,
                        log_peak: gaussian.log_weight - gaussian.log_volume(),
                    })
                })
                .collect()
        };
        let (p, q) = (parts(p)?, parts(q)?);
        (!p.is_empty() && !q.is_empty()).then_some(Self { p, q, alpha })
    }

    /// Where to climb from: the components of p and what pairs make, the highest first.
    fn starts(&self) -> Vec<Gaussian> {
        let of_pairs = (self.p.iter()).flat_map(|one| {
            (self.q.iter()).filter_map(|other| one.gaussian.power(other.gaussian, self.alpha))
        });
        let mut starts: Vec<(f64, Gaussian)> = (self.p.iter())
            .map(|one| one.gaussian.clone())
            .chain(of_pairs)
            .map(|one| {
                let value = self.evaluate(one.mean.clone()).value;
                let log_weight = value + one.log_volume();
                (value, Gaussian { log_weight, ..one })
            })
            .filter(|(value, _)| value.is_finite())
            .collect();
        starts.sort_by(|a, b| b.0.total_cmp(&a.0));
        let dim = starts.first().map_or(1, |(_, one)| one.mean.len()) as f64;
        let step = dim * dim * (dim + 2.0 * (self.p.len() + self.q.len()) as f64);
        // Where there are ways up to two sides, twice as many.
        let most = MOST_WORK / step / (2 * MOST_STEPS) as f64;
        starts.truncate((most as usize).clamp(1, MOST_STARTS));
        starts.into_iter().map(|(_, one)| one).collect()
    }

    /// A place itself, or where it is in a valley or on a pass between tops, a place on either side: the
    /// slope of one that is in the middle does not show them.
    fn ways_up(&self, x: &DVector<f64>) -> Vec<DVector<f64>> {
        let here = self.evaluate(x.clone());
        let mut ways = vec![x.clone()];
        // −H as seen by B.
        let seen = Cholesky::new(here.bound.clone()).and_then(|root| {
            let half = root.l().solve_lower_triangular(&here.curvature())?;
            let whole = root.l().solve_lower_triangular(&half.transpose())?;
            Some((root, whole))
        });
        let Some((root, seen)) = seen.filter(|(_, seen)| seen.iter().all(|x| x.is_finite())) else {
            return ways;
        };
        let eigen = SymmetricEigen::new(seen);
        for (value, direction) in eigen
            .eigenvalues
            .iter()
            .zip(eigen.eigenvectors.column_iter())
        {
            let step = (*value < 0.0)
                .then(|| root.l().tr_solve_lower_triangular(&direction))
                .flatten();
            if let Some(step) = step {
                ways.extend([x + &step, x - step]);
            }
        }
        ways
    }

    fn evaluate(&self, x: DVector<f64>) -> PowerDerivatives {
        let [p, q] = [&self.p, &self.q].map(|side| MixtureSlopes::new(side, &x));
        let (alpha, beta) = (self.alpha, self.alpha - 1.0);
        let of_q = q.spread * beta;
        PowerDerivatives {
            value: alpha * p.log - beta * q.log,
            slope: p.slope * alpha - q.slope * beta,
            bound: &p.precision * alpha + &of_q,
            smooth: p.precision * alpha - q.precision * beta,
            of_p: p.spread * -alpha,
            of_q,
            x,
        }
    }

    /// The top that is above a place, if there is one and it is reached.
    fn climb(&self, from: DVector<f64>) -> Option<PowerDerivatives> {
        let mut here = self.evaluate(from);
        let mut shorter = 0.0;
        for _ in 0..MOST_STEPS {
            let curvature = here.curvature();
            let step = (Cholesky::new(&curvature + &here.bound * shorter))
                .map(|root| root.solve(&here.slope));
            let gain = step.as_ref().map(|step| step.dot(&here.slope));
            if let (Some(step), Some(gain)) = (step, gain)
                && gain.is_finite()
            {
                if gain < GAIN && shorter == 0.0 {
                    return Some(here);
                }
                let next = self.evaluate(&here.x + step);
                if next.value > here.value + 1e-3 * gain {
                    here = next;
                    shorter = if shorter < 0.1 { 0.0 } else { 0.25 * shorter };
                    continue;
                }
            }
            shorter = (4.0 * shorter).max(0.0625);
            // Rounding is all that is left to climb.
            if shorter > 1e12 {
                return Some(here);
            }
        }
        // There is no top where the integral is infinite.
        None
    }

    /// Gaussians around a top, from as narrow as its curvature to as wide as p^α is there.
    fn around(&self, top: &PowerDerivatives) -> Vec<Gaussian> {
        let nowhere = DVector::zeros(top.x.len());
        let mut all: Vec<Gaussian> = Vec::new();
        for rung in 0..RUNGS {
            let share = LADDER.powi(-2 * rung as i32);
            let alone = &top.bound - &top.of_q;
            let corner = &top.of_q * share;
            let whole = &top.smooth + &corner;
            let whole = if rung == 0 { &whole + &top.of_p } else { whole };
            // Where it is nearly flat, or no top any more, p^α alone: wider is what pairs make.
            let is_steep = Cholesky::new(&whole - &alone * FLATTEST).is_some();
            let one = (is_steep.then_some(whole).into_iter())
                .chain([&alone + &corner])
                .find_map(|precision| Gaussian::around(&top.x, precision, &nowhere));
            let Some(mut one) = one else {
                break;
            };
            if all.last().is_some_and(|last| last.is_like(&one)) {
                break;
            }
            let narrowest = all.first().unwrap_or(&one);
            one.log_weight = top.value + narrowest.log_volume();
            all.push(one);
        }
        all
    }
}

impl PowerDerivatives {
    fn curvature(&self) -> DMatrix<f64> {
        &self.smooth + &self.of_p + &self.of_q
    }
}

impl MixtureSlopes {
    fn new(parts: &[PowerComponent], x: &DVector<f64>) -> Self {
        let dim = x.len();
        let each: Vec<(f64, DVector<f64>)> = (parts.iter())
            .map(|part| {
                let offset = &part.gaussian.mean - x;
                let slope = &part.precision * &offset;
                (part.log_peak - 0.5 * offset.dot(&slope), slope)
            })
            .collect();
        let top = (each.iter().map(|(log, _)| *log)).fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = each.iter().map(|(log, _)| (log - top).exp()).sum();
        let mut side = Self {
            log: top + sum.ln(),
            slope: DVector::zeros(dim),
            precision: DMatrix::zeros(dim, dim),
            spread: DMatrix::zeros(dim, dim),
        };
        let shares: Vec<f64> = each
            .iter()
            .map(|(log, _)| (log - top).exp() / sum)
            .collect();
        for (share, (_, slope)) in shares.iter().zip(&each) {
            side.slope.axpy(*share, slope, 1.0);
        }
        for ((share, (_, slope)), part) in shares.iter().zip(&each).zip(parts) {
            if *share > 0.0 {
                let apart = slope - &side.slope;
                side.spread.ger(*share, &apart, &apart, 1.0);
                side.precision += &part.precision * *share;
            }
        }
        side
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_a_line(parts: &[[f64; 3]]) -> Vec<Gaussian> {
        (parts.iter())
            .map(|[weight, mean, std]| Gaussian {
                log_weight: weight.ln(),
                mean: DVector::from_element(1, *mean),
                factor: DMatrix::from_element(1, 1, *std),
            })
            .collect()
    }

    #[test]
    fn of_two_gaussians_the_power_is_the_only_peak() {
        // (2 − 1)⁻¹ with weights 2 and −1 of precisions 1 and 1: at 2·3 − 0.
        let (p, q) = (on_a_line(&[[1.0, 3.0, 1.0]]), on_a_line(&[[1.0, 0.0, 1.0]]));
        let found = peaks(&p, &q, 2.0);
        assert_eq!(found.len(), 1);
        assert!((found[0].mean[0] - 6.0).abs() < 1e-6, "{found:?}");
        assert!((found[0].factor[(0, 0)] - 1.0).abs() < 1e-6);
        // Of an order below 0 the two change places.
        let back = peaks(&q, &p, -1.0);
        assert!((back[0].mean[0] - 6.0).abs() < 1e-6);
        assert!(peaks(&p, &q, 0.5).is_empty());
        // Where q is wider than p, the peak is p, or nearly.
        assert!(peaks(&p, &on_a_line(&[[1.0, 3.0, 5.0]]), 2.0).is_empty());
    }

    #[test]
    fn both_tops_beside_a_spike_of_q_are_found() {
        let p = on_a_line(&[[1.0, 0.0, 1.0]]);
        let q = on_a_line(&[[0.5, 0.0, 0.3], [0.5, 0.0, 30.0]]);
        let mut found: Vec<f64> = peaks(&p, &q, 2.0).iter().map(|one| one.mean[0]).collect();
        found.retain(|x| x.abs() > 1.0 && x.abs() < 1.1);
        assert!(
            found.iter().any(|x| *x > 0.0) && found.iter().any(|x| *x < 0.0),
            "{found:?}"
        );
    }

    #[test]
    fn a_peak_where_one_component_takes_over_from_another_is_found() {
        // p²/q rises beyond 3 until the wide component of q, of little weight, takes over.
        let p = on_a_line(&[[1.0, 3.0, 1.0]]);
        let q = on_a_line(&[[1.0 - 1e-5, 0.0, 1.0], [1e-5, 0.0, 3.0]]);
        let found = peaks(&p, &q, 2.0);
        let log = |x: f64| {
            let density = |parts: &[[f64; 3]]| -> f64 {
                (parts.iter())
                    .map(|[w, m, s]| w / s * (-0.5 * ((x - m) / s).powi(2)).exp())
                    .sum()
            };
            2.0 * density(&[[1.0, 3.0, 1.0]]).ln()
                - density(&[[1.0 - 1e-5, 0.0, 1.0], [1e-5, 0.0, 3.0]]).ln()
        };
        let highest = (0..20_000)
            .map(|i| i as f64 * 1e-3 - 5.0)
            .max_by(|a, b| log(*a).total_cmp(&log(*b)))
            .unwrap();
        assert!(highest > 4.0 && highest < 5.5, "{highest}");
        assert!(
            found.iter().any(|one| (one.mean[0] - highest).abs() < 0.01),
            "{highest} {found:?}"
        );
    }
}
