//! The numbers along an axis: which ones, and how they are written.

use crate::text;

/// Numbers from here on, and below here, are written by their powers of ten.
const LARGE: f64 = 1e6;
const SMALL: f64 = 1e-4;

/// A number to a multiple of a power of ten.
pub fn rounded(value: f64, power: i32) -> f64 {
    // Powers that are whole numbers keep the digits of what is divided by them.
    match power < 0 {
        true => (value * 10f64.powi(-power)).round() / 10f64.powi(-power),
        false => (value / 10f64.powi(power)).round() * 10f64.powi(power),
    }
}

/// A positive number with all its digits.
pub fn plainly(value: f64) -> String {
    match (SMALL..1e10).contains(&value) {
        true => value.to_string(),
        false => by_power(&format!("{value:e}")),
    }
}

/// A number that is written with an `e`, as a person writes it: 2.5·10⁶.
fn by_power(text: &str) -> String {
    match text.split_once('e') {
        Some((digits, power)) => {
            let power = superscript(power.parse().unwrap_or(0));
            match digits {
                "1" => format!("10{power}"),
                "-1" => format!("-10{power}"),
                digits => format!("{digits}·10{power}"),
            }
        }
        None => text.to_owned(),
    }
}

/// About `count` round numbers from `low` to `high`, as they are written.
pub fn linear_ticks(low: f64, high: f64, count: usize, is_whole: bool) -> Vec<(f64, String)> {
    let power = 10f64.powf(((high - low) / count.max(1) as f64).log10().floor());
    let inside = |step: f64| (high / step + 1e-9).floor() - (low / step - 1e-9).ceil() + 1.0;
    let step = [1.0, 2.0, 5.0, 10.0]
        .map(|multiple| multiple * power)
        .into_iter()
        .min_by(|a, b| {
            let off = |step: f64| (inside(step) - count as f64).abs();
            off(*a).total_cmp(&off(*b))
        })
        .unwrap_or(power);
    let step = if is_whole { step.max(1.0) } else { step };
    let (first, last) = ((low / step - 1e-9).ceil(), (high / step + 1e-9).floor());
    let largest = low.abs().max(high.abs());
    let decimals = (-step.log10().floor()).max(0.0) as usize;
    ((first as i64)..=(last as i64))
        .map(|i| {
            let value = i as f64 * step;
            let text = if i == 0 {
                "0".to_owned()
            } else if !(SMALL..LARGE).contains(&largest) {
                // As many digits as neighbours differ by.
                let digits = value.abs().log10().floor() - step.log10().floor();
                by_power(&format!("{value:.*e}", digits.max(0.0) as usize))
            } else {
                format!("{value:.decimals$}")
            };
            (value, text::typographic(text))
        })
        .collect()
}

/// The same, of a range of positive numbers on a log scale.
pub fn log_ticks(low: f64, high: f64, count: usize) -> Vec<(f64, String)> {
    let (first, last) = (low.log10().ceil() as i32, high.log10().floor() as i32);
    let decades = (last - first + 1).max(0) as usize;
    if decades < 3 {
        let multiples: &[f64] = if decades == 2 {
            &[1.0, 3.0]
        } else {
            &[1.0, 2.0, 5.0]
        };
        let ticks: Vec<(f64, String)> = (first - 1..=last)
            .flat_map(|power| multiples.iter().map(move |m| m * 10f64.powi(power)))
            .filter(|value| (low..=high).contains(value))
            .map(|value| (value, log_tick(value)))
            .collect();
        // A range without two such numbers has those of an even axis.
        if ticks.len() < 2 {
            return linear_ticks(low, high, count, false);
        }
        // Two powers of ten say as much where there is no room for what lies between.
        if ticks.len() <= count || decades < 2 {
            return ticks;
        }
    }
    let stride = decades.div_ceil(count.max(1));
    (first..=last)
        .filter(|power| power.rem_euclid(stride as i32) == 0)
        .map(|power| (10f64.powi(power), format!("10{}", superscript(power))))
        .collect()
}

/// A number among words: 6.4, or a multiple of a power of ten.
pub fn in_words(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if (1e-3..1e4).contains(&size) => text::typographic(text::significant(value, 2)),
        size => {
            // One digit: 9.6·10⁵ is 10⁶, not 10·10⁵.
            let rounded = format!("{size:.0e}").parse().unwrap_or(size);
            let sign = if value < 0.0 { "−" } else { "" };
            format!("{sign}{}", log_tick(rounded))
        }
    }
}

/// A positive multiple of a power of ten.
fn log_tick(value: f64) -> String {
    if (1e-3..1e4).contains(&value) {
        text::trimmed(value, 6)
    } else {
        let power = value.log10().floor() as i32;
        let digit = (value / 10f64.powi(power)).round();
        format!("{digit}·10{}", superscript(power))
    }
}

fn superscript(power: i32) -> String {
    power
        .to_string()
        .chars()
        .map(|c| match c {
            '-' => '⁻',
            '1' => '¹',
            '2' => '²',
            '3' => '³',
            digit => char::from_u32(0x2070 + digit.to_digit(10).unwrap_or(0)).unwrap_or(digit),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_among_words_have_as_few_digits_as_tell_their_size() {
        let numbers = [6.41, 9.6e5, -2e35, 0.0, -0.25];
        let expected = ["6.4", "1·10⁶", "−2·10³⁵", "0", "−0.25"];
        assert_eq!(numbers.map(in_words), expected);
    }
}
