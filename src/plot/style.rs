//! What a figure looks like: its settings, made of a config's, with the fonts and colours they name.

use std::collections::BTreeMap;
use std::sync::Arc;

use plotters::style::RGBColor;

use super::axis::{Axis, AxisScale};
use super::font::Font;
use super::mark::Type;
use super::theme::{self, Stroke, faded, stroke};
use crate::config::{
    AxisConfig, Background, Color, Colors, FigureConfig, FigureFormat, LegendPlace, PaletteName,
    ScaleName,
};
use crate::error::{Error, Result};
use crate::run_folder::FinishedRun;
use crate::text::{self, Script};

/// The width of a figure across a page, in mm.
pub const PAGE: f64 = 170.0;
/// The size of letters, in points, and a point in mm.
const POINTS: f64 = 8.0;
const POINT: f64 = 25.4 / 72.0;
/// Pixels of the PNG per inch.
const DPI: f64 = 300.0;
/// Scripts are so large, and so far above and below the line, in ems.
pub const SCRIPT: f64 = 0.7;
pub const RAISED: f64 = 0.36;
pub const LOWERED: f64 = -0.16;

/// Okabe and Ito's palette (2008), in an order whose neighbours differ in hue and in lightness.
const OKABE_ITO: &[RGBColor] = &[
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
];

/// Paul Tol's bright, muted and high-contrast schemes (technical note SRON/EPS/TN/09-002, 2021).
const TOL_BRIGHT: &[RGBColor] = &[
    RGBColor(68, 119, 170),
    RGBColor(238, 102, 119),
    RGBColor(34, 136, 51),
    RGBColor(204, 187, 68),
    RGBColor(102, 204, 238),
    RGBColor(170, 51, 119),
];
const TOL_MUTED: &[RGBColor] = &[
    RGBColor(51, 34, 136),
    RGBColor(204, 102, 119),
    RGBColor(17, 119, 51),
    RGBColor(136, 204, 238),
    RGBColor(136, 34, 85),
    RGBColor(221, 204, 119),
    RGBColor(68, 170, 153),
    RGBColor(153, 153, 51),
    RGBColor(170, 68, 153),
];
const TOL_HIGH_CONTRAST: &[RGBColor] = &[
    RGBColor(0, 68, 136),
    RGBColor(187, 85, 102),
    RGBColor(221, 170, 51),
];
const GREY: &[RGBColor] = &[
    RGBColor(0, 0, 0),
    RGBColor(130, 130, 130),
    RGBColor(70, 70, 70),
    RGBColor(160, 160, 160),
    RGBColor(35, 35, 35),
    RGBColor(100, 100, 100),
];

/// Dashes and gaps in mm: what tells the fits apart without colour.
const DASHES: [&[f64]; 6] = [
    &[],
    &[2.2, 1.0],
    &[0.5, 0.8],
    &[3.2, 0.8, 0.5, 0.8],
    &[1.2, 1.2],
    &[4.0, 1.5],
];

/// So many fits are told apart by colour, dash and rings in one panel.
pub const MOST_FITS: usize = 2 * DASHES.len();

/// What a figure looks like.
#[derive(Clone)]
pub struct Style {
    /// In mm.
    pub width: f64,
    /// In mm, where it is given.
    pub height: Option<f64>,
    /// The size of labels, in mm.
    pub text: f64,
    /// What letters are from.
    pub font: Arc<Font>,
    /// A line above everything.
    pub title: Option<String>,
    /// Where the legend stands.
    pub legend: LegendPlace,
    /// Panels in a row, where it is given.
    pub columns: Option<usize>,
    /// Pixels of the PNG per inch.
    pub dpi: f64,
    /// What it stands on; none for nothing.
    pub background: Option<RGBColor>,
    /// The files it is written as.
    pub formats: Vec<FigureFormat>,
    words: BTreeMap<String, String>,
    panels: Option<Vec<String>>,
    x: AxisConfig,
    y: AxisConfig,
    palette: Vec<RGBColor>,
    own: BTreeMap<String, Color>,
    /// The label and the title of every fit.
    fits: Vec<[String; 2]>,
}

impl Style {
    /// The style of some settings.
    ///
    /// # Errors
    /// If a font cannot be read.
    pub fn new(config: &FigureConfig) -> Result<Self> {
        let points = config.font_size.map_or(POINTS, |size| size.get());
        let rgb = |color: &Color| RGBColor(color.rgb[0], color.rgb[1], color.rgb[2]);
        let (palette, own) = match &config.colors {
            None => (OKABE_ITO.to_vec(), BTreeMap::new()),
            Some(Colors::Palette(name)) => (palette(*name).to_vec(), BTreeMap::new()),
            Some(Colors::List(list)) => (list.iter().map(rgb).collect(), BTreeMap::new()),
            Some(Colors::ByFit(own)) => (OKABE_ITO.to_vec(), own.clone()),
        };
        let formats = [FigureFormat::Svg, FigureFormat::Png, FigureFormat::Pdf];
        Ok(Self {
            width: config.width.map_or(PAGE, |width| width.mm()),
            height: config.height.map(|height| height.get()),
            text: points * POINT,
            font: Font::load(&config.font.clone().unwrap_or_default())?,
            title: config.title.clone().filter(|title| !title.is_empty()),
            legend: config.legend.unwrap_or(LegendPlace::Top),
            columns: config.columns,
            dpi: config.dpi.map_or(DPI, |dpi| dpi.get()),
            background: match config.background {
                None => Some(plotters::style::WHITE),
                Some(Background::Transparent) => None,
                Some(Background::Color(color)) => Some(rgb(&color)),
            },
            formats: config.format.clone().unwrap_or(formats.to_vec()),
            words: config.labels.clone(),
            panels: config.panels.clone(),
            x: config.x,
            y: config.y,
            palette,
            own,
            fits: Vec::new(),
        })
    }

    /// The same for the fits of a run.
    pub fn of(mut self, run: &FinishedRun) -> Self {
        let fits = run.fits.iter();
        self.fits = fits
            .map(|fit| [fit.plan.label.clone(), fit.title()])
            .collect();
        self
    }

    /// A length that grows with the letters: so many mm where they have 8 points.
    pub fn scaled(&self, mm: f64) -> f64 {
        mm * self.text / (POINTS * POINT)
    }

    /// What is drawn for a text: another one where that is asked for.
    pub fn word<'t>(&'t self, text: &'t str) -> &'t str {
        self.words.get(text).map_or(text, String::as_str)
    }

    /// The width of a text as it is drawn, in mm.
    pub fn text_width(&self, text: &str, kind: Type) -> f64 {
        let pieces = text::pieces(&text::brief(self.word(text))).into_iter();
        let widths = pieces.map(|piece| {
            let size = match piece.script {
                Script::Line => 1.0,
                Script::Above | Script::Below => SCRIPT,
            };
            size * self.font.width(&piece.text, kind.cut(piece.italic))
        });
        kind.size * self.text * widths.sum::<f64>()
    }

    /// A text on lines no wider than this, in mm, broken between words; a word that is wider, where it may be.
    pub fn lines(&self, text: &str, kind: Type, width: f64) -> Vec<String> {
        let fits = |line: &str| self.text_width(line, kind) <= width;
        let mut lines: Vec<String> = Vec::new();
        for word in text::words(self.word(text)) {
            match lines.last_mut() {
                Some(line) if fits(&format!("{line} {word}")) => {
                    line.push(' ');
                    line.push_str(word);
                }
                _ if fits(word) => lines.push(word.to_owned()),
                _ => {
                    lines.push(String::new());
                    for part in text::broken(word, fits) {
                        match lines.last_mut() {
                            Some(line) if line.is_empty() || fits(&format!("{line}{part}")) => {
                                line.push_str(&part);
                            }
                            _ => lines.push(part),
                        }
                    }
                }
            }
        }
        lines
    }

    /// A text that is no wider than `most` mm: its beginning and its end.
    pub fn shortened(&self, text: &str, kind: Type, most: f64) -> String {
        if self.text_width(text, kind) <= most {
            return text.to_owned();
        }
        let letters: Vec<char> = text.chars().collect();
        let without = |less: usize| {
            let kept = letters.len() - less;
            let (front, back) = (kept.div_ceil(2), kept / 2);
            let end = &letters[letters.len() - back..];
            format!(
                "{}…{}",
                String::from_iter(&letters[..front]),
                String::from_iter(end)
            )
        };
        let mut shorter = (1..letters.len()).map(without);
        shorter
            .find(|text| self.text_width(text, kind) <= most)
            .unwrap_or_default()
    }

    /// A text that is no wider than `most` mm: its beginning.
    pub fn beginning(&self, text: &str, kind: Type, most: f64) -> String {
        if self.text_width(text, kind) <= most {
            return text.to_owned();
        }
        let ends = text.char_indices().rev();
        let mut shorter = ends.map(|(end, _)| format!("{}…", text[..end].trim_end()));
        shorter
            .find(|text| self.text_width(text, kind) <= most)
            .unwrap_or_default()
    }

    /// The colour of a fit, by its place in the config. The second round of a palette has the colours of the first in
    /// another order, so that no two of twelve have a colour and a dash in common.
    pub fn fit_color(&self, fit: usize) -> RGBColor {
        let names = self.fits.get(fit).into_iter().flatten();
        if let Some(Color { rgb }) = names.filter_map(|name| self.own.get(name)).next() {
            return RGBColor(rgb[0], rgb[1], rgb[2]);
        }
        let round = fit / self.palette.len();
        self.palette[(fit + 2 * round) % self.palette.len()]
    }

    /// The line of a fit among those of others: by dash and rings alone, twelve are told apart on grey paper.
    pub fn fit_stroke(&self, fit: usize, width: f64) -> Stroke {
        Stroke {
            dash: DASHES[fit % DASHES.len()],
            is_marked: fit / DASHES.len() % 2 == 1,
            ..stroke(self.fit_color(fit), 1.0, width)
        }
    }

    /// The same, as high as it needs to be.
    pub fn with_any_height(&self) -> Self {
        Self {
            height: None,
            ..self.clone()
        }
    }

    /// The same without a choice of panels.
    pub fn with_all_panels(&self) -> Self {
        Self {
            panels: None,
            ..self.clone()
        }
    }

    /// The places of the panels that are drawn, of those that there are, each by any of its names.
    ///
    /// # Errors
    /// If one is asked for that there is not.
    pub fn chosen(&self, figure: &str, panels: &[Vec<String>]) -> Result<Vec<usize>> {
        let Some(wanted) = &self.panels else {
            return Ok((0..panels.len()).collect());
        };
        let place = |name: &String| {
            let found = panels.iter().position(|names| names.contains(name));
            found.ok_or_else(|| {
                let known: Vec<&str> = panels
                    .iter()
                    .filter_map(|names| Some(names.first()?.as_str()))
                    .collect();
                let help = match known.is_empty() {
                    true => "its panels have no names: leave it out".to_owned(),
                    false => format!("it has: {}", known.join(", ")),
                };
                let name = text::brief(name);
                Error::usage(
                    format!("figures.{figure}.panels: the figure has no panel \"{name}\""),
                    help,
                )
            })
        };
        wanted.iter().map(place).collect()
    }

    /// A horizontal axis, with the ends and the scale that are asked for.
    pub fn x_axis(&self, axis: Axis) -> Axis {
        settled(axis, self.x)
    }

    /// A vertical axis, with the ends and the scale that are asked for.
    pub fn y_axis(&self, axis: Axis) -> Axis {
        settled(axis, self.y)
    }

    /// What stands beside an axis.
    pub fn axis_label(&self, axis: &Axis) -> String {
        let label = self.word(&axis.label);
        match (axis.scale, axis.without()) {
            (_, Some(offset)) => format!("{label} {offset}"),
            (AxisScale::Log, _) if !label.is_empty() => {
                format!("{label}, {}", self.word("log scale"))
            }
            _ => label.to_owned(),
        }
    }
}

fn palette(name: PaletteName) -> &'static [RGBColor] {
    match name {
        PaletteName::OkabeIto => OKABE_ITO,
        PaletteName::TolBright => TOL_BRIGHT,
        PaletteName::TolMuted => TOL_MUTED,
        PaletteName::TolHighContrast => TOL_HIGH_CONTRAST,
        PaletteName::Grey => GREY,
    }
}

fn settled(mut axis: Axis, config: AxisConfig) -> Axis {
    if axis.scale == AxisScale::Unmarked {
        return axis;
    }
    if let Some([low, high]) = config.limits {
        (axis.low, axis.high) = (low, high);
    }
    match config.scale {
        Some(ScaleName::Linear) => axis.scale = AxisScale::Linear,
        Some(ScaleName::Log) => {
            axis.scale = AxisScale::Log;
            // What a linear axis shows of zero and below has no place.
            if axis.low <= 0.0 {
                axis.low = theme::LEAST_SHARE * axis.high.max(f64::MIN_POSITIVE);
            }
        }
        None if axis.low <= 0.0 => axis.scale = AxisScale::Linear,
        None => {}
    }
    axis
}

/// Opaque letters.
pub fn ink() -> plotters::style::RGBAColor {
    faded(theme::INK, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn style(text: &str) -> Style {
        Style::new(&toml::from_str(text).unwrap()).unwrap()
    }

    #[test]
    fn twelve_fits_are_told_apart_with_and_without_colour() {
        for palette in PaletteName::ALL {
            let style = style(&format!("colors = \"{}\"", palette.name()));
            let all: Vec<Stroke> = (0..MOST_FITS)
                .map(|fit| style.fit_stroke(fit, theme::NORMAL))
                .collect();
            for (i, one) in all.iter().enumerate() {
                for other in &all[..i] {
                    assert!((one.dash, one.is_marked) != (other.dash, other.is_marked));
                }
            }
        }
    }

    #[test]
    fn texts_are_as_wide_as_their_letters_and_break_between_words() {
        let style = style("font_size = 7.2\nlabels.step = \"iteration\"");
        let label = Type::label(super::super::mark::Align::Left);
        // 2.54 mm an em; Helvetica's digits have 0.556 of it.
        assert!((style.text_width("100", label) - 2.54 * 3.0 * 0.55615).abs() < 1e-3);
        let script = style.text_width("$10^{2}$", label);
        assert!(
            (script - 2.54 * (2.0 + SCRIPT) * 0.55615).abs() < 1e-3,
            "{script}"
        );
        assert_eq!(
            style.text_width("step", label),
            style.text_width("iteration", label)
        );
        let short = style.shortened("outputs/one/and/another", label, 20.0);
        assert!(short.starts_with("outp") && short.ends_with("ther") && short.contains('…'));
        assert!(style.text_width(&short, label) <= 20.0);
        let lines = style.lines("one and two and three", label, 12.0);
        assert_eq!(lines, ["one and", "two and", "three"]);
        let maths = r"of $\sigma_0 = 4 \times 10^{2}$";
        let whole = style.text_width(r"$\sigma_0 = 4 \times 10^{2}$", label);
        let lines = style.lines(maths, label, whole + 0.1);
        assert_eq!(lines, ["of", r"$\sigma_0 = 4 \times 10^{2}$"]);
        let lines = style.lines(maths, label, 9.0);
        assert_eq!(lines, ["of", r"$\sigma_0$$=$$4$$\times$", "$10^{2}$"]);
        let lines = style.lines("sticking-the-landing/incomprehensibilities", label, 12.0);
        assert_eq!(lines[..3], ["sticking-", "the-", "landing/in"]);
        assert!(
            lines
                .iter()
                .all(|line| style.text_width(line, label) <= 12.0)
        );
    }

    #[test]
    fn axes_are_as_asked_for() {
        let style = style("x.limits = [1, 5]\ny.scale = \"log\"\npanels = [\"loss\"]");
        let axis = style.x_axis(Axis::linear(0.0, 1.0, "x"));
        assert_eq!(
            (axis.low, axis.high, axis.scale),
            (1.0, 5.0, AxisScale::Linear)
        );
        let axis = style.y_axis(Axis::linear(0.0, 2.0, "y"));
        assert!(axis.low > 0.0 && axis.scale == AxisScale::Log);
        assert_eq!(style.axis_label(&axis), "y, log scale");
        let panels = [vec!["kl".to_owned()], vec!["loss".to_owned()]];
        assert_eq!(style.chosen("convergence", &panels).unwrap(), [1]);
        let error = style
            .chosen("convergence", &panels[..1])
            .unwrap_err()
            .to_string();
        assert!(error.contains("figures.convergence.panels"), "{error}");
    }
}
