//! How many components are enough: criteria as textbooks have them, and what is chosen by them.

use klfit::results::{Choice, Criterion};
use klfit::{Experiment, Mixture};

use crate::rows::csv;
use crate::support::{Run, assert_close, run, run_text};

/// Rows of three clouds that overlap, and how often each counts.
fn clouds(seed: u64, rows: usize) -> Vec<([f64; 2], usize)> {
    let mut state = seed.wrapping_mul(7919).wrapping_add(3);
    let mut uniform = || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    (0..rows)
        .map(|i| {
            let mut normal = || (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
            let [x, y] = [[0.0, 0.0], [2.5, 0.0], [1.25, 2.2]][i % 3];
            ([x + 0.8 * normal(), y + 0.8 * normal()], 1 + i % 3)
        })
        .collect()
}

fn table(rows: &[([f64; 2], usize)]) -> String {
    let lines = rows
        .iter()
        .map(|([x, y], often)| format!("{x},{y},{often}\n"));
    format!("x,y,often\n{}", lines.collect::<String>())
}

/// A run of rows with numbers of components to choose among.
fn chosen(table: &str, target: &str, components: &str) -> Run {
    let fit = format!(
        "restarts = 3\ninit = {{ type = \"k-means\" }}\nfamily = {{ components = {components} }}\n\
         optimizer = {{ type = \"em\", steps = 100 }}\n"
    );
    run(&csv(table).experiment(target, &fit).unwrap())
}

fn only(run: &Run) -> &Choice {
    assert_eq!(run.summary.choices.len(), 1);
    &run.summary.choices[0]
}

/// log wₖ N(x; μₖ, Σₖ) of each component, by the inverse and the determinant of Σ.
fn parts(q: &Mixture, x: &[f64; 2]) -> Vec<f64> {
    (0..q.components())
        .map(|k| {
            let s = q.component_covariance(k);
            let det = s[(0, 0)] * s[(1, 1)] - s[(0, 1)] * s[(1, 0)];
            let [a, b] = [0, 1].map(|i| x[i] - q.means()[k][i]);
            let squared = (a * a * s[(1, 1)] - 2.0 * a * b * s[(0, 1)] + b * b * s[(0, 0)]) / det;
            q.weights()[k].ln() - 0.5 * squared - 0.5 * det.ln() - (2.0 * std::f64::consts::PI).ln()
        })
        .collect()
}

#[test]
fn criteria_are_those_of_textbooks_and_frequencies_are_repetitions() {
    let rows = clouds(1, 200);
    let weighted = chosen(
        &table(&rows),
        "columns = [\"x\", \"y\"]\nweights = \"often\"\nweight_kind = \"frequency\"",
        "[1, 2, 3]",
    );
    let repeated: Vec<_> = (rows.iter())
        .flat_map(|&(x, often)| vec![(x, 1); often])
        .collect();
    for (fit, candidate) in weighted
        .summary
        .fits
        .iter()
        .zip(&only(&weighted).candidates)
    {
        let best = fit.best.as_ref().unwrap();
        let q = Mixture::try_from(&best.mixture).unwrap();
        let (mut likelihood, mut entropy) = (0.0, 0.0);
        for (x, _) in &repeated {
            let parts = parts(&q, x);
            let top = parts.iter().copied().fold(f64::MIN, f64::max);
            let all = top
                + parts
                    .iter()
                    .map(|part| (part - top).exp())
                    .sum::<f64>()
                    .ln();
            likelihood += all;
            entropy -= parts
                .iter()
                .map(|part| (part - all).exp() * (part - all))
                .sum::<f64>();
        }
        let k = candidate.components;
        let free = (k - 1 + 2 * k + 3 * k) as f64;
        let bic = -2.0 * likelihood + free * (repeated.len() as f64).ln();
        let found = candidate.criteria.unwrap();
        assert_eq!(found.parameters as f64, free);
        assert_close(found.bic, bic, 1e-8 * bic, "BIC");
        assert_close(found.icl, bic + 2.0 * entropy, 1e-8 * bic, "ICL");
        assert_eq!(best.criteria, candidate.criteria);
    }
}

#[test]
fn the_true_number_is_chosen_by_bic() {
    for seed in 0..5 {
        let rows = clouds(seed, 999);
        let run = chosen(&table(&rows), "columns = [\"x\", \"y\"]", "[1, 2, 3, 4, 5]");
        let choice = only(&run);
        assert_eq!(
            (choice.by, &*choice.chosen),
            (Criterion::Bic, "forward-kl-3"),
            "seed {seed}"
        );
        assert_eq!(choice.name, "forward-kl");
        let least = (choice.candidates.iter())
            .min_by(|a, b| a.criteria.unwrap().bic.total_cmp(&b.criteria.unwrap().bic));
        assert_eq!(least.unwrap().label, choice.chosen);
    }
}

#[test]
fn rows_held_out_choose_the_fewest_within_one_error() {
    let run = chosen(
        &table(&clouds(2, 999)),
        "columns = [\"x\", \"y\"]\nholdout = 0.3",
        "[1, 2, 3, 4, 6, 8]",
    );
    let choice = only(&run);
    assert_eq!(choice.by, Criterion::HeldOut);
    let held_out: Vec<_> = choice
        .candidates
        .iter()
        .map(|one| one.held_out.unwrap())
        .collect();
    let best = held_out
        .iter()
        .min_by(|a, b| a.value.total_cmp(&b.value))
        .unwrap();
    let place = held_out
        .iter()
        .position(|of| of.value <= best.value + best.error)
        .unwrap();
    assert_eq!(choice.chosen, choice.candidates[place].label);
    assert!(choice.chosen().unwrap().components <= 3);
}

const LINE: &str = "name = \"choice\"\nrestarts = 4\n[target]\nweights = [0.4, 0.6]\nmeans = [[-2.0], [1.5]]\n\
                    stds = [[0.5], [1.0]]\n[optimizer]\ntype = \"lbfgs\"\nsteps = 60\n";

/// Of a density by quadrature nothing hides what a component saves, and two are all that there are.
#[test]
fn a_density_of_two_takes_two() {
    let run = run_text(&format!(
        "{LINE}[family]\ncomponents = [1, 2, 3]\n[[fit]]\ndivergence = \"forward-kl\"\n[[fit]]\nlabel = \"back\"\n\
         divergence = \"reverse-kl\"\n"
    ));
    let [forward, back] = &run.summary.choices[..] else {
        panic!("{:?}", run.summary.choices);
    };
    assert_eq!((&*forward.name, &*back.name), ("forward-kl", "back"));
    for choice in [forward, back] {
        assert_eq!(choice.by, Criterion::Divergence);
        assert!(choice.candidates[0].value.value > 0.05);
        assert!(choice.candidates[1].value.value.abs() < 1e-9);
    }
    // A third component changes less than the error.
    assert!(forward.chosen().unwrap().components >= 2);
    let labels: Vec<&str> = run.summary.fits.iter().map(|fit| &*fit.label).collect();
    let expected = [
        "forward-kl-1",
        "forward-kl-2",
        "forward-kl-3",
        "back-1",
        "back-2",
        "back-3",
    ];
    assert_eq!(labels, expected);
}

/// What is saved says each fit by itself, and is the same experiment.
#[test]
fn a_list_is_as_good_as_its_fits_written_out() {
    let parsed = |text: &str| Experiment::parse("choice.toml".as_ref(), text, Vec::new()).unwrap();
    let list = parsed(&format!(
        "{LINE}[family]\ncovariance = \"diagonal\"\ncomponents = [2, 5]\n[[fit]]\ndivergence = \"forward-kl\"\n"
    ));
    let written = parsed(&list.to_toml().unwrap());
    assert_eq!(written.plans, list.plans);
    assert_eq!(written.config, list.config);
    let components: Vec<usize> = list
        .plans
        .iter()
        .map(|plan| plan.family.components())
        .collect();
    assert_eq!(components, [2, 5]);
    let auto = parsed(&format!(
        "{LINE}[family]\ncomponents = \"auto\"\n[[fit]]\ndivergence = \"forward-kl\"\n"
    ));
    assert_eq!(auto.plans.len(), 7);
}

#[test]
fn as_many_components_as_modes() {
    let run = run_text(&format!(
        "{LINE}[family]\ncomponents = \"modes\"\n[[fit]]\ndivergence = \"reverse-kl\"\n"
    ));
    let best = run.summary.fits[0].best.as_ref().unwrap();
    assert_eq!(best.mixture.weights.len(), 2);
    assert!(
        best.divergences
            .estimate(klfit::DivergenceKind::ReverseKl)
            .value
            < 1e-9
    );
    assert!(best.evaluations.log_density > 0);
}

/// Fits of one choice minimise the same, and there are several of them.
#[test]
fn a_choice_is_among_fits_that_can_be_compared() {
    let refused = |fits: &str| {
        let text = format!("{LINE}{fits}");
        let error = Experiment::parse("choice.toml".as_ref(), &text, Vec::new()).unwrap_err();
        error.to_string()
    };
    let alone = "[[fit]]\ndivergence = \"forward-kl\"\nchoice = \"one\"\n";
    assert!(
        refused(alone).contains("is that of no other fit"),
        "{}",
        refused(alone)
    );
    let other = "[[fit]]\ndivergence = \"reverse-kl\"\nchoice = \"one\"\n";
    let both = format!("{alone}{other}");
    assert!(
        refused(&both).contains("another divergence"),
        "{}",
        refused(&both)
    );
}
