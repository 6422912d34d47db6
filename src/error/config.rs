//! What is wrong with a config file.

use std::ops::Range;
use std::path::PathBuf;

use crate::text::brief;

/// What is wrong with a config, where, and what to do.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{}", brief(&format!("{location}{message}")))]
pub struct ConfigError {
    /// Where it stands.
    pub location: Box<Location>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// A place in a config file, or on the command line.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Location {
    /// The file.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// The bytes of the text it is about; none where the text does not hold the key.
    pub span: Option<Range<usize>>,
    /// The override it came from, as written.
    pub from: Option<String>,
}

impl Location {
    /// The line, counted from 1.
    pub fn line(&self) -> Option<usize> {
        let span = self.span.as_ref()?;
        let before = self.text.get(..span.start)?;
        Some(before.matches('\n').count() + 1)
    }
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match (&self.from, self.line()) {
            (Some(from), _) => write!(f, "{from}: "),
            (None, Some(line)) => write!(f, "{}:{line}: ", self.path.display()),
            (None, None) => write!(f, "{}: ", self.path.display()),
        }
    }
}
