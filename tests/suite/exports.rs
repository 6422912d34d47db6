//! What a mixture is exported as is run, and has the density that the mixture has.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Output};

use klfit::{ExportFormat, Mixture, export};
use nalgebra::{DMatrix, DVector};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{assert_close, sheared, three_in_a_plane};

/// A mixture, and what is asked of it.
struct Case {
    name: &'static str,
    mixture: Mixture,
    /// Of the coordinates; none for x1, x2, ….
    names: Vec<String>,
    /// Whether draws and gradients are looked at as well.
    in_depth: bool,
}

impl Case {
    fn new(name: &'static str, mixture: Mixture) -> Self {
        Self {
            name,
            mixture,
            names: Vec::new(),
            in_depth: false,
        }
    }

    fn export(&self, format: ExportFormat) -> String {
        export(&self.mixture, &self.names, format, None).unwrap()
    }

    /// A hundred points where the mixture is, and as many around 50 standard deviations away.
    fn points(&self) -> Vec<Vec<f64>> {
        let mut generator = ChaCha8Rng::seed_from_u64(7);
        let dim = self.mixture.dim();
        let draws = self.mixture.sample(100, &mut generator);
        let mut points: Vec<Vec<f64>> = draws.chunks(dim).map(<[f64]>::to_vec).collect();
        let origin = Mixture::from_stds(vec![1.0], vec![vec![0.0; dim]], vec![vec![50.0; dim]]);
        let steps = origin.unwrap().sample(100, &mut generator);
        for (i, step) in steps.chunks(dim).enumerate() {
            let k = i % self.mixture.components();
            let step = &self.mixture.scale_trils()[k] * DVector::from_column_slice(step);
            points.push((&self.mixture.means()[k] + step).as_slice().to_vec());
        }
        points
    }
}

/// Names that would end a comment, a text or an environment if they were taken as they are.
fn hostile_names() -> Vec<String> {
    let names = [
        "a */ int b; /* c",
        "d\"\"\"\n'\"\ne\\",
        "\\end{align*} % $ & ^ _ #",
        "??/",
        "log(\u{3bc}) \u{202e}",
    ];
    names.map(str::to_owned).to_vec()
}

/// A mixture of anything: K means and factors that no formula makes.
fn scattered(components: usize, dim: usize, seed: u64) -> Mixture {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    let normal = Mixture::from_stds(vec![1.0], vec![vec![0.0]], vec![vec![1.0]]).unwrap();
    let mut draws = normal
        .sample(components * (dim + dim * dim + 1), &mut generator)
        .into_iter();
    let mut draw = || draws.next().unwrap();
    let weights: Vec<f64> = (0..components).map(|_| draw().exp()).collect();
    let total: f64 = weights.iter().sum();
    let means = (0..components).map(|_| (0..dim).map(|_| 3.0 * draw()).collect());
    let means = means.collect();
    let factors = (0..components).map(|_| {
        DMatrix::from_fn(dim, dim, |i, j| match i.cmp(&j) {
            std::cmp::Ordering::Less => 0.0,
            std::cmp::Ordering::Equal => (0.3 * draw()).exp(),
            std::cmp::Ordering::Greater => 0.4 * draw(),
        })
    });
    let factors = factors.collect();
    Mixture::new(weights.iter().map(|w| w / total).collect(), means, factors).unwrap()
}

/// Weights of 10⁻⁶ and of 0; what is left overlaps, so that a chain goes from one to the other.
fn with_rare_components() -> Mixture {
    let of = three_in_a_plane();
    let mut means: Vec<Vec<f64>> = of
        .means()
        .iter()
        .map(|mean| (mean * 0.4).as_slice().to_vec())
        .collect();
    let mut factors = of.scale_trils().to_vec();
    means.insert(1, vec![9.0, -9.0]);
    factors.insert(1, DMatrix::identity(2, 2));
    Mixture::new(vec![0.7 - 1e-6, 0.0, 1e-6, 0.3], means, factors).unwrap()
}

const NARROW: &str = "wide and narrow";
const NEARLY_SINGULAR: &str = "nearly singular";
const LARGE: &str = "large";

fn cases() -> Vec<Case> {
    let line = Mixture::from_stds(vec![1.0], vec![vec![1.0 / 3.0]], vec![vec![0.7]]).unwrap();
    let wide = Mixture::from_stds(
        vec![0.5, 0.5],
        vec![vec![1.0, -2.0], vec![0.0, 0.0]],
        vec![vec![1e-5, 2e-5], vec![1.0, 3.0]],
    );
    let correlation: f64 = 1.0 - 1e-10;
    let tril = [
        1.0,
        0.0,
        correlation,
        (1.0 - correlation * correlation).sqrt(),
    ];
    let nearly_singular = Mixture::new(
        vec![0.4, 0.6],
        vec![vec![0.1, -0.2], vec![3.0, 2.0]],
        vec![
            DMatrix::from_row_slice(2, 2, &tril),
            DMatrix::identity(2, 2),
        ],
    );
    let mut cases = vec![
        Case::new("a Gaussian", line),
        Case::new("in a plane", three_in_a_plane()),
        Case::new("in five dimensions", scattered(4, 5, 1)),
        Case::new("rare", with_rare_components()),
        Case::new(NARROW, wide.unwrap()),
        Case::new("sheared", sheared(&three_in_a_plane())),
        Case::new(NEARLY_SINGULAR, nearly_singular.unwrap()),
        Case::new(LARGE, scattered(100, 50, 2)),
    ];
    for case in &mut cases[..4] {
        case.in_depth = true;
    }
    cases[2].names = hostile_names();
    cases[1].names = vec!["mu".to_owned(), "log(tau)".to_owned()];
    cases
}

/// Holds log-densities at the points of a case against those of the mixture; how far they are off, relative to
/// themselves where they are larger than 1.
fn largest_deviation(case: &Case, found: &[f64]) -> f64 {
    let points = case.points();
    assert_eq!(found.len(), points.len(), "{}", case.name);
    let off = points.iter().zip(found).map(|(x, found)| {
        let expected = case.mixture.log_density(x);
        assert!(
            expected.is_finite() && found.is_finite(),
            "{}: {x:?}",
            case.name
        );
        (found - expected).abs() / expected.abs().max(1.0)
    });
    off.fold(0.0, f64::max)
}

fn numbers(value: &Value) -> Vec<f64> {
    let numbers = value.as_array().unwrap_or_else(|| panic!("{value}"));
    numbers
        .iter()
        .map(|number| number.as_f64().unwrap())
        .collect()
}

fn assert_success(output: &Output, what: &str) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{what}\n{}\n{}",
        text(&output.stdout),
        text(&output.stderr)
    );
}

/// A command that may not be there, which is said.
fn run_if_there(command: &mut Command) -> Option<Output> {
    match command.output() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            println!("skipped: there is no {}", command.get_program().display());
            None
        }
        output => Some(output.unwrap()),
    }
}

const C_DRIVER: &str = r#"
#include <stdio.h>
#include "exported.c"

int main(void) {
    double x[KLFIT_D], r[KLFIT_K];
    int i;
    for (;;) {
        for (i = 0; i < KLFIT_D; i++) {
            if (scanf("%lf", &x[i]) != 1) {
                return 0;
            }
        }
        klfit_responsibilities(x, r);
        printf("%.17g", klfit_log_density(x));
        for (i = 0; i < KLFIT_K; i++) {
            printf(" %.17g", r[i]);
        }
        printf("\n");
    }
}
"#;

#[test]
fn c_has_the_density_and_the_responsibilities() {
    let strict = ["-Wall", "-Wextra", "-pedantic", "-Werror", "-O2"];
    for case in cases() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("exported.c", &case.export(ExportFormat::C));
        write("main.c", C_DRIVER);
        let points = case.points();
        let lines = points.iter().map(|x| {
            let numbers: Vec<String> = x.iter().map(|x| format!("{x:e}")).collect();
            numbers.join(" ") + "\n"
        });
        write("points.txt", &lines.collect::<String>());
        let compile = |compiler: &str, options: &str| {
            let mut command = Command::new(compiler);
            let options = options.split(' ');
            run_if_there(command.args(strict).args(options).current_dir(&folder))
        };
        let Some(built) = compile("cc", "-std=c99 main.c -o main -lm") else {
            return;
        };
        assert_success(&built, case.name);
        if case.name != LARGE
            && let Some(built) = compile("c++", "-std=c++11 -x c++ -c exported.c")
        {
            assert_success(&built, case.name);
        }

        let input = fs::File::open(folder.path().join("points.txt")).unwrap();
        let output = Command::new(folder.path().join("main"))
            .stdin(input)
            .output()
            .unwrap();
        assert_success(&output, case.name);
        let text = String::from_utf8(output.stdout).unwrap();
        let rows: Vec<Vec<f64>> = (text.lines())
            .map(|line| {
                line.split(' ')
                    .map(|number| number.parse().unwrap())
                    .collect()
            })
            .collect();
        let densities: Vec<f64> = rows.iter().map(|row| row[0]).collect();
        let deviation = largest_deviation(&case, &densities);
        println!("c, {}: {deviation:.1e}", case.name);
        // The same substitution in the same order; constants are summed in another.
        assert!(deviation < 1e-13, "{}: {deviation:e}", case.name);
        let kept: Vec<usize> = (0..case.mixture.components())
            .filter(|k| case.mixture.weights()[*k] > 0.0)
            .collect();
        for (x, row) in points.iter().zip(&rows) {
            assert_eq!(row.len(), kept.len() + 1);
            for (k, share) in kept.iter().zip(&row[1..]) {
                let log_share = case.mixture.weights()[*k].ln()
                    + case.mixture.component_log_density(*k, x)
                    - case.mixture.log_density(x);
                // The rounding of terms as large as those of 50 standard deviations.
                assert_close(*share, log_share.exp(), 1e-9, case.name);
            }
        }
    }
}

/// What a Python finds for each case in these formats, and holds the answers against the mixtures.
fn check_in_python(python: &str, formats: &[ExportFormat], cases: &[Case]) {
    let folder = tempfile::tempdir().unwrap();
    let mut asked = Vec::new();
    let mut of = Vec::new();
    for format in formats {
        for case in cases {
            let name = format!("{}_{}.{}", format.name(), asked.len(), format.extension());
            let path = folder.path().join(name);
            fs::write(&path, case.export(*format)).unwrap();
            asked.push(json!({
                "format": format.name(),
                "path": path,
                "points": case.points(),
                "draws": case.in_depth,
                "gradients": case.in_depth,
            }));
            of.push((*format, case));
        }
    }
    let answers = answers(python, &folder, asked);
    for ((format, case), answer) in of.into_iter().zip(&answers) {
        check(format, case, answer);
    }
}

fn answers(python: &str, folder: &TempDir, asked: Vec<Value>) -> Vec<Value> {
    let [asks, answers] = ["asked.json", "answers.json"].map(|name| folder.path().join(name));
    fs::write(&asks, Value::from(asked).to_string()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/exports/evaluate.py");
    let mut command = Command::new(python);
    command.args([&script, &asks, &answers]);
    // What pystan builds is removed at the end, here and there.
    (command.env("XDG_CACHE_HOME", folder.path())).current_dir(folder);
    assert_success(&command.output().unwrap(), python);
    serde_json::from_str(&fs::read_to_string(answers).unwrap()).unwrap()
}

/// How far a format may be from the mixture, relative to a log-density larger than 1.
///
/// Where a component is narrow by its own place or by its correlation, z = L⁻¹ (x − μ) is as uncertain as the rounding
/// of x − μ in units of that width, of 10⁻⁵: 10⁻¹¹ times a few. Substitution as in klfit rounds alike, but not that of
/// LAPACK, which multiplies by reciprocals. scikit-learn subtracts μ only after it has multiplied by L⁻¹. A covariance
/// in place of a factor would be off by 10⁻⁶.
fn tolerance(format: ExportFormat, case: &Case) -> f64 {
    use ExportFormat::{Jax, Scipy, Sklearn};
    match (format, case.name) {
        (Jax | Scipy | Sklearn, NEARLY_SINGULAR) | (Sklearn, NARROW) => 1e-10,
        _ => 1e-12,
    }
}

fn check(format: ExportFormat, case: &Case, answer: &Value) {
    let what = format!("{}, {}", format.name(), case.name);
    let densities = numbers(&answer["log_densities"]);
    if format == ExportFormat::Stan && !case.in_depth {
        return;
    }
    let deviation = largest_deviation(case, &densities);
    println!("{what}: {deviation:.1e}");
    let tolerance = tolerance(format, case);
    assert!(deviation < tolerance, "{what}: {deviation:e}");
    if let Some(gradients) = answer.get("gradients") {
        let points = case.points();
        for (x, gradient) in points.iter().zip(gradients.as_array().unwrap()) {
            for (i, found) in numbers(gradient).into_iter().enumerate() {
                let at = |step: f64| {
                    let mut x = x.clone();
                    x[i] += step;
                    case.mixture.log_density(&x)
                };
                let step = 1e-4;
                let expected = (at(step) - at(-step)) / (2.0 * step);
                // Of the differences: the third derivative, and the rounding of log q.
                let room = 1e-5 + 1e-10 * at(0.0).abs();
                assert_close(found, expected, room, &what);
            }
        }
    }
    if let Some(mean) = answer.get("mean") {
        let (mean, variances) = (numbers(mean), numbers(&answer["variances"]));
        let (true_mean, covariance) = (case.mixture.mean(), case.mixture.covariance());
        for i in 0..case.mixture.dim() {
            let std = covariance[(i, i)].sqrt();
            // Five standard errors of 20 000 draws; of 5000 by Stan, which depend on each other.
            let room = if format == ExportFormat::Stan {
                0.2
            } else {
                0.036
            };
            assert_close(mean[i], true_mean[i], room * std, &what);
            assert_close(variances[i], std * std, 2.0 * room * std * std, &what);
        }
    }
}

#[test]
#[ignore = "needs Python with SciPy, scikit-learn and JAX: KLFIT_PYTHON names it"]
fn python_has_the_density() {
    let python = std::env::var("KLFIT_PYTHON").expect("KLFIT_PYTHON names a Python");
    let formats = [
        ExportFormat::Scipy,
        ExportFormat::Sklearn,
        ExportFormat::Jax,
    ];
    check_in_python(&python, &formats, &cases());
}

#[test]
#[ignore = "needs Python with PyTorch: KLFIT_TORCH_PYTHON names it"]
fn pytorch_has_the_density() {
    let python = std::env::var("KLFIT_TORCH_PYTHON").expect("KLFIT_TORCH_PYTHON names a Python");
    check_in_python(&python, &[ExportFormat::Pytorch], &cases());
}

/// All are read by Stan's compiler; one is built and sampled, which takes a minute.
#[test]
#[ignore = "needs Python with pystan, and a C++ compiler: KLFIT_PYTHON names it"]
fn stan_has_the_density() {
    let python = std::env::var("KLFIT_PYTHON").expect("KLFIT_PYTHON names a Python with pystan");
    let mut cases = cases();
    for case in &mut cases {
        case.in_depth = case.name == "rare";
    }
    check_in_python(&python, &[ExportFormat::Stan], &cases);
}

/// The numbers of a formula, in their order.
fn numbers_of_formula(text: &str) -> Vec<f64> {
    let mut found = Vec::new();
    for line in text.lines() {
        // What is no number of the mixture: names, indices, and the limits of the sum.
        let is_of_q = line.contains("mathcal") || line.contains("\\quad") || line.contains("Sigma");
        let is_list = line.starts_with("\\noindent");
        if !(is_of_q || is_list) || line.contains("\\sum") || line.contains("$x$") {
            continue;
        }
        let line = line.replace(" \\times 10^{", "e");
        let mut rest = line.as_str();
        while let Some(start) = rest.find(|c: char| c.is_ascii_digit() || c == '-') {
            let is_index = rest[..start].ends_with("_{");
            let tail = &rest[start..];
            let is_part = |c: char| c.is_ascii_digit() || "-.e".contains(c);
            let end = tail.find(|c: char| !is_part(c)).unwrap_or(tail.len());
            if !is_index {
                found.push(tail[..end].parse().unwrap());
            }
            rest = &tail[end..];
        }
    }
    found
}

#[test]
fn a_formula_has_the_numbers() {
    for case in cases() {
        let text = export(&case.mixture, &case.names, ExportFormat::Latex, Some(17)).unwrap();
        let found = numbers_of_formula(&text);
        let mut expected = Vec::new();
        let q = &case.mixture;
        for k in (0..q.components()).filter(|k| q.weights()[*k] > 0.0) {
            if q.components() > 1 {
                expected.push(q.weights()[k]);
            }
            expected.extend(q.means()[k].iter());
            let covariance = q.component_covariance(k);
            // Lists have half of it.
            let end = |i: usize| {
                if text.contains("diagonal") {
                    i + 1
                } else {
                    q.dim()
                }
            };
            for i in 0..q.dim() {
                expected.extend((0..end(i)).map(|j| covariance[(i, j)]));
            }
        }
        assert_eq!(found, expected, "{}", case.name);
    }
}

#[test]
fn a_formula_is_a_part_of_a_document() {
    let folder = tempfile::tempdir().unwrap();
    let mut document = String::from(
        "\\documentclass{article}\n\\usepackage[T1]{fontenc}\n\\usepackage{amsmath}\n\\begin{document}\n",
    );
    for (i, case) in cases().into_iter().enumerate() {
        for digits in [1, 4, 17] {
            // A hundred pages of it are no better a test.
            if case.name == LARGE && digits != 4 {
                continue;
            }
            let text = export(
                &case.mixture,
                &case.names,
                ExportFormat::Latex,
                Some(digits),
            );
            let name = format!("q{i}-{digits}.tex");
            fs::write(folder.path().join(&name), text.unwrap()).unwrap();
            document += &format!("Before.\n\\input{{{name}}}\nAfter.\n");
        }
    }
    document += "\\end{document}\n";
    fs::write(folder.path().join("main.tex"), document).unwrap();
    let mut command = Command::new("pdflatex");
    command.args(["-interaction=nonstopmode", "-halt-on-error", "main.tex"]);
    let Some(output) = run_if_there(command.current_dir(&folder)) else {
        return;
    };
    assert_success(&output, "pdflatex");
    let log = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!log.contains("Overfull"), "{log}");
}

#[test]
fn a_large_mixture_has_a_row_on_each_line() {
    let large = scattered(100, 50, 2);
    for format in ExportFormat::ALL {
        let text = export(&large, &[], format, None).unwrap();
        let name = format.name();
        let lines = text.lines().count();
        assert!((5000..6000).contains(&lines), "{name}: {lines} lines");
        let longest = text.lines().map(str::len).max().unwrap();
        assert!(longest < 3000, "{name}: {longest} characters");
        assert!(text.len() < 8 << 20, "{name}: {} bytes", text.len());
    }
}

#[test]
fn a_component_without_weight_is_left_out() {
    let q = with_rare_components();
    for format in ExportFormat::ALL {
        let text = export(&q, &[], format, None).unwrap();
        assert!(!text.contains("-9.0") && !text.contains("-9 "), "{text}");
        if format != ExportFormat::Latex {
            assert!(
                text.contains("mixture of 3 Gaussians in 2 dimensions"),
                "{text}"
            );
        }
    }
}
