//! Limits: at the number of the page a config is taken, beyond it it is refused.

use klfit::internals::{StopMonitor, Verdict, optima};
use klfit::{DivergenceKind, Experiment, Mixture, StopConfig, Sweep};
use nalgebra::DMatrix;

use super::config::{CUBE, FORWARD, LINE, parsed};
use super::page::{Page, constant};
use crate::support::{config, gaussian};

fn is_taken(text: &str) -> bool {
    parsed(text).is_ok()
}

/// The sections of a config with a whole number, which may be from the first to the second of a page.
#[track_caller]
fn range(page: &Page, sentence: &str, sections: impl Fn(usize) -> String) {
    let ends: Vec<usize> = (page.numbers(sentence).iter())
        .map(|number| number.value as usize)
        .collect();
    let taken = |number: usize| is_taken(&format!("{}{FORWARD}", sections(number)));
    assert!(taken(ends[0]) && !taken(ends[0] - 1), "{sentence}");
    if let Some(&last) = ends.get(1) {
        assert!(taken(last) && !taken(last + 1), "{sentence}");
    }
}

#[test]
fn of_estimators() {
    let page = Page::open("docs/config.md");
    let rule = |rule: &str, key: &str| {
        let section = format!("{CUBE}[estimator]\ntype = \"{rule}\"\n{key} = ");
        move |number: usize| format!("{section}{number}\n")
    };
    let points = |number| format!("{LINE}[estimator]\ntype = \"quadrature\"\npoints = {number}\n");
    range(&page, "points on each axis, at least {} |", points);
    // On a line: in three dimensions so many points would be too many numbers.
    let order = |number| format!("{LINE}[estimator]\ntype = \"gauss-hermite\"\norder = {number}\n");
    range(
        &page,
        "points on each axis of a component, {} to {} |",
        order,
    );
    let estimators = Page::open("docs/estimators.md");
    range(&estimators, "An `order` from {} to {} that is given", order);
    let sentence = "points on each side at each step, at least {} |";
    range(&page, sentence, rule("monte-carlo", "samples"));
    let of_one = |number| {
        let section = "restarts = 1\n[estimator]\ntype = \"quasi-monte-carlo\"\nsamples = ";
        format!("{section}{number}\n{LINE}")
    };
    range(&page, "| the same, {} to {} |", of_one);

    // Dimensions.
    let of = |rule: &str, dim: usize| {
        let row = |value: &str| vec![value; dim].join(", ");
        let target = format!(
            "[target]\nmean = [{}]\nstd = [{}]\n",
            row("0.0"),
            row("1.0")
        );
        let family = "[family]\ncovariance = \"diagonal\"\n";
        is_taken(&format!(
            "restarts = 1\n{target}{family}[estimator]\ntype = \"{rule}\"\n{FORWARD}"
        ))
    };
    let refused = "`quadrature` above {} dimensions, `gauss-hermite` above {}, \
                   `quasi-monte-carlo` above {}:";
    let rules = ["quadrature", "gauss-hermite", "quasi-monte-carlo"];
    let most: Vec<usize> = (estimators.numbers(refused).iter())
        .map(|most| most.value as usize)
        .collect();
    for (rule, &most) in rules.into_iter().zip(&most) {
        assert!(of(rule, most) && !of(rule, most + 1), "{rule}");
    }
    let most: Vec<f64> = most.iter().map(|&most| most as f64).collect();
    estimators.says("| `quadrature` | 1 and {} |", &[most[0]]);
    estimators.says("| `gauss-hermite` | 1 to {} |", &[most[1]]);
    estimators.says("| `quasi-monte-carlo` | up to {} |", &[most[2]]);
    estimators.says("of q, and reaches {} dimensions;", &[most[1]]);
}

#[test]
fn of_what_one_step_holds() {
    let page = Page::open("docs/estimators.md");
    let most = page.numbers("More than {} numbers in one step")[0];
    let taken = |restarts: usize, samples: usize| {
        let estimator = format!("[estimator]\ntype = \"monte-carlo\"\nsamples = {samples}\n");
        is_taken(&format!(
            "restarts = {restarts}\n{LINE}{estimator}{FORWARD}"
        ))
    };
    // Millions are printed.
    let few = ((most.value - most.digit) / 1024.0) as usize;
    let many = ((most.value + most.digit) / 1024.0) as usize;
    assert!(taken(few, 1024) && !taken(many, 1024));
    let least = page.numbers("a run counting as {} points at least")[0].value as usize;
    let [few, many] = [few, many].map(|restarts| restarts * 1024 / least);
    assert!(taken(few, 2) && !taken(many, 2), "{few} {many}");
    assert!(taken(few, least) && !taken(few, 2 * least), "{few} {least}");
}

#[test]
fn of_an_interval_and_of_fits() {
    // 2 (1 − Φ(a)) of a standard normal lies outside ± a.
    let missing = Page::open("docs/estimators.md").numbers("holds the target to {}.")[0].value;
    for (a, outside) in [(3.9, 9.619e-5), (3.88, 1.0445e-4)] {
        let target = "[target]\nmean = [0.0]\nstd = [1.0]\n";
        let range = format!("[estimator]\ntype = \"quadrature\"\nrange = [-{a:?}, {a:?}]\n");
        assert_eq!(
            is_taken(&format!("{target}{range}{FORWARD}")),
            outside < missing,
            "{a}"
        );
    }
    let most = Page::open("docs/config.md").numbers("each thing to compare, up to {}.")[0].value;
    let fits = |count: f64| is_taken(&format!("{LINE}{}", FORWARD.repeat(count as usize)));
    assert!(fits(most) && !fits(most + 1.0));
}

#[test]
fn of_optimizers_and_stopping_rules() {
    let page = Page::open("docs/config.md");
    let history = |number| format!("{LINE}[optimizer]\ntype = \"lbfgs\"\nhistory = {number}\n");
    range(&page, "steps it remembers, {} to {} |", history);
    let rank = |number| format!("{CUBE}[family]\ncovariance = \"low-rank\"\nrank = {number}\n");
    range(&page, "of `low-rank`, from {} to D", rank);
    assert!(
        is_taken(&format!("{}{FORWARD}", rank(3))) && !is_taken(&format!("{}{FORWARD}", rank(4)))
    );

    let [most, least] = page.numbers("looked back on, up to {}; at least {} for `precision`")[..]
    else {
        panic!("two numbers");
    };
    let window = |rule: &str, number: f64| {
        let estimator = "[estimator]\ntype = \"monte-carlo\"\n";
        let estimator = if rule == "precision" { estimator } else { "" };
        let stop = format!("[stop]\n{rule} = 0.1\nwindow = {number}\n");
        is_taken(&format!("{LINE}{estimator}{stop}{FORWARD}"))
    };
    for rule in ["precision", "loss_change"] {
        assert!(
            window(rule, most.value) && !window(rule, most.value + 1.0),
            "{rule}"
        );
    }
    assert!(window("precision", least.value) && !window("precision", least.value - 1.0));

    // A loss below so many nats is held against as many.
    let nat = Page::open("docs/stopping.md")
        .numbers("relative to the loss or to {} nat, whichever")[0]
        .value;
    let rests = |loss: f64, change: f64| {
        let mut monitor = StopMonitor::new(StopConfig {
            loss_change: Some(0.1),
            window: Some(1),
            ..StopConfig::default()
        });
        monitor.observe(&[0.0], loss + change, 1.0, Vec::new);
        monitor.observe(&[0.0], loss, 1.0, Vec::new) == Verdict::Loss
    };
    assert!(rests(0.2 * nat, 0.09 * nat) && !rests(0.2 * nat, 0.11 * nat));
    assert!(rests(2.0 * nat, 0.19 * nat) && !rests(2.0 * nat, 0.21 * nat));

    // Where iterates are asked for their scale their path is looked at.
    let stopping = Page::open("docs/stopping.md");
    let mut monitor = StopMonitor::new(StopConfig {
        precision: Some(1e-9),
        ..StopConfig::default()
    });
    let (mut state, mut looks) = (1u64, Vec::new());
    for step in 1..=300 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let noise = (state >> 11) as f64 / (1u64 << 53) as f64;
        monitor.observe(&[noise], 0.0, 1.0, || {
            looks.push(step);
            vec![1.0]
        });
    }
    let apart = f64::from(looks[1] - looks[0]);
    stopping.says("Windows of {} steps", &[f64::from(looks[0])]);
    stopping.says("and their doubles are tried every {} steps,", &[apart]);
    stopping.says(
        "agree, split R̂ ≤ {} (Gelman",
        &constant("src/fit/stop/monitor.rs", "SETTLED"),
    );
    stopping.says(
        "the average is worth {} independent draws",
        &constant("src/fit/stop/path.rs", "LEAST_EFFECTIVE"),
    );
    stopping.says(
        "Below {} nats nothing is worse",
        &constant("src/fit/best.rs", "NEGLIGIBLE"),
    );
    stopping.says("above {} it was still moving", &[optima::AT_REST]);
    let of = |name: &str| constant("src/fit/falling.rs", name);
    stopping.says("the means of {} batches", &of("BATCHES"));
    stopping.says(
        "the fall is more than {} of its standard errors,",
        &of("SURE"),
    );
    stopping.says(
        "more than {} nats or {} of the divergence,",
        &of("LEAST_FALL"),
    );
    stopping.says(
        "by {} of its standard errors there and with a {} of the slope",
        &[of("STILL_SURE"), of("STILL")].concat(),
    );
    stopping.says("fewer than {} logged steps in that half", &of("LEAST_ROWS"));
    let fits = Experiment::load(&config("stopping"), Vec::new())
        .unwrap()
        .plans;
    let samples = |i: usize| fits[i].estimator.rule.points(1, 3, 0) as f64;
    stopping.says(
        "With {} fresh samples a step and `precision = {}`, Adam",
        &[samples(0), fits[0].stop.precision.unwrap()],
    );
    stopping.says("With {} fixed samples", &[samples(1)]);
    let dim = fits[0].family.dim() as f64;
    stopping.says("one Gaussian by forward KL in {} dimensions. With", &[dim]);
}

#[test]
fn of_reports() {
    let page = Page::open("docs/report.md");
    let detailed = constant("src/report/mod.rs", "DETAILED");
    page.says(
        "runs like others, the first {} of them in detail",
        &detailed,
    );
    let exact = constant("src/report/latex.rs", "EXACT");
    page.says("Errors below {} nats are left out", &exact);
}

#[test]
fn of_landscapes_and_sweeps() {
    let points = |number| format!("[landscape]\npoints = {number}\n{LINE}");
    range(
        &Page::open("docs/config.md"),
        "cell is evaluated with, {} to {} |",
        points,
    );
    let page = Page::open("docs/sweeps.md");
    page.says(
        "and more than {} points.",
        &constant("src/config/sweep.rs", "MOST_POINTS"),
    );
    page.says(
        "for each point, up to {} unless",
        &constant("src/cli/sweep/engine.rs", "MOST_TASKS"),
    );
    let sweep = Sweep::load(&config("sweep"), &[]).unwrap().unwrap();
    let setting =
        |point: usize, key: usize| sweep.points[point].settings[key].1.parse::<f64>().unwrap();
    let grid = [
        setting(0, 0),
        setting(2, 0),
        setting(4, 0),
        setting(0, 1),
        setting(1, 1),
    ];
    page.says(
        "estimator.samples = [{}, {}, {}] optimizer.learning_rate = [{}, {}]",
        &grid,
    );
    page.says("| `samples` | `learning_rate` {} | {} |", &grid[3..]);
    let dim = sweep.points[0].experiment.plans[0].family.dim() as f64;
    page.says("fit a Gaussian in {} dimensions by", &[dim]);
    page.says("The paths of the {} points", &[sweep.points.len() as f64]);
    page.says(
        "of each key is a point, here {};",
        &[sweep.points.len() as f64],
    );
    page.says(
        "best of {} restarts, KL",
        &[sweep.points[0].experiment.plans[0].start.runs() as f64],
    );
}

#[test]
fn of_targets() {
    let [dims, entries] = Page::open("docs/targets.md")
        .numbers("than {} dimensions, and covariances of more than {} entries")[..]
    else {
        panic!("two numbers");
    };
    let mixture = |components: usize, dim: usize| {
        let rows = |value: f64| vec![vec![value; dim]; components];
        Mixture::from_stds(
            vec![1.0 / components as f64; components],
            rows(0.0),
            rows(1.0),
        )
        .is_ok()
    };
    let most = dims.value as usize;
    assert!(mixture(1, most) && !mixture(1, most + 1));
    Page::open("README.md").says("any number of components, up to {}-D", &[dims.value]);
    // 256 × 256 entries each; the rest of the number is printed to a tenth of a million.
    let [few, many] = [-1.0, 1.0].map(|sign| (entries.value + sign * entries.digit) / 65_536.0);
    assert!(
        mixture(few as usize, 256) && !mixture(many as usize + 1, 256),
        "{few} {many}"
    );

    let [condition] = constant(
        "src/density/target/samples/dependence.rs",
        "LEAST_EIGENVALUE",
    )[..] else {
        panic!("one number");
    };
    Page::open("docs/targets.md").says(
        "than {} of them on a line and {} in the plane; beyond, panels",
        &constant("src/panels/host.rs", "MOST_BREAKS"),
    );
    Page::open("docs/targets.md").says("of the correlation matrix: {} or more", &[1.0 / condition]);
    let infinite =
        Page::open("docs/divergences.md").numbers("without a variance (`dof` at most {})")[0].value;
    let student_t = |dof: f64| is_taken(&format!("{LINE}dof = {dof}\n{FORWARD}"));
    assert!(!student_t(infinite) && student_t(infinite + 0.01));
}

/// Correlations whose condition is 2 to this power, or nearly.
fn correlated(power: i32) -> bool {
    let r = 1.0 - 2f64.powi(1 - power);
    Mixture::gaussian(
        vec![0.0; 2],
        DMatrix::from_row_slice(2, 2, &[1.0, r, r, 1.0]),
    )
    .is_ok()
}

#[test]
fn of_condition_numbers() {
    let page = Page::open("docs/calculator.md");
    let most = page.numbers("condition number of its correlations is {} ≈ 9")[0].value;
    let power = most.log2() as i32;
    assert!(correlated(power - 1) && !correlated(power + 1), "{power}");
    page.rounds("correlations is 2⁵³ ≈ {}·10¹⁵", &[most / 1e15]);
}

#[test]
fn of_what_cannot_be() {
    let page = Page::open("docs/method.md");
    let [errors, nats, rounding] = page
        .numbers("than its error ({} standard errors of a sample; no more than {} nats, since")
        .into_iter()
        .chain(page.numbers("of e^(−M t) at most) and {}: a KL"))
        .map(|number| number.value)
        .collect::<Vec<f64>>()[..]
    else {
        panic!("three numbers");
    };
    use klfit::internals::EstimateMethod;
    use klfit::results::Estimate;
    let refuted = |value: f64, error: f64| {
        let method = EstimateMethod::MonteCarlo;
        DivergenceKind::ForwardKl
            .refutes(Estimate {
                value,
                error,
                method,
            })
            .is_some()
    };
    for (off, error) in [(errors, 1.0), (nats, 100.0), (rounding, 0.0)] {
        assert!(
            !refuted(-0.99 * off, error) && refuted(-1.01 * off, error),
            "{off}"
        );
    }
    let range = |kind: DivergenceKind| {
        let (least, most) = kind.range().into_inner();
        [least, most]
    };
    let [least, most] = range(DivergenceKind::Js);
    page.says(
        "Jensen–Shannon outside {} … ln {}, squared",
        &[least, most.exp().round()],
    );
    let between = range(DivergenceKind::SquaredHellinger);
    assert_eq!(between, range(DivergenceKind::TotalVariation));
    page.says("total variation outside {} … {}, an", &between);
    let divergences = Page::open("docs/divergences.md");
    divergences.rounds("It is at most ln 2 = {} nats", &[most]);
    divergences.says("(Hellinger 1909) is between {} and {}, with", &between);
    divergences.says("of one event, between {} and {}. It has", &between);
}

#[test]
fn of_orders() {
    let page = Page::open("docs/divergences.md");
    let taken = |name: &str, order: f64| {
        is_taken(&format!(
            "{LINE}[[fit]]\ndivergence = \"{name}\"\nalpha = {order:?}\n"
        ))
    };
    for order in page.numbers("any finite number but {} and {}. α → 1") {
        assert!(!taken("alpha", order.value), "{order:?}");
        assert!(taken("alpha", order.value - 0.5) && taken("alpha", order.value + 0.5));
    }
    let [least, other] = page.numbers("needs `alpha` above {} and other than {}.")[..] else {
        panic!("two numbers");
    };
    assert!(!taken("renyi", least.value) && !taken("renyi", least.value - 0.5));
    assert!(!taken("renyi", other.value) && taken("renyi", least.value + 0.5));
    // Of tails that are heavier than those of every Gaussian.
    let student_t = |name: &str, dof: f64, order: &str| {
        let fit = format!("[[fit]]\ndivergence = \"{name}\"\n{order}");
        is_taken(&format!("{LINE}dof = {dof:?}\n{fit}"))
    };
    let dof = page.numbers("`forward-kl` and `jeffreys` with `dof` ≤ {};")[0].value;
    for name in ["forward-kl", "jeffreys"] {
        assert!(
            !student_t(name, dof, "") && student_t(name, dof + 0.1, ""),
            "{name}"
        );
    }
    let most =
        page.numbers("`alpha` and `renyi` of an order above {}, with any Student-t")[0].value;
    for name in ["alpha", "renyi"] {
        let of = |order: f64| student_t(name, 5.0, &format!("alpha = {order:?}\n"));
        assert!(!of(most + 0.1) && of(most - 0.1), "{name}");
    }
    let moments =
        Page::open("docs/method.md").numbers("and a Student-t with `dof` ≤ {} no moments")[0];
    assert_eq!(moments.value, dof);
}

#[test]
fn of_what_an_optimizer_is_told() {
    let page = Page::open("docs/optimizers.md");
    let taken = |settings: &str| is_taken(&format!("{LINE}[optimizer]\n{settings}\n{FORWARD}"));
    let [low, high] = page.numbers("decays outside [{}, {}); a `warmup`")[..] else {
        panic!("two numbers");
    };
    let decay = |decay: f64| taken(&format!("type = \"rmsprop\"\ndecay = {decay:?}"));
    assert!(decay(low.value) && !decay(low.value - 0.01));
    assert!(decay(high.value - 0.01) && !decay(high.value));
    let [low, high] = page.numbers("`final_rate` outside {} to {};")[..] else {
        panic!("two numbers");
    };
    let share = |share: f64| taken(&format!("schedule = \"linear\"\nfinal_rate = {share:?}"));
    assert!(share(low.value) && !share(low.value - 0.01));
    assert!(share(high.value) && !share(high.value + 0.01));
    let least = page.numbers("which needs a momentum above {}. Its")[0].value;
    let nesterov = |momentum: f64| {
        taken(&format!(
            "type = \"sgd\"\nnesterov = true\nmomentum = {momentum:?}"
        ))
    };
    assert!(!nesterov(least) && nesterov(least + 0.1));
}

#[test]
fn of_one_optimum() {
    let page = Page::open("docs/method.md");
    page.says(
        "between them is below {} nats, that of two Gaussians 0.05",
        &[optima::EXACT],
    );
    page.says(
        "standard deviations apart; {} where the objective is random",
        &[optima::NOISY],
    );
    page.says(
        "An end with a gradient above {} is told",
        &[optima::AT_REST],
    );
    // JS of two Gaussians that are so far apart.
    let apart = page.numbers("that of two Gaussians {} standard deviations apart")[0];
    let question = klfit::Question {
        divergences: vec![DivergenceKind::Js.into()],
        ..Default::default()
    };
    let js = |apart: f64| {
        let [p, q] = [0.0, apart].map(|mean| klfit::Operand::new("", gaussian(mean, 1.0)));
        question.ask(&p, &q, &|_| {}).unwrap()[0].value
    };
    let [low, high] = [-0.5, 0.5].map(|half| js(apart.value + half * apart.digit));
    assert!(low < optima::EXACT && optima::EXACT < high, "{low} {high}");
}
