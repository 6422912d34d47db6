//! The place of a value in a config: `fit[2].optimizer.steps`.

use std::fmt;

use super::SHARED;

/// The keys and positions that lead to a value, from the top of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyPath(pub(super) Vec<Key>);

/// One step of a [`KeyPath`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    Name(String),
    /// Counted from 0.
    Index(usize),
}

impl KeyPath {
    /// The path of a key such as `optimizer.steps` or `fit[2].optimizer.steps`; what is not of
    /// that form is taken as a name.
    pub fn dotted(text: &str) -> Self {
        let mut path = Self::default();
        for part in text.split('.') {
            let indexed = part.strip_suffix(']').and_then(|part| part.split_once('['));
            let place =
                indexed.and_then(|(name, place)| Some((name, place.parse::<usize>().ok()?)));
            path = match place {
                Some((name, place @ 1..)) => path.name(name).index(place - 1),
                _ => path.name(part),
            };
        }
        path
    }

    /// The path one name further in.
    pub fn name(&self, name: &str) -> Self {
        let mut path = self.clone();
        path.0.push(Key::Name(name.to_owned()));
        path
    }

    /// The path of one entry of the list, counted from 0.
    pub fn index(&self, index: usize) -> Self {
        let mut path = self.clone();
        path.0.push(Key::Index(index));
        path
    }

    /// The path of the section of a fit that a key is in: `fit[2].optimizer`.
    pub(super) fn section(&self) -> Self {
        self.first(3)
    }

    /// The path inside the fit, of a key that a shared section may hold as well.
    pub(super) fn inside_fit(&self) -> Option<Self> {
        match &self.0[..] {
            [Key::Name(fit), Key::Index(_), Key::Name(section), ..]
                if fit == "fit" && SHARED.contains(&section.as_str()) =>
            {
                Some(self.after(2))
            }
            _ => None,
        }
    }

    /// The path of its first `n` steps.
    pub(super) fn first(&self, n: usize) -> Self {
        Self(self.0.iter().take(n).cloned().collect())
    }

    /// The name it begins with.
    pub(super) fn first_name(&self) -> Option<&str> {
        match self.0.first() {
            Some(Key::Name(first)) => Some(first),
            _ => None,
        }
    }

    /// Whether `start` leads to this or to something around it.
    pub(super) fn starts_with(&self, start: &Self) -> bool {
        self.0.starts_with(&start.0)
    }

    /// The path without its first `n` steps.
    pub(super) fn after(&self, n: usize) -> Self {
        Self(self.0.iter().skip(n).cloned().collect())
    }

    /// Whether it is a key of the file itself, not of a section.
    pub(super) fn is_at_top(&self) -> bool {
        self.0.len() == 1
    }

    /// The path of what this is in.
    pub(super) fn parent(&self) -> Self {
        Self(self.0[..self.0.len().saturating_sub(1)].to_vec())
    }

    /// Whether it is an entry of a list.
    pub(super) fn ends_with_index(&self) -> bool {
        matches!(self.0.last(), Some(Key::Index(_)))
    }

    /// Whether it is a key of one Gaussian.
    pub(super) fn is_singular(&self) -> bool {
        ["mean", "std", "covariance", "scale_tril"]
            .iter()
            .any(|name| self.ends_with_name(name))
    }

    pub(super) fn ends_with_name(&self, name: &str) -> bool {
        self.last_name() == Some(name)
    }

    /// The name it ends with.
    pub(super) fn last_name(&self) -> Option<&str> {
        match self.0.last() {
            Some(Key::Name(last)) => Some(last),
            _ => None,
        }
    }
}

impl fmt::Display for KeyPath {
    /// Positions are shown counted from 1.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for (i, key) in self.0.iter().enumerate() {
            match key {
                Key::Name(name) if i == 0 => f.write_str(name)?,
                Key::Name(name) => write!(f, ".{name}")?,
                Key::Index(index) => write!(f, "[{}]", index + 1)?,
            }
        }
        Ok(())
    }
}
