//! Ctrl-C and SIGTERM.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::Duration;

use crate::folder::{LONG, wait_for_rows, wait_until};
use crate::place::{Place, ended_within, klfit, with_steps, words};

/// Sends a signal.
fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
}

#[test]
fn a_signal_ends_a_run_after_its_step_and_says_how_to_go_on() {
    for (name, code) in [("-INT", 130), ("-TERM", 143)] {
        let place = Place::new(&with_steps(LONG));
        let out = place.at("run");
        let mut command = klfit();
        command.arg("run").arg(&place.config).arg("--out").arg(&out);
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
        let plot = klfit().arg("plot").arg(&out).output().unwrap();
        assert!(words(&plot).contains("klfit resume"), "{}", words(&plot));
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    // One step takes far longer than the test.
    let slow = with_steps(LONG)
        .replace("samples = 16", "samples = 4000000")
        .replace("every = 20", "every = 100000");
    let place = Place::new(&slow);
    let out = place.at("run");
    let mut run = place.run(&out).process_group(0).spawn().unwrap();
    wait_until("it begins", || out.join("config.toml").is_file());
    sleep(Duration::from_millis(300));
    signal(&run, "-INT");
    let first = ended_within(&mut run, Duration::from_millis(200));
    assert!(!first, "a step that long is not over");
    signal(&run, "-INT");
    assert!(ended_within(&mut run, Duration::from_secs(2)));
    assert_eq!(run.wait().unwrap().code(), Some(130));
}
