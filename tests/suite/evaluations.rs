//! How often a target is evaluated: as told, and as a target counts itself.

use std::fs;

use klfit::results::Evaluations;
use klfit::settings::Laplace;

use crate::programs;
use crate::support::run_text;

const TARGET: &str = "name = \"counted\"\n[target]\nweights = [0.4, 0.6]\n\
                      means = [[0.0, 0.0, 1.0], [2.0, 1.0, 0.0]]\nstds = [[1.0, 1.0, 1.0], [1.0, 0.5, 2.0]]\n\
                      [family]\ncomponents = 3\n[log]\nevery = 3\n";

/// The evaluations at each logged step of the first run.
fn counted(rest: &str) -> Vec<(usize, Evaluations)> {
    let run = run_text(&format!("{TARGET}{rest}"));
    let label = run.summary.fits[0].label.clone();
    (run.folder.trajectory(&label).unwrap().run(0))
        .map(|row| (row.step, row.evaluations))
        .collect()
}

/// 90 points for each step, of p in strata of two and of q in strata of three.
#[test]
fn draws_are_counted_as_often_as_they_are_new() {
    let sampled = |more: &str, divergence: &str| {
        counted(&format!(
            "[optimizer]\nsteps = 7\n[estimator]\ntype = \"monte-carlo\"\nsamples = 90\n{more}\n[[fit]]\n\
             divergence = \"{divergence}\"\n"
        ))
    };
    let of = |points: u64, slopes: u64| Evaluations {
        log_density: points,
        gradient: slopes,
    };
    let steps = [0u64, 3, 6, 7];
    for (more, divergence, expected) in [
        ("", "forward-kl", [0, 90, 0, 0]),
        ("", "reverse-kl", [0, 90, 0, 90]),
        ("", "jeffreys", [0, 180, 0, 90]),
        ("gradient = \"score-function\"", "reverse-kl", [0, 90, 0, 0]),
        (
            "gradient = \"sticking-the-landing\"",
            "reverse-kl",
            [0, 90, 0, 90],
        ),
        ("noise = \"fixed\"", "forward-kl", [90, 0, 0, 0]),
        ("noise = \"fixed\"", "reverse-kl", [0, 90, 0, 90]),
        ("noise = \"fixed\"", "jeffreys", [90, 90, 0, 90]),
    ] {
        let [first, each, first_slopes, each_slopes] = expected;
        let found = sampled(more, divergence);
        let all = steps.map(|step| {
            let taken = step + 1;
            (
                step as usize,
                of(first + taken * each, first_slopes + taken * each_slopes),
            )
        });
        assert_eq!(found, all, "{more} {divergence}");
    }
}

/// What a longer fit takes more is what its target was asked more.
#[test]
fn a_program_counts_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("count");
    for (rule, fit) in [
        ("adam", "{ type = \"monte-carlo\", samples = 64 }"),
        (
            "vips",
            "{ type = \"monte-carlo\", samples = 64, gradient = \"sticking-the-landing\" }",
        ),
        (
            "batch-and-match",
            "{ type = \"monte-carlo\", samples = 64 }",
        ),
        (
            "lbfgs",
            "{ type = \"quasi-monte-carlo\", samples = 64, noise = \"fixed\" }",
        ),
    ] {
        let took = [2, 9].map(|steps| {
            let fit = format!(
                "divergence = \"reverse-kl\"\nestimator = {fit}\nstop = {{ gradient_norm = 1e-300 }}\n\
                 optimizer = {{ type = \"{rule}\", steps = {steps} }}\n"
            );
            let fit = match rule {
                "lbfgs" => fit,
                _ => fit.replace("stop = { gradient_norm = 1e-300 }\n", ""),
            };
            let text = programs::experiment(
                &["gaussian", "--counts", file.to_str().unwrap()],
                "dim = 3",
                &fit,
            );
            programs::run(&folder, &format!("restarts = 1\n{text}[log]\nevery = 100\n"));
            let asked: u64 = fs::read_to_string(&file).unwrap().parse().unwrap();
            let told = fs::read_to_string(folder.path().join("run/reverse-kl/trajectory.csv")).unwrap();
            let last = told.lines().last().unwrap();
            let told: u64 = last.split(',').nth(3).unwrap().parse().unwrap();
            [asked, told]
        });
        let [asked, told] = [0, 1].map(|which| took[1][which] - took[0][which]);
        assert_eq!(asked, told, "{rule}: {took:?}");
        assert!(told >= 7 * 64, "{told}");
    }
}

/// Climbs are paid for: more of them cost more, and a step costs its draws.
#[test]
fn a_start_counts() {
    let started = |climbs: usize| {
        let default = Laplace::default().climbs;
        assert_ne!(climbs, default);
        counted(&format!(
            "[init]\ntype = \"laplace\"\nclimbs = {climbs}\n[optimizer]\ntype = \"vips\"\nsteps = 3\n\
             [estimator]\ntype = \"monte-carlo\"\nsamples = 90\n[[fit]]\ndivergence = \"reverse-kl\"\n"
        ))
    };
    let (few, many) = (started(5), started(50));
    let [start, of_many] = [&few, &many].map(|found| found[0].1.log_density - 90);
    assert!(
        start > 5 * 3 && of_many > 4 * start && of_many < 15 * start,
        "{start} {of_many}"
    );
    assert_eq!(few[1].1.log_density - few[0].1.log_density, 3 * 90);
    assert_eq!(few[0].1.gradient, few[0].1.log_density);
}
