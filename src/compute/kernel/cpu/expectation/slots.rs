//! Pieces of memory of one size that are lent, and come back: the last first, which is in the cache still.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

/// Pieces that are not lent.
pub struct Slots<'a>(Mutex<Vec<&'a mut [f64]>>);

impl<'a> Slots<'a> {
    /// As many of `len` numbers as there is memory for.
    pub fn new(memory: &'a mut [f64], len: usize) -> Self {
        Self(Mutex::new(memory.chunks_exact_mut(len.max(1)).collect()))
    }

    /// The first `len` numbers of a piece, of any value.
    pub fn lend(&self, len: usize) -> Held<'_, 'a> {
        let slot = (self.0.lock().unwrap_or_else(PoisonError::into_inner)).pop();
        Held {
            slots: self,
            slot: slot.unwrap_or_default(),
            len,
        }
    }
}

/// A piece, until this is dropped.
pub struct Held<'s, 'a> {
    slots: &'s Slots<'a>,
    slot: &'a mut [f64],
    len: usize,
}

impl Deref for Held<'_, '_> {
    type Target = [f64];

    fn deref(&self) -> &[f64] {
        &self.slot[..self.len]
    }
}

impl DerefMut for Held<'_, '_> {
    fn deref_mut(&mut self) -> &mut [f64] {
        &mut self.slot[..self.len]
    }
}

impl Drop for Held<'_, '_> {
    fn drop(&mut self) {
        let slots = self.slots.0.lock();
        (slots.unwrap_or_else(PoisonError::into_inner)).push(std::mem::take(&mut self.slot));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_back_last_is_lent_first() {
        let mut memory = [0.0; 7];
        let slots = Slots::new(&mut memory, 3);
        let mut one = slots.lend(2);
        let mut other = slots.lend(3);
        one.fill(1.0);
        other.fill(2.0);
        assert_eq!((&*one, &*other), (&[1.0; 2][..], &[2.0; 3][..]));
        drop(other);
        drop(one);
        assert_eq!(slots.lend(2)[..], [1.0; 2]);
        let _one = slots.lend(2);
        assert_eq!(slots.lend(3)[..], [2.0; 3]);
    }
}
