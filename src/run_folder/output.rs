//! A folder that files are written into, and what its manifest keeps of them.

use std::path::{Path, PathBuf};

use super::manifest::{self, Manifest};
use crate::error::Result;
use crate::files::folder::Folder;

/// A folder for figures, tables and reports: that of a run or of a sweep, whose manifest lists them, or any
/// other.
#[derive(Debug, Clone)]
pub(crate) struct OutputFolder {
    /// Where the manifest is, if there is one.
    top: Folder,
    /// The folder in it that files go to, if they do not go to itself.
    inner: Option<&'static str>,
}

impl OutputFolder {
    /// A folder by its path, which is made where it is not there.
    ///
    /// # Errors
    /// If it can neither be made nor opened.
    pub fn create(path: &Path) -> Result<Self> {
        Ok(Self::of(&Folder::create(path)?, None))
    }

    pub(super) fn of(top: &Folder, inner: Option<&'static str>) -> Self {
        let top = top.clone();
        Self { top, inner }
    }

    /// The folder of this name in it.
    pub fn inner(&self, name: &'static str) -> Self {
        Self::of(&self.top, Some(name))
    }

    /// Writes files by their names, and returns their paths.
    ///
    /// # Errors
    /// If one cannot be written.
    pub fn write(&self, files: Vec<(String, Vec<u8>)>) -> Result<Vec<PathBuf>> {
        let listed: Vec<String> = (files.iter())
            .map(|(name, _)| match self.inner {
                Some(inner) => format!("{inner}/{name}"),
                None => name.clone(),
            })
            .collect();
        manifest::list(&self.top, &listed)?;
        let folder = match self.inner {
            Some(inner) => self.top.create_inner(inner)?,
            None => self.top.clone(),
        };
        Manifest::clear_unfinished(&folder)?;
        (files.into_iter())
            .map(|(name, bytes)| {
                folder.write(&name, &bytes)?;
                Ok(folder.path_of(name))
            })
            .collect()
    }

    /// Reads a file of up to `most` bytes; none if it is not there, or cannot be read.
    pub fn read(&self, name: &str, most: u64) -> Option<Vec<u8>> {
        let folder = match self.inner {
            Some(inner) => self.top.inner(inner).ok()??,
            None => self.top.clone(),
        };
        folder.read(name, most).ok()?
    }
}
