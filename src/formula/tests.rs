//! Formulas held against other ways to the same numbers.

mod bits;
mod densities;
mod device;
mod errors;
mod language;
mod linear;
mod operations;
mod page;
mod random;
mod rounding;
mod supports;

use super::*;
use crate::coordinates::Support;

/// Variables of one coordinate each, with any value.
fn real(names: &[&str]) -> Vec<Variable> {
    (names.iter())
        .map(|name| Variable {
            name: (*name).to_owned(),
            len: 1,
            support: Support::Real,
        })
        .collect()
}

/// A formula of x1 to xD and some lists.
fn with(text: &str, dim: usize, constants: &[(&str, &[f64])]) -> Result<Formula, FormulaError> {
    let names: Vec<String> = (1..=dim).map(|i| format!("x{i}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let constants = (constants.iter())
        .map(|(name, values)| ((*name).to_owned(), values.to_vec()))
        .collect();
    Formula::new(text, real(&names), constants)
}

fn formula(text: &str, dim: usize) -> Formula {
    with(text, dim, &[]).unwrap_or_else(|error| panic!("{text}: {error:?}"))
}

/// The value with its offset, and the gradient, at one point.
fn at(formula: &Formula, point: &[f64]) -> (f64, Vec<f64>) {
    let (mut value, mut gradient) = ([0.0], vec![0.0; point.len()]);
    formula.evaluate(point, &mut value, Some(&mut gradient));
    (value[0] + formula.offset(), gradient)
}

/// The number a formula is without coordinates.
fn number(text: &str) -> f64 {
    let formula = formula(text, 1);
    let (value, gradient) = at(&formula, &[0.3]);
    assert_eq!(gradient, [0.0], "{text}");
    value
}

/// Whether a number is another up to a share of it, or to an amount.
fn is_close(number: f64, expected: f64, share: f64, amount: f64) -> bool {
    number == expected
        || number.is_nan() && expected.is_nan()
        || (number - expected).abs() <= share * expected.abs() + amount
}

/// The gradient by central differences, along each coordinate.
fn differences(formula: &Formula, point: &[f64]) -> Vec<f64> {
    (0..point.len())
        .map(|i| {
            let step = 1e-4 * point[i].abs().max(0.01);
            let value = |shift: f64| {
                let mut shifted = point.to_vec();
                shifted[i] += shift;
                let mut value = [0.0];
                formula.evaluate(&shifted, &mut value, None);
                value[0]
            };
            // Of fourth order.
            let [near, far] = [step, 2.0 * step].map(|h| value(h) - value(-h));
            (8.0 * near - far) / (12.0 * step)
        })
        .collect()
}

#[test]
fn the_banana_has_its_value_and_gradient() {
    let banana = formula("let b = 0.5\n-0.5*(x1^2 + (x2 - b*(x1^2 - 1))^2)", 2);
    for [x, y] in [[0.3, -1.2], [2.0, 0.1]] {
        let (value, gradient) = at(&banana, &[x, y]);
        let off = y - 0.5 * (x * x - 1.0);
        assert!((value + 0.5 * (x * x + off * off)).abs() < 1e-14);
        assert!((gradient[0] + x - off * x).abs() < 1e-14);
        assert!((gradient[1] + off).abs() < 1e-14);
    }
}
