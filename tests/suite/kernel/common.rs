//! A naive reference in f64, and inputs to hold against it.

#![allow(dead_code, reason = "not every test file uses everything")]
#![allow(
    clippy::needless_range_loop,
    reason = "the reference is written as the formulas are, with indices"
)]

use klfit::internals::kernel::cpu::{
    Gradients, Mixture, Points, Real, Scale, Wanted, Width, gradients, log_density,
};

/// A small generator for test data.
pub struct Random(pub u64);

impl Random {
    pub fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    fn normals(&mut self, len: usize, scale: f64) -> Vec<f64> {
        (0..len).map(|_| scale * self.normal()).collect()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Tril,
    Diagonal,
    Isotropic,
}

pub const FORMS: [Form; 3] = [Form::Tril, Form::Diagonal, Form::Isotropic];

/// Inputs of one call, owned.
#[derive(Debug, Clone)]
pub struct Case<T> {
    pub form: Form,
    pub samples: usize,
    pub components: usize,
    pub dim: usize,
    pub x_runs: usize,
    pub x: Vec<T>,
    pub log_weights: Vec<T>,
    pub means: Vec<T>,
    pub scale: Vec<T>,
    pub upstream: Vec<T>,
}

/// R, S, K, D, and which of x, log weights, means and scale have R runs rather than 1.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    pub runs: usize,
    pub samples: usize,
    pub components: usize,
    pub dim: usize,
    pub own: [bool; 4],
}

impl Sizes {
    pub fn one(samples: usize, components: usize, dim: usize) -> Self {
        Self {
            runs: 1,
            samples,
            components,
            dim,
            own: [true; 4],
        }
    }
}

impl Case<f64> {
    pub fn new(form: Form, sizes: Sizes, seed: u64) -> Self {
        let Sizes {
            runs,
            samples,
            components,
            dim,
            own,
        } = sizes;
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let [x_runs, weight_runs, mean_runs, scale_runs] =
            own.map(|own| if own { runs } else { 1 });
        let mut scale = Vec::new();
        for _ in 0..scale_runs * components {
            match form {
                Form::Tril => {
                    for i in 0..dim {
                        for j in 0..dim {
                            // What is above the diagonal must not be read.
                            scale.push(match j.cmp(&i) {
                                std::cmp::Ordering::Less => {
                                    0.6 * random.normal() / (dim as f64).sqrt()
                                }
                                std::cmp::Ordering::Equal => 0.5 + random.uniform(),
                                std::cmp::Ordering::Greater => f64::NAN,
                            });
                        }
                    }
                }
                Form::Diagonal => scale.extend((0..dim).map(|_| 0.5 + random.uniform())),
                Form::Isotropic => scale.push(0.5 + random.uniform()),
            }
        }
        let outputs = if own.contains(&true) { runs } else { 1 } * samples;
        Self {
            form,
            samples,
            components,
            dim,
            x_runs,
            x: random.normals(x_runs * samples * dim, 1.5),
            log_weights: random.normals(weight_runs * components, 0.7),
            means: random.normals(mean_runs * components * dim, 1.0),
            scale,
            upstream: random.normals(outputs, 1.0),
        }
    }

    pub fn to_f32(&self) -> Case<f32> {
        let cast = |numbers: &[f64]| numbers.iter().map(|&x| x as f32).collect();
        Case {
            form: self.form,
            samples: self.samples,
            components: self.components,
            dim: self.dim,
            x_runs: self.x_runs,
            x: cast(&self.x),
            log_weights: cast(&self.log_weights),
            means: cast(&self.means),
            scale: cast(&self.scale),
            upstream: cast(&self.upstream),
        }
    }
}

impl Case<f32> {
    pub fn to_f64(&self) -> Case<f64> {
        let cast = |numbers: &[f32]| numbers.iter().map(|&x| f64::from(x)).collect();
        Case {
            form: self.form,
            samples: self.samples,
            components: self.components,
            dim: self.dim,
            x_runs: self.x_runs,
            x: cast(&self.x),
            log_weights: cast(&self.log_weights),
            means: cast(&self.means),
            scale: cast(&self.scale),
            upstream: cast(&self.upstream),
        }
    }
}

impl<T: Real> Case<T> {
    pub fn points(&self) -> Points<'_, T> {
        Points {
            runs: self.x_runs,
            samples: self.samples,
            values: &self.x,
        }
    }

    pub fn mixture(&self) -> Mixture<'_, T> {
        Mixture {
            components: self.components,
            dim: self.dim,
            log_weights: &self.log_weights,
            means: &self.means,
            scale: match self.form {
                Form::Tril => Scale::Tril(&self.scale),
                Form::Diagonal => Scale::Diagonal(&self.scale),
                Form::Isotropic => Scale::Isotropic(&self.scale),
            },
        }
    }

    pub fn log_density(&self, width: Width) -> Vec<T> {
        log_density(width, self.points(), &self.mixture()).unwrap()
    }

    pub fn gradients(&self, width: Width, wanted: Wanted) -> Gradients<T> {
        gradients(
            width,
            self.points(),
            &self.mixture(),
            None,
            &self.upstream,
            wanted,
        )
        .unwrap()
    }
}

impl Case<f64> {
    fn runs(&self) -> usize {
        let per_scale = match self.form {
            Form::Tril => self.dim * self.dim,
            Form::Diagonal => self.dim,
            Form::Isotropic => 1,
        };
        let k = self.components;
        if k == 0 {
            return self.x_runs;
        }
        let mixture = [
            self.log_weights.len() / k,
            self.means.len() / (k * self.dim),
            self.scale.len() / (k * per_scale),
        ];
        let all = [self.x_runs, mixture[0], mixture[1], mixture[2]];
        all.into_iter().find(|&runs| runs != 1).unwrap_or(1)
    }

    /// The place of an input of run `run` and `per_run` numbers a run.
    fn at(len: usize, run: usize, per_run: usize) -> usize {
        if len == per_run { 0 } else { run * per_run }
    }

    /// Lₖ of a run and where its entry (i, j) lies.
    fn entry(&self, run: usize, k: usize, i: usize, j: usize) -> Option<usize> {
        let (components, d) = (self.components, self.dim);
        let len = self.scale.len();
        match self.form {
            Form::Tril => {
                (j <= i).then(|| Self::at(len, run, components * d * d) + (k * d + i) * d + j)
            }
            Form::Diagonal => (i == j).then(|| Self::at(len, run, components * d) + k * d + i),
            Form::Isotropic => (i == j).then(|| Self::at(len, run, components) + k),
        }
    }

    /// The value and the gradients, the plainest way.
    pub fn naive(&self) -> (Vec<f64>, Gradients<f64>) {
        let (components, d, s) = (self.components, self.dim, self.samples);
        let mut values = Vec::new();
        let mut g = Gradients {
            x: vec![0.0; self.x.len()],
            log_weights: vec![0.0; self.log_weights.len()],
            means: vec![0.0; self.means.len()],
            scale: vec![0.0; self.scale.len()],
        };
        for run in 0..self.runs() {
            let x0 = Self::at(self.x.len(), run, s * d);
            let w0 = Self::at(self.log_weights.len(), run, components);
            let m0 = Self::at(self.means.len(), run, components * d);
            for n in 0..s {
                let x = &self.x[x0 + n * d..][..d];
                let mut terms = Vec::new();
                let mut zs = Vec::new();
                for k in 0..components {
                    let mut z = vec![0.0; d];
                    let mut term =
                        self.log_weights[w0 + k] - 0.5 * d as f64 * std::f64::consts::TAU.ln();
                    for i in 0..d {
                        let mut sum = x[i] - self.means[m0 + k * d + i];
                        for j in 0..i {
                            if let Some(at) = self.entry(run, k, i, j) {
                                sum -= self.scale[at] * z[j];
                            }
                        }
                        let diagonal = self.scale[self.entry(run, k, i, i).unwrap()];
                        z[i] = sum / diagonal;
                        term -= diagonal.ln() + 0.5 * z[i] * z[i];
                    }
                    terms.push(term);
                    zs.push(z);
                }
                let max = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let value = max + terms.iter().map(|t| (t - max).exp()).sum::<f64>().ln();
                values.push(value);
                let upstream = self.upstream[run * s + n];
                for k in 0..components {
                    let r = upstream * (terms[k] - value).exp();
                    g.log_weights[w0 + k] += r;
                    // a = L⁻ᵀ z
                    let mut a = zs[k].clone();
                    for i in (0..d).rev() {
                        for j in i + 1..d {
                            if let Some(at) = self.entry(run, k, j, i) {
                                a[i] -= self.scale[at] * a[j];
                            }
                        }
                        a[i] /= self.scale[self.entry(run, k, i, i).unwrap()];
                    }
                    for i in 0..d {
                        g.x[x0 + n * d + i] -= r * a[i];
                        g.means[m0 + k * d + i] += r * a[i];
                        for j in 0..=i {
                            if let Some(at) = self.entry(run, k, i, j) {
                                g.scale[at] += r * a[i] * zs[k][j];
                                if i == j {
                                    g.scale[at] -= r / self.scale[at];
                                }
                            }
                        }
                    }
                }
            }
        }
        (values, g)
    }
}

/// The greatest |a − b| beside the greater of |b| and the root mean square of all b.
pub fn error(a: &[f64], b: &[f64]) -> f64 {
    error_beside(a, b, 0.0)
}

/// The same beside numbers of a size at least: sums whose terms cancel are rounded as these are.
fn error_beside(a: &[f64], b: &[f64], least: f64) -> f64 {
    assert_eq!(a.len(), b.len());
    let size = (b.iter().map(|b| b * b).sum::<f64>() / b.len().max(1) as f64).sqrt();
    let size = size.max(least);
    let mut worst = 0.0_f64;
    for (a, b) in a.iter().zip(b) {
        let error = (a - b).abs() / b.abs().max(size).max(1e-300);
        assert!(!error.is_nan(), "{a} {b}");
        worst = worst.max(error);
    }
    worst
}

pub fn widen<T: Real>(numbers: &[T]) -> Vec<f64> {
    numbers.iter().map(|x| x.to_f64()).collect()
}

/// Checks value and gradients against the naive ones.
pub fn check<T: Real>(
    case: &Case<T>,
    naive: &(Vec<f64>, Gradients<f64>),
    width: Width,
    tolerance: [f64; 2],
) {
    let (values, expected) = naive;
    let found = widen(&case.log_density(width));
    assert_eq!(found.len(), values.len());
    for (found, expected) in found.iter().zip(values) {
        let error = (found - expected).abs() / expected.abs().max(1.0);
        // −∞ less −∞ is no number.
        let error = if found == expected { 0.0 } else { error };
        assert!(
            error <= tolerance[0],
            "{width:?}: {found} {expected}: {error:e}"
        );
    }
    let g = case.gradients(width, Wanted::ALL);
    let upstream: f64 = widen(&case.upstream).iter().map(|x| x.abs()).sum();
    let upstream = upstream / expected.log_weights.len().max(1) as f64;
    let parameters = case.gradients(
        width,
        Wanted {
            x: false,
            ..Wanted::ALL
        },
    );
    for (name, found, expected) in [
        ("x", &g.x, &expected.x),
        ("log_weights", &g.log_weights, &expected.log_weights),
        ("means", &g.means, &expected.means),
        ("scale", &g.scale, &expected.scale),
        ("means, without x", &parameters.means, &expected.means),
        ("scale, without x", &parameters.scale, &expected.scale),
    ] {
        // A gradient by the weights is a sum of the upstream numbers, a share of each.
        let least = match name {
            "log_weights" => 0.01 * upstream,
            _ => 0.0,
        };
        let error = error_beside(&widen(found), expected, least);
        assert!(
            error <= tolerance[1],
            "{width:?} gradient of {name}: {error:e}"
        );
    }
}
