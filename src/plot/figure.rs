//! What a figure is: its name, what it shows, what it is drawn from, and how.

use super::export::{Drawing, Svg};
use super::theme;
use crate::error::Result;
use crate::run_folder::OutputFolder;

/// The largest drawing that is read back, in bytes.
const LARGEST: u64 = 256 << 20;

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

    /// What was drawn into a folder before.
    pub(super) fn read(&self, folder: &OutputFolder) -> Option<Picture<As>> {
        let name = files::<As>(self.name).next()?;
        Some(self.drawn(As::decode(folder.read(&name, LARGEST)?)?))
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
    /// Its files: their names and their bytes.
    ///
    /// # Errors
    /// If it cannot be encoded.
    pub(crate) fn files(&self) -> Result<Vec<(String, Vec<u8>)>> {
        let contents = self.drawing.encode(self.name)?;
        Ok(files::<As>(self.name).zip(contents).collect())
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

fn files<As: Drawing>(name: &str) -> impl Iterator<Item = String> {
    As::EXTENSIONS
        .iter()
        .map(move |extension| format!("{name}.{extension}"))
}
