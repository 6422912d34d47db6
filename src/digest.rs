//! Numbers as a person reads them.

use crate::divergence::{Estimate, Method};
use crate::mixture::{Mixture, NaturalParameters};

/// An estimate with its error: as many digits as the error leaves, eight at most.
pub fn estimate(estimate: Estimate) -> String {
    let Estimate { value, error, .. } = estimate;
    if value.is_nan() {
        return "not known".to_owned();
    }
    if value.is_infinite() {
        return format!("{value}, beyond the range of numbers");
    }
    if !error.is_finite() {
        return format!("{} ± {error}", small(value));
    }
    if estimate.method == Method::ClosedForm {
        return small(value);
    }
    // One digit of the error is kept: 0.4620 ± 0.0003.
    let decimals = if error > 0.0 {
        (-error.log10().floor()).clamp(0.0, 8.0) as usize
    } else {
        8
    };
    if error < 1e-8 && (error..1e-6).contains(&value.abs()) {
        format!("{value:.2e} ± {error:.0e}")
    } else if error < 1e-5 {
        format!("{value:.8} ± {error:.0e}")
    } else {
        format!("{value:.decimals$} ± {error:.decimals$}")
    }
}

/// A number to five decimals, without the sign of a rounded zero.
pub fn brief(value: f64) -> String {
    format!("{:.5}", (value * 1e5).round() / 1e5 + 0.0)
}

/// A number that may be tiny.
pub fn small(value: f64) -> String {
    if value == 0.0 || (1e-4..1e6).contains(&value.abs()) {
        format!("{value:.8}")
    } else {
        format!("{value:.2e}")
    }
}

/// A time.
pub fn seconds(seconds: f64) -> String {
    match seconds {
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
        let components = if k == 1 { "component" } else { "components" };
        return format!("{k} {components} in {d} dimensions");
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
    // Adding zero makes a rounded −0 an honest 0.
    let round = |x: &f64| format!("{:.6}", (x * 1e6).round() / 1e6 + 0.0);
    match numbers {
        [one] => round(one),
        many => {
            let short: Vec<String> = (many.iter())
                .map(|x| format!("{:.4}", (x * 1e4).round() / 1e4 + 0.0))
                .collect();
            format!("({})", short.join(", "))
        }
    }
}
