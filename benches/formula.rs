//! Formulas beside the same functions written by hand: `cargo bench --bench formula`.

use std::collections::BTreeMap;

use divan::Bencher;
use divan::counter::ItemsCount;
use klfit::internals::{Formula, Support, Variable};
use rayon::prelude::*;

fn main() {
    divan::main();
}

const POINTS: usize = 1_000_000;
/// Points of one task.
const TASK: usize = 1 << 13;

fn formula(text: &str) -> Formula {
    let variable = |name: &str| Variable {
        name: name.to_owned(),
        len: 1,
        support: Support::Real,
    };
    let variables = vec![variable("x1"), variable("x2")];
    Formula::new(text, variables, BTreeMap::new()).expect("a formula of x1 and x2")
}

/// Numbers between −1 and 1 that look random.
fn numbers(len: usize) -> Vec<f64> {
    (0..len as u64)
        .map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0)
        .collect()
}

/// Times a function of points `[N, 2]` that writes values `[N]` and gradients `[N, 2]`.
fn time(bencher: Bencher, threads: usize, run: impl Fn(&[f64], &mut [f64], &mut [f64]) + Sync) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.expect("a pool of threads");
    let x = numbers(2 * POINTS);
    let (mut values, mut gradient) = (vec![0.0; POINTS], vec![0.0; 2 * POINTS]);
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

#[divan::bench(args = [1, 2], consts = [true, false])]
fn banana<const BY_HAND: bool>(bencher: Bencher, threads: usize) {
    compare::<BY_HAND>(bencher, threads, BANANA, banana_by_hand);
}

#[divan::bench(args = [1, 2], consts = [true, false])]
fn mixture<const BY_HAND: bool>(bencher: Bencher, threads: usize) {
    compare::<BY_HAND>(bencher, threads, MIXTURE, mixture_by_hand);
}

fn compare<const BY_HAND: bool>(
    bencher: Bencher,
    threads: usize,
    text: &str,
    by_hand: fn(&[f64], &mut [f64], &mut [f64]),
) {
    let formula = formula(text);
    time(bencher, threads, |x, values, gradient| {
        if BY_HAND {
            let points = x.par_chunks(2 * TASK).zip(values.par_chunks_mut(TASK));
            (points.zip(gradient.par_chunks_mut(2 * TASK)))
                .for_each(|((x, values), gradient)| by_hand(x, values, gradient));
        } else {
            formula.evaluate(x, values, Some(gradient));
        }
    });
}
