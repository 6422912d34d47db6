//! What is said about wrong formulas, and where.

use super::*;

fn error(text: &str) -> FormulaError {
    let lists: [(&str, &[f64]); 3] = [("y", &[1.0, 2.0, 3.0]), ("z", &[1.0, 2.0]), ("c", &[5.0])];
    match with(text, 2, &lists) {
        Ok(_) => panic!("{text:?} was taken"),
        Err(error) => error,
    }
}

#[test]
fn each_error_has_its_place_its_message_and_its_help() {
    // The formula, what of it the error is about, its message, a part of its help.
    for (text, part, message, help) in [
        ("", "", "there is no formula", "-0.5*x^2"),
        ("  # nothing\n", "", "there is no formula", "-0.5*x^2"),
        ("x1 +", "", "something is missing here", "must follow"),
        ("x1 + ; x2", ";", "something is missing here", "must follow"),
        ("(x1 + x2", "", "something is missing here", "needs its )"),
        ("(x1 ; x2)", ";", "something is missing here", "needs its )"),
        ("x[1", "", "something is missing here", "needs its ) or ]"),
        (
            "x1 + x2)",
            ")",
            "this closes no bracket",
            "( is closed by )",
        ),
        ("(x1]", "]", "this closes no bracket", "[ by ]"),
        (
            "x1*()",
            ")",
            "something is missing before this",
            "must stand there",
        ),
        ("x1 +* x2", "*", "this cannot stand here", "signs around it"),
        ("2x1", "x1", "a sign is missing before this", "2*x"),
        ("x1 x2", "x2", "a sign is missing before this", "2*x"),
        ("(x1)(x2)", "(", "a sign is missing before this", "2*x"),
        ("2e", "e", "a sign is missing before this", "2*x"),
        (
            "x1 < x2 < 3",
            "<",
            "a comparison of a comparison",
            "0 < x and x < 1",
        ),
        (
            "x1 == x2 != 3",
            "!=",
            "a comparison of a comparison",
            "with and",
        ),
        (
            "not x1 < x2 < 3",
            "not x1 < x2 < 3",
            "a comparison of what follows not",
            "not (a < b)",
        ),
        ("x1 = 2", "=", "= only stands after let and a name", "=="),
        (
            "x1 + let r = 2",
            "let",
            "let begins a line of its own",
            "let r = 2",
        ),
        ("let 2 = x1\nx1", "2", "a name must follow let", "let r = 2"),
        (
            "let r x1\nx1",
            "x1",
            "an = must follow the name",
            "let r = 2",
        ),
        (
            "let r = x1",
            "",
            "the value of the formula must follow",
            "without let",
        ),
        (
            "let r = x1\n+ x2",
            "+",
            "a line does not go on with a + at its start",
            "ends in a sign",
        ),
        (
            "x1\n+ x2",
            "+",
            "there is more after the value of the formula",
            "ends in a sign",
        ),
        (
            "x1\n-x2",
            "-",
            "there is more after the value of the formula",
            "ends in a sign",
        ),
        (
            "x1 & x2",
            "&",
            "\"&\" has no meaning here",
            "made of numbers",
        ),
        ("x1 − x2", "−", "\"−\" has no meaning here", "minus as -"),
        ("2·x1", "·", "\"·\" has no meaning here", "product as *"),
        ("x1²", "²", "\"²\" has no meaning here", "^2"),
        ("{x1}", "{", "\"{\" has no meaning here", "( )"),
        ("1e999*x1", "1e999", "this number is too large", "inf"),
        (
            "x1 + r2",
            "r2",
            "r2 is not known",
            "c, e, inf, pi, x, x1, x2, y, z",
        ),
        ("x1 + pii", "pii", "pii is not known", "did you mean pi?"),
        ("exp", "exp", "exp is not known", "write exp( )"),
        (
            "epx(x1)",
            "epx(x1)",
            "there is no function epx",
            "did you mean exp?",
        ),
        ("c(x1)", "c(x1)", "there is no function c", "c is a number"),
        (
            "q(x1)",
            "q(x1)",
            "there is no function q",
            "the functions are abs, atan",
        ),
        (
            "x1 + exp(x1, x2)",
            "exp(x1, x2)",
            "exp takes 1 argument, and 2 are given",
            "write exp(x)",
        ),
        (
            "exp()",
            "exp()",
            "exp takes 1 argument, and none is given",
            "write exp(x)",
        ),
        (
            "if(x1, x2)",
            "if(x1, x2)",
            "if takes 3 arguments, and 2 are given",
            "if(condition, then, else)",
        ),
        (
            "sum()",
            "sum()",
            "sum takes 1 argument, and none is given",
            "sum(list)",
        ),
        (
            "normal_lpdf(x1)",
            "normal_lpdf(x1)",
            "normal_lpdf takes 3 arguments, and 1 is given",
            "normal_lpdf(x, mean, std)",
        ),
        ("1 - x[3]", "3", "there is no entry 3", "from 1 to 2"),
        ("x[0]", "0", "there is no entry 0", "from 1 to 2"),
        ("x[-1]", "-1", "there is no entry -1", "from 1 to 2"),
        ("x[1.5]", "1.5", "there is no entry 1.5", "from 1 to 2"),
        (
            "x[x1]",
            "x1",
            "the number of an entry must not depend on x",
            "from 1 to 2",
        ),
        (
            "sum(y[3:2])",
            "y[3:2]",
            "entries 3 to 2 are none",
            "the first entry is 1",
        ),
        ("sum([])", "[]", "a list must have an entry", "[1, 2]"),
        (
            "1 + sum(y + z)",
            "y + z",
            "a list of 2 numbers meets one of 3",
            "as long as each other",
        ),
        (
            "y + x",
            "y + x",
            "a list of 2 numbers meets one of 3",
            "as long as each other",
        ),
        (
            "dot(y, z)",
            "dot(y, z)",
            "a list of 2 numbers meets one of 3",
            "as long as each other",
        ),
        (
            "sum(if(y, z, 1))",
            "if(y, z, 1)",
            "a list of 2 numbers meets one of 3",
            "as long as each other",
        ),
        (
            "sum(normal_lpdf(y, z, 1))",
            "normal_lpdf(y, z, 1)",
            "a list of 2 numbers meets one of 3",
            "as long",
        ),
        (
            "x",
            "x",
            "the log-density is a list of 2 numbers at each point",
            "sum( )",
        ),
        (
            "normal_lpdf(y, x1, 1)",
            "normal_lpdf(y, x1, 1)",
            "the log-density is a list of 3 numbers at each point",
            "sum( )",
        ),
        (
            "y",
            "y",
            "the log-density is a list of 3 numbers at each point",
            "sum( )",
        ),
        (
            "x1 + log(0)",
            "x1 + log(0)",
            "-inf is added to it everywhere",
            "finite",
        ),
        (
            "normal_lpdf(x1, 0, -1)",
            "normal_lpdf(x1, 0, -1)",
            "NaN is added to it everywhere",
            "finite",
        ),
        (
            "let r = 1\nlet r = 2\nr",
            "r",
            "r has a meaning already",
            "another name",
        ),
        (
            "let x1 = 1\nx1",
            "x1",
            "x1 has a meaning already",
            "another name",
        ),
        (
            "let pi = 3\nx1",
            "pi",
            "pi has a meaning already",
            "another name",
        ),
        (
            "let c = 3\nx1",
            "c",
            "c has a meaning already",
            "another name",
        ),
        ("let r = q\nx1", "q", "q is not known", "give it a value"),
        ("let r = r\nx1", "r", "r is not known", "give it a value"),
        ("-x1 + -q", "q", "q is not known", "give it a value"),
        (
            "exp(-(x1, 2))",
            ",",
            "this comma is in no list",
            "of a function",
        ),
    ] {
        let error = error(text);
        assert_eq!(error.message, message, "{text:?} {error:?}");
        assert!(error.help.contains(help), "{text:?} {error:?}");
        assert_eq!(&text[error.span.clone()], part, "{text:?} {error:?}");
        if part.is_empty() {
            let end = if text.contains('#') { 0 } else { text.len() };
            assert_eq!(error.span.start, end, "{text:?}");
        }
        assert_eq!(error.to_string(), message);
    }
    // Of two places the second.
    assert_eq!(error("let r = 1\nlet r = 2\nr").span, 14..15);
    // Spans of signs begin at them.
    assert_eq!(error("exp(- -y) + [x1, - x2]").span, 0..22);
}

#[test]
fn wrong_names_are_told() {
    let named = |name: &str, len| Variable {
        name: name.to_owned(),
        len,
        support: Support::Real,
    };
    for (variables, constants, message) in [
        (vec![], vec![], "it has no variables"),
        (
            vec![named("a", 1), named("a", 1)],
            vec![],
            "a has a meaning already",
        ),
        (
            vec![named("a", 1)],
            vec![("a", vec![1.0])],
            "a has a meaning already",
        ),
        (vec![named("e", 1)], vec![], "e has a meaning already"),
        (
            vec![named("a", 1)],
            vec![("pi", vec![1.0])],
            "pi has a meaning already",
        ),
        (vec![named("2a", 1)], vec![], "\"2a\" cannot be a name"),
        (vec![named("", 1)], vec![], "\"\" cannot be a name"),
        (vec![named("a b", 1)], vec![], "\"a b\" cannot be a name"),
        (vec![named(" a", 1)], vec![], "\" a\" cannot be a name"),
        (vec![named("let", 1)], vec![], "\"let\" cannot be a name"),
        (vec![named("σ", 1)], vec![], "\"σ\" cannot be a name"),
        (vec![named("a", 0)], vec![], "a has no numbers"),
        (vec![named("a", 1)], vec![("y", vec![])], "y has no numbers"),
    ] {
        let constants = (constants.into_iter())
            .map(|(name, values)| (name.to_owned(), values))
            .collect();
        let error = Formula::new("1", variables, constants).unwrap_err();
        assert_eq!((error.message.as_str(), error.span), (message, 0..0));
        assert!(!error.help.is_empty());
    }
}

/// Runs on a small stack: it is an error to go deeper than that holds.
fn on_small_stack(run: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new()
        .stack_size(1 << 21)
        .spawn(run)
        .unwrap();
    thread.join().unwrap();
}

#[test]
fn what_goes_too_deep_is_an_error() {
    on_small_stack(|| {
        let n = 60_000;
        for text in [
            "(".repeat(n),
            "[".repeat(n),
            "-".repeat(n),
            "not ".repeat(n / 4),
            "!".repeat(n),
            "exp(".repeat(n / 4),
            format!("{}x1", "x1[".repeat(n / 3)),
            format!("x1{}", "^2".repeat(n / 2)),
            format!("x1{}", "^exp(2)".repeat(n / 7)),
            format!("x1{}", "^x[1]".repeat(n / 5)),
            format!("x1{}", "^-2".repeat(n / 3)),
            format!("x1{}", "+not x1".repeat(n / 7)),
            format!("x1{}", " - x1".repeat(n / 5)),
            format!("x1{}", "[1]".repeat(n / 3)),
            format!("x1{}", "*x1".repeat(n / 3)),
            format!("x1{}", " or x1".repeat(n / 6)),
            format!("x1{}", "+ + x1".repeat(n / 6)),
        ] {
            let error = error(&text);
            assert!(error.message.contains("within each other"), "{error:?}");
            assert!(error.help.contains("let r"));
            assert!(text.get(error.span).is_some());
        }
    });
}

#[test]
fn what_goes_as_deep_as_it_may_is_taken() {
    on_small_stack(|| {
        for text in [
            format!("{}x1{}", "(".repeat(60), ")".repeat(60)),
            format!("{}x1", "-".repeat(60)),
            format!("{}x1{}", "abs(".repeat(60), ")".repeat(60)),
            format!("{}x1{}", "-(".repeat(30), ")".repeat(30)),
            format!("x1{}", "^1".repeat(60)),
            format!("{}x1{}", "2^(".repeat(30), ")".repeat(30)),
            format!("x1{}", " - 0.5*x1^2".repeat(490)),
            format!("x1{}", " + normal_lpdf(x1, 0, 1)".repeat(400)),
            format!("0.5*x1{}", " and not x1 < 2".repeat(490)),
            format!(
                "{}(x1{}){}",
                "abs(".repeat(59),
                "*x1".repeat(430),
                ")".repeat(59)
            ),
            (1..5000).fold("let a0 = x1\n".to_owned(), |text, i| {
                text + &format!("let a{i}=a{}+1\n", i - 1)
            }) + "a9",
        ] {
            let text = text.get(..1 << 16).map_or(text.as_str(), |short| {
                short.rfind("\nlet").map_or(short, |end| &short[..end])
            });
            let text = match text.starts_with("let") {
                true => format!(
                    "{}\na9",
                    text.get(..65_000)
                        .and_then(|text| text.rsplit_once('\n'))
                        .unwrap()
                        .0
                ),
                false => text.to_owned(),
            };
            let formula = formula(&text, 1);
            _ = at(&formula, &[0.5]);
            _ = printed(&text).unwrap();
            drop(formula.clone());
        }
    });
}

#[test]
fn what_is_too_large_is_an_error() {
    let long = format!("x1 + {}", "1".repeat(1 << 16));
    assert_eq!(error(&long).message, "it is longer than 65536 characters");
    // Each line has twice the numbers of the one before.
    for entry in ["x1", "1"] {
        let mut text = format!("let a0 = [{entry}, {entry}]\n");
        for i in 1..60 {
            text += &format!("let a{i} = [a{j}, a{j}]\n", j = i - 1);
        }
        let error = error(&format!("{text}sum(a59)"));
        assert!(
            error.message.contains("too long") || error.message.contains("more than 16777216"),
            "{error:?}"
        );
    }
}
