//! Formulas and texts by chance.

use proptest::prelude::*;

use super::parse::parse;
use super::syntax::{Expression, ExpressionKind, Infix, Prefix};
use super::*;

const INFIXES: [Infix; 13] = [
    Infix::Or,
    Infix::And,
    Infix::Less,
    Infix::LessOrEqual,
    Infix::Greater,
    Infix::GreaterOrEqual,
    Infix::Equal,
    Infix::NotEqual,
    Infix::Add,
    Infix::Subtract,
    Infix::Multiply,
    Infix::Divide,
    Infix::Power,
];

fn tree() -> impl Strategy<Value = Expression> {
    let made = |kind| Expression::new(kind, 0..0);
    let number = prop_oneof![0.0..1e3, 0.0..1e-300, 1e300..1e308, Just(0.0), Just(2.0)];
    let leaf = prop_oneof![
        number.prop_map(ExpressionKind::Number),
        "[a-z_][a-z0-9_]{0,4}"
            .prop_filter("a word", |name| token::is_name(name))
            .prop_map(ExpressionKind::Name),
    ]
    .prop_map(made);
    leaf.prop_recursive(6, 60, 3, move |inside| {
        let some = prop::collection::vec(inside.clone(), 0..4);
        let prefix = prop::sample::select(vec![Prefix::Plus, Prefix::Minus, Prefix::Not]);
        let infix = prop::sample::select(INFIXES.to_vec());
        let two = (inside.clone(), inside.clone());
        prop_oneof![
            some.clone().prop_map(ExpressionKind::List),
            some.prop_map(|all| ExpressionKind::Call("if".into(), all)),
            (prefix, inside.clone())
                .prop_map(|(sign, one)| ExpressionKind::Prefix(sign, one.into())),
            (infix, two.clone())
                .prop_map(|(sign, (a, b))| ExpressionKind::Infix(sign, [a, b].into())),
            two.prop_map(|(a, b)| ExpressionKind::Entry([a, b].into())),
            (inside.clone(), inside.clone(), inside)
                .prop_map(|(a, b, c)| ExpressionKind::Entries([a, b, c].into())),
        ]
        .prop_map(made)
    })
}

/// A formula of x1 and x2 that is smooth but for comparisons.
fn smooth() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("x1".to_owned()),
        Just("x2".to_owned()),
        Just("c".to_owned()),
        (0.2..3.0_f64).prop_map(|number| format!("{number:.2}")),
    ];
    leaf.prop_recursive(5, 40, 3, |inside| {
        let function = prop::sample::select(vec![
            "exp",
            "expm1",
            "log",
            "log1p",
            "sqrt",
            "sin",
            "cos",
            "tan",
            "sinh",
            "cosh",
            "tanh",
            "atan",
            "erf",
            "lgamma",
            "sigmoid",
            "softplus",
            "sum",
            "mean",
            "logsumexp",
            "square",
            "logit",
        ]);
        let sign = prop::sample::select(vec!["+", "-", "*", "/", "^"]);
        prop_oneof![
            (function, inside.clone()).prop_map(|(name, x)| format!("{name}({x})")),
            (inside.clone(), sign, inside.clone())
                .prop_map(|(a, sign, b)| format!("({a} {sign} {b})")),
            inside.clone().prop_map(|x| format!("-({x})")),
            (inside.clone(), 2..5).prop_map(|(x, n)| format!("({x})^{n}")),
            prop::collection::vec(inside.clone(), 1..4)
                .prop_map(|all| format!("logsumexp({})", all.join(", "))),
            (inside.clone(), inside.clone(), inside.clone())
                .prop_map(|(a, b, c)| format!("if({a} < {b}, {b}, {c})")),
            (inside.clone(), inside.clone(), inside)
                .prop_map(|(a, b, c)| format!("dot([{a}, {b}], [{c}, {a}])")),
        ]
    })
}

proptest! {
    // The same formulas every time: a kink may lie wherever one looks.
    #![proptest_config(ProptestConfig {
        rng_seed: proptest::test_runner::RngSeed::Fixed(8),
        ..ProptestConfig::with_cases(600)
    })]

    #[test]
    fn a_tree_is_read_again_as_it_is_printed(tree in tree()) {
        let text = tree.to_string();
        let read = parse(&text).map_err(|error| TestCaseError::fail(format!("{text}: {error:?}")))?;
        prop_assert_eq!(read.value, tree, "{}", text);
    }

    #[test]
    fn no_text_breaks_the_reader(text in "(let |[a-z][0-9]?|[0-9.]{1,3}|[-+*/^()\\[\\],:;=<>!&|#\n ]|if\\(|x[12]|é|lgamma\\(){0,40}") {
        match with(&text, 2, &[("y", &[1.0, 2.0])]) {
            Ok(formula) => _ = at(&formula, &[0.3, 0.4]),
            Err(error) => {
                prop_assert!(text.get(error.span).is_some());
                prop_assert!(!error.message.is_empty() && !error.help.is_empty());
            }
        }
        if let Ok(printed) = printed(&text) {
            prop_assert_eq!(super::printed(&printed), Ok(printed));
        }
    }

    #[test]
    fn gradients_are_those_of_differences(text in smooth(), x in 0.3..2.0_f64, y in 0.3..2.0_f64) {
        // Numbers alone may be infinite, which is an error.
        let Ok(formula) = with(&format!("0*x1 + {text}"), 2, &[("c", &[0.7])]) else {
            return Ok(());
        };
        let (value, gradient) = at(&formula, &[x, y]);
        let near = |shift: f64| {
            let mut value = [0.0];
            formula.evaluate(&[x + shift, y + shift], &mut value, None);
            value[0]
        };
        // On both sides of the place; where they differ there is a corner.
        let aside = |dx: f64, dy: f64| {
            let mut value = [0.0];
            formula.evaluate(&[x + dx, y + dy], &mut value, None);
            value[0]
        };
        let step = 1e-5;
        let sides = [[step, 0.0], [0.0, step]].map(|[dx, dy]| {
            [aside(dx, dy) - value, value - aside(-dx, -dy)].map(|rise| rise / step)
        });
        let has_corner = sides.iter().any(|[up, down]| (up - down).abs() > 1e-2 * (1.0 + value.abs() + up.abs()));
        let rough = sides.map(|[up, down]| 0.5 * (up + down));
        let size = 1.0 + value.abs();
        // Where it bends much within a step or jumps, differences tell nothing.
        let is_smooth = |step: f64| (near(step) + near(-step) - 2.0 * near(0.0)).abs() < 1e4 * step * step * size;
        // Nor where a root of 0 has no slope, as in sqrt(x - x).
        let has_slope = gradient.iter().all(|slope| slope.is_finite());
        if has_corner || !has_slope || !value.is_finite() || value.abs() > 1e6 || !is_smooth(1e-4) || !is_smooth(1e-3) || rough.iter().any(|slope| !slope.is_finite()) {
            return Ok(());
        }
        for (found, expected) in gradient.iter().zip(&rough) {
            let off = (found - expected).abs();
            prop_assert!(off < 1e-4 * (size + expected.abs()), "{}: {} {}", text, found, expected);
        }
    }
}
