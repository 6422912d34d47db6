//! Numbers that read back to the bit, in every language that has numbers with a point or an exponent.

/// Numbers in a row: `1.0, -2.5e-7`.
///
/// As short as they read back. Each has a point or an exponent, so that it is not taken for an integer.
pub fn row(values: impl IntoIterator<Item = f64>) -> String {
    let numbers: Vec<String> = values.into_iter().map(exact).collect();
    numbers.join(", ")
}

/// One number.
pub fn exact(value: f64) -> String {
    format!("{value:?}")
}

#[cfg(test)]
mod tests {
    use super::row;

    #[test]
    fn numbers_read_back_and_are_not_integers() {
        let values = [
            1.0,
            -2.5e-7,
            1e16,
            1e300,
            f64::MIN_POSITIVE / 3.0,
            0.1 + 0.2,
        ];
        let text = row(values);
        assert_eq!(&text[..20], "1.0, -2.5e-7, 1e16, ");
        for (number, value) in text.split(", ").zip(values) {
            assert_eq!(number.parse(), Ok(value));
            assert!(number.contains(['.', 'e']));
        }
    }
}
