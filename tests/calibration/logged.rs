//! What runs log at every step and sum up at their end, beside the truth for exactly that q.

use std::path::Path;

use klfit::results::Estimate;
use klfit::{
    DivergenceKind, Existing, Experiment, Mixture, Plan, Record, RunFolder, RunObserver, Summary,
};

use super::judge::{Judgement, Verdict};
use super::line::{Line, Part};
use super::plane;
use super::truth::{Truth, Truths, truths};

/// How far apart the numbers of a mixture and of the tensors it was read from may be, in widths.
const READ: f64 = 4.0 * f64::EPSILON;

/// A spike on a slab, and in a plane beside it a coordinate of its own.
#[derive(Debug, Clone)]
pub struct Target {
    pub parts: Vec<Part>,
    pub dim: usize,
}

impl Target {
    /// The slab is N(0, 1) and has six tenths of the weight.
    pub fn new(dim: usize, ratio: f64) -> Self {
        let parts = vec![(0.6, 0.0, 1.0), (0.4, 1.5, 1.0 / ratio)];
        Self { parts, dim }
    }

    /// As a config writes it.
    pub fn section(&self) -> String {
        let beside = |text: &str| {
            if self.dim == 2 {
                format!(", {text}")
            } else {
                String::new()
            }
        };
        let column =
            |f: &dyn Fn(&Part) -> String| self.parts.iter().map(f).collect::<Vec<_>>().join(", ");
        format!(
            "[target]\nweights = [{}]\nmeans = [{}]\nstds = [{}]\n",
            column(&|part| format!("{:?}", part.0)),
            column(&|part| format!("[{:?}{}]", part.1, beside("0.0"))),
            column(&|part| format!("[{:?}{}]", part.2, beside("1.0"))),
        )
    }

    /// One line for each coordinate, all independent.
    fn lines(&self) -> Vec<Line> {
        let mut lines = vec![Line::new(&self.parts)];
        lines.extend((self.dim == 2).then(|| Line::new(&[(1.0, 0.0, 1.0)])));
        lines
    }

    /// What is true of a q on a line, or of one Gaussian with independent coordinates, of which JS
    /// is known `at_length` only.
    fn truths(&self, q: &Mixture, at_length: bool) -> Truths {
        let (p, q) = (self.lines(), self.coordinates(q));
        let mut all = truths(&p[0], &q[0]);
        if self.dim == 2 {
            all = all.product(&truths(&p[1], &q[1]));
            all.js = at_length.then(|| plane::js([&p[0], &p[1]], [&q[0], &q[1]]));
        }
        all.shaken(READ)
    }

    /// KL(p‖q) above the least that one Gaussian can have: KL(q*‖q) with q* the moments of p.
    fn gap(&self, q: &Mixture) -> Truth {
        let moments = |line: &Line| {
            let share =
                |f: &dyn Fn(&Part) -> f64| line.parts.iter().map(|part| part.0 * f(part)).sum();
            let mean: f64 = share(&|part| part.1);
            let variance: f64 = share(&|part| part.2.powi(2) + (part.1 - mean).powi(2));
            Line::new(&[(1.0, mean, variance.sqrt())])
        };
        let (p, q) = (self.lines(), self.coordinates(q));
        let of = |(p, q): (&Line, &Line)| truths(&moments(p), q);
        let mut each = p.iter().zip(&q).map(of);
        let first = each.next().unwrap();
        let all = each.fold(first, |all, next| all.product(&next));
        all.shaken(READ).of(DivergenceKind::ForwardKl).unwrap()
    }

    /// Every coordinate of a mixture on a line, or of a Gaussian.
    fn coordinates(&self, q: &Mixture) -> Vec<Line> {
        let part =
            |k: usize, d: usize| (q.weights()[k], q.means()[k][d], q.scale_trils()[k][(d, d)]);
        let line = |d| Line::new(&(0..q.components()).map(|k| part(k, d)).collect::<Vec<_>>());
        (0..self.dim).map(line).collect()
    }
}

/// Runs an experiment of a few fits and hands every record to `watch`.
pub fn run(text: &str, watch: &mut dyn RunObserver) -> Summary {
    let experiment = Experiment::parse(Path::new("calibration.toml"), text, Vec::new()).unwrap();
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("run");
    let folder = RunFolder::create(&folder, &experiment, Existing::Refuse).unwrap();
    klfit::run(&experiment, &experiment.numerics().unwrap(), &folder, watch).unwrap()
}

/// Keeps every record.
#[derive(Default)]
pub struct Kept {
    records: Vec<(Plan, Record)>,
}

impl RunObserver for Kept {
    fn record(&mut self, plan: &Plan, record: &Record) {
        self.records.push((plan.clone(), record.clone()));
    }
}

/// The estimators that fits are made with, as configs say them.
const ESTIMATORS: [(&str, &str); 4] = [
    ("loss, quadrature", "type = \"quadrature\""),
    ("loss, Gauss", "type = \"gauss-hermite\""),
    ("loss, sampled", "type = \"monte-carlo\"\nsamples = 512"),
    ("loss, qmc", "type = \"quasi-monte-carlo\"\nsamples = 512"),
];

/// Runs for each spike: on a line with one component and with two, and in the plane, by every estimator.
pub const RUNS: usize = 3 * ESTIMATORS.len();

/// Fits of one or two components to spikes of every ratio, judged at start, middle and end.
///
/// JS in a plane takes a while: it is judged `at_length` only.
pub fn judge_logs(ratios: &[f64], at_length: bool) -> Judgement {
    let mut judgement = Judgement::default();
    for &ratio in ratios {
        for (dim, components) in [(1, 1), (1, 2), (2, 1)] {
            for estimator in ESTIMATORS {
                let target = Target::new(dim, ratio);
                judge_log(&target, at_length, components, estimator, &mut judgement);
            }
        }
    }
    judgement
}

fn judge_log(
    target: &Target,
    at_length: bool,
    components: usize,
    (called, estimator): (&'static str, &str),
    to: &mut Judgement,
) {
    let text = format!(
        "name = \"logged\"\nrestarts = 2\n{}[family]\ncomponents = {components}\n\
         covariance = \"diagonal\"\n[estimator]\n{estimator}\n\
         [optimizer]\nlearning_rate = 0.1\nsteps = 30\n[log]\nevery = 15\n\
         [[fit]]\ndivergence = \"forward-kl\"\n[[fit]]\ndivergence = \"reverse-kl\"\n\
         [[fit]]\ndivergence = \"js\"\n",
        target.section()
    );
    let mut kept = Kept::default();
    let summary = run(&text, &mut kept);
    let dim = target.dim;
    let spike = target.parts[1].2;
    for (plan, record) in &kept.records {
        for run in record.runs.iter().filter(|run| !run.repeats) {
            let what = format!(
                "spike {spike}, K = {components}, {} fit, step {}",
                plan.divergence.name(),
                record.step
            );
            let all = target.truths(&run.mixture, at_length);
            let mut judge = |method, kind, found: Estimate, truth: Option<Truth>| {
                let verdict = truth.map(|truth| verdict(found, truth));
                if let Some(verdict) = verdict {
                    to.add((dim, method, kind), &what, Some(&verdict));
                }
            };
            judge(called, plan.divergence, run.loss, all.of(plan.divergence));
            for (kind, found) in run.evaluation.iter() {
                judge("logged", kind, found, all.of(kind));
            }
            if let Some(gap) = run.gap.filter(|_| components == 1) {
                judge("gap", plan.divergence, gap, Some(target.gap(&run.mixture)));
            }
        }
    }
    for fit in &summary.fits {
        let Some(best) = &fit.best else { continue };
        let end = kept
            .records
            .iter()
            .rev()
            .find(|(plan, _)| plan.label == fit.label);
        let last = &end.unwrap().1.runs[best.run].mixture;
        // Where the last step was not the best, the numbers are of the best.
        let q = match best.best_iterate {
            None => last.clone(),
            Some(_) => klfit::Mixture::try_from(&best.mixture).unwrap(),
        };
        let all = target.truths(&q, at_length);
        let what = format!("spike {spike}, K = {components}, {}, at the end", fit.label);
        for (kind, found) in best.divergences.iter() {
            if let Some(truth) = all.of(kind) {
                to.add((dim, "summary", kind), &what, Some(&verdict(found, truth)));
            }
        }
    }
}

/// A logged number; ± is one standard error of what is random.
fn verdict(found: Estimate, truth: Truth) -> Verdict {
    let Estimate {
        value,
        error,
        method,
    } = found;
    let interval = [value - 1.96 * error, value + 1.96 * error];
    Verdict {
        value,
        half: error,
        interval: method.is_random().then_some(interval),
        bracket: None,
        truth,
    }
}
