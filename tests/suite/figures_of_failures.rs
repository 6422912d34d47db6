//! What figures say of runs that failed, of what is cut, and of what is known without a fit.

use std::fs;
use std::path::Path;

use klfit::settings::FiguresConfig;
use klfit::{draw_figures_as, draw_sweep_as};

use crate::command_line::klfit;
use crate::looks;
use crate::support::{Run, run_text};

const TARGET: &str = "restarts = 3\n[target]\nweights = [0.5, 0.5]\nmeans = [[-3.0], [3.0]]\nstds = [[1.0], [1.0]]\n";

fn svg() -> FiguresConfig {
    toml::from_str("format = [\"svg\"]").unwrap()
}

fn texts(svg: &Path) -> Vec<String> {
    looks::texts(&fs::read_to_string(svg).unwrap())
}

/// The notes on the figures of a run, and the texts of some of them.
fn drawn<const N: usize>(run: &Run, names: [&str; N]) -> (Vec<String>, [Vec<String>; N]) {
    let out = tempfile::tempdir().unwrap();
    let drawn = draw_figures_as(&run.folder, &svg(), Some(out.path()), &mut ()).unwrap();
    let read = |name| texts(&out.path().join(format!("{name}.svg")));
    (drawn.notes, names.map(read))
}

fn has(texts: &[String], wanted: &str) -> bool {
    texts.iter().any(|text| text == wanted)
}

#[test]
fn a_fit_of_which_all_runs_failed_is_named_and_has_no_line() {
    let run = run_text(&format!(
        "name = \"f\"\n{TARGET}[optimizer]\nsteps = 80\n[[fit]]\nlabel = \"good\"\ndivergence = \"forward-kl\"\n\
         [[fit]]\nlabel = \"lost\"\ndivergence = \"reverse-kl\"\noptimizer.learning_rate = 1e6\n\
         [landscape]\nacross = \"mean=-6:6:4\"\nup = \"std=0.2:6:4\"\n"
    ));
    let (notes, [convergence, parameters, densities]) =
        drawn(&run, ["convergence", "parameters", "densities"]);
    assert!(
        has(&convergence, "lost: all runs failed"),
        "{convergence:?}"
    );
    // Neither the legend nor the steps are those of a run that failed at once.
    assert!(!has(&convergence, "lost") && has(&convergence, "step"));
    for texts in [parameters, densities] {
        assert!(has(&texts, "all runs failed"), "{texts:?}");
    }
    // A restart that is no best run leaves the panel.
    assert!(convergence.iter().any(|text| text.starts_with("↑ up to")));
    assert!(has(&convergence, "known optimum of good"));
    let [note] = &notes[..] else {
        panic!("{notes:?}");
    };
    assert!(note.contains("no landscape is drawn") && note.contains("\"lost\""));
}

#[test]
fn a_run_that_failed_has_a_cross() {
    let run = run_text(&format!(
        "name = \"f\"\n{}[optimizer]\ntype = \"sgd\"\nlearning_rate = 5.0\nsteps = 60\n\
         [[fit]]\ndivergence = \"forward-kl\"\n",
        TARGET.replace('3', "32").replace("32.0", "3.0")
    ));
    let fit = &run.summary.fits[0];
    assert!(fit.best.is_some() && fit.failed > 0);
    let (_, both) = drawn(&run, ["convergence", "parameters"]);
    for texts in both {
        assert!(has(&texts, "where a run failed"), "{texts:?}");
    }
    let out = tempfile::tempdir().unwrap();
    klfit::report(&[run.folder.path().to_owned()], out.path()).unwrap();
    let report = fs::read_to_string(out.path().join("report.md")).unwrap();
    let caption =
        "Loss and divergences over the steps; thin lines are the other restarts; a cross is";
    assert!(report.contains(caption));
}

#[test]
fn an_optimum_is_known_however_far_a_run_is_from_it() {
    let run = run_text(&format!(
        "name = \"f\"\n{}[init]\nmean = [1e10]\nstd = [1.0]\n[optimizer]\nsteps = 5\n\
         [[fit]]\nlabel = \"forward\"\ndivergence = \"forward-kl\"\n",
        TARGET.replace("restarts = 3", "restarts = 1")
    ));
    let (_, [texts]) = drawn(&run, ["convergence"]);
    assert!(has(&texts, "known optimum of forward"), "{texts:?}");
}

#[test]
fn many_fits_say_what_is_in_nats_and_how_they_are_kept_small() {
    let fits: String = (0..13)
        .map(|i| {
            format!(
                "[[fit]]\nlabel = \"fit {i}\"\ndivergence = \"total-variation\"\nfamily.components = 2\n"
            )
        })
        .collect();
    let run = run_text(&format!(
        "name = \"f\"\n{TARGET}[optimizer]\nsteps = 2\n{fits}"
    ));
    let (notes, [convergence, parameters]) = drawn(&run, ["convergence", "parameters"]);
    let label = "KL (nats), loss of each fit";
    assert!(convergence.iter().any(|text| text.starts_with(label)));
    assert!(
        has(&parameters, "(at the ends of lines: component)"),
        "{parameters:?}"
    );
    assert!(
        notes
            .iter()
            .any(|note| note.starts_with("figures.parameters: it is"))
    );
}

#[test]
fn a_sweep_over_a_list_marks_what_failed_and_keeps_its_names() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("s.toml");
    let text = format!(
        "name = \"s\"\n{TARGET}[[fit]]\ndivergence = \"forward-kl\"\n\
         [[sweep.list]]\noptimizer.type = \"adam\"\noptimizer.learning_rate = 0.05\noptimizer.steps = 20\n\
         [[sweep.list]]\noptimizer.type = \"sgd\"\noptimizer.learning_rate = 1e6\noptimizer.steps = 20\n"
    );
    fs::write(&config, text).unwrap();
    let out = folder.path().join("out");
    let arguments = [config.to_str().unwrap(), "--out", out.to_str().unwrap()];
    klfit(&["sweep", "-q", "--no-figures"])
        .args(arguments)
        .assert()
        .failure();
    let sweep = klfit::SweepFolder::open(&out).unwrap();
    let figures = draw_sweep_as(&sweep, &svg(), None).unwrap();
    let texts = texts(&figures.files[0]);
    assert!(has(&texts, "with runs that failed, and how many") && has(&texts, "3"));
    assert!(!texts.iter().any(|text| text.contains('…')), "{texts:?}");
}
