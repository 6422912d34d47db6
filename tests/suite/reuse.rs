//! Draws of earlier steps that are used again.

use klfit::Experiment;

use crate::pages::results;
use crate::resume::compare;
use crate::support::run_text;

const DONUT: &str = r#"
name = "donut"
restarts = 4
[target]
log_density = "-0.5*((sqrt(x1^2 + x2^2) - 2.5)/0.5)^2"
[family]
components = 6
[estimator]
type = "monte-carlo"
samples = 60
gradient = "sticking-the-landing"
reuse = 3
[optimizer]
type = "vips"
steps = 60
[log]
every = 10
[checkpoint]
every = 7
"#;

const REVERSE: &str = "[[fit]]\ndivergence = \"reverse-kl\"\n";

/// Sixty draws a step and those of three steps before do what takes more draws without, at the same price.
#[test]
fn a_fit_comes_farther_for_the_same_evaluations() {
    let ends = ["reuse = 3", "reuse = 0"].map(|reuse| {
        let run = run_text(&format!("{}{REVERSE}", DONUT.replace("reuse = 3", reuse)));
        let trajectory = run.folder.trajectory("reverse-kl").unwrap();
        let mut ends: Vec<f64> = (0..4)
            .map(|which| {
                let end = trajectory.run(which).last().unwrap();
                assert_eq!(end.evaluations.log_density, 61 * 60);
                assert_eq!(end.evaluations.gradient, 61 * 60);
                end.divergence(klfit::DivergenceKind::ReverseKl).0
            })
            .collect();
        ends.sort_by(f64::total_cmp);
        0.5 * (ends[1] + ends[2])
    });
    assert!(ends[0] < 0.75 * ends[1] && ends[0] > 0.0, "{ends:?}");
    results::reused(&ends);
}

#[test]
fn a_fit_goes_on_to_the_bit() {
    let parsed = |text: &str| Experiment::parse("again.toml".as_ref(), text, Vec::new()).unwrap();
    compare(&parsed(&format!("{DONUT}{REVERSE}")), &[1, 2, 8, 13]);
    // With components that come, and a net, and rules that keep moments.
    let more = DONUT.replace("type = \"monte-carlo\"", "type = \"quasi-monte-carlo\"");
    let more = more.replace("type = \"vips\"", "type = \"adam\"");
    let adapt = "[init]\nmean = [0.0, 0.0]\nstd = [3.0, 3.0]\n[adapt]\n";
    let more = more.replace("restarts = 4\n", "");
    compare(&parsed(&format!("{more}{adapt}{REVERSE}")), &[5, 8, 13]);
}

#[test]
fn a_run_does_not_depend_on_the_others() {
    let rows = |restarts: &str| -> Vec<Vec<u64>> {
        let text = DONUT.replace("restarts = 4", restarts);
        let run = run_text(&format!("{text}{REVERSE}"));
        let trajectory = run.folder.trajectory("reverse-kl").unwrap();
        let rows = trajectory.run(0);
        rows.map(|row| row.parameters.iter().map(|x| x.to_bits()).collect())
            .collect()
    };
    assert_eq!(rows("restarts = 1"), rows("restarts = 3"));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let whole = format!("{DONUT}{REVERSE}");
    for (from, to, expected) in [
        ("reuse = 3", "reuse = 101", "more than 100"),
        (
            "gradient = \"sticking-the-landing\"\n",
            "",
            "goes with gradient = \"sticking-the-landing\" alone",
        ),
        (
            "type = \"monte-carlo\"\nsamples = 60",
            "type = \"quadrature\"",
            "quadrature draws none",
        ),
        (
            "components = 6",
            "covariance = \"low-rank\"",
            "more numbers than they have",
        ),
        (
            "components = 6\n[estimator]",
            "components = 1\n[estimator]",
            "",
        ),
    ] {
        let rule = if to.contains("low-rank") {
            "adam"
        } else {
            "vips"
        };
        let text = whole
            .replace(from, to)
            .replace("\"vips\"", &format!("{rule:?}"));
        let parsed = Experiment::parse("again.toml".as_ref(), &text, Vec::new());
        match expected {
            "" => assert!(parsed.is_ok()),
            expected => {
                let found = parsed.unwrap_err().to_string();
                assert!(found.contains(expected), "{found}");
            }
        }
    }
    let text = whole.replace("components = 6", "components = 1");
    let text = text.replace("type = \"vips\"", "type = \"batch-and-match\"");
    let error = Experiment::parse("again.toml".as_ref(), &text, Vec::new()).unwrap_err();
    let found = error.to_string();
    assert!(found.contains("goes by the draws of one step"), "{found}");
}
