//! What a correlated path of numbers shows: whether it has settled, and how precise its mean is.

/// A standard error is given only for an average worth as many independent numbers as this.
const LEAST_EFFECTIVE: f64 = 100.0;

/// The mean of some numbers.
pub(super) fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

fn variance(numbers: &[f64]) -> f64 {
    let mean = mean(numbers);
    numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (numbers.len() as f64 - 1.0)
}

/// The variance that rounding makes of numbers that are all the same.
fn of_rounding(path: &[f64]) -> f64 {
    let largest = path.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    (path.len() as f64 * f64::EPSILON * largest).powi(2)
}

/// The potential scale reduction of a path cut into halves (Gelman et al. 2013, §11.4): near 1 if
/// both halves agree.
pub(super) fn split_r_hat(path: &[f64]) -> f64 {
    let n = path.len() / 2;
    let halves = [&path[..n], &path[path.len() - n..]];
    let within = mean(&halves.map(variance));
    let between = variance(&halves.map(mean));
    if within <= of_rounding(path) {
        return if between <= of_rounding(path) {
            1.0
        } else {
            f64::INFINITY
        };
    }
    let n = n as f64;
    (((n - 1.0) / n * within + between) / within).sqrt()
}

/// The Monte Carlo standard error of the mean of a correlated path, from its autocorrelations by the
/// initial monotone sequence (Geyer 1992); infinite while the path is too short to tell.
pub(super) fn standard_error(path: &[f64]) -> f64 {
    let n = path.len() as f64;
    let mean = mean(path);
    let offsets: Vec<f64> = path.iter().map(|x| x - mean).collect();
    let covariance = |lag: usize| {
        let pairs = offsets.iter().zip(offsets.iter().skip(lag));
        pairs.map(|(a, b)| a * b).sum::<f64>() / n
    };
    let variance = covariance(0);
    if variance <= of_rounding(path) {
        return 0.0;
    }
    // Sums of two neighbours are positive and fall in truth; noise ends the sequence.
    let (mut sum, mut least) = (0.0, f64::INFINITY);
    for lag in (0..path.len() - 1).step_by(2) {
        least = least.min(covariance(lag) + covariance(lag + 1));
        if least <= 0.0 {
            break;
        }
        sum += least;
    }
    let time = (2.0 * sum / variance - 1.0).max(1.0);
    if n / time < LEAST_EFFECTIVE {
        return f64::INFINITY;
    }
    (variance * time / n).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compute::noise::{Noise, RunKey, Stream};

    /// The mean of many equal numbers is rounded.
    #[test]
    fn what_never_moves_has_settled_and_is_known() {
        for value in [0.1, -1e5, 1.0 / 3.0, 7e-9, 0.0] {
            let path = vec![value; 403];
            assert_eq!(standard_error(&path), 0.0, "{value}");
            assert_eq!(split_r_hat(&path), 1.0, "{value}");
            let mut moved = path;
            moved[202..].iter_mut().for_each(|x| *x += 1.0);
            assert_eq!(split_r_hat(&moved), f64::INFINITY, "{value}");
        }
    }

    #[test]
    fn the_standard_error_is_that_of_independent_numbers_where_they_are() {
        let noise = Noise {
            runs: &[RunKey { seed: 3, run: 0 }],
            stream: Stream::Init,
            step: 0,
        };
        let path: Vec<f64> = noise.normals(6400).iter().map(|e| 2.0 * e).collect();
        let expected = 2.0 / 80.0;
        assert!((standard_error(&path) / expected - 1.0).abs() < 0.1);
    }
}
