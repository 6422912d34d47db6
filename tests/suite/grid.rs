//! Values on a grid as a target: its constant, moments and slopes, fits, and what is refused.

use std::fs;

use klfit::{
    DivergenceKind, Experiment, Grid, GridAxis, GridValues, Mixture, Numerics, Unnormalized,
};
use tempfile::TempDir;

use crate::support::{assert_close, run};
use crate::wrong_input::{config_error, parsed, refuses};

pub fn names(dim: usize) -> Vec<String> {
    Grid::numbered(dim)
}

pub fn axis(from: f64, to: f64, nodes: usize) -> GridAxis {
    GridAxis { from, to, nodes }
}

/// A density that is uneven, with nodes where it is 0.
fn uneven(nodes: usize) -> Vec<f64> {
    let value = |i: usize| ((i * 7 + 3) % 11) as f64 * (0.5 + (i as f64 * 0.37).sin().powi(2));
    (0..nodes)
        .map(|i| if i % 5 == 4 { 0.0 } else { value(i) })
        .collect()
}

pub fn located(grid: Grid) -> Unnormalized {
    klfit::locate(grid).unwrap()
}

/// ∫ xⁿ of straight lines between nodes: on every piece Simpson's rule is exact for n up to 2.
fn moment(nodes: &[f64], values: &[f64], n: i32) -> f64 {
    let of = |x: f64, f: f64| x.powi(n) * f;
    (nodes.windows(2).zip(values.windows(2)))
        .map(|(x, f)| {
            let middle = of(0.5 * (x[0] + x[1]), 0.5 * (f[0] + f[1]));
            (x[1] - x[0]) / 6.0 * (of(x[0], f[0]) + 4.0 * middle + of(x[1], f[1]))
        })
        .sum()
}

fn places(axis: GridAxis) -> Vec<f64> {
    let step = (axis.to - axis.from) / (axis.nodes - 1) as f64;
    (0..axis.nodes)
        .map(|i| axis.from + step * i as f64)
        .collect()
}

#[test]
fn the_constant_of_densities_is_the_trapezoidal_sum() {
    let weight = |i: usize, n: usize| if i == 0 || i + 1 == n { 0.5 } else { 1.0 };
    for (shape, far) in [
        (vec![37], 0.0),
        (vec![37], 4e3),
        (vec![9, 12], 0.0),
        (vec![5, 6, 7], 1.0),
    ] {
        let axes: Vec<GridAxis> = shape
            .iter()
            .map(|&n| axis(far - 1.0, far + 2.5, n))
            .collect();
        let nodes = shape.iter().product();
        let given: Vec<f64> = uneven(nodes).iter().map(|f| 1e200 * f).collect();
        let mut sum = 0.0;
        for (node, f) in given.iter().enumerate() {
            let (mut rest, mut product) = (node, 1.0);
            for &n in shape.iter().rev() {
                product *= weight(rest % n, n) * 3.5 / (n - 1) as f64;
                rest /= n;
            }
            sum += product * (f / 1e200);
        }
        let found =
            located(Grid::new(axes, GridValues::Density, given, names(shape.len())).unwrap());
        let expected = sum.ln() + 200.0 * std::f64::consts::LN_10;
        let off = (found.log_normalizer() - expected).abs();
        let error = found.located().log_normalizer_error;
        assert!(
            off <= error.max(1e-12) && error < 1e-10,
            "{shape:?} {off} {error}"
        );
    }
}

#[test]
fn the_constant_of_logarithms_is_that_of_exponentials() {
    let of = axis(-4.0, 3.0, 15);
    let logs: Vec<f64> = places(of)
        .iter()
        .map(|x| 2.0 - 1.3 * x * x + (3.0 * x).sin())
        .collect();
    let step = 0.5;
    // ∫ of e^(a straight line from a to b) is (e^b − e^a) / (b − a).
    let pieces = logs
        .windows(2)
        .map(|log| step * (log[1].exp() - log[0].exp()) / (log[1] - log[0]));
    let expected = pieces.sum::<f64>().ln();
    let found = located(Grid::new(vec![of], GridValues::LogDensity, logs, names(1)).unwrap());
    assert_close(found.log_normalizer(), expected, 1e-12, "log Z");
    assert!(found.located().log_normalizer_error < 1e-9);
}

#[test]
fn slopes_are_those_of_differences_and_the_same_on_a_device() {
    let numerics = Numerics::cpu();
    let shapes: [&[usize]; 3] = [&[9], &[5, 6], &[4, 5, 3]];
    for shape in shapes {
        let dim = shape.len();
        let nodes: usize = shape.iter().product();
        let density: Vec<f64> = uneven(nodes).iter().map(|f| f + 0.3).collect();
        let logs: Vec<f64> = density.iter().map(|f| f.ln()).collect();
        for (values, given) in [
            (GridValues::Density, density),
            (GridValues::LogDensity, logs),
        ] {
            let axes = shape
                .iter()
                .zip(1..)
                .map(|(&n, i)| axis(-f64::from(i), 2.0, n))
                .collect();
            let grid = Grid::new(axes, values, given, names(dim)).unwrap();
            let points = 400;
            // Some of them outside.
            let x: Vec<f64> = (0..points * dim)
                .map(|i| 2.4 * (i as f64 * 0.771 + 0.3).sin() - 0.3)
                .collect();
            let (mut logs, mut slopes) = (vec![0.0; points], vec![0.0; points * dim]);
            grid.evaluate(&x, &mut logs, Some(&mut slopes));
            let at = |x: &[f64]| {
                let mut log = [0.0];
                grid.evaluate(x, &mut log, None);
                log[0]
            };
            let mut compared = 0;
            for (i, x) in x.chunks(dim).enumerate() {
                let is_inside =
                    (x.iter().zip(grid.axes())).all(|(x, axis)| (axis.from..=axis.to).contains(x));
                assert_eq!(logs[i].is_finite(), is_inside);
                for d in 0..dim {
                    let moved = |by: f64| {
                        let mut moved = x.to_vec();
                        moved[d] += by;
                        at(&moved)
                    };
                    let (up, down) = (moved(1e-6) - at(x), at(x) - moved(-1e-6));
                    // Between nodes it does not bend.
                    if is_inside && (up - down).abs() < 1e-10 {
                        assert_close(slopes[i * dim + d], 0.5e6 * (up + down), 1e-6, "slope");
                        compared += 1;
                    }
                }
            }
            assert!(compared > 20, "{shape:?} {compared}");
            let tensor = numerics.tensor(x.clone(), [2, points / 2, dim]);
            let (on_device, its_slopes) = grid.evaluate_on_device(&tensor);
            let [on_device, its_slopes] = [
                Numerics::read(on_device).unwrap(),
                Numerics::read(its_slopes).unwrap(),
            ];
            for (a, b) in logs.iter().zip(&on_device) {
                assert!(a == b || (a - b).abs() < 1e-12, "{a} {b}");
            }
            for (a, b) in slopes.iter().zip(&its_slopes) {
                assert_close(*a, *b, 1e-11 * (1.0 + a.abs()), "slope on a device");
            }
        }
    }
}

/// A table of a Gaussian with mean ½ and standard deviation 0.8 on a line.
fn table(values: GridValues) -> (Vec<f64>, Vec<f64>, String) {
    let nodes = places(axis(-3.5, 4.5, 41));
    let log = |x: &f64| -0.5 * ((x - 0.5) / 0.8f64).powi(2);
    let given: Vec<f64> = nodes
        .iter()
        .map(|x| match values {
            GridValues::Density => log(x).exp(),
            GridValues::LogDensity => log(x),
        })
        .collect();
    let rows: String = nodes
        .iter()
        .zip(&given)
        .map(|(x, f)| format!("{x},{f:e}\n"))
        .collect();
    (nodes, given, format!("height,value\n{rows}"))
}

fn in_folder(csv: &str, more: &str) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("grid.csv"), csv).unwrap();
    let text = format!(
        "name = \"grid\"\nrestarts = 1\n[target]\nfile = \"grid.csv\"\n{more}\n[optimizer]\ntype = \"lbfgs\"\nsteps = 100\n\
         [[fit]]\ndivergence = \"forward-kl\"\n"
    );
    (folder, text)
}

fn read(folder: &TempDir, text: &str) -> klfit::Result<Experiment> {
    Experiment::parse(&folder.path().join("my.toml"), text, Vec::new())
}

#[test]
fn forward_kl_gives_the_moments_of_the_lines() {
    let (nodes, given, csv) = table(GridValues::Density);
    let (folder, text) = in_folder(&csv, "values = \"density\"");
    let experiment = read(&folder, &text).unwrap();
    let result = run(&experiment);
    let best = result.summary.fits[0].best.as_ref().unwrap();
    let q = Mixture::try_from(&best.mixture).unwrap();
    let all = moment(&nodes, &given, 0);
    let mean = moment(&nodes, &given, 1) / all;
    let variance = moment(&nodes, &given, 2) / all - mean * mean;
    assert_close(q.means()[0][0], mean, 1e-7, "mean");
    assert_close(
        q.component_covariance(0)[(0, 0)],
        variance,
        1e-6,
        "variance",
    );
    // Lines between nodes are wider than the Gaussian by h²/6.
    assert_close(variance, 0.64 + 0.04 / 6.0, 2e-5, "variance");
    // The divergence that is told, with its error, by Simpson's rule on parts of every piece.
    let parts = 200;
    let fine: f64 = (nodes.windows(2).zip(given.windows(2)))
        .map(|(x, f)| {
            let h = (x[1] - x[0]) / f64::from(parts);
            let value = |t: f64| {
                let (at, f) = (x[0] + t * (x[1] - x[0]), (f[0] + t * (f[1] - f[0])) / all);
                f * (f.ln() - q.log_density(&[at]))
            };
            let at = |i: i32| value(f64::from(i) / f64::from(parts));
            let inner = (1..parts).map(|i| at(i) * if i % 2 == 1 { 4.0 } else { 2.0 });
            h / 3.0 * (at(0) + at(parts) + inner.sum::<f64>())
        })
        .sum();
    let told = best.divergences.estimate(DivergenceKind::ForwardKl);
    assert_close(told.value, fine, told.error + 1e-9, "KL");
    assert!(told.error < 1e-4, "{told:?}");
    assert_eq!(result.summary.target.clone(), (&experiment.target).into());
    // Its config needs no file.
    let again = parsed(&experiment.to_toml().unwrap()).unwrap();
    assert_eq!(again.target, experiment.target);
    assert_eq!(again.target.coordinates(), ["height"]);
}

#[test]
fn logarithms_are_the_same_at_nodes_and_less_between() {
    let [density, logs] = [GridValues::Density, GridValues::LogDensity].map(|values| {
        let (_, _, csv) = table(values);
        let (folder, text) = in_folder(&csv, &format!("values = \"{}\"", values.name()));
        let target = read(&folder, &text).unwrap().target;
        target.as_unnormalized().unwrap().clone()
    });
    let at = |of: &Unnormalized, x: f64| {
        let mut log = [0.0];
        of.function().evaluate(&[x], &mut log, None);
        log[0] + of.function().offset()
    };
    for x in places(axis(-3.5, 4.5, 41)) {
        assert_close(at(&density, x), at(&logs, x), 1e-12, "at a node");
    }
    for x in places(axis(-3.4, 4.4, 40)) {
        assert!(at(&density, x) > at(&logs, x));
    }
}

#[test]
fn what_is_no_grid_is_refused_and_an_edge_is_told() {
    let line = "type = \"grid\"\nfrom = [0]\nto = [4]\nshape = [5]";
    let text = |target: &str| {
        format!("name = \"grid\"\n[target]\n{target}\n[[fit]]\ndivergence = \"forward-kl\"\n")
    };
    for (target, key, says, helps) in [
        (
            format!("{line}\nnumbers = [0, 1, 2, 1] # !"),
            "target.numbers",
            "has 4 values",
            "one for each node",
        ),
        (
            format!("{line}\nnumbers = [0, 1, -2, 1, 0] # !"),
            "target.numbers",
            "has -2 as value 3",
            "log-density",
        ),
        (
            format!("{line}\nnumbers = [0, 0, 0, 0, 0] # !"),
            "target.numbers",
            "no density anywhere",
            "not all 0",
        ),
        (
            "type = \"grid\"\nfrom = [4]\nto = [4] # !\nshape = [2]\nnumbers = [1, 2]".into(),
            "target.to",
            "is 4 along x",
            "larger",
        ),
        (
            "type = \"grid\"\nfrom = [0]\nto = [4]\nshape = [1] # !\nnumbers = [1]".into(),
            "target.shape",
            "has 1 node",
            "two",
        ),
        (
            "type = \"grid\"\nfrom = [0, 1] # !\nto = [4]\nshape = [2]\nnumbers = [1, 2]".into(),
            "target.from",
            "has 2 numbers",
            "each axis",
        ),
    ] {
        refuses(&text(&target), key, says, helps);
    }
    let (_, _, csv) = table(GridValues::Density);
    let mut rows: Vec<&str> = csv.lines().collect();
    let refused = |csv: String, more: &str| {
        let (folder, text) = in_folder(&csv, more);
        let error = read(&folder, &text).map(|_| ()).unwrap_err();
        let (error, key, help) = config_error(error);
        assert_eq!(key, "target.file");
        format!("{} {help}", error.message)
    };
    let values = "values = \"density\"";
    assert!(refused(csv.replace("-3.3,", "-3.25,"), values).contains("column height has -3.25"));
    assert!(refused(csv.clone(), "from = [0.0]\nto = [1.0]").contains("says itself"));
    rows.push("0.5,1.0");
    assert!(refused(rows.join("\n"), values).contains("has 42 rows, and a grid"));
    let cut = format!("{line}\nnumbers = [0.5, 1, 2, 1, 0]");
    let notes = parsed(&text(&cut)).unwrap().notes;
    assert!(
        notes
            .iter()
            .any(|note| note.contains("still 2.5e-1 of its largest")),
        "{notes:?}"
    );
}
