//! A fit of a run is named after a # on the command line, and by `fit` in a config; each is told of the other.

use std::fs;

use crate::command_line::klfit;

const CONFIG: &str = r#"
name = "two"
restarts = 1
[target]
means = [[0.5]]
stds = [[1.0]]
[optimizer]
steps = 3
[[fit]]
divergence = "js"
[[fit]]
label = "reverse KL, K = 1"
divergence = "reverse-kl"
"#;

#[test]
fn a_fit_that_is_named_in_the_other_way_is_told_the_right_one() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("two.toml"), CONFIG).unwrap();
    let run = ["run", "two.toml", "--out", "out", "--no-figures", "-q"];
    klfit(&run).current_dir(at).assert().success();
    let refused = |arguments: &[&str], words: &str| {
        let refused = klfit(arguments).current_dir(at).assert().code(2);
        let said = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
        assert!(said.contains(words), "{arguments:?}: no {words} in {said}");
    };
    // Where one is named after a #.
    let both = "one of 'out#js', 'out#reverse-KL-K-1'";
    for mixture in ["out", "out#nope", "out#reverse-kl"] {
        refused(&["divergence", mixture, "two.toml"], both);
        refused(&["mixture", "show", mixture], both);
    }
    for mixture in ["out#js", "out#reverse-KL-K-1", "out#reverse KL, K = 1"] {
        let show = ["mixture", "show", mixture, "--json"];
        klfit(&show).current_dir(at).assert().success();
    }
    // In a config.
    let check = |text: &str, words: &str| {
        fs::write(at.join("my.toml"), text).unwrap();
        refused(&["check", "my.toml"], words);
    };
    let fit = "[[fit]]\ndivergence = \"js\"\n";
    let target = |keys: &str| format!("name = \"a\"\n[target]\n{keys}\n{fit}");
    let both = "one of fit = \"js\", fit = \"reverse KL, K = 1\"";
    check(&target("file = \"out\""), both);
    check(&target("file = \"out\"\nfit = \"nope\""), both);
    check(
        &target("file = \"out#js\""),
        "write fit = \"js\" beside file",
    );
    check(
        &target("file = \"out/summary.json#js\""),
        "write fit = \"js\" beside file",
    );
    check(&target("file = \"out#target\""), "copy the [target] of");
    let start = |keys: &str| format!("{CONFIG}init = {{ {keys} }}\n");
    check(
        &start("file = \"out#js\""),
        "write fit = \"js\" beside file",
    );
    check(
        &start("fit = \"out#js\""),
        "give file = \"out\" and fit = \"js\"",
    );
    for keys in [
        "file = \"out\"\nfit = \"js\"",
        "file = \"out/summary.json\"\nfit = \"js\"",
    ] {
        fs::write(at.join("my.toml"), target(keys)).unwrap();
        klfit(&["check", "my.toml"])
            .current_dir(at)
            .assert()
            .success();
    }
    // Where a whole run is asked for.
    for command in [
        "plot",
        "report",
        "animate",
        "resume",
        "landscape",
        "explore",
    ] {
        let arguments = match command {
            "explore" => vec![command, "out#js", "--no-open"],
            _ => vec![command, "out#js"],
        };
        refused(&arguments, "leave out #js: give out");
    }
}

#[test]
fn the_help_says_which_way_is_which() {
    for arguments in [&["divergence", "--help"][..], &["mixture", "--help"]] {
        let help = klfit(arguments).assert().success();
        let help = String::from_utf8_lossy(&help.get_output().stdout).into_owned();
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(help.contains("named after a #"), "{help}");
        assert!(help.contains("in a config it is named by fit ="), "{help}");
    }
}
