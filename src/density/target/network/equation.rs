//! One equation of a network, read from its text.

use crate::error::Refusal;

/// One equation as it is written; the same variable may stand in several terms.
#[derive(Debug, PartialEq)]
pub(super) struct Equation {
    pub name: String,
    pub intercept: f64,
    pub terms: Vec<(String, f64)>,
}

/// Reads one equation from the left.
pub(super) struct Scanner<'a> {
    text: &'a str,
    rest: &'a str,
}

impl<'a> Scanner<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, rest: text }
    }

    pub fn equation(&mut self) -> Result<Equation, Refusal> {
        let Some(name) = self.name() else {
            return Err(self.expected("the name of a variable"));
        };
        if !self.eat('=') {
            return Err(self.expected("`=`"));
        }
        let mut equation = Equation {
            name,
            intercept: 0.0,
            terms: Vec::new(),
        };
        self.term(&mut equation)?;
        while self.peek().is_some() {
            if !matches!(self.peek(), Some('+' | '-' | '−')) {
                return Err(self.expected("`+`, `-` or the end of the equation"));
            }
            self.term(&mut equation)?;
        }
        Ok(equation)
    }

    /// Reads a term with the signs before it: `- 0.2 x2`, and `+ -0.2 x2` as programs write it.
    fn term(&mut self, equation: &mut Equation) -> Result<(), Refusal> {
        let mut sign = 1.0;
        while let Some(next @ ('+' | '-' | '−')) = self.peek() {
            sign = if next == '+' { sign } else { -sign };
            self.eat(next);
        }
        let number = self.number()?;
        let times = number.is_some() && self.eat('*');
        let value = sign * number.unwrap_or(1.0);
        match self.name() {
            Some(variable) => equation.terms.push((variable, value)),
            None if times => return Err(self.expected("a variable")),
            None if number.is_none() => return Err(self.expected("a number or a variable")),
            None => equation.intercept += value,
        }
        Ok(())
    }

    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    fn eat(&mut self, expected: char) -> bool {
        let found = self.peek() == Some(expected);
        if found {
            self.take(expected.len_utf8());
        }
        found
    }

    fn name(&mut self) -> Option<String> {
        self.peek().filter(|&first| starts_name(first))?;
        let end = self.word();
        Some(self.take(end).to_owned())
    }

    /// Reads a number without a sign; an `e` belongs to it where digits follow.
    fn number(&mut self) -> Result<Option<f64>, Refusal> {
        self.peek();
        let bytes = self.rest.as_bytes();
        let digits = |from: usize| {
            let digits = bytes.iter().skip(from).take_while(|b| b.is_ascii_digit());
            from + digits.count()
        };
        let mut end = digits(0);
        if bytes.get(end) == Some(&b'.') {
            end = digits(end + 1);
        }
        if let Some(b'e' | b'E') = bytes.get(end) {
            let sign = matches!(bytes.get(end + 1), Some(b'+' | b'-'));
            let first = end + 1 + usize::from(sign);
            if digits(first) > first {
                end = digits(first);
            }
        }
        let Ok(number) = self.rest[..end].parse::<f64>() else {
            return Ok(None);
        };
        if number.is_infinite() {
            return Err(self.refused(
                format!("{} is beyond the range of numbers", &self.rest[..end]),
                "numbers end at 1.8e308",
            ));
        }
        self.take(end);
        Ok(Some(number))
    }

    fn take(&mut self, end: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// How many bytes the word at the start of the rest has.
    fn word(&self) -> usize {
        let ends = |c: char| !(c.is_alphanumeric() || c == '_');
        self.rest.find(ends).unwrap_or(self.rest.len())
    }

    fn expected(&mut self, what: &str) -> Refusal {
        let found = match self.peek() {
            None => "the end".to_owned(),
            Some(next) => {
                let end = self.word().max(next.len_utf8());
                format!("`{}`", &self.rest[..end])
            }
        };
        self.refused(
            format!("expected {what}, found {found}"),
            "an equation is linear: `x3 = 2 + 0.8 x1 - x2`, where each term is a number, a variable, \
             or a number times one variable with the number first",
        )
    }

    fn refused(&self, message: String, help: &str) -> Refusal {
        let read = &self.text[..self.text.len() - self.rest.len()];
        let at = read.chars().count() + 1;
        Refusal::new("equations", format!("at character {at}: {message}"), help)
    }
}

fn starts_name(first: char) -> bool {
    first.is_alphabetic() || first == '_'
}
