//! Fonts: how wide letters are, what they look like, and where other programs find them.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use resvg::usvg::fontdb::Database;
use ttf_parser::{Face, OutlineBuilder, Rect, Tag, name_id};

use crate::config::FontChoice;
use crate::error::{Error, Result};

/// How letters of a font are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    Regular,
    Bold,
    Italic,
}

/// A font in three cuts, with one that has the signs it lacks.
pub struct Font {
    /// Its name in an SVG, and those of fonts like it.
    pub family: String,
    faces: [Face<'static>; 3],
    fallback: Vec<Face<'static>>,
    /// What a program that reads SVG takes letters from.
    pub database: Arc<Database>,
}

impl Font {
    /// The font of a choice, read once.
    ///
    /// # Errors
    /// If a file cannot be read, or holds no font.
    pub fn load(choice: &FontChoice) -> Result<Arc<Self>> {
        static LOADED: Mutex<Option<HashMap<FontChoice, Arc<Font>>>> = Mutex::new(None);
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        let loaded = loaded.get_or_insert_default();
        if let Some(font) = loaded.get(choice) {
            return Ok(Arc::clone(font));
        }
        let font = Arc::new(Self::read(choice)?);
        loaded.insert(choice.clone(), Arc::clone(&font));
        Ok(font)
    }

    fn read(choice: &FontChoice) -> Result<Self> {
        let mut database = shipped_database();
        let dejavu = || -> Result<Vec<Face<'static>>> {
            use dejavu::sans::{bold, oblique, regular};
            [regular(), bold(), oblique()]
                .into_iter()
                .map(|data| parsed(data).ok_or_else(unreadable))
                .collect()
        };
        let fallback = dejavu()?;
        let (family, faces) = match choice {
            FontChoice::DejaVu => ("DejaVu Sans, Verdana, sans-serif".to_owned(), dejavu()?),
            FontChoice::Sans => (
                "Liberation Sans, Arial, Helvetica, sans-serif".to_owned(),
                cuts("Liberation Sans")?,
            ),
            FontChoice::Serif => (
                "Liberation Serif, Times New Roman, Times, serif".to_owned(),
                cuts("Liberation Serif")?,
            ),
            FontChoice::File(path) => {
                let (family, face) = from_file(path)?;
                database.load_font_data(face.raw_face().data.to_vec());
                (format!("{family}, sans-serif"), vec![face; 3])
            }
        };
        let faces = faces.try_into().map_err(|_| unreadable())?;
        Ok(Self {
            family,
            faces,
            fallback,
            database: Arc::new(database),
        })
    }

    /// The face that has a letter, with its glyph; of no face, that of an unknown letter.
    fn glyph(&self, letter: char, cut: Cut) -> (&Face<'static>, ttf_parser::GlyphId) {
        let own = &self.faces[cut as usize];
        let faces = [own, &self.fallback[cut as usize]];
        let found = faces
            .into_iter()
            .find_map(|face| Some((face, face.glyph_index(letter)?)));
        found.unwrap_or((own, ttf_parser::GlyphId(0)))
    }

    /// The width of letters set one after the other, in ems.
    pub fn width(&self, letters: &str, cut: Cut) -> f64 {
        let advance = |letter| {
            let (face, glyph) = self.glyph(letter, cut);
            let advance = face.glyph_hor_advance(glyph).unwrap_or(0);
            f64::from(advance) / f64::from(face.units_per_em())
        };
        letters.chars().map(advance).sum()
    }

    /// The outlines of letters set one after the other from the origin, in ems, upwards.
    pub fn outlines(&self, letters: &str, cut: Cut) -> Vec<Stroke> {
        let mut pen = Pen::default();
        for letter in letters.chars() {
            let (face, glyph) = self.glyph(letter, cut);
            pen.scale = 1.0 / f64::from(face.units_per_em());
            let _: Option<Rect> = face.outline_glyph(glyph, &mut pen);
            pen.x += f64::from(face.glyph_hor_advance(glyph).unwrap_or(0)) * pen.scale;
        }
        pen.strokes
    }
}

/// A stroke of a pen that outlines letters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stroke {
    Move([f64; 2]),
    Line([f64; 2]),
    /// By two points to a third.
    Curve([[f64; 2]; 3]),
    Close,
}

#[derive(Default)]
struct Pen {
    strokes: Vec<Stroke>,
    scale: f64,
    x: f64,
    last: [f64; 2],
}

impl Pen {
    fn at(&mut self, x: f32, y: f32) -> [f64; 2] {
        [
            self.x + self.scale * f64::from(x),
            self.scale * f64::from(y),
        ]
    }
}

impl OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.last = self.at(x, y);
        self.strokes.push(Stroke::Move(self.last));
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.last = self.at(x, y);
        self.strokes.push(Stroke::Line(self.last));
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let (from, by, to) = (self.last, self.at(x1, y1), self.at(x, y));
        // The cubic that is this parabola.
        let near = |end: [f64; 2]| [0, 1].map(|d| end[d] + 2.0 / 3.0 * (by[d] - end[d]));
        self.strokes.push(Stroke::Curve([near(from), near(to), to]));
        self.last = to;
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let points = [self.at(x1, y1), self.at(x2, y2), self.at(x, y)];
        self.last = points[2];
        self.strokes.push(Stroke::Curve(points));
    }

    fn close(&mut self) {
        self.strokes.push(Stroke::Close);
    }
}

fn unreadable() -> Error {
    Error::figure("any figure", "an embedded font could not be read")
}

fn parsed(data: &'static [u8]) -> Option<Face<'static>> {
    Face::parse(data, 0).ok()
}

/// The shipped fonts that figures may be in, and no others, so that a figure is the same on every machine.
fn shipped() -> impl Iterator<Item = (&'static str, &'static [u8])> {
    let liberation = oxml_layout::bundled_fonts::bundled_font_data().into_iter();
    liberation.filter(|(family, _)| ["Liberation Sans", "Liberation Serif"].contains(family))
}

fn shipped_database() -> Database {
    let mut database = Database::new();
    for data in [
        dejavu::sans::regular(),
        dejavu::sans::bold(),
        dejavu::sans::oblique(),
    ] {
        database.load_font_data(data.to_vec());
    }
    for (_, data) in shipped() {
        database.load_font_data(data.to_vec());
    }
    database.set_sans_serif_family("Liberation Sans");
    database.set_serif_family("Liberation Serif");
    database
}

/// The upright, the bold and the sloping face of a shipped family.
fn cuts(family: &str) -> Result<Vec<Face<'static>>> {
    let faces: Vec<Face> = shipped()
        .filter(|(name, _)| *name == family)
        .filter_map(|(_, data)| parsed(data))
        .collect();
    [(false, false), (true, false), (false, true)]
        .map(|(bold, italic)| {
            let face = faces
                .iter()
                .find(|face| (face.is_bold(), face.is_italic()) == (bold, italic));
            face.cloned().ok_or_else(unreadable)
        })
        .into_iter()
        .collect()
}

/// A font in a file, with its name.
fn from_file(path: &Path) -> Result<(String, Face<'static>)> {
    let data = fs::read(path).map_err(Error::io("read", path))?;
    // It stays for as long as the program draws.
    let data: &'static [u8] = Box::leak(data.into_boxed_slice());
    let named = parsed(data).and_then(|face| {
        let names = face.names().into_iter();
        let families = names.filter(|name| name.name_id == name_id::FAMILY);
        let family = families.filter_map(|name| name.to_string()).next()?;
        // Letters that are pictures have no outlines.
        let has_outlines = [b"glyf", b"CFF ", b"CFF2"]
            .iter()
            .any(|table| face.raw_face().table(Tag::from_bytes(table)).is_some());
        has_outlines.then_some((family, face))
    });
    named.ok_or_else(|| {
        Error::usage(
            format!("{} is no font that figures can be set in", path.display()),
            "give a TrueType or OpenType font with a name, as .ttf or .otf",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The widths of Helvetica and Times in thousandths of an em (Adobe's font metrics, 1989).
    #[test]
    fn the_shipped_fonts_are_as_wide_as_helvetica_and_times() {
        let widths = |choice, cut| {
            let font = Font::load(&choice).unwrap();
            ["A", "W", "a", "m", "0", "."].map(|letter| (1000.0 * font.width(letter, cut)).round())
        };
        assert_eq!(
            widths(FontChoice::Sans, Cut::Regular),
            [667.0, 944.0, 556.0, 833.0, 556.0, 278.0]
        );
        assert_eq!(
            widths(FontChoice::Sans, Cut::Bold),
            [722.0, 944.0, 556.0, 889.0, 556.0, 278.0]
        );
        assert_eq!(
            widths(FontChoice::Serif, Cut::Regular),
            [722.0, 944.0, 444.0, 778.0, 500.0, 250.0]
        );
        assert_eq!(
            widths(FontChoice::Serif, Cut::Italic),
            [611.0, 833.0, 500.0, 722.0, 500.0, 250.0]
        );
    }

    #[test]
    fn what_a_font_lacks_is_taken_from_another() {
        let font = Font::load(&FontChoice::Serif).unwrap();
        assert!(font.width("∈", Cut::Regular) > 0.5);
        assert!(!font.outlines("∈", Cut::Regular).is_empty());
        assert!(font.outlines(" ", Cut::Regular).is_empty());
    }

    #[test]
    fn a_file_that_is_no_font_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("letter.ttf");
        let error = |path: &Path| {
            let Err(error) = Font::load(&FontChoice::File(path.to_owned())) else {
                panic!("it was read");
            };
            error.to_string()
        };
        assert!(error(&path).contains("letter.ttf"));
        fs::write(&path, "Dear Sir").unwrap();
        assert!(error(&path).contains("letter.ttf is no font"));
        fs::write(&path, dejavu::sans::bold()).unwrap();
        let font = Font::load(&FontChoice::File(path)).unwrap();
        assert_eq!(font.family, "DejaVu Sans, sans-serif");
        let bold = parsed(dejavu::sans::bold()).unwrap();
        let m = bold
            .glyph_hor_advance(bold.glyph_index('m').unwrap())
            .unwrap();
        assert_eq!(font.width("m", Cut::Regular), f64::from(m) / 2048.0);
    }
}
