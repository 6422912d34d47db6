//! What klfit leaves alone: a run is its own files, and nothing is read, written or removed through links.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use klfit::{Existing, Experiment, RunFolder, Summary};

use crate::command_line::klfit;
use crate::support::StopAfter;

const CONFIG: &str = r#"
name = "small"
[target]
file = "rows.csv"
[optimizer]
steps = 40
[checkpoint]
every = 5
[estimator]
type = "rows"
[[fit]]
divergence = "forward-kl"
"#;

/// A folder with a config and the rows that it names, around a mean.
struct Place(tempfile::TempDir);

impl Place {
    fn new(mean: f64) -> Self {
        let this = Self(tempfile::tempdir().unwrap());
        this.rows(mean);
        fs::write(this.at("small.toml"), CONFIG).unwrap();
        this
    }

    fn rows(&self, mean: f64) {
        let rows: Vec<String> = (0..50)
            .map(|i| format!("{}", mean + 0.1 * f64::from(i % 10)))
            .collect();
        fs::write(self.at("rows.csv"), format!("x\n{}\n", rows.join("\n"))).unwrap();
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn experiment(&self) -> Experiment {
        Experiment::load(&self.at("small.toml"), Vec::new()).unwrap()
    }

    /// Runs it for some steps.
    fn run(&self, out: &str, existing: Existing, steps: usize) -> klfit::Result<Summary> {
        let experiment = self.experiment();
        let folder = RunFolder::create(&self.at(out), &experiment, existing)?;
        let mut stop = StopAfter::steps(steps);
        klfit::run(&experiment, &experiment.numerics()?, &folder, &mut stop)
    }

    /// The mean that it ends at.
    fn mean(&self, out: &str, existing: Existing) -> f64 {
        let summary = self.run(out, existing, usize::MAX).unwrap();
        summary.fits[0].best.as_ref().unwrap().mixture.means[0][0]
    }
}

const FIT: &str = "cross-entropy";

#[test]
fn a_checkpoint_of_another_run_is_refused() {
    let place = Place::new(0.0);
    assert!(
        place
            .run("first", Existing::Refuse, 20)
            .unwrap()
            .interrupted
    );
    let stale = fs::read(place.at("first/cross-entropy/checkpoint")).unwrap();
    // The same config, but other rows; and even the same rows, but another run.
    for mean in [5.0, 0.0] {
        place.rows(mean);
        let out = format!("second{mean}");
        let checkpoint = place.at(&out).join(FIT).join("checkpoint");
        assert!(place.run(&out, Existing::Refuse, 10).unwrap().interrupted);
        fs::write(&checkpoint, &stale).unwrap();
        fs::remove_file(checkpoint.with_extension("previous")).unwrap();
        let error = place
            .run(&out, Existing::Resume, usize::MAX)
            .unwrap_err()
            .to_string();
        assert!(error.contains("it is of another run"), "{error}");
        fs::remove_file(&checkpoint).unwrap();
        let expected = place.mean(&format!("whole{mean}"), Existing::Refuse);
        assert_eq!(place.mean(&out, Existing::Resume), expected);
    }
}

#[test]
fn rows_that_changed_under_a_run_are_noticed() {
    let place = Place::new(0.0);
    assert!(place.run("out", Existing::Refuse, 10).unwrap().interrupted);
    place.rows(1.0);
    fs::copy(place.at("rows.csv"), place.at("out/target.csv")).unwrap();
    let out = place.at("out");
    let resume = ["resume", out.to_str().unwrap(), "--no-figures"];
    let error = klfit(&resume).assert().code(2);
    let error = String::from_utf8_lossy(&error.get_output().stderr).into_owned();
    assert!(
        error.contains("begun with other rows, another config or another version"),
        "{error}"
    );
    // A trajectory that changed is, too.
    place.rows(0.0);
    fs::copy(place.at("rows.csv"), place.at("out/target.csv")).unwrap();
    let trajectory = place.at("out").join(FIT).join("trajectory.csv");
    let text = fs::read_to_string(&trajectory).unwrap();
    fs::write(&trajectory, text.replacen("\n0,0,", "\n0,1,", 1)).unwrap();
    let error = place
        .run("out", Existing::Resume, usize::MAX)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("not the trajectory that the checkpoint is of"),
        "{error}"
    );
    // And a summary of another run is not this one's result.
    fs::write(&trajectory, text).unwrap();
    place.run("out", Existing::Resume, usize::MAX).unwrap();
    place.run("other", Existing::Refuse, usize::MAX).unwrap();
    fs::copy(place.at("other/summary.json"), place.at("out/summary.json")).unwrap();
    let error = place
        .run("out", Existing::Resume, usize::MAX)
        .unwrap_err()
        .to_string();
    assert!(error.ends_with("it is of another run"), "{error}");
}

/// Every file below a folder but locks, by its path.
fn files(path: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false if path.ends_with(".lock") => {}
            false => found.push(path),
        }
    }
    found
}

#[test]
fn clearing_that_is_cut_short_leaves_the_run_or_none() {
    let place = Place::new(0.0);
    place.run("old", Existing::Refuse, usize::MAX).unwrap();
    fs::write(place.at("old/notes.txt"), "mine").unwrap();
    place.rows(3.0);
    let expected = place.mean("new", Existing::Refuse);
    let listed = fs::read_to_string(place.at("old/manifest")).unwrap();
    let names: Vec<&str> = listed
        .lines()
        .skip(1)
        .filter(|name| place.at("old").join(name).is_file())
        .collect();
    assert!(names.len() > 5, "{listed}");
    // The manifest has its other name, and the first files are deleted.
    for deleted in 0..=names.len() {
        let out = format!("cut{deleted}");
        let copied = std::process::Command::new("cp")
            .arg("-r")
            .args([place.at("old"), place.at(&out)])
            .status();
        assert!(copied.unwrap().success());
        let at = place.at(&out);
        fs::rename(
            at.join("manifest"),
            at.join(".klfit-0123456789abcdef0123456789abcdef"),
        )
        .unwrap();
        names[..deleted]
            .iter()
            .for_each(|name| fs::remove_file(at.join(name)).unwrap());
        // It holds no run any more, for nobody.
        let path = at.to_str().unwrap();
        for command in ["resume", "plot", "report"] {
            let refused = klfit(&[command, path]).assert().code(2);
            let said = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
            assert!(
                said.contains("is not the folder of a run"),
                "{command}: {said}"
            );
        }
        // The next run begins anew, and the user's own file stays.
        assert_eq!(place.mean(&out, Existing::Resume), expected);
        assert!(at.join("notes.txt").is_file());
        let hidden = files(&at)
            .iter()
            .any(|path| path.to_string_lossy().contains(".klfit-"));
        assert!(!hidden);
    }
}

#[test]
fn nothing_is_written_through_a_link() {
    let place = Place::new(0.0);
    let own = place.at("own");
    fs::create_dir(&own).unwrap();
    let theirs = || {
        files(&own)
            .iter()
            .map(|path| fs::read_to_string(path).unwrap())
            .collect::<String>()
    };
    fs::write(own.join("profile"), "mine").unwrap();
    let small = place.at("small.toml");
    let run = |out: &Path| {
        let arguments = [
            "run",
            small.to_str().unwrap(),
            "--out",
            out.to_str().unwrap(),
            "-q",
        ];
        let mut command = klfit(&arguments);
        command.timeout(Duration::from_secs(60));
        command
    };
    // What counts as nothing is not written to.
    for name in [
        ".klfit-0123456789abcdef0123456789abcdef",
        "target.csv.tmp",
        "config.toml.tmp",
        "config.toml",
        ".lock",
        "manifest",
    ] {
        let out = place.at(&format!("out-{name}"));
        fs::create_dir(&out).unwrap();
        symlink(own.join("profile"), out.join(name)).unwrap();
        _ = run(&out).output().unwrap();
        assert_eq!(theirs(), "mine", "{name}");
    }
    // A run whose files became links.
    let out = place.at("out");
    run(&out).assert().success();
    for name in [
        "report.html",
        "report.md",
        "summary.json",
        "figures",
        "figures/densities.svg",
    ] {
        let path = out.join(name);
        match path.is_dir() {
            true => fs::remove_dir_all(&path).unwrap(),
            false => _ = fs::remove_file(&path),
        }
        let target = if name == "figures" {
            own.clone()
        } else {
            own.join("profile")
        };
        symlink(target, &path).unwrap();
        if name == "summary.json" {
            _ = run(&out).arg("--resume").output().unwrap();
        }
        for command in ["report", "plot"] {
            _ = klfit(&[command, out.to_str().unwrap()]).output().unwrap();
        }
        assert_eq!(theirs(), "mine", "{name}");
        if name.starts_with("report") || name.ends_with(".svg") {
            // Its own file took the place of the link.
            assert!(fs::symlink_metadata(&path).unwrap().is_file(), "{name}");
        } else {
            fs::remove_file(&path).unwrap();
            run(&out).arg("--resume").assert().success();
        }
    }
    _ = run(&out).arg("--force").output().unwrap();
    assert_eq!(theirs(), "mine");
}

#[test]
fn force_removes_what_the_run_wrote_and_nothing_else() {
    let place = Place::new(0.0);
    let small = place.at("small.toml");
    let out = place.at("out");
    let force = [
        "run",
        small.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
        "-q",
        "--force",
    ];
    klfit(&force).assert().success();
    // A folder of the user's own that looks like that of a fit, and one that is a link.
    let kept = [
        "backup/trajectory.csv",
        "backup/checkpoint",
        "figures/mine.svg",
        "mine.html",
    ];
    for name in kept {
        fs::create_dir_all(out.join(name).parent().unwrap()).unwrap();
        fs::write(out.join(name), "mine").unwrap();
    }
    let elsewhere = place.at("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::write(elsewhere.join("trajectory.csv"), "mine").unwrap();
    fs::remove_dir_all(out.join(FIT)).unwrap();
    symlink(&elsewhere, out.join(FIT)).unwrap();
    klfit(&force).assert().code(2);
    assert_eq!(
        fs::read_to_string(elsewhere.join("trajectory.csv")).unwrap(),
        "mine"
    );
    fs::remove_file(out.join(FIT)).unwrap();
    klfit(&force[..]).arg("--force").assert().code(2);
    for name in kept {
        assert_eq!(
            fs::read_to_string(out.join(name)).unwrap(),
            "mine",
            "{name}"
        );
    }
}

#[test]
fn force_of_a_sweep_removes_its_points_and_no_other_run() {
    let place = Place::new(0.0);
    let text = fs::read_to_string(place.at("small.toml")).unwrap();
    fs::write(
        place.at("swept.toml"),
        format!("{text}\n[sweep.grid]\nseed = [1, 2]\n"),
    )
    .unwrap();
    let swept = place.at("swept.toml");
    let out = place.at("swept");
    let sweep = [
        "sweep",
        swept.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
        "-q",
    ];
    klfit(&sweep).assert().success();
    place.run("mine", Existing::Refuse, usize::MAX).unwrap();
    // A run that is linked into it, one that is moved into it, and a copy of a point.
    symlink(place.at("mine"), out.join("linked")).unwrap();
    place
        .run("swept/own", Existing::Refuse, usize::MAX)
        .unwrap();
    let copy = std::process::Command::new("cp")
        .arg("-r")
        .args([out.join("seed-1"), out.join("copy")])
        .status();
    assert!(copy.unwrap().success());
    // And a run of another's in the place of a point.
    fs::remove_dir_all(out.join("seed-2")).unwrap();
    symlink(place.at("mine"), out.join("seed-2")).unwrap();
    klfit(&sweep).arg("--force").assert().code(2);
    fs::remove_file(out.join("seed-2")).unwrap();
    for run in ["mine", "swept/own", "swept/copy", "swept/linked"] {
        assert!(place.at(run).join("summary.json").is_file(), "{run}");
    }
    assert!(!out.join("seed-1/summary.json").exists());
}

#[test]
fn clearing_of_a_sweep_that_is_cut_short_is_ended_by_the_next() {
    let place = Place::new(0.0);
    let text = fs::read_to_string(place.at("small.toml")).unwrap();
    let seeds = "\n[sweep.grid]\nseed = [1, 2, 3, 4]\n";
    fs::write(place.at("swept.toml"), format!("{text}{seeds}")).unwrap();
    let (swept, out) = (place.at("swept.toml"), place.at("swept"));
    let arguments = ["sweep", "-q", "--no-figures", "--out"];
    let sweep = |how: &[&str]| {
        let mut command = klfit(&arguments);
        command.arg(&out).arg(&swept).args(how);
        command.assert()
    };
    sweep(&[]).success();
    let passing = ".klfit-0123456789abcdef0123456789abcdef";
    // Cut while it cleared: the first point is half deleted, of the second only the lock is left, to the
    // third it did not come, and in the fourth the user keeps a file.
    fs::rename(out.join("manifest"), out.join(passing)).unwrap();
    let first = out.join("seed-1");
    fs::rename(first.join("manifest"), first.join(passing)).unwrap();
    fs::remove_file(first.join("config.toml")).unwrap();
    let second = out.join("seed-2");
    fs::remove_dir_all(&second).unwrap();
    fs::create_dir(&second).unwrap();
    fs::write(second.join(".lock"), "").unwrap();
    fs::write(out.join("seed-4/notes.txt"), "mine").unwrap();
    sweep(&[]).success();
    assert_eq!(
        fs::read_to_string(out.join("seed-4/notes.txt")).unwrap(),
        "mine"
    );
    let hidden = files(&out)
        .iter()
        .any(|path| path.to_string_lossy().contains(".klfit-"));
    assert!(!hidden);
    // A run of the user's own in the place of a point is left, and said.
    fs::remove_dir_all(out.join("seed-3")).unwrap();
    place
        .run("swept/seed-3", Existing::Refuse, usize::MAX)
        .unwrap();
    for how in ["--resume", "--force"] {
        let error = sweep(&[how]).code(2);
        let error = String::from_utf8_lossy(&error.get_output().stderr).into_owned();
        assert!(
            error.contains("holds a run that is not of this sweep"),
            "{how}: {error}"
        );
        assert!(out.join("seed-3/summary.json").is_file());
    }
}

#[test]
fn a_pipe_keeps_nobody_waiting() {
    let place = Place::new(0.0);
    place.run("out", Existing::Refuse, usize::MAX).unwrap();
    let fifo = |path: &Path| {
        let made = std::process::Command::new("mkfifo").arg(path).status();
        assert!(made.unwrap().success());
    };
    let small = place.at("small.toml");
    let out = place.at("out");
    let out = out.to_str().unwrap();
    let began = Instant::now();
    let refused = |arguments: &[&str], name: &Path| {
        let output = klfit(arguments)
            .timeout(Duration::from_secs(20))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(
            output.status.code(),
            Some(2),
            "{arguments:?} {}: {said}",
            name.display()
        );
    };
    let pipe = place.at("pipe.toml");
    fifo(&pipe);
    for command in ["check", "run", "sweep", "landscape", "explore"] {
        refused(&[command, pipe.to_str().unwrap()], &pipe);
    }
    for name in ["pipe.csv", "pipe.json", "pipe.npz", "pipe.npy"] {
        fifo(&place.at(name));
        let path = place.at(name);
        refused(
            &["divergence", path.to_str().unwrap(), path.to_str().unwrap()],
            &path,
        );
    }
    refused(&["estimate", place.at("pipe.csv").to_str().unwrap()], &pipe);
    for name in [
        ".lock",
        "config.toml",
        "manifest",
        "target.csv",
        "summary.json",
        "cross-entropy/trajectory.csv",
    ] {
        let path = place.at("out").join(name);
        let before = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        fifo(&path);
        let commands: &[&[&str]] = match name {
            ".lock" => &[
                &["resume", out],
                &["run", small.to_str().unwrap(), "--out", out, "--force"],
            ],
            _ => &[&["plot", out], &["report", out]],
        };
        for command in commands {
            refused(command, &path);
        }
        fs::remove_file(&path).unwrap();
        fs::write(&path, before).unwrap();
    }
    assert!(began.elapsed() < Duration::from_secs(60));
}
