//! The pages say of the example configs what came out; the tests that run them ask here.

use klfit::DivergenceKind::{ForwardKl, ReverseKl};
use klfit::results::TargetSummary;
use klfit::{Experiment, FitSummary, Override, RunSummary, Stop, Summary};

use super::page::Page;
use crate::support::{Run, config, run, run_text, stds};

fn fit<'s>(summary: &'s Summary, label: &str) -> &'s FitSummary {
    let fit = (summary.fits.iter()).find(|fit| fit.label == label);
    fit.unwrap_or_else(|| panic!("no {label}"))
}

fn best<'s>(summary: &'s Summary, label: &str) -> &'s RunSummary {
    fit(summary, label).best.as_ref().unwrap()
}

fn gap(summary: &Summary, label: &str) -> f64 {
    let known = fit(summary, label).known_optimum.as_ref().unwrap();
    known.gap.unwrap().value
}

fn std(run: &RunSummary, component: usize) -> f64 {
    stds(&run.mixture, component)[0]
}

pub fn divergences(run: &Run) {
    let std = |label: &str| std(best(&run.summary, label), 0);
    let page = Page::open("docs/divergences.md");
    let target = run.folder.experiment().unwrap().target;
    let p = target.as_mixture().unwrap();
    let part = |k: usize| {
        [
            p.weights()[k],
            p.means()[k][0],
            p.component_stds(k)[0].powi(2),
        ]
    };
    page.says(
        "the same target, {} N({}, {}) + {} N({}, {}), by",
        &[part(0), part(1)].concat(),
    );
    let fits = run.summary.fits.len() as f64;
    page.says("0.2 N(2.5, 0.7²), by {} divergences.", &[fits]);
    page.says("![{} Gaussians fitted to one target", &[fits]);
    page.rounds(
        "From reverse KL (σ = {}) over Jensen–Shannon ({}) and total variation ({}) to Jeffreys ({}), \
         the three of order ½ ({}), forward KL ({}) and χ² ({}), q spreads",
        &[
            std("reverse-kl"),
            std("js"),
            std("total-variation"),
            std("jeffreys"),
            std("renyi-0.5"),
            std("forward-kl"),
            std("chi2"),
        ],
    );
}

pub fn estimators(run: &Run) {
    let page = Page::open("docs/estimators.md");
    let left = |label: &str| {
        best(&run.summary, label)
            .divergences
            .estimate(ReverseKl)
            .value
    };
    page.rounds(
        "Pathwise and score-function gradients leave q at {} and {} nats, quasi-Monte Carlo at {};",
        &["pathwise", "score-function", "quasi-monte-carlo"].map(left),
    );
    let variance = |label: &str| {
        let variance = best(&run.summary, label).gradient_variance.unwrap();
        [variance.start, variance.end]
    };
    for (label, row) in [
        (
            "score-function",
            "| `monte-carlo`, `score-function` | {} | {} |",
        ),
        ("pathwise", "| `monte-carlo`, `pathwise` | {} | {} |"),
        (
            "quasi-monte-carlo",
            "| `quasi-monte-carlo`, `pathwise` | {} | {} |",
        ),
        ("gauss-hermite", "| `gauss-hermite` | {} | {} |"),
    ] {
        page.rounds(row, &variance(label));
    }
    let [start, end] = variance("sticking-the-landing");
    let row = "| `monte-carlo`, `sticking-the-landing` | {} |";
    page.rounds(row, &[start]);
    // Where q = p it is what rounding leaves.
    let printed = page.numbers("`sticking-the-landing` | {} | {} |")[1];
    assert!(printed.value < 1e-25 && end < 1e-25, "{printed:?} {end}");
}

pub fn optimizers(run: &Run) {
    let page = Page::open("docs/optimizers.md");
    let summary = &run.summary;
    let Stop::Gradient { step } = best(summary, "lbfgs").stop else {
        panic!("{:?}", best(summary, "lbfgs").stop);
    };
    page.says("L-BFGS stops at step {} with", &[step as f64]);
    page.resembles(
        "L-BFGS stops at step 55 with {} nats left",
        &[gap(summary, "lbfgs")],
    );
    // A sum of 1 and this is 1.
    let path = run.folder.trajectory("natural-gradient").unwrap();
    let unresolved = (path.rows.iter()).find(|row| row.divergence(ForwardKl).0 < f64::EPSILON);
    page.says(
        "the natural gradient goes below what {} bits resolve by step {}; \
         after {} steps Adam has",
        &[
            64.0,
            unresolved.unwrap().step as f64,
            best(summary, "adam").steps as f64,
        ],
    );
    page.rounds(
        "steps Adam has {} nats left and gradient descent {};",
        &["adam", "sgd"].map(|label| gap(summary, label)),
    );
    // At one learning rate it jumps to and fro, and rounding decides where it is at a step.
    page.resembles(
        "RMSProp, which jumps to and fro at one learning rate, has about {}.",
        &[gap(summary, "rmsprop")],
    );
    let target = run.folder.experiment().unwrap().target;
    let covariance = target.as_mixture().unwrap().covariance();
    let stds = [covariance[(0, 0)].sqrt(), covariance[(1, 1)].sqrt()];
    page.rounds(
        "a Gaussian with standard deviations {} and {} and correlation {}.",
        &[stds[0], stds[1], covariance[(0, 1)] / (stds[0] * stds[1])],
    );
}

pub fn stopping(run: &Run) {
    let page = Page::open("docs/stopping.md");
    let steps = |label: &str| best(&run.summary, label).steps as f64;
    page.says("Adam stops at step {} and its", &[steps("fresh-noise")]);
    page.says("L-BFGS is done at step {},", &[steps("fixed-noise")]);
    page.rounds(
        "and its average is {} nats above the known optimum. With",
        &[gap(&run.summary, "fresh-noise")],
    );
    page.rounds(
        "done at step 15, {} nats above it",
        &[gap(&run.summary, "fixed-noise")],
    );
}

pub fn low_rank(run: &Run) {
    let page = Page::open("docs/families.md");
    let left = |label: &str| {
        best(&run.summary, label)
            .divergences
            .estimate(ReverseKl)
            .value
    };
    let plans = run.folder.experiment().unwrap().plans;
    let parameters = |label: &str| {
        let plan = plans.iter().find(|plan| plan.label == label).unwrap();
        plan.family.parameters() as f64
    };
    let of = "Rank 2, with {} parameters, ends at {} nats and the full covariance, with {}, at {}, both \
              for the error of the points; rank 1 is left at {} and the diagonal at {}.";
    page.rounds(
        of,
        &[
            parameters("rank-2"),
            left("rank-2"),
            parameters("full"),
            left("full"),
            left("rank-1"),
            left("diagonal"),
        ],
    );
}

/// How far half the runs came that use draws of earlier steps, and without, in nats.
pub fn reused(ends: &[f64; 2]) {
    let page = Page::open("docs/estimators.md");
    page.rounds(
        "Of six components on a donut with 60 draws a step, half the runs are within {} nats after 60 steps, \
         where without it is {}.",
        ends,
    );
}

pub fn modes(run: &Run) {
    let page = Page::open("docs/optimizers.md");
    let of = |label: &str| {
        let best = best(&run.summary, label);
        let covered = best.diagnostics.modes.unwrap().covered as f64;
        (covered, best.divergences.estimate(ReverseKl).value)
    };
    let ((all, _), (most, random), (few, adam)) = (of("modes"), of("random"), of("random-adam"));
    let there = best(&run.summary, "adapted").mixture.weights.len() as f64;
    page.rounds(
        "all {} are covered; so are they from one wide Gaussian to which [components \
         come](families.md#components-that-come-and-go), by {} in the end; from the best of four random starts {}, {} nats away, and with Adam {}, {} nats away.*",
        &[all, there, most, random, few, adam],
    );
}

pub fn heavy_tails(run: &Run) {
    let page = Page::open("docs/targets.md");
    let summary = &run.summary;
    let of = |label: &str, kind| best(summary, label).divergences.estimate(kind).value;
    let k_hat = |label: &str| best(summary, label).diagnostics.psis.unwrap().k_hat;
    page.rounds(
        "bump, {} nats from p by KL(q‖p) and {} by KL(p‖q), with a k̂ of {}: its draws",
        &[
            of("reverse-kl", ReverseKl),
            of("reverse-kl", ForwardKl),
            k_hat("reverse-kl"),
        ],
    );
    let forward = best(summary, "forward-kl");
    page.rounds(
        "a component of σ = {} on the tails and the second bump, {} nats by KL(p‖q), k̂ {}.*",
        &[
            std(forward, 0).max(std(forward, 1)),
            of("forward-kl", ForwardKl),
            k_hat("forward-kl"),
        ],
    );
    let diagnostics = Page::open("docs/diagnostics.md");
    diagnostics.rounds("forward KL has k̂ {}, and", &[k_hat("forward-kl")]);
}

pub fn network(run: &Run) {
    let page = Page::open("docs/targets.md");
    let of = |label: &str| {
        best(&run.summary, label)
            .divergences
            .estimate(ReverseKl)
            .value
    };
    page.resembles("joint density, {} nats away", &[of("full")]);
    let stds = |label: &str| stds(&best(&run.summary, label).mixture, 0);
    page.rounds("a diagonal one stays at {} nats", &[of("diagonal")]);
    page.rounds(
        "deviations given all other coordinates, {}, {} and {}, where those of p are {}, {} and {}.",
        &[stds("diagonal"), stds("full")].concat(),
    );
}

pub fn iris(summary: &Summary) {
    let page = Page::open("docs/targets.md");
    let of = |label: &str| fit(summary, label).objective().unwrap().value;
    let TargetSummary::Samples(of_rows) = &summary.target else {
        panic!("{:?}", summary.target);
    };
    let rows = of_rows.rows;
    page.says("The measurements of {} irises", &[rows as f64]);
    page.says("configs/iris.toml): {} flowers, four", &[rows as f64]);
    page.rounds(
        "150 flowers, {} measurements (R. A.",
        &[summary.fits[0].best.as_ref().unwrap().mixture.means[0].len() as f64],
    );
    page.rounds(
        "have a cross-entropy of {}, {} and {} nats a row;",
        &["one", "two", "three"].map(of),
    );
    let three = fit(summary, "three");
    let [first, second] = &three.optima[..] else {
        panic!("{:?}", three.optima);
    };
    page.rounds(
        "nats a row; of {} k-means starts for three, {} end there and {} at {}.*",
        &[
            three.restarts as f64,
            first.runs as f64,
            second.runs as f64,
            second.divergences.estimate(three.divergence).value,
        ],
    );
    Page::open("docs/families.md").says(
        "configs/iris.toml), {} of {} k-means starts end at the best one found,",
        &[first.runs as f64, three.restarts as f64],
    );
}

pub fn notebook_landscape(summary: &Summary) {
    let optima = |label: &str| fit(summary, label).optima.len() as f64;
    Page::open("docs/explore.md").says(
        "Forward KL has {} optimum, reverse KL {}: one",
        &["forward-kl", "reverse-kl"].map(optima),
    );
    Page::open("docs/explore.md").says(
        "a worse one that covers both. {} starts each",
        &[fit(summary, "reverse-kl").restarts as f64],
    );
}

/// As the page's command has it.
#[test]
fn the_banana_by_batch_and_match() {
    let page = std::fs::read_to_string("docs/optimizers.md").unwrap();
    let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
    let (_, command) = page.split_once("configs/banana.toml), by `").unwrap();
    let (command, _) = command.split_once('`').unwrap();
    let overrides = (command.split("--set '").skip(1))
        .map(|rest| Override::parse(rest.split('\'').next().unwrap()).unwrap())
        .collect::<Vec<_>>();
    assert_eq!(overrides.len(), 2, "{command}");
    let mut experiment = Experiment::load(&config("banana"), overrides).unwrap();
    experiment.plans.retain(|plan| plan.divergence == ReverseKl);
    let run = run(&experiment);
    let t = 0.5 * (5f64.sqrt() - 1.0);
    let least = -0.5 * t.ln() + 0.5 * (t - 1.0) + 0.25 * t * t;
    let found = fit(&run.summary, "reverse-kl");
    Page::open("docs/optimizers.md").rounds(
        "the best of {} runs ends at {} nats where {} is the least.",
        &[
            found.restarts as f64,
            found.objective().unwrap().value,
            least,
        ],
    );
}

#[test]
fn optimizers_in_32_bits() {
    let text = std::fs::read_to_string(config("optimizers")).unwrap();
    let mut only: toml::Table = text.parse().unwrap();
    let fits = only["fit"].as_array_mut().unwrap();
    fits.retain(|fit| fit["label"].as_str() == Some("lbfgs"));
    let precision = toml::toml! { precision = "f32" };
    only.insert("device".to_owned(), precision.into());
    let estimator = toml::toml! { type = "gauss-hermite" };
    only.insert("estimator".to_owned(), estimator.into());
    let run = run_text(&only.to_string());
    let (best, page) = (best(&run.summary, "lbfgs"), Page::open("docs/devices.md"));
    assert!(
        matches!(best.stop, Stop::NoProgress { .. }),
        "{:?}",
        best.stop
    );
    // In 32 bits another width of vectors may round a step or two off.
    let step = page.numbers("L-BFGS ends at step {},")[0].value;
    assert!(
        (step - best.steps as f64).abs() <= 2.0,
        "{step} {}",
        best.steps
    );
    page.resembles(
        "ends at step 63, {} nats above the optimum",
        &[gap(&run.summary, "lbfgs")],
    );
    // The loss is off by this, of terms about as large as 1.
    let off = (best.loss.value - gap(&run.summary, "lbfgs")).abs();
    let told = page.numbers("a sum is good to about {} of its terms")[0].value;
    assert!(off < told && off > 1e-3 * told, "{off}");
    // At the end the gradient is about as small as it gets.
    let least = page.numbers("does not fall far below {}: L-BFGS")[0].value;
    assert!(
        best.gradient_norm > 0.03 * least && best.gradient_norm < 30.0 * least,
        "{}",
        best.gradient_norm
    );
}

#[test]
fn heavy_tails_by_other_seeds() {
    let text = std::fs::read_to_string(config("heavy-tails")).unwrap();
    let mut forward: toml::Table = text.parse().unwrap();
    let fits = forward["fit"].as_array_mut().unwrap();
    fits.retain(|fit| fit["divergence"].as_str() == Some("forward-kl"));
    // Of what is logged only the end counts here.
    forward.insert("log".to_owned(), toml::toml! { every = 1000 }.into());
    let page = Page::open("docs/diagnostics.md");
    let sentence = "and {} to {} with the seeds {} to {}.";
    let [_, _, first, last] = page.numbers(sentence)[..] else {
        panic!("four numbers");
    };
    let k_hats: Vec<f64> = (first.value as i64..=last.value as i64)
        .map(|seed| {
            forward.insert("seed".to_owned(), seed.into());
            let run = run_text(&forward.to_string());
            best(&run.summary, "forward-kl")
                .diagnostics
                .psis
                .unwrap()
                .k_hat
        })
        .collect();
    let least = k_hats.iter().copied().fold(f64::INFINITY, f64::min);
    let most = k_hats.iter().copied().fold(0.0, f64::max);
    page.rounds(sentence, &[least, most, first.value, last.value]);
}

#[test]
fn iris_from_random_starts() {
    let text = std::fs::read_to_string(config("iris")).unwrap();
    let mut three: toml::Table = text.parse().unwrap();
    three.remove("init");
    let page = Page::open("docs/families.md");
    let sentence = "best one found, and {} of {} random ones, by";
    let restarts = page.numbers(sentence)[1].value;
    three.insert("restarts".to_owned(), (restarts as i64).into());
    let fits = three["fit"].as_array_mut().unwrap();
    fits.retain(|fit| fit["label"].as_str() == Some("three"));
    let run = run(&Experiment::parse(&config("iris"), &three.to_string(), Vec::new()).unwrap());
    let fit = fit(&run.summary, "three");
    page.says(sentence, &[fit.optima[0].runs as f64, fit.restarts as f64]);
}

/// What is left at the best restart of each point, by samples and then by learning rates.
pub fn sweep(left: &[f64]) {
    let page = Page::open("docs/sweeps.md");
    // `limits` holds the settings.
    page.rounds(
        "| `samples` | `learning_rate` 0.02 | 0.1 | | --- | --- | --- | | 16 | {} | {} | | 128 | {} | {} \
         | | 1024 | {} | {} |",
        left,
    );
}
