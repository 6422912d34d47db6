//! How much is logged: what `log.max_rows` keeps to, and what is told before a run.

use std::fs;
use std::path::Path;

use klfit::{Existing, Experiment, Override, RunFolder, Summary, Sweep};

use crate::command_line::klfit;
use crate::support::StopAfter;

const TEXT: &str = r#"
name = "logged"
restarts = 3
[target]
mean = [1.0]
std = [2.0]
[[fit]]
divergence = "reverse-kl"
"#;

fn asked(set: &[(&str, usize)]) -> Experiment {
    let set = set.iter().map(|(key, value)| format!("{key}={value}"));
    let overrides = set.map(|one| Override::parse(&one).unwrap()).collect();
    Experiment::parse(Path::new("test.toml"), TEXT, overrides).unwrap()
}

fn run(experiment: &Experiment, path: &Path) -> Summary {
    let folder = RunFolder::create(path, experiment, Existing::Resume).unwrap();
    let numerics = experiment.numerics().unwrap();
    klfit::run(experiment, &numerics, &folder, &mut ()).unwrap()
}

/// The rows of a trajectory without their clock.
fn rows(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path.join("reverse-kl/trajectory.csv")).unwrap();
    let without_clock = |line: &str| {
        let mut cells: Vec<&str> = line.split(',').collect();
        cells.remove(2);
        cells.join(",")
    };
    text.lines().skip(1).map(without_clock).collect()
}

/// The steps of its rows, each once.
fn steps(rows: &[String]) -> Vec<usize> {
    let steps = rows.iter().map(|row| row.split(',').next().unwrap());
    let mut steps: Vec<usize> = steps.map(|step| step.parse().unwrap()).collect();
    steps.dedup();
    steps
}

#[test]
fn a_trajectory_keeps_to_its_most_rows_and_fills_them() {
    let mut checked = 0;
    for last in [1, 7, 60, 61] {
        for every in [1, 4, 100] {
            for most in [6, 8, 9, 30, 61, 1000] {
                let folder = tempfile::tempdir().unwrap();
                let set = [
                    ("optimizer.steps", last),
                    ("log.every", every),
                    ("log.max_rows", most),
                ];
                let what = format!("{last} steps, every {every}, at most {most}");
                run(&asked(&set), folder.path());
                let found = rows(folder.path());
                assert!(found.len() <= most, "{what}: {}", found.len());
                // Multiples of some multiple of what was asked for, and the last.
                let steps = steps(&found);
                let between = steps[1];
                let expected = (0..last).step_by(between).chain([last]);
                assert_eq!(steps, expected.collect::<Vec<_>>(), "{what}");
                if between < last {
                    assert!(between.is_multiple_of(every), "{what}: {between}");
                }
                // The multiple before has too many.
                if between > every {
                    let closer = (between - 1) / every * every;
                    let records = last.div_ceil(closer) + 1;
                    assert!(3 * records > most, "{what}: {between}");
                }
                checked += 1;
            }
        }
    }
    assert_eq!(checked, 72);
}

#[test]
fn a_run_is_made_longer_with_the_rows_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let (short, long) = (folder.path().join("short"), folder.path().join("long"));
    let log = [("log.every", 2), ("log.max_rows", 30)];
    let begun = asked(&[&log[..], &[("optimizer.steps", 40)]].concat());
    run(&begun, &short);
    // Ten of each run: every sixth step.
    assert_eq!(steps(&rows(&short))[1], 6);
    let longer = asked(&[&log[..], &[("optimizer.steps", 90)]].concat());
    let error = longer.continuing(&begun).unwrap_err();
    assert!(error.to_string().contains("has 48 rows"), "{error}");
    let help = error.help().unwrap();
    assert!(help.contains("--set log.max_rows=48"), "{help}");
    let log = [("log.every", 2), ("log.max_rows", 48)];
    let longer = asked(&[&log[..], &[("optimizer.steps", 90)]].concat());
    run(&longer.continuing(&begun).unwrap(), &short);
    run(&asked(&[("log.every", 6), ("optimizer.steps", 90)]), &long);
    assert_eq!(rows(&short), rows(&long));
    // One that counts in other steps is another run.
    let log = [("log.every", 4), ("log.max_rows", 48)];
    let other = asked(&[&log[..], &[("optimizer.steps", 90)]].concat());
    let error = other.continuing(&begun).unwrap_err().to_string();
    assert!(error.contains("`log.every`"), "{error}");
}

/// Two fits of different steps and restarts, which share one spacing where rows are limited.
const TWO: &str = r#"
name = "two"
[target]
mean = [1.0]
std = [2.0]
[log]
max_rows = 40
[[fit]]
divergence = "reverse-kl"
optimizer = { steps = 100 }
restarts = 2
[[fit]]
divergence = "forward-kl"
optimizer = { steps = 230 }
restarts = 3
"#;

#[test]
fn fits_of_different_lengths_go_on_with_the_rows_they_have() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("two");
    let experiment = || Experiment::parse(Path::new("two.toml"), TWO, Vec::new()).unwrap();
    let all = |path: &Path| {
        let fits = ["reverse-kl", "forward-kl"];
        fits.map(|fit| fs::read_to_string(path.join(fit).join("trajectory.csv")).unwrap())
    };
    run(&experiment(), &path);
    let whole = all(&path);
    assert!(whole.iter().all(|text| text.lines().count() <= 41));
    // Again, by its own config, and after it was cut off.
    let own = RunFolder::open(&path).unwrap().experiment().unwrap();
    for again in [experiment(), own.clone()] {
        let again = again.continuing(&own).unwrap();
        run(&again, &path);
        assert_eq!(all(&path), whole);
    }
    let cut = folder.path().join("cut");
    let begun = RunFolder::create(&cut, &experiment(), Existing::Refuse).unwrap();
    let numerics = own.numerics().unwrap();
    let mut stop = StopAfter::steps(60);
    klfit::run(&own, &numerics, &begun, &mut stop).unwrap();
    drop(begun);
    run(&experiment().continuing(&own).unwrap(), &cut);
    for (fit, text) in ["reverse-kl", "forward-kl"].iter().zip(&whole) {
        let ended = fs::read_to_string(cut.join(fit).join("trajectory.csv")).unwrap();
        let steps = |text: &str| -> Vec<String> {
            let cells = text.lines().map(|line| line.split(',').take(2).collect());
            cells.collect()
        };
        assert_eq!(steps(&ended), steps(text), "{fit}");
    }
}

#[test]
fn a_sweep_is_made_longer_with_the_rows_it_has() {
    for log in ["", "max_rows = 50\n", "every = 7\n"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sweep");
        let swept = |log: &str, steps: usize| {
            let text = format!(
                "{TEXT}[optimizer]\nsteps = {steps}\n[log]\n{log}[sweep.grid]\nseed = [1, 2]\n"
            );
            let config = folder.path().join("sweep.toml");
            fs::write(&config, text).unwrap();
            let sweep = Sweep::load(&config, &[]).unwrap().unwrap();
            let swept = klfit::sweep(&sweep, &path, Existing::Resume, &()).unwrap();
            assert!(swept.broken.is_empty(), "{log}: {:?}", swept.broken);
            ["seed-1", "seed-2"].map(|point| rows(&path.join(point)))
        };
        let short = swept(log, 200);
        let more = log.replace("50", "102");
        let long = swept(&more, 400);
        let spacing = steps(&short[0])[1];
        for (short, long) in short.iter().zip(&long) {
            // All but the last rows of the shorter one.
            assert!(long.starts_with(&short[..short.len() - 3]), "{log}");
            let expected = (0..400).step_by(spacing).chain([400]);
            assert_eq!(steps(long), expected.collect::<Vec<_>>(), "{log}");
        }
        // It may be asked for again, and its points by themselves.
        assert_eq!(swept(&more, 400), long);
        let point = RunFolder::open(&path.join("seed-1")).unwrap();
        let own = point.experiment().unwrap();
        drop(point);
        run(&own, &path.join("seed-1"));
        assert_eq!(rows(&path.join("seed-1")), long[0]);
    }
}

#[test]
fn what_a_run_will_write_is_told_where_it_is_much() {
    for (target, divergence) in [
        ("mean = [1.0]\nstd = [2.0]", "reverse-kl"),
        ("mean = [1.0, 2.0, 3.0]\nstd = [2.0, 1.0, 4.0]", "js"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config.toml");
        let text = TEXT.replace("mean = [1.0]\nstd = [2.0]", target);
        let text = text.replace("reverse-kl", divergence);
        let text = text + "label = \"reverse-kl\"\n[log]\nevery = 1\n";
        fs::write(&config, &text).unwrap();
        let config = config.to_str().unwrap();
        let steps = ["--steps", "50", "--no-figures", "--quiet"];
        let ran = klfit(&[&["run", config], &steps[..]].concat());
        { ran }.current_dir(folder.path()).assert().success();
        let out = folder.path().join("outputs/logged");
        let bytes = fs::metadata(out.join("reverse-kl/trajectory.csv")).unwrap();
        let of_row = bytes.len() as f64 / rows(&out).len() as f64;
        let told = |steps: usize| {
            let text = text.replace("[log]", &format!("[optimizer]\nsteps = {steps}\n[log]"));
            fs::write(config, text).unwrap();
            let checked = klfit(&["check", config]).assert().success();
            String::from_utf8(checked.get_output().stderr.clone()).unwrap()
        };
        let least = (1e9 / (3.0 * of_row)) as usize;
        assert!(!told(least / 2).contains("note"));
        let note = told(10 * least);
        let (_, size) = note.split_once("will take about ").unwrap();
        let size: f64 = size.split(' ').next().unwrap().parse().unwrap();
        assert!((8.0..12.5).contains(&size), "{divergence}: {note}");
        assert!(note.contains("log.max_rows"), "{note}");
    }
}
