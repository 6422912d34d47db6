//! Reports on finished runs, to attach to a mail: one HTML file that needs nothing else, Markdown
//! with its figures beside it, and a table for LaTeX.
//!
//! The first page is for a reader with a minute: the question, the answer in sentences, one figure, and three
//! numbers. The rest says what was asked, what came out with its errors, what that means, every
//! figure, and how to do it again. They are made from run folders and nothing else. Several runs
//! stand side by side; of a sweep, the best point stands for all.

mod columns;
mod coverage;
mod first;
mod html;
mod latex;
mod markdown;
mod question;
mod settings;
mod swept;
mod table;
mod units;
mod words;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

pub use latex::LatexNumbers;
pub use table::{Table, candidates, comparison, kinds, optima};
pub use units::units;
pub use words::{chosen, remarks, target};

use crate::divergence::DivergenceKind;
use crate::error::{Error, Result};
use crate::files::names;
use crate::plot::{self, Animation, Picture};
use crate::progress::WorkObserver;
use crate::record::{FitSummary, Summary};
use crate::run_folder::{FinishedFit, FinishedRun, OutputFolder, RunFolder, SweepFolder};
use crate::text::{self, count, shell_word, shown};
use first::First;
use settings::Setting;
use swept::Swept;

/// Optima of a fit that are listed.
const LISTED: usize = 8;
/// Points of a sweep among other folders that are more than a line of the table: side by side no more could be
/// compared.
const DETAILED: usize = 16;

/// What a report may be asked for.
#[derive(Debug, Clone, Default)]
pub struct ReportOptions {
    /// How the table for LaTeX writes numbers.
    pub latex: LatexNumbers,
    /// The columns of that table by their names; the usual ones if none are given.
    pub columns: Option<Vec<String>>,
}

/// What the reports are made of.
struct Report {
    title: String,
    /// All runs by their names, each unlike the others.
    summaries: Vec<(String, Summary)>,
    /// Those that are shown in detail.
    runs: Vec<Run>,
    /// The sweep, if the runs are its points: the best of them is shown in detail.
    sweep: Option<Swept>,
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
    animation: Option<Animation>,
}

/// Writes `report.html`, `report.md` and `report.tex` about runs, or about the points of sweeps, and
/// the figures of the Markdown, into a folder. Returns the three files.
///
/// # Errors
/// If there is no run, one is not finished, or the folder cannot be written.
pub fn write(folders: &[PathBuf], out: &Path) -> Result<Vec<PathBuf>> {
    write_with(folders, out, &ReportOptions::default(), &mut ())
}

/// As [`write()`], as it is asked for. The observer is told of every figure.
///
/// # Errors
/// As [`write()`]; if a column is asked for that there is not.
pub fn write_with(
    folders: &[PathBuf],
    out: &Path,
    options: &ReportOptions,
    observer: &mut dyn WorkObserver,
) -> Result<Vec<PathBuf>> {
    let report = Report::read(folders, observer)?;
    let latex = latex::table(&report, options.latex, options.columns.as_deref())?;
    let out = OutputFolder::create(out)?;
    let pictures = report.pictures();
    let mut files = Vec::with_capacity(pictures.len());
    for (file, picture) in &pictures {
        files.push((format!("{file}.png"), picture.png()?));
        observer.done("pictures of the report", files.len(), pictures.len());
    }
    out.inner(names::FIGURES).write(files)?;
    let texts = [html::page(&report), markdown::page(&report), latex];
    let files = names::REPORT.into_iter().zip(texts);
    out.write(
        files
            .map(|(name, text)| (name.to_owned(), text.into_bytes()))
            .collect(),
    )
}

impl Report {
    fn read(folders: &[PathBuf], observer: &mut dyn WorkObserver) -> Result<Self> {
        if let [only] = folders
            && let Some(folder) = SweepFolder::open(only)
        {
            return Self::of_sweep(&folder, observer);
        }
        let (mut names, mut summaries) = (Vec::new(), Vec::new());
        let (mut runs, mut places): (Vec<Run>, _) = (Vec::new(), Vec::new());
        let mut titles = Vec::new();
        let mut take = |folder: &RunFolder, name: Option<String>, is_detailed| -> Result<String> {
            let summary = match is_detailed {
                true => folder.so_far()?,
                false => folder.summary()?,
            };
            if is_detailed {
                let what = match folders {
                    [_] => names::FIGURES.to_owned(),
                    _ => format!("figures of run {}", runs.len() + 1),
                };
                runs.push(Run::read(folder, &what, observer)?);
                places.push(summaries.len());
            }
            let of = summary.name.clone();
            names.push(name.unwrap_or_else(|| of.clone()));
            summaries.push(summary);
            Ok(of)
        };
        for path in folders {
            match SweepFolder::open(path) {
                Some(folder) => {
                    let mut points = 0;
                    let mut of = String::new();
                    for (place, point) in folder.points()?.enumerate() {
                        let (name, run) = point?;
                        of = take(&run, Some(name), place < DETAILED)?;
                        points += 1;
                    }
                    titles.push(format!("the {} of {of}", count(points, "point")));
                }
                None => titles.push(take(&RunFolder::open(path)?, None, true)?),
            }
        }
        let names = numbered_alike(names);
        for (run, place) in runs.iter_mut().zip(places) {
            run.name.clone_from(&names[place]);
        }
        let titles = numbered_alike(titles);
        let title = match titles.len() > DETAILED {
            true => count(names.len(), "run"),
            false => coverage::joined(&titles),
        };
        let summaries: Vec<_> = names.into_iter().zip(summaries).collect();
        if summaries.is_empty() {
            return Err(Error::usage(
                "there is no run to report on",
                "give at least one",
            ));
        }
        Ok(Self {
            title,
            summaries,
            runs,
            sweep: None,
        })
    }

    /// Of every point of a sweep a line, and the best one in detail; of points that all failed the first.
    fn of_sweep(folder: &SweepFolder, observer: &mut dyn WorkObserver) -> Result<Self> {
        let (mut names, mut summaries, mut settings) = (Vec::new(), Vec::new(), Vec::new());
        for point in folder.set_points()? {
            let point = point?;
            names.push(point.name());
            summaries.push(point.folder.summary()?);
            settings.push(point.settings);
        }
        let summaries: Vec<_> = numbered_alike(names).into_iter().zip(summaries).collect();
        let sweep = Swept {
            picture: plot::sweep_picture(folder)?,
            settings,
        };
        let best = sweep.best(&summaries).unwrap_or(0);
        let run = (folder.points()?).nth(best).transpose()?;
        let runs = (run.iter()).map(|(_, run)| Run::read(run, names::FIGURES, observer));
        let title = summaries.first().map(|(_, summary)| summary.name.clone());
        let mut runs = runs.collect::<Result<Vec<_>>>()?;
        for run in &mut runs {
            run.name.clone_from(&summaries[best].0);
        }
        Ok(Self {
            title: format!(
                "{}, a sweep of {}",
                title.unwrap_or_default(),
                count(summaries.len(), "point")
            ),
            summaries,
            runs,
            sweep: Some(sweep),
        })
    }

    /// The first page.
    fn first(&self) -> First<'_> {
        First::of(self)
    }

    /// The figures of a run that are not on the first page.
    fn others<'r>(&self, run: &'r Run) -> impl Iterator<Item = &'r Picture> {
        let first = self.first().figure.map(|shown| shown.picture);
        let pictures = run.pictures.iter();
        pictures.filter(move |picture| !first.is_some_and(|first| std::ptr::eq(first, *picture)))
    }

    /// The table that compares all fits of all runs.
    fn comparison(&self) -> Table {
        let runs = self.summaries.iter();
        comparison(
            &runs
                .map(|(name, summary)| (&**name, summary))
                .collect::<Vec<_>>(),
        )
    }

    /// What is said below the comparison.
    fn note(&self) -> String {
        let (shown, all) = (self.runs.len(), self.summaries.len());
        let fits = || self.summaries.iter().flat_map(|(_, summary)| &summary.fits);
        let mut kinds: Vec<DivergenceKind> = table::kinds(fits());
        kinds.extend(
            self.sweep
                .iter()
                .flat_map(|_| fits().map(|fit| fit.divergence)),
        );
        let mut note = units(kinds, true);
        if fits().any(FitSummary::is_moving) {
            note += " Those that are not at rest would end elsewhere with more steps.";
        }
        if shown < all && self.sweep.is_none() {
            note += &format!(
                " Of {all} runs {shown} follow in detail, of a sweep the first {DETAILED}; `klfit report` with \
                 the folder of another tells of that one."
            );
        }
        note
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
        let of_sweep =
            (self.sweep.iter()).map(|sweep| (sweep.picture.name.to_owned(), &sweep.picture));
        of_sweep.chain(of_runs).collect()
    }
}

/// The names with a number after those that are shared.
fn numbered_alike(names: Vec<String>) -> Vec<String> {
    let mut alike: HashMap<&str, usize> = HashMap::new();
    for name in &names {
        *alike.entry(name).or_default() += 1;
    }
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    let numbered = names.iter().map(|name| {
        let number = numbers.entry(name).or_default();
        *number += 1;
        match alike.get(&**name) {
            Some(1) | None => name.clone(),
            Some(_) => format!("{name} ({number})"),
        }
    });
    numbered.collect()
}

impl Run {
    /// The observer counts its figures as `what`.
    fn read(folder: &RunFolder, what: &str, observer: &mut dyn WorkObserver) -> Result<Self> {
        let finished = FinishedRun::read(folder)?;
        Ok(Self {
            name: finished.summary.name.clone(),
            folder: folder.path().to_owned(),
            config: folder.config_text()?,
            settings: settings::settings(&finished)?,
            pictures: plot::pictures(folder, &finished, what, observer)?,
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

    /// What was chosen of several fits, and the tables of those.
    fn choices(&self) -> impl Iterator<Item = (String, Table)> {
        let choices = self.finished.summary.choices.iter();
        choices.filter_map(|choice| {
            let what = format!("{}: {}", text::plain(&choice.name), chosen(choice)?);
            Some((what, candidates(choice)))
        })
    }

    /// The tables of optima, of the fits with several restarts.
    fn optima(&self) -> impl Iterator<Item = (&FinishedFit, Table)> {
        let fits = self.finished.fits.iter();
        fits.filter(|fit| fit.summary.restarts > 1 && !fit.summary.optima.is_empty())
            .map(|fit| (fit, optima(&fit.summary, LISTED)))
    }

    /// What that table is called: what has not come to rest is no optimum.
    fn heading_of_optima(fit: &FinishedFit) -> String {
        let summary = &fit.summary;
        match summary.are_all_at_rest() {
            true => format!("Optima of {}", fit.name()),
            false => format!("Where the restarts of {} ended", fit.name()),
        }
    }

    /// How many more there are than that table has.
    fn optima_left_out(fit: &FinishedFit) -> Option<String> {
        let left_out = fit.summary.optima.len().checked_sub(LISTED + 1)? + 1;
        Some(format!("And {left_out} more, in summary.json."))
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
            text::seconds(summary.seconds),
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
