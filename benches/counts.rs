//! Counts the instructions of ten small operations by valgrind, and says which have grown.
//!
//!     cargo bench --locked --bench counts                 # against benches/counts.toml
//!     cargo bench --locked --bench counts -- --renew      # and writes it anew
//!
//! Counts do not depend on what else the machine does, as times do. Each operation runs once in a process of its own,
//! on one thread, after two calls that are not counted, which make what is made once. Valgrind knows AVX2 and no
//! AVX-512, so that what is counted of the kernel is its code for AVX2.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, ExitCode};

use klfit::internals::gaussian_kl;
use klfit::internals::kernel::cpu::{self, Points, Scale, Wanted, Width};
use klfit::settings::{FigureFormat, FiguresConfig, MonteCarloConfig, QuadratureConfig};
use klfit::{
    Cells, DivergenceKind, EstimatorRule, Existing, Experiment, Family, FamilyConfig, Fit,
    LogConfig, Mixture, MixtureFile, Numerics, Operand, OptimizerConfig, Override, ParameterAxis,
    Plan, Question, RunFolder, STARTER, Start, StopConfig, Target, draw_figures_as, log_densities,
    read_mixture,
};
use nalgebra::DMatrix;

/// By how much a count may grow.
const ALLOWED: f64 = 0.02;
const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/counts.toml");
const RENEW: &str = "cargo bench --locked --bench counts -- --renew";

/// What is counted when it is called.
type Operation = Box<dyn FnMut()>;
/// How it is made ready.
type Make = fn() -> Operation;

const OPERATIONS: [(&str, Make); 10] = [
    ("log-density, D=1 K=2, 1000 points", log_density),
    ("all gradients, full, D=16 K=8, 256 points", gradients),
    ("200 steps of reverse KL by 1000 draws, D=1", reverse_steps),
    ("200 steps of forward KL on 200 points, D=1", forward_steps),
    ("a config read", config),
    ("KL on a line by panels", panels),
    ("KL of two Gaussians, D=8", closed_form),
    ("a mixture read from its file", mixture_file),
    ("forward KL in 2 × 100 cells by 400 points", landscape),
    ("the figures of a run as SVG", figures),
];

fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let given: Vec<&str> = (given.iter().map(String::as_str))
        .filter(|&word| word != "--bench")
        .collect();
    let done = match given[..] {
        ["--run", name] => run(name),
        ["--renew"] => count().and_then(|counts| renew(&counts)),
        [] => count().and_then(|counts| compare(&counts)),
        _ => Err(format!("there is --renew, and {given:?} was given")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// Instructions of operations by their names.
type Counts = BTreeMap<String, u64>;

fn count() -> Result<Counts, String> {
    let names = OPERATIONS.iter().map(|(name, _)| name.to_string());
    names
        .map(|name| Ok((name.clone(), instructions(&name)?)))
        .collect()
}

/// Of one operation, in a process of this very program.
fn instructions(name: &str) -> Result<u64, String> {
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let made = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg("--toggle-collect=*counts*counted*")
        .arg(this)
        .args(["--run", name])
        .output()
        .map_err(|error| {
            format!("valgrind: {error}; install it, as by apt-get install valgrind")
        })?;
    let said = String::from_utf8_lossy(&made.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected :"));
    (collected.filter(|_| made.status.success()))
        .and_then(|(_, number)| number.trim().parse().ok())
        .filter(|&number| number > 0)
        .ok_or_else(|| format!("{name}: valgrind counted nothing:\n{said}"))
}

fn compare(counts: &Counts) -> Result<(), String> {
    let text = std::fs::read_to_string(KEPT).map_err(|error| format!("{KEPT}: {error}"))?;
    let kept: Counts = toml::from_str(&text).map_err(|error| format!("{KEPT}: {error}"))?;
    let mut grown = Vec::new();
    for (name, now) in counts {
        let before = kept.get(name).copied().unwrap_or(0);
        let change = *now as f64 / before as f64 - 1.0;
        let line = format!(
            "{name:44} {before:>12} → {now:>12} {:+6.1} %",
            100.0 * change
        );
        println!("{line}");
        if change.is_nan() || change > ALLOWED {
            grown.push(line);
        }
    }
    match grown.is_empty() {
        true => Ok(()),
        false => Err(format!(
            "grown by more than {} %:\n{}\nif that is meant: {RENEW}",
            100.0 * ALLOWED,
            grown.join("\n")
        )),
    }
}

fn renew(counts: &Counts) -> Result<(), String> {
    let table = toml::to_string(counts).map_err(|error| error.to_string())?;
    let text = format!("# Instructions by valgrind, of its AVX2: {RENEW}\n{table}");
    std::fs::write(KEPT, &text).map_err(|error| format!("{KEPT}: {error}"))?;
    print!("{table}");
    Ok(())
}

/// Under valgrind: the operation, of which one call is counted.
fn run(name: &str) -> Result<(), String> {
    // This thread alone works: valgrind counts by threads.
    rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .use_current_thread()
        .build_global()
        .map_err(|error| error.to_string())?;
    let (_, make) = (OPERATIONS.iter().find(|(known, _)| *known == name))
        .ok_or_else(|| format!("{name}: no such operation"))?;
    let mut operation = make();
    operation();
    operation();
    counted(&mut *operation);
    Ok(())
}

/// What valgrind counts knows it by this name.
#[inline(never)]
fn counted(operation: &mut dyn FnMut()) {
    operation();
    // Or the call would be a jump that never comes back here.
    black_box(());
}

/// Numbers between −1 and 1 that look random.
fn numbers(len: usize) -> Vec<f64> {
    (0..len as u64)
        .map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0)
        .collect()
}

/// Two Gaussians on a line.
fn two() -> Mixture {
    line(&[(0.4, -2.0, 1.0), (0.6, 1.5, 0.7)])
}

/// Weights, means and standard deviations.
fn line(parts: &[(f64, f64, f64)]) -> Mixture {
    let column = |of: fn(&(f64, f64, f64)) -> f64| parts.iter().map(of);
    Mixture::from_stds(
        column(|part| part.0).collect(),
        column(|part| part.1).map(|mean| vec![mean]).collect(),
        column(|part| part.2).map(|std| vec![std]).collect(),
    )
    .unwrap()
}

/// A Gaussian around the origin with correlations.
fn gaussian(dim: usize, std: f64) -> Mixture {
    let factor = DMatrix::from_fn(dim, dim, |i, j| match i.cmp(&j) {
        std::cmp::Ordering::Equal => std,
        std::cmp::Ordering::Greater => 0.1,
        std::cmp::Ordering::Less => 0.0,
    });
    Mixture::new(vec![1.0], vec![vec![0.0; dim]], vec![factor]).unwrap()
}

fn log_density() -> Operation {
    let (p, x) = (two(), numbers(1000));
    Box::new(move || _ = black_box(log_densities(&p, black_box(&x))))
}

fn gradients() -> Operation {
    let [n, dim, components] = [256, 16, 8];
    let (x, upstream) = (numbers(n * dim), vec![1.0; n]);
    let log_weights = vec![-(components as f64).ln(); components];
    let means = numbers(components * dim);
    let factor = gaussian(dim, 1.2).scale_trils()[0].transpose();
    let scale = factor.as_slice().repeat(components);
    Box::new(move || {
        let mixture = cpu::Mixture {
            components,
            dim,
            log_weights: &log_weights,
            means: &means,
            scale: Scale::Tril(&scale),
        };
        let points = Points {
            runs: 1,
            samples: n,
            values: &x,
        };
        let wanted = Wanted::ALL;
        let made =
            cpu::log_density_and_gradients(Width::Widest, points, &mixture, &upstream, wanted);
        _ = black_box(made);
    })
}

/// Of one Gaussian on a line; the first and the last of 200 steps are logged.
fn steps(divergence: DivergenceKind, rule: EstimatorRule) -> Operation {
    let numerics = Numerics::cpu();
    let target = Target::new(two(), &numerics);
    let optimizer = OptimizerConfig {
        steps: 200,
        ..OptimizerConfig::default()
    };
    let log = LogConfig {
        every: Some(optimizer.steps),
        ..LogConfig::default()
    };
    let plan = Plan {
        label: "counted".to_owned(),
        divergence,
        family: Family::new(FamilyConfig::default(), 1),
        start: Start::Given(Box::new(line(&[(1.0, 1.0, 1.0)]))),
        estimator: rule.into(),
        optimizer,
        stop: StopConfig::NEVER,
        anneal: None,
        adapt: None,
    };
    Box::new(move || {
        let fit = Fit::new(&plan, &target, &numerics, log, 0).unwrap();
        fit.for_each(|record| _ = black_box(record.unwrap()));
    })
}

fn reverse_steps() -> Operation {
    let rule = MonteCarloConfig { samples: 1000 };
    steps(DivergenceKind::ReverseKl, rule.into())
}

fn forward_steps() -> Operation {
    let rule = QuadratureConfig {
        points: Some(200),
        range: Some([-10.0, 10.0]),
    };
    steps(DivergenceKind::ForwardKl, rule.into())
}

fn config() -> Operation {
    Box::new(|| {
        let read = Experiment::parse("starter.toml".as_ref(), black_box(STARTER), Vec::new());
        _ = black_box(read.unwrap());
    })
}

fn panels() -> Operation {
    let question = Question {
        divergences: vec![DivergenceKind::ForwardKl.into()],
        brackets: false,
        ..Question::default()
    };
    let q = line(&[(0.7, -1.0, 2.0), (0.3, 2.0, 1.0)]);
    let (p, q) = (Operand::new("p", two()), Operand::new("q", q));
    Box::new(move || _ = black_box(question.ask(&p, &q, &|_| {}).unwrap()))
}

fn closed_form() -> Operation {
    let (p, q) = (gaussian(8, 1.0), gaussian(8, 1.3));
    Box::new(move || _ = black_box(gaussian_kl(&p, &q).unwrap()))
}

fn mixture_file() -> Operation {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mixture.json");
    let text = MixtureFile::Json.encode(&gaussian(8, 1.0), &[]).unwrap();
    std::fs::write(&path, text).unwrap();
    Box::new(move || {
        let _ = &folder;
        _ = black_box(read_mixture(&path, None).unwrap());
    })
}

fn landscape() -> Operation {
    let numerics = Numerics::cpu();
    let axes = [
        ParameterAxis::even("mean", -5.0..=4.9, 100),
        ParameterAxis::even("std", 1.0..=2.0, 2),
    ];
    let cells = Cells::new(&line(&[(1.0, 0.0, 1.0)]), axes, &numerics).unwrap();
    let p = Target::new(two(), &numerics);
    Box::new(move || {
        let kind = DivergenceKind::ForwardKl;
        _ = black_box(cells.evaluate(&p, kind, Some(400), &numerics).unwrap());
    })
}

fn figures() -> Operation {
    let overrides = ["restarts=4", "optimizer.steps=50"].map(|text| Override::parse(text).unwrap());
    let experiment = Experiment::load(Path::new("configs/bimodal.toml"), overrides.into()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let run = RunFolder::create(&folder.path().join("run"), &experiment, Existing::Refuse).unwrap();
    klfit::run(&experiment, &experiment.numerics().unwrap(), &run, &mut ()).unwrap();
    let looks = FiguresConfig {
        format: Some(vec![FigureFormat::Svg]),
        ..FiguresConfig::default()
    };
    Box::new(move || {
        let _ = &folder;
        _ = black_box(draw_figures_as(&run, &looks, None, &mut ()).unwrap());
    })
}
