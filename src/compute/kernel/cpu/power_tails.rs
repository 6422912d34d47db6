//! log Σ exp of terms that fall off like powers, for many points at once.

use pulp::{Simd, WithSimd};

use super::real::{Real, has_fma};
use super::width::Width;

/// The most points at once.
pub const MOST_POINTS: usize = 64;
/// What is above this counts as this: the logarithm here is for numbers in range.
const LARGEST: f64 = 1e300;

/// log Σₖ exp(cₖ − a ln(1 + sₖ)) at N ≤ [`MOST_POINTS`] points, from c `[K]` and s `[K, N]`, which is written over.
pub fn log_sum_of_powers(
    width: Width,
    constants: &[f64],
    power: f64,
    terms: &mut [f64],
    logs: &mut [f64],
) {
    width.dispatch(LogSumOfPowers {
        constants,
        power,
        terms,
        logs,
    });
}

struct LogSumOfPowers<'a> {
    constants: &'a [f64],
    power: f64,
    terms: &'a mut [f64],
    logs: &'a mut [f64],
}

impl WithSimd for LogSumOfPowers<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        if has_fma::<S>() {
            self.run::<true>();
        } else {
            self.run::<false>();
        }
    }
}

impl LogSumOfPowers<'_> {
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Self {
            constants,
            power,
            terms,
            logs,
        } = self;
        let count = logs.len();
        let mut sums = [0.0; MOST_POINTS];
        let sums = &mut sums[..count];
        // Where every term is −∞ the largest must not be, or −∞ − (−∞) would be no number.
        logs.fill(f64::MIN);
        for (&constant, row) in constants.iter().zip(terms.chunks_exact_mut(count)) {
            for (term, largest) in row.iter_mut().zip(&mut *logs) {
                *term = constant - power * ln_1p::<FMA>(*term);
                *largest = if *largest > *term { *largest } else { *term };
            }
        }
        for row in terms.chunks_exact(count).take(constants.len()) {
            for ((sum, &term), &largest) in sums.iter_mut().zip(row).zip(&*logs) {
                *sum += Real::exp::<FMA>(term - largest);
            }
        }
        for (log, &sum) in logs.iter_mut().zip(&*sums) {
            *log += Real::ln::<FMA>(sum);
        }
    }
}

/// ln(1 + x) for x ≥ 0: what 1 + x is rounded by is put back, where it counts.
#[inline(always)]
fn ln_1p<const FMA: bool>(x: f64) -> f64 {
    let x = if x > LARGEST { LARGEST } else { x };
    let sum = 1.0 + x;
    let rounded = if x < 1.0 {
        (x - (sum - 1.0)) / sum
    } else {
        0.0
    };
    Real::ln::<FMA>(sum) + rounded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_those_of_the_standard_library() {
        let constants = [-0.3, 2.0, -700.0];
        for width in Width::ALL {
            for (power, scale) in [(1.5, 1.0), (40.0, 1e3), (5e9, 1e-10), (0.7, 1e250)] {
                for count in [1, 7, 64] {
                    let squared: Vec<f64> = (0..3 * count)
                        .map(|i| scale * (1.3 * i as f64).sin().powi(8))
                        .collect();
                    let (mut terms, mut logs) = (squared.clone(), vec![0.0; count]);
                    log_sum_of_powers(width, &constants, power, &mut terms, &mut logs);
                    for (n, log) in logs.into_iter().enumerate() {
                        let terms: Vec<f64> = (0..3)
                            .map(|k| constants[k] - power * squared[k * count + n].ln_1p())
                            .collect();
                        let largest = terms.iter().copied().fold(f64::MIN, f64::max);
                        let sum: f64 = terms.iter().map(|term| (term - largest).exp()).sum();
                        let exact = largest + sum.ln();
                        let off = (log - exact).abs();
                        assert!(off <= 1e-15 * exact.abs().max(1.0), "{power} {log} {exact}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_no_number_stays_so_and_what_is_far_out_is_one() {
        let mut logs = [0.0; 3];
        let mut terms = [f64::NAN, 1.0, f64::INFINITY, 1.0, f64::NAN, f64::INFINITY];
        log_sum_of_powers(Width::Widest, &[0.0, 0.0], 3.0, &mut terms, &mut logs);
        assert!(logs[0].is_nan() && logs[1].is_nan());
        assert!(logs[2] < -2000.0, "{}", logs[2]);
    }
}
