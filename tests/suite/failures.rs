//! Runs whose numbers break down are stopped, kept and counted; the others go on.

use klfit::Mixture;
use klfit::stop::Stop;

use crate::support::run_text;

/// A learning rate at which narrow starts overshoot and wide ones survive.
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
    let text = PARTLY.replace("0.9", "8.0");
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
        // Its last row is at the step it failed at, with the last parameters that were finite.
        assert_eq!(last.step, step);
        assert!(!(last.loss + last.gradient_norm.powi(2)).is_finite() && last.loss_error.is_nan());
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
    let both = run_text(&PARTLY.replace("0.9", "8.0"));
    let alone = run_text(
        &PARTLY
            .replace("0.9", "8.0")
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
    let text = PARTLY.replace("0.9", "8.0");
    let often = run_text(&text.replace("every = 7", "every = 1"));
    let seldom = run_text(&text.replace("every = 7", "every = 60"));
    let failed = |run: &crate::support::Run| {
        let path = run.folder.path().join("forward-kl/restarts.csv");
        let mut csv = csv::Reader::from_path(path).unwrap();
        (csv.records().map(Result::unwrap))
            .filter(|row| &row[1] == "failed")
            .collect::<Vec<csv::StringRecord>>()
    };
    let (often_rows, seldom_rows) = (failed(&often), failed(&seldom));
    assert!(!often_rows.is_empty() && often_rows == seldom_rows);
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
