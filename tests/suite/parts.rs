//! Points of a sweep that are run apart, by many processes at once: each by one of them, and together what one
//! process makes of all.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use klfit::{Existing, Part, Shard, Sweep};

use crate::resume::left;

/// Points that differ in what could share a loop, their rate and seed, and in what could not, their samples.
const SWEEP: &str = r#"
name = "swept"
restarts = 2
[target]
weights = [0.4, 0.6]
means = [[-2.0, 1.0], [1.5, 0.0]]
stds = [[1.0, 0.8], [0.7, 1.2]]
[optimizer]
steps = 25
[checkpoint]
every = 5
[estimator]
type = "monte-carlo"
[[fit]]
divergence = "reverse-kl"
[[fit]]
divergence = "forward-kl"
[sweep.grid]
"estimator.samples" = [16, 40]
"optimizer.learning_rate" = [0.02, 0.05]
seed = [1, 2, 3]
"#;
const POINTS: usize = 12;

/// A folder with a config of a sweep.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("sweep.toml"), text).unwrap();
        Self { folder }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn sweep(&self, part: Option<Part>) -> Sweep {
        let config = self.at("sweep.toml");
        Sweep::load_part(&config, &[], part).unwrap().unwrap()
    }

    /// `klfit sweep sweep.toml`, with such words, into a folder.
    fn command(&self, out: &str, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_klfit"));
        (command.current_dir(self.folder.path()))
            .args(["sweep", "sweep.toml", "--out", out])
            .args(words)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn ask(&self, out: &str, words: &[&str]) -> (Option<i32>, String, String) {
        told(&self.command(out, words).output().unwrap())
    }
}

fn told(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// What is left of a sweep, without the seconds in the last column of its table, and its figures.
pub fn results(path: &Path) -> Vec<(PathBuf, String)> {
    let mut all = left(path);
    all.retain(|(path, _)| !path.starts_with("figures"));
    for (path, text) in &mut all {
        if path.ends_with("sweep.csv") {
            let lines = text
                .lines()
                .map(|line| line.rsplit_once(',').unwrap_or((line, "")).0);
            *text = lines.collect::<Vec<_>>().join("\n");
        }
    }
    all
}

fn whole(place: &Place) -> Vec<(PathBuf, String)> {
    let out = place.at("whole");
    let sweep = place.sweep(None);
    let swept = klfit::sweep(&sweep, &out, Existing::Refuse, &()).unwrap();
    assert_eq!(swept.ran.len(), POINTS);
    results(&out)
}

fn expect_same(found: &[(PathBuf, String)], whole: &[(PathBuf, String)]) {
    let names =
        |all: &[(PathBuf, String)]| all.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>();
    assert_eq!(names(found), names(whole));
    for ((path, found), (_, whole)) in found.iter().zip(whole) {
        assert!(found == whole, "{}\n{found}\n{whole}", path.display());
    }
}

#[test]
fn points_that_are_run_apart_are_those_of_one_process() {
    let place = Place::new(SWEEP);
    let whole = whole(&place);
    // One by one; in shards; and both, in any order.
    let one_by_one = (1..=POINTS)
        .rev()
        .map(|point| Part::points(&point.to_string()));
    let shard = |text: &str| Shard::read(text, |_| None).map(Part::Shard);
    let ways: [Vec<Part>; 3] = [
        one_by_one.map(Result::unwrap).collect(),
        ["2/3", "1/3", "3/3"]
            .map(|text| shard(text).unwrap())
            .to_vec(),
        vec![
            Part::points("5,1-3").unwrap(),
            shard("2/2").unwrap(),
            Part::points("2-12").unwrap(),
            Part::points("1").unwrap(),
        ],
    ];
    for (way, parts) in ways.into_iter().enumerate() {
        let out = place.at(&format!("way-{way}"));
        for part in parts {
            let swept = place.sweep(Some(part.clone()));
            let swept = klfit::sweep(&swept, &out, Existing::Refuse, &()).unwrap();
            let numbers: Vec<usize> = swept.ran.iter().map(|ran| ran.point.number).collect();
            let asked: Vec<usize> = (1..=POINTS).filter(|&point| part.has(point)).collect();
            assert_eq!(numbers, asked);
            assert!(swept.broken.is_empty() && swept.elsewhere.is_empty() && !swept.interrupted);
        }
        let all = place.sweep(None);
        let gathered = klfit::gather(&all, &out).unwrap();
        assert_eq!(gathered.ran.len(), POINTS);
        expect_same(&results(&out), &whole);
        // The whole takes them as they are.
        let again = klfit::sweep(&all, &out, Existing::Resume, &()).unwrap();
        assert_eq!(again.ran.len(), POINTS);
        expect_same(&results(&out), &whole);
    }
}

const LINE: &str = "means = [[-2.0], [1.5]]\nstds = [[1.0], [0.7]]";
const PLANE: &str = "means = [[-2.0, 0.0], [1.5, 1.0]]\nstds = [[1.0, 2.0], [0.7, 1.0]]";

/// Whatever the estimator and the optimizer, a point does not show which others ran beside it. Some have so many draws
/// that their sums are cut into pieces.
#[test]
fn a_point_has_the_bits_that_it_has_alone() {
    for (target, estimator, optimizer) in [
        (LINE, "type = \"monte-carlo\", samples = 5000", "adam"),
        (LINE, "type = \"monte-carlo\", noise = \"fixed\"", "lbfgs"),
        (
            LINE,
            "type = \"monte-carlo\", gradient = \"score-function\"",
            "adam",
        ),
        (LINE, "type = \"quadrature\"", "lbfgs"),
        (LINE, "type = \"quasi-monte-carlo\"", "natural-gradient"),
        (PLANE, "type = \"monte-carlo\", samples = 1500", "adam"),
        (PLANE, "type = \"monte-carlo\", noise = \"fixed\"", "adam"),
        (PLANE, "type = \"quadrature\"", "adam"),
        (PLANE, "type = \"gauss-hermite\"", "lbfgs"),
        (PLANE, "type = \"quasi-monte-carlo\"", "adam"),
    ] {
        let place = Place::new(&format!(
            "name = \"swept\"\nrestarts = 2\nestimator = {{ {estimator} }}\n[target]\nweights = [0.4, 0.6]\n{target}\n\
             [family]\ncomponents = 2\n[optimizer]\ntype = \"{optimizer}\"\nsteps = 8\n[log]\nevery = 4\n\
             [[fit]]\ndivergence = \"js\"\n[[fit]]\ndivergence = \"reverse-kl\"\n[sweep.grid]\nseed = [1, 2, 3]\n"
        ));
        let all = place.sweep(None);
        klfit::sweep(&all, &place.at("whole"), Existing::Refuse, &()).unwrap();
        for number in ["2", "1,3"] {
            let part = place.sweep(Some(Part::points(number).unwrap()));
            klfit::sweep(&part, &place.at("parts"), Existing::Refuse, &()).unwrap();
        }
        klfit::gather(&all, &place.at("parts")).unwrap();
        let whole = results(&place.at("whole"));
        assert_eq!(whole.len(), 1 + 3 * (2 + 2 * 2), "{estimator}");
        println!("{estimator} {optimizer}");
        expect_same(&results(&place.at("parts")), &whole);
    }
}

/// Points of so many that a process said it has run.
fn ran(stderr: &str, of: usize) -> Vec<String> {
    let of = format!("/{of}: ");
    let lines = stderr.lines().filter_map(|line| line.split_once(&of));
    lines.map(|(_, label)| label.to_owned()).collect()
}

/// Four points of a fit on a line, which take next to no time.
fn tiny() -> Place {
    Place::new(
        r#"
name = "swept"
restarts = 1
[target]
means = [[0.5]]
stds = [[1.0]]
[optimizer]
steps = 2
[estimator]
type = "monte-carlo"
samples = 8
[[fit]]
divergence = "reverse-kl"
[sweep.grid]
"estimator.samples" = [8, 9]
seed = [1, 2]
"#,
    )
}

#[test]
fn processes_that_race_for_the_same_points_run_each_once() {
    let place = tiny();
    let all_points = place.sweep(None);
    let count = all_points.points.len();
    klfit::sweep(&all_points, &place.at("whole"), Existing::Refuse, &()).unwrap();
    let whole = results(&place.at("whole"));
    let (times, mut shared) = (100, 0);
    for time in 0..times {
        let out = format!("race-{time}");
        let start = || -> Child {
            let mut command = place.command(&out, &["--shard", "1/1", "--no-figures"]);
            command.env("RAYON_NUM_THREADS", "1").spawn().unwrap()
        };
        let both = [start(), start()].map(|child| told(&child.wait_with_output().unwrap()));
        let (mut all, mut parts) = (Vec::new(), 0);
        for (code, _, stderr) in &both {
            assert_eq!(*code, Some(0), "{stderr}");
            let ran = ran(stderr, count);
            parts += usize::from(!ran.is_empty());
            all.extend(ran);
        }
        shared += usize::from(parts == 2);
        let distinct: BTreeSet<&String> = all.iter().collect();
        assert_eq!((distinct.len(), all.len()), (count, count), "{both:?}");
        let gathered = klfit::gather(&all_points, &place.at(&out)).unwrap();
        assert_eq!(gathered.ran.len(), count);
        expect_same(&results(&place.at(&out)), &whole);
        fs::remove_dir_all(place.at(&out)).unwrap();
    }
    // They do run beside each other.
    assert!(shared > times / 20, "{shared}");
}

/// The command that stands indented in what was said.
fn command_in(said: &str) -> &str {
    let line = said.lines().find(|line| line.starts_with("    klfit "));
    line.unwrap_or_else(|| panic!("{said}")).trim()
}

impl Place {
    /// Has a shell run a line, to which `klfit` is the program.
    fn shell(&self, line: &str, variables: &[(&str, &str)]) -> (Option<i32>, String, String) {
        let program = Path::new(env!("CARGO_BIN_EXE_klfit")).parent().unwrap();
        let path = std::env::var("PATH").unwrap();
        let mut command = Command::new("sh");
        (command.current_dir(self.folder.path()))
            .args(["-c", line])
            .env("PATH", format!("{}:{path}", program.display()))
            .envs(variables.iter().copied());
        told(&command.output().unwrap())
    }
}

#[test]
fn what_is_missing_is_said_with_the_command_that_runs_it() {
    let place = Place::new(SWEEP);
    let more = ["--set", "optimizer.learning_rate=0.03"];
    let ask = |words: &[&str]| place.ask("out folder", &[words, &more].concat());
    let (code, _, said) = ask(&["--gather"]);
    assert!(
        code == Some(2) && said.contains("does not hold a sweep"),
        "{said}"
    );
    let (code, listed, _) = ask(&["--list", "--point", "2,5-6"]);
    assert!(
        code == Some(0) && listed.ends_with("3 of 12 points\n"),
        "{listed}"
    );
    assert!(listed.starts_with(" 2  samples-16_"), "{listed}");
    let (code, said, _) = ask(&["--point", "2,5-6", "--no-figures"]);
    assert!(code == Some(0) && said.contains("--gather"), "{said}");
    assert!(
        fs::read(place.at("out folder/sweep.csv"))
            .unwrap()
            .is_empty()
    );
    let (code, _, said) = ask(&["--gather"]);
    assert!(
        code == Some(1) && said.contains("3 of 12 points ended, 9 have not begun"),
        "{said}"
    );
    assert!(place.at("out folder/figures/sweep.png").exists());
    let table = fs::read_to_string(place.at("out folder/sweep.csv")).unwrap();
    assert_eq!(table.lines().count(), 1 + 3 * 2);
    let line = command_in(&said);
    assert!(
        line.contains("--point 1,3-4,7-12 --set") && line.contains("--out 'out folder'"),
        "{line}"
    );
    let (code, _, said) = place.shell(line, &[]);
    assert_eq!(code, Some(0), "{said}");
    // Not those that were there.
    assert_eq!(ran(&said, 9).len(), 9);
    let (code, _, said) = ask(&["--gather"]);
    assert!(code == Some(0) && said.is_empty(), "{said}");
    for (words, wrong) in [
        (["--point", "13"], "there is no point 13"),
        (["--point", "0"], "the first is 1"),
        (["--shard", "3/2"], "there is no shard 3 of 2"),
        (["--shard", "auto"], "SLURM_ARRAY_TASK_ID"),
    ] {
        let (code, _, said) = ask(&words);
        assert!(code == Some(2) && said.contains(wrong), "{said}");
    }
}

#[test]
fn a_point_that_broke_down_elsewhere_is_told_with_its_reason() {
    let place = tiny();
    let all = place.sweep(None);
    let label = &all.points[2].label;
    assert_eq!(place.ask("out", &["--point", "1"]).0, Some(0));
    let spoilt = place.at("out").join(label).join("reverse-kl");
    fs::create_dir_all(spoilt.parent().unwrap()).unwrap();
    fs::write(&spoilt, "in the way").unwrap();
    let (code, _, said) = place.ask("out", &["--shard", "1/1"]);
    assert!(code == Some(1) && said.contains(label), "{said}");
    let (code, _, said) = place.ask("out", &["--gather"]);
    assert!(
        code == Some(1) && said.contains(&format!("{label}: ")),
        "{said}"
    );
    assert!(
        said.contains("reverse-kl is no folder") && said.contains("1 broke down"),
        "{said}"
    );
    assert_eq!(
        command_in(&said),
        "klfit sweep sweep.toml --point 3 --out out"
    );
    fs::remove_file(&spoilt).unwrap();
    let (code, _, said) = place.shell(command_in(&said), &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(!place.at("out").join(label).join("failure.txt").exists());
    assert_eq!(place.ask("out", &["--gather"]).0, Some(0));
    // One of another config is none of this sweep's.
    let (code, _, said) = place.ask(
        "out",
        &[
            "--gather",
            "--set",
            "optimizer.momentum=0.5",
            "--set",
            "optimizer.type=sgd",
        ],
    );
    assert!(
        code == Some(1) && said.contains("the run that has begun is another one"),
        "{said}"
    );
}

/// A file of that name is the user's where klfit does not list it.
#[test]
fn a_failure_of_the_users_own_stays() {
    let place = tiny();
    let text = fs::read_to_string(place.at("sweep.toml")).unwrap();
    let (plain, _) = text.split_once("[sweep.grid]").unwrap();
    fs::write(place.at("plain.toml"), plain).unwrap();
    let run = |how| {
        place.shell(
            &format!("klfit run plain.toml --out run --no-figures {how}"),
            &[],
        )
    };
    assert_eq!(run("").0, Some(0));
    fs::write(place.at("run/failure.txt"), "mine").unwrap();
    for how in ["--resume", "--force"] {
        assert_eq!(run(how).0, Some(0));
        assert_eq!(
            fs::read_to_string(place.at("run/failure.txt")).unwrap(),
            "mine"
        );
    }
}

#[test]
fn no_fit_has_the_name_of_a_file_of_its_run() {
    for label in [
        "manifest",
        "Holdout.csv",
        "failure.txt",
        "landscape.csv",
        "report.html",
    ] {
        let text = SWEEP.replacen("[[fit]]", &format!("[[fit]]\nlabel = \"{label}\""), 1);
        let error = Sweep::parse(Path::new("sweep.toml"), &text, &[], None).unwrap_err();
        assert!(
            error.to_string().contains(&format!("is \"{label}\"")),
            "{error}"
        );
    }
}

#[cfg(unix)]
#[test]
fn a_part_that_is_told_to_end_goes_on_to_the_bit() {
    let long = SWEEP
        .replace("steps = 25", "steps = 400")
        .replace("every = 5", "every = 20");
    let place = Place::new(&long);
    let whole = whole(&place);
    let mut times = 0;
    loop {
        let mut part = place
            .command("out", &["--shard", "1/1", "--no-figures"])
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(150 + 100 * times));
        let ended = part.try_wait().unwrap().is_some();
        if !ended {
            let id = part.id().to_string();
            assert!(Command::new("kill").arg(&id).status().unwrap().success());
        }
        let (code, _, said) = told(&part.wait_with_output().unwrap());
        if ended {
            assert_eq!(code, Some(0), "{said}");
            break;
        }
        assert!(code == Some(143) || code == Some(0), "{code:?} {said}");
        times += 1;
    }
    assert!(times > 1, "{times}");
    klfit::gather(&place.sweep(None), &place.at("out")).unwrap();
    expect_same(&results(&place.at("out")), &whole);
}

#[cfg(unix)]
#[test]
fn scripts_run_each_point_once() {
    let place = tiny();
    let all = place.sweep(None);
    klfit::sweep(&all, &place.at("whole"), Existing::Refuse, &()).unwrap();
    let whole = results(&place.at("whole"));
    let written = |engine: &str| {
        let (code, said, error) = place.ask("out of the way", &["--on", engine, "--tasks", "3"]);
        assert!(
            code == Some(0) && said.contains("4 points in 3 tasks"),
            "{said}{error}"
        );
        let file = said
            .split_once("wrote ")
            .unwrap()
            .1
            .split_once(':')
            .unwrap()
            .0;
        (file.to_owned(), fs::read_to_string(place.at(file)).unwrap())
    };
    // As Slurm starts it.
    let (file, script) = written("slurm");
    assert!(
        script.starts_with("#!/bin/sh\n") && script.contains("#SBATCH --array=1-3\n"),
        "{script}"
    );
    for task in ["1", "2", "3"] {
        let (code, _, said) = place.shell(&format!("sh {file}"), &[("SLURM_ARRAY_TASK_ID", task)]);
        assert_eq!(code, Some(0), "{said}");
    }
    // What it says comes after.
    let (_, then) = script.split_once("#   klfit").unwrap();
    let (code, _, said) = place.shell(
        &format!("klfit{} --no-figures", then.lines().next().unwrap()),
        &[],
    );
    assert_eq!(code, Some(0), "{said}");
    expect_same(&results(&place.at("out of the way")), &whole);
    fs::remove_dir_all(place.at("out of the way")).unwrap();
    // As GNU parallel does: a line for each task, in which {} is its number.
    let (file, _) = written("parallel");
    let parallel = "parallel() { while read -r task; do \
        eval \"$(printf '%s' \"$5\" | sed \"s/{}/$task/\")\" || exit 1; done; }; ";
    let (code, _, said) = place.shell(&format!("{parallel}. ./{file}"), &[]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(
        klfit::gather(&all, &place.at("out of the way"))
            .unwrap()
            .ran
            .len(),
        4
    );
    fs::remove_dir_all(place.at("out of the way")).unwrap();
    // As Kubernetes does.
    let (_, manifest) = written("kubernetes");
    let (_, rest) = manifest.split_once("command: ").unwrap();
    let words: Vec<String> = serde_json::from_str(rest.lines().next().unwrap()).unwrap();
    for task in ["0", "1", "2"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_klfit"));
        (command.current_dir(place.folder.path()))
            .args(&words[1..])
            .env("JOB_COMPLETION_INDEX", task);
        let (code, _, said) = told(&command.output().unwrap());
        assert_eq!(code, Some(0), "{said}");
    }
    assert_eq!(
        klfit::gather(&all, &place.at("out of the way"))
            .unwrap()
            .ran
            .len(),
        4
    );
    // Nothing of a name gets out of a comment.
    let (code, _, said) = place.ask("out\nline", &["--on", "slurm", "--force"]);
    assert!(
        code == Some(2) && said.contains("cannot stand in a script"),
        "{said}"
    );
    // Never over one that was edited.
    let (code, _, said) = place.ask("out", &["--on", "slurm"]);
    assert!(
        code == Some(2) && said.contains("swept.sbatch is there already"),
        "{said}"
    );
    assert_eq!(place.ask("out", &["--on", "slurm", "--force"]).0, Some(0));
    let (code, _, said) = place.ask("out", &["--on", "slurm", "--tasks", "5", "--force"]);
    assert!(
        code == Some(2) && said.contains("give between 1 and 4"),
        "{said}"
    );
}
