//! Points on panels that see both densities.

use std::sync::Arc;

use rayon::prelude::*;

use crate::compute::kernel::cpu::{self, Expectation, Fixed, Function};
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
            length: 1.0,
            cut: self.cut,
            tolerance: 0.0,
            rounds: 0,
            points: MOST_POINTS,
            both_ways: false,
        }
    }
}

/// The points of all runs.
pub(super) struct PanelSites {
    dim: usize,
    /// `None` of a run that is no density, whose value is NaN.
    points: Vec<Option<Arc<PanelPoints>>>,
}

/// The same in lists of one length, filled up by points without weight.
pub(super) struct Padded {
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
    /// The points of p beside each q.
    pub fn new(
        panels: PanelRule,
        kind: DivergenceKind,
        dim: usize,
        p: Option<&Host>,
        q: &[Option<Shape>],
    ) -> Self {
        let of_run = |q: &Option<Shape>| PanelPoints::new(panels, kind, p?, q.as_ref()?);
        let points = q.par_iter().map(|q| of_run(q).map(Arc::new)).collect();
        Self { dim, points }
    }

    /// Those of each run, which others may have too.
    pub fn of(dim: usize, points: Vec<Option<Arc<PanelPoints>>>) -> Self {
        Self { dim, points }
    }

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
        let origin = vec![0.0; self.dim];
        let of_runs: Vec<Fixed> = (self.points.iter())
            .map(|points| match points {
                Some(points) => Fixed {
                    x: &points.x,
                    weights: &points.weights,
                    log_p: &points.log_p,
                },
                None => Fixed {
                    x: &origin,
                    weights: &[f64::NAN],
                    log_p: &[0.0],
                },
            })
            .collect();
        take(Expectation {
            sites: cpu::Sites::Own(&of_runs),
            function: Function::Any(&function),
        })
    }

    /// What each run pays for.
    pub fn evaluations(&self) -> Vec<Evaluations> {
        let count = |points: &Option<Arc<PanelPoints>>| points.as_ref().map_or(1, |one| one.len());
        (self.points.iter())
            .map(|points| Evaluations::of(count(points), false))
            .collect()
    }

    /// In lists of one length.
    pub fn padded(&self) -> Padded {
        let (runs, dim) = (self.points.len(), self.dim);
        let counts = self.points.iter().flatten().map(|points| points.len());
        let samples = counts.max().unwrap_or(1);
        let mut all = Padded {
            runs,
            samples,
            x: Vec::with_capacity(runs * samples * dim),
            weights: Vec::with_capacity(runs * samples),
            log_p: Vec::with_capacity(runs * samples),
        };
        for (run, points) in (1..).zip(&self.points) {
            match points {
                Some(points) => {
                    all.x.extend(&points.x);
                    all.weights.extend(&points.weights);
                    all.log_p.extend(&points.log_p);
                    for _ in points.len()..samples {
                        all.x.extend(&points.x[..dim]);
                    }
                    all.log_p.resize(run * samples, points.log_p[0]);
                }
                None => {
                    all.x.resize(run * samples * dim, 0.0);
                    all.weights.push(f64::NAN);
                    all.log_p.resize(run * samples, 0.0);
                }
            }
            all.weights.resize(run * samples, 0.0);
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
