//! The gradient without a graph, where the kernel has all that is averaged: from θ to the mixtures, one pass over the
//! points, and back.

use std::cell::OnceCell;

use burn::tensor::Tensor;
use rayon::prelude::*;

use super::along::{Members, NoiseKind, PointsRequest};
use super::panel_sites::{PanelPoints, PanelRule, PanelSites};
use super::shared_panels::{OnLine, SharedPanels};
use super::{Objective, PointRule, differentiated};
use crate::compute::device::Numerics;
use crate::compute::kernel::Engine;
use crate::compute::kernel::cpu::{Expectation, Expected, Gradients};
use crate::compute::noise::RunKey;
use crate::density::family::{Covariance, HostMembers};
use crate::divergence::{Divergence, DivergenceKind, Side};
use crate::fit::evaluations::Evaluations;
use crate::mixture::Mixture;
use crate::panels::{Host, Shape};

/// Runs whose panels are worked on together.
const RUNS_TOGETHER: usize = 16;

/// Values of runs, and their gradients by θ, P numbers for each.
pub(super) type Slopes = (Vec<f64>, Vec<f64>);

impl Objective<'_> {
    /// The value `[R]` and its gradient `[R, P]` at θ `[R, P]`, both 0 of runs that are not asked for; `None` where they
    /// take a graph.
    pub(super) fn gradient_on_host(
        &self,
        theta: &[f64],
        runs: &[usize],
        noise: NoiseKind,
    ) -> Option<Slopes> {
        // Of components that may be missing others stand in the places.
        if self.has_room {
            return None;
        }
        let engine = self.engine.as_ref()?;
        let [all, parameters] = self.shape();
        let row = |run: usize| run * parameters..(run + 1) * parameters;
        let (mut values, mut gradient) = (vec![0.0; all], vec![0.0; all * parameters]);
        let levels = match self.spacing {
            Some(_) => {
                let on_device = self.numerics.tensor(theta.to_vec(), self.shape());
                self.levels_at(&on_device, &self.levels)
            }
            None => self.levels.clone(),
        };
        for chunk in 0..self.chunks() {
            for level in 0..self.rules.len() {
                // Runs of one rule go together.
                let members: Vec<usize> = (runs.iter().copied())
                    .filter(|&run| levels[run] == level)
                    .collect();
                if members.is_empty() {
                    continue;
                }
                self.meter.set_members(members.iter().copied());
                let rows: Vec<f64> = (members.iter())
                    .flat_map(|&run| &theta[row(run)])
                    .copied()
                    .collect();
                let keys = self.keys_of(&members);
                let (of_values, slopes) =
                    self.slopes_at(engine, level, &rows, &keys, noise, chunk)?;
                for (at, &run) in members.iter().enumerate() {
                    values[run] += of_values[at];
                    for (sum, slope) in gradient[row(run)].iter_mut().zip(&slopes[row(at)]) {
                        *sum += slope;
                    }
                }
            }
        }
        if self.ranks().is_some() {
            values.append(&mut gradient);
            values = self.add_up(theta, values);
            gradient = values.split_off(all);
        }
        Some((values, gradient))
    }

    /// Of runs by one rule.
    fn slopes_at(
        &self,
        engine: &Engine,
        level: usize,
        theta: &[f64],
        keys: &[RunKey],
        noise: NoiseKind,
        chunk: usize,
    ) -> Option<Slopes> {
        let annealed = self.annealed_at(noise);
        let divergence: &dyn Divergence = match &annealed {
            Some(annealed) => annealed,
            None => &*self.divergence,
        };
        let along = match &self.rules[level] {
            PointRule::Panels(panels) => {
                let made = self.by_panels(*panels, theta, divergence)?;
                return self.through_outer(divergence, made);
            }
            PointRule::Along(along) => along,
        };
        // Before anything is counted.
        let is_plain = self.family.covariance() != Covariance::LowRank
            && (self.target.prepared().is_some() || divergence.sides() == [Side::Target]);
        if !engine.takes_all() && !is_plain {
            return None;
        }
        let members = self.family.on_host(theta)?;
        let shape = [members.runs(), self.family.parameters()];
        let make = || self.member(self.numerics.tensor(theta.to_vec(), shape));
        let made = OnceCell::new();
        let request = PointsRequest {
            along,
            q: Members::Later(&made, &make),
            keys,
            noise,
            chunk,
            divergence,
        };
        let mut all: Option<Expected> = None;
        // What has no such side is known before anything is counted.
        for &side in divergence.sides().iter().rev() {
            let formula = || divergence.formula(side);
            let expected = |what: Expectation| members.expectation(engine, what, Some(&formula));
            let of_side =
                self.with_expectation(side, request, members.standard_dim(), expected)??;
            all = Some(match all {
                Some(all) => added(all, &of_side),
                None => of_side,
            });
        }
        let Expected { values, gradients } = all?;
        self.through_outer(divergence, (values, members.pull_back(&gradients)))
    }

    /// By panels, some runs at a time: each has points of its own, and those of all would not stay in the cache.
    fn by_panels(
        &self,
        panels: PanelRule,
        theta: &[f64],
        divergence: &dyn Divergence,
    ) -> Option<Slopes> {
        let (kind, family, host) = (self.kind, &self.family, self.host.as_ref());
        let shared = self.shared_panels.as_ref();
        let some = theta.par_chunks(RUNS_TOGETHER * family.parameters());
        let parts: Vec<Option<(Slopes, Vec<Evaluations>)>> = some
            .map(|theta| {
                let members = family.on_host(theta)?;
                let sites = panel_sites(panels, kind, host, shared, &members);
                // Of panels the CPU makes the points, so that their densities are at hand there.
                let expected = |what: Expectation| members.expectation(&Engine::DOUBLE, what, None);
                let Expected { values, gradients } =
                    sites.with_expectation(divergence, expected)?;
                Some(((values, members.pull_back(&gradients)), sites.evaluations()))
            })
            .collect();
        let (mut all, mut counts) = (Slopes::default(), Vec::new());
        for part in parts {
            let ((values, slopes), of_part) = part?;
            all.0.extend(values);
            all.1.extend(slopes);
            counts.extend(of_part);
        }
        self.meter.count(|at| counts[at]);
        Some(all)
    }

    /// From the sum over the sides to the divergence.
    fn through_outer(&self, divergence: &dyn Divergence, sums: Slopes) -> Option<Slopes> {
        if divergence.is_sum() {
            return Some(sums);
        }
        let (values, mut slopes) = sums;
        let runs = values.len();
        let total: Tensor<1> = Numerics::cpu().tensor(values, [runs]);
        let (values, by_total) = differentiated(&total, |total| divergence.outer(total));
        let by_total = Numerics::read(by_total).ok()?;
        for (row, by_total) in slopes.chunks_mut(self.family.parameters()).zip(by_total) {
            row.iter_mut().for_each(|slope| *slope *= by_total);
        }
        Some((Numerics::read(values).ok()?, slopes))
    }
}

/// The points of some members.
fn panel_sites(
    panels: PanelRule,
    kind: DivergenceKind,
    p: Option<&Host>,
    shared: Option<&SharedPanels>,
    members: &HostMembers<'_>,
) -> PanelSites {
    let dim = members.dim();
    let on_line: Option<Vec<OnLine>> = (0..members.runs())
        .map(|run| members.on_line(run))
        .collect();
    let (Some(on_line), Some(p), Some(shared)) = (on_line, p, shared) else {
        let shapes: Vec<Option<Shape>> = (members.written().iter())
            .map(|q| Shape::new(q.as_ref()?.into()))
            .collect();
        return PanelSites::new(panels, kind, dim, p, &shapes);
    };
    let make = |q: &Mixture| PanelPoints::new(panels, kind, p, &Shape::new(q.into())?);
    PanelSites::of(dim, shared.of(panels.cut(), &on_line, make))
}

/// The sum of two expectations with all that is wanted of their gradients.
fn added(mut all: Expected, more: &Expected) -> Expected {
    let Gradients {
        x: _,
        log_weights,
        means,
        scale,
    } = &mut all.gradients;
    for (all, more) in [
        (&mut all.values, &more.values),
        (log_weights, &more.gradients.log_weights),
        (means, &more.gradients.means),
        (scale, &more.gradients.scale),
    ] {
        for (all, more) in all.iter_mut().zip(more) {
            *all += more;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::density::family::{Family, FamilyConfig};
    use crate::density::target::Target;
    use crate::estimator::{EstimatorConfig, EstimatorRule, GradientRule};

    /// Whether the gradient takes no graph, and how far it is from that of one, as a share of the largest entry.
    fn off(
        kind: DivergenceKind,
        estimator: EstimatorConfig,
        of: FamilyConfig,
        dim: usize,
    ) -> Option<f64> {
        let numerics = Numerics::cpu();
        let means = vec![vec![-1.0; dim], vec![1.5; dim]];
        let p = Mixture::from_stds(vec![0.4, 0.6], means, vec![vec![1.0; dim], vec![0.7; dim]]);
        let target = Target::new(p.unwrap(), &numerics);
        let family = Family::new(of, dim);
        let keys = (0..3).map(|run| RunKey { seed: 1, run }).collect();
        let objective = Objective::new(kind, &family, estimator, &target, &numerics, keys);
        let [runs, parameters] = objective.shape();
        let theta: Vec<f64> = (0..runs * parameters)
            .map(|i| 0.4 * (1.3 * i as f64 + 0.5).sin())
            .collect();
        let noise = NoiseKind::Step(4);
        let (values, gradient) = objective.gradient_on_host(&theta, &[0, 1, 2], noise)?;
        let on_device = numerics.tensor(theta.clone(), objective.shape());
        let (by_graph, slopes) = objective.gradient_in_graph(&on_device, noise);
        let apart = |found: &[f64], graph: Vec<f64>| {
            let largest = graph.iter().fold(0.0, |all: f64, one| all.max(one.abs()));
            let pairs = found.iter().zip(&graph);
            pairs.fold(0.0, |all: f64, (a, b)| all.max((a - b).abs())) / largest
        };
        // Of runs that are not asked for nothing is said.
        let (alone, _) = objective.gradient_on_host(&theta, &[1], noise)?;
        assert_eq!([alone[0], alone[2]], [0.0; 2]);
        assert!((alone[1] / values[1] - 1.0).abs() < 1e-13);
        let of_values = apart(&values, Numerics::read(by_graph).unwrap());
        Some(of_values.max(apart(&gradient, Numerics::read(slopes).unwrap())))
    }

    #[test]
    fn it_is_the_gradient_of_the_graph() {
        let rules: [EstimatorConfig; 3] = [
            EstimatorRule::Quadrature(Default::default()).into(),
            EstimatorRule::MonteCarlo(Default::default()).into(),
            EstimatorRule::QuasiMonteCarlo(Default::default()).into(),
        ];
        let mut taken = 0;
        for kind in DivergenceKind::all() {
            for estimator in rules {
                for covariance in Covariance::ALL {
                    for (components, weights) in [(1, None), (2, None), (2, Some(vec![0.3, 0.7]))] {
                        let of = FamilyConfig {
                            components,
                            covariance,
                            weights,
                            min_std: 0.1,
                            ..FamilyConfig::default()
                        };
                        for dim in [1, 2] {
                            let found = off(kind, estimator, of.clone(), dim);
                            assert_eq!(found.is_none(), covariance == Covariance::LowRank);
                            let Some(off) = found else { continue };
                            taken += 1;
                            assert!(off < 1e-12, "{} {covariance:?} {dim}: {off:e}", kind.name());
                        }
                    }
                }
            }
        }
        assert_eq!(taken, DivergenceKind::all().len() * 3 * 3 * 3 * 2);
    }

    #[test]
    fn factors_of_many_coordinates_take_none_either_and_scores_do() {
        let of = FamilyConfig {
            covariance: Covariance::LowRank,
            rank: Some(2),
            ..FamilyConfig::default()
        };
        let estimator: EstimatorConfig = EstimatorRule::MonteCarlo(Default::default()).into();
        let off_by = off(DivergenceKind::ReverseKl, estimator, of.clone(), 30).unwrap();
        assert!(off_by < 1e-12, "{off_by:e}");
        let by_score = EstimatorConfig {
            gradient: GradientRule::ScoreFunction,
            ..estimator
        };
        assert!(off(DivergenceKind::ReverseKl, by_score, of, 30).is_none());
    }
}
