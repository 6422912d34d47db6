//! A block of points of one run: both densities there, f with its slopes, and what these add to the sums.

use std::ops::Range;

use super::super::backward::Sums;
use super::super::factors::of_run;
use super::super::forward::forward;
use super::super::inputs::Points;
use super::super::packed::{Packed, packed_len};
use super::super::placement::{carry, carry_back};
use super::super::prepared::Prepared;
use super::super::retained::{At, Retained};
use super::super::scratch::{padded, take, with_scratch};
use super::call::Call;
use super::weigh::{dot, dot_affine, times, weigh};
use super::{Function, Nodes, Under, component};

/// Samples of one run that go together.
pub(super) struct Block<'c, 'a> {
    pub call: &'c Call<'a>,
    pub run: usize,
    pub samples: Range<usize>,
    /// Whether no other run had these samples before: what is the same in all is still to be made.
    pub is_first: bool,
}

/// What a task works in.
pub(super) struct Memory<'a> {
    z: Packed<'a, f64>,
    /// x, and the gradient with respect to it.
    x: [Packed<'a, f64>; 2],
    /// z as it is made, `[block, D′]`.
    made: &'a mut [f64],
    /// The gradient of log p as it counts, `[block, D]`, where it has been told.
    weighed: &'a mut [f64],
    /// log p, log q, f, and its slopes, which become what goes upstream: `[block]`.
    numbers: [&'a mut [f64]; 5],
    of_q: Retained<'a, f64>,
    of_p: Retained<'a, f64>,
}

impl Memory<'_> {
    /// For blocks of so many samples at most.
    pub fn with(call: &Call<'_>, block: usize, work: impl FnOnce(&mut Memory<'_>)) {
        let (k, dim) = (call.shape.components, call.shape.dim);
        let of_p = call.what.sites.of_p();
        let standard_dim = call.what.sites.standard_dim(call.q);
        let packed = packed_len(dim, block);
        let packed_z = packed_len(standard_dim, block);
        let len = (2 * padded::<f64>(packed) + padded::<f64>(packed_z))
            + padded::<f64>(block * standard_dim)
            + padded::<f64>(block * dim)
            + 5 * padded::<f64>(block)
            + Retained::<f64>::len(k, dim, block)
            + Retained::<f64>::len(of_p, dim, block);
        with_scratch(len, |scratch| {
            let mut rest = scratch;
            work(&mut Memory {
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
                numbers: [(); 5].map(|()| take(&mut rest, block)),
                of_q: Retained::take(&mut rest, k, dim, block),
                of_p: Retained::take(&mut rest, of_p, dim, block),
            });
        });
    }
}

impl Block<'_, '_> {
    /// The share of points that stay, with what it adds to the sums of log q's gradient.
    pub fn fixed(
        &self,
        x: Points<'_, f64>,
        [weights, log_p]: [&[f64]; 2],
        memory: &mut Memory<'_>,
        density: &mut [f64],
    ) -> f64 {
        let call = self.call;
        let (all, dim, width) = (call.shape.samples, call.shape.dim, call.width);
        let q = call.factors.run(self.run);
        let [packed, _] = &mut memory.x;
        let count = self.samples.len();
        let [_, log_q, f, by_p, by_q] = (memory.numbers.each_mut()).map(|all| &mut all[..count]);
        let of = |values| &of_run(values, self.run, all)[self.samples.clone()];
        let (weights, log_p) = (of(weights), of(log_p));
        let here = self.samples.start * dim..self.samples.end * dim;
        let place = || &of_run(x.values, self.run, all * dim)[here];
        if !call.wants_gradients {
            forward(width, &q, place(), log_q);
            return self.weighed(1.0, weights, [log_p, log_q], f, [by_p, by_q], [false; 2]);
        }
        if self.is_first || x.runs > 1 {
            packed.fill(width, place());
        }
        memory.of_q.forward(width, &q, packed, log_q);
        // Where the points stay, so does log p.
        let needed = [false, true];
        let share = self.weighed(1.0, weights, [log_p, log_q], f, [by_p, by_q], needed);
        let at = At {
            x: packed,
            log_density: log_q,
            upstream: by_q,
        };
        (memory.of_q).backward(width, &q, at, None, call.sums(density));
        share
    }

    /// The share of points carried into a component of p, with what it adds to the sums of log q's gradient.
    pub fn under(
        &self,
        nodes: Nodes<'_>,
        p: &Prepared<f64>,
        memory: &mut Memory<'_>,
        density: &mut [f64],
    ) -> f64 {
        let call = self.call;
        let (width, q, m) = (call.width, call.factors.run(self.run), nodes.weights.len());
        let (stratum, node) = (self.samples.start / m, self.samples.start % m);
        let (count, given) = (self.samples.len(), p.mixture());
        let weight = given.log_weights[stratum].exp();
        // A component that is absent may have any scale.
        if weight == 0.0 {
            return 0.0;
        }
        let (packed_z, [x, _]) = (&mut memory.z, &mut memory.x);
        let [log_p, log_q, f, by_p, by_q] =
            (memory.numbers.each_mut()).map(|all| &mut all[..count]);
        if self.is_first || !nodes.z.are_shared() {
            let made = &mut memory.made[..count * packed_z.dim];
            let sizes = [given.components, m, packed_z.dim];
            let z = (nodes.z).of([self.run, stratum, node], sizes, made, width);
            packed_z.fill(width, z);
            carry(width, component(&given, 0, stratum), packed_z, x);
            (memory.of_p).forward(width, &p.components(), x, log_p);
        }
        memory.of_q.forward(width, &q, x, log_q);
        let weights = &nodes.weights[node..][..count];
        // Where the points stay, so does log p.
        let needed = [false, call.wants_gradients];
        let share = self.weighed(weight, weights, [log_p, log_q], f, [by_p, by_q], needed);
        if call.wants_gradients {
            let at = At {
                x,
                log_density: log_q,
                upstream: by_q,
            };
            (memory.of_q).backward(width, &q, at, None, call.sums(density));
        }
        share
    }

    /// The share of points carried into a component of q, with what it adds to the sums of log q's gradient and of
    /// the component's own.
    pub fn along(
        &self,
        nodes: Nodes<'_>,
        p: Under<'_>,
        memory: &mut Memory<'_>,
        density: &mut [f64],
        placed: &mut [f64],
    ) -> f64 {
        let call = self.call;
        let (k, dim, m) = (call.shape.components, call.shape.dim, nodes.weights.len());
        let (width, q) = (call.width, call.factors.run(self.run));
        let (stratum, node) = (self.samples.start / m, self.samples.start % m);
        let count = self.samples.len();
        let (packed_z, [x, gradient]) = (&mut memory.z, &mut memory.x);
        if self.is_first || !nodes.z.are_shared() {
            let made = &mut memory.made[..count * packed_z.dim];
            let sizes = [k, m, packed_z.dim];
            let z = (nodes.z).of([self.run, stratum, node], sizes, made, width);
            packed_z.fill(width, z);
        }
        let weight = of_run(call.q.log_weights, self.run, k)[stratum].exp();
        // A component that is absent may have any scale.
        if weight == 0.0 {
            return 0.0;
        }
        carry(width, component(call.q, self.run, stratum), packed_z, x);
        let [log_p, log_q, f, by_p, by_q] =
            (memory.numbers.each_mut()).map(|all| &mut all[..count]);
        let first = self.run * call.shape.samples + self.samples.start;
        let weights = &nodes.weights[node..][..count];
        let components;
        let p = match p {
            Under::Mixture(p) => {
                components = p.components();
                memory.of_p.forward(width, &components, x, log_p);
                Some(&components)
            }
            Under::Function(_) => {
                log_p.copy_from_slice(&call.told.log_p[first..][..count]);
                None
            }
        };
        memory.of_q.forward(width, &q, x, log_q);
        let needed = [call.wants_gradients; 2];
        let share = self.weighed(weight, weights, [log_p, log_q], f, [by_p, by_q], needed);
        if !call.wants_gradients {
            return share;
        }
        if let Some(p) = p {
            gradient.clear(count);
            let at = At {
                x,
                log_density: log_p,
                upstream: by_p,
            };
            (memory.of_p).backward(width, p, at, Some(gradient), Sums::none());
        } else {
            let slopes = &call.told.gradient[first * dim..][..count * dim];
            let slopes = slopes.chunks_exact(dim).zip(&*by_p);
            let weighed = &mut memory.weighed[..count * dim];
            for (weighed, (slopes, upstream)) in weighed.chunks_exact_mut(dim).zip(slopes) {
                for (weighed, slope) in weighed.iter_mut().zip(slopes) {
                    *weighed = upstream * slope;
                }
            }
            gradient.count = count;
            gradient.fill_with_zeros(width, weighed);
        }
        let at = At {
            x,
            log_density: log_q,
            upstream: by_q,
        };
        (memory.of_q).backward(width, &q, at, Some(gradient), call.sums(density));
        let (share_sum, rest) = placed.split_at_mut(1);
        let (mean, scale) = rest.split_at_mut(dim);
        share_sum[0] += share;
        carry_back(width, packed_z, gradient, mean, scale);
        share
    }

    /// weight · Σ weights · f, with weight · weights · slope for those slopes of f that are needed.
    fn weighed(
        &self,
        weight: f64,
        weights: &[f64],
        [log_p, log_q]: [&[f64]; 2],
        f: &mut [f64],
        [by_p, by_q]: [&mut [f64]; 2],
        needed: [bool; 2],
    ) -> f64 {
        let width = self.call.width;
        match self.call.what.function {
            Function::Affine([a, b, c]) => {
                for ((slope, by), _) in
                    ([a, b].into_iter().zip([by_p, by_q]).zip(needed)).filter(|(_, needed)| *needed)
                {
                    times(width, weight * slope, weights, by);
                }
                weight * dot_affine(width, weights, [log_p, log_q], [a, b, c])
            }
            Function::Any(any) => {
                any(log_p, log_q, [f, by_p, by_q]);
                for (slopes, _) in
                    ([by_p, by_q].into_iter().zip(needed)).filter(|(_, needed)| *needed)
                {
                    weigh(width, weight, weights, slopes);
                }
                weight * dot(width, weights, f)
            }
        }
    }
}
