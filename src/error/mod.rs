//! Every way klfit can refuse or fail, each with the thing, the place and the remedy.

mod config;
mod refusal;

use std::path::{Path, PathBuf};

pub use config::{ConfigError, Location};
pub use refusal::Refusal;

use crate::text::{brief, brief_lines};

/// What a library call returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of klfit: what is wrong, where, and what to do about it. What it shows is safe to print, as
/// text from others is shown; its fields are as they came.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A config file says something that cannot be run.
    #[error(transparent)]
    Config(#[from] ConfigError),

    /// A request that cannot be met, for a reason outside the config file.
    #[error("{}", brief(message))]
    Usage {
        /// What cannot be done, and where.
        message: String,
        /// What to do instead.
        help: String,
    },

    /// The operating system refused to read or write a file.
    #[error("{}", brief(&format!("cannot {action} {}: {source}", path.display())))]
    Io {
        /// What was being done, as an infinitive: "read", "create".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },

    /// A file of a run folder does not hold what klfit writes there.
    #[error("{}", brief(&format!("{}: {message}", path.display())))]
    RunFolder {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },

    /// A computation broke down on the device.
    #[error("{}", brief(message))]
    Numerical {
        /// What broke down, and where.
        message: String,
        /// What to try.
        help: String,
    },

    /// A figure could not be drawn.
    #[error("{}", brief(&format!("cannot draw {figure}: {message}")))]
    Figure {
        /// The figure's name.
        figure: String,
        /// What went wrong.
        message: String,
    },
}

impl Error {
    /// A request that cannot be met, with what to do instead.
    pub fn usage(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Usage {
            message: message.into(),
            help: help.into(),
        }
    }

    /// A computation that broke down, with what to try.
    pub(crate) fn numerical(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Numerical {
            message: message.into(),
            help: help.into(),
        }
    }

    pub(crate) fn figure(figure: &str, message: impl ToString) -> Self {
        Self::Figure {
            figure: figure.to_owned(),
            message: message.to_string(),
        }
    }

    /// An action, as an infinitive, that the operating system refused on a path.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }

    pub(crate) fn run_folder(path: &Path, message: impl Into<String>) -> Self {
        Self::RunFolder {
            path: path.to_owned(),
            message: message.into(),
        }
    }

    /// What the user can do about it, where there is something to say.
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::Config(error) => error.help.as_deref()?,
            Self::Usage { help, .. } | Self::Numerical { help, .. } => help,
            Self::Io {
                action,
                path,
                source,
            } => io_remedy(action, path, source.kind()),
            Self::RunFolder { .. } => {
                "run the experiment again, with --force to replace the folder"
            }
            Self::Figure { .. } => return None,
        };
        Some(brief_lines(help).into_owned())
    }

    /// Whether the request was wrong, as against a computation that failed.
    pub fn is_misuse(&self) -> bool {
        !matches!(self, Self::Numerical { .. } | Self::Figure { .. })
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::usage(refusal.to_string(), refusal.help)
    }
}

fn io_remedy(action: &str, path: &Path, kind: std::io::ErrorKind) -> &'static str {
    use std::io::ErrorKind::*;
    match (action, kind) {
        ("read", NotFound) if path.extension().is_some_and(|of| of == "toml") => {
            "check the path; `klfit init` writes a config to start from"
        }
        ("read", NotFound) => "check the path",
        ("read", _) => "check that it is a file you may read",
        (_, PermissionDenied | ReadOnlyFilesystem) => {
            "choose a place you may write; for a run, with --out"
        }
        (_, StorageFull | QuotaExceeded) => {
            "free some space and go on with `klfit resume`, or choose another disk"
        }
        _ => "check the path, or choose another place; for a run, with --out",
    }
}
