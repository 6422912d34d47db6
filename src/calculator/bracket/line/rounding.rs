//! What rounding does to numbers, and sums without it.

/// Half the distance from 1 to the next number: the relative error of one rounding.
pub(super) const UNIT: f64 = f64::EPSILON / 2.0;

/// a − b as a sum of two numbers, exactly (Knuth 1969).
pub(super) fn difference(a: f64, b: f64) -> [f64; 2] {
    let high = a - b;
    let taken = a - high;
    [high, (a - (high + taken)) + (taken - b)]
}
