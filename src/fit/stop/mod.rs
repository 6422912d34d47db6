//! When a run stops before its steps are used up.
//!
//! A deterministic objective comes to rest: its gradient or the progress of its loss falls below a
//! tolerance. A random one never does, and neither tolerance means anything there. Its iterates
//! wander around the optimum instead; their average is far closer to it than any of them (Polyak and
//! Juditsky 1992). So the run goes on until the iterates have settled, as the split R̂ of a window
//! tells, and then until the Monte Carlo standard error of their average is small: the rule of FASO
//! (Dhaka et al. 2020; Welandawe et al. 2022).

mod path;

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::choice::Refusal;
use crate::compute::snapshot::Snapshot;
use crate::error::Result;
use path::{mean, split_r_hat, standard_error};

/// Iterates have settled if the two halves of the window differ no more than this R̂ allows.
const SETTLED: f64 = 1.1;
/// The most iterates of a run that are kept; older ones are forgotten.
const KEPT: usize = 8000;

/// `[stop]` of a config. Steps always stop a run; these may stop it earlier.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a section")]
pub struct StopConfig {
    /// Of a deterministic objective: the norm of the gradient in θ is below this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gradient_norm: Option<f64>,
    /// Of a deterministic objective: over `window` steps the loss has neither fallen nor risen by more
    /// than this, relative to the loss or to 1 nat, whichever is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss_change: Option<f64>,
    /// Of a random objective: the standard error of the averaged parameters is below this, in
    /// standard deviations of q for means and as it is for logarithms. The average is the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precision: Option<f64>,
    /// Steps that are looked back on: 10 for `loss_change`, and the shortest window for
    /// `precision`, 200.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<usize>,
}

impl Default for StopConfig {
    fn default() -> Self {
        Self::NEVER
    }
}

impl StopConfig {
    /// Only the steps stop a run.
    pub const NEVER: Self = Self {
        gradient_norm: None,
        loss_change: None,
        precision: None,
        window: None,
    };

    /// The tolerances that are given, with their numbers.
    fn given(&self) -> impl Iterator<Item = (&'static Tolerance, f64)> {
        (TOLERANCES.iter()).filter_map(|tolerance| Some((tolerance, (tolerance.of)(self)?)))
    }

    /// Whether there is nothing to watch.
    pub fn is_never(&self) -> bool {
        self.given().next().is_none()
    }

    /// Writes down the defaults it takes.
    pub(crate) fn fill(&mut self) {
        if self.windows().is_some() {
            self.window = Some(self.window());
        }
    }

    /// Checks that it makes sense for an objective that is deterministic or not.
    ///
    /// # Errors
    /// With the first setting that makes none.
    pub fn check(&self, is_deterministic: bool) -> Result<(), Refusal> {
        for (tolerance, number) in self.given() {
            if !(number > 0.0 && number.is_finite()) {
                let message = format!("is {number}; it must be positive");
                return Err(Refusal::new(tolerance.key, message, tolerance.help));
            }
        }
        self.check_window()?;
        let other = |(tolerance, _): &(&Tolerance, f64)| tolerance.is_of_noise == is_deterministic;
        match self.given().find(other) {
            Some((tolerance, _)) if is_deterministic => Err(Refusal::new(
                tolerance.key,
                "is for random objectives, whose iterates wander; this one is deterministic",
                "use gradient_norm = 1e-6 or loss_change = 1e-9",
            )),
            Some((tolerance, _)) => Err(Refusal::new(
                tolerance.key,
                "cannot be told of a random objective: its gradient and its loss never come to rest",
                "use precision = 0.01, which averages the iterates, or set noise = \"fixed\" under \
                 [estimator]",
            )),
            None => Ok(()),
        }
    }

    fn check_window(&self) -> Result<(), Refusal> {
        let Some(window) = self.window else {
            return Ok(());
        };
        let message = match self.windows() {
            None => format!("is {window}, and no tolerance is told from a window"),
            Some((least, _)) if !(least..=KEPT).contains(&window) => {
                format!("is {window}; it must be from {least} to {KEPT}")
            }
            Some(_) => return Ok(()),
        };
        let help = "remove it, or give loss_change or precision, which look back on so many steps";
        Err(Refusal::new("window", message, help))
    }

    /// The shortest window and that taken by default, if a tolerance is told from one.
    fn windows(&self) -> Option<(usize, usize)> {
        (self.given().filter_map(|(tolerance, _)| tolerance.windows)).max()
    }

    fn window(&self) -> usize {
        let default = self.windows().map_or(0, |(_, default)| default);
        self.window.unwrap_or(default)
    }
}

/// A number at which a run stops.
struct Tolerance {
    key: &'static str,
    of: fn(&StopConfig) -> Option<f64>,
    /// Whether it is for random objectives rather than for those that come to rest.
    is_of_noise: bool,
    /// The shortest window and that taken by default, if it is told from one.
    windows: Option<(usize, usize)>,
    /// What to do about one that is no tolerance.
    help: &'static str,
}

const TOLERANCES: [Tolerance; 3] = [
    Tolerance {
        key: "gradient_norm",
        of: |config| config.gradient_norm,
        is_of_noise: false,
        windows: None,
        help: "give a small number such as 1e-6, or remove it",
    },
    Tolerance {
        key: "loss_change",
        of: |config| config.loss_change,
        is_of_noise: false,
        windows: Some((1, 10)),
        help: "give a small number such as 1e-6, or remove it",
    },
    Tolerance {
        key: "precision",
        of: |config| config.precision,
        is_of_noise: true,
        windows: Some((40, 200)),
        help: "0.01 is a hundredth of a standard deviation of q; or remove it",
    },
];

/// Why a run stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Stop {
    /// It took all its steps.
    Steps,
    /// Its gradient fell below the tolerance.
    Gradient {
        /// The step it happened at.
        step: usize,
    },
    /// Its loss neither fell nor rose any more.
    Loss {
        /// The step it happened at.
        step: usize,
    },
    /// The average of its iterates is precise enough, and was taken.
    Averaged {
        /// The step it happened at.
        step: usize,
    },
    /// The optimizer found no better θ.
    NoProgress {
        /// The step it happened at.
        step: usize,
    },
    /// It was asked to stop, and can be resumed.
    Interrupted {
        /// The step it had reached.
        step: usize,
    },
    /// Its loss or gradient was no longer finite, or its parameters no longer a density.
    Failed {
        /// The step it happened at.
        step: usize,
        /// What happened.
        what: String,
    },
}

impl Stop {
    /// The step it happened at, if that is not the last.
    pub fn step(&self) -> Option<usize> {
        match self {
            Self::Steps => None,
            Self::Gradient { step }
            | Self::Loss { step }
            | Self::Averaged { step }
            | Self::NoProgress { step }
            | Self::Interrupted { step }
            | Self::Failed { step, .. } => Some(*step),
        }
    }

    /// Whether the run broke down.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Failed { .. })
    }
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            Self::Steps => f.write_str("all steps taken"),
            Self::Gradient { step } => write!(f, "gradient below tolerance at step {step}"),
            Self::Loss { step } => write!(f, "loss at rest at step {step}"),
            Self::Averaged { step } => write!(f, "average precise at step {step}"),
            Self::NoProgress { step } => write!(f, "no better point from step {step}"),
            Self::Interrupted { step } => write!(f, "interrupted at step {step}"),
            Self::Failed { step, what } => write!(f, "failed at step {step}: {what}"),
        }
    }
}

/// What a run has come to.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It goes on.
    GoOn,
    /// The gradient is below the tolerance.
    Gradient,
    /// The loss is at rest.
    Loss,
    /// This average θ is precise enough.
    Averaged(Vec<f64>),
}

/// Watches one run.
#[derive(Debug, Clone)]
pub struct StopMonitor {
    config: StopConfig,
    losses: VecDeque<f64>,
    iterates: VecDeque<Vec<f64>>,
    seen: usize,
    /// How many must have been seen before the path is looked at again.
    next_look: usize,
    /// How many of the last iterates are averaged, once they have settled.
    settled: Option<usize>,
}

impl StopMonitor {
    /// Watches for what the config says.
    pub fn new(config: StopConfig) -> Self {
        Self {
            config,
            losses: VecDeque::new(),
            iterates: VecDeque::new(),
            seen: 0,
            next_look: 0,
            settled: None,
        }
    }

    /// Whether it waits for an average of iterates, which is then the result.
    pub fn averages(&self) -> bool {
        self.config.precision.is_some()
    }

    /// What it has seen so far.
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::default();
        let losses: Vec<f64> = self.losses.iter().copied().collect();
        snapshot.put("losses", &[losses.len()], losses);
        if let Some(first) = self.iterates.front() {
            let iterates = self.iterates.iter().flatten().copied().collect();
            snapshot.put("iterates", &[self.iterates.len(), first.len()], iterates);
        }
        snapshot.put_count("seen", self.seen as u64);
        snapshot.put_count("next_look", self.next_look as u64);
        if let Some(settled) = self.settled {
            snapshot.put_count("settled", settled as u64);
        }
        snapshot
    }

    /// Goes on from what one with the same config had seen of a θ of so many entries.
    ///
    /// # Errors
    /// If the snapshot is not of a watcher.
    pub fn restore(&mut self, snapshot: &Snapshot, parameters: usize) -> Result<()> {
        let count = |name: &str| -> Result<usize> {
            Ok(usize::try_from(snapshot.count(name)?).unwrap_or(usize::MAX))
        };
        self.losses = (snapshot.find("losses")).map_or_else(VecDeque::new, |(_, losses)| {
            losses.iter().copied().collect()
        });
        self.iterates = match snapshot.find("iterates") {
            Some((&[_, width], values)) if width == parameters && width > 0 => {
                values.chunks(width).map(<[f64]>::to_vec).collect()
            }
            _ => VecDeque::new(),
        };
        (self.seen, self.next_look) = (count("seen")?, count("next_look")?);
        self.settled = count("settled")
            .ok()
            .map(|settled| settled.min(self.iterates.len()));
        Ok(())
    }

    /// Takes in the numbers of a step: θ (P), its loss and the norm of its gradient, and the scale
    /// on which each entry of θ matters, for when it is asked for.
    pub fn observe(
        &mut self,
        theta: &[f64],
        loss: f64,
        gradient_norm: f64,
        units: impl FnOnce() -> Vec<f64>,
    ) -> Verdict {
        let least = self.config.gradient_norm;
        if least.is_some_and(|least| gradient_norm <= least) {
            return Verdict::Gradient;
        }
        if let Some(change) = self.config.loss_change {
            self.losses.push_back(loss);
            if self.losses.len() > self.config.window() {
                // A loss that rises, or swings back to where it was, is not at rest.
                let least = self.losses.iter().copied().fold(f64::INFINITY, f64::min);
                let most = (self.losses.iter().copied()).fold(f64::NEG_INFINITY, f64::max);
                self.losses.pop_front();
                if most - least <= change * loss.abs().max(1.0) {
                    return Verdict::Loss;
                }
            }
        }
        match self.config.precision {
            Some(precision) => self.average(theta, precision, units),
            None => Verdict::GoOn,
        }
    }

    fn average(
        &mut self,
        theta: &[f64],
        precision: f64,
        units: impl FnOnce() -> Vec<f64>,
    ) -> Verdict {
        self.iterates.push_back(theta.to_vec());
        if self.iterates.len() > KEPT {
            self.iterates.pop_front();
        }
        self.seen += 1;
        let window = self.config.window();
        self.settled = (self.settled).map(|settled| (settled + 1).min(self.iterates.len()));
        if self.seen < self.next_look.max(window) {
            return Verdict::GoOn;
        }
        // A longer path is looked at less often: a look costs as much as the path is long.
        self.next_look = self.seen + (window / 4).max(self.seen / 10);
        if self.settled.is_none() {
            // Of the windows that have settled the longest is the best.
            let doubled = std::iter::successors(Some(window), |window| Some(2 * window));
            self.settled = doubled
                .take_while(|&window| window <= self.iterates.len())
                .filter(|&window| {
                    self.last(window)
                        .iter()
                        .all(|path| split_r_hat(path) <= SETTLED)
                })
                .last();
        }
        let Some(settled) = self.settled else {
            return Verdict::GoOn;
        };
        let paths = self.last(settled);
        let precise = (paths.iter().zip(units()))
            .all(|(path, unit)| standard_error(path) <= precision * unit);
        if precise {
            return Verdict::Averaged(paths.iter().map(|path| mean(path)).collect());
        }
        Verdict::GoOn
    }

    /// The average of the iterates since they settled, if they have.
    pub fn best_average(&self) -> Option<Vec<f64>> {
        let paths = self.last(self.settled?);
        Some(paths.iter().map(|path| mean(path)).collect())
    }

    /// The last values of each parameter.
    fn last(&self, count: usize) -> Vec<Vec<f64>> {
        let first = self.iterates.len() - count;
        let parameters = self.iterates.back().map_or(0, Vec::len);
        (0..parameters)
            .map(|parameter| {
                (self.iterates.range(first..))
                    .map(|theta| theta[parameter])
                    .collect()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compute::noise::{Noise, RunKey, Stream};

    /// A path that goes from 3 to 0 and wanders there: x ← ρ x + √(1 − ρ²) σ ε.
    fn wandering(seed: u64, steps: usize, rho: f64, sigma: f64) -> Vec<f64> {
        let noise = Noise {
            runs: &[RunKey { seed, run: 0 }],
            stream: Stream::Init,
            step: 0,
        };
        let mut x = 3.0;
        (noise.normals(steps).into_iter())
            .map(|e| {
                x = rho * x + (1.0 - rho * rho).sqrt() * sigma * e;
                x
            })
            .collect()
    }

    fn watch(path: &[f64], precision: f64) -> Option<(usize, f64)> {
        let config = StopConfig {
            precision: Some(precision),
            ..StopConfig::NEVER
        };
        let mut watcher = StopMonitor::new(config);
        (path.iter().enumerate()).find_map(|(step, x)| {
            match watcher.observe(&[*x], f64::NAN, f64::NAN, || vec![1.0]) {
                Verdict::Averaged(average) => Some((step, average[0])),
                _ => None,
            }
        })
    }

    #[test]
    fn the_average_of_a_wandering_path_is_as_precise_as_asked() {
        let sigma = 0.1;
        let mut scores = Vec::new();
        for seed in 0..40 {
            let path = wandering(seed, 8000, 0.9, sigma);
            let (step, average) = watch(&path, 0.01).expect("it settles");
            // An autocorrelation of 0.9 leaves one in 19 iterates: σ √(19 / n) = 0.01 needs 1900.
            assert!((1000..5000).contains(&step), "{step}");
            scores.push(average / 0.01);
        }
        // Of 40 squares of standard normals the mean is 1 ± 0.22; the rule stops where the error
        // looks small, so it may be a little more.
        let square = mean(&scores.iter().map(|s| s * s).collect::<Vec<_>>());
        assert!((0.4..2.0).contains(&square), "{square}");
    }

    #[test]
    fn a_path_that_still_falls_is_not_averaged() {
        let falling: Vec<f64> = (0..4000).map(|t| 10.0 - 0.002 * f64::from(t)).collect();
        assert_eq!(watch(&falling, 0.01), None);
    }

    #[test]
    fn a_gradient_and_a_loss_at_rest_are_seen_and_moving_ones_are_not() {
        let mut watcher = StopMonitor::new(StopConfig {
            gradient_norm: Some(1e-3),
            loss_change: Some(1e-6),
            window: Some(3),
            ..StopConfig::NEVER
        });
        let mut see = |loss: f64, norm: f64| watcher.observe(&[0.0], loss, norm, Vec::new);
        for loss in [5.0, 4.0, 3.0, 3.0, 3.0] {
            assert_eq!(see(loss, 1.0), Verdict::GoOn, "{loss}");
        }
        assert_eq!(see(3.0, 1.0), Verdict::Loss);
        // One that rises has not come to rest, nor one that swings about where it was.
        for loss in [3.5, 4.0, 4.5, 5.0, 3.0, 5.0, 3.0, 5.0, 3.0] {
            assert_eq!(see(loss, 1.0), Verdict::GoOn, "{loss}");
        }
        assert_eq!(see(0.0, 1e-4), Verdict::Gradient);
    }
}
