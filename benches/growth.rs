//! How the cost of the log-density with all its gradients grows, and what a second thread is worth:
//! one line of JSON for each measurement, for `benches/peers/growth.py` to draw.

use std::hint::black_box;
use std::time::{Duration, Instant};

use klfit::internals::kernel::cpu::{
    Mixture, Points, Scale, Wanted, Width, log_density_and_gradients,
};

/// The sizes of a call.
#[derive(Clone, Copy)]
struct Sizes {
    runs: usize,
    samples: usize,
    components: usize,
    dim: usize,
    form: Form,
}

/// The form of the covariances.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    Full,
    Diagonal,
    /// With four factors.
    LowRank,
}

const BASE: Sizes = Sizes {
    runs: 1,
    samples: 4096,
    components: 8,
    dim: 8,
    form: Form::Full,
};

/// Numbers between −1 and 1 that look random.
fn numbers(len: usize) -> Vec<f64> {
    (0..len as u64)
        .map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0)
        .collect()
}

/// The least time of a call, in µs.
fn time(sizes: Sizes) -> f64 {
    let Sizes {
        runs,
        samples,
        components: k,
        dim,
        form,
    } = sizes;
    let x = numbers(runs * samples * dim);
    let means = numbers(runs * k * dim);
    let log_weights = vec![-(k as f64).ln(); runs * k];
    let scale: Vec<f64> = match form {
        Form::Diagonal => vec![1.5; runs * k * dim],
        Form::LowRank => [1.5, 0.1, 0.2, 0.3, 0.4].repeat(runs * k * dim),
        Form::Full => {
            let entry = |at: usize| match (at / dim % dim, at % dim) {
                (i, j) if i == j => 1.5,
                (i, j) if j < i => 0.1 / dim as f64,
                _ => 0.0,
            };
            (0..runs * k * dim * dim).map(entry).collect()
        }
    };
    let mixture = Mixture {
        components: k,
        dim,
        log_weights: &log_weights,
        means: &means,
        scale: match form {
            Form::Full => Scale::Tril(&scale),
            Form::Diagonal => Scale::Diagonal(&scale),
            Form::LowRank => Scale::LowRank {
                values: &scale,
                rank: 4,
            },
        },
    };
    let points = Points {
        runs,
        samples,
        values: &x,
    };
    let upstream = vec![1.0; runs * samples];
    let (started, mut least, mut calls) = (Instant::now(), f64::INFINITY, 0);
    while calls < 3 || (started.elapsed() < Duration::from_millis(400) && calls < 3000) {
        let before = Instant::now();
        let both =
            log_density_and_gradients(Width::Widest, points, &mixture, &upstream, Wanted::ALL);
        black_box(both).unwrap();
        least = least.min(before.elapsed().as_secs_f64());
        calls += 1;
    }
    least * 1e6
}

fn report(against: &str, size: usize, form: &str, threads: usize, us: f64) {
    println!(
        "{{\"against\": \"{against}\", \"size\": {size}, \"form\": \"{form}\", \"threads\": \
         {threads}, \"us\": {us:.2}}}"
    );
}

fn main() {
    let powers = |from: u32, to: u32| (from..=to).map(|power| 1_usize << power);
    let on = |threads: usize, work: &(dyn Fn() + Sync)| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap().install(work);
    };
    for threads in [1, 2] {
        on(threads, &|| {
            for (name, form) in [
                ("full", Form::Full),
                ("diagonal", Form::Diagonal),
                ("rank 4", Form::LowRank),
            ] {
                let base = Sizes { form, ..BASE };
                for samples in powers(9, 17) {
                    report("N", samples, name, threads, time(Sizes { samples, ..base }));
                }
                for components in powers(0, 9) {
                    report(
                        "K",
                        components,
                        name,
                        threads,
                        time(Sizes { components, ..base }),
                    );
                }
                for dim in powers(0, 8) {
                    report("D", dim, name, threads, time(Sizes { dim, ..base }));
                }
                for runs in powers(0, 8) {
                    let sizes = Sizes {
                        runs,
                        samples: 512,
                        ..base
                    };
                    report("R", runs, name, threads, time(sizes));
                }
            }
        });
    }
}
