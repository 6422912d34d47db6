//! What the command line sets and the files it names.

use std::fs;

use klfit::{Experiment, Override};

use super::config::GOOD;
use super::{FORWARD, LINE, REVERSE, beside_data, config_error, refusal};

#[test]
fn what_the_command_line_sets_is_named_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("good.toml"), GOOD).unwrap();
    for (arguments, words) in [
        (
            &["--set", "optimizer.learning_rate=-1"][..],
            "--set optimizer.learning_rate=-1",
        ),
        (
            &["--set", "optimizer.momentum=0.9"],
            "--set optimizer.momentum=0.9",
        ),
        (&["--set", "nonsense=1"], "--set nonsense=1"),
        (&["--set", "optimiser.steps=1"], "--set optimiser.steps=1"),
        (&["--set", "steps=1"], "optimizer = { steps"),
        (
            &["--set", "fit[2].optimizer.learning_rate=-1"],
            "--set fit[2].optimizer.learning_rate=-1: `fit[2].optimizer.learning_rate` is -1",
        ),
        (
            &["--set", "optimizer.beta1=2"],
            "--set optimizer.beta1=2: `optimizer.beta1` is 2",
        ),
        (&["--set", "fit[3].divergence=js"], "there are 2 fits"),
        (
            &["--set", "estimator.type=rows"],
            "--set estimator.type=rows: `estimator.type` is \"rows\"",
        ),
        (
            &["--set", "fit.divergence=js"],
            "--set fit.divergence=js: `fit.divergence` cannot be set",
        ),
        (
            &["--set", "init.mean=[1.0]"],
            "--set init.mean=[1.0]: `init.std` is missing",
        ),
        (
            &[
                "--set",
                "stop.window=3",
                "--set",
                "stop.loss_change=0",
                "--set",
                "stop.precision=1",
            ],
            "--set stop.loss_change=0: `stop.loss_change` is 0",
        ),
        (
            &["--set", "target.means[1]=[2.0]"],
            "only fits are numbered",
        ),
        (
            &["--set", "stop.gradient_norm=0"],
            "--set stop.gradient_norm=0: `stop.gradient_norm` is 0",
        ),
        (&["--backend", "tpu"], "--backend tpu"),
        (&["--set", "nonsense"], "key=value"),
        (&["--steps", "0"], "--steps"),
        (&["--seed", "x"], "--seed"),
    ] {
        let message = refusal(&folder, &[&["run", "good.toml"], arguments].concat());
        assert!(message.contains(words), "{arguments:?}:\n{message}");
    }
}

#[test]
fn files_that_are_not_there_or_not_for_us_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = |arguments: &[&str]| refusal(&folder, arguments);
    let message = at(&["run", "absent.toml"]);
    assert!(
        message.contains("absent.toml") && message.contains("klfit init"),
        "{message}"
    );
    let message = at(&["run", "."]);
    assert!(message.contains("cannot read"), "{message}");
    let message = at(&["plot", "absent"]);
    assert!(
        message.contains("absent is not the folder of a run"),
        "{message}"
    );
    fs::write(folder.path().join("bytes.toml"), [0xff, 0xfe, 0x00]).unwrap();
    assert!(at(&["check", "bytes.toml"]).contains("UTF-8"));
    fs::write(folder.path().join("empty.toml"), "").unwrap();
    assert!(at(&["check", "empty.toml"]).contains("is missing"));
    // A file where the folder should be.
    fs::write(folder.path().join("good.toml"), GOOD).unwrap();
    fs::write(folder.path().join("taken"), "").unwrap();
    let message = at(&["run", "good.toml", "--out", "taken"]);
    assert!(
        message.contains("taken") && message.contains("--out"),
        "{message}"
    );
}

#[cfg(not(feature = "wgpu"))]
#[test]
fn a_backend_that_was_not_compiled_in_names_its_feature() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("good.toml"), GOOD).unwrap();
    let message = refusal(&folder, &["run", "good.toml", "--backend", "wgpu"]);
    assert!(message.contains("--features wgpu"), "{message}");
    assert!(!folder.path().join("outputs").exists());
}

#[test]
fn what_overrides_set_is_told_by_them_alone() {
    let text =
        format!("name = \"set\"\n{LINE}[optimizer]\nlearning_rate = 0.1\n{FORWARD}{REVERSE}");
    let refused = |set: &[&str]| {
        let overrides = set
            .iter()
            .map(|one| Override::parse(one).unwrap())
            .collect();
        let error = Experiment::parse(beside_data(), &text, overrides).unwrap_err();
        let (error, key, _) = config_error(error);
        (error.location.from, key)
    };
    let from = |set: &str| Some(format!("--set {set}"));
    // The last one that sets a key is the one that counts.
    assert_eq!(
        refused(&["optimizer.learning_rate=-1", "optimizer.learning_rate=-2"]),
        (
            from("optimizer.learning_rate=-2"),
            "optimizer.learning_rate".to_owned()
        )
    );
    assert_eq!(
        refused(&[
            "optimizer.learning_rate=1",
            "fit[2].optimizer.learning_rate=-2"
        ]),
        (
            from("fit[2].optimizer.learning_rate=-2"),
            "fit[2].optimizer.learning_rate".to_owned()
        )
    );
    // An error of another key is not theirs.
    assert_eq!(
        refused(&[
            "optimizer.steps=3",
            "target.weights=[0.5, 0.4]",
            "optimizer.clip=1.0"
        ]),
        (
            from("target.weights=[0.5, 0.4]"),
            "target.weights".to_owned()
        )
    );
    let bad = text.replace("learning_rate = 0.1", "learning_rate = -0.1");
    let steps = vec![Override::parse("optimizer.steps=3").unwrap()];
    let (error, ..) = config_error(Experiment::parse(beside_data(), &bad, steps).unwrap_err());
    assert_eq!(
        (error.location.from.clone(), error.location.line()),
        (None, Some(7))
    );
}
