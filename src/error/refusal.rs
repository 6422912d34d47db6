//! Why a part of what was asked for is refused.

/// What is wrong with a part of what was asked for, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}{}: {message}", place(.entry))]
pub struct Refusal {
    /// The part, under the name a config has for it.
    pub key: &'static str,
    /// The one of its entries that is wrong: what each of them is of, and its place, counted from 0.
    pub entry: Option<(&'static str, usize)>,
    /// What is wrong; of a setting it goes on from the key: "is 0".
    pub message: String,
    /// What to do about it.
    pub help: String,
}

fn place(entry: &Option<(&str, usize)>) -> String {
    entry.map_or_else(String::new, |(what, i)| format!(", {what} {}", i + 1))
}

impl Refusal {
    /// Refuses a part as a whole.
    pub fn new(key: &'static str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            key,
            entry: None,
            message: message.into(),
            help: help.into(),
        }
    }

    /// Refuses one entry alone, counted from 0: that of a component, of an equation.
    pub fn of(self, what: &'static str, entry: impl Into<Option<usize>>) -> Self {
        Self {
            entry: entry.into().map(|i| (what, i)),
            ..self
        }
    }

    /// Says what else to do.
    pub fn with_help(self, help: impl Into<String>) -> Self {
        Self {
            help: help.into(),
            ..self
        }
    }
}
