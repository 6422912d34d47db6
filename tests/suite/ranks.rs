//! Runs by processes under MPI, each with parts of the rows: what one process makes of all of them.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use klfit::Mixture;
use klfit::internals::{RunKey, Stream};

use crate::rows::npy;

/// The rate of Adam falls: at a constant one near a minimum its steps burst now and then, and make millionths of how
/// sums are rounded, which other ranks round otherwise.
const CONFIG: &str = "name = 'rows'\nseed = 3\n[target]\nfile = 'part-*.npy'\nholdout = 0.1\n[family]\ncomponents = 2\n\
    [log]\nevery = 20\n[distributed]\n[[fit]]\nlabel = 'adam'\ndivergence = 'forward-kl'\n\
    optimizer = { type = 'adam', learning_rate = 0.05, steps = 100, schedule = 'cosine' }\n\
    [[fit]]\nlabel = 'em'\ndivergence = 'forward-kl'\ninit = { type = 'k-means' }\noptimizer = { type = 'em', steps = 10 }\n";

fn place() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let means = vec![vec![-2.0, -1.5], vec![2.0, 2.5]];
    let clusters = Mixture::from_stds(vec![0.4, 0.6], means, vec![vec![0.5; 2]; 2]).unwrap();
    let mut generator = RunKey { seed: 5, run: 0 }.generator(Stream::TargetDraws, 0);
    for (part, rows) in [700, 300, 1100, 451, 900].into_iter().enumerate() {
        let rows = npy(&clusters.sample(rows, &mut generator), 2);
        fs::write(folder.path().join(format!("part-{part}.npy")), rows).unwrap();
    }
    fs::write(folder.path().join("rows.toml"), CONFIG).unwrap();
    folder
}

/// `klfit`, by so many ranks.
fn klfit(place: &Path, ranks: usize, words: &[&str]) -> Command {
    let mut command = Command::new("mpirun");
    (command.current_dir(place))
        .args(["--oversubscribe", "-n", &ranks.to_string()])
        .arg(env!("CARGO_BIN_EXE_klfit"))
        .args(words)
        .env("OMPI_ALLOW_RUN_AS_ROOT", "1")
        .env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1")
        .env("RAYON_NUM_THREADS", "1")
        .env("TMPDIR", place)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn told(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

fn ask(place: &Path, ranks: usize, words: &[&str]) -> (Option<i32>, String, String) {
    told(&klfit(place, ranks, words).output().unwrap())
}

/// The numbers of all fits.
fn numbers(place: &Path, out: &str) -> Vec<f64> {
    let text = fs::read_to_string(place.join(out).join("summary.json")).unwrap();
    let summary: klfit::Summary = serde_json::from_str(&text).unwrap();
    let mut numbers = Vec::new();
    for fit in &summary.fits {
        let best = fit.best.as_ref().unwrap();
        numbers.extend(best.mixture.weights.clone());
        numbers.extend(best.mixture.means.concat());
        numbers.extend([best.loss.value, best.loss.error]);
        numbers.extend(best.divergences.held_out().map(|held_out| held_out.value));
    }
    numbers
}

fn assert_alike(found: &[f64], whole: &[f64], most: f64) {
    assert_eq!(found.len(), whole.len());
    for (found, whole) in found.iter().zip(whole) {
        assert!(
            (found - whole).abs() < most * whole.abs().max(1.0),
            "{found} {whole}"
        );
    }
}

#[test]
#[ignore = "needs mpirun"]
fn ranks_fit_as_one_process_and_leave_one_folder() {
    let place = place();
    let at = place.path();
    // Without the section one process reads all parts, by no MPI.
    let alone = CONFIG.replace("[distributed]\n", "");
    fs::write(at.join("alone.toml"), alone).unwrap();
    let out = Command::new(env!("CARGO_BIN_EXE_klfit"))
        .current_dir(at)
        .args(["run", "alone.toml", "--out", "alone"])
        .output()
        .unwrap();
    assert!(out.status.success(), "{:?}", told(&out));
    let whole = numbers(at, "alone");
    for ranks in [1, 2, 4] {
        let out = format!("of-{ranks}");
        let (code, words, err) = ask(at, ranks, &["run", "rows.toml", "--out", &out]);
        assert_eq!(code, Some(0), "{err}");
        assert_eq!(words.matches("results in").count(), 1, "{words}");
        assert_alike(&numbers(at, &out), &whole, 1e-9);
        assert!(at.join(&out).join("figures/densities.png").exists());
    }
    // Other programs read the folder without MPI.
    let plot = Command::new(env!("CARGO_BIN_EXE_klfit"))
        .current_dir(at)
        .args(["report", "of-2"])
        .output();
    assert!(plot.unwrap().status.success());
    let left = fs::read_dir(at).unwrap();
    let is_scratch = |entry: fs::DirEntry| {
        entry
            .file_name()
            .to_string_lossy()
            .starts_with("klfit-rank-")
    };
    assert!(!left.flatten().any(is_scratch));
}

#[test]
#[ignore = "needs mpirun"]
fn a_run_that_is_ended_by_a_signal_goes_on_with_other_ranks() {
    let place = place();
    let at = place.path();
    let words = [
        "run",
        "rows.toml",
        "--out",
        "out",
        "--no-figures",
        "--steps",
        "3000",
    ];
    let child = klfit(at, 2, &words).spawn().unwrap();
    let trajectory = at.join("out/adam/trajectory.csv");
    while fs::metadata(&trajectory).map_or(0, |info| info.len()) < 4_000 {
        std::thread::sleep(Duration::from_millis(20));
    }
    // To one of them; all stop.
    let parent = child.id().to_string();
    let ranks = Command::new("pgrep")
        .args(["-P", &parent])
        .output()
        .unwrap();
    let ranks = String::from_utf8(ranks.stdout).unwrap();
    let one = ranks.lines().last().unwrap();
    let sent = Command::new("kill").args(["-TERM", one]).status();
    assert!(sent.unwrap().success());
    let (code, _, err) = told(&child.wait_with_output().unwrap());
    assert_ne!(code, Some(0));
    assert!(err.contains("interrupted; go on with"), "{err}");
    let summary = fs::read_to_string(at.join("out/summary.json")).unwrap();
    assert!(summary.contains("\"interrupted\": true"));
    let copied = Command::new("cp")
        .args(["-r", "out", "other"])
        .current_dir(at)
        .status();
    assert!(copied.unwrap().success());
    for (out, ranks) in [("out", 2), ("other", 3)] {
        let (code, _, err) = ask(at, ranks, &["resume", out, "--no-figures"]);
        assert_eq!(code, Some(0), "{err}");
    }
    let words = [
        "run",
        "rows.toml",
        "--out",
        "whole",
        "--no-figures",
        "--steps",
        "3000",
    ];
    assert_eq!(ask(at, 2, &words).0, Some(0));
    // By as many ranks to the bit; by others sums are rounded otherwise.
    let whole = numbers(at, "whole");
    assert_eq!(numbers(at, "out"), whole);
    assert_alike(&numbers(at, "other"), &whole, 1e-9);
}

#[test]
#[ignore = "needs mpirun"]
fn what_ails_one_rank_ends_all_and_is_told_once() {
    let place = place();
    let at = place.path();
    let refused = |ranks: usize, words: &[&str], with: &str| {
        let (code, _, err) = ask(at, ranks, words);
        assert_eq!(code, Some(2), "{err}");
        assert_eq!(err.matches(with).count(), 1, "{err}");
    };
    let run = ["run", "rows.toml", "--out", "out", "--no-figures"];
    refused(6, &run, "there are 5 files for 6 ranks");
    let last = at.join("part-4.npy");
    let good = fs::read(&last).unwrap();
    fs::write(&last, &good[..good.len() - 8]).unwrap();
    refused(3, &run, "part-4.npy");
    fs::write(&last, &good).unwrap();
    assert_eq!(ask(at, 2, &run).0, Some(0));
    refused(2, &run, "holds a run already");
}
