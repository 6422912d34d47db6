//! The log-density of a block of samples, keeping what its gradients need.
//!
//! Between the value and the gradient the standardised samples z and the shares of the components
//! stay in the cache, so that neither is worked out twice. Where they would not fit there, or where
//! something is infinite or NaN, the gradient starts from x again.

use std::marker::PhantomData;

use pulp::{Simd, WithSimd};

use super::backward::{self, GradX, Samples, Sums};
use super::block::{
    LONGEST_GROUP, group_len, groups, groups_mut, room, rows_per_group, samples_per_block,
};
use super::components::{Component, ComponentSums, Components, accumulate_sums, reduce};
use super::dispatch::for_component;
use super::forward::forward;
use super::packed::{Packed, packed_len};
use super::real::{Real, has_fma};
use super::scratch::{padded, take, with_scratch};
use super::width::Width;

/// What may be kept: a good part of a core's second-level cache.
const MOST_KEPT: usize = 640 << 10;

/// How many samples a block has, so that what is kept of them fits into the cache; as many as
/// without keeping anything, where that is hopeless.
pub(crate) fn block_len<T>(components: usize, dim: usize) -> usize {
    let per_sample = components * (rows_per_group(dim) + 1) * size_of::<T>();
    let fitting = MOST_KEPT / per_sample.max(1) / LONGEST_GROUP * LONGEST_GROUP;
    match fitting {
        0 => samples_per_block(dim),
        fitting => fitting.min(samples_per_block(dim)),
    }
}

/// A block of samples under one mixture: memory for it, and what it holds.
pub(crate) struct Retained<'a, T> {
    /// z of each component, `[K]` blocks; empty if it would not fit.
    z: &'a mut [T],
    /// exp(log wₖ Nₖ(x) − max), `[K, block]`.
    shares: &'a mut [T],
    /// 1 / Σ of the shares, `[block]`.
    inverse: &'a mut [T],
    /// Working memory.
    b: &'a mut [T],
    weights: &'a mut [T],
    upstream: &'a mut [T],
    /// Whether all of it is there and finite.
    is_complete: bool,
}

impl<'a, T: Real> Retained<'a, T> {
    /// How many numbers of memory a block of this many samples takes.
    pub fn len(components: usize, dim: usize, samples: usize) -> usize {
        let (room, packed) = (room(dim, samples), packed_len(dim, samples));
        let kept = if Self::fits(components, dim, samples) {
            padded::<T>(components * packed) + padded::<T>(components * room)
        } else {
            0
        };
        kept + padded::<T>(packed) + 3 * padded::<T>(room)
    }

    fn fits(components: usize, dim: usize, samples: usize) -> bool {
        let kept = components * (packed_len(dim, samples) + room(dim, samples));
        kept * size_of::<T>() <= MOST_KEPT
    }

    /// Takes its memory off the front.
    pub fn take(rest: &mut &'a mut [T], components: usize, dim: usize, samples: usize) -> Self {
        let (room, packed) = (room(dim, samples), packed_len(dim, samples));
        let kept = if Self::fits(components, dim, samples) {
            components
        } else {
            0
        };
        Self {
            z: take(rest, kept * packed),
            shares: take(rest, kept * room),
            b: take(rest, packed),
            inverse: take(rest, room),
            weights: take(rest, room),
            upstream: take(rest, room),
            is_complete: false,
        }
    }

    /// Writes log p(x).
    pub fn forward(
        &mut self,
        width: Width,
        components: &Components<'_, T>,
        x: &Packed<'_, T>,
        out: &mut [T],
    ) {
        self.is_complete = !self.z.is_empty() && self.keep(width, components, x, out);
        if !self.is_complete {
            with_scratch(x.count * x.dim, |plain| {
                x.write(width, plain, false);
                forward(width, components, plain, out);
            });
        }
    }

    /// Adds what Σ upstream · log p(x) gives to the sums, and to `gradient` with respect to x if
    /// wanted.
    pub fn backward(
        &mut self,
        width: Width,
        components: &Components<'_, T>,
        at: At<'_, '_, T>,
        gradient: Option<&mut Packed<'_, T>>,
        sums: Sums<'_, T>,
    ) {
        if self.is_complete {
            return self.pull_back(width, components, at, gradient, sums);
        }
        let (count, dim) = (at.x.count, at.x.dim);
        with_scratch(2 * padded::<T>(count * dim), |mut plain| {
            let [x, grad_x] = [(); 2].map(|()| take(&mut plain, count * dim));
            at.x.write(width, x, false);
            let samples = Samples {
                x,
                log_density: at.log_density,
                upstream: at.upstream,
            };
            match gradient {
                Some(gradient) => {
                    gradient.write(width, grad_x, false);
                    let to = GradX {
                        values: &mut *grad_x,
                        add: true,
                    };
                    backward::backward(width, components, samples, Some(to), sums);
                    gradient.fill_with_zeros(width, grad_x);
                }
                None => backward::backward(width, components, samples, None, sums),
            }
        });
    }

    fn keep(
        &mut self,
        width: Width,
        components: &Components<'_, T>,
        x: &Packed<'_, T>,
        out: &mut [T],
    ) -> bool {
        macro_rules! run {
            ($component:ty) => {
                width.dispatch(Keep::<T, $component> {
                    components,
                    x: x.values,
                    out,
                    z: self.z,
                    shares: self.shares,
                    inverse: self.inverse,
                    result: self.weights,
                    component: PhantomData,
                })
            };
        }
        for_component!(components, run)
    }

    fn pull_back(
        &mut self,
        width: Width,
        components: &Components<'_, T>,
        at: At<'_, '_, T>,
        gradient: Option<&mut Packed<'_, T>>,
        sums: Sums<'_, T>,
    ) {
        let gradient = gradient.map(|gradient| &mut *gradient.values);
        macro_rules! run {
            ($component:ty) => {
                width.dispatch(PullBack::<T, $component> {
                    components,
                    upstream: at.upstream,
                    gradient,
                    sums,
                    z: self.z,
                    shares: self.shares,
                    inverse: self.inverse,
                    b: self.b,
                    weights: self.weights,
                    scaled: self.upstream,
                    component: PhantomData,
                })
            };
        }
        for_component!(components, run)
    }
}

/// Samples, with what is known of each.
#[derive(Clone, Copy)]
pub(crate) struct At<'a, 'b, T> {
    pub x: &'a Packed<'b, T>,
    /// log p(x), `[N]`.
    pub log_density: &'a [T],
    /// The gradient with respect to log p(x), `[N]`.
    pub upstream: &'a [T],
}

struct Keep<'a, 'b, T, C> {
    components: &'b Components<'a, T>,
    x: &'b [T],
    out: &'b mut [T],
    z: &'b mut [T],
    shares: &'b mut [T],
    inverse: &'b mut [T],
    result: &'b mut [T],
    component: PhantomData<C>,
}

impl<'a, T: Real, C: Component<'a, T>> WithSimd for Keep<'a, '_, T, C> {
    /// Whether all terms are finite.
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> bool {
        if S::REGISTER_COUNT >= 32 {
            self.run::<S, 4>(simd)
        } else {
            self.run::<S, 2>(simd)
        }
    }
}

impl<'a, T: Real, C: Component<'a, T>> Keep<'a, '_, T, C> {
    #[inline(always)]
    fn run<S: Simd, const W: usize>(self, simd: S) -> bool {
        let (dim, count) = (self.components.dim, self.components.constants.len());
        let (group, stride) = (group_len::<T, S, W>(), rows_per_group(dim));
        let len = self.out.len().next_multiple_of(group);
        let x = groups::<T, S, W>(&self.x[..len * stride]);
        let minus_half = T::splat(simd, T::from_f64(-0.5));
        let mut total = [T::splat(simd, T::ZERO); W];
        let mut present = 0;
        for k in 0..count {
            // Of one component the term is the log-density, and its share all there is.
            let terms = match count {
                1 if self.out.len() == len => &mut *self.out,
                1 => &mut self.result[..len],
                _ => &mut self.shares[k * len..][..len],
            };
            let constant = self.components.constants[k];
            if constant == T::NEG_INFINITY {
                terms.fill(constant);
                continue;
            }
            present += 1;
            let component = C::new(self.components, k);
            let constant = T::splat(simd, constant);
            let z = groups_mut::<T, S, W>(&mut self.z[k * len * stride..][..len * stride]);
            let terms = groups_mut::<T, S, W>(terms);
            for (g, terms) in terms.iter_mut().enumerate() {
                let here = g * stride..g * stride + dim;
                let squared = component.whiten(simd, &x[here.clone()], &mut z[here]);
                for v in 0..W {
                    terms[v] = T::v_mul_add(simd, minus_half, squared[v], constant);
                    total[v] = T::v_add(simd, total[v], terms[v]);
                }
            }
        }
        if present == 0 || !reduce::<T, S, W>(simd, total).is_finite() {
            return false;
        }
        let shares = &mut self.shares[..count * len];
        let (inverse, result) = (&mut self.inverse[..len], &mut self.result[..len]);
        match (count, has_fma::<S>()) {
            (1, _) if self.out.len() == len => return true,
            (1, _) => {}
            (_, true) => share_out::<T, true>(shares, inverse, result),
            (_, false) => share_out::<T, false>(shares, inverse, result),
        }
        self.out.copy_from_slice(&result[..self.out.len()]);
        true
    }
}

/// From finite terms, or −∞ for an absent component, to their shares, the inverse of the sum of
/// these, and the log of the sum of the terms.
#[inline(always)]
fn share_out<T: Real, const FMA: bool>(shares: &mut [T], inverse: &mut [T], log_sum: &mut [T]) {
    let len = inverse.len();
    let log_sum = &mut log_sum[..len];
    if shares.len() == 2 * len {
        let (a, b) = shares.split_at_mut(len);
        for n in 0..len {
            let (first, second) = (a[n], b[n]);
            let is_first = first > second;
            let (max, min) = if is_first {
                (first, second)
            } else {
                (second, first)
            };
            let ratio = (min - max).exp::<FMA>();
            let [ln, reciprocal] = (T::ONE + ratio).ln_and_reciprocal::<FMA>();
            log_sum[n] = max + ln;
            inverse[n] = reciprocal;
            a[n] = if is_first { T::ONE } else { ratio };
            b[n] = if is_first { ratio } else { T::ONE };
        }
        return;
    }
    let max = log_sum;
    max.copy_from_slice(&shares[..len]);
    for row in shares.chunks_exact(len).skip(1) {
        for (max, &term) in max.iter_mut().zip(row) {
            *max = if *max > term { *max } else { term };
        }
    }
    let sum = inverse;
    sum.fill(T::ZERO);
    for row in shares.chunks_exact_mut(len) {
        for ((term, sum), &max) in row.iter_mut().zip(sum.iter_mut()).zip(&*max) {
            *term = (*term - max).exp::<FMA>();
            *sum += *term;
        }
    }
    for (max, sum) in max.iter_mut().zip(sum) {
        let [ln, reciprocal] = sum.ln_and_reciprocal::<FMA>();
        *max += ln;
        *sum = reciprocal;
    }
}

struct PullBack<'a, 'b, 'c, T, C> {
    components: &'b Components<'a, T>,
    upstream: &'b [T],
    gradient: Option<&'b mut [T]>,
    sums: Sums<'c, T>,
    z: &'b [T],
    shares: &'b [T],
    inverse: &'b [T],
    b: &'b mut [T],
    weights: &'b mut [T],
    scaled: &'b mut [T],
    component: PhantomData<C>,
}

impl<'a, T: Real, C: Component<'a, T>> WithSimd for PullBack<'a, '_, '_, T, C> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if S::REGISTER_COUNT >= 32 {
            self.run::<S, 4>(simd);
        } else {
            self.run::<S, 2>(simd);
        }
    }
}

impl<'a, T: Real, C: Component<'a, T>> PullBack<'a, '_, '_, T, C> {
    #[inline(always)]
    fn run<S: Simd, const W: usize>(mut self, simd: S) {
        let (dim, count) = (self.components.dim, self.components.constants.len());
        let (group, stride) = (group_len::<T, S, W>(), rows_per_group(dim));
        let samples = self.upstream.len();
        let len = samples.next_multiple_of(group);
        let scaled = &mut self.scaled[..len];
        let inverse = &self.inverse[..len];
        // Of one component the share is all there is.
        let scaled: &[T] = match count {
            1 if samples == len => self.upstream,
            1 => {
                scaled[..samples].copy_from_slice(self.upstream);
                // Samples that only fill the last group have no weight.
                scaled[samples..].fill(T::ZERO);
                scaled
            }
            _ => {
                for (scaled, (&upstream, &inverse)) in
                    scaled.iter_mut().zip(self.upstream.iter().zip(inverse))
                {
                    *scaled = upstream * inverse;
                }
                scaled[samples..].fill(T::ZERO);
                scaled
            }
        };
        let squares_len = self.sums.squares.len() / count.max(1);
        let means_len = if self.sums.means.is_empty() { 0 } else { dim };
        let wants_b = self.gradient.is_some() || means_len > 0 || squares_len > 0;
        let b = groups_mut::<T, S, W>(&mut self.b[..len * stride]);
        for k in 0..count {
            if self.components.constants[k] == T::NEG_INFINITY {
                continue;
            }
            let weights = match count {
                1 => scaled,
                _ => {
                    let weights = &mut self.weights[..len];
                    let shares = &self.shares[k * len..][..len];
                    for ((weight, &scaled), &share) in weights.iter_mut().zip(scaled).zip(shares) {
                        *weight = scaled * share;
                    }
                    weights
                }
            };
            let weights = groups::<T, S, W>(weights);
            if !self.sums.weights.is_empty() {
                accumulate_sums(simd, weights, 1, &mut self.sums.weights[k..=k]);
            }
            if !wants_b {
                continue;
            }
            let z = groups::<T, S, W>(&self.z[k * len * stride..][..len * stride]);
            let gradient = (self.gradient.as_deref_mut())
                .map(|gradient| groups_mut::<T, S, W>(&mut gradient[..len * stride]));
            let sums = ComponentSums {
                means: &mut self.sums.means[k * means_len..][..means_len],
                squares: &mut self.sums.squares[k * squares_len..][..squares_len],
                whitened: self.sums.whitened,
            };
            C::new(self.components, k).pull_back(simd, weights, z, b, gradient, sums);
        }
    }
}
