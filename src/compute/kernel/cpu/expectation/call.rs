//! The work of one call: cut into tasks, done block by block, and added up in one order.

use super::super::backward::Sums;
use super::super::block::samples_per_block;
use super::super::components::Components;
use super::super::factors::{Factors, of_run};
use super::super::forward::forward;
use super::super::gradients::{Gradients, SumSizes, of_run_mut};
use super::super::inputs::{Mixture, Scale, Shape};
use super::super::log_density::nanoseconds;
use super::super::packed::{Packed, packed_len};
use super::super::placement::{carry, carry_back};
use super::super::retained::{At, Retained, block_len};
use super::super::schedule::{Stretch, Work, cut, run};
use super::super::scratch::{padded, take, with_scratch};
use super::super::width::Width;
use super::{Expectation, Expected, Nodes, Sites, Told, Under, component};

/// How many numbers a task adds up for each of its runs.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// The gradient through log q.
    pub density: SumSizes,
    /// For each component that points are carried into: Σ w f, Σ g and Σ g zᵀ.
    pub placed: usize,
}

/// What all tasks share.
pub struct Call<'a> {
    pub width: Width,
    pub shape: Shape,
    pub q: &'a Mixture<'a, f64>,
    pub factors: &'a Factors<f64>,
    pub what: Expectation<'a>,
    /// What p is at the points, where a function says it.
    pub told: &'a Told,
    pub sizes: Sizes,
    pub wants_gradients: bool,
}

impl Call<'_> {
    pub fn run(&self, expected: &mut Expected) {
        let work = self.work();
        let stretches = work.stretches();
        let total: usize = (stretches.iter())
            .map(|stretch| stretch.runs.len() * self.sums_len(stretch))
            .sum();
        with_scratch(total, |sums| {
            let mut rest = &mut *sums;
            let tasks = (stretches.iter())
                .map(|stretch| {
                    let len = stretch.runs.len() * self.sums_len(stretch);
                    (stretch, cut(&mut rest, len))
                })
                .collect();
            run(work.total(), tasks, |(stretch, sums)| {
                self.stretch(stretch, sums);
            });
            self.collect(&stretches, sums, expected);
        });
    }

    fn work(&self) -> Work {
        let (shape, dim) = (&self.shape, self.shape.dim);
        // Forward, and backward at one and a half times as much.
        let factor = if self.wants_gradients { 2.5 } else { 1.0 };
        let of_q = shape.components as f64 * nanoseconds(&self.q.scale, dim) * factor;
        let of_p = match self.what.sites {
            Sites::At { .. } => 0.0,
            Sites::Along {
                p: Under::Function(_),
                ..
            } => 3.0 * dim as f64,
            Sites::Along {
                p: Under::Mixture(p),
                ..
            } => {
                let components = p.components();
                let scale: Scale<'_, f64> = match (components.rank, components.factors) {
                    (0, []) => Scale::Diagonal(&[]),
                    (0, _) => Scale::Tril(&[]),
                    (rank, _) => Scale::LowRank { values: &[], rank },
                };
                let of_one = nanoseconds(&scale, dim) * factor;
                components.constants.len() as f64 * of_one + 3.0 * dim as f64
            }
        };
        let mut work = Work {
            runs: shape.runs,
            samples: shape.samples,
            block: samples_per_block(dim),
            nanoseconds: of_q + of_p + 1.0,
            most_pieces: usize::MAX,
            all_runs: false,
        };
        let sums = self.sizes.density.total() + self.sizes.placed;
        let per_run = work.total() / shape.runs.max(1) as f64;
        // A piece more costs about a nanosecond for each of its sums: that may take a twentieth.
        work.most_pieces = ((0.05 * per_run / sums.max(1) as f64) as usize).max(2);
        work
    }

    /// The components that the points of a task are carried into.
    fn strata(&self, stretch: &Stretch) -> std::ops::Range<usize> {
        match self.what.sites {
            Sites::At { .. } => 0..0,
            Sites::Along { nodes, .. } => {
                let m = nodes.weights.len().max(1);
                stretch.samples.start / m..stretch.samples.end.div_ceil(m)
            }
        }
    }

    /// The numbers that a task adds up for each of its runs: Σ w f, and what its gradients need.
    fn sums_len(&self, stretch: &Stretch) -> usize {
        1 + self.sizes.density.total() + self.strata(stretch).len() * self.sizes.placed
    }

    /// How many samples go together.
    fn block(&self, stretch: &Stretch) -> usize {
        let dim = self.shape.dim;
        let components = self.shape.components.max(self.what.sites.of_p());
        // Standard points may have more dimensions than x, and less room.
        let most = samples_per_block(self.q.scale.standard_dim(dim));
        (block_len::<f64>(components, dim).min(most)).min(stretch.samples.len())
    }

    fn stretch(&self, stretch: &Stretch, sums: &mut [f64]) {
        sums.fill(0.0);
        let (k, dim, block) = (self.shape.components, self.shape.dim, self.block(stretch));
        let of_p = self.what.sites.of_p();
        let standard_dim = self.q.scale.standard_dim(dim);
        let packed = packed_len(dim, block);
        let packed_z = packed_len(standard_dim, block);
        let len = (2 * padded::<f64>(packed) + padded::<f64>(packed_z))
            + padded::<f64>(block * standard_dim)
            + padded::<f64>(block * dim)
            + 6 * padded::<f64>(block)
            + Retained::<f64>::len(k, dim, block)
            + Retained::<f64>::len(of_p, dim, block);
        with_scratch(len, |scratch| {
            let mut rest = scratch;
            let mut memory = Memory {
                z: Packed {
                    dim: standard_dim,
                    count: 0,
                    values: take(&mut rest, packed_z),
                },
                x: [(); 2].map(|()| Packed {
                    dim,
                    count: 0,
                    values: take(&mut rest, packed),
                }),
                made: take(&mut rest, block * standard_dim),
                weighed: take(&mut rest, block * dim),
                numbers: [(); 6].map(|()| take(&mut rest, block)),
                of_q: Retained::take(&mut rest, k, dim, block),
                of_p: Retained::take(&mut rest, of_p, dim, block),
            };
            let per_run = self.sums_len(stretch);
            for (run, sums) in stretch.runs.clone().zip(sums.chunks_exact_mut(per_run)) {
                match self.what.sites {
                    Sites::At { x, weights, log_p } => {
                        let of = |values| of_run(values, run, self.shape.samples);
                        let x = of_run(x.values, run, self.shape.samples * dim);
                        let at = [x, of(weights), of(log_p)];
                        self.add_fixed(stretch, run, at, &mut memory, sums);
                    }
                    Sites::Along { nodes, p, .. } => {
                        let components;
                        let p = match p {
                            Under::Mixture(p) => {
                                components = p.components();
                                Some(&components)
                            }
                            Under::Function(_) => None,
                        };
                        self.along(stretch, run, nodes, p, &mut memory, sums);
                    }
                }
            }
        });
    }

    /// Adds the share of some points that stay in one run.
    fn add_fixed(
        &self,
        stretch: &Stretch,
        run: usize,
        [x, weights, log_p]: [&[f64]; 3],
        memory: &mut Memory<'_>,
        sums: &mut [f64],
    ) {
        let dim = self.shape.dim;
        let q = self.factors.run(run);
        let (value, mut density) = sums.split_at_mut(1);
        let [packed, _] = &mut memory.x;
        let [log_q, _, f, by_p, by_q, upstream] = &mut memory.numbers;
        let block = log_q.len();
        let mut start = stretch.samples.start;
        while start < stretch.samples.end {
            let count = (stretch.samples.end - start).min(block);
            let x = &x[start * dim..][..count * dim];
            let (weights, log_p) = (&weights[start..][..count], &log_p[start..][..count]);
            let log_q = &mut log_q[..count];
            if self.wants_gradients {
                packed.fill(self.width, x);
                memory.of_q.forward(self.width, &q, packed, log_q);
            } else {
                forward(self.width, &q, x, log_q);
            }
            let (f, by_q) = (&mut f[..count], &mut by_q[..count]);
            (self.what.function)(log_p, log_q, [f, &mut by_p[..count], by_q]);
            value[0] += dot(weights, f);
            if self.wants_gradients {
                let upstream = &mut upstream[..count];
                weigh(1.0, weights, by_q, upstream);
                let at = At {
                    x: packed,
                    log_density: log_q,
                    upstream,
                };
                let sums = self.sums(&mut density);
                memory.of_q.backward(self.width, &q, at, None, sums);
            }
            start += count;
        }
    }

    /// Adds the share of some points carried into the components of one run: p is a mixture, or has been told.
    fn along(
        &self,
        stretch: &Stretch,
        run: usize,
        nodes: Nodes<'_>,
        p: Option<&Components<'_, f64>>,
        memory: &mut Memory<'_>,
        sums: &mut [f64],
    ) {
        let (k, dim, m) = (self.shape.components, self.shape.dim, nodes.weights.len());
        let (width, q) = (self.width, self.factors.run(run));
        let log_weights = of_run(self.q.log_weights, run, k);
        let first_stratum = self.strata(stretch).start;
        let (value, rest) = sums.split_at_mut(1);
        let (mut density, placed) = rest.split_at_mut(self.sizes.density.total());
        let (packed_z, [x, gradient]) = (&mut memory.z, &mut memory.x);
        let z_dim = packed_z.dim;
        let block = memory.numbers[0].len();
        let mut start = stretch.samples.start;
        while start < stretch.samples.end {
            let (stratum, node) = (start / m, start % m);
            let count = (stretch.samples.end - start).min(block).min(m - node);
            let first = run * self.shape.samples + start;
            start += count;
            let weight = log_weights[stratum].exp();
            // A component that is absent may have any scale.
            if weight == 0.0 {
                continue;
            }
            let weights = &nodes.weights[node..][..count];
            let z = nodes.z.of(
                [run, stratum, node],
                [k, m, z_dim],
                &mut memory.made[..count * z_dim],
                width,
            );
            packed_z.fill(width, z);
            carry(width, component(self.q, run, stratum), packed_z, x);
            let [log_p, log_q, f, by_p, by_q, upstream] =
                (memory.numbers.each_mut()).map(|all| &mut all[..count]);
            match p {
                Some(p) => memory.of_p.forward(width, p, x, log_p),
                None => log_p.copy_from_slice(&self.told.log_p[first..][..count]),
            }
            memory.of_q.forward(width, &q, x, log_q);
            (self.what.function)(log_p, log_q, [f, by_p, by_q]);
            let share = weight * dot(weights, f);
            value[0] += share;
            if !self.wants_gradients {
                continue;
            }
            weigh(weight, weights, by_p, upstream);
            if let Some(p) = p {
                gradient.clear(count);
                let at = At {
                    x,
                    log_density: log_p,
                    upstream,
                };
                (memory.of_p).backward(width, p, at, Some(gradient), Sums::none());
            } else {
                let slopes = &self.told.gradient[first * dim..][..count * dim];
                let slopes = slopes.chunks_exact(dim).zip(&*upstream);
                let weighed = &mut memory.weighed[..count * dim];
                for (weighed, (slopes, upstream)) in weighed.chunks_exact_mut(dim).zip(slopes) {
                    for (weighed, slope) in weighed.iter_mut().zip(slopes) {
                        *weighed = upstream * slope;
                    }
                }
                gradient.count = count;
                gradient.fill_with_zeros(width, weighed);
            }
            weigh(weight, weights, by_q, upstream);
            let at = At {
                x,
                log_density: log_q,
                upstream,
            };
            let sums = self.sums(&mut density);
            memory.of_q.backward(width, &q, at, Some(gradient), sums);
            let at = (stratum - first_stratum) * self.sizes.placed;
            let (share_sum, rest) = placed[at..][..self.sizes.placed].split_at_mut(1);
            let (mean, scale) = rest.split_at_mut(dim);
            share_sum[0] += share;
            carry_back(width, packed_z, gradient, mean, scale);
        }
    }

    /// The sums of the gradient through log q.
    fn sums<'s>(&self, density: &'s mut &mut [f64]) -> Sums<'s, f64> {
        let (weights, rest) = density.split_at_mut(self.sizes.density.weights);
        let (means, squares) = rest.split_at_mut(self.sizes.density.means);
        Sums {
            weights,
            means,
            squares,
            whitened: self.sizes.density.whitened,
        }
    }

    /// Adds up the tasks, in their order.
    fn collect(&self, stretches: &[Stretch], sums: &mut [f64], expected: &mut Expected) {
        let mut rest = sums;
        let mut pending: Option<(usize, &mut [f64])> = None;
        for stretch in stretches {
            for run in stretch.runs.clone() {
                let piece = cut(&mut rest, self.sums_len(stretch));
                let (value, piece) = piece.split_at_mut(1);
                let (density, placed) = piece.split_at_mut(self.sizes.density.total());
                expected.values[run] += value[0];
                if self.sizes.placed > 0 {
                    let strata = self.strata(stretch).zip(placed.chunks(self.sizes.placed));
                    for (k, placed) in strata {
                        self.add_placed(&mut expected.gradients, run, k, placed);
                    }
                }
                match &mut pending {
                    Some((pending, sums)) if *pending == run => {
                        for (sum, &piece) in sums.iter_mut().zip(&*density) {
                            *sum += piece;
                        }
                    }
                    _ => {
                        if let Some((run, sums)) = pending.replace((run, density)) {
                            self.add_density(&mut expected.gradients, run, sums);
                        }
                    }
                }
            }
        }
        if let Some((run, sums)) = pending {
            self.add_density(&mut expected.gradients, run, sums);
        }
    }

    fn add_density(&self, gradients: &mut Gradients<f64>, run: usize, sums: &mut [f64]) {
        if self.sizes.density.total() > 0 {
            let components = self.factors.run(run);
            gradients.add(&components, self.q, run, self.sizes.density, sums);
        }
    }

    fn add_placed(&self, gradients: &mut Gradients<f64>, run: usize, k: usize, placed: &[f64]) {
        let (count, dim) = (self.shape.components, self.shape.dim);
        let (share, rest) = placed.split_at(1);
        let (mean, squares) = rest.split_at(dim);
        let add = |gradient: &mut [f64], sums: &[f64]| {
            for (gradient, sum) in gradient.iter_mut().zip(sums) {
                *gradient += sum;
            }
        };
        if !gradients.log_weights.is_empty() {
            add(
                &mut of_run_mut(&mut gradients.log_weights, run, count)[k..],
                share,
            );
        }
        if !gradients.means.is_empty() {
            add(
                &mut of_run_mut(&mut gradients.means, run, count * dim)[k * dim..],
                mean,
            );
        }
        if !gradients.scale.is_empty() {
            let per_component = self.q.scale.len_per_component(dim);
            let scale = of_run_mut(&mut gradients.scale, run, count * per_component);
            let scale = &mut scale[k * per_component..][..per_component];
            match self.q.scale {
                Scale::Tril(_) => {
                    let rows = scale.chunks_exact_mut(dim).zip(squares.chunks_exact(dim));
                    for (i, (scale, squares)) in rows.enumerate() {
                        add(&mut scale[..=i], squares);
                    }
                }
                Scale::Diagonal(_) | Scale::LowRank { .. } => add(scale, squares),
                Scale::Isotropic(_) => scale[0] += squares.iter().sum::<f64>(),
            }
        }
    }
}

/// What a task works in.
struct Memory<'a> {
    z: Packed<'a, f64>,
    /// x, and the gradient with respect to it.
    x: [Packed<'a, f64>; 2],
    /// z as it is made, `[block, D′]`.
    made: &'a mut [f64],
    /// The gradient of log p as it counts, `[block, D]`, where it has been told.
    weighed: &'a mut [f64],
    /// log p, log q, f, both slopes, and what goes upstream: `[block]`.
    numbers: [&'a mut [f64]; 6],
    of_q: Retained<'a, f64>,
    of_p: Retained<'a, f64>,
}

/// Σ a b, in an order of its own that depends on the length alone.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    const LANES: usize = 16;
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for (lane, (a, b)) in lanes.iter_mut().zip(a.iter().zip(b)) {
            *lane += a * b;
        }
    }
    let rest: f64 = a_rest
        .iter()
        .zip(b_rest)
        .map(|(a, b): (&f64, &f64)| a * b)
        .sum();
    lanes.iter().sum::<f64>() + rest
}

/// weight · node weight · slope, point by point.
fn weigh(weight: f64, weights: &[f64], slopes: &[f64], upstream: &mut [f64]) {
    for (upstream, (&node, &slope)) in upstream.iter_mut().zip(weights.iter().zip(slopes)) {
        *upstream = weight * node * slope;
    }
}
