//! Calls to the system that fail.

#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::folder::fails;
use crate::left::{ends_as, results};
use crate::place::{Place, copy, ends_well, with_steps};

/// Fails the n-th of each kind of call, for every `step`-th n there is, and goes on without.
fn failing(step: usize) {
    let place = Place::new(&with_steps(24).replace("every = 20", "every = 5"));
    let (source, library) = (place.at("failing.c"), place.at("failing.so"));
    fs::write(&source, include_str!("failing_calls.c")).unwrap();
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .args([&library, &source])
        .arg("-ldl")
        .status();
    assert!(built.unwrap().success(), "cc builds a library");
    let old = place.at("old");
    ends_well(place.run(&old).args(["--seed", "4"]));
    let torn = place.at("torn");
    place.finish(&torn);
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
    let whole = results(&whole);
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
                    copy(before, &out);
                }
                let mut run = place.command("run", &out, how);
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
                ends_well(&mut place.command("run", &out, how));
                ends_as(&whole, &out);
            }
        }
    }
    assert!(failed > 10, "{failed}");
}

#[test]
fn some_failed_calls_lose_nothing() {
    failing(6);
}

#[test]
#[ignore = "takes longer than all others here"]
fn no_failed_call_loses_anything() {
    failing(1);
}
