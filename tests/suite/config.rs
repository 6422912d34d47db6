//! What a config may say, and what becomes of it: types, defaults, shared sections, files, sweeps.

use std::fs;
use std::path::{Path, PathBuf};

use klfit::settings::{InitKind, MomentMatch, Random, TargetKind};
use klfit::{
    DivergenceKind, EstimatorRule, Existing, Experiment, Mixture, OptimizerRule, Override,
    RunFolder, Start, Sweep, TargetModel,
};
use serde_json::Value;

use crate::support::run;

/// A place in the folder of the tests' data, where the files that configs name are.
fn beside_data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/test.toml")
}

#[track_caller]
fn parsed(text: &str) -> Experiment {
    match Experiment::parse(&beside_data(), text, Vec::new()) {
        Ok(experiment) => experiment,
        Err(error) => panic!("{error}\n{}\n{text}", error.help().unwrap_or_default()),
    }
}

const LINE: &str = "[target]\nmean = [1.0]\nstd = [2.0]\n";
const FORWARD: &str = "[[fit]]\ndivergence = \"forward-kl\"\n";

/// Asserts that two experiments are the same, but for what they say of how they came about.
#[track_caller]
fn assert_same(a: &Experiment, b: &Experiment) {
    assert_eq!(a.config, b.config);
    assert_eq!(a.target, b.target);
    assert_eq!(a.plans, b.plans);
}

#[test]
fn defaults_are_written_down() {
    let experiment = parsed(&format!("name = \"least\"\n{LINE}{FORWARD}"));
    let found: toml::Table = experiment.to_toml().unwrap().parse().unwrap();
    let expected: toml::Table = r#"
        name = "least"
        seed = 0
        [device]
        backend = "flex"
        precision = "f64"
        [log]
        every = 10
        samples = 4096
        [checkpoint]
        every_seconds = 30.0
        [target]
        type = "mixture"
        mean = [1.0]
        std = [2.0]
        [[fit]]
        divergence = "forward-kl"
        restarts = 16
        [fit.family]
        components = 1
        covariance = "full"
        min_std = 0.0
        [fit.estimator]
        type = "quadrature"
        gradient = "pathwise"
        [fit.optimizer]
        type = "adam"
        learning_rate = 0.05
        steps = 1000
        schedule = "constant"
        warmup = 0
        beta1 = 0.9
        beta2 = 0.999
        epsilon = 1e-8
    "#
    .parse()
    .unwrap();
    assert_eq!(found, expected);
}

/// Defaults that depend on another choice.
#[test]
fn defaults_follow_the_choices_they_depend_on() {
    let fit = |target: &str, sections: &str| {
        let text = format!("name = \"defaults\"\n{target}{sections}{FORWARD}");
        let resolved: toml::Table = parsed(&text).to_toml().unwrap().parse().unwrap();
        let found = resolved["fit"][0].clone();
        move |section: &str, key: &str| found[section].get(key).map(ToString::to_string)
    };
    let some = |text: &str| Some(text.to_owned());
    let plane = "[target]\nmean = [0.0, 0.0]\nstd = [1.0, 1.0]\n";
    let cube = "[target]\nmean = [0.0, 0.0, 0.0]\nstd = [1.0, 1.0, 1.0]\n";
    // Points that are left out are refined where they do not do: to write them down would end that.
    assert_eq!(fit(plane, "")("estimator", "points"), None);
    let hermite = fit(cube, "[estimator]\ntype = \"gauss-hermite\"\n");
    assert_eq!(hermite("estimator", "order"), None);
    let above = fit(cube, "");
    assert_eq!(above("estimator", "type"), some("\"monte-carlo\""));
    assert_eq!(above("estimator", "samples"), some("1024"));
    assert_eq!(above("estimator", "noise"), some("\"fresh\""));
    let rows = fit("[target]\nfile = \"iris.csv\"\n", "");
    assert_eq!(rows("estimator", "type"), some("\"rows\""));
    for (rule, rate) in [
        ("adamw", some("0.05")),
        ("sgd", some("0.1")),
        ("rmsprop", some("0.01")),
        ("natural-gradient", some("0.1")),
        ("lbfgs", None),
        ("em", None),
        ("vips", None),
    ] {
        let found = fit(LINE, &format!("[optimizer]\ntype = \"{rule}\"\n"));
        assert_eq!(found("optimizer", "learning_rate"), rate, "{rule}");
    }
    let lbfgs = fit(LINE, "[optimizer]\ntype = \"lbfgs\"\n");
    assert_eq!(lbfgs("stop", "gradient_norm"), some("0.00000001"));
    let rest = fit(LINE, "[stop]\nloss_change = 0.5\n");
    assert_eq!(rest("stop", "window"), some("10"));
    let precise = fit(
        LINE,
        "[estimator]\ntype = \"monte-carlo\"\n[stop]\nprecision = 0.5\n",
    );
    assert_eq!(precise("stop", "window"), some("200"));
    let low_rank = fit(plane, "[family]\ncovariance = \"low-rank\"\n");
    assert_eq!(low_rank("family", "rank"), some("1"));
}

/// Every kind of target, in two dimensions.
const TARGETS: [&str; 8] = [
    "[target]\nmean = [0.1, 0.2]\nstd = [1.0, 0.3]\n",
    "[target]\nmean = [0.1, 0.2]\ncovariance = [[1.1, 0.3], [0.3, 0.7]]\n",
    "[target]\nmean = [0.1, 0.2]\nscale_tril = [[1.1, 0.0], [0.3, 0.7]]\n",
    "[target]\nweights = [0.3, 0.7]\nmeans = [[0.1, 0.2], [1.0, 2.0]]\nstds = [[1.0, 0.3], [0.1, 0.7]]\n",
    "[target]\nweights = [0.3, 0.7]\nmeans = [[0.1, 0.2], [1.0, 2.0]]\n\
     covariances = [[[1.1, 0.3], [0.3, 0.7]], [[1.0, 0.0], [0.0, 2.0]]]\n",
    "[target]\nweights = [0.3, 0.7]\nmeans = [[0.1, 0.2], [1.0, 2.0]]\n\
     scale_trils = [[[1.1, 0.0], [0.3, 0.7]], [[1.0, 0.0], [0.1, 2.0]]]\n",
    "[target]\ndof = 4.5\nmean = [0.1, 0.2]\nstd = [1.0, 0.3]\n",
    "[target]\nequations = [\"x = 1 + 0.3 y\", \"y = -2\"]\nstds = [0.1, 0.7]\n",
];

/// Every key of every type of every section, for a target with a density in two dimensions.
const FITS: &str = r#"
restarts = 3
[family]
components = 2
min_std = 0.001
[optimizer]
steps = 7
[device]
precision = "f32"
backend = "flex"
[log]
every = 2
samples = 128
[[fit]]
label = "one"
divergence = "forward-kl"
family = { covariance = "diagonal", weights = [0.25, 0.75] }
init = { type = "random" }
estimator = { type = "quadrature", points = 31, gradient = "pathwise" }
optimizer = { type = "adam", learning_rate = 0.01, schedule = "linear", final_rate = 0.3, warmup = 2, clip = 4.0, beta1 = 0.8, beta2 = 0.95, epsilon = 1e-7 }
stop = { gradient_norm = 1e-5, loss_change = 1e-9, window = 4 }
[[fit]]
divergence = "reverse-kl"
family = { covariance = "isotropic" }
init = { type = "k-means" }
estimator = { type = "gauss-hermite", order = 9, gradient = "sticking-the-landing" }
optimizer = { type = "adamw", weight_decay = 0.02, beta1 = 0.8, beta2 = 0.95, epsilon = 1e-7 }
[[fit]]
divergence = "js"
family = { covariance = "low-rank", rank = 2 }
init = { type = "moment-match" }
estimator = { type = "monte-carlo", samples = 64, gradient = "score-function", noise = "fresh" }
optimizer = { type = "sgd", momentum = 0.5, nesterov = true, schedule = "cosine" }
stop = { precision = 0.05, window = 50 }
[[fit]]
divergence = "jeffreys"
family = { components = 1 }
init = { mean = [0.7, 0.1], covariance = [[1.0, 0.2], [0.2, 1.5]] }
estimator = { type = "quasi-monte-carlo", samples = 64, noise = "fixed" }
optimizer = { type = "rmsprop", decay = 0.9, momentum = 0.1, epsilon = 1e-6, centered = true, schedule = "exponential", final_rate = 0.5 }
[[fit]]
divergence = "alpha"
alpha = 0.3
estimator = { type = "monte-carlo", noise = "fixed" }
optimizer = { type = "lbfgs", history = 5 }
[[fit]]
divergence = "renyi"
alpha = 0.7
init = { weights = [0.1, 0.9], means = [[0.0, 0.1], [0.3, 1.0]], stds = [[1.0, 0.1], [0.3, 0.7]] }
optimizer = { type = "natural-gradient", max_kl = 0.03 }
[[fit]]
divergence = "squared-hellinger"
[[fit]]
divergence = "total-variation"
[[fit]]
divergence = "forward-kl"
estimator = { type = "quasi-monte-carlo", samples = 64, noise = "fixed" }
optimizer = { type = "em", squarem = false }
[[fit]]
divergence = "reverse-kl"
family = { components = 2, covariance = "diagonal" }
optimizer = { type = "vips", max_kl = 0.2, max_weights_kl = 0.02 }
[[fit]]
divergence = "reverse-kl"
family = { components = 1 }
estimator = { type = "monte-carlo", samples = 64 }
optimizer = { type = "batch-and-match", lambda = 30.5 }
"#;

#[test]
fn a_resolved_config_is_the_experiment_it_came_from() {
    let mut rules = Vec::new();
    for target in TARGETS {
        let (top, sections) = FITS.split_at(FITS.find("[family]").unwrap());
        let text = format!("name = \"whole\"\nseed = 9\n{top}{target}{sections}");
        let experiment = parsed(&text);
        let resolved = experiment.to_toml().unwrap();
        let again = parsed(&resolved);
        assert_same(&experiment, &again);
        assert_eq!(again.to_toml().unwrap(), resolved);
        rules = experiment.plans;
    }
    // Nothing was left out above.
    for rule in EstimatorRule::all()
        .iter()
        .filter(|rule| rule.name() != "rows")
    {
        assert!(
            rules
                .iter()
                .any(|plan| plan.estimator.rule.name() == rule.name())
        );
    }
    for rule in OptimizerRule::all() {
        assert!(
            rules
                .iter()
                .any(|plan| plan.optimizer.rule.name() == rule.name())
        );
    }
    assert_eq!(rules.len(), 11);
}

#[test]
fn saved_mixtures_stand_in_the_resolved_config_itself() {
    let text = format!(
        "name = \"saved\"\n[target]\nfile = \"scikit-learn/full.npz\"\n[family]\ncomponents = 2\n\
         [init]\nfile = \"scikit-learn/tied.json\"\n{FORWARD}"
    );
    let experiment = parsed(&text);
    let resolved = experiment.to_toml().unwrap();
    assert!(!resolved.contains("scikit-learn"), "{resolved}");
    let elsewhere = Path::new("no/such/folder/test.toml");
    let again = Experiment::parse(elsewhere, &resolved, Vec::new()).unwrap();
    assert_same(&experiment, &again);
}

#[test]
fn types_follow_from_the_keys() {
    let folder = tempfile::tempdir().unwrap();
    for (from, to) in [
        ("iris.csv", "ROWS.CSV"),
        ("numpy/double.npy", "rows.npy"),
        ("scikit-learn/full.json", "m.json"),
    ] {
        fs::copy(beside_data().with_file_name(from), folder.path().join(to)).unwrap();
    }
    let path = folder.path().join("types.toml");
    let kind = |target: &str| {
        let text = format!("name = \"types\"\n[target]\n{target}\n{FORWARD}");
        let experiment = Experiment::parse(&path, &text, Vec::new()).unwrap();
        let text: toml::Table = experiment.to_toml().unwrap().parse().unwrap();
        (
            text["target"]["type"].as_str().unwrap().to_owned(),
            experiment.target,
        )
    };
    let (name, target) = kind("mean = [0.0]\nstd = [1.0]");
    assert!(name == "mixture" && matches!(target, TargetModel::Mixture(_)));
    let (name, target) = kind("equations = [\"x = 1\", \"y = 2 x\"]\nstds = [1.0]");
    assert!(name == "linear-gaussian" && target.dim() == 2);
    let (name, target) = kind("dof = 3\nmean = [0.0]\nstd = [1.0]");
    assert!(name == "student-t" && matches!(target, TargetModel::StudentT(_)));
    for file in ["ROWS.CSV", "rows.npy"] {
        let (name, target) = kind(&format!("file = \"{file}\""));
        assert!(name == "samples" && target.as_samples().is_some(), "{file}");
    }
    let (name, target) = kind("file = \"m.json\"");
    assert!(name == "mixture" && target.components() == 2);

    let init = |init: &str| {
        let text = format!("name = \"types\"\n{LINE}[init]\n{init}\n{FORWARD}");
        parsed(&text).config.fit[0].init.clone().unwrap().kind
    };
    assert!(matches!(
        init("mean = [0.0]\nstd = [1.0]"),
        InitKind::Given(_)
    ));
    assert!(matches!(init(""), InitKind::Random(_)));
}

#[test]
fn paths_start_at_the_folder_of_the_config() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("configs/deep");
    fs::create_dir_all(&inside).unwrap();
    let rows = folder.path().join("rows.csv");
    fs::write(&rows, "a,b\n1,2\n3,5\n4,4\n").unwrap();
    let config = inside.join("paths.toml");
    for file in ["../../rows.csv", rows.to_str().unwrap()] {
        fs::write(
            &config,
            format!("name = \"paths\"\n[target]\nfile = \"{file}\"\n{FORWARD}"),
        )
        .unwrap();
        let experiment = Experiment::load(&config, Vec::new()).unwrap();
        let samples = experiment.target.as_samples().unwrap();
        assert_eq!(samples.rows(), [1.0, 2.0, 3.0, 5.0, 4.0, 4.0]);
        assert_eq!(samples.names(), ["a", "b"]);
        let TargetKind::Samples(kept) = &experiment.config.target.kind else {
            panic!("{:?}", experiment.config.target)
        };
        assert_eq!(kept.file, Path::new(file));
    }
    fs::write(
        &config,
        format!("name = \"paths\"\n[target]\nfile = \"rows.csv\"\n{FORWARD}"),
    )
    .unwrap();
    assert!(Experiment::load(&config, Vec::new()).is_err());
}

#[test]
fn the_folder_of_a_run_needs_no_other_file() {
    let folder = tempfile::tempdir().unwrap();
    let rows = folder.path().join("rows.csv");
    // Numbers that a sloppy writer would not give back.
    fs::write(
        &rows,
        "a b,\"c,d\"\n0.1,1e-300\n0.30000000000000004,2\n-7,3.5\n1e22,4\n",
    )
    .unwrap();
    let config = folder.path().join("rows.toml");
    let text = format!(
        "name = \"rows\"\nseed = 5\nrestarts = 2\n[target]\nfile = \"rows.csv\"\n[optimizer]\nsteps = 6\n{FORWARD}\
         [[fit]]\ndivergence = \"forward-kl\"\nestimator = {{ type = \"monte-carlo\", samples = 4 }}\n"
    );
    fs::write(&config, text).unwrap();
    let experiment = Experiment::load(&config, Vec::new()).unwrap();
    assert_eq!(experiment.plans[0].divergence, DivergenceKind::CrossEntropy);
    let first = run(&experiment);
    fs::remove_file(&rows).unwrap();
    let again = first.folder.experiment().unwrap();
    assert_eq!(again.target, experiment.target);
    assert_eq!(again.plans, experiment.plans);
    let second = run(&again);
    for file in [
        "config.toml",
        "target.csv",
        "cross-entropy/restarts.csv",
        "cross-entropy-2/restarts.csv",
    ] {
        let read =
            |run: &crate::support::Run| fs::read_to_string(run.folder.path().join(file)).unwrap();
        assert_eq!(read(&first), read(&second), "{file}");
    }
    let target = fs::read_to_string(first.folder.path().join("target.csv")).unwrap();
    assert!(target.starts_with("a b,\"c,d\"\n"), "{target}");
}

#[test]
fn an_earlier_run_is_a_target_and_a_start() {
    let text = format!(
        "name = \"earlier\"\nrestarts = 1\n{LINE}[optimizer]\nsteps = 4\n{FORWARD}[[fit]]\ndivergence = \"js\"\n"
    );
    let earlier = run(&parsed(&text));
    let folder = earlier.folder.path();
    let best = |i: usize| {
        let best = earlier.summary.fits[i].best.as_ref().unwrap();
        Mixture::try_from(&best.mixture).unwrap()
    };
    for file in [folder.to_owned(), folder.join("summary.json")] {
        let file = file.to_str().unwrap();
        let text = format!(
            "name = \"later\"\n[target]\nfile = \"{file}\"\nfit = \"js\"\n\
             [init]\nfile = \"{file}\"\nfit = \"forward-kl\"\n{FORWARD}"
        );
        let later = parsed(&text);
        assert_eq!(later.target, TargetModel::Mixture(best(1)));
        assert_eq!(later.plans[0].start, Start::Given(Box::new(best(0))));
    }
}

#[test]
fn mixtures_of_scikit_learn_are_targets_and_starts() {
    let text =
        fs::read_to_string(beside_data().with_file_name("scikit-learn/expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let numbers = |value: &Value| -> Vec<f64> {
        value
            .as_array()
            .unwrap()
            .iter()
            .map(|x| x.as_f64().unwrap())
            .collect()
    };
    let points: Vec<Vec<f64>> = expected["points"]
        .as_array()
        .unwrap()
        .iter()
        .map(numbers)
        .collect();
    for (kind, covariance) in [
        ("full", "full"),
        ("tied", "full"),
        ("diag", "diagonal"),
        ("spherical", "isotropic"),
    ] {
        let log_densities = numbers(&expected["log_density"][kind]);
        for extension in ["json", "npz"] {
            let text = format!(
                "name = \"sklearn\"\n[target]\nfile = \"scikit-learn/{kind}.{extension}\"\n\
                 [family]\ncomponents = 2\ncovariance = \"{covariance}\"\n\
                 [init]\nfile = \"scikit-learn/{kind}.{extension}\"\n{FORWARD}"
            );
            let experiment = parsed(&text);
            let Start::Given(start) = &experiment.plans[0].start else {
                panic!("{:?}", experiment.plans[0].start)
            };
            for (point, expected) in points.iter().zip(&log_densities) {
                let target = experiment.target.log_density(point).unwrap();
                assert!(
                    (target - expected).abs() < 1e-9,
                    "{kind}: {target}, not {expected}"
                );
                let start = start.log_density(point);
                assert!(
                    (start - expected).abs() < 1e-9,
                    "{kind}: {start}, not {expected}"
                );
            }
        }
    }
}

/// What a fit starts from, where shared sections and its own say several things.
#[test]
fn a_start_of_the_fit_and_one_for_all_do_not_mix() {
    let start = |shared: &str, own: &str| {
        let (top, sections) = match shared.find('[') {
            Some(at) => shared.split_at(at),
            None => (shared, ""),
        };
        let text = format!(
            "name = \"start\"\n{top}{LINE}[family]\ncomponents = 2\n{sections}[[fit]]\n\
             divergence = \"js\"\n{own}"
        );
        let experiment = parsed(&text);
        let again = parsed(&experiment.to_toml().unwrap());
        assert_same(&experiment, &again);
        assert!(again.notes.is_empty(), "{:?}", again.notes);
        let plan = &experiment.plans[0];
        let kind = match &plan.start {
            Start::Each(_) => unreachable!("no config asks for it"),
            Start::Drawn { rule, .. } => rule.name(),
            Start::Given(_) | Start::Begun(..) => "given",
            Start::EndOf(_) => "end",
        };
        (kind, plan.start.runs(), experiment.notes.len())
    };
    let two = "weights = [0.5, 0.5]\nmeans = [[0.0], [1.0]]\nstds = [[1.0], [1.0]]\n";
    let given = &format!("[init]\n{two}");
    let own = &format!("[fit.init]\n{two}");
    let means = "[init]\ntype = \"k-means\"\n";
    let own_means = "init = { type = \"k-means\" }\n";
    assert_eq!(start("", ""), ("random", 16, 0));
    assert_eq!(start("restarts = 5\n", ""), ("random", 5, 0));
    assert_eq!(start("restarts = 5\n", "restarts = 3\n"), ("random", 3, 0));
    // One start for all, and a fit that wants several.
    assert_eq!(start(given, ""), ("given", 1, 0));
    assert_eq!(start(given, "restarts = 3\n"), ("random", 3, 0));
    assert_eq!(start(given, own_means), ("k-means", 16, 0));
    assert_eq!(start(given, "init = {}\n"), ("random", 16, 0));
    assert_eq!(
        start(given, "init = { type = \"moment-match\" }\nrestarts = 4\n"),
        ("moment-match", 4, 0)
    );
    // Several for all, and a fit that has one.
    assert_eq!(start("restarts = 5\n", own), ("given", 1, 0));
    assert_eq!(start(means, own), ("given", 1, 0));
    assert_eq!(
        start(&format!("restarts = 5\n{means}"), own),
        ("given", 1, 0)
    );
    // Restarts of a kind that has several are its count.
    assert_eq!(start(means, "restarts = 3\n"), ("k-means", 3, 0));
    assert_eq!(
        start(&format!("restarts = 5\n{means}"), ""),
        ("k-means", 5, 0)
    );
    assert_eq!(start("restarts = 5\n", own_means), ("k-means", 5, 0));
    // Both in one place is told, and one start is one.
    assert_eq!(
        start(&format!("restarts = 5\n{given}"), ""),
        ("given", 1, 1)
    );
    assert_eq!(start("", &format!("restarts = 5\n{own}")), ("given", 1, 1));
    assert_eq!(
        start(&format!("restarts = 1\n{given}"), ""),
        ("given", 1, 0)
    );
    // A saved start is one as well.
    let saved = "[init]\nfile = \"scikit-learn/full.json\"\n";
    let text = |own: &str| {
        format!(
            "name = \"start\"\n[target]\nfile = \"scikit-learn/full.json\"\n[family]\ncomponents = 2\n\
             {saved}[[fit]]\ndivergence = \"js\"\n{own}"
        )
    };
    assert_eq!(parsed(&text("")).plans[0].start.runs(), 1);
    assert_eq!(
        parsed(&text("restarts = 3\n")).plans[0].start,
        Start::drawn(Random {}, 3)
    );
}

#[test]
fn one_gaussian_of_the_targets_moments_is_one_start() {
    let text =
        format!("name = \"one\"\nrestarts = 5\n{LINE}[init]\ntype = \"moment-match\"\n{FORWARD}");
    assert_eq!(
        parsed(&text).plans[0].start,
        Start::drawn(MomentMatch {}, 1)
    );
}

#[test]
fn a_fit_takes_of_a_shared_section_what_it_does_not_say_itself() {
    let text = format!(
        "name = \"merge\"\n{LINE}[family]\ncovariance = \"diagonal\"\nmin_std = 0.1\n\
         [estimator]\ntype = \"monte-carlo\"\nsamples = 32\nnoise = \"fixed\"\n\
         [optimizer]\nlearning_rate = 0.7\nsteps = 7\nbeta1 = 0.5\nclip = 3.0\n\
         [stop]\nloss_change = 0.5\nwindow = 3\n\
         [[fit]]\ndivergence = \"js\"\n\
         [[fit]]\ndivergence = \"js\"\nfamily = {{ components = 2 }}\nestimator = {{ samples = 64 }}\n\
         optimizer = {{ type = \"adam\", beta2 = 0.9 }}\nstop = {{ window = 5 }}\n\
         [[fit]]\ndivergence = \"js\"\nestimator = {{ type = \"quadrature\" }}\noptimizer = {{ type = \"sgd\" }}\n"
    );
    let resolved: toml::Table = parsed(&text).to_toml().unwrap().parse().unwrap();
    let of = |fit: usize, section: &str, key: &str| {
        let found = resolved["fit"][fit][section].get(key);
        found.map_or("none".to_owned(), ToString::to_string)
    };
    for (section, key, expected) in [
        (
            "family",
            "covariance",
            ["\"diagonal\"", "\"diagonal\"", "\"diagonal\""],
        ),
        ("family", "min_std", ["0.1", "0.1", "0.1"]),
        ("family", "components", ["1", "2", "1"]),
        ("estimator", "samples", ["32", "64", "none"]),
        ("estimator", "noise", ["\"fixed\"", "\"fixed\"", "none"]),
        ("estimator", "points", ["none", "none", "none"]),
        ("optimizer", "learning_rate", ["0.7", "0.7", "0.1"]),
        ("optimizer", "steps", ["7", "7", "7"]),
        ("optimizer", "beta1", ["0.5", "0.5", "none"]),
        ("optimizer", "beta2", ["0.999", "0.9", "none"]),
        ("optimizer", "clip", ["3.0", "3.0", "none"]),
        ("stop", "loss_change", ["0.5", "0.5", "0.5"]),
        ("stop", "window", ["3", "5", "3"]),
    ] {
        assert_eq!(
            [0, 1, 2].map(|fit| of(fit, section, key)),
            expected,
            "{section}.{key}"
        );
    }
}

#[test]
fn overrides_go_on_top_of_shared_sections_and_fits() {
    let text = format!(
        "name = \"set\"\n{LINE}[optimizer]\nsteps = 7\n{FORWARD}[[fit]]\ndivergence = \"js\"\n\
         optimizer = {{ steps = 9 }}\n"
    );
    let steps = |set: &[&str]| -> Vec<usize> {
        let overrides = set
            .iter()
            .map(|one| Override::parse(one).unwrap())
            .collect();
        let experiment = Experiment::parse(&beside_data(), &text, overrides).unwrap();
        experiment
            .plans
            .iter()
            .map(|plan| plan.optimizer.steps)
            .collect()
    };
    assert_eq!(steps(&[]), [7, 9]);
    assert_eq!(steps(&["optimizer.steps=3"]), [3, 3]);
    assert_eq!(steps(&["fit[1].optimizer.steps=3"]), [3, 9]);
    assert_eq!(
        steps(&["optimizer.steps=3", "fit[2].optimizer.steps=4"]),
        [3, 4]
    );
    assert_eq!(
        steps(&["fit[2].optimizer.steps=4", "optimizer.steps=3"]),
        [3, 3]
    );
    assert_eq!(steps(&["fit[2].optimizer={ steps = 4 }"]), [7, 4]);
}

const SWEPT: &str = "name = \"swept\"\nrestarts = 2\n[target]\nmean = [1.0]\nstd = [2.0]\n\
    [optimizer]\nsteps = 9\n[[fit]]\ndivergence = \"forward-kl\"\n[[fit]]\ndivergence = \"js\"\n";

fn sweep(text: &str, set: &[&str]) -> Sweep {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("swept.toml");
    fs::write(&path, format!("{SWEPT}{text}")).unwrap();
    let overrides: Vec<Override> = set
        .iter()
        .map(|one| Override::parse(one).unwrap())
        .collect();
    let sweep = Sweep::load(&path, &overrides).unwrap().unwrap();
    // Each point is what `--set` makes of the config.
    for point in &sweep.points {
        let mut all = overrides.clone();
        let settings = point.settings.iter();
        all.extend(
            settings.map(|(key, value)| Override::parse(&format!("{key}={value}")).unwrap()),
        );
        all.retain(|one| !one.from.starts_with("--set sweep."));
        let set = Experiment::load(&path, all).unwrap();
        assert_same(&point.experiment, &set);
    }
    sweep
}

fn labels(sweep: &Sweep) -> Vec<&str> {
    sweep
        .points
        .iter()
        .map(|point| point.label.as_str())
        .collect()
}

#[test]
fn a_grid_is_every_combination_the_last_key_fastest() {
    let found = sweep(
        "[sweep.grid]\noptimizer.learning_rate = [0.1, 0.01]\nseed = [1, 2, 3]\n",
        &[],
    );
    assert_eq!(found.name, "swept");
    let values: Vec<(f64, u64)> = (found.points.iter())
        .map(|point| {
            let rates: Vec<f64> = point
                .experiment
                .plans
                .iter()
                .map(|plan| plan.optimizer.learning_rate())
                .collect();
            assert_eq!(rates[0], rates[1]);
            (rates[0], point.experiment.config.seed)
        })
        .collect();
    assert_eq!(
        values,
        [
            (0.1, 1),
            (0.1, 2),
            (0.1, 3),
            (0.01, 1),
            (0.01, 2),
            (0.01, 3)
        ]
    );
    assert_eq!(found.points[4].label, "learning_rate-0.01_seed-2");
    assert_eq!(
        found.points[4].settings,
        [
            ("optimizer.learning_rate".to_owned(), "0.01".to_owned()),
            ("seed".to_owned(), "2".to_owned())
        ]
    );
}

#[test]
fn keys_may_be_dotted_quoted_or_in_sections_of_their_own() {
    let dotted = sweep("[sweep.grid]\noptimizer.steps = [3, 4]\n", &[]);
    for text in [
        "[sweep.grid]\n\"optimizer.steps\" = [3, 4]\n",
        "[sweep.grid.optimizer]\nsteps = [3, 4]\n",
        "[sweep]\ngrid = { optimizer = { steps = [3, 4] } }\n",
        "[[sweep.list]]\noptimizer.steps = 3\n[[sweep.list]]\n\"optimizer.steps\" = 4\n",
    ] {
        let other = sweep(text, &[]);
        assert_eq!(labels(&other), labels(&dotted), "{text}");
        for (a, b) in other.points.iter().zip(&dotted.points) {
            assert_same(&a.experiment, &b.experiment);
        }
    }
    assert_eq!(labels(&dotted), ["steps-3", "steps-4"]);
    let one = sweep("[sweep.grid]\n\"fit[2].optimizer.steps\" = [3]\n", &[]);
    let plans = &one.points[0].experiment.plans;
    assert_eq!((plans[0].optimizer.steps, plans[1].optimizer.steps), (9, 3));
}

#[test]
fn a_list_holds_points_of_different_keys() {
    let found = sweep(
        "[[sweep.list]]\nestimator.type = \"quadrature\"\n[[sweep.list]]\n\
         estimator = { type = \"monte-carlo\", samples = 64 }\n",
        &[],
    );
    assert_eq!(
        labels(&found),
        ["type-quadrature", "type-monte-carlo_samples-64"]
    );
    // The config as it is may be a point; then no label would name it.
    let found = sweep("[[sweep.list]]\n[[sweep.list]]\nseed = 4\n", &[]);
    assert_eq!(labels(&found), ["point-1", "point-2"]);
    assert_eq!(found.points[0].experiment.config.seed, 0);
}

#[test]
fn labels_name_folders_and_are_distinct() {
    let numbered = ["point-1", "point-2"];
    for text in [
        // No name for a folder.
        "[sweep.grid]\ntarget.mean = [[1.0], [2.0]]\n",
        "[sweep.grid]\nname = [\"one more\", \"x\"]\n",
        // Too long.
        "[sweep.grid]\nname = [\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\", \"x\"]\n",
        // The same, but for capitals.
        "[sweep.grid]\nname = [\"x\", \"X\"]\n",
    ] {
        assert_eq!(labels(&sweep(text, &[])), numbered, "{text}");
    }
}

#[test]
fn a_sweep_goes_on_top_of_what_is_set_and_may_be_set_itself() {
    let text = "[sweep.grid]\nseed = [1, 2]\n";
    let found = sweep(text, &["seed=5", "optimizer.steps=3"]);
    let seeds: Vec<u64> = found
        .points
        .iter()
        .map(|point| point.experiment.config.seed)
        .collect();
    assert_eq!(seeds, [1, 2]);
    assert_eq!(found.points[0].experiment.plans[0].optimizer.steps, 3);
    let found = sweep(text, &["sweep.grid.seed=[7, 8, 9]"]);
    assert_eq!(labels(&found), ["seed-7", "seed-8", "seed-9"]);
}

#[test]
fn a_config_with_a_sweep_runs_without_it_too() {
    let plain = parsed(SWEPT);
    let swept = parsed(&format!("{SWEPT}[sweep.grid]\nseed = [1, 2]\n"));
    assert_same(&plain, &swept);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plain.toml");
    fs::write(&path, SWEPT).unwrap();
    assert!(Sweep::load(&path, &[]).unwrap().is_none());
}

#[test]
fn every_config_of_the_repository_is_fine_and_resolves_to_itself() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs");
    let mut seen = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        seen += 1;
        let experiment = Experiment::load(&path, Vec::new()).unwrap();
        let temporary = tempfile::tempdir().unwrap();
        let out = temporary.path().join("run");
        let out = RunFolder::create(&out, &experiment, Existing::Refuse).unwrap();
        let again = out.experiment().unwrap();
        assert_eq!(
            (&again.target, &again.plans),
            (&experiment.target, &experiment.plans)
        );
        assert_eq!(again.to_toml().unwrap(), experiment.to_toml().unwrap());
    }
    assert!(seen >= 7, "{seen}");
}
