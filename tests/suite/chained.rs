//! Fits that start where an earlier one ended.

use klfit::{DivergenceKind, Experiment, Mixture};

use crate::resume::compare;
use crate::support::{assert_close, run};

const TWO: &str = r#"
name = "chained"
[target]
weights = [0.4, 0.6]
means = [[-2.0, 0.0, 1.0], [1.5, 1.0, 0.0]]
stds = [[1.0, 0.5, 1.0], [0.7, 1.0, 0.3]]
[family]
components = 2
[estimator]
type = "monte-carlo"
samples = 64
[log]
every = 7
[checkpoint]
every = 6
[[fit]]
label = "wide"
divergence = "reverse-kl"
family = { covariance = "diagonal" }
restarts = 3
optimizer = { steps = 20 }
[[fit]]
label = "narrow"
divergence = "forward-kl"
init = { fit = "wide" }
optimizer = { type = "natural-gradient", steps = 30 }
"#;

fn parsed(text: &str) -> Experiment {
    Experiment::parse("chained.toml".as_ref(), text, Vec::new()).unwrap()
}

#[test]
fn the_second_begins_where_the_first_ended() {
    let experiment = parsed(TWO);
    assert!(experiment.notes.is_empty(), "{:?}", experiment.notes);
    let run = run(&experiment);
    let [wide, narrow] = &run.summary.fits[..] else {
        panic!("two fits");
    };
    let wide = wide.best.as_ref().unwrap();
    let q = Mixture::try_from(&wide.mixture).unwrap();
    let first = run.folder.trajectory("narrow").unwrap();
    let first = first.run(0).next().unwrap();
    let expected: Vec<f64> = klfit::internals::natural_values(&q).collect();
    assert_eq!(first.parameters.len(), expected.len());
    for (found, expected) in first.parameters.iter().zip(expected) {
        assert_close(*found, expected, 1e-12, "parameter");
    }
    // What the first took is paid for by both.
    assert_eq!(wide.evaluations.log_density, 21 * 64);
    assert_eq!(first.evaluations.log_density, 21 * 64 + 64);
    assert_eq!(narrow.restarts, 1);
    let [before, after] = [first.divergence(DivergenceKind::ForwardKl).0, {
        let best = narrow.best.as_ref().unwrap();
        best.divergences.estimate(DivergenceKind::ForwardKl).value
    }];
    assert!(after < before, "{before} {after}");
}

#[test]
fn an_interrupted_chain_goes_on_to_the_bit() {
    let experiment = parsed(TWO);
    compare(&experiment, &[9, 15, 8]);
    // What is saved is the same experiment.
    assert_eq!(
        parsed(&experiment.to_toml().unwrap()).plans,
        experiment.plans
    );
}

#[test]
fn a_start_that_cannot_be_is_refused() {
    let refused = |text: &str| {
        let error = Experiment::parse("chained.toml".as_ref(), text, Vec::new()).unwrap_err();
        format!("{error} {}", error.help().unwrap_or_default())
    };
    for (from, to, expected) in [
        (
            "{ fit = \"wide\" }",
            "{ fit = \"wild\" }",
            "name one of those before it: wide",
        ),
        (
            "{ fit = \"wide\" }",
            "{ fit = \"narrow\" }",
            "no fit before this one",
        ),
        (
            "family = { covariance",
            "family = { components = 3, covariance",
            "of 3 components, and this fit has 2",
        ),
    ] {
        let told = refused(&TWO.replace(from, to));
        assert!(told.contains(expected), "{told}");
    }
}
