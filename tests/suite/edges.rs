//! Densities that are 0 somewhere, have corners, or fall off within a cell: no number is lost, and what is told of it
//! holds.

use std::f64::consts::TAU;

use klfit::results::Estimate;
use klfit::{DivergenceKind, GridValues};

use crate::grid::{axis, located, names};
use crate::support::{run_text, simpson};

/// One step of one run: what is told at its start, N(μ, σ²) on a line.
fn told(target: &str, divergence: &str, start: [f64; 2]) -> (Estimate, Estimate) {
    let [mean, std] = start;
    let run = run_text(&format!(
        "name = \"edges\"\nrestarts = 1\n[target]\n{target}\n[optimizer]\nsteps = 1\n\
         learning_rate = 1e-30\n[[fit]]\ndivergence = \"{divergence}\"\n\
         init = {{ mean = [{mean}], std = [{std}] }}\n"
    ));
    let best = run.summary.fits[0].best.as_ref().unwrap();
    let kind = DivergenceKind::from_name(divergence).unwrap();
    (best.loss, best.divergences.estimate(kind))
}

fn holds(what: &str, found: Estimate, expected: f64, most: f64) {
    let off = (found.value - expected).abs();
    assert!(off <= found.error + 1e-14, "{what}: {found:?}, {expected}");
    assert!(found.error <= most, "{what}: {found:?}");
}

/// An exponential to the right: fresh points, fixed ones and a product rule put some where there is nothing.
#[test]
fn points_where_there_is_no_density_count_for_nothing() {
    let three = "log_density = \"if(x1 > 0, -x1, -inf) - 0.5*x2^2 - 0.5*x3^2\"\ndim = 3";
    let plane = "log_density = \"if(x1 > 0, -x1, -inf) - x2^2\"\ndim = 2";
    let grid = "type = \"grid\"\nfrom = [-5, -5, -5]\nto = [5, 5, 5]\nshape = [3, 3, 3]\nnumbers = [0, 0, 0, 0, 1, \
                0, 0, 0, 0, 0, 1, 0, 1, 8, 1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]";
    let rules = [
        "type = \"monte-carlo\"\nsamples = 256",
        "type = \"quasi-monte-carlo\"\nsamples = 256\nnoise = \"fixed\"",
        "type = \"gauss-hermite\"\norder = 4",
    ];
    for target in [three, plane, grid] {
        for rule in rules {
            for divergence in ["forward-kl", "js", "squared-hellinger"] {
                let run = run_text(&format!(
                    "name = \"edges\"\nrestarts = 1\n[target]\n{target}\n[estimator]\n{rule}\n\
                     [optimizer]\nsteps = 3\n[[fit]]\ndivergence = \"{divergence}\"\n"
                ));
                let fit = &run.summary.fits[0];
                assert_eq!(
                    fit.failed, 0,
                    "{target} {rule} {divergence}: {:?}",
                    fit.failure
                );
            }
        }
    }
}

#[test]
fn what_is_infinite_is_told_as_that() {
    let grid = "type = \"grid\"\nfrom = [-1]\nto = [1]\nshape = [3]\nnumbers = [2, 3, 1]";
    let run = run_text(&format!(
        "name = \"edges\"\nrestarts = 1\n[target]\n{grid}\n[optimizer]\nsteps = 1\n\
         [[fit]]\ndivergence = \"forward-kl\"\n"
    ));
    let best = run.summary.fits[0].best.as_ref().unwrap();
    let reverse = best.divergences.estimate(DivergenceKind::ReverseKl);
    assert_eq!((reverse.value, reverse.error), (f64::INFINITY, 0.0));
    assert!(reverse.to_string().starts_with('∞'), "{reverse}");
}

/// Straight lines between three nodes: every divergence by Simpson's rule on each piece.
#[test]
fn divergences_between_straight_lines_hold_within_their_errors() {
    let grid = "type = \"grid\"\nfrom = [-1]\nto = [1]\nshape = [3]\nnumbers = [2, 3, 1]";
    let p = |x: f64| if x < 0.0 { 3.0 + x } else { 3.0 - 2.0 * x } / 4.5;
    for [mean, std] in [[0.1, 0.7], [0.02, 0.05], [-0.4, 3.0]] {
        let q = |x: f64| (-0.5 * ((x - mean) / std).powi(2)).exp() / (std * TAU.sqrt());
        let log_q = |x: f64| -0.5 * ((x - mean) / std).powi(2) - (std * TAU.sqrt()).ln();
        let on_both = |f: &dyn Fn(f64) -> f64| simpson(-1.0, 0.0, f) + simpson(0.0, 1.0, f);
        // What q has beyond the ends adds ½ ln 2 of it.
        let beyond = 1.0 - on_both(&q);
        let forward = on_both(&|x| p(x) * (p(x).ln() - log_q(x)));
        let js = on_both(&|x| {
            let m = 0.5 * (p(x) + q(x));
            let part = |f: f64| if f > 0.0 { f * (f / m).ln() } else { 0.0 };
            0.5 * (part(p(x)) + part(q(x)))
        }) + 0.5 * beyond * std::f64::consts::LN_2;
        for (divergence, expected) in [("forward-kl", forward), ("js", js)] {
            let (loss, evaluated) = told(grid, divergence, [mean, std]);
            let scale = expected.max(1.0);
            // Simpson's own error.
            let near = |mut one: Estimate| {
                one.error += 1e-9 * scale;
                one
            };
            holds(divergence, near(evaluated), expected, 1e-8 * scale);
            holds("the loss", near(loss), expected, 1e-4 * scale);
        }
    }
}

/// A peak that falls by hundreds of nats to the next nodes is two exponentials back to back.
#[test]
fn logarithms_that_fall_steeply_have_the_integrals_of_their_exponentials() {
    for height in [30.0, 200.0, 400.0, 800.0_f64] {
        // Of both sides of one half: rate 2h, and what is missing at the ends is e^(−h).
        let log_z = height - height.ln();
        let target = format!(
            "type = \"grid\"\nvalues = \"log-density\"\nfrom = [0]\nto = [1]\nshape = [3]\nnumbers = [0, {height}, 0]"
        );
        let grid = klfit::Grid::new(
            vec![axis(0.0, 1.0, 3)],
            GridValues::LogDensity,
            vec![0.0, height, 0.0],
            names(1),
        );
        let found = located(grid.unwrap());
        let expected = log_z + (-(-height).exp()).ln_1p();
        let off = (found.log_normalizer() - expected).abs();
        let error = found.located().log_normalizer_error;
        assert!(off <= error && error < 1e-12, "{height}: {off:e} {error:e}");
        let variance = found.located().covariance[(0, 0)];
        let within = 2.0 / (2.0 * height).powi(2);
        assert!(
            (variance / within - 1.0).abs() < 1e-9,
            "{height}: {variance:e} {within:e}"
        );
        if height < 100.0 {
            continue;
        }
        let std: f64 = 0.05;
        let cross = (std * TAU.sqrt()).ln() + 0.5 * within / (std * std);
        let (loss, evaluated) = told(&target, "forward-kl", [0.5, std]);
        holds("KL", evaluated, height - 1.0 - log_z + cross, 1e-9);
        holds("the loss", loss, height - 1.0 - log_z + cross, 1e-3);
    }
    // In the plane the sides meet at an edge: log Z of −h(|x| + |y|)… is the sum of both.
    let cone: Vec<f64> = [0.0, 150.0, 0.0]
        .iter()
        .flat_map(|a| [0.0, 150.0, 0.0].map(|b| a + b - 300.0))
        .collect();
    let grid = klfit::Grid::new(
        vec![axis(0.0, 1.0, 3), axis(0.0, 1.0, 3)],
        GridValues::LogDensity,
        cone,
        names(2),
    );
    let found = located(grid.unwrap());
    let off = (found.log_normalizer() + 2.0 * 150f64.ln()).abs();
    let error = found.located().log_normalizer_error;
    assert!(off <= error + 1e-13 && error < 1e-9, "{off:e} {error:e}");
}

/// Outside a grid there is nothing to fall off.
#[test]
fn a_grid_of_any_height_has_a_constant() {
    for nodes in [11, 101] {
        for height in [5.0, 10.0, 20.0, 50.0, 100.0] {
            let mut values = vec![0.0; nodes];
            values[nodes * 2 / 5] = height;
            let axes = vec![axis(0.0, 1.0, nodes)];
            let grid = klfit::Grid::new(axes, GridValues::LogDensity, values, names(1)).unwrap();
            let found = klfit::locate(grid);
            assert!(found.is_ok(), "{nodes} {height}: {found:?}");
        }
    }
}

/// What is not known of the constant is not known of the loss.
#[test]
fn the_error_of_the_constant_is_in_that_of_the_loss() {
    let target = "log_density = \"-0.5*(x1^2 + x2^2 + x3^2)\"\ndim = 3";
    let run = run_text(&format!(
        "name = \"edges\"\nrestarts = 1\n[target]\n{target}\n[estimator]\ntype = \"gauss-hermite\"\n\
         order = 6\n[optimizer]\nsteps = 1\n[[fit]]\ndivergence = \"reverse-kl\"\n"
    ));
    let klfit::results::TargetSummary::Unnormalized(p) = &run.summary.target else {
        panic!("a density up to a constant")
    };
    let loss = run.summary.fits[0].best.as_ref().unwrap().loss;
    assert!(p.log_normalizer_error > 1e-6);
    assert!(loss.error >= p.log_normalizer_error, "{loss:?}");
}
