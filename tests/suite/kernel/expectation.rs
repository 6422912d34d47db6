//! Expectations in one pass against the same sums made point by point.

#![allow(
    clippy::needless_range_loop,
    reason = "the reference is written as the formulas are, with indices"
)]

use klfit::internals::kernel::cpu::{
    Expectation, Expected, Function, Gradients, Nodes, Number, Points, Prepared, ShapeError, Sites,
    StandardPoints, Under, Wanted, Width, expectation, normals,
};

use super::common::{Case, FORMS, Form, Random, Sizes, error};

/// How far sums in 32 bits may be off, as a share of the largest.
const IN_32_BITS: f64 = 3e-4;

/// e^b (b − 0.3 a) − e^a, which is 0 far from both densities, and its slopes.
fn function(log_p: &[f64], log_q: &[f64], [f, by_p, by_q]: [&mut [f64]; 3]) {
    for n in 0..log_p.len() {
        let (a, b) = (log_p[n], log_q[n]);
        let (p, q) = (a.exp(), b.exp());
        // 0 · ∞ is 0 here.
        let times = |factor: f64, term: f64| if factor == 0.0 { 0.0 } else { factor * term };
        f[n] = times(q, b - 0.3 * a) - p;
        by_p[n] = -0.3 * q - p;
        by_q[n] = times(q, b - 0.3 * a) + q;
    }
}

fn one(values: &[f64]) -> [f64; 3] {
    let mut out = [[0.0]; 3];
    let [f, by_p, by_q] = &mut out;
    function(&values[..1], &values[1..], [f, by_p, by_q]);
    out.map(|[x]| x)
}

/// q of R runs, and p.
struct Setting {
    q: Case<f64>,
    p: Case<f64>,
    runs: usize,
}

fn setting(form: Form, runs: usize, components: [usize; 2], dim: usize) -> Setting {
    let sizes = |runs, components| Sizes {
        runs,
        samples: 1,
        components,
        dim,
        own: [true; 4],
    };
    let normalised = |mut case: Case<f64>, k: usize| {
        for log_weights in case.log_weights.chunks_mut(k) {
            let total: f64 = log_weights.iter().map(|w| w.exp()).sum();
            log_weights.iter_mut().for_each(|w| *w -= total.ln());
        }
        case
    };
    Setting {
        q: normalised(
            Case::new(form, sizes(runs, components[0]), 3),
            components[0],
        ),
        p: normalised(
            Case::new(Form::Tril, sizes(1, components[1]), 8),
            components[1],
        ),
        runs,
    }
}

impl Setting {
    /// The part of q, or of p, in one run, at some points.
    fn of_run(case: &Case<f64>, run: usize, x: &[f64], upstream: &[f64]) -> Case<f64> {
        let runs = case.log_weights.len() / case.components;
        let part = |all: &[f64]| all.chunks(all.len() / runs).nth(run).unwrap().to_vec();
        Case {
            samples: x.len() / case.dim,
            x_runs: 1,
            x: x.to_vec(),
            log_weights: part(&case.log_weights),
            means: part(&case.means),
            scale: part(&case.scale),
            upstream: upstream.to_vec(),
            ..case.clone()
        }
    }

    /// log p at some points, and its gradient.
    fn p_at(&self, x: &[f64], logs: &mut [f64], slopes: Option<&mut [f64]>) {
        let (found, gradients) = Self::of_run(&self.p, 0, x, &vec![1.0; logs.len()]).naive();
        logs.copy_from_slice(&found);
        if let Some(slopes) = slopes {
            slopes.copy_from_slice(&gradients.x);
        }
    }

    /// One run's Σ w f with its gradients through log q, and the gradient with respect to x.
    fn at_points(&self, run: usize, x: &[f64], weights: &[f64]) -> (f64, Gradients<f64>) {
        let zeros = vec![0.0; weights.len()];
        let (log_p, _) = Self::of_run(&self.p, 0, x, &zeros).naive();
        let (log_q, _) = Self::of_run(&self.q, run, x, &zeros).naive();
        let all: Vec<[f64; 3]> = (log_p.iter().zip(&log_q))
            .map(|(&a, &b)| one(&[a, b]))
            .collect();
        let value = all.iter().zip(weights).map(|([f, ..], w)| w * f).sum();
        let upstream = |slope: usize| -> Vec<f64> {
            all.iter()
                .zip(weights)
                .map(|(all, w)| w * all[slope])
                .collect()
        };
        let (_, of_p) = Self::of_run(&self.p, 0, x, &upstream(1)).naive();
        let (_, mut of_q) = Self::of_run(&self.q, run, x, &upstream(2)).naive();
        for (sum, g) in of_q.x.iter_mut().zip(&of_p.x) {
            *sum += g;
        }
        (value, of_q)
    }

    /// The same for points carried into the components of q, with the gradients through them.
    fn along(&self, run: usize, z: &[f64], weights: &[f64], points_alone: bool) -> Expected {
        let (q, m, d) = (
            Self::of_run(&self.q, run, &[], &[]),
            weights.len(),
            self.q.dim,
        );
        let (x, w) = carried(&q, z, weights);
        let entry = |k, i, j| entry(&q, k, i, j);
        let (value, mut g) = self.at_points(run, &x, &w);
        let to_x = std::mem::take(&mut g.x);
        if points_alone {
            g.log_weights.fill(0.0);
            g.means.fill(0.0);
            g.scale.fill(0.0);
        }
        let zeros = vec![0.0; w.len()];
        let (log_p, _) = Self::of_run(&self.p, 0, &x, &zeros).naive();
        let (log_q, _) = Self::of_run(&self.q, run, &x, &zeros).naive();
        for k in 0..q.components {
            for n in 0..m {
                let (at, z) = (k * m + n, &z[(k * m + n) * d..][..d]);
                g.log_weights[k] += w[at] * one(&[log_p[at], log_q[at]])[0];
                for i in 0..d {
                    g.means[k * d + i] += to_x[at * d + i];
                    for j in 0..d {
                        if let Some(place) = entry(k, i, j) {
                            g.scale[place] += to_x[at * d + i] * z[j];
                        }
                    }
                }
            }
        }
        Expected {
            values: vec![value],
            gradients: g,
        }
    }

    /// The same for points carried into the components of p, where they stay.
    fn under(&self, run: usize, z: &[f64], weights: &[f64]) -> Expected {
        let (x, w) = carried(&self.p, z, weights);
        let (value, gradients) = self.at_points(run, &x, &w);
        Expected {
            values: vec![value],
            gradients: Gradients {
                x: Vec::new(),
                ..gradients
            },
        }
    }

    fn found<T: Number>(&self, width: Width, sites: Sites<'_>) -> Result<Expected, ShapeError> {
        let what = Expectation {
            sites,
            function: Function::Any(&function),
        };
        expectation::<T>(width, &self.q.mixture(), what, Wanted::ALL)
    }

    /// Compares what is found in 64 and in 32 bits with R references.
    fn check(&self, width: Width, sites: Sites<'_>, references: &[Expected]) {
        let [double, single] = [Self::found::<f64>, Self::found::<f32>]
            .map(|found| found(self, width, sites).unwrap());
        compare(&double, references, 1e-11);
        compare(&single, references, IN_32_BITS);
    }

    fn prepared(&self, width: Width) -> Prepared<f64> {
        Prepared::new(width, &self.p.mixture()).unwrap()
    }
}

/// Where an entry of L of component k is.
fn entry(of: &Case<f64>, k: usize, i: usize, j: usize) -> Option<usize> {
    let d = of.dim;
    match of.form {
        Form::Tril => (j <= i).then(|| (k * d + i) * d + j),
        Form::Diagonal => (i == j).then(|| k * d + i),
        Form::Isotropic => (i == j).then_some(k),
    }
}

/// Points carried into the components of one mixture, and their weights.
fn carried(of: &Case<f64>, z: &[f64], weights: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (m, d) = (weights.len(), of.dim);
    let (mut x, mut w) = (Vec::new(), Vec::new());
    for k in 0..of.components {
        for n in 0..m {
            let z = &z[(k * m + n) * d..][..d];
            for i in 0..d {
                let along = (0..d).filter_map(|j| Some(of.scale[entry(of, k, i, j)?] * z[j]));
                x.push(of.means[k * d + i] + along.sum::<f64>());
            }
            w.push(of.log_weights[k].exp() * weights[n]);
        }
    }
    (x, w)
}

/// Compares R runs with as many references.
fn compare(found: &Expected, references: &[Expected], tolerance: f64) {
    let joined = |part: fn(&Expected) -> &Vec<f64>| -> Vec<f64> {
        references
            .iter()
            .flat_map(|one| part(one).clone())
            .collect()
    };
    let parts: [fn(&Expected) -> &Vec<f64>; 4] = [
        |e| &e.values,
        |e| &e.gradients.log_weights,
        |e| &e.gradients.means,
        |e| &e.gradients.scale,
    ];
    for part in parts {
        // What is above a diagonal is not compared by its size but must be 0.
        let error = error(part(found), &joined(part));
        assert!(error < tolerance, "{error:e}");
    }
}

fn draw(len: usize, seed: u64) -> Vec<f64> {
    let mut random = Random(seed);
    (0..len).map(|_| random.normal()).collect()
}

#[test]
fn an_affine_function_is_known_by_its_coefficients() {
    let setting = setting(FORMS[0], 3, [2, 3], 2);
    let (m, weights) = (300, vec![1.0 / 300.0; 300]);
    let (x, z) = (draw(m * 2, 5), draw(m * 2, 6));
    let mut log_p = vec![0.0; m];
    let p = setting.prepared(Width::Widest);
    p.log_density(&x, &mut log_p).unwrap();
    let stays = |log_p| Sites::At {
        x: Points {
            runs: 1,
            samples: m,
            values: &x,
        },
        weights: &weights,
        log_p,
        resident: None,
    };
    let moves = Sites::Along {
        nodes: Nodes {
            z: StandardPoints::Shared(&z),
            weights: &weights,
        },
        p: Under::Mixture(&p),
        through_points_alone: false,
    };
    fn found(setting: &Setting, sites: Sites<'_>, function: Function<'_>) -> Expected {
        let what = Expectation { sites, function };
        expectation::<f64>(Width::Widest, &setting.q.mixture(), what, Wanted::ALL).unwrap()
    }
    for [a, b, c] in [
        [1.0, -1.0, 0.0],
        [-0.5, 2.0, 3.0],
        [0.0, -1.0, 0.0],
        [2.0, 0.0, 1.0],
    ] {
        let any = |log_p: &[f64], log_q: &[f64], [f, by_p, by_q]: [&mut [f64]; 3]| {
            for n in 0..f.len() {
                f[n] = a * log_p[n] + b * log_q[n] + c;
            }
            by_p.fill(a);
            by_q.fill(b);
        };
        for sites in [stays(&log_p), moves] {
            let by_slopes = found(&setting, sites, Function::Any(&any));
            compare(
                &found(&setting, sites, Function::Affine([a, b, c])),
                &[by_slopes],
                1e-14,
            );
        }
    }
    // What counts for nothing need not be known.
    let unknown = vec![f64::NAN; m];
    let known = found(&setting, stays(&log_p), Function::Affine([0.0, -1.0, 0.0]));
    assert_eq!(
        found(
            &setting,
            stays(&unknown),
            Function::Affine([0.0, -1.0, 0.0])
        ),
        known
    );
}

#[test]
fn points_that_stay() {
    for form in FORMS {
        for (runs, components, dim, samples) in [
            (1, 1, 1, 1300),
            (3, 2, 1, 65),
            (2, 4, 2, 513),
            (2, 3, 3, 40),
            (3, 5, 7, 300),
            (1, 120, 20, 70),
        ] {
            let setting = setting(form, runs, [components, 3], dim);
            for x_runs in [1, runs] {
                let x = draw(x_runs * samples * dim, 5);
                let weights: Vec<f64> = draw(x_runs * samples, 6).iter().map(|w| w.abs()).collect();
                let (of_x, of_weights) = (
                    samples * dim * (x_runs - 1).min(1),
                    samples * (x_runs - 1).min(1),
                );
                let references: Vec<Expected> = (0..runs)
                    .map(|run| {
                        let x = &x[run * of_x..][..samples * dim];
                        let weights = &weights[run * of_weights..][..samples];
                        let (value, gradients) = setting.at_points(run, x, weights);
                        Expected {
                            values: vec![value],
                            gradients,
                        }
                    })
                    .collect();
                for width in Width::ALL {
                    let points = Points {
                        runs: x_runs,
                        samples,
                        values: &x,
                    };
                    let mut log_p = vec![0.0; x_runs * samples];
                    setting.prepared(width).log_density(&x, &mut log_p).unwrap();
                    let sites = Sites::At {
                        x: points,
                        weights: &weights,
                        log_p: &log_p,
                        resident: None,
                    };
                    setting.check(width, sites, &references);
                }
            }
        }
    }
}

#[test]
fn points_that_move_with_q() {
    for form in FORMS {
        for (runs, components, dim, m) in [
            (1, 1, 1, 1300),
            (3, 2, 1, 65),
            (2, 4, 2, 300),
            (2, 3, 3, 40),
            (3, 2, 7, 300),
            (1, 120, 20, 3),
        ] {
            let setting = setting(form, runs, [components, 3], dim);
            let weights: Vec<f64> = draw(m, 6).iter().map(|w| w.abs() / m as f64).collect();
            let each = components * m * dim;
            let shared = draw(m * dim, 1);
            let own = draw(runs * each, 2);
            let keys: Vec<u64> = (0..runs as u64).collect();
            let random: Vec<f64> = (keys.iter())
                .flat_map(|&key| {
                    let mut z = vec![0.0; each];
                    normals(Width::Widest, key, 9, 0, &mut z);
                    z
                })
                .collect();
            let repeated = shared.repeat(runs * components);
            let rules = [
                (StandardPoints::Shared(&shared), &repeated),
                (StandardPoints::Each(&own), &own),
                (
                    StandardPoints::Random {
                        keys: &keys,
                        stream: 9,
                    },
                    &random,
                ),
            ];
            for (z, numbers) in rules {
                for through_points_alone in [false, true] {
                    let references: Vec<Expected> = (0..runs)
                        .map(|run| {
                            setting.along(
                                run,
                                &numbers[run * each..][..each],
                                &weights,
                                through_points_alone,
                            )
                        })
                        .collect();
                    for width in Width::ALL {
                        let by_formula =
                            |x: &[f64], logs: &mut [f64], slopes: Option<&mut [f64]>| {
                                setting.p_at(x, logs, slopes);
                            };
                        let prepared = setting.prepared(width);
                        // All points at once, those of some tasks, and those of each.
                        let told = [usize::MAX, 700, 1].map(|at_once| Under::Function {
                            function: &by_formula,
                            at_once,
                        });
                        for p in told.into_iter().chain([Under::Mixture(&prepared)]) {
                            let sites = Sites::Along {
                                nodes: Nodes {
                                    z,
                                    weights: &weights,
                                },
                                p,
                                through_points_alone,
                            };
                            setting.check(width, sites, &references);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn points_carried_into_p_stay_there() {
    for form in FORMS {
        for (runs, components, dim, m) in [
            (1, 1, 1, 1300),
            (3, 2, 2, 65),
            (2, 4, 3, 300),
            (2, 3, 7, 40),
            (1, 2, 20, 3),
        ] {
            let setting = setting(form, runs, [2, components], dim);
            let weights: Vec<f64> = draw(m, 6).iter().map(|w| w.abs() / m as f64).collect();
            let each = components * m * dim;
            let (shared, own) = (draw(m * dim, 1), draw(runs * each, 2));
            let keys: Vec<u64> = (0..runs as u64).collect();
            let of_key = |&key: &u64| {
                let mut z = vec![0.0; each];
                normals(Width::Widest, key, 9, 0, &mut z);
                z
            };
            let random: Vec<f64> = keys.iter().flat_map(of_key).collect();
            let of_one = of_key(&keys[0]).repeat(runs);
            let stream = 9;
            let rules = [
                (
                    StandardPoints::Shared(&shared),
                    shared.repeat(runs * components),
                ),
                (StandardPoints::Each(&own), own.clone()),
                (
                    StandardPoints::Random {
                        keys: &keys,
                        stream,
                    },
                    random,
                ),
                (
                    StandardPoints::Random {
                        keys: &keys[..1],
                        stream,
                    },
                    of_one,
                ),
            ];
            for (z, numbers) in &rules {
                let references: Vec<Expected> = (0..runs)
                    .map(|run| setting.under(run, &numbers[run * each..][..each], &weights))
                    .collect();
                for width in Width::ALL {
                    let sites = Sites::Under {
                        nodes: Nodes {
                            z: *z,
                            weights: &weights,
                        },
                        p: &setting.prepared(width),
                    };
                    setting.check(width, sites, &references);
                }
            }
        }
    }
}

#[test]
fn points_without_density_add_nothing() {
    // The squares overflow, so the log-densities there are −∞.
    for form in FORMS {
        let setting = setting(form, 1, [2, 3], 2);
        let near = draw(20, 4);
        let far: Vec<f64> = near.iter().copied().chain([1e160, -1e160]).collect();
        let found = [&near, &far].map(|x| {
            let samples = x.len() / 2;
            let points = Points {
                runs: 1,
                samples,
                values: x,
            };
            let mut log_p = vec![0.0; samples];
            setting
                .prepared(Width::Widest)
                .log_density(x, &mut log_p)
                .unwrap();
            let weights = vec![0.1; samples];
            let sites = Sites::At {
                x: points,
                weights: &weights,
                log_p: &log_p,
                resident: None,
            };
            setting.found::<f64>(Width::Widest, sites).unwrap()
        });
        compare(&found[1], &[found[0].clone()], 1e-13);
        let weights = [0.3, 0.7];
        let found = [[0.5, -0.2], [1e160, 1e160]].map(|second| {
            let z = [[0.1, 0.2], second].concat();
            let sites = Sites::Along {
                nodes: Nodes {
                    z: StandardPoints::Shared(&z),
                    weights: &weights,
                },
                p: Under::Mixture(&setting.prepared(Width::Widest)),
                through_points_alone: false,
            };
            setting.found::<f64>(Width::Widest, sites).unwrap()
        });
        let alone = {
            let sites = Sites::Along {
                nodes: Nodes {
                    z: StandardPoints::Shared(&[0.1, 0.2]),
                    weights: &weights[..1],
                },
                p: Under::Mixture(&setting.prepared(Width::Widest)),
                through_points_alone: false,
            };
            setting.found::<f64>(Width::Widest, sites).unwrap()
        };
        assert!(found[0] != alone);
        compare(&found[1], &[alone], 1e-13);
    }
}

#[test]
fn a_run_with_nan_is_nan_and_its_neighbours_are_not() {
    let mut setting = setting(Form::Tril, 3, [2, 2], 2);
    setting.q.means[4] = f64::NAN;
    let z = draw(20, 4);
    let weights = [0.1; 10];
    let sites = Sites::Along {
        nodes: Nodes {
            z: StandardPoints::Shared(&z),
            weights: &weights,
        },
        p: Under::Mixture(&setting.prepared(Width::Widest)),
        through_points_alone: false,
    };
    let found = setting.found::<f64>(Width::Widest, sites).unwrap();
    assert_eq!(setting.runs, found.values.len());
    let is_nan: Vec<bool> = found.values.iter().map(|value| value.is_nan()).collect();
    assert_eq!(is_nan, [false, true, false]);
    assert!(found.gradients.means[..4].iter().all(|g| g.is_finite()));
    assert!(found.gradients.means[8..].iter().all(|g| g.is_finite()));
}

#[test]
fn an_absent_component_takes_no_part() {
    let mut setting = setting(Form::Diagonal, 1, [2, 2], 2);
    setting.q.log_weights = vec![0.0, f64::NEG_INFINITY];
    setting.q.scale[2..].fill(0.0);
    let z = draw(20, 4);
    let weights = [0.1; 10];
    let sites = Sites::Along {
        nodes: Nodes {
            z: StandardPoints::Shared(&z),
            weights: &weights,
        },
        p: Under::Mixture(&setting.prepared(Width::Widest)),
        through_points_alone: false,
    };
    let found = setting.found::<f64>(Width::Widest, sites).unwrap();
    let mut alone = setting.q.clone();
    alone.components = 1;
    alone.log_weights.truncate(1);
    alone.means.truncate(2);
    alone.scale.truncate(2);
    setting.q = alone;
    let alone = setting.found::<f64>(Width::Widest, sites).unwrap();
    assert_eq!(found.values, alone.values);
    assert_eq!(found.gradients.means[..2], alone.gradients.means);
    assert_eq!(found.gradients.means[2..], [0.0; 2]);
    assert_eq!(found.gradients.scale[2..], [0.0; 2]);
}

#[test]
fn expectations_do_not_depend_on_the_number_of_threads() {
    for (runs, components, dim, m) in [(1, 2, 1, 40_000), (40, 1, 2, 900), (3, 3, 8, 2000)] {
        let setting = setting(Form::Tril, runs, [components, 4], dim);
        let weights = vec![1.0 / m as f64; m];
        let keys: Vec<u64> = (0..runs as u64).collect();
        let results = [1, 2, 5].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| {
                let sites = Sites::Along {
                    nodes: Nodes {
                        z: StandardPoints::Random {
                            keys: &keys,
                            stream: 1,
                        },
                        weights: &weights,
                    },
                    p: Under::Mixture(&setting.prepared(Width::Widest)),
                    through_points_alone: false,
                };
                setting.found::<f64>(Width::Widest, sites).unwrap()
            })
        });
        assert!(results[0] == results[1] && results[1] == results[2]);
    }
}

#[test]
fn wrong_shapes_are_errors() {
    let setting = setting(Form::Tril, 2, [2, 2], 2);
    let p = setting.prepared(Width::Widest);
    let along = |z, weights| Sites::Along {
        nodes: Nodes { z, weights },
        p: Under::Mixture(&p),
        through_points_alone: false,
    };
    let refused = |sites| assert!(setting.found::<f64>(Width::Widest, sites).is_err());
    refused(along(StandardPoints::Shared(&[0.0; 3]), &[0.5; 2]));
    refused(along(StandardPoints::Each(&[0.0; 12]), &[0.5; 2]));
    refused(along(
        StandardPoints::Random {
            keys: &[],
            stream: 0,
        },
        &[0.5; 2],
    ));
    refused(along(
        StandardPoints::Random {
            keys: &[1, 2, 3],
            stream: 0,
        },
        &[0.5; 2],
    ));
    let at = |runs, values, weights, log_p| Sites::At {
        x: Points {
            runs,
            samples: 2,
            values,
        },
        weights,
        log_p,
        resident: None,
    };
    refused(at(1, &[0.0; 3], &[0.5; 2], &[0.0; 2]));
    refused(at(1, &[0.0; 4], &[0.5; 3], &[0.0; 2]));
    refused(at(3, &[0.0; 12], &[0.5; 6], &[0.0; 6]));
    let empty = setting.found::<f64>(Width::Widest, along(StandardPoints::Shared(&[]), &[]));
    assert_eq!(empty.unwrap().values, [0.0; 2]);
}
