//! Times the kernels: `bench [row] [width]`; prints the minimum microseconds of many calls.

use std::hint::black_box;
use std::time::{Duration, Instant};

use klfit::kernel::cpu::{
    Mixture, Points, Real, Scale, Wanted, Width, gradients, log_density, log_density_into, normals,
};

/// A small generator for test data.
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

/// The minimum over calls for a while, in microseconds.
fn minimum(mut call: impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut best = f64::INFINITY;
    let mut calls = 0;
    while calls < 5 || (start.elapsed() < Duration::from_millis(300) && calls < 20_000) {
        let before = Instant::now();
        call();
        best = best.min(before.elapsed().as_secs_f64());
        calls += 1;
    }
    best * 1e6
}

/// R mixtures at N points that they share.
fn row<T: Real>(width: Width, diagonal: bool, [r, n, d, k]: [usize; 4]) {
    let mut random = Random(0x1234_5678_9abc);
    let means: Vec<f64> = (0..r * k * d).map(|_| 1.5 * random.normal()).collect();
    let mut x = Vec::with_capacity(n * d);
    for _ in 0..n {
        let component = (random.uniform() * k as f64) as usize;
        for j in 0..d {
            x.push(means[component * d + j] + random.normal());
        }
    }
    let mut scale = Vec::new();
    for _ in 0..r * k {
        for i in 0..d {
            for j in 0..d {
                if i == j {
                    scale.push(0.6 + 0.8 * random.uniform());
                } else if !diagonal {
                    let below = 0.6 * random.normal() / (d as f64).sqrt();
                    scale.push(if j < i { below } else { 0.0 });
                }
            }
        }
    }
    let upstream: Vec<f64> = (0..r * n).map(|_| random.normal()).collect();
    let cast = |numbers: &[f64]| -> Vec<T> { numbers.iter().map(|&x| T::from_f64(x)).collect() };
    let (means, x, scale, upstream) = (cast(&means), cast(&x), cast(&scale), cast(&upstream));
    let log_weights = cast(&vec![-(k as f64).ln(); r * k]);
    let mixture = Mixture {
        components: k,
        dim: d,
        log_weights: &log_weights,
        means: &means,
        scale: if diagonal {
            Scale::Diagonal(&scale)
        } else {
            Scale::Tril(&scale)
        },
    };
    let points = Points {
        runs: 1,
        samples: n,
        values: &x,
    };
    let mut out = vec![T::ZERO; r * n];
    let value = minimum(|| log_density_into(width, points, &mixture, &mut out).unwrap());
    print!(
        "{:>3} {:8} R={r:<4} N={n:<7} D={d:<2} K={k:<3} value {value:9.1}",
        if size_of::<T>() == 8 { "f64" } else { "f32" },
        if diagonal { "diagonal" } else { "full" },
    );
    if n < 1_000_000 {
        let value = log_density(width, points, &mixture).unwrap();
        let timed = |saved: Option<&[T]>, wanted: Wanted| {
            minimum(|| {
                black_box(gradients(width, points, &mixture, saved, &upstream, wanted)).unwrap();
            })
        };
        let x_only = Wanted {
            x: true,
            ..Wanted::default()
        };
        let parameters = Wanted {
            x: false,
            ..Wanted::ALL
        };
        let both = minimum(|| {
            let value = log_density(width, points, &mixture).unwrap();
            black_box(gradients(
                width,
                points,
                &mixture,
                Some(&value),
                &upstream,
                Wanted::ALL,
            ))
            .unwrap();
        });
        print!(
            " | x {:9.1} | parameters {:9.1} | all {:9.1} | value + all {both:9.1}",
            timed(Some(&value), x_only),
            timed(Some(&value), parameters),
            timed(Some(&value), Wanted::ALL),
        );
    }
    println!();
}

/// What the machine gives just now: GFLOP/s of independent multiply-adds on one thread.
struct Peak;

impl pulp::WithSimd for Peak {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) -> f64 {
        let mut best = f64::INFINITY;
        for _ in 0..200 {
            let factor = black_box(simd.splat_f64s(0.5));
            let mut sums = [factor; 16];
            let start = Instant::now();
            for _ in 0..2000 {
                for sum in &mut sums {
                    *sum = simd.mul_add_e_f64s(*sum, factor, factor);
                }
            }
            black_box(&sums);
            best = best.min(start.elapsed().as_secs_f64());
        }
        2.0 * 2000.0 * 16.0 * S::F64_LANES as f64 / best / 1e9
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let only = arguments.next().unwrap_or_default();
    let width = match arguments.next().as_deref() {
        Some("avx2") => Width::Avx2,
        Some("scalar") => Width::Scalar,
        _ => Width::Widest,
    };
    println!(
        "{}, {} threads, minimum µs a call",
        width.instructions(),
        rayon::current_num_threads()
    );
    println!(
        "peak of one thread now: {:.0} GFLOP/s",
        pulp::Arch::new().dispatch(Peak)
    );
    let mut numbers = vec![0.0; 1 << 16];
    let one = minimum(|| normals(width, 1, 2, 0, &mut numbers)) * 1e3 / numbers.len() as f64;
    println!("normals: {one:.2} ns each");
    let rows = [
        ("1", [1, 20_000, 1, 2]),
        ("2", [1, 4096, 2, 4]),
        ("3", [1, 4096, 16, 8]),
        ("4", [1, 8192, 32, 32]),
        ("5", [1, 1_000_000, 8, 10]),
        ("6", [1000, 200, 1, 2]),
        ("7", [1, 10, 100, 4]),
    ];
    for (name, sizes) in rows {
        if only.is_empty() || only == name {
            row::<f64>(width, false, sizes);
            row::<f64>(width, true, sizes);
            row::<f32>(width, false, sizes);
        }
    }
}
