//! Components that come and go while a fit runs.

use std::fs;

use klfit::{DivergenceKind, Experiment, LandscapeConfig, Mixture, RunSummary};

use crate::programs;
use crate::resume::compare;
use crate::support::{Run, assert_close, run, run_text};

/// Three bumps of unlike width and weight in a plane, far apart; a fit begins with one of them unseen.
const BUMPS: &str = r#"
name = "bumps"
[target]
weights = [0.5, 0.3, 0.2]
means = [[-20.0, 5.0], [15.0, 10.0], [0.0, -25.0]]
covariances = [[[1.0, 0.5], [0.5, 1.0]], [[4.0, -1.0], [-1.0, 1.0]], [[0.25, 0.0], [0.0, 9.0]]]
[init]
mean = [0.0, 0.0]
std = [20.0, 20.0]
[family]
components = 8
[estimator]
type = "monte-carlo"
samples = 120
gradient = "sticking-the-landing"
[optimizer]
type = "vips"
steps = 240
[log]
every = 10
[checkpoint]
every = 7
"#;

const REVERSE: &str = "[[fit]]\ndivergence = \"reverse-kl\"\n";

fn parsed(text: &str) -> Experiment {
    Experiment::parse("adapted.toml".as_ref(), text, Vec::new()).unwrap()
}

fn best(run: &Run) -> RunSummary {
    run.summary.fits[0].best.clone().unwrap()
}

fn reverse(best: &RunSummary) -> f64 {
    best.divergences.estimate(DivergenceKind::ReverseKl).value
}

/// How many components there are at each logged step of a run.
fn numbers(run: &Run, which: usize, most: usize) -> Vec<usize> {
    (run.folder.trajectory("reverse-kl").unwrap().run(which))
        .map(|row| {
            let weights = &row.parameters[..most];
            let there = weights.iter().filter(|weight| !weight.is_nan());
            assert_close(there.clone().sum(), 1.0, 1e-12, "sum of the weights");
            there.count()
        })
        .collect()
}

#[test]
fn one_wide_gaussian_becomes_as_many_as_there_are() {
    for seed in 0..6 {
        let run = run_text(&format!("seed = {seed}\n{BUMPS}[adapt]\n{REVERSE}"));
        let best = best(&run);
        assert_eq!(best.diagnostics.modes.unwrap().covered, 3, "seed {seed}");
        assert_eq!(best.mixture.weights.len(), 3, "seed {seed}");
        assert!(reverse(&best) < 1e-6, "seed {seed}: {}", reverse(&best));
        let found = numbers(&run, 0, 8);
        assert_eq!(found[0], 1);
        // One more at most for each look, and none after three quarters of the steps.
        assert!(found.windows(2).all(|pair| pair[1] <= pair[0] + 1));
        assert!(found[18..].is_sorted_by(|a, b| a >= b), "{found:?}");
        assert!(found.iter().max() > Some(&3), "{found:?}");
    }
}

/// Covariances of every structure, and rules that know nothing of components: Adam and the natural gradient.
#[test]
fn other_families_and_rules_adapt_too() {
    for (family, rule, modes, most) in [
        // What correlations are worth to the three bumps is left.
        ("covariance = \"diagonal\"", "type = \"vips\"", 3, 0.1),
        ("covariance = \"isotropic\"", "type = \"vips\"", 3, 0.12),
        // One of the three is left out, of the weight 0.2.
        (
            "min_std = 0.1",
            "type = \"natural-gradient\"\nlearning_rate = 0.1",
            2,
            0.2232,
        ),
        (
            "covariance = \"low-rank\"",
            "type = \"adam\"\nlearning_rate = 0.1",
            3,
            5e-3,
        ),
    ] {
        let text = BUMPS
            .replace("components = 8", &format!("components = 8\n{family}"))
            .replace("type = \"vips\"", rule)
            .replace("steps = 240", "steps = 400");
        let run = run_text(&format!("{text}[adapt]\nevery = 20\n{REVERSE}"));
        let best = best(&run);
        let covered = best.diagnostics.modes.unwrap().covered;
        assert_eq!(covered, modes, "{family} {rule}");
        let number = best.mixture.weights.len();
        assert!((modes..=8).contains(&number), "{family} {rule}: {number}");
        assert!(reverse(&best) < most, "{family} {rule}: {}", reverse(&best));
    }
}

/// Two that start side by side on one Gaussian are one in the end, and that is exact.
#[test]
fn two_that_are_one_are_merged() {
    let run = run_text(&format!(
        "name = \"one\"\n[target]\nmean = [1.0, -2.0]\nstd = [0.5, 3.0]\n[family]\ncomponents = 2\n[init]\n\
         weights = [0.5, 0.5]\nmeans = [[0.9, -3.0], [1.2, -1.0]]\nstds = [[0.6, 3.0], [0.4, 2.5]]\n[estimator]\n\
         type = \"monte-carlo\"\nsamples = 100\ngradient = \"sticking-the-landing\"\n[optimizer]\ntype = \"vips\"\n\
         steps = 200\n[log]\nevery = 1\n[adapt]\nstart = 2\n{REVERSE}"
    ));
    let found = numbers(&run, 0, 2);
    assert_eq!(found[0], 2);
    assert_eq!(found.last(), Some(&1));
    let best = best(&run);
    assert_eq!(best.mixture.weights, [1.0]);
    // There are fewer in the end than at first.
    klfit::draw_figures(&run.folder).unwrap();
    assert!(reverse(&best) < 1e-10, "{}", reverse(&best));
}

/// One that stands where there is nothing of p goes, once it is no longer young.
#[test]
fn one_without_weight_goes() {
    let text = format!(
        "name = \"gone\"\n[target]\nmean = [0.0]\nstd = [1.0]\n[family]\ncomponents = 2\n[init]\n\
         weights = [0.9, 0.1]\nmeans = [[0.1], [40.0]]\nstds = [[1.0], [1e-3]]\n[estimator]\n\
         type = \"monte-carlo\"\nsamples = 100\ngradient = \"sticking-the-landing\"\n[optimizer]\ntype = \"vips\"\n\
         max_kl = 1e-3\nsteps = 60\n[log]\nevery = 1\n[adapt]\nstart = 2\nevery = 5\nuntil = 5\n{REVERSE}"
    );
    let found = numbers(&run_text(&text), 0, 2);
    assert_eq!(found[..15], [2; 15]);
    let gone = found.iter().position(|number| *number == 1).unwrap();
    assert_eq!(gone % 5, 0);
    let kept = text.replace("until = 5", "until = 5\nleast_weight = 0.0\nmerge_kl = 0.0");
    let found = numbers(&run_text(&kept), 0, 2);
    assert!(found.iter().all(|number| *number == 2), "{found:?}");
}

/// A component keeps its least standard deviation, and what is one with it is one.
#[test]
fn a_floor_does_not_keep_two_apart() {
    let run = run_text(&format!(
        "name = \"floor\"\n[target]\nmean = [1.0]\nstd = [0.5]\n[family]\ncomponents = 3\nmin_std = 0.3\n[init]\n\
         weights = [0.5, 0.5]\nmeans = [[0.9], [1.1]]\nstds = [[0.5], [0.5]]\n[estimator]\ntype = \"quadrature\"\n\
         [optimizer]\ntype = \"vips\"\nsteps = 100\n[adapt]\nstart = 2\n{REVERSE}"
    ));
    let best = best(&run);
    assert_eq!(best.mixture.weights, [1.0]);
    assert!(reverse(&best) < 1e-8, "{}", reverse(&best));
}

/// A merge comes in the middle of an average, which begins anew: three components on two bumps, two of them on one.
#[test]
fn averages_do_not_go_over_a_merge() {
    let run = run_text(
        "name = \"merge\"\nseed = 1\n[target]\nweights = [0.5, 0.5]\nmeans = [[-4.0], [4.0]]\nstds = [[1.0], [3.0]]\n\
         [family]\ncomponents = 3\n[init]\nweights = [0.5, 0.25, 0.25]\nmeans = [[-4.0], [2.0], [5.0]]\n\
         stds = [[1.0], [0.95], [0.95]]\n[optimizer]\ntype = \"adam\"\nlearning_rate = 0.02\nsteps = 4000\n\
         [estimator]\ntype = \"monte-carlo\"\nsamples = 128\n[adapt]\nstart = 3\nuntil = 10\nmerge_kl = 5e-6\n\
         [stop]\nprecision = 0.01\nwindow = 100\n[log]\nevery = 10\n[[fit]]\ndivergence = \"reverse-kl\"\n",
    );
    let found = numbers(&run, 0, 3);
    // Long after the first hundred iterates, and before the last.
    let merged = found.iter().position(|number| *number == 2).unwrap();
    assert!(merged > 20 && found.last() == Some(&2), "{merged}");
    let best = best(&run);
    assert!(reverse(&best) < 1e-4, "{}", reverse(&best));
}

/// A run that averages its iterates begins anew when what they are of has changed.
#[test]
fn averages_are_of_one_number_of_components() {
    let of = |seed: u64| {
        let run = run_text(&format!(
            "name = \"averaged\"\nseed = {seed}\n[target]\nweights = [0.5, 0.5]\nmeans = [[-4.0], [4.0]]\n\
             stds = [[1.0], [0.5]]\n[init]\nmean = [0.0]\nstd = [4.0]\n[family]\ncomponents = 4\n[estimator]\n\
             type = \"monte-carlo\"\nsamples = 200\n[optimizer]\ntype = \"vips\"\nsteps = 6000\n[stop]\n\
             precision = 0.05\n[adapt]\nuntil = 100\n{REVERSE}"
        ));
        best(&run)
    };
    let ends = [0, 1, 2].map(of);
    assert!(ends.iter().all(|end| reverse(end) < 2e-3));
    let stopped = ends
        .iter()
        .filter(|end| matches!(end.stop, klfit::Stop::Averaged { .. }));
    assert!(stopped.count() >= 2, "{:?}", ends.map(|end| end.stop));
}

/// A run sees no other, whatever comes and goes there.
#[test]
fn a_run_does_not_depend_on_the_others() {
    let text = BUMPS.replace("[init]\nmean = [0.0, 0.0]\nstd = [20.0, 20.0]\n", "");
    let of =
        |restarts: usize| run_text(&format!("restarts = {restarts}\n{text}[adapt]\n{REVERSE}"));
    let (one, three) = (of(1), of(3));
    let rows = |run: &Run| -> Vec<Vec<u64>> {
        let trajectory = run.folder.trajectory("reverse-kl").unwrap();
        let rows = trajectory.run(0);
        rows.map(|row| row.parameters.iter().map(|x| x.to_bits()).collect())
            .collect()
    };
    assert_eq!(rows(&one), rows(&three));
    // They differ among themselves, so that this says something.
    assert_ne!(numbers(&three, 0, 8), numbers(&three, 1, 8));
}

#[test]
fn a_fit_goes_on_to_the_bit() {
    let experiment = parsed(&format!("restarts = 2\n{BUMPS}[adapt]\n{REVERSE}"));
    compare(&experiment, &[1, 8, 3, 20, 41]);
    let adam = BUMPS.replace("type = \"vips\"", "type = \"adam\"\nlearning_rate = 0.1");
    compare(&parsed(&format!("{adam}[adapt]\n{REVERSE}")), &[15, 10, 40]);
}

/// What is told of evaluations is what a program is asked for; what is logged are as many points for any number of
/// components.
#[test]
fn looks_are_paid_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("count");
    let took = [21, 61].map(|steps| {
        let fit = format!(
            "divergence = \"reverse-kl\"\nestimator = {{ type = \"monte-carlo\", samples = 64 }}\n\
             family = {{ components = 6 }}\nadapt = {{ until = 20 }}\n\
             init = {{ mean = [3.0, 3.0, 3.0], std = [5.0, 5.0, 5.0] }}\n\
             optimizer = {{ type = \"vips\", steps = {steps} }}\n"
        );
        let fit = match steps {
            61 => fit.replace("until = 20", "until = 50"),
            _ => fit,
        };
        let arguments = ["gaussian", "--counts", file.to_str().unwrap()];
        let text = programs::experiment(&arguments, "dim = 3", &fit);
        programs::run(
            &folder,
            &format!("{text}[log]\nevery = 100\nsamples = 5040\n"),
        );
        let asked: u64 = fs::read_to_string(&file).unwrap().parse().unwrap();
        let table =
            fs::read_to_string(folder.path().join("run/reverse-kl/trajectory.csv")).unwrap();
        let told = table.lines().last().unwrap();
        let told: Vec<&str> = told.split(',').collect();
        [3, 4]
            .map(|column| told[column].parse::<u64>().unwrap())
            .map(|told| [asked, told])
    });
    let [asked, told] = [0, 1].map(|which| took[1][0][which] - took[0][0][which]);
    assert_eq!(asked, told, "{took:?}");
    // Forty steps, and three looks more that add at a hundred candidates each.
    let steps = 40 * 66;
    assert!(told >= steps + 300 && told < steps + 3 * 600, "{told}");
    assert_eq!(took[1][1][1] - took[0][1][1], steps);
}

/// The files know a K that changes: empty cells where a component is not there, and q of those that are.
#[test]
fn files_and_figures_know_a_changing_number() {
    let run = run_text(&format!("restarts = 2\n{BUMPS}[adapt]\n{REVERSE}"));
    let table = fs::read_to_string(run.folder.path().join("reverse-kl/trajectory.csv")).unwrap();
    let header: Vec<&str> = table.lines().next().unwrap().split(',').collect();
    let of_last = |name: &str| -> Vec<String> {
        let at = header.iter().position(|column| *column == name).unwrap();
        (table.lines().skip(1))
            .map(|line| line.split(',').nth(at).unwrap().to_owned())
            .collect()
    };
    // Of one component, all cells of a row are there or none.
    for k in 1..=8 {
        let cells = ["weight", "mean", "std", "corr"].map(|kind| match kind {
            "weight" => of_last(&format!("weight_{k}")),
            "corr" => of_last(&format!("corr_{k}_x1_x2")),
            kind => of_last(&format!("{kind}_{k}_x2")),
        });
        for row in 0..cells[0].len() {
            let empty = cells.each_ref().map(|cells| cells[row].is_empty());
            assert!(empty.iter().all(|one| *one == empty[0]), "{k} {row}");
        }
        assert!(k == 1 || cells[0][0].is_empty());
    }
    let q = Mixture::try_from(&best(&run).mixture).unwrap();
    assert_eq!(q.components(), 3);
    let figures = klfit::draw_figures(&run.folder).unwrap();
    let names: Vec<&str> = (figures.iter())
        .filter_map(|path| path.file_name()?.to_str())
        .collect();
    assert!(names.contains(&"components.svg"), "{names:?}");
    let folder = run.folder.path();
    let refused = klfit::survey_run(
        &run.folder,
        &LandscapeConfig::default(),
        &klfit::settings::FiguresConfig::default(),
        None,
        &mut (),
    );
    assert!(refused.unwrap_err().to_string().contains("come and go"));
    klfit::report(&[folder.to_owned()], &folder.join("report")).unwrap();
    let page = fs::read_to_string(folder.join("report/report.html")).unwrap();
    assert!(page.contains("components come and go"));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let told = |text: &str| {
        let error = Experiment::parse("adapted.toml".as_ref(), text, Vec::new()).unwrap_err();
        error.to_string()
    };
    for (adapt, expected) in [
        ("start = 0", "there may be 1 to 8"),
        ("start = 9", "there may be 1 to 8"),
        ("every = 0", "`adapt.every` is 0"),
        ("until = 240", "with a look every 10 of 240 steps"),
        ("until = 9", "with a look every 10 of 240 steps"),
        ("candidates = 1", "`adapt.candidates` is 1"),
        ("least_weight = 1.0", "below 1"),
        ("least_weight = -0.5", "at least 0"),
        ("merge_kl = -1.0", "must not be negative"),
        ("speed = 1.0", "not a key"),
    ] {
        let found = told(&format!("{BUMPS}[adapt]\n{adapt}\n{REVERSE}"));
        assert!(found.contains(expected), "{adapt}: {found}");
    }
    let whole = format!("{BUMPS}[adapt]\n{REVERSE}");
    for (from, to, expected) in [
        ("components = 8", "components = 1", "mixtures of up to 1"),
        (
            "components = 8",
            "components = 2\nweights = [0.5, 0.5]",
            "weights that are learned",
        ),
        ("type = \"vips\"", "type = \"lbfgs\"", "compares"),
        (
            "mean = [0.0, 0.0]\nstd = [20.0, 20.0]",
            "weights = [0.5, 0.5]\nmeans = [[0.0, 0.0], [1.0, 1.0]]\nstds = [[1.0, 1.0], [1.0, 1.0]]",
            "2 components and the family 1",
        ),
    ] {
        let found = told(&whole.replace(from, to));
        assert!(found.contains(expected), "{to}: {found}");
    }
    let chained = format!(
        "{whole}label = \"wide\"\n[[fit]]\ndivergence = \"reverse-kl\"\ninit = {{ fit = \"wide\" }}\n"
    );
    let found = told(&chained);
    assert!(found.contains("not known how many components"), "{found}");
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/configs/data/iris.csv");
    let rows = format!(
        "name = \"rows\"\n[target]\nfile = {file:?}\n[family]\ncomponents = 4\n\
                [optimizer]\ntype = \"vips\"\nsteps = 100\n[adapt]\n[[fit]]\ndivergence = \"forward-kl\"\n"
    );
    let found = told(&rows);
    assert!(found.contains("rows have no density"), "{found}");
    let found = told(&format!("{whole}[landscape]\n"));
    assert!(found.contains("come and go"), "{found}");
    // It may start where an earlier fit of as many ended.
    let after = BUMPS.replace("[init]\nmean = [0.0, 0.0]\nstd = [20.0, 20.0]\n", "");
    let after = format!(
        "{after}[[fit]]\nlabel = \"one\"\ndivergence = \"forward-kl\"\nfamily = {{ components = 1 }}\nrestarts = 1\n\
         estimator = {{ type = \"gauss-hermite\" }}\noptimizer = {{ type = \"lbfgs\", steps = 20 }}\n\
         [[fit]]\nlabel = \"many\"\ndivergence = \"reverse-kl\"\ninit = {{ fit = \"one\" }}\nadapt = {{}}\n"
    );
    let run = run(&parsed(&after));
    let many = run.summary.fits[1].best.clone().unwrap();
    assert_eq!(many.mixture.weights.len(), 3);
}
