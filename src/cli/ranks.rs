//! Commands that several processes do together: one of them speaks and keeps the results.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Form, Outcome, Verbosity};
use crate::Result;
use crate::config::{Override, is_distributed};
use crate::error::Error;
use crate::files::names::FIGURES;
use crate::files::unique::unique;
use crate::ranks;
use crate::run_folder::Existing;

/// Which of the processes this one is, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rank(usize);

impl Rank {
    /// A process that is alone, or speaks for all.
    pub const FIRST: Self = Self(0);

    /// What this one says.
    pub fn verbosity(self, verbosity: Verbosity) -> Verbosity {
        match self {
            Self::FIRST => verbosity,
            _ => Verbosity {
                quiet: true,
                verbose: false,
            },
        }
    }

    /// In which form it shows results.
    pub fn form(self, form: Form) -> Form {
        match self {
            Self::FIRST => form,
            _ => Form {
                json: false,
                no_figures: true,
            },
        }
    }

    /// Where its results go, which are those of the first: there, or to a folder of its own, with what it goes on from,
    /// that nobody keeps.
    pub fn place(self, out: &Path, existing: Existing) -> Result<Place> {
        let place = self.own_place(out, existing);
        match ranks::current() {
            // The first begins to write when all have copied.
            Some(ranks) => ranks::agreed(&*ranks, place),
            None => place,
        }
    }

    fn own_place(self, out: &Path, existing: Existing) -> Result<Place> {
        if self == Self::FIRST {
            return Ok(Place::Kept(out.to_owned()));
        }
        let scratch = std::env::temp_dir().join(format!("klfit-rank-{}", unique()?));
        fs::create_dir_all(&scratch).map_err(Error::io("create", &scratch))?;
        let place = Place::Scratch(scratch.clone());
        if existing == Existing::Resume {
            copy(out, &scratch)?;
        }
        Ok(place)
    }
}

/// Where results go.
#[derive(Debug)]
pub enum Place {
    /// Where they were asked for.
    Kept(PathBuf),
    /// To a folder that is removed.
    Scratch(PathBuf),
}

impl Place {
    pub fn path(&self) -> &Path {
        match self {
            Self::Kept(path) | Self::Scratch(path) => path,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Self::Scratch(path) = self {
            // What is left of it is in the folder for what nobody keeps.
            _ = fs::remove_dir_all(path);
        }
    }
}

/// Copies what is in a folder, if it is there, but for locks and figures.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let Ok(entries) = fs::read_dir(from) else {
        return Ok(());
    };
    for entry in entries {
        let entry = entry.map_err(Error::io("read", from))?;
        let (name, source) = (entry.file_name(), entry.path());
        let target = to.join(&name);
        let kind = entry.file_type().map_err(Error::io("read", &source))?;
        if name.as_encoded_bytes().starts_with(b".") || name == FIGURES {
            continue;
        }
        if kind.is_dir() {
            fs::create_dir_all(&target).map_err(Error::io("create", &target))?;
            copy(&source, &target)?;
        } else if kind.is_file() {
            fs::copy(&source, &target).map_err(Error::io("read", &source))?;
        }
    }
    Ok(())
}

/// Calls `work`, in every process of those that a config asks for.
pub fn together(
    config: &Path,
    overrides: &[Override],
    work: impl FnOnce(Rank) -> Result<Outcome>,
) -> Result<Outcome> {
    match is_distributed(config, overrides)? {
        true => among_all(work),
        false => work(Rank::FIRST),
    }
}

#[cfg(not(feature = "mpi"))]
fn among_all(_: impl FnOnce(Rank) -> Result<Outcome>) -> Result<Outcome> {
    Err(Error::usage(
        "[distributed] asks for MPI, and this klfit was built without it",
        "build it with MPI, `cargo build --release --features mpi`, or remove the section: one process reads all parts",
    ))
}

#[cfg(feature = "mpi")]
fn among_all(work: impl FnOnce(Rank) -> Result<Outcome>) -> Result<Outcome> {
    use crate::ranks::mpi::World;

    let world = World::join()?;
    let connected = world.ranks();
    let rank = Rank(connected.rank());
    let outcome = ranks::among(connected.clone(), || work(rank));
    let Err(error) = outcome else {
        return outcome;
    };
    let code = super::exit_code(&error);
    let is_of_all = ranks::have_failed_together();
    if rank == Rank::FIRST {
        super::report_error(&error);
    } else if !is_of_all {
        let message = format!("rank {}: {error}", connected.rank());
        super::report_error(&Error::usage(message, error.help().unwrap_or_default()));
    }
    if !is_of_all {
        // The others wait for what this one will not send.
        world.abort(code);
    }
    // Until the first has spoken.
    _ = connected.sum(&mut [0.0]);
    Ok(Outcome::Told(code))
}
