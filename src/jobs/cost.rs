//! What a run will cost, before it begins: steps, points, and about how long they take.

use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, Instant};

use crate::compute::device::Numerics;
use crate::config::{Config, Experiment, SweepPoint};
use crate::density::target::{Samples, Target, TargetModel};
use crate::divergence::Side;
use crate::error::Result;
use crate::estimator::{EstimatorRule, NoiseRule};
use crate::fit::init::Start;
use crate::fit::init::random::Random;
use crate::fit::{Evaluations, Fit, LogConfig, Pace, Plan};

/// What a fit is tried for.
const TIME: Duration = Duration::from_millis(50);
/// Log-densities of components, counted in dimensions, that take a small part of that.
const SMALL: f64 = 2e5;
/// As many as a part of them stands for, where there can be one.
const MEDIUM: f64 = 2e6;
/// As many as may be begun in that time.
const LARGE: f64 = 2e7;
/// Gradients that the variance of one is estimated from, at the first and the last record.
const PROBES: f64 = 64.0;
/// Points that are left of many, at least.
const LEAST_POINTS: usize = 256;
/// Points of a sweep that are tried.
const TRIED: usize = 4;

/// What a fit will cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FitCost {
    /// The most steps it takes.
    pub steps: usize,
    /// Whether it may be done before.
    pub may_stop: bool,
    /// R.
    pub runs: usize,
    /// Points that each run averages over in a step, of both sides together.
    pub points: u64,
    /// How often log p and its gradient are evaluated in all steps of all runs; none of rows and bins.
    pub evaluations: Evaluations,
    /// Those of them in the first step, which alone pays for points that stay where they are.
    pub first: Evaluations,
    /// About how many seconds it takes with its records on this machine.
    pub time: Time,
    /// Whether that was told from fewer runs or points.
    pub is_scaled: bool,
}

/// What is known of how long something takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Time {
    /// In seconds.
    About(f64),
    /// It would be for a program to tell, which a try would start or wait for.
    OfProgram,
    /// It was not measured.
    Unknown(Untried),
}

/// Why no time was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Untried {
    /// By its size a step is more than may be tried.
    Large,
    /// It was tried, and takes more time than there is for that.
    Slow,
    /// It did not go.
    Failed,
}

impl fmt::Display for Untried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Large => write!(f, "a step is too much to try"),
            Self::Slow => write!(
                f,
                "two steps take more than the {} ms of a try",
                TIME.as_millis()
            ),
            Self::Failed => write!(f, "the first steps of a try failed"),
        }
    }
}

impl Time {
    /// In seconds, where that is known.
    pub fn seconds(self) -> Option<f64> {
        match self {
            Self::About(seconds) => Some(seconds),
            Self::OfProgram | Self::Unknown(_) => None,
        }
    }
}

/// What each fit of an experiment will cost: a few steps are taken, of a few of its runs where all are too much,
/// for up to 50 ms each. Nothing is written, and no program is asked.
pub fn cost(experiment: &Experiment, numerics: &Numerics) -> Vec<FitCost> {
    let mut tried = Tried::new(
        &experiment.config,
        Cow::Borrowed(&experiment.target),
        numerics,
    );
    (experiment.plans.iter())
        .map(|plan| tried.cost(plan))
        .collect()
}

/// What all fits of each point of a sweep will cost together, in seconds one after the other: some of the points are
/// tried, the others take as long by their sizes. None where that is not known of one that was tried.
///
/// # Errors
/// If a device is not there.
pub fn cost_of_sweep(points: &[SweepPoint]) -> Result<Option<f64>> {
    let every = points.len().div_ceil(TRIED).max(1);
    let (mut seconds, mut size) = (0.0, 0.0);
    for point in points.iter().step_by(every) {
        let experiment = &point.experiment;
        let costs = cost(experiment, &experiment.numerics()?);
        for (cost, plan) in costs.iter().zip(&experiment.plans) {
            let Some(of_fit) = cost.time.seconds() else {
                return Ok(None);
            };
            seconds += of_fit;
            size += Size::of(plan, &experiment.target, experiment.config.log)
                .all(plan, experiment.config.log);
        }
    }
    let all = points.iter().flat_map(|point| {
        let experiment = &point.experiment;
        let log = experiment.config.log;
        let plans = experiment.plans.iter();
        plans.map(move |plan| {
            Size::of(plan, &experiment.target, experiment.config.log).all(plan, log)
        })
    });
    Ok(Some(seconds * all.sum::<f64>() / size))
}

/// How much work a run is: log-densities of components, each as many as its multiplications are dimensions.
#[derive(Debug, Clone, Copy)]
struct Size {
    /// Points of a step under p and under q.
    points: [usize; 2],
    /// A step.
    step: f64,
    /// A record.
    record: f64,
}

impl Size {
    fn of(plan: &Plan, target: &TargetModel, log: LogConfig) -> Self {
        let bins = target.as_histogram().map_or(0, |of| of.counts().len());
        let rows = target.as_samples().map_or(bins, |rows| rows.len());
        let (k, of_target, dim) = (
            plan.family.components(),
            target.components().max(1),
            target.dim(),
        );
        let of_divergence = plan.divergence.build();
        let sides = of_divergence.sides();
        let points =
            [(Side::Target, of_target), (Side::Family, k)].map(|(side, strata)| {
                match sides.contains(&side) {
                    true => plan.estimator.rule.points(strata, dim, rows),
                    false => 0,
                }
            });
        let of_point = (k + of_target) as f64 * (dim as f64 + (dim * dim) as f64 / 4.0);
        let of_record = match (target.has_density(), dim) {
            (false, _) => rows as f64,
            // Panels around every component of both.
            (true, 1) => 256.0 * (k + of_target) as f64,
            (true, 2) => 4096.0 * (k + of_target) as f64,
            (true, _) => 2.0 * log.samples as f64,
        };
        let both: usize = points.iter().fold(0, |sum, &side| sum.saturating_add(side));
        Self {
            points,
            step: both as f64 * of_point,
            record: of_record * of_point,
        }
    }

    /// All steps and records of all runs.
    fn all(self, plan: &Plan, log: LogConfig) -> f64 {
        let (steps, records) = numbers(plan, log);
        plan.start.runs() as f64 * (self.step * steps + self.record * records)
    }
}

/// How many steps and how many records a fit takes.
fn numbers(plan: &Plan, log: LogConfig) -> (f64, f64) {
    let steps = plan.optimizer.steps as f64;
    let variance = if plan.estimator.rule.is_random() {
        PROBES
    } else {
        0.0
    };
    let records = steps / log.every(plan) as f64 + 1.0;
    (steps + 1.0 + variance, records)
}

/// An experiment whose fits are tried.
struct Tried<'e> {
    config: &'e Config,
    /// p, or what stands for it …
    model: Cow<'e, TargetModel>,
    numerics: &'e Numerics,
    /// … and on the device, once it is asked for.
    target: Option<Target>,
}

impl<'e> Tried<'e> {
    fn new(config: &'e Config, model: Cow<'e, TargetModel>, numerics: &'e Numerics) -> Self {
        Self {
            config,
            model,
            numerics,
            target: None,
        }
    }

    fn size(&self, plan: &Plan) -> Size {
        Size::of(plan, &self.model, self.config.log)
    }

    fn cost(&mut self, plan: &Plan) -> FitCost {
        let (runs, steps) = (plan.start.runs(), plan.optimizer.steps);
        let size = self.size(plan);
        let tried = match self.model.is_by_program() {
            true => Err(Time::OfProgram),
            false => self.pace(plan, size).map_err(Time::Unknown),
        };
        let [first, later] = match &tried {
            Ok(Try {
                of_run: Some(of_run),
                ..
            }) => *of_run,
            _ => expected(plan, &self.model, size),
        };
        let all = |first: u64, later: u64| {
            (later.saturating_mul(steps as u64).saturating_add(first)).saturating_mul(runs as u64)
        };
        let [under_p, under_q] = size.points;
        FitCost {
            steps,
            may_stop: !plan.stop.is_never() || plan.optimizer.rule.arrival().is_some(),
            runs,
            points: match later.log_density {
                0 => under_p.saturating_add(under_q) as u64,
                points => points,
            },
            evaluations: Evaluations {
                log_density: all(first.log_density, later.log_density),
                gradient: all(first.gradient, later.gradient),
            },
            first: Evaluations {
                log_density: first.log_density.saturating_mul(runs as u64),
                gradient: first.gradient.saturating_mul(runs as u64),
            },
            is_scaled: tried.as_ref().is_ok_and(|tried| tried.is_scaled),
            time: tried.map_or_else(
                |unknown| unknown,
                |tried| {
                    let (steps, records) = numbers(plan, self.config.log);
                    let of_record = tried.pace.settle + tried.pace.examine;
                    Time::About(tried.pace.step * steps + of_record * records)
                },
            ),
        }
    }

    /// How fast all runs go, or why that was not measured.
    fn pace(&mut self, plan: &Plan, size: Size) -> Result<Try, Untried> {
        let of_run = size.step + size.record;
        if of_run <= MEDIUM {
            return self.pace_of(plan, size);
        }
        // A part of the points stands for all of them.
        let part = self.part(plan, MEDIUM / of_run);
        let Some((model, part)) = part else {
            return match of_run <= LARGE {
                true => self.pace_of(plan, size),
                false => Err(Untried::Large),
            };
        };
        let mut of_part = Tried::new(self.config, Cow::Owned(model), self.numerics);
        let small = of_part.size(&part);
        if small.step + small.record > LARGE {
            return Err(Untried::Large);
        }
        let tried = of_part.pace_of(&part, small)?;
        let [step, record] = [size.step / small.step, size.record / small.record];
        Ok(Try {
            pace: Pace {
                step: tried.pace.step * step,
                settle: tried.pace.settle * step,
                examine: tried.pace.examine * record,
                ..tried.pace
            },
            of_run: None,
            is_scaled: true,
        })
    }

    /// The plan with about this share of its points, drawn or rows, and its target; none where it has neither.
    fn part(&self, plan: &Plan, share: f64) -> Option<(TargetModel, Plan)> {
        let mut plan = plan.clone();
        let few = |count: usize| {
            ((count as f64 * share) as usize)
                .max(LEAST_POINTS)
                .min(count)
        };
        match &mut plan.estimator.rule {
            EstimatorRule::MonteCarlo(rule) => rule.samples = few(rule.samples),
            EstimatorRule::QuasiMonteCarlo(rule) => rule.samples = few(rule.samples),
            EstimatorRule::Rows(_) => {}
            _ => return None,
        }
        let Some(rows) = self.model.as_samples() else {
            return Some((self.model.clone().into_owned(), plan));
        };
        let dim = rows.dim();
        let some = rows.rows()[..few(rows.points().len()) * dim].to_vec();
        let some = Samples::new(rows.names().to_vec(), some, dim).ok()?;
        Some((some.into(), plan))
    }

    /// How fast all runs go, where one is not too much.
    fn pace_of(&mut self, plan: &Plan, size: Size) -> Result<Try, Untried> {
        let begun = Instant::now();
        let of_run = size.step + size.record;
        let all = plan.start.runs().max(1);
        let mut runs = ((SMALL / of_run) as usize).clamp(1, all);
        let mut best = None;
        loop {
            let left = TIME.saturating_sub(begun.elapsed());
            // A first try tells how many may be tried.
            let time = if runs < all { left / 8 } else { left / 2 };
            let most = if runs > 1 { left / 2 } else { left };
            // What does not go from these starts may well go from its own.
            let pace = (self.fit(plan, runs)).and_then(|mut fit| fit.pace(time, most));
            let pace = match pace {
                Ok(Some(pace)) => pace,
                of_none if best.is_some() || runs == 1 => {
                    let why = match of_none {
                        Ok(_) => Untried::Slow,
                        Err(_) => Untried::Failed,
                    };
                    return best.ok_or(why);
                }
                _ => {
                    runs = (runs / 8).max(1);
                    continue;
                }
            };
            let of_all = |part: f64| part * all as f64 / runs as f64;
            let of_one = |all: Evaluations| Evaluations {
                log_density: all.log_density.div_ceil(runs as u64),
                gradient: all.gradient.div_ceil(runs as u64),
            };
            best = Some(Try {
                pace: Pace {
                    step: of_all(pace.step),
                    settle: of_all(pace.settle),
                    examine: of_all(pace.examine),
                    ..pace
                },
                of_run: Some([pace.first, pace.evaluations].map(of_one)),
                is_scaled: runs < all,
            });
            // The least that a try takes.
            let least = pace.settle + 2.0 * pace.step + pace.examine;
            let left = TIME.saturating_sub(begun.elapsed()).as_secs_f64();
            let more = (left / (2.0 * least)) as usize;
            if runs == all || more < 2 {
                return best.ok_or(Untried::Slow);
            }
            runs = runs.saturating_mul(more).min(all);
        }
    }

    /// The fit with fewer runs, from where they start if that is told soon, or from members around the target.
    fn fit(&mut self, plan: &Plan, runs: usize) -> Result<Fit<'_>> {
        let (model, config) = (&*self.model, self.config);
        let start = match &plan.start {
            Start::Drawn { rule, .. } if plan.start.is_soon(&plan.family, model, runs) => {
                Start::drawn(*rule, runs)
            }
            Start::Given(_) => plan.start.clone(),
            Start::Each(starts) => Start::Each(starts.iter().take(runs).cloned().collect()),
            _ => Start::drawn(Random {}, runs),
        };
        let plan = Plan {
            start,
            ..plan.clone()
        };
        let uploaded =
            (self.target).get_or_insert_with(|| Target::new(model.clone(), self.numerics));
        Fit::new(&plan, uploaded, self.numerics, config.log, config.seed)
    }
}

/// What came of a try.
struct Try {
    pace: Pace,
    /// What the first step of one run and each later one takes of the target, where that was seen.
    of_run: Option<[Evaluations; 2]>,
    /// Whether it was of fewer runs or points.
    is_scaled: bool,
}

/// What the first step of one run and each later one takes of the target, where it is not tried.
fn expected(plan: &Plan, target: &TargetModel, size: Size) -> [Evaluations; 2] {
    if !target.has_density() {
        return [Evaluations::default(); 2];
    }
    let [under_p, under_q] = size.points;
    // Points of p that stay where they are were paid for at the first step.
    let is_fresh =
        plan.estimator.rule.is_random() && plan.estimator.noise != Some(NoiseRule::Fixed);
    let moves = under_q > 0;
    let first = Evaluations::of(under_p.saturating_add(under_q), moves);
    let later = if is_fresh { under_p } else { 0 };
    [first, Evaluations::of(later.saturating_add(under_q), moves)]
}
