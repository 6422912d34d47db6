//! The numbers of `docs/method.md`, and of `docs/families.md` and `docs/estimators.md` on the same.

use klfit::Experiment;
use klfit::internals::{Effort, PANELS_DIM};

use super::config::{FORWARD, LINE, parsed};
use super::page::{Page, constant};
use crate::command_line::klfit;
use crate::support::config;

/// The number of a constant that has one.
#[track_caller]
fn one(file: &str, name: &str) -> f64 {
    let [number] = constant(file, name)[..] else {
        panic!("{file}: {name} is not one number");
    };
    number
}

#[test]
fn panels() {
    let page = Page::open("docs/method.md");
    let ends = constant("src/panels/feature.rs", "ENDS");
    let outermost = one("src/panels/feature.rs", "GAUSSIAN");
    page.says(
        "(centre, {}, {} and {} standard deviations to either side",
        &[ends[0], ends[1], outermost],
    );
    let points = Page::open("src/panels/legendre.rs").numbers("Self::Sixteen => (1, {})")[0].value;
    page.says("the Gauss–Legendre rule of {} points.", &[points]);
    page.says(
        "of the coefficients, times {} r⁴, where",
        &[one("src/panels/legendre.rs", "ROOM")],
    );
    page.says(
        "where those miss by more than {} of the loss",
        &[one("src/fit/objective/settle.rs", "TOLERANCE")],
    );
    // The tolerances of a logged step, on a line and in the plane.
    let effort = format!("{:?}", Effort::logged(1));
    let (_, tolerances) = effort.rsplit_once("tolerance: [").unwrap();
    let (line, rest) = tolerances.split_once(", ").unwrap();
    let (plane, _) = rest.split_once(']').unwrap();
    let [line, plane] = [line, plane].map(|text| text.parse::<f64>().unwrap());
    page.says(
        "the error estimate is below {} ({} in two dimensions)",
        &[line, plane],
    );
}

/// Panels are for lines and planes, wherever a page says so.
#[test]
fn panels_end_at_two_dimensions() {
    let most = [PANELS_DIM as f64];
    let method = Page::open("docs/method.md");
    method.says(
        "both densities** are the default up to {} dimensions",
        &most,
    );
    method.says("by panels up to {} dimensions, on the host", &most);
    Page::open("README.md").says(
        "both densities or, above {} dimensions, one standard",
        &most,
    );
    Page::open("docs/run-folder.md").says("in nats; above {} dimensions by `log.samples`", &most);
}

#[test]
fn points_along_a_density() {
    let (method, estimators) = (
        Page::open("docs/method.md"),
        Page::open("docs/estimators.md"),
    );
    let reach = one("src/estimator/quadrature.rs", "REACH");
    method.says("trapezoidal rule has z from {} to {};", &[-reach, reach]);
    estimators.says(
        "along each component, z from {} to {}, with",
        &[-reach, reach],
    );
    estimators.says(
        "points along each density come first, {} or {} on an axis",
        &constant("src/fit/objective/by_panels.rs", "ALONG"),
    );
    estimators.says(
        "A component gets {} independent nets",
        &[one("src/estimator/quasi_monte_carlo.rs", "NETS")],
    );
    estimators.says(
        "first and the last step {} gradients are drawn",
        &[one("src/fit/objective/mod.rs", "PROBES")],
    );
    let fits = Experiment::load(&config("estimators"), Vec::new())
        .unwrap()
        .plans;
    let [samples, dim] = estimators
        .numbers("a Gaussian in {} dimensions by reverse KL, {} samples a step.")
        .iter()
        .rev()
        .map(|number| number.value as usize)
        .collect::<Vec<usize>>()[..]
    else {
        panic!("two numbers");
    };
    for fit in fits.iter().filter(|fit| fit.estimator.rule.is_random()) {
        assert_eq!(
            fit.estimator.rule.points(1, dim, 0),
            samples,
            "{}",
            fit.label
        );
        assert_eq!(fit.family.dim(), dim);
    }
}

#[test]
fn families_and_starts() {
    let (method, families) = (Page::open("docs/method.md"), Page::open("docs/families.md"));
    method.says(
        "normal numbers, where D is above {} r (r rounded up to fours)",
        &[one("src/density/family/covariance.rs", "FEW_PER_FACTOR")],
    );
    families.says(
        "times a number between {} and {}, log-uniform",
        &constant("src/fit/init/random.rs", "STD_RANGE"),
    );
    families.says(
        "or of {} draws of p for each component",
        &[one("src/fit/init/k_means.rs", "DRAWS")],
    );
    families.says(
        "are moved by about a {} of their standard deviations",
        &[one("src/fit/init/duplicates.rs", "APART")],
    );
    let floor =
        Page::open("src/density/family/member.rs").numbers("let floor = {} * self.scale.floor;")[0];
    families.says(
        "standard deviations of at least {} `min_std`",
        &[floor.value],
    );
    let matched = "[init]\ntype = \"moment-match\"\n";
    let start = parsed(&format!("{LINE}{matched}{FORWARD}")).unwrap().plans[0]
        .start
        .runs();
    families.says("`restarts`; {} for one component |", &[start as f64]);
    let low_rank = Experiment::load(&config("low-rank"), Vec::new()).unwrap();
    let plan = &low_rank.plans[1];
    families.says(
        "a target of {} factors in {} dimensions by reverse KL on {} fixed",
        &[
            low_rank.config.fit[1].family.rank.unwrap() as f64,
            plan.family.dim() as f64,
            plan.estimator.rule.points(1, 8, 0) as f64,
        ],
    );
}

#[test]
fn failures() {
    let page = Page::open("docs/method.md");
    page.says(
        "of its correlations, {} D ε ‖L̃⁻¹‖² ≥ 1",
        &[one("src/fit/failure.rs", "RESOLVED")],
    );
    let folder = tempfile::tempdir().unwrap();
    let path = config("plane");
    let set = [
        "optimizer.type=sgd",
        "optimizer.learning_rate=1e9",
        "restarts=1",
    ];
    let mut run = klfit(&[
        "run",
        path.to_str().unwrap(),
        "--steps",
        "30",
        "--no-figures",
    ]);
    for set in set {
        run.args(["--set", set]);
    }
    let code = run
        .current_dir(folder.path())
        .output()
        .unwrap()
        .status
        .code();
    let code = f64::from(code.unwrap());
    page.says("run of a fit survives, the exit code is {}.", &[code]);

    // A point of a sweep that breaks down, here for a folder that stands in its way.
    let sweep = format!(
        "name = \"page\"\n{LINE}{FORWARD}[optimizer]\nsteps = 2\n[sweep.grid]\nseed = [1, 2]\n"
    );
    std::fs::write(folder.path().join("sweep.toml"), sweep).unwrap();
    let mut run = klfit(&["sweep", "sweep.toml", "--no-figures"]);
    let well = run.current_dir(folder.path()).output().unwrap();
    assert!(
        well.status.success(),
        "{}",
        String::from_utf8_lossy(&well.stderr)
    );
    let point = folder.path().join("outputs/page/seed-2");
    std::fs::remove_file(point.join("summary.json")).unwrap();
    let fit = point.join("forward-kl");
    std::fs::remove_dir_all(&fit).unwrap();
    std::fs::write(&fit, "in the way").unwrap();
    let mut run = klfit(&["sweep", "sweep.toml", "--no-figures", "--resume"]);
    let broken = run.current_dir(folder.path()).output().unwrap();
    let code = f64::from(broken.status.code().unwrap());
    Page::open("docs/reliability.md")
        .says("the others finish, and the exit code is {}.**", &[code]);
}
