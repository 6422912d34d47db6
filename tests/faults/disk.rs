//! A disk that fills up.

#![cfg(target_os = "linux")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::folder::fails;
use crate::left::{ends_as, results, rows};
use crate::place::{Place, with_steps, words};

/// A file system of its own, unmounted at the end.
struct Small(PathBuf);

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
#[ignore = "needs root, to mount a file system"]
fn a_disk_that_fills_up_loses_nothing_that_was_durable() {
    let place = Place::new(&with_steps(3000).replace("every = 10", "every = 1"));
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
    ends_as(&results(&whole), &out);
    drop(small);
}
