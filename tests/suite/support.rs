//! Shared by the tests: small experiments, and a second way to compute what klfit computes.

use klfit::internals::kernel::MixtureTensors;
use klfit::internals::{
    Context, Density, Estimator, Noise, Objective, RunKey, Sampled, Side, Stream,
};
use klfit::results::Estimate;
use klfit::settings::{
    FitConfig, GaussHermiteConfig, MixtureConfig, MonteCarloConfig, QuadratureConfig,
    QuasiMonteCarloConfig,
};
use klfit::{
    DivergenceKind, DivergenceName, EstimatorConfig, EstimatorRule, Existing, Experiment,
    FamilyConfig, Mixture, NaturalParameters, Numerics, OptimizerConfig, Override, Plan, RunFolder,
    RunObserver, Summary, Target,
};
use nalgebra::{DMatrix, DVector};
use std::cell::Cell;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// A config of the repository.
pub fn config(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("configs/{name}.toml"))
}

/// A run in a folder that is removed at the end.
pub struct Run {
    pub summary: Summary,
    pub folder: RunFolder,
    _temporary: tempfile::TempDir,
}

/// Runs an experiment as `klfit run` does, figures aside.
pub fn run(experiment: &Experiment) -> Run {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("run");
    let folder = RunFolder::create(&folder, experiment, Existing::Refuse).unwrap();
    let numerics = experiment.numerics().unwrap();
    let summary = klfit::run(experiment, &numerics, &folder, &mut ()).unwrap();
    Run {
        summary,
        folder,
        _temporary: temporary,
    }
}

/// Runs a config of the repository.
pub fn run_config(name: &str, overrides: &[(&str, &str)]) -> Run {
    let overrides = (overrides.iter())
        .map(|(key, value)| Override::parse(&format!("{key}={value}")).unwrap())
        .collect();
    run(&Experiment::load(&config(name), overrides).unwrap())
}

/// Runs a config given as text.
pub fn run_text(text: &str) -> Run {
    run(&Experiment::parse(Path::new("test.toml"), text, Vec::new()).unwrap())
}

/// Three correlated components in a plane.
pub fn three_in_a_plane() -> Mixture {
    let covariance = |a: f64, b: f64, c: f64| DMatrix::from_row_slice(2, 2, &[a, b, b, c]);
    Mixture::from_covariances(
        vec![0.5, 0.3, 0.2],
        vec![vec![-2.0, 0.0], vec![2.0, 1.5], vec![1.0, -2.5]],
        vec![
            covariance(1.0, 0.4, 0.6),
            covariance(0.5, -0.3, 0.8),
            covariance(0.7, 0.0, 0.3),
        ],
    )
    .unwrap()
}

/// Every divergence but that between bins, which of two densities is forward KL.
pub fn divergences() -> Vec<DivergenceKind> {
    let is_between_bins = |kind: &DivergenceKind| *kind == DivergenceKind::BinnedKl;
    let all = DivergenceKind::all().into_iter();
    all.filter(|kind| !is_between_bins(kind)).collect()
}

/// Two components on a line.
pub fn two_on_a_line(offset: f64) -> Mixture {
    Mixture::from_stds(
        vec![0.5, 0.5],
        vec![vec![-offset], vec![offset]],
        vec![vec![1.0]; 2],
    )
    .unwrap()
}

/// A mixture in D dimensions that is nowhere far from [`wide`] in either direction, so that every
/// divergence between them is finite and so are the variances of their estimates.
pub fn mild(dim: usize) -> Mixture {
    let at = |to: f64| (0..dim).map(|d| to * (1.0 - 0.5 * d as f64)).collect();
    let stds = |first: f64| -> Vec<f64> { (0..dim).map(|d| first - 0.1 * d as f64).collect() };
    Mixture::from_stds(
        vec![0.4, 0.6],
        vec![at(-0.8), at(0.7)],
        vec![stds(1.6), stds(1.5)],
    )
    .unwrap()
}

/// One or two correlated components around [`mild`].
pub fn wide(components: usize, dim: usize) -> Mixture {
    let covariance = |variance: f64, shared: f64| {
        DMatrix::from_fn(dim, dim, |i, j| if i == j { variance } else { shared })
    };
    let at = |to: f64| -> Vec<f64> { (0..dim).map(|d| to * (1.0 - 0.5 * d as f64)).collect() };
    let mut parts = vec![(0.55, at(-0.3), covariance(2.9, 0.4))];
    if components > 1 {
        parts.push((0.45, at(0.4), covariance(3.2, -0.3)));
    } else {
        parts[0].0 = 1.0;
    }
    Mixture::from_covariances(
        parts.iter().map(|part| part.0).collect(),
        parts.iter().map(|part| part.1.clone()).collect(),
        parts.into_iter().map(|part| part.2).collect(),
    )
    .unwrap()
}

/// A Gaussian on a line.
/// The standard deviations of a component.
pub fn stds(mixture: &NaturalParameters, component: usize) -> Vec<f64> {
    Mixture::try_from(mixture)
        .unwrap()
        .component_stds(component)
}

pub fn gaussian(mean: f64, std: f64) -> Mixture {
    Mixture::from_stds(vec![1.0], vec![vec![mean]], vec![vec![std]]).unwrap()
}

/// Every rule for points, of few points.
pub fn small_rules() -> Vec<EstimatorRule> {
    (EstimatorRule::all().into_iter())
        .map(|rule| match rule {
            EstimatorRule::Quadrature(_) => quadrature(9),
            EstimatorRule::GaussHermite(_) => gauss_hermite(4),
            EstimatorRule::MonteCarlo(_) => monte_carlo(12),
            EstimatorRule::QuasiMonteCarlo(_) => quasi_monte_carlo(16),
            EstimatorRule::Rows(rows) => EstimatorRule::Rows(rows),
        })
        .collect()
}

pub fn quadrature(points: usize) -> EstimatorRule {
    EstimatorRule::Quadrature(QuadratureConfig {
        points: Some(points),
        range: None,
    })
}

pub fn gauss_hermite(order: usize) -> EstimatorRule {
    EstimatorRule::GaussHermite(GaussHermiteConfig { order: Some(order) })
}

pub fn monte_carlo(samples: usize) -> EstimatorRule {
    EstimatorRule::MonteCarlo(MonteCarloConfig { samples })
}

pub fn quasi_monte_carlo(samples: usize) -> EstimatorRule {
    EstimatorRule::QuasiMonteCarlo(QuasiMonteCarloConfig { samples })
}

/// What a config would say of a combination of choices: the library decides itself which make sense.
#[derive(Debug, Clone)]
pub struct Choice {
    pub divergence: DivergenceKind,
    pub family: FamilyConfig,
    pub estimator: EstimatorConfig,
    pub optimizer: OptimizerConfig,
}

/// Targets as a config writes them, in a folder with the files they need.
pub struct Targets {
    folder: tempfile::TempDir,
}

impl Targets {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let column = |i: usize, d: usize| ((i * (d + 3)) as f64 * 0.61).sin() * (1.5 + d as f64);
        for dim in 1..=3 {
            let rows: String = (0..20)
                .map(|i| {
                    let row: Vec<String> = (0..dim).map(|d| column(i, d).to_string()).collect();
                    row.join(",") + "\n"
                })
                .collect();
            std::fs::write(folder.path().join(format!("{dim}.csv")), rows).unwrap();
        }
        Self { folder }
    }

    pub fn samples(&self, dim: usize) -> String {
        format!("file = \"{dim}.csv\"\n")
    }

    pub fn mixture(&self, mixture: &Mixture) -> String {
        toml::to_string(&MixtureConfig::from(mixture)).unwrap()
    }

    pub fn student_t(&self, scales: &Mixture, dof: f64) -> String {
        format!("dof = {dof:?}\n{}", self.mixture(scales))
    }

    /// The experiment with one fit; or why a config that asks for it is refused.
    pub fn ask(&self, target: &str, choice: &Choice) -> Result<Experiment, String> {
        // Forward KL to rows becomes the cross-entropy, and to bins that between them.
        let asked = match choice.divergence.needs_no_density() {
            true => DivergenceKind::ForwardKl,
            false => choice.divergence,
        };
        let divergence = DivergenceName::from_name(asked.names().config).unwrap();
        let alpha = asked.alpha();
        let fit = FitConfig {
            choice: None,
            anneal: None,
            adapt: None,
            divergence,
            alpha,
            label: None,
            restarts: Some(2),
            family: choice.family.clone(),
            init: None,
            estimator: choice.estimator,
            optimizer: choice.optimizer,
            stop: Default::default(),
        };
        let mut fit = Table::try_from(&fit).unwrap();
        for section in ["estimator", "optimizer"] {
            flatten(fit[section].as_table_mut().unwrap());
        }
        let fits = Table::from_iter([("fit".to_owned(), Value::Array(vec![fit.into()]))]);
        let fits = toml::to_string(&fits).unwrap();
        let text = format!("name = \"asked\"\n[target]\n{target}\n{fits}");
        let path = self.folder.path().join("asked.toml");
        let experiment =
            Experiment::parse(&path, &text, Vec::new()).map_err(|error| error.to_string())?;
        if experiment.plans[0].divergence == choice.divergence {
            Ok(experiment)
        } else {
            Err("another divergence stands for it".to_owned())
        }
    }
}

/// `{ type = { adam = { beta1 = 0.9 } } }` as a config says it: `{ type = "adam", beta1 = 0.9 }`.
fn flatten(section: &mut Table) {
    let Some(Value::Table(kind)) = section.remove("type") else {
        panic!("{section:?} has no type");
    };
    for (name, settings) in kind {
        section.insert("type".to_owned(), name.into());
        section.extend(settings.as_table().unwrap().clone());
    }
}

/// A divergence of one pair by one estimator, with the noise of each key.
pub fn by(
    estimator: &dyn Estimator,
    kind: DivergenceKind,
    (p, q): (&dyn Density, &Mixture),
    keys: &[RunKey],
) -> Vec<Estimate> {
    let numerics = Numerics::cpu();
    let q_device = MixtureTensors::constant(q, &numerics);
    klfit::internals::estimate(&*kind.build(), |side| {
        let (density, stream): (&dyn Density, _) = match side {
            Side::Target => (p, Stream::TargetDraws),
            Side::Family => (&q_device, Stream::FamilyDraws),
        };
        let context = Context {
            numerics: &numerics,
            dim: q.dim(),
            noise: Noise {
                runs: keys,
                stream,
                step: 0,
            },
            chunk: 0,
        };
        Sampled::new(estimator.draws(density, context), p, &q_device).read()
    })
    .unwrap()
    .into_iter()
    .map(|attempt| attempt.estimate)
    .collect()
}

/// The keys of one experiment's runs.
pub fn keys(seed: u64, runs: usize) -> Vec<RunKey> {
    (0..runs as u64).map(|run| RunKey { seed, run }).collect()
}

/// ∫ f over a line by Simpson's rule, which klfit does not use.
pub fn simpson(low: f64, high: f64, f: impl Fn(f64) -> f64) -> f64 {
    let pieces = 20_000;
    let width = (high - low) / pieces as f64;
    let inner: f64 = (1..pieces)
        .map(|i| (if i % 2 == 1 { 4.0 } else { 2.0 }) * f(low + width * i as f64))
        .sum();
    (f(low) + inner + f(high)) * width / 3.0
}

/// The points between −60 and 60 where f changes its sign, by bisection.
fn changes_of_sign(f: impl Fn(f64) -> f64) -> Vec<f64> {
    let mut found = Vec::new();
    for i in -6000..6000 {
        let (mut low, mut high) = (f64::from(i) * 0.01, f64::from(i + 1) * 0.01);
        let sign = f(low) > 0.0;
        if sign == (f(high) > 0.0) {
            continue;
        }
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if sign == (f(middle) > 0.0) {
                low = middle;
            } else {
                high = middle;
            }
        }
        found.push(low);
    }
    found
}

/// A divergence on a line by Simpson's rule, straight from its definition.
pub fn divergence_on_a_line(kind: DivergenceKind, p: &Mixture, q: &Mixture) -> f64 {
    use DivergenceKind as Kind;
    let log_p = |x: f64| p.log_density(&[x]);
    let log_q = |x: f64| q.log_density(&[x]);
    let log_m = |x: f64| {
        let (a, b) = (log_p(x), log_q(x));
        let max = a.max(b);
        max + (0.5 * ((a - max).exp() + (b - max).exp())).ln()
    };
    let over_the_line = |f: &dyn Fn(f64) -> f64| simpson(-60.0, 60.0, f);
    let kl = |a: &dyn Fn(f64) -> f64, b: &dyn Fn(f64) -> f64| {
        over_the_line(&|x| {
            let (a, b) = (a(x), b(x));
            if a == f64::NEG_INFINITY {
                0.0
            } else {
                a.exp() * (a - b)
            }
        })
    };
    let power =
        |order: f64| over_the_line(&|x| (order * log_p(x) + (1.0 - order) * log_q(x)).exp());
    match kind {
        // Of densities, bins are points.
        Kind::ForwardKl | Kind::BinnedKl => kl(&log_p, &log_q),
        Kind::ReverseKl => kl(&log_q, &log_p),
        Kind::Js => 0.5 * (kl(&log_p, &log_m) + kl(&log_q, &log_m)),
        Kind::Jeffreys => kl(&log_p, &log_q) + kl(&log_q, &log_p),
        Kind::Alpha(order) => {
            let order = order.value();
            (1.0 - power(order)) / (order * (1.0 - order))
        }
        Kind::Renyi(order) => power(order.value()).ln() / (order.value() - 1.0),
        Kind::Chi2 => power(2.0) - 1.0,
        Kind::SquaredHellinger => {
            over_the_line(&|x| 0.5 * ((0.5 * log_p(x)).exp() - (0.5 * log_q(x)).exp()).powi(2))
        }
        Kind::TotalVariation => {
            let mut ends = vec![-60.0];
            ends.extend(changes_of_sign(|x| log_p(x) - log_q(x)));
            ends.push(60.0);
            let difference = |x: f64| 0.5 * (log_p(x).exp() - log_q(x).exp());
            (ends.windows(2))
                .map(|ends| simpson(ends[0], ends[1], difference).abs())
                .sum()
        }
        Kind::CrossEntropy => over_the_line(&|x| {
            let log_p = log_p(x);
            if log_p == f64::NEG_INFINITY {
                0.0
            } else {
                -log_p.exp() * log_q(x)
            }
        }),
    }
}

/// (KL(p‖q), KL(q‖p), JS) on a line by Simpson's rule from the definitions.
pub fn divergences_on_a_line(p: &Mixture, q: &Mixture) -> (f64, f64, f64) {
    use DivergenceKind::{ForwardKl, Js, ReverseKl};
    let [forward, reverse, js] =
        [ForwardKl, ReverseKl, Js].map(|kind| divergence_on_a_line(kind, p, q));
    (forward, reverse, js)
}

#[track_caller]
pub fn assert_close(found: f64, expected: f64, tolerance: f64, what: &str) {
    assert!(
        (found - expected).abs() <= tolerance,
        "{what}: found {found}, expected {expected} ± {tolerance}"
    );
}

/// The objective of a plan.
pub fn objective<'t>(
    plan: &Plan,
    target: &'t Target,
    numerics: &Numerics,
    keys: Vec<RunKey>,
) -> Objective<'t> {
    Objective::new(
        plan.divergence,
        &plan.family,
        plan.estimator,
        target,
        numerics,
        keys,
    )
}

/// Stops a run when it has been asked so many times whether to.
pub struct StopAfter(Cell<usize>);

impl StopAfter {
    pub fn steps(steps: usize) -> Self {
        Self(Cell::new(steps))
    }
}

impl RunObserver for StopAfter {
    fn wants_to_stop(&self) -> bool {
        let left = self.0.get();
        self.0.set(left.saturating_sub(1));
        left == 0
    }
}

/// A mixture in a plane in coordinates that are 10⁵ times as wide one way as the other, and sheared.
pub fn sheared(of: &Mixture) -> Mixture {
    let map = DMatrix::from_row_slice(2, 2, &[1e-3, 0.0, 40.0, 100.0]);
    let shift = DVector::from_vec(vec![0.5, -300.0]);
    let means = of.means().iter();
    let factors = of.scale_trils().iter();
    Mixture::new(
        of.weights().to_vec(),
        means
            .map(|mean| (&map * mean + &shift).as_slice().to_vec())
            .collect(),
        factors.map(|factor| &map * factor).collect(),
    )
    .unwrap()
}
