//! A fit that sees a power of p first.

use klfit::{DivergenceKind, Experiment, Fit, Numerics, Record, Target};

use crate::resume::compare;
use crate::support::assert_close;

const LINE: &str = r#"
name = "annealed"
restarts = 3
[target]
mean = [2.0]
std = [0.5]
[optimizer]
type = "natural-gradient"
learning_rate = 0.5
steps = 60
[log]
every = 1
[checkpoint]
every = 7
"#;

fn parsed(text: &str) -> Experiment {
    Experiment::parse("annealed.toml".as_ref(), text, Vec::new()).unwrap()
}

fn records(rest: &str) -> Vec<Record> {
    let experiment = parsed(&format!("{LINE}{rest}"));
    let numerics = Numerics::cpu();
    let target = Target::new(experiment.target.clone(), &numerics);
    let fit = Fit::new(
        &experiment.plans[0],
        &target,
        &numerics,
        experiment.config.log,
        0,
    );
    fit.unwrap().map(Result::unwrap).collect()
}

/// Of N(m, s²) the power β is N(m, s²/β): with β as good as constant, that is where a fit goes.
#[test]
fn the_power_of_a_gaussian_is_wider() {
    for estimator in ["quadrature", "gauss-hermite", "monte-carlo"] {
        let gradient = match estimator {
            "monte-carlo" => "gradient = \"sticking-the-landing\"\n",
            _ => "",
        };
        let found = records(&format!(
            "[anneal]\nstart = 0.25\nsteps = 59\nschedule = \"linear\"\n[estimator]\ntype = \"{estimator}\"\n{gradient}\
             [[fit]]\ndivergence = \"reverse-kl\"\n"
        ));
        for step in [20, 40, 58] {
            let beta = 0.25 + 0.75 * step as f64 / 59.0;
            // A step behind β, which rises by a hundredth.
            for run in &found[step].runs {
                let std = run.mixture.component_stds(0)[0];
                assert_close(std, 0.5 / beta.sqrt(), 0.03, "standard deviation");
                assert_close(run.mixture.means()[0][0], 2.0, 0.01, "mean");
                // What is told is the divergence to p.
                let kl = run.evaluation.estimate(DivergenceKind::ReverseKl).value;
                assert_close(
                    run.loss.value,
                    kl,
                    1e-6_f64.max(5.0 * run.loss.error),
                    "loss",
                );
                let ratio = std / 0.5;
                let off = run.mixture.means()[0][0] - 2.0;
                let exact = 0.5 * (ratio * ratio + off * off / 0.25 - 1.0) - ratio.ln();
                assert_close(kl, exact, 1e-9, "reverse KL");
            }
        }
        let last = &found.last().unwrap().runs[0];
        assert!(last.evaluation.estimate(DivergenceKind::ReverseKl).value < 1e-3);
    }
}

/// Where β is 1 a fit is at rest and may stop, and no earlier.
#[test]
fn stopping_rules_wait() {
    let found = records(
        "[anneal]\nstart = 0.999999\nsteps = 40\n[stop]\ngradient_norm = 1.0\n[[fit]]\ndivergence = \"reverse-kl\"\n",
    );
    assert_eq!(found.last().unwrap().step, 40);
}

#[test]
fn an_interrupted_fit_goes_on_to_the_bit() {
    let experiment = parsed(&format!(
        "{LINE}[anneal]\nstart = 0.1\nsteps = 30\n[estimator]\ntype = \"monte-carlo\"\nsamples = 32\n[[fit]]\n\
         divergence = \"reverse-kl\"\n"
    ));
    compare(&experiment, &[11, 9, 15]);
    assert_eq!(
        parsed(&experiment.to_toml().unwrap()).plans,
        experiment.plans
    );
}

/// Two bumps far apart and a q of two that starts on one of them: annealed it finds both.
#[test]
fn it_finds_what_the_target_alone_hides() {
    let modes = |anneal: &str| {
        let text = format!(
            "name = \"bumps\"\n[target]\nweights = [0.5, 0.5]\nmeans = [[-10.0], [10.0]]\nstds = [[1.0], [1.0]]\n\
             [family]\ncomponents = 2\n[init]\nweights = [0.5, 0.5]\nmeans = [[-10.5], [-9.5]]\n\
             stds = [[1.0], [1.0]]\n[estimator]\ntype = \"monte-carlo\"\nsamples = 200\n\
             gradient = \"sticking-the-landing\"\n[optimizer]\ntype = \"vips\"\nsteps = 400\n{anneal}[[fit]]\n\
             divergence = \"reverse-kl\"\n"
        );
        let experiment = parsed(&text);
        let run = crate::support::run(&experiment);
        let best = run.summary.fits[0].best.clone().unwrap();
        best.divergences.estimate(DivergenceKind::ReverseKl).value
    };
    // One of two bumps alone is log 2 away.
    assert_close(modes(""), 2f64.ln(), 0.01, "one bump");
    let both = modes("[anneal]\nstart = 0.005\nsteps = 300\n");
    assert!(both < 1e-3, "{both}");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let told = |rest: &str| {
        let text = format!("{LINE}{rest}");
        let error = Experiment::parse("annealed.toml".as_ref(), &text, Vec::new()).unwrap_err();
        error.to_string()
    };
    let reverse = "[[fit]]\ndivergence = \"reverse-kl\"\n";
    let forward = "[[fit]]\ndivergence = \"forward-kl\"\n";
    for (anneal, fit, expected) in [
        ("start = 1.0\nsteps = 5", reverse, "above 0 and below 1"),
        ("start = 0.0\nsteps = 5", reverse, "above 0 and below 1"),
        ("start = 0.5\nsteps = 60", reverse, "the fit takes 60 steps"),
        ("start = 0.5\nsteps = 0", reverse, "the fit takes 60 steps"),
        (
            "start = 0.5\nsteps = 5\nschedule = \"constant\"",
            reverse,
            "must rise",
        ),
        ("start = 0.5\nsteps = 5", forward, "is for reverse KL"),
    ] {
        let found = told(&format!("[anneal]\n{anneal}\n{fit}"));
        assert!(found.contains(expected), "{found}");
    }
    let text = format!("{LINE}[anneal]\nstart = 0.5\nsteps = 5\n{reverse}").replace(
        "type = \"natural-gradient\"\nlearning_rate = 0.5",
        "type = \"lbfgs\"",
    );
    let error = Experiment::parse("annealed.toml".as_ref(), &text, Vec::new()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("compares one step with the next"),
        "{error}"
    );
}
