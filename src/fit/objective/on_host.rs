//! The gradient without a graph, where the kernel has all that is averaged: from θ to the mixtures, one pass over the
//! points, and back.

use std::cell::OnceCell;

use burn::tensor::Tensor;

use super::along::{Members, NoiseKind, PointsRequest};
use super::{Objective, PointRule, differentiated};
use crate::compute::device::Numerics;
use crate::compute::kernel::cpu::{self, Expectation, Expected, Gradients, Width};
use crate::compute::kernel::has_expectation;
use crate::compute::noise::RunKey;
use crate::density::family::HostMembers;
use crate::divergence::Divergence;
use crate::panels::Host;

/// Values of runs, and their gradients by θ, P numbers for each.
type Slopes = (Vec<f64>, Vec<f64>);

impl Objective<'_> {
    /// The share of a chunk in the value `[R]` and in its gradient `[R, P]`; `None` where they take a graph.
    pub(super) fn gradient_on_host(
        &self,
        theta: &Tensor<2>,
        noise: NoiseKind,
        chunk: usize,
    ) -> Option<(Tensor<1>, Tensor<2>)> {
        // Of components that may be missing others stand in the places.
        if self.has_room || !has_expectation(&self.numerics) {
            return None;
        }
        let [runs, parameters] = theta.dims();
        let numbers = Numerics::read(theta.clone()).ok()?;
        let levels = self.levels_at(theta, &self.levels);
        let (mut values, mut gradient) = (vec![0.0; runs], vec![0.0; runs * parameters]);
        for level in 0..self.rules.len() {
            // Runs of one rule go together.
            let members: Vec<usize> = (0..runs).filter(|&run| levels[run] == level).collect();
            if members.is_empty() {
                continue;
            }
            self.meter.set_members(members.iter().copied());
            let row = |run: usize| run * parameters..(run + 1) * parameters;
            let rows: Vec<f64> = (members.iter())
                .flat_map(|&run| &numbers[row(run)])
                .copied()
                .collect();
            let keys = self.keys_of(&members);
            let (of_values, slopes) = self.slopes_at(level, &rows, &keys, noise, chunk)?;
            for (at, &run) in members.iter().enumerate() {
                values[run] = of_values[at];
                gradient[row(run)].copy_from_slice(&slopes[row(at)]);
            }
        }
        Some((
            self.numerics.tensor(values, [runs]),
            self.numerics.tensor(gradient, [runs, parameters]),
        ))
    }

    /// Of runs by one rule.
    fn slopes_at(
        &self,
        level: usize,
        theta: &[f64],
        keys: &[RunKey],
        noise: NoiseKind,
        chunk: usize,
    ) -> Option<Slopes> {
        let members = self.family.on_host(theta)?;
        let annealed = self.annealed_at(noise);
        let divergence: &dyn Divergence = match &annealed {
            Some(annealed) => annealed,
            None => &*self.divergence,
        };
        let expected = |what: Expectation| {
            let q = members.mixture();
            cpu::expectation(Width::Widest, &q, what, members.wanted()).ok()
        };
        let mut all: Option<Expected> = None;
        match &self.rules[level] {
            PointRule::Panels(panels) => {
                let hosts: Vec<Option<Host>> = (members.written().iter())
                    .map(|q| q.as_ref().and_then(Host::from_mixture))
                    .collect();
                let sites = self.panel_sites(*panels, &hosts);
                all = sites.with_expectation(divergence, expected);
            }
            PointRule::Along(along) => {
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
                // What has no such side is known before anything is counted.
                for &side in divergence.sides().iter().rev() {
                    let of_side =
                        self.with_expectation(side, request, members.standard_dim(), expected)??;
                    all = Some(match all {
                        Some(all) => added(all, &of_side),
                        None => of_side,
                    });
                }
            }
        }
        let Expected { values, gradients } = all?;
        let slopes = members.pull_back(&gradients);
        if divergence.is_sum() {
            return Some((values, slopes));
        }
        self.through_outer(divergence, values, slopes, &members)
    }

    /// From the sum over the sides to the divergence.
    fn through_outer(
        &self,
        divergence: &dyn Divergence,
        values: Vec<f64>,
        mut slopes: Vec<f64>,
        members: &HostMembers,
    ) -> Option<Slopes> {
        let total: Tensor<1> = self.numerics.tensor(values, [members.runs()]);
        let (values, by_total) = differentiated(&total, |total| divergence.outer(total));
        let by_total = Numerics::read(by_total).ok()?;
        for (row, by_total) in slopes.chunks_mut(self.family.parameters()).zip(by_total) {
            row.iter_mut().for_each(|slope| *slope *= by_total);
        }
        Some((Numerics::read(values).ok()?, slopes))
    }
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
