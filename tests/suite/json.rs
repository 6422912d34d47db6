//! What `--json` prints is what the files say, and nothing else is on standard output.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::command_line::klfit;

const CONFIG: &str = r#"
name = "small"
restarts = 2
[target]
means = [[0.5]]
stds = [[1.0]]
[optimizer]
steps = 4
[[fit]]
divergence = "kl"
[[fit]]
label = "reverse KL, K = 1"
divergence = "reverse-kl"
[landscape]
across = "mean=-1:1:3"
up = "std=0.5:1.5:3"
points = 16
"#;

fn printed(folder: &Path, arguments: &[&str]) -> Value {
    let output = klfit(arguments).current_dir(folder).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn a_run_prints_its_summary() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("a.toml"), CONFIG).unwrap();
    let more = ["--out", "out", "--no-figures", "--json"];
    let run = printed(folder.path(), &[&["run", "a.toml"], &more[..]].concat());
    assert_eq!(run, read(&at("out/summary.json")));
    assert_eq!(run["fits"][0]["label"], "forward-kl");
    // A label of any text has a folder of its words, and is found by both.
    assert!(at("out/reverse-KL-K-1/trajectory.csv").exists());
    for fit in ["out#reverse-KL-K-1", "out#reverse KL, K = 1"] {
        let shown = printed(folder.path(), &["mixture", "show", fit, "--json"]);
        let expected = &run["fits"][1]["best"]["mixture"]["means"][0];
        assert_eq!(&shown["components"][0]["mean"], expected);
    }
    let resume = ["resume", "out", "--steps", "6", "--no-figures", "--json"];
    let resumed = printed(folder.path(), &resume);
    assert_eq!(resumed, read(&at("out/summary.json")));
    assert_eq!(resumed["fits"][0]["steps"], 6);
    // What is drawn and reported of such a label.
    klfit(&["plot", "out"])
        .current_dir(&folder)
        .assert()
        .success();
    klfit(&["report", "out"])
        .current_dir(&folder)
        .assert()
        .success();
    let page = fs::read_to_string(at("out/report.html")).unwrap();
    assert!(page.contains("reverse KL, K = 1"));
}

#[test]
fn a_sweep_prints_the_summary_of_each_point() {
    let folder = tempfile::tempdir().unwrap();
    let config = format!("{CONFIG}[sweep.grid]\nseed = [1, 2]\n");
    fs::write(folder.path().join("a.toml"), config).unwrap();
    for command in ["sweep", "run"] {
        let out = ["--out", command, "--no-figures", "--json"];
        let points = printed(folder.path(), &[&[command, "a.toml"], &out[..]].concat());
        for (n, seed) in ["1", "2"].into_iter().enumerate() {
            let point = &points[n];
            assert_eq!(point["settings"]["seed"], seed);
            let summary = format!(
                "{command}/{}/summary.json",
                point["point"].as_str().unwrap()
            );
            assert_eq!(point["summary"], read(&folder.path().join(summary)));
        }
    }
}

#[test]
fn a_landscape_and_an_estimate_print_what_they_made() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.toml"), CONFIG).unwrap();
    let made = printed(
        folder.path(),
        &["landscape", "a.toml", "--out", "l", "--json"],
    );
    let files = made["files"].as_array().unwrap();
    assert!(files.len() >= 4 && made["seconds"].as_f64().unwrap() > 0.0);
    for file in files {
        assert!(
            folder.path().join(file.as_str().unwrap()).exists(),
            "{file}"
        );
    }
    let rows: String = (0..8).map(|i| format!("{i},{}\n", i * i % 5)).collect();
    fs::write(folder.path().join("d.csv"), format!("u,v\n{rows}")).unwrap();
    let arguments = ["estimate", "d.csv", "--json", "--out", "m.toml"];
    let made = printed(folder.path(), &arguments);
    assert_eq!((&made["rows"], &made["names"][1]), (&8.into(), &"v".into()));
    assert_eq!(made["mixture"]["means"][0][0], 3.5);
    assert!(made["log_likelihood"]["value"].as_f64().unwrap() < 0.0);
    let model = klfit::read_operand(folder.path().join("m.toml").to_str().unwrap()).unwrap();
    assert_eq!(model.model.as_mixture().unwrap().means()[0][0], 3.5);
}
