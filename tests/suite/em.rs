//! Expectation–maximisation against its steps as textbooks have them.

use klfit::{Covariance, Experiment, Fit, LogConfig, Mixture, Numerics, Record, Samples, Target};
use nalgebra::{Cholesky, DMatrix, DVector};

use crate::rows::csv;
use crate::support::assert_close;

/// Rows of three clouds that overlap, with two columns that depend on each other and one far from the others' scale,
/// and weights.
fn clouds() -> String {
    let mut state = 12345u64;
    let mut uniform = || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    let mut text = String::from("a,b,c,often\n");
    for i in 0..240 {
        let mut normal = || (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
        let at = [-2.0, 1.0, 3.0][i % 3];
        let [u, v, w] = [normal(), normal(), normal()];
        let often = 1 + i % 4;
        let row = format!(
            "{},{},{},{often}\n",
            at + u,
            0.5 * at + 0.8 * u + 0.3 * v,
            30.0 * (w + 0.2 * at * at)
        );
        text.push_str(&row);
    }
    text
}

/// One step of Dempster, Laird and Rubin (1977) for rows with weights: responsibilities, then moments.
fn textbook(q: &Mixture, rows: &Samples, covariance: Covariance) -> Mixture {
    let (k, d) = (q.components(), q.dim());
    let mut counts = vec![0.0; k];
    let mut sums = vec![DVector::zeros(d); k];
    let mut squares = vec![DMatrix::zeros(d, d); k];
    let factors: Vec<Cholesky<f64, nalgebra::Dyn>> = (q.scale_trils().iter())
        .map(|factor| Cholesky::new(factor * factor.transpose()).unwrap())
        .collect();
    let mut weights = match rows.weights() {
        Some(weights) => weights.values().to_vec(),
        None => vec![1.0; rows.len()],
    };
    let all: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= all);
    let responsibilities = |x: &DVector<f64>| -> Vec<f64> {
        let logs: Vec<f64> = (0..k)
            .map(|k| {
                let off = x - &q.means()[k];
                let distance = off.dot(&factors[k].solve(&off));
                let determinant: f64 = factors[k].l().diagonal().map(f64::ln).sum();
                q.weights()[k].ln() - determinant - 0.5 * distance
            })
            .collect();
        let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let parts: Vec<f64> = logs.iter().map(|log| (log - top).exp()).collect();
        let sum: f64 = parts.iter().sum();
        parts.into_iter().map(|part| part / sum).collect()
    };
    for (x, weight) in rows.points().zip(&weights) {
        let x = DVector::from_column_slice(x);
        for (k, share) in responsibilities(&x).into_iter().enumerate() {
            counts[k] += weight * share;
            sums[k].axpy(weight * share, &x, 1.0);
        }
    }
    let means: Vec<DVector<f64>> = (0..k).map(|k| &sums[k] / counts[k]).collect();
    for (x, weight) in rows.points().zip(&weights) {
        let x = DVector::from_column_slice(x);
        for (k, share) in responsibilities(&x).into_iter().enumerate() {
            let off = &x - &means[k];
            squares[k] += &off * off.transpose() * (weight * share / counts[k]);
        }
    }
    let covariances = squares.into_iter().map(|square| match covariance {
        Covariance::Diagonal => DMatrix::from_diagonal(&square.diagonal()),
        Covariance::Isotropic => DMatrix::from_diagonal_element(d, d, square.trace() / d as f64),
        _ => square,
    });
    let trils = covariances
        .map(|one| Cholesky::new(one).unwrap().l())
        .collect();
    let means = means.iter().map(|mean| mean.as_slice().to_vec()).collect();
    Mixture::new(counts, means, trils).unwrap()
}

/// The largest difference of their numbers, each in its own units.
fn apart(one: &Mixture, other: &Mixture, scale: &DVector<f64>) -> f64 {
    let mut most = 0.0f64;
    for k in 0..one.components() {
        most = most.max((one.weights()[k] - other.weights()[k]).abs());
        let of_mean = (&one.means()[k] - &other.means()[k]).component_div(scale);
        most = most.max(of_mean.amax());
        let covariances =
            [one, other].map(|q| &q.scale_trils()[k] * q.scale_trils()[k].transpose());
        let off = &covariances[0] - &covariances[1];
        let off = DMatrix::from_fn(off.nrows(), off.ncols(), |i, j| {
            off[(i, j)] / scale[i] / scale[j]
        });
        most = most.max(off.amax());
    }
    most
}

/// A fit of these rows, logged at every step.
fn records(experiment: &Experiment) -> (Vec<Record>, Samples) {
    let numerics = Numerics::cpu();
    let samples = experiment.target.as_samples().unwrap().clone();
    let target = Target::new(experiment.target.clone(), &numerics);
    let log = LogConfig {
        every: Some(1),
        ..LogConfig::default()
    };
    let records = Fit::new(&experiment.plans[0], &target, &numerics, log, 0).unwrap();
    (records.map(Result::unwrap).collect(), samples)
}

fn fit(covariance: &str, optimizer: &str) -> String {
    format!(
        "restarts = 4\ninit = {{ type = \"k-means\" }}\nfamily = {{ components = 3, covariance = \"{covariance}\" }}\n\
         optimizer = {{ type = \"em\", {optimizer} }}\n"
    )
}

#[test]
fn a_step_is_that_of_textbooks() {
    let table = csv(&clouds());
    for (name, covariance) in [
        ("full", Covariance::Full),
        ("diagonal", Covariance::Diagonal),
        ("isotropic", Covariance::Isotropic),
    ] {
        for weights in [
            "columns = [\"a\", \"b\", \"c\"]",
            "weights = \"often\"\nweight_kind = \"frequency\"",
        ] {
            let config = fit(name, "squarem = false, steps = 6");
            let experiment = table.experiment(weights, &config).unwrap();
            let (records, rows) = records(&experiment);
            let scale = rows.covariance().diagonal().map(f64::sqrt);
            assert_eq!(records.len(), 7);
            for pair in records.windows(2) {
                for (before, after) in pair[0].runs.iter().zip(&pair[1].runs) {
                    let expected = textbook(&before.mixture, &rows, covariance);
                    let off = apart(&after.mixture, &expected, &scale);
                    assert!(off < 1e-11, "{name} {weights}: {off:e}");
                    let moved = apart(&after.mixture, &before.mixture, &scale);
                    assert!(moved > 1e-4, "{name} {weights}: {moved:e}");
                }
            }
        }
    }
}

#[test]
fn the_loss_never_rises_and_ends_where_lbfgs_does() {
    let table = csv(&clouds());
    for name in ["full", "diagonal", "isotropic"] {
        let columns = "columns = [\"a\", \"b\", \"c\"]";
        let em = table
            .experiment(columns, &fit(name, "steps = 300"))
            .unwrap();
        let (found, rows) = records(&em);
        for pair in found.windows(2) {
            for (before, after) in pair[0].runs.iter().zip(&pair[1].runs) {
                let rise = after.loss.value - before.loss.value;
                assert!(rise <= 1e-14 * before.loss.value.abs(), "{name}: {rise:e}");
            }
        }
        let last = found.last().unwrap();
        // Where it ends a step of textbooks leads nowhere.
        let covariance = em.plans[0].family.covariance();
        let scale = rows.covariance().diagonal().map(f64::sqrt);
        let steps = |records: &[Record]| records.last().unwrap().step;
        assert!(steps(&found) < 120, "{name}: {}", steps(&found));
        for run in &last.runs {
            let next = textbook(&run.mixture, &rows, covariance);
            let off = apart(&run.mixture, &next, &scale);
            assert!(off < 1e-5, "{name}: {off:e}, {:?}", run.stop);
        }
        let lbfgs = fit(name, "steps = 4000").replace("\"em\"", "\"lbfgs\"");
        let (other, _) = records(&table.experiment(columns, &lbfgs).unwrap());
        let best = |record: &Record| {
            (record.runs.iter())
                .map(|run| run.loss.value)
                .fold(f64::INFINITY, f64::min)
        };
        assert_close(best(last), best(other.last().unwrap()), 1e-9, name);
    }
}

/// A mean of −log q by quadrature has the same steps: one Gaussian takes one of them to the moments.
#[test]
fn a_density_by_quadrature_takes_the_same_steps() {
    let target = "[target]\nweights = [0.3, 0.7]\nmeans = [[-2.0, 0.0], [1.0, 1.5]]\n\
                  covariances = [[[1.0, 0.6], [0.6, 0.5]], [[0.4, 0.0], [0.0, 2.0]]]\n";
    let text = format!(
        "name = \"moments\"\n{target}[init]\nmean = [5.0, -4.0]\nstd = [0.3, 4.0]\n[optimizer]\ntype = \"em\"\n\
         squarem = false\nsteps = 1\n[log]\nevery = 1\n[[fit]]\ndivergence = \"forward-kl\"\n"
    );
    let experiment = klfit::Experiment::parse("moments.toml".as_ref(), &text, Vec::new()).unwrap();
    let found = crate::support::run(&experiment);
    let best = found.summary.fits[0].best.as_ref().unwrap();
    let optimum = found.summary.fits[0].known_optimum.as_ref().unwrap();
    let kl = best
        .divergences
        .estimate(klfit::DivergenceKind::ForwardKl)
        .value;
    assert_close(kl, optimum.value.value, 1e-9, "KL");
}

/// As many components as make some of them singular: with a floor they end, and without one they are told.
#[test]
fn components_without_a_width_stop_at_the_floor() {
    let mut text = String::from("a,b\n");
    for i in 0..40 {
        // Twelve rows lie on one line.
        let x = f64::from(i) * 0.37 % 5.0;
        let y = if i < 12 {
            2.0 * x + 30.0
        } else {
            (f64::from(i) * 1.618) % 3.0
        };
        text.push_str(&format!("{x},{y}\n"));
    }
    let table = csv(&text);
    let config = |floor: &str| {
        format!(
            "restarts = 3\ninit = {{ type = \"k-means\" }}\nfamily = {{ components = 2{floor} }}\noptimizer = {{ type = \
             \"em\", steps = 200 }}\n"
        )
    };
    let experiment = table.experiment("", &config(", min_std = 0.01")).unwrap();
    let (records, _) = records(&experiment);
    let last = &records.last().unwrap().runs[0];
    let narrow = (last.mixture.scale_trils().iter())
        .map(|factor| factor.diagonal().min())
        .fold(f64::INFINITY, f64::min);
    assert_close(narrow, 0.01, 1e-9, "the floor");
    // The slope along the line is kept.
    let flat = (last.mixture.scale_trils().iter())
        .find(|factor| factor.diagonal().min() < 0.011)
        .unwrap();
    assert_close(flat[(1, 0)] / flat[(0, 0)], 2.0, 1e-9, "slope");
    assert!(last.stop.is_some(), "{:?}", last.stop);
}
