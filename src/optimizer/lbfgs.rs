//! L-BFGS: quasi-Newton steps from the last few gradients, for deterministic objectives (Liu and
//! Nocedal 1989).
//!
//! Each run has a memory and a line search of its own; their trial points go to the device together.
//! A step meets the weak Wolfe conditions, found by bisection (Lewis and Overton 2013).

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Iterate, LossFunction, Moved, Optimizer, OptimizerSettings, Problem, Steps, refused};
use crate::compute::device::Numerics;
use crate::compute::snapshot::Snapshot;
use crate::density::family::Family;
use crate::error::{Refusal, Result};

/// The share of the first-order decrease that a step must reach.
const DECREASE: f64 = 1e-4;
/// The share of its slope that a step must lose.
const CURVATURE: f64 = 0.9;
/// A slope below this share of the rounding of the loss leads nowhere.
const SLOPE: f64 = 1e-3;
/// A decrease of fewer units in the last place of the loss is rounding.
const SHOWN: f64 = 16.0;
/// At a gradient of this norm there is only rounding left to descend.
const ARRIVAL: f64 = 1e-8;
/// Trial points of one line search.
const TRIALS: usize = 40;

/// Settings of L-BFGS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LbfgsConfig {
    /// How many steps it remembers.
    pub history: usize,
}

impl Default for LbfgsConfig {
    fn default() -> Self {
        Self { history: 10 }
    }
}

impl OptimizerSettings for LbfgsConfig {
    fn default_learning_rate(&self) -> Option<f64> {
        None
    }

    fn check(&self) -> Result<(), Refusal> {
        if (1..=1000).contains(&self.history) {
            return Ok(());
        }
        let message = format!("is {}; it must be from 1 to 1000", self.history);
        Err(refused("history", message))
    }

    fn suits(&self, name: &str, problem: Problem) -> Result<(), Refusal> {
        if problem.is_deterministic {
            return Ok(());
        }
        Err(Refusal::new(
            "type",
            format!(
                "is \"{name}\", which compares the loss between points, and fresh noise changes it"
            ),
            "set noise = \"fixed\" under [estimator], use quadrature, or choose \"adam\"",
        ))
    }

    fn arrival(&self) -> Option<f64> {
        Some(ARRIVAL)
    }

    fn build(&self, _: &Family, numerics: &Numerics) -> Steps {
        Steps::Own(Box::new(Lbfgs {
            history: self.history,
            numerics: numerics.clone(),
            memories: Vec::new(),
        }))
    }
}

struct Lbfgs {
    history: usize,
    numerics: Numerics,
    memories: Vec<Memory>,
}

/// The last moves of one run and the change of its gradient over each.
#[derive(Default)]
struct Memory {
    pairs: VecDeque<(Vec<f64>, Vec<f64>)>,
    last: Option<(Vec<f64>, Vec<f64>)>,
}

impl Memory {
    fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::default();
        let mut put = |name: &str, rows: Vec<&Vec<f64>>| {
            let Some(parameters) = rows.first().map(|row| row.len()) else {
                return;
            };
            let numbers = rows.iter().flat_map(|row| row.iter().copied()).collect();
            snapshot.put(name, &[rows.len(), parameters], numbers);
        };
        put("moved", self.pairs.iter().map(|(moved, _)| moved).collect());
        put(
            "turned",
            self.pairs.iter().map(|(_, turned)| turned).collect(),
        );
        put(
            "last",
            self.last
                .iter()
                .flat_map(|(theta, gradient)| [theta, gradient])
                .collect(),
        );
        snapshot
    }

    /// The memory of a snapshot; what does not fit is as good as forgotten.
    fn restored(snapshot: &Snapshot, parameters: usize) -> Self {
        let rows = |name: &str| -> Vec<Vec<f64>> {
            match snapshot.find(name) {
                Some((&[_, width], values)) if width == parameters && width > 0 => {
                    values.chunks(width).map(<[f64]>::to_vec).collect()
                }
                _ => Vec::new(),
            }
        };
        let last = rows("last");
        Self {
            pairs: rows("moved").into_iter().zip(rows("turned")).collect(),
            last: match &last[..] {
                [theta, gradient] => Some((theta.clone(), gradient.clone())),
                _ => None,
            },
        }
    }

    /// Learns from the move that led here.
    fn update(&mut self, theta: &[f64], gradient: &[f64], history: usize) {
        if let Some((last_theta, last_gradient)) = self.last.take() {
            let moved = minus(theta, &last_theta);
            let turned = minus(gradient, &last_gradient);
            // Only a positive curvature keeps the metric positive definite.
            if dot(&moved, &turned) > f64::EPSILON * dot(&turned, &turned) {
                self.pairs.push_back((moved, turned));
            }
            if self.pairs.len() > history {
                self.pairs.pop_front();
            }
        }
        self.last = Some((theta.to_vec(), gradient.to_vec()));
    }

    /// The direction to go: the two-loop recursion (Nocedal and Wright 2006, algorithm 7.4).
    fn direction(&self, gradient: &[f64]) -> Vec<f64> {
        let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let mut shares = Vec::with_capacity(self.pairs.len());
        for (moved, turned) in self.pairs.iter().rev() {
            let share = dot(moved, &direction) / dot(moved, turned);
            add(&mut direction, -share, turned);
            shares.push(share);
        }
        match self.pairs.back() {
            Some((moved, turned)) => {
                let scale = dot(moved, turned) / dot(turned, turned);
                direction.iter_mut().for_each(|d| *d *= scale);
            }
            // The first step is no longer than 1.
            None => {
                let scale = dot(gradient, gradient).sqrt().max(1.0).recip();
                direction.iter_mut().for_each(|d| *d *= scale);
            }
        }
        for ((moved, turned), share) in self.pairs.iter().zip(shares.into_iter().rev()) {
            let correction = dot(turned, &direction) / dot(moved, turned);
            add(&mut direction, share - correction, moved);
        }
        direction
    }
}

/// The line search of one run.
#[derive(Debug)]
struct Search {
    direction: Vec<f64>,
    loss: f64,
    /// The slope along the direction at the start; negative.
    slope: f64,
    /// Differences of the loss up to this are rounding.
    rounding: f64,
    step: f64,
    low: f64,
    high: f64,
    /// The longest step so far that lowers the loss enough.
    good: Option<f64>,
    open: bool,
}

impl Search {
    /// Judges the trial point and chooses the next one.
    fn judge(&mut self, loss: f64, slope: f64) {
        // Near an optimum the decrease is lost in rounding; there the slopes show it, of which the
        // first must not have turned by more than a parabola's would (Hager and Zhang 2005, §4).
        let enough = loss <= self.loss + DECREASE * self.step * self.slope
            || (loss <= self.loss + self.rounding && slope <= (2.0 * DECREASE - 1.0) * self.slope);
        if !(enough && slope.is_finite()) {
            self.high = self.step;
        } else {
            self.good = Some(self.step);
            if slope >= CURVATURE * self.slope {
                self.open = false;
                return;
            }
            self.low = self.step;
        }
        self.step = if self.high.is_finite() {
            0.5 * (self.low + self.high)
        } else {
            2.0 * self.low
        };
    }
}

impl Optimizer for Lbfgs {
    fn step(&mut self, from: Iterate, loss_function: &dyn LossFunction) -> Result<Moved> {
        let [runs, parameters] = from.shape();
        let (theta, gradient, losses) = (from.theta, from.gradient, from.loss);
        self.memories.resize_with(runs, Memory::default);
        let row = |numbers: &[f64], run: usize| {
            numbers[run * parameters..(run + 1) * parameters].to_vec()
        };
        let mut searches: Vec<Search> = (0..runs)
            .map(|run| {
                let (theta, gradient) = (row(&theta, run), row(&gradient, run));
                let memory = &mut self.memories[run];
                memory.update(&theta, &gradient, self.history);
                let mut direction = memory.direction(&gradient);
                let mut slope = dot(&direction, &gradient);
                if slope >= 0.0 {
                    // Rounding has spoilt the memory: start it afresh.
                    memory.pairs.clear();
                    direction = memory.direction(&gradient);
                    slope = dot(&direction, &gradient);
                }
                let rounding = SHOWN * self.numerics.epsilon() * losses[run].abs().max(1.0);
                Search {
                    direction,
                    loss: losses[run],
                    slope,
                    rounding,
                    step: 1.0,
                    low: 0.0,
                    high: f64::INFINITY,
                    good: None,
                    // With next to no slope, rounding is all a search could find.
                    open: losses[run].is_finite() && slope < -SLOPE * rounding,
                }
            })
            .collect();
        let at = |searches: &[Search], length: &dyn Fn(&Search) -> f64| -> Vec<f64> {
            let mut moved = theta.clone();
            for (row, search) in moved.chunks_mut(parameters).zip(searches) {
                add(row, length(search), &search.direction);
            }
            moved
        };
        for _ in 0..TRIALS {
            if !searches.iter().any(|search| search.open) {
                break;
            }
            let trial = at(&searches, &|search| search.step);
            let (loss, gradient) = loss_function.value_and_gradient(&trial)?;
            for (run, search) in searches.iter_mut().enumerate() {
                if search.open {
                    let gradient = &gradient[run * parameters..(run + 1) * parameters];
                    search.judge(loss[run], dot(gradient, &search.direction));
                }
            }
        }
        let moved = at(&searches, &|search| search.good.unwrap_or(0.0));
        let mut stuck = Vec::new();
        for (run, search) in searches.iter().enumerate() {
            if search.good.is_some() {
                continue;
            }
            let memory = &mut self.memories[run];
            if memory.pairs.is_empty() {
                stuck.push(run);
            } else {
                // Once more along the gradient itself before giving up.
                memory.pairs.clear();
                memory.last = None;
            }
        }
        Ok(Moved {
            theta: moved,
            stuck,
        })
    }

    fn snapshot(&self, _: [usize; 2]) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for (run, memory) in self.memories.iter().enumerate() {
            snapshot.put_all(&run.to_string(), memory.snapshot());
        }
        snapshot
    }

    fn restore(&mut self, snapshot: &Snapshot, [runs, parameters]: [usize; 2]) -> Result<()> {
        self.memories = (0..runs)
            .map(|run| Memory::restored(&snapshot.part(&run.to_string()), parameters))
            .collect();
        Ok(())
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn minus(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

fn add(to: &mut [f64], share: f64, what: &[f64]) {
    for (to, what) in to.iter_mut().zip(what) {
        *to += share * what;
    }
}
