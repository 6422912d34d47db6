//! The kernel's operations at sizes from small to large: `cargo bench --bench kernel`.

use std::hint::black_box;

use divan::Bencher;
use divan::counter::ItemsCount;
use klfit::internals::kernel::cpu::{
    Expectation, Function, Mixture, Nodes, Points, Prepared, Scale, Sites, StandardPoints, Under,
    Wanted, Width, expectation, log_density_and_gradients, log_density_into, normals,
};
use klfit::internals::{Pointwise, ReverseKl, Side};

fn main() {
    divan::main();
}

/// Points, dimensions and components.
type Size = [usize; 3];

const SIZES: [Size; 5] = [
    [20_000, 1, 2],
    [4096, 2, 4],
    [4096, 16, 8],
    [8192, 32, 32],
    [512, 100, 10],
];

#[derive(Debug, Clone, Copy)]
enum Form {
    Full,
    Diagonal,
    LowRank,
}

/// Numbers between −1 and 1 that look random.
fn numbers(len: usize) -> Vec<f64> {
    (0..len as u64)
        .map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0)
        .collect()
}

/// A mixture that owns its numbers.
struct Owned {
    form: Form,
    dim: usize,
    log_weights: Vec<f64>,
    means: Vec<f64>,
    scale: Vec<f64>,
}

impl Owned {
    fn new(form: Form, [_, dim, components]: Size) -> Self {
        let full = |at: usize| match (at / dim % dim, at % dim) {
            (i, j) if i == j => 1.2,
            (i, j) if j < i => 0.1 / dim as f64,
            _ => 0.0,
        };
        Self {
            form,
            dim,
            log_weights: vec![-(components as f64).ln(); components],
            means: numbers(components * dim),
            scale: match form {
                Form::Full => (0..components * dim * dim).map(full).collect(),
                Form::Diagonal => vec![1.2; components * dim],
                Form::LowRank => [1.1, 0.1, 0.2, 0.3, 0.4].repeat(components * dim),
            },
        }
    }

    fn mixture(&self) -> Mixture<'_, f64> {
        Mixture {
            components: self.log_weights.len(),
            dim: self.dim,
            log_weights: &self.log_weights,
            means: &self.means,
            scale: match self.form {
                Form::Full => Scale::Tril(&self.scale),
                Form::Diagonal => Scale::Diagonal(&self.scale),
                Form::LowRank => Scale::LowRank {
                    values: &self.scale,
                    rank: 4,
                },
            },
        }
    }
}

fn value(bencher: Bencher, form: Form, size: Size) {
    let [n, dim, _] = size;
    let (owned, x, mut out) = (Owned::new(form, size), numbers(n * dim), vec![0.0; n]);
    let points = Points {
        runs: 1,
        samples: n,
        values: &x,
    };
    (bencher.counter(ItemsCount::new(n)))
        .bench_local(|| log_density_into(Width::Widest, points, &owned.mixture(), &mut out));
}

fn both(bencher: Bencher, form: Form, size: Size) {
    let [n, dim, _] = size;
    let (owned, x, upstream) = (Owned::new(form, size), numbers(n * dim), vec![1.0; n]);
    let points = Points {
        runs: 1,
        samples: n,
        values: &x,
    };
    bencher.counter(ItemsCount::new(n)).bench_local(|| {
        let all = Wanted::ALL;
        log_density_and_gradients(Width::Widest, points, &owned.mixture(), &upstream, all)
    });
}

#[divan::bench(args = SIZES)]
fn log_density_full(bencher: Bencher, size: Size) {
    value(bencher, Form::Full, size);
}

#[divan::bench(args = SIZES)]
fn log_density_diagonal(bencher: Bencher, size: Size) {
    value(bencher, Form::Diagonal, size);
}

#[divan::bench(args = SIZES)]
fn gradients_full(bencher: Bencher, size: Size) {
    both(bencher, Form::Full, size);
}

#[divan::bench(args = SIZES)]
fn gradients_diagonal(bencher: Bencher, size: Size) {
    both(bencher, Form::Diagonal, size);
}

#[divan::bench(args = SIZES)]
fn gradients_low_rank(bencher: Bencher, size: Size) {
    both(bencher, Form::LowRank, size);
}

/// Reverse KL with its gradients, from random points made on the way.
#[divan::bench(args = SIZES)]
fn reverse_kl(bencher: Bencher, size: Size) {
    let [n, _, components] = size;
    let (p, q) = (Owned::new(Form::Full, size), Owned::new(Form::Full, size));
    let Ok(p) = Prepared::new(Width::Widest, &p.mixture()) else {
        return;
    };
    let m = n / components;
    let weights = vec![1.0 / m as f64; m];
    let function = |log_p: &[f64], log_q: &[f64], slopes: [&mut [f64]; 3]| {
        ReverseKl.slopes(Side::Family, log_p, log_q, slopes);
    };
    bencher.counter(ItemsCount::new(n)).bench_local(|| {
        let z = StandardPoints::Random {
            keys: &[1],
            stream: black_box(2),
        };
        let sites = Sites::Along {
            nodes: Nodes {
                z,
                weights: &weights,
            },
            p: Under::Mixture(&p),
            through_points_alone: false,
        };
        let what = Expectation {
            sites,
            function: Function::Any(&function),
        };
        expectation::<f64>(Width::Widest, &q.mixture(), what, Wanted::ALL)
    });
}

#[divan::bench(args = [1024, 1 << 20])]
fn normal_numbers(bencher: Bencher, count: usize) {
    let mut out = vec![0.0; count];
    (bencher.counter(ItemsCount::new(count)))
        .bench_local(|| normals(Width::Widest, 1, black_box(2), 0, &mut out));
}
