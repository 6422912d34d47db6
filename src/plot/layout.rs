//! Where the parts of a figure are: its title, its legend, and panels in rows that follow from its width.

use super::export::Drawing;
use super::legend::{self, Entry};
use super::margins::ROOMY;
use super::mark::{Align, Rect, Type};
use super::sheet::{self, LEADING, Sheet};
use super::style::{Style, ink};
use crate::config::LegendPlace;
use crate::error::{Error, Result};

/// Between a legend and the panels, in mm.
const AIR: f64 = 1.0;
/// What is drawn has no less than this share of the height it would take.
const LEAST: f64 = 0.4;
/// The least width of a panel, in mm where letters have 8 points.
const NARROWEST: f64 = 36.0;
/// The least height of the frame of a panel, in mm.
const FLATTEST: f64 = 8.0;

/// How panels of a kind are laid.
#[derive(Debug, Clone, Copy)]
pub struct Panels {
    /// The least width of one, in mm where letters have 8 points.
    pub least: f64,
    /// How many stand side by side at most.
    pub most: usize,
    /// The height of one of a width, both in mm.
    pub height: fn(f64) -> f64,
    /// What stands below each, in mm.
    pub below: f64,
}

/// Where the parts of a figure are, in mm.
pub struct Layout<'s> {
    style: &'s Style,
    width: f64,
    height: f64,
    title: Vec<String>,
    legend: Rect,
    /// What is left for panels.
    pub body: Rect,
    /// How many panels stand side by side, and below each other.
    pub columns: usize,
    pub rows: usize,
}

impl<'s> Layout<'s> {
    /// So many panels of a kind, as even as they can be: four stand two by two.
    ///
    /// # Errors
    /// If the height that is asked for is too little.
    pub fn of_panels(
        style: &'s Style,
        entries: &[Entry],
        count: usize,
        panels: Panels,
    ) -> Result<Self> {
        let count = count.max(1);
        let fitting = (style.width / style.scaled(panels.least)) as usize;
        let most = style
            .columns
            .unwrap_or(fitting.min(panels.most))
            .clamp(1, count);
        let narrowest = style.scaled(NARROWEST);
        if style.columns.is_some() && style.width < narrowest * most as f64 {
            let (width, fitting) = (style.width, (style.width / narrowest).max(1.0).floor());
            return Err(Error::usage(
                format!("{most} columns are too many for a figure {width} mm wide"),
                format!(
                    "give {fitting}, or a width of {:.0} mm or more",
                    (narrowest * most as f64).ceil()
                ),
            ));
        }
        let rows = count.div_ceil(most);
        let columns = match style.columns {
            Some(_) => most,
            None => count.div_ceil(rows),
        };
        let row = (panels.height)(style.width / columns as f64) + panels.below;
        let around = style.scaled(ROOMY.top + ROOMY.bottom);
        let needed = (around + FLATTEST + panels.below).max(LEAST * row);
        let mut layout = Self::of_size(
            style,
            entries,
            [style.width, row * rows as f64],
            needed * rows as f64,
        )?;
        (layout.columns, layout.rows) = (columns, rows);
        Ok(layout)
    }

    /// Whatever takes this height, in mm.
    ///
    /// # Errors
    /// If the height that is asked for is too little.
    pub fn of_height(style: &'s Style, entries: &[Entry], height: f64) -> Result<Self> {
        Self::of_size(style, entries, [style.width, height], LEAST * height)
    }

    /// Whatever takes this width and height, and no less than another height, in mm.
    ///
    /// # Errors
    /// If the height that is asked for is too little.
    pub fn of_size(
        style: &'s Style,
        entries: &[Entry],
        [width, height]: [f64; 2],
        least: f64,
    ) -> Result<Self> {
        let kind = Type::title(Align::Center);
        let title = style.title.as_deref().map_or_else(Vec::new, |title| {
            style.lines(title, kind, width - 2.0 * style.text)
        });
        let above = match title.len() {
            0 => 0.0,
            lines => style.text * (1.2 + LEADING * kind.size * lines as f64),
        };
        let words = match style.legend {
            LegendPlace::None => 0.0,
            _ if entries.is_empty() => 0.0,
            _ => legend::height(style, width, entries) + AIR,
        };
        let whole = style.height.unwrap_or(above + words + height);
        if whole - above - words < least {
            return Err(Error::usage(
                format!("a height of {whole} mm is too little for a figure {width} mm wide"),
                format!("give {:.0} mm or more", (above + words + least).ceil()),
            ));
        }
        let (legend, body) = match style.legend {
            LegendPlace::Bottom => (
                Rect::new(0.0, whole - words, width, whole),
                Rect::new(0.0, above, width, whole - words),
            ),
            _ => (
                Rect::new(0.0, above, width, above + words),
                Rect::new(0.0, above + words, width, whole),
            ),
        };
        Ok(Self {
            style,
            width,
            height: whole,
            title,
            legend,
            body,
            columns: 1,
            rows: 1,
        })
    }

    /// The place of a panel.
    pub fn cell(&self, panel: usize) -> Rect {
        let (row, column) = (panel / self.columns, panel % self.columns);
        self.body.cell((row, self.rows), (column, self.columns))
    }

    /// Draws the title and the legend, and what belongs in the body.
    ///
    /// # Errors
    /// If that cannot be drawn.
    pub fn draw(
        &self,
        entries: &[Entry],
        paint: impl FnOnce(&Sheet) -> Result<()>,
    ) -> Result<Drawing> {
        sheet::draw(self.style, self.width, self.height, |sheet| {
            let kind = Type::title(Align::Center);
            let apart = LEADING * kind.size * self.style.text;
            for (i, line) in self.title.iter().enumerate() {
                let at = (
                    0.5 * self.width,
                    0.6 * self.style.text + apart * (i as f64 + 0.5),
                );
                sheet.text(at, line, kind, ink())?;
            }
            if self.style.legend != LegendPlace::None && !entries.is_empty() {
                legend::draw(sheet, self.legend, entries)?;
            }
            paint(sheet)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PANELS: Panels = Panels {
        least: 50.0,
        most: 3,
        height: |width| 0.8 * width,
        below: 0.0,
    };

    fn columns(settings: &str, count: usize) -> (usize, usize) {
        let style = Style::new(&toml::from_str(settings).unwrap()).unwrap();
        let layout = Layout::of_panels(&style, &[], count, PANELS).unwrap();
        (layout.columns, layout.rows)
    }

    #[test]
    fn panels_are_laid_by_the_width_and_the_size_of_letters() {
        assert_eq!(columns("", 3), (3, 1));
        assert_eq!(columns("", 4), (2, 2));
        assert_eq!(columns("", 7), (3, 3));
        assert_eq!(columns("width = \"column\"", 3), (1, 3));
        assert_eq!(columns("width = \"column\"\nfont_size = 6", 4), (2, 2));
        assert_eq!(columns("columns = 4", 4), (4, 1));
        assert_eq!(columns("columns = 9", 4), (4, 1));
        let narrow = Style::new(&toml::from_str("columns = 99").unwrap()).unwrap();
        let Err(error) = Layout::of_panels(&narrow, &[], 9, PANELS) else {
            panic!("it fits");
        };
        assert!(
            error.to_string().contains("9 columns are too many"),
            "{error}"
        );
    }

    #[test]
    fn a_height_is_kept_or_refused() {
        let style = |height: f64| {
            let settings = format!("width = 100\nheight = {height}\ntitle = \"two fits\"");
            Style::new(&toml::from_str(&settings).unwrap()).unwrap()
        };
        let high = style(90.0);
        let layout = Layout::of_panels(&high, &[], 2, PANELS).unwrap();
        assert_eq!(layout.body.bottom, 90.0);
        assert!((3.0..9.0).contains(&layout.body.top), "{:?}", layout.body);
        let Err(error) = Layout::of_panels(&style(20.0), &[], 2, PANELS) else {
            panic!("it fits");
        };
        assert!(error.to_string().contains("20 mm is too little"), "{error}");
    }
}
