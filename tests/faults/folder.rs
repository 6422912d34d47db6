//! A folder that another process has, that goes away, or that may not be written.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Output;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::left::rows;
use crate::place::{CONFIG, Place, with_steps, words};

/// Steps that take far longer than a test.
pub const LONG: usize = 4_000_000;

/// Waits until something is so, but no longer than a minute.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(60), "never: {what}");
        sleep(Duration::from_millis(5));
    }
}

/// Waits until a run has logged something.
pub fn wait_for_rows(out: &Path) {
    let trajectory = out.join("reverse-kl/trajectory.csv");
    wait_until("it logs", || rows(&trajectory).len() >= 3);
}

#[test]
fn two_processes_on_one_folder_are_told_apart_and_a_dead_one_leaves_no_lock() {
    let place = Place::new(&with_steps(LONG));
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
    let checkpoint = out.join("reverse-kl/checkpoint");
    wait_until("there is a checkpoint", || checkpoint.is_file());
    first.kill().unwrap();
    first.wait().unwrap();
    // The third finds the rows of the first, and logs more than those.
    let trajectory = out.join("reverse-kl/trajectory.csv");
    let before = rows(&trajectory);
    let mut third = place.run(&out).spawn().unwrap();
    wait_until("it goes on", || {
        let ended = third.try_wait().unwrap();
        assert!(ended.is_none(), "it ends: {ended:?}");
        rows(&trajectory).len() >= before.len() + 3
    });
    assert!(rows(&trajectory).starts_with(&before));
    third.kill().unwrap();
    third.wait().unwrap();
}

/// Runs to an error, which is one, says what it must, and is not a panic.
pub fn fails(output: &Output, what: &[&str]) {
    let text = words(output);
    assert!(!output.status.success(), "it succeeded");
    assert_eq!(text.matches("error:").count(), 1, "{text}");
    assert!(!text.contains("panicked"), "{text}");
    assert!(what.iter().any(|what| text.contains(what)), "{text}");
}

#[test]
fn a_folder_that_is_removed_under_the_run_is_told() {
    let place = Place::new(&with_steps(100_000));
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
