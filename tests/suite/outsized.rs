//! Folders from others that hold files far too large: each command answers soon, in little memory.

#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use assert_cmd::Command;

/// The address space of a command, in MiB; its threads and what its allocator sets apart need a part.
const MEMORY: u64 = 1536;
/// What is far too large, of which nothing is on the disk.
const SPARSE: u64 = 20 << 30;
/// A long line, in MB.
const LONG: usize = 100;
/// The longest that a command may compute, in seconds of all processors: how long it waits for one is not its own.
const SOON: u64 = 10;
/// The longest that it may wait.
const PATIENCE: Duration = Duration::from_secs(120);

const CONFIG: &str = r#"
name = "small"
restarts = 2
[target]
means = [[0.5]]
stds = [[1.0]]
[optimizer]
steps = 4
[[fit]]
divergence = "forward-kl"
[landscape]
across = "mean=-1:1:3"
up = "std=0.5:1.5:3"
points = 16
"#;

const ROWS: &str = r#"
name = "rows"
restarts = 2
[target]
file = "rows.csv"
[optimizer]
steps = 4
[[fit]]
label = "forward-kl"
divergence = "forward-kl"
"#;

const SWEEP: &str = "[sweep.grid]\nseed = [1, 2]\n";

/// What a file is made to be.
#[derive(Debug, Clone, Copy)]
enum Content {
    /// Nothing but a size.
    Hole,
    /// What it was, and then nothing but a size.
    OwnAndHole,
    /// A long line without an end.
    Line(&'static str),
    /// What it was, and then such a line.
    OwnAndLine(&'static str),
}

use Content::{Hole, Line, OwnAndHole, OwnAndLine};

impl Content {
    fn put(self, path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if matches!(self, Hole | Line(_)) {
            fs::write(path, "").unwrap();
        }
        let mut file = File::options()
            .create(true)
            .append(true)
            .open(path)
            .unwrap();
        match self {
            Hole | OwnAndHole => file.set_len(SPARSE).unwrap(),
            Line(part) | OwnAndLine(part) => {
                let line = part.repeat(LONG * 1_000_000 / part.len());
                file.write_all(line.as_bytes()).unwrap();
            }
        }
    }
}

/// A finished run or sweep, to be copied.
struct Place(tempfile::TempDir);

impl Place {
    fn new(command: &str, config: &str) -> Self {
        let this = Self(tempfile::tempdir().unwrap());
        let rows: Vec<String> = (0..20).map(|i| format!("{i},{}", i * i % 7)).collect();
        fs::write(this.at("rows.csv"), format!("x,y\n{}\n", rows.join("\n"))).unwrap();
        fs::write(this.at("a.toml"), config).unwrap();
        let made = this.run(&[command, "a.toml", "--out", "made", "--no-figures", "-q"]);
        assert!(made.status.success(), "{}", words(&made));
        this
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs a command in so much memory and time, beyond which it is killed.
    fn run(&self, arguments: &[&str]) -> Output {
        let limited = format!(
            "ulimit -v {} && ulimit -t {SOON} && exec \"$0\" \"$@\"",
            MEMORY << 10
        );
        Command::new("sh")
            .args(["-c", &limited])
            .arg(env!("CARGO_BIN_EXE_klfit"))
            .args(arguments)
            .current_dir(self.0.path())
            .env("RAYON_NUM_THREADS", "2")
            .timeout(PATIENCE)
            .output()
            .unwrap()
    }

    /// Runs a command on a copy of which one file is another: it is refused with one error that names the
    /// file, or succeeds where it does not need it.
    fn attack(&self, command: &[&str], file: &str, content: Content, is_read: bool) {
        _ = fs::remove_dir_all(self.at("out"));
        let copied = Command::new("cp")
            .arg("-r")
            .args([self.at("made"), self.at("out")])
            .output();
        assert!(copied.unwrap().status.success());
        content.put(&self.at("out").join(file));
        let output = self.run(command);
        let said = words(&output);
        let context = format!("{command:?} {file} {content:?}: {:?} {said}", output.status);
        if is_read {
            assert!(matches!(output.status.code(), Some(1 | 2)), "{context}");
            let errors = said.lines().filter(|line| line.starts_with("error:"));
            assert_eq!(errors.count(), 1, "{context}");
            assert!(said.len() < 2000, "{context}");
            assert!(
                !said.contains("panicked") && !said.contains("memory"),
                "{context}"
            );
        } else {
            assert!(output.status.success(), "{context}");
        }
    }
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A command, and the files that it does not read.
fn attacked(command: &[&str], unread: &[&str]) {
    let place = Place::new("run", CONFIG);
    let attack = |file: &str, content: Content| {
        place.attack(command, file, content, !unread.contains(&file));
    };
    let trajectory = "forward-kl/trajectory.csv";
    for content in [
        Hole,
        OwnAndHole,
        Line("1"),
        Line("0,"),
        OwnAndLine("1"),
        OwnAndLine("0,"),
    ] {
        // A last line without an end was cut off: it is taken away where a run goes on.
        let is_cut = command[0] == "resume" && matches!(content, OwnAndLine(_));
        place.attack(command, trajectory, content, !is_cut);
    }
    for file in [
        "config.toml",
        "summary.json",
        "manifest",
        "forward-kl/checkpoint",
    ] {
        attack(file, Hole);
        attack(file, OwnAndHole);
    }
    for file in [
        "forward-kl/restarts.csv",
        "figures/animation.gif",
        "figures/landscape.svg",
    ] {
        attack(file, Hole);
    }
    // Both the fit and its config are what they were: it does succeed in so much memory.
    place.attack(command, "notes.txt", Hole, false);
}

const CHECKPOINT: &str = "forward-kl/checkpoint";
/// What only other programs read, or what is left out if it cannot be read.
const UNREAD: [&str; 4] = [
    "forward-kl/restarts.csv",
    "figures/animation.gif",
    "figures/landscape.svg",
    CHECKPOINT,
];

#[test]
fn plot() {
    attacked(&["plot", "out"], &UNREAD);
}

#[test]
fn report() {
    attacked(&["report", "out"], &UNREAD);
}

#[test]
fn animate() {
    let command = ["animate", "out", "--seconds", "0.5", "--width", "200"];
    attacked(&command, &UNREAD);
}

#[test]
fn landscape() {
    attacked(&["landscape", "out"], &UNREAD);
}

#[test]
fn resume() {
    let command = ["resume", "out", "--steps", "8", "--no-figures"];
    attacked(&command, &UNREAD[..3]);
}

#[test]
fn rows_of_the_target() {
    let place = Place::new("run", ROWS);
    let commands: [&[&str]; 3] = [
        &["plot", "out"],
        &["report", "out"],
        &["resume", "out", "--steps", "8"],
    ];
    for command in commands {
        for content in [Hole, OwnAndHole, Line("1"), OwnAndLine("1")] {
            place.attack(command, "target.csv", content, true);
        }
    }
    place.attack(commands[0], "target.csv", OwnAndLine("0,"), true);
}

#[test]
fn tables_of_sweeps() {
    let place = Place::new("sweep", &format!("{CONFIG}{SWEEP}"));
    for command in ["plot", "report"] {
        for content in [Hole, OwnAndHole, Line("1"), Line("0,"), OwnAndLine("0,")] {
            place.attack(&[command, "out"], "sweep.csv", content, true);
        }
        place.attack(&[command, "out"], "seed-1/summary.json", OwnAndHole, true);
        place.attack(
            &[command, "out"],
            "seed-1/forward-kl/trajectory.csv",
            OwnAndHole,
            true,
        );
    }
    // It is made again.
    let again = [
        "sweep",
        "a.toml",
        "--out",
        "out",
        "--resume",
        "--no-figures",
    ];
    place.attack(&again, "sweep.csv", OwnAndHole, false);
}
