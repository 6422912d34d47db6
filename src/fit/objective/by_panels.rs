//! The objective by points that see both densities.

use burn::tensor::{DType, Tensor};
use rayon::prelude::*;

use super::panel_sites::{Padded, PanelPoints, PanelRule, PanelSites};
use super::shared_panels::SharedPanels;
use super::{Along, Objective, PointRule};
use crate::compute::device::Numerics;
use crate::compute::kernel::{MixtureTensors, expectation, has_expectation};
use crate::density::Density;
use crate::density::target::TargetModel;
use crate::divergence::{Attempt, Divergence, DivergenceKind, Estimate, Side};
use crate::error::Result;
use crate::estimator::quadrature::Quadrature;
use crate::estimator::{Estimator, EstimatorConfig, GradientRule};
use crate::mixture::Mixture;
use crate::panels::{self, Host, PanelEffort, Shape};

/// On a line, where panels cost no more than points along the densities.
const LINE: [PanelRule; 3] = [PanelRule::new(1), PanelRule::new(2), PanelRule::new(4)];
/// In the plane, after what points along the densities do not resolve.
const PLANE: [PanelRule; 2] = [PanelRule::new(1), PanelRule::new(2)];
/// In the plane, this many points on each axis of a component, at first and refined.
const ALONG: [usize; 2] = [81, 161];

/// When points along the densities of a plane may be taken: where no component, of either, is narrower
/// than they are apart along the widest. What else they miss is seen where the loss is compared with
/// panels, at logged steps; a run may meet a spike between two of those.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spacing {
    /// The least and the largest standard deviation of p along any direction.
    of_p: [f64; 2],
}

impl Spacing {
    /// The first rule from `level` on whose points are near enough to each other for q.
    pub fn level(self, q: &Mixture, level: usize) -> usize {
        let [narrowest, widest] = widths(q);
        let [narrowest, widest] = [narrowest.min(self.of_p[0]), widest.max(self.of_p[1])];
        (level..ALONG.len())
            .find(|&level| Quadrature::new(ALONG[level]).spacing() * widest <= narrowest)
            .unwrap_or(level.max(ALONG.len()))
    }
}

/// The least and the largest standard deviation of any component along any direction.
fn widths(mixture: &Mixture) -> [f64; 2] {
    (mixture.scale_trils().iter())
        .map(|factor| factor.singular_values())
        .fold([f64::INFINITY, 0.0], |[least, largest], widths| {
            [least.min(widths.min()), largest.max(widths.max())]
        })
}

/// A rule and its refinements, the coarsest first, and what the first of them need.
pub(super) fn rules(
    kind: DivergenceKind,
    dim: usize,
    estimator: EstimatorConfig,
    target: &TargetModel,
    host: Option<&Host>,
) -> (Vec<PointRule>, Option<Spacing>) {
    let along = |first: Box<dyn Estimator>| {
        std::iter::successors(Some(first), |rule| rule.refined())
            .map(|estimator| PointRule::Along(Box::new(Along::new(estimator))))
    };
    let panels = |rules: &[PanelRule]| Vec::from_iter(rules.iter().copied().map(PointRule::Panels));
    // Other gradients are those of points along q, and a number of points is one along a component.
    let is_free = estimator.rule.is_open() && estimator.gradient == GradientRule::Pathwise;
    match dim {
        _ if has_own_points(kind, target) => (along(estimator.build(dim)).take(1).collect(), None),
        1 if is_free && host.is_some() => (panels(&LINE), None),
        2 if is_free && host.is_some_and(Host::has_breaks) => (panels(&PLANE), None),
        2 if is_free && host.is_some() => {
            let spacing = target.elliptical().map(|of| Spacing {
                of_p: widths(of.scales),
            });
            let [first, last] = ALONG;
            let along = along(Box::new(Quadrature::up_to(first, last)));
            (along.chain(panels(&PLANE)).collect(), spacing)
        }
        _ => (along(estimator.build(dim)).collect(), None),
    }
}

/// Whether an expectation under p alone is taken of a density that has points which see all of it: a grid in the plane
/// has them in each of its cells, where panels do not see that it bends.
pub(super) fn has_own_points(kind: DivergenceKind, target: &TargetModel) -> bool {
    if target.dim() == 1 {
        return false;
    }
    let panels = target
        .as_unnormalized()
        .filter(|of| of.function().as_grid().is_some());
    let panels = panels.and_then(|of| of.located().panels.as_ref());
    let is_under_p = kind.build().sides() == [Side::Target];
    is_under_p && panels.is_some_and(|panels| panels.points.is_some())
}

impl Objective<'_> {
    /// The rules that runs of θ need which had chosen these.
    pub(super) fn levels_at(&self, theta: &Tensor<2>, chosen: &[usize]) -> Vec<usize> {
        let Some(spacing) = self.spacing else {
            return chosen.to_vec();
        };
        match self.member(theta.clone()).detached().read() {
            Ok(mixtures) => (mixtures.into_iter().zip(chosen))
                .map(|(q, &level)| q.map_or(level, |q| spacing.level(&q, level)))
                .collect(),
            // What failed is seen by those who ask for the value.
            Err(_) => chosen.to_vec(),
        }
    }

    /// Runs as they are on the host; none where one is no density, or the device failed.
    fn hosts(&self, q: &MixtureTensors) -> Vec<Option<Host>> {
        let [runs, ..] = q.dims();
        match q.clone().detached().read() {
            Ok(mixtures) => (mixtures.into_iter())
                .map(|mixture| mixture.ok().as_ref().and_then(Host::from_mixture))
                .collect(),
            Err(_) => vec![None; runs],
        }
    }

    /// The values and errors of runs.
    pub(super) fn attempt_by_panels(
        &self,
        panels: PanelRule,
        q: &MixtureTensors,
    ) -> Result<Vec<Attempt>> {
        let mut attempts = self.attempts(panels.effort(), q)?;
        let takes_graph = self.engine.is_none() || self.has_room || self.family.is_written_out();
        if takes_graph && !has_expectation(&self.numerics) {
            // What is minimised is rounded as the device does.
            let values = self.value_by_panels(panels, q, &*self.divergence);
            let values = Numerics::read(values)?;
            for (attempt, value) in attempts.iter_mut().zip(values) {
                let off = (attempt.estimate.value - value).abs();
                attempt.estimate = Estimate {
                    value,
                    error: attempt.estimate.error + off,
                    ..attempt.estimate
                };
                attempt.floor += off;
            }
        }
        if let Some(shared) = &self.shared_panels {
            // What is minimised is off by what the panels of others are.
            let values = self.values_by_shared_panels(shared, panels, q)?;
            for (attempt, value) in attempts.iter_mut().zip(values) {
                attempt.estimate.error += (attempt.estimate.value - value).abs();
            }
        }
        Ok(attempts)
    }

    /// The values of members that share their panels.
    fn values_by_shared_panels(
        &self,
        shared: &SharedPanels,
        panels: PanelRule,
        q: &MixtureTensors,
    ) -> Result<Vec<f64>> {
        let Some(p) = &self.host else {
            return Ok(Vec::new());
        };
        let sums = q.clone().detached().read()?.into_iter().map(|q| {
            let Ok(q) = q else { return f64::NAN };
            let on_line = [q.means()[0][0], q.scale_trils()[0][(0, 0)]];
            let make =
                |near: &Mixture| PanelPoints::new(panels, self.kind, p, &Shape::new(near.into())?);
            let points = shared.of(panels.cut(), &[on_line], make).pop().flatten();
            let (Some(points), Some(q)) = (points, Host::from_mixture(&q)) else {
                return f64::NAN;
            };
            points.sum(&*self.divergence, &q)
        });
        let sums: Vec<f64> = sums.collect();
        let runs = sums.len();
        Numerics::read(self.divergence.outer(Numerics::cpu().tensor(sums, [runs])))
    }

    fn attempts(&self, effort: PanelEffort, q: &MixtureTensors) -> Result<Vec<Attempt>> {
        let unknown = Attempt {
            estimate: Estimate::UNKNOWN,
            floor: f64::NAN,
        };
        let Some(p) = &self.host else {
            return Ok(Vec::new());
        };
        let kinds = [self.kind];
        (self.hosts(q).par_iter())
            .map(|q| {
                let Some(q) = q else { return Ok(unknown) };
                let found = panels::divergences(p, q, &kinds, effort)?;
                Ok(found
                    .and_then(|found| found.first().copied())
                    .unwrap_or(unknown))
            })
            .collect()
    }

    /// What each run's value is by panels that see both densities, to hold a rule against whose points
    /// follow one.
    pub(super) fn attempt_both(&self, q: &MixtureTensors) -> Result<Vec<Attempt>> {
        self.attempts(PanelRule::new(1).effort(), q)
    }

    /// The value `[R]` at R mixtures, with its gradient through q at points that stay where they are.
    pub(super) fn value_by_panels(
        &self,
        panels: PanelRule,
        q: &MixtureTensors,
        divergence: &dyn Divergence,
    ) -> Tensor<1> {
        let (dim, host) = (self.family.dim(), self.host.as_ref());
        let hosts = self.hosts(q).into_iter();
        let shapes: Vec<Option<Shape>> = hosts.map(|host| Some(host?.shape)).collect();
        let sites = PanelSites::new(panels, self.kind, dim, host, &shapes);
        let counts = sites.evaluations();
        self.meter.count(|run| counts[run]);
        if has_expectation(&self.numerics) {
            let total = sites.with_expectation(divergence, |what| expectation(q, what));
            return divergence.outer(total);
        }
        let Padded {
            runs,
            samples,
            x,
            weights,
            log_p,
        } = sites.padded();
        let tensor = |numbers| self.numerics.tensor(numbers, [runs, samples]);
        let (weights, log_p) = (tensor(weights), tensor(log_p));
        let points = self.numerics.tensor(x, [runs, samples, dim]);
        let log_q = q.log_density(points);
        // Where there is nothing of a density its logarithm may be anything, and so may its slopes.
        let least = match self.numerics.dtype() {
            DType::F32 => 1e-35,
            _ => f64::MIN_POSITIVE,
        };
        let parts = divergence.sides().iter().map(|&side| {
            let under = match side {
                Side::Target => log_p.clone(),
                Side::Family => log_q.clone(),
            };
            let nothing = under.clone().lower_elem(f64::ln(least));
            let [under, log_p, log_q] = [under, log_p.clone(), log_q.clone()]
                .map(|log| log.mask_fill(nothing.clone(), 0.0));
            let part = under.exp() * divergence.integrand(side, log_p, log_q);
            part.mask_fill(nothing, 0.0)
        });
        let values = parts.reduce(|sum, part| sum + part);
        let values = values.unwrap_or_else(|| weights.zeros_like());
        let total = (weights * values).sum_dim(1).reshape([runs]);
        divergence.outer(total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compute::noise::RunKey;
    use crate::density::family::{Family, FamilyConfig};
    use crate::density::target::Target;
    use crate::estimator::EstimatorRule;
    use crate::fit::objective::along::NoiseKind;

    #[test]
    fn what_shared_panels_are_off_by_is_part_of_the_error() {
        let numerics = Numerics::cpu();
        let (means, stds) = (vec![vec![-1.0], vec![2.0]], vec![vec![0.02], vec![1.0]]);
        let p = Mixture::from_stds(vec![0.4, 0.6], means, stds).unwrap();
        let target = Target::new(p, &numerics);
        let family = Family::new(FamilyConfig::default(), 1);
        let runs = 60;
        let theta: Vec<f64> = (0..runs)
            .flat_map(|run| {
                let wave = (1.7 * f64::from(run)).sin();
                [2.0 * wave, 1.5 * (0.9 * f64::from(run)).cos() - 1.0]
            })
            .collect();
        let mut outside = 0;
        for kind in DivergenceKind::all() {
            let keys = (0..runs as u64)
                .map(|run| RunKey { seed: 1, run })
                .collect();
            let estimator = EstimatorRule::Quadrature(Default::default()).into();
            let objective = Objective::new(kind, &family, estimator, &target, &numerics, keys);
            let PointRule::Panels(panels) = objective.rules[0] else {
                continue;
            };
            let all: Vec<usize> = (0..runs as usize).collect();
            let q = objective.member(numerics.tensor(theta.clone(), objective.shape()));
            let (values, _) =
                (objective.gradient_on_host(&theta, &all, NoiseKind::Step(0))).unwrap();
            let told = objective.attempt_by_panels(panels, &q).unwrap();
            let own = objective.attempts(panels.effort(), &q).unwrap();
            for ((value, told), own) in values.iter().zip(told).zip(own) {
                let off = (value - own.estimate.value).abs();
                // Some have none.
                if !own.estimate.value.is_finite() {
                    continue;
                }
                let rounding = 1e-13 * value.abs().max(1.0);
                assert!(
                    off <= told.estimate.error + rounding,
                    "{}: {off:e}",
                    kind.name()
                );
                outside += usize::from(off > own.estimate.error + rounding);
            }
        }
        // Panels of a member's own know nothing of it.
        assert!(outside > 0);
    }
}
