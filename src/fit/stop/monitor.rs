//! Monitors a run for what stops it.

use std::collections::VecDeque;

use super::path::{mean, split_r_hat, standard_error};
use super::{KEPT, StopConfig};
use crate::compute::snapshot::Snapshot;
use crate::error::Result;

/// Iterates have settled if the two halves of the window differ no more than this R̂ allows.
const SETTLED: f64 = 1.1;

/// What a run has come to.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// The run continues.
    Continue,
    /// The gradient is below the tolerance.
    Gradient,
    /// The loss is at rest.
    Loss,
    /// This average θ is precise enough.
    Averaged(Vec<f64>),
}

/// Monitors one run.
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
    /// Monitors what the config says.
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

    /// Forgets what it has seen: θ is of something else now.
    pub fn restart(&mut self) {
        *self = Self::new(self.config);
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

    /// Resumes from what one with the same config had seen of a θ of this many entries.
    ///
    /// # Errors
    /// If the snapshot is not of a monitor.
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
            None => Verdict::Continue,
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
            return Verdict::Continue;
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
            return Verdict::Continue;
        };
        let paths = self.last(settled);
        let precise = (paths.iter().zip(units()))
            .all(|(path, unit)| standard_error(path) <= precision * unit);
        if precise {
            return Verdict::Averaged(paths.iter().map(|path| mean(path)).collect());
        }
        Verdict::Continue
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
        let mut monitor = StopMonitor::new(config);
        (path.iter().enumerate()).find_map(|(step, x)| {
            match monitor.observe(&[*x], f64::NAN, f64::NAN, || vec![1.0]) {
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
        let mut monitor = StopMonitor::new(StopConfig {
            gradient_norm: Some(1e-3),
            loss_change: Some(1e-6),
            window: Some(3),
            ..StopConfig::NEVER
        });
        let mut see = |loss: f64, norm: f64| monitor.observe(&[0.0], loss, norm, Vec::new);
        for loss in [5.0, 4.0, 3.0, 3.0, 3.0] {
            assert_eq!(see(loss, 1.0), Verdict::Continue, "{loss}");
        }
        assert_eq!(see(3.0, 1.0), Verdict::Loss);
        // One that rises has not come to rest, nor one that swings about where it was.
        for loss in [3.5, 4.0, 4.5, 5.0, 3.0, 5.0, 3.0, 5.0, 3.0] {
            assert_eq!(see(loss, 1.0), Verdict::Continue, "{loss}");
        }
        assert_eq!(see(0.0, 1e-4), Verdict::Gradient);
    }
}
