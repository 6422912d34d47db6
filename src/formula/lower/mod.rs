//! From the tree of a formula to the operations that compute it.

mod bounds;
mod build;
mod carried;
mod errors;
mod expression;
mod simplify;

use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;

use super::FormulaError;
use super::library::LIBRARY;
use super::number::{Binary, Number, Reduction, Unary};
use super::parse::already_known;
use super::program::{Operand, Operation, Program};
use super::rounded::Rounded;
use super::syntax::{Expression, Part, Text};
use super::token::is_name;
use crate::coordinates::{Support, Variable};
use crate::text;
use build::Builder;
use errors::is_not_too_large;

/// Functions of one number.
const OF_ONE: [(&str, Unary); 17] = [
    ("exp", Unary::Exp),
    ("expm1", Unary::Expm1),
    ("log", Unary::Log),
    ("log1p", Unary::Log1p),
    ("sqrt", Unary::Sqrt),
    ("abs", Unary::Abs),
    ("sin", Unary::Sin),
    ("cos", Unary::Cos),
    ("tan", Unary::Tan),
    ("sinh", Unary::Sinh),
    ("cosh", Unary::Cosh),
    ("tanh", Unary::Tanh),
    ("atan", Unary::Atan),
    ("erf", Unary::Erf),
    ("lgamma", Unary::Lgamma),
    ("sigmoid", Unary::Sigmoid),
    ("softplus", Unary::Softplus),
];
/// Functions of a list, or of as many numbers as one likes.
const OF_MANY: [(&str, Reduction); 4] = [
    ("sum", Reduction::Sum),
    ("min", Reduction::Min),
    ("max", Reduction::Max),
    ("logsumexp", Reduction::Logsumexp),
];
/// What is made in a way of its own.
const OTHERS: [&str; 5] = ["if", "mean", "dot", "length", "logaddexp"];
/// Names that always mean a number.
const CONSTANTS: [(&str, f64); 3] = [
    ("pi", std::f64::consts::PI),
    ("e", std::f64::consts::E),
    ("inf", f64::INFINITY),
];
/// More rows than this are no formula.
pub(super) const MOST_ROWS: usize = 1 << 24;

/// The names of all functions.
pub(super) fn functions() -> Vec<&'static str> {
    let mut names: Vec<&str> = OF_ONE.iter().map(|(name, _)| *name).collect();
    names.extend(OF_MANY.iter().map(|(name, _)| *name));
    names.extend(OTHERS);
    names.extend(LIBRARY.iter().map(|defined| defined.name));
    names.sort_unstable();
    names
}

/// A formula as a program of u, without the numbers that are added to it, and those.
pub(super) struct Lowered {
    pub program: Program,
    pub offset: Rounded,
}

/// Lowers a formula of some variables, with numbers or lists of them by name.
pub(super) fn lower(
    text: &Text,
    variables: &[Variable],
    constants: &BTreeMap<String, Vec<f64>>,
) -> Result<Lowered, FormulaError> {
    are_names(variables, constants)?;
    let dim = variables.iter().map(|variable| variable.len).sum();
    let mut lowering = Lowering {
        builder: Builder::new(dim),
        library: BTreeMap::new(),
    };
    let mut names = lowering.fixed_names();
    for (name, values) in constants {
        let value = lowering.builder.constants(values);
        let meaning = lowering.meaning(value);
        names.insert(name.clone(), meaning);
    }
    let (mut jacobian, mut inside) = (Vec::new(), Vec::new());
    let (mut first, mut all) = (0, Vec::new());
    for variable in variables {
        let u = Operand::Rows {
            first,
            len: variable.len,
        };
        first += variable.len;
        let (x, terms) = lowering.builder.carried(u, variable.support);
        jacobian.extend(terms);
        inside.extend(lowering.builder.inside(x, variable.support));
        all.push(x);
        let meaning = lowering.meaning(x);
        names.insert(variable.name.clone(), meaning);
    }
    // Beside a name such as x2 the place of a coordinate would mislead.
    let is_numbered = |name: &str| {
        (name.strip_prefix('x')).is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    if !names.keys().any(|name| name != "x" && is_numbered(name)) {
        let entries = all.iter().flat_map(|x| (0..x.len()).map(|i| x.entry(i)));
        for (i, x) in (1..).zip(entries) {
            let meaning = lowering.meaning(x);
            names.insert(format!("x{i}"), meaning);
        }
    }
    if !names.contains_key("x") {
        let x = match all[..] {
            [one] => one,
            _ if variables.iter().all(|one| one.support == Support::Real) => {
                Operand::Rows { first: 0, len: dim }
            }
            _ => lowering.builder.made(Operation::Join(all), dim),
        };
        let meaning = lowering.meaning(x);
        names.insert("x".to_owned(), meaning);
    }
    for Part { name, span, value } in &text.parts {
        if names.contains_key(name) {
            return Err(already_known(name, span.clone()));
        }
        // The sum first: a number that is added must not change the order of what is left.
        let sum = lowering.sum(value, &names)?;
        let value = lowering.expression(value, &names)?;
        let meaning = Meaning { value, sum };
        names.insert(name.clone(), meaning);
    }
    let span = &text.value.span;
    let Sum {
        mut varying,
        number: mut offset,
    } = lowering.sum(&text.value, &names)?;
    if let Some(list) = varying
        && list.len() != 1
    {
        let message = format!(
            "the log-density is a list of {} at each point",
            text::count(list.len(), "number")
        );
        let help = "it must be one number: put sum( ) around it";
        return Err(FormulaError::new(span.clone(), message, help));
    }
    for term in jacobian {
        match (lowering.builder.rounded(term), varying) {
            (Some(number), _) => offset = offset.add(number),
            (None, None) => varying = Some(term),
            (None, Some(value)) => {
                varying = Some(lowering.builder.applied(Binary::Add, value, term))
            }
        }
    }
    if !offset.value.is_finite() {
        let message = format!("{} is added to it everywhere", offset.value);
        let help = "a log-density is finite where the density is not 0";
        return Err(FormulaError::new(span.clone(), message, help));
    }
    let value = match varying {
        Some(value) => value,
        None => lowering.builder.constant(0.0),
    };
    // Where x is rounded to a bound or overflows the value may be no number.
    let inside = (inside.into_iter()).reduce(|a, b| lowering.builder.applied(Binary::Mul, a, b));
    lowering.builder.program.value = match inside {
        Some(inside) => {
            let infinity = lowering.builder.constant(f64::INFINITY);
            let is_number = lowering.builder.applied(Binary::Less, value, infinity);
            let inside = lowering.builder.applied(Binary::Max, inside, is_number);
            let nothing = lowering.builder.constant(f64::NEG_INFINITY);
            lowering
                .builder
                .made(Operation::Choose(inside, [value, nothing]), 1)
        }
        None => value,
    };
    let program = lowering.builder.program.trimmed();
    is_not_too_large(&program, span)?;
    Ok(Lowered { program, offset })
}

/// Whether variables and constants have names that can stand in a formula, each its own.
fn are_names(
    variables: &[Variable],
    constants: &BTreeMap<String, Vec<f64>>,
) -> Result<(), FormulaError> {
    let wrong = |message: String, help: &str| Err(FormulaError::new(0..0, message, help));
    if variables.is_empty() {
        return wrong("it has no variables".into(), "name one, such as x");
    }
    let of_variables = variables.iter().map(|one| (&one.name, one.len));
    let of_constants = constants.iter().map(|(name, values)| (name, values.len()));
    let mut known: HashSet<&str> = CONSTANTS.iter().map(|(name, _)| *name).collect();
    for (name, len) in of_variables.chain(of_constants) {
        if !is_name(name) {
            return wrong(
                format!("\"{}\" cannot be a name", text::shown(name)),
                "a name is letters, digits and _, begins with no digit, and is no word of formulas such as let",
            );
        }
        if !known.insert(name) {
            return Err(already_known(name, 0..0));
        }
        if len == 0 {
            return wrong(format!("{name} has no numbers"), "a list has at least one");
        }
    }
    Ok(())
}

type Names = BTreeMap<String, Meaning>;

/// What a name stands for.
#[derive(Clone, Copy)]
struct Meaning {
    value: Operand,
    sum: Sum,
}

/// The same, with the numbers that are added to it told apart.
#[derive(Clone, Copy)]
struct Sum {
    /// `None` for 0.
    varying: Option<Operand>,
    number: Rounded,
}

struct Lowering {
    builder: Builder,
    /// The trees of functions that were used.
    library: BTreeMap<&'static str, Rc<Expression>>,
}

impl Lowering {
    /// Names that always mean the same.
    fn fixed_names(&mut self) -> Names {
        let mut names = Names::new();
        for (name, value) in CONSTANTS {
            let value = self.builder.constant(value);
            names.insert(name.to_owned(), self.meaning(value));
        }
        names
    }

    fn meaning(&self, value: Operand) -> Meaning {
        let sum = self.term(value);
        Meaning { value, sum }
    }

    /// A sum of one term.
    fn term(&self, value: Operand) -> Sum {
        match self.builder.rounded(value) {
            Some(number) => Sum {
                varying: None,
                number,
            },
            None => Sum {
                varying: Some(value),
                number: Rounded::default(),
            },
        }
    }
}
