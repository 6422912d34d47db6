//! Sampled divergences against the truth: how often the 95 % interval holds it.

use klfit::internals::kernel::MixtureTensors;
use klfit::internals::{Effort, Evaluator};
use klfit::{
    Accuracy, Answer, DivergenceKind, Ending, Method, Mixture, Numerics, Operand, Question,
    StudentT, Target, TargetModel,
};
use nalgebra::{DMatrix, DVector};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Nodes and weights of Gauss–Legendre with 10 points on [−1, 1], those above 0 (Abramowitz and
/// Stegun 1972, table 25.4).
const LEGENDRE: [(f64, f64); 5] = [
    (0.148_874_338_981_631_21, 0.295_524_224_714_752_87),
    (0.433_395_394_129_247_2, 0.269_266_719_309_996_36),
    (0.679_409_568_299_024_4, 0.219_086_362_515_982_04),
    (0.865_063_366_688_984_5, 0.149_451_349_150_580_6),
    (0.973_906_528_517_171_7, 0.066_671_344_308_688_14),
];

/// KL(p‖q), KL(q‖p), JS and the squared Hellinger distance.
const KINDS: [DivergenceKind; 4] = [
    DivergenceKind::ForwardKl,
    DivergenceKind::ReverseKl,
    DivergenceKind::Js,
    DivergenceKind::SquaredHellinger,
];

/// A mixture on a line.
type Line = Vec<(f64, f64, f64)>;

fn mixture(line: &Line) -> Mixture {
    Mixture::from_stds(
        line.iter().map(|component| component.0).collect(),
        line.iter().map(|component| vec![component.1]).collect(),
        line.iter().map(|component| vec![component.2]).collect(),
    )
    .unwrap()
}

fn log_density(line: &Line, x: f64) -> f64 {
    let terms: Vec<f64> = (line.iter())
        .map(|(weight, mean, std)| {
            let z = (x - mean) / std;
            weight.ln() - std.ln() - 0.5 * z * z - 0.5 * std::f64::consts::TAU.ln()
        })
        .collect();
    let top = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    top + terms
        .iter()
        .map(|term| (term - top).exp())
        .sum::<f64>()
        .ln()
}

/// All of [`KINDS`] by Gauss–Legendre between points that are graded around every component, each
/// piece divided until its halves agree with it.
fn truth(p: &Line, q: &Line) -> [f64; 4] {
    let mut ends = Vec::new();
    for (_, mean, std) in p.iter().chain(q) {
        ends.push(*mean);
        for i in -2..=12 {
            let reach = std * 1.5_f64.powi(i);
            if reach <= 40.0 * std {
                ends.extend([mean - reach, mean + reach]);
            }
        }
        ends.extend([mean - 39.0 * std, mean + 39.0 * std]);
    }
    ends.sort_by(f64::total_cmp);
    ends.dedup();
    let integrand = |x: f64| {
        let (log_p, log_q) = (log_density(p, x), log_density(q, x));
        let (density_p, density_q, ratio) = (log_p.exp(), log_q.exp(), log_p - log_q);
        let under = |density: f64, value: f64| if density == 0.0 { 0.0 } else { density * value };
        // log m − log p and log m − log q.
        let to_m = [-ratio, ratio].map(|r| r.max(0.0) + (-r.abs()).exp().ln_1p() - 2f64.ln());
        [
            under(density_p, ratio),
            under(density_q, -ratio),
            -0.5 * (under(density_p, to_m[0]) + under(density_q, to_m[1])),
            0.5 * ((0.5 * log_p).exp() - (0.5 * log_q).exp()).powi(2),
        ]
    };
    let piece = |a: f64, b: f64| {
        let (middle, half) = (0.5 * (a + b), 0.5 * (b - a));
        LEGENDRE.iter().fold([0.0; 4], |sum, (node, weight)| {
            let (left, right) = (
                integrand(middle - half * node),
                integrand(middle + half * node),
            );
            std::array::from_fn(|i| sum[i] + weight * half * (left[i] + right[i]))
        })
    };
    let mut total = [0.0; 4];
    let mut open: Vec<(f64, f64, [f64; 4], u32)> = (ends.windows(2))
        .map(|ends| (ends[0], ends[1], piece(ends[0], ends[1]), 0))
        .collect();
    let size: [f64; 4] = std::array::from_fn(|i| open.iter().map(|piece| piece.2[i].abs()).sum());
    while let Some((a, b, whole, depth)) = open.pop() {
        let middle = 0.5 * (a + b);
        let halves = [piece(a, middle), piece(middle, b)];
        let is_good = (0..4)
            .all(|i| (halves[0][i] + halves[1][i] - whole[i]).abs() <= 1e-13 * size[i].max(1e-3));
        if is_good || depth == 30 {
            (0..4).for_each(|i| total[i] += halves[0][i] + halves[1][i]);
        } else {
            open.push((a, middle, halves[0], depth + 1));
            open.push((middle, b, halves[1], depth + 1));
        }
    }
    total
}

/// A random pair on a line: weights down to 1e-6, widths that differ by up to 1e5, close and far.
fn pair(generator: &mut ChaCha8Rng, most: usize) -> [Line; 2] {
    let ratio = generator.random_range(0.0..5.0);
    let apart = [0.3, 3.0, 30.0][generator.random_range(0..3)];
    let lightest = generator.random_range(0.0..6.0);
    let component = |generator: &mut ChaCha8Rng| {
        let weight = 10f64.powf(-generator.random_range(0.0..=lightest));
        let std = 10f64.powf(-generator.random_range(0.0..=ratio));
        (weight, generator.random_range(-apart..apart), std)
    };
    let line = |generator: &mut ChaCha8Rng| -> Line {
        let count = generator.random_range(1..=most);
        (0..count).map(|_| component(generator)).collect()
    };
    let p = line(generator);
    let mut q = line(generator);
    if generator.random_range(0..3) == 0 {
        // Close to p, or a part of it, as fits are.
        let closeness = 10f64.powf(-generator.random_range(0.0..3.0));
        q = (p.iter())
            .map(|&(weight, mean, std)| {
                let mut near = || 1.0 + closeness * generator.random_range(-0.5..0.5);
                (weight * near(), mean + std * (near() - 1.0), std * near())
            })
            .collect();
        q.truncate(1 + generator.random_range(0..p.len()));
    }
    [p, q].map(|line| {
        let total: f64 = line.iter().map(|component| component.0).sum();
        line.into_iter()
            .map(|(weight, mean, std)| (weight / total, mean, std))
            .collect()
    })
}

/// The same mixture on the first axis, standard normal on the others, all turned.
fn embedded(line: &Line, turn: &DMatrix<f64>) -> Mixture {
    let dim = turn.nrows();
    Mixture::new(
        line.iter().map(|component| component.0).collect(),
        (line.iter())
            .map(|component| (turn.column(0) * component.1).iter().copied().collect())
            .collect(),
        (line.iter())
            .map(|component| {
                let mut stds = DVector::from_element(dim, 1.0);
                stds[0] = component.2;
                lower(turn * DMatrix::from_diagonal(&stds))
            })
            .collect(),
    )
    .unwrap()
}

/// L with L Lᵀ = A Aᵀ.
fn lower(matrix: DMatrix<f64>) -> DMatrix<f64> {
    let mut factor = matrix.transpose().qr().r().transpose();
    for mut column in factor.column_iter_mut() {
        let at = column.iter().position(|entry| *entry != 0.0).unwrap();
        if column[at] < 0.0 {
            column.neg_mut();
        }
    }
    factor
}

fn turn(generator: &mut ChaCha8Rng, dim: usize) -> DMatrix<f64> {
    DMatrix::from_fn(dim, dim, |_, _| generator.random_range(-1.0..1.0))
        .qr()
        .q()
}

/// The product of mixtures on D lines: every combination of their components.
fn product(lines: &[&Line]) -> Mixture {
    let mut all: Vec<(f64, Vec<f64>, Vec<f64>)> = vec![(1.0, Vec::new(), Vec::new())];
    for line in lines {
        all = (all.iter())
            .flat_map(|(weight, mean, std)| {
                line.iter().map(move |component| {
                    let with = |list: &[f64], last: f64| {
                        list.iter().copied().chain([last]).collect::<Vec<f64>>()
                    };
                    (
                        weight * component.0,
                        with(mean, component.1),
                        with(std, component.2),
                    )
                })
            })
            .collect();
    }
    Mixture::from_stds(
        all.iter().map(|component| component.0).collect(),
        all.iter().map(|component| component.1.clone()).collect(),
        all.iter().map(|component| component.2.clone()).collect(),
    )
    .unwrap()
}

/// A random pair in D dimensions with what is true of it; JS of a product is not known.
fn case(generator: &mut ChaCha8Rng, dim: usize) -> (Mixture, Mixture, [Option<f64>; 4]) {
    if (2..4).contains(&dim) && generator.random_range(0..2) == 0 {
        let pairs: Vec<[Line; 2]> = (0..dim)
            .map(|_| pair(generator, [0, 10, 3, 2][dim]))
            .collect();
        let truths: Vec<[f64; 4]> = pairs.iter().map(|[p, q]| truth(p, q)).collect();
        let sum = |i: usize| truths.iter().map(|truth| truth[i]).sum::<f64>();
        let affinity: f64 = truths.iter().map(|truth| 1.0 - truth[3]).product();
        let of = |side: usize| product(&pairs.iter().map(|pair| &pair[side]).collect::<Vec<_>>());
        return (
            of(0),
            of(1),
            [Some(sum(0)), Some(sum(1)), None, Some(1.0 - affinity)],
        );
    }
    let [p, q] = pair(generator, 10);
    let known = truth(&p, &q).map(Some);
    if dim == 1 {
        return (mixture(&p), mixture(&q), known);
    }
    let turn = turn(generator, dim);
    (embedded(&p, &turn), embedded(&q, &turn), known)
}

fn ask(question: &Question, p: &Mixture, q: &Mixture) -> Vec<Answer> {
    let (p, q) = (Operand::new("p", p.clone()), Operand::new("q", q.clone()));
    question.ask(&p, &q, &|_| {}).unwrap()
}

fn sampled(method: Method, seed: u64) -> Question {
    Question {
        divergences: KINDS.map(Into::into).to_vec(),
        method,
        seed,
        brackets: false,
        ..Question::default()
    }
}

/// How many of the answers hold the truth, of how many, and how many miss it by more than four times
/// half their interval.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    inside: usize,
    all: usize,
    far: usize,
}

impl Count {
    fn add(&mut self, answer: &Answer, truth: f64) -> bool {
        let [low, high] = answer.interval.unwrap();
        // What the truth is sure to.
        let slack = 1e-11 * truth.abs().max(1e-3);
        let miss = (low - truth).max(truth - high) - slack;
        self.all += 1;
        self.inside += usize::from(miss <= 0.0);
        let is_far = miss > 1.5 * (high - low) + slack;
        self.far += usize::from(is_far);
        is_far
    }

    fn share(self) -> f64 {
        self.inside as f64 / self.all as f64
    }
}

/// Counts over so many pairs in D dimensions.
fn coverage(dim: usize, pairs: u64, method: Method, questions: &[Question]) -> Vec<[Count; 4]> {
    let mut counts = vec![[Count::default(); 4]; questions.len()];
    for seed in 0..pairs {
        let mut generator = ChaCha8Rng::seed_from_u64(1_000_003 * dim as u64 + seed);
        let (p, q, truths) = case(&mut generator, dim);
        for (counts, question) in counts.iter_mut().zip(questions) {
            let answers = ask(
                &Question {
                    seed,
                    method,
                    ..question.clone()
                },
                &p,
                &q,
            );
            for ((count, answer), truth) in counts.iter_mut().zip(&answers).zip(truths) {
                let Some(truth) = truth else { continue };
                if count.add(answer, truth) && std::env::var_os("KLFIT_COVERAGE").is_some() {
                    println!(
                        "far: D {dim} pair {seed} {} {} truth {truth:e}: {:e} {:?} of {}",
                        method.name(),
                        answer.divergence.name(),
                        answer.value,
                        answer.interval,
                        answer.samples,
                    );
                }
            }
        }
    }
    counts
}

/// All that there is at once, and as many as a relative error needs.
fn questions(samples: u64, most: u64) -> [Question; 2] {
    let spent = Question {
        samples: Some(samples),
        ..sampled(Method::MonteCarlo, 0)
    };
    let reached = Question {
        accuracy: Accuracy {
            relative: Some(1e-2),
            absolute: None,
        },
        samples: Some(most),
        ..spent.clone()
    };
    [spent, reached]
}

#[test]
fn the_truth_of_the_tests_is_that_of_the_literature() {
    let p: Line = vec![(0.5, 0.0, 0.3), (0.5, 3.0, 0.003)];
    let q: Line = vec![(1.0, 1.5, 2.0)];
    assert!((truth(&p, &q)[1] - 32.674_400_324_8).abs() < 1e-9);
    let [p, q]: [Line; 2] = [vec![(1.0, 0.0, 1e-3)], vec![(1.0, 1.0, 2.0)]];
    let exact = |s: f64, t: f64| (t / s).ln() + (s * s + 1.0) / (2.0 * t * t) - 0.5;
    let found = truth(&p, &q);
    assert!((found[0] / exact(1e-3, 2.0) - 1.0).abs() < 1e-12);
    assert!((found[1] / exact(2.0, 1e-3) - 1.0).abs() < 1e-12);
    let affinity = (2.0 * 2e-3 / (4.0 + 1e-6_f64)).sqrt() * (-0.25 / (4.0 + 1e-6_f64)).exp();
    assert!((found[3] - (1.0 - affinity)).abs() < 1e-12, "{found:?}");
}

#[test]
fn a_spike_of_the_other_density_is_met() {
    let p: Line = vec![(0.5, 0.0, 0.3), (0.5, 3.0, 0.003)];
    let q: Line = vec![(1.0, 1.5, 2.0)];
    let known = truth(&p, &q);
    for method in [Method::MonteCarlo, Method::Qmc] {
        let mut count = Count::default();
        for seed in 0..40 {
            let question = Question {
                samples: Some(16_384),
                ..sampled(method, seed)
            };
            let answers = ask(&question, &mixture(&p), &mixture(&q));
            (answers.iter().zip(known)).for_each(|(answer, truth)| _ = count.add(answer, truth));
        }
        // 160 intervals of 95 %, which are not independent of each other.
        assert!(
            count.share() > 0.88 && count.far == 0,
            "{} {count:?}",
            method.name()
        );
    }
}

#[test]
fn what_a_sample_that_misses_a_spike_would_take_for_certain() {
    // q is the slab of p: but for the spike log q − log p is the same everywhere.
    for (weight, std) in [(0.5, 1e-3), (0.999_999, 1e-4), (0.1, 1e-5)] {
        let p: Line = vec![(1.0 - weight, 0.0, 1.0), (weight, 0.4, std)];
        let q: Line = vec![(1.0, 0.0, 1.0)];
        let known = truth(&p, &q);
        for method in [Method::MonteCarlo, Method::Qmc] {
            let mut count = Count::default();
            for seed in 0..40 {
                let question = Question {
                    samples: Some(8192),
                    ..sampled(method, seed)
                };
                let answers = ask(&question, &mixture(&p), &mixture(&q));
                (answers.iter().zip(known))
                    .for_each(|(answer, truth)| _ = count.add(answer, truth));
            }
            let what = format!("{weight} {std} {} {count:?}", method.name());
            // Four of one sample are hardly four: 95 % less three standard deviations of 40.
            assert!(count.share() > 0.85 && count.far == 0, "{what}");
        }
    }
}

#[test]
fn one_draw_that_makes_the_sum_widens_the_interval_and_goes_on() {
    // p²/q falls off as x⁻² and has a mean; its square falls off as x⁻¹ under p, and has none.
    let unit = Mixture::from_stds(vec![1.0], vec![vec![0.0]], vec![vec![1.0]]).unwrap();
    let [p, q] = [("p", 4.0), ("q", 7.0)].map(|(name, dof)| {
        let density = StudentT::new(unit.clone(), dof).unwrap();
        Operand::new(name, TargetModel::StudentT(density))
    });
    // By mpmath, 30 digits: 2 ∫₀^∞ t₄(x)²/t₇(x) dx − 1 with x = sinh u.
    let exact = 0.071_672_963_021_338_72;
    let (mut outside, mut told) = (0, 0);
    for seed in 0..40 {
        let question = Question {
            divergences: vec![DivergenceKind::Chi2.into()],
            accuracy: Accuracy {
                relative: Some(0.05),
                absolute: None,
            },
            samples: Some(50_000),
            ..sampled(Method::MonteCarlo, seed)
        };
        let answer = &question.ask(&p, &q, &|_| {}).unwrap()[0];
        let [low, high] = answer.interval.unwrap();
        outside += usize::from(!(low..=high).contains(&exact));
        told += usize::from(answer.ending == Some(Ending::Spent));
    }
    // Without a variance no interval is one of 95 %: none says that the error was reached.
    assert!(
        outside <= 16 && told == 40,
        "{outside} outside, {told} told"
    );
}

#[test]
fn intervals_hold_the_truth_of_random_pairs() {
    for method in [Method::MonteCarlo, Method::Qmc] {
        let mut total = Count::default();
        for dim in [1, 3] {
            for count in coverage(dim, 40, method, &questions(8192, 65_536))
                .iter()
                .flatten()
            {
                total.inside += count.inside;
                total.all += count.all;
                total.far += count.far;
            }
        }
        println!("{}: {total:?} {}", method.name(), total.share());
        // About 600 intervals of 95 %, four to a pair; nets of few points are a little cautious.
        assert!(
            total.share() > 0.92 && total.far == 0,
            "{} {total:?}",
            method.name()
        );
    }
}

#[test]
fn what_a_run_logs_above_two_dimensions_has_the_errors_it_says() {
    let p: Line = vec![(0.5, 0.0, 0.3), (0.5, 3.0, 0.003)];
    let q: Line = vec![(1.0, 1.5, 2.0)];
    let known = truth(&p, &q);
    let turn = turn(&mut ChaCha8Rng::seed_from_u64(1), 3);
    let numerics = Numerics::cpu();
    let target = Target::new(embedded(&p, &turn), &numerics);
    let q = embedded(&q, &turn);
    let family = MixtureTensors::stacked(&[&q, &q], &numerics);
    let (mut inside, mut all) = ([0; 4], 0);
    for seed in 0..200 {
        let effort = Effort::logged(4096);
        let evaluator = Evaluator::new(numerics.clone(), 3, seed, KINDS.to_vec(), effort);
        let of_runs = evaluator.evaluate(&target, &family).unwrap();
        assert_eq!(of_runs[0], of_runs[1]);
        all += 1;
        for ((kind, inside), truth) in KINDS.into_iter().zip(&mut inside).zip(known) {
            let estimate = of_runs[0].estimate(kind);
            assert!(estimate.error < 0.03 * truth, "{kind:?} {estimate:?}");
            *inside += usize::from((estimate.value - truth).abs() <= 1.96 * estimate.error);
        }
    }
    for (inside, kind) in inside.into_iter().zip(KINDS) {
        // 95 % of 200 with three standard deviations of a binomial.
        let share = inside as f64 / all as f64;
        assert!(share > 0.90, "{}: {share}", kind.name());
    }
    let same = MixtureTensors::constant(target.model().as_mixture().unwrap(), &numerics);
    let effort = Effort::logged(1024);
    let evaluator = Evaluator::new(numerics.clone(), 3, 0, KINDS.to_vec(), effort);
    for (kind, estimate) in evaluator.evaluate(&target, &same).unwrap()[0].iter() {
        assert!(estimate.value.abs() < 1e-15, "{kind:?} {estimate:?}");
    }
}

#[test]
#[ignore = "minutes: KLFIT_COVERAGE=1000 cargo test --test suite coverage_at_length -- --ignored --nocapture"]
fn coverage_at_length() {
    let pairs = std::env::var("KLFIT_COVERAGE").map_or(250, |pairs| pairs.parse().unwrap());
    for method in [Method::MonteCarlo, Method::Qmc] {
        for dim in [1, 2, 3, 5] {
            let started = std::time::Instant::now();
            let counts = coverage(dim, pairs, method, &questions(16_384, 1_000_000));
            for (counts, what) in counts.iter().zip(["16384 draws", "1 %"]) {
                print!("{:12} D {dim} {what:12}", method.name());
                for (count, kind) in counts.iter().zip(KINDS) {
                    print!(
                        "  {} {:.1} % of {} ({} far)",
                        kind.name(),
                        100.0 * count.share(),
                        count.all,
                        count.far
                    );
                }
                println!("  {:.0?}", started.elapsed());
            }
        }
    }
}

#[test]
#[ignore = "a measurement: cargo test --test suite error_of_a_second -- --ignored --nocapture"]
fn error_of_a_second() {
    let gaussian = |dim: usize, at: f64, std: f64| (vec![at; dim], vec![std; dim]);
    let of = |parts: Vec<(Vec<f64>, Vec<f64>)>| {
        let weights = vec![1.0 / parts.len() as f64; parts.len()];
        let (means, stds) = parts.into_iter().unzip();
        Mixture::from_stds(weights, means, stds).unwrap()
    };
    let several = |dim: usize, count: usize, shift: f64| {
        let part = |k: usize| {
            gaussian(
                dim,
                ((k * 7) % 11) as f64 * 0.7 + shift,
                1.0 + (k % 3) as f64 * 0.3,
            )
        };
        of((0..count).map(part).collect())
    };
    let cases = [
        ("near, D 5", several(5, 1, 0.0), several(5, 1, 0.1)),
        ("one and one, D 5", several(5, 1, 0.0), several(5, 1, 1.0)),
        ("two and one, D 1", several(1, 2, 0.0), several(1, 1, 1.0)),
        ("three and two, D 3", several(3, 3, 0.0), several(3, 2, 0.3)),
        ("ten and ten, D 5", several(5, 10, 0.0), several(5, 10, 0.5)),
        (
            "ten and ten, D 20",
            several(20, 10, 0.0),
            several(20, 10, 0.5),
        ),
        ("apart, D 3", several(3, 2, 0.0), several(3, 2, 15.0)),
    ];
    for method in [Method::MonteCarlo, Method::Qmc] {
        for (name, p, q) in &cases {
            if method == Method::Qmc && p.dim() > 16 {
                continue;
            }
            for kinds in [&KINDS[..], &KINDS[..1]] {
                let question = Question {
                    divergences: kinds.iter().map(|kind| (*kind).into()).collect(),
                    samples: Some(2_000_000),
                    ..sampled(method, 3)
                };
                let answers = ask(&question, p, q);
                print!("{:12} {name:20} {:.2} s", method.name(), answers[0].seconds);
                for answer in &answers {
                    let error = answer.error.unwrap();
                    print!(
                        "  {} {:.2e}",
                        answer.divergence.name(),
                        error * error * answer.seconds
                    );
                }
                println!();
            }
        }
    }
}
