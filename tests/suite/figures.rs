//! Every figure of every kind of run, in its three files.

use std::fs;

use klfit::{Experiment, RunFolder};
use resvg::usvg;

use crate::support::{Run, run, run_config, run_text};

/// Width and height of a PNG, from its header.
fn png_size(bytes: &[u8]) -> (u32, u32) {
    assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n");
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

const FIGURES: [&str; 4] = ["densities", "convergence", "parameters", "comparison"];

fn check(run: &Run) {
    check_all(run, &FIGURES);
}

fn check_all(run: &Run, names: &[&str]) {
    let files = klfit::draw_figures(&run.folder).unwrap();
    assert_eq!(files.len(), 3 * names.len());
    for name in names {
        let read = |extension: &str| {
            let path = run.folder.figures().join(format!("{name}.{extension}"));
            assert!(files.contains(&path));
            fs::read(path).unwrap()
        };
        // 170 mm at 300 dots per inch.
        let (width, height) = png_size(&read("png"));
        assert!(
            (2005..=2010).contains(&width) && height > 300,
            "{width} × {height}"
        );
        assert!(read("pdf").starts_with(b"%PDF-"));
        let svg = String::from_utf8(read("svg")).unwrap();
        assert!(svg.contains("width=\"170mm\""));
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{name}");
    }
}

#[test]
fn figures_of_one_two_and_five_dimensions() {
    let short = [("optimizer.steps", "12"), ("restarts", "3")];
    check(&run_config("bimodal", &short));
    check(&run_config("plane", &short));
    check(&run_config("five-dimensions", &short));
    check(&run_config("self-fit", &[("optimizer.steps", "4")]));
}

#[test]
fn figures_of_a_mixture_on_a_line_and_of_a_fit_that_failed() {
    let text = r#"
        name = "mixed fits"
        restarts = 2
        [target]
        weights = [0.2, 0.8]
        means = [[0.0], [500.0]]
        stds = [[0.01], [40.0]]
        [optimizer]
        steps = 10
        [[fit]]
        divergence = "forward-kl"
        family.components = 3
        [[fit]]
        divergence = "js"
        [[fit]]
        label = "hopeless"
        divergence = "forward-kl"
        optimizer = { type = "sgd", learning_rate = 1e12, steps = 50 }
        [[fit]]
        label = "other"
        divergence = "reverse-kl"
    "#;
    check(&run_text(text));
}

#[test]
fn coordinates_with_bounds_have_a_figure_of_their_own() {
    let targets = [
        ("x = \"positive\"", "gamma_lpdf(x, 2, 1)"),
        (
            "x = \"positive\"\ny = [0, 1]",
            "gamma_lpdf(x, 0.7, 1) + beta_lpdf(y, 2, 3)",
        ),
        (
            "x = [-inf, 3]\ny = [0, 1]",
            "normal_lpdf(x, 0, 1) + beta_lpdf(y, 2, 3) + normal_lpdf(z, x*y, 0.3)",
        ),
    ];
    for (support, log_density) in targets {
        let names: Vec<&str> = ["x", "y", "z"]
            .into_iter()
            .filter(|name| log_density.contains(&format!("({name},")))
            .collect();
        let run = run_text(&format!(
            "name = \"bounded\"\nrestarts = 1\n[target]\nlog_density = \"{log_density}\"\nvariables = \
             {names:?}\n[target.support]\n{support}\n[optimizer]\nsteps = 5\n[[fit]]\ndivergence = \
             \"reverse-kl\"\nfamily = {{ components = 2 }}\n[[fit]]\nlabel = \"one\"\ndivergence = \"reverse-kl\"\n"
        ));
        // In the plane points follow what q needs.
        let more = match names.len() {
            2 => &["densities-of-x", "evaluations"][..],
            _ => &["densities-of-x"],
        };
        check_all(&run, &[&FIGURES[..], more].concat());
        let svg = run.folder.figures().join("densities-of-x.svg");
        let svg = fs::read_to_string(svg).unwrap();
        // Its axes have the names of x, and no logarithms.
        let document = usvg::roxmltree::Document::parse(&svg).unwrap();
        let texts: Vec<&str> = (document.descendants())
            .filter_map(|node| node.text().map(str::trim))
            .collect();
        assert!(names.iter().all(|name| texts.contains(name)), "{texts:?}");
        assert!(
            !svg.contains("log(") && !svg.contains("logit("),
            "{texts:?}"
        );
    }
}

/// Names of experiments become folders, and have no markup; labels of fits and names of coordinates may.
#[test]
fn markup_in_names_is_text_in_every_figure() {
    let folder = tempfile::tempdir().unwrap();
    let config = |name: &str| {
        format!(
            "name = \"{name}\"\n[target]\nfile = \"rows.csv\"\n[optimizer]\nsteps = 3\n[[fit]]\n\
             divergence = \"forward-kl\"\nrestarts = 2\nlabel = \"KL, K < 3 & <b>$\\\\mu$|é</b>\"\n"
        )
    };
    let parsed =
        |name: &str| Experiment::parse(&folder.path().join("a.toml"), &config(name), Vec::new());
    let drawn = |header: &str| {
        let rows: Vec<String> = (0..20).map(|i| format!("{i},{}", i * i % 7)).collect();
        let rows = format!("{header}\n{}\n", rows.join("\n"));
        fs::write(folder.path().join("rows.csv"), rows).unwrap();
        let run = run(&parsed("mixed").unwrap());
        check(&run);
        run
    };
    let (marked, plain) = (drawn("u<&>v,</text><!--"), drawn("u:+:v,:/text::+--"));
    let read = |run: &Run, file: &str| fs::read(run.folder.figures().join(file)).unwrap();
    let svg = String::from_utf8(read(&marked, "densities.svg")).unwrap();
    let document = usvg::roxmltree::Document::parse(&svg).unwrap();
    let texts: String = (document.descendants())
        .filter_map(|node| node.text())
        .collect();
    for part in ["u<&>v", "</text><!--", "KL, K < 3 & <b>", "μ", "|é</b>"] {
        assert!(texts.contains(part), "{texts}");
    }
    // The raster shows them too: other signs are other pixels.
    assert!(read(&marked, "densities.png") != read(&plain, "densities.png"));
    let error = parsed("mixed <&> fits").unwrap_err().to_string();
    assert!(error.contains("cannot name a folder"), "{error}");
}

#[test]
fn figures_come_from_the_files_alone_and_are_the_same_again() {
    let run = run_config("bimodal", &[("optimizer.steps", "12"), ("restarts", "3")]);
    klfit::draw_figures(&run.folder).unwrap();
    let svg = run.folder.figures().join("comparison.svg");
    let first = fs::read(&svg).unwrap();
    fs::remove_dir_all(run.folder.figures()).unwrap();
    let reopened = RunFolder::open(run.folder.path()).unwrap();
    klfit::draw_figures(&reopened).unwrap();
    assert_eq!(fs::read(&svg).unwrap(), first);
}

#[test]
fn a_spoilt_folder_is_named() {
    let run = run_config("bimodal", &[("optimizer.steps", "2"), ("restarts", "2")]);
    let trajectory = run.folder.path().join("forward-kl/trajectory.csv");
    let mut text = fs::read_to_string(&trajectory).unwrap();
    text.push_str("3,0,abc\n");
    fs::write(&trajectory, text).unwrap();
    let error = klfit::draw_figures(&run.folder).unwrap_err().to_string();
    assert!(error.contains("trajectory.csv"), "{error}");
    fs::write(run.folder.path().join("summary.json"), "{").unwrap();
    let error = klfit::draw_figures(&run.folder).unwrap_err().to_string();
    assert!(error.contains("summary.json"), "{error}");
}
