//! Defaults: of `docs/config.md`, and where other pages name them again.

use std::path::Path;

use klfit::internals::Quadrature;
use klfit::settings::{BatchAndMatchConfig, QuadratureConfig};
use klfit::{EstimatorRule, Experiment, LogConfig, OptimizerRule, ParameterAxis, ParameterRange};
use toml::{Table, Value};

use super::page::{Page, constant};

pub const LINE: &str = "[target]\nmean = [1.0]\nstd = [2.0]\n";
pub const CUBE: &str = "[target]\nmean = [1.0, 0.0, 0.5]\nstd = [2.0, 1.0, 1.0]\n";
pub const FORWARD: &str = "[[fit]]\ndivergence = \"forward-kl\"\n";

pub fn parsed(text: &str) -> klfit::Result<Experiment> {
    let beside_data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/test.toml");
    Experiment::parse(
        &beside_data,
        &format!("name = \"page\"\n{text}"),
        Vec::new(),
    )
}

/// A config with its defaults written down.
fn resolved(text: &str) -> Table {
    parsed(text).unwrap().to_toml().unwrap().parse().unwrap()
}

/// A number of a section of the only fit, where there is nothing in it but `sections`.
fn of_fit(target: &str, sections: &str, place: [&str; 2]) -> f64 {
    let resolved = resolved(&format!("{target}{sections}{FORWARD}"));
    number(&resolved["fit"][0][place[0]][place[1]])
}

fn number(value: &Value) -> f64 {
    match value {
        Value::Integer(number) => *number as f64,
        Value::Float(number) => *number,
        other => panic!("{other}"),
    }
}

fn optimizer(rule: &str, key: &str) -> f64 {
    let section = format!("[optimizer]\ntype = \"{rule}\"\n");
    of_fit(LINE, &section, ["optimizer", key])
}

#[test]
fn what_is_left_out_at_the_top() {
    let page = Page::open("docs/config.md");
    let found = resolved(&format!("{LINE}{FORWARD}"));
    page.says("| the seed of all noise | {} |", &[number(&found["seed"])]);
    page.says(
        "a checkpoint every so many seconds | {} |",
        &[number(&found["checkpoint"]["every_seconds"])],
    );
    let seconds = number(&found["checkpoint"]["every_seconds"]);
    Page::open("docs/reliability.md").says("writes `FIT/checkpoint` every {} seconds", &[seconds]);
    let (log, steps) = (LogConfig::default(), 100_000);
    let longer = parsed(&format!("{LINE}[optimizer]\nsteps = {steps}\n{FORWARD}"));
    let records = steps / log.every(&longer.unwrap().plans[0]);
    page.says("such that there are about {} |", &[records as f64]);
    page.says(
        "D > {}; the end is judged",
        &[klfit::internals::PANELS_DIM as f64],
    );
    let last = format!("{:?}", klfit::internals::Effort::last(log.samples));
    let samples: usize = last
        .rsplit_once("samples: ")
        .unwrap()
        .1
        .trim_end_matches(" }")
        .parse()
        .unwrap();
    let times = (samples / log.samples) as f64;
    page.says(
        "judged with {} times as many | {} |",
        &[times, log.samples as f64],
    );
    Page::open("docs/run-folder.md").says("where `summary.json` has {} times as many", &[times]);
}

#[test]
fn what_is_left_out_of_a_fit() {
    let page = Page::open("docs/config.md");
    let restarts = parsed(&format!("{LINE}{FORWARD}")).unwrap().plans[0]
        .start
        .runs() as f64;
    let given = "[init]\nmean = [0.0]\nstd = [1.0]\n";
    let given = parsed(&format!("{LINE}{given}{FORWARD}")).unwrap().plans[0]
        .start
        .runs() as f64;
    page.says(
        "runs start, together | {}; {} for a start that is given",
        &[restarts, given],
    );
    let families = Page::open("docs/families.md");
    families.says("the default. `restarts` is {} unless given", &[restarts]);
    families.says("keys of a target | {} |", &[given]);

    let components = of_fit(LINE, "", ["family", "components"]);
    page.says("K; 1 is a Gaussian | {} |", &[components]);
    families.says(
        "one structure of covariance. {}, the default",
        &[components],
    );
    let floor = of_fit(LINE, "", ["family", "min_std"]);
    page.says("Cholesky factor stays above | {} |", &[floor]);
    let low_rank = "[family]\ncovariance = \"low-rank\"\n";
    let rank = of_fit(CUBE, low_rank, ["family", "rank"]);
    page.says("of `low-rank`, from 1 to D | {} |", &[rank]);
    families.says("`rank` is r, from 1 to D, {} by default", &[rank]);
}

#[test]
fn what_is_left_out_of_an_estimator() {
    let page = Page::open("docs/config.md");
    let estimators = Page::open("docs/estimators.md");
    let most = Quadrature::MAX_DIM as f64;
    page.says("`quadrature` for D ≤ {} and", &[most]);
    estimators.says(
        "Left out, the rule is `quadrature` up to {} dimensions",
        &[most],
    );
    estimators.says("By default, up to {} dimensions, a divergence is", &[most]);
    estimators.says("| | 1 and {} | `points` on", &[most]);

    let interval = QuadratureConfig {
        points: None,
        range: Some([-1.0, 1.0]),
    };
    let points = interval.points(1) as f64;
    page.says("are then those on it, {} by default", &[points]);
    estimators.says("`range = [lower, upper]`, `points` | none, {} |", &[points]);

    let [_, EstimatorRule::GaussHermite(hermite), ..] = EstimatorRule::all() else {
        panic!("another order of rules");
    };
    let orders = [1, 2, 3, 4].map(|dim| hermite.order(dim) as f64);
    page.says("4 to 300 | {}, {}, {}, {} for D = 1 to 4", &orders);
    estimators.says("`order` | {}, {}, {}, {} in 1-D to 4-D", &orders);

    for rule in ["monte-carlo", "quasi-monte-carlo"] {
        let section = format!("[estimator]\ntype = \"{rule}\"\n");
        let samples = of_fit(CUBE, &section, ["estimator", "samples"]);
        match rule {
            "monte-carlo" => {
                page.says("at each step, at least 2 | {} |", &[samples]);
                estimators.says("| `monte-carlo` | any | `samples` | {} |", &[samples]);
            }
            _ => {
                page.says("the same, 8 to 524 288 | {} |", &[samples]);
                estimators.says("| up to 256 | `samples` | {} |", &[samples]);
            }
        }
    }
}

#[test]
fn what_is_left_out_of_an_optimizer() {
    let page = Page::open("docs/config.md");
    let optimizers = Page::open("docs/optimizers.md");
    let steps = optimizer("adam", "steps");
    page.says("| steps at most | {} |", &[steps]);
    optimizers.says("`steps`, {} by default, is the most", &[steps]);
    let rates = ["adam", "adamw", "sgd", "natural-gradient", "rmsprop"]
        .map(|rule| optimizer(rule, "learning_rate"));
    let [adam, adamw, sgd, natural, rmsprop] = rates;
    assert_eq!((adam, sgd), (adamw, natural));
    page.says(
        "| {} for `adam` and `adamw`, {} for `sgd` and `natural-gradient`, {} for `rmsprop` |",
        &[adam, sgd, rmsprop],
    );
    let falling = "[optimizer]\nschedule = \"linear\"\n";
    let share = of_fit(LINE, falling, ["optimizer", "final_rate"]);
    page.says("`schedule` that is not constant | {} |", &[share]);
    optimizers.says("from 1 to `final_rate` ({} by default)", &[share]);
    page.says(
        "the rate rises from 0 first | {} |",
        &[optimizer("adam", "warmup")],
    );
    let betas = ["beta1", "beta2", "epsilon"].map(|key| optimizer("adam", key));
    page.says("Kingma and Ba 2015 | {}, {}, {} |", &betas);
    optimizers.says(
        "both averaged | `beta1` {}, `beta2` {}, `epsilon` {} | {} |",
        &[&betas[..], &[adam]].concat(),
    );
    let decay = optimizer("adamw", "weight_decay");
    page.says("takes away, times the rate | {} |", &[decay]);
    optimizers.says("as `adam`, `weight_decay` {} | {} |", &[decay, adamw]);
    let momentum = optimizer("sgd", "momentum");
    assert_eq!(momentum, optimizer("rmsprop", "momentum"));
    page.says("that goes into the next | {} |", &[momentum]);
    optimizers.says("| `momentum` {}, `nesterov` false | {} |", &[momentum, sgd]);
    page.says(
        "of the average squared gradient | {} |",
        &[optimizer("rmsprop", "decay")],
    );
    page.says(
        "added to its root | {} |",
        &[optimizer("rmsprop", "epsilon")],
    );
    optimizers.says(
        "| `decay` {}, `momentum` {}, `epsilon` {}, `centered` false | {} |",
        &[
            optimizer("rmsprop", "decay"),
            momentum,
            optimizer("rmsprop", "epsilon"),
            rmsprop,
        ],
    );
    let history = optimizer("lbfgs", "history");
    page.says("steps it remembers, 1 to 1000 | {} |", &[history]);
    optimizers.says("with a line search | `history` {} | none", &[history]);
    let most = optimizer("natural-gradient", "max_kl");
    page.says("nats a step may change q by | {} |", &[most]);
    optimizers.says("times the gradient | `max_kl` {} | {} |", &[most, natural]);
    let [first, of_weights] = ["max_kl", "max_weights_kl"].map(|key| optimizer("vips", key));
    page.says("component may change by in its first step | {} |", &[first]);
    page.says(
        "nats a step may change the weights by | {} |",
        &[of_weights],
    );
    optimizers.says(
        "trust region of its own | `max_kl` {}, `max_weights_kl` {} | none",
        &[first, of_weights],
    );
    // λ that is left out is a product, and no number.
    assert_eq!(BatchAndMatchConfig::default().lambda, None);
    assert_eq!(OptimizerRule::all().len(), 9, "a rule is missing above");
}

#[test]
fn what_is_left_out_of_the_stopping_rules() {
    let page = Page::open("docs/config.md");
    let stopping = Page::open("docs/stopping.md");
    let lbfgs = of_fit(
        LINE,
        "[optimizer]\ntype = \"lbfgs\"\n",
        ["stop", "gradient_norm"],
    );
    page.says("none; {} for `lbfgs` and `em` if nothing", &[lbfgs]);
    stopping.says(
        "`lbfgs` and `em` have `gradient_norm = {}` unless",
        &[lbfgs],
    );
    Page::open("docs/optimizers.md").says("of the gradient is below {} unless `[stop]`", &[lbfgs]);
    let rest = of_fit(LINE, "[stop]\nloss_change = 0.5\n", ["stop", "window"]);
    let precise = "[estimator]\ntype = \"monte-carlo\"\n[stop]\nprecision = 0.5\n";
    let precise = of_fit(LINE, precise, ["stop", "window"]);
    page.says(
        "at least 40 for `precision` | {}; {} for `precision` |",
        &[rest, precise],
    );
    stopping.says(
        "steps looked back on: {} for `loss_change`, and the shortest window for `precision`, {} |",
        &[rest, precise],
    );
    stopping.says("Windows of {} steps and their doubles", &[precise]);
}

#[test]
fn what_is_left_out_of_a_landscape() {
    let page = Page::open("docs/config.md");
    let range: ParameterRange = "mean=-5:5".parse().unwrap();
    let count = ParameterAxis::from(&range).values.len() as f64;
    page.says(
        "the first mean, as far as the target reaches, in {} |",
        &[count],
    );
    let range: ParameterRange = "mean=-5:5:100".parse().unwrap();
    let values = ParameterAxis::from(&range).values;
    page.says(
        "`\"mean=-5:5:100\"`, from {} to {} in {} steps",
        &[values[0], values[values.len() - 1], values.len() as f64],
    );
    let points = constant("src/landscape/mod.rs", "POINTS");
    page.says("panels that see both densities in 1-D, {} above |", &points);
}
