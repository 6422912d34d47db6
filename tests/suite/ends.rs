//! Where a run ends: never worse than it was, never at a number that cannot be, never at a saddle it
//! was put on unasked.

use std::path::Path;

use klfit::internals::{duplicate_components, natural_values, remarks};
use klfit::results::Estimate;
use klfit::settings::{KMeans, Random};
use klfit::{
    DivergenceKind, EstimatorConfig, Experiment, Family, FamilyConfig, FitSummary, GradientRule,
    Mixture, OptimizerConfig, OptimizerRule, Samples, Start, Stop, TargetModel,
};
use nalgebra::DMatrix;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::support::{
    Choice, Run, Targets, assert_close, divergences, mild, monte_carlo, quadrature, run, run_text,
    two_on_a_line,
};

fn rows_of_restarts(run: &Run, label: &str) -> Vec<csv::StringRecord> {
    let path = run.folder.path().join(label).join("restarts.csv");
    let mut csv = csv::Reader::from_path(path).unwrap();
    let header = csv.headers().unwrap();
    assert_eq!((&header[4], &header[5]), ("steps", "from_step"));
    csv.records().map(Result::unwrap).collect()
}

/// Two bumps, one Gaussian that starts at the known optimum of forward KL, and steps that lead away.
const AT_THE_OPTIMUM: &str = r#"
    name = "at the optimum"
    [target]
    weights = [0.5, 0.5]
    means = [[-2.0], [2.0]]
    stds = [[1.0], [1.0]]
    [init]
    mean = [0.0]
    std = [2.23606797749979]
    [optimizer]
    learning_rate = 0.5
    steps = 60
    [log]
    every = 7
    [stop]
    loss_change = 1e-9
    [[fit]]
    divergence = "forward-kl"
"#;

#[test]
fn a_fit_that_starts_at_the_optimum_ends_there() {
    let run = run_text(AT_THE_OPTIMUM);
    let fit = &run.summary.fits[0];
    let best = fit.best.as_ref().unwrap();
    // The moments of p are those of q at the start: its KL by Simpson's rule.
    let q = crate::support::gaussian(0.0, 5f64.sqrt());
    let expected = crate::support::divergence_on_a_line(fit.divergence, &two_on_a_line(2.0), &q);
    let found = best.divergences.estimate(fit.divergence);
    assert_close(found.value, expected, 1e-9, "KL(p‖q)");
    // Adam leaves it by half a unit in one step; it has not come back by the end, nor to rest.
    let iterate = best.best_iterate.unwrap();
    assert_eq!(
        (iterate.step, best.steps, &best.stop),
        (0, 60, &Stop::Steps)
    );
    assert!(iterate.last.value > expected + 1e-5, "{iterate:?}");
    let trajectory = run.folder.trajectory("forward-kl").unwrap();
    let rows: Vec<_> = trajectory.run(0).collect();
    assert_eq!(rows.last().unwrap().step, 60);
    assert_eq!(
        rows.last().unwrap().divergence(fit.divergence).0,
        iterate.last.value
    );
    // All numbers are of that step.
    assert_eq!(best.gradient_norm, rows[0].gradient_norm);
    assert_eq!(best.loss.value, rows[0].loss);
    let restarts = rows_of_restarts(&run, "forward-kl");
    assert_eq!((&restarts[0][4], &restarts[0][5]), ("60", "0"));
    let told = remarks(fit).join("\n");
    assert!(
        told.contains("q is that of step 0, the best: at step 60 KL(p‖q) had risen to"),
        "{told}"
    );
    assert_eq!(fit.optima[0].best_iterate, best.best_iterate);
}

#[test]
fn a_fit_whose_last_step_is_its_best_is_reported_as_it_ended() {
    let text = AT_THE_OPTIMUM.replace("mean = [0.0]", "mean = [1.0]");
    let run = run_text(&text.replace("learning_rate = 0.5", "type = \"natural-gradient\""));
    let best = run.summary.fits[0].best.as_ref().unwrap();
    assert_eq!(best.best_iterate, None);
    let trajectory = run.folder.trajectory("forward-kl").unwrap();
    let last = trajectory.run(0).last().unwrap();
    assert_eq!(
        (best.loss.value, best.gradient_norm),
        (last.loss, last.gradient_norm)
    );
    let text = std::fs::read_to_string(run.folder.path().join("summary.json")).unwrap();
    assert!(!text.contains("best_iterate"));
}

#[test]
fn a_loss_that_rises_is_not_at_rest() {
    // Half a unit away from the optimum in one step, and about it from then on.
    let near = AT_THE_OPTIMUM.replace("mean = [0.0]", "mean = [0.001]");
    for window in [1, 10] {
        let window = format!("loss_change = 1e-9\nwindow = {window}");
        let run = run_text(&near.replace("loss_change = 1e-9", &window));
        let best = run.summary.fits[0].best.as_ref().unwrap();
        assert_eq!(best.stop, Stop::Steps, "{window}");
        // Not above the start, ½ · 10⁻⁶ / 5 nats over the optimum by the moments of both.
        let gap = run.summary.fits[0]
            .known_optimum
            .as_ref()
            .unwrap()
            .gap
            .unwrap();
        assert_close(gap.value, 1e-7, 1e-12, "gap");
    }
    // One that is at rest stops: the window is flat to the tolerance, which is far below the loss.
    let calm = AT_THE_OPTIMUM
        .replace("mean = [0.0]", "mean = [1.0]")
        .replace("type = \"adam\"", "")
        .replace("learning_rate = 0.5", "type = \"natural-gradient\"")
        .replace("steps = 60", "steps = 600");
    let run = run_text(&calm);
    let best = run.summary.fits[0].best.as_ref().unwrap();
    assert!(matches!(best.stop, Stop::Loss { .. }), "{:?}", best.stop);
    assert!(best.gradient_norm < 1e-4, "{}", best.gradient_norm);
}

/// Whether an estimate may be told of a divergence at all.
fn check_possible(kind: DivergenceKind, estimate: Estimate, what: &str) {
    let slack =
        10.0 * if estimate.error.is_finite() {
            estimate.error
        } else {
            0.0
        } + 1e-8;
    let (least, most) = match kind {
        DivergenceKind::CrossEntropy => return,
        DivergenceKind::Js => (0.0, 2f64.ln()),
        DivergenceKind::SquaredHellinger | DivergenceKind::TotalVariation => (0.0, 1.0),
        DivergenceKind::Alpha(order) if order.value() == 0.5 => (0.0, 4.0),
        _ => (0.0, f64::INFINITY),
    };
    let Estimate { value, .. } = estimate;
    assert!(
        value.is_nan() || (value >= least - slack && value <= most + slack),
        "{what}: {kind:?} {estimate:?}"
    );
}

/// Runs a fit with steps far too long; every number that is told can be, and no run that counts ends
/// worse than it began. Counts the runs that failed and those whose best was an earlier step.
fn check_blow_up(experiment: &Experiment, what: &str) -> [usize; 2] {
    let run = run(experiment);
    let fit: &FitSummary = &run.summary.fits[0];
    let own = fit.divergence;
    let trajectory = run.folder.trajectory(&fit.label).unwrap();
    for row in &trajectory.rows {
        for (kind, _) in fit.best.iter().flat_map(|best| best.divergences.iter()) {
            let (value, error) = row.divergence(kind);
            let method = klfit::internals::EstimateMethod::Quadrature;
            check_possible(
                kind,
                Estimate {
                    value,
                    error,
                    method,
                },
                what,
            );
        }
    }
    let evaluations = fit.best.iter().map(|best| &best.divergences);
    for evaluation in evaluations.chain(fit.optima.iter().map(|optimum| &optimum.divergences)) {
        for (kind, estimate) in evaluation.iter() {
            check_possible(kind, estimate, what);
        }
    }
    for optimum in &fit.optima {
        Mixture::try_from(&optimum.mixture).unwrap_or_else(|error| panic!("{what}: {error}"));
        let start = trajectory.run(optimum.run).next().unwrap();
        let (began, error) = start.divergence(own);
        let ended = optimum.divergences.estimate(own);
        let slack = 5.0 * (error + ended.error) + 1e-7;
        assert!(
            ended.value.partial_cmp(&(began + slack)) != Some(std::cmp::Ordering::Greater),
            "{what}: from {began} ± {error} to {ended:?}"
        );
    }
    let mut earlier = 0;
    for row in rows_of_restarts(&run, &fit.label) {
        match &row[1] {
            "failed" => assert!(row[2].starts_with("failed at step "), "{}", &row[2]),
            _ => earlier += usize::from(row[4] != row[5]),
        }
    }
    [fit.failed, earlier]
}

#[test]
fn a_fit_that_blows_up_has_failed_or_tells_its_best() {
    let targets = Targets::new();
    let (mut tried, mut failed, mut earlier) = (0, 0, 0);
    for (dim, rule, components) in [(1, quadrature(61), 2), (3, monte_carlo(32), 2)] {
        let target = targets.mixture(&mild(dim));
        for divergence in divergences() {
            for optimizer in OptimizerRule::all() {
                for rate in [1.0, 300.0] {
                    let mut optimizer: OptimizerConfig = optimizer.into();
                    optimizer.steps = 30;
                    if optimizer.rule.has_learning_rate() {
                        optimizer.learning_rate = Some(rate);
                    }
                    let choice = Choice {
                        divergence,
                        family: FamilyConfig {
                            components,
                            ..FamilyConfig::default()
                        },
                        estimator: EstimatorConfig::from(rule),
                        optimizer,
                    };
                    let Ok(mut experiment) = targets.ask(&target, &choice) else {
                        continue;
                    };
                    experiment.config.log.samples = 64;
                    experiment.config.log.every = Some(1);
                    let what = format!("{dim}-D {divergence:?} {} {rate}", optimizer.rule.name());
                    let [more_failed, more_earlier] = check_blow_up(&experiment, &what);
                    tried += 2;
                    failed += more_failed;
                    earlier += more_earlier;
                }
            }
        }
    }
    // Twelve divergences, seven optimizers (L-BFGS not with fresh noise), and one more for forward KL without that;
    // two rates, two runs.
    assert_eq!(tried, (12 * (7 + 6) + 1) * 2 * 2);
    assert!(
        failed > tried / 20 && earlier > tried / 10,
        "{failed} {earlier} of {tried}"
    );
}

#[test]
fn mixtures_in_twenty_dimensions_fail_where_their_factors_no_longer_tell() {
    // Ten components far apart, of correlated coordinates; steps that blow L up tell a reverse KL of
    // −10¹⁵⁴ where nothing looks.
    let (k, dim) = (10, 20);
    let noise = |at: usize| ((at as f64 + 1.0) * 0.618_033_988_749_895).fract() - 0.5;
    let means = (0..k)
        .map(|c| (0..dim).map(|d| 100.0 * noise(c * dim + d)).collect())
        .collect();
    let covariance = |c: usize| {
        let root = DMatrix::from_fn(dim, dim, |i, j| {
            6.0 * noise(7919 * (c + 1) + i * 53 + j * j)
        });
        root.transpose() * &root + DMatrix::identity(dim, dim)
    };
    let p = Mixture::from_covariances(vec![0.1; k], means, (0..k).map(covariance).collect());
    let targets = Targets::new();
    let target = targets.mixture(&p.unwrap());
    let mut failed = Vec::new();
    for optimizer in ["adam", "natural-gradient"] {
        for rate in [0.02, 1.0] {
            let rule = OptimizerRule::all()
                .into_iter()
                .find(|rule| rule.name() == optimizer);
            let mut optimizer: OptimizerConfig = rule.unwrap().into();
            (optimizer.steps, optimizer.learning_rate) = (60, Some(rate));
            let choice = Choice {
                divergence: DivergenceKind::ReverseKl,
                family: FamilyConfig {
                    components: k,
                    ..FamilyConfig::default()
                },
                estimator: EstimatorConfig {
                    gradient: GradientRule::StickingTheLanding,
                    ..monte_carlo(16).into()
                },
                optimizer,
            };
            let mut experiment = targets.ask(&target, &choice).unwrap();
            experiment.config.log.samples = 32;
            experiment.config.log.every = Some(5);
            let what = format!("20-D {} {rate}", optimizer.rule.name());
            failed.push(check_blow_up(&experiment, &what)[0]);
        }
    }
    // Adam moves the logarithms of L by a unit at each step.
    assert_eq!(failed, [0, 2, 0, 0]);
}

#[test]
fn components_that_would_start_as_one_are_moved_apart() {
    // Three points for four clusters, most of them equal.
    let rows = [1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 5.0, -1.0];
    let samples = Samples::new(vec!["a".into(), "b".into()], rows.to_vec(), 2).unwrap();
    let target = TargetModel::Samples(samples);
    let family = Family::new(
        FamilyConfig {
            components: 4,
            ..FamilyConfig::default()
        },
        2,
    );
    let start = Start::drawn(KMeans {}, 6);
    let starts = start.mixtures(&family, &target, 3).unwrap();
    for start in &starts {
        assert_eq!(
            duplicate_components(start),
            Vec::<Vec<usize>>::new(),
            "{start:?}"
        );
    }
    assert_eq!(starts, start.mixtures(&family, &target, 3).unwrap());
    // A start without such components is left as it is: by itself, run by run.
    let random = Start::drawn(Random {}, 2);
    for start in random.mixtures(&family, &target, 3).unwrap() {
        let mut generator = ChaCha8Rng::seed_from_u64(0);
        let moved = klfit::internals::separated(start.clone(), &mut generator).unwrap();
        assert!(natural_values(&moved).eq(natural_values(&start)));
    }
}

const ALIKE: &str = r#"
    name = "alike"
    [target]
    weights = [0.5, 0.5]
    means = [[-3.0], [3.0]]
    stds = [[1.0], [1.0]]
    [family]
    components = 3
    [init]
    weights = [0.25, 0.25, 0.5]
    means = [[0.5], [0.5], [-0.5]]
    stds = [[1.0], [1.0], [1.0]]
    [optimizer]
    steps = 400
    learning_rate = 0.05
    [[fit]]
    divergence = "forward-kl"
"#;

#[test]
fn a_given_start_with_components_alike_is_obeyed_and_told() {
    let experiment = Experiment::parse(Path::new("alike.toml"), ALIKE, Vec::new()).unwrap();
    let [note] = &experiment.notes[..] else {
        panic!("{:?}", experiment.notes)
    };
    assert!(note.contains("components 1 and 2 start alike"), "{note}");
    assert!(note.contains("move their means apart"), "{note}");
    let run = run(&experiment);
    let first = &run.folder.trajectory("forward-kl").unwrap().rows[0];
    assert_eq!(first.parameters[3..6], [0.5, 0.5, -0.5]);
    let told = remarks(&run.summary.fits[0]).join("\n");
    assert!(told.contains("components 1 and 2 of q are alike"), "{told}");
    // A little apart, they part.
    let apart = ALIKE.replace("[[0.5], [0.5], [-0.5]]", "[[0.5], [0.6], [-0.5]]");
    let experiment = Experiment::parse(Path::new("apart.toml"), &apart, Vec::new()).unwrap();
    assert!(experiment.notes.is_empty());
    let told = remarks(&crate::support::run(&experiment).summary.fits[0]).join("\n");
    assert!(!told.contains("alike"), "{told}");
}

#[test]
fn the_gradient_of_a_single_run_is_told_while_it_moves() {
    let text = AT_THE_OPTIMUM.replace("mean = [0.0]", "mean = [1.0]");
    let moving = run_text(
        &text
            .replace("steps = 60", "steps = 3")
            .replace("0.5\n", "0.01\n"),
    );
    let fit = &moving.summary.fits[0];
    let best = fit.best.as_ref().unwrap();
    let told = remarks(fit).join("\n");
    assert!(best.gradient_norm > 1e-3);
    let gradient = format!("not at rest: its gradient is {:.0e}", best.gradient_norm);
    assert!(told.contains(&gradient), "{told}");
    let rest = text.replace("learning_rate = 0.5", "type = \"lbfgs\"");
    let told = remarks(&run_text(&rest).summary.fits[0]).join("\n");
    assert!(!told.contains("at rest"), "{told}");
}
