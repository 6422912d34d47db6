//! Eight schools (Rubin 1981), not centred: what is fitted to the formula, and to a program, beside long chains of
//! Hamiltonian Monte Carlo (Neal 2011), and these beside integrals.

use std::fs;
use std::path::Path;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde_json::Value;

use crate::command_line::klfit;
use crate::programs::program;
use crate::support::{assert_close, config};

const Y: [f64; 8] = [28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0];
const SIGMA: [f64; 8] = [15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0];

/// The log-density of mu, log tau and eta, and its gradient.
fn log_density(u: &[f64; 10], gradient: &mut [f64; 10]) -> f64 {
    let (mu, tau, eta) = (u[0], u[1].exp(), &u[2..]);
    let share = (tau / 5.0).powi(2);
    let mut value = -0.5 * (mu / 5.0).powi(2) - (1.0 + share).ln() + u[1];
    gradient[0] = -mu / 25.0;
    gradient[1] = 1.0 - 2.0 * share / (1.0 + share);
    for j in 0..8 {
        let off = (Y[j] - mu - tau * eta[j]) / SIGMA[j];
        value -= 0.5 * (eta[j].powi(2) + off.powi(2));
        gradient[0] += off / SIGMA[j];
        gradient[1] += off / SIGMA[j] * tau * eta[j];
        gradient[2 + j] = off / SIGMA[j] * tau - eta[j];
    }
    value
}

/// Means and standard deviations of all coordinates by chains, with what is not known of the means.
struct Chains<const D: usize> {
    mean: [f64; D],
    std: [f64; D],
    /// The standard error of each mean, from the means of batches.
    error: [f64; D],
    /// Of the halves of all chains (Gelman and Rubin 1992), the largest of all coordinates.
    r_hat: f64,
    /// How many proposals were taken.
    accepted: f64,
}

const CHAINS: usize = 4;
const DRAWS: usize = 10_000;
const WARM_UP: usize = 500;
/// Draws of one batch.
const BATCH: usize = 100;

/// Hamiltonian Monte Carlo in coordinates that are divided by `scales`.
fn sample<const D: usize>(
    log_density: impl Fn(&[f64; D], &mut [f64; D]) -> f64,
    scales: [f64; D],
) -> Chains<D> {
    let mut accepted = 0;
    let mut chains = Vec::new();
    for chain in 0..CHAINS {
        let mut generator = ChaCha8Rng::seed_from_u64(chain as u64);
        let mut normal = || -> f64 { StandardNormal.sample(&mut generator) };
        // Far apart, so that chains that agree have forgotten where they began.
        let mut at: [f64; D] = std::array::from_fn(|i| 3.0 * scales[i] * normal());
        let mut slope = [0.0; D];
        let mut value = log_density(&at, &mut slope);
        let mut steps = ChaCha8Rng::seed_from_u64(1000 + chain as u64);
        let mut draws = Vec::new();
        for draw in 0..WARM_UP + DRAWS {
            let momentum: [f64; D] = std::array::from_fn(|_| normal());
            let energy =
                |value: f64, p: &[f64; D]| value - 0.5 * p.iter().map(|p| p * p).sum::<f64>();
            let step: f64 = steps.random_range(0.15..0.35);
            let (mut to, mut p, mut of_to, mut reached) = (at, momentum, slope, value);
            for _ in 0..steps.random_range(4..12) {
                for i in 0..D {
                    p[i] += 0.5 * step * scales[i] * of_to[i];
                    to[i] += step * scales[i] * p[i];
                }
                reached = log_density(&to, &mut of_to);
                for i in 0..D {
                    p[i] += 0.5 * step * scales[i] * of_to[i];
                }
            }
            let is_taken = steps.random_range(0.0..1.0f64).ln()
                < energy(reached, &p) - energy(value, &momentum);
            if is_taken {
                (at, slope, value) = (to, of_to, reached);
            }
            if draw >= WARM_UP {
                accepted += usize::from(is_taken);
                draws.push(at);
            }
        }
        chains.push(draws);
    }
    let all = chains.concat();
    let of = |draws: &[[f64; D]], i: usize| {
        let numbers: Vec<f64> = draws.iter().map(|draw| draw[i]).collect();
        mean_and_variance(&numbers)
    };
    // Means and variances of the parts of all chains.
    let parts = |length: usize, i: usize| -> (Vec<f64>, Vec<f64>) {
        (chains.iter().flat_map(|draws| draws.chunks(length)))
            .map(|part| of(part, i))
            .unzip()
    };
    let r_hat = |i: usize| {
        let (means, variances) = parts(DRAWS / 2, i);
        let (within, _) = mean_and_variance(&variances);
        let (_, between) = mean_and_variance(&means);
        (1.0 - 2.0 / DRAWS as f64 + between / within).sqrt()
    };
    let error = |i: usize| {
        let (means, _) = parts(BATCH, i);
        (mean_and_variance(&means).1 / means.len() as f64).sqrt()
    };
    Chains {
        mean: std::array::from_fn(|i| of(&all, i).0),
        std: std::array::from_fn(|i| of(&all, i).1.sqrt()),
        error: std::array::from_fn(error),
        r_hat: (0..D).map(r_hat).fold(0.0, f64::max),
        accepted: accepted as f64 / all.len() as f64,
    }
}

fn mean_and_variance(numbers: &[f64]) -> (f64, f64) {
    let count = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / count;
    let squares: f64 = numbers.iter().map(|number| (number - mean).powi(2)).sum();
    (mean, squares / (count - 1.0))
}

/// The chains of the schools.
fn schools() -> Chains<10> {
    let mut scales = [1.0; 10];
    scales[0] = 3.0;
    sample(log_density, scales)
}

/// Means and standard deviations of all coordinates by sums over log tau: mu and eta are Gaussian where it is known.
fn integrals() -> ([f64; 10], [f64; 10]) {
    let (mut total, mut sums, mut squares) = (0.0, [0.0; 10], [0.0; 10]);
    for i in 0..4000 {
        let log_tau = -14.0 + 20.0 * f64::from(i) / 4000.0;
        let tau = log_tau.exp();
        let variances = SIGMA.map(|sigma| sigma.powi(2) + tau.powi(2));
        let pairs = || Y.iter().zip(&variances);
        // Of mu.
        let precision = 1.0 / 25.0 + pairs().map(|(_, v)| 1.0 / v).sum::<f64>();
        let mean = pairs().map(|(y, v)| y / v).sum::<f64>() / precision;
        let fit: f64 = pairs().map(|(y, v)| v.ln() + y * y / v).sum();
        let log_weight = -0.5 * (fit + precision.ln() - mean.powi(2) * precision)
            - (tau / 5.0).powi(2).ln_1p()
            + log_tau;
        let weight = log_weight.exp();
        let mut take = |i: usize, mean: f64, variance: f64| {
            sums[i] += weight * mean;
            squares[i] += weight * (variance + mean.powi(2));
        };
        total += weight;
        take(0, mean, 1.0 / precision);
        take(1, log_tau, 0.0);
        for j in 0..8 {
            let own = 1.0 + (tau / SIGMA[j]).powi(2);
            let by = tau / SIGMA[j].powi(2) / own;
            take(
                2 + j,
                by * (Y[j] - mean),
                1.0 / own + by.powi(2) / precision,
            );
        }
    }
    let means = sums.map(|sum| sum / total);
    let std = |i: usize| (squares[i] / total - means[i].powi(2)).sqrt();
    (means, std::array::from_fn(std))
}

#[test]
fn the_sampler_finds_the_moments_of_a_gaussian() {
    // N(μ, L Lᵀ) with L of rows (1), (1, 2), (0, -1, 0.5).
    let log_density = |x: &[f64; 3], gradient: &mut [f64; 3]| {
        let a = x[0] - 1.0;
        let b = (x[1] + 2.0 - a) / 2.0;
        let c = (x[2] - 0.5 + b) / 0.5;
        *gradient = [-a + b / 2.0 + c, -b / 2.0 - c, -2.0 * c];
        -0.5 * (a * a + b * b + c * c)
    };
    gradient_is_right(log_density, [0.3, -0.8, 1.1]);
    let found = sample(log_density, [1.0, 2.0, 1.0]);
    agrees(
        &found,
        [1.0, -2.0, 0.5],
        [1.0, 5.0f64.sqrt(), 1.25f64.sqrt()],
    );
}

#[test]
fn long_chains_have_the_moments_of_the_integrals() {
    let point = [3.0, 0.7, 0.4, -0.3, 1.0, 0.2, -1.3, 0.1, 0.6, -0.5];
    gradient_is_right(log_density, point);
    let (mean, std) = integrals();
    agrees(&schools(), mean, std);
}

/// By central differences.
fn gradient_is_right<const D: usize>(
    log_density: impl Fn(&[f64; D], &mut [f64; D]) -> f64,
    at: [f64; D],
) {
    let mut gradient = [0.0; D];
    log_density(&at, &mut gradient);
    for i in 0..D {
        let moved = |by: f64| {
            let mut to = at;
            to[i] += by;
            log_density(&to, &mut [0.0; D])
        };
        let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
        assert_close(gradient[i], slope, 1e-8, "slope");
    }
}

/// Whether chains have mixed, and found these moments as well as they say.
fn agrees<const D: usize>(chains: &Chains<D>, mean: [f64; D], std: [f64; D]) {
    assert!(chains.r_hat < 1.01, "{}", chains.r_hat);
    assert!((0.5..1.0).contains(&chains.accepted), "{}", chains.accepted);
    for i in 0..D {
        assert!(chains.error[i] < 0.02 * std[i], "{i}: {}", chains.error[i]);
        assert_close(chains.mean[i], mean[i], 4.5 * chains.error[i], "mean");
        assert_close(chains.std[i], std[i], 0.03 * std[i], "standard deviation");
    }
}

#[test]
fn the_formula_and_a_program_have_the_means_of_long_chains() {
    let folder = tempfile::tempdir().unwrap();
    let formula = fs::read_to_string(config("eight-schools")).unwrap();
    let of_formula: toml::Table = formula.parse().unwrap();
    let chains = schools();
    let command = format!("command = [{:?}, \"eight-schools\"]", program());
    let by_program = toml::from_str::<toml::Table>(&command).unwrap();
    let mut means = Vec::new();
    for target in [None, Some(by_program)] {
        let mut config = of_formula.clone();
        if let Some(mut target) = target {
            for key in ["variables", "support"] {
                target.insert(key.into(), config["target"][key].clone());
            }
            config.insert("target".into(), target.into());
        }
        // The first fit, by fewer points.
        config["fit"].as_array_mut().unwrap().truncate(1);
        config["restarts"] = 1.into();
        config["estimator"]["samples"] = 4096.into();
        fs::write(folder.path().join("my.toml"), config.to_string()).unwrap();
        let run = [
            "run",
            "my.toml",
            "--no-figures",
            "--force",
            "--out",
            "run",
            "--allow-commands",
        ];
        let told = klfit(&run).current_dir(&folder).assert().success();
        let told = String::from_utf8(told.get_output().stdout.clone()).unwrap();
        let k_hat = told.lines().find(|line| line.contains("k̂ ")).expect("k̂");
        println!("{k_hat}");
        let summary = summary(&folder.path().join("run"));
        let found = &summary["fits"][0]["best"]["mixture"]["means"][0];
        let found: Vec<f64> = (found.as_array().unwrap().iter())
            .map(|mean| mean.as_f64().unwrap())
            .collect();
        for (i, found) in found.iter().enumerate() {
            println!("{i}: {found} {} ± {}", chains.mean[i], chains.error[i]);
            assert_close(*found, chains.mean[i], 0.1 * chains.std[i], "mean");
        }
        means.push(found);
    }
    for (one, other) in means[0].iter().zip(&means[1]) {
        assert_close(*one, *other, 1e-6, "mean");
    }
}

fn summary(run: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(run.join("summary.json")).unwrap()).unwrap()
}
