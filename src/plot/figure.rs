//! What a figure is: its name, what it shows, what it is drawn from, and how.

use std::collections::BTreeSet;

use super::export::{Drawing, Svg};
use super::style::{PAGE, Style};
use crate::config::{FigureFormat, FigureName};
use crate::error::Result;
use crate::run_folder::OutputFolder;

/// The largest drawing that is read back, in bytes.
const LARGEST: u64 = 256 << 20;

/// The height in mm from which a figure as wide as a page is told of; a narrower one may be higher.
const HIGHEST: f64 = 600.0;

/// A figure of something.
pub struct Figure<Of: ?Sized> {
    /// What it is called in a config, and the name of its files.
    pub(super) name: FigureName,
    /// What it shows of something in a style, for those who read about it.
    pub(super) caption: fn(&Of, &Style) -> Result<String>,
    /// How it is drawn.
    pub(super) draw: fn(&Of, &Style) -> Result<Drawing>,
}

/// A figure that was drawn.
pub struct Picture {
    /// The name of its files.
    pub name: &'static str,
    /// What it shows.
    pub caption: String,
    /// What was drawn, as SVG.
    pub svg: String,
    style: Style,
}

/// The files of figures, and the texts that were on them before others were drawn for them.
#[derive(Default)]
pub struct Drawn {
    /// Their names and their bytes.
    pub files: Vec<(String, Vec<u8>)>,
    /// Every text.
    pub texts: BTreeSet<String>,
    /// What is to be told of them.
    pub notes: Vec<String>,
}

impl<Of: ?Sized> Figure<Of> {
    /// Draws it.
    ///
    /// # Errors
    /// If it cannot be drawn.
    pub(super) fn picture(&self, of: &Of, style: Style) -> Result<Picture> {
        let drawing = (self.draw)(of, &style)?;
        let svg = drawing.svg(self.name.name())?;
        let caption = (self.caption)(of, &style)?;
        Ok(self.drawn(svg.0, caption, style))
    }

    /// Draws it into the files of its style.
    ///
    /// # Errors
    /// If it cannot be drawn or encoded.
    pub(super) fn files(&self, of: &Of, style: &Style) -> Result<Drawn> {
        let name = self.name.name();
        let drawing = (self.draw)(of, style)?;
        let files = drawing.files(name)?.into_iter();
        let [width, height] = drawing.size;
        let notes = (height * width > HIGHEST * PAGE).then(|| {
            format!(
                "figures.{name}: it is {height:.0} mm high; what keeps it smaller are `only`, `panels` and `height` of \
                 [figures]"
            )
        });
        Ok(Drawn {
            files: files
                .map(|(format, bytes)| (file(name, format), bytes))
                .collect(),
            texts: drawing.texts,
            notes: notes.into_iter().collect(),
        })
    }

    /// What was drawn into a folder before.
    pub(super) fn read(
        &self,
        folder: &OutputFolder,
        caption: &str,
        style: Style,
    ) -> Option<Picture> {
        let bytes = folder.read(&file(self.name.name(), FigureFormat::Svg), LARGEST)?;
        Some(self.drawn(String::from_utf8(bytes).ok()?, caption.to_owned(), style))
    }

    fn drawn(&self, svg: String, caption: String, style: Style) -> Picture {
        Picture {
            name: self.name.name(),
            caption,
            svg,
            style,
        }
    }
}

impl Drawn {
    /// These, and others.
    pub fn and(mut self, other: Self) -> Self {
        self.files.extend(other.files);
        self.texts.extend(other.texts);
        self.notes.extend(other.notes);
        self
    }
}

impl Picture {
    /// As PNG.
    ///
    /// # Errors
    /// If it is too large.
    pub fn png(&self) -> Result<Vec<u8>> {
        Svg(self.svg.clone()).png(&self.style, self.name)
    }
}

fn file(name: &str, format: FigureFormat) -> String {
    format!("{name}.{}", format.name())
}
