//! What a figure is: its name, what it shows, what it is drawn from, and how.

use std::fs;
use std::path::{Path, PathBuf};

use super::export::{Drawing, Svg};
use super::theme;
use crate::error::{Error, Result};
use crate::files::durable;

/// A figure of something.
pub struct Figure<Of: ?Sized, As = Svg> {
    /// The name of its files.
    pub(super) name: &'static str,
    /// What it shows, for those who read about it.
    pub(super) caption: &'static str,
    /// How it is drawn.
    pub(super) draw: fn(&Of) -> Result<As>,
}

/// A figure that was drawn.
pub struct Picture<As = Svg> {
    /// The name of its files.
    pub name: &'static str,
    /// What it shows.
    pub caption: &'static str,
    /// What was drawn.
    pub drawing: As,
}

impl<Of: ?Sized, As: Drawing> Figure<Of, As> {
    /// Draws it.
    ///
    /// # Errors
    /// If it cannot be drawn.
    pub fn picture(&self, of: &Of) -> Result<Picture<As>> {
        theme::load_fonts()?;
        Ok(self.drawn((self.draw)(of)?))
    }

    /// Draws it into a folder and returns the files.
    ///
    /// # Errors
    /// If it cannot be drawn, or the folder cannot be written.
    pub fn write(&self, of: &Of, folder: &Path) -> Result<Vec<PathBuf>> {
        self.picture(of)?.write(folder)
    }

    /// What was drawn into a folder before.
    pub(super) fn read(&self, folder: &Path) -> Option<Picture<As>> {
        let bytes = fs::read(self.files(folder).next()?).ok()?;
        Some(self.drawn(As::decode(bytes)?))
    }

    /// Removes what was drawn into a folder before.
    pub(super) fn clear(&self, folder: &Path) -> Result<()> {
        self.files(folder)
            .try_for_each(|path| durable::remove(&path))
    }

    fn files(&self, folder: &Path) -> impl Iterator<Item = PathBuf> {
        files::<As>(self.name, folder)
    }

    fn drawn(&self, drawing: As) -> Picture<As> {
        Picture {
            name: self.name,
            caption: self.caption,
            drawing,
        }
    }
}

impl<As: Drawing> Picture<As> {
    /// Writes it into a folder and returns the files.
    pub(super) fn write(&self, folder: &Path) -> Result<Vec<PathBuf>> {
        let contents = self.drawing.encode(self.name)?;
        fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        (files::<As>(self.name, folder).zip(contents))
            .map(|(path, bytes)| {
                fs::write(&path, bytes).map_err(Error::io("write", &path))?;
                Ok(path)
            })
            .collect()
    }
}

impl Picture {
    /// As PNG.
    ///
    /// # Errors
    /// If it is too large.
    pub fn png(&self) -> Result<Vec<u8>> {
        self.drawing.png(self.name)
    }
}

fn files<As: Drawing>(name: &str, folder: &Path) -> impl Iterator<Item = PathBuf> {
    (As::EXTENSIONS.iter()).map(move |extension| folder.join(format!("{name}.{extension}")))
}
