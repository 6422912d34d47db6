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
use super::token::{Token, TokenKind, tokens};

/// Expressions may stand within so many others: a sum of so many terms has its first within all.
pub(super) const DEEPEST: usize = 500;
/// So many brackets, signs before an expression and powers may wait for their ends. Each is read within the
/// one before, on the stack.
pub(super) const MOST_OPEN: usize = 60;
/// What to do about an expression of too many parts within each other.
const NAMED: &str = "give its parts names, as in let r = sqrt(x1^2 + x2^2)";

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
    is_not_too_deep(&all)?;
    let mut input = TokenSlice::new(&all);
    let parsed = whole(&mut input);
    parsed.map_err(|wrong| wrong.0.unwrap_or_else(|| unexpected(&input)))
}

fn whole(input: &mut Input) -> Parsed<Text> {
    let mut parts: Vec<Part> = Vec::new();
    while opt(sign("let")).parse_next(input)?.is_some() {
        let (name, span) =
            name(input).map_err(|_| here(input, "a name must follow let", "as in let r = 2"))?;
        if parts.iter().any(|part| part.name == name) {
            return Err(already_known(&name, span).into());
        }
        if opt(sign("=")).parse_next(input)?.is_none() {
            return Err(here(input, "an = must follow the name", "as in let r = 2").into());
        }
        let value = expression(input)?;
        parts.push(Part { name, span, value });
        if opt(end).parse_next(input)?.is_none() {
            return Err(match input.first() {
                Some(_) => unexpected(input),
                None => here(
                    input,
                    "the value of the formula must follow",
                    "the last line is the log-density itself, without let",
                ),
            }
            .into());
        }
    }
    if let Some(TokenKind::Sign("+")) = input.first().map(|token| &token.kind)
        && !parts.is_empty()
    {
        return Err(here(
            input,
            "a line does not go on with a + at its start",
            AT_THE_END,
        )
        .into());
    }
    let value = expression(input)?;
    match input.first() {
        None => Ok(Text { parts, value }),
        Some(Token {
            kind: TokenKind::End,
            ..
        }) => {
            end(input)?;
            let message = "there is more after the value of the formula";
            Err(here(input, message, AT_THE_END).into())
        }
        Some(_) => Err(unexpected(input).into()),
    }
}

/// How lines go on.
const AT_THE_END: &str = "lines before the last begin with let; a line goes on in the next where it ends in a \
                          sign such as +, and within brackets";

/// An error about a name that is given twice.
pub(super) fn already_known(name: &str, span: Range<usize>) -> FormulaError {
    let message = format!("{name} has a meaning already");
    FormulaError::new(span, message, "choose another name")
}

/// Whether nothing need follow a token.
fn is_complete(kind: &TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::Number(_) | TokenKind::Name(_) | TokenKind::Sign(")" | "]")
    )
}

/// What is wrong with the token that comes next, or with the end.
fn unexpected(input: &Input) -> FormulaError {
    let previous = input.previous_tokens().next();
    let follows = previous.is_some_and(|previous| is_complete(&previous.kind));
    match input.first().map(|token| &token.kind) {
        None | Some(TokenKind::End) if follows => here(
            input,
            "something is missing here",
            "a bracket ( or [ before it needs its ) or ]",
        ),
        None | Some(TokenKind::End) => here(
            input,
            "something is missing here",
            "a number, a name or a bracket must follow",
        ),
        Some(TokenKind::Name(_) | TokenKind::Number(_) | TokenKind::Sign("(")) if follows => here(
            input,
            "a sign is missing before this",
            "write a product with *, as in 2*x",
        ),
        Some(TokenKind::Sign("<" | "<=" | ">" | ">=" | "==" | "!=")) if follows => here(
            input,
            "a comparison of a comparison",
            "write both with and between them, as in 0 < x and x < 1",
        ),
        Some(TokenKind::Sign("=")) => here(
            input,
            "= only stands after let and a name",
            "whether two are equal is ==; a formula is the log-density alone",
        ),
        Some(TokenKind::Sign("let")) => {
            here(input, "let begins a line of its own", "as in let r = 2")
        }
        Some(TokenKind::Sign(")" | "]")) if !follows => here(
            input,
            "something is missing before this",
            "a number, a name or a bracket must stand there",
        ),
        Some(TokenKind::Sign(")" | "]")) => here(
            input,
            "this closes no bracket",
            "( is closed by ), and [ by ]",
        ),
        Some(TokenKind::Sign(",")) if follows => here(
            input,
            "this comma is in no list",
            "commas stand in [ ], and in the ( ) of a function",
        ),
        Some(_) => here(
            input,
            "this cannot stand here",
            "check the brackets and the signs around it",
        ),
    }
}

/// An error at the next token, or after the last.
fn here(input: &Input, message: &str, help: &str) -> FormulaError {
    let span = match (input.first(), input.previous_tokens().next()) {
        (Some(token), _) => token.span.clone(),
        (None, last) => {
            let end = last.map_or(0, |last| last.span.end);
            end..end
        }
    };
    FormulaError::new(span, message, help)
}

/// Counts what waits for its end at each token.
fn is_not_too_deep(all: &[Token]) -> Result<(), FormulaError> {
    // Within the innermost bracket: `not`, which takes in sums, and the signs that bind more than products.
    let (mut outside, mut nots, mut ties) = (0, 0, 0);
    let mut open = Vec::new();
    let mut previous: Option<&Token> = None;
    for token in all {
        let follows = previous.is_some_and(|previous| is_complete(&previous.kind));
        match token.kind {
            TokenKind::Sign("(" | "[") => {
                open.push((outside, nots, ties));
                (outside, nots, ties) = (outside + nots + ties + 1, 0, 0);
            }
            TokenKind::Sign(")" | "]") => {
                (outside, nots, ties) = open.pop().unwrap_or_default();
            }
            TokenKind::Sign("not" | "!") => nots += 1,
            TokenKind::Sign("^" | "**") => ties += 1,
            TokenKind::Sign("+" | "-") if !follows => ties += 1,
            TokenKind::Sign("and" | "&&" | "or" | "||" | "," | ":" | "let" | "=")
            | TokenKind::End => (nots, ties) = (0, 0),
            TokenKind::Sign(_) => ties = 0,
            TokenKind::Name(_) | TokenKind::Number(_) => {}
        }
        if outside + nots + ties > MOST_OPEN {
            return Err(too_deep(MOST_OPEN, token.span.clone()));
        }
        previous = Some(token);
    }
    Ok(())
}

fn too_deep(most: usize, span: Range<usize>) -> FormulaError {
    let message = format!("more than {most} brackets and signs stand within each other");
    FormulaError::new(span, message, NAMED)
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

fn expression(input: &mut Input) -> Parsed<Expression> {
    expressions(operand)
        .prefix(prefix)
        .infix(infix)
        .postfix(entry)
        .parse_next(input)
}

/// An expression made of others, unless they go too deep.
fn made(kind: ExpressionKind, span: Range<usize>) -> Parsed<Expression> {
    let made = Expression::new(kind, span);
    match made.depth > DEEPEST {
        true => Err(too_deep(DEEPEST, made.span).into()),
        false => Ok(made),
    }
}

fn operand(input: &mut Input) -> Parsed<Expression> {
    let Some(token) = input.first().cloned() else {
        return Err(unexpected(input).into());
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
            let (arguments, to) = listed(input, ")")?;
            let span = token.span.start..to;
            made(ExpressionKind::Call(name, arguments), span)
        }
        TokenKind::Sign("(") => {
            _ = next(input)?;
            let mut inside = expression(input)?;
            let Some(close) = opt(sign(")")).parse_next(input)? else {
                return Err(unexpected(input).into());
            };
            inside.span = token.span.start..close.span.end;
            Ok(inside)
        }
        TokenKind::Sign("[") => {
            _ = next(input)?;
            let (all, to) = listed(input, "]")?;
            let span = token.span.start..to;
            made(ExpressionKind::List(all), span)
        }
        // There may be a sign before it.
        TokenKind::Sign("-" | "+" | "not" | "!") => Err(Wrong(None)),
        _ => Err(unexpected(input).into()),
    }
}

/// Expressions up to a bracket, and where that ends.
fn listed(input: &mut Input, close: &'static str) -> Parsed<(Vec<Expression>, usize)> {
    let mut all = Vec::new();
    if let Some(close) = opt(sign(close)).parse_next(input)? {
        return Ok((all, close.span.end));
    }
    loop {
        all.push(expression(input)?);
        if let Some(close) = opt(sign(close)).parse_next(input)? {
            return Ok((all, close.span.end));
        }
        if opt(sign(",")).parse_next(input)?.is_none() {
            return Err(unexpected(input).into());
        }
    }
}

fn prefix<'a>(input: &mut Input<'a>) -> Parsed<Before<Input<'a>, Expression, Wrong>> {
    fn with(input: &Input, prefix: Prefix, inside: Expression) -> Parsed<Expression> {
        // The sign is the last token before what it is a sign of.
        let sign = (input.previous_tokens()).find(|token| token.span.end <= inside.span.start);
        let start = sign.map_or(inside.span.start, |sign| sign.span.start);
        let span = start..inside.span.end;
        made(ExpressionKind::Prefix(prefix, Box::new(inside)), span)
    }
    let token = next(input)?;
    Ok(match token.kind {
        TokenKind::Sign("-") => Before(Prefix::Minus.strength(), |input, inside| {
            with(input, Prefix::Minus, inside)
        }),
        TokenKind::Sign("+") => Before(Prefix::Plus.strength(), |input, inside| {
            with(input, Prefix::Plus, inside)
        }),
        TokenKind::Sign("not" | "!") => Before(Prefix::Not.strength(), |input, inside| {
            with(input, Prefix::Not, inside)
        }),
        _ => return Err(Wrong(None)),
    })
}

fn infix<'a>(input: &mut Input<'a>) -> Parsed<Between<Input<'a>, Expression, Wrong>> {
    fn with(
        input: &Input,
        infix: Infix,
        left: Expression,
        right: Expression,
    ) -> Parsed<Expression> {
        // `not a < b < c`: with brackets around the first, it would begin before its sign.
        if let (ExpressionKind::Prefix(Prefix::Not, _), true) = (&left.kind, infix.compares())
            && (input.previous_tokens()).any(|token| {
                token.span.start == left.span.start && token.kind != TokenKind::Sign("(")
            })
        {
            let message = "a comparison of what follows not";
            let help = "write brackets, as in not (a < b)";
            return Err(FormulaError::new(left.span.start..right.span.end, message, help).into());
        }
        let span = left.span.start..right.span.end;
        made(ExpressionKind::Infix(infix, Box::new([left, right])), span)
    }
    macro_rules! between {
        ($($associativity:ident $infix:ident: $($sign:literal)|+;)+) => {{
            let token = next(input)?;
            Ok(match token.kind {
                $(TokenKind::Sign($($sign)|+) => {
                    Between::$associativity(Infix::$infix.strength(), |input, left, right| {
                        with(input, Infix::$infix, left, right)
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
        let from = expression(input)?;
        let to = match opt(sign(":")).parse_next(input)? {
            Some(_) => Some(expression(input)?),
            None => None,
        };
        let Some(close) = opt(sign("]")).parse_next(input)? else {
            return Err(unexpected(input).into());
        };
        let span = list.span.start..close.span.end;
        let kind = match to {
            Some(to) => ExpressionKind::Entries(Box::new([list, from, to])),
            None => ExpressionKind::Entry(Box::new([list, from])),
        };
        made(kind, span)
    }
    _ = sign("[").parse_next(input)?;
    Ok(After(ENTRY, with))
}
