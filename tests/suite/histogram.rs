//! Counts of bins as a target: fits whose optimum is known, gradients, errors, refusals, files and figures.

use std::fs;
use std::path::Path;

use klfit::internals::{Effort, Evaluator};
use klfit::results::TargetSummary;
use klfit::{
    DeviceConfig, DivergenceKind, Experiment, Family, FamilyConfig, Histogram, Mixture, Numerics,
    Precision, RunFolder, Target,
};
use libm::erfc;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

use crate::command_line::klfit;
use crate::support::{assert_close, keys, mild, objective, run, wide};
use crate::wrong_input::{FORWARD, config_error, parsed, refuses};

const BINNED: DivergenceKind = DivergenceKind::BinnedKl;

fn cdf(z: f64) -> f64 {
    0.5 * erfc(-z / std::f64::consts::SQRT_2)
}

/// Φ(b) − Φ(a), whatever the side.
fn between(a: f64, b: f64) -> f64 {
    match a > 0.0 {
        true => cdf(-a) - cdf(-b),
        false => cdf(b) - cdf(a),
    }
}

fn list(numbers: &[f64]) -> String {
    format!("{numbers:?}")
}

fn config(edges: &str, counts: &str, more: &str) -> String {
    format!(
        "name = \"bins\"\nrestarts = 1\n[target]\nedges = {edges}\ncounts = {counts}\n{more}\n[optimizer]\n\
         type = \"lbfgs\"\nsteps = 300\n[[fit]]\ndivergence = \"forward-kl\"\n"
    )
}

/// Where a fit of one Gaussian ended.
fn fitted(text: &str) -> (Mixture, f64) {
    let run = run(&parsed(text).unwrap());
    let fit = &run.summary.fits[0];
    assert_eq!(fit.divergence, BINNED);
    let best = fit.best.as_ref().unwrap();
    let kl = best.divergences.estimate(BINNED).value;
    (Mixture::try_from(&best.mixture).unwrap(), kl)
}

/// The divergence of q from a histogram, and its error.
fn evaluated(histogram: Histogram, q: &Mixture) -> klfit::results::Estimate {
    let numerics = Numerics::cpu();
    let dim = q.dim();
    let target = Target::new(histogram, &numerics);
    let evaluator = Evaluator::new(numerics.clone(), dim, 0, vec![BINNED], Effort::last(64));
    let q = klfit::internals::kernel::MixtureTensors::constant(q, &numerics);
    evaluator.evaluate(&target, &q).unwrap()[0].estimate(BINNED)
}

#[test]
fn probabilities_of_bins_give_back_the_gaussian_they_are_of() {
    // Open bins at both ends, one of them wide; none has a middle.
    let edges = [
        f64::NEG_INFINITY,
        -2.0,
        -1.1,
        -0.3,
        0.2,
        0.9,
        3.5,
        f64::INFINITY,
    ];
    let counts: Vec<f64> = edges
        .windows(2)
        .map(|bin| 1e4 * between(bin[0], bin[1]))
        .collect();
    let (q, kl) = fitted(&config(&list(&edges), &list(&counts), ""));
    assert_close(q.means()[0][0], 0.0, 1e-6, "mean");
    assert_close(q.component_stds(0)[0], 1.0, 1e-6, "standard deviation");
    assert_close(kl, 0.0, 1e-12, "KL between bins");
    // In single precision as far as that goes.
    let single = config(
        &list(&edges),
        &list(&counts),
        "[device]\nprecision = \"f32\"",
    );
    let (q, _) = fitted(&single.replace("\"lbfgs\"", "\"natural-gradient\"\nlearning_rate = 0.5"));
    assert_close(q.means()[0][0], 0.0, 1e-3, "mean");
    assert_close(q.component_stds(0)[0], 1.0, 1e-3, "standard deviation");
}

#[test]
fn a_plane_gives_back_its_correlation() {
    // Eight numbers for five parameters.
    let edges = "[[-inf, -0.5, 0.5, inf], [-inf, -0.5, 1.0, inf]]";
    let (q, _) = fitted(&config(edges, &format!("{OF_MANY_DIGITS:?}"), ""));
    let covariance = q.component_covariance(0);
    for (found, expected) in [
        (q.means()[0][0], 0.25),
        (q.means()[0][1], -0.5),
        (covariance[(0, 0)], 1.44),
        (covariance[(0, 1)], 0.96),
        (covariance[(1, 1)], 1.0),
    ] {
        assert_close(found, expected, 1e-5, "a moment");
    }
}

/// Probabilities of 3 × 3 bins under N((0.25, −0.5), [1.44 0.96; 0.96 1]), by 40 digits (mpmath 1.3); SciPy 1.17.1 has
/// the same.
const OF_MANY_DIGITS: [[f64; 3]; 3] = [
    [
        0.24489853580727508,
        0.021062913939077905,
        2.4079302347535918e-5,
    ],
    [
        0.18941630064561935,
        0.12579768481015668,
        0.001316132316045935,
    ],
    [
        0.06568516354710557,
        0.28633219998190734,
        0.06546698965046459,
    ],
];

#[test]
fn mixtures_in_a_plane_have_the_gradient_of_differences() {
    let numerics = Numerics::cpu();
    let edges = vec![
        vec![f64::NEG_INFINITY, -1.0, 0.0, 0.25, 2.0, f64::INFINITY],
        vec![-3.0, -1.0, 0.5, 4.0],
    ];
    let counts = (0..15).map(|bin| f64::from(bin * 7 % 11)).collect();
    let plane = Histogram::new(edges, counts).unwrap();
    let line = plane_of_line();
    let mut tested = 0;
    for (dim, histogram) in [(1, line), (2, plane)] {
        let target = Target::new(histogram, &numerics);
        for (covariance, components) in [
            ("full", 1),
            ("full", 2),
            ("diagonal", 2),
            ("isotropic", 1),
            ("low-rank", 2),
        ] {
            let family: FamilyConfig = toml::from_str(&format!(
                "components = {components}\ncovariance = \"{covariance}\"\n{}",
                if covariance == "low-rank" {
                    "rank = 1"
                } else {
                    ""
                }
            ))
            .unwrap();
            let family = Family::new(family, dim);
            let start = family.project(&wide(components, dim)).unwrap();
            let theta = family.theta_of(&start).unwrap();
            let text = config(&format!("{:?}", vec![0.0, 1.0, 2.0, 3.0]), "[1, 2, 1]", "");
            let mut plan = parsed(&text).unwrap().plans.remove(0);
            plan.family = family.clone();
            let objective = objective(&plan, &target, &numerics, keys(0, 1));
            let at = |theta: Vec<f64>| {
                let p = theta.len();
                objective.value_and_gradient(&numerics.tensor(theta, [1, p]), 1)
            };
            let value = |theta: Vec<f64>| Numerics::read(at(theta).0).unwrap()[0];
            let gradient = Numerics::read(at(theta.clone()).1).unwrap();
            for i in 0..theta.len() {
                let moved = |by: f64| {
                    let mut moved = theta.clone();
                    moved[i] += by;
                    value(moved)
                };
                let h = 1e-3;
                let expected = (8.0 * (moved(h) - moved(-h)) - (moved(2.0 * h) - moved(-2.0 * h)))
                    / (12.0 * h);
                assert_close(
                    gradient[i],
                    expected,
                    1e-7,
                    &format!("{dim} {covariance} {i}"),
                );
                tested += 1;
            }
        }
    }
    assert!(tested > 40, "{tested}");
}

fn plane_of_line() -> Histogram {
    let edges = vec![f64::NEG_INFINITY, -40.0, -0.5, 0.0, 1.5, 30.0, 31.0];
    Histogram::new(vec![edges], vec![1.0, 3.0, 2.0, 0.0, 5.0, 2.0]).unwrap()
}

#[test]
fn single_precision_has_the_value_of_double() {
    let text = |precision: Precision| {
        let numerics = Numerics::open(DeviceConfig {
            precision,
            ..DeviceConfig::default()
        });
        numerics.unwrap()
    };
    let plan = parsed(&config("[0, 1, 2, 3]", "[1, 2, 1]", ""))
        .unwrap()
        .plans
        .remove(0);
    let values: Vec<Vec<f64>> = [Precision::F64, Precision::F32]
        .into_iter()
        .flat_map(|precision| {
            let numerics = text(precision);
            let target = Target::new(plane_of_line(), &numerics);
            let objective = objective(&plan, &target, &numerics, keys(0, 1));
            let theta = numerics.tensor(vec![0.3, -0.2], [1, 2]);
            let (value, gradient) = objective.value_and_gradient(&theta, 1);
            [value.unsqueeze_dim(0), gradient].map(|tensor| Numerics::read(tensor).unwrap())
        })
        .collect();
    // A bin is 38 standard deviations away: 724 nats.
    assert!(values[0][0] > 50.0, "{values:?}");
    for (double, single) in values[..2].concat().iter().zip(values[2..].concat()) {
        assert_close(single, *double, 1e-5 * double.abs(), "single precision");
    }
}

#[test]
fn narrow_bins_are_rows_at_their_middles() {
    let width = 1e-5;
    let points = [-1.3, -0.2, 0.4, 0.45, 2.0];
    let (mut edges, mut counts) = (Vec::new(), Vec::new());
    for (i, x) in points.iter().enumerate() {
        edges.extend([x - 0.5 * width, x + 0.5 * width]);
        counts.extend([1.0 + i as f64, 0.0]);
    }
    counts.pop();
    let weights = &counts;
    let histogram = Histogram::new(vec![edges], weights.clone()).unwrap();
    let q = mild(1);
    let found = evaluated(histogram.clone(), &q);
    let total = 15.0;
    let logs = points
        .iter()
        .zip(1..)
        .map(|(x, n)| f64::from(n) / total * q.log_density(&[*x]));
    // −Σ s log ∫ q is the cross-entropy of the rows and the logarithm of the width.
    let expected = -logs.sum::<f64>() - width.ln() - histogram.entropy();
    assert_close(found.value, expected, 1e-9, "the cross-entropy of rows");
}

#[test]
fn errors_are_those_of_repeated_counts() {
    let mut generator = ChaCha8Rng::seed_from_u64(3);
    let (p, q) = (mild(1), wide(1, 1));
    let edges: Vec<f64> = std::iter::once(f64::NEG_INFINITY)
        .chain((-6..=6).map(|i| 0.6 * f64::from(i)))
        .chain([f64::INFINITY])
        .collect();
    let draws = 4000;
    let estimates: Vec<_> = (0..300)
        .map(|_| {
            let mut counts = vec![0.0; edges.len() - 1];
            let points = p.sample(draws, &mut generator);
            for x in points {
                counts[edges.partition_point(|edge| *edge <= x) - 1] += 1.0;
            }
            evaluated(Histogram::new(vec![edges.clone()], counts).unwrap(), &q)
        })
        .collect();
    let n = estimates.len() as f64;
    let mean = estimates.iter().map(|one| one.value).sum::<f64>() / n;
    let spread = estimates
        .iter()
        .map(|one| (one.value - mean).powi(2))
        .sum::<f64>()
        / (n - 1.0);
    let told = estimates.iter().map(|one| one.error.powi(2)).sum::<f64>() / n;
    // The variance of 300 numbers is known to 8 %.
    assert!((told / spread - 1.0).abs() < 0.25, "{told} {spread}");
}

#[test]
fn starts_and_figures_spread_counts_evenly_over_bins() {
    let edges = vec![f64::NEG_INFINITY, 0.0, 1.0, 3.0, f64::INFINITY];
    let histogram = Histogram::new(vec![edges], vec![2.0, 4.0, 3.0, 1.0]).unwrap();
    // Open bins are as wide as the ones beside them: from −1 to 0, and from 3 to 5.
    assert_eq!(histogram.closed_edges(0), [-1.0, 0.0, 1.0, 3.0, 5.0]);
    let bins = [
        (0.2, -1.0, 0.0),
        (0.4, 0.0, 1.0),
        (0.3, 1.0, 3.0),
        (0.1, 3.0, 5.0),
    ];
    // ∫ xⁿ over a bin, of uniform densities.
    let moment = |n: i32| -> f64 {
        let of = |(share, a, b): &(f64, f64, f64)| {
            share * (b.powi(n + 1) - a.powi(n + 1)) / ((b - a) * f64::from(n + 1))
        };
        bins.iter().map(of).sum()
    };
    let model = klfit::TargetModel::from(histogram.clone());
    let (mean, covariance) = model.moments().unwrap();
    assert_close(mean[0], moment(1), 1e-14, "mean");
    assert_close(
        covariance[(0, 0)],
        moment(2) - moment(1).powi(2),
        1e-14,
        "variance",
    );
    let mut generator = ChaCha8Rng::seed_from_u64(0);
    let draws = model.sample(40_000, &mut generator);
    let drawn = draws.iter().sum::<f64>() / 4e4;
    assert_close(
        drawn,
        moment(1),
        4.0 * (covariance[(0, 0)] / 4e4).sqrt(),
        "the mean of draws",
    );
    assert_eq!(histogram.heights(), [0.2, 0.4, 0.15, 0.05]);
}

#[test]
fn the_marginals_of_a_plane_are_sums() {
    let edges = vec![vec![0.0, 1.0, 2.0, 3.0], vec![0.0, 1.0, 2.0, 3.0, 4.0]];
    let counts: Vec<f64> = (1..=12).map(f64::from).collect();
    let plane = klfit::TargetModel::from(Histogram::new(edges, counts).unwrap());
    let counts_of = |coordinates: &[usize]| {
        let marginal = plane.marginal(coordinates).unwrap();
        marginal.as_histogram().unwrap().counts().to_vec()
    };
    assert_eq!(counts_of(&[0]), [10.0, 26.0, 42.0]);
    assert_eq!(counts_of(&[1]), [15.0, 18.0, 21.0, 24.0]);
    assert_eq!(counts_of(&[1, 0])[..4], [1.0, 5.0, 9.0, 2.0]);
}

#[test]
fn what_is_no_histogram_is_refused() {
    let line = |edges: &str, counts: &str| config(edges, &format!("{counts} # !"), "");
    let edges_of = |edges: &str, counts: &str| config(&format!("{edges} # !"), counts, "");
    let good = "[0, 1, 2, 3]";
    for (text, key, says, helps) in [
        (
            edges_of("[0, 1, 1, 3]", "[1, 2, 1]"),
            "target.edges",
            "from edge 2 to 3, 1 to 1",
            "rise",
        ),
        (
            edges_of("[0, 1, 2]", "[1, 2]"),
            "target.edges",
            "has 3 edges",
            "four",
        ),
        (
            edges_of("[0, inf, inf, 3]", "[1, 2, 1]"),
            "target.edges",
            "inf to inf",
            "rise",
        ),
        (
            edges_of("[0, nan, 2, 3]", "[1, 2, 1]"),
            "target.edges",
            "not a number as edge 2",
            "rise",
        ),
        (
            edges_of("\"0 1 2\"", "[1, 2, 1]"),
            "target.edges",
            "no list of numbers",
            "edges = [",
        ),
        (
            line(good, "[1, 2]"),
            "target.counts",
            "has 2 numbers, and 4 edges make 3 bins",
            "one fewer",
        ),
        (
            line(good, "[1, -2, 1]"),
            "target.counts",
            "has -2 in bin 2",
            "0 or more",
        ),
        (
            line(good, "[0, 0, 0]"),
            "target.counts",
            "are all 0",
            "some",
        ),
        (
            line(good, "[0, 9, 1]"),
            "target.counts",
            "are in 2 bins",
            "narrower",
        ),
        (
            line(good, "[[1, 2, 1]]"),
            "target.counts",
            "edges of one axis",
            "edges = [",
        ),
        (
            line(
                "[[0, 1, 2, 3], [0, 1, 2, 3]]",
                "[[1, 2, 1], [1, 2], [1, 1, 1]]",
            ),
            "target.counts",
            "has 2 numbers in list 2",
            "plane",
        ),
        (
            line("[[0, 1, 2, 3], [0, 1, 2, 3]]", "[[1, 2, 1], [1, 2, 2]]"),
            "target.counts",
            "has 2 lists",
            "plane",
        ),
        (
            line(
                "[[0, 1, 2, 3], [0, 1, 2, 3]]",
                "[[1, 0, 1], [1, 0, 2], [2, 0, 2]]",
            ),
            "target.counts",
            "are in 2 bins on axis 2",
            "narrower",
        ),
    ] {
        refuses(&text, key, says, helps);
    }
    let one = config(good, "[1, 2, 1]", "");
    for divergence in ["reverse-kl", "js", "total-variation", "chi2"] {
        let text = one.replace("\"forward-kl\"", &format!("\"{divergence}\" # !"));
        refuses(
            &text,
            "fit[1].divergence",
            "a histogram has none",
            "forward-kl",
        );
    }
    for rule in [
        "quadrature",
        "monte-carlo",
        "quasi-monte-carlo",
        "gauss-hermite",
    ] {
        let text = format!("{one}estimator = {{ type = \"{rule}\" }} # !\n");
        refuses(&text, "fit[1].estimator.type", "a histogram", "remove");
    }
    refuses(
        &format!("{one}[landscape] # !\n"),
        "landscape",
        "which have no density",
        "leave it out",
    );
}

fn in_folder(files: &[(&str, Vec<u8>)], target: &str) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let text = format!("name = \"bins\"\n[target]\n{target}\n{FORWARD}");
    (folder, text)
}

fn read(folder: &TempDir, text: &str) -> Experiment {
    Experiment::parse(&folder.path().join("my.toml"), text, Vec::new()).unwrap()
}

#[test]
fn tables_hold_histograms_too() {
    let csv = "lower,upper,count\n-inf,0,2\n0,1,5.5\n1,2.5,4\n2.5,inf,1\n";
    let (folder, text) = in_folder(
        &[("bins.csv", csv.into())],
        "type = \"histogram\"\nfile = \"bins.csv\"",
    );
    let experiment = read(&folder, &text);
    let histogram = experiment.target.as_histogram().unwrap();
    assert_eq!(
        histogram.edges()[0],
        [f64::NEG_INFINITY, 0.0, 1.0, 2.5, f64::INFINITY]
    );
    assert_eq!(histogram.counts(), [2.0, 5.5, 4.0, 1.0]);
    // Other programs part columns by semicolons and decimals by commas, and have columns of their own.
    let other = "bin;count;lower;upper\n1;2;-inf;0\n2;5,5;0;1\n3;4;1;2,5\n4;1;2,5;inf\n";
    fs::write(folder.path().join("bins.csv"), other).unwrap();
    assert_eq!(
        read(&folder, &text).target.as_histogram().unwrap(),
        histogram
    );
    // The config of a run needs no file.
    let again = parsed(&experiment.to_toml().unwrap()).unwrap();
    assert_eq!(again.target, experiment.target);
    for (from, to, says) in [
        (
            "1,2.5",
            "1.5,2.5",
            "line 4: the bin begins at 1.5, and the one before it ends at 1",
        ),
        (
            "upper",
            "top",
            "line 1: its columns are lower, top, count, and",
        ),
        (
            "5.5",
            "many",
            "line 3: 0,1,many does not have three numbers",
        ),
        ("5.5", "-5.5", "has -5.5 in bin 2"),
    ] {
        fs::write(folder.path().join("bins.csv"), csv.replace(from, to)).unwrap();
        let path = folder.path().join("my.toml");
        let error = Experiment::parse(&path, &text, Vec::new()).unwrap_err();
        let (error, key, _) = config_error(error);
        assert_eq!(key, "target.file");
        assert!(error.message.contains(says), "{error}");
    }
}

#[test]
fn archives_of_numpy_hold_histograms() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/numpy");
    let of = |name: &str| {
        let text = format!(
            "name = \"bins\"\n[target]\ntype = \"histogram\"\nfile = \"{}/{name}\"\n{FORWARD}",
            folder.display()
        );
        parsed(&text)
            .unwrap()
            .target
            .as_histogram()
            .unwrap()
            .clone()
    };
    let line = of("histogram.npz");
    assert_eq!(line.edges()[0], [0.0, 1.0, 2.0, 4.0]);
    assert_eq!(line.counts(), [1.0, 3.0, 2.0]);
    let plane = of("histogram-2d.npz");
    assert_eq!(
        plane.edges(),
        [vec![0.0, 1.0, 2.0, 3.0], vec![-1.0, 0.0, 5.0, 6.0]]
    );
    assert_eq!(
        plane.counts(),
        [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]
    );
}

#[test]
fn runs_resume_report_and_draw() {
    let edges = "[-inf, -1, -0.25, 0.5, 1, 2, inf]";
    let (folder, _) = in_folder(&[], "");
    let text = config(edges, "[40, 70, 110, 60, 55, 10]", "");
    let file = folder.path().join("my.toml");
    fs::write(&file, &text).unwrap();
    let at = |name: &str| folder.path().join(name);
    let said = |arguments: &[&str]| {
        let ran = klfit(arguments).assert().success();
        String::from_utf8(ran.get_output().stdout.clone()).unwrap()
    };
    let check = said(&["check", file.to_str().unwrap()]);
    assert!(
        check.contains("a target of a histogram of 6 bins in 1 dimension"),
        "{check}"
    );
    assert!(check.contains("forward KL between bins"), "{check}");
    let out = at("run");
    let printed = said(&[
        "run",
        file.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ]);
    assert!(printed.contains("345 counts in 6 bins"), "{printed}");
    assert!(printed.contains("KL(p‖q) of bins"), "{printed}");
    let best = |folder: &Path| {
        RunFolder::open(folder).unwrap().summary().unwrap().fits[0]
            .best
            .clone()
    };
    let told = best(&out).unwrap().divergences.estimate(BINNED);
    assert!(told.error < 0.01 && told.error > 1e-6, "{told:?}");
    assert!(
        !printed.contains("± 0.00 ") && printed.contains(&told.to_string()),
        "{printed}"
    );
    let summary = RunFolder::open(&out).unwrap().summary().unwrap();
    let TargetSummary::Histogram(target) = &summary.target else {
        panic!("{:?}", summary.target);
    };
    let shares = [40.0, 70.0, 110.0, 60.0, 55.0, 10.0].map(|n| n / 345.0);
    let entropy = -shares.iter().map(|s| s * f64::ln(*s)).sum::<f64>();
    assert_close(target.entropy, entropy, 1e-14, "the entropy of the shares");
    assert_eq!((target.total, target.filled), (345.0, 6));
    said(&["report", out.to_str().unwrap()]);
    assert!(out.join("figures/comparison.png").is_file());
    // The same numbers from the config that it left.
    let again = folder.path().join("again.toml");
    fs::copy(out.join("config.toml"), &again).unwrap();
    let other = at("again");
    said(&[
        "run",
        again.to_str().unwrap(),
        "--no-figures",
        "--out",
        other.to_str().unwrap(),
    ]);
    let of = |folder: &Path| {
        RunFolder::open(folder).unwrap().summary().unwrap().fits[0]
            .best
            .clone()
    };
    assert_eq!(of(&out).unwrap().mixture, of(&other).unwrap().mixture);
}
