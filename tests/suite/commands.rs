//! Every command stands in the help, the pages, the completions and the man pages.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use crate::command_line::klfit;

fn stdout(arguments: &[&str]) -> String {
    let assert = klfit(arguments).assert().success();
    String::from_utf8(assert.get_output().stdout.clone()).unwrap()
}

/// The first words of the lines of a section of a help.
fn listed(help: &str, section: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != section).skip(1);
    (lines.take_while(|line| !line.is_empty()))
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .collect()
}

fn commands() -> Vec<String> {
    let mut commands = listed(&stdout(&["--help"]), "Commands:");
    commands.retain(|command| command != "help");
    assert!(commands.len() > 10, "{commands:?}");
    commands
}

/// The verbs of `klfit mixture`.
fn verbs() -> Vec<String> {
    let mut verbs = listed(&stdout(&["mixture", "--help"]), "Commands:");
    verbs.retain(|verb| verb != "help");
    assert!(verbs.len() >= 10, "{verbs:?}");
    verbs
}

/// The words that call every command and verb.
fn calls() -> Vec<Vec<String>> {
    let commands = commands().into_iter().map(|command| vec![command]);
    let verbs = (verbs().into_iter()).map(|verb| vec!["mixture".to_owned(), verb]);
    commands.chain(verbs).collect()
}

/// The long options of a command: `--out`.
fn options(call: &[String]) -> Vec<String> {
    let words: Vec<&str> = call.iter().map(String::as_str).chain(["--help"]).collect();
    let help = stdout(&words);
    let (_, options) = help.split_once("\nOptions:\n").unwrap();
    let section = options.split("\n\n").next().unwrap();
    let words = (section.lines()).flat_map(|line| line.split_whitespace().take(2));
    let long = words.filter(|word| word.starts_with("--"));
    long.map(str::to_owned).collect()
}

fn page(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

#[test]
fn every_command_stands_in_the_readme_and_shows_how_it_is_called() {
    let (readme, changes) = (page("README.md"), page("CHANGELOG.md"));
    let examples = listed(&stdout(&["--help"]), "Examples:").len();
    let commands = commands();
    assert_eq!(examples, commands.len());
    for command in &commands {
        let [row, change] = [format!("\n| `klfit {command}"), format!("`klfit {command}")];
        assert!(readme.contains(&row), "README.md has no row for {command}");
        assert!(changes.contains(&change), "CHANGELOG.md lacks {command}");
    }
    let rows = readme.matches("\n| `klfit ").count();
    assert_eq!(rows, commands.len(), "rows of README.md");
}

#[test]
fn the_completions_of_every_shell_name_every_command_and_option() {
    let help = stdout(&["completions", "--help"]);
    let (_, shells) = help.split_once("[possible values: ").unwrap();
    let shells: Vec<&str> = shells.split(']').next().unwrap().split(", ").collect();
    assert!(shells.len() >= 5, "{shells:?}");
    for shell in shells {
        let script = stdout(&["completions", shell]);
        for call in calls() {
            for word in &call {
                assert!(script.contains(word), "{shell} lacks {word}");
            }
            for option in options(&call) {
                let in_fish = format!("-l {}", option.trim_start_matches('-'));
                let is_there = script.contains(&option) || script.contains(&in_fish);
                assert!(is_there, "{shell} lacks {option}");
            }
        }
    }
}

#[test]
fn the_man_pages_name_every_command_and_option() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("new/man1");
    stdout(&["man", "--out", out.to_str().unwrap()]);
    let read = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    let main = stdout(&["man"]);
    assert_eq!(main, read("klfit.1"));
    // A hyphen is written so.
    let roff = |text: &str| text.replace('-', "\\-");
    let commands = commands();
    for command in &commands {
        assert!(main.contains(&format!("klfit\\-{command}(1)")), "{command}");
    }
    let calls = calls();
    for call in &calls {
        let command = call.join("-");
        let page = read(&format!("klfit-{command}.1"));
        let options = options(call);
        assert!(options.len() >= 3, "{options:?}");
        for option in options {
            let name = format!("\\fB{}\\fR", roff(&option));
            assert!(page.contains(&name), "the page of {command} lacks {option}");
        }
    }
    assert_eq!(fs::read_dir(&out).unwrap().count(), calls.len() + 1);
}

#[test]
fn who_reads_the_beginning_of_a_text_may_stop() {
    for arguments in [&["completions", "bash"][..], &["man"]] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_klfit"));
        command.args(arguments).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let ended = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success() && said.is_empty(), "{said}");
    }
}
