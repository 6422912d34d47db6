//! The command as a user meets it.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use assert_cmd::assert::Assert;

use crate::support::config;

pub fn klfit(arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("klfit").unwrap();
    command.args(arguments);
    command
}

fn stdout(assert: &Assert) -> String {
    String::from_utf8(assert.get_output().stdout.clone()).unwrap()
}

fn stderr(assert: &Assert) -> String {
    String::from_utf8(assert.get_output().stderr.clone()).unwrap()
}

/// Runs the bimodal config for a few steps in a folder.
fn short_run(folder: &Path, more: &[&str]) -> Assert {
    let config = config("bimodal");
    let mut arguments = vec!["run", config.to_str().unwrap(), "--steps", "20"];
    arguments.extend(more);
    klfit(&arguments).current_dir(folder).assert()
}

#[test]
fn init_writes_a_config_that_runs() {
    let folder = tempfile::tempdir().unwrap();
    let at = |arguments: &[&str]| klfit(arguments).current_dir(folder.path()).assert();
    at(&["init", "my.toml"]).success();
    let checked = at(&["check", "my.toml"]).success();
    assert!(
        stdout(&checked).contains("my.toml: ok, 2 fits"),
        "{}",
        stdout(&checked)
    );
    at(&["run", "my.toml", "--steps", "3", "--no-figures"]).success();
    assert!(
        folder
            .path()
            .join("outputs/my-experiment/summary.json")
            .is_file()
    );
    // It does not write over a file.
    let again = at(&["init", "my.toml"]).code(2);
    assert!(stderr(&again).contains("my.toml is there already"));
}

#[test]
fn a_run_prints_a_table_and_leaves_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let run = short_run(folder.path(), &["--no-figures"]).success();
    let table = stdout(&run);
    for words in [
        "KL(p‖q)",
        "KL(q‖p)",
        "JS(p, q)",
        "forward-kl",
        "reverse-kl",
        "all steps taken",
    ] {
        assert!(table.contains(words), "{words} is not in\n{table}");
    }
    assert!(table.contains("64 restarts found "), "{table}");
    assert!(!table.contains('\u{1b}'), "no colours in a pipe");
    // Progress goes to standard error, as plain lines where it is not a terminal.
    assert!(stderr(&run).contains("forward-kl: step 0/20  loss "));
    let out = folder.path().join("outputs/bimodal");
    for file in [
        "config.toml",
        "summary.json",
        "forward-kl/trajectory.csv",
        "reverse-kl/restarts.csv",
    ] {
        assert!(out.join(file).is_file(), "{file}");
    }
    assert!(!out.join("figures").exists());
}

#[test]
fn quiet_prints_nothing_and_verbose_every_logged_step() {
    let folder = tempfile::tempdir().unwrap();
    let quiet = short_run(folder.path(), &["--no-figures", "--quiet"]).success();
    assert_eq!(stdout(&quiet) + &stderr(&quiet), "");
    let verbose = short_run(folder.path(), &["--no-figures", "--force", "-v"]).success();
    let lines = stderr(&verbose).matches("forward-kl: step ").count();
    assert_eq!(lines, 21);
}

#[test]
fn a_second_run_refuses_and_force_replaces_only_what_klfit_wrote() {
    let folder = tempfile::tempdir().unwrap();
    short_run(folder.path(), &[]).success();
    let out = folder.path().join("outputs/bimodal");
    fs::write(out.join("notes.txt"), "mine").unwrap();
    fs::write(out.join("figures/mine.txt"), "mine").unwrap();
    let before = fs::read(out.join("summary.json")).unwrap();
    let refused = short_run(folder.path(), &["--seed", "1"]).code(2);
    let message = stderr(&refused);
    assert!(
        message.contains("holds a run already") && message.contains("--force"),
        "{message}"
    );
    assert_eq!(fs::read(out.join("summary.json")).unwrap(), before);
    let config = config("plane");
    let force = [
        "run",
        config.to_str().unwrap(),
        "--steps",
        "2",
        "--out",
        "outputs/bimodal",
    ];
    klfit(&force)
        .arg("--force")
        .current_dir(folder.path())
        .assert()
        .success();
    assert!(out.join("notes.txt").is_file() && out.join("figures/mine.txt").is_file());
    assert!(
        fs::read_to_string(out.join("config.toml"))
            .unwrap()
            .contains("\"plane\"")
    );
    // Figures of an earlier run are not those of this one.
    assert!(out.join("figures/densities.svg").is_file());
    let landscape = [
        "landscape",
        "outputs/bimodal",
        "--across",
        "mean_x1=-1:1:4",
        "--up",
        "mean_x2=-1:1:4",
    ];
    klfit(&landscape)
        .current_dir(folder.path())
        .assert()
        .success();
    assert!(out.join("figures/landscape.csv").is_file());
    klfit(&force)
        .args(["--force", "--no-figures"])
        .current_dir(folder.path())
        .assert()
        .success();
    let left = fs::read_dir(out.join("figures")).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["mine.txt"]);
}

#[test]
fn a_second_sweep_replaces_the_figures_of_the_first_and_of_its_points() {
    let folder = tempfile::tempdir().unwrap();
    let config = config("sweep");
    let sweep = |options: &[&str]| {
        klfit(&["sweep", config.to_str().unwrap(), "--out", "out", "-q"])
            .args(["--set", "optimizer.steps=2"])
            .args(options)
            .current_dir(folder.path())
            .assert()
            .success();
    };
    sweep(&[]);
    let out = folder.path().join("out");
    let points = || {
        let entries = fs::read_dir(&out).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.join("config.toml").is_file())
    };
    let drawn = points().next().unwrap();
    klfit(&["plot", drawn.to_str().unwrap(), "-q"])
        .assert()
        .success();
    fs::write(out.join("figures/mine.svg"), "mine").unwrap();
    assert!(drawn.join("figures/densities.svg").is_file());
    assert!(out.join("figures/sweep.svg").is_file());
    sweep(&["--force", "--no-figures"]);
    assert!(points().all(|point| !point.join("figures").exists()));
    let left = fs::read_dir(out.join("figures")).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["mine.svg"]);
}

#[test]
fn force_does_not_touch_a_folder_that_is_not_a_run() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("outputs/bimodal")).unwrap();
    fs::write(folder.path().join("outputs/bimodal/thesis.tex"), "years").unwrap();
    let refused = short_run(folder.path(), &["--force"]).code(2);
    assert!(stderr(&refused).contains("does not hold a run"));
}

#[test]
fn the_resolved_config_runs_the_experiment_again_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let set = [
        "--no-figures",
        "-q",
        "--set",
        "optimizer.learning_rate=0.01",
        "--set",
        "restarts=3",
    ];
    short_run(folder.path(), &set).success();
    let out = folder.path().join("outputs/bimodal");
    let resolved = out.join("config.toml");
    let text = fs::read_to_string(&resolved).unwrap();
    assert_eq!(text.matches("learning_rate = 0.01").count(), 2, "{text}");
    assert_eq!(text.matches("steps = 20").count(), 2, "{text}");
    let again = folder.path().join("again");
    klfit(&[
        "run",
        resolved.to_str().unwrap(),
        "-q",
        "--no-figures",
        "--out",
    ])
    .arg(&again)
    .assert()
    .success();
    assert_eq!(fs::read_to_string(again.join("config.toml")).unwrap(), text);
    let restarts = |folder: &Path| fs::read(folder.join("reverse-kl/restarts.csv")).unwrap();
    assert_eq!(restarts(&out), restarts(&again));
}

#[test]
fn a_fit_of_which_every_run_failed_is_exit_code_1() {
    let folder = tempfile::tempdir().unwrap();
    let set = [
        "--set",
        "optimizer.type=sgd",
        "--set",
        "optimizer.learning_rate=1e9",
    ];
    let config = config("plane");
    let run = klfit(&[
        "run",
        config.to_str().unwrap(),
        "--steps",
        "30",
        "--no-figures",
    ])
    .args(set)
    .current_dir(folder.path())
    .assert()
    .code(1);
    assert!(
        stdout(&run).contains("every run failed"),
        "{}",
        stdout(&run)
    );
}

#[test]
fn help_shows_examples_and_an_unknown_command_is_exit_code_2() {
    let help = klfit(&["run", "--help"]).assert().success();
    assert!(stdout(&help).contains("klfit run configs/bimodal.toml"));
    klfit(&["fly"]).assert().code(2);
}

#[test]
fn fits_of_one_divergence_get_names_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let text = "name = \"names\"\nrestarts = 2\n[target]\nmean = [0.0]\nstd = [1.0]\n\
                [[fit]]\ndivergence = \"js\"\n[[fit]]\ndivergence = \"js\"\n\
                [[fit]]\nlabel = \"js-2\"\ndivergence = \"forward-kl\"\n";
    fs::write(folder.path().join("names.toml"), text).unwrap();
    let check = klfit(&["check", "names.toml"])
        .current_dir(folder.path())
        .assert()
        .success();
    for label in ["  js: Jensen", "  js-3: Jensen", "  js-2: forward"] {
        assert!(stdout(&check).contains(label), "{}", stdout(&check));
    }
}

#[test]
fn a_fit_keeps_what_it_does_not_override() {
    let folder = tempfile::tempdir().unwrap();
    let text = "name = \"merge\"\nrestarts = 2\n[target]\nmean = [0.0]\nstd = [1.0]\n\
                [optimizer]\nlearning_rate = 0.7\nsteps = 7\n\
                [[fit]]\ndivergence = \"js\"\noptimizer = { type = \"adam\" }\n\
                [[fit]]\ndivergence = \"js\"\noptimizer = { type = \"sgd\", momentum = 0.5 }\n";
    fs::write(folder.path().join("merge.toml"), text).unwrap();
    let run = ["run", "merge.toml", "-q", "--no-figures", "--out", "out"];
    klfit(&run).current_dir(folder.path()).assert().success();
    let text = fs::read_to_string(folder.path().join("out/config.toml")).unwrap();
    assert_eq!(text.matches("steps = 7").count(), 2, "{text}");
    // The learning rate of one type means nothing to another.
    assert_eq!(text.matches("learning_rate = 0.7").count(), 1, "{text}");
    assert_eq!(text.matches("restarts = 2").count(), 2, "{text}");
}

#[test]
fn force_does_not_replace_a_config_a_person_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let mine = folder.path().join("config.toml");
    fs::copy(config("bimodal"), &mine).unwrap();
    let run = [
        "run",
        "config.toml",
        "--steps",
        "2",
        "--out",
        ".",
        "--force",
    ];
    klfit(&run).current_dir(folder.path()).assert().code(2);
    assert_eq!(
        fs::read(&mine).unwrap(),
        fs::read(config("bimodal")).unwrap()
    );
}

#[test]
fn a_given_start_is_one_run_whatever_restarts_says() {
    let folder = tempfile::tempdir().unwrap();
    let text = "name = \"start\"\nrestarts = 64\n[target]\nmean = [0.0]\nstd = [1.0]\n\
                [init]\nmean = [1.0]\nstd = [2.0]\n[optimizer]\nsteps = 3\n\
                [[fit]]\ndivergence = \"js\"\n\
                [[fit]]\ndivergence = \"forward-kl\"\nrestarts = 3\n";
    fs::write(folder.path().join("start.toml"), text).unwrap();
    let run = ["run", "start.toml", "--no-figures", "--out", "out"];
    let run = klfit(&run).current_dir(&folder).assert().success();
    let note = "fit[1]: [init] gives the start, so restarts = 64 is taken as 1";
    assert!(stderr(&run).contains(note), "{}", stderr(&run));
    // A fit that asks for restarts of its own does not want the shared start.
    let rows = |fit: &str| {
        let path = folder.path().join("out").join(fit).join("restarts.csv");
        csv::Reader::from_path(path).unwrap().records().count()
    };
    assert_eq!((rows("js"), rows("forward-kl")), (1, 3));
}

#[test]
fn one_fit_can_be_set_by_its_number() {
    let folder = tempfile::tempdir().unwrap();
    let set = [
        "-q",
        "--no-figures",
        "--set",
        "fit[2].optimizer.learning_rate=0.02",
    ];
    short_run(folder.path(), &set).success();
    let text = fs::read_to_string(folder.path().join("outputs/bimodal/config.toml")).unwrap();
    let rates: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("learning_rate"))
        .collect();
    assert_eq!(rates, ["learning_rate = 0.05", "learning_rate = 0.02"]);
    let refused = short_run(folder.path(), &["--set", "fit[3].divergence=js"]).code(2);
    assert!(
        stderr(&refused).contains("there are 2 fits"),
        "{}",
        stderr(&refused)
    );
}

/// Colours are where they are asked for, and nowhere else without a terminal.
#[test]
fn colours_come_where_they_are_asked_for() {
    let escape = "\u{1b}[";
    for (color, has_colors) in [
        (&["--color", "always"][..], true),
        (&["--color", "never"], false),
        (&["--color", "auto"], false),
        (&[], false),
    ] {
        let arguments = [color, &["check", "no.toml"]].concat();
        let assert = klfit(&arguments).assert().code(2);
        assert_eq!(stderr(&assert).contains(escape), has_colors, "{color:?}");
    }
    klfit(&["--color", "some", "devices"]).assert().code(2);
}
