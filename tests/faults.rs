//! What the program promises when it is killed, asked to stop, or the disk fails under it.
//!
//! `cargo test --test faults` kills it a few times; `cargo test --test faults -- --ignored` kills it
//! a hundred times, fails every single write, and fills a file system of its own, for which it must
//! be root.

#![cfg(unix)]

use std::fs;
use std::io::ErrorKind;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const CONFIG: &str = r#"
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

/// A folder with a config, where runs of it go.
struct Place {
    folder: tempfile::TempDir,
    config: PathBuf,
}

impl Place {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config.toml");
        fs::write(&config, text).unwrap();
        Self { folder, config }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `klfit run` into a folder, going on with what is there.
    fn run(&self, out: &Path) -> Command {
        self.command(out, "--resume")
    }

    /// `klfit run` into a folder.
    fn command(&self, out: &Path, how: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_klfit"));
        command.arg("run").arg(&self.config).arg("--out").arg(out);
        command.args([how, "--no-figures", "--quiet"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn finish(&self, out: &Path) {
        let done = self.run(out).output().unwrap();
        assert!(done.status.success(), "{}", words(&done));
    }
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Whole files of a run without wall-clock times, by name.
fn left(path: &Path) -> Vec<(String, String)> {
    let fits = ["reverse-kl", "forward-kl"];
    let tables = fits
        .iter()
        .flat_map(|fit| ["trajectory.csv", "restarts.csv"].map(|file| format!("{fit}/{file}")));
    let names = tables.chain(["summary.json", "config.toml"].map(str::to_owned));
    names
        .map(|name| {
            let text = fs::read_to_string(path.join(&name)).unwrap();
            let kept = text.lines().map(|line| {
                if name.ends_with("trajectory.csv") {
                    let mut cells: Vec<&str> = line.split(',').collect();
                    cells.remove(2);
                    cells.join(",")
                } else if ["\"seconds\"", "\"id\""]
                    .iter()
                    .any(|key| line.trim_start().starts_with(key))
                {
                    String::new()
                } else {
                    line.to_owned()
                }
            });
            let kept = kept.collect::<Vec<_>>().join("\n");
            (name, kept)
        })
        .collect()
}

fn same(whole: &[(String, String)], parts: &[(String, String)]) {
    for ((name, whole), (_, parts)) in whole.iter().zip(parts) {
        assert!(whole == parts, "{name} differs:\n{whole}\n{parts}");
    }
}

/// The rows of a trajectory, as far as they are whole.
fn rows(path: &Path) -> Vec<String> {
    let bytes = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let lines = text.split_inclusive('\n');
    lines
        .filter(|line| line.ends_with('\n'))
        .map(str::to_owned)
        .collect()
}

/// Waits, but no longer than a while.
fn ended_within(child: &mut Child, most: Duration) -> bool {
    let started = Instant::now();
    while started.elapsed() < most {
        if child.try_wait().unwrap().is_some() {
            return true;
        }
        sleep(Duration::from_millis(2));
    }
    false
}

/// Pseudo-random numbers below 1, each seed its own.
fn random(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        // SplitMix64 (Steele, Lea and Flood 2014).
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Kills a run so many times at random instants, going on each time, and compares its end.
fn killed(times: usize) {
    let place = Place::new(CONFIG);
    let whole = place.at("whole");
    let started = Instant::now();
    place.finish(&whole);
    let takes = started.elapsed();
    let whole = left(&whole);
    let (mut random, mut kills, mut ends, mut try_number) = (random(7), 0, 0, 0);
    while kills < times {
        let out = place.at(&format!("parts-{try_number}"));
        try_number += 1;
        // Ever further into a run, until one ends before it is killed.
        loop {
            let trajectories =
                ["reverse-kl", "forward-kl"].map(|fit| out.join(fit).join("trajectory.csv"));
            let before = trajectories.clone().map(|path| rows(&path));
            let threads = if kills % 2 == 0 { "1" } else { "2" };
            let mut run = place
                .run(&out)
                .env("RAYON_NUM_THREADS", threads)
                .spawn()
                .unwrap();
            // Starting takes a part of the time, which is no part of the run.
            let wait = takes.mul_f64(0.15 + 0.35 * random());
            if ended_within(&mut run, wait) {
                let output = run.wait_with_output().unwrap();
                assert!(output.status.success(), "{}", words(&output));
                break;
            }
            run.kill().unwrap();
            let status = run.wait().unwrap();
            if status.success() {
                // It was a little faster than the kill.
                break;
            }
            assert_eq!(status.signal(), Some(9));
            kills += 1;
            // Not a row that was logged before is lost, nor changed.
            for (path, before) in trajectories.iter().zip(before) {
                assert!(rows(path).starts_with(&before), "{}", path.display());
            }
        }
        same(&whole, &left(&out));
        ends += 1;
    }
    assert!(ends > 0);
}

#[test]
fn a_run_that_is_killed_a_few_times_ends_as_if_it_had_not_been() {
    killed(8);
}

#[test]
#[ignore = "takes longer than all others here"]
fn a_run_that_is_killed_a_hundred_times_ends_as_if_it_had_not_been() {
    killed(100);
}

/// Kills a run at instants from its very start to its end while it takes the place of another.
fn killed_replacing(times: usize) {
    let place = Place::new(&CONFIG.replace(LONG.0, "steps = 24"));
    let old = place.at("old");
    let made = place.run(&old).args(["--seed", "4"]).status();
    assert!(made.unwrap().success());
    fs::write(old.join("mine.txt"), "mine").unwrap();
    let (old_id, whole) = (id(&old), place.at("whole"));
    let started = Instant::now();
    place.finish(&whole);
    let takes = started.elapsed();
    let whole = left(&whole);
    let (mut olds, mut kills) = (0, 0);
    for i in 0..times {
        let out = place.at(&format!("replaced-{i}"));
        let copied = Command::new("cp").arg("-r").args([&old, &out]).status();
        assert!(copied.unwrap().success());
        let mut run = place.command(&out, "--force").spawn().unwrap();
        sleep(takes.mul_f64(i as f64 / times as f64));
        run.kill().unwrap();
        kills += usize::from(!run.wait().unwrap().success());
        // The old run as it was, or another.
        if out.join("manifest").is_file() && id(&out) == old_id {
            assert_eq!(left(&out), left(&old));
            olds += 1;
        }
        assert_eq!(fs::read_to_string(out.join("mine.txt")).unwrap(), "mine");
        // Who was cut off before the new run began left a folder that holds the user's file alone.
        if !out.join("manifest").is_file() {
            fs::remove_file(out.join("mine.txt")).unwrap();
        }
        let done = place.command(&out, "--force").output().unwrap();
        assert!(done.status.success(), "{i}: {}", words(&done));
        same(&whole, &left(&out));
    }
    // A few kills may all come before the new run begins.
    assert!(
        olds > 0 && (times < 100 || kills > olds),
        "{olds} of {kills}"
    );
}

/// The number of the run in a folder.
fn id(path: &Path) -> String {
    let manifest = fs::read_to_string(path.join("manifest")).unwrap();
    manifest.split(' ').nth(3).unwrap().to_owned()
}

#[test]
fn a_run_that_is_killed_while_it_replaces_another_leaves_one_of_them() {
    killed_replacing(20);
}

#[test]
#[ignore = "takes longer than all others here"]
fn a_run_that_is_killed_often_while_it_replaces_another_leaves_one_of_them() {
    killed_replacing(200);
}

/// Sends a signal.
fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
}

const LONG: (&str, &str) = ("steps = 400", "steps = 4000000");

#[test]
fn a_signal_ends_a_run_after_its_step_and_says_how_to_go_on() {
    for (name, code) in [("-INT", 130), ("-TERM", 143)] {
        let place = Place::new(&CONFIG.replace(LONG.0, LONG.1));
        let out = place.at("run");
        let mut command = Command::new(env!("CARGO_BIN_EXE_klfit"));
        command.arg("run").arg(&place.config).arg("--out").arg(&out);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        // The terminal of the tests does not matter.
        let mut run = command.process_group(0).spawn().unwrap();
        wait_for_rows(&out);
        signal(&run, name);
        assert!(ended_within(&mut run, Duration::from_secs(20)));
        let output = run.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code));
        let resume = format!("klfit resume {}", out.display());
        assert!(words(&output).contains(&resume), "{}", words(&output));
        let summary = fs::read_to_string(out.join("summary.json")).unwrap();
        assert!(summary.contains("\"interrupted\": true"));
        assert!(out.join("reverse-kl/checkpoint").is_file());
        let mut plot = Command::new(env!("CARGO_BIN_EXE_klfit"));
        let plot = plot.arg("plot").arg(&out).output().unwrap();
        assert!(words(&plot).contains("klfit resume"), "{}", words(&plot));
    }
}

fn wait_for_rows(out: &Path) {
    let started = Instant::now();
    while rows(&out.join("reverse-kl/trajectory.csv")).len() < 3 {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "it does not begin"
        );
        sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    // One step takes far longer than the test.
    let slow = CONFIG
        .replace(LONG.0, LONG.1)
        .replace("samples = 16", "samples = 4000000")
        .replace("every = 20", "every = 100000");
    let place = Place::new(&slow);
    let out = place.at("run");
    let mut run = place.run(&out).process_group(0).spawn().unwrap();
    let started = Instant::now();
    while !out.join("config.toml").is_file() {
        assert!(started.elapsed() < Duration::from_secs(60));
        sleep(Duration::from_millis(5));
    }
    sleep(Duration::from_millis(300));
    signal(&run, "-INT");
    let first = ended_within(&mut run, Duration::from_millis(200));
    assert!(!first, "a step that long is not over");
    signal(&run, "-INT");
    assert!(ended_within(&mut run, Duration::from_secs(2)));
    assert_eq!(run.wait().unwrap().code(), Some(130));
}

#[test]
fn two_processes_on_one_folder_are_told_apart_and_a_dead_one_leaves_no_lock() {
    let place = Place::new(&CONFIG.replace(LONG.0, LONG.1));
    let out = place.at("run");
    let mut first = place.run(&out).spawn().unwrap();
    wait_for_rows(&out);
    let second = place.run(&out).output().unwrap();
    assert_eq!(second.status.code(), Some(2));
    assert!(
        words(&second).contains("another klfit is running"),
        "{}",
        words(&second)
    );
    first.kill().unwrap();
    first.wait().unwrap();
    let mut third = place.run(&out).spawn().unwrap();
    assert!(
        !ended_within(&mut third, Duration::from_secs(1)),
        "it goes on"
    );
    third.kill().unwrap();
    third.wait().unwrap();
}

/// Runs to an error, which is one, says what it must, and is not a panic.
fn fails(output: &Output, what: &[&str]) {
    let text = words(output);
    assert!(!output.status.success(), "it succeeded");
    assert_eq!(text.matches("error:").count(), 1, "{text}");
    assert!(!text.contains("panicked"), "{text}");
    assert!(what.iter().any(|what| text.contains(what)), "{text}");
}

#[test]
fn a_folder_that_is_removed_under_the_run_is_told() {
    let place = Place::new(&CONFIG.replace(LONG.0, "steps = 100000"));
    let out = place.at("run");
    let run = place.run(&out).spawn().unwrap();
    wait_for_rows(&out);
    // What the run writes while a folder is emptied keeps it from being removed, so once more.
    while fs::remove_dir_all(&out).is_err_and(|error| error.kind() != ErrorKind::NotFound) {}
    let output = run.wait_with_output().unwrap();
    fails(&output, &["removed while klfit was writing to it"]);
}

#[test]
fn a_folder_that_may_not_be_written_is_told() {
    let place = Place::new(CONFIG);
    let file = place.at("a file");
    fs::write(&file, "no folder").unwrap();
    let output = place.run(&file.join("run")).output().unwrap();
    fails(&output, &["cannot"]);
    // No one may write there, not even root.
    let output = place.run(Path::new("/proc/klfit-run")).output().unwrap();
    fails(&output, &["cannot create /proc/klfit-run"]);
}

/// Makes each kind of call fail at the n-th one: what writes a regular file, makes one, gives it another name or
/// size, or removes it.
const FAILING: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static int due(const char *what) {
    static long calls = 0;
    const char *wanted = getenv("FAIL"), *at = getenv("FAIL_AT");
    if (!wanted || !at || strcmp(wanted, what) != 0) return 0;
    return __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST) == atol(at);
}

static int is_file(int fd) {
    struct stat info;
    return fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

ssize_t write(int fd, const void *bytes, size_t count) {
    ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
    if (is_file(fd) && due("write")) {
        if (count > 1) real(fd, bytes, count / 2);
        errno = ENOSPC;
        return -1;
    }
    return real(fd, bytes, count);
}

static int sync_file(int fd, const char *name) {
    int (*real)(int) = dlsym(RTLD_NEXT, name);
    if (due("fsync")) { errno = EIO; return -1; }
    return real(fd);
}

int fsync(int fd) { return sync_file(fd, "fsync"); }
int fdatasync(int fd) { return sync_file(fd, "fdatasync"); }

int renameat(int from, const char *a, int to, const char *b) {
    int (*real)(int, const char *, int, const char *) = dlsym(RTLD_NEXT, "renameat");
    if (due("rename")) { errno = EACCES; return -1; }
    return real(from, a, to, b);
}

int unlinkat(int folder, const char *name, int flags) {
    int (*real)(int, const char *, int) = dlsym(RTLD_NEXT, "unlinkat");
    if (due("unlink")) { errno = EACCES; return -1; }
    return real(folder, name, flags);
}

static int change_size(int fd, off_t size, const char *name) {
    int (*real)(int, off_t) = dlsym(RTLD_NEXT, name);
    if (due("ftruncate")) { errno = EIO; return -1; }
    return real(fd, size);
}

int ftruncate(int fd, off_t size) { return change_size(fd, size, "ftruncate"); }
int ftruncate64(int fd, off_t size) { return change_size(fd, size, "ftruncate64"); }

/* There is no function for openat2. */
long syscall(long number, ...) {
    long (*real)(long, ...) = dlsym(RTLD_NEXT, "syscall");
    long a[6];
    va_list more;
    va_start(more, number);
    for (int i = 0; i < 6; i++) a[i] = va_arg(more, long);
    va_end(more);
    if (number == SYS_openat2 && (*(unsigned long long *)a[2] & O_CREAT) && due("open")) {
        errno = EMFILE;
        return -1;
    }
    return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
"#;

/// Fails the n-th of each kind of call, for every `step`-th n there is, and goes on without.
fn failing(step: usize) {
    let place = Place::new(
        &CONFIG
            .replace(LONG.0, "steps = 24")
            .replace("every = 20", "every = 5"),
    );
    let (source, library) = (place.at("failing.c"), place.at("failing.so"));
    fs::write(&source, FAILING).unwrap();
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .args([&library, &source])
        .arg("-ldl")
        .status();
    assert!(built.unwrap().success(), "cc builds a library");
    let old = place.at("old");
    let seed = place.run(&old).args(["--seed", "4"]).status();
    assert!(seed.unwrap().success());
    let torn = place.at("torn");
    let begun = place.run(&torn).output().unwrap();
    assert!(begun.status.success());
    fs::remove_file(torn.join("summary.json")).unwrap();
    for fit in ["reverse-kl", "forward-kl"] {
        fs::remove_file(torn.join(fit).join("checkpoint")).unwrap();
        let rows = fs::File::options()
            .append(true)
            .open(torn.join(fit).join("trajectory.csv"));
        std::io::Write::write_all(&mut rows.unwrap(), b"24,0,0.1").unwrap();
    }
    let whole = place.at("whole");
    place.finish(&whole);
    let whole = left(&whole);
    let mut failed = 0;
    // A run in a folder of its own, in the place of another, and in one that was left with half a row.
    let runs: [(Option<&Path>, &str, &[&str]); 3] = [
        (None, "--resume", &["write", "fsync", "rename", "open"]),
        (
            Some(&old),
            "--force",
            &["write", "fsync", "rename", "open", "unlink"],
        ),
        (Some(&torn), "--resume", &["ftruncate"]),
    ];
    for (before, how, kinds) in runs {
        for what in kinds {
            for at in (1..).step_by(step) {
                let out = place.at(&format!("{what}-{at}{how}"));
                if let Some(before) = before {
                    let copied = Command::new("cp").arg("-r").args([before, &out]).status();
                    assert!(copied.unwrap().success());
                }
                let mut run = place.command(&out, how);
                run.env("LD_PRELOAD", &library).env("FAIL", what);
                let output = run.env("FAIL_AT", at.to_string()).output().unwrap();
                if output.status.success() {
                    // There is no n-th call.
                    assert!(at > 1, "{what}: nothing failed");
                    break;
                }
                failed += 1;
                fails(&output, &["cannot"]);
                // What is there is whole, and of one run: the old one, the new one, or none.
                if let Ok(text) = fs::read_to_string(out.join("summary.json")) {
                    let summary: serde_json::Value = serde_json::from_str(&text).unwrap();
                    let id = summary["id"].as_str().unwrap();
                    if let Ok(manifest) = fs::read_to_string(out.join("manifest")) {
                        assert!(manifest.contains(id), "{what} {at}: {manifest}");
                    }
                }
                // Then it goes on as if nothing had been.
                let done = place.command(&out, how).output().unwrap();
                assert!(done.status.success(), "{what} {at}: {}", words(&done));
                same(&whole, &left(&out));
                let hidden = fs::read_dir(&out).unwrap().filter(|entry| {
                    let name = entry.as_ref().unwrap().file_name();
                    name.to_string_lossy().starts_with(".klfit-")
                });
                assert_eq!(hidden.count(), 0, "{what} {at}");
            }
        }
    }
    assert!(failed > 10, "{failed}");
}

#[test]
#[cfg(target_os = "linux")]
fn some_failed_calls_lose_nothing() {
    failing(6);
}

#[test]
#[cfg(target_os = "linux")]
#[ignore = "takes longer than all others here"]
fn no_failed_call_loses_anything() {
    failing(1);
}

/// A file system of its own, unmounted at the end.
struct Small(PathBuf);

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
#[cfg(target_os = "linux")]
#[ignore = "needs root, to mount a file system"]
fn a_disk_that_fills_up_loses_nothing_that_was_durable() {
    let place = Place::new(
        &CONFIG
            .replace(LONG.0, "steps = 3000")
            .replace("every = 10", "every = 1"),
    );
    let whole = place.at("whole");
    place.finish(&whole);
    let disk = place.at("disk");
    fs::create_dir(&disk).unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=400k", "klfit-test"])
        .arg(&disk)
        .status();
    assert!(mounted.unwrap().success(), "root mounts a file system");
    let small = Small(disk.clone());
    let out = disk.join("run");
    let output = place.run(&out).output().unwrap();
    fails(&output, &["cannot write"]);
    assert!(
        words(&output).contains("free some space"),
        "{}",
        words(&output)
    );
    let logged = rows(&out.join("reverse-kl/trajectory.csv"));
    assert!(logged.len() > 10, "{}", logged.len());
    // With more room it goes on, and ends as it would have.
    let grown = Command::new("mount")
        .args(["-o", "remount,size=40m"])
        .arg(&disk)
        .status();
    assert!(grown.unwrap().success());
    place.finish(&out);
    assert!(rows(&out.join("reverse-kl/trajectory.csv")).starts_with(&logged));
    same(&left(&whole), &left(&out));
    drop(small);
}
