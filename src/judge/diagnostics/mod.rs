//! What a divergence alone does not show of q: whether its draws can stand for p, how much of p
//! lies where q is, and which modes of p it has.

mod coverage;
mod psis;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

pub use coverage::{LEAST_SHARE, ModeOfTarget, Modes};
pub use psis::{Psis, Reading, psis};

use crate::compute::noise::{RunKey, Stream};
use crate::density::target::{Samples, TargetModel, WeightKind, Weights};
use crate::divergence::{Estimate, EstimateMethod};
use crate::mixture::Mixture;

/// Draws of p and of q that [`diagnose`] looks at.
const DRAWS: usize = 20_000;
/// Points that p is asked about at once.
const BLOCK: usize = 1024;
/// The probability under q of the region that q is said to cover.
pub const REGION_MASS: f64 = 0.99;

/// What is known of one q besides its divergences.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Diagnostics {
    /// How far weighted draws of q can stand for p.
    pub psis: Option<Psis>,
    /// The probability under p of the region where q has [`REGION_MASS`] of its own, from 0 to 1.
    pub mass_in_region: Option<Estimate>,
    /// How many modes of p it covers.
    pub modes: Option<ModesCovered>,
    /// Each of these, the highest first; none where modes are not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub each_mode: Vec<ModeOfTarget>,
}

/// How many modes of p are covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModesCovered {
    /// Those that do.
    pub covered: usize,
    /// Those there are.
    pub of: usize,
}

/// The edge of the smallest region that holds `mass` of q, as a value of log q in nats: the
/// (1 − mass)-quantile of log q at draws of q (Hyndman, "Computing and graphing highest density
/// regions", The American Statistician 50(2), 1996).
///
/// At least `mass` of the draws have this value or more. NaN without draws, or if one is NaN.
pub fn region_threshold(log_q_at_draws_of_q: &[f64], mass: f64) -> f64 {
    if log_q_at_draws_of_q.iter().any(|log_q| log_q.is_nan()) {
        return f64::NAN;
    }
    let mut sorted = log_q_at_draws_of_q.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let inside = (mass * sorted.len() as f64).ceil() as usize;
    let edge = inside.clamp(1, sorted.len().max(1)) - 1;
    sorted.get(edge).copied().unwrap_or(f64::NAN)
}

/// The probability under p of the region where log q is at least `threshold`, from log q at
/// independent draws of p, with their weights if they have some.
///
/// The error is the binomial standard error of these draws; that of the threshold is not in it.
/// Where all draws agree it is the far end of the interval of Wilson (1927) at one standard
/// deviation, 1/(S + 1). Of weighted draws S is Σv for frequencies; for importance the error is
/// √Σw²(1 − m)², with w = v/Σv and 1 where a draw is in the region and 0 elsewhere, and S is (Σv)²/Σv².
/// Unknown without draws, or if a number is NaN.
pub fn mass_in_region(
    log_q_at_draws_of_p: &[f64],
    weights: Option<&Weights>,
    threshold: f64,
) -> Estimate {
    let is_nan = threshold.is_nan() || log_q_at_draws_of_p.iter().any(|log_q| log_q.is_nan());
    if is_nan || log_q_at_draws_of_p.is_empty() {
        return Estimate::UNKNOWN;
    }
    let is_inside = log_q_at_draws_of_p.iter().map(|log_q| *log_q >= threshold);
    let (draws, value, variance) = match weights {
        None => {
            let draws = log_q_at_draws_of_p.len() as f64;
            let value = is_inside.filter(|inside| *inside).count() as f64 / draws;
            (draws, value, value * (1.0 - value) / draws)
        }
        Some(weights) => {
            let draws = weights.effective_len();
            let inside = is_inside.map(f64::from);
            let pairs = weights.shares().into_iter().zip(inside);
            let value: f64 = pairs.clone().map(|(share, inside)| share * inside).sum();
            let variance = match weights.kind() {
                WeightKind::Frequency => value * (1.0 - value) / draws,
                WeightKind::Importance => pairs
                    .map(|(share, inside)| (share * (inside - value)).powi(2))
                    .sum(),
            };
            (draws, value, variance)
        }
    };
    // The binomial error is the larger one unless it is zero.
    let binomial = variance.max(0.0).sqrt();
    Estimate {
        value,
        error: binomial.max(1.0 / (draws + 1.0)),
        method: EstimateMethod::MonteCarlo,
    }
}

/// How many modes of p are covered by one of several q at least; none where p has no modes to find. The
/// draws depend on the seed alone.
pub fn modes_found(p: &TargetModel, several: &[&Mixture], seed: u64) -> Option<ModesCovered> {
    let modes = Modes::of(p)?;
    let by_each: Vec<Vec<ModeOfTarget>> = (several.iter())
        .map(|q| modes.covered_by(q, seed))
        .collect();
    let is_found = |m: &usize| by_each.iter().any(|modes| modes[*m].covered);
    Some(ModesCovered {
        covered: (0..modes.len()).filter(is_found).count(),
        of: modes.len(),
    })
}

/// log q at points of D coordinates each.
fn log_density(q: &Mixture, points: &[f64]) -> Vec<f64> {
    (points.par_chunks_exact(q.dim()))
        .map(|x| q.log_density(x))
        .collect()
}

/// What is known of q besides its divergences to p; nothing where p is a histogram. The draws depend on the seed alone.
pub fn diagnose(p: &TargetModel, q: &Mixture, seed: u64) -> Diagnostics {
    // Where q is inside a bin nothing of p is known.
    if p.as_histogram().is_some() {
        return Diagnostics::default();
    }
    let key = RunKey { seed, run: 0 };
    let dim = q.dim();
    let of_q = q.sample(DRAWS, &mut key.generator(Stream::FamilyDiagnostics, 0));
    let log_q = log_density(q, &of_q);
    let threshold = region_threshold(&log_q, REGION_MASS);
    let samples = p.as_samples();
    let of_p = match samples {
        Some(samples) => samples.rows().to_vec(),
        None => p.sample(DRAWS, &mut key.generator(Stream::TargetDiagnostics, 0)),
    };
    let weights = samples.and_then(Samples::weights);
    let log_p = p.has_density().then(|| {
        let mut log_p = vec![0.0; DRAWS];
        (of_q
            .par_chunks(BLOCK * dim)
            .zip(log_p.par_chunks_mut(BLOCK)))
        .for_each(|(x, log_p)| p.log_densities(x, log_p));
        log_p
    });
    let ratios =
        log_p.map(|log_p| -> Vec<f64> { (log_p.iter().zip(&log_q)).map(|(p, q)| p - q).collect() });
    let each_mode = Modes::of(p).map(|modes| modes.covered_by(q, seed));
    Diagnostics {
        psis: ratios.map(|ratios| psis(&ratios)),
        mass_in_region: Some(mass_in_region(&log_density(q, &of_p), weights, threshold)),
        modes: each_mode.as_ref().map(|modes| ModesCovered {
            covered: modes.iter().filter(|mode| mode.covered).count(),
            of: modes.len(),
        }),
        each_mode: each_mode.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use statrs::function::erf::erf;

    use super::*;
    use crate::compute::noise::{RunKey, Stream};

    fn gaussian(mean: f64, std: f64) -> Mixture {
        Mixture::from_stds(vec![1.0], vec![vec![mean]], vec![vec![std]]).unwrap()
    }

    fn two(offset: f64) -> Mixture {
        let means = vec![vec![-offset], vec![offset]];
        Mixture::from_stds(vec![0.5; 2], means, vec![vec![1.0]; 2]).unwrap()
    }

    /// log q at draws of p.
    fn log_q(q: &Mixture, p: &Mixture, count: usize, run: usize) -> Vec<f64> {
        let generator = |run: u64| RunKey { seed: 11, run }.generator(Stream::TargetEvaluation, 0);
        let draws = p.sample(count, &mut generator(run as u64));
        (draws.chunks(p.dim())).map(|x| q.log_density(x)).collect()
    }

    fn normal_cdf(x: f64) -> f64 {
        0.5 * (1.0 + erf(x / 2f64.sqrt()))
    }

    /// The 0.995-quantile of the standard normal, which has 0.99 between −z and z.
    const Z: f64 = 2.575_829_303_548_900_4;

    #[test]
    fn the_threshold_is_where_a_gaussian_leaves_99_percent() {
        let (q, draws) = (gaussian(2.0, 0.5), 400_000);
        let found = region_threshold(&log_q(&q, &q, draws, 0), REGION_MASS);
        let exact = q.log_density(&[2.0 + 0.5 * Z]);
        // The density of log q there: of |z|, 2 φ(Z), by d log q / d|z| = Z.
        let density = 2.0 * (-0.5 * Z * Z).exp() / std::f64::consts::TAU.sqrt() / Z;
        let error = (0.01 * 0.99 / draws as f64).sqrt() / density;
        assert!(
            (found - exact).abs() < 4.0 * error,
            "{found} is not {exact}"
        );
    }

    #[test]
    fn a_threshold_is_a_quantile_of_few_draws_too() {
        let draws = [-4.0, -1.0, -3.0, -2.0];
        assert_eq!(region_threshold(&draws, 0.75), -3.0);
        assert_eq!(region_threshold(&draws, 0.99), -4.0);
        assert_eq!(region_threshold(&draws, 0.0), -1.0);
        assert!(region_threshold(&[], 0.99).is_nan());
        assert!(region_threshold(&[0.0, -f64::NAN], 0.5).is_nan());
    }

    #[test]
    fn a_density_has_99_percent_in_its_own_region() {
        let p = two(3.0);
        let threshold = region_threshold(&log_q(&p, &p, 400_000, 0), REGION_MASS);
        let found = mass_in_region(&log_q(&p, &p, 40_000, 1), None, threshold);
        // The threshold adds a tenth of the variance.
        let error = found.error * 1.1f64.sqrt();
        assert!((found.value - 0.99).abs() < 4.0 * error, "{found:?}");
        assert!((found.error / (0.0099f64 / 40_000.0).sqrt() - 1.0).abs() < 0.2);
    }

    #[test]
    fn a_gaussian_has_the_mass_of_its_cdf_in_the_region_of_another() {
        let (p, q) = (gaussian(0.5, 1.5), gaussian(0.0, 1.0));
        let found = mass_in_region(&log_q(&q, &p, 100_000, 0), None, q.log_density(&[Z]));
        let exact = normal_cdf((Z - 0.5) / 1.5) - normal_cdf((-Z - 0.5) / 1.5);
        // As SciPy has it.
        assert!((exact - 0.8966480937933021).abs() < 1e-11);
        assert!((found.value - exact).abs() < 4.0 * found.error, "{found:?}");
        assert!(found.error < 0.001);
    }

    #[test]
    fn a_mass_of_nothing_or_all_has_an_error() {
        let none = mass_in_region(&[-2.0; 9], None, -1.0);
        assert_eq!((none.value, none.error), (0.0, 0.1));
        let all = mass_in_region(&[-1.0; 9], None, -1.0);
        assert_eq!((all.value, all.error), (1.0, 0.1));
        let half = mass_in_region(&[0.0, -2.0, 0.0, -2.0], None, -1.0);
        assert_eq!((half.value, half.error), (0.5, 0.25));
        for unknown in [
            mass_in_region(&[], None, 0.0),
            mass_in_region(&[0.0, f64::NAN], None, 0.0),
            mass_in_region(&[0.0], None, f64::NAN),
        ] {
            assert!(unknown.value.is_nan() && unknown.error.is_nan());
        }
    }

    #[test]
    fn a_mode_is_found_by_one_of_several() {
        let p = TargetModel::from(two(3.0));
        let found = |several: &[&Mixture]| modes_found(&p, several, 0).unwrap().covered;
        let (left, right) = (gaussian(-3.0, 1.0), gaussian(3.0, 1.0));
        assert_eq!(found(&[]), 0);
        assert_eq!(found(&[&left]), 1);
        assert_eq!(found(&[&left, &left]), 1);
        assert_eq!(found(&[&left, &right]), 2);
        let diagnostics = diagnose(&p, &right, 0);
        assert_eq!(diagnostics.modes, Some(ModesCovered { covered: 1, of: 2 }));
        assert_eq!(diagnostics.each_mode.len(), 2);
    }

    #[test]
    fn diagnostics_are_read_back_and_nothing_else_is() {
        let diagnostics = Diagnostics {
            psis: Some(psis(&[0.0; 100])),
            mass_in_region: Some(mass_in_region(&[0.0], None, 0.0)),
            modes: None,
            each_mode: Vec::new(),
        };
        let text = serde_json::to_string(&diagnostics).unwrap();
        let read: Diagnostics = serde_json::from_str(&text).unwrap();
        assert_eq!(read, diagnostics);
        let more = text.replacen('{', "{\"more\":1,", 1);
        assert!(serde_json::from_str::<Diagnostics>(&more).is_err());
    }
}
