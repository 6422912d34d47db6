//! The name of every file that klfit writes into the folder of a run or of a sweep; figures have theirs.

/// Which run or sweep a folder holds, and every file that klfit wrote there.
pub(crate) const MANIFEST: &str = "manifest";
/// The config of a run.
pub(crate) const CONFIG: &str = "config.toml";
/// The first line of a run's config: what tells its folder from any other.
pub(crate) const MARK: &str = "# Written by klfit run; running this file repeats the run.";
/// What came out of a run.
pub(crate) const SUMMARY: &str = "summary.json";
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
/// The folder of the figures, which no fit may take as its label.
pub(crate) const FIGURES: &str = "figures";
/// The numbers beside the figure of a landscape.
pub(crate) const LANDSCAPE_TABLE: &str = "landscape.csv";
