//! A run that is not finished is drawn and reported on as far as it came, and is none the worse for it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use klfit::{Existing, Experiment, FinishedRun, RunFolder};

use crate::command_line::klfit;
use crate::resume::{left, parse, run_for};

/// Two fits of three runs.
const TWO: &str = r#"
name = "two"
restarts = 3
[target]
weights = [0.4, 0.6]
means = [[-2.0], [1.5]]
stds = [[1.0], [0.7]]
[optimizer]
steps = 40
[checkpoint]
every = 6
[log]
every = 5
[[fit]]
divergence = "forward-kl"
[[fit]]
divergence = "reverse-kl"
"#;

const FOREVER: usize = usize::MAX;

/// The files of figures and reports, which are no part of what a run leaves.
fn without_pictures(path: &Path) -> Vec<(PathBuf, String)> {
    for name in ["report.html", "report.md", "report.tex"] {
        _ = fs::remove_file(path.join(name));
    }
    _ = fs::remove_dir_all(path.join("figures"));
    left(path)
}

fn open(path: &Path) -> RunFolder {
    RunFolder::open(path).unwrap()
}

fn progress(path: &Path) -> String {
    let unfinished = open(path).unfinished().unwrap();
    unfinished.map_or_else(|| "finished".to_owned(), |it| it.to_string())
}

/// Draws a run and reports on it by the command line, and returns what both said and the page.
fn shown(path: &Path) -> (String, String) {
    let mut said = String::new();
    for command in ["plot", "report"] {
        let ran = klfit(&[command, path.to_str().unwrap()]).assert().success();
        said += &String::from_utf8_lossy(&ran.get_output().stderr);
    }
    let page = fs::read_to_string(path.join("report.html")).unwrap();
    for name in [
        "densities.svg",
        "convergence.png",
        "parameters.pdf",
        "comparison.svg",
    ] {
        assert!(path.join("figures").join(name).is_file(), "{name}");
    }
    (said, page)
}

/// Takes away what a run writes when it is asked to stop, as if it had been killed, and tears the last row.
fn kill(path: &Path, fit: &str) {
    fs::remove_file(path.join("summary.json")).unwrap();
    let trajectory = path.join(fit).join("trajectory.csv");
    let rows = fs::read_to_string(&trajectory).unwrap();
    let last = rows.lines().last().unwrap();
    // What is left of it would be read as other numbers.
    let torn = last.replacen(',', "0,", 1);
    let torn = &torn[..torn.len() - 4];
    fs::write(&trajectory, format!("{rows}{torn}")).unwrap();
}

#[test]
fn an_interrupted_run_is_shown_as_far_as_it_came_and_goes_on_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, parts) = (folder.path().join("whole"), folder.path().join("parts"));
    let experiment = parse(TWO, &[]);
    run_for(FOREVER, &experiment, &whole).unwrap();
    assert_eq!(progress(&whole), "finished");
    // In the first fit, in the second, and cut off there without a word.
    for (steps, is_killed, expected) in [
        (
            17,
            false,
            "not finished: after 17 of 40 steps of forward-kl, fit 1 of 2",
        ),
        (
            8,
            true,
            "not finished: after 25 of 40 steps of forward-kl, fit 1 of 2",
        ),
        (
            36,
            false,
            "not finished: after 21 of 40 steps of reverse-kl, fit 2 of 2",
        ),
        (
            5,
            true,
            "not finished: after 25 of 40 steps of reverse-kl, fit 2 of 2",
        ),
    ] {
        run_for(steps, &experiment, &parts).unwrap();
        let fits = if expected.contains("forward") { 1 } else { 2 };
        if is_killed {
            kill(&parts, ["forward-kl", "reverse-kl"][fits - 1]);
        }
        assert_eq!(progress(&parts), expected);
        let before = fs::read_dir(&parts).unwrap().count();
        let finished = FinishedRun::read(&open(&parts)).unwrap();
        assert_eq!(
            fs::read_dir(&parts).unwrap().count(),
            before,
            "it writes nothing"
        );
        assert_eq!(finished.fits.len(), fits);
        let (said, page) = shown(&parts);
        assert_eq!(said.matches(expected).count(), 2, "{said}");
        let title = page
            .split_once("<title>")
            .unwrap()
            .1
            .lines()
            .next()
            .unwrap();
        assert!(title.contains(expected), "{title}");
        assert!(page.contains("interrupted at step"), "{expected}");
    }
    run_for(FOREVER, &experiment, &parts).unwrap();
    assert_eq!(progress(&parts), "finished");
    let (whole, parts) = (left(&whole), without_pictures(&parts));
    assert!(whole == parts, "it goes on to the bit");
}

#[test]
fn what_is_told_without_a_summary_is_what_was_logged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let experiment = parse(TWO, &[]);
    let asked = run_for(60, &experiment, &path).unwrap();
    kill(&path, "reverse-kl");
    let run = FinishedRun::read(&open(&path)).unwrap();
    // The fit that had ended is told by its checkpoint.
    assert_eq!(run.summary.fits[0], asked.fits[0]);
    assert!(run.summary.interrupted);
    let (found, careful) = (&run.summary.fits[1], &asked.fits[1]);
    let best = found.best.as_ref().unwrap();
    let careful = careful.best.as_ref().unwrap();
    assert_eq!((best.run, best.steps), (careful.run, careful.steps));
    assert_eq!(best.stop, careful.stop);
    assert_eq!(best.evaluations, careful.evaluations);
    let rows = run.fits[1].best_rows();
    let row = rows.last().unwrap();
    assert_eq!(best.mixture.means[0][0], row.parameters[0]);
    for (kind, _) in careful.divergences.iter() {
        let logged = best.divergences.estimate(kind);
        let logged = (logged.value, logged.error);
        assert_eq!(logged, row.divergence(kind), "{kind:?}");
    }
    assert_eq!(
        (found.restarts, found.failed, found.optima.len()),
        (3, 0, 0)
    );
    assert_eq!(run.fits[1].so_far, Some([20, 40]));
    assert!(run.fits[1].title().ends_with("after 20 of 40 steps"));
    assert_eq!(run.fits[0].so_far, None);
}

#[test]
fn a_run_whose_summary_is_lost_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let experiment = parse(TWO, &[]);
    let summary = run_for(FOREVER, &experiment, &path).unwrap();
    fs::remove_file(path.join("summary.json")).unwrap();
    assert_eq!(progress(&path), "finished");
    assert_eq!(
        FinishedRun::read(&open(&path)).unwrap().summary.fits,
        summary.fits
    );
}

#[test]
fn a_run_that_goes_on_for_longer_is_shown_between() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    run_for(FOREVER, &parse(TWO, &[]), &path).unwrap();
    let longer = parse(TWO, &[("optimizer.steps", "80")]);
    // It is cut off before its next step.
    RunFolder::create(&path, &longer, Existing::Resume).unwrap();
    let expected = "not finished: after 40 of 80 steps of forward-kl, fit 1 of 2";
    assert_eq!(progress(&path), expected);
    assert_eq!(FinishedRun::read(&open(&path)).unwrap().fits.len(), 2);
    run_for(23, &longer, &path).unwrap();
    let expected = "not finished: after 62 of 80 steps of forward-kl, fit 1 of 2";
    assert_eq!(progress(&path), expected);
    let run = FinishedRun::read(&open(&path)).unwrap();
    let so_far: Vec<_> = run.fits.iter().map(|fit| fit.so_far).collect();
    assert_eq!(so_far, [Some([62, 80]), Some([40, 80])]);
    assert!(shown(&path).0.contains(expected));
}

#[test]
fn a_run_that_has_logged_nothing_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let experiment = parse(TWO, &[]);
    drop(RunFolder::create(&path, &experiment, Existing::Refuse).unwrap());
    let refused = |path: &Path| {
        let plot = klfit(&["plot", path.to_str().unwrap()]).assert().code(2);
        let said = String::from_utf8_lossy(&plot.get_output().stderr).into_owned();
        assert!(said.contains("has not logged a step"), "{said}");
        assert!(said.contains("klfit resume"), "{said}");
    };
    refused(&path);
    // A header that is about to be written, and one without a row.
    let inner = path.join("forward-kl");
    fs::create_dir_all(&inner).unwrap();
    fs::write(inner.join("trajectory.csv"), "step,ru").unwrap();
    refused(&path);
}

/// Runs the program until it has logged some rows, and looks at it while it goes on and after it was killed.
#[test]
fn a_run_is_shown_while_it_goes_on_and_after_it_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("long.toml");
    let text = TWO.replace("steps = 40", "steps = 10000000");
    fs::write(&config, text.replace("every = 6", "every = 600")).unwrap();
    let mut run = Process::new(env!("CARGO_BIN_EXE_klfit"))
        .args(["run", "long.toml", "--out", "run", "-q"])
        .current_dir(folder.path())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let path = folder.path().join("run");
    let begun = Instant::now();
    let rows = || {
        let text = fs::read_to_string(path.join("forward-kl/trajectory.csv"));
        text.map_or(0, |text| text.lines().count())
    };
    while rows() < 10 {
        assert!(
            begun.elapsed() < Duration::from_secs(120),
            "it logs nothing"
        );
        thread::sleep(Duration::from_millis(20));
    }
    let words = "of 10000000 steps of forward-kl, fit 1 of 2";
    let (said, page) = shown(&path);
    assert!(said.contains(words) && page.contains(words), "{said}");
    run.kill().unwrap();
    run.wait().unwrap();
    let killed = fs::read(path.join("forward-kl/trajectory.csv")).unwrap();
    assert!(shown(&path).0.contains(words));
    assert_eq!(
        fs::read(path.join("forward-kl/trajectory.csv")).unwrap(),
        killed
    );
    // And it can still be gone on with.
    let experiment = Experiment::load(&path.join("config.toml"), Vec::new()).unwrap();
    assert!(run_for(3, &experiment, &path).unwrap().interrupted);
}
