//! Some of many things to draw, taken as if at random and the same every time.

/// Its multiples are spread evenly between whole numbers, whatever the step.
const GOLDEN: f64 = 0.618_033_988_749_894_9;

/// Whether the thing of this number is among those drawn, where so large a share of its kind is.
///
/// Of things that repeat a pattern, such as chains side by side, each place of it is met alike (Weyl 1916), which even
/// steps would not do.
pub fn is_drawn(number: usize, share: f64) -> bool {
    share >= 1.0 || (number as f64 * GOLDEN).fract() < share
}
