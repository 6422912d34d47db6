//! Whether a noisy divergence was still falling when its fit ended.
//!
//! A random gradient does not go to zero at rest, so rest is told from the divergence at the logged steps: from the
//! slope of its means over batches in the last half of them. Batches of correlated numbers are correlated too;
//! the error of the slope is made larger by what is left of that, (1 + ρ)/(1 − ρ) with ρ the correlation of
//! neighbouring batches about the line, with the bias of so few taken out (Kendall, "Note on bias in the
//! estimation of autocorrelation", Biometrika 41, 1954).

use serde::{Deserialize, Serialize};

use crate::files::extended;

/// The fewest logged steps of the last half that a slope is told from.
pub const LEAST_ROWS: usize = 40;
/// Batches of them.
const BATCHES: usize = 20;
/// A fall counts from this many of its standard errors on …
pub const SURE: f64 = 4.5;
/// … if in the second half of the window it is this many of its own there …
const STILL_SURE: f64 = 2.0;
/// … and has at least this share of its slope: what was steep before may have come to rest since.
const STILL: f64 = 0.25;
/// Below this, in nats, or below this share of the divergence, whichever is less, no fall counts.
pub const LEAST_FALL: (f64, f64) = (1e-3, 0.01);
/// Batches that are more alike than this are taken to be so alike.
const MOST_ALIKE: f64 = 0.9;

/// How far the divergence of a run still falls.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Falling {
    /// Within so many steps, the last …
    pub steps: usize,
    /// … it fell by this, in nats, and by about as much or less it will in as many more …
    #[serde(with = "extended")]
    pub by: f64,
    /// … with this standard error.
    #[serde(with = "extended")]
    pub error: f64,
}

/// Where a noisy divergence was going.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Trend {
    /// Too little is logged to tell.
    Unknown,
    /// It shows no fall.
    Level,
    /// It still falls.
    Falling(Falling),
}

/// Where a divergence was going, from its values in nats at the logged steps of a run, by step.
pub fn trend(path: &[(usize, f64)]) -> Trend {
    let window = &path[path.len() / 2..];
    let (Some(first), Some(last_row)) = (window.first(), window.last()) else {
        return Trend::Unknown;
    };
    if window.len() < LEAST_ROWS || window.iter().any(|(_, value)| !value.is_finite()) {
        return Trend::Unknown;
    }
    let values: Vec<f64> = window.iter().map(|(_, value)| *value).collect();
    let whole = Slope::of(&values, BATCHES);
    let end = Slope::of(&values[values.len() / 2..], BATCHES / 2);
    let last = values[values.len() / 2..].iter().sum::<f64>() / values.len().div_ceil(2) as f64;
    let least = LEAST_FALL.0.min(LEAST_FALL.1 * last.abs());
    let is_falling = whole.fall > SURE * whole.error
        && end.fall > STILL_SURE * end.error
        && end.fall > STILL * 0.5 * whole.fall
        && whole.fall > least;
    match is_falling {
        true => Trend::Falling(Falling {
            steps: last_row.0 - first.0,
            by: whole.fall,
            error: whole.error,
        }),
        false => Trend::Level,
    }
}

/// A line through the means of batches.
struct Slope {
    /// How far it falls from the first number to the last …
    fall: f64,
    /// … and the standard error of that.
    error: f64,
}

impl Slope {
    /// Of at least as many numbers as there are to be batches, which are as long as each other or one longer.
    fn of(values: &[f64], batches: usize) -> Self {
        let end = |batch: usize| batch * values.len() / batches;
        let means: Vec<f64> = (0..batches)
            .map(|batch| &values[end(batch)..end(batch + 1)])
            .map(|batch| batch.iter().sum::<f64>() / batch.len() as f64)
            .collect();
        let n = means.len() as f64;
        let mean = means.iter().sum::<f64>() / n;
        // Where the middle of each is, in numbers from the middle of all.
        let middle = |batch: usize| 0.5 * (end(batch) + end(batch + 1)) as f64;
        let of_all = (0..batches).map(middle).sum::<f64>() / n;
        let at = |batch: usize| middle(batch) - of_all;
        let spread: f64 = (0..batches).map(|batch| at(batch).powi(2)).sum();
        let slope = (means.iter().enumerate())
            .map(|(i, y)| at(i) * y)
            .sum::<f64>()
            / spread;
        let length = values.len() as f64 - 1.0;
        let rest: Vec<f64> = (means.iter().enumerate())
            .map(|(i, y)| y - mean - slope * at(i))
            .collect();
        let squares: f64 = rest.iter().map(|r| r * r).sum();
        let neighbours: f64 = rest.windows(2).map(|pair| pair[0] * pair[1]).sum();
        let alike = match squares > 0.0 {
            true => neighbours / squares,
            false => 0.0,
        };
        let alike = (alike + (1.0 + 4.0 * alike) / n).clamp(0.0, MOST_ALIKE);
        let variance = squares / (n - 2.0) * (1.0 + alike) / (1.0 - alike);
        Self {
            fall: -slope * length,
            error: (variance / spread).sqrt() * length,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compute::noise::{Noise, RunKey, Stream};

    fn falling(path: &[(usize, f64)]) -> Option<Falling> {
        match trend(path) {
            Trend::Falling(falling) => Some(falling),
            Trend::Unknown | Trend::Level => None,
        }
    }

    /// A path of `rows` logged steps, ten steps apart: `of` its share of the way, and noise of a standard deviation
    /// of 1 with this correlation from row to row.
    fn path(seed: u64, rows: usize, rho: f64, of: impl Fn(f64) -> f64) -> Vec<(usize, f64)> {
        let noise = Noise {
            runs: &[RunKey { seed, run: 0 }],
            stream: Stream::Init,
            step: 0,
        };
        let mut x = 0.0;
        (noise.normals(rows + 200).into_iter().enumerate())
            .map(|(i, e)| {
                x = rho * x + (1.0 - rho * rho).sqrt() * e;
                (i, x)
            })
            .skip(200)
            .map(|(i, x)| {
                let row = i - 200;
                (10 * row, of(row as f64 / rows as f64) + x)
            })
            .collect()
    }

    fn share_found(rows: usize, rho: f64, of: impl Fn(f64) -> f64) -> f64 {
        let seeds = 1000;
        let found = (0..seeds).filter(|&seed| falling(&path(seed, rows, rho, &of)).is_some());
        found.count() as f64 / seeds as f64
    }

    #[test]
    fn noise_about_a_level_is_seldom_taken_for_a_fall() {
        for (rows, rho) in [
            (101, 0.0),
            (101, 0.5),
            (101, 0.9),
            (401, 0.9),
            (401, 0.95),
            (1001, 0.98),
        ] {
            let alarms = share_found(rows, rho, |_| 5.0);
            assert!(alarms < 0.02, "{rows} {rho}: {alarms}");
        }
        // What rises, or has come to rest in the first half, does not fall.
        for rho in [0.0, 0.9] {
            assert!(share_found(401, rho, |t| 10.0 * t) < 0.001);
            let settled = share_found(401, rho, |t| 50.0 * (0.5 - t).max(0.0));
            assert!(settled < 0.01, "{settled}");
        }
    }

    #[test]
    fn a_fall_is_found_and_told_with_its_error() {
        for (rows, rho, fall) in [
            (101, 0.0, 6.0),
            (101, 0.5, 10.0),
            (401, 0.9, 12.0),
            (1001, 0.9, 8.0),
        ] {
            let found = share_found(rows, rho, |t| -2.0 * fall * t);
            assert!(found > 0.8, "{rows} {rho} {fall}: {found}");
        }
        // 12 nats in all, 6 of them in the last half; each within its error as often as a t distribution is.
        let mut scores = Vec::new();
        for seed in 0..400 {
            if let Some(of) = falling(&path(seed, 401, 0.5, |t| -12.0 * t)) {
                assert_eq!(of.steps, 2000);
                scores.push((of.by - 6.0) / of.error);
            }
        }
        assert!(scores.len() > 390, "{}", scores.len());
        let square = scores.iter().map(|z| z * z).sum::<f64>() / scores.len() as f64;
        assert!((0.6..1.6).contains(&square), "{square}");
    }

    #[test]
    fn a_smooth_fall_is_found_and_a_tiny_one_is_none() {
        let smooth = |fall: f64| -> Vec<(usize, f64)> {
            let value = |i: usize| 1.0 - fall * i as f64 / 100.0;
            (0..=100).map(|i| (i, value(i))).collect()
        };
        let found = falling(&smooth(0.5)).unwrap();
        assert!(
            (found.by - 0.25).abs() < 0.02 && found.error < 1e-10,
            "{found:?}"
        );
        // In the last half half of it: more than a thousandth of a nat, or less.
        assert!(falling(&smooth(0.003)).is_some());
        assert!(falling(&smooth(0.001)).is_none());
        // Of 1e-4 nats a hundredth is 1e-6.
        let small: Vec<_> = smooth(0.5).iter().map(|&(i, y)| (i, 1e-4 * y)).collect();
        assert!(falling(&small).is_some());
        // Few rows, and numbers that are none, tell nothing.
        assert_eq!(trend(&smooth(0.5)[40..]), Trend::Unknown);
        let mut broken = smooth(0.5);
        broken[90].1 = f64::NAN;
        assert_eq!(trend(&broken), Trend::Unknown);
        assert_eq!(trend(&[]), Trend::Unknown);
        assert_eq!(trend(&vec![(3, 1.0); 100]), Trend::Level);
    }
}
