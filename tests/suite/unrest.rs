//! Fits by noisy losses that ended before they came to rest are told of as such, and what has not come to rest is
//! not called an optimum.

use std::fs;

use klfit::internals::remarks;
use klfit::results::Rest;
use klfit::{FitSummary, Summary};

use crate::support::{Run, run_text};

/// A Gaussian by samples, from far away.
fn far(restarts: usize, rate: f64, steps: usize) -> String {
    format!(
        "name = \"far\"\nrestarts = {restarts}\n[target]\nmean = [20.0, 0.0, 0.0]\nstd = [1.0, 1.0, 1.0]\n\
         [init]\nmean = [0.0, 0.0, 0.0]\nstd = [1.0, 1.0, 1.0]\n\
         [estimator]\ntype = \"monte-carlo\"\nsamples = 32\n\
         [optimizer]\nlearning_rate = {rate}\nsteps = {steps}\n[[fit]]\ndivergence = \"reverse-kl\"\n"
    )
}

fn only(run: &Run) -> &FitSummary {
    &run.summary.fits[0]
}

#[test]
fn a_noisy_fit_that_still_falls_says_so() {
    let run = run_text(&far(1, 0.01, 400));
    let fit = only(&run);
    let falling = fit.optima[0]
        .falling
        .expect("20 standard deviations take longer");
    // 100 logged steps: the last half of them is the last 200 steps, in which the mean goes about 0.01 a step.
    assert_eq!(falling.steps, 200);
    let rows = run.folder.trajectory("reverse-kl").unwrap().rows;
    let value = |row: &klfit::results::Row| row.divergence(fit.divergence).0;
    let (middle, last) = (value(&rows[50]), value(rows.last().unwrap()));
    assert!(
        (falling.by / (middle - last) - 1.0).abs() < 0.1,
        "{falling:?} {middle} {last}"
    );
    let told = remarks(fit).join("\n");
    assert!(
        told.contains("still falling by ")
            && told.contains(" nats in the last 200 steps: not at rest"),
        "{told}"
    );
    // What is known without a fit is called so, where it ended is not.
    let own = told.replace("the known optimum", "");
    assert!(!own.contains("optimum"), "{told}");
    assert!(fit.is_moving());
    assert!(fit.ending().ends_with(", not at rest"));
    // It is read back as it was written.
    let text = fs::read_to_string(run.folder.path().join("summary.json")).unwrap();
    let read: Summary = serde_json::from_str(&text).unwrap();
    assert_eq!(read, run.summary);
}

#[test]
fn a_noisy_fit_that_wanders_about_its_optimum_is_at_rest() {
    let mut alarms = 0;
    for seed in 0..40 {
        let text = format!("seed = {seed}\n{}", far(1, 0.1, 600)).replace("20.0", "1.0");
        let run = run_text(&text);
        let fit = only(&run);
        let told = remarks(fit).join("\n");
        assert_eq!(told.contains("not at rest"), fit.is_moving(), "{told}");
        alarms += usize::from(fit.is_moving());
    }
    assert!(alarms <= 2, "{alarms} of 40");
}

#[test]
fn restarts_that_have_not_come_to_rest_ended_at_places_and_at_rest_at_optima() {
    let text = far(3, 0.002, 400).replace(
        "[init]\nmean = [0.0, 0.0, 0.0]\nstd = [1.0, 1.0, 1.0]\n",
        "",
    );
    let told = remarks(only(&run_text(&text))).join("\n");
    let own = told.replace("the known optimum", "");
    assert!(own.contains("ended at") && !own.contains("optim"), "{told}");
    assert!(told.contains("the best was still falling by"), "{told}");
    let rest = text.replace("rate = 0.002", "rate = 0.1");
    let told = remarks(only(&run_text(&rest))).join("\n");
    assert!(
        told.contains("optim") && !told.contains("at rest"),
        "{told}"
    );
}

/// Of 60 steps every one may be logged, and no fall would show.
#[test]
fn where_rest_cannot_be_told_ends_are_no_optima() {
    let fit = run_text(&far(2, 0.1, 60).replace(
        "[init]\nmean = [0.0, 0.0, 0.0]\nstd = [1.0, 1.0, 1.0]\n",
        "",
    ));
    let fit = only(&fit);
    assert_eq!(fit.rest(), Some(Rest::Unknown));
    let told = remarks(fit).join("\n").replace("the known optimum", "");
    assert!(
        !told.contains("optim") && !told.contains("not at rest"),
        "{told}"
    );
    assert!(
        told.contains("too few steps were logged") || told.contains("no rest is shown"),
        "{told}"
    );
}

/// Of two rates one does not arrive: the table, the sweep's CSV and the report say so, and what to think of its end.
#[test]
fn points_of_a_sweep_that_have_not_come_to_rest_are_told_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "{}[sweep.grid]\noptimizer.learning_rate = [0.01, 0.5]\n",
        far(1, 0.01, 400)
    );
    fs::write(folder.path().join("config.toml"), text).unwrap();
    let klfit = |arguments: &[&str]| {
        let output = crate::command_line::klfit(arguments)
            .current_dir(folder.path())
            .output();
        let output = output.unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    let table = klfit(&["sweep", "config.toml"]);
    assert_eq!(
        table.matches("all steps taken, not at rest").count(),
        1,
        "{table}"
    );
    klfit(&["report", "outputs/far"]);
    let read =
        |name: &str| fs::read_to_string(folder.path().join("outputs/far").join(name)).unwrap();
    let csv = read("sweep.csv");
    assert_eq!(csv.matches("not at rest").count(), 1, "{csv}");
    let markdown = read("report.md");
    assert!(
        markdown.contains("1 of 2 fits had not come to rest, and such an end is no optimum."),
        "{markdown}"
    );
    assert!(
        markdown.contains("ends lowest at learning rate 0.5"),
        "{markdown}"
    );
}
