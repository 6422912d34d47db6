//! The numbers of `README.md` outside its blocks, and those of the captions that say the same.

use std::path::Path;

use klfit::{Experiment, Mixture, Override, Sweep, TargetModel};

use super::page::Page;
use crate::support::config;

fn load(name: &str) -> Experiment {
    Experiment::load(&config(name), Vec::new()).unwrap()
}

fn mixture(name: &str) -> Mixture {
    load(name).target.as_mixture().unwrap().clone()
}

#[test]
fn the_caption_says_what_the_block_prints() {
    let page = Page::open("README.md");
    let printed = page.numbers("reverse-kl: {} restarts found 2 of 2 modes: 42 ended at 2 equally good optima, {} at a worse one");
    page.says(
        "and from {} of {} random starts on a worse optimum",
        &[printed[1].value, printed[0].value],
    );
}

/// The config that is explained is the one whose result is shown, but for what it shows to override.
#[test]
fn the_tour_is_the_example() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let (_, tour) = readme.split_once("```toml\n").unwrap();
    let (tour, _) = tour.split_once("```").unwrap();
    let tour = Experiment::parse(&config("bimodal"), tour, Vec::new()).unwrap();
    let overridden = Override::parse("fit[2].optimizer.learning_rate=0.1").unwrap();
    let example = Experiment::load(&config("bimodal"), vec![overridden]).unwrap();
    assert_eq!(tour.to_toml().unwrap(), example.to_toml().unwrap());
}

#[test]
fn what_the_configs_show() {
    let page = Page::open("README.md");
    let row = |name: &str, words: &str, found: &[f64]| {
        page.says(&format!("[{name}](configs/{name}.toml) | {words}"), found);
    };
    let fits = |name: &str| load(name).plans.len() as f64;
    let components = |name: &str| mixture(name).components() as f64;
    row(
        "bimodal",
        "forward against reverse KL on {} far-apart bumps",
        &[components("bimodal")],
    );
    row(
        "overlapping",
        "forward KL, reverse KL and Jensen–Shannon on {} close bumps",
        &[components("overlapping")],
    );
    row(
        "plane",
        "{} bumps in {}-D",
        &[components("plane"), mixture("plane").dim() as f64],
    );
    row(
        "self-fit",
        "a mixture of {} found again",
        &[components("self-fit")],
    );
    row(
        "divergences",
        "{} divergences on one target",
        &[fits("divergences")],
    );
    row(
        "estimators",
        "the noise that {} estimators leave",
        &[fits("estimators")],
    );
    row(
        "optimizers",
        "{} optimizers on a badly scaled target",
        &[fits("optimizers")],
    );
    let low_rank = load("low-rank");
    row(
        "low-rank",
        "{} factors in {} dimensions",
        &[
            low_rank.config.fit[1].family.rank.unwrap() as f64,
            low_rank.plans[1].family.dim() as f64,
        ],
    );
    row(
        "network",
        "{} variables as equations",
        &[mixture("network").dim() as f64],
    );
    let of_donut = load("donut").plans;
    let components = of_donut.iter().map(|plan| plan.family.components() as f64);
    row(
        "donut",
        "a ring by {}, {}, {} and {} Gaussians",
        &components.collect::<Vec<f64>>(),
    );
    let dim = mixture("five-dimensions").dim();
    assert_eq!(dim, 5);
    let sweep = Sweep::load(&config("sweep"), &[]).unwrap().unwrap();
    assert_eq!(sweep.points.len(), 6);
    let TargetModel::StudentT(target) = load("heavy-tails").target else {
        panic!("another target");
    };
    Page::open("docs/targets.md").says(
        "configs/heavy-tails.toml): ν = {}. Reverse",
        &[target.dof()],
    );
}

#[test]
fn the_network_is_that_of_the_config() {
    let equation = "\"x3 = {} + {} x1 - {} x2\"]";
    let example = Page::open("configs/network.toml").numbers(equation);
    let values: Vec<f64> = example.iter().map(|number| number.value).collect();
    Page::open("docs/targets.md").says(equation, &values);
}

/// The code of a page is that of the library's own documentation, which is compiled and run.
#[test]
fn the_code_is_run() {
    let read = |name: &str| {
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
    };
    for (page, source) in [
        ("docs/calculator.md", "src/calculator/mod.rs"),
        ("docs/mixture.md", "src/jobs/reduce.rs"),
    ] {
        let (page, source) = (read(page), read(source));
        let (_, code) = page.split_once("```rust\n").unwrap();
        let (code, _) = code.split_once("```").unwrap();
        let lines: Vec<&str> = (code.lines())
            .filter(|line| line.starts_with("let "))
            .collect();
        assert!(lines.len() >= 3, "{code}");
        for line in lines {
            assert!(source.contains(&format!("/// {line}\n")), "{line}");
        }
    }
}

#[test]
fn what_it_needs() {
    let manifest = Page::open("Cargo.toml");
    let needed = manifest.numbers("rust-version = \"{}\"")[0].value;
    Page::open("README.md").says("With a Rust toolchain ({} or newer)", &[needed]);
}
