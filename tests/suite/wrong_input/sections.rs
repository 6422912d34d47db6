//! Sections that fits share, and lists in their place.

use std::fs;

use super::{FORWARD, LINE, refusal, refuses};

#[test]
fn a_section_that_no_fit_uses_is_checked_too() {
    let folder = tempfile::tempdir().unwrap();
    let text = "name = \"unused\"\n[target]\nmean = [0.0]\nstd = [1.0]\n[optimizer]\n\
                momentumm = 3\n[[fit]]\ndivergence = \"forward-kl\"\n\
                optimizer = { type = \"sgd\" }\n";
    fs::write(folder.path().join("unused.toml"), text).unwrap();
    let message = refusal(&folder, &["check", "unused.toml"]);
    assert!(
        message.contains("unused.toml:6:") && message.contains("`optimizer.momentumm`"),
        "{message}"
    );
}

#[test]
fn lists_do_not_stand_for_sections() {
    let rows = |top: &str, fit: &str| {
        format!("name = \"lists\"\n{top}{LINE}[[fit]]\ndivergence = \"js\"\n{fit}")
    };
    let is_list =
        |text: &str, key: &str| refuses(text, key, "is a list, expected a section", "in brackets");
    for (section, list) in [
        ("family", "[2]"),
        ("init", "[{}]"),
        ("estimator", "[\"quadrature\"]"),
        ("optimizer", "[{ steps = 3 }]"),
        ("stop", "[]"),
    ] {
        let line = format!("{section} = {list} # !\n");
        is_list(&rows(&line, ""), section);
        let key = format!("fit[1].{section}");
        is_list(&rows("", &line), &key);
    }
    for (section, list) in [("log", "[2, 64]"), ("device", "[\"flex\"]")] {
        let line = format!("{section} = {list} # !\n");
        is_list(&rows(&line, ""), section);
    }
    let text = format!("name = \"lists\"\n[[target]] # !\nmean = [0.0]\nstd = [1.0]\n{FORWARD}");
    is_list(&text, "target");
}

#[test]
fn mistakes_in_a_shared_section_are_named_where_they_stand() {
    // The second fit inherits one key and overrides another.
    let shared = "[optimizer]\nlearning_rate = -1 # !\nsteps = 5\n";
    let text = format!(
        "name = \"shared\"\n{LINE}{shared}[[fit]]\ndivergence = \"js\"\n\
         optimizer = {{ learning_rate = 0.1 }}\n[[fit]]\ndivergence = \"js\"\noptimizer = {{ steps = 3 }}\n"
    );
    refuses(
        &text,
        "optimizer.learning_rate",
        "is -1",
        "0.05 is the default",
    );
    // The fit's own key, where the shared one is fine.
    let text = format!(
        "name = \"own\"\n{LINE}[optimizer]\nsteps = 5\n[[fit]]\ndivergence = \"js\"\n[fit.optimizer]\n\
         warmup = 5 # !\n"
    );
    refuses(
        &text,
        "fit[1].optimizer.warmup",
        "there are 5 steps",
        "fewer",
    );
}
