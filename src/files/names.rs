//! The name of every file that klfit writes into the folder of a run, of a sweep or of figures.

/// The config of a run.
pub(crate) const CONFIG: &str = "config.toml";
/// The first line of a run's config: what tells its folder from any other.
pub(crate) const MARK: &str = "# Written by klfit run; running this file repeats the run.";
/// What came out of a run.
pub(crate) const SUMMARY: &str = "summary.json";
/// The rows of a target that is a sample.
pub(crate) const TARGET: &str = "target.csv";
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
/// The files each figure is written as.
pub(crate) const EXTENSIONS: [&str; 3] = ["svg", "png", "pdf"];
/// The figures of a run.
pub(crate) const DENSITIES: &str = "densities";
pub(crate) const CONVERGENCE: &str = "convergence";
pub(crate) const PARAMETERS: &str = "parameters";
pub(crate) const COMPARISON: &str = "comparison";
/// The figure of a landscape.
pub(crate) const LANDSCAPE: &str = "landscape";
/// The numbers beside it.
pub(crate) const LANDSCAPE_TABLE: &str = "landscape.csv";
/// The fits in motion.
pub(crate) const ANIMATION: &str = "animation.gif";
/// The figure of a sweep.
pub(crate) const SWEEP: &str = "sweep";
/// The figure of a table of divergences.
pub(crate) const MATRIX: &str = "matrix";

/// Every file that may stand in the figures of a run.
pub(crate) fn figures_of_run() -> impl Iterator<Item = String> {
    [DENSITIES, CONVERGENCE, PARAMETERS, COMPARISON, LANDSCAPE]
        .into_iter()
        .flat_map(files_of)
        .chain([LANDSCAPE_TABLE, ANIMATION].map(str::to_owned))
}

/// The files of a figure.
pub(crate) fn files_of(figure: &str) -> impl Iterator<Item = String> + use<> {
    let figure = figure.to_owned();
    EXTENSIONS
        .into_iter()
        .map(move |extension| format!("{figure}.{extension}"))
}
