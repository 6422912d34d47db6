//! Numbers as a person reads them.

use crate::divergence::{Estimate, Method};
use crate::mixture::{Mixture, NaturalParameters};

/// Numbers from here on are written by their power of ten.
const HUGE: f64 = 1e9;

/// An estimate with its error: as many digits as the error leaves, eight at most.
pub fn estimate(estimate: Estimate) -> String {
    let Estimate { value, error, .. } = estimate;
    if value.is_nan() {
        return "not known".to_owned();
    }
    if value.is_infinite() {
        return format!("{value}, beyond the range of numbers");
    }
    if estimate.method == Method::ClosedForm && hides(value, error) {
        return small(value);
    }
    // The error of an average over given rows is that of the rows as a sample; the average itself
    // is known to every digit.
    if estimate.method == Method::Data {
        return format!("{value:.6} ± {error:.2}");
    }
    with_error(value, error)
}

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

/// A density in a few lines: every number while they are few, what it is otherwise.
pub fn mixture(natural: &NaturalParameters) -> String {
    let Ok(mixture) = Mixture::try_from(natural) else {
        return "no longer a density".to_owned();
    };
    let (k, d) = (mixture.components(), mixture.dim());
    if k > 4 || d > 3 {
        return format!("{} in {}", count(k, "component"), count(d, "dimension"));
    }
    (0..k)
        .map(|c| {
            let (mean, std) = (
                list(mixture.means()[c].as_slice()),
                list(&mixture.component_stds(c)),
            );
            match k {
                1 => format!("μ {mean}, σ {std}"),
                _ => format!("w {:.4}, μ {mean}, σ {std}", mixture.weights()[c]),
            }
        })
        .collect::<Vec<_>>()
        .join("\n")
}

fn list(numbers: &[f64]) -> String {
    match numbers {
        [one] => fixed(*one, 6),
        many => {
            let short: Vec<String> = many.iter().map(|x| fixed(*x, 4)).collect();
            format!("({})", short.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_sampling(value: f64, error: f64) -> String {
        estimate(Estimate {
            value,
            error,
            method: Method::MonteCarlo,
        })
    }

    #[test]
    fn an_estimate_has_the_digits_its_error_leaves() {
        assert_eq!(by_sampling(0.461_994, 0.000_31), "0.4620 ± 0.0003");
        assert_eq!(by_sampling(12.3456, 0.4), "12.3 ± 0.4");
        assert_eq!(by_sampling(0.461_994_613, 3e-12), "0.46199461 ± 3e-12");
        assert_eq!(by_sampling(5.53e-11, 1e-15), "5.53e-11 ± 1e-15");
        assert_eq!(by_sampling(-3e-17, 1e-15), "0.00000000 ± 1e-15");
        assert_eq!(by_sampling(1.0, f64::INFINITY), "1.00000000 ± inf");
    }

    #[test]
    fn a_rounded_zero_has_no_sign() {
        assert_eq!(fixed(-1e-9, 4), "0.0000");
        assert_eq!(fixed(-0.5, 1), "-0.5");
    }
}
