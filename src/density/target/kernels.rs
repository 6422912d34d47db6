//! Kernel density estimates: a Gaussian on each row of a sample.

use std::collections::HashMap;

use super::Samples;
use crate::error::Refusal;
use crate::mixture::Mixture;
use crate::text::count;

/// More kernels than this take too long: every log-density is a sum over all of them.
pub const MOST_KERNELS: usize = 2048;

/// How wide the kernels are.
#[derive(Debug, Clone, PartialEq)]
pub enum Bandwidth {
    /// N^(−1/(D + 4)) times the covariance's root (Scott 1992, §6.5.2).
    Scott,
    /// (N (D + 2) / 4)^(−1/(D + 4)) times the covariance's root (Silverman 1986, §4.3.2).
    Silverman,
    /// The same standard deviation in all coordinates.
    Std(f64),
    /// A standard deviation for each of the D coordinates.
    Stds(Vec<f64>),
}

/// The mean of N Gaussians, one on each row; equal rows share one, so that there may be fewer components.
///
/// By a rule all have the covariance of the rows, divided by N − 1, times the square of its factor, as in
/// `scipy.stats.gaussian_kde`.
///
/// # Errors
/// If there are more than [`MOST_KERNELS`] different rows, a standard deviation is not positive, there is not
/// one for each coordinate, or the covariance of the rows is singular.
pub fn kernel_density(samples: &Samples, bandwidth: &Bandwidth) -> Result<Mixture, Refusal> {
    let (n, dim) = (samples.len() as f64, samples.dim());
    let mut places: HashMap<Vec<u64>, usize> = HashMap::new();
    let (mut means, mut counts): (Vec<Vec<f64>>, Vec<f64>) = (Vec::new(), Vec::new());
    for row in samples.points() {
        // −0 is 0.
        let bits = row.iter().map(|x| (x + 0.0).to_bits()).collect();
        let place = *places.entry(bits).or_insert(means.len());
        if place == means.len() {
            means.push(row.to_vec());
            counts.push(0.0);
        }
        counts[place] += 1.0;
    }
    let kernels = means.len();
    if kernels > MOST_KERNELS {
        return Err(Refusal::new(
            "file",
            format!("has {kernels} different rows, and there can be {MOST_KERNELS} kernels"),
            "give a random part of the rows; or type = \"samples\", whose forward KL needs no density",
        ));
    }
    let weights = counts.iter().map(|count| count / n).collect();
    let d = dim as f64;
    let by_rule = |factor: f64| {
        let covariance = samples.covariance() * (n / (n - 1.0) * factor.powi(2));
        Mixture::gaussian(vec![0.0; dim], covariance).map_err(|refusal| {
            Refusal::new(
                "file",
                format!("the covariance of the rows is {}", refusal.message),
                "leave columns out that follow from others; or give the standard deviations of the kernels \
                 as bandwidth",
            )
        })
    };
    let by_stds = |stds: Vec<f64>| {
        if stds.len() != dim {
            return Err(Refusal::new(
                "bandwidth",
                format!(
                    "has {} for {}",
                    count(stds.len(), "number"),
                    count(dim, "coordinate")
                ),
                "give one number for all coordinates, or a list with one for each",
            ));
        }
        if let Some(std) = stds.iter().find(|std| !(**std > 0.0 && std.is_finite())) {
            return Err(Refusal::new(
                "bandwidth",
                format!("is {std}"),
                "the standard deviation of a kernel is positive and finite",
            ));
        }
        Mixture::from_stds(vec![1.0], vec![vec![0.0; dim]], vec![stds])
    };
    let kernel = match bandwidth {
        Bandwidth::Scott => by_rule(n.powf(-1.0 / (d + 4.0)))?,
        Bandwidth::Silverman => by_rule((n * (d + 2.0) / 4.0).powf(-1.0 / (d + 4.0)))?,
        Bandwidth::Std(std) => by_stds(vec![*std; dim])?,
        Bandwidth::Stds(stds) => by_stds(stds.clone())?,
    };
    let factor = kernel.scale_trils()[0].clone();
    Mixture::new(weights, means, vec![factor; kernels])
}
