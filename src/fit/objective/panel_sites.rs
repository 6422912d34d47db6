//! Points on panels that see both densities.

use rayon::prelude::*;

use crate::compute::kernel::cpu::{self, Expectation, Function, Points};
use crate::divergence::{Divergence, DivergenceKind};
use crate::fit::evaluations::Evaluations;
use crate::panels::{self, DensityPair, Host, LegendreOrder, PanelEffort, Shape, Sites};

/// A rule on panels that see both densities.
#[derive(Debug, Clone, Copy)]
pub(super) struct PanelRule {
    order: LegendreOrder,
    /// Each panel is cut into this many.
    cut: usize,
}

/// More points than this are not taken for one value.
const MOST_POINTS: usize = 1 << 22;

impl PanelRule {
    pub const fn new(cut: usize) -> Self {
        Self {
            order: LegendreOrder::Sixteen,
            cut,
        }
    }

    /// How often each panel is cut.
    pub fn cut(self) -> usize {
        self.cut
    }

    pub fn effort(self) -> PanelEffort {
        PanelEffort {
            order: self.order,
            cut: self.cut,
            tolerance: 0.0,
            rounds: 0,
            points: MOST_POINTS,
            both_ways: false,
        }
    }
}

/// The points of all runs, those of runs with fewer filled up by points without weight.
pub(super) struct PanelSites {
    pub runs: usize,
    pub samples: usize,
    /// `[R, S, D]`.
    pub x: Vec<f64>,
    /// `[R, S]`.
    pub weights: Vec<f64>,
    /// log p there, `[R, S]`.
    pub log_p: Vec<f64>,
}

impl PanelSites {
    /// Calls `take` with what is averaged there.
    pub fn with_expectation<T>(
        &self,
        divergence: &dyn Divergence,
        take: impl FnOnce(Expectation) -> T,
    ) -> T {
        let function = |log_p: &[f64], log_q: &[f64], values: [&mut [f64]; 3]| {
            let [values, _, slopes] = values;
            panels::integrand_and_slope(divergence, [log_p, log_q], [values, slopes]);
        };
        take(Expectation {
            sites: cpu::Sites::At {
                x: Points {
                    runs: self.runs,
                    samples: self.samples,
                    values: &self.x,
                },
                weights: &self.weights,
                log_p: &self.log_p,
                resident: None,
            },
            function: Function::Any(&function),
        })
    }

    /// What each run pays for: what fills up has no weight.
    pub fn evaluations(&self) -> Vec<Evaluations> {
        (self.weights.chunks(self.samples.max(1)))
            .map(|weights| weights.iter().filter(|weight| **weight != 0.0).count())
            .map(|points| Evaluations::of(points, false))
            .collect()
    }

    /// The points of p beside each q; of a q that is no density one whose value is NaN.
    pub fn new(
        panels: PanelRule,
        kind: DivergenceKind,
        dim: usize,
        p: Option<&Host>,
        q: &[Option<Shape>],
    ) -> Self {
        let points: Vec<Option<PanelPoints>> = (q.par_iter())
            .map(|q| PanelPoints::new(panels, kind, p?, q.as_ref()?))
            .collect();
        Self::of(&points.iter().map(Option::as_ref).collect::<Vec<_>>(), dim)
    }

    /// Those of each run.
    pub fn of(points: &[Option<&PanelPoints>], dim: usize) -> Self {
        let count = |points: &Option<&PanelPoints>| points.map_or(1, PanelPoints::len);
        let (runs, samples) = (points.len(), points.iter().map(count).max().unwrap_or(0));
        let mut all = Self {
            runs,
            samples,
            x: Vec::with_capacity(runs * samples * dim),
            weights: Vec::with_capacity(runs * samples),
            log_p: Vec::with_capacity(runs * samples),
        };
        for (run, points) in points.iter().enumerate() {
            let (x, weights, log_p) = (
                (run + 1) * samples * dim,
                (run + 1) * samples,
                (run + 1) * samples,
            );
            match points {
                Some(points) => {
                    all.x.extend(&points.x);
                    all.weights.extend(&points.weights);
                    all.log_p.extend(&points.log_p);
                    for _ in points.len()..samples {
                        all.x.extend(&points.x[..dim]);
                    }
                    all.weights.resize(weights, 0.0);
                    all.log_p.resize(log_p, points.log_p[0]);
                }
                // A run that is no density has no value.
                None => {
                    all.x.resize(x, 0.0);
                    all.weights.push(f64::NAN);
                    all.weights.resize(weights, 0.0);
                    all.log_p.resize(log_p, 0.0);
                }
            }
        }
        all
    }
}

/// The points of p beside one q.
#[derive(Debug)]
pub(super) struct PanelPoints {
    /// `[S, D]`.
    x: Vec<f64>,
    /// `[S]`.
    weights: Vec<f64>,
    /// log p there, `[S]`.
    log_p: Vec<f64>,
}

impl PanelPoints {
    /// `None` where there can be none.
    pub fn new(panels: PanelRule, kind: DivergenceKind, p: &Host, q: &Shape) -> Option<Self> {
        let pair = DensityPair::reduced(&p.shape, q, kind)?;
        let pair = pair.cut_within(panels.cut);
        let Sites { x, weights } = panels::laid(&pair, panels.order, panels.cut).sites();
        let mut log_p = vec![0.0; weights.len()];
        p.log_density(&x, &mut log_p);
        (!log_p.is_empty()).then_some(Self { x, weights, log_p })
    }

    /// The sum for a density there.
    pub fn sum(&self, divergence: &dyn Divergence, q: &Host) -> f64 {
        let mut numbers = [(); 3].map(|()| vec![0.0; self.len()]);
        let [log_q, values, slopes] = &mut numbers;
        q.log_density(&self.x, log_q);
        panels::integrand_and_slope(divergence, [&self.log_p, log_q], [values, slopes]);
        self.weights
            .iter()
            .zip(&*values)
            .map(|(weight, value)| weight * value)
            .sum()
    }

    /// S, which is not 0.
    pub fn len(&self) -> usize {
        self.log_p.len()
    }
}
