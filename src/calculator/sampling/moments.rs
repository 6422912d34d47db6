//! Means with their errors, and how far these can be trusted.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::files::extended;

/// Sums that are taken side by side, as vectors are.
const LANES: usize = 8;

/// Σ f(x) of some numbers.
fn sums<const N: usize>(numbers: &[f64], f: impl Fn(f64) -> [f64; N]) -> [f64; N] {
    let mut lanes = [[0.0; LANES]; N];
    let (groups, rest) = numbers.as_chunks::<LANES>();
    for group in groups.iter().map(|group| &group[..]).chain([rest]) {
        for (lane, &number) in group.iter().enumerate() {
            for (sums, term) in lanes.iter_mut().zip(f(number)) {
                sums[lane] += term;
            }
        }
    }
    lanes.map(|lanes| lanes.iter().sum())
}

/// Count, mean and sums of powers of deviations of some numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Moments {
    count: f64,
    #[serde(with = "extended")]
    pub mean: f64,
    /// Σ (x − mean)², ³ and ⁴.
    #[serde(with = "extended")]
    squares: f64,
    #[serde(with = "extended")]
    cubes: f64,
    #[serde(with = "extended")]
    fourths: f64,
}

impl Moments {
    pub fn new(numbers: &[f64]) -> Self {
        let count = numbers.len() as f64;
        if numbers.is_empty() {
            return Self::default();
        }
        let [about] = sums(numbers, |number| [number]).map(|sum| sum / count);
        // Many like numbers are all rounded alike as they are summed; their differences are not.
        let [apart] = sums(numbers, |number| [number - about]);
        let mean = about + apart / count;
        let [squares, cubes, fourths] = sums(numbers, |number| {
            let apart = number - mean;
            let square = apart * apart;
            [square, square * apart, square * square]
        });
        Self {
            count,
            mean,
            squares,
            cubes,
            fourths,
        }
    }

    /// How many numbers they are of.
    pub fn count(&self) -> f64 {
        self.count
    }

    /// Those of both together (Pébay 2008, eq. 2.1 and §2.2).
    pub fn add(&mut self, other: Self) {
        let count = self.count + other.count;
        if other.count == 0.0 {
            return;
        }
        let (a, b) = (self.count, other.count);
        let apart = other.mean - self.mean;
        let step = apart / count;
        self.fourths += other.fourths
            + apart * step.powi(3) * a * b * (a * a - a * b + b * b)
            + 6.0 * step * step * (a * a * other.squares + b * b * self.squares)
            + 4.0 * step * (a * other.cubes - b * self.cubes);
        self.cubes += other.cubes
            + apart * step * step * a * b * (a - b)
            + 3.0 * step * (a * other.squares - b * self.squares);
        self.squares += other.squares + apart * step * a * b;
        self.mean += step * b;
        self.count = count;
    }

    /// Those of the numbers times a factor.
    pub fn scaled(self, factor: f64) -> Self {
        let square = factor * factor;
        Self {
            count: self.count,
            mean: self.mean * factor,
            squares: self.squares * square,
            cubes: self.cubes * square * factor,
            fourths: self.fourths * square * square,
        }
    }

    /// The variance of the mean, and how many degrees of freedom that has: as many as a χ² of the
    /// same relative variance, 2n / (κ − (n − 3)/(n − 1)) with the kurtosis κ of the numbers (O'Neill
    /// 2014). Of normal numbers it is n − 1; where one number makes most of the variance, 2.
    pub fn variance_of_mean(self) -> (f64, f64) {
        let n = self.count;
        let variance = self.squares / (n - 1.0) / n;
        let kurtosis = n * self.fourths / (self.squares * self.squares);
        let freedom = 2.0 * n / (kurtosis - (n - 3.0) / (n - 1.0));
        // A list of two has no kurtosis to speak of, and no list tells more than n − 1.
        (variance, freedom.min(n - 1.0))
    }
}

/// The mean of an integrand, as a multiple of e^`log_scale`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mean {
    pub log_scale: f64,
    pub mean: f64,
    /// The variance of that mean …
    pub variance: f64,
    /// … and its degrees of freedom; infinite if nothing varies.
    pub freedom: f64,
}

impl Mean {
    /// The sum of independent means Xᵢ with variances vᵢ of fᵢ degrees of freedom; it has (Σ vᵢ)² /
    /// Σ (vᵢ²/fᵢ) of them (Welch 1947; Satterthwaite 1946).
    pub fn sum(parts: impl Iterator<Item = (f64, f64, f64)> + Clone) -> Self {
        let variance: f64 = parts.clone().map(|(_, variance, _)| variance).sum();
        // By shares: squares of the variances themselves may overflow.
        let spread: f64 = (parts.clone())
            .filter(|(_, variance, _)| *variance > 0.0)
            .map(|(_, of_part, freedom)| (of_part / variance).powi(2) / freedom)
            // An empty sum would be −0.
            .fold(0.0, std::ops::Add::add);
        Self {
            log_scale: 0.0,
            mean: parts.map(|(mean, ..)| mean).sum(),
            variance,
            freedom: 1.0 / spread,
        }
    }

    /// In units of e^`log_scale`.
    pub fn scaled(self, log_scale: f64) -> Self {
        Self { log_scale, ..self }
    }

    /// How many standard errors make 95 %, by a t-distribution.
    pub fn quantile(self) -> f64 {
        if self.freedom > 1e6 {
            return NORMAL;
        }
        StudentsT::new(0.0, 1.0, self.freedom).map_or(f64::NAN, |t| t.inverse_cdf(0.975))
    }
}

/// 95 % of a normal distribution lie within this many standard deviations.
const NORMAL: f64 = 1.959_963_984_540_054;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_the_moments_of_the_whole() {
        let numbers: Vec<f64> = (0..97).map(|i| ((i * i) % 31) as f64 - 3.0).collect();
        let whole = Moments::new(&numbers);
        for at in [0, 1, 13, 97] {
            let (first, second) = numbers.split_at(at);
            let mut both = Moments::new(first);
            both.add(Moments::new(second));
            for (a, b) in [
                (both.mean, whole.mean),
                (both.squares, whole.squares),
                (both.cubes, whole.cubes),
                (both.fourths, whole.fourths),
            ] {
                assert!((a - b).abs() < 1e-10 * b.abs(), "{at}: {a} {b}");
            }
        }
    }

    #[test]
    fn a_number_that_makes_most_of_the_variance_leaves_it_uncertain() {
        let mut numbers = vec![0.0; 1000];
        numbers[17] = 1.0;
        let (variance, freedom) = Moments::new(&numbers).variance_of_mean();
        assert!((variance - 1e-6).abs() < 1e-12);
        assert!(freedom < 2.01, "{freedom}");
        // Even numbers are surer than normal ones, and no surer than their count.
        let even: Vec<f64> = (0..1000).map(f64::from).collect();
        assert_eq!(Moments::new(&even).variance_of_mean().1, 999.0);
        // t.ppf(0.975, 2) by scipy.
        let mean = Mean::sum([(0.0, variance, 2.0)].into_iter());
        assert!((mean.quantile() - 4.302652729911275).abs() < 1e-9);
    }
}
