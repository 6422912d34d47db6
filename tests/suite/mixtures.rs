//! `klfit mixture`: each verb against a formula of its own.

use std::f64::consts::TAU;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use klfit::{Mixture, read_mixture, read_operand};
use nalgebra::{DMatrix, DVector};
use serde_json::Value;

use crate::command_line::klfit;
use crate::support::{assert_close, simpson};

/// Three components in three dimensions, one narrow, one of weight 1e-6.
const THREE: &str = r#"{
"weights_": [0.4, 0.599999, 0.000001],
"means_": [[1.0, -2.0, 0.5], [0.0, 3.0, 1.0], [-4.0, 0.0, 2.0]],
"covariances_": [
 [[1.0, 0.4, -0.3], [0.4, 0.5, 0.1], [-0.3, 0.1, 2.0]],
 [[1e-6, 1e-4, 0.0], [1e-4, 1.0, 0.5], [0.0, 0.5, 3.0]],
 [[4.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 1.0]]],
"feature_names_in_": ["length", "width", "depth"]}"#;

struct Place(tempfile::TempDir);

impl Place {
    /// A folder with a mixture in `q.json`.
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        place.put("q.json", THREE);
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.at(name), text).unwrap();
    }

    fn ask(&self, arguments: &[&str]) -> Output {
        let all: Vec<&str> = ["mixture"].iter().chain(arguments).copied().collect();
        klfit(&all).current_dir(&self.0).output().unwrap()
    }

    /// What it prints to standard output and to standard error.
    fn says(&self, arguments: &[&str]) -> [String; 2] {
        let output = self.ask(arguments);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let said = [text(output.stdout), text(output.stderr)];
        assert!(output.status.success(), "{arguments:?}: {}", said[1]);
        said
    }

    fn refuses(&self, arguments: &[&str], part: &str) {
        let output = self.ask(arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(part), "{arguments:?}: {said}");
    }

    fn mixture(&self, name: &str) -> Mixture {
        let operand = read_operand(self.at(name).to_str().unwrap()).unwrap();
        operand.model.as_mixture().unwrap().clone()
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_str(&fs::read_to_string(self.at(name)).unwrap()).unwrap()
    }
}

/// Numbers of the lines of a CSV after its first.
fn numbers(csv: &str) -> (Vec<&str>, Vec<Vec<f64>>) {
    let mut lines = csv.lines();
    let header = lines.next().unwrap().split(',').collect();
    let row = |line: &str| line.split(',').map(|cell| cell.parse().unwrap()).collect();
    (header, lines.map(row).collect())
}

/// log N(x; μ, Σ) by the inverse and the determinant, as no mixture does it.
fn log_normal(x: &[f64], mean: &DVector<f64>, covariance: &DMatrix<f64>) -> f64 {
    let off = DVector::from_column_slice(x) - mean;
    let squared = off.dot(&(covariance.clone().try_inverse().unwrap() * &off));
    -0.5 * (squared + covariance.determinant().ln() + off.len() as f64 * TAU.ln())
}

fn log_density(mixture: &Mixture, x: &[f64]) -> f64 {
    let term = |k: usize| {
        let covariance = mixture.component_covariance(k);
        mixture.weights()[k].ln() + log_normal(x, &mixture.means()[k], &covariance)
    };
    let terms: Vec<f64> = (0..mixture.components()).map(term).collect();
    let most = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    most + terms
        .iter()
        .map(|term| (term - most).exp())
        .sum::<f64>()
        .ln()
}

/// A mixture that is read, written and read again is the same to the bit.
#[test]
fn every_kind_of_file_reads_back() {
    let place = Place::new();
    let full = place.mixture("q.json");
    for kind in ["toml", "json", "npz"] {
        let name = format!("a.{kind}");
        place.says(&["export", "q.json", "--to", kind, "--out", &name]);
        assert_eq!(place.mixture(&name), full, "{kind}");
    }
    let names: Vec<&str> = vec!["length", "width", "depth"];
    assert_eq!(
        place.json("a.json")["feature_names_in_"],
        serde_json::json!(names)
    );
    // It is what scikit-learn's reader takes too.
    assert_eq!(
        read_mixture(&place.at("a.npz"), None).unwrap(),
        place.mixture("a.npz")
    );
    place.refuses(
        &["marginal", "q.json", "--keep", "depth", "--out", "a.json"],
        "exists",
    );
    place.says(&[
        "marginal", "q.json", "--keep", "depth", "--out", "a.json", "--force",
    ]);
    place.refuses(
        &["marginal", "q.json", "--keep", "depth", "--out", "a.yaml"],
        "ends in .toml, .json or .npz",
    );
}

/// Coordinates are known by name and by number, and keep the order that is asked for.
#[test]
fn a_marginal_has_the_moments_of_what_is_kept() {
    let place = Place::new();
    let full = place.mixture("q.json");
    for keep in ["depth,length", "x3,x1"] {
        place.says(&[
            "marginal", "q.json", "--keep", keep, "--out", "m.json", "--force",
        ]);
        let kept = place.mixture("m.json");
        assert_eq!(kept.dim(), 2);
        for k in 0..3 {
            assert_eq!(
                kept.means()[k].as_slice(),
                [full.means()[k][2], full.means()[k][0]]
            );
            let (of, part) = (full.component_covariance(k), kept.component_covariance(k));
            assert_eq!(part[(0, 1)], of[(2, 0)]);
            assert_eq!([part[(0, 0)], part[(1, 1)]], [of[(2, 2)], of[(0, 0)]]);
        }
        assert_eq!(place.json("m.json")["feature_names_in_"][0], "depth");
    }
    place.refuses(
        &["marginal", "q.json", "--keep", "lenght"],
        "did you mean length?",
    );
    place.refuses(&["marginal", "q.json", "--keep", "x4"], "no coordinate x4");
    place.refuses(&["marginal", "q.json", "--keep", "x1,length"], "once");
}

/// p(x) = p(xᵦ) p(xₐ | xᵦ) by inverses and determinants; and who asks for a tail is told.
#[test]
fn a_conditional_is_the_joint_over_the_marginal() {
    let place = Place::new();
    let full = place.mixture("q.json");
    let arguments = [
        "condition",
        "q.json",
        "--given",
        "width=2.5",
        "--out",
        "c.toml",
    ];
    let [said, told] = place.says(&arguments);
    assert!(said.is_empty() && !told.contains("tail"), "{told}");
    let given = place.mixture("c.toml");
    place.says(&["marginal", "q.json", "--keep", "width", "--out", "m.json"]);
    let marginal = log_density(&place.mixture("m.json"), &[2.5]);
    assert!(
        told.contains(&format!("{marginal:.6} nats")),
        "{told} {marginal}"
    );
    for x in [[0.0005, 0.7], [0.2, -3.0], [-4.0, 2.0]] {
        let joint = log_density(&full, &[x[0], 2.5, x[1]]);
        assert_close(
            log_density(&given, &x) + marginal,
            joint,
            // The inverse of a covariance whose condition number is 3e6.
            1e-9 * joint.abs().max(1.0),
            "joint",
        );
    }
    let [_, told] = place.says(&[
        "condition",
        "q.json",
        "--given",
        "width=40",
        "--out",
        "d.toml",
    ]);
    // Of the second component, 37 standard deviations away.
    assert!(told.contains("in a tail, 37 standard deviations"), "{told}");
    for (given, part) in [
        ("width", "has no value"),
        ("width=wide", "wide is no number"),
        ("width=nan", "finite"),
        ("height=1", "no coordinate height"),
        ("width=1,x2=2", "twice"),
        ("length=1,width=1,depth=1", "leave at least one"),
    ] {
        place.refuses(&["condition", "q.json", "--given", given], part);
    }
}

/// Of Gaussians in closed form, by precisions.
#[test]
fn products_and_sums_of_gaussians_are_those_of_their_formulas() {
    let place = Place::new();
    place.put(
        "a.toml",
        "mean = [1.0, -1.0]\ncovariance = [[2.0, 0.6], [0.6, 0.5]]\n",
    );
    place.put("b.toml", "mean = [0.5, 0.0]\nstd = [0.1, 3.0]\n");
    let [a, b] = ["a.toml", "b.toml"].map(|name| place.mixture(name));
    let [covariance_a, covariance_b] = [&a, &b].map(|q| q.component_covariance(0));
    let [_, told] = place.says(&["product", "a.toml", "b.toml", "--out", "ab.json"]);
    let product = place.mixture("ab.json");
    let [of_a, of_b] = [&covariance_a, &covariance_b].map(|c| c.clone().try_inverse().unwrap());
    let covariance = (&of_a + &of_b).try_inverse().unwrap();
    let mean = &covariance * (&of_a * &a.means()[0] + &of_b * &b.means()[0]);
    assert!((product.component_covariance(0) - covariance).norm() < 1e-13);
    assert!((&product.means()[0] - mean).norm() < 1e-13);
    let sum = covariance_a + covariance_b;
    let overlap = log_normal(a.means()[0].as_slice(), &b.means()[0], &sum);
    assert!(
        told.contains(&format!("{overlap:.8} nats")),
        "{told} {overlap}"
    );

    place.says(&["convolve", "a.toml", "b.toml", "--out", "sum.json"]);
    let convolved = place.mixture("sum.json");
    assert!((convolved.component_covariance(0) - sum).norm() < 1e-13);
    assert_eq!(convolved.means()[0].as_slice(), [1.5, -1.0]);
    // By their names, where both have the same.
    for (name, names, moments) in [
        ("u.json", "\"a\", \"b\"", [1.0, 2.0]),
        ("v.json", "\"b\", \"a\"", [2.0, 1.0]),
    ] {
        let [first, second] = moments;
        place.put(name, &format!(
            "{{\"weights_\": [1.0], \"means_\": [[{first}, {second}]], \"covariances_\": [[[1.0, 0.0], [0.0, 1.0]]], \
             \"feature_names_in_\": [{names}]}}"
        ));
    }
    place.says(&["convolve", "u.json", "v.json", "--out", "uv.json"]);
    assert_eq!(place.mixture("uv.json").means()[0].as_slice(), [2.0, 4.0]);
    let [_, told] = place.says(&["convolve", "u.json", "a.toml"]);
    assert!(
        told.contains("x1, x2 of a.toml are taken as a, b"),
        "{told}"
    );
    place.refuses(&["product", "a.toml", "q.json"], "same coordinates");
    place.refuses(&["convolve", "a.toml", "q.json"], "same coordinates");
}

#[test]
fn other_coordinates_have_a_mu_plus_b_and_a_sigma_a() {
    let place = Place::new();
    let full = place.mixture("q.json");
    place.put("a.csv", "1,1,0\n0,-2,0.5\n");
    let a = DMatrix::from_row_slice(2, 3, &[1.0, 1.0, 0.0, 0.0, -2.0, 0.5]);
    let b = DVector::from_vec(vec![-1.0, 3.0]);
    for affine in ["1,1,0; 0,-2,0.5", "a.csv"] {
        let out = ["--shift", "-1,3", "--out", "t.json", "--force"];
        place.says(&[&["transform", "q.json", "--affine", affine], &out[..]].concat());
        let moved = place.mixture("t.json");
        for k in 0..3 {
            let covariance = &a * full.component_covariance(k) * a.transpose();
            assert!((moved.component_covariance(k) - covariance).norm() < 1e-13);
            assert!((&moved.means()[k] - (&a * &full.means()[k] + &b)).norm() < 1e-13);
        }
        assert_eq!(place.json("t.json")["feature_names_in_"][1], "y2");
    }
    let ask = |more: &[&'static str]| [&["transform", "q.json"], more].concat();
    place.refuses(&ask(&["--affine", "1,1"]), "column for each coordinate");
    place.refuses(&ask(&["--affine", "1,1,0;1"]), "row 2 has 1 entries");
    place.refuses(&ask(&["--affine", "b.csv"]), "nor is that a file");
    place.refuses(&ask(&["--affine", "1,1,0;2,2,0"]), "depend on each other");
    place.refuses(&ask(&["--affine", "1,1,0", "--names", "u,v"]), "2 names");
    place.refuses(&ask(&["--affine", "1,1,0", "--shift", "1,2"]), "shift of 2");
}

/// Log-densities by inverses and determinants, and shares that make them up; columns are taken by name.
#[test]
fn densities_of_points_are_those_of_the_formula() {
    let place = Place::new();
    let full = place.mixture("q.json");
    let points = [
        [0.3, -1.0, 0.2],
        [0.0001, 2.0, 1.0],
        [-4.0, 1.0, 3.0],
        [60.0, 0.0, 0.0],
    ];
    let line = |[length, width, depth]: &[f64; 3]| format!("{depth},{length},seven,{width}\n");
    let lines: String = points.iter().map(line).collect();
    place.put("points.csv", &format!("depth,length,id,width\n{lines}"));
    let [csv, _] = place.says(&["density", "q.json", "points.csv"]);
    let (header, rows) = numbers(&csv);
    assert_eq!(
        header,
        ["log_density", "component", "share_1", "share_2", "share_3"]
    );
    assert_eq!(rows.len(), points.len());
    for (x, row) in points.iter().zip(&rows) {
        let expected = log_density(&full, x);
        assert_close(
            row[0],
            expected,
            1e-9 * expected.abs().max(1.0),
            "log-density",
        );
        assert_close(row[2..].iter().sum(), 1.0, 1e-14, "shares");
        let most = row[2..].iter().copied().fold(0.0, f64::max);
        assert_eq!(row[1 + row[1] as usize], most, "label");
    }
    // The third component alone reaches where the fourth point is, though its weight is 1e-6.
    assert_eq!([rows[0][1], rows[1][1], rows[3][1]], [1.0, 2.0, 3.0]);
    place.says(&["density", "q.json", "points.csv", "--out", "d.npy"]);
    let npy = fs::read(place.at("d.npy")).unwrap();
    let stored: Vec<f64> = (npy[npy.len() - 8 * 20..].chunks_exact(8))
        .map(|bytes| f64::from_le_bytes(bytes.try_into().unwrap()))
        .collect();
    assert_eq!(stored, rows.concat());
    place.put("two.csv", "u,v\n1,2\n3,4\n");
    place.refuses(&["density", "q.json", "two.csv"], "has 2 columns");
    // Some names alone leave no order.
    place.put("some.csv", "length,u,v\n1,2,3\n3,4,6\n");
    place.refuses(&["density", "q.json", "some.csv"], "of which 1 are called");
    let [_, told] = place.says(&["density", "q.json", "some.csv", "--columns", "u,v,length"]);
    assert!(
        told.contains("u, v, length are taken as length, width, depth"),
        "{told}"
    );
    place.put("far.csv", "length,width,depth\n1e200,0,0\n");
    let [csv, _] = place.says(&["density", "q.json", "far.csv"]);
    assert!(csv.ends_with("-inf,NaN,NaN,NaN,NaN\n"), "{csv}");
    // One point is enough.
    place.put("one.csv", "1,2,3\n");
    let [csv, _] = place.says(&["density", "q.json", "one.csv", "--header", "false"]);
    assert_eq!(numbers(&csv).1.len(), 1);
}

/// The same draws as text and as NumPy's, from a seed, with the mixture's moments; a file is there whole or not at all.
#[test]
fn draws_have_the_moments_of_the_mixture() {
    let place = Place::new();
    let full = place.mixture("q.json");
    let count = 20_000;
    let draw = |more: &[&str]| {
        let arguments = [&["sample", "q.json", "-n", "2e4", "--labels"], more].concat();
        place.says(&arguments)
    };
    let [csv, _] = draw(&["--seed", "3"]);
    draw(&["--seed", "3", "--out", "d.npy"]);
    let (header, rows) = numbers(&csv);
    assert_eq!(header, ["length", "width", "depth", "component"]);
    assert_eq!(rows.len(), count);
    let npy = fs::read(place.at("d.npy")).unwrap();
    let stored: Vec<f64> = (npy[npy.len() - 32 * count..].chunks_exact(8))
        .map(|bytes| f64::from_le_bytes(bytes.try_into().unwrap()))
        .collect();
    assert_eq!(stored, rows.concat());
    let n = count as f64;
    let mean = full.mean();
    let covariance = full.covariance();
    for d in 0..3 {
        let found = rows.iter().map(|row| row[d]).sum::<f64>() / n;
        let error = (covariance[(d, d)] / n).sqrt();
        assert!(
            (found - mean[d]).abs() < 5.0 * error,
            "{d}: {found} {}",
            mean[d]
        );
    }
    let first = rows.iter().filter(|row| row[3] == 1.0).count() as f64 / n;
    assert!((first - 0.4).abs() < 5.0 * (0.24 / n).sqrt(), "{first}");
    let [other, _] = draw(&["--seed", "4"]);
    assert_ne!(csv, other);
    place.refuses(&["sample", "q.json", "-n", "0"], "at least 1");
    place.refuses(
        &["sample", "q.json", "-n", "5", "--out", "d.txt"],
        ".csv or .npy",
    );
    place.refuses(&["sample", "q.json", "-n", "5", "--out", "d.npy"], "exists");
    let failed = place.ask(&["sample", "q.json", "-n", "5", "--out", "nowhere/d.npy"]);
    assert!(!failed.status.success() && !Path::new(&place.at("nowhere")).exists());
    assert!(String::from_utf8_lossy(&failed.stderr).contains("nowhere/d.npy"));
}

/// What is printed of a reduction is what `klfit divergence` finds of the file that it wrote.
#[test]
fn a_reduction_tells_the_kl_of_what_it_wrote() {
    let place = Place::new();
    place.put(
        "line.toml",
        "weights = [0.3, 0.3, 0.399, 0.001]\nmeans = [[-1.0], [-0.5], [4.0], [9.0]]\nstds = [[1.0], [0.5], [0.3], [0.001]]\n",
    );
    for (name, components) in [("line.toml", 2), ("line.toml", 3), ("q.json", 2)] {
        let (to, out) = (components.to_string(), format!("r{components}.toml"));
        let arguments = [
            "reduce", name, "--to", &to, "--json", "--force", "--out", &out,
        ];
        let [said, _] = place.says(&arguments);
        let told: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(told[0]["components"], components);
        let kl = &told[0]["kl"];
        let paths = [name, &out].map(|name| place.at(name).to_str().unwrap().to_owned());
        let asked = klfit(&["divergence", &paths[0], &paths[1], "--kind", "kl", "--json"]);
        let output = { asked }.output().unwrap();
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        let found = &found["answers"][0];
        // Samples are the same for the same seed; what was written has lost its last bits.
        let number = |of: &Value, key: &str| of[key].as_f64().unwrap();
        let both = number(kl, "error") + number(found, "error") + 1e-12;
        assert!(
            (number(kl, "value") - number(found, "value")).abs() <= both,
            "{kl} {found}"
        );
        assert!(kl["bracket"]["lower"].as_f64().unwrap() <= number(kl, "value") + both);
        if name == "line.toml" {
            // By Simpson's rule around the narrow component and beside it.
            let [p, q] = [name, &out].map(|name| place.mixture(name));
            let term = |x: f64| {
                let log_p = p.log_density(&[x]);
                log_p.exp() * (log_p - q.log_density(&[x]))
            };
            let pieces = [[-14.0, 8.98], [8.98, 9.02], [9.02, 20.0]];
            let expected: f64 = pieces
                .iter()
                .map(|[low, high]| simpson(*low, *high, term))
                .sum();
            assert_close(number(kl, "value"), expected, 1e-9, "KL by Simpson");
        }
        let merged = &told[0]["merged"];
        assert!(number(kl, "value") <= number(merged, "value"), "{told}");
    }
    let [said, _] = place.says(&["reduce", "line.toml", "--curve", "--json"]);
    let curve: Vec<Value> = serde_json::from_str(&said).unwrap();
    let components: Vec<u64> = curve
        .iter()
        .map(|one| one["components"].as_u64().unwrap())
        .collect();
    assert_eq!(components, [4, 3, 2, 1]);
    let values: Vec<f64> = (curve.iter())
        .map(|one| one["kl"]["value"].as_f64().unwrap())
        .collect();
    assert!(
        values[0].abs() < 1e-12 && values.windows(2).all(|pair| pair[0] < pair[1]),
        "{values:?}"
    );
    place.says(&["reduce", "line.toml", "--curve", "--figure", "curve", "-q"]);
    for file in [
        "reduction.csv",
        "reduction.json",
        "reduction.svg",
        "reduction.png",
        "reduction.pdf",
        "reduced-1.json",
        "reduced-4.json",
    ] {
        assert!(
            fs::metadata(place.at("curve").join(file)).unwrap().len() > 100,
            "{file}"
        );
    }
    let csv = fs::read_to_string(place.at("curve/reduction.csv")).unwrap();
    assert_eq!(csv.lines().count(), 5);
    place.refuses(&["reduce", "line.toml", "--to", "0"], "at least one");
    place.refuses(
        &["reduce", "line.toml", "--to", "5"],
        "more than the 4 components",
    );
    place.refuses(&["reduce", "line.toml"], "--to");
    place.refuses(
        &["reduce", "line.toml", "--curve", "--figure", "curve"],
        "exists",
    );
    place.refuses(
        &["reduce", "line.toml", "--to", "2", "--figure", "other"],
        "cannot be used",
    );
    place.refuses(
        &["reduce", "line.toml", "--curve", "--out", "o.json"],
        "cannot be used",
    );
}

/// What `show` prints of a Gaussian in a plane, worked out by hand.
#[test]
fn what_is_shown_is_what_the_file_says() {
    let place = Place::new();
    place.put(
        "a.toml",
        "mean = [1.5, -2.0]\ncovariance = [[4.0, 1.5], [1.5, 9.0]]\n",
    );
    let [said, _] = place.says(&["show", "a.toml", "--json"]);
    let told: Value = serde_json::from_str(&said).unwrap();
    let part = &told["components"][0];
    assert_eq!(part["stds"], serde_json::json!([2.0, 3.0]));
    assert_eq!(part["correlations"][0][1], 0.25);
    assert_eq!(told["modes"][0]["at"], serde_json::json!([1.5, -2.0]));
    let log_density = told["modes"][0]["log_density"].as_f64().unwrap();
    assert_close(
        log_density,
        -TAU.ln() - 0.5 * 33.75f64.ln(),
        1e-14,
        "at the mode",
    );
    let [said, _] = place.says(&["show", "a.toml"]);
    for part in ["a Gaussian in 2 dimensions", "0.2500", "mode 1: (1.5, -2)"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let [said, _] = place.says(&["show", "q.json"]);
    for part in [
        "a mixture of 3 Gaussians in 3 dimensions",
        "ρ length",
        "1e-6",
        "all",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    place.put(
        "t.toml",
        "type = \"student-t\"\ndof = 4.0\nmean = [0.0]\nstd = [1.0]\n",
    );
    place.refuses(&["show", "t.toml"], "no mixture of Gaussians");
    // What its covariance would not make again is written as TOML alone.
    place.put(
        "n.toml",
        "mean = [0.0, 0.0]\nscale_tril = [[1.0, 0.0], [1.0, 1e-9]]\n",
    );
    place.refuses(&["export", "n.toml", "--to", "json"], "Cholesky");
    place.says(&["export", "n.toml", "--to", "toml", "--out", "again.toml"]);
    assert_eq!(place.mixture("again.toml"), place.mixture("n.toml"));
    // Who cannot be told is not told in a panic.
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_klfit"));
    command
        .args(["mixture", "show", "a.toml"])
        .current_dir(&place.0)
        .stdout(full);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("standard output") && !said.contains("panicked"),
        "{said}"
    );
}
