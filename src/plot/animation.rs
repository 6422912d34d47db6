//! The fits of a run in motion, as a GIF for slides: one palette for all of it, and of each picture
//! only what has changed.

use std::collections::HashMap;

use gif::{DisposalMethod, Encoder, Frame, Repeat};
use plotters::style::RGBColor;
use resvg::tiny_skia::Pixmap;

use super::export::Drawing;
use super::layout::{Layout, Panels};
use super::legend::{self, Entry, LegendKey};
use super::margins::{ROOMY, equal_aspect};
use super::mark::{Align, Rect, Type};
use super::panel::Panel;
use super::plane_2d::View;
use super::sheet::Sheet;
use super::style::{Style, ink};
use super::theme::{self, stroke};
use super::{densities, fits, line_1d, plane_2d};
use crate::error::{Error, Result};
use crate::mixture::Mixture;
use crate::run_folder::{FinishedFit, FinishedRun, OutputFolder};
use crate::text;

/// Pictures a second: a GIF's delays are hundredths of one.
const RATE: f64 = 20.0;
/// The last picture stays this long, in hundredths of a second.
const REST: u16 = 200;
/// Panels of it.
const PANELS: Panels = Panels {
    least: 60.0,
    most: 2,
    height: |_| 66.0,
    below: 0.0,
};
const PLANES: Panels = Panels {
    height: |width| if width > 100.0 { 120.0 } else { 86.0 },
    ..PANELS
};
/// What it is called, the name of its file, and what it shows.
const NAME: &str = "animation";
pub const FILE: &str = "animation.gif";
const CAPTION: &str = "Every fit step by step.";
/// The largest that is read back, in bytes.
const LARGEST: u64 = 256 << 20;
/// The most colours of a GIF, less the one that means unchanged.
const COLORS: usize = 255;

/// How long and how wide.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Motion {
    /// Seconds from the first step to the last.
    pub seconds: f64,
    /// Pixels.
    pub width: u32,
}

/// Where a fit is at one moment.
struct Moment {
    step: usize,
    q: Mixture,
    /// Its divergence, in words.
    value: String,
}

/// Fits in motion.
pub struct Animation {
    /// What they show.
    pub caption: &'static str,
    /// The GIF.
    pub gif: Vec<u8>,
}

/// What was drawn into a folder before.
pub fn read(folder: &OutputFolder) -> Option<Animation> {
    Some(Animation {
        caption: CAPTION,
        gif: folder.read(FILE, LARGEST)?,
    })
}

/// Draws it, as a GIF.
///
/// # Errors
/// If there are more than two dimensions, or it is too large.
pub fn draw(finished: &FinishedRun, motion: Motion, style: &Style) -> Result<Vec<u8>> {
    if finished.dim() > 2 {
        return Err(Error::usage(
            format!("there is no animation in {} dimensions", finished.dim()),
            "give a run in one or two; `klfit plot` draws the others",
        ));
    }
    let count = (motion.seconds * RATE).round().max(2.0) as usize;
    let mut pictures: Vec<Pixmap> = Vec::with_capacity(count);
    let view = View::default();
    for i in 0..count {
        let share = i as f64 / (count - 1) as f64;
        let drawing = picture(finished, style, share, &view)?;
        pictures.push(drawing.pixels(NAME, motion.width)?);
    }
    encode(&pictures).map_err(|message| Error::figure(NAME, message))
}

/// The step at a share of the time: a fit moves most at its beginning.
fn step_at(share: f64, steps: usize) -> f64 {
    steps as f64 * share * share
}

/// Where the best run of a fit is at a step: on the straight way from the record before to the one
/// after, in natural parameters. Its numbers are those of the record before.
fn moment(fit: &FinishedFit, step: f64) -> Option<Moment> {
    let rows = fit.best_rows();
    let after = rows.iter().position(|row| row.step as f64 > step);
    let place = after.unwrap_or(rows.len()).saturating_sub(1);
    let row = *rows.get(place)?;
    let next = rows.get(place + 1).copied().unwrap_or(row);
    let length = (next.step - row.step).max(1) as f64;
    let share = ((step - row.step as f64) / length).clamp(0.0, 1.0);
    let mut between = row.clone();
    for (now, next) in between.parameters.iter_mut().zip(&next.parameters) {
        let there = *now + share * (next - *now);
        // A component that comes or goes does so at once.
        if !there.is_nan() {
            *now = there;
        }
    }
    if fit.plan.family.components() > 1 && fit.plan.family.fixed_weights().is_none() {
        let weights = &mut between.parameters[..fit.plan.family.components()];
        let sum: f64 = weights.iter().filter(|weight| !weight.is_nan()).sum();
        weights.iter_mut().for_each(|weight| *weight /= sum);
    }
    let (value, error) = row.divergence(fit.plan.divergence);
    Some(Moment {
        step: row.step,
        q: fit.mixture(&between)?,
        value: match error.is_finite() {
            true => text::fixed(value, 4),
            false => "not known".to_owned(),
        },
    })
}

fn picture(finished: &FinishedRun, style: &Style, share: f64, view: &View) -> Result<Drawing> {
    let fits = &finished.fits;
    let entries = entries(finished);
    let kind = if finished.dim() == 1 { PANELS } else { PLANES };
    let layout = Layout::of_panels(style, &entries, fits.len(), kind)?;
    // All fits share one clock, so that the slower one is seen to be slower.
    let steps = (fits
        .iter()
        .filter_map(|fit| fit.best_rows().last().map(|row| row.step)))
    .max();
    let step = step_at(share, steps.unwrap_or(0));
    layout.draw(&entries, |sheet| {
        for (i, fit) in fits.iter().enumerate() {
            let cell = layout.cell(i);
            let now = moment(fit, step);
            let panel = panel(sheet, cell, finished, &fit.title())?;
            if let Some(now) = &now {
                let words = format!(
                    "step {} · {} {}",
                    now.step,
                    fit.plan.divergence.symbol(),
                    now.value
                );
                let at = (
                    cell.right - style.scaled(ROOMY.right),
                    cell.top + style.scaled(0.55 * ROOMY.top),
                );
                sheet.text(at, &words, Type::label(Align::Right), ink())?;
            }
            let fit = (fit, style.fit_color(i));
            scene(&panel, (finished, view), fit, now.as_ref())?;
        }
        Ok(())
    })
}

/// The same axes in every picture: those of the figure of densities.
fn panel<'a, 's>(
    sheet: &'a Sheet<'s>,
    cell: Rect,
    finished: &FinishedRun,
    title: &str,
) -> Result<Panel<'a, 's>> {
    let (x, y) = match finished.dim() {
        1 => line_1d::axes(sheet.style, finished, densities::SNAPSHOTS),
        _ => {
            let names = finished.coordinates();
            let ends = fits::ends(finished);
            let (x, y) = plane_2d::axes(&finished.target, ends.iter(), (&names[0], &names[1]));
            equal_aspect(ROOMY.frame(sheet.style, cell), x, y)
        }
    };
    Panel::new(sheet, cell, title, x, y)
}

fn scene(
    panel: &Panel,
    (finished, view): (&FinishedRun, &View),
    (fit, color): (&FinishedFit, RGBColor),
    now: Option<&Moment>,
) -> Result<()> {
    let line = stroke(color, 1.0, theme::THICK);
    if finished.dim() == 1 {
        line_1d::draw_target(panel, &finished.target)?;
        return match now {
            Some(now) => line_1d::draw_fit(panel, &now.q, line),
            None => Ok(()),
        };
    }
    view.draw(panel, &finished.target)?;
    let Some(now) = now else {
        return Ok(());
    };
    let past = fit.best_rows().into_iter();
    // Components that come and go have no way from the start to here.
    let way: Vec<Mixture> = match fit.plan.adapt {
        Some(_) => Vec::new(),
        None => (past.take_while(|row| row.step <= now.step))
            .filter_map(|row| fit.mixture(row))
            .chain([now.q.clone()])
            .collect(),
    };
    plane_2d::draw_path(panel, &way, stroke(color, 0.8, theme::THIN))?;
    plane_2d::draw_fit(panel, &now.q, line)
}

fn entries(finished: &FinishedRun) -> Vec<Entry> {
    let fit = stroke(theme::INK, 1.0, theme::THICK);
    let mut entries = vec![legend::target(&finished.target)];
    match finished.dim() {
        1 => entries.push((LegendKey::Line(fit), "fit q".to_owned())),
        _ => entries.extend(plane_2d::entries(fit)),
    }
    entries
}

/// The colours of a GIF, and the place of each pixel's.
struct Palette {
    quantizer: color_quant::NeuQuant,
    known: HashMap<[u8; 3], u8>,
}

impl Palette {
    /// The best colours for some pictures of the same thing.
    fn new(pictures: &[Pixmap]) -> Self {
        // A few show all there is; every colour once, since thin lines must keep theirs.
        let several = pictures.iter().step_by(pictures.len().div_ceil(6));
        let mut colors: HashMap<[u8; 3], usize> = HashMap::new();
        for pixel in several.flat_map(|picture| picture.pixels()) {
            *colors
                .entry([pixel.red(), pixel.green(), pixel.blue()])
                .or_default() += 1;
        }
        let mut sorted: Vec<_> = colors.into_iter().collect();
        sorted.sort_unstable();
        let samples: Vec<u8> = (sorted.iter())
            .flat_map(|(color, count)| {
                let weight = 1 + count.ilog2() as usize;
                std::iter::repeat_n([color[0], color[1], color[2], 255], weight)
            })
            .flatten()
            .collect();
        Self {
            quantizer: color_quant::NeuQuant::new(1, COLORS, &samples),
            known: HashMap::new(),
        }
    }

    fn place(&mut self, color: [u8; 3]) -> u8 {
        let quantizer = &self.quantizer;
        *(self.known.entry(color))
            .or_insert_with(|| quantizer.index_of(&[color[0], color[1], color[2], 255]) as u8)
    }
}

fn encode(pictures: &[Pixmap]) -> Result<Vec<u8>, String> {
    let Some(first) = pictures.first() else {
        return Err("there is no picture".to_owned());
    };
    let too_large = |_| "the picture is too large for a GIF".to_owned();
    let width = u16::try_from(first.width()).map_err(too_large)?;
    let height = u16::try_from(first.height()).map_err(too_large)?;
    let mut palette = Palette::new(pictures);
    let mut colors = palette.quantizer.color_map_rgb();
    colors.resize(3 * (COLORS + 1), 0);
    let mut bytes = Vec::new();
    let failed = |error: gif::EncodingError| error.to_string();
    let mut encoder = Encoder::new(&mut bytes, width, height, &colors).map_err(failed)?;
    encoder.set_repeat(Repeat::Infinite).map_err(failed)?;
    let mut shown: Vec<u8> = Vec::new();
    for (i, picture) in pictures.iter().enumerate() {
        let places: Vec<u8> = (picture.pixels().iter())
            .map(|pixel| palette.place([pixel.red(), pixel.green(), pixel.blue()]))
            .collect();
        let changed = Changed::between(&shown, &places, usize::from(width));
        let delay = match i + 1 == pictures.len() {
            true => REST,
            false => (100.0 / RATE) as u16,
        };
        let mut frame = Frame {
            delay,
            dispose: DisposalMethod::Keep,
            transparent: Some(COLORS as u8),
            left: changed.left as u16,
            top: changed.top as u16,
            width: changed.width as u16,
            height: changed.height as u16,
            buffer: changed.pixels.into(),
            ..Frame::default()
        };
        frame.make_lzw_pre_encoded();
        encoder
            .write_lzw_pre_encoded_frame(&frame)
            .map_err(failed)?;
        shown = places;
    }
    drop(encoder);
    Ok(bytes)
}

/// The smallest box that holds every pixel that is not as before, the others in it transparent.
struct Changed {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Changed {
    fn between(before: &[u8], now: &[u8], width: usize) -> Self {
        let height = now.len() / width;
        let is_new = |at: usize| before.get(at) != Some(&now[at]);
        let new: Vec<usize> = (0..now.len()).filter(|&at| is_new(at)).collect();
        let columns = || new.iter().map(|at| at % width);
        // A picture that is like the last one still takes its time.
        let (left, right) = (columns().min().unwrap_or(0), columns().max().unwrap_or(0));
        let top = new.first().map_or(0, |at| at / width);
        let bottom = new.last().map_or(0, |at| at / width).min(height - 1);
        let pixels = (top..=bottom)
            .flat_map(|row| (left..=right).map(move |column| row * width + column))
            .map(|at| if is_new(at) { now[at] } else { COLORS as u8 })
            .collect();
        Self {
            left,
            top,
            width: right - left + 1,
            height: bottom - top + 1,
            pixels,
        }
    }
}
