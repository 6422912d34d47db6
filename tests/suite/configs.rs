//! Every config of the repository is run, and shows what it is there to show.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use klfit::results::Swept;
use klfit::{Existing, Summary, Sweep};
use serde_json::Value;

use crate::support::{Run, config, run_config};
use crate::{examples, published_numbers};

/// What a config shows, by a function that fails unless it does.
enum Shows {
    /// Its run, with some settings.
    Run(&'static [(&'static str, &'static str)], fn(&Run)),
    /// Its sweep, and the folder of that.
    Sweep(fn(&Swept, &Path)),
}

use Shows::Run as ByRun;

/// Makes a test of each config from the table below.
macro_rules! configs {
    ($($test:ident: $name:literal => $shows:expr;)+) => {
        const CONFIGS: &[&str] = &[$($name),+];

        $(
            #[test]
            fn $test() {
                check($name, &$shows);
            }
        )+
    };
}

configs! {
    banana: "banana" => ByRun(published_numbers::ONE, published_numbers::banana);
    bimodal: "bimodal" => ByRun(&[], published_numbers::bimodal);
    divergences: "divergences" => ByRun(&[], examples::divergences);
    donut: "donut" => ByRun(published_numbers::FEW_ROWS, published_numbers::donut);
    eight_schools: "eight-schools" => ByRun(&[], published_numbers::eight_schools);
    estimators: "estimators" => ByRun(&[], examples::estimators);
    five_dimensions: "five-dimensions" => ByRun(published_numbers::LITTLE_NOISE, published_numbers::moments);
    funnel: "funnel" => ByRun(&[], published_numbers::funnel);
    galton: "galton" => ByRun(&[], published_numbers::galton);
    heavy_tails: "heavy-tails" => ByRun(&[], examples::heavy_tails);
    iris: "iris" => ByRun(&[], published_numbers::iris);
    logistic_regression: "logistic-regression" => ByRun(published_numbers::ONE, published_numbers::logistic_regression);
    low_rank: "low-rank" => ByRun(&[], examples::low_rank);
    modes: "modes" => ByRun(&[], examples::modes);
    network: "network" => ByRun(&[], examples::network);
    notebook_landscape: "notebook-landscape" => ByRun(&[], published_numbers::notebook_landscape);
    optimizers: "optimizers" => ByRun(&[], examples::optimizers);
    overlapping: "overlapping" => ByRun(&[], published_numbers::overlapping);
    plane: "plane" => ByRun(published_numbers::LITTLE_NOISE, published_numbers::moments);
    ring_of_modes: "ring-of-modes" => ByRun(published_numbers::FEW, published_numbers::ring_of_modes);
    self_fit: "self-fit" => ByRun(&[], published_numbers::self_fit);
    stopping: "stopping" => ByRun(&[], examples::stopping);
    sweep: "sweep" => Shows::Sweep(examples::sweep);
    tensorflow_tutorial: "tensorflow-tutorial" => ByRun(&[], published_numbers::tensorflow_tutorial);
}

#[test]
fn every_config_is_in_the_table() {
    let mut found = Vec::new();
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs");
    let mut open = vec![top.clone()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "toml")
            {
                let name = path.strip_prefix(&top).unwrap().with_extension("");
                found.push(name.to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    assert_eq!(found, CONFIGS);
}

/// Runs a config: what came out passes, and other numbers do not.
fn check(name: &str, shows: &Shows) {
    match shows {
        Shows::Run(settings, shown) => {
            let mut run = run_config(name, settings);
            shown(&run);
            run.summary = spoilt(&run.summary);
            notices(name, || shown(&run));
        }
        Shows::Sweep(shown) => {
            let sweep = Sweep::load(&config(name), &[]).unwrap().unwrap();
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("sweep");
            let mut swept = klfit::sweep(&sweep, &path, Existing::Refuse, &()).unwrap();
            shown(&swept, &path);
            for ran in &mut swept.ran {
                ran.summary = spoilt(&ran.summary);
            }
            notices(name, || shown(&swept, &path));
        }
    }
}

fn notices(name: &str, shown: impl Fn()) {
    let outcome = catch_unwind(AssertUnwindSafe(shown));
    assert!(outcome.is_err(), "{name}: its test takes any numbers");
}

/// A summary with every number but weights half as large again, so that its mixtures are still some.
fn spoilt(summary: &Summary) -> Summary {
    fn spoil(value: &mut Value) {
        match value {
            Value::Number(number) if number.is_f64() => {
                *value = (1.5 * number.as_f64().unwrap()).into();
            }
            Value::Array(values) => values.iter_mut().for_each(spoil),
            Value::Object(fields) => (fields.iter_mut())
                .filter(|(name, _)| *name != "weights")
                .for_each(|(_, value)| spoil(value)),
            _ => {}
        }
    }
    let mut value = serde_json::to_value(summary).unwrap();
    spoil(&mut value);
    serde_json::from_value(value).unwrap()
}
