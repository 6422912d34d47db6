//! Blocks of samples: turning `[sample][D]` into vectors of samples and back.

#![allow(
    clippy::needless_range_loop,
    reason = "the loop over a strip is to be unrolled by its index"
)]

use pulp::Simd;

use super::real::{Real, lanes};

/// The most components whose log-densities are kept at once.
pub(crate) const COMPONENTS_AT_ONCE: usize = 16;

/// How many samples a block has: enough to spread the cost of a component's factors over, few
/// enough for the block to stay in the cache. A multiple of every group's length.
pub(crate) const fn samples_per_block(dim: usize) -> usize {
    match dim {
        0..=4 => 512,
        5..=24 => 256,
        25..=64 => 128,
        _ => 64,
    }
}

/// The longest group on any machine: four vectors of 16 lanes.
pub(crate) const LONGEST_GROUP: usize = 64;

/// How many samples to make room for: those of a block, but no more than there are.
pub(crate) fn room(dim: usize, samples: usize) -> usize {
    samples_per_block(dim).min(samples.next_multiple_of(LONGEST_GROUP))
}

/// How many samples a group of `W` vectors has.
#[inline(always)]
pub(crate) const fn group_len<T: Real, S: Simd, const W: usize>() -> usize {
    W * lanes::<T, S>()
}

/// How many rows of samples a group takes: one for each coordinate, and an empty one where the
/// same rows of all groups would otherwise share the few places of a cache set.
#[inline(always)]
pub(crate) const fn rows_per_group(dim: usize) -> usize {
    if dim.is_multiple_of(8) { dim + 1 } else { dim }
}

/// The groups of `W` vectors in a slice.
#[inline(always)]
pub(crate) fn groups<T: Real, S: Simd, const W: usize>(slice: &[T]) -> &[[T::Vector<S>; W]] {
    T::vectors::<S>(slice).as_chunks().0
}

/// The groups of `W` vectors in a slice.
#[inline(always)]
pub(crate) fn groups_mut<T: Real, S: Simd, const W: usize>(
    slice: &mut [T],
) -> &mut [[T::Vector<S>; W]] {
    T::vectors_mut::<S>(slice).as_chunks_mut().0
}

/// Lays samples out as `[group][rows_per_group][group_len]`. The last one is repeated to fill its group.
#[inline(always)]
pub(crate) fn pack<T: Real>(dim: usize, group_len: usize, x: &[T], packed: &mut [T]) {
    if dim == 1 {
        packed[..x.len()].copy_from_slice(x);
    }
    let (size, stride) = (group_len * dim, group_len * rows_per_group(dim));
    for (x, packed) in x.chunks(size).zip(packed.chunks_exact_mut(stride)) {
        let packed = &mut packed[..size];
        if dim > 1 {
            transpose(dim, x, group_len, packed);
        }
        if x.len() < size {
            for row in packed.chunks_exact_mut(group_len) {
                let (samples, filler) = row.split_at_mut(x.len() / dim);
                filler.fill(samples[samples.len() - 1]);
            }
        }
    }
}

/// The inverse of `pack`; adds to what is there if `add`.
#[inline(always)]
pub(crate) fn unpack<T: Real>(dim: usize, group_len: usize, packed: &[T], x: &mut [T], add: bool) {
    let (size, stride) = (group_len * dim, group_len * rows_per_group(dim));
    for (x, packed) in x.chunks_mut(size).zip(packed.chunks_exact(stride)) {
        let packed = &packed[..size];
        if add {
            for (n, x) in x.chunks_exact_mut(dim).enumerate() {
                for (j, x) in x.iter_mut().enumerate() {
                    *x += packed[j * group_len + n];
                }
            }
        } else if dim == 1 {
            x.copy_from_slice(&packed[..x.len()]);
        } else {
            transpose(group_len, packed, dim, x);
        }
    }
}

/// `to[j][n] = from[n][j]` for as many whole rows as `from` and `to` have.
#[inline(always)]
fn transpose<T: Copy>(columns: usize, from: &[T], to_columns: usize, to: &mut [T]) {
    let used = (to.len() / to_columns).min(columns);
    let mut j = 0;
    while j + 8 <= used {
        transpose_strip::<T, 8>(j, columns, from, to_columns, to);
        j += 8;
    }
    while j + 2 <= used {
        transpose_strip::<T, 2>(j, columns, from, to_columns, to);
        j += 2;
    }
    if j < used {
        transpose_strip::<T, 1>(j, columns, from, to_columns, to);
    }
}

/// Columns `j..j + N`, together, so that what is read of a cache line is read at once.
#[inline(always)]
fn transpose_strip<T: Copy, const N: usize>(
    j: usize,
    columns: usize,
    from: &[T],
    to_columns: usize,
    to: &mut [T],
) {
    let rows = (from.len() / columns).min(to_columns);
    let to = &mut to[j * to_columns..][..N * to_columns];
    for n in 0..rows {
        let from = &from[n * columns + j..][..N];
        for i in 0..N {
            to[i * to_columns + n] = from[i];
        }
    }
}
