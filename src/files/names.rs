//! The name of every file that klfit writes into the folder of a run or of a sweep; figures have theirs.

use std::path::Path;

use crate::text::is_unseen;

/// Which run or sweep a folder holds, and every file that klfit wrote there.
pub(crate) const MANIFEST: &str = "manifest";
/// The config of a run.
pub(crate) const CONFIG: &str = "config.toml";
/// The first line of a run's config: what tells its folder from any other.
pub(crate) const MARK: &str = "# Written by klfit run; running this file repeats the run.";
/// What came out of a run.
pub(crate) const SUMMARY: &str = "summary.json";
/// Why a point of a sweep broke down.
pub(crate) const FAILURE: &str = "failure.txt";
/// The rows of a target that is a sample.
pub(crate) const TARGET: &str = "target.csv";
/// The rows of such a target that no fit sees.
pub(crate) const HOLDOUT: &str = "holdout.csv";
/// Every run of a fit at every logged step.
pub(crate) const TRAJECTORY: &str = "trajectory.csv";
/// Where every run of a fit started and ended.
pub(crate) const RESTARTS: &str = "restarts.csv";
/// Where a fit stands.
pub(crate) const CHECKPOINT: &str = "checkpoint";
/// The table of a sweep, which tells its folder from any other.
pub(crate) const SWEEP_TABLE: &str = "sweep.csv";
/// Reports about runs: a page, Markdown, and a table for LaTeX.
pub(crate) const REPORT: [&str; 3] = ["report.html", "report.md", "report.tex"];
/// The folder of the figures.
pub(crate) const FIGURES: &str = "figures";
/// The numbers beside the figure of a landscape.
pub(crate) const LANDSCAPE_TABLE: &str = "landscape.csv";

/// What may stand beside the folders of fits, which have none of these names.
pub(crate) const IN_A_RUN: [&str; 11] = [
    MANIFEST,
    CONFIG,
    SUMMARY,
    FAILURE,
    TARGET,
    HOLDOUT,
    FIGURES,
    LANDSCAPE_TABLE,
    REPORT[0],
    REPORT[1],
    REPORT[2],
];

/// The longest name of a fit's folder that is made from its label, in bytes.
const LONGEST: usize = 80;

/// Whether a text can name a folder on every system, and nothing that could lead out of where it is.
pub(crate) fn names_a_folder(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 100
        && text.chars().all(|c| is_plain(c) || c == ' ')
        && !text.starts_with(['.', ' '])
        && !text.ends_with(['.', ' '])
}

/// A letter, a digit or a sign that no system has another use for.
fn is_plain(c: char) -> bool {
    (c.is_alphanumeric() && !is_unseen(c)) || "-_.+".contains(c)
}

/// The name of the folder of a fit: its label where that can name one; otherwise the words of it with a hyphen
/// between two, as in `reverse-KL-K-3` of "reverse KL, K = 3".
pub(crate) fn folder_of_fit(label: &str) -> String {
    if names_a_folder(label) {
        return label.to_owned();
    }
    let mut folder = String::new();
    for word in label
        .split(|c| !is_plain(c))
        .filter(|word| !word.is_empty())
    {
        if !folder.is_empty() {
            folder.push('-');
        }
        folder += word;
    }
    let mut end = folder.len().min(LONGEST);
    while !folder.is_char_boundary(end) {
        end -= 1;
    }
    folder.truncate(end);
    let folder = folder.trim_matches(['.', '-']);
    match folder.is_empty() {
        true => "fit".to_owned(),
        false => folder.to_owned(),
    }
}

/// The run and the fit that a path names as in `outputs/bimodal#js`, if there is such a run, and nothing of that name.
pub(crate) fn marked_fit(path: &Path) -> Option<(&Path, &str)> {
    let (run, fit) = path.to_str()?.rsplit_once('#')?;
    let run = Path::new(run);
    let is_run = run.is_dir() || (run.extension().is_some_and(|is| is == "json") && run.is_file());
    (is_run && !path.exists()).then_some((run, fit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_has_a_folder_and_one_that_names_a_folder_is_it() {
        for (label, folder) in [
            ("forward-kl", "forward-kl"),
            ("reverse KL", "reverse KL"),
            ("reverse KL, K = 3", "reverse-KL-K-3"),
            ("$\\mu_1$ / α = ½", "mu_1-α-½"),
            ("../..", "fit"),
            ("a/../b", "a-..-b"),
            (".hidden?", "hidden"),
            ("???", "fit"),
        ] {
            assert_eq!(folder_of_fit(label), folder, "{label}");
        }
        let long = folder_of_fit(&"long: ü".repeat(50));
        assert!(long.len() <= LONGEST && names_a_folder(&long), "{long}");
        let all: Vec<char> = ('\0'..=char::MAX).collect();
        for some in all.chunks(7) {
            let label: String = some.iter().collect();
            assert!(names_a_folder(&folder_of_fit(&label)), "{label:?}");
        }
    }
}
