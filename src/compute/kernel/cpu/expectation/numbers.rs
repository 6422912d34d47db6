//! The numbers that a pass is made in: what goes in and what comes out are of 64 bits.

use super::super::prepared::Prepared;
use super::super::real::Real;

/// `f64`, which is taken as it is, or `f32`, which is rounded to and widened from in memory beside it, a block at a time.
pub trait Number: Real {
    /// How many numbers of memory there must be for `len` that are to be rounded or widened.
    fn room(len: usize) -> usize;
    /// The numbers, rounded.
    fn rounded<'a>(wide: &'a [f64], room: &'a mut [Self]) -> &'a [Self];
    /// The numbers, widened.
    fn widened<'a>(numbers: &'a [Self], room: &'a mut [f64]) -> &'a [f64];
    /// Where to write what [`settle`](Self::settle) then rounds to these numbers.
    fn wide<'a>(numbers: &'a mut [Self], room: &'a mut [f64]) -> &'a mut [f64];
    /// Rounds what was written to [`wide`](Self::wide).
    fn settle(numbers: &mut [Self], room: &[f64]);
    /// All of a list, widened.
    fn into_wide(list: Vec<Self>) -> Vec<f64>;
    /// The mixture in these numbers.
    fn prepared(mixture: &Prepared<f64>) -> &Prepared<Self>;
}

impl Number for f64 {
    #[inline]
    fn room(_: usize) -> usize {
        0
    }

    #[inline]
    fn rounded<'a>(wide: &'a [f64], _: &'a mut [f64]) -> &'a [f64] {
        wide
    }

    #[inline]
    fn widened<'a>(numbers: &'a [f64], _: &'a mut [f64]) -> &'a [f64] {
        numbers
    }

    #[inline]
    fn wide<'a>(numbers: &'a mut [f64], _: &'a mut [f64]) -> &'a mut [f64] {
        numbers
    }

    #[inline]
    fn settle(_: &mut [f64], _: &[f64]) {}

    fn into_wide(list: Vec<f64>) -> Vec<f64> {
        list
    }

    fn prepared(mixture: &Prepared<f64>) -> &Prepared<f64> {
        mixture
    }
}

impl Number for f32 {
    #[inline]
    fn room(len: usize) -> usize {
        len
    }

    #[inline]
    fn rounded<'a>(wide: &'a [f64], room: &'a mut [f32]) -> &'a [f32] {
        let room = &mut room[..wide.len()];
        Self::settle(room, wide);
        room
    }

    #[inline]
    fn widened<'a>(numbers: &'a [f32], room: &'a mut [f64]) -> &'a [f64] {
        let room = &mut room[..numbers.len()];
        for (wide, &number) in room.iter_mut().zip(numbers) {
            *wide = number.into();
        }
        room
    }

    #[inline]
    fn wide<'a>(numbers: &'a mut [f32], room: &'a mut [f64]) -> &'a mut [f64] {
        &mut room[..numbers.len()]
    }

    #[inline]
    fn settle(numbers: &mut [f32], room: &[f64]) {
        for (number, &wide) in numbers.iter_mut().zip(room) {
            *number = wide as f32;
        }
    }

    fn into_wide(list: Vec<f32>) -> Vec<f64> {
        list.into_iter().map(Into::into).collect()
    }

    fn prepared(mixture: &Prepared<f64>) -> &Prepared<f32> {
        mixture.single()
    }
}
