//! The text of a config, and errors that point into it.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table};

use super::key::{Key, KeyPath};
use crate::error::{ConfigError, Error, Location, Result};
use crate::files::read;
use crate::given;

/// A key set from outside the file, such as by a command-line option.
#[derive(Debug, Clone, PartialEq)]
pub struct Override {
    /// The key.
    pub key: KeyPath,
    /// Its new value.
    pub value: toml::Value,
    /// What set it, as the user wrote it: for messages.
    pub from: String,
}

impl Override {
    /// An override of a dotted key.
    pub fn new(key: &str, value: impl Into<toml::Value>, from: impl Into<String>) -> Self {
        Self {
            key: KeyPath::dotted(key),
            value: value.into(),
            from: from.into(),
        }
    }

    /// Reads `key=value`, where the value is TOML, or text without its quotes.
    ///
    /// # Errors
    /// If there is no `=`, or no key before it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (key, value) = text.split_once('=').ok_or_else(|| {
            "write it as key=value, as in optimizer.learning_rate=0.01".to_owned()
        })?;
        let (key, value) = (key.trim(), value.trim());
        if key.is_empty() || key.split('.').any(str::is_empty) {
            return Err(format!(
                "\"{key}\" is not a key such as optimizer.learning_rate"
            ));
        }
        let parsed = format!("value = {value}")
            .parse::<Table>()
            .ok()
            .and_then(|mut table| table.remove("value"));
        let value = parsed.unwrap_or_else(|| toml::Value::String(value.to_owned()));
        Ok(Self::new(key, value, format!("--set {text}")))
    }
}

/// A config file as text, with what the command line sets on top.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub path: PathBuf,
    pub text: Arc<str>,
    /// The text as a table, read once however many points a sweep makes of it.
    pub table: Arc<Table>,
    pub overrides: Vec<Override>,
}

impl Source {
    /// Reads a file.
    pub fn read(path: &Path, overrides: Vec<Override>) -> Result<Self> {
        let bytes = read::read(path, read::LARGEST_CONFIG)?;
        let text = String::from_utf8(bytes).map_err(|_| {
            Error::usage(
                format!("{} is not text in UTF-8", path.display()),
                "a config is a TOML file; `klfit init` writes one to start from",
            )
        })?;
        Ok(Self::new(path, text, overrides)?)
    }

    /// Takes a text for that of a file.
    pub fn new(
        path: &Path,
        text: impl Into<Arc<str>>,
        overrides: Vec<Override>,
    ) -> Result<Self, ConfigError> {
        let (path, text) = (path.to_owned(), text.into());
        let table = text.parse().map_err(|error: toml::de::Error| ConfigError {
            location: location(&path, &text, error.span()),
            message: error.message().to_owned(),
            help: Some("the file is not valid TOML at this place".to_owned()),
        })?;
        Ok(Self {
            path,
            text,
            table: Arc::new(table),
            overrides,
        })
    }

    /// A path that a config names, which starts at the config's folder.
    pub fn resolve_path(&self, path: &Path) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }

    /// As [`resolve_path`](Self::resolve_path), of a table, which standard input may give, or the program that this
    /// library is part of.
    pub fn resolve_table(&self, path: &Path) -> PathBuf {
        match read::is_standard_input(path) || given::is_table(path) {
            true => path.to_owned(),
            false => self.resolve_path(path),
        }
    }

    /// An error at a key; the message continues after the key: "is 0", "(component 2): …", ": …".
    pub fn error(
        &self,
        key: &KeyPath,
        message: impl AsRef<str>,
        help: impl Into<String>,
    ) -> ConfigError {
        // A fit's setting may stand in a shared section, or be set for every fit: then that is the
        // key the user wrote.
        let set_by = self.override_of(key);
        let is_shared = match set_by {
            Some(one) => one.key.inside_fit().is_none(),
            None => self.is_inherited(key),
        };
        let key = (key.inside_fit().filter(|_| is_shared)).unwrap_or_else(|| key.clone());
        let mut location = self.location(self.locate(&key));
        location.from = set_by.map(|one| one.from.clone());
        let message = message.as_ref();
        let gap = if message.starts_with(':') { "" } else { " " };
        ConfigError {
            location,
            message: format!("`{key}`{gap}{message}"),
            help: Some(help.into()),
        }
    }

    /// What is wrong with a file, as an error at the key that names it.
    pub fn in_file(&self, error: Error, at: &KeyPath) -> ConfigError {
        let help = match &error {
            Error::Io { .. } => "check the path; it starts at the folder of the config".to_owned(),
            error => error.help().unwrap_or_default(),
        };
        self.error(at, format!(": {error}"), help)
    }

    /// The override that a key has its value from, or would have.
    fn override_of(&self, key: &KeyPath) -> Option<&Override> {
        let keys = [Some(key.clone()), key.inside_fit()];
        let keys: Vec<KeyPath> = keys.into_iter().flatten().collect();
        let last = |touches: &dyn Fn(&Override, &KeyPath) -> bool| {
            (self.overrides.iter()).rfind(|one| keys.iter().any(|key| touches(one, key)))
        };
        // Else one that made the section it is missing in.
        last(&|one, key| key.starts_with(&one.key)).or_else(|| {
            last(&|one, key| {
                let made = (1..=key.0.len()).map(|n| key.first(n));
                made.filter(|around| self.locate_exactly(around).is_none())
                    .any(|around| one.key.starts_with(&around))
            })
        })
    }

    /// Whether a fit's key is not written in the fit, but in a shared section.
    fn is_inherited(&self, key: &KeyPath) -> bool {
        let Some(inside) = key.inside_fit() else {
            return false;
        };
        let is_there = |key: &KeyPath| self.locate_exactly(key).is_some();
        let own_section = is_there(&key.section());
        // A start is not merged: a fit that has one has nothing from the shared one.
        let is_replaced = own_section && inside.first_name() == Some("init");
        !is_there(key)
            && !is_replaced
            && is_there(&inside.first(1))
            && (is_there(&inside) || !own_section)
    }

    pub fn location(&self, span: Option<Range<usize>>) -> Box<Location> {
        location(&self.path, &self.text, span)
    }

    /// Where a key stands in the text, or the nearest thing around it.
    pub fn locate(&self, key: &KeyPath) -> Option<Range<usize>> {
        let mut around = key.clone();
        while !around.0.is_empty() {
            if let Some(span) = self.locate_exactly(&around) {
                return Some(span);
            }
            around.0.pop();
        }
        None
    }

    fn locate_exactly(&self, key: &KeyPath) -> Option<Range<usize>> {
        let table = DeTable::parse(&self.text).ok()?;
        let (first, rest) = key.0.split_first()?;
        let Key::Name(first) = first else { return None };
        let mut span = entry(table.get_ref(), first)?;
        let mut value: &Spanned<DeValue> = span.1;
        for key in rest {
            match (key, value.get_ref()) {
                (Key::Name(name), DeValue::Table(table)) => {
                    span = entry(table, name)?;
                    value = span.1;
                }
                (Key::Index(index), DeValue::Array(list)) => {
                    value = list.get(*index)?;
                    span = (value.span(), value);
                }
                _ => return None,
            }
        }
        let (key_span, value) = span;
        // A section's span is its header; a value is shown with its key.
        match value.get_ref() {
            DeValue::Table(_) => Some(key_span),
            _ => Some(key_span.start.min(value.span().start)..value.span().end),
        }
    }
}

fn location(path: &Path, text: &str, span: Option<Range<usize>>) -> Box<Location> {
    Box::new(Location {
        path: path.to_owned(),
        text: text.to_owned(),
        span,
        from: None,
    })
}

fn entry<'a, 'i>(
    table: &'a DeTable<'i>,
    name: &str,
) -> Option<(Range<usize>, &'a Spanned<DeValue<'i>>)> {
    table
        .iter()
        .find(|(key, _)| key.get_ref() == name)
        .map(|(key, value)| (key.span(), value))
}
