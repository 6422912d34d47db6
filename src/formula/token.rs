//! The words and signs of a formula, with where they stand.

use std::ops::Range;

use winnow::ascii::digit1;
use winnow::combinator::{alt, opt, preceded};
use winnow::error::ContextError;
use winnow::prelude::*;
use winnow::stream::LocatingSlice;
use winnow::token::{any, one_of, take_while};

use super::FormulaError;

/// A word or sign.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub kind: TokenKind,
    /// The bytes of the text it stands in.
    pub span: Range<usize>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum TokenKind {
    Number(f64),
    Name(String),
    Sign(&'static str),
    /// The end of a line or a semicolon, where an expression may end.
    End,
}

/// All signs, those first that begin with another, and the words that are no names.
const SIGNS: [&str; 23] = [
    "<=", ">=", "==", "!=", "**", "&&", "||", "<", ">", "=", "!", "+", "-", "*", "/", "^", "(",
    ")", "[", "]", ",", ":", ";",
];
const WORDS: [&str; 4] = ["let", "and", "or", "not"];
/// Longer texts are no formulas.
pub(super) const LONGEST: usize = 1 << 16;

type Input<'a> = LocatingSlice<&'a str>;
type Parsed<T> = Result<T, ContextError>;

fn number(input: &mut Input) -> Parsed<TokenKind> {
    let mantissa = alt((
        (digit1, opt(('.', opt(digit1)))).void(),
        ('.', digit1).void(),
    ));
    let exponent = (one_of(['e', 'E']), opt(one_of(['+', '-'])), digit1);
    (mantissa, opt(exponent))
        .take()
        .parse_to()
        .map(TokenKind::Number)
        .parse_next(input)
}

fn word(input: &mut Input) -> Parsed<TokenKind> {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    let more = move |c: char| letter(c) || c.is_ascii_digit();
    (one_of(letter), take_while(0.., more))
        .take()
        .map(
            |text: &str| match WORDS.iter().find(|word| **word == text) {
                Some(word) => TokenKind::Sign(word),
                None => TokenKind::Name(text.to_owned()),
            },
        )
        .parse_next(input)
}

fn sign(input: &mut Input) -> Parsed<TokenKind> {
    let rest: &str = input;
    let found = SIGNS.iter().find(|sign| rest.starts_with(**sign));
    let Some(mut sign) = found.copied() else {
        return Err(ContextError::new());
    };
    sign.parse_next(input)?;
    Ok(TokenKind::Sign(sign))
}

/// A text as its tokens. Ends of lines count where an expression may end: outside brackets, and not
/// after a sign that needs something to follow.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, FormulaError> {
    if text.len() > LONGEST {
        return Err(FormulaError::new(
            0..text.len(),
            format!("it is longer than {LONGEST} characters"),
            "keep data in a file, and sum over it",
        ));
    }
    let mut input = LocatingSlice::new(text);
    let mut found: Vec<Token> = Vec::new();
    // Brackets.
    let mut open = 0_usize;
    loop {
        let blank = |c: char| matches!(c, ' ' | '\t' | '\r');
        let comment = preceded('#', take_while(0.., |c| c != '\n'));
        let skipped: Parsed<_> = (take_while(0.., blank), opt(comment))
            .void()
            .parse_next(&mut input);
        let from = text.len() - input.len();
        if skipped.is_err() || input.is_empty() {
            break;
        }
        let line_end = '\n'.value(TokenKind::End);
        let token: Parsed<_> = alt((line_end, number, word, sign)).parse_next(&mut input);
        let Ok(kind) = token else {
            let unknown: Parsed<char> = any.parse_next(&mut input);
            let span = from..text.len() - input.len();
            return Err(unknown_character(span, unknown.unwrap_or_default()));
        };
        let token = Token {
            kind,
            span: from..text.len() - input.len(),
        };
        match token.kind {
            TokenKind::Sign("(" | "[") => open += 1,
            TokenKind::Sign(")" | "]") => open = open.saturating_sub(1),
            _ => {}
        }
        let last = found.last().map(|last| &last.kind);
        match token.kind {
            TokenKind::Sign(";") if last.is_some_and(|last| *last != TokenKind::End) => {
                found.push(Token {
                    kind: TokenKind::End,
                    ..token
                });
            }
            TokenKind::Sign(";") => {}
            TokenKind::End if open > 0 || last.is_none_or(goes_on) => {}
            _ => found.push(token),
        }
    }
    if found.last().is_some_and(|last| last.kind == TokenKind::End) {
        found.pop();
    }
    Ok(found)
}

/// Whether a text can be the name of a number.
pub(super) fn is_name(text: &str) -> bool {
    matches!(tokens(text).as_deref(), Ok([Token { kind: TokenKind::Name(name), .. }]) if name == text)
}

/// Whether something must follow on the next line; nor is an end worth telling after an end.
fn goes_on(kind: &TokenKind) -> bool {
    match kind {
        TokenKind::Number(_) | TokenKind::Name(_) | TokenKind::Sign(")" | "]") => false,
        TokenKind::Sign(_) | TokenKind::End => true,
    }
}

fn unknown_character(span: Range<usize>, character: char) -> FormulaError {
    let help = match character {
        '−' | '–' => "write a minus as -",
        '×' | '·' => "write a product as *",
        '²' | '³' => "write a power as ^2",
        '{' | '}' => "brackets are ( ), and [ ] for lists",
        _ => "a formula is made of numbers, names, brackets and + - * / ^ < > = , ; and so on",
    };
    let character = character.to_string();
    let shown = crate::text::shown(&character);
    FormulaError::new(span, format!("\"{shown}\" has no meaning here"), help)
}
