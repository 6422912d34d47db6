//! From the tree of a formula to the operations that compute it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::rc::Rc;

use super::library::{Defined, LIBRARY};
use super::number::{Binary, Reduction, Unary};
use super::parse::{already_known, parse};
use super::program::{Instruction, Operand, Operation, Program};
use super::support::Support;
use super::syntax::{Expression, ExpressionKind, Infix, Part, Prefix, Text};
use super::token::is_name;
use super::{FormulaError, Variable};
use crate::text;

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
/// Powers of at most this are products.
const LARGEST_PRODUCT: f64 = 8.0;
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
    pub offset: f64,
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
        program: Program {
            inputs: dim,
            rows: dim,
            ..Program::default()
        },
        numbers: HashMap::new(),
        known: HashMap::new(),
        truths: HashSet::new(),
        library: BTreeMap::new(),
    };
    let mut names = lowering.fixed_names();
    for (name, values) in constants {
        let value = lowering.constants(values);
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
        let (x, terms) = lowering.carried(u, variable.support)?;
        jacobian.extend(terms);
        inside.extend(lowering.inside(x, variable.support));
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
            _ => lowering.made(Operation::Join(all), dim),
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
        match (lowering.number(term), varying) {
            (Some(number), _) => offset += number,
            (None, None) => varying = Some(term),
            (None, Some(value)) => varying = Some(lowering.added(Binary::Add, value, term)),
        }
    }
    if !offset.is_finite() {
        let message = format!("{offset} is added to it everywhere");
        let help = "a log-density is finite where the density is not 0";
        return Err(FormulaError::new(span.clone(), message, help));
    }
    let value = match varying {
        Some(value) => value,
        None => lowering.constant(0.0),
    };
    // Where x is rounded to a bound or overflows the value may be no number.
    let inside = (inside.into_iter()).reduce(|a, b| lowering.added(Binary::Mul, a, b));
    lowering.program.value = match inside {
        Some(inside) => {
            let infinity = lowering.constant(f64::INFINITY);
            let is_number = lowering.added(Binary::Less, value, infinity);
            let inside = lowering.added(Binary::Max, inside, is_number);
            let nothing = lowering.constant(f64::NEG_INFINITY);
            lowering.made(Operation::Choose(inside, [value, nothing]), 1)
        }
        None => value,
    };
    let program = lowering.program.trimmed();
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

fn is_not_too_large(program: &Program, span: &Range<usize>) -> Result<(), FormulaError> {
    if program.rows.max(program.constants.len()) <= MOST_ROWS {
        return Ok(());
    }
    let message = format!("there are more than {MOST_ROWS} numbers to each point");
    let help = "sum over fewer rows of data, or give the density by a program";
    Err(FormulaError::new(span.clone(), message, help))
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
    number: f64,
}

struct Lowering {
    program: Program,
    /// Where each number is, by its bits.
    numbers: HashMap<u64, Operand>,
    /// What each operation made: the same one is not done twice.
    known: HashMap<Operation, Operand>,
    /// Rows that are 0 or 1, by the first.
    truths: HashSet<usize>,
    /// The trees of functions that were used.
    library: BTreeMap<&'static str, Rc<Expression>>,
}

impl Lowering {
    /// Names that always mean the same.
    fn fixed_names(&mut self) -> Names {
        let mut names = Names::new();
        for (name, value) in CONSTANTS {
            let value = self.constant(value);
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
        match self.number(value) {
            Some(number) => Sum {
                varying: None,
                number,
            },
            None => Sum {
                varying: Some(value),
                number: 0.0,
            },
        }
    }

    fn constant(&mut self, value: f64) -> Operand {
        self.constants(&[value])
    }

    fn constants(&mut self, values: &[f64]) -> Operand {
        if let [value] = values
            && let Some(known) = self.numbers.get(&value.to_bits())
        {
            return *known;
        }
        let first = self.program.constants.len();
        self.program.constants.extend_from_slice(values);
        let len = values.len();
        let made = Operand::Constants { first, len };
        if let [value] = values {
            self.numbers.insert(value.to_bits(), made);
        }
        made
    }

    fn numbers(&self, at: Operand) -> Option<&[f64]> {
        match at {
            Operand::Constants { first, len } => Some(&self.program.constants[first..first + len]),
            Operand::Rows { .. } => None,
        }
    }

    fn number(&self, at: Operand) -> Option<f64> {
        match self.numbers(at)? {
            [number] => Some(*number),
            _ => None,
        }
    }

    fn made(&mut self, operation: Operation, len: usize) -> Operand {
        if let Some(known) = self.known.get(&operation) {
            return *known;
        }
        let to = self.program.rows;
        self.program.rows += len;
        let made = Operand::Rows { first: to, len };
        self.known.insert(operation.clone(), made);
        self.program
            .instructions
            .push(Instruction { operation, to, len });
        made
    }

    /// Keeps in mind that it is 0 or 1.
    fn mark(&mut self, truth: Operand) {
        if let Operand::Rows { first, .. } = truth {
            self.truths.insert(first);
        }
    }

    /// 1 where it is not 0.
    fn truth(&mut self, x: Operand) -> Operand {
        match x {
            Operand::Rows { first, .. } if self.truths.contains(&first) => x,
            _ => {
                let is_false = self.unary(Unary::Not, x);
                self.unary(Unary::Not, is_false)
            }
        }
    }

    fn unary(&mut self, op: Unary, x: Operand) -> Operand {
        match self.numbers(x) {
            Some(numbers) => {
                let values: Vec<f64> = numbers.iter().map(|x| op.value(*x)).collect();
                self.constants(&values)
            }
            None => match self.undone(op, x) {
                Some(known) => known,
                None => self.made(Operation::Unary(op, x), x.len()),
            },
        }
    }

    /// Logarithms of what is an exponential, or a coordinate between bounds, without a number that overflows or is
    /// rounded to a bound: log e^u is u, log σ(u) is −softplus(−u), and log(1 − σ(u)) is −softplus(u).
    fn undone(&mut self, op: Unary, x: Operand) -> Option<Operand> {
        let softplus = |lowering: &mut Self, u: Operand| {
            let value = lowering.unary(Unary::Softplus, u);
            lowering.unary(Unary::Neg, value)
        };
        match op {
            Unary::Log => match (self.made_of(Unary::Exp, x), self.made_of(Unary::Sigmoid, x)) {
                (Some(u), _) => Some(u),
                (None, Some(u)) => {
                    let minus = self.unary(Unary::Neg, u);
                    Some(softplus(self, minus))
                }
                (None, None) => None,
            },
            Unary::Log1p => {
                let share = self.made_of(Unary::Neg, x)?;
                let u = self.made_of(Unary::Sigmoid, share)?;
                Some(softplus(self, u))
            }
            _ => None,
        }
    }

    /// What some rows were made of by an operation, if they were.
    fn made_of(&self, op: Unary, x: Operand) -> Option<Operand> {
        let Operand::Rows { first, len } = x else {
            return None;
        };
        let instructions = &self.program.instructions;
        let place = instructions.partition_point(|one| one.to <= first);
        let Instruction {
            operation,
            to,
            len: rows,
        } = instructions.get(place.checked_sub(1)?)?;
        match operation {
            Operation::Unary(own, Operand::Rows { first: of, .. })
                if *own == op && first + len <= to + rows =>
            {
                let first = of + (first - to);
                Some(Operand::Rows { first, len })
            }
            _ => None,
        }
    }

    /// Of lists as long as each other, or of a list and a number.
    fn added(&mut self, op: Binary, a: Operand, b: Operand) -> Operand {
        let len = a.len().max(b.len());
        if let (Some(of_a), Some(of_b)) = (self.numbers(a), self.numbers(b)) {
            let at = |numbers: &[f64], i: usize| numbers[if numbers.len() == 1 { 0 } else { i }];
            let values: Vec<f64> = (0..len)
                .map(|i| op.value(at(of_a, i), at(of_b, i)))
                .collect();
            return self.constants(&values);
        }
        self.made(Operation::Binary(op, a, b), len)
    }

    fn binary(
        &mut self,
        op: Binary,
        a: Operand,
        b: Operand,
        span: &Range<usize>,
    ) -> Result<Operand, FormulaError> {
        same_length(&[a, b], span)?;
        if op == Binary::Power
            && let Some(exponent) = self.number(b)
        {
            return Ok(self.power(a, exponent, b));
        }
        Ok(self.added(op, a, b))
    }

    fn power(&mut self, base: Operand, exponent: f64, as_operand: Operand) -> Operand {
        let size = exponent.abs();
        if self.numbers(base).is_some()
            || !(exponent == 0.5 || exponent.fract() == 0.0 && size <= LARGEST_PRODUCT)
        {
            return self.added(Binary::Power, base, as_operand);
        }
        if exponent == 0.5 {
            return self.unary(Unary::Sqrt, base);
        }
        // By squares: x⁶ = x⁴ x².
        let (mut left, mut square, mut product) = (size as u32, base, None);
        while left > 0 {
            if left % 2 == 1 {
                product = Some(match product {
                    None => square,
                    Some(product) => self.added(Binary::Mul, product, square),
                });
            }
            left /= 2;
            if left > 0 {
                square = self.unary(Unary::Square, square);
            }
        }
        match product {
            None => {
                let ones = vec![1.0; base.len()];
                self.constants(&ones)
            }
            Some(product) if exponent < 0.0 => self.unary(Unary::Recip, product),
            Some(product) => product,
        }
    }

    fn reduced(&mut self, op: Reduction, x: Operand) -> Operand {
        match self.numbers(x) {
            Some(_) if x.len() == 1 => x,
            Some(numbers) => {
                let fold =
                    |by: Binary, start| numbers.iter().fold(start, |all, one| by.value(all, *one));
                let value = match op {
                    Reduction::Sum => fold(Binary::Add, 0.0),
                    Reduction::Min => fold(Binary::Min, f64::INFINITY),
                    Reduction::Max => fold(Binary::Max, f64::NEG_INFINITY),
                    Reduction::Logsumexp => fold(Binary::Logaddexp, f64::NEG_INFINITY),
                };
                self.constant(value)
            }
            None if x.len() == 1 => x,
            None => self.made(Operation::Reduce(op, x), 1),
        }
    }

    fn joined(
        &mut self,
        parts: Vec<Operand>,
        span: &Range<usize>,
    ) -> Result<Operand, FormulaError> {
        let len = parts.iter().map(|part| part.len()).sum();
        if len > MOST_ROWS {
            let message = format!("a list of {len} numbers is too long");
            let help = format!("lists have {MOST_ROWS} numbers at most");
            return Err(FormulaError::new(span.clone(), message, help));
        }
        let numbers: Option<Vec<&[f64]>> = parts.iter().map(|part| self.numbers(*part)).collect();
        if let Some(numbers) = numbers {
            let numbers = numbers.concat();
            return Ok(self.constants(&numbers));
        }
        Ok(match parts[..] {
            [one] => one,
            _ => self.made(Operation::Join(parts), len),
        })
    }

    /// x = T(u) for each entry, and the terms of log|T′|.
    fn carried(
        &mut self,
        u: Operand,
        support: Support,
    ) -> Result<(Operand, Vec<Operand>), FormulaError> {
        let size = |lowering: &mut Self| lowering.unary(Unary::Exp, u);
        Ok(match support {
            Support::Real => (u, Vec::new()),
            Support::Above(a) => {
                let size = size(self);
                let x = match a {
                    0.0 => size,
                    _ => {
                        let from = self.constant(a);
                        self.added(Binary::Add, size, from)
                    }
                };
                (x, vec![self.reduced(Reduction::Sum, u)])
            }
            Support::Below(b) => {
                let (from, size) = (self.constant(b), size(self));
                let x = self.added(Binary::Sub, from, size);
                (x, vec![self.reduced(Reduction::Sum, u)])
            }
            Support::Between(a, b) => {
                let share = self.unary(Unary::Sigmoid, u);
                let x = match (a, b) {
                    (0.0, 1.0) => share,
                    _ => {
                        let (from, wide) = (self.constant(a), self.constant(b - a));
                        let inside = self.added(Binary::Mul, share, wide);
                        self.added(Binary::Add, inside, from)
                    }
                };
                // log σ(u) (1 − σ(u)) = −softplus(u) − softplus(−u).
                let minus = self.unary(Unary::Neg, u);
                let sides = [u, minus].map(|side| {
                    let side = self.unary(Unary::Softplus, side);
                    let side = self.reduced(Reduction::Sum, side);
                    self.unary(Unary::Neg, side)
                });
                let wide = self.constant(u.len() as f64 * (b - a).ln());
                (x, [sides[0], sides[1], wide].to_vec())
            }
        })
    }

    /// Whether x, where there are bounds, lies inside them: it is rounded to a bound, or overflows, where u is
    /// large enough.
    fn inside(&mut self, x: Operand, support: Support) -> Option<Operand> {
        let (low, high) = match support {
            Support::Real => return None,
            Support::Above(a) => (a, f64::INFINITY),
            Support::Below(b) => (f64::NEG_INFINITY, b),
            Support::Between(a, b) => (a, b),
        };
        let (low, high) = (self.constant(low), self.constant(high));
        let above = self.added(Binary::Less, low, x);
        let below = self.added(Binary::Less, x, high);
        let both = self.added(Binary::Mul, above, below);
        Some(self.reduced(Reduction::Min, both))
    }

    /// An expression as a sum. Numbers on its way are added up apart, so that they change no digit of what
    /// varies.
    fn sum(&mut self, expression: &Expression, names: &Names) -> Result<Sum, FormulaError> {
        let span = &expression.span;
        match &expression.kind {
            ExpressionKind::Prefix(Prefix::Plus, inside) => self.sum(inside, names),
            ExpressionKind::Prefix(Prefix::Minus, inside) => {
                let Sum { varying, number } = self.sum(inside, names)?;
                Ok(Sum {
                    varying: varying.map(|varying| self.unary(Unary::Neg, varying)),
                    number: -number,
                })
            }
            ExpressionKind::Infix(infix @ (Infix::Add | Infix::Subtract), both) => {
                let a = self.sum(&both[0], names)?;
                let b = self.sum(&both[1], names)?;
                let op = match infix {
                    Infix::Add => Binary::Add,
                    _ => Binary::Sub,
                };
                let varying = match (a.varying, b.varying) {
                    (Some(a), Some(b)) => Some(self.binary(op, a, b, span)?),
                    (None, Some(b)) if op == Binary::Sub => Some(self.unary(Unary::Neg, b)),
                    (a, b) => a.or(b),
                };
                let number = op.value(a.number, b.number);
                Ok(Sum { varying, number })
            }
            ExpressionKind::Name(name) if let Some(meaning) = names.get(name) => Ok(meaning.sum),
            ExpressionKind::Call(name, arguments) if let Some(defined) = defined(name) => {
                let (body, names) = self.entered(defined, arguments, names, span)?;
                (self.sum(&body, &names)).map_err(|error| error.within(name, span))
            }
            _ => {
                let value = self.expression(expression, names)?;
                Ok(self.term(value))
            }
        }
    }

    /// A function that is a formula, with its arguments in place.
    fn entered(
        &mut self,
        defined: &'static Defined,
        arguments: &[Expression],
        names: &Names,
        span: &Range<usize>,
    ) -> Result<(Rc<Expression>, Names), FormulaError> {
        let Defined {
            name, parameters, ..
        } = defined;
        if arguments.len() != parameters.len() {
            return Err(arity(name, parameters, arguments.len(), span));
        }
        let body = match self.library.get(name) {
            Some(body) => Rc::clone(body),
            None => {
                let body = Rc::new(parse(defined.formula)?.value);
                self.library.insert(name, Rc::clone(&body));
                body
            }
        };
        let mut within = self.fixed_names();
        let mut values = Vec::new();
        for (parameter, argument) in parameters.iter().zip(arguments) {
            let value = self.expression(argument, names)?;
            values.push(value);
            within.insert((*parameter).to_owned(), self.meaning(value));
        }
        same_length(&values, span)?;
        Ok((body, within))
    }

    fn expression(
        &mut self,
        expression: &Expression,
        names: &Names,
    ) -> Result<Operand, FormulaError> {
        let span = &expression.span;
        is_not_too_large(&self.program, span)?;
        match &expression.kind {
            ExpressionKind::Number(number) => Ok(self.constant(*number)),
            ExpressionKind::Name(name) => match names.get(name) {
                Some(meaning) => Ok(meaning.value),
                None => Err(unknown_name(name, names, span)),
            },
            ExpressionKind::List(all) => {
                if all.is_empty() {
                    let message = "a list must have an entry";
                    return Err(FormulaError::new(span.clone(), message, "as in [1, 2]"));
                }
                let parts = self.all(all, names)?;
                self.joined(parts, span)
            }
            ExpressionKind::Prefix(prefix, inside) => {
                let x = self.expression(inside, names)?;
                Ok(match prefix {
                    Prefix::Plus => x,
                    Prefix::Minus => self.unary(Unary::Neg, x),
                    Prefix::Not => {
                        let made = self.unary(Unary::Not, x);
                        self.mark(made);
                        made
                    }
                })
            }
            ExpressionKind::Infix(infix, both) => {
                let mut a = self.expression(&both[0], names)?;
                let mut b = self.expression(&both[1], names)?;
                if matches!(infix, Infix::And | Infix::Or) {
                    [a, b] = [a, b].map(|one| self.truth(one));
                }
                let (op, a, b) = match infix {
                    Infix::Or => (Binary::Max, a, b),
                    Infix::And => (Binary::Min, a, b),
                    Infix::Less => (Binary::Less, a, b),
                    Infix::LessOrEqual => (Binary::LessOrEqual, a, b),
                    Infix::Greater => (Binary::Less, b, a),
                    Infix::GreaterOrEqual => (Binary::LessOrEqual, b, a),
                    Infix::Equal | Infix::NotEqual => (Binary::Equal, a, b),
                    Infix::Add => (Binary::Add, a, b),
                    Infix::Subtract => (Binary::Sub, a, b),
                    Infix::Multiply => (Binary::Mul, a, b),
                    Infix::Divide => (Binary::Div, a, b),
                    Infix::Power => (Binary::Power, a, b),
                };
                let made = self.binary(op, a, b, span)?;
                let made = match infix {
                    Infix::NotEqual => self.unary(Unary::Not, made),
                    _ => made,
                };
                if infix.compares() || matches!(infix, Infix::And | Infix::Or) {
                    self.mark(made);
                }
                Ok(made)
            }
            ExpressionKind::Call(name, arguments) => self.call(name, arguments, names, span),
            ExpressionKind::Entry(two) => {
                let list = self.expression(&two[0], names)?;
                let i = self.place(&two[1], names, list.len())?;
                Ok(list.entry(i - 1))
            }
            ExpressionKind::Entries(three) => {
                let list = self.expression(&three[0], names)?;
                let from = self.place(&three[1], names, list.len())?;
                let to = self.place(&three[2], names, list.len())?;
                if to < from {
                    let message = format!("entries {from} to {to} are none");
                    let help = "the first entry is 1, and both ends are among them";
                    return Err(FormulaError::new(span.clone(), message, help));
                }
                let len = to + 1 - from;
                Ok(match list {
                    Operand::Rows { first, .. } => Operand::Rows {
                        first: first + from - 1,
                        len,
                    },
                    Operand::Constants { first, .. } => Operand::Constants {
                        first: first + from - 1,
                        len,
                    },
                })
            }
        }
    }

    fn all(&mut self, all: &[Expression], names: &Names) -> Result<Vec<Operand>, FormulaError> {
        all.iter().map(|one| self.expression(one, names)).collect()
    }

    /// The place of an entry, from 1 on.
    fn place(
        &mut self,
        expression: &Expression,
        names: &Names,
        len: usize,
    ) -> Result<usize, FormulaError> {
        let value = self.expression(expression, names)?;
        let wrong = |message: String| {
            let help = format!("entries are numbered from 1 to {len}");
            FormulaError::new(expression.span.clone(), message, help)
        };
        let Some(number) = self.number(value) else {
            return Err(wrong("the number of an entry must not depend on x".into()));
        };
        if number.fract() != 0.0 || number < 1.0 || number > len as f64 {
            return Err(wrong(format!("there is no entry {number}")));
        }
        Ok(number as usize)
    }

    fn call(
        &mut self,
        name: &str,
        arguments: &[Expression],
        names: &Names,
        span: &Range<usize>,
    ) -> Result<Operand, FormulaError> {
        if let Some(defined) = defined(name) {
            let (body, within) = self.entered(defined, arguments, names, span)?;
            return (self.expression(&body, &within)).map_err(|error| error.within(name, span));
        }
        let is_known = functions().contains(&name);
        if !is_known {
            return Err(unknown_function(name, names, span));
        }
        let given = self.all(arguments, names)?;
        let takes = |parameters: &[&str]| match given.len() == parameters.len() {
            true => Ok(()),
            false => Err(arity(name, parameters, given.len(), span)),
        };
        if let Some((_, op)) = OF_ONE.iter().find(|(own, _)| *own == name) {
            takes(&["x"])?;
            return Ok(self.unary(*op, given[0]));
        }
        if let Some((_, op)) = OF_MANY.iter().find(|(own, _)| *own == name) {
            if given.is_empty() {
                return Err(arity(name, &["list"], 0, span));
            }
            let list = self.joined(given, span)?;
            return Ok(self.reduced(*op, list));
        }
        match name {
            "if" => {
                takes(&["condition", "then", "else"])?;
                let len = same_length(&given, span)?;
                let taken = (self.number(given[0])).map(|c| given[if c != 0.0 { 1 } else { 2 }]);
                match taken {
                    Some(taken) if taken.len() == len => Ok(taken),
                    _ => Ok(self.made(Operation::Choose(given[0], [given[1], given[2]]), len)),
                }
            }
            "mean" => {
                takes(&["list"])?;
                let sum = self.reduced(Reduction::Sum, given[0]);
                let count = self.constant(given[0].len() as f64);
                Ok(self.added(Binary::Div, sum, count))
            }
            "dot" => {
                takes(&["a", "b"])?;
                same_length(&given, span)?;
                let products = self.added(Binary::Mul, given[0], given[1]);
                Ok(self.reduced(Reduction::Sum, products))
            }
            "length" => {
                takes(&["list"])?;
                Ok(self.constant(given[0].len() as f64))
            }
            _ => {
                takes(&["a", "b"])?;
                self.binary(Binary::Logaddexp, given[0], given[1], span)
            }
        }
    }
}

fn defined(name: &str) -> Option<&'static Defined> {
    LIBRARY.iter().find(|defined| defined.name == name)
}

/// The length of lists that are as long as each other, or numbers.
fn same_length(all: &[Operand], span: &Range<usize>) -> Result<usize, FormulaError> {
    let longest = all.iter().map(|one| one.len()).max().unwrap_or(0);
    let other = all
        .iter()
        .map(|one| one.len())
        .find(|len| ![1, longest].contains(len));
    match other {
        None => Ok(longest),
        Some(other) => Err(FormulaError::new(
            span.clone(),
            format!("a list of {other} numbers meets one of {longest}"),
            "lists must be as long as each other; list[1] is the first entry, and sum(list) one number",
        )),
    }
}

fn arity(name: &str, parameters: &[&str], given: usize, span: &Range<usize>) -> FormulaError {
    let message = format!(
        "{name} takes {}, and {} given",
        text::count(parameters.len(), "argument"),
        match given {
            0 => "none is".to_owned(),
            1 => "1 is".to_owned(),
            _ => format!("{given} are"),
        }
    );
    let help = format!("write {name}({})", parameters.join(", "));
    FormulaError::new(span.clone(), message, help)
}

/// The nearest of some names, if one is near.
fn nearest<'a>(name: &str, among: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // Of short names, one slip of the hand.
    let slip = |other: &str| match name.len() > 2 && strsim::osa_distance(name, other) == 1 {
        true => 0.9,
        false => 0.0,
    };
    among
        .map(|other| (strsim::jaro_winkler(name, other).max(slip(other)), other))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, other)| other)
}

fn unknown_name(name: &str, names: &Names, span: &Range<usize>) -> FormulaError {
    let help = if functions().contains(&name) {
        format!("{name} is a function: write {name}( ) with what it is of")
    } else if let Some(other) = nearest(name, names.keys().map(String::as_str)) {
        format!("did you mean {other}?")
    } else {
        let known: Vec<&str> = names.keys().map(String::as_str).take(20).collect();
        format!(
            "give it a value in `constants`, or name it among the variables; known are {}",
            known.join(", ")
        )
    };
    FormulaError::new(span.clone(), format!("{name} is not known"), help)
}

fn unknown_function(name: &str, names: &Names, span: &Range<usize>) -> FormulaError {
    let help = match nearest(name, functions().into_iter()) {
        _ if names.contains_key(name) => format!("{name} is a number: write a product with *"),
        Some(other) => format!("did you mean {other}?"),
        None => format!("the functions are {}", functions().join(", ")),
    };
    FormulaError::new(span.clone(), format!("there is no function {name}"), help)
}
