//! Working memory that stays with its thread, so that a call touches no fresh pages.

use std::cell::RefCell;

use bytemuck::{Pod, Zeroable};

use super::real::Real;

/// A cache line, so that no vector straddles two.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// Buffers above 32 MiB go back to the system: their pages are a small part of what fills them.
const MOST_LINES_KEPT: usize = (32 << 20) / size_of::<Line>();

thread_local! {
    /// A stack, since a caller may hold one buffer while it works on a task with another.
    static BUFFERS: RefCell<Vec<Vec<Line>>> = const { RefCell::new(Vec::new()) };
}

/// Calls `f` with `len` numbers of any value.
pub(crate) fn with_scratch<T: Real, R>(len: usize, f: impl FnOnce(&mut [T]) -> R) -> R {
    let mut lines = BUFFERS.with_borrow_mut(Vec::pop).unwrap_or_default();
    let needed = (len * size_of::<T>()).div_ceil(size_of::<Line>());
    if lines.len() < needed {
        lines.resize(needed, Line::zeroed());
    }
    let numbers: &mut [T] = bytemuck::cast_slice_mut(&mut lines);
    let result = f(&mut numbers[..len]);
    if lines.len() <= MOST_LINES_KEPT {
        BUFFERS.with_borrow_mut(|buffers| buffers.push(lines));
    }
    result
}

/// Rounds up to whole cache lines of `T`.
pub(crate) const fn padded<T>(len: usize) -> usize {
    len.next_multiple_of(size_of::<Line>() / size_of::<T>())
}

/// Cuts `len` numbers, padded to whole cache lines, off the front.
#[inline(always)]
pub(crate) fn take<'a, T>(rest: &mut &'a mut [T], len: usize) -> &'a mut [T] {
    let (head, tail) = std::mem::take(rest).split_at_mut(padded::<T>(len));
    *rest = tail;
    &mut head[..len]
}
