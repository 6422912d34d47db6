//! The numbers of the pages on files, figures, the explorer, and what other tests try.

use std::collections::BTreeSet;
use std::path::Path;

use klfit::{Experiment, ParameterAxis};

use super::page::{Page, constant};
use crate::support::{config, run_text};

#[test]
fn python() {
    let project = std::fs::read_to_string("python/pyproject.toml").unwrap();
    let (_, least) = project.split_once("requires-python = \">=").unwrap();
    let least: f64 = least.split_once('"').unwrap().0.parse().unwrap();
    Page::open("docs/python.md").says("It runs on Python {} and later", &[least]);
}

#[test]
fn figures() {
    let page = Page::open("docs/run-folder.md");
    let text = super::config::LINE.to_owned() + "[optimizer]\nsteps = 2\n" + super::config::FORWARD;
    let run = run_text(&format!("name = \"figures\"\nrestarts = 1\n{text}"));
    let drawn = klfit::draw_figures(&run.folder).unwrap();
    let part = |of: fn(&std::path::Path) -> Option<&std::ffi::OsStr>| {
        drawn
            .iter()
            .filter_map(|path| of(path))
            .collect::<BTreeSet<_>>()
            .len()
    };
    let (figures, formats) = (
        part(std::path::Path::file_stem),
        part(std::path::Path::extension),
    );
    assert_eq!((drawn.len(), formats), (3 * figures, 3));
    page.says("`figures/` | {} figures, or five where", &[figures as f64]);
    Page::open("README.md").says(
        "resolved config, and {} figures as SVG, PNG and",
        &[figures as f64],
    );
    let report = klfit::report(&[run.folder.path().to_owned()], run.folder.path()).unwrap();
    Page::open("docs/report.md").says("writes {} files into", &[report.len() as f64]);
    // A PNG says its width after its signature and the length and name of its first chunk.
    let png = drawn
        .iter()
        .find(|path| path.ends_with("comparison.png"))
        .unwrap();
    let bytes = std::fs::read(png).unwrap();
    let width = u32::from_be_bytes(bytes[16..20].try_into().unwrap());
    let [dots, millimetres] = page.numbers("PNG ({} dots per inch at {} mm)")[..] else {
        panic!("two numbers");
    };
    let expected = millimetres.value / 25.4 * dots.value;
    assert!(
        (f64::from(width) - expected).abs() < 2.0,
        "{width} {expected}"
    );

    let mut levels = constant("src/plot/regions.rs", "STDS");
    levels.reverse();
    page.says(
        "that a Gaussian has within {}, {}, {}, {}, {} or {} standard deviations, each",
        &levels,
    );
    let mass = |std: &f64| (1e3 * (1.0 - (-0.5 * std * std).exp())).round() / 10.0;
    let drawn: Vec<f64> = constant("src/plot/of_x.rs", "DRAWN")
        .iter()
        .map(mass)
        .collect();
    page.says("has lines around {} % and {} % of its own", &drawn);
    let source = Page::open("src/plot/plane_2d.rs");
    let stds = [
        source.numbers("panel.line(ellipse(center, covariance, {}), line)?;")[0].value,
        source.numbers("panel.line(ellipse(center, covariance, {}), outer(line))?;")[0].value,
    ];
    page.says(
        "as ellipses at {} standard deviation and, thin, at {}, and the path",
        &stds,
    );
    page.says(
        "every pair of the first {} coordinates",
        &constant("src/plot/pairs.rs", "MOST"),
    );
}

#[test]
fn the_explorer() {
    let page = Page::open("docs/explore.md");
    let bytes = constant("src/explore/mod.rs", "LONGEST_MESSAGE")[0];
    page.says("send messages of up to {} KiB,", &[bytes / 1024.0]);
    let apart = constant("src/explore/connection.rs", "PACE");
    page.says("KiB, {} a second.", &[1000.0 / apart[0]]);
    let pages = constant("src/explore/mod.rs", "MOST_PAGES");
    page.says("them are at most {} open pages", &pages);
    Page::open("docs/reliability.md").says("draw views, in {} pages at once", &pages);
    let patience = constant("src/explore/connection.rs", "PATIENCE")[0];
    page.says(
        "said nothing for {} seconds is asked whether it is there, which browsers answer by themselves, \
         and closed after {} more",
        &[patience, patience],
    );
    let seconds = constant("src/explore/accept.rs", "TIME_TO_ASK");
    page.says("asks once, within {} seconds, in which", &seconds);
    page.says(
        "At most {} are open at once",
        &constant("src/explore/accept.rs", "MOST_CONNECTIONS"),
    );
    let times =
        Page::open("src/explore/page/view/handles.js").numbers("event.shiftKey ? {} : 1;")[0].value;
    page.says("with shift {} times as far", &[times]);
    let rules = Page::open("src/landscape/mod.rs");
    let [first, last] = rules.numbers("}), {}..={} => { let order")[..] else {
        panic!("two dimensions");
    };
    page.says(
        "by quadrature in {} dimension, Gauss–Hermite in {} and {}, and fixed",
        &[first.value - 1.0, first.value, last.value],
    );
    let landscape = Experiment::load(&config("notebook-landscape"), Vec::new())
        .unwrap()
        .config
        .landscape
        .unwrap();
    let cells = |range: Option<_>| ParameterAxis::from(&range.unwrap()).values.len() as f64;
    page.says(
        "over {} × {} cells, with {} points on each side",
        &[
            cells(landscape.up),
            cells(landscape.across),
            landscape.points.unwrap() as f64,
        ],
    );
}

/// What a page says that other tests try is what they try.
#[test]
fn what_is_tried() {
    let page = Page::open("docs/reliability.md");
    let kills = Page::open("tests/faults/kills.rs");
    let number = |source: &Page, code: &str| source.numbers(code)[0].value;
    let times = [
        number(
            &kills,
            "as_if_it_had_not_been() { killed(7, {}); } #[test] #[ignore",
        ),
        number(
            &kills,
            "a_hundred_times_ends_as_if_it_had_not_been() { killed(8, {}); }",
        ),
    ];
    page.says("on one thread and two, {} kills or a {} |", &times);
    page.says(
        "the first {} % of a run",
        &[100.0 * number(&kills, "at % 3 == 0 { {} }")],
    );
    let times = [
        number(
            &kills,
            "leaves_one_of_them() { killed_replacing(7, {}); } #[test] #[ignore",
        ),
        number(
            &kills,
            "often_while_it_replaces_another_leaves_one_of_them() { killed_replacing(8, {}); }",
        ),
    ];
    page.says("SIGKILL at {} or {} instants of a run with", &times);
    let codes = Page::open("tests/faults/signals.rs").numbers("[(\"-INT\", {}), (\"-TERM\", {})]");
    page.says(
        "and exits with {} or {}.",
        &[codes[0].value, codes[1].value],
    );
    page.says(
        "a file system of {} kB that fills up",
        &[number(&Page::open("tests/faults/disk.rs"), "\"size={}k\"")],
    );

    page.says(
        "the same; one in {} by `cargo test --release --test faults`",
        &[number(
            &Page::open("tests/faults/calls.rs"),
            "fn some_failed_calls_lose_nothing() { failing({});",
        )],
    );

    let outsized = Page::open("tests/suite/outsized.rs");
    let sparse = number(&outsized, "SPARSE: u64 = {} << 30;");
    let line = number(&outsized, "LONG: usize = {};");
    page.says(
        "a file of {} GiB or a line of {} MB: `plot`",
        &[sparse, line],
    );
    let [seconds, mebibytes] = [
        number(&outsized, "SOON: u64 = {};"),
        number(&outsized, "MEMORY: u64 = {};"),
    ];
    page.says(
        "answer within {} s of computing, in {} MiB of address space",
        &[seconds, mebibytes],
    );

    let failures = Page::open("tests/suite/failures.rs");
    let scales = failures.numbers("in [({}, {}), ({}, {}), (0.0, 1e-12)");
    page.says(
        "Means of {}, variances of {} and {}, 500",
        &[scales[0].value, scales[1].value, scales[3].value],
    );
    page.says(
        "10¹², {} dimensions and {} components do not overflow",
        &[
            number(&failures, "vec![value; {}].join(\", \"));"),
            number(&failures, "let rows: Vec<String> = (0..{})"),
        ],
    );
    let kernel = Page::open("tests/suite/kernel/reference.rs");
    let components = kernel.numbers("for components in [{}, 2, 15, 16, 17, 40, 200, {}] {");
    Page::open("docs/performance.md").says(
        "in 1 to {} dimensions, for {} to {} components",
        &[
            number(&kernel, "Sizes::one(40, 2, {}), 1);"),
            components[0].value,
            components[1].value,
        ],
    );
}

/// Readers who copy a density from a page have the one that its commands are run with.
#[test]
fn densities_on_pages_are_those_of_their_commands() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut compared = 0;
    for page in ["README.md", "docs/calculator.md", "docs/mixture.md"] {
        let text = std::fs::read_to_string(root.join(page)).unwrap();
        for block in text.split("```toml\n# ").skip(1) {
            let (name, rest) = block.split_once('\n').unwrap();
            let (shown, _) = rest.split_once("```").unwrap();
            let file = root.join("tests/data/pages").join(name);
            assert_eq!(
                shown,
                std::fs::read_to_string(file).unwrap(),
                "{page}: {name}"
            );
            compared += 1;
        }
    }
    assert_eq!(compared, 5);
}
