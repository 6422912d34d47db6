//! Bad input gets one clear message: the file, the line or the key, and the remedy.

mod command_line;
mod config;
mod divergence;
mod edits;
mod estimator;
mod family;
mod optimizer;
mod rest;
mod sections;
mod start;
mod stop;
mod sweep;
mod target;

use std::path::Path;

use klfit::{Error, Experiment};
use tempfile::TempDir;

use crate::command_line::klfit;

/// What a command that is refused says.
pub fn refusal(folder: &TempDir, arguments: &[&str]) -> String {
    let run = klfit(arguments).current_dir(folder).assert().code(2);
    String::from_utf8(run.get_output().stderr.clone()).unwrap()
}

/// A place in the folder of the tests' data, where the files that configs name are.
pub fn beside_data() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/test.toml"))
}

pub fn parsed(text: &str) -> klfit::Result<Experiment> {
    Experiment::parse(beside_data(), text, Vec::new())
}

/// The error of a config that is refused, its key, and its help.
pub fn config_error(error: Error) -> (klfit::ConfigError, String, String) {
    let Error::Config(error) = error else {
        panic!("not an error of the config: {error}")
    };
    let key = error.message.split('`').nth(1).unwrap_or("").to_owned();
    let help = error.help.clone().unwrap_or_default();
    assert!(!help.is_empty(), "no help: {error}");
    (error, key, help)
}

/// Asserts that a config is refused at the line that ends in `# !`, for its key, with words of the
/// message and of the help.
#[track_caller]
pub fn refuses(text: &str, key: &str, message: &str, help: &str) {
    let line = text.lines().position(|line| line.ends_with("# !"));
    let error = match parsed(text) {
        Ok(_) => panic!("taken:\n{text}"),
        Err(error) => error,
    };
    let (error, found, remedy) = config_error(error);
    let told = format!("{error}\nhelp: {remedy}\n\n{text}");
    assert_eq!(found, key, "{told}");
    assert_eq!(error.location.line(), line.map(|line| line + 1), "{told}");
    assert_eq!(error.location.from, None, "{told}");
    assert!(error.message.contains(message), "no {message:?} in {told}");
    assert!(remedy.contains(help), "no {help:?} in the help: {told}");
}

pub const LINE: &str =
    "[target]\nweights = [0.5, 0.5]\nmeans = [[-2.0], [2.0]]\nstds = [[1.0], [1.0]]\n";
pub const PLANE: &str = "[target]\nmean = [0.0, 1.0]\nstd = [1.0, 0.5]\n";
pub const CUBE: &str = "[target]\nmean = [0.0, 1.0, 2.0]\nstd = [1.0, 0.5, 0.25]\n";
pub const FIVE: &str =
    "[target]\nmean = [0.0, 0.0, 0.0, 0.0, 0.0]\nstd = [1.0, 1.0, 1.0, 1.0, 1.0]\n";
pub const CAUCHY: &str = "[target]\ndof = 1\nmean = [0.0]\nstd = [1.0]\n";
pub const HEAVY: &str = "[target]\ndof = 3\nmean = [0.0]\nstd = [1.0]\n";
pub const IRIS: &str = "[target]\nfile = \"iris.csv\"\n";

pub const FORWARD: &str = "[[fit]]\ndivergence = \"forward-kl\"\n";
pub const REVERSE: &str = "[[fit]]\ndivergence = \"reverse-kl\"\n";

/// (the target, what goes before the fit, the fit, the key, the message, the help)
pub type Rule = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

pub fn check_rules(rules: &[Rule]) {
    for (target, before, fit, key, message, help) in rules {
        // Keys of the file itself go before its sections.
        let text = match before.starts_with('[') {
            true => format!("name = \"rule\"\n{target}{before}{fit}"),
            false => format!("name = \"rule\"\n{before}{target}{fit}"),
        };
        refuses(&text, key, message, help);
    }
}
