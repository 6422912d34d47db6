//! Runs whose numbers break down are stopped, kept and counted; the others go on.

use klfit::{Mixture, Stop};

use crate::support::{run_text, stds};

/// Steps that are long, and at 5 so long that most starts overshoot and few survive.
const PARTLY: &str = r#"
    name = "partly"
    restarts = 32
    [target]
    weights = [0.5, 0.5]
    means = [[-3.0], [3.0]]
    stds = [[1.0], [1.0]]
    [optimizer]
    type = "sgd"
    learning_rate = 0.9
    steps = 60
    [log]
    every = 7
    [[fit]]
    divergence = "forward-kl"
"#;

#[test]
fn failed_runs_keep_their_rows_and_the_others_go_on() {
    let text = PARTLY.replace("0.9", "5.0");
    let run = run_text(&text);
    let fit = &run.summary.fits[0];
    assert!(fit.failed > 0 && fit.failed < 32, "{} failed", fit.failed);
    assert!(fit.best.is_some());
    let counted: usize = fit.optima.iter().map(|optimum| optimum.runs).sum();
    assert_eq!(counted + fit.failed, 32);

    let restarts = run.folder.path().join("forward-kl/restarts.csv");
    let mut csv = csv::Reader::from_path(restarts).unwrap();
    let rows: Vec<csv::StringRecord> = csv.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 32);
    let failed: Vec<_> = rows.iter().filter(|row| &row[1] == "failed").collect();
    assert_eq!(failed.len(), fit.failed);
    let trajectory = run.folder.trajectory("forward-kl").unwrap();
    for row in failed {
        let (number, step): (usize, usize) = (row[0].parse().unwrap(), row[4].parse().unwrap());
        assert!(
            row[2].starts_with(&format!("failed at step {step}: ")),
            "{}",
            &row[2]
        );
        let last = trajectory.run(number).last().unwrap();
        // Its last row is at the step it failed at, with the last parameters that were well.
        assert_eq!(last.step, step);
        let is_finite = (last.loss + last.gradient_norm.powi(2)).is_finite();
        assert!(is_finite != row[2].contains("not finite") && last.loss_error.is_nan());
        assert!(last.parameters.iter().all(|p| p.is_finite()));
        assert!(trajectory.run(number).count() <= step / 7 + 2);
    }
}

#[test]
fn a_run_that_never_had_a_chance_is_a_failed_fit() {
    let text = PARTLY
        .replace("0.9", "1e9")
        .replace("restarts = 32", "restarts = 3");
    let run = run_text(&text);
    let fit = &run.summary.fits[0];
    assert_eq!((fit.failed, fit.restarts), (3, 3));
    assert!(fit.best.is_none() && fit.optima.is_empty());
}

#[test]
fn a_failed_run_does_not_touch_its_neighbours() {
    // Run r depends on the seed and r alone, whatever became of the others.
    let both = run_text(&PARTLY.replace("0.9", "5.0"));
    let alone = run_text(
        &PARTLY
            .replace("0.9", "5.0")
            .replace("restarts = 32", "restarts = 1"),
    );
    let end = |run: &crate::support::Run| {
        let trajectory = run.folder.trajectory("forward-kl").unwrap();
        let last = trajectory.run(0).last().unwrap().clone();
        (last.step, last.loss.to_bits(), last.parameters)
    };
    assert_eq!(end(&both), end(&alone));
}

#[test]
fn a_fit_that_goes_well_says_so() {
    let run = run_text(PARTLY);
    let best = run.summary.fits[0].best.as_ref().unwrap();
    assert_eq!((best.steps, &best.stop), (60, &Stop::Steps));
    assert!(Mixture::try_from(&best.mixture).is_ok());
}

#[test]
fn a_failed_run_keeps_the_last_parameters_that_were_finite_however_seldom_it_is_logged() {
    let text = PARTLY.replace("0.9", "5.0");
    let often = run_text(&text.replace("every = 7", "every = 1"));
    let seldom = run_text(&text.replace("every = 7", "every = 60"));
    let failed = |run: &crate::support::Run| {
        let path = run.folder.path().join("forward-kl/restarts.csv");
        let mut csv = csv::Reader::from_path(path).unwrap();
        (csv.records().map(Result::unwrap))
            .filter(|row| &row[1] == "failed")
            .collect::<Vec<csv::StringRecord>>()
    };
    // A logged number that cannot be is seen where it is logged; the others are seen at every step.
    let mut often_rows = failed(&often);
    often_rows.retain(|row| row[2].contains("not finite"));
    let seldom_rows = failed(&seldom);
    assert!(often_rows.len() > 8);
    assert!(often_rows.iter().all(|row| seldom_rows.contains(row)));
    // They are those of the step before.
    let trajectory = often.folder.trajectory("forward-kl").unwrap();
    for row in often_rows {
        let rows: Vec<_> = trajectory.run(row[0].parse().unwrap()).collect();
        let [.., before, last] = &rows[..] else {
            continue;
        };
        assert_eq!(before.parameters, last.parameters);
    }
}

/// Why each run of the only fit stopped.
fn stops(text: &str) -> Vec<String> {
    let run = run_text(text);
    let label = &run.summary.fits[0].label;
    let path = run.folder.path().join(label).join("restarts.csv");
    let mut csv = csv::Reader::from_path(path).unwrap();
    csv.records()
        .map(|row| row.unwrap()[2].to_owned())
        .collect()
}

#[test]
fn a_run_that_breaks_down_names_the_parameter_it_happened_to() {
    // A start so far away that p is 0 there in every number there is.
    let far = r#"
        name = "far"
        [target]
        weights = [0.5, 0.5]
        means = [[-3.0], [3.0]]
        stds = [[1e-3], [1e-3]]
        [init]
        means = [[1e200]]
        stds = [[1.0]]
        weights = [1.0]
        [[fit]]
        divergence = "reverse-kl"
    "#;
    let [stop] = &stops(far)[..] else { panic!() };
    assert!(stop.starts_with("failed at step 0: the loss is "), "{stop}");
    assert!(
        stop.contains("p has no density at the mean of component 1"),
        "{stop}"
    );
    // A component that has found a row of its own becomes a point there.
    let rows = tempfile::tempdir().unwrap();
    let file = rows.path().join("rows.csv");
    std::fs::write(&file, "x\n1\n2\n2.5\n-1\n0.25\n7\n").unwrap();
    let collapse = format!(
        "name = \"collapse\"\n[target]\nfile = '{}'\n[family]\ncomponents = 2\n[init]\n\
         weights = [0.8, 0.2]\nmeans = [[1.0], [7.0]]\nstds = [[1.0], [0.01]]\n[optimizer]\n\
         steps = 2000\nlearning_rate = 0.1\n[log]\nevery = 50\n[[fit]]\ndivergence = \"forward-kl\"\n",
        file.display()
    );
    let [stop] = &stops(&collapse)[..] else {
        panic!()
    };
    assert!(
        stop.contains("std_2 is ") && stop.contains("collapsed onto a point"),
        "{stop}"
    );
    assert!(stop.contains("family.min_std"), "{stop}");
    // A weight that a huge step takes to 0.
    let dead = r#"
        name = "dead"
        [target]
        mean = [0.0]
        std = [1.0]
        [family]
        components = 2
        [init]
        weights = [0.5, 0.5]
        means = [[0.0], [40.0]]
        stds = [[1.0], [1.0]]
        [optimizer]
        type = "sgd"
        learning_rate = 5.0
        steps = 40
        clip = 1000.0
        [log]
        every = 1
        [[fit]]
        divergence = "reverse-kl"
    "#;
    let [stop] = &stops(dead)[..] else { panic!() };
    assert!(
        stop.contains("weight_2 is ") && stop.contains("has died"),
        "{stop}"
    );
}

#[test]
fn the_parameter_a_gradient_breaks_at_is_named_and_the_others_go_on() {
    let stops = stops(&PARTLY.replace("0.9", "5.0"));
    let failed: Vec<&String> = stops
        .iter()
        .filter(|stop| stop.starts_with("failed"))
        .collect();
    assert!(!failed.is_empty() && failed.len() < stops.len());
    for stop in failed {
        assert!(stop.contains("mean") || stop.contains("std"), "{stop}");
    }
}

#[test]
fn extreme_scales_and_sizes_do_not_overflow() {
    // Forward KL from a Gaussian to itself, and to one beside it, at any scale.
    for (mean, variance) in [(1e8, 1e-12), (-1e8, 1e12), (0.0, 1e-12), (1e8, 1.0)] {
        let std = f64::sqrt(variance);
        let text = format!(
            "name = \"scale\"\n[target]\nmean = [{mean:?}]\nstd = [{std:?}]\n[init]\n\
             mean = [{:?}]\nstd = [{:?}]\n[optimizer]\ntype = \"natural-gradient\"\n\
             steps = 300\n[[fit]]\ndivergence = \"forward-kl\"\n[[fit]]\n\
             divergence = \"reverse-kl\"\n",
            mean + 0.5 * std,
            1.5 * std
        );
        let run = run_text(&text);
        for fit in &run.summary.fits {
            let best = fit
                .best
                .as_ref()
                .unwrap_or_else(|| panic!("{mean} {variance}"));
            let value = best.divergences.estimate(fit.divergence).value;
            // Points around a mean of 1e8 are known to 1.5e-8, which is 1.5 % of the least std; a few
            // of these steps off are all one.
            let steps = 4.0 * f64::EPSILON * f64::abs(mean) / std;
            let most = 1e-9 + 0.5 * steps * steps;
            assert!((0.0..=most).contains(&value), "{mean} {variance}: {value}");
            let found = stds(&best.mixture, 0)[0].powi(2) / variance;
            assert!(
                (found - 1.0).abs() < 1e-6 + steps,
                "{mean} {variance}: {found}"
            );
        }
    }
    // 500 dimensions, and a thousand components.
    let large = r#"
        name = "large"
        [target]
        mean = "MEAN"
        std = "STD"
        [init]
        mean = "MEAN"
        std = "TWO"
        [family]
        covariance = "diagonal"
        [estimator]
        type = "monte-carlo"
        samples = 8
        [log]
        samples = 16
        [optimizer]
        steps = 3
        [[fit]]
        divergence = "reverse-kl"
    "#;
    let row = |value: &str| format!("[{}]", vec![value; 500].join(", "));
    let large = (large.replace("\"MEAN\"", &row("1.0")))
        .replace("\"STD\"", &row("1.0"))
        .replace("\"TWO\"", &row("2.0"));
    let run = run_text(&large);
    let best = run.summary.fits[0].best.as_ref().unwrap();
    assert!(best.loss.value.is_finite() && best.steps == 3);
    let rows = |value: fn(usize) -> f64| {
        let rows: Vec<String> = (0..1000)
            .map(|k| format!("[{:?}, 0.5, -0.5]", value(k)))
            .collect();
        format!("[{}]", rows.join(", "))
    };
    let many = format!(
        "name = \"many\"\n[target]\nweights = [{}]\nmeans = {}\nstds = {}\n[optimizer]\nsteps = 2\n\
         [log]\nevery = 2\nsamples = 2000\n[estimator]\ntype = \"monte-carlo\"\nsamples = 2000\n[[fit]]\n\
         divergence = \"forward-kl\"\nrestarts = 1\n",
        vec!["0.001"; 1000].join(", "),
        rows(|k| k as f64),
        rows(|_| 1.0).replace("-0.5", "2.0")
    );
    let run = run_text(&many);
    assert!(
        run.summary.fits[0]
            .best
            .as_ref()
            .unwrap()
            .loss
            .value
            .is_finite()
    );
}
