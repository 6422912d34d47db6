//! Expressions as operations.

use std::ops::Range;
use std::rc::Rc;

use super::super::FormulaError;
use super::super::library::{Defined, LIBRARY};
use super::super::number::{Binary, Number, Reduction, Unary};
use super::super::parse::parse;
use super::super::program::{Operand, Operation};
use super::super::rounded::Rounded;
use super::super::syntax::{Expression, ExpressionKind, Infix, Prefix};
use super::errors::{arity, is_not_too_large, same_length, unknown_function, unknown_name};
use super::{Lowering, MOST_ROWS, Names, OF_MANY, OF_ONE, Sum, functions};

impl Lowering {
    fn binary(
        &mut self,
        op: Binary,
        a: Operand,
        b: Operand,
        span: &Range<usize>,
    ) -> Result<Operand, FormulaError> {
        same_length(&[a, b], span)?;
        if op == Binary::Power
            && let Some(exponent) = self.builder.number(b)
        {
            return Ok(self.builder.power(a, exponent, b));
        }
        Ok(self.builder.applied(op, a, b))
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
        let numbers: Option<Vec<&[Rounded]>> = parts
            .iter()
            .map(|part| self.builder.numbers(*part))
            .collect();
        if let Some(numbers) = numbers {
            let numbers = numbers.concat();
            return Ok(self.builder.computed(&numbers));
        }
        Ok(match parts[..] {
            [one] => one,
            _ => self.builder.made(Operation::Join(parts), len),
        })
    }

    /// An expression as a sum. Numbers on its way are added up apart, so that they change no digit of what
    /// varies.
    pub fn sum(&mut self, expression: &Expression, names: &Names) -> Result<Sum, FormulaError> {
        let span = &expression.span;
        match &expression.kind {
            ExpressionKind::Prefix(Prefix::Plus, inside) => self.sum(inside, names),
            ExpressionKind::Prefix(Prefix::Minus, inside) => {
                let Sum { varying, number } = self.sum(inside, names)?;
                Ok(Sum {
                    varying: varying.map(|varying| self.builder.unary(Unary::Neg, varying)),
                    number: number.neg(),
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
                    (None, Some(b)) if op == Binary::Sub => Some(self.builder.unary(Unary::Neg, b)),
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

    pub fn expression(
        &mut self,
        expression: &Expression,
        names: &Names,
    ) -> Result<Operand, FormulaError> {
        let span = &expression.span;
        is_not_too_large(&self.builder.program, span)?;
        match &expression.kind {
            ExpressionKind::Number(number) => Ok(self.builder.constant(*number)),
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
                    Prefix::Minus => self.builder.unary(Unary::Neg, x),
                    Prefix::Not => {
                        let made = self.builder.unary(Unary::Not, x);
                        self.builder.mark(made);
                        made
                    }
                })
            }
            ExpressionKind::Infix(infix, both) => {
                let mut a = self.expression(&both[0], names)?;
                let mut b = self.expression(&both[1], names)?;
                if matches!(infix, Infix::And | Infix::Or) {
                    [a, b] = [a, b].map(|one| self.builder.truth(one));
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
                    Infix::NotEqual => self.builder.unary(Unary::Not, made),
                    _ => made,
                };
                if infix.compares() || matches!(infix, Infix::And | Infix::Or) {
                    self.builder.mark(made);
                }
                Ok(made)
            }
            ExpressionKind::Call(name, arguments) => self.call(name, arguments, names, span),
            ExpressionKind::Entry(two) => {
                let list = self.expression(&two[0], names)?;
                let i = self.place(&two[1], names, list.len())?;
                Ok(self.builder.entries(list, i - 1, 1))
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
                Ok(self.builder.entries(list, from - 1, to + 1 - from))
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
        let Some(number) = self.builder.number(value) else {
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
            return Ok(self.builder.unary(*op, given[0]));
        }
        if let Some((_, op)) = OF_MANY.iter().find(|(own, _)| *own == name) {
            if given.is_empty() {
                return Err(arity(name, &["list"], 0, span));
            }
            let list = self.joined(given, span)?;
            return Ok(self.builder.reduced(*op, list));
        }
        match name {
            "if" => {
                takes(&["condition", "then", "else"])?;
                let len = same_length(&given, span)?;
                let taken =
                    (self.builder.number(given[0])).map(|c| given[if c != 0.0 { 1 } else { 2 }]);
                match taken {
                    Some(taken) if taken.len() == len => Ok(taken),
                    _ => Ok(self
                        .builder
                        .made(Operation::Choose(given[0], [given[1], given[2]]), len)),
                }
            }
            "mean" => {
                takes(&["list"])?;
                let sum = self.builder.reduced(Reduction::Sum, given[0]);
                let count = self.builder.constant(given[0].len() as f64);
                Ok(self.builder.applied(Binary::Div, sum, count))
            }
            "dot" => {
                takes(&["a", "b"])?;
                same_length(&given, span)?;
                let products = self.builder.applied(Binary::Mul, given[0], given[1]);
                Ok(self.builder.reduced(Reduction::Sum, products))
            }
            "length" => {
                takes(&["list"])?;
                Ok(self.builder.constant(given[0].len() as f64))
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
