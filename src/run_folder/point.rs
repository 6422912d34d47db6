//! What others find of a point of a sweep: its run, finished or not, or why it broke down.

use super::manifest::{Held, Manifest};
use super::{RunFolder, not_of_the_sweep};
use crate::config::Experiment;
use crate::error::Result;
use crate::files::folder::Folder;
use crate::files::names::{CONFIG, FAILURE};
use crate::record::Summary;

/// The longest words of why one broke down, in bytes.
const LARGEST: u64 = 1 << 16;

/// What there is of a point of a sweep.
#[derive(Debug, Clone)]
pub(crate) enum Found {
    /// It has not begun.
    Nothing,
    /// It has begun: it is at work, or was cut off.
    Begun,
    /// It broke down, and why.
    Failure(String),
    /// It has ended.
    Finished(Box<Summary>),
}

/// Keeps why a point of a sweep broke down, if its folder is that of one and can be written.
pub(super) fn write_failure(folder: &Folder, sweep: Option<&str>, reason: &str) {
    let manifest = Manifest::read(folder).ok().flatten();
    if manifest.is_some_and(|point| point.sweep.as_deref() == sweep && point.lists(FAILURE)) {
        let end = reason.floor_char_boundary(LARGEST as usize);
        _ = folder.write(FAILURE, &reason.as_bytes()[..end]);
    }
}

impl RunFolder {
    /// What there is of a point of a sweep in its folder.
    pub(super) fn found(
        folder: Folder,
        experiment: &Experiment,
        sweep: Option<&str>,
    ) -> Result<Found> {
        let manifest = Manifest::read(&folder)?.filter(|one| one.held == Held::Run);
        let Some(manifest) = manifest.filter(|_| folder.holds(CONFIG)) else {
            return Ok(Found::Nothing);
        };
        if manifest.sweep.as_deref() != sweep {
            return Err(not_of_the_sweep(&folder));
        }
        let this = Self {
            id: Some(manifest.id.clone()),
            folder,
            _lock: None,
            is_resumed: true,
        };
        let experiment = this.continued(experiment)?;
        this.expect_of(&experiment, &manifest)?;
        if let Some(summary) = this.finished(&experiment)? {
            return Ok(Found::Finished(Box::new(summary)));
        }
        let failure = this.folder.read(FAILURE, LARGEST)?;
        Ok(failure.map_or(Found::Begun, |failure| {
            Found::Failure(String::from_utf8_lossy(&failure).into_owned())
        }))
    }
}
