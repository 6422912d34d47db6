//! From the tokens of a formula to its tree.

use std::ops::Range;

use winnow::combinator::{
    Infix as Between, Postfix as After, Prefix as Before, expression as expressions, opt,
};
use winnow::error::ParserError;
use winnow::prelude::*;
use winnow::stream::TokenSlice;
use winnow::token::any;

use super::FormulaError;
use super::syntax::{ENTRY, Expression, ExpressionKind, Infix, Part, Prefix, Text};
use super::token::{NAMED, Token, TokenKind, tokens};

/// Expressions may stand within so many others.
const DEEPEST: usize = 500;
/// So many signs may follow each other that each need what comes after.
const LONGEST_CHAIN: usize = 60;

type Input<'a> = TokenSlice<'a, Token>;
type Parsed<T> = Result<T, Wrong>;

/// Where there is no such thing, or what is wrong with it.
#[derive(Debug)]
struct Wrong(Option<FormulaError>);

impl From<FormulaError> for Wrong {
    fn from(error: FormulaError) -> Self {
        Self(Some(error))
    }
}

impl<'a> ParserError<Input<'a>> for Wrong {
    type Inner = Self;

    fn from_input(_: &Input<'a>) -> Self {
        Self(None)
    }

    fn into_inner(self) -> Result<Self, Self> {
        Ok(self)
    }

    fn is_backtrack(&self) -> bool {
        self.0.is_none()
    }
}

/// The tree of a text.
pub(super) fn parse(text: &str) -> Result<Text, FormulaError> {
    let all = tokens(text)?;
    if all.is_empty() {
        let message = "there is no formula";
        return Err(FormulaError::new(
            0..0,
            message,
            "write one, as in -0.5*x^2",
        ));
    }
    is_not_chained(&all)?;
    let mut input = TokenSlice::new(&all);
    let parsed = whole(&mut input, text.len());
    parsed.map_err(|wrong| wrong.0.unwrap_or_else(|| unexpected(&input, text.len())))
}

fn whole(input: &mut Input, length: usize) -> Parsed<Text> {
    let mut parts: Vec<Part> = Vec::new();
    while opt(sign("let")).parse_next(input)?.is_some() {
        let (name, span) = name(input)
            .map_err(|_| here(input, length, "a name must follow let", "as in let r = 2"))?;
        if parts.iter().any(|part| part.name == name) {
            let message = format!("{name} has a meaning already");
            return Err(FormulaError::new(span, message, "choose another name").into());
        }
        if opt(sign("=")).parse_next(input)?.is_none() {
            return Err(here(
                input,
                length,
                "an = must follow the name",
                "as in let r = 2",
            )
            .into());
        }
        let value = expression(input, length)?;
        parts.push(Part { name, value });
        if opt(end).parse_next(input)?.is_none() {
            return Err(match input.first() {
                Some(_) => unexpected(input, length),
                None => here(
                    input,
                    length,
                    "the value of the formula must follow",
                    "the last line is the log-density itself, without let",
                ),
            }
            .into());
        }
    }
    let value = expression(input, length)?;
    match input.first() {
        None => Ok(Text { parts, value }),
        Some(Token {
            kind: TokenKind::End,
            ..
        }) => Err(here(
            input,
            length,
            "there is more after the value of the formula",
            "lines before the last begin with let; a line goes on in the next after a sign such as + \
             and within brackets",
        )
        .into()),
        Some(_) => Err(unexpected(input, length).into()),
    }
}

/// What is wrong with the token that comes next, or with the end.
fn unexpected(input: &Input, length: usize) -> FormulaError {
    let previous = input.previous_tokens().next();
    let after = |kind: &TokenKind| matches!(kind, TokenKind::Number(_) | TokenKind::Sign(")"));
    match input.first().map(|token| &token.kind) {
        None | Some(TokenKind::End) => here(
            input,
            length,
            "something is missing here",
            "a number, a name or a bracket must follow, or ) or ] to close one",
        ),
        Some(TokenKind::Name(_) | TokenKind::Number(_) | TokenKind::Sign("("))
            if previous.is_some_and(|previous| after(&previous.kind)) =>
        {
            let help = "write a product with *, as in 2*x";
            here(input, length, "a sign is missing before this", help)
        }
        Some(_) => here(
            input,
            length,
            "this cannot stand here",
            "check the brackets and the signs around it",
        ),
    }
}

/// An error at the next token.
fn here(input: &Input, length: usize, message: &str, help: &str) -> FormulaError {
    let span = input
        .first()
        .map_or(length..length, |token| token.span.clone());
    FormulaError::new(span, message, help)
}

/// Chains of signs before expressions and of powers are read from the right, each within the one before.
fn is_not_chained(all: &[Token]) -> Result<(), FormulaError> {
    let (mut signs, mut powers) = (0, 0);
    for token in all {
        match token.kind {
            TokenKind::Sign("^" | "**") => (signs, powers) = (0, powers + 1),
            TokenKind::Sign("+" | "-" | "not" | "!") => signs += 1,
            TokenKind::End => (signs, powers) = (0, 0),
            TokenKind::Sign(_) => powers = 0,
            TokenKind::Name(_) | TokenKind::Number(_) => signs = 0,
        }
        if signs.max(powers) > LONGEST_CHAIN {
            let message = "too many signs follow each other";
            return Err(FormulaError::new(token.span.clone(), message, NAMED));
        }
    }
    Ok(())
}

fn sign<'a>(wanted: &'static str) -> impl Parser<Input<'a>, &'a Token, Wrong> {
    any.verify(move |token: &&Token| token.kind == TokenKind::Sign(wanted))
}

fn next<'a>(input: &mut Input<'a>) -> Parsed<&'a Token> {
    any.parse_next(input)
}

fn end(input: &mut Input) -> Parsed<()> {
    any.verify(|token: &&Token| token.kind == TokenKind::End)
        .void()
        .parse_next(input)
}

fn name(input: &mut Input) -> Parsed<(String, Range<usize>)> {
    any.verify_map(|token: &Token| match &token.kind {
        TokenKind::Name(name) => Some((name.clone(), token.span.clone())),
        _ => None,
    })
    .parse_next(input)
}

fn expression(input: &mut Input, length: usize) -> Parsed<Expression> {
    let found = expressions(|input: &mut Input| operand(input, length))
        .prefix(prefix)
        .infix(infix)
        .postfix(entry)
        .parse_next(input)?;
    if found.depth > DEEPEST {
        let message = format!("more than {DEEPEST} expressions stand within each other");
        return Err(FormulaError::new(found.span, message, NAMED).into());
    }
    Ok(found)
}

fn operand(input: &mut Input, length: usize) -> Parsed<Expression> {
    let Some(token) = input.first().cloned() else {
        return Err(unexpected(input, length).into());
    };
    match token.kind {
        TokenKind::Number(number) => {
            _ = next(input)?;
            if !number.is_finite() {
                let message = "this number is too large";
                return Err(FormulaError::new(token.span, message, "infinity is inf").into());
            }
            Ok(Expression::new(ExpressionKind::Number(number), token.span))
        }
        TokenKind::Name(name) => {
            _ = next(input)?;
            if opt(sign("(")).parse_next(input)?.is_none() {
                return Ok(Expression::new(ExpressionKind::Name(name), token.span));
            }
            let (arguments, to) = listed(input, ")", length)?;
            let span = token.span.start..to;
            Ok(Expression::new(ExpressionKind::Call(name, arguments), span))
        }
        TokenKind::Sign("(") => {
            _ = next(input)?;
            let mut inside = expression(input, length)?;
            let Some(close) = opt(sign(")")).parse_next(input)? else {
                return Err(unexpected(input, length).into());
            };
            inside.span = token.span.start..close.span.end;
            Ok(inside)
        }
        TokenKind::Sign("[") => {
            _ = next(input)?;
            let (all, to) = listed(input, "]", length)?;
            let span = token.span.start..to;
            Ok(Expression::new(ExpressionKind::List(all), span))
        }
        // There may be a sign before it.
        TokenKind::Sign("-" | "+" | "not" | "!") => Err(Wrong(None)),
        _ => Err(unexpected(input, length).into()),
    }
}

/// Expressions up to a bracket, and where that ends.
fn listed(
    input: &mut Input,
    close: &'static str,
    length: usize,
) -> Parsed<(Vec<Expression>, usize)> {
    let mut all = Vec::new();
    if let Some(close) = opt(sign(close)).parse_next(input)? {
        return Ok((all, close.span.end));
    }
    loop {
        all.push(expression(input, length)?);
        if let Some(close) = opt(sign(close)).parse_next(input)? {
            return Ok((all, close.span.end));
        }
        if opt(sign(",")).parse_next(input)?.is_none() {
            return Err(unexpected(input, length).into());
        }
    }
}

fn prefix<'a>(input: &mut Input<'a>) -> Parsed<Before<Input<'a>, Expression, Wrong>> {
    fn with(prefix: Prefix, inside: Expression) -> Parsed<Expression> {
        // Where it begins is not told; the sign is found where what is inside is.
        let span = inside.span.clone();
        Ok(Expression::new(
            ExpressionKind::Prefix(prefix, Box::new(inside)),
            span,
        ))
    }
    let token = next(input)?;
    Ok(match token.kind {
        TokenKind::Sign("-") => Before(Prefix::Minus.strength(), |_, inside| {
            with(Prefix::Minus, inside)
        }),
        TokenKind::Sign("+") => Before(Prefix::Plus.strength(), |_, inside| {
            with(Prefix::Plus, inside)
        }),
        TokenKind::Sign("not" | "!") => Before(Prefix::Not.strength(), |_, inside| {
            with(Prefix::Not, inside)
        }),
        _ => return Err(Wrong(None)),
    })
}

fn infix<'a>(input: &mut Input<'a>) -> Parsed<Between<Input<'a>, Expression, Wrong>> {
    fn with(infix: Infix, left: Expression, right: Expression) -> Parsed<Expression> {
        let span = left.span.start..right.span.end;
        let both = Box::new([left, right]);
        Ok(Expression::new(ExpressionKind::Infix(infix, both), span))
    }
    macro_rules! between {
        ($($associativity:ident $infix:ident: $($sign:literal)|+;)+) => {{
            let token = next(input)?;
            Ok(match token.kind {
                $(TokenKind::Sign($($sign)|+) => {
                    Between::$associativity(Infix::$infix.strength(), |_, left, right| {
                        with(Infix::$infix, left, right)
                    })
                })+
                _ => return Err(Wrong(None)),
            })
        }};
    }
    between! {
        Left Or: "or" | "||";
        Left And: "and" | "&&";
        Neither Less: "<";
        Neither LessOrEqual: "<=";
        Neither Greater: ">";
        Neither GreaterOrEqual: ">=";
        Neither Equal: "==";
        Neither NotEqual: "!=";
        Left Add: "+";
        Left Subtract: "-";
        Left Multiply: "*";
        Left Divide: "/";
        Right Power: "^" | "**";
    }
}

/// `[i]` or `[i:j]` after a list. What stands within the brackets is read where it is applied.
fn entry<'a>(input: &mut Input<'a>) -> Parsed<After<Input<'a>, Expression, Wrong>> {
    fn with(input: &mut Input, list: Expression) -> Parsed<Expression> {
        let length = list.span.end;
        let from = expression(input, length)?;
        let to = match opt(sign(":")).parse_next(input)? {
            Some(_) => Some(expression(input, length)?),
            None => None,
        };
        let Some(close) = opt(sign("]")).parse_next(input)? else {
            return Err(unexpected(input, length).into());
        };
        let span = list.span.start..close.span.end;
        let kind = match to {
            Some(to) => ExpressionKind::Entries(Box::new([list, from, to])),
            None => ExpressionKind::Entry(Box::new([list, from])),
        };
        Ok(Expression::new(kind, span))
    }
    _ = sign("[").parse_next(input)?;
    Ok(After(ENTRY, with))
}
