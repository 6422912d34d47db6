//! How formulas are read: what binds more, where lines end, what names mean.

use super::parse::parse;
use super::*;

/// Whether two texts have the same tree.
fn same(text: &str, other: &str) -> bool {
    parse(text).unwrap_or_else(|error| panic!("{text} {error:?}"))
        == parse(other).unwrap_or_else(|error| panic!("{other} {error:?}"))
}

#[test]
fn signs_bind_as_in_print() {
    for (text, brackets) in [
        ("-2^2", "-(2^2)"),
        ("2^3^2", "2^(3^2)"),
        ("2**3**2", "2^(3^2)"),
        ("2^-1", "2^(-1)"),
        ("2^-x^2", "2^(-(x^2))"),
        ("2^-a*b", "(2^(-a))*b"),
        ("-a*b", "(-a)*b"),
        ("--a", "-(-a)"),
        ("a - -b", "a - (-b)"),
        ("a - b - c", "(a - b) - c"),
        ("a/b/c", "(a/b)/c"),
        ("a/b*c", "(a/b)*c"),
        ("a - b*c^d", "a - (b*(c^d))"),
        ("a + b < c*d", "(a + b) < (c*d)"),
        ("not a == b", "not (a == b)"),
        ("not a and b", "(not a) and b"),
        ("not a + b", "not (a + b)"),
        ("a or b and c", "a or (b and c)"),
        ("a || b && c", "a or (b and c)"),
        ("a and b or c", "(a and b) or c"),
        ("a < b and c < d", "(a < b) and (c < d)"),
        ("!a", "not a"),
        ("!!a", "not (not a)"),
        ("-a[1]", "-(a[1])"),
        ("a^b[1]", "a^(b[1])"),
        ("a[1]^2", "(a[1])^2"),
        ("a[1:2][1]", "(a[1:2])[1]"),
        ("f(a)[1]", "(f(a))[1]"),
        ("+a", "(+a)"),
        ("((a))", "a"),
        ("1e3", "1000"),
        (".5", "0.5"),
        ("5.", "5"),
        ("1.5E-3", "0.0015"),
    ] {
        assert!(same(text, brackets), "{text} is not {brackets}");
    }
    assert!(!same("a - b - c", "a - (b - c)"));
    assert_eq!(number("-2^2"), -4.0);
    assert_eq!(number("2^3^2"), 512.0);
    assert_eq!(number("2^-1"), 0.5);
    assert_eq!(number("10 - 4 - 3"), 3.0);
    assert_eq!(number("8/4/2"), 1.0);
}

#[test]
fn lines_go_on_within_brackets_and_after_signs() {
    for (text, line) in [
        ("a +\n b", "a + b"),
        ("a *\n\n b", "a*b"),
        ("(a\n + b)", "(a + b)"),
        ("f(a,\n\n b\n)", "f(a, b)"),
        ("[a\n, b]", "[a, b]"),
        ("\n\na\n\n", "a"),
        ("a # the value\n", "a"),
        ("# first\na + # goes on\nb", "a + b"),
        ("let r = a\nr", "let r = a; r"),
        ("let r = a;\nr;", "let r = a; r"),
        ("let r =\na\r\nr", "let r = a; r"),
        ("let r = a # half\n-r", "let r = a; -r"),
        (";;a;;", "a"),
        ("not\na", "not a"),
        ("a\tand\nb", "a and b"),
    ] {
        assert!(same(text, line), "{text:?} is not {line}");
    }
}

#[test]
fn names_mean_what_they_were_given_for() {
    let variables = |all: &[(&str, usize)]| -> Vec<Variable> {
        (all.iter())
            .map(|(name, len)| Variable {
                name: (*name).to_owned(),
                len: *len,
                support: Support::Real,
            })
            .collect()
    };
    let value = |text: &str, all: &[(&str, usize)], point: &[f64]| {
        let constants = BTreeMap::from([("c".to_owned(), vec![7.0])]);
        let formula = Formula::new(text, variables(all), constants)
            .unwrap_or_else(|error| panic!("{text} {error:?}"));
        assert_eq!(formula.dim(), point.len());
        at(&formula, point).0
    };
    // Functions and numbers have names apart.
    assert_eq!(
        value("max(max, sum)", &[("max", 1), ("sum", 1)], &[2.0, 3.0]),
        3.0
    );
    assert_eq!(value("if(if > 0, if, 0)", &[("if", 1)], &[2.0]), 2.0);
    assert_eq!(
        value(
            "normal_lpdf(mean, mean, 1) + 0.5*log(2*pi)",
            &[("mean", 1)],
            &[2.0]
        ),
        0.0
    );
    // Coordinates have their places for names too.
    let two = [("a", 1), ("b", 2)];
    assert_eq!(value("x1 + 10*x2 + 100*x3", &two, &[1.0, 2.0, 3.0]), 321.0);
    assert_eq!(
        value("sum(x) + b[2] + length(x) + c", &two, &[1.0, 2.0, 3.0]),
        19.0
    );
    assert_eq!(value("x + y", &[("x", 1), ("y", 1)], &[1.0, 2.0]), 3.0);
    assert_eq!(value("x[1] - x[2]", &[("x", 2)], &[1.0, 2.0]), -1.0);
    // Unless a name would then say two things.
    assert_eq!(value("x1", &[("x2", 1), ("x1", 1)], &[1.0, 2.0]), 2.0);
    assert!(Formula::new("x2", variables(&[("a", 1), ("x1", 1)]), BTreeMap::new()).is_err());
    assert_eq!(
        formula("let y = x1 + 1; let z = y^2; z - y", 1)
            .coordinates()
            .names(),
        ["x1"]
    );
}

#[test]
fn what_was_read_is_kept() {
    let constants = BTreeMap::from([("c".to_owned(), vec![7.0])]);
    let variable = |name: &str, len, support| Variable {
        name: name.to_owned(),
        len,
        support,
    };
    let variables = vec![
        variable("a", 1, Support::Real),
        variable("b", 2, Support::Above(0.0)),
    ];
    let formula = Formula::new("a + sum(b)", variables.clone(), constants.clone()).unwrap();
    assert_eq!(formula.text(), "a + sum(b)");
    assert_eq!(formula.coordinates().variables(), variables);
    assert_eq!(*formula.constants(), constants);
    assert_eq!(formula.coordinates().names(), ["a", "b[1]", "b[2]"]);
    assert!(!formula.coordinates().is_unbounded());
    assert!(formula.coordinates().supports().eq([
        Support::Real,
        Support::Above(0.0),
        Support::Above(0.0)
    ]));
}

#[test]
fn what_is_written_twice_is_computed_once() {
    let once = formula("let r = x1^2 + x2^2\n-r", 2);
    let twice = formula("let r = x1^2 + x2^2\nlet s = x2^2 + r\n-(x1^2 + x2^2)", 2);
    assert_eq!(once.size(), twice.size());
    assert_eq!(once.size(), 2 + 4);
    assert_eq!(formula("exp(x1^2 + x2)/(x1^2 + x2)", 2).size(), 2 + 4);
    // Parts of parts, each twice, would be 2⁶⁰ terms.
    let mut text = "let a0 = x1*1.5 + 1\n".to_owned();
    for i in 1..=60 {
        text += &format!("let a{i} = 0.5*a{j} + 0.5*a{j}\n", j = i - 1);
    }
    assert_eq!(
        at(&formula(&format!("{text}a60"), 1), &[2.0]),
        (4.0, vec![1.5])
    );
    let sums = text.replace("0.5*", "");
    assert!(formula(&format!("{sums}a60"), 1).size() < 100);
}

#[test]
fn lists_have_entries_and_parts() {
    for (text, expected) in [
        ("[1, 2, 3][2]", 2.0),
        ("sum([1, 2, 3][2:3])", 5.0),
        ("sum([1, [2, 3], 4][2:3])", 5.0),
        ("length([1, 2])", 2.0),
        ("[4, 5][length([1, 2])]", 5.0),
        ("mean([1, 2, 6])", 3.0),
        ("dot([1, 2], [3, 4])", 11.0),
        ("sum([1, 2]*3)", 9.0),
        ("max([1, 5], 3)", 5.0),
        ("sum(if(1, 2, [1, 1, 1]))", 6.0),
        ("sum(if([1, 0], 2, 3))", 5.0),
        ("sum([1, 2]^[2, 3])", 9.0),
        ("5[1]", 5.0),
    ] {
        let formula = formula(text, 1);
        assert_eq!(at(&formula, &[0.3]), (expected, vec![0.0]), "{text}");
    }
    assert_eq!(
        at(&formula("sum(if(1 < 2, x1, [1, 1, 1]))", 1), &[2.0]),
        (6.0, vec![3.0])
    );
}
