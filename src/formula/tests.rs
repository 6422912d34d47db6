use super::*;

fn formula(text: &str, dim: usize) -> Formula {
    let variables = (1..=dim)
        .map(|i| Variable {
            name: format!("x{i}"),
            len: 1,
            support: Support::Real,
        })
        .collect();
    Formula::new(text, variables, BTreeMap::new()).unwrap_or_else(|error| panic!("{error:?}"))
}

#[test]
fn the_banana_has_its_value_and_gradient() {
    let banana = formula("let b = 0.5\n-0.5*(x1^2 + (x2 - b*(x1^2 - 1))^2)", 2);
    let points = [0.3, -1.2, 2.0, 0.1];
    let (mut values, mut gradient) = ([0.0; 2], [0.0; 4]);
    banana.evaluate(&points, &mut values, Some(&mut gradient));
    for i in 0..2 {
        let [x, y] = [points[2 * i], points[2 * i + 1]];
        let off = y - 0.5 * (x * x - 1.0);
        assert!((values[i] + 0.5 * (x * x + off * off)).abs() < 1e-14);
        assert!((gradient[2 * i] + x - off * x).abs() < 1e-14);
        assert!((gradient[2 * i + 1] + off).abs() < 1e-14);
    }
}
