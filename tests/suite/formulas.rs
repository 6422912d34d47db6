//! Targets by a formula, end to end: numbers, errors and files.

use std::fs;
use std::path::Path;

use serde_json::Value;
use statrs::function::gamma::{digamma, ln_gamma};
use tempfile::TempDir;

use crate::command_line::klfit;
use crate::resume::{compare, parse, without_clock};
use crate::support::assert_close;
use crate::wrong_input::refusal;

/// Runs a config by the program: what it leaves is in `outputs/run` of the folder.
fn run(folder: &TempDir, config: &str) -> Value {
    fs::write(folder.path().join("my.toml"), config).unwrap();
    klfit(&["run", "my.toml", "--no-figures", "--force", "--out", "run"])
        .current_dir(folder)
        .assert()
        .success();
    summary(&folder.path().join("run"))
}

fn summary(run: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(run.join("summary.json")).unwrap()).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value}"))
}

/// The mean and the variance of the only component on a line.
fn moments(fit: &Value) -> (f64, f64) {
    let mixture = &fit["best"]["mixture"];
    (
        number(&mixture["means"][0][0]),
        number(&mixture["stds"][0][0]).powi(2),
    )
}

/// One fit by few steps.
fn experiment(target: &str, divergence: &str) -> String {
    format!(
        "name = \"formula\"\nrestarts = 2\n[target]\n{target}\n[optimizer]\ntype = \"lbfgs\"\nsteps = \
         60\n[[fit]]\ndivergence = \"{divergence}\"\n"
    )
}

#[test]
fn a_gaussian_takes_the_moments_of_a_gamma_distribution() {
    let folder = tempfile::tempdir().unwrap();
    let found = run(
        &folder,
        &experiment(
            "log_density = \"if(x > 0, 9*log(x) - x, -inf)\"",
            "forward-kl",
        ),
    );
    let fit = &found["fits"][0];
    let (mean, variance) = moments(fit);
    assert_close(mean, 10.0, 1e-6, "mean");
    assert_close(variance, 10.0, 1e-6, "variance");
    assert_close(
        number(&found["target"]["log_normalizer"]),
        ln_gamma(10.0),
        1e-9,
        "log Z",
    );
    // KL(p‖q) = ½ ln(2πe σ²) − H(p), and H of Gamma(a, 1) is a + ln Γ(a) + (1 − a) ψ(a).
    let entropy = 10.0 + ln_gamma(10.0) - 9.0 * digamma(10.0);
    let expected = 0.5 * (std::f64::consts::TAU * 10.0).ln() + 0.5 - entropy;
    let kl = &fit["best"]["divergences"]["forward-kl"];
    assert_close(number(&kl["value"]), expected, 1e-9, "KL(p‖q)");
}

#[test]
fn a_loss_that_is_lost_names_the_point() {
    let folder = tempfile::tempdir().unwrap();
    // p ends at 20, and q begins as N(0, 30²) there; in three dimensions by draws.
    for (formula, init, place) in [
        (
            "if(x < 20, -0.5*x^2, -inf)",
            "{ means = [[0.0]], stds = [[30.0]] }",
            "x = ",
        ),
        (
            "if(x1 < 20, -0.5*(x1^2 + x2^2 + x3^2), -inf)",
            "{ means = [[0.0, 0.0, 0.0]], stds = [[30.0, 1.0, 1.0]] }",
            "x1 = ",
        ),
    ] {
        let config = format!(
            "name = \"lost\"\n[target]\nlog_density = \"{formula}\"\n[optimizer]\nsteps = 30\n[[fit]]\ndivergence = \
             \"reverse-kl\"\ninit = {init}\n"
        );
        fs::write(folder.path().join("my.toml"), config).unwrap();
        let told = klfit(&["run", "my.toml", "--no-figures", "--force", "--out", "run"])
            .current_dir(&folder)
            .output()
            .unwrap();
        let told =
            String::from_utf8(told.stdout).unwrap() + &String::from_utf8(told.stderr).unwrap();
        let (_, rest) = told
            .split_once(&format!("log p is -inf at {place}"))
            .expect(&told);
        let at: f64 = rest
            .split([',', ' ', '\n', ';'])
            .next()
            .unwrap()
            .parse()
            .expect(rest);
        assert!((20.0..300.0).contains(&at), "{at}");
    }
}

#[test]
fn what_is_told_of_x_are_the_moments_and_quantiles_of_a_log_normal() {
    let folder = tempfile::tempdir().unwrap();
    // log x is N(0.3, 0.5²), and q is that.
    let target = "log_density = \"-2*(log(x) - 0.3)^2 - log(x)\"\nsupport = { x = \"positive\" }";
    let found = run(&folder, &experiment(target, "forward-kl"));
    let of_x = &found["fits"][0]["best"]["of_x"];
    assert_eq!(of_x["coordinates"][0], "x");
    let mean = (0.3 + 0.125_f64).exp();
    assert_close(number(&of_x["mean"][0]), mean, 1e-6, "mean");
    let variance = mean.powi(2) * 0.25_f64.exp_m1();
    assert_close(
        number(&of_x["covariance"][0][0]),
        variance,
        1e-6,
        "variance",
    );
    // 1.6449 standard deviations have 0.05 beyond them.
    for (name, z) in [
        ("low", -1.644_853_627_f64),
        ("median", 0.0),
        ("high", 1.644_853_627),
    ] {
        let expected = (0.3 + 0.5 * z).exp();
        assert_close(number(&of_x["quantiles"][0][name]), expected, 1e-6, name);
    }
    // Without bounds there is nothing of x to tell.
    let found = run(&folder, &experiment("log_density = \"-x^2\"", "forward-kl"));
    assert!(found["fits"][0]["best"].get("of_x").is_none());
}

#[test]
fn a_gaussian_up_to_a_constant_is_found() {
    let folder = tempfile::tempdir().unwrap();
    for divergence in ["forward-kl", "reverse-kl"] {
        let found = run(
            &folder,
            &experiment("log_density = \"5 - (x - 3)^2/8\"", divergence),
        );
        let log_z = 5.0 + 2f64.ln() + 0.5 * std::f64::consts::TAU.ln();
        assert_close(
            number(&found["target"]["log_normalizer"]),
            log_z,
            1e-9,
            "log Z",
        );
        let (mean, variance) = moments(&found["fits"][0]);
        assert_close(mean, 3.0, 1e-6, "mean");
        assert_close(variance, 4.0, 1e-6, "variance");
        let kl = &found["fits"][0]["best"]["divergences"][divergence];
        assert_close(number(&kl["value"]), 0.0, 1e-11, "KL");
    }
}

/// What is added to a formula is part of log Z and of nothing else.
#[test]
fn a_number_that_is_added_changes_no_byte() {
    let folder = tempfile::tempdir().unwrap();
    let left = |formula: &str| {
        let mut found = run(
            &folder,
            &experiment(&format!("log_density = \"{formula}\""), "reverse-kl"),
        );
        let target = found["target"].take();
        let log_z = number(&target["log_normalizer"]);
        let files = ["trajectory.csv", "restarts.csv"].map(|name| {
            let path = folder.path().join("run/reverse-kl").join(name);
            without_clock(name, &fs::read_to_string(path).unwrap())
        });
        let text = serde_json::to_string_pretty(&found).unwrap();
        let mut rest = vec![without_clock("summary.json", &text)];
        rest.extend(files);
        (log_z, rest)
    };
    let plain = "logaddexp(-0.5*x^2, -2*(x - 4)^2)";
    let (log_z, bytes) = left(plain);
    for (shifted, by) in [
        (format!("{plain} + 1234.5"), 1234.5),
        (format!("1234.5 - (3 - {plain})"), 1231.5),
        (format!("let a = {plain} - 7; a"), -7.0),
    ] {
        let (moved, found) = left(&shifted);
        assert_close(moved - log_z, by, 1e-12 * by.abs(), &shifted);
        for (found, bytes) in found.iter().zip(&bytes) {
            assert!(found == bytes, "{shifted}\n{found}\n{bytes}");
        }
    }
}

const MODEL: &str = r#"
name = "model"
restarts = 2
[target]
log_density = """
let eta = a + 0.8*dose    # of each row
normal_lpdf(a, 0, 2) +
    sum(poisson_log_lpmf(deaths, eta))
"""
variables = ["a"]
data = "rows.csv"
[estimator]
type = "monte-carlo"
samples = 64
[optimizer]
steps = 20
[checkpoint]
every = 5
[log]
every = 6
samples = 64
[[fit]]
divergence = "reverse-kl"
"#;

const ROWS: &str = "dose,deaths\n-1,0\n0,2\n1,3\n2,9\n";

#[test]
fn a_folder_does_without_the_data() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rows.csv"), ROWS).unwrap();
    run(&folder, MODEL);
    fs::remove_file(folder.path().join("rows.csv")).unwrap();
    let at = |arguments: &[&str]| {
        klfit(arguments).current_dir(&folder).assert().success();
    };
    at(&["plot", "run"]);
    assert!(folder.path().join("run/figures/densities.svg").is_file());
    at(&["report", "run", "--out", "told"]);
    let report = fs::read_to_string(folder.path().join("told/report.html")).unwrap();
    assert!(report.contains("poisson_log_lpmf"), "its formula is told");
    // Its config holds the numbers of the file, and gives the same ones.
    let config = fs::read_to_string(folder.path().join("run/config.toml")).unwrap();
    assert!(!config.contains("rows.csv"), "{config}");
    at(&["run", "run/config.toml", "--no-figures", "--out", "again"]);
    let [first, second] = ["run", "again"].map(|run| {
        let path = folder.path().join(run).join("reverse-kl/trajectory.csv");
        without_clock("trajectory.csv", &fs::read_to_string(path).unwrap())
    });
    assert!(first == second, "{first}\n{second}");
}

#[test]
fn an_interrupted_run_goes_on_to_the_bit() {
    let inline = MODEL.replace(
        "data = \"rows.csv\"",
        "constants = { dose = [-1, 0, 1, 2], deaths = [0, 2, 3, 9] }",
    );
    compare(&parse(&inline, &[]), &[7, 6]);
    let forward = inline.replace("reverse-kl", "forward-kl");
    compare(&parse(&forward, &[]), &[9]);
    let line = experiment("log_density = \"-abs(x)^1.5\"", "js");
    compare(&parse(&line, &[("checkpoint.every", "2")]), &[3]);
}

#[test]
fn a_sweep_over_a_constant_has_a_point_for_each() {
    let folder = tempfile::tempdir().unwrap();
    let config = experiment(
        "log_density = \"-0.5*(x/s)^2\"\nconstants = { s = 1.0 }",
        "forward-kl",
    );
    let config = format!("{config}[sweep.grid]\ntarget.constants.s = [0.5, 1, 3.0]\n");
    fs::write(folder.path().join("my.toml"), config).unwrap();
    klfit(&["sweep", "my.toml", "--no-figures", "--out", "swept"])
        .current_dir(&folder)
        .assert()
        .success();
    let mut points: Vec<_> = fs::read_dir(folder.path().join("swept"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("summary.json").is_file())
        .collect();
    points.sort();
    assert_eq!(points.len(), 3, "{points:?}");
    for (point, std) in points.iter().zip([0.5, 1.0, 3.0]) {
        let found = summary(point);
        let (mean, variance) = moments(&found["fits"][0]);
        assert_close(mean, 0.0, 1e-6, "mean");
        assert_close(variance, std * std, 1e-6, "variance");
    }
}

/// Which forward KL there is: that of u, whose tails the support makes.
#[test]
fn forward_kl_is_refused_where_it_is_infinite() {
    let folder = tempfile::tempdir().unwrap();
    let positive = "support = { x = \"positive\" }";
    let log_t3 = "-log(x) - 2*log1p(log(x)^2/3)";
    let log_normal = "-log(x) - 0.5*log(x)^2";
    let log_cauchy = "-log(x) - log1p(log(x)^2)";
    for (target, is_refused) in [
        (format!("log_density = \"if(x > 0, {log_t3}, -inf)\""), true),
        ("log_density = \"-log1p(x^2)\"".to_owned(), true),
        // Degrees of freedom 2 are the border, and heavier.
        ("log_density = \"-1.5*log1p(x^2/2)\"".to_owned(), true),
        ("log_density = \"-1.55*log1p(x^2/2.1)\"".to_owned(), false),
        (
            format!("log_density = \"if(x > 0, {log_normal}, -inf)\""),
            false,
        ),
        (format!("log_density = \"{log_normal}\"\n{positive}"), false),
        (format!("log_density = \"{log_t3}\"\n{positive}"), false),
        (format!("log_density = \"{log_cauchy}\"\n{positive}"), true),
    ] {
        for (divergence, is_refused) in [("forward-kl", is_refused), ("reverse-kl", false)] {
            let config = experiment(&target, divergence);
            fs::write(folder.path().join("my.toml"), config).unwrap();
            let output = klfit(&["check", "my.toml"])
                .current_dir(&folder)
                .output()
                .unwrap();
            let error = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.success(), !is_refused, "{target}\n{error}");
            if is_refused {
                assert!(error.contains("the target has no variance"), "{error}");
            }
        }
    }
}

/// Where draws do not tell log Z its error is infinite, in every file, and nothing else is lost.
#[test]
fn a_constant_that_is_not_known_is_told_as_that() {
    let folder = tempfile::tempdir().unwrap();
    let funnel = "log_density = \"normal_lpdf(x[1], 0, 3) + sum(normal_lpdf(x[2:12], 0, exp(2*x[1])))\"\ndim = 12";
    let config = format!(
        "{}[estimator]\ntype = \"monte-carlo\"\nsamples = 64\n",
        experiment(funnel, "reverse-kl")
            .split("[optimizer]")
            .next()
            .unwrap()
    );
    let config = format!("{config}[optimizer]\nsteps = 20\n[[fit]]\ndivergence = \"reverse-kl\"\n");
    let found = run(&folder, &config);
    assert_eq!(found["target"]["log_normalizer_error"], "inf");
    assert!(number(&found["target"]["k_hat"]) > 0.7);
    let kl = &found["fits"][0]["best"]["divergences"]["reverse-kl"];
    assert_eq!(kl["error"], "inf", "{kl}");
    let at = |arguments: &[&str]| {
        let output = klfit(arguments).current_dir(&folder).assert().success();
        String::from_utf8(output.get_output().stdout.clone()).unwrap()
    };
    at(&["plot", "run"]);
    at(&["report", "run", "--out", "told"]);
    let refused = config.replace("reverse-kl", "forward-kl");
    fs::write(folder.path().join("my.toml"), refused).unwrap();
    let error = refusal(&folder, &["check", "my.toml"]);
    assert!(error.contains("k-hat"), "{error}");
}

/// Asserts that a target is refused with these words, and that the error points at this text, the last of its
/// kind in the target, all of its first line.
#[track_caller]
fn refuses(target: &str, marked: &str, words: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let config = experiment(target, "reverse-kl");
    fs::write(folder.path().join("my.toml"), &config).unwrap();
    let error = refusal(&folder, &["check", "my.toml"]);
    for words in words {
        assert!(error.contains(words), "no {words:?} in {error}");
    }
    let formula = config.split("[optimizer]").next().unwrap();
    let at = formula.rfind(marked).unwrap_or_else(|| panic!("{marked}"));
    let line = config[..at].matches('\n').count() + 1;
    let before = config[..at].rsplit('\n').next().unwrap();
    let place = format!("--> my.toml:{line}:{}\n", before.chars().count() + 1);
    assert!(error.contains(&place), "no {place} in {error}");
    let marks = error.lines().find_map(|line| {
        let marks = line.split_once('|')?.1.trim();
        (!marks.is_empty() && marks.chars().all(|c| c == '^')).then_some(marks)
    });
    let marks = marks.unwrap_or_else(|| panic!("{error}"));
    let marked = marked.lines().next().unwrap();
    assert_eq!(marks.len(), marked.chars().count(), "{error}");
}

#[test]
fn an_error_in_a_formula_is_told_at_its_character() {
    refuses(
        "log_density = \"-0.5*x^2 + foo\"",
        "foo",
        &["foo is not known", "constants"],
    );
    refuses(
        "log_density = \"-0.5*square(x, 2)\"",
        "square(x, 2)",
        &["square takes 1 argument, and 2 are given"],
    );
    refuses(
        "log_density = \"-0.5*[x1, x2]^2\"",
        "-0.5*[x1, x2]^2",
        &["a list of 2 numbers", "sum( )"],
    );
    // In strings of several lines, of both kinds, and behind letters of several bytes.
    refuses(
        "log_density = \"\"\"\n-0.5*x1^2 + # größer\n  -0.5*x2^2 x1\n\"\"\"",
        "x1",
        &["a sign is missing", "2*x"],
    );
    refuses(
        "log_density = '''\n-0.5*x1^2 +\n  y'''",
        "y",
        &["y is not known"],
    );
    refuses(
        "log_density = '-0.5*x^2 +'  # and no more",
        // There is nothing behind the end: its last character is marked.
        "+",
        &["something is missing here"],
    );
}

/// What is not literally in the file is told by its place in the formula.
#[test]
fn an_error_that_has_no_character_in_the_file_is_told_by_its_number() {
    refuses(
        "log_density = \"-0.5*x^2 +\\t foo\"",
        "log_density = \"-0.5*x^2 +\\t foo\"",
        &["foo is not known (character 13 of the formula)"],
    );
    let folder = tempfile::tempdir().unwrap();
    let config = experiment("log_density = \"-x^2\"", "reverse-kl");
    fs::write(folder.path().join("my.toml"), config).unwrap();
    let set = "target.log_density=\"-x^2*foo\"";
    let error = refusal(&folder, &["run", "my.toml", "--set", set]);
    let words = "foo is not known (character 6 of the formula)";
    assert!(error.contains(words), "{error}");
    assert!(error.contains("--set"), "{error}");
}

#[test]
fn what_is_no_density_is_refused() {
    for (formula, words) in [
        ("log(x)", "is not a number at x = -0."),
        ("-0.5*x^2 - log(abs(x))", "is +inf at x = 0"),
        ("-log1p(abs(x))", "falls only like |x|^-1.000"),
        ("if(x < 0, -inf, -inf)", "is -inf or not a number at x = 0"),
    ] {
        let target = format!("log_density = \"{formula}\"");
        refuses(&target, &target, &[words, "help: "]);
    }
    refuses(
        "dim = 2\nlog_density = \"-x1^2\"",
        "log_density = \"-x1^2\"",
        &[
            "from x1 = 0, x2 = 0 to x1 = 0, x2 = 1e12 it does not fall",
            "every coordinate is in it",
        ],
    );
}

#[test]
fn keys_that_do_not_suit_are_refused() {
    let formula = |rest: &str| format!("log_density = \"-x^2\"\n{rest}");
    for (rest, marked, words) in [
        (
            "support = { x = \"negative\" }",
            "x = \"negative\"",
            "is no support",
        ),
        ("support = { x = [2, 1] }", "x = [2, 1]", "is no support"),
        (
            "variables = [\"x\"]\nsupport = { y = \"positive\" }",
            "y = \"positive\"",
            "is none of the coordinates",
        ),
        (
            "variables = [\"x\", \"x\"]",
            "variables = [\"x\", \"x\"]",
            "has x twice",
        ),
        (
            "variables = [\"x\"]\nconstants = { x = 2 }",
            "variables = [\"x\"]",
            "among the constants too",
        ),
        (
            "variables = [\"2x\"]",
            "variables = [\"2x\"]",
            "which is no name",
        ),
        ("constants = { b = [] }", "b = []", "an empty list"),
        ("constants = { b = \"two\" }", "b = \"two\"", "no number"),
        ("dim = 0", "dim = 0", "is 0"),
        (
            "dim = 2\nvariables = [\"x\"]",
            "dim = 2",
            "the variables are 1 coordinate",
        ),
        ("data = \"none.csv\"", "data = \"none.csv\"", "none.csv"),
    ] {
        refuses(&formula(rest), marked, &[words, "help: "]);
    }
}

/// What the page quotes is what `klfit check` says.
#[test]
fn the_page_quotes_a_refusal() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/targets.md");
    let page = fs::read_to_string(page).unwrap();
    let (before, quoted) = page
        .split_once("<!-- refused by: the lines above -->\n```text\n")
        .unwrap();
    let (quoted, _) = quoted.split_once("```").unwrap();
    let lines = before.rsplit("    [target]\n").next().unwrap();
    let lines: Vec<&str> = lines
        .lines()
        .map_while(|line| line.strip_prefix("    "))
        .collect();
    let config = format!(
        "name = \"flat\"\n[target]\n{}\n[[fit]]\ndivergence = \"reverse-kl\"\n",
        lines.join("\n")
    );
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("my.toml"), config).unwrap();
    let error = refusal(&folder, &["check", "my.toml"]);
    assert_eq!(error.trim_end(), quoted.trim_end());
}
