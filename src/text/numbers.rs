//! Numbers as a person reads them.

/// Numbers from here on are written by their power of ten.
const HUGE: f64 = 1e9;
/// Numbers below this, of what is as small, are written by theirs.
const SMALL: f64 = 1e-3;

/// A number with as many digits as its error leaves, eight at most: 0.4620 ± 0.0003.
pub fn with_error(value: f64, error: f64) -> String {
    if !error.is_finite() {
        return format!("{} ± {error}", small(value));
    }
    if error >= HUGE {
        return format!("{value:.2e} ± {error:.0e}");
    }
    let decimals = decimals(error, 8);
    if error < 1e-8 && (error..1e-6).contains(&value.abs()) {
        format!("{value:.2e} ± {error:.0e}")
    } else if error < 1e-5 {
        format!("{} ± {error:.0e}", fixed(value, 8))
    } else {
        format!("{} ± {error:.decimals$}", fixed(value, decimals))
    }
}

/// A number with as many digits as its error leaves, and no more decimals than these, where there is no room for the
/// error.
pub fn to_error(value: f64, error: f64, most: usize) -> String {
    fixed(value, decimals(error, most))
}

/// The decimals of a number of which one digit of the error is kept.
fn decimals(error: f64, most: usize) -> usize {
    match error > 0.0 && error.is_finite() {
        true => (-error.log10().floor()).clamp(0.0, most as f64) as usize,
        false => most,
    }
}

/// A number to this many decimals, without the sign of a rounded zero; a huge one by its power.
pub fn fixed(value: f64, decimals: usize) -> String {
    if value.abs() >= HUGE {
        return format!("{value:.2e}");
    }
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(rest) if rest.bytes().all(|byte| b"0.".contains(&byte)) => rest.to_owned(),
        _ => text,
    }
}

/// As [`fixed`], of each of several.
pub fn list(values: &[f64], decimals: usize) -> String {
    let texts: Vec<String> = values.iter().map(|&x| fixed(x, decimals)).collect();
    texts.join(", ")
}

/// A number of what has a scale, as a mean of a component has its standard deviation: to this many decimals where that is
/// of an ordinary size, and to as many of its digits where it is not.
fn at_scale(value: f64, scale: f64, decimals: usize) -> String {
    if !(scale > 0.0 && scale.is_finite()) {
        return fixed(value, decimals);
    }
    // Of its last digit, counted from the decimal point.
    let power = scale.log10().floor() as i32;
    let last = decimals as i32 - (power + 1).min(0) - (power - 2).max(0);
    let size = value.abs();
    if size < SMALL && scale < SMALL && value != 0.0 {
        let digits = last + size.log10().floor() as i32;
        if digits >= 0 {
            return format!("{value:.*e}", digits as usize);
        }
        return "0".to_owned();
    }
    fixed(value, last.max(0) as usize)
}

/// As [`at_scale`], of each of several with its own scale.
pub fn list_at_scales(values: &[f64], scales: &[f64], decimals: usize) -> String {
    let texts = values.iter().zip(scales);
    let texts: Vec<String> = texts
        .map(|(&value, &scale)| at_scale(value, scale, decimals))
        .collect();
    texts.join(", ")
}

/// A number to this many significant digits, zeros at its end included, as a label has it: 0.250. One
/// below 10^−digits, or from 10⁴ on, by its power of ten, with two digits.
pub fn significant(value: f64, digits: usize) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if (10f64.powi(-(digits as i32))..1e4).contains(&size) => {
            let decimals = (digits as f64 - 1.0 - size.log10().floor()).max(0.0) as usize;
            format!("{value:.decimals$}")
        }
        _ => format!("{value:.1e}"),
    }
}

/// A number to this many significant digits, without zeros at its end, as a formula has it: 0.25.
pub fn trimmed(value: f64, digits: usize) -> String {
    let rounded: f64 = format!("{value:.*e}", digits - 1).parse().unwrap_or(value);
    match rounded == 0.0 || (1e-4..1e6).contains(&rounded.abs()) {
        true => rounded.to_string(),
        false => format!("{rounded:e}"),
    }
}

/// Two numbers to the digits that tell them apart, the lower rounded down and the upper up.
pub fn interval(low: f64, high: f64) -> String {
    let size = low.abs().max(high.abs());
    if size > 0.0 && !(1e-6..HUGE).contains(&size) {
        return format!("{low:.3e} … {high:.3e}");
    }
    let decimals = (2.0 - (high - low).log10().floor()).clamp(3.0, 12.0) as usize;
    let unit = 10f64.powi(decimals as i32);
    let (low, high) = ((low * unit).floor() / unit, (high * unit).ceil() / unit);
    format!("{} … {}", fixed(low, decimals), fixed(high, decimals))
}

/// A text with the minus sign of typography in place of every hyphen.
pub fn typographic(text: String) -> String {
    text.replace('-', "−")
}

/// A count with its noun: 1 component, 2 components.
pub fn count(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// How many rows some with weights are worth: 150, or 83.2.
pub fn rows(n: f64) -> String {
    match n.fract() {
        0.0 => format!("{n}"),
        _ => fixed(n, 1),
    }
}

/// Places counted from 0 as a person counts them: 1, 2 and 5.
pub fn numbered(places: &[usize]) -> String {
    let numbers: Vec<String> = places.iter().map(|place| (place + 1).to_string()).collect();
    match numbers.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => numbers.concat(),
    }
}

/// A number that may be tiny.
pub fn small(value: f64) -> String {
    if value == 0.0 || (1e-4..1e6).contains(&value.abs()) {
        format!("{value:.8}")
    } else {
        format!("{value:.2e}")
    }
}

/// A number by a formula that is off by no more than its rounding: with that only where it shows. One that is less
/// than its rounding, of whichever sign, is 0.
pub fn by_formula(value: f64, error: f64) -> String {
    match is_hidden(value, error) {
        true => small(value),
        false => with_error(value, error),
    }
}

/// Whether an error is less than half of the last digit that [`small`] writes of a number.
pub fn is_hidden(value: f64, error: f64) -> bool {
    let last = if value == 0.0 || (1e-4..1e6).contains(&value.abs()) {
        1e-8
    } else {
        0.01 * 10f64.powf(value.abs().log10().floor())
    };
    error < 0.5 * last
}

/// A time.
pub fn seconds(seconds: f64) -> String {
    match seconds {
        s if s < 0.5e-3 => "< 1 ms".to_owned(),
        s if s < 0.9995 => format!("{:.0} ms", s * 1e3),
        s if s < 59.95 => format!("{s:.1} s"),
        s => {
            let s = s.round();
            format!("{:.0} min {:.0} s", (s / 60.0).floor(), s % 60.0)
        }
    }
}

/// A time that is known to two digits.
pub fn duration(seconds: f64) -> String {
    let rounded = |value: f64| trimmed(value, 2);
    match seconds {
        s if s < 1e-3 => "1 ms".to_owned(),
        s if s < 0.995 => format!("{} ms", rounded(1e3 * s)),
        s if s < 99.5 => format!("{} s", rounded(s)),
        s if s < 99.5 * 60.0 => format!("{} min", rounded(s / 60.0)),
        s if s < 48.0 * 3600.0 => format!("{} h", rounded(s / 3600.0)),
        s if s < 1000.0 * 86_400.0 => format!("{} days", rounded(s / 86_400.0)),
        s => format!("{} years", rounded(s / (365.25 * 86_400.0))),
    }
}

/// A count that is known to two digits: 870, 26 million, 5.1e12.
pub fn large(count: f64) -> String {
    match count {
        n if n < 1e6 => trimmed(n, 2),
        n if n < 999.5e6 => format!("{} million", trimmed(n / 1e6, 2)),
        n => format!("{n:.1e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_the_digits_its_error_leaves() {
        assert_eq!(with_error(0.461_994, 0.000_31), "0.4620 ± 0.0003");
        assert_eq!(with_error(12.3456, 0.4), "12.3 ± 0.4");
        assert_eq!(with_error(0.461_994_613, 3e-12), "0.46199461 ± 3e-12");
        assert_eq!(with_error(5.53e-11, 1e-15), "5.53e-11 ± 1e-15");
        assert_eq!(with_error(-3e-17, 1e-15), "0.00000000 ± 1e-15");
        assert_eq!(with_error(1.0, f64::INFINITY), "1.00000000 ± inf");
    }

    #[test]
    fn without_its_error_a_number_has_no_more_digits() {
        assert_eq!(to_error(0.461_994, 0.003, 5), "0.462");
        assert_eq!(to_error(0.461_994, 3e-9, 5), "0.46199");
        assert_eq!(to_error(-0.000_2, 0.02, 5), "0.00");
        assert_eq!(to_error(12.6, 20.0, 5), "13");
        assert_eq!(to_error(12.6, f64::NAN, 3), "12.600");
    }

    #[test]
    fn a_number_below_its_rounding_is_zero() {
        assert_eq!(by_formula(-3e-17, 1e-15), "0.00000000 ± 1e-15");
        assert_eq!(by_formula(3e-17, 1e-15), "0.00000000 ± 1e-15");
        assert_eq!(by_formula(0.25, 1e-16), "0.25000000");
        assert_eq!(by_formula(2.5e-11, 1e-16), "2.50e-11");
        assert_eq!(by_formula(0.25, 1e-4), "0.2500 ± 0.0001");
    }

    #[test]
    fn a_time_has_no_sixtieth_second() {
        assert_eq!(seconds(0.9996), "1.0 s");
        assert_eq!(seconds(0.12), "120 ms");
        assert_eq!(seconds(59.97), "1 min 0 s");
        assert_eq!(seconds(119.7), "2 min 0 s");
        assert_eq!(seconds(125.2), "2 min 5 s");
    }

    #[test]
    fn significant_digits_have_the_zeros_that_a_formula_leaves_away() {
        assert_eq!(significant(-0.25, 3), "-0.250");
        assert_eq!(significant(1234.5, 2), "1234");
        assert_eq!(significant(0.005, 2), "5.0e-3");
        assert_eq!(significant(0.0, 3), "0");
        assert_eq!(trimmed(0.1 + 0.2, 6), "0.3");
        assert_eq!(trimmed(2e-7 / 3.0, 6), "6.66667e-8");
    }

    #[test]
    fn numbers_have_the_digits_of_their_scale() {
        assert_eq!(at_scale(3.25, 0.5, 4), "3.2500");
        assert_eq!(at_scale(-250.0, 999.0, 4), "-250.0000");
        assert_eq!(at_scale(6562.79, 0.01, 4), "6562.79000");
        assert_eq!(at_scale(-3e-6, 1e-6, 4), "-3.000e-6");
        assert_eq!(at_scale(1e-6, 1e-6, 4), "1.000e-6");
        assert_eq!(at_scale(1e-15, 1e-6, 4), "0");
        assert_eq!(at_scale(3.25e7, 1e6, 4), "32500000");
        assert_eq!(
            list_at_scales(&[1.0, 2e-5], &[1.0, 1e-5], 2),
            "1.00, 2.0e-5"
        );
    }

    #[test]
    fn what_is_about_so_much_has_two_digits() {
        let of = |seconds: f64| duration(seconds);
        assert_eq!(of(0.0), "1 ms");
        assert_eq!(of(0.1234), "120 ms");
        assert_eq!(of(0.996), "1 s");
        assert_eq!(of(4.67), "4.7 s");
        assert_eq!(of(100.0), "1.7 min");
        assert_eq!(of(7000.0), "1.9 h");
        assert_eq!(of(3e6), "35 days");
        assert_eq!(of(1e300), "3.2e292 years");
        assert_eq!(large(64_300.0), "64000");
        assert_eq!(large(25_600_123.0), "26 million");
        assert_eq!(large(1e12), "1.0e12");
    }

    #[test]
    fn a_rounded_zero_has_no_sign() {
        assert_eq!(fixed(-1e-9, 4), "0.0000");
        assert_eq!(fixed(-0.5, 1), "-0.5");
    }
}
