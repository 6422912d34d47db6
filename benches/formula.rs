//! Formulas beside the same functions written by hand: `cargo bench --bench formula`.

use std::collections::BTreeMap;

use divan::Bencher;
use divan::counter::ItemsCount;
use klfit::internals::{Formula, Support, Variable};
use rayon::prelude::*;
use statrs::function::gamma::digamma;

fn main() {
    divan::main();
}

const POINTS: usize = 1_000_000;
/// Points of one task.
const TASK: usize = 1 << 13;

fn formula(text: &str, dim: usize) -> Formula {
    let x = Variable {
        name: "x".to_owned(),
        len: dim,
        support: Support::Real,
    };
    Formula::new(text, vec![x], BTreeMap::new()).expect("a formula of x1, x2, …")
}

/// Numbers between −1 and 1 that look random.
fn numbers(len: usize) -> Vec<f64> {
    (0..len as u64)
        .map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0)
        .collect()
}

/// Times a function of points `[N, D]` that writes values `[N]` and gradients `[N, D]`.
fn time(
    bencher: Bencher,
    threads: usize,
    dim: usize,
    run: impl Fn(&[f64], &mut [f64], &mut [f64]) + Sync,
) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.expect("a pool of threads");
    let x = numbers(dim * POINTS);
    let (mut values, mut gradient) = (vec![0.0; POINTS], vec![0.0; dim * POINTS]);
    bencher.counter(ItemsCount::new(POINTS)).bench_local(|| {
        pool.install(|| run(&x, &mut values, &mut gradient));
    });
}

const BANANA: &str = "-0.5*(x1^2 + (x2 - 0.5*(x1^2 - 1))^2)";

fn banana_by_hand(x: &[f64], values: &mut [f64], gradient: &mut [f64]) {
    let points = x
        .chunks_exact(2)
        .zip(values)
        .zip(gradient.chunks_exact_mut(2));
    for ((x, value), slope) in points {
        let off = x[1] - 0.5 * (x[0] * x[0] - 1.0);
        *value = -0.5 * (x[0] * x[0] + off * off);
        slope[0] = off * x[0] - x[0];
        slope[1] = -off;
    }
}

/// One of a function that is more to compute.
const MIXTURE: &str = "logsumexp(-0.5*(x1^2 + x2^2), -0.5*((x1 - 3)^2 + (x2 + 1)^2) - 1)";

fn mixture_by_hand(x: &[f64], values: &mut [f64], gradient: &mut [f64]) {
    let points = x
        .chunks_exact(2)
        .zip(values)
        .zip(gradient.chunks_exact_mut(2));
    for ((x, value), slope) in points {
        let off = [x[0] - 3.0, x[1] + 1.0];
        let a = -0.5 * (x[0] * x[0] + x[1] * x[1]);
        let b = -0.5 * (off[0] * off[0] + off[1] * off[1]) - 1.0;
        let top = a.max(b);
        let (of_a, of_b) = ((a - top).exp(), (b - top).exp());
        *value = top + (of_a + of_b).ln();
        for ((slope, x), off) in slope.iter_mut().zip(x).zip(off) {
            *slope = -(of_a * x + of_b * off) / (of_a + of_b);
        }
    }
}

/// One of lists: a narrow neck of ten dimensions.
const FUNNEL: &str = "normal_lpdf(x1, 0, 3) + sum(normal_lpdf(x[2:10], 0, exp(x1/2)))";

fn funnel_by_hand(x: &[f64], values: &mut [f64], gradient: &mut [f64]) {
    let points = x
        .chunks_exact(10)
        .zip(values)
        .zip(gradient.chunks_exact_mut(10));
    for ((x, value), slope) in points {
        let per = (-x[0]).exp();
        let squares: f64 = x[1..].iter().map(|x| x * x).sum();
        *value = -x[0] * x[0] / 18.0 - 4.5 * x[0] - 0.5 * per * squares;
        slope[0] = -x[0] / 9.0 - 4.5 + 0.5 * per * squares;
        for (slope, x) in slope[1..].iter_mut().zip(&x[1..]) {
            *slope = -per * x;
        }
    }
}

/// One of exponentials, logarithms and gamma functions: three numbers from a gamma distribution, by the
/// logarithms of its shape and its rate.
const GAMMA: &str = "sum(gamma_lpdf([0.5, 1.2, 3.1], exp(x1), exp(x2))) - log(1 + x1^2) - 0.5*x2^2";

fn gamma_by_hand(x: &[f64], values: &mut [f64], gradient: &mut [f64]) {
    let points = x
        .chunks_exact(2)
        .zip(values)
        .zip(gradient.chunks_exact_mut(2));
    let (sum, log_sum) = (4.8, (0.5 * 1.2 * 3.1_f64).ln());
    for ((x, value), slope) in points {
        let (shape, rate, share) = (x[0].exp(), x[1].exp(), 1.0 + x[0] * x[0]);
        *value = (shape - 1.0) * log_sum - rate * sum + 3.0 * (shape * x[1] - libm::lgamma(shape))
            - share.ln()
            - 0.5 * x[1] * x[1];
        slope[0] = shape * (log_sum + 3.0 * (x[1] - digamma(shape))) - 2.0 * x[0] / share;
        slope[1] = 3.0 * shape - rate * sum - x[1];
    }
}

#[divan::bench(args = [1, 2], consts = [true, false])]
fn banana<const BY_HAND: bool>(bencher: Bencher, threads: usize) {
    compare::<BY_HAND>(bencher, threads, 2, BANANA, banana_by_hand);
}

#[divan::bench(args = [1, 2], consts = [true, false])]
fn mixture<const BY_HAND: bool>(bencher: Bencher, threads: usize) {
    compare::<BY_HAND>(bencher, threads, 2, MIXTURE, mixture_by_hand);
}

#[divan::bench(args = [1, 2], consts = [true, false])]
fn funnel<const BY_HAND: bool>(bencher: Bencher, threads: usize) {
    compare::<BY_HAND>(bencher, threads, 10, FUNNEL, funnel_by_hand);
}

#[divan::bench(args = [1, 2], consts = [true, false])]
fn gamma<const BY_HAND: bool>(bencher: Bencher, threads: usize) {
    compare::<BY_HAND>(bencher, threads, 2, GAMMA, gamma_by_hand);
}

fn compare<const BY_HAND: bool>(
    bencher: Bencher,
    threads: usize,
    dim: usize,
    text: &str,
    by_hand: fn(&[f64], &mut [f64], &mut [f64]),
) {
    let formula = formula(text, dim);
    time(bencher, threads, dim, |x, values, gradient| {
        if BY_HAND {
            let points = x.par_chunks(dim * TASK).zip(values.par_chunks_mut(TASK));
            (points.zip(gradient.par_chunks_mut(dim * TASK)))
                .for_each(|((x, values), gradient)| by_hand(x, values, gradient));
        } else {
            formula.evaluate(x, values, Some(gradient));
        }
    });
}
