//! The tree of a formula.

use std::fmt;
use std::ops::Range;

/// An expression with where it stands.
#[derive(Debug, Clone)]
pub(super) struct Expression {
    pub kind: ExpressionKind,
    /// The bytes of the text.
    pub span: Range<usize>,
    /// How many expressions stand within each other.
    pub depth: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum ExpressionKind {
    Number(f64),
    Name(String),
    List(Vec<Expression>),
    Prefix(Prefix, Box<Expression>),
    Infix(Infix, Box<[Expression; 2]>),
    Call(String, Vec<Expression>),
    /// Entry i of a list, counted from 1.
    Entry(Box<[Expression; 2]>),
    /// Entries i to j, both among them.
    Entries(Box<[Expression; 3]>),
}

/// What may stand before an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prefix {
    Plus,
    Minus,
    Not,
}

/// What may stand between two expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Infix {
    Or,
    And,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
}

/// A formula: names for parts of it, and its value.
#[derive(Debug, Clone)]
pub(super) struct Text {
    pub parts: Vec<Part>,
    pub value: Expression,
}

/// `let name = value`.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub name: String,
    /// The bytes of the name.
    pub span: Range<usize>,
    pub value: Expression,
}

impl Expression {
    pub fn new(kind: ExpressionKind, span: Range<usize>) -> Self {
        use ExpressionKind::*;
        let inside: &[Expression] = match &kind {
            Number(_) | Name(_) => &[],
            List(all) | Call(_, all) => all,
            Prefix(_, one) => std::slice::from_ref(one),
            Infix(_, two) | Entry(two) => &two[..],
            Entries(three) => &three[..],
        };
        let depth = 1 + inside.iter().map(|one| one.depth).max().unwrap_or(0);
        Self { kind, span, depth }
    }
}

/// Where they stand is no part of what they are.
impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

impl PartialEq for Part {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.value == other.value
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.parts == other.parts && self.value == other.value
    }
}

impl Prefix {
    pub fn sign(self) -> &'static str {
        match self {
            Self::Plus => "+",
            Self::Minus => "-",
            Self::Not => "not ",
        }
    }

    /// How strongly it binds what follows: more than an infix of a smaller number does.
    pub fn strength(self) -> i64 {
        match self {
            Self::Not => 3,
            Self::Plus | Self::Minus => 7,
        }
    }
}

impl Infix {
    pub fn sign(self) -> &'static str {
        match self {
            Self::Or => "or",
            Self::And => "and",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Power => "^",
        }
    }

    /// Whether a chain of it is read from the left.
    fn goes_on(self) -> bool {
        !self.compares() && self != Self::Power
    }

    /// Whether it compares numbers.
    pub fn compares(self) -> bool {
        self.strength() == Self::Less.strength()
    }

    /// How strongly it binds what is beside it.
    pub fn strength(self) -> i64 {
        match self {
            Self::Or => 1,
            Self::And => 2,
            Self::Less
            | Self::LessOrEqual
            | Self::Greater
            | Self::GreaterOrEqual
            | Self::Equal
            | Self::NotEqual => 4,
            Self::Add | Self::Subtract => 5,
            Self::Multiply | Self::Divide => 6,
            Self::Power => 8,
        }
    }
}

/// How strongly an entry is bound to its list.
pub(super) const ENTRY: i64 = 9;

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use ExpressionKind::*;
        let listed = |f: &mut fmt::Formatter<'_>, all: &[Expression]| {
            for (i, one) in all.iter().enumerate() {
                write!(f, "{}{one}", if i == 0 { "" } else { ", " })?;
            }
            Ok(())
        };
        match &self.kind {
            Number(number) => write!(f, "{number:?}"),
            Name(name) => write!(f, "{name}"),
            List(all) => {
                write!(f, "[")?;
                listed(f, all)?;
                write!(f, "]")
            }
            Call(name, arguments) => {
                write!(f, "{name}(")?;
                listed(f, arguments)?;
                write!(f, ")")
            }
            Prefix(prefix, one) => write!(f, "{}{}", prefix.sign(), Bracketed(one)),
            Infix(infix, two) => {
                // A long sum would have more brackets than can be read.
                match &two[0].kind {
                    Infix(left, _) if left == infix && infix.goes_on() => write!(f, "{}", two[0])?,
                    _ => write!(f, "{}", Bracketed(&two[0]))?,
                }
                write!(f, " {} {}", infix.sign(), Bracketed(&two[1]))
            }
            Entry(two) => write!(f, "{}[{}]", Bracketed(&two[0]), two[1]),
            Entries(three) => {
                write!(f, "{}[{}:{}]", Bracketed(&three[0]), three[1], three[2])
            }
        }
    }
}

/// With brackets around it, unless it is whole without: more than need be are easier to be sure of.
struct Bracketed<'a>(&'a Expression);

impl fmt::Display for Bracketed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.kind {
            ExpressionKind::Prefix(..) | ExpressionKind::Infix(..) => write!(f, "({})", self.0),
            _ => write!(f, "{}", self.0),
        }
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Part { name, value, .. } in &self.parts {
            writeln!(f, "let {name} = {value}")?;
        }
        write!(f, "{}", self.value)
    }
}
