//! Samples laid out for vectors, and back.

use pulp::{Simd, WithSimd};

use super::block::{group_len, pack, room, rows_per_group, unpack};
use super::real::Real;
use super::width::Width;

/// Samples laid out for vectors, `[group][rows_per_group][group_len]`; the last one fills its group.
pub(crate) struct Packed<'a, T> {
    pub dim: usize,
    /// How many samples there are.
    pub count: usize,
    pub values: &'a mut [T],
}

/// How many numbers a block of packed samples has.
pub(crate) fn packed_len(dim: usize, samples: usize) -> usize {
    room(dim, samples) * rows_per_group(dim)
}

impl<T: Real> Packed<'_, T> {
    /// Takes over samples `[N, D]`.
    pub fn fill(&mut self, width: Width, x: &[T]) {
        self.count = x.len() / self.dim;
        width.dispatch(Fill {
            dim: self.dim,
            x,
            packed: self.values,
            filler: None,
        });
    }

    /// Takes over gradients `[N, D]`; those that only fill the last group are 0.
    pub fn fill_with_zeros(&mut self, width: Width, gradient: &[T]) {
        width.dispatch(Fill {
            dim: self.dim,
            x: gradient,
            packed: self.values,
            filler: Some(T::ZERO),
        });
    }

    /// Makes room for this many samples, all 0.
    pub fn clear(&mut self, count: usize) {
        self.count = count;
        self.values.fill(T::ZERO);
    }

    /// Writes the samples out, `[N, D]`; adds them to what is there if `add`.
    pub fn write(&self, width: Width, x: &mut [T], add: bool) {
        width.dispatch(Write {
            dim: self.dim,
            x,
            packed: self.values,
            add,
        });
    }
}

struct Fill<'a, T> {
    dim: usize,
    x: &'a [T],
    packed: &'a mut [T],
    filler: Option<T>,
}

impl<T: Real> WithSimd for Fill<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let (group, dim) = (widest_group::<T, S>(), self.dim);
        pack(dim, group, self.x, self.packed);
        let count = self.x.len() / dim;
        if let (Some(filler), false) = (self.filler, count.is_multiple_of(group)) {
            let last = &mut self.packed[count / group * group * rows_per_group(dim)..];
            for row in last.chunks_exact_mut(group).take(dim) {
                row[count % group..].fill(filler);
            }
        }
    }
}

struct Write<'a, T> {
    dim: usize,
    x: &'a mut [T],
    packed: &'a [T],
    add: bool,
}

impl<T: Real> WithSimd for Write<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        unpack(
            self.dim,
            widest_group::<T, S>(),
            self.packed,
            self.x,
            self.add,
        );
    }
}

/// The length of a group, as `vectors` chooses it.
#[inline(always)]
fn widest_group<T: Real, S: Simd>() -> usize {
    if S::REGISTER_COUNT >= 32 {
        group_len::<T, S, 4>()
    } else {
        group_len::<T, S, 2>()
    }
}
