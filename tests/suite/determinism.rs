//! One seed, one result: to the bit, on any number of threads.

use std::collections::BTreeMap;
use std::path::Path;

use assert_cmd::Command;

use crate::support::config;

/// The files of a run but for its wall-clock times.
fn results(folder: &Path) -> BTreeMap<String, Vec<Vec<String>>> {
    let mut files = BTreeMap::new();
    for fit in ["forward-kl", "reverse-kl"] {
        for name in ["trajectory.csv", "restarts.csv"] {
            let mut csv = csv::Reader::from_path(folder.join(fit).join(name)).unwrap();
            let header = csv.headers().unwrap().clone();
            let rows = (csv.records().map(Result::unwrap))
                .map(|row| {
                    (header.iter().zip(&row))
                        .filter(|(column, _)| *column != "seconds")
                        .map(|(_, field)| field.to_owned())
                        .collect()
                })
                .collect();
            files.insert(format!("{fit}/{name}"), rows);
        }
    }
    files
}

fn run(name: &str, threads: usize, options: &[&str]) -> BTreeMap<String, Vec<Vec<String>>> {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    Command::cargo_bin("klfit")
        .unwrap()
        .env("RAYON_NUM_THREADS", threads.to_string())
        .args(["run", "--quiet", "--no-figures", "--out"])
        .arg(&out)
        .arg(config(name))
        .args(options)
        .assert()
        .success();
    results(&out)
}

#[test]
fn runs_are_identical_on_any_number_of_threads() {
    for (name, options) in [
        ("bimodal", &["--steps", "40"][..]),
        ("five-dimensions", &["--steps", "25"]),
        ("self-fit", &["--steps", "15"]),
    ] {
        let one = run(name, 1, options);
        for threads in [1, 2, 5] {
            let again = run(name, threads, options);
            assert!(one == again, "{name} on {threads} threads");
        }
    }
}

#[test]
fn another_seed_gives_other_numbers() {
    let steps = ["--steps", "5"];
    let other = ["--steps", "5", "--seed", "1"];
    assert!(run("five-dimensions", 1, &steps) != run("five-dimensions", 1, &other));
}
