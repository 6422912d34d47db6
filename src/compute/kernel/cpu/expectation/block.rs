//! A block of points of one run: both densities there, f with its slopes, and what these add to the sums.

use std::ops::Range;

use super::super::backward::Sums;
use super::super::factors::of_run;
use super::super::forward::forward;
use super::super::packed::{Packed, packed_len};
use super::super::placement::{carry, carry_back};
use super::super::prepared::Prepared;
use super::super::retained::{At, Retained};
use super::super::scratch::{padded, take, with_scratch};
use super::call::Call;
use super::numbers::Number;
use super::told::Told;
use super::weigh::{dot, dot_affine, times, weigh};
use super::{Fixed, Function, Nodes, Under, component};

/// Samples of one run that go together.
pub(super) struct Block<'c, 'a, T> {
    pub call: &'c Call<'a, T>,
    pub run: usize,
    pub samples: Range<usize>,
    /// Whether no other run had these samples before: what is the same in all is still to be made.
    pub is_first: bool,
    /// What p is at them, where a function has said it.
    pub told: Told<'a>,
}

/// What a task works in.
pub(super) struct Memory<'a, T> {
    z: Packed<'a, T>,
    /// x, and the gradient with respect to it.
    x: [Packed<'a, T>; 2],
    /// z as it is made, `[block, D′]`.
    made: &'a mut [f64],
    /// z or x as they are rounded, `[block, D′]` or `[block, D]`.
    rounded: &'a mut [T],
    /// The gradient of log p as it counts, `[block, D]`, where it has been told.
    weighed: &'a mut [T],
    log_p: Column<'a, T>,
    log_q: Column<'a, T>,
    /// f, `[block]`.
    f: &'a mut [f64],
    /// The slopes of f by log p and log q, which become what goes upstream.
    by: [Column<'a, T>; 2],
    of_q: Retained<'a, T>,
    of_p: Retained<'a, T>,
}

/// A number at each point of a block, and memory to widen it in.
struct Column<'a, T> {
    own: &'a mut [T],
    wide: &'a mut [f64],
}

impl<T: Number> Memory<'_, T> {
    /// For blocks of so many samples at most.
    pub fn with(call: &Call<'_, T>, block: usize, work: impl FnOnce(&mut Memory<'_, T>)) {
        let (k, dim) = (call.shape.components, call.shape.dim);
        let of_p = call.what.sites.of_p();
        let standard_dim = call.standard_dim;
        let packed = packed_len(dim, block);
        let packed_z = packed_len(standard_dim, block);
        let (rounded, room) = (T::room(block * standard_dim.max(dim)), T::room(block));
        let len = (2 * padded::<T>(packed) + padded::<T>(packed_z))
            + padded::<T>(rounded)
            + padded::<T>(block * dim)
            + 4 * padded::<T>(block)
            + Retained::<T>::len(k, dim, block)
            + Retained::<T>::len(of_p, dim, block);
        let wide_len =
            padded::<f64>(block * standard_dim) + padded::<f64>(block) + 4 * padded::<f64>(room);
        with_scratch(len, |mut rest| {
            with_scratch(wide_len, |mut wide| {
                let mut column = |rest: &mut _| Column {
                    own: take(rest, block),
                    wide: take(&mut wide, room),
                };
                let [log_p, log_q, by_p, by_q] = [(); 4].map(|()| column(&mut rest));
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
                    made: take(&mut wide, block * standard_dim),
                    rounded: take(&mut rest, rounded),
                    weighed: take(&mut rest, block * dim),
                    log_p,
                    log_q,
                    f: take(&mut wide, block),
                    by: [by_p, by_q],
                    of_q: Retained::take(&mut rest, k, dim, block),
                    of_p: Retained::take(&mut rest, of_p, dim, block),
                });
            });
        });
    }
}

impl<T: Number> Column<'_, T> {
    fn first(&mut self, count: usize) -> Column<'_, T> {
        Column {
            own: &mut self.own[..count],
            wide: self.wide,
        }
    }

    fn widened(&mut self) -> &[f64] {
        T::widened(self.own, self.wide)
    }

    /// Where to write what [`settle`](Self::settle) then rounds.
    fn wide(&mut self) -> &mut [f64] {
        T::wide(self.own, self.wide)
    }

    fn settle(&mut self) {
        T::settle(self.own, self.wide);
    }
}

impl<T: Number> Block<'_, '_, T> {
    /// The share of the points of a run that stay, with what it adds to the sums of log q's gradient. `is_shared`: whether
    /// other runs have them too.
    pub fn fixed(
        &self,
        of_run: Fixed<'_>,
        is_shared: bool,
        memory: &mut Memory<'_, T>,
        density: &mut [T],
    ) -> f64 {
        let (call, dim, width) = (self.call, self.call.shape.dim, self.call.width);
        let q = call.factors.run(self.run);
        // Another run may have more.
        let all = of_run.log_p.len();
        let here = self.samples.start.min(all)..self.samples.end.min(all);
        if here.is_empty() {
            return 0.0;
        }
        let count = here.len();
        let (weights, log_p) = (&of_run.weights[here.clone()], &of_run.log_p[here.clone()]);
        let x = &of_run.x[here.start * dim..here.end * dim];
        let [packed, _] = &mut memory.x;
        let mut log_q = memory.log_q.first(count);
        let mut by = memory.by.each_mut().map(|by| by.first(count));
        let f = &mut memory.f[..count];
        if call.wants_gradients {
            if self.is_first || !is_shared {
                packed.fill(width, T::rounded(x, memory.rounded));
            }
            memory.of_q.forward(width, &q, packed, log_q.own);
        } else {
            forward(width, &q, T::rounded(x, memory.rounded), log_q.own);
        }
        // Where the points stay, so does log p.
        let needed = [false, call.wants_gradients];
        let logs = [log_p, log_q.widened()];
        let share = self.weighed(1.0, weights, logs, f, &mut by, needed);
        if call.wants_gradients {
            let at = At {
                x: packed,
                log_density: log_q.own,
                upstream: by[1].own,
            };
            (memory.of_q).backward(width, &q, at, None, call.sums(density));
        }
        share
    }

    /// The share of points carried into a component of p, with what it adds to the sums of log q's gradient.
    pub fn under(
        &self,
        nodes: Nodes<'_>,
        p: &Prepared<f64>,
        memory: &mut Memory<'_, T>,
        density: &mut [T],
    ) -> f64 {
        let call = self.call;
        let (width, q, m) = (call.width, call.factors.run(self.run), nodes.weights.len());
        let (stratum, node) = (self.samples.start / m, self.samples.start % m);
        let p = T::prepared(p);
        let (count, given) = (self.samples.len(), p.mixture());
        let weight = given.log_weights[stratum].to_f64().exp();
        // A component that is absent may have any scale.
        if weight == 0.0 {
            return 0.0;
        }
        let (packed_z, [x, _]) = (&mut memory.z, &mut memory.x);
        let (mut log_p, mut log_q) = (memory.log_p.first(count), memory.log_q.first(count));
        let mut by = memory.by.each_mut().map(|by| by.first(count));
        let f = &mut memory.f[..count];
        if self.is_first || !nodes.z.are_shared() {
            let made = &mut memory.made[..count * packed_z.dim];
            let sizes = [given.components, m, packed_z.dim];
            let z = (nodes.z).of([self.run, stratum, node], sizes, made, width);
            packed_z.fill(width, T::rounded(z, memory.rounded));
            carry(width, component(&given, 0, stratum), packed_z, x);
            (memory.of_p).forward(width, &p.components(), x, log_p.own);
        }
        memory.of_q.forward(width, &q, x, log_q.own);
        let weights = &nodes.weights[node..][..count];
        // Where the points stay, so does log p.
        let needed = [false, call.wants_gradients];
        let logs = [log_p.widened(), log_q.widened()];
        let share = self.weighed(weight, weights, logs, f, &mut by, needed);
        if call.wants_gradients {
            let at = At {
                x,
                log_density: log_q.own,
                upstream: by[1].own,
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
        memory: &mut Memory<'_, T>,
        density: &mut [T],
        placed: &mut [T],
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
            packed_z.fill(width, T::rounded(z, memory.rounded));
        }
        let weight = of_run(call.q.log_weights, self.run, k)[stratum]
            .to_f64()
            .exp();
        // A component that is absent may have any scale.
        if weight == 0.0 {
            return 0.0;
        }
        carry(width, component(call.q, self.run, stratum), packed_z, x);
        let (mut log_p, mut log_q) = (memory.log_p.first(count), memory.log_q.first(count));
        let mut by = memory.by.each_mut().map(|by| by.first(count));
        let f = &mut memory.f[..count];
        let weights = &nodes.weights[node..][..count];
        let components;
        let p = match p {
            Under::Mixture(p) => {
                components = T::prepared(p).components();
                memory.of_p.forward(width, &components, x, log_p.own);
                Some(&components)
            }
            Under::Function { .. } => {
                log_p.wide().copy_from_slice(self.told.log_p);
                log_p.settle();
                None
            }
        };
        memory.of_q.forward(width, &q, x, log_q.own);
        let needed = [call.wants_gradients; 2];
        let logs = [log_p.widened(), log_q.widened()];
        let share = self.weighed(weight, weights, logs, f, &mut by, needed);
        if !call.wants_gradients {
            return share;
        }
        if let Some(p) = p {
            gradient.clear(count);
            let at = At {
                x,
                log_density: log_p.own,
                upstream: by[0].own,
            };
            (memory.of_p).backward(width, p, at, Some(gradient), Sums::none());
        } else {
            let slopes = self.told.gradient.chunks_exact(dim).zip(&*by[0].own);
            let weighed = &mut memory.weighed[..count * dim];
            for (weighed, (slopes, upstream)) in weighed.chunks_exact_mut(dim).zip(slopes) {
                for (weighed, &slope) in weighed.iter_mut().zip(slopes) {
                    *weighed = *upstream * T::from_f64(slope);
                }
            }
            gradient.count = count;
            gradient.fill_with_zeros(width, weighed);
        }
        let at = At {
            x,
            log_density: log_q.own,
            upstream: by[1].own,
        };
        (memory.of_q).backward(width, &q, at, Some(gradient), call.sums(density));
        let (share_sum, rest) = placed.split_at_mut(1);
        let (mean, scale) = rest.split_at_mut(dim);
        share_sum[0] += T::from_f64(share);
        carry_back(width, packed_z, gradient, mean, scale);
        share
    }

    /// weight · Σ weights · f, with weight · weights · slope for those slopes of f that are needed.
    fn weighed(
        &self,
        weight: f64,
        weights: &[f64],
        logs: [&[f64]; 2],
        f: &mut [f64],
        by: &mut [Column<'_, T>; 2],
        needed: [bool; 2],
    ) -> f64 {
        let width = self.call.width;
        match self.call.what.function {
            Function::Affine(affine) => {
                let wanted = by.iter_mut().zip(affine).zip(needed);
                for ((by, slope), _) in wanted.filter(|(_, needed)| *needed) {
                    times(width, weight * slope, weights, by.wide());
                    by.settle();
                }
                weight * dot_affine(width, weights, logs, affine)
            }
            Function::Any(any) => {
                let [by_p, by_q] = by;
                any(logs[0], logs[1], [f, by_p.wide(), by_q.wide()]);
                for (by, _) in by.iter_mut().zip(needed).filter(|(_, needed)| *needed) {
                    weigh(width, weight, weights, by.wide());
                    by.settle();
                }
                weight * dot(width, weights, f)
            }
        }
    }
}
