//! Numbers as a person reads them.

/// Numbers from here on are written by their power of ten.
const HUGE: f64 = 1e9;

/// A number with as many digits as its error leaves, eight at most: 0.4620 ± 0.0003.
pub fn with_error(value: f64, error: f64) -> String {
    if !error.is_finite() {
        return format!("{} ± {error}", small(value));
    }
    if error >= HUGE {
        return format!("{value:.2e} ± {error:.0e}");
    }
    // One digit of the error is kept.
    let decimals = if error > 0.0 {
        (-error.log10().floor()).clamp(0.0, 8.0) as usize
    } else {
        8
    };
    if error < 1e-8 && (error..1e-6).contains(&value.abs()) {
        format!("{value:.2e} ± {error:.0e}")
    } else if error < 1e-5 {
        format!("{} ± {error:.0e}", fixed(value, 8))
    } else {
        format!("{} ± {error:.decimals$}", fixed(value, decimals))
    }
}

/// A number to so many decimals, without the sign of a rounded zero; a huge one by its power.
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

/// A count with its noun: 1 component, 2 components.
pub fn count(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
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

/// Whether an error is less than half of the last digit that [`small`] writes of a number.
pub fn hides(value: f64, error: f64) -> bool {
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
        s if s < 1.0 => format!("{:.0} ms", s * 1e3),
        s if s < 60.0 => format!("{s:.1} s"),
        s => format!("{:.0} min {:.0} s", (s / 60.0).floor(), s % 60.0),
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
    fn a_rounded_zero_has_no_sign() {
        assert_eq!(fixed(-1e-9, 4), "0.0000");
        assert_eq!(fixed(-0.5, 1), "-0.5");
    }
}
