//! Fonts by their names, or from a file.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What letters are from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum FontChoice {
    /// As wide as Helvetica and Arial: Liberation Sans.
    #[default]
    Sans,
    /// As wide as Times: Liberation Serif.
    Serif,
    /// DejaVu Sans, wider, with more signs than the others.
    DejaVu,
    /// A TrueType or OpenType font.
    File(PathBuf),
}

impl FontChoice {
    /// Those that have a name.
    pub const NAMED: [(&str, Self); 3] = [
        ("sans", Self::Sans),
        ("serif", Self::Serif),
        ("dejavu", Self::DejaVu),
    ];
}

impl TryFrom<String> for FontChoice {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if let Some((_, choice)) = Self::NAMED.into_iter().find(|(name, _)| *name == text) {
            return Ok(choice);
        }
        let extension = Path::new(&text)
            .extension()
            .map(|of| of.to_ascii_lowercase());
        match extension.as_deref().and_then(|of| of.to_str()) {
            Some("ttf" | "otf") => Ok(Self::File(text.into())),
            _ => {
                let names = Self::NAMED.map(|(name, _)| name).join(", ");
                Err(format!(
                    "there is no font \"{text}\": give one of {names}, or a file in .ttf or .otf"
                ))
            }
        }
    }
}

impl From<FontChoice> for String {
    fn from(choice: FontChoice) -> Self {
        match (FontChoice::NAMED.iter()).find(|(_, named)| *named == choice) {
            Some((name, _)) => (*name).to_owned(),
            None => match choice {
                FontChoice::File(path) => path.to_string_lossy().into_owned(),
                _ => Self::new(),
            },
        }
    }
}
