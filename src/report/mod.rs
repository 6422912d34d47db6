//! Reports on finished runs, to attach to a mail: one HTML file that needs nothing else, Markdown
//! with its figures beside it, and a table for LaTeX.
//!
//! All three say the same: what was asked, what came out with its errors, what that means, every
//! figure, and how to do it again. They are made from run folders and nothing else. Several runs
//! stand side by side.

mod html;
mod latex;
mod markdown;
mod settings;
mod table;
mod words;

use std::path::{Path, PathBuf};

pub use table::{Table, comparison, optima};
pub use words::{is_at_rest, remarks};

use crate::error::{Error, Result};
use crate::files::names;
use crate::plot::{self, Gif, Picture};
use crate::run_folder::{FinishedFit, FinishedRun, OutputFolder, RunFolder, SweepFolder};
use crate::text::{shell_word, shown};
use settings::Setting;

/// Optima of a fit that are listed.
const LISTED: usize = 8;

/// What the reports are made of.
struct Report {
    title: String,
    runs: Vec<Run>,
    /// The figure of a sweep, if the runs are its points.
    sweep: Option<Picture>,
}

/// One of the runs.
struct Run {
    /// What it is called, unlike the others.
    name: String,
    folder: PathBuf,
    finished: FinishedRun,
    /// Its config as TOML, which runs it again.
    config: String,
    settings: Vec<Setting>,
    pictures: Vec<Picture>,
    /// A GIF, where one was made.
    animation: Option<Picture<Gif>>,
}

/// Writes `report.html`, `report.md` and `report.tex` about runs, or about the points of sweeps, and
/// the figures of the Markdown, into a folder. Returns the three files.
///
/// # Errors
/// If there is no run, one is not finished, or the folder cannot be written.
pub fn write(folders: &[PathBuf], out: &Path) -> Result<Vec<PathBuf>> {
    let report = Report::read(folders)?;
    let out = OutputFolder::create(out)?;
    let pictures = (report.pictures().into_iter())
        .map(|(file, picture)| Ok((format!("{file}.png"), picture.png()?)))
        .collect::<Result<_>>()?;
    out.inner(names::FIGURES).write(pictures)?;
    let texts = [
        html::page(&report),
        markdown::page(&report),
        latex::table(&report),
    ];
    let files = names::REPORT.into_iter().zip(texts);
    out.write(
        files
            .map(|(name, text)| (name.to_owned(), text.into_bytes()))
            .collect(),
    )
}

impl Report {
    fn read(folders: &[PathBuf]) -> Result<Self> {
        let (mut runs, mut sweep): (Vec<Run>, Option<Picture>) = (Vec::new(), None);
        for path in folders {
            match SweepFolder::open(path) {
                Some(folder) => {
                    for (label, point) in folder.points()? {
                        runs.push(Run::read(&point, Some(label))?);
                    }
                    if folders.len() == 1 {
                        sweep = Some(plot::sweep_picture(&folder)?);
                    }
                }
                None => runs.push(Run::read(&RunFolder::open(path)?, None)?),
            }
        }
        if runs.is_empty() {
            return Err(Error::usage(
                "there is no run to report on",
                "give at least one",
            ));
        }
        number_alike(&mut runs);
        let title = match (&sweep, &runs[..]) {
            (Some(_), _) => "A sweep".to_owned(),
            (None, [one]) => one.name.clone(),
            (None, several) => {
                let all: Vec<&str> = several.iter().map(|run| &*run.name).collect();
                all.join(", ")
            }
        };
        Ok(Self { title, runs, sweep })
    }

    /// The table that compares all fits of all runs.
    fn comparison(&self) -> Table {
        let runs: Vec<_> = (self.runs.iter())
            .map(|run| (&*run.name, &run.finished.summary))
            .collect();
        comparison(&runs)
    }

    /// Whether the runs must be told apart.
    fn has_several(&self) -> bool {
        self.runs.len() > 1
    }

    /// What the file of a run's figure is called, without its folder and extension.
    fn file_of(&self, run: usize, picture: &Picture) -> String {
        match self.has_several() {
            true => format!("{}-{}", run + 1, picture.name),
            false => picture.name.to_owned(),
        }
    }

    /// Every figure with the name of its file.
    fn pictures(&self) -> Vec<(String, &Picture)> {
        let of_runs = self.runs.iter().enumerate().flat_map(|(place, run)| {
            let pictures = run.pictures.iter();
            pictures.map(move |picture| (self.file_of(place, picture), picture))
        });
        let of_sweep = self
            .sweep
            .iter()
            .map(|sweep| (sweep.name.to_owned(), sweep));
        of_sweep.chain(of_runs).collect()
    }
}

/// Numbers the runs that share a name.
fn number_alike(runs: &mut [Run]) {
    let names: Vec<String> = runs.iter().map(|run| run.name.clone()).collect();
    for (i, run) in runs.iter_mut().enumerate() {
        let alike = |name: &&String| **name == names[i];
        if names.iter().filter(alike).count() > 1 {
            let number = names[..=i].iter().filter(alike).count();
            run.name = format!("{} ({number})", names[i]);
        }
    }
}

impl Run {
    fn read(folder: &RunFolder, label: Option<String>) -> Result<Self> {
        let finished = FinishedRun::read(folder)?;
        Ok(Self {
            name: label.unwrap_or_else(|| finished.summary.name.clone()),
            folder: folder.path().to_owned(),
            config: folder.config_text()?,
            settings: settings::settings(&finished)?,
            pictures: plot::pictures(folder, &finished)?,
            animation: plot::animation(folder),
            finished,
        })
    }

    /// One sentence on what was done.
    fn lead(&self) -> String {
        settings::lead(&self.finished)
    }

    /// Its fits with what there is to say of each.
    fn remarks(&self) -> impl Iterator<Item = (&FinishedFit, Vec<String>)> {
        let fits = self.finished.fits.iter();
        fits.map(|fit| (fit, remarks(&fit.summary)))
    }

    /// The tables of optima, of the fits with several restarts.
    fn optima(&self) -> impl Iterator<Item = (&FinishedFit, Table)> {
        let fits = self.finished.fits.iter();
        fits.filter(|fit| fit.summary.restarts > 1 && !fit.summary.optima.is_empty())
            .map(|fit| (fit, optima(&fit.summary, LISTED)))
    }

    /// What computed it, and for how long.
    fn versions(&self) -> String {
        let summary = &self.finished.summary;
        format!(
            "klfit {} on burn {}, {} with {}, seed {}, {}",
            summary.versions.klfit,
            summary.versions.burn,
            summary.device.backend.name(),
            summary.device.precision.name(),
            summary.seed,
            crate::text::seconds(summary.seconds),
        )
    }

    /// The command that does it again.
    fn command(&self) -> String {
        let config = self.folder.join(names::CONFIG).display().to_string();
        let name = self.folder.file_name().unwrap_or_default();
        let again = format!("{}-again", name.display());
        let command = format!(
            "klfit run {} --out {}",
            shell_word(&config),
            shell_word(&again)
        );
        shown(&command).into_owned()
    }
}
