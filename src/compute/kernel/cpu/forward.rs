//! The log-density of one mixture at a stretch of samples.

use std::marker::PhantomData;

use pulp::{Simd, WithSimd};

use super::block::{
    COMPONENTS_AT_ONCE, LONGEST_GROUP, group_len, groups, groups_mut, pack, room, rows_per_group,
};
use super::components::{Component, Components};
use super::dispatch::for_component;
use super::log_sum_exp::{LogSumExp, log_add_exp};
use super::real::{Real, has_fma, lanes};
use super::scratch::{padded, take, with_scratch};
use super::width::Width;

/// Writes log p(x) for every sample in `x`, on the calling thread.
pub(crate) fn forward<T: Real>(
    width: Width,
    components: &Components<'_, T>,
    x: &[T],
    out: &mut [T],
) {
    if components.constants.iter().all(|&c| c == T::NEG_INFINITY) {
        return zero_density(components.dim, x, out);
    }
    let (dim, count) = (components.dim, components.constants.len());
    let rows = count.min(COMPONENTS_AT_ONCE);
    let room = room(dim, out.len());
    let len = padded::<T>(room * rows_per_group(dim))
        + padded::<T>(LONGEST_GROUP * dim)
        + padded::<T>(room * rows)
        + 4 * padded::<T>(room);
    // Out here, since a closure in there would not be compiled for its vector instructions.
    with_scratch(len, |scratch| dispatch(width, components, x, out, scratch));
}

fn dispatch<T: Real>(
    width: Width,
    components: &Components<'_, T>,
    x: &[T],
    out: &mut [T],
    scratch: &mut [T],
) {
    macro_rules! run {
        ($component:ty) => {
            width.dispatch(Forward::<T, $component> {
                components,
                x,
                out,
                scratch,
                component: PhantomData,
            })
        };
    }
    for_component!(components, run)
}

/// Where no component is present the density is 0, at any x that is a number.
#[cold]
fn zero_density<T: Real>(dim: usize, x: &[T], out: &mut [T]) {
    for (x, out) in x.chunks_exact(dim).zip(out) {
        let nan = x.iter().copied().find(|x| x.is_nan());
        *out = nan.unwrap_or(T::NEG_INFINITY);
    }
}

struct Forward<'a, T, C> {
    components: &'a Components<'a, T>,
    x: &'a [T],
    out: &'a mut [T],
    scratch: &'a mut [T],
    component: PhantomData<C>,
}

impl<'a, T: Real, C: Component<'a, T>> WithSimd for Forward<'a, T, C> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // Four by four tiles of sums need more than sixteen registers.
        if S::REGISTER_COUNT >= 32 {
            self.blocks::<S, 4>(simd);
        } else {
            self.blocks::<S, 2>(simd);
        }
    }
}

impl<'a, T: Real, C: Component<'a, T>> Forward<'a, T, C> {
    #[inline(always)]
    fn blocks<S: Simd, const W: usize>(self, simd: S) {
        let dim = self.components.dim;
        let group = group_len::<T, S, W>();
        let block = room(dim, self.out.len());
        let rows = self.components.constants.len().min(COMPONENTS_AT_ONCE);
        let mut rest = self.scratch;
        let stride = rows_per_group(dim);
        let packed = take(&mut rest, block * stride);
        let z = take(&mut rest, group * dim);
        let terms = take(&mut rest, block * rows);
        let result = take(&mut rest, block);
        let mut sums = [(); 3].map(|()| take(&mut rest, block));
        for (x, out) in (self.x.chunks(block * dim)).zip(self.out.chunks_mut(block)) {
            let len = out.len().next_multiple_of(group);
            pack(dim, group, x, packed);
            let [max, shift, sum] = &mut sums;
            let mut work = Block {
                components: self.components,
                packed: &packed[..len * stride],
                z,
                terms,
                sums: LogSumExp {
                    max: &mut max[..len],
                    shift: &mut shift[..len],
                    sum: &mut sum[..len],
                },
                result: &mut result[..len],
            };
            work.log_density::<C, S, W>(simd, false);
            // Overflow may have made ∞ − ∞ or 0 · ∞ of a z that is infinite.
            if (work.result.iter()).fold(false, |any, result| any | result.is_nan()) {
                work.log_density::<C, S, W>(simd, true);
            }
            out.copy_from_slice(&work.result[..out.len()]);
        }
    }
}

/// A block of samples at work.
struct Block<'a, 'b, T> {
    components: &'b Components<'a, T>,
    packed: &'b [T],
    z: &'b mut [T],
    terms: &'b mut [T],
    sums: LogSumExp<'b, T>,
    result: &'b mut [T],
}

impl<'a, T: Real> Block<'a, '_, T> {
    #[inline(always)]
    fn log_density<C: Component<'a, T>, S: Simd, const W: usize>(
        &mut self,
        simd: S,
        careful: bool,
    ) {
        let (dim, len) = (self.components.dim, self.result.len());
        let stride = rows_per_group(dim);
        let count = self.components.constants.len();
        let minus_half = T::splat(simd, T::from_f64(-0.5));
        let z = groups_mut::<T, S, W>(self.z);
        let x = groups::<T, S, W>(self.packed);
        let mut first = 0;
        while first < count {
            let chunk = (count - first).min(COMPONENTS_AT_ONCE);
            let terms = &mut self.terms[..chunk * len];
            for (k, row) in (first..).zip(terms.chunks_exact_mut(len)) {
                let constant = self.components.constants[k];
                if constant == T::NEG_INFINITY {
                    row.fill(constant);
                    continue;
                }
                let component = C::new(self.components, k);
                let constant = T::splat(simd, constant);
                let row_groups = groups_mut::<T, S, W>(row);
                for (group, row) in row_groups.iter_mut().enumerate() {
                    let x = &x[group * stride..][..dim];
                    let squared = component.whiten(simd, x, z);
                    for v in 0..W {
                        row[v] = T::v_mul_add(simd, minus_half, squared[v], constant);
                    }
                }
                if careful {
                    overflowed_to_zero(self.components, k, W * lanes::<T, S>(), self.packed, row);
                }
            }
            if count == 1 {
                self.result.copy_from_slice(terms);
                return;
            }
            if count == 2 {
                let (a, b) = terms.split_at(len);
                if has_fma::<S>() {
                    log_add_exp::<T, true>(a, b, self.result);
                } else {
                    log_add_exp::<T, false>(a, b, self.result);
                }
                return;
            }
            if has_fma::<S>() {
                self.sums.absorb::<true>(terms, first == 0);
            } else {
                self.sums.absorb::<false>(terms, first == 0);
            }
            first += chunk;
        }
        if has_fma::<S>() {
            self.sums.finish::<true>(self.result);
        } else {
            self.sums.finish::<false>(self.result);
        }
    }
}

/// Puts −∞ for the terms that overflow made NaN: those of samples and a component without NaN.
#[cold]
pub(crate) fn overflowed_to_zero<T: Real>(
    components: &Components<'_, T>,
    k: usize,
    group_len: usize,
    packed: &[T],
    terms: &mut [T],
) {
    if !components.is_finite(k) {
        return;
    }
    let (size, stride) = (
        group_len * components.dim,
        group_len * rows_per_group(components.dim),
    );
    for (n, term) in terms.iter_mut().enumerate() {
        let (group, lane) = (n / group_len, n % group_len);
        let mut sample = (packed[group * stride..][..size].iter())
            .skip(lane)
            .step_by(group_len);
        if term.is_nan() && !sample.any(|x| x.is_nan()) {
            *term = T::NEG_INFINITY;
        }
    }
}
