//! Pareto-smoothed importance sampling: how far the draws of q can stand for p.

use std::fmt;

use serde::{Deserialize, Serialize};

/// No tail of fewer draws is fitted.
const FEWEST: usize = 5;
/// Log ratios this close, in nats, are the same up to the rounding of single precision.
const FLAT: f64 = 1e-5;
/// The prior on k counts as this many draws …
const PRIOR_DRAWS: f64 = 10.0;
/// … of a tail with this shape.
const PRIOR_SHAPE: f64 = 0.5;

/// What the importance ratios p/q at draws of q say about q.
///
/// After Vehtari, Simpson, Gelman, Yao and Gabry, "Pareto smoothed importance sampling", Journal of
/// Machine Learning Research 25(72), 2024.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Psis {
    /// k̂, the shape of the tail of the ratios: moments of p/q under q are finite up to order 1/k̂.
    ///
    /// +∞, as in the packages loo and ArviZ, where there are too few ratios to fit a tail: 20 draws
    /// or fewer, or fewer than five above the tail's start. −∞, the limit of ever shorter tails,
    /// where the largest ratios are all the same: p and q agree up to a factor. NaN if a log ratio
    /// is NaN or +∞.
    #[serde(with = "crate::files::extended")]
    pub k_hat: f64,
    /// 1/Σ w² of the smoothed and normalised weights: this many draws of p are worth as much.
    #[serde(with = "crate::files::extended")]
    pub effective_sample_size: f64,
    /// S, the number of draws.
    pub draws: usize,
}

impl Psis {
    /// The largest k̂ at which S draws are enough: min(1 − 1/log₁₀ S, 0.7).
    pub fn threshold(&self) -> f64 {
        (1.0 - 1.0 / (self.draws as f64).log10()).min(0.7)
    }

    /// What k̂ means.
    pub fn reading(&self) -> Reading {
        if self.k_hat.is_nan() || tail_length(self.draws) < FEWEST {
            Reading::Unknown
        } else if self.k_hat < self.threshold() {
            Reading::Reliable
        } else if self.k_hat <= 1.0 {
            Reading::Biased
        } else {
            Reading::Untrustworthy
        }
    }
}

/// How far estimates from weighted draws of q can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// k̂ is below [`Psis::threshold`].
    Reliable,
    /// k̂ is above it, up to 1.
    Biased,
    /// k̂ is above 1.
    Untrustworthy,
    /// There is no k̂.
    Unknown,
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reliable => {
                "reliable: q is close enough to p for its weighted draws to stand for p"
            }
            Self::Biased => "biased: p has more in its tails than q, and more draws are needed",
            Self::Untrustworthy => {
                "not to be trusted: q misses parts of p, and no number of draws makes up for it"
            }
            Self::Unknown => "not known: too few draws, or a density that is not a number",
        })
    }
}

/// Fits the tail of the importance ratios and smooths it.
///
/// `log_ratios` are the S values of log p − log q, in nats and up to a constant, at independent
/// draws of q. Those that are −∞ count as draws of weight zero.
pub fn psis(log_ratios: &[f64]) -> Psis {
    let report = |k_hat, effective_sample_size| Psis {
        k_hat,
        effective_sample_size,
        draws: log_ratios.len(),
    };
    if (log_ratios.iter()).any(|ratio| ratio.is_nan() || *ratio == f64::INFINITY) {
        return report(f64::NAN, f64::NAN);
    }
    let mut sorted = log_ratios.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(largest) = sorted.last().copied().filter(|ratio| ratio.is_finite()) else {
        return report(f64::INFINITY, 0.0);
    };
    for ratio in &mut sorted {
        *ratio -= largest;
    }
    let k_hat = smooth(&mut sorted);
    let sum: f64 = sorted.iter().map(|ratio| ratio.exp()).sum();
    let squares: f64 = sorted.iter().map(|ratio| (2.0 * ratio).exp()).sum();
    report(k_hat, sum * sum / squares)
}

/// How many of the largest of S ratios are the tail: min(S/5, 3√S), rounded up.
fn tail_length(draws: usize) -> usize {
    let draws = draws as f64;
    (draws / 5.0).min(3.0 * draws.sqrt()).ceil() as usize
}

/// Puts the quantiles of the fitted tail where the largest of the sorted log ratios are, and gives
/// k̂. The largest is 0, and none comes out above it.
fn smooth(sorted: &mut [f64]) -> f64 {
    let length = tail_length(sorted.len());
    if length < FEWEST {
        return f64::INFINITY;
    }
    // No lower than where ratios are still numbers.
    let cutoff = sorted[sorted.len() - length - 1].max(f64::MIN_POSITIVE.ln());
    if -cutoff <= FLAT {
        return f64::NEG_INFINITY;
    }
    let start = sorted.partition_point(|ratio| *ratio <= cutoff);
    let tail = &mut sorted[start..];
    if tail.len() < FEWEST {
        return f64::INFINITY;
    }
    // In units of the ratio at the cutoff, in which no two different logarithms are the same.
    let exceedances: Vec<f64> = tail.iter().map(|r| (r - cutoff).exp_m1()).collect();
    let Some(Pareto { shape, scale }) = Pareto::fit(&exceedances) else {
        return f64::INFINITY;
    };
    let n = tail.len() as f64;
    let shape = (n * shape + PRIOR_DRAWS * PRIOR_SHAPE) / (n + PRIOR_DRAWS);
    let fitted = Pareto { shape, scale };
    for (i, ratio) in tail.iter_mut().enumerate() {
        *ratio = (cutoff + fitted.quantile((i as f64 + 0.5) / n).ln_1p()).min(0.0);
    }
    shape
}

/// The generalised Pareto distribution on y > 0: P(Y > y) = (1 + ky/σ)^(−1/k).
struct Pareto {
    shape: f64,
    scale: f64,
}

impl Pareto {
    /// The estimate of Zhang and Stephens, "A new and efficient estimation method for the
    /// generalized Pareto distribution", Technometrics 51(3), 2009, from sorted positive numbers;
    /// their k is −k here. `None` where the numbers leave the range of f64.
    fn fit(sorted: &[f64]) -> Option<Self> {
        let n = sorted.len() as f64;
        let largest = sorted.last()?;
        let quartile = sorted.get(((n / 4.0 + 0.5) as usize).checked_sub(1)?)?;
        // For θ = −k/σ given, the likelihood has its maximum where k is this.
        let shape_of = |theta: f64| sorted.iter().map(|y| (-theta * y).ln_1p()).sum::<f64>() / n;
        let count = 30 + n.sqrt() as usize;
        let thetas = (0..count).map(|j| {
            let spread = 1.0 - (count as f64 / (j as f64 + 0.5)).sqrt();
            1.0 / largest + spread / (3.0 * quartile)
        });
        let profile: Vec<(f64, f64)> = thetas
            .map(|theta| {
                let shape = shape_of(theta);
                (theta, n * ((-theta / shape).ln() - shape - 1.0))
            })
            .collect();
        let max = (profile.iter()).fold(f64::NEG_INFINITY, |max, (_, log)| max.max(*log));
        let (mut sum, mut total) = (0.0, 0.0);
        for (theta, log) in profile {
            let weight = (log - max).exp();
            sum += theta * weight;
            total += weight;
        }
        let theta = sum / total;
        let shape = shape_of(theta);
        let scale = -shape / theta;
        (shape.is_finite() && scale > 0.0).then_some(Self { shape, scale })
    }

    /// The y below which the probability is `p`.
    fn quantile(&self, p: f64) -> f64 {
        let exponential = -(-p).ln_1p();
        if self.shape.abs() < f64::EPSILON {
            return self.scale * exponential;
        }
        self.scale * (self.shape * exponential).exp_m1() / self.shape
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::DMatrix;

    use super::*;
    use crate::compute::noise::{RunKey, Stream};
    use crate::mixture::Mixture;

    /// log(1 + y) at the S mid-quantiles y of the generalised Pareto distribution with σ = 1.
    fn pareto(draws: usize, shape: f64) -> Vec<f64> {
        let distribution = Pareto { shape, scale: 1.0 };
        (0..draws)
            .map(|i| (distribution.quantile((i as f64 + 0.5) / draws as f64)).ln_1p())
            .collect()
    }

    /// Numbers spread like a standard normal, by the map of Box and Muller.
    fn normal(draws: usize) -> Vec<f64> {
        (0..draws)
            .map(|i| {
                let angle = std::f64::consts::TAU * (i as f64 * 0.618_033_988_749_894_9).fract();
                (-2.0 * ((i as f64 + 0.5) / draws as f64).ln()).sqrt() * angle.cos()
            })
            .collect()
    }

    fn times(factor: f64, numbers: &[f64]) -> Vec<f64> {
        numbers.iter().map(|number| factor * number).collect()
    }

    /// Every number is one of few, and every seventh is −∞.
    fn gappy() -> Vec<f64> {
        let mut numbers: Vec<f64> = (normal(1000).iter())
            .map(|z| (4.0 * z).floor() / 4.0)
            .collect();
        numbers
            .iter_mut()
            .step_by(7)
            .for_each(|z| *z = -f64::INFINITY);
        numbers
    }

    /// By ArviZ 0.23.4:
    ///
    /// ```python
    /// def show(lr): lw, k = az.psislw(lr.copy()); print(float(k), 1 / np.exp(2 * lw).sum())
    /// u = lambda S: (np.arange(S) + 0.5) / S
    /// pareto = lambda S, k: np.log1p(np.expm1(-k * np.log1p(-u(S))) / k)
    /// def normal(S):
    ///     v = np.arange(S) * 0.6180339887498949
    ///     return np.sqrt(-2 * np.log(u(S))) * np.cos(2 * np.pi * (v - np.floor(v)))
    /// gappy = np.floor(4 * normal(1000)) / 4; gappy[::7] = -np.inf
    /// for lr in (pareto(1000, .3), pareto(1000, 1.2), pareto(1000, -.5), normal(1000),
    ///            2 * normal(30), 300 * normal(2000), gappy): show(lr)
    /// ```
    #[test]
    fn the_numbers_are_those_of_arviz() {
        let cases = [
            (pareto(1000, 0.3), 0.32356064382606825, 563.5101890253948),
            (pareto(1000, 1.2), 1.1046739292502477, 8.544744848732895),
            (pareto(1000, -0.5), -0.37810124653193333, 925.3688626632298),
            (normal(1000), 0.3714929939098002, 341.55293472487784),
            (
                times(2.0, &normal(30)),
                0.6663948232738485,
                4.228524905034757,
            ),
            (times(300.0, &normal(2000)), 79.40053327997875, 1.0),
            (gappy(), 0.04575559609239903, 343.8467173647914),
        ];
        for (log_ratios, k_hat, effective_sample_size) in cases {
            // A constant in the log ratios does not matter.
            let moved: Vec<f64> = log_ratios.iter().map(|ratio| ratio - 64.0).collect();
            for found in [psis(&log_ratios), psis(&moved)] {
                let wrong = (found.k_hat / k_hat - 1.0).abs();
                assert!(wrong < 1e-10, "{found:?}: k̂ is not {k_hat}");
                let wrong = (found.effective_sample_size / effective_sample_size - 1.0).abs();
                assert!(wrong < 1e-10, "{found:?}: not {effective_sample_size}");
            }
        }
    }

    #[test]
    fn the_shape_of_a_pareto_tail_is_found() {
        for shape in [0.3, 0.7, 1.2] {
            // The prior moves the shape of these 949 by at most 0.007, and the fit is not exact.
            let found = psis(&pareto(100_000, shape)).k_hat;
            assert!((found - shape).abs() < 0.015, "{found} for {shape}");
        }
    }

    #[test]
    fn a_gaussian_too_narrow_has_the_tail_it_must_have() {
        // In two dimensions |x|²/2 is exponential, so that p/q has the tail k = 1 − 1/σ² for
        // p = N(0, σ² I) and q = N(0, I) where σ > 1. Where σ < 1 it is bounded, and as dense at its
        // largest as below: k = −1.
        let generator = |run: u64| RunKey { seed: 3, run }.generator(Stream::FamilyEvaluation, 0);
        let round = |std: f64| {
            let covariance = DMatrix::identity(2, 2) * (std * std);
            Mixture::gaussian(vec![0.0; 2], covariance).unwrap()
        };
        let q = round(1.0);
        let draws = q.sample(100_000, &mut generator(0));
        for (std, reading) in [
            (0.8, Reading::Reliable),
            (1.2, Reading::Reliable),
            (3.0, Reading::Biased),
        ] {
            let p = round(std);
            let log_ratios: Vec<f64> = (draws.chunks(2))
                .map(|x| p.log_density(x) - q.log_density(x))
                .collect();
            let found = psis(&log_ratios);
            let shape = if std > 1.0 {
                1.0 - 1.0 / (std * std)
            } else {
                -1.0
            };
            // Four asymptotic standard errors of a maximum-likelihood fit to 949 draws.
            let error = 4.0 * (1.0 + shape).max(0.5) / 949f64.sqrt();
            assert!((found.k_hat - shape).abs() < error, "{found:?} for {shape}");
            assert_eq!(found.reading(), reading);
        }
    }

    #[test]
    fn ratios_without_a_tail_are_told_apart() {
        let flat = psis(&[-2.0; 1000]);
        assert_eq!(flat.k_hat, f64::NEG_INFINITY);
        assert!((flat.effective_sample_size - 1000.0).abs() < 1e-9);
        assert_eq!(flat.reading(), Reading::Reliable);
        assert_eq!(psis(&times(1e-7, &normal(1000))).k_hat, f64::NEG_INFINITY);

        let alone = psis(&[&[0.0; 2][..], &[f64::NEG_INFINITY; 998]].concat());
        assert_eq!(
            (alone.k_hat, alone.effective_sample_size),
            (f64::INFINITY, 2.0)
        );
        assert_eq!(alone.reading(), Reading::Untrustworthy);
        let nothing = psis(&[f64::NEG_INFINITY; 50]);
        assert_eq!(
            (nothing.k_hat, nothing.effective_sample_size),
            (f64::INFINITY, 0.0)
        );
        assert_eq!(nothing.reading(), Reading::Untrustworthy);

        for few in [0, 1, 20] {
            let found = psis(&vec![0.0; few]);
            assert_eq!(
                (found.k_hat, found.effective_sample_size),
                (f64::INFINITY, few as f64)
            );
            assert_eq!(found.reading(), Reading::Unknown);
        }
        for wrong in [f64::NAN, f64::INFINITY] {
            let found = psis(&[&normal(100)[..], &[wrong]].concat());
            assert!(found.k_hat.is_nan() && found.effective_sample_size.is_nan());
            assert_eq!(found.reading(), Reading::Unknown);
        }
    }

    #[test]
    fn a_reading_depends_on_the_number_of_draws() {
        let reading = |k_hat, draws| {
            let psis = Psis {
                k_hat,
                effective_sample_size: 1.0,
                draws,
            };
            psis.reading()
        };
        // 1 − 1/log₁₀ S is ½ for a hundred draws, and 0.7 counts from 2155 on.
        assert_eq!(reading(0.49, 100), Reading::Reliable);
        assert_eq!(reading(0.51, 100), Reading::Biased);
        assert_eq!(reading(0.69, 100_000), Reading::Reliable);
        assert_eq!(reading(0.71, 100_000), Reading::Biased);
        assert_eq!(reading(1.01, 100_000), Reading::Untrustworthy);
    }

    #[test]
    fn numbers_json_does_not_have_are_read_back() {
        let flat = psis(&[0.0; 100]);
        let text = serde_json::to_string(&flat).unwrap();
        assert_eq!(serde_json::from_str::<Psis>(&text).unwrap(), flat);
        let more = text.replace('{', "{\"more\":1,");
        assert!(serde_json::from_str::<Psis>(&more).is_err());
    }
}
