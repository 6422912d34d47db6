//! A small experiment, and the program that is started on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

pub const CONFIG: &str = r#"
name = "killed"
seed = 3
restarts = 2
[target]
weights = [0.4, 0.6]
means = [[-2.0], [1.5]]
stds = [[1.0], [0.7]]
[optimizer]
steps = 400
[checkpoint]
every = 20
[log]
every = 10
[[fit]]
divergence = "reverse-kl"
[estimator]
type = "monte-carlo"
samples = 16
[[fit]]
divergence = "forward-kl"
"#;

/// The steps of the config.
pub const STEPS: &str = "steps = 400";

/// The config with so many steps.
pub fn with_steps(steps: usize) -> String {
    CONFIG.replace(STEPS, &format!("steps = {steps}"))
}

/// A folder with a config, where runs of it go.
pub struct Place {
    folder: tempfile::TempDir,
    pub config: PathBuf,
}

impl Place {
    pub fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config.toml");
        fs::write(&config, text).unwrap();
        Self { folder, config }
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `klfit run` into a folder, going on with what is there.
    pub fn run(&self, out: &Path) -> Command {
        self.command("run", out, "--resume")
    }

    /// `klfit run` or `klfit sweep` into a folder.
    pub fn command(&self, what: &str, out: &Path, how: &str) -> Command {
        let mut command = klfit();
        command.arg(what).arg(&self.config).arg("--out").arg(out);
        command.args([how, "--no-figures", "--quiet"]);
        command
    }

    pub fn finish(&self, out: &Path) {
        ends_well(&mut self.run(out));
    }
}

/// The program; what it prints is caught.
pub fn klfit() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_klfit"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs a command to its end, which is success, and says how long that took.
pub fn ends_well(command: &mut Command) -> Duration {
    let started = Instant::now();
    let done = command.output().unwrap();
    assert!(done.status.success(), "{command:?}: {}", words(&done));
    started.elapsed()
}

pub fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Copies a folder to a place where there is none.
pub fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-r").args([from, to]).status();
    assert!(copied.unwrap().success());
}

/// Waits, but no longer than a while.
pub fn ended_within(child: &mut Child, most: Duration) -> bool {
    let started = Instant::now();
    loop {
        if child.try_wait().unwrap().is_some() {
            return true;
        }
        let left = most.saturating_sub(started.elapsed());
        if left.is_zero() {
            return false;
        }
        sleep(left.min(Duration::from_millis(2)));
    }
}

/// Pseudo-random numbers from 0 to 1, each seed its own.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        // Seeds that follow each other would give the same numbers, one later.
        Self(seed.wrapping_mul(0xd6e8_feb8_6659_fd93))
    }

    /// The next one, below 1.
    pub fn share(&mut self) -> f64 {
        // SplitMix64 (Steele, Lea and Flood 2014).
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// True half of the time.
    pub fn coin(&mut self) -> bool {
        self.share() < 0.5
    }
}
